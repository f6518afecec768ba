import { StateError, show } from '../errors.ts';
import type { Storage } from '../storage.ts';
import { type Layout, Tensor } from '../tensor.ts';
import { type TraceListener, untraced, withTracing } from '../tracing.ts';
import type { Step, Trace, Value } from './graph.ts';
import { placesIn, sameLayout, viewStep } from './views.ts';

/** What is known of a block of elements: the tensor that stands for it, its value now, and how often it was written. */
interface Owner {
  readonly layout: Layout;
  value: Value;
  writes: number;
}

/** What is known of a tensor: its value after so many writes to its block, and the view it came from. */
interface Entry {
  readonly value: Value;
  readonly writes: number;
  readonly via: { readonly name: string; readonly from: Tensor } | null;
}

/** Writes down what a function of tensors does: primitives and views, in order, with writes in place as new values. */
export class Recorder implements TraceListener {
  /** The path of the module whose `forward` is running. */
  scope = '';
  readonly steps: Step[] = [];
  readonly values: Value[] = [];
  private readonly named: ReadonlyMap<Storage, readonly [string, Tensor]>;
  private readonly owners = new Map<Storage, Owner>();
  private readonly entries = new Map<Tensor, Entry>();

  /** @param named - parameters and buffers, which keep their names */
  constructor(named: Iterable<readonly [string, Tensor]> = []) {
    const map = new Map<Storage, readonly [string, Tensor]>();
    for (const pair of named) if (!map.has(pair[1].storage)) map.set(pair[1].storage, pair);
    this.named = map;
  }

  /** Makes a tensor an argument. */
  input(x: Tensor, index: number): Value {
    const value = this.add({ ...this.leaf(x), input: index });
    this.owners.set(x.storage, { layout: layoutOf(x), value, writes: 0 });
    this.entries.set(x, { value, writes: 0, via: null });
    return value;
  }

  /** The value of a tensor as it is now. */
  valueOf(x: Tensor): Value {
    const owner = this.owners.get(x.storage) ?? this.found(x);
    const entry = this.entries.get(x);
    if (entry !== undefined && entry.writes === owner.writes) return entry.value;
    const value = this.seen(x, owner, entry?.via ?? null);
    this.entries.set(x, { value, writes: owner.writes, via: entry?.via ?? null });
    return value;
  }

  ran({ name }: { readonly name: string }, inputs: readonly (Tensor | number)[], outputs: readonly Tensor[], attrs: unknown): void {
    if (outputs[0].device.kernelOf !== undefined) return;
    const made = this.step(name, inputs.map((x) => (typeof x === 'number' ? x : this.valueOf(x))), outputs, attrs);
    outputs.forEach((y, i) => this.wrote(y, made[i], inputs[0] === y));
  }

  writing(x: Tensor): void {
    if (x.device.kernelOf === undefined) this.valueOf(x);
  }

  viewed(name: string, x: Tensor, views: readonly Tensor[]): void {
    if (x.device.kernelOf !== undefined) return;
    const from = this.valueOf(x);
    const { writes } = this.owners.get(x.storage) as Owner;
    for (const view of views) this.entries.set(view, { value: this.view(name, from, x, view), writes, via: { name, from: x } });
  }

  reading(x: Tensor): void {
    if (x.device.kernelOf !== undefined) return;
    const value = this.valueOf(x);
    if (value.data !== null) return;
    const where = this.scope === '' ? 'forward' : `forward of '${this.scope}'`;
    throw new StateError(`trace: values were read in ${where}, got a read of ${show(x)} that depends on the arguments; expected tensor operations`, {
      hint: 'where() and masks take the place of conditions on values',
    });
  }

  /** The same elements as a value of their own, for a module that hands on what it was given. */
  handedOn(x: Tensor): Tensor {
    const y = untraced(() => x.view(x.shape));
    const value = this.step('identity', [this.valueOf(x)], [y], undefined)[0];
    this.entries.set(y, { value, writes: (this.owners.get(x.storage) as Owner).writes, via: { name: 'view', from: x } });
    return y;
  }

  private add(value: Omit<Value, 'id'>): Value {
    const made = { id: this.values.length, ...value };
    this.values.push(made);
    return made;
  }

  private leaf({ shape, dtype }: Tensor): Omit<Value, 'id'> {
    return { shape, dtype, input: null, name: null, data: null, step: null, index: 0 };
  }

  /** A block that is seen for the first time. */
  private found(x: Tensor): Owner {
    const [name, holder] = this.named.get(x.storage) ?? [null, x.base ?? x];
    const value = this.add({ ...this.leaf(holder), name, data: untraced(() => holder.data()) });
    const owner = { layout: layoutOf(holder), value, writes: 0 };
    this.owners.set(x.storage, owner);
    return owner;
  }

  /** The value of a tensor that looks into a block. */
  private seen(x: Tensor, owner: Owner, via: Entry['via']): Value {
    if (sameLayout(owner.layout, x)) return owner.value;
    if (via !== null && via.from !== x) return this.view(via.name, this.valueOf(via.from), via.from, x);
    return this.view('alias', owner.value, owner.layout, x);
  }

  private view(name: string, value: Value, from: Layout, to: Tensor): Value {
    const owner = this.owners.get(to.storage) as Owner;
    const found = viewStep(name, from, to) ?? (from === owner.layout ? null : viewStep('alias', owner.layout, to));
    if (found === null) throw new StateError(`trace: a view of cells that no tensor has, got ${show(to)}; expected a view into its tensor`);
    if (found.kind === 'same') return value;
    const source = from !== owner.layout && viewStep(name, from, to) === null ? owner.value : value;
    return this.step(`view.${found.kind}`, [source], [to], found.attrs)[0];
  }

  private step(op: string, inputs: readonly (Value | number)[], outputs: readonly Tensor[], attrs: unknown): Value[] {
    const fixed = inputs.every((x) => typeof x === 'number' || (x.data !== null && x.name === null));
    const made: Value[] = [];
    const step: Step = { op, inputs, outputs: made, attrs, scope: this.scope };
    outputs.forEach((y, index) => made.push(this.add({ ...this.leaf(y), step, index, data: fixed ? untraced(() => y.data()) : null })));
    this.steps.push(step);
    return made;
  }

  /** A tensor has a new value. */
  private wrote(y: Tensor, value: Value, inPlace: boolean): void {
    const owner = this.owners.get(y.storage);
    if (!inPlace || owner === undefined) {
      this.owners.set(y.storage, { layout: layoutOf(y), value, writes: 0 });
      this.entries.set(y, { value, writes: 0, via: null });
      return;
    }
    const whole = sameLayout(owner.layout, y);
    owner.value = whole ? value : this.put(owner, y, value);
    owner.writes++;
    this.entries.set(y, { value, writes: owner.writes, via: this.entries.get(y)?.via ?? null });
  }

  /** The whole block after a write through a view. */
  private put(owner: Owner, y: Tensor, value: Value): Value {
    const places = placesIn(owner.layout, y);
    if (places === null) throw new StateError(`trace: a write through a view that its tensor does not hold, got ${show(y)}; expected a view into its tensor`);
    const whole = new Tensor(y.storage, owner.layout.shape, owner.layout.strides, owner.layout.offset);
    return this.step('put', [owner.value, value], [whole], places)[0];
  }
}

function layoutOf({ shape, strides, offset }: Tensor): Layout {
  return { shape, strides, offset };
}

/** Runs a function under a recorder and gives what it returned and the trace. */
export function record<T>(recorder: Recorder, inputs: readonly Tensor[], fn: () => T, leaves: (result: T) => readonly Tensor[]): { readonly result: T; readonly trace: Trace } {
  const given = inputs.map((x, i) => recorder.input(x, i));
  const result = withTracing(recorder, fn);
  const outputs = untraced(() => leaves(result).map((y) => recorder.valueOf(y)));
  return { result, trace: { inputs: given, outputs, steps: recorder.steps, values: recorder.values } };
}

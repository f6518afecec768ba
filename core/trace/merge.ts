import { StateError } from '../errors.ts';
import type { DType, TypedArray } from '../dtype.ts';
import { sameShape } from '../shape.ts';
import type { Step, Trace, Value } from './graph.ts';
import { type Axis, type Size, SymbolicSize, sizeOf } from './sizes.ts';

/** An attribute that differs between traces and is no number. */
export const VARYING: unique symbol = Symbol('varying');

/** What a value is, whatever the sizes of the arguments. */
export type Origin =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'parameter'; readonly name: string; readonly data: TypedArray }
  | { readonly kind: 'constant'; readonly data: TypedArray }
  /** The same number everywhere, in a shape that depends on the arguments. */
  | { readonly kind: 'filled'; readonly value: number }
  /** `start`, `start + step`, … along its only dimension, as many as that has. */
  | { readonly kind: 'range'; readonly start: number; readonly step: number }
  | { readonly kind: 'step'; readonly step: GraphStep; readonly index: number };

/** A tensor of a graph. */
export interface GraphValue {
  readonly id: number;
  readonly shape: readonly Size[];
  readonly dtype: DType;
  readonly origin: Origin;
}

/** A primitive or view of a graph. */
export interface GraphStep {
  readonly op: string;
  /** Tensors, and numbers, which may depend on sizes. */
  readonly inputs: readonly (GraphValue | Size)[];
  readonly outputs: readonly GraphValue[];
  /** Numbers that depend on sizes are a SymbolicSize, other differences VARYING. */
  readonly attrs: unknown;
  /** The attributes in each trace. */
  readonly variants: readonly unknown[];
  readonly scope: string;
  /** Which step of the traces it is. */
  readonly at: number;
}

/** Whether an input is a tensor. */
export function isValue(x: GraphValue | Size): x is GraphValue {
  return typeof x === 'object' && 'origin' in x;
}

/** What a function does, whatever the sizes of the named axes. */
export interface Graph {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** The steps in order: those that the outputs need, or all of a whole graph. */
  readonly steps: readonly GraphStep[];
  /** Values by their number; what is not needed has none. */
  readonly values: readonly (GraphValue | undefined)[];
}

function isPlain(x: unknown): x is Readonly<Record<string, unknown>> {
  return typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype;
}

const sameData = (a: TypedArray, b: TypedArray): boolean => a.length === b.length && a.every((v, i) => Object.is(v, b[i]));

/** Attributes of all traces as one. */
function merged(axes: readonly Axis[], all: readonly unknown[]): unknown {
  const [first] = all;
  if (all.every((x) => Object.is(x, first))) return first;
  if (all.every((x) => typeof x === 'number')) return sizeOf(axes, all);
  if (all.every((x) => typeof x === 'function')) return first;
  if (all.every((x) => ArrayBuffer.isView(x))) return all.every((x) => sameData(x as TypedArray, first as TypedArray)) ? first : VARYING;
  if (all.every((x) => Array.isArray(x))) {
    const { length } = all[0];
    return all.every((x) => x.length === length) ? all[0].map((_: unknown, i: number) => merged(axes, all.map((x) => x[i] as unknown))) : VARYING;
  }
  if (all.every(isPlain)) return Object.fromEntries(Object.keys(all[0]).map((key) => [key, merged(axes, all.map((x) => x[key]))]));
  return VARYING;
}

function patternOf(values: readonly Value[]): Origin | null {
  const all = values.map((v) => v.data as TypedArray);
  const [first] = all;
  const fill = first.length === 0 ? 0 : first[0];
  if (all.every((data) => data.every((v) => Object.is(v, fill)))) return { kind: 'filled', value: fill };
  const step = first.length < 2 ? 0 : first[1] - first[0];
  if (values.every((v) => v.shape.length === 1) && all.every((data) => data.every((v, i) => v === fill + i * step))) return { kind: 'range', start: fill, step };
  return null;
}

class Merger {
  private readonly axes: readonly Axis[];
  private readonly traces: readonly Trace[];
  private readonly values: (GraphValue | undefined)[] = [];
  private readonly whole: boolean;

  constructor(axes: readonly Axis[], traces: readonly Trace[], whole: boolean) {
    this.axes = axes;
    this.whole = whole;
    this.traces = traces;
  }

  /** Refuses traces that did not take the same steps. */
  check(): void {
    const [first] = this.traces;
    for (const other of this.traces) {
      first.steps.forEach((step, i) => {
        const twin = other.steps.at(i);
        const same = twin !== undefined && twin.op === step.op && twin.inputs.length === step.inputs.length && twin.inputs.every((x, k) => {
          const y = step.inputs[k];
          return typeof x === 'number' || typeof y === 'number' ? typeof x === typeof y : x.id === y.id;
        });
        if (!same) throw differs(step, twin);
      });
      if (other.steps.length !== first.steps.length || other.outputs.some((y, i) => y.id !== first.outputs[i].id)) throw differs(first.steps.at(-1), other.steps.at(first.steps.length));
    }
  }

  /** A value whose step, if it has one that matters, was added before. */
  private value({ id }: Value): GraphValue {
    const known = this.values[id];
    if (known !== undefined) return known;
    const origin = this.leaf(id);
    if (origin === null) throw new StateError(`trace: a value before the step that makes it, got value ${id}; expected steps in order`);
    return (this.values[id] = { ...this.spec(id), origin });
  }

  private spec(id: number): Omit<GraphValue, 'origin'> {
    const all = this.traces.map((trace) => trace.values[id]);
    const [{ shape, dtype, step }] = all;
    const odd = all.find((v) => v.shape.length !== shape.length || v.dtype !== dtype);
    if (odd !== undefined) throw differs(step ?? undefined, odd.step ?? undefined);
    return { id, dtype, shape: shape.map((_, d) => sizeOf(this.axes, all.map((v) => v.shape[d]))) };
  }

  /** What a value is that no step of the graph makes, or null. */
  private leaf(id: number): Origin | null {
    const all = this.traces.map((trace) => trace.values[id]);
    const [first] = all;
    if (first.input !== null) return { kind: 'input', index: first.input };
    if (first.name !== null) return { kind: 'parameter', name: first.name, data: first.data as TypedArray };
    if (first.data === null || (this.whole && first.step !== null)) return null;
    if (all.every((v) => sameShape(v.shape, first.shape) && sameData(v.data as TypedArray, first.data as TypedArray))) return { kind: 'constant', data: first.data };
    const pattern = patternOf(all);
    if (pattern !== null || first.step !== null) return pattern;
    throw new StateError(`trace: a constant differs between runs of forward, got a ${first.dtype}[${first.shape.join(', ')}]; expected the same each time, or operations on tensors`, {
      hint: 'arange, ones and zeros may depend on sizes; random numbers and values computed in JavaScript may not differ',
    });
  }

  private add(step: Step, at: number): GraphStep {
    const variants = this.traces.map((trace) => trace.steps[at].attrs);
    const inputs = step.inputs.map((x, i) => (typeof x === 'number' ? sizeOf(this.axes, this.traces.map((trace) => trace.steps[at].inputs[i] as number)) : this.value(x)));
    const outputs: GraphValue[] = [];
    const made: GraphStep = { op: step.op, inputs, outputs, attrs: merged(this.axes, variants), variants, scope: step.scope, at };
    step.outputs.forEach(({ id }, index) => {
      outputs.push((this.values[id] ??= { ...this.spec(id), origin: { kind: 'step', step: made, index } }));
    });
    return made;
  }

  graph(): Graph {
    const [{ inputs, outputs, steps }] = this.traces;
    const needed = new Set(outputs.map(({ id }) => id).filter((id) => this.leaf(id) === null));
    const kept = new Set<number>(this.whole ? steps.keys() : []);
    for (let at = steps.length - 1; at >= 0; at--) {
      if (!kept.has(at) && !steps[at].outputs.some(({ id }) => needed.has(id))) continue;
      kept.add(at);
      for (const x of steps[at].inputs) if (typeof x !== 'number' && this.leaf(x.id) === null) needed.add(x.id);
    }
    const made = steps.flatMap((step, at) => (kept.has(at) ? [this.add(step, at)] : []));
    return { inputs: inputs.map((x) => this.value(x)), outputs: outputs.map((x) => this.value(x)), steps: made, values: this.values };
  }
}

function differs(a: Step | undefined, b: Step | undefined): StateError {
  const name = (step: Step | undefined): string => (step === undefined ? 'nothing more' : `${step.op}${step.scope === '' ? '' : ` in '${step.scope}'`}`);
  return new StateError(`trace: the operations depend on values or sizes of the arguments, got ${name(a)} in one run and ${name(b)} in another; expected the same steps`, {
    hint: 'leave an axis that the code depends on out of dynamicAxes',
  });
}

/**
 * Several traces of one function, with other sizes and values of the arguments, as one graph: what differs between them depends on the sizes.
 *
 * @param axes - what was varied; the traces go through `gridOf(axes)`
 * @param whole - keep every step, also those that nothing needs and those of constants
 * @throws StateError when the steps differ, or a constant does
 */
export function mergeTraces(axes: readonly Axis[], traces: readonly Trace[], whole = false): Graph {
  const merger = new Merger(axes, traces, whole);
  merger.check();
  return merger.graph();
}

/** The number that an attribute is, or an error that names it. */
export function fixedNumber(op: string, name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  const got = value instanceof SymbolicSize ? value.toString() : 'a value that differs';
  throw new StateError(`${op}: ${name} depends on the sizes of the arguments, got ${got}; expected a number`, { hint: 'leave that axis out of dynamicAxes' });
}

import { isFloat } from '../core/dtype.ts';
import { StateError, show } from '../core/errors.ts';
import { zeros } from '../core/ops/creation.ts';
import { copyEach, setTo } from '../core/ops/write.ts';
import { noGrad } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Module } from '../nn/module.ts';
import { Buffer } from '../nn/parameter.ts';
import { type AveragedOptions, BaseAveragedModel } from './averaged.ts';
import { ExactBuffer } from './exact.ts';
import { writeMean } from './mean.ts';
import { type BufferTree, bufferAt, putBuffer } from './tree.ts';

/** Options of `LatestWeightAverage`. */
export interface LatestOptions extends AveragedOptions {
  /** How many of the newest models are averaged; an integer ≥ 1. */
  readonly k: number;
}

/** Models of some entries in turn: `slots[i]` is one model, in lists like those of the entries. */
interface Ring {
  readonly slots: readonly (readonly Tensor[])[];
  taken: number;
}

/** Takes models into rings, and writes the mean of what is there. */
function takeIn(averaged: readonly Tensor[], sources: readonly Tensor[], ring: Ring): void {
  const { slots } = ring;
  const k = slots.length;
  // What the average began with is the first model.
  if (ring.taken === 0) copyEach(slots[ring.taken++], averaged);
  copyEach(slots[ring.taken++ % k], sources);
  const count = Math.min(ring.taken, k);
  const lists: (readonly Tensor[])[] = [];
  // From the oldest on, so that the mean does not depend on where in the ring they are.
  for (let i = ring.taken - count; i < ring.taken; i++) lists.push(slots[i % k]);
  writeMean(averaged, lists);
}

/** Lists of slots of the matches that an average has been given, and rings of tensors that are not its own. */
interface Memory {
  readonly lists: WeakMap<readonly Tensor[], readonly (readonly Tensor[])[]>;
  readonly rings: WeakMap<Tensor, Ring>;
}

const memories = new WeakMap<object, Memory>();

function memoryOf(average: object): Memory {
  let memory = memories.get(average);
  if (memory === undefined) memories.set(average, (memory = { lists: new WeakMap(), rings: new WeakMap() }));
  return memory;
}

/** A slot in the dtype, on the device and of the shape of an entry; one that is made is filled with the entry: it counts as having been there all the time. */
function slotOf(tree: BufferTree, name: string, like: Tensor): Buffer {
  const there = bufferAt(tree, name);
  if (there !== undefined && String(there.shape) === String(like.shape)) {
    if (there.dtype !== like.dtype || there.device !== like.device) {
      there.assign_(there.detach().to(like));
      there.storage.pinned = true;
    }
    return there;
  }
  const made = newSlot(like, like.dtype === 'float64');
  made.copy_(like);
  putBuffer(tree, name, made);
  return made;
}

const newSlot = (like: Tensor, isExact: boolean): Buffer => {
  const values = zeros(like.shape, { dtype: isExact ? 'float64' : like.dtype, device: like.device });
  return isExact ? new ExactBuffer(values) : new Buffer(values);
};

/**
 * Latest weight averaging (LAWA): the plain mean of the last `k` models taken in, and of all of them before there are `k`. A model leaves the average all at once
 * after `k` averagings, so early and bad weights leave no trace.
 *
 * It keeps the `k` models, which is `k` times the memory of the averaged entries, from construction on. The mean is computed anew from them each time,
 * `x₁ + Σ (xᵢ - x₁) / n` with the oldest as x₁: nothing drifts, and a source that does not change is an exact fixed point. What others write to the averaged
 * copy is gone at the next averaging; `syncParameters` starts anew from the model that it copies.
 *
 * State dictionary keys besides those of every average: `taken` (models so far), `snapshots.<i>.*`. A subclass overrides `avgLists` and not `avgFunc`: models of
 * tensors given to `avgFunc` are remembered, but not saved.
 *
 * @see Kaddour 2022, Stop wasting my time! Saving days of ImageNet and BERT training with latest weight averaging, https://arxiv.org/abs/2209.14981
 */
export class LatestWeightAverage<M extends Module = Module> extends BaseAveragedModel<M> {
  /** How many of the newest models are averaged. */
  readonly k: number;
  /** Models kept so far, also those that have left again; 0 before the second: an int64 scalar. */
  readonly taken: Buffer;
  private readonly snapshots: readonly BufferTree[];

  /**
   * @param model - the source; it is copied, `k + 1` times
   * @param options - `k`, and those of every average
   * @throws RangeError unless k is an integer ≥ 1
   */
  constructor(model: M, options: LatestOptions) {
    super(model, options, ['k']);
    const k: unknown = options?.k;
    if (typeof k !== 'number' || !Number.isSafeInteger(k) || k < 1) throw new RangeError(`${this.constructor.name}: invalid k, got ${show(k)}; expected an integer ≥ 1`);
    this.k = k;
    this.taken = new Buffer(zeros([], { dtype: 'int64', device: this.steps.device }));
    const averaged = [...this.module.namedParameters(), ...this.module.namedBuffers()].filter(([name, x]) => isFloat(x.dtype) && this.policyOf(name) === 'average');
    this.snapshots = Array.from({ length: k }, () => {
      const tree: BufferTree = new Map();
      for (const [name, x] of averaged) putBuffer(tree, name, newSlot(x, this.precision === 'float64'));
      return tree;
    });
  }

  override avgFunc(averaged: Tensor, source: Tensor): void {
    const { rings } = memoryOf(this);
    noGrad(() => {
      let ring = rings.get(averaged);
      if (ring === undefined) rings.set(averaged, (ring = { slots: Array.from({ length: this.k }, () => [averaged.detach().clone()]), taken: 0 }));
      takeIn([averaged], [source.detach()], ring);
    });
  }

  protected override avgLists(averaged: readonly Tensor[], sources: readonly Tensor[], _steps: number, names: readonly string[]): void {
    const ring = { slots: this.slotsOf(averaged, names), taken: this.taken.item() };
    takeIn(averaged, sources, ring);
    setTo(this.taken, ring.taken);
  }

  override syncParameters(model: Module): void {
    super.syncParameters(model);
    noGrad(() => setTo(this.taken, 0));
  }

  private slotsOf(averaged: readonly Tensor[], names: readonly string[]): readonly (readonly Tensor[])[] {
    // Lists are made anew when any entry is converted or replaced.
    const { lists } = memoryOf(this);
    const known = lists.get(averaged);
    if (known !== undefined) return known;
    const made = this.snapshots.map((tree) => averaged.map((x, e) => slotOf(tree, names[e], x)));
    lists.set(averaged, made);
    return made;
  }

  /** Takes a state without snapshots, whose weights count as one model, and refuses one of another `k`. */
  protected override prepareStateDict(given: Record<string, unknown>): Record<string, unknown> {
    const state = super.prepareStateDict(given);
    const own = this.stateDict();
    const isSnapshot = (key: string): boolean => key.startsWith('snapshots.');
    const there = Object.keys(state).filter((key) => isSnapshot(key) && !Object.hasOwn(own, `module.${key}`));
    if (there.length === 0) {
      for (const key of Object.keys(own)) if (isSnapshot(key)) state[key] = own[key].detach().clone();
      state.taken = own.taken.mul(0);
      return state;
    }
    const kept = new Set(there.map((key) => key.split('.')[1])).size;
    if (kept !== this.k) throw new StateError(`${this.constructor.name}.loadStateDict: the state is of another k, got ${kept} snapshots; expected ${this.k}`, { values: { got: kept, expected: this.k } });
    return state;
  }
}

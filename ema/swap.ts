/// <reference lib="esnext.disposable" preserve="true" />
import { ArgumentError, DTypeError, DeviceError, StateError, show } from '../core/errors.ts';
import { noGrad } from '../core/tape.ts';
import type { Layout, Tensor } from '../core/tensor.ts';
import type { Storage } from '../core/storage.ts';
import { cloneHook } from '../nn/copy.ts';
import type { Module } from '../nn/module.ts';
import { type Includes, checkTies, counterparts, entriesOf } from './counterparts.ts';
import type { Pair } from './match.ts';

type Memory = Layout & { readonly storage: Storage };

/** The tensors that are exchanged at the moment, with the swap that did it. */
const exchanged = new WeakMap<Tensor, Swap>();
let running = 0;

/** Whether any average is swapped into a model: while none is, nobody need look closer. */
export function anySwapped(): boolean {
  return running > 0;
}

const memoryOf = ({ storage, shape, strides, offset }: Tensor): Memory => ({ storage, shape, strides, offset });

const isLike = (a: Tensor, b: Tensor): boolean => a.dtype === b.dtype && a.device === b.device;

/** What each of two tensors gets: the other's memory. One that was converted while it was swapped stays as it is now, so its new values are converted too. */
function crossed({ averaged, source }: Pair): readonly [forAveraged: Memory, forSource: Memory] {
  if (isLike(averaged, source)) return [memoryOf(source), memoryOf(averaged)];
  return noGrad(() => [memoryOf(source.detach().to(averaged)), memoryOf(averaged.detach().to(source))]);
}

/** Exchanges the memory of tensors, each of which stays the object it is: in optimizers, under all its names, with its gradient. */
function exchange(pairs: readonly Pair[]): void {
  const ready = pairs.map(crossed);
  pairs.forEach(({ averaged, source }, i) => {
    const [forAveraged, forSource] = ready[i];
    take(averaged, forAveraged);
    take(source, forSource);
  });
}

function take(x: Tensor, memory: Memory): void {
  // A buffer that was written by a recorded operation meanwhile.
  if (x.node !== null) x.detach_();
  x.assign_(memory);
  // What was recorded with these weights must not be differentiated with the others.
  x.storage.version++;
}

/**
 * An average in the place of a model's weights, until `restore()`. Made by `average.swap(model)`; with `using` it ends by itself:
 *
 *     using _ = average.swap(model);
 *     evaluate(model);
 */
export class Swap<M extends Module = Module> {
  /** The model that holds the average's weights. */
  readonly model: M;
  private readonly pairs: readonly Pair[];
  private readonly end: () => void;
  private running = true;

  /** @param end - called once when the swap is over */
  constructor(model: M, pairs: readonly Pair[], end: () => void) {
    this.model = model;
    this.pairs = pairs;
    this.end = end;
    exchange(pairs);
    for (const { averaged, source } of pairs) {
      exchanged.set(averaged, this);
      exchanged.set(source, this);
    }
    running++;
  }

  /** Whether the model still holds the average's weights. */
  get active(): boolean {
    return this.running;
  }

  /** Gives the model its own weights back, and the average its. Does nothing when that has been done. */
  restore(): void {
    if (!this.running) return;
    exchange(this.pairs);
    this.running = false;
    running--;
    for (const { averaged, source } of this.pairs) {
      exchanged.delete(averaged);
      exchanged.delete(source);
    }
    this.end();
  }

  /** `restore()`, under the name that resources have. */
  dispose(): void {
    this.restore();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.restore();
  }

  /** Two copies could not both give back the same memory. */
  [cloneHook](): never {
    throw new StateError('deepCopy: a swap cannot be copied, got a Swap; expected restore() before');
  }
}

/** What an average knows of its being swapped. It is copied with the average, which is refused while the model has the weights. */
export class Swapping {
  private current: Swap | null = null;

  /** Refuses to go on while a model has the average's weights. */
  check(who: string): void {
    if (this.current === null) return;
    throw new StateError(`${who}: the average is swapped into a model, got a call meanwhile; expected restore() before`, {
      values: { model: this.current.model },
      hint: 'end the swap with restore(), or keep it in a block with `using`',
    });
  }

  /**
   * Puts the average into a model.
   *
   * @param who - for messages
   * @param averaged - the average's module
   * @param includes - which entries are exchanged
   */
  start<M extends Module>(who: string, averaged: Module, model: M, includes?: Includes): Swap<M> {
    if (this.current !== null) {
      throw new StateError(`${who}: the average is swapped already, got a second swap${this.current.model === model ? ' with the same model' : ''}; expected restore() before`, { hint: 'swaps do not nest' });
    }
    const pairs = counterparts(who, averaged, model, includes);
    refuseSwapped(who, model);
    checkTies(who, pairs, ['averaged', 'source']);
    for (const pair of pairs) checkPair(who, pair);
    const swap = new Swap(model, pairs, () => {
      this.current = null;
    });
    this.current = swap;
    return swap;
  }

  /** A copy of the average starts unswapped. */
  [cloneHook](): object {
    this.check('deepCopy');
    return new Swapping();
  }
}

/**
 * Refuses modules whose weights, all or some, are elsewhere at the moment: a model that has an average's, or an average that has a model's.
 *
 * @throws StateError
 */
export function refuseSwapped(who: string, ...modules: readonly Module[]): void {
  if (running === 0) return;
  for (const module of modules) {
    const found = entriesOf(module).find(([, x]) => exchanged.has(x));
    if (found === undefined) continue;
    throw new StateError(`${who}: the weights are swapped with others, got '${found[0]}' of ${show(module)} in a swap; expected restore() before`, { values: { name: found[0] }, hint: 'swaps do not nest' });
  }
}

function checkPair(who: string, { name, averaged, source }: Pair): void {
  if (averaged.dtype !== source.dtype) {
    throw new DTypeError(`${who}: dtypes differ at '${name}', got ${show(averaged)} in the average and ${show(source)} in the model; expected one dtype`, {
      hint: `average.to('${source.dtype}') before, or copyTo(model), which converts`,
    });
  }
  if (averaged.device !== source.device) {
    throw new DeviceError(`${who}: devices differ at '${name}', got ${averaged.device.name} for the average and ${source.device.name} for the model; expected one device`, {
      hint: `average.to('${source.device.name}') before, or copyTo(model), which converts`,
    });
  }
  for (const x of [averaged, source]) {
    if (x.node === null && x.base === null) continue;
    throw new StateError(`${who}: '${name}' has recorded history, got ${show(x)} made by ${x.node?.name ?? 'a view'}; expected a leaf that is no view`, { hint: 'write buffers under noGrad()' });
  }
}

/** What can be swapped into a model: an average. */
export interface Swappable {
  /** Puts the average into a model. */
  swap(model: Module): Swap;
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Runs a function while a model has the average's weights, and gives the model its own back, whatever happens. A synchronous function is done, and the model
 * itself again, when this returns; with an asynchronous one the model has the average's weights until its promise is settled.
 *
 * @param average - what to put into the model
 * @param model - the model
 * @param fn - gets the model
 * @returns what `fn` returns
 * @throws what `fn` throws; as `average.swap` does; ArgumentError for something that is no function
 */
export async function withAveraged<M extends Module, T>(average: Swappable, model: M, fn: (model: M) => T | PromiseLike<T>): Promise<T> {
  if (typeof average !== 'object' || average === null || typeof average.swap !== 'function') throw new ArgumentError(`withAveraged: not an average, got ${show(average)}; expected an average of the model`);
  if (typeof fn !== 'function') throw new ArgumentError(`withAveraged: not a function, got ${show(fn)}; expected what to do with the model`);
  const swap = average.swap(model);
  let result: T | PromiseLike<T>;
  try {
    result = fn(model);
  } catch (error) {
    swap.restore();
    throw error;
  }
  if (!isPromise(result)) {
    swap.restore();
    return result;
  }
  try {
    return await result;
  } finally {
    swap.restore();
  }
}

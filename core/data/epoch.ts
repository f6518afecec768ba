import { cpu } from '../device.ts';
import { ArgumentError, StateError, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { checkItemIndex } from './dataset.ts';

/** An epoch that is under way, as plain values and tensors. */
export interface EpochState {
  /** Number of batches that were given out. */
  readonly next: number;
  /** Items in their order, int64; null for 0, 1, 2, … */
  readonly order: Tensor | null;
  /** Where in the order each batch ends, int64; null before the order is drawn. */
  readonly ends: Tensor | null;
}

/** Where each batch ends when all have the same size. */
export function fixedEnds(n: number, batchSize: number, dropLast: boolean): Int32Array {
  const ends = new Int32Array(dropLast ? Math.floor(n / batchSize) : Math.ceil(n / batchSize));
  for (let i = 0; i < ends.length; i++) ends[i] = Math.min(n, (i + 1) * batchSize);
  return ends;
}

/** One pass over a dataset: the order of items, cut into batches, and how many were given out. */
export class Epoch {
  /** Items in their order; null for 0, 1, 2, … */
  order: Int32Array | null = null;
  /** Where in the order each batch ends; null before the order is drawn. */
  ends: Int32Array | null = null;
  /** The batch that comes next. */
  next = 0;
  /** True once a loop has come to its end. */
  done = false;

  /** Takes the order from a sampler, and returns its length. */
  takeAll(sampler: Iterable<number> & { readonly length: number }, items: number): number {
    const order = new Int32Array(sampler.length);
    let n = 0;
    for (const index of sampler) {
      if (n === order.length) throw tooMany('sampler', n);
      checkItemIndex('DataLoader', index, items);
      order[n++] = index;
    }
    this.order = order.subarray(0, n);
    return n;
  }

  /** Takes order and batches from a sampler of batches, and returns their ends. */
  take(batches: Iterable<readonly number[]>, length: number, items: number): Int32Array {
    const order: number[] = [];
    const ends: number[] = [];
    for (const batch of batches) {
      if (ends.length === length) throw tooMany('batchSampler', length);
      if (!Array.isArray(batch) || batch.length === 0) throw new ArgumentError(`DataLoader: the batchSampler gave no batch, got ${show(batch)}; expected an array of at least one index`);
      for (const index of batch) {
        checkItemIndex('DataLoader', index, items);
        order.push(index);
      }
      ends.push(order.length);
    }
    this.order = Int32Array.from(order);
    return Int32Array.from(ends);
  }

  /** The items of batch `i`. */
  indices(i: number, ends: Int32Array): Int32Array {
    const start = i === 0 ? 0 : ends[i - 1];
    if (this.order !== null) return this.order.subarray(start, ends[i]);
    const out = new Int32Array(ends[i] - start);
    for (let k = 0; k < out.length; k++) out[k] = start + k;
    return out;
  }

  state(): EpochState {
    return { next: this.next, order: toTensor(this.order), ends: toTensor(this.ends) };
  }

  /**
   * The epoch of a state.
   *
   * @param items - length of the dataset; null for a stream, which has neither order nor ends
   * @throws StateError when it is none
   */
  static from(state: EpochState, items: number | null): Epoch {
    const epoch = new Epoch();
    if (typeof state !== 'object') throw unfit('an epoch', state);
    if (items === null) {
      if (!Number.isSafeInteger(state.next) || state.next < 0) throw unfit('a place in the epoch', state.next);
      if (state.order !== null || state.ends !== null) throw unfit('a stream', 'an order');
      epoch.next = state.next;
      return epoch;
    }
    epoch.order = toArray('an order', state.order);
    epoch.ends = toArray('ends of batches', state.ends);
    const n = epoch.order?.length ?? items;
    if (epoch.order?.some((i) => i < 0 || i >= items) === true) throw unfit('an order', `indices beyond ${items} items`);
    if (epoch.ends?.some((end, i, ends) => end <= (i === 0 ? 0 : ends[i - 1]) || end > n) === true) throw unfit('ends of batches', state.ends);
    if (!Number.isInteger(state.next) || state.next < 0 || state.next > (epoch.ends?.length ?? 0)) throw unfit('a place in the epoch', state.next);
    epoch.next = state.next;
    return epoch;
  }
}

function tooMany(name: string, length: number): ArgumentError {
  return new ArgumentError(`DataLoader: the ${name} goes on beyond its length, got more than ${length}; expected ${length}`);
}

function unfit(what: string, got: unknown): StateError {
  return new StateError(`DataLoader: the state holds no ${what.replace(/^an? /, '')}, got ${show(got)}; expected ${what} of this dataset`);
}

function toTensor(values: Int32Array | null): Tensor | null {
  return values === null ? null : new Tensor(cpu.adopt('int64', values.slice()), [values.length]);
}

function toArray(what: string, values: unknown): Int32Array | null {
  if (values === null) return null;
  if (!(values instanceof Tensor) || values.dtype !== 'int64' || values.ndim !== 1) throw unfit(what, values);
  return Int32Array.from(values.data());
}

import type { TypedArray } from '../dtype.ts';
import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { coalesce, walkOuter } from './layout.ts';

const RUN = 8;

/**
 * Sorts the numbers 0 … n-1 by their keys, stable, NaN as the largest: a merge sort from below with runs sorted by insertion.
 * The keys are overwritten.
 */
export function sortOrder(keys: Float64Array, n: number, descending: boolean, order: Int32Array, scratch: Int32Array): void {
  let numbers = 0;
  for (let i = 0; i < n; i++) if (keys[i] === keys[i]) numbers++;
  // NaNs go to their end first, in order; the rest is sorted by plain comparisons.
  let place = descending ? n - numbers : 0;
  let nan = descending ? 0 : numbers;
  const from = place;
  for (let i = 0; i < n; i++) {
    if (keys[i] !== keys[i]) order[nan++] = i;
    else {
      order[place++] = i;
      if (descending) keys[i] = -keys[i];
    }
  }
  const end = from + numbers;
  for (let start = from; start < end; start += RUN) {
    const stop = Math.min(end, start + RUN);
    for (let i = start + 1; i < stop; i++) {
      const item = order[i];
      const key = keys[item];
      let j = i - 1;
      for (; j >= start && keys[order[j]] > key; j--) order[j + 1] = order[j];
      order[j + 1] = item;
    }
  }
  let [a, b] = [order, scratch];
  for (let width = RUN; width < numbers; width *= 2) {
    for (let start = from; start < end; start += 2 * width) merge(keys, a, b, start, Math.min(end, start + width), Math.min(end, start + 2 * width));
    [a, b] = [b, a];
  }
  if (a !== order) order.set(a.subarray(from, end), from);
}

function merge(keys: Float64Array, from: Int32Array, to: Int32Array, start: number, middle: number, end: number): void {
  let [i, j] = [start, middle];
  for (let k = start; k < end; k++) {
    if (i < middle && (j >= end || keys[from[i]] <= keys[from[j]])) to[k] = from[i++];
    else to[k] = from[j++];
  }
}

/** What to sort, and how many entries to keep. */
export interface SortAttrs {
  readonly dim: number;
  readonly descending: boolean;
  /** Entries kept along the dimension. */
  readonly keep: number;
}

/** Sorted values and the places they came from, along one dimension; any strides of the input. */
export const sortKernel: Kernel<SortAttrs> = ([values, indices], [input], { dim, descending, keep }) => {
  const x = input as Tensor;
  const n = x.shape[dim];
  const keys = new Float64Array(n);
  const [order, scratch] = [new Int32Array(n), new Int32Array(n)];
  const [to, places, from] = [values.storage.cells, indices.storage.cells, x.storage.cells];
  const [toStep, fromStep] = [values.strides[dim], x.strides[dim]];
  const walk = coalesce(x.shape.toSpliced(dim, 1), [values.strides.toSpliced(dim, 1), x.strides.toSpliced(dim, 1)]);
  walkOuter(walk, 0, [0, x.offset], ([a, b]) => {
    for (let i = 0; i < n; i++) keys[i] = from[b + i * fromStep];
    sortOrder(keys, n, descending, order, scratch);
    for (let i = 0; i < keep; i++) {
      places[a + i * toStep] = order[i];
      to[a + i * toStep] = from[b + order[i] * fromStep];
    }
  });
};

/** The first place in `row` (from `start`, `n` long, ascending) whose value is not below `value`, or is above it with `right`. */
function bound(row: TypedArray, start: number, n: number, value: number, right: boolean): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const v = row[start + middle];
    if (right ? v > value : v >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Where values would go in sorted rows; rows and values are row-major, with one row of values for each row, or one row for all. */
export const searchKernel: Kernel<{ readonly right: boolean }> = ([out], inputs, { right }) => {
  const [sequence, values] = inputs as readonly Tensor[];
  const [to, rows, from] = [out.storage.cells, sequence.storage.cells, values.storage.cells];
  const n = sequence.shape[sequence.ndim - 1];
  const count = values.numel();
  const perRow = sequence.ndim === 1 ? count : values.shape[values.ndim - 1];
  for (let i = 0; i < count; i++) {
    const row = sequence.ndim === 1 ? 0 : Math.floor(i / perRow);
    to[i] = bound(rows, sequence.offset + row * n, n, from[values.offset + i], right);
  }
};

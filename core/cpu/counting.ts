import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { rowMajorCells } from './gather.ts';

/** Bins of equal width from `low` to `high`, the last one closed. */
export interface BinAttrs {
  readonly bins: number;
  readonly low: number;
  readonly high: number;
}

/** How many elements, or how much of the weights, fall into each bin; what lies outside counts nowhere. */
export const histogramKernel: Kernel<BinAttrs> = ([out], [input, weights], { bins, low, high }) => {
  const x = rowMajorCells(input as Tensor);
  const w = typeof weights === 'object' ? rowMajorCells(weights) : null;
  const counts = new Float64Array(bins);
  for (let i = 0; i < x.length; i++) {
    const v = x[i];
    if (!(v >= low && v <= high)) continue;
    const bin = Math.min(bins - 1, Math.floor(((v - low) / (high - low)) * bins));
    counts[bin] += w === null ? 1 : w[i];
  }
  out.storage.cells.set(counts, out.offset);
};

/** The same for bins between given edges, in ascending order. */
export const edgesKernel: Kernel<undefined> = ([out], [input, edges, weights]) => {
  const x = rowMajorCells(input as Tensor);
  const e = rowMajorCells(edges as Tensor);
  const w = typeof weights === 'object' ? rowMajorCells(weights) : null;
  const counts = new Float64Array(Math.max(0, e.length - 1));
  for (let i = 0; i < x.length; i++) {
    const v = x[i];
    if (counts.length === 0 || !(v >= e[0] && v <= e[e.length - 1])) continue;
    let [from, to] = [0, counts.length - 1];
    while (from < to) {
      const middle = (from + to + 1) >> 1;
      if (e[middle] <= v) from = middle;
      else to = middle - 1;
    }
    counts[from] += w === null ? 1 : w[i];
  }
  out.storage.cells.set(counts, out.offset);
};

/** How often each whole number from 0 occurs, or the sum of its weights. */
export const bincountKernel: Kernel<{ readonly length: number }> = ([out], [input, weights], { length }) => {
  const x = rowMajorCells(input as Tensor);
  const w = typeof weights === 'object' ? rowMajorCells(weights) : null;
  const counts = new Float64Array(length);
  for (let i = 0; i < x.length; i++) counts[x[i]] += w === null ? 1 : w[i];
  out.storage.cells.set(counts, out.offset);
};

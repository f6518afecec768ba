import type { Operand } from '../../tape.ts';
import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { allocate, release } from '../memory/heap.ts';
import type { NormAttrs, NormBackwardAttrs } from '../normalize.ts';
import { inverseRoots, normRows, normRowsBackward, normVectorsBackward, rowStats } from '../wasm/normalize.ts';
import { CHUNK } from '../wasm/reduce-columns.ts';

/** Elements from which the work is worth splitting over threads. */
export const WORTH_SPLITTING: number = 1 << 15;
/** Elements of a matrix that is summed by columns without going back and forth in memory. */
const CACHED = 1 << 12;
/** Columns that different threads work on lie in different lines of the cache. */
const LINE = 16;

/** Rows that sums of columns go through at once, and the bytes of scratch per column that this takes. */
export function panelOf(rows: number, columns: number): readonly [panel: number, bytes: number] {
  return rows * columns > CACHED ? [CHUNK, 16] : [rows, 0];
}

/** Whether an optional vector is one, or the number that stands for none. */
export const isVector = (x: Operand, missing: number): boolean => typeof x !== 'number' || x === missing;
/** The address of an optional vector, or 0. */
export const addressOrNone = (x: Operand): number => (typeof x === 'number' ? 0 : addressOf(x));

/** Mean and biased variance of each row; `mean` has one element per row. */
export const fastRowStats: FastKernel<unknown> = ([mean, variance], [input]) => {
  const x = input as Tensor;
  const size = x.numel();
  if (x.dtype !== 'float32' || size === 0) return false;
  const rows = mean.shape[0];
  const n = size / rows;
  const [m, v, at] = [addressOf(mean), addressOf(variance), addressOf(x)];
  if (threadCount() === 1 || rows === 1 || size < WORTH_SPLITTING) {
    rowStats.run(m, v, at, rows, n);
    return true;
  }
  const each = Math.ceil(rows / threadCount());
  const parts: number[][] = [];
  for (let r = 0; r < rows; r += each) parts.push([m + 4 * r, v + 4 * r, at + 4 * r * n, Math.min(each, rows - r), n]);
  runParts(rowStats, parts);
  return true;
};

/** `(x - mean)/√(var + eps)·weight + bias` per row, weight and bias per element of a row. */
export const fastNormRows: FastKernel<NormAttrs> = ([out], [input, weight, bias, mean, variance], { eps }) => {
  const x = input as Tensor;
  const size = x.numel();
  if (x.dtype !== 'float32' || size === 0 || !isVector(weight, 1) || !isVector(bias, 0)) return false;
  const rows = (mean as Tensor).shape[0];
  const n = size / rows;
  const kernel = normRows[(typeof weight === 'number' ? 0 : 1) + (typeof bias === 'number' ? 0 : 2)];
  const [to, from, w, b] = [addressOf(out), addressOf(x), addressOrNone(weight), addressOrNone(bias)];
  const [m, v] = [addressOf(mean as Tensor), addressOf(variance as Tensor)];
  if (threadCount() === 1 || rows === 1 || size < WORTH_SPLITTING) {
    kernel.run(to, from, w, b, m, v, eps, rows, n);
    return true;
  }
  const each = Math.ceil(rows / threadCount());
  const parts: number[][] = [];
  for (let r = 0; r < rows; r += each) parts.push([to + 4 * r * n, from + 4 * r * n, w, b, m + 4 * r, v + 4 * r, eps, Math.min(each, rows - r), n]);
  runParts(kernel, parts);
  return true;
};

/** Gradients of input, weight and bias of `fastNormRows`. */
export const fastNormRowsBackward: FastKernel<NormBackwardAttrs> = ([dx, dw, db], [grad, input, weight, mean, variance], { eps, input: wanted }) => {
  const x = input as Tensor;
  const size = x.numel();
  if (x.dtype !== 'float32' || size === 0 || !isVector(weight, 1)) return false;
  const rows = (mean as Tensor).shape[0];
  const n = size / rows;
  const threads = size < WORTH_SPLITTING ? 1 : threadCount();
  const [g, at, w] = [addressOf(grad as Tensor), addressOf(x), addressOrNone(weight)];
  const [m, v] = [addressOf(mean as Tensor), addressOf(variance as Tensor)];
  const [toWeight, toBias] = [addressOf(dw), addressOf(db)];
  if (wanted) {
    const to = addressOf(dx);
    const kernel = normRowsBackward[w === 0 ? 0 : 1];
    if (threads === 1 || rows === 1) kernel.run(to, g, at, w, m, v, eps, rows, n);
    else {
      const each = Math.ceil(rows / threads);
      const parts: number[][] = [];
      for (let r = 0, skip = 0; r < rows; r += each, skip = 4 * r * n) parts.push([to + skip, g + skip, at + skip, w, m + 4 * r, v + 4 * r, eps, Math.min(each, rows - r), n]);
      runParts(kernel, parts);
    }
  }
  const [panel, perColumn] = panelOf(rows, n);
  const rootBytes = (4 * rows + 63) & -64;
  const bytes = rootBytes + perColumn * ((n + 3) & -4);
  const roots = allocate(bytes);
  const scratch = roots + rootBytes;
  inverseRoots.run(roots, v, eps, rows);
  if (threads === 1 || n < 2 * LINE) normVectorsBackward.run(toWeight, toBias, g, at, m, roots, rows, 4 * n, n, panel, scratch);
  else {
    const each = Math.ceil(n / threads / LINE) * LINE;
    const parts: number[][] = [];
    for (let c = 0; c < n; c += each) {
      parts.push([toWeight + 4 * c, toBias + 4 * c, g + 4 * c, at + 4 * c, m, roots, rows, 4 * n, Math.min(each, n - c), panel, scratch + perColumn * c]);
    }
    runParts(normVectorsBackward, parts);
  }
  release(roots, bytes);
  return true;
};

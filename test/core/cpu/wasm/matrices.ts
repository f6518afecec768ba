import { allocate } from '../../../../core/cpu/memory/heap.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';

// Matrices in the kernels' memory, for tests of products.

/** A matrix in memory; distances in elements. */
export interface Matrix {
  readonly at: number;
  readonly row: number;
  readonly col: number;
}

let state = 1;
/** Numbers in (-1, 1) that are the same in every run. */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return Math.fround(state / 2 ** 31);
}

/** A matrix of random elements in a layout: side by side by rows (N), by columns (T), or neither (S); and where it ends. */
export function matrix(rows: number, cols: number, layout: string): Matrix {
  const [row, col] = layout === 'N' ? [cols, 1] : layout === 'T' ? [1, rows] : [2 * cols + 3, 2];
  const length = rows * Math.max(row, 1) + cols * col + 1;
  const start = allocate(4 * length + 16);
  for (let i = 0; i < length + 4; i++) heap.f32[(start >> 2) + i] = random();
  // An odd start.
  return { at: start + 4, row, col };
}

/** One element. */
export const read = (x: Matrix, i: number, j: number): number => heap.f32[(x.at >> 2) + i * x.row + j * x.col];
/** One element of a product: the sum over the first `k` steps, ascending, from `from` on. */
export const sum = (a: Matrix, b: Matrix, i: number, j: number, k: number, from = 0): number => {
  let total = from;
  for (let q = 0; q < k; q++) total = Math.fround(total + Math.fround(read(a, i, q) * read(b, q, j)));
  return total;
};

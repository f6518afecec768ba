import { LinAlgError, show } from '../../errors.ts';
import type { Kernel } from '../../op.ts';
import { inBatch, load, matricesOf, rowMajorCells, store } from './cells.ts';
import { type CheckAttrs, subtractRow, swapRows } from './lu.ts';

/** Bunch and Kaufman's bound for the growth of entries. */
const ALPHA = (1 + Math.sqrt(17)) / 8;

function largestBelow(a: Float64Array, n: number, k: number): number {
  let at = k + 1;
  for (let i = k + 2; i < n; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[at * n + k])) at = i;
  return at;
}

/** The largest absolute value beside the diagonal in row `r` of the symmetric matrix that starts at row `k`. */
function largestBeside(a: Float64Array, n: number, k: number, r: number): number {
  let most = 0;
  for (let j = k; j < r; j++) most = Math.max(most, Math.abs(a[r * n + j]));
  for (let i = r + 1; i < n; i++) most = Math.max(most, Math.abs(a[i * n + r]));
  return most;
}

function exchange(a: Float64Array, i: number, j: number): void {
  const v = a[i];
  a[i] = a[j];
  a[j] = v;
}

/** Swaps rows and columns `k` and `p` of the lower triangle, from column `k` on. */
function swapSymmetric(a: Float64Array, n: number, k: number, p: number): void {
  for (let i = p + 1; i < n; i++) exchange(a, i * n + k, i * n + p);
  for (let i = k + 1; i < p; i++) exchange(a, i * n + k, p * n + i);
  exchange(a, k * n + k, p * n + p);
}

function eliminateOne(a: Float64Array, n: number, k: number): void {
  const d = a[k * n + k];
  for (let j = k + 1; j < n; j++) {
    const f = a[j * n + k] / d;
    for (let i = j; i < n; i++) a[i * n + j] -= a[i * n + k] * f;
  }
  for (let j = k + 1; j < n; j++) a[j * n + k] /= d;
}

function eliminateTwo(a: Float64Array, n: number, k: number): void {
  const beside = a[(k + 1) * n + k];
  const d11 = a[(k + 1) * n + k + 1] / beside;
  const d22 = a[k * n + k] / beside;
  const f = 1 / (d11 * d22 - 1) / beside;
  for (let j = k + 2; j < n; j++) {
    const w1 = f * (d11 * a[j * n + k] - a[j * n + k + 1]);
    const w2 = f * (d22 * a[j * n + k + 1] - a[j * n + k]);
    for (let i = j; i < n; i++) a[i * n + j] -= a[i * n + k] * w1 + a[i * n + k + 1] * w2;
    a[j * n + k] = w1;
    a[j * n + k + 1] = w2;
  }
}

/** `A = L D Lᵀ` in place of the lower triangle, by Bunch and Kaufman's pivoting as in LAPACK; returns the first zero block of D, counted from 1, or 0. */
function factorLdl(a: Float64Array, n: number, pivots: Int32Array): number {
  let info = 0;
  for (let k = 0; k < n; ) {
    const diagonal = Math.abs(a[k * n + k]);
    const r = k < n - 1 ? largestBelow(a, n, k) : k;
    const column = k < n - 1 ? Math.abs(a[r * n + k]) : 0;
    let [p, step] = [k, 1];
    if (Math.max(diagonal, column) === 0) {
      if (info === 0) info = k + 1;
      pivots[k] = k + 1;
      k++;
      continue;
    }
    if (diagonal < ALPHA * column) {
      const row = largestBeside(a, n, k, r);
      if (diagonal < ALPHA * column * (column / row)) {
        p = r;
        if (Math.abs(a[r * n + r]) < ALPHA * row) step = 2;
      }
    }
    const last = k + step - 1;
    if (p !== last) {
      swapSymmetric(a, n, last, p);
      if (step === 2) exchange(a, (k + 1) * n + k, p * n + k);
    }
    if (step === 1) eliminateOne(a, n, k);
    else eliminateTwo(a, n, k);
    pivots[k] = step === 1 ? p + 1 : -(p + 1);
    if (step === 2) pivots[k + 1] = -(p + 1);
    k += step;
  }
  return info;
}

/** Outputs L and D in one lower triangle, pivots and info. */
export const ldlKernel: Kernel<CheckAttrs> = ([out, pivots, info], [x], { name, check }) => {
  const { count, rows: n } = matricesOf(x);
  const from = rowMajorCells(x);
  const [a, found] = [new Float64Array(n * n), new Int32Array(n)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * n * n, n * n);
    const zero = factorLdl(a, n, found);
    if (check && zero > 0) throw new LinAlgError(`${name}: the matrix is singular${inBatch(count, i)}, got ${show(x)} with a zero pivot at ${zero - 1}; expected an invertible matrix`);
    for (let r = 0; r < n; r++) a.fill(0, r * n + r + 1, (r + 1) * n);
    store(out.storage.cells, i * n * n, a, n * n);
    for (let j = 0; j < n; j++) pivots.storage.cells[i * n + j] = found[j];
    info.storage.cells[i] = zero;
  }
};

function divideTwo(a: Float64Array, n: number, k: number, b: Float64Array, w: number): void {
  const beside = a[(k + 1) * n + k];
  const [d1, d2] = [a[k * n + k] / beside, a[(k + 1) * n + k + 1] / beside];
  const denominator = d1 * d2 - 1;
  for (let c = 0; c < w; c++) {
    const [x, y] = [b[k * w + c] / beside, b[(k + 1) * w + c] / beside];
    b[k * w + c] = (d2 * x - y) / denominator;
    b[(k + 1) * w + c] = (d1 * y - x) / denominator;
  }
}

function solveLdl(a: Float64Array, n: number, pivots: ArrayLike<number>, at: number, b: Float64Array, w: number): void {
  for (let k = 0; k < n; ) {
    const two = pivots[at + k] < 0;
    const last = two ? k + 1 : k;
    swapRows(b, w, last, Math.abs(pivots[at + k]) - 1);
    for (let i = last + 1; i < n; i++) for (let j = k; j <= last; j++) subtractRow(b, w, i, j, a[i * n + j]);
    if (two) divideTwo(a, n, k, b, w);
    else for (let c = 0; c < w; c++) b[k * w + c] /= a[k * n + k];
    k = last + 1;
  }
  for (let k = n - 1; k >= 0; ) {
    const first = pivots[at + k] < 0 ? k - 1 : k;
    for (let j = first; j <= k; j++) for (let i = k + 1; i < n; i++) subtractRow(b, w, j, i, a[i * n + j]);
    swapRows(b, w, k, Math.abs(pivots[at + k]) - 1);
    k = first - 1;
  }
}

/** Solutions of `A X = B` from the factors of A, their pivots and B. */
export const ldlSolveKernel: Kernel<undefined> = ([out], [x, pivots, y]) => {
  const { count, rows: n } = matricesOf(x);
  const w = matricesOf(y).cols;
  const [from, swaps, right] = [rowMajorCells(x), rowMajorCells(pivots), rowMajorCells(y)];
  const [a, b] = [new Float64Array(n * n), new Float64Array(n * w)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * n * n, n * n);
    load(b, right, i * n * w, n * w);
    solveLdl(a, n, swaps, i * n, b, w);
    store(out.storage.cells, i * n * w, b, n * w);
  }
};

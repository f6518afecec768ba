import { LinAlgError, show } from '../../errors.ts';
import type { Kernel, Operand } from '../../op.ts';
import { inBatch, load, matricesOf, rowMajorCells, store } from './cells.ts';

/** Who asks, and whether a matrix without a pivot is an error. */
export interface CheckAttrs {
  readonly name: string;
  readonly check: boolean;
}

/**
 * `P A = L U` in place for `m` rows of `n`: L below the diagonal, U on and above it. In each column the first largest entry is the pivot; `pivots` gets the row
 * that was swapped with row j, counted from 1. Returns the number of the first column without a pivot, counted from 1, or 0.
 */
export function factorLu(a: Float64Array, m: number, n: number, pivots: Int32Array): number {
  const k = Math.min(m, n);
  let info = 0;
  for (let j = 0; j < k; j++) {
    let p = j;
    let best = Math.abs(a[j * n + j]);
    for (let i = j + 1; i < m; i++) {
      const v = Math.abs(a[i * n + j]);
      if (v > best) [best, p] = [v, i];
    }
    pivots[j] = p + 1;
    if (a[p * n + j] === 0) {
      if (info === 0) info = j + 1;
      continue;
    }
    if (p !== j) swapRows(a, n, p, j);
    const pivot = a[j * n + j];
    for (let i = j + 1; i < m; i++) {
      const f = a[i * n + j] / pivot;
      a[i * n + j] = f;
      for (let c = j + 1; c < n; c++) a[i * n + c] -= f * a[j * n + c];
    }
  }
  return info;
}

/** Swaps two rows of `n`. */
export function swapRows(a: Float64Array, n: number, i: number, j: number): void {
  for (let c = 0; c < n; c++) {
    const v = a[i * n + c];
    a[i * n + c] = a[j * n + c];
    a[j * n + c] = v;
  }
}

/** Solves `A X = B` in place of `b` (`n` rows of `k`) from the factors of `A`. */
export function solveFactored(lu: Float64Array, n: number, pivots: Int32Array, b: Float64Array, k: number): void {
  for (let j = 0; j < n; j++) if (pivots[j] !== j + 1) swapRows(b, k, j, pivots[j] - 1);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) subtractRow(b, k, i, j, lu[i * n + j]);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) subtractRow(b, k, i, j, lu[i * n + j]);
    const d = lu[i * n + i];
    for (let c = 0; c < k; c++) b[i * k + c] /= d;
  }
}

/** `row i -= f · row j`, rows of `k`. */
export function subtractRow(b: Float64Array, k: number, i: number, j: number, f: number): void {
  if (f === 0) return;
  for (let c = 0; c < k; c++) b[i * k + c] -= f * b[j * k + c];
}

/** Refuses a singular matrix. */
function checkPivot({ name, check }: CheckAttrs, info: number, x: Operand, count: number, i: number): void {
  if (!check || info === 0) return;
  throw new LinAlgError(`${name}: the matrix is singular${inBatch(count, i)}, got ${show(x)} with a zero pivot at ${info - 1}; expected an invertible matrix`, {
    values: { pivot: info - 1, batch: i },
  });
}

/** Outputs LU, pivots and info of every matrix. */
export const luKernel: Kernel<CheckAttrs> = ([lu, pivots, info], [x], attrs) => {
  const { count, rows: m, cols: n } = matricesOf(x);
  const k = Math.min(m, n);
  const [from, to] = [rowMajorCells(x), lu.storage.cells];
  const a = new Float64Array(m * n);
  const found = new Int32Array(k);
  for (let i = 0; i < count; i++) {
    load(a, from, i * m * n, m * n);
    const zero = factorLu(a, m, n, found);
    checkPivot(attrs, zero, x, count, i);
    store(to, i * m * n, a, m * n);
    for (let j = 0; j < k; j++) pivots.storage.cells[i * k + j] = found[j];
    info.storage.cells[i] = zero;
  }
};

/** Outputs the solution and info for every pair of matrices. */
export const solveKernel: Kernel<CheckAttrs> = ([out, info], [x, y], attrs) => {
  const { count, rows: n } = matricesOf(x);
  const k = matricesOf(y).cols;
  const [from, right, to] = [rowMajorCells(x), rowMajorCells(y), out.storage.cells];
  const [a, b, pivots] = [new Float64Array(n * n), new Float64Array(n * k), new Int32Array(n)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * n * n, n * n);
    load(b, right, i * n * k, n * k);
    const zero = factorLu(a, n, n, pivots);
    checkPivot(attrs, zero, x, count, i);
    solveFactored(a, n, pivots, b, k);
    store(to, i * n * k, b, n * k);
    info.storage.cells[i] = zero;
  }
};

/** Outputs the inverse and info of every matrix. */
export const inverseKernel: Kernel<CheckAttrs> = ([out, info], [x], attrs) => {
  const { count, rows: n } = matricesOf(x);
  const [from, to] = [rowMajorCells(x), out.storage.cells];
  const [a, b, pivots] = [new Float64Array(n * n), new Float64Array(n * n), new Int32Array(n)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * n * n, n * n);
    const zero = factorLu(a, n, n, pivots);
    checkPivot(attrs, zero, x, count, i);
    setIdentity(b, n);
    solveFactored(a, n, pivots, b, n);
    store(to, i * n * n, b, n * n);
    info.storage.cells[i] = zero;
  }
};

/** Writes the identity into `n` rows of `n`. */
export function setIdentity(b: Float64Array, n: number): void {
  b.fill(0);
  for (let j = 0; j < n; j++) b[j * n + j] = 1;
}

function signOf(n: number, pivots: Int32Array): number {
  let sign = 1;
  for (let j = 0; j < n; j++) if (pivots[j] !== j + 1) sign = -sign;
  return sign;
}

function determinant(lu: Float64Array, n: number, pivots: Int32Array): number {
  let d = signOf(n, pivots);
  for (let j = 0; j < n; j++) d *= lu[j * n + j];
  return d;
}

/** The determinant of every matrix. */
export const detKernel: Kernel<undefined> = ([out], [x]) => {
  const { count, rows: n } = matricesOf(x);
  const [from, to] = [rowMajorCells(x), out.storage.cells];
  const [a, pivots] = [new Float64Array(n * n), new Int32Array(n)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * n * n, n * n);
    factorLu(a, n, n, pivots);
    to[i] = determinant(a, n, pivots);
  }
};

/** Outputs the sign of the determinant and the logarithm of its absolute value. */
export const slogdetKernel: Kernel<undefined> = ([sign, log], [x]) => {
  const { count, rows: n } = matricesOf(x);
  const [from, signs, logs] = [rowMajorCells(x), sign.storage.cells, log.storage.cells];
  const [a, pivots] = [new Float64Array(n * n), new Int32Array(n)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * n * n, n * n);
    factorLu(a, n, n, pivots);
    let s = signOf(n, pivots);
    let total = 0;
    for (let j = 0; j < n; j++) {
      s *= Number(a[j * n + j] > 0) - Number(a[j * n + j] < 0);
      total += Math.log(Math.abs(a[j * n + j]));
    }
    signs[i] = s;
    logs[i] = total;
  }
};

/** `det(A)·A⁻ᵀ` of every matrix; zeros where there is a column without a pivot. */
export const cofactorKernel: Kernel<undefined> = ([out], [x]) => {
  const { count, rows: n } = matricesOf(x);
  const [from, to] = [rowMajorCells(x), out.storage.cells];
  const [a, b, pivots] = [new Float64Array(n * n), new Float64Array(n * n), new Int32Array(n)];
  for (let i = 0; i < count; i++) {
    const at = i * n * n;
    load(a, from, at, n * n);
    if (factorLu(a, n, n, pivots) > 0) {
      to.fill(0, at, at + n * n);
      continue;
    }
    const d = determinant(a, n, pivots);
    setIdentity(b, n);
    solveFactored(a, n, pivots, b, n);
    for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) to[at + r * n + c] = d * b[c * n + r];
  }
};

/** The permutation `P` of `A = P L U` from the swaps of rows. */
export const permutationKernel: Kernel<unknown> = ([out], [pivots]) => {
  const { count, rows: m } = matricesOf(out);
  const from = rowMajorCells(pivots);
  const to = out.storage.cells;
  const k = count === 0 ? 0 : from.length / count;
  const order = new Int32Array(m);
  to.fill(0);
  for (let i = 0; i < count; i++) {
    for (let r = 0; r < m; r++) order[r] = r;
    for (let j = 0; j < k; j++) {
      const p = from[i * k + j] - 1;
      const v = order[p];
      order[p] = order[j];
      order[j] = v;
    }
    for (let r = 0; r < m; r++) to[(i * m + order[r]) * m + r] = 1;
  }
};

import type { Kernel } from '../../op.ts';
import { load, matricesOf, rowMajorCells, store } from './cells.ts';
import { factorLu, solveFactored } from './lu.ts';

/** Coefficients of the [13/13] Padé approximant of exp. @see N. J. Higham, The scaling and squaring method for the matrix exponential revisited, 2005 */
const PADE: readonly number[] = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
];
/** Up to this 1-norm the approximant is exact in doubles. */
const REACH = 5.371920351148152;

/** `out = a b` for `n` rows of `n`. */
function multiply(out: Float64Array, a: Float64Array, b: Float64Array, n: number): void {
  out.fill(0);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const f = a[i * n + k];
      for (let j = 0; j < n; j++) out[i * n + j] += f * b[k * n + j];
    }
  }
}

/** The largest sum of absolute values in a column. */
function oneNorm(a: Float64Array, n: number): number {
  let most = 0;
  for (let j = 0; j < n; j++) {
    let total = 0;
    for (let i = 0; i < n; i++) total += Math.abs(a[i * n + j]);
    if (!(total <= most)) most = total;
  }
  return most;
}

/** `out = w[0]·I + w[1]·x + w[2]·y + w[3]·z`. */
function blend(out: Float64Array, n: number, w: readonly [number, number, number, number], x: Float64Array, y: Float64Array, z: Float64Array): void {
  for (let i = 0; i < n * n; i++) out[i] = w[1] * x[i] + w[2] * y[i] + w[3] * z[i];
  for (let i = 0; i < n; i++) out[i * n + i] += w[0];
}

/** Matrix exponentials by scaling, a Padé approximant, and squaring. */
export const matrixExpKernel: Kernel<undefined> = ([out], [x]) => {
  const { count, rows: n } = matricesOf(x);
  const size = n * n;
  const [from, to] = [rowMajorCells(x), out.storage.cells];
  const scratch = (): Float64Array => new Float64Array(size);
  const [a, a2, a4, a6, t, u, v] = [scratch(), scratch(), scratch(), scratch(), scratch(), scratch(), scratch()];
  const pivots = new Int32Array(n);
  const b = PADE;
  for (let i = 0; i < count; i++) {
    load(a, from, i * size, size);
    const norm = oneNorm(a, n);
    if (!Number.isFinite(norm)) {
      to.fill(NaN, i * size, (i + 1) * size);
      continue;
    }
    const squarings = norm > REACH ? Math.ceil(Math.log2(norm / REACH)) : 0;
    for (let k = 0; k < size; k++) a[k] *= 2 ** -squarings;
    multiply(a2, a, a, n);
    multiply(a4, a2, a2, n);
    multiply(a6, a4, a2, n);
    blend(t, n, [0, b[9], b[11], b[13]], a2, a4, a6);
    multiply(u, a6, t, n);
    blend(t, n, [b[1], b[3], b[5], b[7]], a2, a4, a6);
    for (let k = 0; k < size; k++) t[k] += u[k];
    multiply(u, a, t, n);
    blend(t, n, [0, b[8], b[10], b[12]], a2, a4, a6);
    multiply(v, a6, t, n);
    blend(t, n, [b[0], b[2], b[4], b[6]], a2, a4, a6);
    for (let k = 0; k < size; k++) {
      v[k] += t[k];
      a[k] = v[k] - u[k];
      t[k] = v[k] + u[k];
    }
    factorLu(a, n, n, pivots);
    solveFactored(a, n, pivots, t, n);
    for (let s = 0; s < squarings; s++) {
      multiply(u, t, t, n);
      t.set(u);
    }
    store(to, i * size, t, size);
  }
};

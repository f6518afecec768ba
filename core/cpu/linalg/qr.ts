import type { Kernel } from '../../op.ts';
import { load, matricesOf, rowMajorCells, store } from './cells.ts';

/**
 * Householder reflections `H_j = I - tau_j v_j v_jᵀ` with `A = H_0 H_1 … R` in place, `m` rows of `n`: R on and above the diagonal, `v_j` below it, with a 1 on
 * the diagonal that is not stored. The signs are LAPACK's: a diagonal entry of R has the opposite sign of what stood there.
 */
export function factorQr(a: Float64Array, m: number, n: number, tau: Float64Array): void {
  const k = Math.min(m, n);
  for (let j = 0; j < k; j++) {
    let below = 0;
    for (let i = j + 1; i < m; i++) below = Math.hypot(below, a[i * n + j]);
    tau[j] = 0;
    if (below === 0) continue;
    const alpha = a[j * n + j];
    const beta = alpha >= 0 ? -Math.hypot(alpha, below) : Math.hypot(alpha, below);
    tau[j] = (beta - alpha) / beta;
    const scale = alpha - beta;
    for (let i = j + 1; i < m; i++) a[i * n + j] /= scale;
    a[j * n + j] = beta;
    for (let c = j + 1; c < n; c++) {
      let s = a[j * n + c];
      for (let i = j + 1; i < m; i++) s += a[i * n + j] * a[i * n + c];
      s *= tau[j];
      a[j * n + c] -= s;
      for (let i = j + 1; i < m; i++) a[i * n + c] -= s * a[i * n + j];
    }
  }
}

/** The first `w` columns of `H_0 … H_{k-1}`, where the reflections stand in `m` rows of `n`. */
export function formQ(q: Float64Array, m: number, w: number, a: Float64Array, n: number, tau: Float64Array, k: number): void {
  q.fill(0);
  for (let j = 0; j < Math.min(m, w); j++) q[j * w + j] = 1;
  for (let j = k - 1; j >= 0; j--) {
    if (tau[j] === 0) continue;
    for (let c = 0; c < w; c++) {
      let s = q[j * w + c];
      for (let i = j + 1; i < m; i++) s += a[i * n + j] * q[i * w + c];
      s *= tau[j];
      q[j * w + c] -= s;
      for (let i = j + 1; i < m; i++) q[i * w + c] -= s * a[i * n + j];
    }
  }
}

/** Outputs Q and R of every matrix; their shapes say whether Q is complete. A Q without elements is not computed. */
export const qrKernel: Kernel<unknown> = ([outQ, outR], [x]) => {
  const { count, rows: m, cols: n } = matricesOf(x);
  const [from, toQ, toR] = [rowMajorCells(x), outQ.storage.cells, outR.storage.cells];
  const rows = outR.shape[outR.ndim - 2];
  const width = outQ.ndim < 2 ? 0 : outQ.shape[outQ.ndim - 1];
  const k = Math.min(m, n);
  const [a, tau, q] = [new Float64Array(m * n), new Float64Array(k), new Float64Array(m * width)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * m * n, m * n);
    factorQr(a, m, n, tau);
    const at = i * rows * n;
    for (let r = 0; r < rows; r++) for (let c = 0; c < n; c++) toR[at + r * n + c] = c >= r ? a[r * n + c] : 0;
    if (width === 0) continue;
    formQ(q, m, width, a, n, tau, k);
    store(toQ, i * m * width, q, m * width);
  }
};

/** Outputs the reflections, as LAPACK packs them, and their factors. */
export const geqrfKernel: Kernel<undefined> = ([packed, factors], [x]) => {
  const { count, rows: m, cols: n } = matricesOf(x);
  const k = Math.min(m, n);
  const [from, to, taus] = [rowMajorCells(x), packed.storage.cells, factors.storage.cells];
  const [a, tau] = [new Float64Array(m * n), new Float64Array(k)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * m * n, m * n);
    factorQr(a, m, n, tau);
    store(to, i * m * n, a, m * n);
    store(taus, i * k, tau, k);
  }
};

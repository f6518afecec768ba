import { LinAlgError, show } from '../../errors.ts';
import type { Kernel } from '../../op.ts';
import { checkFinite, load, matricesOf, rowMajorCells, store } from './cells.ts';

/** Which triangle of the symmetric matrix is read. */
export interface EighAttrs {
  readonly name: string;
  readonly upper: boolean;
}

/** Householder reduction of a symmetric matrix in `v` to tridiagonal form: the diagonal in `d`, what is beside it in `e`, the transformation in `v`. */
function tridiagonalize(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) d[j] = v[(n - 1) * n + j];
  for (let i = n - 1; i > 0; i--) {
    let scale = 0;
    let h = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(d[k]);
    if (scale === 0) {
      e[i] = d[i - 1];
      for (let j = 0; j < i; j++) {
        d[j] = v[(i - 1) * n + j];
        v[i * n + j] = 0;
        v[j * n + i] = 0;
      }
    } else {
      h = reflect(v, d, e, n, i, scale);
    }
    d[i] = h;
  }
  accumulate(v, d, e, n);
}

/** One reflection; returns half the square of the length of its vector. */
function reflect(v: Float64Array, d: Float64Array, e: Float64Array, n: number, i: number, scale: number): number {
  let h = 0;
  for (let k = 0; k < i; k++) {
    d[k] /= scale;
    h += d[k] * d[k];
  }
  const f = d[i - 1];
  const g = f > 0 ? -Math.sqrt(h) : Math.sqrt(h);
  e[i] = scale * g;
  h -= f * g;
  d[i - 1] = f - g;
  for (let j = 0; j < i; j++) e[j] = 0;
  for (let j = 0; j < i; j++) {
    const x = d[j];
    v[j * n + i] = x;
    let s = e[j] + v[j * n + j] * x;
    for (let k = j + 1; k < i; k++) {
      s += v[k * n + j] * d[k];
      e[k] += v[k * n + j] * x;
    }
    e[j] = s;
  }
  let sum = 0;
  for (let j = 0; j < i; j++) {
    e[j] /= h;
    sum += e[j] * d[j];
  }
  const half = sum / (h + h);
  for (let j = 0; j < i; j++) e[j] -= half * d[j];
  for (let j = 0; j < i; j++) {
    const [x, y] = [d[j], e[j]];
    for (let k = j; k < i; k++) v[k * n + j] -= x * e[k] + y * d[k];
    d[j] = v[(i - 1) * n + j];
    v[i * n + j] = 0;
  }
  return h;
}

function accumulate(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  for (let i = 0; i < n - 1; i++) {
    v[(n - 1) * n + i] = v[i * n + i];
    v[i * n + i] = 1;
    const h = d[i + 1];
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = v[k * n + i + 1] / h;
      for (let j = 0; j <= i; j++) {
        let g = 0;
        for (let k = 0; k <= i; k++) g += v[k * n + i + 1] * v[k * n + j];
        for (let k = 0; k <= i; k++) v[k * n + j] -= g * d[k];
      }
    }
    for (let k = 0; k <= i; k++) v[k * n + i + 1] = 0;
  }
  for (let j = 0; j < n; j++) {
    d[j] = v[(n - 1) * n + j];
    v[(n - 1) * n + j] = 0;
  }
  v[n * n - 1] = 1;
  e[0] = 0;
}

const SWEEPS = 100;

/** Implicit QL iterations on a tridiagonal matrix; returns false where they do not converge. */
function diagonalize(v: Float64Array, d: Float64Array, e: Float64Array, n: number): boolean {
  for (let i = 1; i < n; i++) e[i - 1] = e[i];
  e[n - 1] = 0;
  let shift = 0;
  let size = 0;
  for (let l = 0; l < n; l++) {
    size = Math.max(size, Math.abs(d[l]) + Math.abs(e[l]));
    let m = l;
    while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * size) m++;
    if (m > l) {
      let sweeps = 0;
      do {
        if (++sweeps > SWEEPS) return false;
        shift += sweep(v, d, e, n, l, m);
      } while (Math.abs(e[l]) > Number.EPSILON * size);
    }
    d[l] += shift;
    e[l] = 0;
  }
  return true;
}

/** One sweep over rows l … m; returns the shift it took off. */
function sweep(v: Float64Array, d: Float64Array, e: Float64Array, n: number, l: number, m: number): number {
  const g = d[l];
  let p = (d[l + 1] - g) / (2 * e[l]);
  let r = p < 0 ? -Math.hypot(p, 1) : Math.hypot(p, 1);
  d[l] = e[l] / (p + r);
  d[l + 1] = e[l] * (p + r);
  const next = d[l + 1];
  const h = g - d[l];
  for (let i = l + 2; i < n; i++) d[i] -= h;
  p = d[m];
  let [c, c2, c3] = [1, 1, 1];
  const beside = e[l + 1];
  let [s, s2] = [0, 0];
  for (let i = m - 1; i >= l; i--) {
    c3 = c2;
    c2 = c;
    s2 = s;
    const a = c * e[i];
    const b = c * p;
    r = Math.hypot(p, e[i]);
    e[i + 1] = s * r;
    s = e[i] / r;
    c = p / r;
    p = c * d[i] - s * a;
    d[i + 1] = b + s * (c * a + s * d[i]);
    for (let k = 0, at = i; k < n; k++, at += n) {
      const x = v[at + 1];
      const y = v[at];
      v[at + 1] = s * y + c * x;
      v[at] = c * y - s * x;
    }
  }
  p = (-s * s2 * c3 * beside * e[l]) / next;
  e[l] = s * p;
  d[l] = c * p;
  return h;
}

/** Puts eigenvalues into ascending order, with their columns. */
function ascend(v: Float64Array, d: Float64Array, n: number): void {
  for (let i = 0; i < n - 1; i++) {
    let k = i;
    for (let j = i + 1; j < n; j++) if (d[j] < d[k]) k = j;
    if (k === i) continue;
    const least = d[k];
    d[k] = d[i];
    d[i] = least;
    for (let r = 0; r < n; r++) {
      const x = v[r * n + i];
      v[r * n + i] = v[r * n + k];
      v[r * n + k] = x;
    }
  }
}

/** The lower triangle mirrored, or the upper one. */
function mirror(v: Float64Array, n: number, upper: boolean): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      if (upper) v[i * n + j] = v[j * n + i];
      else v[j * n + i] = v[i * n + j];
    }
  }
}

/** Outputs the eigenvalues, ascending, and the eigenvectors as columns. */
export const eighKernel: Kernel<EighAttrs> = ([values, vectors], [x], { name, upper }) => {
  const { count, rows: n } = matricesOf(x);
  if (n === 0) return;
  const from = rowMajorCells(x);
  const [v, d, e] = [new Float64Array(n * n), new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < count; i++) {
    load(v, from, i * n * n, n * n);
    mirror(v, n, upper);
    checkFinite(name, x, v, n * n);
    tridiagonalize(v, d, e, n);
    if (!diagonalize(v, d, e, n)) throw new LinAlgError(`${name}: the iteration did not converge, got ${show(x)}; expected a matrix of moderate numbers`);
    ascend(v, d, n);
    store(values.storage.cells, i * n, d, n);
    store(vectors.storage.cells, i * n * n, v, n * n);
  }
};

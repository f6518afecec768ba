/** Eigenvalues and eigenvectors of a real symmetric matrix. */
export interface Eigen {
  /** Largest first. */
  readonly values: Float64Array;
  /** Row k is the eigenvector of value k, of length 1: element i lies at `k * n + i`. */
  readonly vectors: Float64Array;
}

const SWEEPS = 60;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations, in float64. On positive definite matrices with a unit diagonal it finds
 * small eigenvalues to high relative accuracy, which methods that first make the matrix tridiagonal do not.
 *
 * @param matrix - n·n elements, row by row; it is not changed
 * @param n - rows and columns
 * @see Demmel and Veselić 1992, Jacobi's method is more accurate than QR, https://doi.org/10.1137/0613074
 */
export function eigenSymmetric(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0, rotated = true; rotated && sweep < SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p * n + q]) <= 2 ** -53 * Math.sqrt(Math.abs(a[p * n + p] * a[q * n + q]))) continue;
        rotate(a, v, n, p, q);
        rotated = true;
      }
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => vectors.set(v.subarray(from * n, from * n + n), to * n));
  return { values: Float64Array.from(order, (i) => a[i * n + i]), vectors };
}

/** Makes element (p, q) zero. Only rows p and q are rotated; columns follow from symmetry. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  a[p * n + p] -= t * apq;
  a[q * n + q] += t * apq;
  a[p * n + q] = 0;
  a[q * n + p] = 0;
  const [rowP, rowQ] = [p * n, q * n];
  for (let k = 0; k < n; k++) {
    const vp = v[rowP + k];
    const vq = v[rowQ + k];
    v[rowP + k] = c * vp - s * vq;
    v[rowQ + k] = s * vp + c * vq;
    if (k === p || k === q) continue;
    const ap = a[rowP + k];
    const aq = a[rowQ + k];
    a[rowP + k] = c * ap - s * aq;
    a[rowQ + k] = s * ap + c * aq;
    a[k * n + p] = a[rowP + k];
    a[k * n + q] = a[rowQ + k];
  }
}

import { LinAlgError, show } from '../../errors.ts';
import type { Kernel, Operand } from '../../op.ts';
import type { Tensor } from '../../tensor.ts';
import { checkFinite, matricesOf, rowMajorCells } from './cells.ts';
import { factorQr, formQ } from './qr.ts';

/** Who asks, and whether the bases are complete. */
export interface SvdAttrs {
  readonly name: string;
  readonly full: boolean;
}

/** Scratch for the singular values of matrices with `m` rows, or columns, and not more than `m` of the other: n of them. */
export class JacobiSvd {
  readonly m: number;
  readonly n: number;
  /** `n` rows of `m`: the left singular vectors, after `run`. */
  readonly left: Float64Array;
  /** `n` rows of `n`: the right singular vectors, after `run`. */
  readonly right: Float64Array;
  /** Singular values, descending, after `run`. */
  readonly values: Float64Array;

  constructor(m: number, n: number) {
    this.m = m;
    this.n = n;
    this.left = new Float64Array(n * m);
    this.right = new Float64Array(n * n);
    this.values = new Float64Array(n);
  }

  /** Rotates pairs of rows of `left` until all are orthogonal; false where that does not come about. */
  run(): boolean {
    const { m, n, left, right, values } = this;
    const scale = this.normalize();
    right.fill(0);
    for (let i = 0; i < n; i++) right[i * n + i] = 1;
    let turned = true;
    for (let sweep = 0; turned; sweep++) {
      if (sweep === 80) return false;
      turned = false;
      for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) if (this.rotate(p, q)) turned = true;
    }
    for (let i = 0; i < n; i++) {
      values[i] = norm(left, i * m, m);
      if (values[i] > 0) for (let c = 0; c < m; c++) left[i * m + c] /= values[i];
    }
    this.descend();
    for (let i = 0; i < n; i++) values[i] *= scale;
    return true;
  }

  /** Divides by a power of 2, so that squares neither overflow nor vanish; returns it. */
  private normalize(): number {
    const { left } = this;
    let largest = 0;
    for (let i = 0; i < left.length; i++) largest = Math.max(largest, Math.abs(left[i]));
    if (largest === 0) return 1;
    const scale = 2 ** Math.floor(Math.log2(largest));
    for (let i = 0; i < left.length; i++) left[i] /= scale;
    return scale;
  }

  /** Makes rows p and q orthogonal; false where they are already. */
  private rotate(p: number, q: number): boolean {
    const { m, n, left, right } = this;
    let [a, b, g] = [0, 0, 0];
    for (let c = 0, i = p * m, j = q * m; c < m; c++, i++, j++) {
      a += left[i] * left[i];
      b += left[j] * left[j];
      g += left[i] * left[j];
    }
    if (a === 0 || b === 0 || Math.abs(g) <= Number.EPSILON * Math.sqrt(a) * Math.sqrt(b)) return false;
    const zeta = (b - a) / (2 * g);
    const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
    const c = 1 / Math.sqrt(1 + t * t);
    const s = c * t;
    if (s === 0) return false;
    turn(left, p * m, q * m, m, c, s);
    turn(right, p * n, q * n, n, c, s);
    return true;
  }

  private descend(): void {
    const { m, n, left, right, values } = this;
    for (let i = 0; i < n - 1; i++) {
      let k = i;
      for (let j = i + 1; j < n; j++) if (values[j] > values[k]) k = j;
      if (k === i) continue;
      const v = values[i];
      values[i] = values[k];
      values[k] = v;
      swap(left, i * m, k * m, m);
      swap(right, i * n, k * n, n);
    }
  }
}

function norm(a: Float64Array, at: number, n: number): number {
  let total = 0;
  for (let i = at; i < at + n; i++) total += a[i] * a[i];
  return Math.sqrt(total);
}

function turn(a: Float64Array, i: number, j: number, n: number, c: number, s: number): void {
  for (const end = i + n; i < end; i++, j++) {
    const [x, y] = [a[i], a[j]];
    a[i] = c * x - s * y;
    a[j] = s * x + c * y;
  }
}

function swap(a: Float64Array, i: number, j: number, n: number): void {
  for (let c = 0; c < n; c++) {
    const v = a[i + c];
    a[i + c] = a[j + c];
    a[j + c] = v;
  }
}

/** Fills `basis` (`w` rows of `m`), of which the first `r` rows are orthonormal, up with rows that are orthogonal to these and to each other. */
function complete(basis: Float64Array, m: number, w: number, r: number): void {
  if (r >= w) return;
  const [a, tau, q] = [new Float64Array(m * r), new Float64Array(r), new Float64Array(m * w)];
  for (let i = 0; i < m; i++) for (let j = 0; j < r; j++) a[i * r + j] = basis[j * m + i];
  factorQr(a, m, r, tau);
  formQ(q, m, w, a, r, tau, r);
  for (let j = r; j < w; j++) for (let i = 0; i < m; i++) basis[j * m + i] = q[i * w + j];
}

/** Loads matrix `i` into `work.left`, so that its longer side lies along rows, and takes it apart. */
export function decompose(name: string, x: Operand, work: JacobiSvd, from: ArrayLike<number>, i: number, tall: boolean): void {
  const { m, n, left } = work;
  const at = i * m * n;
  if (tall) for (let r = 0; r < m; r++) for (let c = 0; c < n; c++) left[c * m + r] = from[at + r * n + c];
  else for (let k = 0; k < m * n; k++) left[k] = from[at + k];
  checkFinite(name, x, left, m * n);
  if (!work.run()) throw new LinAlgError(`${name}: the iteration did not converge, got ${show(x)}; expected a matrix of moderate numbers`);
}

/** Outputs U, the singular values, descending, and Vᵀ; with `full`, square U and Vᵀ. */
export const svdKernel: Kernel<SvdAttrs> = ([outU, outS, outV], [x], { name, full }) => {
  const { count, rows, cols } = matricesOf(x);
  const tall = rows >= cols;
  const [m, n] = tall ? [rows, cols] : [cols, rows];
  const w = full ? m : n;
  const from = rowMajorCells(x);
  const work = new JacobiSvd(m, n);
  const wide = new Float64Array(w * m);
  for (let i = 0; i < count; i++) {
    decompose(name, x, work, from, i, tall);
    let rank = 0;
    while (rank < n && work.values[rank] > 0) rank++;
    wide.set(work.left);
    complete(wide, m, w, rank);
    for (let k = 0; k < n; k++) outS.storage.cells[i * n + k] = work.values[k];
    // The vectors of the longer side stand in the rows of `wide`, the others in the rows of `work.right`.
    const [u, v] = tall ? [wide, work.right] : [work.right, wide];
    putTransposed(outU, i, u, rows);
    putRows(outV, i, v, cols);
  }
};

function putTransposed(out: Tensor, i: number, rows: Float64Array, length: number): void {
  const width = out.shape[out.ndim - 1];
  const { cells } = out.storage;
  const at = i * length * width;
  for (let r = 0; r < length; r++) for (let c = 0; c < width; c++) cells[at + r * width + c] = rows[c * length + r];
}

function putRows(out: Tensor, i: number, rows: Float64Array, length: number): void {
  const count = out.shape[out.ndim - 2] * length;
  const { cells } = out.storage;
  for (let k = 0; k < count; k++) cells[i * count + k] = rows[k];
}

/** Who asks, and whether the lower triangle alone is read, for both. */
export interface PinvAttrs {
  readonly name: string;
  readonly hermitian: boolean;
}

/** The pseudo-inverse of every matrix; singular values up to `max(atol, rtol·largest)` count as 0. Operands: the matrices, atol and rtol, one of each per matrix or numbers. */
export const pinvKernel: Kernel<PinvAttrs> = ([out], [x, atol, rtol], { name, hermitian }) => {
  const { count, rows, cols } = matricesOf(x);
  const tall = rows >= cols;
  const [m, n] = tall ? [rows, cols] : [cols, rows];
  const [from, to] = [hermitian ? mirrored(rowMajorCells(x), count, rows) : rowMajorCells(x), out.storage.cells];
  const tolerance = (t: Operand): ((i: number) => number) => {
    if (typeof t === 'number') return () => t;
    const cells = rowMajorCells(t);
    return (i) => cells[i];
  };
  const [absolute, relative] = [tolerance(atol), tolerance(rtol)];
  const work = new JacobiSvd(m, n);
  const sum = new Float64Array(rows * cols);
  for (let i = 0; i < count; i++) {
    decompose(name, x, work, from, i, tall);
    const { left, right, values } = work;
    const limit = n === 0 ? 0 : Math.max(absolute(i), relative(i) * values[0]);
    const [u, v] = tall ? [left, right] : [right, left];
    sum.fill(0);
    for (let k = 0; k < n && values[k] > limit; k++) {
      for (let r = 0; r < cols; r++) {
        const f = v[k * cols + r] / values[k];
        for (let c = 0; c < rows; c++) sum[r * rows + c] += f * u[k * rows + c];
      }
    }
    for (let k = 0; k < sum.length; k++) to[i * sum.length + k] = sum[k];
  }
};


/** Matrices with the lower triangle on both sides. */
function mirrored(cells: ArrayLike<number>, count: number, n: number): Float64Array {
  const out = Float64Array.from(cells);
  for (let i = 0; i < count; i++) for (let r = 0; r < n; r++) for (let c = 0; c < r; c++) out[(i * n + c) * n + r] = out[(i * n + r) * n + c];
  return out;
}

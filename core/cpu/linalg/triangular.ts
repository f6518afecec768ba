import { LinAlgError, show } from '../../errors.ts';
import type { Kernel, Operand } from '../../op.ts';
import { load, matricesOf, rowMajorCells, store } from './cells.ts';
import { subtractRow } from './lu.ts';

/** Which triangle is read, and whether its diagonal is taken to be ones. */
export interface TriangularAttrs {
  readonly upper: boolean;
  readonly unitriangular: boolean;
  /** Who refuses a zero on the diagonal; without a name nobody does. */
  readonly refusing?: string;
}

/** Solves `A X = B` in place of `b` (`n` rows of `k`) for a triangular `a`. */
function solveTriangle(a: Float64Array, n: number, b: Float64Array, k: number, { upper, unitriangular }: TriangularAttrs): void {
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step;
    const [from, to] = upper ? [i + 1, n] : [0, i];
    for (let j = from; j < to; j++) subtractRow(b, k, i, j, a[i * n + j]);
    if (unitriangular) continue;
    const d = a[i * n + i];
    for (let c = 0; c < k; c++) b[i * k + c] /= d;
  }
}

function checkDiagonal({ refusing }: TriangularAttrs, x: Operand, a: Float64Array, n: number): void {
  if (refusing === undefined) return;
  for (let j = 0; j < n; j++) {
    if (a[j * n + j] === 0) throw new LinAlgError(`${refusing}: the matrix is singular, got ${show(x)} with a zero on the diagonal at ${j}; expected an invertible matrix`);
  }
}

/** Solutions of triangular systems, batch by batch. */
export const triangularKernel: Kernel<TriangularAttrs> = ([out], [x, y], attrs) => {
  const { count, rows: n } = matricesOf(x);
  const k = matricesOf(y).cols;
  const [from, right, to] = [rowMajorCells(x), rowMajorCells(y), out.storage.cells];
  const [a, b] = [new Float64Array(n * n), new Float64Array(n * k)];
  for (let i = 0; i < count; i++) {
    load(a, from, i * n * n, n * n);
    load(b, right, i * n * k, n * k);
    checkDiagonal(attrs, x, a, n);
    solveTriangle(a, n, b, k, attrs);
    store(to, i * n * k, b, n * k);
  }
};

import { LinAlgError, show } from '../../errors.ts';
import type { Kernel } from '../../op.ts';
import { inBatch, load, matricesOf, rowMajorCells } from './cells.ts';

/** Which triangle is read and written, and whether a matrix that is not positive definite is an error. */
export interface CholeskyAttrs {
  readonly name: string;
  readonly upper: boolean;
  readonly check: boolean;
}

/** `A = L Lᵀ` in place of the lower triangle; returns the order of the first minor that is not positive, or 0. */
function factorCholesky(a: Float64Array, n: number): number {
  for (let j = 0; j < n; j++) {
    let d = a[j * n + j];
    for (let c = 0; c < j; c++) d -= a[j * n + c] * a[j * n + c];
    if (d <= 0) {
      a[j * n + j] = d;
      return j + 1;
    }
    const root = Math.sqrt(d);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let s = a[i * n + j];
      for (let c = 0; c < j; c++) s -= a[i * n + c] * a[j * n + c];
      a[i * n + j] = s / root;
    }
  }
  return 0;
}

function transposeInPlace(a: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const v = a[i * n + j];
      a[i * n + j] = a[j * n + i];
      a[j * n + i] = v;
    }
  }
}

/** Outputs the factor and info of every matrix. */
export const choleskyKernel: Kernel<CholeskyAttrs> = ([out, info], [x], { name, upper, check }) => {
  const { count, rows: n } = matricesOf(x);
  const [from, to] = [rowMajorCells(x), out.storage.cells];
  const a = new Float64Array(n * n);
  for (let i = 0; i < count; i++) {
    const at = i * n * n;
    load(a, from, at, n * n);
    if (upper) transposeInPlace(a, n);
    const order = factorCholesky(a, n);
    if (check && order > 0) {
      throw new LinAlgError(
        `${name}: the matrix is not positive definite${inBatch(count, i)}, got ${show(x)} with a leading minor of order ${order} that is not positive; expected a positive definite matrix`,
        { values: { order, batch: i } },
      );
    }
    info.storage.cells[i] = order;
    for (let r = 0; r < n; r++) {
      for (let c = 0; c < n; c++) to[at + (upper ? c * n + r : r * n + c)] = c <= r ? a[r * n + c] : 0;
    }
  }
};

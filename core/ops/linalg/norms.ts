import { type DType, checkDType, isFloat, promoteTypes } from '../../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, show } from '../../errors.ts';
import { normalizeDim } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { type Free, free } from '../define.ts';
import { norm } from '../norm.ts';
import type { Dims } from '../reduce.ts';
import { type Given, argumentsOf, batchOf, checkFloat, checkMatrix, checkSides, flagOf, rowsIn, colsIn } from './arguments.ts';
import { inverseOf } from './inverse.ts';
import { svdvals } from './svd.ts';

const family = 'linear algebra';

/** Order of a matrix norm: Frobenius, nuclear, largest or smallest sums, largest or smallest singular value. */
export type MatrixOrder = 'fro' | 'nuc' | number;

/** Options of the norms. */
export interface NormOptions<Ord> {
  /** Order. */
  readonly ord?: Ord;
  /** Dimensions. */
  readonly dim?: Dims;
  /** Keep reduced dimensions with size 1; default false. */
  readonly keepdim?: boolean;
  /** Dtype to compute in, at least as wide as the input's. */
  readonly dtype?: DType | null;
}

type Place<T, Ord> = T | NormOptions<Ord>;

const names = ['ord', 'dim', 'keepdim'];

/** The input in the dtype that was asked for. */
function widened(name: string, x: Tensor, { dtype = null }: Given): Tensor {
  checkFloat(name, x);
  if (dtype === null) return x;
  checkDType(name, dtype);
  if (!isFloat(dtype) || promoteTypes(x.dtype, dtype) !== dtype) {
    throw new DTypeError(`${name}: dtype would lose digits, got ${show(dtype)} for ${show(x)}; expected ${x.dtype === 'float32' ? 'float32 or float64' : 'float64'}`);
  }
  return x.to(dtype);
}

function ofVectors(name: string, x: Tensor, given: Given): Tensor {
  const ord = given.ord ?? 2;
  const dim = given.dim ?? null;
  if (typeof ord !== 'number') throw new ArgumentError(`${name}: order is not a number, got ${show(ord)}; expected a number, Infinity or -Infinity`);
  return norm(x, ord, dim as Dims, { keepdim: flagOf(name, given, 'keepdim', false) });
}

/**
 * p-norm of the elements over dimensions, `(Σ |x|^p)^(1/p)`, of all of them by default: also ±Infinity (largest, smallest absolute value) and 0 (how many are not 0).
 *
 * @param ord - default 2
 * @param dim - default all dimensions
 * @throws DTypeError unless float, or for a dtype that is narrower; ShapeError for the largest or smallest of nothing
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html
 */
export const vectorNorm: Free<(x: Tensor, ord?: Place<number | null, number>, dim?: Place<Dims, number>, keepdim?: Place<boolean, number>, options?: NormOptions<number>) => Tensor> = free(
  {
    name: 'linalg.vectorNorm',
    family,
    torch: 'linalg.vector_norm',
    samples: (s) => [
      [s.float([2, 3])],
      [s.float([2, 3]), 1, 1],
      [s.float([2, 3]), 3.5, [0], { keepdim: true }],
      [s.float([2, 3]), { ord: Infinity, dim: -1 }],
      [s.float([2, 3, 2]), -Infinity, [0, 2]],
      [s.float([2, 3]), 0],
      [s.float([])],
      [s.float([0, 2])],
    ],
  },
  (x: Tensor, ...rest: readonly unknown[]): Tensor => {
    const given = argumentsOf('linalg.vectorNorm', rest, names, ['dtype']);
    return ofVectors('linalg.vectorNorm', widened('linalg.vectorNorm', x, given), given);
  },
);

/** The two dimensions of a matrix norm. */
function planeOf(name: string, x: Tensor, dim: unknown): [number, number] {
  if (!Array.isArray(dim) || dim.length !== 2) throw new ArgumentError(`${name}: dim does not name two dimensions, got ${show(dim)}; expected two`);
  const [first, second] = dim.map((d: number) => normalizeDim(name, d, x.ndim));
  if (first === second) throw new ShapeError(`${name}: dimension named twice, got ${show(dim)}; expected two dimensions`);
  return [first, second];
}

function ofMatrices(name: string, x: Tensor, given: Given): Tensor {
  const ord = given.ord ?? 'fro';
  const dim = given.dim ?? [-2, -1];
  checkMatrix(name, x);
  const keepdim = flagOf(name, given, 'keepdim', false);
  const [rows, cols] = planeOf(name, x, dim);
  const order = typeof ord === 'number' ? Math.abs(ord) : ord;
  if (order === 'fro') return norm(x, 2, [rows, cols], { keepdim });
  if (order !== 'nuc' && order !== 1 && order !== 2 && order !== Infinity) {
    throw new ArgumentError(`${name}: unknown order, got ${show(ord)}; expected 'fro', 'nuc', Infinity, -Infinity, 1, -1, 2 or -2`);
  }
  const opened = (y: Tensor): Tensor => (keepdim ? y.unsqueeze(Math.min(rows, cols)).unsqueeze(Math.max(rows, cols)) : y);
  const largest = (y: Tensor, d: number): Tensor => (typeof ord === 'number' && ord < 0 ? y.amin(d) : y.amax(d));
  if (order === 'nuc' || order === 2) {
    const values = svdvals(x.movedim([rows, cols], [-2, -1]));
    return opened(order === 'nuc' ? values.sum(-1) : largest(values, -1));
  }
  const [summed, left] = order === 1 ? [rows, cols] : [cols, rows];
  return opened(largest(x.abs().sum(summed), left > summed ? left - 1 : left));
}

/**
 * Norm of matrices: 'fro' (root of the sum of squares), 'nuc' (sum of singular values), Infinity and -Infinity (largest, smallest sum of absolute values in a row), 1 and
 * -1 (in a column), 2 and -2 (largest, smallest singular value).
 *
 * @param ord - default 'fro'
 * @param dim - the two dimensions of the matrices; default the last two
 * @throws ArgumentError for another order; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html
 */
export const matrixNorm: Free<
  (x: Tensor, ord?: Place<MatrixOrder | null, MatrixOrder>, dim?: Place<readonly number[], MatrixOrder>, keepdim?: Place<boolean, MatrixOrder>, options?: NormOptions<MatrixOrder>) => Tensor
> = free(
  {
    name: 'linalg.matrixNorm',
    family,
    torch: 'linalg.matrix_norm',
    samples: (s) => [
      [s.float([2, 3])],
      [s.float([2, 3, 2]), 'nuc'],
      [s.float([2, 3, 2]), 2, [0, 1]],
      [s.float([2, 3, 2]), -2, [2, 0], { keepdim: true }],
      [s.float([2, 3, 2]), 1, [2, 0], { keepdim: true }],
      [s.float([2, 3, 2]), -1],
      [s.float([2, 3]), Infinity],
      [s.float([2, 3]), { ord: -Infinity, dim: [1, 0] }],
      [s.float([2, 0, 3])],
    ],
  },
  (x: Tensor, ...rest: readonly unknown[]): Tensor => {
    const given = argumentsOf('linalg.matrixNorm', rest, names, ['dtype']);
    return ofMatrices('linalg.matrixNorm', widened('linalg.matrixNorm', x, given), given);
  },
);

/**
 * Norm of vectors or matrices: a matrix norm where an order is given and there are two dimensions, else the p-norm of the elements.
 *
 * @param ord - default: the root of the sum of squares
 * @param dim - one dimension for vectors, two for matrices; default all
 * @throws ArgumentError for an unknown order; ShapeError for an order without dimensions on more than 2; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.norm.html
 */
export const linalgNorm: Free<
  (x: Tensor, ord?: Place<MatrixOrder | null, MatrixOrder>, dim?: Place<Dims, MatrixOrder>, keepdim?: Place<boolean, MatrixOrder>, options?: NormOptions<MatrixOrder>) => Tensor
> = free(
  {
    name: 'linalg.norm',
    family,
    torch: 'linalg.norm',
    samples: (s) => [
      [s.float([2, 3, 2])],
      [s.float([4]), 3],
      [s.float([2, 3]), 'nuc'],
      [s.float([2, 3]), 1],
      [s.float([2, 3]), 3, 1],
      [s.float([2, 3, 2]), 2, [0, 2], { keepdim: true }],
      [s.float([2, 3, 2]), null, [1, 2]],
      [s.float([2, 3]), { ord: -Infinity }],
      [s.float([])],
    ],
  },
  (input: Tensor, ...rest: readonly unknown[]): Tensor => {
    const name = 'linalg.norm';
    const given = argumentsOf(name, rest, names, ['dtype']);
    const x = widened(name, input, given);
    const ord = given.ord ?? null;
    const dim = given.dim ?? null;
    const dims = typeof dim === 'number' ? [dim] : dim;
    if (Array.isArray(dims) && dims.length !== 1 && dims.length !== 2) throw new ArgumentError(`${name}: dim does not name one or two dimensions, got ${show(dim)}; expected one or two`);
    if (ord === null) return ofVectors(name, x, { ...given, ord: 2, dim: dims });
    if (dims === null && x.ndim !== 1 && x.ndim !== 2) {
      throw new ShapeError(`${name}: an order without dimensions, got ${show(ord)} for ${show(x)}; expected 1 or 2 dimensions, or dim`);
    }
    const plane = Array.isArray(dims) ? dims.length === 2 : x.ndim === 2;
    return plane ? ofMatrices(name, x, { ...given, dim: dims ?? [0, 1] }) : ofVectors(name, x, { ...given, dim: dims });
  },
);

/**
 * Condition number: the norm of the matrix times that of its inverse; for orders null, 2 and -2 the ratio of the largest and smallest singular values. Infinity for a
 * singular matrix.
 *
 * @param p - order of the norm, as of `matrixNorm`; default 2
 * @throws ArgumentError for another order; ShapeError unless square where the order is not 2 or -2; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cond.html
 */
export const cond: Free<(x: Tensor, p?: MatrixOrder | null | { readonly p?: MatrixOrder | null }) => Tensor> = free(
  {
    name: 'linalg.cond',
    family,
    torch: 'linalg.cond',
    samples: (s) => [[s.float([3, 3])], [s.float([2, 3, 2])], [s.float([2, 3]), -2], [s.float([3, 3]), 'fro'], [s.float([2, 2, 2]), 'nuc'], [s.float([2, 2]), 1], [s.float([2, 2]), { p: -Infinity }], [s.float([0, 0])]],
  },
  (x: Tensor, order?: MatrixOrder | null | { readonly p?: MatrixOrder | null }): Tensor => {
    const name = 'linalg.cond';
    const p = argumentsOf(name, [order], ['p']).p ?? 2;
    checkMatrix(name, x);
    if (![2, -2, 1, -1, Infinity, -Infinity, 'fro', 'nuc'].includes(p as MatrixOrder)) {
      throw new ArgumentError(`${name}: unknown order, got ${show(p)}; expected 'fro', 'nuc', Infinity, -Infinity, 1, -1, 2, -2 or null`);
    }
    if (p !== 2 && p !== -2) checkSides(name, x);
    if (rowsIn(x) === 0 || colsIn(x) === 0) return x.sum([-2, -1]).reshape(batchOf(x));
    if (p === 2 || p === -2) {
      const values = svdvals(x);
      const [most, least] = [values.select(-1, 0), values.select(-1, -1)];
      return p === 2 ? most.div(least) : least.div(most);
    }
    const [inverse, info] = inverseOf(x, name, false);
    const known = inverse.maskedFill(info.ne(0).unsqueeze(-1).unsqueeze(-1), Infinity);
    return ofMatrices(name, x, { ord: p }).mul(ofMatrices(name, known, { ord: p })).nanToNum({ nan: Infinity, posinf: Infinity, neginf: -Infinity });
  },
);

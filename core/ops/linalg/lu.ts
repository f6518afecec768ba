import { type CheckAttrs, luKernel, permutationKernel } from '../../cpu/linalg/lu.ts';
import { ArgumentError, DTypeError, ShapeError, show } from '../../errors.ts';
import { type Primitive, apply, applyMany, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import { broadcastShapes } from '../../shape.ts';
import type { Node } from '../../tape.ts';
import { type Tensor, emptyTensor } from '../../tensor.ts';
import { eye } from '../creation.ts';
import { type Free, type Method, type Samples, checkTensor, free, method } from '../define.ts';
import { cat } from '../join.ts';
import { argumentsOf, batchOf, broadcastBatches, checkMatrix, checkSameDType, checkSquare, colsIn, flagOf, rowsIn, turned } from './arguments.ts';
import type { CheckErrorsOptions } from './inverse.ts';
import { solveTriangle, solveTriangleRight } from './triangular.ts';

const family = 'linear algebra';

/** The permutation matrices of swaps of rows. */
const permutationOp = primitive<{ readonly rows: number; readonly like: Tensor['dtype'] }>({
  name: 'permutation',
  infer: ([pivots], { rows, like }) => ({ shape: [...(pivots as Tensor).shape.slice(0, -1), rows, rows], dtype: like }),
  cpu: permutationKernel,
});

function permutationOf(pivots: Tensor, lu: Tensor): Tensor {
  return apply(permutationOp, [pivots], { rows: rowsIn(lu), like: lu.dtype });
}

/** The unit lower triangular factor of packed factors. */
function lowerOf(lu: Tensor): Tensor {
  const k = Math.min(rowsIn(lu), colsIn(lu));
  return lu.narrow(-1, 0, k).tril(-1).add(eye(rowsIn(lu), k, { dtype: lu.dtype, device: lu.device }));
}

/** The upper triangular factor of packed factors. */
function upperOf(lu: Tensor): Tensor {
  return lu.narrow(-2, 0, Math.min(rowsIn(lu), colsIn(lu))).triu();
}

/** Gradient of a packed factorization of any shape. */
function luGradient(node: Node, g: Tensor): Tensor {
  const lu = node.output(0);
  const [m, n] = [rowsIn(lu), colsIn(lu)];
  const k = Math.min(m, n);
  const [lower, upper] = [lowerOf(lu), upperOf(lu)];
  const [gl, gu] = [g.narrow(-1, 0, k).tril(-1), g.narrow(-2, 0, k).triu()];
  const [l1, u1] = [lower.narrow(-2, 0, k), upper.narrow(-1, 0, k)];
  const ofL = turned(l1).matmul(gl.narrow(-2, 0, k));
  const ofU = gu.narrow(-1, 0, k).matmul(turned(u1));
  const fromLeft = (x: Tensor): Tensor => solveTriangle(turned(l1), x, true, true);
  const fromRight = (x: Tensor): Tensor => solveTriangleRight(turned(u1), x, false);
  const core = (phiL: Tensor, phiU: Tensor): Tensor => fromRight(fromLeft(phiL.tril(-1).add(phiU.triu())));
  let found: Tensor;
  if (m < n) {
    const [u2, gu2] = [upper.narrow(-1, k, n - k), gu.narrow(-1, k, n - k)];
    found = cat([core(ofL.sub(gu2.matmul(turned(u2))), ofU), fromLeft(gu2)], -1);
  } else if (m > n) {
    const [l2, gl2] = [lower.narrow(-2, k, m - k), gl.narrow(-2, k, m - k)];
    found = cat([core(ofL, ofU.sub(turned(l2).matmul(gl2))), fromRight(gl2)], -2);
  } else {
    found = core(ofL, ofU);
  }
  return permutationOf(node.output(1), lu).matmul(found);
}

const luOp: Primitive<CheckAttrs> = primitive<CheckAttrs>({
  name: 'luFactor',
  infer: ([input]) => {
    const x = input as Tensor;
    return [{ shape: x.shape, dtype: x.dtype }, { shape: [...batchOf(x), Math.min(rowsIn(x), colsIn(x))], dtype: 'int32' }, { shape: batchOf(x), dtype: 'int32' }];
  },
  cpu: luKernel,
  saves: 'outputs',
  backward: (node, g) => [g === null ? null : luGradient(node, g)],
});

/** Options of the LU factorizations. */
export interface PivotOptions {
  /** Swap rows so that pivots are large. PyTorch on the CPU has no other way, and neither has this; default true. */
  readonly pivot?: boolean;
}

function factored(name: string, x: Tensor, given: Readonly<Record<string, unknown>>, check: boolean): Tensor[] {
  checkMatrix(name, x);
  if (!flagOf(name, given, 'pivot', true)) throw new ArgumentError(`${name}: there is no factorization without pivots, got { pivot: false }; expected { pivot: true }`);
  return applyMany(luOp, [x], { name, check });
}

const samples: Samples = (s) => [[s.float([3, 3])], [s.float([2, 3, 2])], [s.float([2, 4])], [s.float([1, 1])], [s.float([0, 3])], [s.float([2, 0, 0])]];

/**
 * `A = P L U` with partial pivoting: a permutation, a unit lower triangular and an upper triangular matrix.
 *
 * @throws ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu.html
 */
export const linalgLu: Free<(x: Tensor, options?: PivotOptions) => Results<{ P: Tensor; L: Tensor; U: Tensor }>> = free(
  { name: 'linalg.lu', family, torch: 'linalg.lu', samples },
  (x: Tensor, options?: PivotOptions) => {
    const [packed, pivots] = factored('linalg.lu', x, argumentsOf('linalg.lu', [options], [], ['pivot']), false);
    return results({ P: permutationOf(pivots, packed), L: lowerOf(packed), U: upperOf(packed) });
  },
);

/**
 * LU factorization as one matrix and pivots, rows swapped counted from 1, for `linalg.luSolve` and `luUnpack`.
 *
 * @throws LinAlgError for a singular matrix; ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_factor.html
 */
export const luFactor: Free<(x: Tensor, options?: PivotOptions) => Results<{ LU: Tensor; pivots: Tensor }>> = free(
  { name: 'linalg.luFactor', family, torch: 'linalg.lu_factor', samples },
  (x: Tensor, options?: PivotOptions) => {
    const [packed, pivots] = factored('linalg.luFactor', x, argumentsOf('linalg.luFactor', [options], [], ['pivot']), true);
    return results({ LU: packed, pivots });
  },
);

/**
 * LU factorization with `info`: 0, or the first column without a pivot, counted from 1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_factor_ex.html
 */
export const luFactorEx: Free<(x: Tensor, options?: PivotOptions & CheckErrorsOptions) => Results<{ LU: Tensor; pivots: Tensor; info: Tensor }>> = free(
  { name: 'linalg.luFactorEx', family, torch: 'linalg.lu_factor_ex', samples },
  (x: Tensor, options?: PivotOptions & CheckErrorsOptions) => {
    const name = 'linalg.luFactorEx';
    const given = argumentsOf(name, [options], [], ['pivot', 'checkErrors']);
    const [packed, pivots, info] = factored(name, x, given, flagOf(name, given, 'checkErrors', false));
    return results({ LU: packed, pivots, info });
  },
);

/** Options of `lu`. */
export interface LuOptions extends PivotOptions {
  /** Give `info` too; default false. */
  readonly getInfos?: boolean;
}

type LuFlag = boolean | LuOptions;

/**
 * LU factorization as one matrix and pivots, of singular matrices too; `linalg.luFactor` is the newer form.
 *
 * @throws ShapeError for less than 2 dimensions; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.lu.html
 */
export const lu: Method<(x: Tensor, pivot?: LuFlag, getInfos?: LuFlag) => Results<{ LU: Tensor; pivots: Tensor; info?: Tensor }>> = method(
  { name: 'lu', family, samples: (s) => [[s.float([3, 3])], [s.float([2, 3, 2]), true, true]] },
  (x: Tensor, ...rest: readonly (LuFlag | undefined)[]) => {
    const given = argumentsOf('lu', rest, ['pivot', 'getInfos']);
    const [packed, pivots, info] = factored('lu', x, given, false);
    return flagOf('lu', given, 'getInfos', false) ? results({ LU: packed, pivots, info }) : results({ LU: packed, pivots });
  },
);

/** Options of `luUnpack`. */
export interface UnpackOptions {
  /** Give L and U; else they are empty. Default true. */
  readonly unpackData?: boolean;
  /** Give P; else it is empty. Default true. */
  readonly unpackPivots?: boolean;
}

function checkPivots(name: string, pivots: unknown, packed: Tensor): asserts pivots is Tensor {
  checkTensor(name, pivots, 'pivots');
  if (pivots.dtype !== 'int32') throw new DTypeError(`${name}: pivots are not int32, got ${show(pivots)}; expected what luFactor gives`);
  if (pivots.ndim === 0 || pivots.shape[pivots.ndim - 1] !== Math.min(rowsIn(packed), colsIn(packed))) {
    throw new ShapeError(`${name}: pivots do not fit the factors, got ${show(pivots)} for ${show(packed)}; expected one for each row or column, whichever are fewer`);
  }
}

/**
 * P, L and U from what `linalg.luFactor` gives.
 *
 * @throws ShapeError or DTypeError when the arguments do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.lu_unpack.html
 */
export const luUnpack: Free<
  (packed: Tensor, pivots: Tensor, unpackData?: boolean | UnpackOptions, unpackPivots?: boolean | UnpackOptions) => Results<{ P: Tensor; L: Tensor; U: Tensor }>
> = free(
  {
    name: 'luUnpack',
    family,
    samples: (s) => [
      [s.float([3, 3]), s.values([2, 3, 3], [3], 'int32')],
      [s.float([2, 3, 2]), s.values([1, 3, 2, 2], [2, 2], 'int32')],
      [s.float([2, 3]), s.values([2, 2], [2], 'int32'), { unpackData: true, unpackPivots: false }],
    ],
  },
  (packed: Tensor, pivots: Tensor, ...rest: readonly (boolean | UnpackOptions | undefined)[]) => {
    const given = argumentsOf('luUnpack', rest, ['unpackData', 'unpackPivots']);
    checkMatrix('luUnpack', packed, 'LU');
    checkPivots('luUnpack', pivots, packed);
    const none = (): Tensor => emptyTensor([0], packed.dtype, packed.device);
    const data = flagOf('luUnpack', given, 'unpackData', true);
    const P = flagOf('luUnpack', given, 'unpackPivots', true) ? permutationOf(pivots, packed) : none();
    return results({ P, L: data ? lowerOf(packed) : none(), U: data ? upperOf(packed) : none() });
  },
);

/** Options of `linalg.luSolve`. */
export interface LuSolveOptions {
  /** `A X = B` (true, the default), or `X A = B`. */
  readonly left?: boolean;
  /** Solve with `Aᵀ` in place of `A`; default false. */
  readonly adjoint?: boolean;
}

function solvedBy(name: string, packed: Tensor, pivots: Tensor, b: Tensor, left: boolean, adjoint: boolean): Tensor {
  checkSquare(name, packed, 'LU');
  checkMatrix(name, b, 'B');
  checkSameDType(name, packed, b);
  checkPivots(name, pivots, packed);
  if ((left ? rowsIn(b) : colsIn(b)) !== rowsIn(packed)) {
    throw new ShapeError(`${name}: sizes do not fit ${left ? 'A X = B' : 'X A = B'}, got LU ${show(packed)} and B ${show(b)}; expected ${rowsIn(packed)} ${left ? 'rows' : 'columns'} of B`);
  }
  broadcastShapes(name, batchOf(packed), pivots.shape.slice(0, -1));
  const [factors, right] = broadcastBatches(name, packed, left ? b : turned(b));
  const p = permutationOf(pivots, packed);
  // X A = B is Aᵀ Xᵀ = Bᵀ.
  if (left === adjoint) {
    const inner = solveTriangle(turned(factors), right, false);
    const found = p.matmul(solveTriangle(turned(factors), inner, true, true));
    return left ? found : turned(found);
  }
  const found = solveTriangle(factors, solveTriangle(factors, turned(p).matmul(right), false, true), true);
  return left ? found : turned(found);
}

/**
 * Solution of `A X = B` from the factors of `A` that `linalg.luFactor` gives.
 *
 * @throws ShapeError or DTypeError when the arguments do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_solve.html
 */
export const linalgLuSolve: Free<(packed: Tensor, pivots: Tensor, b: Tensor, options?: LuSolveOptions) => Tensor> = free(
  {
    name: 'linalg.luSolve',
    family,
    torch: 'linalg.lu_solve',
    samples: (s) => [
      [s.float([3, 3], 0.5, 2), s.values([2, 3, 3], [3], 'int32'), s.float([3, 2])],
      [s.float([2, 2, 2], 0.5, 2), s.values([1, 2, 2, 2], [2, 2], 'int32'), s.float([2, 1]), { adjoint: true }],
      [s.float([2, 2], 0.5, 2), s.values([2, 2], [2], 'int32'), s.float([3, 2]), { left: false }],
      [s.float([2, 2], 0.5, 2), s.values([2, 2], [2], 'int32'), s.float([3, 2]), { left: false, adjoint: true }],
    ],
  },
  (packed: Tensor, pivots: Tensor, b: Tensor, options?: LuSolveOptions): Tensor => {
    const name = 'linalg.luSolve';
    const given = argumentsOf(name, [options], [], ['left', 'adjoint']);
    return solvedBy(name, packed, pivots, b, flagOf(name, given, 'left', true), flagOf(name, given, 'adjoint', false));
  },
);

/**
 * Solution of `A X = b` from the factors of `A`, right-hand side first.
 *
 * @throws ShapeError or DTypeError when the arguments do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.lu_solve.html
 */
export const luSolve: Method<(b: Tensor, packed: Tensor, pivots: Tensor) => Tensor> = method(
  { name: 'luSolve', family, samples: (s) => [[s.float([3, 2]), s.float([3, 3], 0.5, 2), s.values([2, 3, 3], [3], 'int32')]] },
  (b: Tensor, packed: Tensor, pivots: Tensor): Tensor => solvedBy('luSolve', packed, pivots, b, true, false),
);

import { type CheckAttrs, inverseKernel, solveKernel } from '../../cpu/linalg/lu.ts';
import { ShapeError, show } from '../../errors.ts';
import { type Primitive, applyMany, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import { type Shape, sameShape } from '../../shape.ts';
import { type Tensor, emptyTensor } from '../../tensor.ts';
import { type Free, type Method, type Samples, checkTensor, free, method } from '../define.ts';
import { argumentsOf, batchOf, broadcastBatches, checkSameDType, checkSquare, colsIn, flagOf, isVectorSide, rowsIn, turned } from './arguments.ts';

const family = 'linear algebra';

/** Options of functions that can leave errors to `info`. */
export interface CheckErrorsOptions {
  /** Throw where `info` would not be 0; default false. */
  readonly checkErrors?: boolean;
}

const inverseOp: Primitive<CheckAttrs> = primitive<CheckAttrs>({
  name: 'inverse',
  infer: ([input]) => {
    const x = input as Tensor;
    return [{ shape: x.shape, dtype: x.dtype }, { shape: batchOf(x), dtype: 'int32' }];
  },
  cpu: inverseKernel,
  saves: 'outputs',
  backward: (node, g) => {
    if (g === null) return [null];
    const y = turned(node.output(0));
    return [y.matmul(g).matmul(y).neg()];
  },
});

/** The inverse and info; a singular matrix is an error with `check`, else gives infinities. */
export function inverseOf(x: Tensor, name: string, check: boolean): Tensor[] {
  return applyMany(inverseOp, [x], { name, check });
}

/**
 * Inverse of square matrices; also `linalg.inv`.
 *
 * @throws LinAlgError for a singular matrix; ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.inv.html
 */
export const inverse: Method<(x: Tensor) => Tensor> = method(
  { name: 'inverse', family, samples: (s) => [[s.float([3, 3])], [s.float([2, 2, 2])], [s.float([1, 1])], [s.float([0, 0])], [s.float([0, 2, 2])]] },
  (x: Tensor): Tensor => {
    checkSquare('linalg.inv', x);
    return inverseOf(x, 'linalg.inv', true)[0];
  },
);

/**
 * Inverse of square matrices, with `info`: 0, or the first column without a pivot, counted from 1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.inv_ex.html
 */
export const invEx: Free<(x: Tensor, options?: CheckErrorsOptions) => Results<{ inverse: Tensor; info: Tensor }>> = free(
  { name: 'linalg.invEx', family, torch: 'linalg.inv_ex', samples: (s) => [[s.float([3, 3])], [s.float([2, 2, 2]), { checkErrors: true }]] },
  (x: Tensor, options?: CheckErrorsOptions) => {
    checkSquare('linalg.invEx', x);
    const check = flagOf('linalg.invEx', argumentsOf('linalg.invEx', [options], [], ['checkErrors']), 'checkErrors', false);
    const [found, info] = inverseOf(x, 'linalg.invEx', check);
    return results({ inverse: found, info });
  },
);

const solveOp: Primitive<CheckAttrs> = primitive<CheckAttrs>({
  name: 'solve',
  infer: ([a, input]) => {
    const b = input as Tensor;
    return [{ shape: b.shape, dtype: b.dtype }, { shape: batchOf(a as Tensor), dtype: 'int32' }];
  },
  cpu: solveKernel,
  saves: 'both',
  backward: (node, g) => {
    if (g === null) return [null, null];
    const [a, attrs] = [node.input(0), node.attrs as CheckAttrs];
    const [gb] = applyMany(solveOp, [turned(a), g], { ...attrs, check: false });
    if (!node.needs(0)) return [null, gb];
    return [gb.matmul(turned(node.output(0))).neg(), gb];
  },
});

/** Options of `linalg.solve`. */
export interface SolveOptions {
  /** `A X = B` (true, the default), or `X A = B`. */
  readonly left?: boolean;
}

function solved(name: string, a: Tensor, b: Tensor, left: boolean, check: boolean): Tensor[] {
  checkSquare(name, a, 'A');
  checkTensor(name, b, 'B');
  checkSameDType(name, a, b);
  const vector = b.ndim > 0 && isVectorSide(a, b);
  const matrix = vector ? b.unsqueeze(-1) : b;
  if (matrix.ndim < 2 || (left ? rowsIn(matrix) : colsIn(matrix)) !== rowsIn(a)) {
    throw new ShapeError(`${name}: sizes do not fit ${left ? 'A X = B' : 'X A = B'}, got A ${show(a)} and B ${show(b)}; expected ${rowsIn(a)} ${left ? 'rows' : 'columns'} of B`);
  }
  const [p, q] = broadcastBatches(name, a, matrix);
  const [x, info] = left ? applyMany(solveOp, [p, q], { name, check }) : applyMany(solveOp, [turned(p), turned(q)], { name, check });
  const whole = left ? x : turned(x);
  return [vector ? whole.squeeze(-1) : whole, infoOf(info, batchOf(a))];
}

/** One info for each matrix of `batch`, which was broadcast. */
function infoOf(info: Tensor, batch: Shape): Tensor {
  if (sameShape(info.shape, batch)) return info;
  if (info.numel() === 0) return emptyTensor(batch, 'int32', info.device);
  let found = info;
  while (found.ndim > batch.length) found = found.select(0, 0);
  batch.forEach((n, d) => {
    if (n !== found.shape[d]) found = found.narrow(d, 0, n);
  });
  return found;
}

/** Systems with one and several right-hand sides, batches, broadcasting. */
export const solveSamples: Samples = (s) => [
  [s.float([3, 3]), s.float([3])],
  [s.float([3, 3]), s.float([3, 2])],
  [s.float([2, 3, 3]), s.float([2, 3])],
  [s.float([2, 2, 2]), s.float([2, 3])],
  [s.float([2, 2]), s.float([2, 2, 1])],
  [s.float([3, 3]), s.float([2, 3]), { left: false }],
  [s.float([0, 0]), s.float([0, 2])],
  [s.float([0, 2, 2]), s.float([2, 1])],
];

/**
 * Solution of `A X = B` for square `A` (or of `X A = B`). `B` holds matrices, or is a vector, or a batch of vectors with the leading dimensions of `A`.
 *
 * @throws LinAlgError for a singular matrix; ShapeError when sizes do not fit; DTypeError when dtypes differ or are not float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve.html
 */
export const solve: Free<(a: Tensor, b: Tensor, options?: SolveOptions) => Tensor> = free(
  { name: 'linalg.solve', family, torch: 'linalg.solve', samples: solveSamples },
  (a: Tensor, b: Tensor, options?: SolveOptions): Tensor =>
    solved('linalg.solve', a, b, flagOf('linalg.solve', argumentsOf('linalg.solve', [options], [], ['left']), 'left', true), true)[0],
);

/**
 * Solution of `A X = B`, with `info`: 0, or the first column without a pivot, counted from 1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve_ex.html
 */
export const solveEx: Free<(a: Tensor, b: Tensor, options?: SolveOptions & CheckErrorsOptions) => Results<{ result: Tensor; info: Tensor }>> = free(
  { name: 'linalg.solveEx', family, torch: 'linalg.solve_ex', samples: (s) => solveSamples(s).slice(0, 6) },
  (a: Tensor, b: Tensor, options?: SolveOptions & CheckErrorsOptions) => {
    const name = 'linalg.solveEx';
    const given = argumentsOf(name, [options], [], ['left', 'checkErrors']);
    const [result, info] = solved(name, a, b, flagOf(name, given, 'left', true), flagOf(name, given, 'checkErrors', false));
    return results({ result, info });
  },
);

/** `A⁻¹ B` for matrices that fit, without a look at whether `A` is singular: for gradients. */
export function solveUnchecked(a: Tensor, b: Tensor): Tensor {
  const [p, q] = broadcastBatches('linalg.solve', a, b);
  return applyMany(solveOp, [p, q], { name: 'linalg.solve', check: false })[0];
}

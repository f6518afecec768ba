import { ldlKernel, ldlSolveKernel } from '../../cpu/linalg/ldl.ts';
import type { CheckAttrs } from '../../cpu/linalg/lu.ts';
import { DTypeError, ShapeError, show } from '../../errors.ts';
import { type Primitive, apply, applyMany, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import { sameShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { type Free, type Samples, checkTensor, free } from '../define.ts';
import { type Given, argumentsOf, batchOf, broadcastBatches, checkMatrix, checkSameDType, checkSquare, flagOf, rowsIn } from './arguments.ts';
import type { CheckErrorsOptions } from './inverse.ts';

const family = 'linear algebra';

const ldlOp: Primitive<CheckAttrs> = primitive<CheckAttrs>({
  name: 'ldlFactor',
  infer: ([input]) => {
    const x = input as Tensor;
    return [{ shape: x.shape, dtype: x.dtype }, { shape: x.shape.slice(0, -1), dtype: 'int32' }, { shape: batchOf(x), dtype: 'int32' }];
  },
  cpu: ldlKernel,
});

const ldlSolveOp = primitive({
  name: 'ldlSolve',
  infer: ([, , b]) => b as Tensor,
  cpu: ldlSolveKernel,
});

/** Options of the LDL functions. */
export interface LdlOptions {
  /** Hermitian or symmetric: the same for real matrices; default false. */
  readonly hermitian?: boolean;
}

function factored(name: string, x: Tensor, given: Given, check: boolean): Tensor[] {
  checkSquare(name, x);
  flagOf(name, given, 'hermitian', false);
  return applyMany(ldlOp, [x], { name, check });
}

const samples: Samples = (s) => [
  [s.values([2, 0.5, -1, 0.5, 1, 0.25, -1, 0.25, -2], [3, 3])],
  [s.values([0.25, 2, 2, 0.5, 3, -1, -1, 0.5], [2, 2, 2]), { hermitian: true }],
  [s.float([0, 0])],
];

/**
 * `A = L D Lᵀ` of symmetric matrices, of which the lower triangle is read, as one matrix and pivots in LAPACK's form (Bunch and Kaufman). No gradient, as in PyTorch.
 *
 * @throws LinAlgError for a singular matrix; ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.ldl_factor.html
 */
export const ldlFactor: Free<(x: Tensor, options?: LdlOptions) => Results<{ LD: Tensor; pivots: Tensor }>> = free(
  { name: 'linalg.ldlFactor', family, torch: 'linalg.ldl_factor', differentiable: false, samples },
  (x: Tensor, options?: LdlOptions) => {
    const [LD, pivots] = factored('linalg.ldlFactor', x, argumentsOf('linalg.ldlFactor', [options], [], ['hermitian']), true);
    return results({ LD, pivots });
  },
);

/**
 * LDL factorization with `info`: 0, or the first zero block of D, counted from 1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.ldl_factor_ex.html
 */
export const ldlFactorEx: Free<(x: Tensor, options?: LdlOptions & CheckErrorsOptions) => Results<{ LD: Tensor; pivots: Tensor; info: Tensor }>> = free(
  { name: 'linalg.ldlFactorEx', family, torch: 'linalg.ldl_factor_ex', differentiable: false, samples },
  (x: Tensor, options?: LdlOptions & CheckErrorsOptions) => {
    const name = 'linalg.ldlFactorEx';
    const given = argumentsOf(name, [options], [], ['hermitian', 'checkErrors']);
    const [LD, pivots, info] = factored(name, x, given, flagOf(name, given, 'checkErrors', false));
    return results({ LD, pivots, info });
  },
);

/**
 * Solution of `A X = B` from what `linalg.ldlFactor` gives.
 *
 * @throws ShapeError or DTypeError when the arguments do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.ldl_solve.html
 */
export const ldlSolve: Free<(factors: Tensor, pivots: Tensor, b: Tensor, options?: LdlOptions) => Tensor> = free(
  {
    name: 'linalg.ldlSolve',
    family,
    torch: 'linalg.ldl_solve',
    differentiable: false,
    samples: (s) => [
      [s.float([3, 3], 0.5, 2), s.values([2, 2, 3], [3], 'int32'), s.float([3, 2])],
      [s.float([3, 3], 0.5, 2), s.values([1, -3, -3], [3], 'int32'), s.float([2, 3, 1]), { hermitian: true }],
      [s.float([2, 2, 2], 0.5, 2), s.values([-2, -2, 1, 2], [2, 2], 'int32'), s.float([2, 2, 1])],
    ],
  },
  (factors: Tensor, pivots: Tensor, b: Tensor, options?: LdlOptions): Tensor => {
    const name = 'linalg.ldlSolve';
    flagOf(name, argumentsOf(name, [options], [], ['hermitian']), 'hermitian', false);
    checkSquare(name, factors, 'LD');
    checkMatrix(name, b, 'B');
    checkSameDType(name, factors, b);
    checkTensor(name, pivots, 'pivots');
    if (pivots.dtype !== 'int32' && pivots.dtype !== 'int64') throw new DTypeError(`${name}: pivots are not integers, got ${show(pivots)}; expected int32`);
    if (!sameShape(pivots.shape, factors.shape.slice(0, -1))) throw new ShapeError(`${name}: pivots do not fit, got ${show(pivots)} for ${show(factors)}; expected one for each row`);
    if (rowsIn(b) !== rowsIn(factors)) throw new ShapeError(`${name}: sizes do not fit, got LD ${show(factors)} and B ${show(b)}; expected ${rowsIn(factors)} rows of B`);
    const [p, q] = broadcastBatches(name, factors, b);
    return apply(ldlSolveOp, [p.detach(), pivots.expand(p.shape.slice(0, -1)), q.detach()], undefined);
  },
);

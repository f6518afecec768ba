import { type CholeskyAttrs, choleskyKernel } from '../../cpu/linalg/cholesky.ts';
import { ShapeError, show } from '../../errors.ts';
import { type Primitive, applyMany, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import type { Node } from '../../tape.ts';
import type { Tensor } from '../../tensor.ts';
import { eye } from '../creation.ts';
import { type Free, type Method, type Samples, free, method } from '../define.ts';
import { argumentsOf, batchOf, checkMatrix, checkSameDType, checkSquare, flagOf, rowsIn, turned } from './arguments.ts';
import type { CheckErrorsOptions } from './inverse.ts';
import { solveTriangle, solveTriangleRight } from './triangular.ts';

const family = 'linear algebra';

/** Gradient of `L` in `A = L Lᵀ`, symmetric: `L⁻ᵀ φ(Lᵀ g) L⁻¹`. */
function choleskyGradient(node: Node, g: Tensor): Tensor {
  const { upper } = node.attrs as CholeskyAttrs;
  const factor = upper ? turned(node.output(0)) : node.output(0);
  const product = turned(factor).matmul((upper ? turned(g) : g).tril()).tril();
  const symmetric = product.add(turned(product.tril(-1))).mul(0.5);
  return solveTriangle(turned(factor), solveTriangleRight(factor, symmetric, false), true);
}

const choleskyOp: Primitive<CholeskyAttrs> = primitive<CholeskyAttrs>({
  name: 'cholesky',
  infer: ([input]) => {
    const x = input as Tensor;
    return [{ shape: x.shape, dtype: x.dtype }, { shape: batchOf(x), dtype: 'int32' }];
  },
  cpu: choleskyKernel,
  saves: 'outputs',
  backward: (node, g) => [g === null ? null : choleskyGradient(node, g)],
});

/** Options of the Cholesky functions. */
export interface UpperOptions {
  /** Work with the upper triangle; default false. */
  readonly upper?: boolean;
}

type Upper = boolean | UpperOptions;

const samples: Samples = (s) => [
  [s.values([4, 1, 0.5, 1, 3, -0.75, 0.5, -0.75, 2], [3, 3])],
  [s.values([2, 0.5, 0.5, 1, 3, -1, -1, 2], [2, 2, 2]), { upper: true }],
  [s.float([0, 0])],
];

/**
 * `L` with `A = L Lᵀ` for symmetric positive definite matrices, of which one triangle is read; with `upper`, `U` with `A = Uᵀ U`. Also `linalg.cholesky`.
 *
 * @throws LinAlgError where a matrix is not positive definite; ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cholesky.html
 */
export const cholesky: Method<(x: Tensor, upper?: Upper) => Tensor> = method({ name: 'cholesky', family, samples }, (x: Tensor, upper?: Upper): Tensor => {
  const name = 'linalg.cholesky';
  const given = argumentsOf(name, [upper], ['upper']);
  checkSquare(name, x);
  return applyMany(choleskyOp, [x], { name, upper: flagOf(name, given, 'upper', false), check: true })[0];
});

/**
 * Cholesky factors with `info`: 0, or the order of the first leading minor that is not positive.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cholesky_ex.html
 */
export const choleskyEx: Free<(x: Tensor, options?: UpperOptions & CheckErrorsOptions) => Results<{ L: Tensor; info: Tensor }>> = free(
  { name: 'linalg.choleskyEx', family, torch: 'linalg.cholesky_ex', samples },
  (x: Tensor, options?: UpperOptions & CheckErrorsOptions) => {
    const name = 'linalg.choleskyEx';
    const given = argumentsOf(name, [options], [], ['upper', 'checkErrors']);
    checkSquare(name, x);
    const [L, info] = applyMany(choleskyOp, [x], { name, upper: flagOf(name, given, 'upper', false), check: flagOf(name, given, 'checkErrors', false) });
    return results({ L, info });
  },
);

function solvedBy(b: Tensor, factor: Tensor, upper: boolean, refusing?: string): Tensor {
  const lower = upper ? turned(factor) : factor;
  return solveTriangle(turned(lower), solveTriangle(lower, b, false, false, refusing), true);
}

/**
 * Solution of `A X = B` from the Cholesky factor of `A`.
 *
 * @throws ShapeError when sizes do not fit; DTypeError when dtypes differ or are not float
 * @see https://pytorch.org/docs/stable/generated/torch.cholesky_solve.html
 */
export const choleskySolve: Method<(b: Tensor, factor: Tensor, upper?: Upper) => Tensor> = method(
  {
    name: 'choleskySolve',
    family,
    samples: (s) => [[s.float([3, 2]), s.float([3, 3], 0.5, 2)], [s.float([2, 2, 1]), s.float([2, 2], 0.5, 2), true], [s.float([0, 2]), s.float([0, 0])]],
  },
  (b: Tensor, factor: Tensor, upper?: Upper): Tensor => {
    const given = argumentsOf('choleskySolve', [upper], ['upper']);
    checkMatrix('choleskySolve', b, 'B');
    checkSquare('choleskySolve', factor, 'L');
    checkSameDType('choleskySolve', b, factor);
    if (rowsIn(b) !== rowsIn(factor)) throw new ShapeError(`choleskySolve: sizes do not fit, got B ${show(b)} and L ${show(factor)}; expected ${rowsIn(factor)} rows of B`);
    return solvedBy(b, factor, flagOf('choleskySolve', given, 'upper', false));
  },
);

/**
 * Inverse of `A` from its Cholesky factor: `(L Lᵀ)⁻¹`.
 *
 * @throws LinAlgError for a zero on the diagonal; ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.cholesky_inverse.html
 */
export const choleskyInverse: Method<(factor: Tensor, upper?: Upper) => Tensor> = method(
  { name: 'choleskyInverse', family, samples: (s) => [[s.float([3, 3], 0.5, 2)], [s.float([2, 2, 2], 0.5, 2), { upper: true }], [s.float([0, 0])]] },
  (factor: Tensor, upper?: Upper): Tensor => {
    const given = argumentsOf('choleskyInverse', [upper], ['upper']);
    checkSquare('choleskyInverse', factor, 'L');
    const one = eye(rowsIn(factor), { dtype: factor.dtype, device: factor.device });
    return solvedBy(one.expand(factor.shape), factor, flagOf('choleskyInverse', given, 'upper', false), 'choleskyInverse');
  },
);

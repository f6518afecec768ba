import { cofactorKernel, detKernel, slogdetKernel } from '../../cpu/linalg/lu.ts';
import { type Primitive, apply, applyMany, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import type { Tensor } from '../../tensor.ts';
import { type Method, type Samples, method } from '../define.ts';
import { batchOf, checkSquare, turned } from './arguments.ts';
import { inverseOf } from './inverse.ts';

const family = 'linear algebra';

/** One number per matrix, as a factor of matrices. */
const factor = (g: Tensor): Tensor => g.unsqueeze(-1).unsqueeze(-1);

/** `det(A)·A⁻ᵀ`. */
const cofactorOp: Primitive<undefined> = primitive({
  name: 'cofactor',
  infer: ([x]) => x as Tensor,
  cpu: cofactorKernel,
  saves: 'both',
  backward: [
    (h, node) => {
      const c = node.output();
      const w = turned(inverseOf(node.input(0), 'det', false)[0]);
      return w.mul(h.mul(c).sum([-2, -1], { keepdim: true })).sub(c.matmul(turned(h)).matmul(w));
    },
  ],
});

const detOp: Primitive<undefined> = primitive({
  name: 'det',
  infer: ([x]) => ({ shape: batchOf(x as Tensor), dtype: (x as Tensor).dtype }),
  cpu: detKernel,
  saves: 'inputs',
  backward: [(g, node) => apply(cofactorOp, [node.input(0)], undefined).mul(factor(g))],
});

const samples: Samples = (s) => [[s.float([3, 3])], [s.float([2, 2, 2])], [s.float([1, 1])], [s.float([0, 0])], [s.float([0, 2, 2])]];

/**
 * Determinant of square matrices; also `linalg.det`. The gradient is `det(A)·A⁻ᵀ`, and 0 at a singular matrix, as in PyTorch.
 *
 * @throws ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.det.html
 */
export const det: Method<(x: Tensor) => Tensor> = method({ name: 'det', family, samples }, (x: Tensor): Tensor => {
  checkSquare('linalg.det', x);
  return apply(detOp, [x], undefined);
});

const slogdetOp: Primitive<undefined> = primitive({
  name: 'slogdet',
  infer: ([input]) => {
    const x = input as Tensor;
    const one = { shape: batchOf(x), dtype: x.dtype };
    return [one, one];
  },
  cpu: slogdetKernel,
  saves: 'inputs',
  backward: (node, _, g) => [g === null ? null : turned(inverseOf(node.input(0), 'slogdet', false)[0]).mul(factor(g))],
});

/**
 * Sign of the determinant and logarithm of its absolute value; also `linalg.slogdet`. A singular matrix gives 0 and -Infinity.
 *
 * @throws ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.slogdet.html
 */
export const slogdet: Method<(x: Tensor) => Results<{ sign: Tensor; logabsdet: Tensor }>> = method({ name: 'slogdet', family, samples }, (x: Tensor) => {
  checkSquare('linalg.slogdet', x);
  const [sign, logabsdet] = applyMany(slogdetOp, [x], undefined);
  return results({ sign: sign.detach(), logabsdet });
});

/**
 * Logarithm of the determinant: NaN where it is negative, -Infinity where it is 0.
 *
 * @throws ShapeError unless square; DTypeError unless float
 * @see https://pytorch.org/docs/stable/generated/torch.logdet.html
 */
export const logdet: Method<(x: Tensor) => Tensor> = method(
  { name: 'logdet', family, samples: (s) => [[s.values([2, 0.5, 0.25, 1], [2, 2])], [s.values([1, 0.5, 0.25, 3, -1, 0.5, 0.75, -2], [2, 2, 2])], [s.float([0, 0])]] },
  (x: Tensor): Tensor => {
    checkSquare('logdet', x);
    const { sign, logabsdet } = slogdet(x);
    return logabsdet.maskedFill(sign.lt(0), NaN);
  },
);

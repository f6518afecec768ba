import { ShapeError, show } from '../errors.ts';
import { sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { NamedList } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { checkDTypes } from './matmul.ts';

const name = 'bilinear';

/**
 * Bilinear map `y = x₁ᵀ·A·x₂ + b` of the last dimensions.
 *
 * @param x1 - (…, in1)
 * @param x2 - (…, in2), the leading dimensions those of `x1`
 * @param weight - (out, in1, in2)
 * @param bias - (out); default none
 * @returns (…, out)
 * @throws ShapeError or DTypeError for what does not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html
 */
export const bilinear: Free<NamedList<[x2: Tensor, weight: Tensor, bias?: Tensor | null], { readonly x2?: Tensor; readonly weight?: Tensor; readonly bias?: Tensor | null }, Tensor>> = free(
  {
    name,
    parameters: ['x2', 'weight', 'bias'],
    family: 'matrix',
    torch: 'nn.functional.bilinear',
    samples: (s) => [
      [s.float([2, 3]), s.float([2, 2]), s.float([4, 3, 2]), s.float([4])],
      [s.float([2, 2, 1]), s.float([2, 2, 3]), s.float([2, 1, 3])],
      [s.float([0, 3]), s.float([0, 2]), s.float([4, 3, 2])],
    ],
  },
  (x1: Tensor, x2: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor => {
    for (const [what, x] of Object.entries({ x1, x2, weight })) checkTensor(name, x, what);
    if (bias !== null) checkTensor(name, bias, 'bias');
    checkDTypes(name, x1, x2, weight, ...(bias === null ? [] : [bias]));
    if (x1.ndim === 0 || weight.ndim !== 3 || !sameShape(x1.shape.slice(0, -1), x2.shape.slice(0, -1)) || x1.ndim !== x2.ndim) {
      throw new ShapeError(`${name}: leading dimensions differ, got ${show(x1)} and ${show(x2)} with weight ${show(weight)}; expected (…, in1), (…, in2), (out, in1, in2)`);
    }
    const [out, m, n] = weight.shape;
    if (x1.shape[x1.ndim - 1] !== m || x2.shape[x2.ndim - 1] !== n || (bias !== null && !sameShape(bias.shape, [out]))) {
      throw new ShapeError(`${name}: sizes do not fit, got ${show(x1)} and ${show(x2)} with weight ${show(weight)} and bias ${show(bias)}; expected last dimensions ${m} and ${n}, and ${out} biases`);
    }
    const table = weight.permute([1, 0, 2]).reshape([m, out * n]);
    const y = x1.matmul(table).reshape([...x1.shape.slice(0, -1), out, n]).matmul(x2.unsqueeze(-1)).squeeze(-1); // (…, out, in2) · (…, in2, 1)
    return bias === null ? y : y.add(bias);
  },
);

import { forEach } from '../batching.ts';
import { accelerated } from '../cpu/engine.ts';
import { linearKernel } from '../cpu/matmul.ts';
import { ShapeError, show } from '../errors.ts';
import { type Primitive, apply, primitive } from '../op.ts';
import { isFloat } from '../dtype.ts';
import { Tensor } from '../tensor.ts';
import type { NamedPair } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { checkDTypes, mT, matmul, productOnto, rowsOf } from './matmul.ts';

const linearOp: Primitive<undefined> = primitive({
  name: 'linear',
  infer: ([input, weight]) => {
    const [x, w] = [input as Tensor, weight as Tensor];
    return { shape: x.ndim === 2 ? [x.shape[0], w.shape[0]] : [...x.shape.slice(0, -1), w.shape[0]], dtype: x.dtype };
  },
  cpu: accelerated(({ fastLinear }) => fastLinear, linearKernel),
  batching: {
    run: ({ inputs, batched, size }, attrs, run) => {
      if (!batched[1] && batched[2] !== true) return run(inputs, attrs);
      const each = inputs.map((x, i) => (batched[i] ? (x as Tensor) : forEach(x as Tensor, size)));
      const lead = each[0].shape.slice(1, -1).reduce((n, length) => n * length, 1);
      const rows = each[0].reshape([size, lead, each[0].shape[each[0].ndim - 1]]);
      const product = matmul(rows, mT(each[1]));
      const sum = each.length < 3 ? product : product.add(each[2].unsqueeze(1));
      return [sum.reshape([...each[0].shape.slice(0, -1), sum.shape[2]])];
    },
  },
  saves: (i) => i < 2,
  backward: [
    (g, n, into) => (g.ndim === 2 ? productOnto(into, g, n.input(1)) : matmul(g, n.input(1))),
    (g, n, into) => productOnto(into, mT(rowsOf(g)), rowsOf(n.input(0))),
    (g) => g,
  ],
});

/** Whether these are matrices and a vector of floats that fit: what needs no further look. */
function isPlain(x: unknown, weight: unknown, bias: unknown): boolean {
  if (!(x instanceof Tensor) || !(weight instanceof Tensor) || x.ndim !== 2 || weight.ndim !== 2) return false;
  const { dtype } = x;
  if (x.shape[1] !== weight.shape[1] || dtype !== weight.dtype || !isFloat(dtype)) return false;
  return bias === undefined || bias === null || (bias instanceof Tensor && bias.ndim === 1 && bias.shape[0] === weight.shape[0] && bias.dtype === dtype);
}

/**
 * Affine map `x @ weightᵀ + bias`: `(…, in) → (…, out)`.
 *
 * @param weight - `(out, in)`, or `(in)` for a single output without its dimension
 * @param bias - `(out)`, or a scalar for a weight of one dimension; none by default
 * @throws ShapeError or DTypeError when the operands do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
 */
export const linear: Free<NamedPair<'weight', Tensor, 'bias', Tensor | null, object, Tensor>> = free(
  {
    name: 'linear',
    parameters: ['weight', 'bias'],
    family: 'matrix',
    torch: 'nn.functional.linear',
    samples: (s) => [
      [s.float([2, 3]), s.float([4, 3]), s.float([4])],
      [s.float([2, 3]), s.float([4, 3])],
      [s.float([3]), s.float([2, 3]), s.float([2])],
      [s.float([2, 1, 3]), s.float([2, 3]), s.float([2])],
      [s.float([5, 3]), s.float([1, 3]), s.float([1])],
      [s.float([2, 3]), s.float([3]), s.float([])],
      [s.float([0, 3]), s.float([2, 3]), s.float([2])],
      [s.float([2, 0]), s.float([3, 0]), s.float([3])],
    ],
  },
  (x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor => {
    if (isPlain(x, weight, bias)) return apply(linearOp, bias === undefined || bias === null ? [x, weight] : [x, weight, bias], undefined);
    checkTensor('linear', x);
    checkTensor('linear', weight, 'weight');
    if (bias !== undefined && bias !== null) checkTensor('linear', bias, 'bias');
    if (x.ndim === 0 || weight.ndim === 0 || weight.ndim > 2) {
      throw new ShapeError(`linear: wrong number of dimensions, got ${show(x)} and weight ${show(weight)}; expected (…, in) and (out, in)`);
    }
    const size = weight.shape[weight.ndim - 1];
    if (x.shape[x.ndim - 1] !== size) {
      throw new ShapeError(`linear: input features differ, got ${show(x)} and weight ${show(weight)}; expected ${x.shape[x.ndim - 1]} = ${size}`);
    }
    const operands = bias === undefined || bias === null ? [x, weight] : [x, weight, bias];
    checkDTypes('linear', ...operands);
    const shape = weight.shape.slice(0, -1);
    if (bias && (bias.ndim !== shape.length || bias.shape[0] !== shape[0])) {
      throw new ShapeError(`linear: the bias does not fit, got ${show(bias)} for weight ${show(weight)}; expected [${shape.join(', ')}]`);
    }
    if (weight.ndim === 1) return bias ? matmul(x, weight).add(bias) : matmul(x, weight);
    if (x.ndim > 2 && !x.isContiguous()) operands[0] = x.contiguous();
    return apply(linearOp, operands, undefined);
  },
);

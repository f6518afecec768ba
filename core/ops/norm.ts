import { nextDims } from '../batching.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, show } from '../errors.ts';
import { type Fold, e } from '../expr.ts';
import { type Kernel, apply, primitive } from '../op.ts';
import { reducedShape } from '../shape.ts';
import type { Node } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import type { NamedList } from './byName.ts';
import { type Method, method } from './define.ts';
import { type Dims, type ReduceAttrs, type ReduceOptions, attrsOf, extremeFoldKernel, shared, someEntry, spread, sumKernel, withDType } from './reduce.ts';

interface NormAttrs extends ReduceAttrs {
  readonly p: number;
}

function foldOf(p: number): Fold {
  if (p === 0) return { start: 0, step: (total, x) => e.add(total, e.ne(x, 0)) };
  if (p === 1) return { start: 0, step: (total, x) => e.add(total, e.abs(x)) };
  if (p === 2) return { start: 0, step: (total, x) => e.add(total, e.mul(x, x)), finish: e.sqrt };
  if (p === Infinity) return { start: 0, step: (total, x) => e.max(total, e.abs(x)) };
  if (p === -Infinity) return { start: Infinity, step: (total, x) => e.min(total, e.abs(x)) };
  return { start: 0, step: (total, x) => e.add(total, e.pow(e.abs(x), p)), finish: (total) => e.pow(total, 1 / p) };
}

const kernels = new Map<number, Kernel<NormAttrs>>();

const kernel: Kernel<NormAttrs> = (outputs, inputs, attrs) => {
  let run = kernels.get(attrs.p);
  if (run === undefined) {
    const fold = foldOf(attrs.p);
    kernels.set(attrs.p, (run = Math.abs(attrs.p) === Infinity ? extremeFoldKernel(fold) : sumKernel(fold)));
  }
  run(outputs, inputs, attrs);
};

/** Gradient of `(Σ |x|^p)^(1/p)`: `sign(x)·|x|^(p-1)·y^(1-p)`, and 0 where the norm is 0. */
function powerSlope(g: Tensor, node: Node, p: number): Tensor {
  const [x, y] = [node.input(0), node.output()];
  const zero = y.eq(0);
  const scale = g.mul(y.maskedFill(zero, 1).pow(1 - p)).maskedFill(zero, 0);
  if (p === 2) return x.mul(spread(scale, node));
  if (p > 2) return x.mul(x.abs().pow(p - 2)).mul(spread(scale, node));
  // The slope at 0 is infinite below p = 1; PyTorch takes 0 there.
  const none = x.eq(0);
  const slope = x.sign().mul(x.maskedFill(none, 1).abs().pow(p - 1).maskedFill(none, 0));
  return slope.mul(spread(scale, node));
}

const normOp = primitive<NormAttrs>({
  name: 'norm',
  infer: ([input], attrs) => {
    const x = input as Tensor;
    if (attrs.p < 0 || attrs.p === Infinity) someEntry('norm')(x, attrs);
    return { shape: reducedShape(x.shape, attrs.dims, attrs.keepdim), dtype: x.dtype };
  },
  cpu: kernel,
  batching: { shift: nextDims },
  formula: { kind: 'fold', key: ({ p }) => String(p), fold: ({ p }) => foldOf(p), dims: ({ dims }) => dims },
  saves: 'both',
  backward: [
    (g, node) => {
      const { p } = node.attrs as NormAttrs;
      const x = node.input(0);
      if (p === 0) return emptyTensor(x.shape, g.dtype, g.device);
      if (p === 1) return x.sign().mul(spread(g, node));
      if (p === Infinity || p === -Infinity) return shared(g, x.abs(), node).mul(x.sign());
      return powerSlope(g, node, p);
    },
  ],
});

/**
 * p-norm over dimensions, `(Σ |x|^p)^(1/p)`: 2 by default ('fro' is the same), also ±Infinity (largest, smallest absolute value), 1 and 0
 * (how many are not 0). With two dimensions it is still the norm of their elements, as in torch.norm.
 *
 * @throws DTypeError for integers and bool; ShapeError for the largest or smallest of no elements
 * @see https://pytorch.org/docs/stable/generated/torch.norm.html
 */
export const norm: Method<NamedList<[p?: number | 'fro', dim?: Dims, options?: ReduceOptions], { readonly p?: number | 'fro'; readonly dim?: Dims } & ReduceOptions, Tensor>> = method(
  {
    name: 'norm',
    parameters: ['p', 'dim', 'options', 'keepdim', 'dtype'],
    family: 'reduction',
    samples: (s) => [
      [s.float([2, 3])],
      [s.float([2, 3]), 1],
      [s.float([2, 3]), 3, 1],
      [s.float([2, 3]), 1.5, 1],
      [s.float([2, 3]), 0.5, 0],
      [s.float([2, 3]), -2, 0],
      [s.float([2, 3]), 2, 0, { keepdim: true }],
      [s.float([2, 3, 2]), 2, [0, 2]],
      [s.float([2, 3]), Infinity, 1],
      [s.float([2, 3]), -Infinity, 1],
      [s.float([2, 3]), 0, 1],
      [s.float([2, 3]), 'fro'],
      [s.float([])],
      [s.float([0, 2])],
    ],
  },
  (input: Tensor, p: number | 'fro' = 2, dim?: Dims, options?: ReduceOptions): Tensor => {
    const x = withDType('norm', input, options);
    if (!isFloat(x.dtype)) throw new DTypeError(`norm: not a float tensor, got ${show(x)}; expected float32 or float64`, { hint: "pass { dtype: 'float32' }" });
    const order = p === 'fro' ? 2 : p;
    if (typeof order !== 'number' || Number.isNaN(order)) throw new ArgumentError(`norm: unknown order, got ${show(p)}; expected a number or 'fro'`, (p as string) === 'nuc' ? { hint: 'linalg.matrixNorm knows it' } : {});
    return apply(normOp, [x], { ...attrsOf('norm', x, dim, options), p: order });
  },
);

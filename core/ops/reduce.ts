import { reduceKernel, type Fold } from '../cpu/reduce.ts';
import { type DType, checkDType, isFloat, toFloat } from '../dtype.ts';
import { DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { e } from '../expr.ts';
import { type GradFn, type Primitive, apply, primitive } from '../op.ts';
import { type Shape, normalizeDims, reducedShape, sameShape } from '../shape.ts';
import type { Node } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { type Method, type Samples, checkTensor, method } from './define.ts';

const family = 'reduction';

/** One dimension, several, or all of them (undefined, null or an empty list). */
export type Dims = number | readonly number[] | null | undefined;

/** Options of reductions. */
export interface ReduceOptions {
  /** Keep reduced dimensions with size 1; default false. */
  readonly keepdim?: boolean;
  /** Result dtype; the input is cast to it first. */
  readonly dtype?: DType;
}

interface ReduceAttrs {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
}

/** Defines a fold over dimensions as a primitive. */
function reduction(name: string, d: Fold & { dtype?: (t: DType) => DType; backward?: GradFn; saves?: 'inputs' | 'outputs' | 'both'; accepts?: (x: Tensor, a: ReduceAttrs) => void }): Primitive<ReduceAttrs> {
  return primitive<ReduceAttrs>({
    name,
    infer: ([input], attrs) => {
      const x = input as Tensor;
      d.accepts?.(x, attrs);
      return { shape: reducedShape(x.shape, attrs.dims, attrs.keepdim), dtype: d.dtype === undefined ? x.dtype : d.dtype(x.dtype) };
    },
    cpu: reduceKernel(d),
    backward: d.backward && [d.backward],
    saves: d.saves,
  });
}

/** A gradient or result of a reduction, spread over the shape before it. */
export function spread(g: Tensor, node: Node): Tensor {
  return spreadOver(g, node.attrs as ReduceAttrs, node.inputs[0]?.shape ?? []);
}

function spreadOver(g: Tensor, { dims, keepdim }: ReduceAttrs, shape: Shape): Tensor {
  const open = keepdim ? g : g.reshape(reducedShape(shape, dims, true).map((n, i) => (dims.includes(i) ? 1 : n)));
  return open.expand(shape);
}

const wide = (t: DType): DType => (isFloat(t) ? t : 'int64');

const sumOp = reduction('sum', { start: 0, step: e.add, dtype: wide, backward: spread });

const samples: Samples = (s) => [
  [s.float([2, 3])],
  [s.float([2, 3, 4]), 1],
  [s.float([2, 3, 4]), [0, -1], { keepdim: true }],
  [s.float([])],
];

function withDType(name: string, x: Tensor, options: ReduceOptions | undefined): Tensor {
  checkTensor(name, x);
  checkOptions(name, options, ['keepdim', 'dtype']);
  if (options?.dtype === undefined) return x;
  checkDType(name, options.dtype);
  return x.to(options.dtype);
}

function attrsOf(name: string, x: Tensor, dim: Dims, options: ReduceOptions | undefined): ReduceAttrs {
  return { dims: normalizeDims(name, dim, x.ndim), keepdim: options?.keepdim ?? false };
}

/** Sum over dimensions; integers and bool give int64. @see https://pytorch.org/docs/stable/generated/torch.sum.html */
export const sum: Method<(x: Tensor, dim?: Dims, options?: ReduceOptions) => Tensor> = method(
  { name: 'sum', family, samples: (s) => [...samples(s), [s.int([2, 3]), 0], [s.bool([4])], [s.float([0, 3]), 0]] },
  (input: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => {
    const x = withDType('sum', input, options);
    return apply(sumOp, [x], attrsOf('sum', x, dim, options));
  },
);

/** The sum over broadcast dimensions that brings `x` back to `shape`: the gradient of broadcasting. @see https://pytorch.org/docs/stable/generated/torch.Tensor.sum_to_size.html */
export const sumTo: Method<(x: Tensor, shape: Shape) => Tensor> = method(
  { name: 'sumTo', family, torch: 'Tensor.sum_to_size', samples: (s) => [[s.float([2, 3]), [1, 3]], [s.float([2, 3]), [3]], [s.float([2, 3]), []]] },
  (x: Tensor, shape: Shape): Tensor => {
    if (sameShape(x.shape, shape)) return x;
    const lead = x.ndim - shape.length;
    const dims = x.shape.map((_, i) => i).filter((i) => i < lead || (shape[i - lead] === 1 && x.shape[i] !== 1));
    if (lead < 0 || x.shape.some((n, i) => !dims.includes(i) && n !== shape[i - lead])) {
      throw new ShapeError(`sumTo: not a shape that broadcasts to the tensor, got [${shape.join(', ')}] for ${show(x)}; expected sizes equal or 1`);
    }
    return dims.length === 0 ? x.reshape(shape) : apply(sumOp, [x], { dims, keepdim: true }).reshape(shape);
  },
);

/** Mean over dimensions; NaN over no elements. @see https://pytorch.org/docs/stable/generated/torch.mean.html */
export const mean: Method<(x: Tensor, dim?: Dims, options?: ReduceOptions) => Tensor> = method({ name: 'mean', family, samples }, (input: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => {
  const x = withDType('mean', input, options);
  if (!isFloat(x.dtype)) throw new DTypeError(`mean: not a float tensor, got ${show(x)}; expected float32 or float64`, { hint: "pass { dtype: 'float32' }" });
  return apply(meanOp, [x], attrsOf('mean', x, dim, options));
});

const meanOp = reduction('mean', {
  start: 0,
  step: e.add,
  finish: e.div,
  dtype: toFloat,
  backward: (g, node) => spread(g, node).div((node.inputs[0]?.shape ?? []).reduce((n, size, i) => ((node.attrs as ReduceAttrs).dims.includes(i) ? n * size : n), 1)),
});

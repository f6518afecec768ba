import { nextDims } from '../batching.ts';
import { accelerated } from '../cpu/engine.ts';
import { reduceKernel } from '../cpu/reduce.ts';
import { type DType, checkDType, isFloat, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Fold, e } from '../expr.ts';
import { type GradFn, type Kernel, type Primitive, apply, primitive } from '../op.ts';
import { type Shape, checkShape, normalizeDims, reducedShape, sameShape } from '../shape.ts';
import type { Node } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { productOfOthers } from './cumulate.ts';
import type { Named } from './byName.ts';
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

/** Attributes of a reduction: which dimensions, whether they stay with size 1, and the dtype that was asked for. */
export interface ReduceAttrs {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  readonly dtype?: DType | undefined;
}

/** The kernel of a fold that is a sum. */
export const sumKernel = (fold: Fold): Kernel<ReduceAttrs> => accelerated(({ fastSum }) => fastSum(fold), reduceKernel(fold));
/** The kernel of a fold that is the largest or smallest. */
export const extremeFoldKernel = (fold: Fold): Kernel<ReduceAttrs> => accelerated(({ fastExtremeFold }) => fastExtremeFold(fold), reduceKernel(fold));

/** Defines a fold over dimensions as a primitive. */
function reduction(name: string, d: Fold & { dtype?: (t: DType) => DType; backward?: GradFn; saves?: 'inputs' | 'outputs' | 'both'; accepts?: (x: Tensor, a: ReduceAttrs) => void }, kernelOf: (fold: Fold) => Kernel<ReduceAttrs> = reduceKernel): Primitive<ReduceAttrs> {
  return primitive<ReduceAttrs>({
    name,
    infer: ([input], attrs) => {
      const x = input as Tensor;
      d.accepts?.(x, attrs);
      return { shape: reducedShape(x.shape, attrs.dims, attrs.keepdim), dtype: attrs.dtype ?? (d.dtype === undefined ? x.dtype : d.dtype(x.dtype)) };
    },
    cpu: kernelOf(d),
    batching: { shift: nextDims },
    formula: { kind: 'fold', key: () => '', fold: () => d, dims: ({ dims }) => dims },
    backward: d.backward && [d.backward],
    saves: d.saves,
  });
}

/** A gradient or result of a reduction, spread over the shape before it. */
export function spread(g: Tensor, node: Node): Tensor {
  return spreadOver(g, node.attrs as ReduceAttrs, node.inputs[0].shape);
}

function spreadOver(g: Tensor, { dims, keepdim }: ReduceAttrs, shape: Shape): Tensor {
  const open = keepdim || g.ndim === 0 ? g : g.reshape(reducedShape(shape, dims, true).map((n, i) => (dims.includes(i) ? 1 : n)));
  return open.expand(shape);
}

const wide = (t: DType): DType => (isFloat(t) ? t : 'int64');

const sumOp = reduction('sum', { start: 0, step: e.add, dtype: wide, backward: spread }, sumKernel);

const samples: Samples = (s) => [
  [s.float([2, 3])],
  [s.float([2, 3, 4]), 1],
  [s.float([2, 3, 4]), [0, -1], { keepdim: true }],
  [s.float([])],
];

/** The input in the dtype that was asked for. */
export function withDType(name: string, x: Tensor, options: ReduceOptions | undefined): Tensor {
  checkTensor(name, x);
  checkOptions(name, options, ['keepdim', 'dtype']);
  if (options?.dtype === undefined) return x;
  checkDType(name, options.dtype);
  return x.to(options.dtype);
}

/** What `dim` and `keepdim` say. @throws ArgumentError, ShapeError for dimensions that do not exist or a `keepdim` that is no boolean */
export function attrsOf(name: string, x: Tensor, dim: Dims, options: ReduceOptions | undefined): ReduceAttrs {
  const keepdim = options?.keepdim ?? false;
  if (typeof keepdim !== 'boolean') throw new ArgumentError(`${name}: keepdim is not a boolean, got ${show(keepdim)}; expected true or false`);
  return { dims: normalizeDims(name, dim, x.ndim), keepdim, dtype: options?.dtype };
}

/** Sum over dimensions; integers and bool give int64. @see https://pytorch.org/docs/stable/generated/torch.sum.html */
export const sum: Method<Named<'dim', Dims, ReduceOptions, Tensor, Tensor, [keepdim: boolean]>> = method(
  { name: 'sum', parameters: ['dim', 'options', 'keepdim'], family, samples: (s) => [...samples(s), [s.int([2, 3]), 0], [s.bool([4])], [s.float([0, 3]), 0]] },
  (input: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => {
    const x = withDType('sum', input, options);
    return apply(sumOp, [x], attrsOf('sum', x, dim, options));
  },
);

/** Whether `shape` is how `whole` ends. */
function isEnd(shape: Shape, whole: Shape): boolean {
  const lead = whole.length - shape.length;
  for (let d = 0; d < shape.length; d++) if (shape[d] !== whole[lead + d]) return false;
  return true;
}

const leadingAttrs: ReduceAttrs[] = [];

/** The first `n` dimensions, to be summed. */
function leading(n: number): ReduceAttrs {
  return (leadingAttrs[n] ??= { dims: Array.from({ length: n }, (_, i) => i), keepdim: false });
}

/** The sum over broadcast dimensions that brings `x` back to `shape`: the gradient of broadcasting. @see https://pytorch.org/docs/stable/generated/torch.Tensor.sum_to_size.html */
export const sumToSize: Method<(x: Tensor, shape: Shape) => Tensor> = method(
  { name: 'sumToSize', family, torch: 'Tensor.sum_to_size', samples: (s) => [[s.float([2, 3]), [1, 3]], [s.float([2, 3]), [3]], [s.float([2, 3]), []]] },
  (x: Tensor, shape: Shape): Tensor => {
    checkShape('sumTo', shape);
    if (sameShape(x.shape, shape)) return x;
    const lead = x.ndim - shape.length;
    if (lead > 0 && isEnd(shape, x.shape)) return apply(sumOp, [x], leading(lead));
    const dims = x.shape.map((_, i) => i).filter((i) => i < lead || (shape[i - lead] === 1 && x.shape[i] !== 1));
    if (lead < 0 || x.shape.some((n, i) => !dims.includes(i) && n !== shape[i - lead])) {
      throw new ShapeError(`sumToSize: not a shape that broadcasts to the tensor, got [${shape.join(', ')}] for ${show(x)}; expected sizes equal or 1`);
    }
    return dims.length === 0 ? x.reshape(shape) : apply(sumOp, [x], { dims, keepdim: true }).reshape(shape);
  },
);

/** Mean over dimensions; NaN over no elements. @see https://pytorch.org/docs/stable/generated/torch.mean.html */
export const mean: Method<Named<'dim', Dims, ReduceOptions, Tensor, Tensor, [keepdim: boolean]>> = method({ name: 'mean', parameters: ['dim', 'options', 'keepdim'], family, samples }, (input: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => {
  const x = withDType('mean', input, options);
  if (!isFloat(x.dtype)) throw new DTypeError(`mean: not a float tensor, got ${show(x)}; expected float32 or float64`, { hint: "pass { dtype: 'float32' }" });
  return apply(meanOp, [x], attrsOf('mean', x, dim, options));
});

const meanOp = reduction('mean', {
  start: 0,
  step: e.add,
  finish: e.div,
  dtype: toFloat,
  backward: (g, node) => spread(g.div(node.inputs[0].shape.reduce((n, size, i) => ((node.attrs as ReduceAttrs).dims.includes(i) ? n * size : n), 1)), node),
}, sumKernel);

// ---- products, extremes, logic ----

/** For each entry the product of all others of the same place in the other dimensions. */
function productOfOtherEntries(x: Tensor, dims: readonly number[]): Tensor {
  const order = [...x.shape.map((_, d) => d).filter((d) => !dims.includes(d)), ...dims];
  const turned = x.permute(order);
  const lines = turned.reshape([...turned.shape.slice(0, x.ndim - dims.length), turned.shape.slice(x.ndim - dims.length).reduce((n, size) => n * size, 1)]);
  return productOfOthers(lines, lines.ndim - 1).reshape(turned.shape).permute(order.map((_, d) => order.indexOf(d)));
}

const prodOp = reduction('prod', {
  start: 1,
  step: e.mul,
  dtype: wide,
  saves: 'inputs',
  // The product of the others instead of a quotient, so that zeros do no harm.
  backward: (g, node) => {
    const x = node.input(0);
    const { dims } = node.attrs as ReduceAttrs;
    return spread(g, node).mul(dims.length === 1 ? productOfOthers(x, dims[0]) : productOfOtherEntries(x, dims));
  },
});

/** Product over everything or along a dimension; integers and bool give int64. @see https://pytorch.org/docs/stable/generated/torch.prod.html */
export const prod: Method<Named<'dim', number | null, ReduceOptions, Tensor, Tensor, [keepdim: boolean]>> = method(
  { name: 'prod', parameters: ['dim', 'options', 'keepdim'], family, samples: (s) => [[s.float([2, 3])], [s.float([2, 3]), 1], [s.float([2, 3]), 0, { keepdim: true }], [s.int([3], 1, 5)], [s.float([2, 0]), 1], [s.values([1.5, 0, 2])], [s.values([0, 0, 2, 3], [2, 2]), 1]] },
  (input: Tensor, dim?: number | null, options?: ReduceOptions): Tensor => {
    const x = withDType('prod', input, options);
    if (typeof dim === 'object' && dim !== null) throw new ArgumentError(`prod: several dimensions, got ${show(dim)}; expected one dimension or none`);
    return apply(prodOp, [x], attrsOf('prod', x, dim, options));
  },
);

/** Refuses to look for an extreme among no elements. */
export function someEntry(name: string) {
  return (x: Tensor, { dims }: ReduceAttrs): void => {
    if (dims.some((d) => x.shape[d] === 0)) throw new ShapeError(`${name}: nothing to choose from, got ${show(x)}; expected reduced dimensions with entries`);
  };
}

/** The gradient goes in equal parts to all elements that reach the extreme; a NaN reaches NaN. */
export function shared(g: Tensor, values: Tensor, node: Node): Tensor {
  const [x, y] = [values.detach(), spread(node.output().detach(), node)];
  const hit = x.eq(y).logicalOr(x.isnan().logicalAnd(y.isnan())).to(g.dtype);
  const { dims } = node.attrs as ReduceAttrs;
  return spread(g, node).mul(hit).div(apply(sumOp, [hit], { dims, keepdim: true }));
}

const evenly: GradFn = (g, node) => shared(g, node.input(0), node);

const amaxOp = reduction('amax', { start: -Infinity, step: e.max, saves: 'both', backward: evenly, accepts: someEntry('amax') }, extremeFoldKernel);
const aminOp = reduction('amin', { start: Infinity, step: e.min, saves: 'both', backward: evenly, accepts: someEntry('amin') }, extremeFoldKernel);

/** Options of reductions that keep the dtype. */
export interface PlainReduceOptions {
  /** Keep reduced dimensions with size 1; default false. */
  readonly keepdim?: boolean;
}

type Plain = Method<Named<'dim', Dims, PlainReduceOptions, Tensor, Tensor, [keepdim: boolean]>>;

function plain(name: string, op: Primitive<ReduceAttrs>, differentiable: boolean, cases: Samples = samples): Plain {
  return method({ name, parameters: ['dim', 'options', 'keepdim'], family, differentiable, samples: cases }, (x: Tensor, dim?: Dims, options?: PlainReduceOptions): Tensor => {
    checkTensor(name, x);
    checkOptions(name, options, ['keepdim']);
    return apply(op, [x], attrsOf(name, x, dim, options));
  });
}

/** Largest element over dimensions; the gradient is shared among equal ones. @see https://pytorch.org/docs/stable/generated/torch.amax.html */
export const amax: Plain = plain('amax', amaxOp, true);
/** Smallest element over dimensions; the gradient is shared among equal ones. @see https://pytorch.org/docs/stable/generated/torch.amin.html */
export const amin: Plain = plain('amin', aminOp, true);

/** Truth is bool, but uint8 for uint8, as in PyTorch. */
const truth = (t: DType): DType => (t === 'uint8' ? t : 'bool');
const logic: Samples = (s) => [[s.bool([2, 3])], [s.bool([2, 3]), 1], [s.int([2, 2], 0, 2), 0, { keepdim: true }], [s.float([2, 2])], [s.int([3], 0, 2, 'uint8')], [s.bool([0])]];

/** Whether all elements are not 0. @see https://pytorch.org/docs/stable/generated/torch.all.html */
export const all: Plain = plain('all', reduction('all', { start: 1, step: e.and, dtype: truth }), false, logic);
/** Whether any element is not 0. @see https://pytorch.org/docs/stable/generated/torch.any.html */
export const any: Plain = plain('any', reduction('any', { start: 0, step: e.or, dtype: truth }), false, logic);

const countOp = reduction('countNonzero', { start: 0, step: (total, x) => e.add(total, e.ne(x, 0)), dtype: () => 'int64' });

/** Number of elements that are not 0. @see https://pytorch.org/docs/stable/generated/torch.count_nonzero.html */
export const countNonzero: Method<Named<'dim', Dims, object, Tensor>> = method(
  { name: 'countNonzero', parameters: ['dim'], family, differentiable: false, samples: (s) => [[s.int([2, 3], 0, 2)], [s.int([2, 3], 0, 2), 1]] },
  (x: Tensor, dim?: Dims): Tensor => {
    checkTensor('countNonzero', x);
    return apply(countOp, [x], attrsOf('countNonzero', x, dim, undefined));
  },
);

import { nextDims } from '../batching.ts';
import { accelerated } from '../cpu/engine.ts';
import { groupKernel, logSumExp, variance as varianceOf } from '../cpu/group.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';
import { isFloat, toFloat } from '../dtype.ts';
import { type GradFn, type Kernel, type Primitive, apply, primitive } from '../op.ts';
import { reducedShape } from '../shape.ts';
import type { Node } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { Named } from './byName.ts';
import { type Method, type Samples, checkTensor, method } from './define.ts';
import { type Dims, type PlainReduceOptions, type ReduceAttrs, attrsOf, spread } from './reduce.ts';

const family = 'reduction';

/** Options of `variance` and `std`. */
export interface MomentOptions extends PlainReduceOptions {
  /** Subtracted from the number of elements in the divisor; default (or null) 1, Bessel's correction. */
  readonly correction?: number | null;
  /** The older name: true is correction 1, false correction 0. */
  readonly unbiased?: boolean;
}

interface MomentAttrs extends ReduceAttrs {
  readonly correction: number;
}

function checkFloat(name: string, x: unknown): asserts x is Tensor {
  checkTensor(name, x);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
}

function floatReduction<A extends ReduceAttrs>(name: string, cpu: Kernel<A>, backward: GradFn): Primitive<A> {
  return primitive<A>({
    name,
    infer: ([x], { dims, keepdim }) => ({ shape: reducedShape((x as Tensor).shape, dims, keepdim), dtype: (x as Tensor).dtype }),
    cpu,
    batching: { shift: nextDims },
    saves: 'both',
    backward: [backward],
  });
}

/** Distances from the mean, over what is left of n after the correction. */
function centred(node: Node): Tensor {
  const { dims, correction } = node.attrs as MomentAttrs;
  const x = node.input(0);
  const n = dims.reduce((size, d) => size * x.shape[d], 1);
  return x.sub(x.mean(dims, { keepdim: true })).div(Math.max(0, n - correction));
}

/** `a / b`, and 0 where `b` is 0. */
function over(a: Tensor, b: Tensor): Tensor {
  const zero = b.eq(0);
  return a.div(b.maskedFill(zero, 1)).maskedFill(zero, 0);
}

const varOp = floatReduction<MomentAttrs>('var', accelerated(({ fastVariance }) => fastVariance(false), groupKernel<MomentAttrs>(varianceOf)), (g, node) => centred(node).mul(2).mul(spread(g, node)));

const stdOp = floatReduction<MomentAttrs>(
  'std',
  accelerated(({ fastVariance }) => fastVariance(true), groupKernel<MomentAttrs>((values, n, attrs) => Math.sqrt(varianceOf(values, n, attrs)))),
  (g, node) => centred(node).mul(spread(over(g, node.output()), node)),
);

function moment(op: Primitive<MomentAttrs>, x: Tensor, dim: Dims | boolean, options: MomentOptions | undefined): Tensor {
  const { name } = op;
  // PyTorch's other form: `x.std(false)`.
  if (typeof dim === 'boolean') {
    if (options !== undefined) throw new ArgumentError(`${name}: options behind unbiased, got ${show(options)}; expected all in one object`);
    return moment(op, x, undefined, { unbiased: dim });
  }
  checkFloat(name, x);
  checkOptions(name, options, ['correction', 'unbiased', 'keepdim']);
  const unbiased = options?.unbiased;
  const correction = options?.correction ?? undefined;
  if (correction !== undefined && unbiased !== undefined) {
    throw new ArgumentError(`${name}: both correction and unbiased, got ${correction} and ${unbiased}; expected one of them`);
  }
  if (correction !== undefined && !Number.isFinite(correction)) {
    throw new ArgumentError(`${name}: correction is not a number, got ${show(correction)}; expected a number`);
  }
  if (unbiased !== undefined && typeof unbiased !== 'boolean') {
    throw new ArgumentError(`${name}: unbiased is not a boolean, got ${show(unbiased)}; expected true or false`);
  }
  return apply(op, [x], { ...attrsOf(name, x, dim, options), correction: correction ?? (unbiased === false ? 0 : 1) });
}

type Moment = Method<Named<'dim', Dims | boolean, MomentOptions, Tensor, Tensor, [unbiased: boolean, keepdim: boolean]>>;

const samples: Samples = (s) => [
  [s.float([2, 3])],
  [s.float([2, 3, 4]), 1],
  [s.float([2, 3]), [0], { keepdim: true }],
  [s.float([3, 4]), 1, { unbiased: false }],
  [s.float([3, 4]), [0, 1], { correction: 3 }],
];

/**
 * Variance over dimensions: `Σ (x - mean)² / (n - correction)`; NaN where nothing is left to divide by. The method is `x.var()`.
 *
 * @throws DTypeError for integers and bool
 * @see https://pytorch.org/docs/stable/generated/torch.var.html
 */
export const variance: Moment = method({ name: 'var', parameters: ['dim', 'options', 'unbiased', 'keepdim'], family, samples }, (x: Tensor, dim?: Dims | boolean, options?: MomentOptions): Tensor => moment(varOp, x, dim, options));

/**
 * Standard deviation over dimensions: the root of the variance; gradient 0 where it is 0.
 *
 * @throws DTypeError for integers and bool
 * @see https://pytorch.org/docs/stable/generated/torch.std.html
 */
export const std: Moment = method({ name: 'std', parameters: ['dim', 'options', 'unbiased', 'keepdim'], family, samples }, (x: Tensor, dim?: Dims | boolean, options?: MomentOptions): Tensor => moment(stdOp, x, dim, options));

const logsumexpOp = floatReduction<ReduceAttrs>('logsumexp', accelerated(({ fastLogSumExp }) => fastLogSumExp, groupKernel<ReduceAttrs>(logSumExp)), (g, node) => spread(g, node).mul(node.input(0).sub(spread(node.output(), node)).exp()));

/**
 * `log Σ exp(x)` over dimensions, shifted by the largest element so that nothing overflows; integers and bool count as floats.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logsumexp.html
 */
export const logsumexp: Method<Named<'dim', number | readonly number[], PlainReduceOptions, Tensor, Tensor, [keepdim: boolean]>> = method(
  { name: 'logsumexp', parameters: ['dim', 'options', 'keepdim'], family, samples: (s) => [[s.float([2, 3]), 1], [s.float([2, 3, 4]), [0, 2]], [s.float([2, 3]), 0, { keepdim: true }], [s.float([]), 0], [s.float([0, 2]), 0]] },
  (input: Tensor, dim: number | readonly number[], options?: PlainReduceOptions): Tensor => {
    checkTensor('logsumexp', input);
    const x = input.to(toFloat(input.dtype));
    checkOptions('logsumexp', options, ['keepdim']);
    if (dim === undefined || dim === null) throw new ArgumentError(`logsumexp: no dimension, got ${show(dim)}; expected one or several`);
    return apply(logsumexpOp, [x], attrsOf('logsumexp', x, dim, options));
  },
);

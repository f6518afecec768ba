import {
  type NormAttrs, type NormBackwardAttrs, channelStats, normChannels, normChannelsBackward, normRows, normRowsBackward, rowStats,
} from '../cpu/normalize.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyMany, primitive } from '../op.ts';
import { type Shape, normalizeDim, numelOf, sameShape } from '../shape.ts';
import { type BackwardFn, type Node, type Operand, isGradEnabled, noGrad } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { type Free, checkTensor, free } from './define.ts';

const family = 'normalization';

// ---- primitives: statistics, the normalisation itself, its fused first gradient ----

/** Mean and biased variance; no gradient flows through them, since that of the normalisation accounts for it. */
const channelStatsOp = primitive({
  name: 'channelStats',
  infer: ([x]) => [0, 1].map(() => ({ shape: [(x as Tensor).shape[1]], dtype: (x as Tensor).dtype })),
  cpu: channelStats,
});

const rowStatsOp = primitive<{ readonly rows: number }>({
  name: 'rowStats',
  infer: ([x], { rows }) => [0, 1].map(() => ({ shape: [rows], dtype: (x as Tensor).dtype })),
  cpu: rowStats,
});

/** Outputs of the gradient primitives: of the input (empty if not wanted), the weight, the bias. */
const gradientSpecs = (vector: (x: Tensor) => Shape) => ([, input]: readonly Operand[], { input: wanted }: NormBackwardAttrs) => {
  const x = input as Tensor;
  return [wanted ? x.shape : [0], vector(x), vector(x)].map((shape) => ({ shape, dtype: x.dtype }));
};

const channelsBackwardOp = primitive<NormBackwardAttrs>({ name: 'batchNormBackward', infer: gradientSpecs((x) => [x.shape[1]]), cpu: normChannelsBackward });

interface RowAttrs extends NormAttrs {
  readonly normalizedShape: Shape;
}

const rowsBackwardOp = primitive<NormBackwardAttrs & RowAttrs>({
  name: 'layerNormBackward',
  infer: (inputs, attrs) => gradientSpecs(() => attrs.normalizedShape)(inputs, attrs),
  cpu: normRowsBackward,
});

/** How the gradient is written in tensor operations, when it is to be differentiated itself. */
interface Layout {
  /** Dimensions the statistics run over. */
  readonly dims: readonly number[];
  /** Shape in which weight and bias broadcast with the input. */
  readonly vector: Shape;
}

/** Gradients by the fused kernel, or in tensor operations while those are recorded. */
function gradients<A extends NormAttrs>(fused: Primitive<A & NormBackwardAttrs>, layout: (x: Tensor, attrs: A) => Layout): BackwardFn {
  return (node, g) => {
    if (g === null) return [];
    const attrs = node.attrs as A;
    const x = node.input(0);
    if (isGradEnabled()) return composed(node, g, attrs, layout(x, attrs));
    return applyMany(fused, [g.contiguous(), x, node.operand(1), node.input(3), node.input(4)], { ...attrs, input: node.needs(0) });
  };
}

function composed(node: Node, g: Tensor, { eps, training }: NormAttrs, { dims, vector }: Layout): (Tensor | null)[] {
  const x = node.input(0);
  const weight = node.operand(1);
  const keepdim = { keepdim: true };
  const centred = x.sub(training ? x.mean(dims, keepdim) : node.input(3).reshape(vector));
  const variance = training ? centred.square().mean(dims, keepdim) : node.input(4).reshape(vector);
  const inverse = variance.add(eps).rsqrt();
  const unit = centred.mul(inverse);
  const scaled = typeof weight === 'number' ? g : g.mul(weight.reshape(vector));
  const across = training ? scaled.sub(scaled.mean(dims, keepdim)).sub(unit.mul(scaled.mul(unit).mean(dims, keepdim))) : scaled;
  const sum = (t: Tensor, i: number): Tensor | null => (node.inputs[i] === null ? null : t.sumTo(vector).reshape(node.inputs[i].shape));
  return [across.mul(inverse), sum(g.mul(unit), 1), sum(g, 2)];
}

/** `[1, C, 1, …]`: a vector over the channels of `x`. */
const channelShape = (x: Tensor): number[] => x.shape.map((n, d) => (d === 1 ? n : 1));

const batchNormOp = primitive<NormAttrs>({
  name: 'batchNorm',
  infer: ([x]) => x as Tensor,
  cpu: normChannels,
  saves: 'inputs',
  backward: gradients(channelsBackwardOp, (x) => ({ dims: x.shape.map((_, d) => d).filter((d) => d !== 1), vector: channelShape(x) })),
});

const layerNormOp = primitive<RowAttrs>({
  name: 'layerNorm',
  infer: ([x]) => x as Tensor,
  cpu: normRows,
  saves: 'inputs',
  backward: gradients(rowsBackwardOp, (x, { normalizedShape }) => ({
    dims: normalizedShape.map((_, i) => x.ndim - normalizedShape.length + i),
    vector: normalizedShape,
  })),
});

// ---- arguments ----

/** An optional weight, bias or statistic. */
type Vector = Tensor | null | undefined;

/** Options of the normalisations. */
export interface NormOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
}

function checkFloat(name: string, x: unknown, what = 'input'): asserts x is Tensor {
  checkTensor(name, x, what);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: ${what} is not a float tensor, got ${show(x)}; expected float32 or float64`);
}

/** The vector as a row-major tensor, or the number that stands for a missing one. */
function vectorOperand(name: string, what: string, v: Vector, shape: Shape, x: Tensor, missing: number): Operand {
  if (v === null || v === undefined) return missing;
  checkFloat(name, v, what);
  if (!sameShape(v.shape, shape)) throw new ShapeError(`${name}: ${what} does not fit, got ${show(v)} for ${show(x)}; expected [${shape.join(', ')}]`);
  if (v.dtype !== x.dtype) throw new DTypeError(`${name}: ${what} differs in dtype, got ${show(v)} for ${show(x)}; expected ${x.dtype}`);
  return v.contiguous();
}

function epsOf(name: string, given: number | NormOptions | undefined, fallback: number): number {
  if (typeof given === 'object') checkOptions(name, given, ['eps']);
  const eps = typeof given === 'object' ? (given.eps ?? fallback) : (given ?? fallback);
  checkNumber(name, 'eps', eps, 'a number ≥ 0', (v) => v >= 0);
  return eps;
}

function checkChannels(name: string, x: unknown): asserts x is Tensor {
  checkFloat(name, x);
  if (x.ndim < 2) throw new ShapeError(`${name}: no channels, got ${show(x)}; expected (N, C, …)`);
}

// ---- batch normalisation ----

/** Options of `batchNorm`. */
export interface BatchNormOptions extends NormOptions {
  /** Use the statistics of this batch, and mix them into the running ones; default false. */
  readonly training?: boolean;
  /** Weight of this batch in the running statistics; default 0.1. */
  readonly momentum?: number;
}

interface BatchNormArguments extends BatchNormOptions {
  readonly weight?: Tensor | null;
  readonly bias?: Tensor | null;
}

type BatchNorm = Free<{
  (x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, options?: BatchNormArguments): Tensor;
  (x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, weight?: Tensor | null, bias?: Tensor | null, options?: BatchNormOptions): Tensor;
}>;

function checkRunning(name: string, x: Tensor, mean: Vector, variance: Vector): asserts mean is Tensor | null {
  for (const [what, v] of Object.entries({ runningMean: mean, runningVar: variance })) {
    if (v === null || v === undefined) continue;
    vectorOperand(name, what, v, [x.shape[1]], x, 0);
  }
  if ((mean ?? null) === null !== ((variance ?? null) === null)) {
    throw new ArgumentError(`${name}: one running statistic without the other, got ${show(mean)} and ${show(variance)}; expected both or neither`);
  }
}

/** Mixes the mean and the unbiased variance of `count` values per channel into running statistics. */
function updateRunning(mean: Tensor, variance: Tensor, batchMean: Tensor, batchVar: Tensor, count: number, momentum: number): void {
  noGrad(() => {
    mean.lerp_(batchMean, momentum);
    variance.lerp_(batchVar.mul(count / (count - 1)), momentum);
  });
}

function checkMomentum(name: string, momentum: number): void {
  checkNumber(name, 'momentum', momentum, 'a number from 0 to 1', (v) => v >= 0 && v <= 1);
}

/**
 * Normalises each channel of (N, C, …): `y = (x - mean)/√(var + eps)·weight + bias`, with the batch's mean and biased variance while training, else
 * the running ones. Training mixes mean and unbiased variance into the running statistics, in place, with weight `momentum`.
 *
 * @param runningMean - (C), or null
 * @param runningVar - (C), or null
 * @param weight - (C), or null for 1; it may also be given among the options, like `bias`
 * @param bias - (C), or null for 0
 * @throws ShapeError for vectors of another length, and in training for a single value per channel; ArgumentError for missing statistics
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html and Ioffe & Szegedy, 2015
 */
export const batchNorm: BatchNorm = free(
  {
    name: 'batchNorm',
    family,
    torch: 'nn.functional.batch_norm',
    samples: (s) => [
      [s.float([3, 2]), null, null, s.float([2]), s.float([2]), { training: true }],
      [s.float([3, 2, 4]), null, null, null, null, { training: true, eps: 0.1 }],
      [s.float([2, 3, 2, 2]), null, null, s.float([3]), null, { training: true, momentum: 0.5 }],
      [s.float([0, 3, 2]), null, null, s.float([3]), s.float([3]), { training: true }],
    ],
  },
  (x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, weightOrOptions?: Tensor | BatchNormArguments | null, bias?: Tensor | null, more?: BatchNormOptions): Tensor => {
    const name = 'batchNorm';
    const inOptions = typeof weightOrOptions === 'object' && weightOrOptions !== null && !(weightOrOptions instanceof Tensor);
    if (inOptions && (bias !== undefined || more !== undefined)) throw new ArgumentError(`${name}: options are not last, got ${show(weightOrOptions)}; expected weight, bias, options`);
    const options: BatchNormArguments = inOptions ? weightOrOptions : { ...more, weight: weightOrOptions ?? null, bias: bias ?? null };
    if (!inOptions) checkOptions(name, more, ['training', 'momentum', 'eps']);
    checkOptions(name, options, ['weight', 'bias', 'training', 'momentum', 'eps']);
    const { training = false, momentum = 0.1 } = options;
    if (typeof training !== 'boolean') throw new ArgumentError(`${name}: training is not a boolean, got ${show(training)}; expected true or false`);
    checkMomentum(name, momentum);
    const eps = epsOf(name, options.eps, 1e-5);
    checkChannels(name, x);
    const channels: Shape = [x.shape[1]];
    const w = vectorOperand(name, 'weight', options.weight, channels, x, 1);
    const b = vectorOperand(name, 'bias', options.bias, channels, x, 0);
    checkRunning(name, x, runningMean, runningVar);
    const count = x.numel() / Math.max(channels[0], 1);
    if (!training) {
      if (runningMean === null || runningVar === null) throw new ArgumentError(`${name}: no running statistics, got null in evaluation; expected runningMean and runningVar`, { hint: 'pass { training: true } to use those of the batch' });
      return apply(batchNormOp, [x.contiguous(), w, b, runningMean.detach().contiguous(), runningVar.detach().contiguous()], { eps, training });
    }
    if (count === 1) throw new ShapeError(`${name}: one value per channel has no variance, got ${show(x)}; expected more than 1 value per channel when training`);
    const input = x.contiguous();
    const [mean, variance] = applyMany(channelStatsOp, [input], undefined);
    if (runningMean !== null && runningVar !== null && count > 0) updateRunning(runningMean, runningVar, mean, variance, count, momentum);
    return apply(batchNormOp, [input, w, b, mean, variance], { eps, training });
  },
);

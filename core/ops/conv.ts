import { convInputKernel, convKernel } from '../cpu/conv.ts';
import { convWeightKernel } from '../cpu/conv-weight.ts';
import { accelerated } from '../cpu/engine.ts';
import type { ConvGeometry, Pair } from '../cpu/frame.ts';
import { ArgumentError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, primitive } from '../op.ts';
import type { Node } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { imagesAndWeight, imagesOnly } from './convBatching.ts';
import type { NamedPair } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { checkDTypes } from './matmul.ts';
import { type Size, type SpatialRank, checkImages, pairOf, spatialOf, trailing } from './spatial.ts';
import { squeeze, unsqueeze } from './view.ts';

const family = 'convolution';

// The sum of x[n, c, p·stride + k·dilation] · w[o, c, k] · y[n, o, p] is linear in each of x, w and y. A convolution leaves y open, its
// gradients leave x or w open, and the gradients of these are again one of the three.

const geometryOf = (n: Node): ConvGeometry => n.attrs as ConvGeometry;
const sumOfChannels = (g: Tensor): Tensor => g.sum(g.shape.map((_, d) => d).filter((d) => d !== 1));
const firstTwo = (input: number): boolean => input < 2;

const convOp: Primitive<ConvGeometry> = primitive<ConvGeometry>({
  name: 'conv',
  infer: ([x], { batch, outChannels, output, rank }) => ({ shape: [batch, outChannels, ...trailing(output, rank)], dtype: (x as Tensor).dtype }),
  cpu: accelerated(({ fastConv }) => fastConv, convKernel),
  batching: imagesAndWeight,
  saves: firstTwo,
  backward: [
    (g, n) => apply(convInputOp, [g, n.input(1)], geometryOf(n)),
    (g, n) => apply(convWeightOp, [n.input(0), g], geometryOf(n)),
    sumOfChannels,
  ],
});

const convInputOp: Primitive<ConvGeometry> = primitive<ConvGeometry>({
  name: 'convTranspose',
  infer: ([y], { batch, inChannels, input, rank }) => ({ shape: [batch, inChannels, ...trailing(input, rank)], dtype: (y as Tensor).dtype }),
  cpu: accelerated(({ fastConvInput }) => fastConvInput, convInputKernel),
  batching: imagesAndWeight,
  saves: firstTwo,
  backward: [
    (g, n) => apply(convOp, [g, n.input(1)], geometryOf(n)),
    (g, n) => apply(convWeightOp, [g, n.input(0)], geometryOf(n)),
    sumOfChannels,
  ],
});

const convWeightOp: Primitive<ConvGeometry> = primitive<ConvGeometry>({
  name: 'convWeight',
  infer: ([x], { outChannels, inChannels, groups, kernel, rank }) => ({
    shape: [outChannels, inChannels / groups, ...trailing(kernel, rank)],
    dtype: (x as Tensor).dtype,
  }),
  cpu: accelerated(({ fastConvWeight }) => fastConvWeight, convWeightKernel),
  batching: imagesOnly,
  saves: 'inputs',
  backward: [(g, n) => apply(convInputOp, [n.input(1), g], geometryOf(n)), (g, n) => apply(convOp, [n.input(0), g], geometryOf(n))],
});

/** Options of the convolutions; sizes are one integer or one per spatial dimension. */
export interface ConvOptions {
  /** Step between windows; default 1. */
  readonly stride?: Size;
  /** Zeros on both sides; 'valid' means none, 'same' as many as keep the size (stride 1 only; an odd one comes last). Default 0. */
  readonly padding?: Size | 'same' | 'valid';
  /** Step between the taps of the kernel; default 1. */
  readonly dilation?: Size;
  /** Number of groups the channels are split into; default 1. */
  readonly groups?: number;
}

/** Options of the transposed convolutions. */
export interface ConvTransposeOptions {
  /** Step between the windows that are written; default 1. */
  readonly stride?: Size;
  /** What is cut off on both sides of the result; default 0. */
  readonly padding?: Size;
  /** Size added at the end of the result; less than the stride or the dilation. Default 0. */
  readonly outputPadding?: Size;
  /** Number of groups the channels are split into; default 1. */
  readonly groups?: number;
  /** Step between the taps of the kernel; default 1. */
  readonly dilation?: Size;
}

/** What convolutions of both directions share, after checks. */
interface Common {
  readonly rank: SpatialRank;
  readonly batch: number;
  readonly groups: number;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
}

function commonOf(name: string, rank: SpatialRank, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions | ConvTransposeOptions): Common {
  checkImages(name, x, rank);
  checkTensor(name, weight, 'weight');
  if (bias !== null) checkTensor(name, bias, 'bias');
  checkDTypes(name, ...(bias === null ? [x, weight] : [x, weight, bias]));
  if (weight.ndim !== rank + 2) {
    throw new ShapeError(`${name}: the weight has another number of dimensions, got ${show(weight)}; expected ${rank + 2}`, { values: { shape: weight.shape } });
  }
  const { groups = 1 } = options;
  checkNumber(name, 'groups', groups, 'an integer ≥ 1', (v) => Number.isInteger(v) && v >= 1);
  const kernel = spatialOf(weight, rank);
  if (weight.shape[0] === 0 || weight.shape[0] % groups !== 0) {
    throw new ShapeError(`${name}: the weight does not split into groups, got ${show(weight)} and groups ${groups}; expected a first size that is a multiple of ${groups}`, {
      values: { shape: weight.shape, groups },
    });
  }
  if (kernel[0] < 1 || kernel[1] < 1) throw new ShapeError(`${name}: the kernel is empty, got weight ${show(weight)}; expected sizes ≥ 1`);
  return {
    rank,
    batch: x.ndim === rank + 2 ? x.shape[0] : 1,
    groups,
    kernel,
    stride: pairOf(name, 'stride', options.stride ?? 1, rank, 1, 1),
    dilation: pairOf(name, 'dilation', options.dilation ?? 1, rank, 1, 1),
  };
}

function checkChannels(name: string, x: Tensor, rank: SpatialRank, weight: Tensor, groups: number, expected: number): void {
  const channels = x.shape[x.ndim - rank - 1];
  if (channels !== expected) {
    throw new ShapeError(`${name}: input channels differ, got ${show(x)} and weight ${show(weight)} with groups ${groups}; expected ${expected} channels`, {
      values: { channels, expected },
    });
  }
}

function checkBias(name: string, bias: Tensor | null, channels: number): void {
  if (bias !== null && (bias.ndim !== 1 || bias.shape[0] !== channels)) {
    throw new ShapeError(`${name}: the bias does not fit, got ${show(bias)}; expected [${channels}], one per output channel`);
  }
}

/** Extent of the kernel with its dilation. */
const extent = ({ kernel, dilation }: Common, d: 0 | 1): number => dilation[d] * (kernel[d] - 1) + 1;

/** Zeros before and in all. */
function paddingOf(name: string, c: Common, padding: unknown): { readonly before: Pair; readonly total: Pair } {
  if (padding === 'same') {
    if (c.stride[0] !== 1 || c.stride[1] !== 1) {
      throw new ArgumentError(`${name}: padding 'same' needs stride 1, got stride ${show(trailing(c.stride, c.rank))}; expected 1`);
    }
    const total: Pair = [extent(c, 0) - 1, extent(c, 1) - 1];
    return { before: [Math.floor(total[0] / 2), Math.floor(total[1] / 2)], total };
  }
  if (typeof padding === 'string' && padding !== 'valid') {
    throw new ArgumentError(`${name}: invalid padding, got ${show(padding)}; expected integers ≥ 0, 'same' or 'valid'`);
  }
  const before = pairOf(name, 'padding', padding === 'valid' ? 0 : padding, c.rank, 0, 0);
  return { before, total: [2 * before[0], 2 * before[1]] };
}

/** Runs a primitive on a batch of one where there is no batch. */
function batched(op: Primitive<ConvGeometry>, x: Tensor, weight: Tensor, bias: Tensor | null, geometry: ConvGeometry): Tensor {
  const single = x.ndim === geometry.rank + 1;
  const images = single ? unsqueeze(x, 0) : x;
  const y = apply(op, bias === null ? [images, weight] : [images, weight, bias], geometry);
  return single ? squeeze(y, 0) : y;
}

function convolve(name: string, rank: SpatialRank, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions = {}): Tensor {
  checkOptions(name, options, ['stride', 'padding', 'dilation', 'groups']);
  const common = commonOf(name, rank, x, weight, bias, options);
  const [outChannels, perGroup] = weight.shape;
  const inChannels = perGroup * common.groups;
  checkChannels(name, x, rank, weight, common.groups, inChannels);
  checkBias(name, bias, outChannels);
  const { before, total } = paddingOf(name, common, options.padding ?? 0);
  const input = spatialOf(x, rank);
  const size = (d: 0 | 1): number => {
    const room = input[d] + total[d] - extent(common, d);
    if (room < 0 || input[d] === 0) {
      const need = `at least ${extent(common, d)} ${d === 0 ? 'rows' : 'columns'}, there are ${input[d] + total[d]}`;
      throw new ShapeError(`${name}: the kernel is larger than the padded input, got ${show(x)} and weight ${show(weight)}; expected ${need}`);
    }
    return Math.floor(room / common.stride[d]) + 1;
  };
  return batched(convOp, x, weight, bias, { ...common, inChannels, outChannels, input, output: [size(0), size(1)], padding: before });
}

function convolveTransposed(name: string, rank: SpatialRank, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvTransposeOptions = {}): Tensor {
  checkOptions(name, options, ['stride', 'padding', 'outputPadding', 'groups', 'dilation']);
  const common = commonOf(name, rank, x, weight, bias, options);
  const [outChannels, perGroup] = weight.shape;
  const inChannels = perGroup * common.groups;
  checkChannels(name, x, rank, weight, common.groups, outChannels);
  checkBias(name, bias, inChannels);
  const padding = pairOf(name, 'padding', options.padding ?? 0, rank, 0, 0);
  const extra = pairOf(name, 'outputPadding', options.outputPadding ?? 0, rank, 0, 0);
  const output = spatialOf(x, rank);
  const size = (d: 0 | 1): number => {
    if (extra[d] > 0 && extra[d] >= common.stride[d] && extra[d] >= common.dilation[d]) {
      const steps = `stride ${common.stride[d]} and dilation ${common.dilation[d]}`;
      throw new ArgumentError(`${name}: outputPadding is too large, got ${extra[d]} with ${steps}; expected less than either`);
    }
    const n = (output[d] - 1) * common.stride[d] - 2 * padding[d] + extent(common, d) + extra[d];
    if (n < 1 || output[d] === 0) {
      throw new ShapeError(`${name}: nothing is left of the result, got ${show(x)} with padding ${padding[d]}; expected a size ≥ 1, it is ${n}`);
    }
    return n;
  };
  return batched(convInputOp, x, weight, bias, { ...common, inChannels, outChannels, input: [size(0), size(1)], output, padding });
}

type Conv<O, L extends readonly unknown[]> = Free<NamedPair<'weight', Tensor, 'bias', Tensor | null, O, Tensor, Tensor, L>>;

/** What may stand behind weight and bias by place. */
export type ConvPlaces = [stride: Size, padding: Size | 'same' | 'valid', dilation: Size, groups: number];
/** The same of transposed convolutions. */
export type ConvTransposePlaces = [stride: Size, padding: Size, outputPadding: Size, groups: number, dilation: Size];

/**
 * Convolution over one dimension: `y[n, o, p] = bias[o] + Σ x[n, c, p·stride - padding + k·dilation] · weight[o, c, k]`.
 *
 * @param x - `(batch, channels, length)`, or without the batch
 * @param weight - `(outChannels, channels / groups, kernel)`
 * @param bias - `(outChannels)`; none by default
 * @throws ShapeError, DTypeError or ArgumentError when the operands or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html
 */
export const conv1d: Conv<ConvOptions, ConvPlaces> = free(
  {
    name: 'conv1d',
    parameters: ['weight', 'bias', 'options', 'stride', 'padding', 'dilation', 'groups'],
    family,
    torch: 'nn.functional.conv1d',
    samples: (s) => [
      [s.float([2, 3, 7]), s.float([4, 3, 3]), s.float([4])],
      [s.float([3, 5]), s.float([2, 3, 2])],
      [s.float([2, 4, 8]), s.float([2, 2, 3]), null, { stride: 2, padding: 1, dilation: 2, groups: 2 }],
      [s.float([1, 1, 5]), s.float([2, 1, 4]), s.float([2]), { padding: 'same' }],
      [s.float([0, 1, 5]), s.float([2, 1, 3])],
    ],
  },
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor => convolve('conv1d', 1, x, weight, bias ?? null, options),
);

/**
 * Convolution over two dimensions: `y[n, o, p] = bias[o] + Σ x[n, c, p·stride - padding + k·dilation] · weight[o, c, k]`.
 *
 * @param x - `(batch, channels, height, width)`, or without the batch
 * @param weight - `(outChannels, channels / groups, kernelHeight, kernelWidth)`
 * @param bias - `(outChannels)`; none by default
 * @throws ShapeError, DTypeError or ArgumentError when the operands or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
 */
export const conv2d: Conv<ConvOptions, ConvPlaces> = free(
  {
    name: 'conv2d',
    parameters: ['weight', 'bias', 'options', 'stride', 'padding', 'dilation', 'groups'],
    family,
    torch: 'nn.functional.conv2d',
    samples: (s) => [
      [s.float([2, 2, 4, 5]), s.float([3, 2, 3, 2]), s.float([3])],
      [s.float([2, 4, 4]), s.float([4, 1, 3, 3]), s.float([4]), { padding: 1, groups: 2 }],
      [s.float([1, 2, 6, 5]), s.float([2, 2, 3, 2]), null, { stride: [2, 1], padding: [1, 2], dilation: [1, 2] }],
      [s.float([1, 1, 3, 4]), s.float([2, 1, 2, 4]), null, { padding: 'same' }],
      [s.float([1, 1, 4, 4]), s.float([1, 1, 2, 2]), null, { stride: 3, padding: 'valid' }],
      [s.float([0, 1, 3, 3]), s.float([2, 1, 2, 2])],
    ],
  },
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor => convolve('conv2d', 2, x, weight, bias ?? null, options),
);

/**
 * Transposed convolution over one dimension: the gradient of `conv1d` to its input.
 *
 * @param x - `(batch, channels, length)`, or without the batch
 * @param weight - `(channels, outChannels / groups, kernel)`
 * @param bias - `(outChannels)`; none by default
 * @throws ShapeError, DTypeError or ArgumentError when the operands or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose1d.html
 */
export const convTranspose1d: Conv<ConvTransposeOptions, ConvTransposePlaces> = free(
  {
    name: 'convTranspose1d',
    parameters: ['weight', 'bias', 'options', 'stride', 'padding', 'outputPadding', 'groups', 'dilation'],
    family,
    torch: 'nn.functional.conv_transpose1d',
    samples: (s) => [
      [s.float([2, 3, 4]), s.float([3, 2, 3]), s.float([2])],
      [s.float([2, 4]), s.float([2, 1, 3]), s.float([2]), { stride: 3, padding: 1, outputPadding: 2, groups: 2, dilation: 2 }],
    ],
  },
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor => convolveTransposed('convTranspose1d', 1, x, weight, bias ?? null, options),
);

/**
 * Transposed convolution over two dimensions: the gradient of `conv2d` to its input. The result has the size
 * `(input - 1)·stride - 2·padding + dilation·(kernel - 1) + outputPadding + 1`.
 *
 * @param x - `(batch, channels, height, width)`, or without the batch
 * @param weight - `(channels, outChannels / groups, kernelHeight, kernelWidth)`
 * @param bias - `(outChannels)`; none by default
 * @throws ShapeError, DTypeError or ArgumentError when the operands or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
 */
export const convTranspose2d: Conv<ConvTransposeOptions, ConvTransposePlaces> = free(
  {
    name: 'convTranspose2d',
    parameters: ['weight', 'bias', 'options', 'stride', 'padding', 'outputPadding', 'groups', 'dilation'],
    family,
    torch: 'nn.functional.conv_transpose2d',
    samples: (s) => [
      [s.float([2, 2, 3, 2]), s.float([2, 3, 2, 3]), s.float([3])],
      [s.float([1, 2, 2, 3]), s.float([2, 2, 3, 3]), null, { stride: 2, padding: 1, outputPadding: 1 }],
      [s.float([4, 2, 2]), s.float([4, 1, 2, 2]), s.float([2]), { stride: [3, 1], groups: 2, dilation: [1, 2] }],
      [s.float([1, 1, 2, 2]), s.float([1, 1, 1, 1]), s.float([1]), { stride: 2 }],
    ],
  },
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor => convolveTransposed('convTranspose2d', 2, x, weight, bias ?? null, options),
);

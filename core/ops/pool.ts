import { accelerated } from '../cpu/engine.ts';
import { type PoolAttrs, avgPoolKernel, avgPoolSpreadKernel } from '../cpu/pool.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, show } from '../errors.ts';
import { type Primitive, apply, primitive } from '../op.ts';
import type { Node } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { Named, NamedPair } from './byName.ts';
import { type Free, free } from './define.ts';
import { type Size, type SpatialRank, checkImages, trailing } from './spatial.ts';
import { contiguous } from './view.ts';
import { type AdaptiveSize, type PoolOptions, adaptivePool, fixedPool, flag, splitArgs } from './windows.ts';

const family = 'pooling';

const attrsOf = (n: Node): PoolAttrs => n.attrs as PoolAttrs;

/** The shape of a pool's result. */
export function pooledShape(x: Tensor, { rank, rows, columns }: PoolAttrs): readonly number[] {
  return [...x.shape.slice(0, x.ndim - rank), ...trailing([rows.start.length, columns.start.length], rank)];
}

/** The shape a pool's result came from. */
export function unpooledShape(g: Tensor, { rank, rows, columns }: PoolAttrs): readonly number[] {
  return [...g.shape.slice(0, g.ndim - rank), ...trailing([rows.size, columns.size], rank)];
}

const avgPoolOp: Primitive<PoolAttrs> = primitive<PoolAttrs>({
  name: 'avgPool',
  infer: ([x], attrs) => ({ shape: pooledShape(x as Tensor, attrs), dtype: (x as Tensor).dtype }),
  cpu: accelerated(({ fastAvgPool }) => fastAvgPool, avgPoolKernel),
  batching: { shift: (attrs) => attrs },
  backward: [(g, n) => apply(avgPoolSpreadOp, [contiguous(g)], attrsOf(n))],
});

const avgPoolSpreadOp: Primitive<PoolAttrs> = primitive<PoolAttrs>({
  name: 'avgPoolSpread',
  infer: ([g], attrs) => ({ shape: unpooledShape(g as Tensor, attrs), dtype: (g as Tensor).dtype }),
  cpu: accelerated(({ fastAvgPoolSpread }) => fastAvgPoolSpread, avgPoolSpreadKernel),
  batching: { shift: (attrs) => attrs },
  backward: [(g, n) => apply(avgPoolOp, [contiguous(g)], attrsOf(n))],
});

function checkFloat(name: string, x: Tensor): void {
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`, { hint: "convert with .to('float32')" });
}

/** Averages of int64 are cut to whole numbers. */
function checkAveraged(name: string, x: Tensor): void {
  if (x.dtype !== 'int64') checkFloat(name, x);
}

/** Options of `avgPool1d`. */
export interface AvgPool1dOptions extends PoolOptions {
  /** Count the padding's zeros in the average; default true. */
  readonly countIncludePad?: boolean;
}

/** Options of `avgPool2d`. */
export interface AvgPoolOptions extends AvgPool1dOptions {
  /** Divide every sum by this whole number, other than 0; default the elements that count. */
  readonly divisorOverride?: number | null;
}

const common = ['stride', 'padding', 'ceilMode', 'countIncludePad'];

type StrideOrOptions = Size | AvgPoolOptions | null | undefined;

function averaged(name: string, rank: SpatialRank, x: Tensor, kernelSize: Size, stride: StrideOrOptions, last: AvgPoolOptions | undefined): Tensor {
  const options: AvgPoolOptions = splitArgs(name, stride, last, rank === 1 ? common : [...common, 'divisorOverride']);
  checkImages(name, x, rank);
  checkAveraged(name, x);
  const divisor = options.divisorOverride ?? null;
  if (divisor !== null && (!Number.isInteger(divisor) || divisor === 0)) {
    throw new ArgumentError(`${name}: invalid divisorOverride, got ${show(divisor)}; expected an integer other than 0`);
  }
  const countPadding = flag(name, 'countIncludePad', options.countIncludePad, true);
  return apply(avgPoolOp, [contiguous(x)], fixedPool(name, x, rank, kernelSize, { ...options, countPadding, divisor }));
}

type AvgPool<O> = Free<NamedPair<'kernelSize', Size, 'stride', Size | O | null, O, Tensor>>;

/**
 * Average of each window of `(channels, length)` or a batch of these; of int64 cut to a whole number.
 *
 * @param kernelSize - elements of a window
 * @param stride - step between windows, here or among the options; default the kernel size
 * @throws ShapeError, DTypeError or ArgumentError when the operand or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool1d.html
 */
export const avgPool1d: AvgPool<AvgPool1dOptions> = free(
  {
    name: 'avgPool1d',
    parameters: ['kernelSize', 'stride', 'options', 'padding', 'ceilMode', 'countIncludePad'],
    family,
    torch: 'nn.functional.avg_pool1d',
    samples: (s) => [
      [s.float([2, 3, 6]), 2],
      [s.float([3, 7]), 3, 2],
      [s.float([1, 1, 6]), 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }],
    ],
  },
  (x: Tensor, kernelSize: Size, stride?: Size | AvgPool1dOptions | null, options?: AvgPool1dOptions): Tensor => averaged('avgPool1d', 1, x, kernelSize, stride, options),
);

/**
 * Average of each window of `(channels, height, width)` or a batch of these; of int64 cut to a whole number.
 *
 * @param kernelSize - elements of a window, or rows and columns
 * @param stride - step between windows, here or among the options; default the kernel size
 * @throws ShapeError, DTypeError or ArgumentError when the operand or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
 */
export const avgPool2d: AvgPool<AvgPoolOptions> = free(
  {
    name: 'avgPool2d',
    parameters: ['kernelSize', 'stride', 'options', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'],
    family,
    torch: 'nn.functional.avg_pool2d',
    samples: (s) => [
      [s.float([2, 2, 4, 4]), 2],
      [s.float([1, 4, 5]), [2, 3], [1, 2]],
      [s.float([1, 1, 5, 4]), 3, { stride: 2, padding: 1, ceilMode: true }],
      [s.float([1, 1, 5, 4]), [3, 2], 2, { padding: [1, 1], ceilMode: true, countIncludePad: false }],
      [s.float([1, 1, 3, 3]), 2, { stride: 1, divisorOverride: 3 }],
      [s.float([0, 1, 3, 3]), 2],
    ],
  },
  (x: Tensor, kernelSize: Size, stride?: Size | AvgPoolOptions | null, options?: AvgPoolOptions): Tensor => averaged('avgPool2d', 2, x, kernelSize, stride, options),
);

function adaptiveAveraged(name: string, rank: SpatialRank, x: Tensor, outputSize: AdaptiveSize): Tensor {
  checkImages(name, x, rank);
  checkFloat(name, x);
  return apply(avgPoolOp, [contiguous(x)], adaptivePool(name, x, rank, outputSize));
}

/**
 * Averages of windows that share `(channels, length)`, or a batch of these, evenly: window i covers `⌊i·in/out⌋` … `⌈(i+1)·in/out⌉`.
 *
 * @param outputSize - number of windows; null keeps the length
 * @throws ShapeError, DTypeError or ArgumentError when the operands do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool1d.html
 */
export const adaptiveAvgPool1d: Free<Named<'outputSize', AdaptiveSize, object, Tensor>> = free(
  { name: 'adaptiveAvgPool1d', parameters: ['outputSize'], family, torch: 'nn.functional.adaptive_avg_pool1d', samples: (s) => [[s.float([2, 2, 7]), 3], [s.float([2, 3]), 5]] },
  (x: Tensor, outputSize: AdaptiveSize): Tensor => adaptiveAveraged('adaptiveAvgPool1d', 1, x, outputSize),
);

/**
 * Averages of windows that share `(channels, height, width)`, or a batch of these, evenly: window i covers `⌊i·in/out⌋` … `⌈(i+1)·in/out⌉`.
 *
 * @param outputSize - rows and columns of the result, or one number for both; null keeps a size
 * @throws ShapeError, DTypeError or ArgumentError when the operands do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html
 */
export const adaptiveAvgPool2d: Free<Named<'outputSize', AdaptiveSize, object, Tensor>> = free(
  {
    name: 'adaptiveAvgPool2d',
    parameters: ['outputSize'],
    family,
    torch: 'nn.functional.adaptive_avg_pool2d',
    samples: (s) => [
      [s.float([2, 2, 5, 4]), 1],
      [s.float([1, 5, 4]), [3, 2]],
      [s.float([1, 1, 3, 5]), [null, 3]],
      [s.float([1, 1, 2, 3]), [4, null]],
    ],
  },
  (x: Tensor, outputSize: AdaptiveSize): Tensor => adaptiveAveraged('adaptiveAvgPool2d', 2, x, outputSize),
);

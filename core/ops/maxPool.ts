import { accelerated } from '../cpu/engine.ts';
import { type PoolAttrs, maxPoolKernel, maxPoolPickKernel, maxPoolSpreadKernel } from '../cpu/pool.ts';
import { DTypeError, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyMany, primitive } from '../op.ts';
import { type Results, results } from '../results.ts';
import type { Node } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, free } from './define.ts';
import { pooledShape, unpooledShape } from './pool.ts';
import { type Size, type SpatialRank, checkImages } from './spatial.ts';
import { contiguous } from './view.ts';
import { type AdaptiveSize, type PoolOptions, adaptivePool, fixedPool, flag, splitArgs } from './windows.ts';

const family = 'pooling';

const attrsOf = (n: Node): PoolAttrs => n.attrs as PoolAttrs;
const places = (input: number): boolean => input === 1;

const maxPoolOp: Primitive<PoolAttrs> = primitive<PoolAttrs>({
  name: 'maxPool',
  infer: ([x], attrs) => {
    const shape = pooledShape(x as Tensor, attrs);
    return [{ shape, dtype: (x as Tensor).dtype }, { shape, dtype: 'int64' }];
  },
  cpu: accelerated(({ fastMaxPool }) => fastMaxPool, maxPoolKernel),
  batching: { shift: (attrs) => attrs },
  saves: 'outputs',
  backward: (n, g) => [g === null || g === undefined ? null : apply(spreadOp, [contiguous(g), n.output(1)], attrsOf(n))],
});

/** Adds each element at its place in the input: linear, with the next one as its gradient. */
const spreadOp: Primitive<PoolAttrs> = primitive<PoolAttrs>({
  name: 'maxPoolSpread',
  infer: ([g], attrs) => ({ shape: unpooledShape(g as Tensor, attrs), dtype: (g as Tensor).dtype }),
  cpu: accelerated(({ fastMaxPoolSpread }) => fastMaxPoolSpread, maxPoolSpreadKernel),
  batching: { shift: (attrs) => attrs },
  saves: places,
  backward: [(g, n) => apply(pickOp, [contiguous(g), n.input(1)], attrsOf(n)), null],
});

/** Takes the elements at known places. */
const pickOp: Primitive<PoolAttrs> = primitive<PoolAttrs>({
  name: 'maxPoolPick',
  infer: ([x], attrs) => ({ shape: pooledShape(x as Tensor, attrs), dtype: (x as Tensor).dtype }),
  cpu: accelerated(({ fastMaxPoolPick }) => fastMaxPoolPick, maxPoolPickKernel),
  batching: { shift: (attrs) => attrs },
  saves: places,
  backward: [(g, n) => apply(spreadOp, [contiguous(g), n.input(1)], attrsOf(n)), null],
});

/** Options of `maxPool1d` and `maxPool2d`. */
export interface MaxPoolOptions extends PoolOptions {
  /** Step between the elements of a window; default 1. */
  readonly dilation?: Size;
  /** Also return where the largest elements lie; default false. */
  readonly returnIndices?: boolean;
}

/** Options of `adaptiveMaxPool1d` and `adaptiveMaxPool2d`. */
export interface AdaptiveMaxPoolOptions {
  /** Also return where the largest elements lie; default false. */
  readonly returnIndices?: boolean;
}

/** Largest elements, and where each lies in its image counted row by row (int64; -1 for a window that holds nothing but padding). */
export type MaxPoolResult = Results<{ readonly output: Tensor; readonly indices: Tensor }>;

/** Options under which only the values come back. */
type Plain<O> = O & { readonly returnIndices?: false };
/** Options under which the indices come back too. */
type Indexed<O> = O & { readonly returnIndices: true };

/** The call forms of a max pool: the stride by position or among the options. */
interface MaxPool {
  (x: Tensor, kernelSize: Size, options: Indexed<MaxPoolOptions>): MaxPoolResult;
  (x: Tensor, kernelSize: Size, stride: Size | null | undefined, options: Indexed<MaxPoolOptions>): MaxPoolResult;
  (x: Tensor, kernelSize: Size, stride?: Size | Plain<MaxPoolOptions> | null, options?: Plain<MaxPoolOptions>): Tensor;
  (x: Tensor, kernelSize: Size, stride?: Size | MaxPoolOptions | null, options?: MaxPoolOptions): Tensor | MaxPoolResult;
  (x: Tensor, options: MaxPoolOptions & { readonly kernelSize: Size }): Tensor | MaxPoolResult;
}

interface AdaptiveMaxPool {
  (x: Tensor, outputSize: AdaptiveSize, options: Indexed<AdaptiveMaxPoolOptions>): MaxPoolResult;
  (x: Tensor, outputSize: AdaptiveSize, options?: Plain<AdaptiveMaxPoolOptions>): Tensor;
  (x: Tensor, outputSize: AdaptiveSize, options?: AdaptiveMaxPoolOptions): Tensor | MaxPoolResult;
}

function run(x: Tensor, attrs: PoolAttrs, returnIndices: boolean): Tensor | MaxPoolResult {
  const [output, indices] = applyMany(maxPoolOp, [contiguous(x)], attrs);
  if (returnIndices) return results({ output, indices });
  indices.storage.discard();
  return output;
}

function checkOperand(name: string, rank: SpatialRank, x: Tensor): void {
  checkImages(name, x, rank);
  if (x.dtype === 'bool') throw new DTypeError(`${name}: not defined for bool, got ${show(x)}; expected numbers`, { hint: "convert with .to('uint8')" });
}

const names = ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices'];

function fixedMax(name: string, rank: SpatialRank): MaxPool {
  const pool = (x: Tensor, kernelSize: Size, stride?: Size | MaxPoolOptions | null, last?: MaxPoolOptions): Tensor | MaxPoolResult => {
    const options: MaxPoolOptions = splitArgs(name, stride, last, names);
    checkOperand(name, rank, x);
    return run(x, fixedPool(name, x, rank, kernelSize, options), flag(name, 'returnIndices', options.returnIndices, false));
  };
  return pool as MaxPool;
}

function adaptiveMax(name: string, rank: SpatialRank): AdaptiveMaxPool {
  const pool = (x: Tensor, outputSize: AdaptiveSize, options?: AdaptiveMaxPoolOptions): Tensor | MaxPoolResult => {
    checkOptions(name, options, ['returnIndices']);
    checkOperand(name, rank, x);
    return run(x, adaptivePool(name, x, rank, outputSize), flag(name, 'returnIndices', options?.returnIndices, false));
  };
  return pool as AdaptiveMaxPool;
}

/**
 * Largest element of each window of `(channels, length)` or a batch of these; NaN counts as largest, padding as smallest.
 *
 * @param kernelSize - elements of a window
 * @param stride - step between windows, here or among the options; default the kernel size
 * @returns the values, or `{ output, indices }` with `returnIndices`
 * @throws ShapeError, DTypeError or ArgumentError when the operand or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool1d.html
 */
export const maxPool1d: Free<MaxPool> = free(
  {
    name: 'maxPool1d',
    parameters: ['kernelSize', 'stride', 'options', 'padding', 'dilation', 'ceilMode', 'returnIndices'],
    family,
    torch: 'nn.functional.max_pool1d',
    samples: (s) => [
      [s.float([2, 3, 6]), 2],
      [s.float([3, 7]), 3, 2],
      [s.float([1, 2, 8]), 3, { stride: 2, padding: 1, dilation: 2, ceilMode: true }],
      [s.float([1, 1, 6]), 2, { stride: 1, returnIndices: true }],
    ],
  },
  fixedMax('maxPool1d', 1),
);

/**
 * Largest element of each window of `(channels, height, width)` or a batch of these; NaN counts as largest, padding as smallest.
 * The gradient goes to the largest element; of equal ones, to the first.
 *
 * @param kernelSize - elements of a window, or rows and columns
 * @param stride - step between windows, here or among the options; default the kernel size
 * @returns the values, or `{ output, indices }` with `returnIndices`
 * @throws ShapeError, DTypeError or ArgumentError when the operand or options do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html
 */
export const maxPool2d: Free<MaxPool> = free(
  {
    name: 'maxPool2d',
    parameters: ['kernelSize', 'stride', 'options', 'padding', 'dilation', 'ceilMode', 'returnIndices'],
    family,
    torch: 'nn.functional.max_pool2d',
    samples: (s) => [
      [s.float([2, 2, 4, 4]), 2],
      [s.float([1, 4, 5]), [2, 3], [1, 2]],
      [s.float([1, 1, 5, 4]), 3, { stride: 2, padding: 1, ceilMode: true }],
      [s.float([1, 1, 5, 5]), 2, 1, { dilation: [2, 1], padding: [1, 0] }],
      [s.float([1, 2, 4, 4]), 3, { stride: 1, padding: 1, returnIndices: true }],
      [s.float([0, 1, 3, 3]), 2],
    ],
  },
  fixedMax('maxPool2d', 2),
);

/**
 * Largest elements of windows that share `(channels, length)`, or a batch of these, evenly: window i covers `⌊i·in/out⌋` … `⌈(i+1)·in/out⌉`.
 *
 * @param outputSize - number of windows; null keeps the length
 * @returns the values, or `{ output, indices }` with `returnIndices`
 * @throws ShapeError, DTypeError or ArgumentError when the operands do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool1d.html
 */
export const adaptiveMaxPool1d: Free<AdaptiveMaxPool> = free(
  {
    name: 'adaptiveMaxPool1d',
    parameters: ['outputSize', 'options', 'returnIndices'],
    family,
    torch: 'nn.functional.adaptive_max_pool1d',
    samples: (s) => [[s.float([2, 2, 7]), 3], [s.float([2, 3]), 5, { returnIndices: true }]],
  },
  adaptiveMax('adaptiveMaxPool1d', 1),
);

/**
 * Largest elements of windows that share `(channels, height, width)`, or a batch of these, evenly: window i covers `⌊i·in/out⌋` … `⌈(i+1)·in/out⌉`.
 *
 * @param outputSize - rows and columns of the result, or one number for both; null keeps a size
 * @returns the values, or `{ output, indices }` with `returnIndices`
 * @throws ShapeError, DTypeError or ArgumentError when the operands do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool2d.html
 */
export const adaptiveMaxPool2d: Free<AdaptiveMaxPool> = free(
  {
    name: 'adaptiveMaxPool2d',
    parameters: ['outputSize', 'options', 'returnIndices'],
    family,
    torch: 'nn.functional.adaptive_max_pool2d',
    samples: (s) => [[s.float([2, 2, 5, 4]), 1], [s.float([1, 5, 4]), [3, 2]], [s.float([1, 1, 3, 5]), [null, 3], { returnIndices: true }]],
  },
  adaptiveMax('adaptiveMaxPool2d', 2),
);

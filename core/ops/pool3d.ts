import { ArgumentError, ShapeError, checkOptions, show } from '../errors.ts';
import { results } from '../results.ts';
import type { Tensor } from '../tensor.ts';
import type { Named, NamedPair } from './byName.ts';
import { type Free, checkTensor, free } from './define.ts';
import { gather } from './gather.ts';
import { type AdaptiveMaxPoolOptions, type MaxPoolOptions, type MaxPoolResult, adaptiveMaxPool2d, maxPool2d } from './maxPool.ts';
import { type AvgPoolOptions, adaptiveAvgPool2d, avgPool2d } from './pool.ts';
import type { Size } from './spatial.ts';
import { type AdaptiveSize, type PoolOptions, splitArgs } from './windows.ts';
import { reshape } from './view.ts';

// Pools over three dimensions: over height and width first, and over the depth of what came out then.

const family = 'pooling';

function checkVolume(name: string, x: unknown): asserts x is Tensor {
  checkTensor(name, x);
  if (x.ndim !== 4 && x.ndim !== 5) throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected (channels, depth, height, width), or a batch of these`);
}

/** Depth, and height and width, of a size. */
function triple<T>(name: string, key: string, value: T | readonly T[]): [T, [T, T]] {
  const list = Array.isArray(value) ? (value as readonly T[]) : [value as T];
  if (list.length !== 1 && list.length !== 3) throw new ArgumentError(`${name}: invalid ${key}, got ${show(value)}; expected one number, or three`);
  return list.length === 1 ? [list[0], [list[0], list[0]]] : [list[0], [list[1], list[2]]];
}

/** (…, D, H, W) with height and width joined: what a pool over the depth sees as an image of D rows. */
const rowsOf = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, -2), x.shape[x.ndim - 2] * x.shape[x.ndim - 1]]);

/** Every depth as a channel of its own: (N, C, D, H, W) → (N·C, D, H, W). */
const sheetsOf = (x: Tensor): Tensor => reshape(x, [x.shape.slice(0, -3).reduce((n, size) => n * size, 1), ...x.shape.slice(-3)]);

function split(name: string, kernelSize: Size, { stride, padding = 0, ceilMode = false }: PoolOptions): { readonly kernel: [number, [number, number]]; readonly plane: PoolOptions; readonly depth: PoolOptions } {
  const kernel = triple(name, 'kernelSize', kernelSize);
  const step = stride === undefined || stride === null ? kernel : triple(name, 'stride', stride);
  const cells = triple(name, 'padding', padding);
  return { kernel, plane: { stride: step[1], padding: cells[1], ceilMode }, depth: { stride: [step[0], 1], padding: [cells[0], 0], ceilMode } };
}

/** Averages of integers, cut to whole numbers: sums, which are exact, over the number of elements that count. */
function wholeAverages(x: Tensor, pooled: (v: Tensor, divisor: number | null) => Tensor, divisor: number | null): Tensor {
  const doubles = x.to('float64');
  const sums = pooled(doubles, 1);
  if (divisor !== null) return sums.div(divisor).trunc().to('int64');
  const ones = doubles.mul(0).add(1);
  const counts = pooled(ones, 1).div(pooled(ones, null)).round();
  return sums.div(counts).nanToNum({ nan: 0 }).trunc().to('int64');
}

type AvgPool3d = Free<NamedPair<'kernelSize', Size, 'stride', Size | AvgPoolOptions | null, AvgPoolOptions, Tensor>>;

/**
 * Average of each window of `(channels, depth, height, width)` or a batch of these; of int64 cut to a whole number.
 *
 * @param kernelSize - elements of a window: one number, or depth, height and width
 * @param stride - step between windows, here or among the options; default the kernel size
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool3d.html
 */
export const avgPool3d: AvgPool3d = free(
  {
    name: 'avgPool3d',
    parameters: ['kernelSize', 'stride', 'options', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'],
    family,
    torch: 'nn.functional.avg_pool3d',
    samples: (s) => [
      [s.float([1, 2, 2, 4, 2]), 2],
      [s.float([1, 3, 4, 3]), [2, 3, 1], [1, 1, 2]],
      [s.float([1, 1, 3, 3, 3]), 2, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }],
      [s.float([1, 1, 3, 3, 3]), 2, { stride: 1, divisorOverride: 3 }],
    ],
  },
  (x: Tensor, kernelSize: Size, stride?: Size | AvgPoolOptions | null, last?: AvgPoolOptions): Tensor => {
    const options: AvgPoolOptions = splitArgs('avgPool3d', stride, last, ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride']);
    checkVolume('avgPool3d', x);
    const { kernel, plane, depth } = split('avgPool3d', kernelSize, options);
    const window = [kernel[0], ...kernel[1]];
    if (x.shape.slice(-3).some((n, d) => n < window[d])) throw new ShapeError(`avgPool3d: the window is larger than the volume, got ${show(window)} for ${show(x)}; expected at most its size`);
    const { countIncludePad = true, divisorOverride = null } = options;
    const pooled = (v: Tensor, divisor: number | null): Tensor => {
      const inner = avgPool2d(sheetsOf(v), kernel[1], { ...plane, countIncludePad, divisorOverride: divisor === null ? null : 1 });
      const all = avgPool2d(rowsOf(inner), [kernel[0], 1], { ...depth, countIncludePad, divisorOverride: divisor });
      return reshape(all, [...v.shape.slice(0, -3), all.shape[1], ...inner.shape.slice(-2)]);
    };
    return x.dtype === 'int64' ? wholeAverages(x, pooled, divisorOverride) : pooled(x, divisorOverride);
  },
);

/** Averages of windows that share the volume evenly. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool3d.html */
export const adaptiveAvgPool3d: Free<Named<'outputSize', AdaptiveSize, object, Tensor>> = free(
  { name: 'adaptiveAvgPool3d', parameters: ['outputSize'], family, torch: 'nn.functional.adaptive_avg_pool3d', samples: (s) => [[s.float([1, 2, 3, 4, 2]), 2], [s.float([1, 3, 4, 5]), [2, 3, 1]], [s.float([1, 1, 2, 3, 4]), [null, 2, null]]] },
  (x: Tensor, outputSize: AdaptiveSize): Tensor => {
    checkVolume('adaptiveAvgPool3d', x);
    const [depth, plane] = triple<number | null>('adaptiveAvgPool3d', 'outputSize', outputSize);
    const inner = adaptiveAvgPool2d(sheetsOf(x), plane);
    const all = adaptiveAvgPool2d(rowsOf(inner), [depth, null]);
    return reshape(all, [...x.shape.slice(0, -3), all.shape[1], ...inner.shape.slice(-2)]);
  },
);

/** Largest elements over the depth of planes of largest elements, and where they lie in the volume. */
function joined(x: Tensor, inner: MaxPoolResult, outer: MaxPoolResult): MaxPoolResult {
  const [height, width] = inner.output.shape.slice(-2);
  const shape = [...x.shape.slice(0, -3), outer.output.shape[1], height, width];
  const depth = outer.indices.floorDivide(height * width);
  const plane = gather(rowsOf(inner.indices), 1, depth);
  const indices = depth.mul(x.shape[x.ndim - 2] * x.shape[x.ndim - 1]).add(plane);
  return results({ output: reshape(outer.output, shape), indices: reshape(indices, shape) });
}

interface MaxPool3d {
  (x: Tensor, kernelSize: Size, options: MaxPoolOptions & { readonly returnIndices: true }): MaxPoolResult;
  (x: Tensor, kernelSize: Size, stride: Size | null | undefined, options: MaxPoolOptions & { readonly returnIndices: true }): MaxPoolResult;
  (x: Tensor, kernelSize: Size, stride?: Size | (MaxPoolOptions & { readonly returnIndices?: false }) | null, options?: MaxPoolOptions & { readonly returnIndices?: false }): Tensor;
  (x: Tensor, kernelSize: Size, stride?: Size | MaxPoolOptions | null, options?: MaxPoolOptions): Tensor | MaxPoolResult;
  (x: Tensor, options: MaxPoolOptions & { readonly kernelSize: Size }): Tensor | MaxPoolResult;
}

/**
 * Largest element of each window of `(channels, depth, height, width)` or a batch of these.
 *
 * @param kernelSize - elements of a window: one number, or depth, height and width
 * @param stride - step between windows, here or among the options; default the kernel size
 * @returns the values, or `{ output, indices }` with `returnIndices`: places in the flattened volume
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool3d.html
 */
export const maxPool3d: Free<MaxPool3d> = free(
  {
    name: 'maxPool3d',
    parameters: ['kernelSize', 'stride', 'options', 'padding', 'dilation', 'ceilMode', 'returnIndices'],
    family,
    torch: 'nn.functional.max_pool3d',
    samples: (s) => [
      [s.float([1, 2, 2, 4, 2]), 2],
      [s.float([1, 3, 4, 3]), [2, 3, 1], [1, 1, 2]],
      [s.float([1, 1, 3, 4, 5]), 2, { stride: 2, padding: 1, ceilMode: true, returnIndices: true }],
      [s.float([1, 1, 5, 4, 3]), [2, 2, 1], { stride: 1, dilation: [2, 1, 1], returnIndices: true }],
    ],
  },
  ((x: Tensor, kernelSize: Size, stride?: Size | MaxPoolOptions | null, last?: MaxPoolOptions): Tensor | MaxPoolResult => {
    const options: MaxPoolOptions = splitArgs('maxPool3d', stride, last, ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices']);
    checkVolume('maxPool3d', x);
    const { kernel, plane, depth } = split('maxPool3d', kernelSize, options);
    const dilation = triple('maxPool3d', 'dilation', options.dilation ?? 1);
    const inner = maxPool2d(sheetsOf(x), kernel[1], { ...plane, dilation: dilation[1], returnIndices: true });
    const outer = maxPool2d(rowsOf(inner.output), [kernel[0], 1], { ...depth, dilation: [dilation[0], 1], returnIndices: true });
    const both = joined(x, inner, outer);
    return options.returnIndices === true ? both : both.output;
  }) as MaxPool3d,
);

interface AdaptiveMaxPool3d {
  (x: Tensor, outputSize: AdaptiveSize, options: AdaptiveMaxPoolOptions & { readonly returnIndices: true }): MaxPoolResult;
  (x: Tensor, outputSize: AdaptiveSize, options?: AdaptiveMaxPoolOptions & { readonly returnIndices?: false }): Tensor;
  (x: Tensor, outputSize: AdaptiveSize, options?: AdaptiveMaxPoolOptions): Tensor | MaxPoolResult;
}

/** Largest elements of windows that share the volume evenly. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool3d.html */
export const adaptiveMaxPool3d: Free<AdaptiveMaxPool3d> = free(
  { name: 'adaptiveMaxPool3d', parameters: ['outputSize', 'options', 'returnIndices'], family, torch: 'nn.functional.adaptive_max_pool3d', samples: (s) => [[s.float([1, 2, 3, 4, 2]), 2], [s.float([1, 3, 4, 5]), [2, 3, 1], { returnIndices: true }]] },
  ((x: Tensor, outputSize: AdaptiveSize, options?: AdaptiveMaxPoolOptions): Tensor | MaxPoolResult => {
    checkVolume('adaptiveMaxPool3d', x);
    checkOptions('adaptiveMaxPool3d', options, ['returnIndices']);
    const [depth, plane] = triple<number | null>('adaptiveMaxPool3d', 'outputSize', outputSize);
    const inner = adaptiveMaxPool2d(sheetsOf(x), plane, { returnIndices: true });
    const outer = adaptiveMaxPool2d(rowsOf(inner.output), [depth, null], { returnIndices: true });
    const both = joined(x, inner, outer);
    return options?.returnIndices === true ? both : both.output;
  }) as AdaptiveMaxPool3d,
);

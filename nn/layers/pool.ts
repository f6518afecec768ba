import { ArgumentError, checkOptions, show } from '../../core/errors.ts';
import { adaptiveMaxPool1d, adaptiveMaxPool2d, maxPool1d, maxPool2d } from '../../core/ops/maxPool.ts';
import { adaptiveAvgPool1d, adaptiveAvgPool2d, avgPool1d, avgPool2d } from '../../core/ops/pool.ts';
import type { Size } from '../../core/ops/spatial.ts';
import { splitArgs } from '../../core/ops/windows.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';
import { checkBoolean, checkInteger, spatial } from './check.ts';

/** Options of all pools; the stride may also stand behind the kernel size. */
interface PoolOptions {
  /** Step between windows; default the window itself. */
  readonly stride?: Size | null;
  /** Cells added at both ends, at most half a window; default 0. */
  readonly padding?: Size;
  /** Let the last window reach over the edge; default false. */
  readonly ceilMode?: boolean;
}

/** Options of `MaxPool1d` and `MaxPool2d`. */
export interface MaxPoolLayerOptions extends PoolOptions {
  /** Distance between the cells of a window; default 1. */
  readonly dilation?: Size;
}

/** Options of `AvgPool1d` and `AvgPool2d`. */
export interface AvgPoolLayerOptions extends PoolOptions {
  /** Count padded cells in the mean; default true. */
  readonly countIncludePad?: boolean;
}

/** Options of `AvgPool2d`. */
export interface AvgPool2dLayerOptions extends AvgPoolLayerOptions {
  /** Divide by this instead of the size of the window; default null. */
  readonly divisorOverride?: number | null;
}

const common = ['stride', 'padding', 'ceilMode'] as const;

/** What pools over windows share. */
abstract class Pool extends Module {
  readonly kernelSize: Size;
  readonly stride: Size;
  readonly padding: Size;
  readonly ceilMode: boolean;

  constructor(name: string, rank: number, kernelSize: Size, options: PoolOptions, more: readonly string[]) {
    super();
    checkOptions(name, options, [...common, ...more]);
    const { padding = 0, ceilMode = false } = options;
    const stride = options.stride ?? kernelSize;
    const window = spatial(name, 'kernelSize', kernelSize, rank, 1);
    spatial(name, 'stride', stride, rank, 1);
    const cells = spatial(name, 'padding', padding, rank, 0);
    if (cells.some((p, d) => 2 * p > window[d])) {
      throw new ArgumentError(`${name}: padding is too large, got ${show(padding)} for a window of ${show(kernelSize)}; expected at most half of it`);
    }
    checkBoolean(name, 'ceilMode', ceilMode);
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.padding = padding;
    this.ceilMode = ceilMode;
  }
}

abstract class MaxPool extends Pool {
  readonly dilation: Size;

  constructor(name: string, rank: number, kernelSize: Size, options: MaxPoolLayerOptions) {
    super(name, rank, kernelSize, options, ['dilation']);
    this.dilation = options.dilation ?? 1;
    spatial(name, 'dilation', this.dilation, rank, 1);
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    return `kernel_size=${python(kernelSize)}, stride=${python(stride)}, padding=${python(padding)}, dilation=${python(dilation)}, ceil_mode=${python(ceilMode)}`;
  }
}

/**
 * Largest value of each window, over one dimension.
 *
 * Shape: (N, C, L) or (C, L) → (N, C, L′), `L′ = ⌊(L + 2·padding − dilation·(kernelSize−1) − 1)/stride⌋ + 1`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or padding over half a window
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
 */
export class MaxPool1d extends MaxPool {
  static override readonly keepsNothing: boolean = true;
  constructor(kernelSize: Size, stride?: Size | MaxPoolLayerOptions | null, options?: MaxPoolLayerOptions) {
    super('MaxPool1d', 1, kernelSize, splitArgs('MaxPool1d', stride, options, [...common, 'dilation']));
  }

  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, ceilMode } = this;
    return maxPool1d(x, this.kernelSize, { stride, padding, dilation, ceilMode });
  }
}

/**
 * Largest value of each window, over two dimensions.
 *
 * Shape: (N, C, H, W) or (C, H, W) → (N, C, H′, W′), `H′ = ⌊(H + 2·padding − dilation·(kH−1) − 1)/stride⌋ + 1`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or padding over half a window
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
 */
export class MaxPool2d extends MaxPool {
  static override readonly keepsNothing: boolean = true;
  constructor(kernelSize: Size, stride?: Size | MaxPoolLayerOptions | null, options?: MaxPoolLayerOptions) {
    super('MaxPool2d', 2, kernelSize, splitArgs('MaxPool2d', stride, options, [...common, 'dilation']));
  }

  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, ceilMode } = this;
    return maxPool2d(x, this.kernelSize, { stride, padding, dilation, ceilMode });
  }
}

/**
 * Mean of each window, over one dimension.
 *
 * Shape: (N, C, L) or (C, L) → (N, C, L′), `L′ = ⌊(L + 2·padding − kernelSize)/stride⌋ + 1`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or padding over half a window
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html
 */
export class AvgPool1d extends Pool {
  static override readonly keepsNothing: boolean = true;
  readonly countIncludePad: boolean;

  constructor(kernelSize: Size, stride?: Size | AvgPoolLayerOptions | null, options?: AvgPoolLayerOptions) {
    const given: AvgPoolLayerOptions = splitArgs('AvgPool1d', stride, options, [...common, 'countIncludePad']);
    super('AvgPool1d', 1, kernelSize, given, ['countIncludePad']);
    const { countIncludePad = true } = given;
    checkBoolean('AvgPool1d', 'countIncludePad', countIncludePad);
    this.countIncludePad = countIncludePad;
  }

  forward(x: Tensor): Tensor {
    const { stride, padding, ceilMode, countIncludePad } = this;
    return avgPool1d(x, this.kernelSize, { stride, padding, ceilMode, countIncludePad });
  }

  override extraRepr(): string {
    const single = (size: Size): string => python(typeof size === 'number' ? [size] : size);
    return `kernel_size=${single(this.kernelSize)}, stride=${single(this.stride)}, padding=${single(this.padding)}`;
  }
}

/**
 * Mean of each window, over two dimensions.
 *
 * Shape: (N, C, H, W) or (C, H, W) → (N, C, H′, W′), `H′ = ⌊(H + 2·padding − kH)/stride⌋ + 1`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or padding over half a window
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
 */
export class AvgPool2d extends Pool {
  static override readonly keepsNothing: boolean = true;
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | null;

  constructor(kernelSize: Size, stride?: Size | AvgPool2dLayerOptions | null, options?: AvgPool2dLayerOptions) {
    const given: AvgPool2dLayerOptions = splitArgs('AvgPool2d', stride, options, [...common, 'countIncludePad', 'divisorOverride']);
    super('AvgPool2d', 2, kernelSize, given, ['countIncludePad', 'divisorOverride']);
    const { countIncludePad = true, divisorOverride = null } = given;
    checkBoolean('AvgPool2d', 'countIncludePad', countIncludePad);
    if (divisorOverride !== null) checkInteger('AvgPool2d', 'divisorOverride', divisorOverride);
    this.countIncludePad = countIncludePad;
    this.divisorOverride = divisorOverride;
  }

  forward(x: Tensor): Tensor {
    const { stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return avgPool2d(x, this.kernelSize, { stride, padding, ceilMode, countIncludePad, ...(divisorOverride !== null && { divisorOverride }) });
  }

  override extraRepr(): string {
    return `kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}, padding=${python(this.padding)}`;
  }
}

/** What pools to a given size share. */
abstract class AdaptivePool<S> extends Module {
  readonly outputSize: S;

  constructor(outputSize: S) {
    super();
    this.outputSize = outputSize;
  }

  override extraRepr(): string {
    return `output_size=${python(this.outputSize)}`;
  }
}

/** A height and a width, null for that of the input; or one number for both. */
export type OutputSize2d = number | readonly [number | null, number | null];

function checkOutput2d(name: string, size: OutputSize2d): OutputSize2d {
  spatial(name, 'outputSize', Array.isArray(size) ? size.map((n: unknown) => (n === null ? 1 : n)) : size, 2, 1);
  return size;
}

function checkOutput1d(name: string, size: Size): Size {
  spatial(name, 'outputSize', size, 1, 1);
  return size;
}

/**
 * Means of `outputSize` windows that cover one dimension evenly. Shape: (N, C, L) or (C, L) → (N, C, outputSize).
 *
 * @throws ArgumentError when the size is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html
 */
export class AdaptiveAvgPool1d extends AdaptivePool<Size> {
  constructor(outputSize: Size) {
    super(checkOutput1d('AdaptiveAvgPool1d', outputSize));
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/**
 * Means of windows that cover height and width evenly. Shape: (N, C, H, W) or (C, H, W) → (N, C, …outputSize).
 *
 * @throws ArgumentError when a size is neither an integer ≥ 1 nor null
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
 */
export class AdaptiveAvgPool2d extends AdaptivePool<OutputSize2d> {
  constructor(outputSize: OutputSize2d) {
    super(checkOutput2d('AdaptiveAvgPool2d', outputSize));
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/**
 * Largest values of `outputSize` windows that cover one dimension evenly. Shape: (N, C, L) or (C, L) → (N, C, outputSize).
 *
 * @throws ArgumentError when the size is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool1d.html
 */
export class AdaptiveMaxPool1d extends AdaptivePool<Size> {
  constructor(outputSize: Size) {
    super(checkOutput1d('AdaptiveMaxPool1d', outputSize));
  }

  forward(x: Tensor): Tensor {
    return adaptiveMaxPool1d(x, this.outputSize);
  }
}

/**
 * Largest values of windows that cover height and width evenly. Shape: (N, C, H, W) or (C, H, W) → (N, C, …outputSize).
 *
 * @throws ArgumentError when a size is neither an integer ≥ 1 nor null
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
 */
export class AdaptiveMaxPool2d extends AdaptivePool<OutputSize2d> {
  constructor(outputSize: OutputSize2d) {
    super(checkOutput2d('AdaptiveMaxPool2d', outputSize));
  }

  forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}

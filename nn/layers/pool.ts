import { ArgumentError, show } from '../../core/errors.ts';
import { adaptiveAvgPool1d, adaptiveAvgPool2d, avgPool1d, avgPool2d } from '../../core/ops/pool.ts';
import { adaptiveAvgPool3d, avgPool3d } from '../../core/ops/pool3d.ts';
import type { Size } from '../../core/ops/spatial.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';
import { checkBoolean, checkInteger, spatial } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';

/** Options of all pools; stride and padding may also stand behind the kernel size. */
export interface PoolOptions {
  /** Step between windows; default the window itself. */
  readonly stride?: Size | null;
  /** Cells added at both ends, at most half a window; default 0. */
  readonly padding?: Size;
  /** Let the last window reach over the edge; default false. */
  readonly ceilMode?: boolean;
}

/** Options of `AvgPool1d`, and with more of `AvgPool2d` and `AvgPool3d`. */
export interface AvgPoolLayerOptions extends PoolOptions {
  /** Count padded cells in the mean; default true. */
  readonly countIncludePad?: boolean;
}

/** Options of `AvgPool2d` and `AvgPool3d`. */
export interface AvgPool2dLayerOptions extends AvgPoolLayerOptions {
  /** Divide by this instead of the size of the window; default null. */
  readonly divisorOverride?: number | null;
}

/** What pools of means are made from: window, stride and padding by position or by name, and options. */
export type AvgPoolArguments<O extends AvgPoolLayerOptions> = LayerArguments<
  [kernelSize: Size, stride: Size | null | undefined, padding: Size | undefined], ['kernelSize', 'stride', 'padding'], O
>;

/** What pools over windows share. */
export abstract class Pool extends Module {
  readonly kernelSize: Size;
  readonly stride: Size;
  readonly padding: Size;
  readonly ceilMode: boolean;

  constructor(name: string, rank: number, options: PoolOptions & { readonly kernelSize: Size }) {
    super();
    const { kernelSize, padding = 0, ceilMode = false } = options;
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

  constructor(...args: AvgPoolArguments<AvgPoolLayerOptions>) {
    const { countIncludePad = true, ...options } = given('AvgPool1d', ['kernelSize', 'stride', 'padding'], args, ['ceilMode', 'countIncludePad']);
    super('AvgPool1d', 1, options);
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

/** What the averages over two and three dimensions share. */
abstract class DivisorPool extends Pool {
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | null;

  constructor(name: string, rank: number, args: AvgPoolArguments<AvgPool2dLayerOptions>) {
    const { countIncludePad = true, divisorOverride = null, ...options } = given(name, ['kernelSize', 'stride', 'padding'], args, ['ceilMode', 'countIncludePad', 'divisorOverride']);
    super(name, rank, options);
    checkBoolean(name, 'countIncludePad', countIncludePad);
    if (divisorOverride !== null) checkInteger(name, 'divisorOverride', divisorOverride);
    this.countIncludePad = countIncludePad;
    this.divisorOverride = divisorOverride;
  }

  /** The options of the functional form. */
  protected get settings(): { readonly stride: Size; readonly padding: Size; readonly ceilMode: boolean; readonly countIncludePad: boolean; readonly divisorOverride?: number } {
    const { stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return { stride, padding, ceilMode, countIncludePad, ...(divisorOverride !== null && { divisorOverride }) };
  }

  override extraRepr(): string {
    return `kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}, padding=${python(this.padding)}`;
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
export class AvgPool2d extends DivisorPool {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: AvgPoolArguments<AvgPool2dLayerOptions>) {
    super('AvgPool2d', 2, args);
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.settings);
  }
}

/**
 * Mean of each window, over three dimensions. Shape: (N, C, D, H, W) or (C, D, H, W), sizes as in `AvgPool2d`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or padding over half a window
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html
 */
export class AvgPool3d extends DivisorPool {
  constructor(...args: AvgPoolArguments<AvgPool2dLayerOptions>) {
    super('AvgPool3d', 3, args);
  }

  forward(x: Tensor): Tensor {
    return avgPool3d(x, this.kernelSize, this.settings);
  }
}

/** The size of an output, checked; null keeps a size. */
function checkOutput<S>(name: string, rank: number, size: S): S {
  const known = (n: unknown): unknown => (n === null ? 0 : n);
  spatial(name, 'outputSize', Array.isArray(size) ? size.map(known) : known(size), rank, 0);
  return size;
}

/** What pools to a given size share. */
export abstract class AdaptivePool<S> extends Module {
  readonly outputSize: S;

  constructor(name: string, rank: number, { outputSize }: { readonly outputSize: S }) {
    super();
    this.outputSize = checkOutput(name, rank, outputSize);
  }

  override extraRepr(): string {
    return `output_size=${python(this.outputSize)}`;
  }
}

/** A length, null for that of the input. */
export type OutputSize1d = number | null | readonly [number | null];
/** A height and a width, null for that of the input; or one number for both. */
export type OutputSize2d = number | null | readonly [number | null, number | null];
/** Depth, height and width, null for that of the input; or one number for all. */
export type OutputSize3d = number | null | readonly [number | null, number | null, number | null];

/**
 * Means of `outputSize` windows that cover one dimension evenly. Shape: (N, C, L) or (C, L) → (N, C, outputSize).
 *
 * @throws ArgumentError when the size is neither an integer ≥ 0 nor null
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html
 */
export class AdaptiveAvgPool1d extends AdaptivePool<OutputSize1d> {
  constructor(...args: LayerArguments<[outputSize: OutputSize1d], ['outputSize']>) {
    super('AdaptiveAvgPool1d', 1, given('AdaptiveAvgPool1d', ['outputSize'], args));
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/**
 * Means of windows that cover height and width evenly. Shape: (N, C, H, W) or (C, H, W) → (N, C, …outputSize).
 *
 * @throws ArgumentError when a size is neither an integer ≥ 0 nor null
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
 */
export class AdaptiveAvgPool2d extends AdaptivePool<OutputSize2d> {
  constructor(...args: LayerArguments<[outputSize: OutputSize2d], ['outputSize']>) {
    super('AdaptiveAvgPool2d', 2, given('AdaptiveAvgPool2d', ['outputSize'], args));
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/**
 * Means of windows that share the volume evenly. Shape: (N, C, D, H, W) or (C, D, H, W) → (N, C, …outputSize).
 *
 * @throws ArgumentError when a size is neither an integer ≥ 0 nor null
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html
 */
export class AdaptiveAvgPool3d extends AdaptivePool<OutputSize3d> {
  constructor(...args: LayerArguments<[outputSize: OutputSize3d], ['outputSize']>) {
    super('AdaptiveAvgPool3d', 3, given('AdaptiveAvgPool3d', ['outputSize'], args));
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }
}

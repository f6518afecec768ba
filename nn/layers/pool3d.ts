import { checkOptions } from '../../core/errors.ts';
import type { MaxPoolOptions, MaxPoolResult } from '../../core/ops/maxPool.ts';
import { adaptiveAvgPool3d, adaptiveMaxPool3d, avgPool3d, maxPool3d } from '../../core/ops/pool3d.ts';
import type { AvgPoolOptions } from '../../core/ops/pool.ts';
import type { Size } from '../../core/ops/spatial.ts';
import {
  type FractionalMaxPoolOptions, type MaxUnpoolOptions, fractionalMaxPool2d, fractionalMaxPool3d, lpPool1d, lpPool2d, lpPool3d, maxUnpool1d, maxUnpool2d, maxUnpool3d,
} from '../../core/ops/unpool.ts';
import { type AdaptiveSize, splitArgs } from '../../core/ops/windows.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';
import { checkBoolean, spatial } from './check.ts';

// Pools over volumes, back from max pools, and of random windows.

/**
 * Largest value of each window, over three dimensions. With `returnIndices` the result is `{ output, indices }`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html
 */
export class MaxPool3d extends Module {
  readonly kernelSize: Size;
  readonly options: MaxPoolOptions;

  constructor(kernelSize: Size, stride?: Size | MaxPoolOptions | null, options?: MaxPoolOptions) {
    super();
    spatial('MaxPool3d', 'kernelSize', kernelSize, 3, 1);
    this.kernelSize = kernelSize;
    this.options = splitArgs('MaxPool3d', stride, options, ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices']);
  }

  forward(x: Tensor): Tensor {
    return maxPool3d(x, this.kernelSize, { ...this.options, returnIndices: false });
  }

  /** The values and their places in the volume, for `MaxUnpool3d`. */
  withIndices(x: Tensor): MaxPoolResult {
    return maxPool3d(x, this.kernelSize, { ...this.options, returnIndices: true });
  }

  override extraRepr(): string {
    const { stride = this.kernelSize, padding = 0, dilation = 1, ceilMode = false } = this.options;
    return `kernel_size=${python(this.kernelSize)}, stride=${python(stride)}, padding=${python(padding)}, dilation=${python(dilation)}, ceil_mode=${python(ceilMode)}`;
  }
}

/** Average of each window, over three dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html */
export class AvgPool3d extends Module {
  readonly kernelSize: Size;
  readonly options: AvgPoolOptions;

  constructor(kernelSize: Size, stride?: Size | AvgPoolOptions | null, options?: AvgPoolOptions) {
    super();
    spatial('AvgPool3d', 'kernelSize', kernelSize, 3, 1);
    this.kernelSize = kernelSize;
    this.options = splitArgs('AvgPool3d', stride, options, ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride']);
  }

  forward(x: Tensor): Tensor {
    return avgPool3d(x, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    const { stride = this.kernelSize, padding = 0 } = this.options;
    return `kernel_size=${python(this.kernelSize)}, stride=${python(stride)}, padding=${python(padding)}`;
  }
}

/** Averages of windows that share the volume evenly. @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html */
export class AdaptiveAvgPool3d extends Module {
  readonly outputSize: AdaptiveSize;

  constructor(outputSize: AdaptiveSize) {
    super();
    this.outputSize = outputSize;
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }

  override extraRepr(): string {
    return `output_size=${python(this.outputSize)}`;
  }
}

/** Largest elements of windows that share the volume evenly. @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool3d.html */
export class AdaptiveMaxPool3d extends Module {
  readonly outputSize: AdaptiveSize;

  constructor(outputSize: AdaptiveSize) {
    super();
    this.outputSize = outputSize;
  }

  forward(x: Tensor): Tensor {
    return adaptiveMaxPool3d(x, this.outputSize);
  }

  /** The values and their places in the volume. */
  withIndices(x: Tensor): MaxPoolResult {
    return adaptiveMaxPool3d(x, this.outputSize, { returnIndices: true });
  }

  override extraRepr(): string {
    return `output_size=${python(this.outputSize)}`;
  }
}

/** What the unpools share. */
abstract class MaxUnpool extends Module {
  readonly kernelSize: Size;
  readonly options: MaxUnpoolOptions;

  constructor(name: string, rank: number, kernelSize: Size, stride: Size | MaxUnpoolOptions | null | undefined, options: MaxUnpoolOptions | undefined) {
    super();
    spatial(name, 'kernelSize', kernelSize, rank, 1);
    this.kernelSize = kernelSize;
    this.options = splitArgs(name, stride, options, ['stride', 'padding']) as MaxUnpoolOptions;
  }

  override extraRepr(): string {
    const { stride = this.kernelSize, padding = 0 } = this.options;
    return `kernel_size=${python(this.kernelSize)}, stride=${python(stride)}, padding=${python(padding)}`;
  }
}

/** Back from `maxPool1d` with indices. @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool1d.html */
export class MaxUnpool1d extends MaxUnpool {
  constructor(kernelSize: Size, stride?: Size | MaxUnpoolOptions | null, options?: MaxUnpoolOptions) {
    super('MaxUnpool1d', 1, kernelSize, stride, options);
  }

  forward(x: Tensor, indices: Tensor, outputSize?: readonly number[] | null): Tensor {
    return maxUnpool1d(x, indices, this.kernelSize, { ...this.options, outputSize: outputSize ?? null });
  }
}

/** Back from `maxPool2d` with indices. @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html */
export class MaxUnpool2d extends MaxUnpool {
  constructor(kernelSize: Size, stride?: Size | MaxUnpoolOptions | null, options?: MaxUnpoolOptions) {
    super('MaxUnpool2d', 2, kernelSize, stride, options);
  }

  forward(x: Tensor, indices: Tensor, outputSize?: readonly number[] | null): Tensor {
    return maxUnpool2d(x, indices, this.kernelSize, { ...this.options, outputSize: outputSize ?? null });
  }
}

/** Back from `maxPool3d` with indices. @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool3d.html */
export class MaxUnpool3d extends MaxUnpool {
  constructor(kernelSize: Size, stride?: Size | MaxUnpoolOptions | null, options?: MaxUnpoolOptions) {
    super('MaxUnpool3d', 3, kernelSize, stride, options);
  }

  forward(x: Tensor, indices: Tensor, outputSize?: readonly number[] | null): Tensor {
    return maxUnpool3d(x, indices, this.kernelSize, { ...this.options, outputSize: outputSize ?? null });
  }
}

/** Options of the power pools. */
export interface LpPoolLayerOptions {
  /** Step between windows; default the window itself. */
  readonly stride?: Size | null;
  /** Let the last window reach over the edge; default false. */
  readonly ceilMode?: boolean;
}

/** What the power pools share. */
abstract class LpPool extends Module {
  readonly normType: number;
  readonly kernelSize: Size;
  readonly stride: Size | null;
  readonly ceilMode: boolean;

  constructor(name: string, rank: number, normType: number, kernelSize: Size, stride: Size | LpPoolLayerOptions | null | undefined, ceilMode: boolean) {
    super();
    spatial(name, 'kernelSize', kernelSize, rank, 1);
    const keyed = typeof stride === 'object' && stride !== null && !Array.isArray(stride) ? (stride as LpPoolLayerOptions) : { stride: (stride ?? null) as Size | null, ceilMode };
    checkOptions(name, keyed, ['stride', 'ceilMode']);
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.stride = keyed.stride ?? null;
    this.ceilMode = keyed.ceilMode ?? false;
    checkBoolean(name, 'ceilMode', this.ceilMode);
  }

  protected get options(): LpPoolLayerOptions {
    return { stride: this.stride, ceilMode: this.ceilMode };
  }

  override extraRepr(): string {
    return `norm_type=${this.normType}, kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}, ceil_mode=${python(this.ceilMode)}`;
  }
}

/** `(Σ x^p)^(1/p)` of each window, over one dimension. @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool1d.html */
export class LPPool1d extends LpPool {
  constructor(normType: number, kernelSize: Size, stride?: Size | LpPoolLayerOptions | null, ceilMode = false) {
    super('LPPool1d', 1, normType, kernelSize, stride, ceilMode);
  }

  forward(x: Tensor): Tensor {
    return lpPool1d(x, this.normType, this.kernelSize, this.options);
  }
}

/** `(Σ x^p)^(1/p)` of each window, over two dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool2d.html */
export class LPPool2d extends LpPool {
  constructor(normType: number, kernelSize: Size, stride?: Size | LpPoolLayerOptions | null, ceilMode = false) {
    super('LPPool2d', 2, normType, kernelSize, stride, ceilMode);
  }

  forward(x: Tensor): Tensor {
    return lpPool2d(x, this.normType, this.kernelSize, this.options);
  }
}

/** `(Σ x^p)^(1/p)` of each window, over three dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool3d.html */
export class LPPool3d extends LpPool {
  constructor(normType: number, kernelSize: Size, stride?: Size | LpPoolLayerOptions | null, ceilMode = false) {
    super('LPPool3d', 3, normType, kernelSize, stride, ceilMode);
  }

  forward(x: Tensor): Tensor {
    return lpPool3d(x, this.normType, this.kernelSize, this.options);
  }
}

/** What the pools of random windows share. */
abstract class FractionalMaxPool extends Module {
  readonly kernelSize: Size;
  readonly options: FractionalMaxPoolOptions;

  constructor(name: string, rank: number, kernelSize: Size, options: FractionalMaxPoolOptions) {
    super();
    spatial(name, 'kernelSize', kernelSize, rank, 1);
    checkOptions(name, options, ['outputSize', 'outputRatio', 'randomSamples', 'generator']);
    this.kernelSize = kernelSize;
    this.options = { ...options };
  }
}

/** Largest elements of windows at random places, over two dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool2d.html */
export class FractionalMaxPool2d extends FractionalMaxPool {
  constructor(kernelSize: Size, options: FractionalMaxPoolOptions) {
    super('FractionalMaxPool2d', 2, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return fractionalMaxPool2d(x, this.kernelSize, { ...this.options, returnIndices: false });
  }
}

/** Largest elements of windows at random places, over three dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool3d.html */
export class FractionalMaxPool3d extends FractionalMaxPool {
  constructor(kernelSize: Size, options: FractionalMaxPoolOptions) {
    super('FractionalMaxPool3d', 3, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return fractionalMaxPool3d(x, this.kernelSize, { ...this.options, returnIndices: false });
  }
}

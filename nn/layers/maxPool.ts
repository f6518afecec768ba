import { type MaxPoolResult, adaptiveMaxPool1d, adaptiveMaxPool2d, maxPool1d, maxPool2d } from '../../core/ops/maxPool.ts';
import { adaptiveMaxPool3d, maxPool3d } from '../../core/ops/pool3d.ts';
import type { Size } from '../../core/ops/spatial.ts';
import type { Tensor } from '../../core/tensor.ts';
import { python } from '../repr.ts';
import { checkBoolean, spatial } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import { AdaptivePool, type OutputSize1d, type OutputSize2d, type OutputSize3d, Pool, type PoolOptions } from './pool.ts';

/** Options of `MaxPool1d`, `MaxPool2d` and `MaxPool3d`. */
export interface MaxPoolLayerOptions<R extends boolean = boolean> extends PoolOptions {
  /** Distance between the cells of a window; default 1. */
  readonly dilation?: Size;
  /** Also return where the largest elements lie, for the unpools; default false. */
  readonly returnIndices?: R;
}

/** Options of `AdaptiveMaxPool1d`, `AdaptiveMaxPool2d` and `AdaptiveMaxPool3d`. */
export interface AdaptiveMaxPoolLayerOptions<R extends boolean = boolean> {
  /** Also return where the largest elements lie; default false. */
  readonly returnIndices?: R;
}

/** The largest elements, with `returnIndices` as `{ output, indices }`. */
export type MaxPooled<R extends boolean> = R extends true ? MaxPoolResult : Tensor;

/** What pools of largest values are made from: window, stride, padding and dilation by position or by name, and options. */
export type MaxPoolArguments<R extends boolean> = LayerArguments<
  [kernelSize: Size, stride: Size | null | undefined, padding: Size | undefined, dilation: Size | undefined], ['kernelSize', 'stride', 'padding', 'dilation'], MaxPoolLayerOptions<R>
>;
/** What pools to a size are made from: the size, by position or by name, and options. */
export type AdaptiveMaxPoolArguments<S, R extends boolean> = LayerArguments<[outputSize: S], ['outputSize'], AdaptiveMaxPoolLayerOptions<R>>;

abstract class MaxPool<R extends boolean> extends Pool {
  readonly dilation: Size;
  readonly returnIndices: boolean;

  constructor(name: string, rank: number, args: MaxPoolArguments<R>) {
    const { dilation = 1, returnIndices = false, ...options } = given(name, ['kernelSize', 'stride', 'padding', 'dilation'], args, ['ceilMode', 'returnIndices']);
    super(name, rank, options);
    spatial(name, 'dilation', dilation, rank, 1);
    checkBoolean(name, 'returnIndices', returnIndices);
    this.dilation = dilation;
    this.returnIndices = returnIndices;
  }

  /** The options of the functional form. */
  protected get settings(): { readonly stride: Size; readonly padding: Size; readonly dilation: Size; readonly ceilMode: boolean; readonly returnIndices: boolean } {
    const { stride, padding, dilation, ceilMode, returnIndices } = this;
    return { stride, padding, dilation, ceilMode, returnIndices };
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    return `kernel_size=${python(kernelSize)}, stride=${python(stride)}, padding=${python(padding)}, dilation=${python(dilation)}, ceil_mode=${python(ceilMode)}`;
  }
}

/**
 * Largest value of each window, over one dimension.
 *
 * Shape: (N, C, L) or (C, L) → (N, C, L′), `L′ = ⌊(L + 2·padding − dilation·(kernelSize−1) − 1)/stride⌋ + 1`; with `returnIndices` `{ output, indices }`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or padding over half a window
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
 */
export class MaxPool1d<R extends boolean = false> extends MaxPool<R> {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: MaxPoolArguments<R>) {
    super('MaxPool1d', 1, args);
  }

  forward(x: Tensor): MaxPooled<R> {
    return maxPool1d(x, this.kernelSize, this.settings) as MaxPooled<R>;
  }
}

/**
 * Largest value of each window, over two dimensions. All by name: `new MaxPool2d({ kernelSize: 2, stride: 2 })`.
 *
 * Shape: (N, C, H, W) or (C, H, W) → (N, C, H′, W′), `H′ = ⌊(H + 2·padding − dilation·(kH−1) − 1)/stride⌋ + 1`; with `returnIndices` `{ output, indices }`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or padding over half a window
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
 */
export class MaxPool2d<R extends boolean = false> extends MaxPool<R> {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: MaxPoolArguments<R>) {
    super('MaxPool2d', 2, args);
  }

  forward(x: Tensor): MaxPooled<R> {
    return maxPool2d(x, this.kernelSize, this.settings) as MaxPooled<R>;
  }
}

/**
 * Largest value of each window, over three dimensions. Shape: (N, C, D, H, W) or (C, D, H, W), sizes as in `MaxPool2d`; with `returnIndices` `{ output, indices }`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or padding over half a window
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html
 */
export class MaxPool3d<R extends boolean = false> extends MaxPool<R> {
  constructor(...args: MaxPoolArguments<R>) {
    super('MaxPool3d', 3, args);
  }

  forward(x: Tensor): MaxPooled<R> {
    return maxPool3d(x, this.kernelSize, this.settings) as MaxPooled<R>;
  }
}

abstract class AdaptiveMaxPool<S, R extends boolean> extends AdaptivePool<S> {
  readonly returnIndices: boolean;

  constructor(name: string, rank: number, args: AdaptiveMaxPoolArguments<S, R>) {
    const { returnIndices = false, ...options } = given(name, ['outputSize'], args, ['returnIndices']);
    super(name, rank, options);
    checkBoolean(name, 'returnIndices', returnIndices);
    this.returnIndices = returnIndices;
  }
}

/**
 * Largest values of `outputSize` windows that cover one dimension evenly. Shape: (N, C, L) or (C, L) → (N, C, outputSize); with `returnIndices` `{ output, indices }`.
 *
 * @throws ArgumentError when the size is neither an integer ≥ 0 nor null
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool1d.html
 */
export class AdaptiveMaxPool1d<R extends boolean = false> extends AdaptiveMaxPool<OutputSize1d, R> {
  constructor(...args: AdaptiveMaxPoolArguments<OutputSize1d, R>) {
    super('AdaptiveMaxPool1d', 1, args);
  }

  forward(x: Tensor): MaxPooled<R> {
    return adaptiveMaxPool1d(x, this.outputSize, { returnIndices: this.returnIndices }) as MaxPooled<R>;
  }
}

/**
 * Largest values of windows that cover height and width evenly. Shape: (N, C, H, W) or (C, H, W) → (N, C, …outputSize); with `returnIndices` `{ output, indices }`.
 *
 * @throws ArgumentError when a size is neither an integer ≥ 0 nor null
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
 */
export class AdaptiveMaxPool2d<R extends boolean = false> extends AdaptiveMaxPool<OutputSize2d, R> {
  constructor(...args: AdaptiveMaxPoolArguments<OutputSize2d, R>) {
    super('AdaptiveMaxPool2d', 2, args);
  }

  forward(x: Tensor): MaxPooled<R> {
    return adaptiveMaxPool2d(x, this.outputSize, { returnIndices: this.returnIndices }) as MaxPooled<R>;
  }
}

/**
 * Largest values of windows that share the volume evenly. Shape: (N, C, D, H, W) or (C, D, H, W) → (N, C, …outputSize); with `returnIndices` `{ output, indices }`.
 *
 * @throws ArgumentError when a size is neither an integer ≥ 0 nor null
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool3d.html
 */
export class AdaptiveMaxPool3d<R extends boolean = false> extends AdaptiveMaxPool<OutputSize3d, R> {
  constructor(...args: AdaptiveMaxPoolArguments<OutputSize3d, R>) {
    super('AdaptiveMaxPool3d', 3, args);
  }

  forward(x: Tensor): MaxPooled<R> {
    return adaptiveMaxPool3d(x, this.outputSize, { returnIndices: this.returnIndices }) as MaxPooled<R>;
  }
}

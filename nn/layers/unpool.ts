import { ArgumentError, checkNumber, show } from '../../core/errors.ts';
import type { MaxPoolResult } from '../../core/ops/maxPool.ts';
import type { Size } from '../../core/ops/spatial.ts';
import {
  type FractionalMaxPoolOptions, type MaxUnpoolOptions, fractionalMaxPool2d, fractionalMaxPool3d, lpPool1d, lpPool2d, lpPool3d, maxUnpool1d, maxUnpool2d, maxUnpool3d,
} from '../../core/ops/unpool.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';
import { checkBoolean, spatial } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import { type OutputSizeArgument, readOutputSize } from '../given.ts';
import type { MaxPooled } from './maxPool.ts';

// Back from max pools, power pools, and pools of random windows.

/** Options of the unpools; they may also stand behind the kernel size. */
export type MaxUnpoolLayerOptions = Pick<MaxUnpoolOptions, 'stride' | 'padding'>;

/** What the unpools are made from: window, stride and padding, by position or by name. */
export type MaxUnpoolArguments = LayerArguments<
  [kernelSize: Size, stride: Size | null | undefined, padding: Size | undefined], ['kernelSize', 'stride', 'padding'], MaxUnpoolLayerOptions
>;

/** What the unpools share. */
abstract class MaxUnpool extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];

  constructor(name: string, rank: number, args: MaxUnpoolArguments) {
    super();
    const { kernelSize, stride, padding = 0 } = given(name, ['kernelSize', 'stride', 'padding'], args);
    this.kernelSize = spatial(name, 'kernelSize', kernelSize, rank, 1);
    this.stride = spatial(name, 'stride', stride ?? kernelSize, rank, 1);
    this.padding = spatial(name, 'padding', padding, rank, 0);
  }

  /** The options of the functional form. */
  protected settings(outputSize: OutputSizeArgument): MaxUnpoolOptions {
    return { stride: this.stride, padding: this.padding, outputSize: readOutputSize(this.constructor.name, outputSize) };
  }

  override extraRepr(): string {
    return `kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}, padding=${python(this.padding)}`;
  }
}

/** Back from `MaxPool1d` with indices: zeros where nothing was largest. @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool1d.html */
export class MaxUnpool1d extends MaxUnpool {
  constructor(...args: MaxUnpoolArguments) {
    super('MaxUnpool1d', 1, args);
  }

  /** @param outputSize - which of the sizes that pool to this one */
  forward(x: Tensor, indices: Tensor, outputSize?: OutputSizeArgument): Tensor {
    return maxUnpool1d(x, indices, this.kernelSize, this.settings(outputSize));
  }
}

/** Back from `MaxPool2d` with indices: zeros where nothing was largest. @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html */
export class MaxUnpool2d extends MaxUnpool {
  constructor(...args: MaxUnpoolArguments) {
    super('MaxUnpool2d', 2, args);
  }

  /** @param outputSize - which of the sizes that pool to this one */
  forward(x: Tensor, indices: Tensor, outputSize?: OutputSizeArgument): Tensor {
    return maxUnpool2d(x, indices, this.kernelSize, this.settings(outputSize));
  }
}

/** Back from `MaxPool3d` with indices: zeros where nothing was largest. @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool3d.html */
export class MaxUnpool3d extends MaxUnpool {
  constructor(...args: MaxUnpoolArguments) {
    super('MaxUnpool3d', 3, args);
  }

  /** @param outputSize - which of the sizes that pool to this one */
  forward(x: Tensor, indices: Tensor, outputSize?: OutputSizeArgument): Tensor {
    return maxUnpool3d(x, indices, this.kernelSize, this.settings(outputSize));
  }
}

/** Options of the power pools; stride and ceilMode may also stand behind the kernel size. */
export interface LpPoolLayerOptions {
  /** Step between windows; default the window itself. */
  readonly stride?: Size | null;
  /** Let the last window reach over the edge; default false. */
  readonly ceilMode?: boolean;
}

/** What the power pools are made from: power, window, stride and ceilMode, by position or by name. */
export type LpPoolArguments = LayerArguments<
  [normType: number, kernelSize: Size, stride: Size | null | undefined, ceilMode: boolean | undefined], ['normType', 'kernelSize', 'stride', 'ceilMode'], LpPoolLayerOptions
>;

/** What the power pools share. */
abstract class LpPool extends Module {
  readonly normType: number;
  readonly kernelSize: Size;
  readonly stride: Size | null;
  readonly ceilMode: boolean;

  constructor(name: string, rank: number, args: LpPoolArguments) {
    super();
    const { normType, kernelSize, stride = null, ceilMode = false } = given(name, ['normType', 'kernelSize', 'stride', 'ceilMode'], args);
    checkNumber(name, 'normType', normType, 'a number other than 0', (p) => p !== 0 && !Number.isNaN(p));
    spatial(name, 'kernelSize', kernelSize, rank, 1);
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.ceilMode = ceilMode;
    if (stride !== null) spatial(name, 'stride', stride, rank, 1);
    checkBoolean(name, 'ceilMode', ceilMode);
  }

  /** The options of the functional form. */
  protected get settings(): LpPoolLayerOptions {
    return { stride: this.stride, ceilMode: this.ceilMode };
  }

  override extraRepr(): string {
    return `norm_type=${this.normType}, kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}, ceil_mode=${python(this.ceilMode)}`;
  }
}

/** `(Σ x^p)^(1/p)` of each window, over one dimension. @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool1d.html */
export class LPPool1d extends LpPool {
  constructor(...args: LpPoolArguments) {
    super('LPPool1d', 1, args);
  }

  forward(x: Tensor): Tensor {
    return lpPool1d(x, this.normType, this.kernelSize, this.settings);
  }
}

/** `(Σ x^p)^(1/p)` of each window, over two dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool2d.html */
export class LPPool2d extends LpPool {
  constructor(...args: LpPoolArguments) {
    super('LPPool2d', 2, args);
  }

  forward(x: Tensor): Tensor {
    return lpPool2d(x, this.normType, this.kernelSize, this.settings);
  }
}

/** `(Σ x^p)^(1/p)` of each window, over three dimensions. @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool3d.html */
export class LPPool3d extends LpPool {
  constructor(...args: LpPoolArguments) {
    super('LPPool3d', 3, args);
  }

  forward(x: Tensor): Tensor {
    return lpPool3d(x, this.normType, this.kernelSize, this.settings);
  }
}

/** Options of the fractional pools: one of the first two. */
export interface FractionalMaxPoolLayerOptions<R extends boolean = boolean> extends Omit<FractionalMaxPoolOptions, 'returnIndices'> {
  /** Also return where the largest elements lie; default false. */
  readonly returnIndices?: R;
}

/** What the fractional pools are made from: the window, by position or by name, and options. */
export type FractionalMaxPoolArguments<R extends boolean> = LayerArguments<[kernelSize: Size], ['kernelSize'], FractionalMaxPoolLayerOptions<R>>;

/** What the pools of random windows share. */
abstract class FractionalMaxPool<R extends boolean> extends Module {
  readonly kernelSize: Size;
  readonly returnIndices: boolean;
  /** The options of the functional form. */
  protected readonly settings: Omit<FractionalMaxPoolOptions, 'returnIndices'>;

  constructor(name: string, rank: number, args: FractionalMaxPoolArguments<R>) {
    super();
    const { kernelSize, returnIndices = false, ...settings } = given(name, ['kernelSize'], args, ['outputSize', 'outputRatio', 'returnIndices', 'randomSamples', 'generator']);
    spatial(name, 'kernelSize', kernelSize, rank, 1);
    checkBoolean(name, 'returnIndices', returnIndices);
    const [outputSize, outputRatio] = [settings.outputSize ?? null, settings.outputRatio ?? null];
    if ((outputSize === null) === (outputRatio === null)) {
      throw new ArgumentError(`${name}: outputSize or outputRatio, got ${outputSize === null ? 'neither' : 'both'}; expected one of them`);
    }
    if (outputSize !== null) spatial(name, 'outputSize', outputSize, rank, 1);
    else if (![outputRatio].flat().every((r) => typeof r === 'number' && r > 0 && r < 1)) {
      throw new ArgumentError(`${name}: invalid outputRatio, got ${show(outputRatio)}; expected numbers between 0 and 1`);
    }
    this.kernelSize = kernelSize;
    this.returnIndices = returnIndices;
    this.settings = settings;
  }
}

/**
 * Largest elements of windows at random places, over two dimensions; with `returnIndices` `{ output, indices }`.
 *
 * @throws ArgumentError unless there is either `outputSize` or `outputRatio`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool2d.html
 */
export class FractionalMaxPool2d<R extends boolean = false> extends FractionalMaxPool<R> {
  constructor(...args: FractionalMaxPoolArguments<R>) {
    super('FractionalMaxPool2d', 2, args);
  }

  forward(x: Tensor): MaxPooled<R> {
    const y: Tensor | MaxPoolResult = fractionalMaxPool2d(x, this.kernelSize, { ...this.settings, returnIndices: this.returnIndices });
    return y as MaxPooled<R>;
  }
}

/**
 * Largest elements of windows at random places, over three dimensions; with `returnIndices` `{ output, indices }`.
 *
 * @throws ArgumentError unless there is either `outputSize` or `outputRatio`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool3d.html
 */
export class FractionalMaxPool3d<R extends boolean = false> extends FractionalMaxPool<R> {
  constructor(...args: FractionalMaxPoolArguments<R>) {
    super('FractionalMaxPool3d', 3, args);
  }

  forward(x: Tensor): MaxPooled<R> {
    const y: Tensor | MaxPoolResult = fractionalMaxPool3d(x, this.kernelSize, { ...this.settings, returnIndices: this.returnIndices });
    return y as MaxPooled<R>;
  }
}

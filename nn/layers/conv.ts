import { ArgumentError, show } from '../../core/errors.ts';
import { conv1d, conv2d, convTranspose1d, convTranspose2d } from '../../core/ops/conv.ts';
import { conv3d, convTranspose3d } from '../../core/ops/conv3d.ts';
import { extended } from '../../core/ops/pad.ts';
import type { Size } from '../../core/ops/spatial.ts';
import type { Tensor } from '../../core/tensor.ts';
import { kaimingUniform_, uniform_ } from '../init.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { python } from '../repr.ts';
import { type FactoryOptions, checkBoolean, checkInteger, factoryOptions, newParameter, spatial } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';
import { type OutputSizeArgument, readOutputSize } from '../given.ts';

interface CommonOptions extends FactoryOptions {
  /** Step between windows; default 1. */
  readonly stride?: Size;
  /** Distance between the cells of the kernel; default 1. */
  readonly dilation?: Size;
  /** Number of groups that channels are split into; default 1. */
  readonly groups?: number;
  /** Add a learned bias per channel; default true. */
  readonly bias?: boolean;
}

/** Options of `Conv1d`, `Conv2d` and `Conv3d`. */
export interface ConvLayerOptions extends CommonOptions {
  /** Zeros added at both ends, 'same' to keep the size (stride 1 only), or 'valid' for none; default 0. */
  readonly padding?: Size | 'same' | 'valid';
  /** What padding is filled with; default 'zeros'. */
  readonly paddingMode?: 'zeros' | 'reflect' | 'replicate' | 'circular';
}

/** Options of `ConvTranspose1d`, `ConvTranspose2d` and `ConvTranspose3d`. */
export interface ConvTransposeLayerOptions extends CommonOptions {
  /** Cells cut from both ends; default 0. */
  readonly padding?: Size;
  /** Size added to one end of the output; default 0. */
  readonly outputPadding?: Size;
  /** Only 'zeros', as in PyTorch. */
  readonly paddingMode?: 'zeros';
}

const positions = ['inChannels', 'outChannels', 'kernelSize', 'stride', 'padding'] as const;

/** What convolutions are made from: sizes, stride and padding by position or by name, and options. */
export type ConvArguments = LayerArguments<
  [inChannels: number, outChannels: number, kernelSize: Size, stride: Size | undefined, padding: Size | 'same' | 'valid' | undefined], ['inChannels', 'outChannels', 'kernelSize', 'stride', 'padding'], ConvLayerOptions
>;
/** What transposed convolutions are made from: sizes, stride and padding by position or by name, and options. */
export type ConvTransposeArguments = LayerArguments<
  [inChannels: number, outChannels: number, kernelSize: Size, stride: Size | undefined, padding: Size | undefined], ['inChannels', 'outChannels', 'kernelSize', 'stride', 'padding'], ConvTransposeLayerOptions
>;

const common = ['dilation', 'groups', 'bias', 'paddingMode', ...factoryOptions] as const;

/** What all convolutions share. */
abstract class Convolution extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(name: string, rank: number, transposed: boolean, options: CommonOptions & { readonly inChannels: number; readonly outChannels: number; readonly kernelSize: Size }) {
    super();
    const { inChannels, outChannels, kernelSize, stride = 1, dilation = 1, groups = 1, bias = true } = options;
    checkInteger(name, 'inChannels', inChannels);
    checkInteger(name, 'outChannels', outChannels);
    checkInteger(name, 'groups', groups);
    checkBoolean(name, 'bias', bias);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ArgumentError(`${name}: groups do not divide the channels, got ${groups} for ${inChannels} and ${outChannels}; expected a divisor of both`);
    }
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = spatial(name, 'kernelSize', kernelSize, rank, 1);
    this.stride = spatial(name, 'stride', stride, rank, 1);
    this.dilation = spatial(name, 'dilation', dilation, rank, 1);
    this.groups = groups;
    const [first, second] = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
    this.weight = newParameter([first, second / groups, ...this.kernelSize], options);
    this.bias = bias ? newParameter([outChannels], options) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    const fanIn = this.kernelSize.reduce((n, k) => n * k, this.weight.shape[1]);
    const bound = 1 / Math.sqrt(fanIn);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  /** The print form from the kernel on, with `padding` between stride and dilation. */
  protected describe(padding: Size | string, outputPadding: readonly number[]): string {
    const parts = [String(this.inChannels), String(this.outChannels), `kernel_size=${python(this.kernelSize)}`, `stride=${python(this.stride)}`];
    const some = typeof padding === 'string' || (Array.isArray(padding) && padding.some((p: number) => p !== 0));
    if (some) parts.push(`padding=${typeof padding === 'string' ? padding : python(padding)}`);
    if (this.dilation.some((d) => d !== 1)) parts.push(`dilation=${python(this.dilation)}`);
    if (outputPadding.some((p) => p !== 0)) parts.push(`output_padding=${python(outputPadding)}`);
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.bias === null) parts.push('bias=False');
    return parts.join(', ');
  }
}

/** Convolutions that read windows of their input. */
abstract class Forward extends Convolution {
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly paddingMode: 'zeros' | 'reflect' | 'replicate' | 'circular';

  constructor(name: string, rank: number, args: ConvArguments) {
    const options = given(name, positions, args, common);
    super(name, rank, false, options);
    const { padding = 0 } = options;
    if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid') {
      throw new ArgumentError(`${name}: unknown padding, got ${show(padding)}; expected integers ≥ 0, 'same' or 'valid'`);
    }
    if (padding === 'same' && this.stride.some((s) => s !== 1)) {
      throw new ArgumentError(`${name}: padding 'same' needs stride 1, got ${show(this.stride)}; expected 1`);
    }
    this.padding = typeof padding === 'string' ? padding : spatial(name, 'padding', padding, rank, 0);
    this.paddingMode = options.paddingMode ?? 'zeros';
    if (!['zeros', 'reflect', 'replicate', 'circular'].includes(this.paddingMode)) {
      throw new ArgumentError(`${name}: unknown paddingMode, got ${show(this.paddingMode)}; expected 'zeros', 'reflect', 'replicate' or 'circular'`);
    }
  }

  /** The input with its padding where that is no zeros, and the options of the convolution. */
  protected prepared(x: Tensor): readonly [Tensor, { readonly stride: readonly number[]; readonly padding: Size | 'same' | 'valid'; readonly dilation: readonly number[]; readonly groups: number }] {
    const { stride, padding, dilation, groups, paddingMode } = this;
    if (paddingMode === 'zeros') return [x, { stride, padding, dilation, groups }];
    const edges = this.kernelSize.map((k, d): readonly [number, number] => {
      const total = padding === 'same' ? dilation[d] * (k - 1) : 0;
      if (typeof padding === 'string') return [Math.floor(total / 2), total - Math.floor(total / 2)];
      return [padding[d], padding[d]];
    });
    return [extended(x, edges.toReversed().flat(), paddingMode), { stride, padding: 0, dilation, groups }];
  }

  override extraRepr(): string {
    return this.describe(this.padding, []) + (this.paddingMode === 'zeros' ? '' : `, padding_mode=${this.paddingMode}`);
  }
}

/**
 * Convolution (cross-correlation) over one dimension. Weight (outChannels, inChannels/groups, kernelSize), bias (outChannels); both start
 * uniform in `±1/√(inChannels/groups·kernelSize)`.
 *
 * Shape: (N, inChannels, L) or (inChannels, L) → (N, outChannels, L′), `L′ = ⌊(L + 2·padding − dilation·(kernelSize−1) − 1)/stride⌋ + 1`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or groups that do not divide the channels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
 */
export class Conv1d extends Forward {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConvArguments) {
    super('Conv1d', 1, args);
  }

  forward(x: Tensor): Tensor {
    const [input, options] = this.prepared(x);
    return conv1d(input, this.weight, this.bias, options);
  }
}

/**
 * Convolution (cross-correlation) over two dimensions. Weight (outChannels, inChannels/groups, kH, kW), bias (outChannels); both start
 * uniform in `±1/√(inChannels/groups·kH·kW)`. All by name: `new Conv2d({ inChannels: 1, outChannels: 8, kernelSize: 3, padding: 1 })`.
 *
 * Shape: (N, inChannels, H, W) or (inChannels, H, W) → (N, outChannels, H′, W′), `H′ = ⌊(H + 2·padding − dilation·(kH−1) − 1)/stride⌋ + 1`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or groups that do not divide the channels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
 */
export class Conv2d extends Forward {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConvArguments) {
    super('Conv2d', 2, args);
  }

  forward(x: Tensor): Tensor {
    const [input, options] = this.prepared(x);
    return conv2d(input, this.weight, this.bias, options);
  }
}

/** Convolutions that spread their input over windows of the output. */
abstract class Transposed extends Convolution {
  readonly padding: readonly number[];
  readonly outputPadding: readonly number[];

  constructor(name: string, rank: number, args: ConvTransposeArguments) {
    const options = given(name, positions, args, [...common, 'outputPadding']);
    super(name, rank, true, options);
    if ((options.paddingMode ?? 'zeros') !== 'zeros') throw new ArgumentError(`${name}: unknown paddingMode, got ${show(options.paddingMode)}; expected 'zeros'`);
    this.padding = spatial(name, 'padding', options.padding ?? 0, rank, 0);
    this.outputPadding = spatial(name, 'outputPadding', options.outputPadding ?? 0, rank, 0);
    if (this.outputPadding.some((p, d) => p >= Math.max(this.stride[d], this.dilation[d]))) {
      throw new ArgumentError(
        `${name}: outputPadding is too large, got ${show(this.outputPadding)}; expected less than stride ${show(this.stride)} or dilation ${show(this.dilation)}`,
      );
    }
  }

  /** Options of the convolution; a wanted size of the output takes the place of `outputPadding`. */
  protected prepared(x: Tensor, argument: OutputSizeArgument): { readonly stride: readonly number[]; readonly padding: readonly number[]; readonly outputPadding: readonly number[]; readonly dilation: readonly number[]; readonly groups: number } {
    const { stride, padding, outputPadding, dilation, groups, kernelSize } = this;
    const outputSize = readOutputSize(this.constructor.name, argument);
    if (outputSize === null) return { stride, padding, outputPadding, dilation, groups };
    const rank = kernelSize.length;
    const wanted = outputSize.length === x.ndim ? outputSize.slice(-rank) : outputSize;
    const least = x.shape.slice(-rank).map((n, d) => (n - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernelSize[d] - 1) + 1);
    if (wanted.length !== rank || wanted.some((n, d) => !(n >= least[d] && n < least[d] + stride[d]))) {
      throw new ArgumentError(`${this.constructor.name}: impossible outputSize, got ${show(outputSize)}; expected sizes from [${least.join(', ')}] to [${least.map((n, d) => n + stride[d] - 1).join(', ')}]`);
    }
    return { stride, padding, outputPadding: wanted.map((n, d) => n - least[d]), dilation, groups };
  }

  override extraRepr(): string {
    return this.describe(this.padding, this.outputPadding);
  }
}

/**
 * Transposed convolution over one dimension: the gradient of `Conv1d` as a layer. Weight (inChannels, outChannels/groups, kernelSize).
 *
 * Shape: (N, inChannels, L) → (N, outChannels, L′), `L′ = (L−1)·stride − 2·padding + dilation·(kernelSize−1) + outputPadding + 1`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or groups that do not divide the channels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
 */
export class ConvTranspose1d extends Transposed {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConvTransposeArguments) {
    super('ConvTranspose1d', 1, args);
  }

  forward(x: Tensor, outputSize?: OutputSizeArgument): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.prepared(x, outputSize));
  }
}

/**
 * Transposed convolution over two dimensions: the gradient of `Conv2d` as a layer. Weight (inChannels, outChannels/groups, kH, kW).
 *
 * Shape: (N, inChannels, H, W) → (N, outChannels, H′, W′), `H′ = (H−1)·stride − 2·padding + dilation·(kH−1) + outputPadding + 1`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or groups that do not divide the channels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
 */
export class ConvTranspose2d extends Transposed {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConvTransposeArguments) {
    super('ConvTranspose2d', 2, args);
  }

  forward(x: Tensor, outputSize?: OutputSizeArgument): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.prepared(x, outputSize));
  }
}

/**
 * Convolution (cross-correlation) over three dimensions. Weight (outChannels, inChannels/groups, kD, kH, kW), bias (outChannels).
 *
 * Shape: (N, inChannels, D, H, W) or (inChannels, D, H, W) → (N, outChannels, D′, H′, W′), sizes as in `Conv2d`.
 *
 * @throws ArgumentError for sizes that are not positive integers, or groups that do not divide the channels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
 */
export class Conv3d extends Forward {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConvArguments) {
    super('Conv3d', 3, args);
  }

  forward(x: Tensor): Tensor {
    const [input, options] = this.prepared(x);
    return conv3d(input, this.weight, this.bias, options);
  }
}

/**
 * Transposed convolution over three dimensions: the gradient of `Conv3d` as a layer. Weight (inChannels, outChannels/groups, kD, kH, kW).
 *
 * @throws ArgumentError for sizes that are not positive integers, or groups that do not divide the channels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
 */
export class ConvTranspose3d extends Transposed {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: ConvTransposeArguments) {
    super('ConvTranspose3d', 3, args);
  }

  forward(x: Tensor, outputSize?: OutputSizeArgument): Tensor {
    return convTranspose3d(x, this.weight, this.bias, this.prepared(x, outputSize));
  }
}

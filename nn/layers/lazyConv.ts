import type { Size } from '../../core/ops/spatial.ts';
import type { Tensor } from '../../core/tensor.ts';
import { factoryOptions } from './check.ts';
import { Conv1d, Conv2d, Conv3d, type ConvLayerOptions, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvTransposeLayerOptions } from './conv.ts';
import { type ByName, type LayerArguments, given } from '../../core/given.ts';
import type { OutputSizeArgument } from '../given.ts';
import { channelsOf, postpone, settle } from './lazy.ts';

// Convolutions that take the number of input channels from their first input.

const positions = ['outChannels', 'kernelSize', 'stride', 'padding'] as const;

/** What lazy convolutions are made from: sizes, stride and padding by position or by name, and options. */
export type LazyConvArguments = LayerArguments<
  [outChannels: number, kernelSize: Size, stride: Size | undefined, padding: Size | 'same' | 'valid' | undefined], ['outChannels', 'kernelSize', 'stride', 'padding'], ConvLayerOptions
>;
/** What lazy transposed convolutions are made from: sizes, stride and padding by position or by name, and options. */
export type LazyConvTransposeArguments = LayerArguments<
  [outChannels: number, kernelSize: Size, stride: Size | undefined, padding: Size | undefined], ['outChannels', 'kernelSize', 'stride', 'padding'], ConvTransposeLayerOptions
>;

const common = ['dilation', 'groups', 'bias', 'paddingMode', ...factoryOptions] as const;

/** The settings, with the least number of input channels, which stands until the first input. */
function read(name: string, args: LazyConvArguments): ByName<LazyConvArguments> & { readonly inChannels: number } {
  const settings = given(name, positions, args, common);
  return { ...settings, inChannels: settings.groups ?? 1 };
}

function readTransposed(name: string, args: LazyConvTransposeArguments): ByName<LazyConvTransposeArguments> & { readonly inChannels: number } {
  const settings = given(name, positions, args, [...common, 'outputPadding']);
  return { ...settings, inChannels: settings.groups ?? 1 };
}

/**
 * `Conv1d` with as many input channels as the first input has; it then is a `Conv1d`. Weight and bias have no shape before.
 *
 * @throws ShapeError for an input of another rank, ArgumentError when the groups do not divide its channels; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConv1d.html
 */
export class LazyConv1d extends Conv1d {
  static override readonly keepsNothing: boolean = false;
  constructor(...args: LazyConvArguments) {
    super(read('LazyConv1d', args));
    postpone<LazyConv1d>(this, 'inChannels');
  }

  /** Does nothing: there are no weights yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { outChannels, kernelSize, stride, padding, dilation, groups, paddingMode } = this;
    const channels = channelsOf('LazyConv1d', x, 1);
    settle<Conv1d>(this, Conv1d.prototype, (factory) => new Conv1d(channels, outChannels, kernelSize, { stride, padding, dilation, groups, bias: this.bias !== null, paddingMode, ...factory }));
    return super.forward(x);
  }
}

/**
 * `Conv2d` with as many input channels as the first input has; it then is a `Conv2d`. Weight and bias have no shape before.
 *
 * @throws ShapeError for an input of another rank, ArgumentError when the groups do not divide its channels; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConv2d.html
 */
export class LazyConv2d extends Conv2d {
  static override readonly keepsNothing: boolean = false;
  constructor(...args: LazyConvArguments) {
    super(read('LazyConv2d', args));
    postpone<LazyConv2d>(this, 'inChannels');
  }

  /** Does nothing: there are no weights yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { outChannels, kernelSize, stride, padding, dilation, groups, paddingMode } = this;
    const channels = channelsOf('LazyConv2d', x, 2);
    settle<Conv2d>(this, Conv2d.prototype, (factory) => new Conv2d(channels, outChannels, kernelSize, { stride, padding, dilation, groups, bias: this.bias !== null, paddingMode, ...factory }));
    return super.forward(x);
  }
}

/**
 * `Conv3d` with as many input channels as the first input has; it then is a `Conv3d`. Weight and bias have no shape before.
 *
 * @throws ShapeError for an input of another rank, ArgumentError when the groups do not divide its channels; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConv3d.html
 */
export class LazyConv3d extends Conv3d {
  static override readonly keepsNothing: boolean = false;
  constructor(...args: LazyConvArguments) {
    super(read('LazyConv3d', args));
    postpone<LazyConv3d>(this, 'inChannels');
  }

  /** Does nothing: there are no weights yet. */
  override resetParameters(): void {}

  override forward(x: Tensor): Tensor {
    const { outChannels, kernelSize, stride, padding, dilation, groups, paddingMode } = this;
    const channels = channelsOf('LazyConv3d', x, 3);
    settle<Conv3d>(this, Conv3d.prototype, (factory) => new Conv3d(channels, outChannels, kernelSize, { stride, padding, dilation, groups, bias: this.bias !== null, paddingMode, ...factory }));
    return super.forward(x);
  }
}

/**
 * `ConvTranspose1d` with as many input channels as the first input has; it then is a `ConvTranspose1d`. Weight and bias have no shape before.
 *
 * @throws ShapeError for an input of another rank, ArgumentError when the groups do not divide its channels; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConvTranspose1d.html
 */
export class LazyConvTranspose1d extends ConvTranspose1d {
  static override readonly keepsNothing: boolean = false;
  constructor(...args: LazyConvTransposeArguments) {
    super(readTransposed('LazyConvTranspose1d', args));
    postpone<LazyConvTranspose1d>(this, 'inChannels');
  }

  /** Does nothing: there are no weights yet. */
  override resetParameters(): void {}

  override forward(x: Tensor, outputSize?: OutputSizeArgument): Tensor {
    const { outChannels, kernelSize, stride, padding, outputPadding, dilation, groups } = this;
    const channels = channelsOf('LazyConvTranspose1d', x, 1);
    settle<ConvTranspose1d>(this, ConvTranspose1d.prototype, (factory) => new ConvTranspose1d(channels, outChannels, kernelSize, { stride, padding, outputPadding, dilation, groups, bias: this.bias !== null, ...factory }));
    return super.forward(x, outputSize);
  }
}

/**
 * `ConvTranspose2d` with as many input channels as the first input has; it then is a `ConvTranspose2d`. Weight and bias have no shape before.
 *
 * @throws ShapeError for an input of another rank, ArgumentError when the groups do not divide its channels; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConvTranspose2d.html
 */
export class LazyConvTranspose2d extends ConvTranspose2d {
  static override readonly keepsNothing: boolean = false;
  constructor(...args: LazyConvTransposeArguments) {
    super(readTransposed('LazyConvTranspose2d', args));
    postpone<LazyConvTranspose2d>(this, 'inChannels');
  }

  /** Does nothing: there are no weights yet. */
  override resetParameters(): void {}

  override forward(x: Tensor, outputSize?: OutputSizeArgument): Tensor {
    const { outChannels, kernelSize, stride, padding, outputPadding, dilation, groups } = this;
    const channels = channelsOf('LazyConvTranspose2d', x, 2);
    settle<ConvTranspose2d>(this, ConvTranspose2d.prototype, (factory) => new ConvTranspose2d(channels, outChannels, kernelSize, { stride, padding, outputPadding, dilation, groups, bias: this.bias !== null, ...factory }));
    return super.forward(x, outputSize);
  }
}

/**
 * `ConvTranspose3d` with as many input channels as the first input has; it then is a `ConvTranspose3d`. Weight and bias have no shape before.
 *
 * @throws ShapeError for an input of another rank, ArgumentError when the groups do not divide its channels; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConvTranspose3d.html
 */
export class LazyConvTranspose3d extends ConvTranspose3d {
  static override readonly keepsNothing: boolean = false;
  constructor(...args: LazyConvTransposeArguments) {
    super(readTransposed('LazyConvTranspose3d', args));
    postpone<LazyConvTranspose3d>(this, 'inChannels');
  }

  /** Does nothing: there are no weights yet. */
  override resetParameters(): void {}

  override forward(x: Tensor, outputSize?: OutputSizeArgument): Tensor {
    const { outChannels, kernelSize, stride, padding, outputPadding, dilation, groups } = this;
    const channels = channelsOf('LazyConvTranspose3d', x, 3);
    settle<ConvTranspose3d>(this, ConvTranspose3d.prototype, (factory) => new ConvTranspose3d(channels, outChannels, kernelSize, { stride, padding, outputPadding, dilation, groups, bias: this.bias !== null, ...factory }));
    return super.forward(x, outputSize);
  }
}

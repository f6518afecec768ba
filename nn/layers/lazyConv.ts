import type { Size } from '../../core/ops/spatial.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  Conv1d, Conv2d, Conv3d, type ConvLayerOptions, type ConvRest, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvTransposeLayerOptions, type ConvTransposeRest,
} from './conv.ts';
import { type OutputSizeArgument, given } from '../given.ts';
import { channelsOf, postpone, settle } from './lazy.ts';

// Convolutions that take the number of input channels from their first input.

const options = (name: string, rest: ConvRest): ConvLayerOptions =>
  given<ConvLayerOptions>(name, ['stride', 'padding'], rest, ['dilation', 'groups', 'bias', 'paddingMode', 'dtype', 'device']);
const transposedOptions = (name: string, rest: ConvTransposeRest): ConvTransposeLayerOptions =>
  given<ConvTransposeLayerOptions>(name, ['stride', 'padding'], rest, ['dilation', 'groups', 'bias', 'outputPadding', 'dtype', 'device']);

/**
 * `Conv1d` with as many input channels as the first input has; it then is a `Conv1d`. Weight and bias have no shape before.
 *
 * @throws ShapeError for an input of another rank, ArgumentError when the groups do not divide its channels; the layer stays lazy then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LazyConv1d.html
 */
export class LazyConv1d extends Conv1d {
  static override readonly keepsNothing: boolean = false;
  constructor(outChannels: number, kernelSize: Size, ...rest: ConvRest) {
    const settings = options('LazyConv1d', rest);
    super(settings.groups ?? 1, outChannels, kernelSize, settings);
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
  constructor(outChannels: number, kernelSize: Size, ...rest: ConvRest) {
    const settings = options('LazyConv2d', rest);
    super(settings.groups ?? 1, outChannels, kernelSize, settings);
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
  constructor(outChannels: number, kernelSize: Size, ...rest: ConvRest) {
    const settings = options('LazyConv3d', rest);
    super(settings.groups ?? 1, outChannels, kernelSize, settings);
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
  constructor(outChannels: number, kernelSize: Size, ...rest: ConvTransposeRest) {
    const settings = transposedOptions('LazyConvTranspose1d', rest);
    super(settings.groups ?? 1, outChannels, kernelSize, settings);
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
  constructor(outChannels: number, kernelSize: Size, ...rest: ConvTransposeRest) {
    const settings = transposedOptions('LazyConvTranspose2d', rest);
    super(settings.groups ?? 1, outChannels, kernelSize, settings);
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
  constructor(outChannels: number, kernelSize: Size, ...rest: ConvTransposeRest) {
    const settings = transposedOptions('LazyConvTranspose3d', rest);
    super(settings.groups ?? 1, outChannels, kernelSize, settings);
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

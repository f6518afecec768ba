import { type Pair, type PatchOptions, channelShuffle, fold, pixelShuffle, pixelUnshuffle, unfold } from '../../core/ops/patches.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python } from '../repr.ts';
import { checkInteger, spatial } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';

/** What may stand behind the size of a patch. */
type PatchPositions = [dilation: Pair | undefined, padding: Pair | undefined, stride: Pair | undefined];

/** Options of patches as PyTorch prints them. */
function patchRepr({ dilation = 1, padding = 0, stride = 1 }: PatchOptions): string {
  return `dilation=${python(dilation)}, padding=${python(padding)}, stride=${python(stride)}`;
}

/**
 * The patches of images as columns: (N, C, H, W) → (N, C·kernel, patches).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unfold.html
 */
export class Unfold extends Module {
  readonly kernelSize: Pair;
  readonly options: PatchOptions;

  constructor(...args: LayerArguments<[kernelSize: Pair, ...PatchPositions], ['kernelSize', 'dilation', 'padding', 'stride'], PatchOptions>) {
    super();
    const { kernelSize, ...options } = given('Unfold', ['kernelSize', 'dilation', 'padding', 'stride'], args);
    spatial('Unfold', 'kernelSize', kernelSize, 2, 1);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return unfold(x, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return `kernel_size=${python(this.kernelSize)}, ${patchRepr(this.options)}`;
  }
}

/**
 * Images from columns of patches, added up where these overlap: (N, C·kernel, patches) → (N, C, H, W).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Fold.html
 */
export class Fold extends Module {
  readonly outputSize: Pair;
  readonly kernelSize: Pair;
  readonly options: PatchOptions;

  constructor(...args: LayerArguments<[outputSize: Pair, kernelSize: Pair, ...PatchPositions], ['outputSize', 'kernelSize', 'dilation', 'padding', 'stride'], PatchOptions>) {
    super();
    const { outputSize, kernelSize, ...options } = given('Fold', ['outputSize', 'kernelSize', 'dilation', 'padding', 'stride'], args);
    spatial('Fold', 'outputSize', outputSize, 2, 1);
    spatial('Fold', 'kernelSize', kernelSize, 2, 1);
    this.outputSize = outputSize;
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return fold(x, this.outputSize, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return `output_size=${python(this.outputSize)}, kernel_size=${python(this.kernelSize)}, ${patchRepr(this.options)}`;
  }
}

/** Channels become pixels: (…, C·r², H, W) → (…, C, H·r, W·r). @see https://pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number;

  constructor(...args: LayerArguments<[upscaleFactor: number], ['upscaleFactor']>) {
    super();
    const { upscaleFactor } = given('PixelShuffle', ['upscaleFactor'], args);
    checkInteger('PixelShuffle', 'upscaleFactor', upscaleFactor);
    this.upscaleFactor = upscaleFactor;
  }

  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor);
  }

  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/** Pixels become channels: (…, C, H·r, W·r) → (…, C·r², H, W). @see https://pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number;

  constructor(...args: LayerArguments<[downscaleFactor: number], ['downscaleFactor']>) {
    super();
    const { downscaleFactor } = given('PixelUnshuffle', ['downscaleFactor'], args);
    checkInteger('PixelUnshuffle', 'downscaleFactor', downscaleFactor);
    this.downscaleFactor = downscaleFactor;
  }

  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor);
  }

  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/** Channels in another order: `groups` rows of them, read by columns. @see https://pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html */
export class ChannelShuffle extends Module {
  readonly groups: number;

  constructor(...args: LayerArguments<[groups: number], ['groups']>) {
    super();
    const { groups } = given('ChannelShuffle', ['groups'], args);
    checkInteger('ChannelShuffle', 'groups', groups);
    this.groups = groups;
  }

  forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups);
  }

  override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}

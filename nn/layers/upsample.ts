import { type InterpolateOptions, type InterpolationMode, interpolate } from '../../core/ops/interpolate.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python, pythonFloat } from '../repr.ts';
import { type PlacedOrNamed, given } from '../../core/given.ts';

/** Options of `Upsample`. */
export type UpsampleOptions = Omit<InterpolateOptions, 'antialias'>;

type SizeOptions = Pick<UpsampleOptions, 'size' | 'scaleFactor'>;
type SizeArguments = PlacedOrNamed<SizeOptions, ['size', 'scaleFactor']>;

type Sizes = number | readonly number[] | null;

/**
 * Images of another size, by `F.interpolate`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Upsample.html
 */
export class Upsample extends Module {
  readonly size: Sizes;
  readonly scaleFactor: Sizes;
  readonly mode: InterpolationMode;
  readonly alignCorners: boolean | null;
  readonly recomputeScaleFactor: boolean | null;

  constructor(...args: PlacedOrNamed<UpsampleOptions, ['size', 'scaleFactor', 'mode', 'alignCorners']>) {
    super();
    const options = given<UpsampleOptions>('Upsample', ['size', 'scaleFactor', 'mode', 'alignCorners'], args, ['recomputeScaleFactor']);
    this.size = options.size ?? null;
    this.scaleFactor = options.scaleFactor ?? null;
    this.mode = options.mode ?? 'nearest';
    this.alignCorners = options.alignCorners ?? null;
    this.recomputeScaleFactor = options.recomputeScaleFactor ?? null;
  }

  forward(x: Tensor): Tensor {
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this;
    return interpolate(x, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor });
  }

  override extraRepr(): string {
    const how = this.scaleFactor === null ? `size=${python(this.size)}` : `scale_factor=${typeof this.scaleFactor === 'number' ? pythonFloat(this.scaleFactor) : `(${this.scaleFactor.map(pythonFloat).join(', ')})`}`;
    return `${how}, mode=${python(this.mode)}`;
  }
}

/** Images of another size by the nearest element. @see https://pytorch.org/docs/stable/generated/torch.nn.UpsamplingNearest2d.html */
export class UpsamplingNearest2d extends Upsample {
  constructor(...args: SizeArguments) {
    super({ ...given<SizeOptions>('UpsamplingNearest2d', ['size', 'scaleFactor'], args), mode: 'nearest' });
  }
}

/** Images of another size by bilinear interpolation, the centres of the corner elements kept. @see https://pytorch.org/docs/stable/generated/torch.nn.UpsamplingBilinear2d.html */
export class UpsamplingBilinear2d extends Upsample {
  constructor(...args: SizeArguments) {
    super({ ...given<SizeOptions>('UpsamplingBilinear2d', ['size', 'scaleFactor'], args), mode: 'bilinear', alignCorners: true });
  }
}

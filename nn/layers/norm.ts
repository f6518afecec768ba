import { ArgumentError, show } from '../../core/errors.ts';
import { groupNorm, layerNorm, rmsNorm } from '../../core/ops/normalize.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { python } from '../repr.ts';
import { type FactoryOptions, checkBoolean, checkEps, checkInteger, factoryOptions, newParameter, resetAffine } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';

/** Options of `LayerNorm`. */
export interface LayerNormOptions extends FactoryOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Learn a scale and a shift per element; default true. */
  readonly elementwiseAffine?: boolean;
  /** Learn the shift too; default true. */
  readonly bias?: boolean;
}

function shapeOf(layer: string, value: unknown): readonly number[] {
  const shape: unknown[] = Array.isArray(value) ? value : [value];
  if (shape.length === 0 || !shape.every((n) => typeof n === 'number' && Number.isInteger(n) && n >= 1)) {
    throw new ArgumentError(`${layer}: invalid normalizedShape, got ${show(value)}; expected an integer ≥ 1, or several`);
  }
  return shape as number[];
}

/**
 * Normalises the last dimensions of each sample, `y = (x − mean)/√(var + eps)·weight + bias`, with the biased variance.
 *
 * Shape: (*, …normalizedShape) → the same.
 *
 * @throws ArgumentError when a size is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
 */
export class LayerNorm extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly normalizedShape: readonly number[];
  eps: number;
  readonly elementwiseAffine: boolean;
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(...args: LayerArguments<[normalizedShape: number | readonly number[]], ['normalizedShape'], LayerNormOptions> | [normalizedShape: number | readonly number[], eps: number, elementwiseAffine?: boolean, bias?: boolean]) {
    super();
    const options = given('LayerNorm', ['normalizedShape', 'eps', 'elementwiseAffine', 'bias'], args, factoryOptions);
    const { normalizedShape, eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    checkEps('LayerNorm', eps);
    checkBoolean('LayerNorm', 'elementwiseAffine', elementwiseAffine);
    checkBoolean('LayerNorm', 'bias', bias);
    this.normalizedShape = shapeOf('LayerNorm', normalizedShape);
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? newParameter(this.normalizedShape, options) : null;
    this.bias = elementwiseAffine && bias ? newParameter(this.normalizedShape, options) : null;
    this.resetParameters();
  }

  /** Scale 1, shift 0. */
  resetParameters(): void {
    resetAffine(this.weight, this.bias);
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return `${python(this.normalizedShape)}, eps=${python(this.eps)}, elementwise_affine=${python(this.elementwiseAffine)}`;
  }
}

/** Options of `RMSNorm`. */
export interface RMSNormOptions extends FactoryOptions {
  /** Added to the mean square; null for the machine epsilon of the input's dtype; default null. */
  readonly eps?: number | null;
  /** Learn a scale per element; default true. */
  readonly elementwiseAffine?: boolean;
}

/**
 * Divides the last dimensions of each sample by their root mean square, `y = x/√(mean(x²) + eps)·weight`.
 *
 * Shape: (*, …normalizedShape) → the same.
 *
 * @throws ArgumentError when a size is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.modules.normalization.RMSNorm.html
 */
export class RMSNorm extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly normalizedShape: readonly number[];
  eps: number | null;
  readonly elementwiseAffine: boolean;
  weight: Parameter | null;

  constructor(...args: LayerArguments<[normalizedShape: number | readonly number[]], ['normalizedShape'], RMSNormOptions> | [normalizedShape: number | readonly number[], eps: number | null, elementwiseAffine?: boolean]) {
    super();
    const options = given('RMSNorm', ['normalizedShape', 'eps', 'elementwiseAffine'], args, factoryOptions);
    const { normalizedShape, eps = null, elementwiseAffine = true } = options;
    if (eps !== null) checkEps('RMSNorm', eps);
    checkBoolean('RMSNorm', 'elementwiseAffine', elementwiseAffine);
    this.normalizedShape = shapeOf('RMSNorm', normalizedShape);
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? newParameter(this.normalizedShape, options) : null;
    this.resetParameters();
  }

  /** Scale 1. */
  resetParameters(): void {
    resetAffine(this.weight);
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, this.weight, this.eps === null ? {} : { eps: this.eps });
  }

  override extraRepr(): string {
    return `${python(this.normalizedShape)}, eps=${python(this.eps)}, elementwise_affine=${python(this.elementwiseAffine)}`;
  }
}

/** Options of `GroupNorm`. */
export interface GroupNormOptions extends FactoryOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Learn a scale and a shift per channel; default true. */
  readonly affine?: boolean;
}

/**
 * Normalises groups of channels of each sample on their own, then scales and shifts each channel.
 *
 * Shape: (N, numChannels, *) → the same.
 *
 * @throws ArgumentError when the groups do not divide the channels
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
 */
export class GroupNorm extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly numGroups: number;
  readonly numChannels: number;
  eps: number;
  readonly affine: boolean;
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(...args: LayerArguments<[numGroups: number, numChannels: number], ['numGroups', 'numChannels'], GroupNormOptions> | [numGroups: number, numChannels: number, eps: number, affine?: boolean]) {
    super();
    const options = given('GroupNorm', ['numGroups', 'numChannels', 'eps', 'affine'], args, factoryOptions);
    const { numGroups, numChannels, eps = 1e-5, affine = true } = options;
    checkInteger('GroupNorm', 'numGroups', numGroups);
    checkInteger('GroupNorm', 'numChannels', numChannels);
    if (numChannels % numGroups !== 0) {
      throw new ArgumentError(`GroupNorm: groups do not divide the channels, got ${numGroups} for ${numChannels}; expected a divisor`);
    }
    checkEps('GroupNorm', eps);
    checkBoolean('GroupNorm', 'affine', affine);
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = eps;
    this.affine = affine;
    this.weight = affine ? newParameter([numChannels], options) : null;
    this.bias = affine ? newParameter([numChannels], options) : null;
    this.resetParameters();
  }

  /** Scale 1, shift 0. */
  resetParameters(): void {
    resetAffine(this.weight, this.bias);
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${python(this.eps)}, affine=${python(this.affine)}`;
  }
}

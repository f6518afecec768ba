import { bilinear } from '../../core/ops/bilinear.ts';
import { linear } from '../../core/ops/linear.ts';
import type { Tensor } from '../../core/tensor.ts';
import { kaimingUniform_, uniform_ } from '../init.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { python } from '../repr.ts';
import { type FactoryOptions, checkBoolean, checkInteger, factoryOptions, newParameter } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';

/** Gives its input back; arguments are ignored. @see https://pytorch.org/docs/stable/generated/torch.nn.Identity.html */
export class Identity extends Module {
  static override readonly keepsNothing: boolean = true;
  constructor(..._ignored: readonly unknown[]) {
    super();
  }

  forward(x: Tensor): Tensor {
    return x;
  }
}

/** Options of `Linear` and `Bilinear`. */
export interface LinearOptions extends FactoryOptions {
  /** Add a learned bias; default true. */
  readonly bias?: boolean;
}

/**
 * Affine map `y = x·Wᵀ + b` of the last dimension. Weight (outFeatures, inFeatures), bias (outFeatures); both start uniform in
 * `±1/√inFeatures`. All by name: `new Linear({ inFeatures: 4, outFeatures: 2, bias: false })`.
 *
 * Shape: (*, inFeatures) → (*, outFeatures).
 *
 * @throws ArgumentError when a size is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Linear.html
 */
export class Linear extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(...args: LayerArguments<[inFeatures: number, outFeatures: number], ['inFeatures', 'outFeatures'], LinearOptions> | [inFeatures: number, outFeatures: number, bias: boolean, options?: FactoryOptions]) {
    super();
    const options = given('Linear', ['inFeatures', 'outFeatures', 'bias'], args, factoryOptions);
    const { inFeatures, outFeatures, bias = true } = options;
    checkInteger('Linear', 'inFeatures', inFeatures);
    checkInteger('Linear', 'outFeatures', outFeatures);
    checkBoolean('Linear', 'bias', bias);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = newParameter([outFeatures, inFeatures], options);
    this.bias = bias ? newParameter([outFeatures], options) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    const bound = 1 / Math.sqrt(this.inFeatures);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${python(this.bias !== null)}`;
  }
}

/**
 * Bilinear map `y = x₁ᵀ·A·x₂ + b` of the last dimensions. Weight (outFeatures, in1Features, in2Features), bias (outFeatures); both start
 * uniform in `±1/√in1Features`.
 *
 * Shape: (*, in1Features), (*, in2Features) → (*, outFeatures).
 *
 * @throws ArgumentError when a size is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
 */
export class Bilinear extends Module {
  readonly in1Features: number;
  readonly in2Features: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(...args: LayerArguments<[in1Features: number, in2Features: number, outFeatures: number], ['in1Features', 'in2Features', 'outFeatures'], LinearOptions> | [in1Features: number, in2Features: number, outFeatures: number, bias: boolean, options?: FactoryOptions]) {
    super();
    const options = given('Bilinear', ['in1Features', 'in2Features', 'outFeatures', 'bias'], args, factoryOptions);
    const { in1Features, in2Features, outFeatures, bias = true } = options;
    checkInteger('Bilinear', 'in1Features', in1Features);
    checkInteger('Bilinear', 'in2Features', in2Features);
    checkInteger('Bilinear', 'outFeatures', outFeatures);
    checkBoolean('Bilinear', 'bias', bias);
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    this.weight = newParameter([outFeatures, in1Features, in2Features], options);
    this.bias = bias ? newParameter([outFeatures], options) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    uniform_(this.weight, -bound, bound);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias);
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures } = this;
    return `in1_features=${in1Features}, in2_features=${in2Features}, out_features=${outFeatures}, bias=${python(this.bias !== null)}`;
  }
}

import { ArgumentError, show } from '../../core/errors.ts';
import { softplus } from '../../core/ops/activation.ts';
import { celu, elu, hardshrink, hardtanh, leakyRelu, softshrink, threshold } from '../../core/ops/piecewise.ts';
import type { InplaceOptions } from '../../core/ops/parametric.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python, pythonFloat } from '../repr.ts';
import { Inplace, checkFinite } from './check.ts';
import { type LayerArguments, type PlacedOrNamed, given } from '../../core/given.ts';

/** Options of `LeakyReLU`; the numbers may also stand before them. */
export interface LeakyReLUOptions extends InplaceOptions {
  /** Slope below 0; default 0.01. */
  readonly negativeSlope?: number;
}

/**
 * Elementwise `max(0, x) + negativeSlope·min(0, x)`; the slope is 0.01 by default.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 */
export class LeakyReLU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly negativeSlope: number;

  constructor(...args: PlacedOrNamed<LeakyReLUOptions, ['negativeSlope', 'inplace']>) {
    const { negativeSlope = 0.01, ...rest } = given<LeakyReLUOptions>('LeakyReLU', ['negativeSlope', 'inplace'], args);
    super('LeakyReLU', rest);
    checkFinite('LeakyReLU', 'negativeSlope', negativeSlope);
    this.negativeSlope = negativeSlope;
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope, { inplace: this.inplace });
  }

  override extraRepr(): string {
    return this.describe(`negative_slope=${python(this.negativeSlope)}`);
  }
}

/** Options of `ELU`; the numbers may also stand before them. */
export interface ELUOptions extends InplaceOptions {
  /** Negative of the limit below 0; default 1. */
  readonly alpha?: number;
}

/** Elementwise `x` above 0, `alpha·(exp(x) − 1)` below; `alpha` is 1 by default. @see https://pytorch.org/docs/stable/generated/torch.nn.ELU.html */
export class ELU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly alpha: number;

  constructor(...args: PlacedOrNamed<ELUOptions, ['alpha', 'inplace']>) {
    const { alpha = 1, ...rest } = given<ELUOptions>('ELU', ['alpha', 'inplace'], args);
    super('ELU', rest);
    checkFinite('ELU', 'alpha', alpha);
    this.alpha = alpha;
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.alpha, { inplace: this.inplace });
  }

  override extraRepr(): string {
    return this.describe(`alpha=${pythonFloat(this.alpha)}`);
  }
}

/** Options of `CELU`; the numbers may also stand before them. */
export interface CELUOptions extends InplaceOptions {
  /** Negative of the limit below 0; default 1. */
  readonly alpha?: number;
}

/** Elementwise `max(0, x) + min(0, alpha·(exp(x/alpha) − 1))`; `alpha` is 1 by default. @see https://pytorch.org/docs/stable/generated/torch.nn.CELU.html */
export class CELU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly alpha: number;

  constructor(...args: PlacedOrNamed<CELUOptions, ['alpha', 'inplace']>) {
    const { alpha = 1, ...rest } = given<CELUOptions>('CELU', ['alpha', 'inplace'], args);
    super('CELU', rest);
    checkFinite('CELU', 'alpha', alpha);
    if (alpha === 0) throw new ArgumentError('CELU: alpha divides, got 0; expected a number other than 0');
    this.alpha = alpha;
  }

  forward(x: Tensor): Tensor {
    return celu(x, this.alpha, { inplace: this.inplace });
  }

  override extraRepr(): string {
    return this.describe(`alpha=${pythonFloat(this.alpha)}`);
  }
}

/** Options of `Softplus`; the numbers may also stand before them. */
export interface SoftplusOptions {
  /** Factor within; default 1. */
  readonly beta?: number;
  /** Linear above; default 20. */
  readonly threshold?: number;
}

/** Elementwise `log(1 + exp(beta·x))/beta`, linear where `beta·x > threshold`. @see https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html */
export class Softplus extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly beta: number;
  readonly threshold: number;

  constructor(first?: number | SoftplusOptions, second?: number | SoftplusOptions, options?: SoftplusOptions) {
    const { beta = 1, threshold = 20 } = given<SoftplusOptions>('Softplus', ['beta', 'threshold'], [first, second, options]);
    super();
    checkFinite('Softplus', 'beta', beta);
    checkFinite('Softplus', 'threshold', threshold);
    this.beta = beta;
    this.threshold = threshold;
  }

  forward(x: Tensor): Tensor {
    return softplus(x, { beta: this.beta, threshold: this.threshold });
  }

  override extraRepr(): string {
    return `beta=${pythonFloat(this.beta)}, threshold=${pythonFloat(this.threshold)}`;
  }
}

/** Options of `Hardtanh`; the numbers may also stand before them. */
export interface HardtanhOptions extends InplaceOptions {
  /** Smallest value; default -1. */
  readonly minVal?: number;
  /** Largest value; default 1. */
  readonly maxVal?: number;
}

/** Elementwise `min(max(x, minVal), maxVal)`; -1 and 1 by default. @see https://pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html */
export class Hardtanh extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly minVal: number;
  readonly maxVal: number;

  constructor(...args: PlacedOrNamed<HardtanhOptions, ['minVal', 'maxVal', 'inplace']>) {
    const { minVal = -1, maxVal = 1, ...rest } = given<HardtanhOptions>('Hardtanh', ['minVal', 'maxVal', 'inplace'], args);
    super('Hardtanh', rest);
    checkFinite('Hardtanh', 'minVal', minVal);
    checkFinite('Hardtanh', 'maxVal', maxVal);
    if (minVal >= maxVal) throw new ArgumentError(`Hardtanh: empty range, got ${show(minVal)} to ${show(maxVal)}; expected minVal < maxVal`);
    this.minVal = minVal;
    this.maxVal = maxVal;
  }

  forward(x: Tensor): Tensor {
    return hardtanh(x, this.minVal, this.maxVal, { inplace: this.inplace });
  }

  override extraRepr(): string {
    return this.describe(`min_val=${pythonFloat(this.minVal)}`, `max_val=${pythonFloat(this.maxVal)}`);
  }
}

/** Options of `Hardshrink`; the numbers may also stand before them. */
export interface HardshrinkOptions {
  /** Half of the width that becomes 0; default 0.5. */
  readonly lambd?: number;
}

/** Elementwise `x` where `|x| > lambd`, else 0; `lambd` is 0.5 by default. @see https://pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html */
export class Hardshrink extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly lambd: number;

  constructor(first?: number | HardshrinkOptions, options?: HardshrinkOptions) {
    const { lambd = 0.5 } = given<HardshrinkOptions>('Hardshrink', ['lambd'], [first, options]);
    super();
    checkFinite('Hardshrink', 'lambd', lambd);
    this.lambd = lambd;
  }

  forward(x: Tensor): Tensor {
    return hardshrink(x, this.lambd);
  }

  override extraRepr(): string {
    return python(this.lambd);
  }
}

/** Options of `Softshrink`; the numbers may also stand before them. */
export interface SoftshrinkOptions {
  /** Half of the width that becomes 0; default 0.5. */
  readonly lambd?: number;
}

/** Elementwise: `x` moved toward 0 by `lambd` (default 0.5), and 0 within. @see https://pytorch.org/docs/stable/generated/torch.nn.Softshrink.html */
export class Softshrink extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly lambd: number;

  constructor(first?: number | SoftshrinkOptions, options?: SoftshrinkOptions) {
    const { lambd = 0.5 } = given<SoftshrinkOptions>('Softshrink', ['lambd'], [first, options]);
    super();
    checkFinite('Softshrink', 'lambd', lambd);
    if (lambd < 0) throw new ArgumentError(`Softshrink: lambd is negative, got ${lambd}; expected a number ≥ 0`);
    this.lambd = lambd;
  }

  forward(x: Tensor): Tensor {
    return softshrink(x, this.lambd);
  }

  override extraRepr(): string {
    return python(this.lambd);
  }
}

/** Elementwise `x` where `x > threshold`, else `value`. @see https://pytorch.org/docs/stable/generated/torch.nn.Threshold.html */
export class Threshold extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly threshold: number;
  readonly value: number;

  constructor(...args: LayerArguments<[threshold: number, value: number], ['threshold', 'value'], InplaceOptions> | [threshold: number, value: number, inplace: boolean]) {
    const { threshold, value, ...options } = given('Threshold', ['threshold', 'value', 'inplace'], args);
    super('Threshold', options);
    checkFinite('Threshold', 'threshold', threshold);
    checkFinite('Threshold', 'value', value);
    this.threshold = threshold;
    this.value = value;
  }

  forward(x: Tensor): Tensor {
    return threshold(x, this.threshold, this.value, { inplace: this.inplace });
  }

  override extraRepr(): string {
    return this.describe(`threshold=${python(this.threshold)}`, `value=${python(this.value)}`);
  }
}

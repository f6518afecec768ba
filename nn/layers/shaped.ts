import { ArgumentError, checkOptions, show } from '../../core/errors.ts';
import { softplus } from '../../core/ops/activation.ts';
import { celu, elu, hardshrink, hardtanh, leakyRelu, prelu, softshrink, threshold } from '../../core/ops/piecewise.ts';
import type { InplaceOptions } from '../../core/ops/parametric.ts';
import { rrelu } from '../../core/ops/rrelu.ts';
import type { Generator } from '../../core/random.ts';
import { noGrad } from '../../core/tape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { python, pythonFloat } from '../repr.ts';
import { type FactoryOptions, Inplace, checkBoolean, checkFinite, checkInteger, factoryOptions, newParameter } from './check.ts';

/**
 * Elementwise `max(0, x) + negativeSlope·min(0, x)`; the slope is 0.01 by default.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 */
export class LeakyReLU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly negativeSlope: number;

  constructor(negativeSlope = 0.01, options: InplaceOptions = {}) {
    super('LeakyReLU', options);
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

/** Elementwise `x` above 0, `alpha·(exp(x) − 1)` below; `alpha` is 1 by default. @see https://pytorch.org/docs/stable/generated/torch.nn.ELU.html */
export class ELU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly alpha: number;

  constructor(alpha = 1, options: InplaceOptions = {}) {
    super('ELU', options);
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

/** Elementwise `max(0, x) + min(0, alpha·(exp(x/alpha) − 1))`; `alpha` is 1 by default. @see https://pytorch.org/docs/stable/generated/torch.nn.CELU.html */
export class CELU extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly alpha: number;

  constructor(alpha = 1, options: InplaceOptions = {}) {
    super('CELU', options);
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

/** Elementwise `log(1 + exp(beta·x))/beta`, linear where `beta·x > threshold`. @see https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html */
export class Softplus extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly beta: number;
  readonly threshold: number;

  constructor(beta = 1, threshold = 20) {
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

/** Elementwise `min(max(x, minVal), maxVal)`; -1 and 1 by default. @see https://pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html */
export class Hardtanh extends Inplace {
  static override readonly keepsNothing: boolean = true;
  readonly minVal: number;
  readonly maxVal: number;

  constructor(minVal = -1, maxVal = 1, options: InplaceOptions = {}) {
    super('Hardtanh', options);
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

/** Elementwise `x` where `|x| > lambd`, else 0; `lambd` is 0.5 by default. @see https://pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html */
export class Hardshrink extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly lambd: number;

  constructor(lambd = 0.5) {
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

/** Elementwise: `x` moved toward 0 by `lambd` (default 0.5), and 0 within. @see https://pytorch.org/docs/stable/generated/torch.nn.Softshrink.html */
export class Softshrink extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly lambd: number;

  constructor(lambd = 0.5) {
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

  constructor(threshold: number, value: number, options: InplaceOptions = {}) {
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

/** Options of `PReLU`. */
export interface PReLUOptions extends FactoryOptions {
  /** Where the slopes start; default 0.25. */
  readonly init?: number;
}

/**
 * Elementwise `max(0, x) + weight·min(0, x)` with learned slopes: one, or one per channel.
 *
 * @throws ArgumentError when `numParameters` is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PReLU.html
 */
export class PReLU extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly numParameters: number;
  readonly init: number;
  weight: Parameter;

  constructor(numParameters = 1, options: PReLUOptions = {}) {
    super();
    checkInteger('PReLU', 'numParameters', numParameters);
    checkOptions('PReLU', options, ['init', ...factoryOptions]);
    const { init = 0.25 } = options;
    checkFinite('PReLU', 'init', init);
    this.numParameters = numParameters;
    this.init = init;
    this.weight = newParameter([numParameters], options);
    this.resetParameters();
  }

  /** Slopes as they started. */
  resetParameters(): void {
    noGrad(() => this.weight.fill_(this.init));
  }

  forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}

/** Options of `RReLU`. */
export interface RReLUOptions extends InplaceOptions {
  /** Smallest slope; default 1/8. */
  readonly lower?: number;
  /** Largest slope; default 1/3. */
  readonly upper?: number;
  /** Where the slopes come from; default the global generator. */
  readonly generator?: Generator;
}

/**
 * Elementwise `x` above 0, `slope·x` below, with a slope drawn from `lower` to `upper` in training and their mean in evaluation.
 *
 * @throws ArgumentError unless lower ≤ upper
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RReLU.html
 */
export class RReLU extends Module {
  readonly lower: number;
  readonly upper: number;
  readonly inplace: boolean;
  readonly generator: Generator | undefined;

  constructor(first: number | RReLUOptions = {}, second: number | RReLUOptions = {}, third: RReLUOptions = {}) {
    super();
    const options = typeof first === 'object' ? first : typeof second === 'object' ? second : third;
    checkOptions('RReLU', options, ['lower', 'upper', 'inplace', 'generator']);
    const lower = typeof first === 'number' ? first : (options.lower ?? 1 / 8);
    const upper = typeof second === 'number' ? second : (options.upper ?? 1 / 3);
    const { inplace = false, generator } = options;
    checkFinite('RReLU', 'lower', lower);
    checkFinite('RReLU', 'upper', upper);
    checkBoolean('RReLU', 'inplace', inplace);
    this.lower = lower;
    this.upper = upper;
    this.inplace = inplace;
    this.generator = generator;
  }

  forward(x: Tensor): Tensor {
    const { lower, upper, training, inplace, generator } = this;
    return rrelu(x, lower, upper, { training, inplace, ...(generator !== undefined && { generator }) });
  }

  override extraRepr(): string {
    return `lower=${python(this.lower)}, upper=${python(this.upper)}${this.inplace ? ', inplace=True' : ''}`;
  }
}

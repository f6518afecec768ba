import type { InplaceOptions } from '../../core/ops/parametric.ts';
import { prelu } from '../../core/ops/piecewise.ts';
import { rrelu } from '../../core/ops/rrelu.ts';
import type { Generator } from '../../core/random.ts';
import type { Tensor } from '../../core/tensor.ts';
import { constant_ } from '../init.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { python } from '../repr.ts';
import { type FactoryOptions, checkBoolean, checkFinite, checkInteger, factoryOptions, newParameter } from './check.ts';
import { type PlacedOrNamed, given } from '../../core/given.ts';

/** Options of `PReLU`; the number of slopes may also stand before them. */
export interface PReLUOptions extends FactoryOptions {
  /** Slopes: one, or one per channel; default 1. */
  readonly numParameters?: number;
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

  constructor(...args: PlacedOrNamed<PReLUOptions, ['numParameters', 'init']>) {
    super();
    const { numParameters = 1, ...options } = given<PReLUOptions>('PReLU', ['numParameters', 'init'], args, factoryOptions);
    checkInteger('PReLU', 'numParameters', numParameters);
    const { init = 0.25 } = options;
    checkFinite('PReLU', 'init', init);
    this.numParameters = numParameters;
    this.init = init;
    this.weight = newParameter([numParameters], options);
    this.resetParameters();
  }

  /** Slopes as they started. */
  resetParameters(): void {
    constant_(this.weight, this.init);
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

  constructor(...args: PlacedOrNamed<RReLUOptions, ['lower', 'upper', 'inplace']>) {
    super();
    const options = given<RReLUOptions>('RReLU', ['lower', 'upper', 'inplace'], args, ['generator']);
    const { lower = 1 / 8, upper = 1 / 3, inplace = false, generator } = options;
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

import { alphaDropout, dropout, dropout1d, dropout2d, dropout3d, featureAlphaDropout } from '../../core/ops/dropout.ts';
import type { Generator } from '../../core/random.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { python, pythonFloat } from '../repr.ts';
import { checkBoolean, checkProbability } from './check.ts';
import { type PlacedOrNamed, given } from '../../core/given.ts';

/** Options of the dropout layers; the probability may also stand before them. */
export interface DropoutOptions {
  /** Probability; default 0.5. */
  readonly p?: number;
  /** Write into the input; default false. */
  readonly inplace?: boolean;
  /** Where the random numbers come from; default the global generator. */
  readonly generator?: Generator;
}

/** What dropouts are made from. */
export type DropoutArguments = PlacedOrNamed<DropoutOptions, ['p', 'inplace']>;

/** What all dropouts share. */
abstract class AnyDropout extends Module {
  readonly p: number;
  readonly inplace: boolean;
  readonly generator: Generator | undefined;

  constructor(name: string, args: DropoutArguments) {
    super();
    const options = given<DropoutOptions>(name, ['p', 'inplace'], args, ['generator']);
    const { p = 0.5, inplace = false, generator } = options;
    checkProbability(name, p);
    checkBoolean(name, 'inplace', inplace);
    this.p = p;
    this.inplace = inplace;
    this.generator = generator;
  }

  /** The options of the functional form. */
  protected get mode(): { readonly training: boolean; readonly inplace: boolean; readonly generator?: Generator } {
    return { training: this.training, inplace: this.inplace, ...(this.generator !== undefined && { generator: this.generator }) };
  }

  override extraRepr(): string {
    return `p=${pythonFloat(this.p)}, inplace=${python(this.inplace)}`;
  }
}

/**
 * In training, zeroes each element with probability `p` (default 0.5) and scales the others by `1/(1−p)`; in evaluation, nothing.
 *
 * @throws ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
 */
export class Dropout extends AnyDropout {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: DropoutArguments) {
    super('Dropout', args);
  }

  forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.mode);
  }
}

/**
 * In training, zeroes whole channels of (N, C, L) or (C, L) with probability `p` (default 0.5) and scales the others by `1/(1−p)`.
 *
 * @throws ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout1d.html
 */
export class Dropout1d extends AnyDropout {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: DropoutArguments) {
    super('Dropout1d', args);
  }

  forward(x: Tensor): Tensor {
    return dropout1d(x, this.p, this.mode);
  }
}

/**
 * In training, zeroes whole channels of (N, C, H, W) with probability `p` (default 0.5) and scales the others by `1/(1−p)`.
 *
 * @throws ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
 */
export class Dropout2d extends AnyDropout {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: DropoutArguments) {
    super('Dropout2d', args);
  }

  forward(x: Tensor): Tensor {
    return dropout2d(x, this.p, this.mode);
  }
}

/**
 * In training, sets elements to SELU's lower bound with probability `p` (default 0.5), keeping mean 0 and variance 1.
 *
 * @throws ArgumentError when `p` is outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AlphaDropout.html
 */
export class AlphaDropout extends AnyDropout {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: DropoutArguments) {
    super('AlphaDropout', args);
  }

  forward(x: Tensor): Tensor {
    return alphaDropout(x, this.p, this.mode);
  }
}

/** In training, zeroes whole channels of volumes with probability `p` (default 0.5); in evaluation, nothing. @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout3d.html */
export class Dropout3d extends AnyDropout {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: DropoutArguments) {
    super('Dropout3d', args);
  }

  forward(x: Tensor): Tensor {
    return dropout3d(x, this.p, this.mode);
  }
}

/** In training, `AlphaDropout` of whole channels; in evaluation, nothing. @see https://pytorch.org/docs/stable/generated/torch.nn.FeatureAlphaDropout.html */
export class FeatureAlphaDropout extends AnyDropout {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: DropoutArguments) {
    super('FeatureAlphaDropout', args);
  }

  forward(x: Tensor): Tensor {
    return featureAlphaDropout(x, this.p, this.mode);
  }
}

import { type LocalResponseNormOptions, localResponseNorm } from '../../core/ops/normalize.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { pythonFloat } from '../repr.ts';
import { checkFinite, checkInteger } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';

/**
 * Divides each value by its neighbours across channels, `x / (k + alpha·mean(x²))^beta`, the mean over `size` channels with zeros beyond the ends. By default
 * alpha is 1e-4, beta 0.75, k 1.
 *
 * Shape: (N, C, *) → the same.
 *
 * @throws ArgumentError when `size` is not an integer ≥ 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html and Krizhevsky et al., 2012
 */
export class LocalResponseNorm extends Module {
  static override readonly keepsNothing: boolean = true;
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(...args: LayerArguments<[size: number], ['size'], LocalResponseNormOptions> | [size: number, alpha: number, beta?: number, k?: number]) {
    super();
    const { size, alpha = 1e-4, beta = 0.75, k = 1 } = given('LocalResponseNorm', ['size', 'alpha', 'beta', 'k'], args);
    checkInteger('LocalResponseNorm', 'size', size);
    for (const [name, value] of Object.entries({ alpha, beta, k })) checkFinite('LocalResponseNorm', name, value);
    this.size = size;
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  forward(x: Tensor): Tensor {
    const { alpha, beta, k } = this;
    return localResponseNorm(x, this.size, { alpha, beta, k });
  }

  override extraRepr(): string {
    return `${this.size}, alpha=${pythonFloat(this.alpha)}, beta=${pythonFloat(this.beta)}, k=${pythonFloat(this.k)}`;
  }
}

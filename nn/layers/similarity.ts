import { checkNumber } from '../../core/errors.ts';
import { type CosineSimilarityOptions, type PairwiseDistanceOptions, cosineSimilarity, pairwiseDistance } from '../../core/ops/similarity.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { checkBoolean, checkFinite } from './check.ts';
import { type PlacedOrNamed, given } from '../../core/given.ts';

/**
 * Cosine of the angle between vectors along `dim` (default 1); norms count as at least `eps` (default 1e-8).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html
 */
export class CosineSimilarity extends Module {
  readonly dim: number;
  readonly eps: number;

  constructor(...args: PlacedOrNamed<CosineSimilarityOptions, ['dim', 'eps']>) {
    super();
    const { dim = 1, eps = 1e-8 } = given<CosineSimilarityOptions>('CosineSimilarity', ['dim', 'eps'], args);
    checkNumber('CosineSimilarity', 'dim', dim, 'a dimension', Number.isInteger);
    checkFinite('CosineSimilarity', 'eps', eps);
    this.dim = dim;
    this.eps = eps;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return cosineSimilarity(x1, x2, this.dim, this.eps);
  }
}

/**
 * `‖x₁ − x₂ + eps‖ₚ` along the last dimension; p is 2 and eps 1e-6 by default.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html
 */
export class PairwiseDistance extends Module {
  readonly norm: number;
  readonly eps: number;
  readonly keepdim: boolean;

  constructor(...args: PlacedOrNamed<PairwiseDistanceOptions, ['p', 'eps', 'keepdim']>) {
    super();
    const { p = 2, eps = 1e-6, keepdim = false } = given<PairwiseDistanceOptions>('PairwiseDistance', ['p', 'eps', 'keepdim'], args);
    checkNumber('PairwiseDistance', 'p', p, 'a number', (v) => !Number.isNaN(v));
    checkFinite('PairwiseDistance', 'eps', eps);
    checkBoolean('PairwiseDistance', 'keepdim', keepdim);
    this.norm = p;
    this.eps = eps;
    this.keepdim = keepdim;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return pairwiseDistance(x1, x2, this.norm, this.eps, { keepdim: this.keepdim });
  }
}

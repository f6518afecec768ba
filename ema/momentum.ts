import { show } from '../core/errors.ts';

/**
 * The momentum with which a model's weight halves after `halfLife` updates: `1 - 0.5^(1/h)`.
 *
 * @throws RangeError unless halfLife > 0
 */
export function momentumFromHalfLife(halfLife: number): number {
  if (typeof halfLife !== 'number' || !(halfLife > 0)) throw new RangeError(`momentumFromHalfLife: invalid half-life, got ${show(halfLife)}; expected a number of updates > 0`);
  return -Math.expm1(-Math.LN2 / halfLife);
}

/**
 * The momentum for a batch `factor` times larger, or for `factor` updates folded into one: `1 - (1 - m)^k`.
 *
 * @throws RangeError unless 0 < momentum < 1 and factor > 0
 * @see Busbridge et al. 2023, How to scale your EMA, https://arxiv.org/abs/2307.13813
 */
export function scaleMomentum(momentum: number, factor: number): number {
  if (typeof momentum !== 'number' || !(momentum > 0 && momentum < 1)) throw new RangeError(`scaleMomentum: invalid momentum, got ${show(momentum)}; expected 0 < momentum < 1`);
  if (typeof factor !== 'number' || !(factor > 0)) throw new RangeError(`scaleMomentum: invalid factor, got ${show(factor)}; expected a number > 0`);
  return -Math.expm1(factor * Math.log1p(-momentum));
}

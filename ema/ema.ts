import { show } from '../core/errors.ts';
import type { Module } from '../nn/module.ts';
import type { AveragedOptions } from './averaged.ts';
import { LerpAverage } from './lerp.ts';

/** Options of `ExponentialMovingAverage`. */
export interface EMAOptions extends AveragedOptions {
  /** Weight of the newest model, between 0 and 1, both excluded; default 0.0002. Not the decay β, which is 1 - momentum. */
  readonly momentum?: number;
}

/**
 * Checks the weight of the newest model.
 *
 * @throws RangeError unless 0 < momentum < 1
 */
export function checkMomentum(who: string, momentum: number): number {
  if (typeof momentum !== 'number' || !(momentum > 0 && momentum < 1)) {
    throw new RangeError(`${who}: invalid momentum, got ${show(momentum)}; expected 0 < momentum < 1`);
  }
  if (momentum > 0.5) {
    console.warn(`${who}: momentum is the weight of the newest model, got ${momentum}; expected a small number such as 0.0002 (a decay β is 1 - momentum)`);
  }
  return momentum;
}

/**
 * Exponential moving average of a model's weights: `avg ← (1 - m)·avg + m·source`, from the second update on; the first
 * copies the source. A source that does not change is an exact fixed point.
 *
 * @see https://mmengine.readthedocs.io/en/latest/api/generated/mmengine.model.ExponentialMovingAverage.html
 * @see Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging
 */
export class ExponentialMovingAverage<M extends Module = Module> extends LerpAverage<M> {
  /** Weight of the newest model. */
  readonly momentum: number;

  /**
   * @param model - the source; it is copied
   * @param options - `momentum`, and those of every average: `interval`, `device`, `updateBuffers`
   * @throws RangeError unless 0 < momentum < 1 and interval ≥ 1; above 0.5 it warns, since small values are usual
   */
  constructor(model: M, options: EMAOptions = {}) {
    super(model, options, ['momentum']);
    this.momentum = checkMomentum(this.constructor.name, options.momentum ?? 0.0002);
  }

  override weight(): number {
    return this.momentum;
  }
}

import { show } from '../core/errors.ts';
import type { Module } from '../nn/module.ts';
import type { AveragedOptions } from './averaged.ts';
import { checkMomentum } from './ema.ts';
import { LerpAverage } from './lerp.ts';

/** Options of `MomentumAnnealingEMA`. */
export interface AnnealingOptions extends AveragedOptions {
  /** Weight of the newest model that the annealing ends at; default 0.0002. */
  readonly momentum?: number;
  /** How slowly the weight falls; above 0, default 100. */
  readonly gamma?: number;
}

/**
 * Exponential moving average whose weight falls from 1 to `momentum` as training goes on:
 * `m = max(momentum, γ / (γ + steps))`, then `avg ← (1 - m)·avg + m·source`.
 *
 * @see https://mmengine.readthedocs.io/en/latest/api/generated/mmengine.model.MomentumAnnealingEMA.html
 */
export class MomentumAnnealingEMA<M extends Module = Module> extends LerpAverage<M> {
  /** Smallest weight of the newest model. */
  readonly momentum: number;
  /** How slowly the weight falls. */
  readonly gamma: number;

  /**
   * @param model - the source; it is copied
   * @param options - `momentum`, `gamma`, and those of every average
   * @throws RangeError unless 0 < momentum < 1 and gamma > 0
   */
  constructor(model: M, options: AnnealingOptions = {}) {
    super(model, options, ['momentum', 'gamma']);
    const { gamma = 100 } = options;
    this.momentum = checkMomentum(this.constructor.name, options.momentum ?? 0.0002);
    if (typeof gamma !== 'number' || !(gamma > 0 && Number.isFinite(gamma))) {
      throw new RangeError(`${this.constructor.name}: invalid gamma, got ${show(gamma)}; expected a number > 0`);
    }
    this.gamma = gamma;
  }

  override weight(steps: number): number {
    return Math.max(this.momentum, this.gamma / (this.gamma + steps));
  }
}

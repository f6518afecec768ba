import { show } from '../core/errors.ts';
import type { Module } from '../nn/module.ts';
import type { AveragedOptions } from './averaged.ts';
import { LerpAverage } from './lerp.ts';

/** Options of `WarmupEMA`. */
export interface WarmupOptions extends AveragedOptions {
  /** Largest decay, 0 to 1; default 0.9999. */
  readonly decay?: number;
  /** Inverse multiplicative factor of the warm-up; above 0, default 1. */
  readonly invGamma?: number;
  /** Exponent of the warm-up; above 0, default 2/3. */
  readonly power?: number;
  /** Smallest decay once warm-up has begun; default 0. */
  readonly minDecay?: number;
  /** Calls during which the average follows the source; default 0. */
  readonly updateAfterStep?: number;
}

/**
 * Exponential moving average whose decay warms up: with `t = max(0, steps - updateAfterStep - 1)`, the decay is 0 for `t = 0`, else
 * `1 - (1 + t/invGamma)^-power` limited to `minDecay` … `decay`; then `avg ← decay·avg + (1 - decay)·source`.
 *
 * @see https://huggingface.co/docs/diffusers/api/utilities (EMAModel), timm's ModelEmaV3, ema-pytorch
 */
export class WarmupEMA<M extends Module = Module> extends LerpAverage<M> {
  /** Largest decay. */
  readonly decay: number;
  /** Inverse multiplicative factor of the warm-up. */
  readonly invGamma: number;
  /** Exponent of the warm-up. */
  readonly power: number;
  /** Smallest decay once warm-up has begun. */
  readonly minDecay: number;
  /** Calls during which the average follows the source. */
  readonly updateAfterStep: number;

  /**
   * @param model - the source; it is copied
   * @param options - `decay`, `invGamma`, `power`, `minDecay`, `updateAfterStep`, and those of every average
   * @throws RangeError for numbers out of range
   */
  constructor(model: M, options: WarmupOptions = {}) {
    super(model, options, ['decay', 'invGamma', 'power', 'minDecay', 'updateAfterStep']);
    const { decay = 0.9999, invGamma = 1, power = 2 / 3, minDecay = 0, updateAfterStep = 0 } = options;
    const check = (name: string, value: unknown, rule: string, ok: boolean): void => {
      if (!ok) throw new RangeError(`${this.constructor.name}: invalid ${name}, got ${show(value)}; expected ${rule}`);
    };
    check('decay', decay, '0 ≤ decay ≤ 1', decay >= 0 && decay <= 1);
    check('invGamma', invGamma, 'a number > 0', invGamma > 0 && Number.isFinite(invGamma));
    check('power', power, 'a number > 0', power > 0 && Number.isFinite(power));
    check('minDecay', minDecay, '0 ≤ minDecay ≤ decay', minDecay >= 0 && minDecay <= decay);
    check('updateAfterStep', updateAfterStep, 'an integer ≥ 0', Number.isInteger(updateAfterStep) && updateAfterStep >= 0);
    this.decay = decay;
    this.invGamma = invGamma;
    this.power = power;
    this.minDecay = minDecay;
    this.updateAfterStep = updateAfterStep;
  }

  override weight(steps: number): number {
    const t = Math.max(0, steps - this.updateAfterStep - 1);
    const warm = 1 - (1 + t / this.invGamma) ** -this.power;
    return t <= 0 ? 1 : 1 - Math.min(this.decay, Math.max(this.minDecay, warm));
  }
}

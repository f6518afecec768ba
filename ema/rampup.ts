import { show } from '../core/errors.ts';
import type { Module } from '../nn/module.ts';
import type { AveragedOptions } from './averaged.ts';
import { LerpAverage } from './lerp.ts';

/** Options of `RampUpEMA`. */
export interface RampUpOptions extends AveragedOptions {
  /** Half-life at the end, in thousands of examples; above 0, default 10. */
  readonly emaKimg?: number;
  /** Half-life as a share of the examples seen so far; null for no ramp-up; default 0.05. */
  readonly emaRampup?: number | null;
  /** Examples a call stands for; default 32. */
  readonly batchSize?: number;
  /** Smallest half-life, against division by zero; default 1e-8. */
  readonly eps?: number;
  /** Calls before the ramp-up begins; default 0. */
  readonly startIter?: number;
}

/**
 * Exponential moving average with a half-life in examples that grows with training:
 * `H = min(1000·emaKimg, (steps + 1 - startIter)·batchSize·emaRampup)`, `β = 0.5^(batchSize / max(H, eps))`,
 * `avg ← β·avg + (1 - β)·source`.
 *
 * @see Karras et al. 2020, Training generative adversarial networks with limited data, https://arxiv.org/abs/2006.06676
 */
export class RampUpEMA<M extends Module = Module> extends LerpAverage<M> {
  /** Half-life at the end, in thousands of examples. */
  readonly emaKimg: number;
  /** Half-life as a share of the examples seen so far, or null. */
  readonly emaRampup: number | null;
  /** Examples a call stands for. */
  readonly batchSize: number;
  /** Smallest half-life. */
  readonly eps: number;
  /** Calls before the ramp-up begins. */
  readonly startIter: number;

  /**
   * @param model - the source; it is copied
   * @param options - `emaKimg`, `emaRampup`, `batchSize`, `eps`, `startIter`, and those of every average
   * @throws RangeError for numbers out of range
   */
  constructor(model: M, options: RampUpOptions = {}) {
    super(model, options, ['emaKimg', 'emaRampup', 'batchSize', 'eps', 'startIter']);
    const { emaKimg = 10, emaRampup = 0.05, batchSize = 32, eps = 1e-8, startIter = 0 } = options;
    const check = (name: string, value: unknown, rule: string, ok: boolean): void => {
      if (!ok) throw new RangeError(`${this.constructor.name}: invalid ${name}, got ${show(value)}; expected ${rule}`);
    };
    check('emaKimg', emaKimg, 'a number > 0', emaKimg > 0 && Number.isFinite(emaKimg));
    check('emaRampup', emaRampup, 'a number > 0 or null', emaRampup === null || (emaRampup > 0 && Number.isFinite(emaRampup)));
    check('batchSize', batchSize, 'an integer ≥ 1', Number.isInteger(batchSize) && batchSize >= 1);
    check('eps', eps, 'a number > 0', eps > 0 && Number.isFinite(eps));
    check('startIter', startIter, 'an integer ≥ 0', Number.isInteger(startIter) && startIter >= 0);
    this.emaKimg = emaKimg;
    this.emaRampup = emaRampup;
    this.batchSize = batchSize;
    this.eps = eps;
    this.startIter = startIter;
  }

  override weight(steps: number): number {
    const end = this.emaKimg * 1000;
    const halfLife = this.emaRampup === null ? end : Math.min(end, (steps + 1 - this.startIter) * this.batchSize * this.emaRampup);
    return 1 - 0.5 ** (this.batchSize / Math.max(halfLife, this.eps));
  }
}

import { type PlacedOrNamed, given } from '../core/given.ts';
import type { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, epochs, finite } from './scheduler.ts';

/** Options of `CosineAnnealingLR`. */
export interface CosineAnnealingLROptions extends SchedulerOptions {
  /** Smallest rate; default 0. */
  readonly etaMin?: number;
}

/**
 * Lets the rates go from where they start to `etaMin` in `tMax` epochs, as `etaMin + (base - etaMin)·(1 + cos(π·t / tMax)) / 2`, and back up after that.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html
 * @see https://arxiv.org/abs/1608.03983
 */
export class CosineAnnealingLR extends LRScheduler<{ tMax: number; etaMin: number }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `tMax` (epochs down to `etaMin`, ≥ 1), `etaMin`, `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<CosineAnnealingLROptions & { readonly tMax: number }, ['tMax', 'etaMin', 'lastEpoch']>) {
    const { tMax, etaMin = 0, lastEpoch } = given<CosineAnnealingLROptions & { readonly tMax: number }>('CosineAnnealingLR', ['tMax', 'etaMin', 'lastEpoch'], args);
    super(optimizer, { tMax, etaMin }, { tMax: { ...epochs, key: 'T_max' }, etaMin: finite }, lastEpoch);
  }

  protected override getLr(): number[] {
    const { tMax, etaMin } = this.settings;
    const t = this.lastEpoch;
    const wave = (at: number): number => 1 + Math.cos((Math.PI * at) / tMax);
    return this.rates((lr, baseLr) => {
      if (this.isInitial) return lr;
      if (this.stepCount === 1 && t > 0) return etaMin + ((baseLr - etaMin) * wave(t)) / 2;
      // At the bottom the recursion would divide by 0.
      if ((t - 1 - tMax) % (2 * tMax) === 0) return lr + ((baseLr - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2;
      return (wave(t) / wave(t - 1)) * (lr - etaMin) + etaMin;
    });
  }

  protected override closedForm(): number[] {
    const { tMax, etaMin } = this.settings;
    return this.rates((_, baseLr) => etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * this.lastEpoch) / tMax))) / 2);
  }
}

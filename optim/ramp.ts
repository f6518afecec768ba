import { type PlacedOrNamed, given } from '../core/given.ts';
import type { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, epochs, factor, finite, fraction } from './scheduler.ts';

/** Options of `ConstantLR`. */
export interface ConstantLROptions extends SchedulerOptions {
  /** What the rates are multiplied by at first, above 0 and at most 1; default 1/3. */
  readonly factor?: number;
  /** Epoch at which the rates return; default 5. */
  readonly totalIters?: number;
}

/**
 * Multiplies the rates by a constant until epoch `totalIters`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ConstantLR.html
 */
export class ConstantLR extends LRScheduler<{ factor: number; totalIters: number }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `factor`, `totalIters`, `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<ConstantLROptions, ['factor', 'totalIters', 'lastEpoch']>) {
    const { factor: scale = 1 / 3, totalIters = 5, lastEpoch } = given<ConstantLROptions>('ConstantLR', ['factor', 'totalIters', 'lastEpoch'], args);
    super(optimizer, { factor: scale, totalIters }, { factor, totalIters: epochs }, lastEpoch);
  }

  protected override getLr(): number[] {
    const { factor: scale, totalIters } = this.settings;
    return this.rates((lr) => (this.lastEpoch === 0 ? lr * scale : this.lastEpoch === totalIters ? lr * (1 / scale) : lr));
  }

  protected override closedForm(): number[] {
    const { factor: scale, totalIters } = this.settings;
    return this.rates((_, baseLr) => (this.lastEpoch < totalIters ? baseLr * scale : baseLr));
  }
}

/** Options of `LinearLR`. */
export interface LinearLROptions extends SchedulerOptions {
  /** What the rates are multiplied by in the first epoch, above 0 and at most 1; default 1/3. */
  readonly startFactor?: number;
  /** What they are multiplied by in the end, from 0 to 1; default 1. */
  readonly endFactor?: number;
  /** Epoch at which the end is reached; default 5. */
  readonly totalIters?: number;
}

/**
 * Multiplies the rates by a factor that goes linearly from `startFactor` to `endFactor` in `totalIters` epochs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html
 */
export class LinearLR extends LRScheduler<{ startFactor: number; endFactor: number; totalIters: number }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `startFactor`, `endFactor`, `totalIters`, `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<LinearLROptions, ['startFactor', 'endFactor', 'totalIters', 'lastEpoch']>) {
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5, lastEpoch } = given<LinearLROptions>('LinearLR', ['startFactor', 'endFactor', 'totalIters', 'lastEpoch'], args);
    super(optimizer, { startFactor, endFactor, totalIters }, { startFactor: factor, endFactor: fraction, totalIters: epochs }, lastEpoch);
  }

  protected override getLr(): number[] {
    const { startFactor, endFactor, totalIters } = this.settings;
    const rise = endFactor - startFactor;
    return this.rates((lr) => {
      if (this.lastEpoch === 0) return lr * startFactor;
      if (this.isInitial || this.lastEpoch > totalIters) return lr;
      return lr * (1 + rise / (totalIters * startFactor + (this.lastEpoch - 1) * rise));
    });
  }

  protected override closedForm(): number[] {
    const { startFactor, endFactor, totalIters } = this.settings;
    return this.rates((_, baseLr) => baseLr * (startFactor + ((endFactor - startFactor) * Math.min(totalIters, this.lastEpoch)) / totalIters));
  }
}

/** Options of `PolynomialLR`. */
export interface PolynomialLROptions extends SchedulerOptions {
  /** Epoch at which 0 is reached; default 5. */
  readonly totalIters?: number;
  /** Exponent; default 1. */
  readonly power?: number;
}

/**
 * Lets the rates fall to 0 as `(1 - t / totalIters)^power`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html
 */
export class PolynomialLR extends LRScheduler<{ totalIters: number; power: number }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `totalIters`, `power`, `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<PolynomialLROptions, ['totalIters', 'power', 'lastEpoch']>) {
    const { totalIters = 5, power = 1, lastEpoch } = given<PolynomialLROptions>('PolynomialLR', ['totalIters', 'power', 'lastEpoch'], args);
    super(optimizer, { totalIters, power }, { totalIters: epochs, power: finite }, lastEpoch);
  }

  protected override getLr(): number[] {
    const { totalIters, power } = this.settings;
    if (this.isInitial || this.lastEpoch > totalIters) return this.rates((lr) => lr);
    const decay = ((1 - this.lastEpoch / totalIters) / (1 - (this.lastEpoch - 1) / totalIters)) ** power;
    return this.rates((lr) => lr * decay);
  }

  protected override closedForm(): number[] {
    const { totalIters, power } = this.settings;
    return this.rates((_, baseLr) => baseLr * (1 - Math.min(totalIters, this.lastEpoch) / totalIters) ** power);
  }
}

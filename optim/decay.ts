import { type PlacedOrNamed, given } from '../core/given.ts';
import type { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, type Setting, epochs, finite } from './scheduler.ts';

/** Options of `StepLR` and `MultiStepLR`. */
export interface GammaOptions extends SchedulerOptions {
  /** Factor of each decay; default 0.1. */
  readonly gamma?: number;
}

/**
 * Multiplies the rates by `gamma` every `stepSize` epochs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html
 */
export class StepLR extends LRScheduler<{ stepSize: number; gamma: number }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `stepSize` (epochs between decays, ≥ 1), `gamma`, `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<GammaOptions & { readonly stepSize: number }, ['stepSize', 'gamma', 'lastEpoch']>) {
    const { stepSize, gamma = 0.1, lastEpoch } = given<GammaOptions & { readonly stepSize: number }>('StepLR', ['stepSize', 'gamma', 'lastEpoch'], args);
    super(optimizer, { stepSize, gamma }, { stepSize: epochs, gamma: finite }, lastEpoch);
  }

  protected override getLr(): number[] {
    const { stepSize, gamma } = this.settings;
    return this.rates((lr) => (this.lastEpoch === 0 || this.lastEpoch % stepSize !== 0 ? lr : lr * gamma));
  }

  protected override closedForm(): number[] {
    const { stepSize, gamma } = this.settings;
    return this.rates((_, baseLr) => baseLr * gamma ** Math.floor(this.lastEpoch / stepSize));
  }
}

const isMilestones = (v: unknown): v is readonly number[] => Array.isArray(v) && v.every((x) => Number.isSafeInteger(x) && x >= 0);

/** PyTorch saves how often each milestone occurs. */
const milestones: Setting<readonly number[]> = {
  rule: 'integers ≥ 0',
  test: isMilestones,
  save: (list) => Object.fromEntries([...new Set(list)].map((at) => [at, list.filter((x) => x === at).length])),
  load: (saved) => {
    if (typeof saved !== 'object' || saved === null || Array.isArray(saved)) return null;
    const entries = Object.entries(saved).map(([at, times]: [string, unknown]): number[] | null =>
      typeof times === 'number' && Number.isSafeInteger(times) && times >= 0 && times < 1e6 ? new Array<number>(times).fill(Number(at)) : null,
    );
    return entries.includes(null) ? null : entries.flat();
  },
};

/**
 * Multiplies the rates by `gamma` at each of the milestones.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html
 */
export class MultiStepLR extends LRScheduler<{ milestones: readonly number[]; gamma: number }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `milestones` (epochs at which to decay, each ≥ 0; one that is listed twice decays twice), `gamma`, `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<GammaOptions & { readonly milestones: readonly number[] }, ['milestones', 'gamma', 'lastEpoch']>) {
    const { milestones: at, gamma = 0.1, lastEpoch } = given<GammaOptions & { readonly milestones: readonly number[] }>('MultiStepLR', ['milestones', 'gamma', 'lastEpoch'], args);
    // A copy, or what is no list for the base to refuse.
    const list = isMilestones(at) ? [...at] : at;
    super(optimizer, { milestones: list, gamma }, { milestones, gamma: finite }, lastEpoch);
  }

  protected override getLr(): number[] {
    const times = this.settings.milestones.filter((at) => at === this.lastEpoch).length;
    return this.rates((lr) => (times === 0 ? lr : lr * this.settings.gamma ** times));
  }

  protected override closedForm(): number[] {
    const times = this.settings.milestones.filter((at) => at <= this.lastEpoch).length;
    return this.rates((_, baseLr) => baseLr * this.settings.gamma ** times);
  }
}

/**
 * Multiplies the rates by `gamma` every epoch.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html
 */
export class ExponentialLR extends LRScheduler<{ gamma: number }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `gamma` (factor of each epoch), `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<SchedulerOptions & { readonly gamma: number }, ['gamma', 'lastEpoch']>) {
    const { gamma, lastEpoch } = given<SchedulerOptions & { readonly gamma: number }>('ExponentialLR', ['gamma', 'lastEpoch'], args);
    super(optimizer, { gamma }, { gamma: finite }, lastEpoch);
  }

  protected override getLr(): number[] {
    return this.rates((lr) => (this.isInitial ? lr : lr * this.settings.gamma));
  }

  protected override closedForm(): number[] {
    return this.rates((_, baseLr) => baseLr * this.settings.gamma ** this.lastEpoch);
  }
}

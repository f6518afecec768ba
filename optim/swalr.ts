import { ArgumentError, show } from '../core/errors.ts';
import { type PlacedOrNamed, given } from '../core/given.ts';
import type { PerGroup } from './check.ts';
import { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, type Setting } from './scheduler.ts';

/** Options of `SWALR`. */
export interface SWALROptions extends SchedulerOptions {
  /** Epochs on the way to the new rate, ≥ 0; default 10. */
  readonly annealEpochs?: number;
  /** Along half a cosine or a line; default 'cos'. */
  readonly annealStrategy?: 'cos' | 'linear';
}

interface Settings {
  annealEpochs: number;
  swaLr: readonly number[];
  annealStrategy: 'cos' | 'linear';
}

const annealEpochs: Setting<number> = { rule: 'an integer ≥ 0', test: (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 };

const annealStrategy: Setting<'cos' | 'linear'> = { rule: "'cos' or 'linear'", test: (v: unknown): v is 'cos' | 'linear' => v === 'cos' || v === 'linear', optional: true, key: '_anneal_strategy' };

const isRate = (v: unknown): v is number => typeof v === 'number' && v >= 0 && Number.isFinite(v);

const swaLr = (groups: number): Setting<readonly number[]> => ({
  rule: `a number ≥ 0, or one for each of ${groups} groups`,
  test: (v: unknown): v is readonly number[] => Array.isArray(v) && v.length === groups && v.every(isRate),
  save: (rates) => [...rates],
  optional: true,
});

/**
 * Takes the rates from where they are to a constant one in `annealEpochs` epochs, for averaging at that rate: with `α` going from 0 to 1, along
 * a line or as `(1 - cos(π·t)) / 2`, the rate is `α·swaLr + (1 - α)·before`. May follow another scheduler.
 *
 * @see https://pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema and Izmailov et al. 2018, https://arxiv.org/abs/1803.05407
 */
export class SWALR extends LRScheduler<Settings> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `swaLr` (the constant rate, or one for each group), `annealEpochs`, `annealStrategy`, `lastEpoch`: by place or by name
   * @throws ArgumentError for a rate or an option out of range
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<SWALROptions & { readonly swaLr: PerGroup }, ['swaLr', 'annealEpochs', 'annealStrategy', 'lastEpoch']>) {
    const { swaLr: rate, lastEpoch, ...options } = given<SWALROptions & { readonly swaLr: PerGroup }>('SWALR', ['swaLr', 'annealEpochs', 'annealStrategy', 'lastEpoch'], args);
    if (!(optimizer instanceof Optimizer)) throw new ArgumentError(`SWALR: not an optimizer, got ${show(optimizer)}; expected an Optimizer`);
    const groups = optimizer.paramGroups.length;
    const rates = typeof rate === 'number' ? new Array<number>(groups).fill(rate) : rate;
    super(optimizer, { annealEpochs: options.annealEpochs ?? 10, swaLr: rates, annealStrategy: options.annealStrategy ?? 'cos' }, { annealEpochs, swaLr: swaLr(groups), annealStrategy }, lastEpoch);
  }

  private share(step: number): number {
    const { annealEpochs: epochs, annealStrategy: strategy } = this.settings;
    const t = Math.max(0, Math.min(1, step / Math.max(1, epochs)));
    return strategy === 'linear' ? t : (1 - Math.cos(Math.PI * t)) / 2;
  }

  protected override getLr(): number[] {
    const { annealEpochs: epochs, swaLr: targets } = this.settings;
    const step = epochs === 0 ? Math.max(1, this.stepCount - 1) : this.stepCount - 1;
    const [before, now] = [this.share(step - 1), this.share(step)];
    return this.rates((lr, _, i) => {
      const target = targets[i];
      if (target === undefined) throw new ArgumentError(`SWALR: no rate for group ${i}, got ${targets.length} rates; expected one for each group`);
      // What the rate would be without this schedule: another scheduler may have changed it.
      const bare = before === 1 ? target : (lr - before * target) / (1 - before);
      return target * now + bare * (1 - now);
    });
  }
}

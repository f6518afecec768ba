import { ArgumentError, checkNumber, show } from '../core/errors.ts';
import { type PlacedOrNamed, given } from '../core/given.ts';
import type { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, type Setting } from './scheduler.ts';

/** Factor of the first learning rate in an epoch, counted from 0. */
export type LrLambda = (epoch: number) => number;

type Lambdas = readonly LrLambda[] | LrLambda;

const isLambdas = (v: unknown): v is Lambdas => typeof v === 'function' || (Array.isArray(v) && v.every((f) => typeof f === 'function'));

/** Functions are not saved, as in PyTorch: the state has null for each. */
const setting = (lambdas: Lambdas, groups: number): Setting<Lambdas> => ({
  rule: `a function, or one for each of ${groups} groups`,
  key: 'lr_lambdas',
  test: (v: unknown): v is Lambdas => isLambdas(v) && (typeof v === 'function' || v.length === groups),
  save: () => new Array<null>(groups).fill(null),
  load: (saved) => (Array.isArray(saved) && saved.length === groups && saved.every((f) => f === null) ? lambdas : null),
});

/**
 * Sets the rates to those the schedule starts from times a function of the epoch.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html
 */
export class LambdaLR extends LRScheduler<{ lrLambda: Lambdas }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `lrLambda` (a function of the epoch, or one for each group), `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<SchedulerOptions & { readonly lrLambda: LrLambda | readonly LrLambda[] }, ['lrLambda', 'lastEpoch']>) {
    const { lrLambda, lastEpoch } = given<SchedulerOptions & { readonly lrLambda: LrLambda | readonly LrLambda[] }>('LambdaLR', ['lrLambda', 'lastEpoch'], args);
    super(optimizer, { lrLambda }, { lrLambda: setting(lrLambda, optimizer?.paramGroups?.length ?? 1) }, lastEpoch);
  }

  protected override getLr(): number[] {
    const { lrLambda } = this.settings;
    return this.rates((_, baseLr, i) => {
      const rule = typeof lrLambda === 'function' ? lrLambda : lrLambda[i];
      if (rule === undefined) throw new ArgumentError(`LambdaLR: no function for group ${i}, got ${show(lrLambda)}; expected one for each group`);
      const scale = rule(this.lastEpoch);
      checkNumber('LambdaLR', 'factor', scale, 'a number from lrLambda', (v) => !Number.isNaN(v));
      return baseLr * scale;
    });
  }
}

/**
 * Multiplies the rates by a function of the epoch, every epoch from the second on.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiplicativeLR.html
 */
export class MultiplicativeLR extends LRScheduler<{ lrLambda: Lambdas }> {
  /**
   * @param optimizer - whose rates to set
   * @param args - `lrLambda` (a function of the epoch, or one for each group), `lastEpoch`: by place or by name
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<SchedulerOptions & { readonly lrLambda: LrLambda | readonly LrLambda[] }, ['lrLambda', 'lastEpoch']>) {
    const { lrLambda, lastEpoch } = given<SchedulerOptions & { readonly lrLambda: LrLambda | readonly LrLambda[] }>('MultiplicativeLR', ['lrLambda', 'lastEpoch'], args);
    super(optimizer, { lrLambda }, { lrLambda: setting(lrLambda, optimizer?.paramGroups?.length ?? 1) }, lastEpoch);
  }

  protected override getLr(): number[] {
    const { lrLambda } = this.settings;
    if (this.isInitial) return this.rates((lr) => lr);
    return this.rates((lr, _, i) => {
      const rule = typeof lrLambda === 'function' ? lrLambda : lrLambda[i];
      if (rule === undefined) throw new ArgumentError(`MultiplicativeLR: no function for group ${i}, got ${show(lrLambda)}; expected one for each group`);
      const scale = rule(this.lastEpoch);
      checkNumber('MultiplicativeLR', 'factor', scale, 'a number from lrLambda', (v) => !Number.isNaN(v));
      return lr * scale;
    });
  }
}

import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../core/errors.ts';
import { type PerGroup, perGroup } from './check.ts';
import { Momenta } from './momenta.ts';
import { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, type Setting, epochs } from './scheduler.ts';

/** Options of `OneCycleLR`. */
export interface OneCycleLROptions extends SchedulerOptions {
  /** Steps of the cycle; or `epochs` and `stepsPerEpoch`. */
  readonly totalSteps?: number | null;
  readonly epochs?: number | null;
  readonly stepsPerEpoch?: number | null;
  /** Part of the cycle in which the rate rises; default 0.3. */
  readonly pctStart?: number;
  /** Along half a cosine (default) or a line. */
  readonly annealStrategy?: 'cos' | 'linear';
  /** Whether the momentum moves against the rate; default true. */
  readonly cycleMomentum?: boolean;
  /** Smallest momentum; default 0.85. */
  readonly baseMomentum?: PerGroup;
  /** Largest momentum; default 0.95. */
  readonly maxMomentum?: PerGroup;
  /** The first rate is the largest over this; default 25. */
  readonly divFactor?: number;
  /** The last rate is the first over this; default 1e4. */
  readonly finalDivFactor?: number;
  /** Down as long as up, and then to the end, instead of down to the end at once; default false. */
  readonly threePhase?: boolean;
}

interface Settings {
  totalSteps: number;
  cycleMomentum: boolean;
}

/** A part of the cycle: when it ends, and from which to which value rate and momentum go. */
interface Phase {
  readonly end: number;
  readonly rate: readonly [keyof Rates, keyof Rates];
  readonly momentum: readonly ['low' | 'high', 'low' | 'high'];
}

interface Rates {
  readonly initial: number;
  readonly max: number;
  readonly min: number;
}

/** The cycle of all groups. */
interface Plan {
  readonly phases: readonly Phase[];
  readonly rates: readonly Rates[];
  readonly cos: boolean;
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly momenta: Momenta | null;
}

/** Settings with what follows from the arguments, which is not saved. */
interface Planned extends Settings {
  readonly plan: Plan;
}

const flag: Setting<boolean> = { rule: 'true or false', test: (v: unknown): v is boolean => typeof v === 'boolean' };
const names = ['totalSteps', 'epochs', 'stepsPerEpoch', 'pctStart', 'annealStrategy', 'cycleMomentum', 'baseMomentum', 'maxMomentum', 'divFactor', 'finalDivFactor', 'threePhase', 'lastEpoch'];

function stepsOf({ totalSteps, epochs: count, stepsPerEpoch }: OneCycleLROptions): number {
  const whole = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 1;
  if (totalSteps !== undefined && totalSteps !== null) {
    if (!whole(totalSteps)) throw new ArgumentError(`OneCycleLR: invalid totalSteps, got ${show(totalSteps)}; expected an integer ≥ 1`);
    return totalSteps;
  }
  if (!whole(count) || !whole(stepsPerEpoch)) throw new ArgumentError(`OneCycleLR: the length of the cycle is open, got epochs ${show(count)} and stepsPerEpoch ${show(stepsPerEpoch)}; expected totalSteps, or both as integers ≥ 1`);
  return count * stepsPerEpoch;
}

/**
 * One cycle for a whole run, to be stepped after every batch: the rate rises from `maxLr / divFactor` to `maxLr` and falls far below where it began, and the momentum
 * moves against it.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
 * @see https://arxiv.org/abs/1708.07120
 */
export class OneCycleLR extends LRScheduler<Settings> {
  /**
   * @param optimizer - whose rates and momenta to set
   * @param maxLr - the largest rate, or one for each group
   * @param options - see `OneCycleLROptions`
   * @throws ArgumentError for an open length or options out of range; StateError for an optimizer without momentum
   */
  constructor(optimizer: Optimizer, maxLr: PerGroup, options: OneCycleLROptions = {}) {
    const { plan, totalSteps, cycleMomentum } = planOf(optimizer, maxLr, options);
    if ((options.lastEpoch ?? -1) === -1) {
      optimizer.paramGroups.forEach((group, i) => {
        group.initialLr = plan.rates[i].initial;
        plan.momenta?.set(i, plan.high[i]);
      });
    }
    const settings: Planned = { totalSteps, cycleMomentum, plan };
    super(optimizer, settings, { totalSteps: epochs, cycleMomentum: { ...flag, optional: true } }, options.lastEpoch);
  }

  private get plan(): Plan {
    return (this.settings as Planned).plan;
  }

  /** The part of the cycle that step `lastEpoch` lies in, and how far. */
  private place(): { readonly phase: Phase; readonly share: number } {
    const { phases } = this.plan;
    let start = 0;
    for (const [i, phase] of phases.entries()) {
      if (this.lastEpoch <= phase.end || i === phases.length - 1) return { phase, share: (this.lastEpoch - start) / (phase.end - start) };
      start = phase.end;
    }
    throw new StateError('OneCycleLR: no phases, got an empty plan; expected at least one');
  }

  private between(from: number, to: number, share: number): number {
    return this.plan.cos ? to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1) : (to - from) * share + from;
  }

  protected override getLr(): number[] {
    const { totalSteps } = this.settings;
    if (this.lastEpoch > totalSteps) throw new StateError(`OneCycleLR: the cycle is over, got step ${this.lastEpoch}; expected at most ${totalSteps}`);
    const { phase, share } = this.place();
    return this.plan.rates.map((rates) => this.between(rates[phase.rate[0]], rates[phase.rate[1]], share));
  }

  protected override afterStep(): void {
    const { momenta, low, high } = this.plan;
    if (momenta === null) return;
    const { phase, share } = this.place();
    const at = (which: 'low' | 'high', i: number): number => (which === 'low' ? low[i] : high[i]);
    low.forEach((_, i) => momenta.set(i, this.between(at(phase.momentum[0], i), at(phase.momentum[1], i), share)));
  }
}

function planOf(optimizer: Optimizer, maxLr: PerGroup, options: OneCycleLROptions): { readonly plan: Plan; readonly totalSteps: number; readonly cycleMomentum: boolean } {
  checkOptions('OneCycleLR', options, names);
  if (!(optimizer instanceof Optimizer)) throw new ArgumentError(`OneCycleLR: not an optimizer, got ${show(optimizer)}; expected an Optimizer`);
  const { pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true, baseMomentum = 0.85, maxMomentum = 0.95, divFactor = 25, finalDivFactor = 1e4, threePhase = false } = options;
  const totalSteps = stepsOf(options);
  checkNumber('OneCycleLR', 'pctStart', pctStart, 'a number from 0 to 1', (v) => v >= 0 && v <= 1);
  if (annealStrategy !== 'cos' && annealStrategy !== 'linear') throw new ArgumentError(`OneCycleLR: unknown annealStrategy, got ${show(annealStrategy)}; expected 'cos' or 'linear'`);
  const groups = optimizer.paramGroups.length;
  const last = totalSteps - 1;
  const up: Phase = { end: pctStart * totalSteps - 1, rate: ['initial', 'max'], momentum: ['high', 'low'] };
  const phases: readonly Phase[] = threePhase
    ? [up, { end: 2 * pctStart * totalSteps - 2, rate: ['max', 'initial'], momentum: ['low', 'high'] }, { end: last, rate: ['initial', 'min'], momentum: ['high', 'high'] }]
    : [up, { end: last, rate: ['max', 'min'], momentum: ['low', 'high'] }];
  const rates = perGroup('OneCycleLR', 'maxLr', maxLr, groups).map((max) => ({ initial: max / divFactor, max, min: max / divFactor / finalDivFactor }));
  const momenta = cycleMomentum ? new Momenta('OneCycleLR', optimizer) : null;
  const [low, high] = [perGroup('OneCycleLR', 'baseMomentum', baseMomentum, groups), perGroup('OneCycleLR', 'maxMomentum', maxMomentum, groups)];
  return { plan: { phases, rates, cos: annealStrategy === 'cos', low, high, momenta }, totalSteps, cycleMomentum };
}

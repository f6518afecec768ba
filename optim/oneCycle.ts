import { ArgumentError, StateError, checkNumber, show } from '../core/errors.ts';
import { type PlacedOrNamed, given } from '../core/given.ts';
import { type PerGroup, checkFlag, perGroup } from './check.ts';
import { Momenta } from './momenta.ts';
import { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, type Setting, epochs, flag } from './scheduler.ts';

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

/** A part of the cycle: when it ends, and from which to which value rate and momentum go. */
interface Phase {
  readonly end: number;
  readonly rate: readonly [RateName, RateName];
  readonly momentum: readonly [MomentumName, MomentumName];
}

type RateName = 'initial_lr' | 'max_lr' | 'min_lr';
type MomentumName = 'base_momentum' | 'max_momentum';

interface Settings {
  totalSteps: number;
  cycleMomentum: boolean;
  phases: readonly Phase[];
  annealStrategy: 'cos' | 'linear';
}

/** Settings with what follows from the arguments and is not saved. */
interface Planned extends Settings {
  readonly rates: readonly Readonly<Record<RateName, number>>[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly momenta: Momenta | null;
}

const isRateName = (v: unknown): v is RateName => v === 'initial_lr' || v === 'max_lr' || v === 'min_lr';
const isMomentumName = (v: unknown): v is MomentumName => v === 'base_momentum' || v === 'max_momentum';

function isPhase(v: unknown): v is Phase {
  const { end, rate, momentum } = v as Partial<Phase>;
  return typeof end === 'number' && rate !== undefined && rate.every(isRateName) && momentum !== undefined && momentum.every(isMomentumName);
}

/** In PyTorch's form. */
const phases: Setting<readonly Phase[]> = {
  rule: 'phases of a cycle',
  key: '_schedule_phases',
  optional: true,
  test: (v: unknown): v is readonly Phase[] => Array.isArray(v) && v.length > 0 && v.every(isPhase),
  save: (list) => list.map(({ end, rate, momentum }) => ({ end_step: end, start_lr: rate[0], end_lr: rate[1], start_momentum: momentum[0], end_momentum: momentum[1] })),
  load: (saved) => {
    if (!Array.isArray(saved)) return null;
    return saved.map((phase: unknown) => {
      const fields: Readonly<Record<string, unknown>> = typeof phase === 'object' && phase !== null ? (phase as Readonly<Record<string, unknown>>) : {};
      return { end: fields.end_step, rate: [fields.start_lr, fields.end_lr], momentum: [fields.start_momentum, fields.end_momentum] };
    });
  },
};

const strategy: Setting<'cos' | 'linear'> = { rule: "'cos' or 'linear'", test: (v: unknown): v is 'cos' | 'linear' => v === 'cos' || v === 'linear', key: '_anneal_func_type', optional: true };

const names = ['maxLr', 'totalSteps', 'epochs', 'stepsPerEpoch', 'pctStart', 'annealStrategy', 'cycleMomentum', 'baseMomentum', 'maxMomentum', 'divFactor', 'finalDivFactor', 'threePhase', 'lastEpoch'] as const;

/** What a cycle is made from. */
type Given = OneCycleLROptions & { readonly maxLr: PerGroup };

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
   * @param args - `maxLr` (the largest rate, or one for each group) and what `OneCycleLROptions` lists, by place in this order, or by name
   * @throws ArgumentError for an open length or options out of range; StateError for an optimizer without momentum
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<OneCycleLROptions & { readonly maxLr: PerGroup }, typeof names>) {
    const options = given<Given>('OneCycleLR', names, args);
    super(optimizer, planOf(optimizer, options), { totalSteps: epochs, cycleMomentum: { ...flag, optional: true }, phases, annealStrategy: strategy }, options.lastEpoch);
  }

  protected override prepare(): void {
    const { rates, high, momenta } = this.settings as Planned;
    this.optimizer.paramGroups.forEach((group, i) => {
      group.initialLr = rates[i].initial_lr;
      momenta?.set(i, high[i]);
    });
  }

  /** The part of the cycle that step `lastEpoch` lies in, and how far. */
  private place(): { readonly phase: Phase; readonly share: number } {
    const list = this.settings.phases;
    let start = 0;
    let i = 0;
    while (i < list.length - 1 && this.lastEpoch > list[i].end) start = list[i++].end;
    if (list[i].end === start) throw new StateError(`OneCycleLR: a part of the cycle has no length, got step ${this.lastEpoch} in part ${i + 1}; expected parts of at least one step`);
    return { phase: list[i], share: (this.lastEpoch - start) / (list[i].end - start) };
  }

  private between(from: number, to: number, share: number): number {
    return this.settings.annealStrategy === 'cos' ? to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1) : (to - from) * share + from;
  }

  protected override getLr(): number[] {
    const { totalSteps, rates } = this.settings as Planned;
    if (this.lastEpoch > totalSteps) throw new StateError(`OneCycleLR: the cycle is over, got step ${this.lastEpoch}; expected at most ${totalSteps}`);
    const { phase, share } = this.place();
    return rates.map((own) => this.between(own[phase.rate[0]], own[phase.rate[1]], share));
  }

  protected override afterStep(): void {
    const { momenta, low, high } = this.settings as Planned;
    if (momenta === null) return;
    const { phase, share } = this.place();
    const at = (which: MomentumName, i: number): number => (which === 'base_momentum' ? low[i] : high[i]);
    low.forEach((_, i) => momenta.set(i, this.between(at(phase.momentum[0], i), at(phase.momentum[1], i), share)));
  }
}

function planOf(optimizer: Optimizer, options: Given): Planned {
  if (!(optimizer instanceof Optimizer)) throw new ArgumentError(`OneCycleLR: not an optimizer, got ${show(optimizer)}; expected an Optimizer`);
  const { pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true, baseMomentum = 0.85, maxMomentum = 0.95, divFactor = 25, finalDivFactor = 1e4, threePhase = false } = options;
  const totalSteps = stepsOf(options);
  checkNumber('OneCycleLR', 'pctStart', pctStart, 'a number from 0 to 1', (v) => v >= 0 && v <= 1);
  if (pctStart * totalSteps === 1) throw new ArgumentError(`OneCycleLR: the rise has no length, got pctStart ${pctStart} of ${totalSteps} steps; expected another share than one step`);
  checkFlag('OneCycleLR', 'threePhase', threePhase);
  for (const [key, value] of Object.entries({ divFactor, finalDivFactor })) checkNumber('OneCycleLR', key, value, 'a finite number other than 0', (v) => Number.isFinite(v) && v !== 0);
  if (annealStrategy !== 'cos' && annealStrategy !== 'linear') throw new ArgumentError(`OneCycleLR: unknown annealStrategy, got ${show(annealStrategy)}; expected 'cos' or 'linear'`);
  const groups = optimizer.paramGroups.length;
  const last = totalSteps - 1;
  const up: Phase = { end: pctStart * totalSteps - 1, rate: ['initial_lr', 'max_lr'], momentum: ['max_momentum', 'base_momentum'] };
  const parts: readonly Phase[] = threePhase
    ? [
        up,
        { end: 2 * pctStart * totalSteps - 2, rate: ['max_lr', 'initial_lr'], momentum: ['base_momentum', 'max_momentum'] },
        { end: last, rate: ['initial_lr', 'min_lr'], momentum: ['max_momentum', 'max_momentum'] },
      ]
    : [up, { end: last, rate: ['max_lr', 'min_lr'], momentum: ['base_momentum', 'max_momentum'] }];
  const rates = perGroup('OneCycleLR', 'maxLr', options.maxLr, groups).map((max) => ({ initial_lr: max / divFactor, max_lr: max, min_lr: max / divFactor / finalDivFactor }));
  const [low, high] = [perGroup('OneCycleLR', 'baseMomentum', baseMomentum, groups), perGroup('OneCycleLR', 'maxMomentum', maxMomentum, groups)];
  return { totalSteps, cycleMomentum, phases: parts, annealStrategy, rates, low, high, momenta: cycleMomentum ? new Momenta('OneCycleLR', optimizer) : null };
}

import { ArgumentError, checkNumber, show } from '../core/errors.ts';
import { type PlacedOrNamed, given } from '../core/given.ts';
import { type PerGroup, checkFlag, perGroup } from './check.ts';
import { Momenta } from './momenta.ts';
import { Optimizer } from './optimizer.ts';
import { LRScheduler, type SchedulerOptions, type Setting, finite, flag, perGroupRates } from './scheduler.ts';

/** Options of `CyclicLR`. */
export interface CyclicLROptions extends SchedulerOptions {
  /** Steps up; default 2000. */
  readonly stepSizeUp?: number;
  /** Steps down; default as many as up. */
  readonly stepSizeDown?: number | null;
  /** All cycles as high ('triangular', default), each half as high as the one before ('triangular2'), or as high as `gamma^step` ('exp_range'). */
  readonly mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** Default 1. */
  readonly gamma?: number;
  /** The height of the cycle instead of `mode`, from the number of the cycle (from 1) or of the step. */
  readonly scaleFn?: ((x: number) => number) | null;
  /** What `scaleFn` gets; default 'cycle'. */
  readonly scaleMode?: 'cycle' | 'iterations';
  /** Whether the momentum moves against the rate; default true. */
  readonly cycleMomentum?: boolean;
  /** Smallest momentum; default 0.8. */
  readonly baseMomentum?: PerGroup;
  /** Largest momentum; default 0.9. */
  readonly maxMomentum?: PerGroup;
}

interface Settings {
  totalSize: number;
  stepRatio: number;
  mode: string;
  gamma: number;
  scaleMode: 'cycle' | 'iterations';
  cycleMomentum: boolean;
  maxLrs: readonly number[];
  baseMomentums: readonly number[];
  maxMomentums: readonly number[];
}

/** Settings with what is not saved. */
interface Planned extends Settings {
  readonly scaleFn: ((x: number) => number) | null;
  readonly lower: readonly number[];
  readonly momenta: Momenta | null;
}

const names = ['baseLr', 'maxLr', 'stepSizeUp', 'stepSizeDown', 'mode', 'gamma', 'scaleFn', 'scaleMode', 'cycleMomentum', 'baseMomentum', 'maxMomentum', 'lastEpoch'] as const;

const positive: Setting<number> = { rule: 'a number > 0', test: (v: unknown): v is number => typeof v === 'number' && v > 0 && v < Infinity };
const anything: Setting<string> = { rule: 'a string', test: (v: unknown): v is string => typeof v === 'string' };
const scaleModes: Setting<'cycle' | 'iterations'> = { rule: "'cycle' or 'iterations'", test: (v: unknown): v is 'cycle' | 'iterations' => v === 'cycle' || v === 'iterations', optional: true };
const momenta: Setting<readonly number[]> = { ...perGroupRates, optional: true };

const checks = {
  totalSize: positive, stepRatio: positive, mode: anything, gamma: finite, scaleMode: scaleModes, cycleMomentum: flag, maxLrs: perGroupRates, baseMomentums: momenta, maxMomentums: momenta,
};

/**
 * Lets the rates go up and down between two bounds, to be stepped after every batch, and the momentum against them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CyclicLR.html
 * @see https://arxiv.org/abs/1506.01186
 */
export class CyclicLR extends LRScheduler<Settings> {
  /**
   * @param optimizer - whose rates and momenta to set
   * @param args - `baseLr` (the lower bound, or one for each group: the rate to start from), `maxLr` (the upper bound, or one for each group) and what `CyclicLROptions` lists, by place in
   *   this order, or by name
   * @throws ArgumentError for options out of range; StateError for an optimizer without momentum
   */
  constructor(optimizer: Optimizer, ...args: PlacedOrNamed<CyclicLROptions & { readonly baseLr: PerGroup; readonly maxLr: PerGroup }, typeof names>) {
    const options = given<CyclicLROptions & { readonly baseLr: PerGroup; readonly maxLr: PerGroup }>('CyclicLR', names, args);
    const { baseLr, maxLr } = options;
    if (!(optimizer instanceof Optimizer)) throw new ArgumentError(`CyclicLR: not an optimizer, got ${show(optimizer)}; expected an Optimizer`);
    const { stepSizeUp = 2000, mode = 'triangular', gamma = 1, scaleFn = null, scaleMode = 'cycle', cycleMomentum = true, baseMomentum = 0.8, maxMomentum = 0.9, lastEpoch = -1 } = options;
    const stepSizeDown = options.stepSizeDown ?? stepSizeUp;
    checkFlag('CyclicLR', 'cycleMomentum', cycleMomentum);
    for (const [key, value] of Object.entries({ stepSizeUp, stepSizeDown })) checkNumber('CyclicLR', key, value, 'a number > 0', (v) => v > 0);
    if (!['triangular', 'triangular2', 'exp_range'].includes(mode) && scaleFn === null) throw new ArgumentError(`CyclicLR: unknown mode, got ${show(mode)}; expected 'triangular', 'triangular2' or 'exp_range', or a scaleFn`);
    if (scaleFn !== null && typeof scaleFn !== 'function') throw new ArgumentError(`CyclicLR: scaleFn is not a function, got ${show(scaleFn)}; expected a function of a number`);
    const groups = optimizer.paramGroups.length;
    const lower = perGroup('CyclicLR', 'baseLr', baseLr, groups);
    const totalSize = stepSizeUp + stepSizeDown;
    const settings: Planned = {
      totalSize,
      stepRatio: stepSizeUp / totalSize,
      mode,
      gamma,
      scaleMode: scaleFn === null ? (mode === 'exp_range' ? 'iterations' : 'cycle') : scaleMode,
      cycleMomentum,
      maxLrs: [...perGroup('CyclicLR', 'maxLr', maxLr, groups)],
      baseMomentums: [...perGroup('CyclicLR', 'baseMomentum', baseMomentum, groups)],
      maxMomentums: [...perGroup('CyclicLR', 'maxMomentum', maxMomentum, groups)],
      scaleFn,
      lower,
      momenta: cycleMomentum ? new Momenta('CyclicLR', optimizer) : null,
    };
    super(optimizer, settings, checks, lastEpoch);
    this.baseLrs.splice(0, groups, ...lower);
  }

  protected override prepare(): void {
    const { lower } = this.settings as Planned;
    this.optimizer.paramGroups.forEach((group, i) => (group.lr = lower[i]));
  }

  /** How high the cycle is at the moment, from 0 to 1 and scaled. */
  private height(): number {
    const { totalSize, stepRatio, scaleMode } = this.settings;
    const cycle = Math.floor(1 + this.lastEpoch / totalSize);
    const x = 1 + this.lastEpoch / totalSize - cycle;
    const share = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1);
    return share * this.scale(scaleMode === 'cycle' ? cycle : this.lastEpoch);
  }

  private scale(x: number): number {
    const { scaleFn, mode, gamma } = this.settings as Planned;
    if (scaleFn !== null) return scaleFn(x);
    if (mode === 'exp_range') return gamma ** x;
    return mode === 'triangular2' ? 2 ** (1 - x) : 1;
  }

  protected override getLr(): number[] {
    const height = this.height();
    const { maxLrs } = this.settings;
    return this.rates((_, baseLr, i) => baseLr + (maxLrs[i] - baseLr) * height);
  }

  protected override afterStep(): void {
    const { momenta: own, baseMomentums: low, maxMomentums: high } = this.settings as Planned;
    if (own === null) return;
    const height = this.height();
    low.forEach((least, i) => own.set(i, high[i] - (high[i] - least) * height));
  }
}

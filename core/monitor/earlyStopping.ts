import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../errors.ts';
import { copyState } from './copyState.ts';
import { type Scalar, scalarOf } from './values.ts';

/** What `EarlyStopping` can bring back: a model, or anything else with a state. */
export interface Restorable {
  stateDict(): unknown;
  loadStateDict(state: never): unknown;
}

/** Options of `EarlyStopping`. */
export interface EarlyStoppingOptions {
  /** Steps without improvement after which it stops; default 3. */
  readonly patience?: number;
  /** What counts as an improvement, as an absolute difference; default 0: anything better. */
  readonly minDelta?: number;
  /** Whether the metric is to fall ('min', default) or to rise. */
  readonly mode?: 'min' | 'max';
  /** The metric must get better than this at first; default: the first one is the best. */
  readonly baseline?: number;
  /** Steps at the start that are not looked at; default 0. */
  readonly startFrom?: number;
  /** Stop at once when the metric is NaN or infinite; default true. Otherwise such a step is one without improvement. */
  readonly checkFinite?: boolean;
  /** Stop at once when the metric has got this good; default never. */
  readonly stoppingThreshold?: number;
  /** Stop at once when the metric has got worse than this; default never. */
  readonly divergenceThreshold?: number;
  /** Keeps the state of this model, or several things, of the best step, and loads it when it stops; default nothing. */
  readonly restoreBest?: Restorable | readonly Restorable[];
}

/** Why it stopped. */
export type StopReason = 'patience' | 'finite' | 'threshold' | 'divergence';

/** State of `EarlyStopping`. */
export interface EarlyStoppingStateDict {
  /** The best metric so far; null when there is none. */
  readonly best: number | null;
  /** The step of the best, counted from 0; -1 when there is none. */
  readonly best_step: number;
  /** Steps since the best. */
  readonly num_bad_steps: number;
  /** Steps so far. */
  readonly last_step: number;
  readonly stopped: StopReason | null;
  /** States of `restoreBest` at the best step. */
  readonly best_state: readonly unknown[] | null;
}

const OPTIONS = ['patience', 'minDelta', 'mode', 'baseline', 'startFrom', 'checkFinite', 'stoppingThreshold', 'divergenceThreshold', 'restoreBest'];
const REASONS: readonly unknown[] = [null, 'patience', 'finite', 'threshold', 'divergence'];

/**
 * Tells when to stop, because a metric no longer gets better.
 *
 *     const stopper = new EarlyStopping({ patience: 5, restoreBest: model });
 *     if (stopper.step(validationLoss)) break; // the model has its best weights again
 *
 * @see https://lightning.ai/docs/pytorch/stable/api/lightning.pytorch.callbacks.EarlyStopping.html
 * @see https://keras.io/api/callbacks/early_stopping/
 */
export class EarlyStopping {
  readonly patience: number;
  readonly minDelta: number;
  readonly mode: 'min' | 'max';
  /** The best metric so far, or the baseline; null when there is none. */
  best: number | null;
  /** The step of the best, counted from 0; -1 when there is none. */
  bestStep = -1;
  /** Steps since the best. */
  numBadSteps = 0;
  /** Why it stopped, or null. */
  stopped: StopReason | null = null;
  private steps = 0;
  private bestState: readonly unknown[] | null = null;
  private readonly options: EarlyStoppingOptions;
  private readonly targets: readonly Restorable[];

  /** @throws ArgumentError for options out of range */
  constructor(options: EarlyStoppingOptions = {}) {
    const who = 'EarlyStopping';
    checkOptions(who, options, OPTIONS);
    const { patience = 3, minDelta = 0, mode = 'min', baseline, startFrom = 0, checkFinite = true, stoppingThreshold, divergenceThreshold, restoreBest = [] } = options;
    const isCount = (v: number): boolean => Number.isSafeInteger(v) && v >= 0;
    checkNumber(who, 'patience', patience, 'an integer ≥ 0', isCount);
    checkNumber(who, 'startFrom', startFrom, 'an integer ≥ 0', isCount);
    checkNumber(who, 'minDelta', minDelta, 'a finite number ≥ 0', (v) => v >= 0 && v < Infinity);
    for (const [name, value] of Object.entries({ baseline, stoppingThreshold, divergenceThreshold })) if (value !== undefined) checkNumber(who, name, value, 'a number', (v) => !Number.isNaN(v));
    if (mode !== 'min' && mode !== 'max') throw new ArgumentError(`${who}: invalid mode, got ${show(mode)}; expected 'min' or 'max'`);
    if (typeof checkFinite !== 'boolean') throw new ArgumentError(`${who}: checkFinite is not a boolean, got ${show(checkFinite)}; expected true or false`);
    const targets: readonly Restorable[] = isList(restoreBest) ? restoreBest : [restoreBest];
    for (const target of targets) {
      if (typeof target?.stateDict !== 'function' || typeof target.loadStateDict !== 'function') {
        throw new ArgumentError(`${who}: restoreBest has no state, got ${show(target)}; expected stateDict and loadStateDict`);
      }
    }
    this.patience = patience;
    this.minDelta = minDelta;
    this.mode = mode;
    this.best = baseline ?? null;
    this.options = options;
    this.targets = [...targets];
  }

  /**
   * Takes the metric of a step, such as the validation loss of an epoch.
   *
   * @param metric - a number or a tensor of one element
   * @returns whether to stop; what `restoreBest` names has its best state again then
   */
  step(metric: Scalar): boolean {
    const value = scalarOf('EarlyStopping.step', 'the metric', metric);
    const { checkFinite = true, startFrom = 0 } = this.options;
    const step = this.steps++;
    if (!Number.isFinite(value) && checkFinite) return this.stop('finite');
    if (step < startFrom) return false;
    if (this.isBetter(value)) {
      this.best = value;
      this.bestStep = step;
      this.numBadSteps = 0;
      if (this.targets.length > 0) this.bestState = this.targets.map((target) => copyState(target.stateDict()));
    } else this.numBadSteps++;
    const { stoppingThreshold, divergenceThreshold } = this.options;
    if (stoppingThreshold !== undefined && this.beats(value, stoppingThreshold)) return this.stop('threshold');
    if (divergenceThreshold !== undefined && this.beats(divergenceThreshold, value)) return this.stop('divergence');
    return this.numBadSteps > 0 && this.numBadSteps >= this.patience ? this.stop('patience') : false;
  }

  /** Loads the best state again; also when it has not stopped. @throws StateError when there is none */
  restore(): void {
    const { bestState, targets } = this;
    if (bestState === null) {
      throw new StateError(`EarlyStopping.restore: there is no best state, got ${targets.length === 0 ? 'no restoreBest' : 'no improvement so far'}; expected a step that was the best`);
    }
    targets.forEach((target, i) => void target.loadStateDict(copyState(bestState[i]) as never));
  }

  /** The state, with that of what `restoreBest` names. */
  stateDict(): EarlyStoppingStateDict {
    const { best, bestStep, numBadSteps, steps, stopped, bestState } = this;
    return { best, best_step: bestStep, num_bad_steps: numBadSteps, last_step: steps, stopped, best_state: copyState(bestState) as readonly unknown[] | null };
  }

  /** Goes on from a state. Options stay. @throws StateError when it does not fit; nothing is changed then */
  loadStateDict(state: EarlyStoppingStateDict): void {
    const { best, best_step: bestStep, num_bad_steps: bad, last_step: steps, stopped, best_state: kept } = state ?? {};
    const counts = [bestStep + 1, bad, steps];
    const fits = (best === null || typeof best === 'number') && counts.every((n) => Number.isSafeInteger(n) && n >= 0) && REASONS.includes(stopped);
    if (!fits || (kept !== null && !(Array.isArray(kept) && kept.length === this.targets.length))) {
      throw new StateError(`EarlyStopping.loadStateDict: the state does not fit, got ${show(state)}; expected what stateDict() of one with ${this.targets.length} kept states returned`);
    }
    this.best = best;
    this.bestStep = bestStep;
    this.numBadSteps = bad;
    this.steps = steps;
    this.stopped = stopped;
    this.bestState = copyState(kept) as readonly unknown[] | null;
  }

  private beats(value: number, other: number): boolean {
    return this.mode === 'min' ? value < other : value > other;
  }

  private isBetter(value: number): boolean {
    const { best, minDelta, mode } = this;
    if (Number.isNaN(value)) return false;
    return best === null || this.beats(mode === 'min' ? value + minDelta : value - minDelta, best);
  }

  private stop(reason: StopReason): true {
    this.stopped = reason;
    if (this.bestState !== null) this.restore();
    return true;
  }
}

function isList(x: Restorable | readonly Restorable[]): x is readonly Restorable[] {
  return Array.isArray(x);
}

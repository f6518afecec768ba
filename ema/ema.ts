import { ArgumentError, checkNumber, show } from '../core/errors.ts';
import { zeros } from '../core/ops/creation.ts';
import { setTo } from '../core/ops/write.ts';
import { noGrad } from '../core/tape.ts';
import { cloneHook } from '../nn/copy.ts';
import type { Module } from '../nn/module.ts';
import type { Buffer } from '../nn/parameter.ts';
import type { AveragedOptions } from './averaged.ts';
import { ExactBuffer, restoreExact } from './exact.ts';
import { LerpAverage } from './lerp.ts';
import { scaleMomentum } from './momentum.ts';
import { type MomentumSchedule, type ExamplesOption, examplesOf, scheduled } from './progress.ts';

/** Options of `ExponentialMovingAverage`. */
export interface EMAOptions extends AveragedOptions {
  /**
   * Weight of the newest model, between 0 and 1, both excluded; default 0.0002. Not the decay β, which is 1 - momentum. Or a schedule, called before every
   * averaging, that gives the weight from the progress, 0 and 1 included.
   */
  readonly momentum?: number | MomentumSchedule;
  /**
   * What the momentum is for: `'averaging'` (default) each model that is taken in, or `'call'`: then it is scaled to the interval, `1 - (1 - m)^interval`, so that the
   * average's memory, in calls, is the same for every interval.
   */
  readonly momentumPer?: 'averaging' | 'call';
  /** Examples a call stands for, for schedules by examples; a number ≥ 0, default 1. `updateParameters(model, { examples })` says it call by call. */
  readonly batchSize?: number;
}

/**
 * Checks the weight of the newest model.
 *
 * @throws RangeError unless 0 < momentum < 1
 */
export function checkMomentum(who: string, momentum: number): number {
  if (typeof momentum !== 'number' || !(momentum > 0 && momentum < 1)) {
    throw new RangeError(`${who}: invalid momentum, got ${show(momentum)}; expected 0 < momentum < 1`);
  }
  if (momentum > 0.5) {
    console.warn(`${who}: momentum is the weight of the newest model, got ${momentum}; expected a small number such as 0.0002 (a decay β is 1 - momentum)`);
  }
  return momentum;
}

/** The weight that a schedule gave for an update that is under way. */
class Running {
  /** Number of calls before that update; -1 where none is under way. */
  steps = -1;
  weight = NaN;

  /** A copy of an average has no update under way. */
  [cloneHook](): object {
    return new Running();
  }
}

/**
 * Exponential moving average of a model's weights: `avg ← (1 - m)·avg + m·source`, from the second update on; the first
 * copies the source. A source that does not change is an exact fixed point.
 *
 * With a schedule the state dictionary also has `examples`, a float64 scalar.
 *
 * @see https://mmengine.readthedocs.io/en/latest/api/generated/mmengine.model.ExponentialMovingAverage.html
 * @see Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging
 */
export class ExponentialMovingAverage<M extends Module = Module> extends LerpAverage<M> {
  /** Weight of the newest model; NaN where a schedule gives it. */
  readonly momentum: number;
  /** The schedule of the momentum; null for a constant. */
  readonly schedule: MomentumSchedule | null;
  /** Whether the momentum is for each averaging or for each call. */
  readonly momentumPer: 'averaging' | 'call';
  /** Examples that a call stands for where it does not say. */
  readonly batchSize: number;
  /** Examples so far, a float64 scalar; counted and saved where there is a schedule. */
  readonly examples: Buffer;
  private readonly running: Running = new Running();

  /**
   * @param model - the source; it is copied
   * @param options - `momentum`, `momentumPer`, `batchSize`, and those of every average
   * @throws RangeError unless 0 < momentum < 1 and interval ≥ 1; above 0.5 it warns, since small values are usual. ArgumentError for the other options
   */
  constructor(model: M, options: EMAOptions = {}) {
    super(model, options, ['momentum', 'momentumPer', 'batchSize']);
    const who = this.constructor.name;
    const { momentum = 0.0002, momentumPer = 'averaging', batchSize = 1 } = options;
    this.schedule = typeof momentum === 'function' ? momentum : null;
    this.momentum = typeof momentum === 'function' ? NaN : checkMomentum(who, momentum);
    if (momentumPer !== 'averaging' && momentumPer !== 'call') throw new ArgumentError(`${who}: invalid momentumPer, got ${show(momentumPer)}; expected 'averaging' or 'call'`);
    checkNumber(who, 'batchSize', batchSize, 'a number ≥ 0', (n) => n >= 0 && Number.isFinite(n));
    this.momentumPer = momentumPer;
    this.batchSize = batchSize;
    this.examples = new ExactBuffer(zeros([], { dtype: 'float64', device: this.steps.device }), { persistent: this.schedule !== null });
  }

  /**
   * Takes in the current weights of a model, as every average does.
   *
   * @param options - `examples`: how many the model was trained on since the call before, for schedules by examples
   * @throws StateError when names or shapes differ, and for a source that is not finite; RangeError for a schedule that gives no number from 0 to 1; ArgumentError
   *   for the options. Nothing is written then
   */
  override updateParameters(model: Module, options?: ExamplesOption): void {
    const { schedule, running } = this;
    if (schedule === null) {
      if (options !== undefined) examplesOf(`${this.constructor.name}.updateParameters`, options, this.batchSize);
      super.updateParameters(model);
      return;
    }
    const examples = examplesOf(`${this.constructor.name}.updateParameters`, options, this.batchSize);
    const before = this.steps.item();
    restoreExact(this.examples);
    if (this.hasAverage && before % this.interval === 0) {
      // Once and first: a schedule that fails must not leave half of the entries averaged.
      const steps = this.startedFromWeights ? before + this.interval : before;
      running.weight = this.scheduledWeight(schedule, steps, this.examples.item());
      running.steps = steps;
    }
    try {
      super.updateParameters(model);
    } finally {
      running.steps = -1;
    }
    // A model that is skipped does not count.
    if (this.steps.item() !== before) noGrad(() => setTo(this.examples, this.examples.item() + examples));
  }

  /**
   * Weight of the newest model. A schedule is asked with the examples in proportion to the calls, other than in `updateParameters`, where they are known.
   *
   * @param steps - number of calls of `updateParameters` before this one, ≥ 1
   */
  override weight(steps: number): number {
    const { schedule, running, momentum } = this;
    if (schedule === null) return this.perAveraging(momentum);
    if (running.steps === steps) return running.weight;
    const calls = this.steps.item();
    return this.scheduledWeight(schedule, steps, calls > 0 ? (this.examples.item() / calls) * steps : this.batchSize * steps);
  }

  private scheduledWeight(schedule: MomentumSchedule, steps: number, examples: number): number {
    const momentum = scheduled(this.constructor.name, schedule, { calls: steps, averagings: Math.ceil(steps / this.interval), examples });
    return this.perAveraging(momentum);
  }

  private perAveraging(momentum: number): number {
    const { interval } = this;
    if (interval === 1 || this.momentumPer === 'averaging') return momentum;
    return momentum > 0 && momentum < 1 ? scaleMomentum(momentum, interval) : momentum;
  }

  protected override get counters(): readonly string[] {
    return ['examples'];
  }
}

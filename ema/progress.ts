import { ArgumentError, checkOptions, show } from '../core/errors.ts';

/** How far an average has come, when a model is about to be taken in. */
export interface AveragingProgress {
  /** Calls of `updateParameters` before this one; ≥ 1. */
  readonly calls: number;
  /** Models taken in before this one, the first included; ≥ 1. */
  readonly averagings: number;
  /** Examples of the calls before this one. */
  readonly examples: number;
}

/**
 * Weight of the newest model, 0 to 1, as training goes on. `({ averagings }) => 1 / (averagings + 1)` is the plain mean;
 * `({ examples }) => Math.max(0.0002, 1e4 / (1e4 + examples))` anneals by examples.
 */
export type MomentumSchedule = (progress: AveragingProgress) => number;

/** Options of `ExponentialMovingAverage.updateParameters`. */
export interface ExamplesOption {
  /** Examples that the model was trained on since the call before; a number ≥ 0, default the average's `batchSize`. */
  readonly examples?: number;
}

/** The examples of a call. @throws ArgumentError for an unknown option or something that is no number ≥ 0 */
export function examplesOf(who: string, options: ExamplesOption | undefined, batchSize: number): number {
  if (options === undefined) return batchSize;
  checkOptions(who, options, ['examples']);
  const { examples = batchSize } = options;
  if (typeof examples !== 'number' || !(examples >= 0 && Number.isFinite(examples))) throw new ArgumentError(`${who}: invalid examples, got ${show(examples)}; expected a number ≥ 0`);
  return examples;
}

/** What a schedule gives, checked. @throws RangeError unless it is between 0 and 1 */
export function scheduled(who: string, schedule: MomentumSchedule, progress: AveragingProgress): number {
  const momentum: unknown = schedule(progress);
  if (typeof momentum === 'number' && momentum >= 0 && momentum <= 1) return momentum;
  throw new RangeError(`${who}: the schedule gives no momentum, got ${show(momentum)} for ${show(progress)}; expected 0 ≤ momentum ≤ 1`);
}

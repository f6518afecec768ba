import { ArgumentError, checkNumber, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { forgetGradients, preserve } from './preserve.ts';

/** What the test needs of an optimizer. */
export interface TunableOptimizer {
  readonly paramGroups: readonly { lr: number }[];
  zeroGrad(): void;
  step<T>(closure: () => T): T;
}

/** The parts of a run that the test changes and brings back: the optimizer, and by any name the model, schedulers, averages, loaders, generators. */
export interface TunableParts {
  readonly optimizer: TunableOptimizer;
  readonly [name: string]: unknown;
}

/** Options of `lrFind`. */
export interface LrFindOptions {
  /** The first rate; default 1e-8. */
  readonly minLr?: number;
  /** The last rate; default 1. */
  readonly maxLr?: number;
  /** Steps from one to the other; default 100. */
  readonly numTraining?: number;
  /** Rates with equal ratios ('exponential', default) or equal differences. */
  readonly mode?: 'exponential' | 'linear';
  /** Stop when the smoothed loss is this many times its minimum; default 4, null for never. */
  readonly earlyStopThreshold?: number | null;
  /** Weight of the losses before in the smoothed loss, from 0 (not smoothed) to below 1; default 0.98. */
  readonly beta?: number;
}

/** Which points of the curve `suggestion` looks at. */
export interface SuggestionOptions {
  /** Points left out at the start; default 10. */
  readonly skipBegin?: number;
  /** Points left out at the end; default 1. */
  readonly skipEnd?: number;
}

/** Losses by learning rate. Made by `lrFind`. */
export class LrCurve {
  /** The rates, rising. */
  readonly lrs: readonly number[];
  /** The smoothed losses. */
  readonly losses: readonly number[];
  /** The losses as they were. */
  readonly rawLosses: readonly number[];
  /** Whether it ended early because the loss grew too much or was not finite. */
  readonly diverged: boolean;

  constructor(lrs: readonly number[], losses: readonly number[], rawLosses: readonly number[], diverged: boolean) {
    this.lrs = lrs;
    this.losses = losses;
    this.rawLosses = rawLosses;
    this.diverged = diverged;
  }

  /**
   * The rate at which the smoothed loss falls fastest from point to point; null when too few points are left.
   *
   * @throws ArgumentError for options out of range
   */
  suggestion(options: SuggestionOptions = {}): number | null {
    checkOptions('suggestion', options, ['skipBegin', 'skipEnd']);
    const { skipBegin = 10, skipEnd = 1 } = options;
    for (const [name, value] of Object.entries({ skipBegin, skipEnd })) checkNumber('suggestion', name, value, 'an integer ≥ 0', (v) => Number.isSafeInteger(v) && v >= 0);
    const points = this.losses.map((loss, i) => ({ loss, lr: this.lrs[i] })).slice(skipBegin, Math.max(skipBegin, this.losses.length - skipEnd)).filter(({ loss }) => Number.isFinite(loss));
    let best: number | null = null;
    let steepest = Infinity;
    if (points.length < 2) return null;
    points.forEach(({ lr }, i) => {
      const [from, to] = [Math.max(0, i - 1), Math.min(points.length - 1, i + 1)];
      const slope = (points[to].loss - points[from].loss) / (to - from);
      if (slope < steepest) [best, steepest] = [lr, slope];
    });
    return best;
  }
}

const OPTIONS = ['minLr', 'maxLr', 'numTraining', 'mode', 'earlyStopThreshold', 'beta'];

/**
 * Learning-rate range test: trains for some steps while the rate rises, and shows at which rates the loss falls. Everything is as before afterwards, bit for bit, also
 * when it ends by an error: parameters, buffers, gradients, modes, the states of all parts, and the default generator.
 *
 *     const curve = lrFind({ model, optimizer, loader }, () => F.crossEntropy(model.forward(x), y));
 *     optimizer.paramGroups[0].lr = curve.suggestion() ?? 1e-3;
 *
 * The smoothed loss is `aᵢ/(1 - βⁱ)` with `aᵢ = β·aᵢ₋₁ + (1 - β)·lossᵢ`.
 *
 * @param parts - the optimizer and whatever else steps or the loss change, by any name; an average that follows the optimizer belongs here too;
 *   a loader between two epochs (in the middle of one, its next loop would go on with that epoch)
 * @param loss - computes the loss of the next batch: a tensor of one element with a history. It is called once per step (several times by LBFGS)
 * @throws ArgumentError for parts without a state, options out of range and a loss that is no such tensor; what `loss` throws
 * @see L. N. Smith: Cyclical Learning Rates for Training Neural Networks (2017), section 3.3, https://arxiv.org/abs/1506.01186
 * @see https://lightning.ai/docs/pytorch/stable/api/lightning.pytorch.tuner.tuning.Tuner.html
 */
export function lrFind(parts: TunableParts, loss: () => Tensor, options: LrFindOptions = {}): LrCurve {
  checkOptions('lrFind', options, OPTIONS);
  const { minLr = 1e-8, maxLr = 1, numTraining = 100, mode = 'exponential', earlyStopThreshold = 4, beta = 0.98 } = options;
  checkNumber('lrFind', 'minLr', minLr, 'a number > 0', (v) => v > 0 && v < Infinity);
  checkNumber('lrFind', 'maxLr', maxLr, 'a number above minLr', (v) => v > minLr && v < Infinity);
  checkNumber('lrFind', 'numTraining', numTraining, 'an integer ≥ 2', (v) => Number.isSafeInteger(v) && v >= 2);
  checkNumber('lrFind', 'beta', beta, 'a number from 0 to below 1', (v) => v >= 0 && v < 1);
  if (earlyStopThreshold !== null) checkNumber('lrFind', 'earlyStopThreshold', earlyStopThreshold, 'a number > 1 or null', (v) => v > 1);
  if (mode !== 'exponential' && mode !== 'linear') throw new ArgumentError(`lrFind: invalid mode, got ${show(mode)}; expected 'exponential' or 'linear'`);
  if (typeof loss !== 'function') throw new ArgumentError(`lrFind: the loss is not a function, got ${show(loss)}; expected () => Tensor`);
  const optimizer = checkOptimizer(parts);
  const rate = (i: number): number => {
    const share = i / (numTraining - 1);
    return mode === 'exponential' ? minLr * (maxLr / minLr) ** share : minLr + (maxLr - minLr) * share;
  };
  const restore = preserve('lrFind', parts);
  const [lrs, losses, raw]: [number[], number[], number[]] = [[], [], []];
  let [average, best, diverged] = [0, Infinity, false];
  try {
    forgetGradients(Object.values(parts).flat());
    for (let i = 0; i < numTraining && !diverged; i++) {
      const lr = rate(i);
      for (const group of optimizer.paramGroups) group.lr = lr;
      const value = step(optimizer, loss);
      average = beta * average + (1 - beta) * value;
      const smooth = average / (1 - beta ** (i + 1));
      lrs.push(lr);
      losses.push(smooth);
      raw.push(value);
      diverged = !Number.isFinite(value) || (earlyStopThreshold !== null && i > 0 && smooth > earlyStopThreshold * best);
      best = Math.min(best, smooth);
    }
  } finally {
    restore();
  }
  return new LrCurve(lrs, losses, raw, diverged);
}

function step(optimizer: TunableOptimizer, loss: () => Tensor): number {
  let first: number | null = null;
  optimizer.step(() => {
    optimizer.zeroGrad();
    const value = loss();
    if (!(value instanceof Tensor) || value.numel() !== 1) throw new ArgumentError(`lrFind: the loss is not one number, got ${show(value)}; expected a tensor of one element`);
    first ??= Number(value.item());
    value.backward();
    return value;
  });
  return first ?? NaN;
}

function checkOptimizer(parts: unknown): TunableOptimizer {
  const optimizer: unknown = typeof parts === 'object' && parts !== null && 'optimizer' in parts ? parts.optimizer : undefined;
  if (typeof optimizer === 'object' && optimizer !== null && 'paramGroups' in optimizer && 'step' in optimizer && 'zeroGrad' in optimizer) return optimizer as TunableOptimizer;
  throw new ArgumentError(`lrFind: no optimizer among the parts, got ${show(parts)}; expected { optimizer, model, … }`);
}

import { ArgumentError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { apply, applyMany } from '../op.ts';
import { type Shape, numelOf } from '../shape.ts';
import { noGrad } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { NamedList, Trailing } from './byName.ts';
import { type Free, free } from './define.ts';
import { type NormOptions, type Vector, affine, checkChannels, epsOf, standardRows, vectorOperand } from './normArguments.ts';
import { batchNormOp, channelStatsOp } from './standardize.ts';

const family = 'normalization';

/** Options of `batchNorm`. */
export interface BatchStatisticsOptions extends NormOptions {
  /** Use the statistics of this batch, and mix them into the running ones; default false. */
  readonly training?: boolean;
  /** Weight of this batch in the running statistics; default 0.1. */
  readonly momentum?: number;
}

interface BatchNormArguments extends BatchStatisticsOptions {
  readonly weight?: Tensor | null;
  readonly bias?: Tensor | null;
}

type BatchNorm = Free<{
  (x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, options?: BatchNormArguments): Tensor;
  (x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, weight?: Tensor | null, bias?: Tensor | null, ...options: Trailing<BatchStatisticsOptions, [training: boolean, momentum: number, eps: number]>): Tensor;
}>;

function checkRunning(name: string, x: Tensor, mean: Vector, variance: Vector): asserts mean is Tensor | null {
  for (const [what, v] of Object.entries({ runningMean: mean, runningVar: variance })) {
    if (v === null || v === undefined) continue;
    vectorOperand(name, what, v, [x.shape[1]], x, 0);
  }
  if (((mean ?? null) === null) !== ((variance ?? null) === null)) {
    throw new ArgumentError(`${name}: one running statistic without the other, got ${show(mean)} and ${show(variance)}; expected both or neither`);
  }
}

/** Mixes the mean and the unbiased variance of `count` values per channel into running statistics. */
function updateRunning(mean: Tensor, variance: Tensor, batchMean: Tensor, batchVar: Tensor, count: number, momentum: number): void {
  noGrad(() => {
    mean.lerp_(batchMean, momentum);
    variance.lerp_(batchVar.mul(count / (count - 1)), momentum);
  });
}

function checkMomentum(name: string, momentum: number): void {
  checkNumber(name, 'momentum', momentum, 'a finite number', Number.isFinite);
}

/**
 * Normalises each channel of (N, C, …): `y = (x - mean)/√(var + eps)·weight + bias`, with the batch's mean and biased variance while training, else
 * the running ones. Training mixes mean and unbiased variance into the running statistics, in place, with weight `momentum`.
 *
 * @param runningMean - (C), or null
 * @param runningVar - (C), or null
 * @param weight - (C), or null for 1; it may also be given among the options, like `bias`
 * @param bias - (C), or null for 0
 * @throws ShapeError for vectors of another length, and in training for a single value per channel; ArgumentError for missing statistics
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html and Ioffe & Szegedy, 2015
 */
export const batchNorm: BatchNorm = free(
  {
    name: 'batchNorm',
    parameters: ['runningMean', 'runningVar', 'weight', 'bias', 'options', 'training', 'momentum', 'eps'],
    family,
    torch: 'nn.functional.batch_norm',
    samples: (s) => [
      [s.float([3, 2]), null, null, s.float([2]), s.float([2]), { training: true }],
      [s.float([3, 2, 4]), null, null, null, null, { training: true, eps: 0.1 }],
      [s.float([2, 3, 2, 2]), null, null, s.float([3]), null, { training: true, momentum: 0.5 }],
      [s.float([0, 3, 2]), null, null, s.float([3]), s.float([3]), { training: true }],
    ],
  },
  (x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, weight?: Tensor | null, bias?: Tensor | null, options?: BatchStatisticsOptions): Tensor => {
    const name = 'batchNorm';
    checkOptions(name, options, ['training', 'momentum', 'eps']);
    const { training = false, momentum = 0.1 } = options ?? {};
    if (typeof training !== 'boolean') throw new ArgumentError(`${name}: training is not a boolean, got ${show(training)}; expected true or false`);
    checkMomentum(name, momentum);
    const eps = epsOf(name, options?.eps, 1e-5);
    checkChannels(name, x);
    const channels: Shape = [x.shape[1]];
    const w = vectorOperand(name, 'weight', weight, channels, x, 1);
    const b = vectorOperand(name, 'bias', bias, channels, x, 0);
    checkRunning(name, x, runningMean, runningVar);
    const count = x.numel() / Math.max(channels[0], 1);
    if (count === 0) return affine(x, w, b);
    if (!training) {
      if (runningMean === null || runningVar === null) throw new ArgumentError(`${name}: no running statistics, got null in evaluation; expected runningMean and runningVar`, { hint: 'pass { training: true } to use those of the batch' });
      return apply(batchNormOp, [x.contiguous(), w, b, runningMean.detach().contiguous(), runningVar.detach().contiguous()], { eps, training });
    }
    if (count === 1) throw new ShapeError(`${name}: one value per channel has no variance, got ${show(x)}; expected more than 1 value per channel when training`);
    const input = x.contiguous();
    const [mean, variance] = applyMany(channelStatsOp, [input], undefined);
    if (runningMean !== null && runningVar !== null) updateRunning(runningMean, runningVar, mean, variance, count, momentum);
    return apply(batchNormOp, [input, w, b, mean, variance], { eps, training });
  },
);

/** Options of `instanceNorm`. */
export interface InstanceNormOptions extends NormOptions {
  /** Use the statistics of each sample, else the running ones; default true. */
  readonly useInputStats?: boolean;
  /** Weight of this batch in the running statistics; default 0.1. */
  readonly momentum?: number;
}

interface InstanceNormArguments extends InstanceNormOptions {
  readonly runningMean?: Tensor | null;
  readonly runningVar?: Tensor | null;
  readonly weight?: Tensor | null;
  readonly bias?: Tensor | null;
}

type InstanceNorm = Free<
  NamedList<[runningMean?: Tensor | null, runningVar?: Tensor | null, weight?: Tensor | null, bias?: Tensor | null, options?: InstanceNormOptions], InstanceNormArguments, Tensor>
>;

/**
 * Normalises each channel of each sample of (N, C, …) on its own, then scales and shifts each channel. Running statistics, where given, are mixed with
 * the samples' average ones in place.
 *
 * @throws ShapeError for vectors of another length, and for a single value per channel; ArgumentError for missing statistics
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.instance_norm.html and Ulyanov et al., 2016
 */
export const instanceNorm: InstanceNorm = free(
  { name: 'instanceNorm', parameters: ['runningMean', 'runningVar', 'weight', 'bias', 'options', 'useInputStats', 'momentum', 'eps'], family, torch: 'nn.functional.instance_norm', samples: (s) => [[s.float([2, 3, 4])], [s.float([2, 3, 2, 2]), null, null, s.float([3]), s.float([3]), { eps: 0.1 }]] },
  (x: Tensor, runningMean?: Tensor | null, runningVar?: Tensor | null, weight?: Tensor | null, bias?: Tensor | null, options?: InstanceNormOptions): Tensor => {
    const name = 'instanceNorm';
    checkOptions(name, options, ['useInputStats', 'momentum', 'eps']);
    const { useInputStats = true, momentum = 0.1 } = options ?? {};
    if (typeof useInputStats !== 'boolean') throw new ArgumentError(`${name}: useInputStats is not a boolean, got ${show(useInputStats)}; expected true or false`);
    if (!useInputStats) return batchNorm(x, runningMean ?? null, runningVar ?? null, weight, bias, options?.eps === undefined ? {} : { eps: options.eps });
    checkMomentum(name, momentum);
    const eps = epsOf(name, options?.eps, 1e-5);
    checkChannels(name, x);
    const [batch, channels] = x.shape;
    const w = vectorOperand(name, 'weight', weight, [channels], x, 1);
    const b = vectorOperand(name, 'bias', bias, [channels], x, 0);
    checkRunning(name, x, runningMean, runningVar);
    const size = numelOf(x.shape.slice(2));
    if (size === 1) throw new ShapeError(`${name}: one value per channel has no variance, got ${show(x)}; expected more than 1 spatial element`);
    if (x.numel() === 0) return affine(x, w, b);
    const rows = batch * channels;
    const [y, mean, variance] = standardRows(x.reshape([rows, size]), rows, [size], eps);
    if (runningMean && runningVar) updateRunning(runningMean, runningVar, mean.reshape([batch, channels]).mean(0), variance.reshape([batch, channels]).mean(0), size, momentum);
    return affine(y.reshape(x.shape), w, b);
  },
);

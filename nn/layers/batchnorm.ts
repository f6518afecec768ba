import { getDefaultDtype } from '../../core/dtype.ts';
import { ArgumentError, ShapeError, checkNumber, show } from '../../core/errors.ts';
import { ones, tensor, zeros } from '../../core/ops/creation.ts';
import { batchNorm, instanceNorm } from '../../core/ops/batchNorm.ts';
import { noGrad } from '../../core/tape.ts';
import { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { Buffer, type Parameter } from '../parameter.ts';
import { python } from '../repr.ts';
import { type FactoryOptions, checkBoolean, checkEps, checkInteger, factoryOptions, newParameter, resetAffine } from './check.ts';
import { type LayerArguments, given } from '../../core/given.ts';

/** Options of the batch and instance normalisations. */
export interface BatchNormOptions extends FactoryOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Weight of the newest batch in the running statistics; null for the plain mean over all batches; default 0.1. */
  readonly momentum?: number | null;
  /** Learn a scale and a shift per channel; default true (instance norm: false). */
  readonly affine?: boolean;
  /** Keep running statistics for evaluation; default true (instance norm: false). */
  readonly trackRunningStats?: boolean;
}

/** What batch and instance normalisations are made from. */
export type BatchNormArguments =
  | LayerArguments<[numFeatures: number], ['numFeatures'], BatchNormOptions>
  | [numFeatures: number, eps: number, momentum?: number | null, affine?: boolean, trackRunningStats?: boolean];

/** What batch and instance normalisation share: channels, scale and shift, running statistics. */
abstract class RunningNorm extends Module {
  readonly numFeatures: number;
  eps: number;
  momentum: number | null;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;
  weight: Parameter | null;
  bias: Parameter | null;
  runningMean: Buffer | null;
  runningVar: Buffer | null;
  numBatchesTracked: Buffer | null;

  constructor(name: string, args: BatchNormArguments, byDefault: boolean) {
    super();
    const options = given(name, ['numFeatures', 'eps', 'momentum', 'affine', 'trackRunningStats'], args, factoryOptions);
    const { numFeatures, eps = 1e-5, momentum = 0.1, affine = byDefault, trackRunningStats = byDefault, dtype = getDefaultDtype(), device = 'cpu' } = options;
    checkInteger(name, 'numFeatures', numFeatures);
    checkEps(name, eps);
    if (momentum !== null) checkNumber(name, 'momentum', momentum, 'a number from 0 to 1, or null', (v) => v >= 0 && v <= 1);
    checkBoolean(name, 'affine', affine);
    checkBoolean(name, 'trackRunningStats', trackRunningStats);
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    this.affine = affine;
    this.trackRunningStats = trackRunningStats;
    this.weight = affine ? newParameter([numFeatures], options) : null;
    this.bias = affine ? newParameter([numFeatures], options) : null;
    this.runningMean = trackRunningStats ? new Buffer(zeros([numFeatures], { dtype, device })) : null;
    this.runningVar = trackRunningStats ? new Buffer(ones([numFeatures], { dtype, device })) : null;
    this.numBatchesTracked = trackRunningStats ? new Buffer(tensor(0, { dtype: 'int64', device })) : null;
    this.resetParameters();
  }

  /** Forgets the running statistics: mean 0, variance 1, no batches. */
  resetRunningStats(): void {
    this.runningMean?.fill_(0);
    this.runningVar?.fill_(1);
    this.numBatchesTracked?.fill_(0);
  }

  /** Scale 1, shift 0, no statistics. */
  resetParameters(): void {
    this.resetRunningStats();
    resetAffine(this.weight, this.bias);
  }

  /** Old checkpoints have no count of batches: the present one stays. */
  protected override prepareStateDict(state: Record<string, unknown>): Record<string, unknown> {
    if (this.numBatchesTracked !== null) state['num_batches_tracked'] ??= this.numBatchesTracked;
    return state;
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum, affine, trackRunningStats } = this;
    return `${numFeatures}, eps=${python(eps)}, momentum=${python(momentum)}, affine=${python(affine)}, track_running_stats=${python(trackRunningStats)}`;
  }
}

function checkInput(name: string, x: unknown, ranks: readonly number[], channelDim: (rank: number) => number, numFeatures: number): asserts x is Tensor {
  if (!(x instanceof Tensor)) throw new ArgumentError(`${name}: input is not a tensor, got ${show(x)}; expected a Tensor`);
  if (!ranks.includes(x.ndim)) throw new ShapeError(`${name}: wrong number of dimensions, got ${show(x)}; expected ${ranks.join(' or ')}`);
  const channels = x.shape[channelDim(x.ndim)];
  if (channels !== numFeatures) throw new ShapeError(`${name}: wrong number of channels, got ${channels} in ${show(x)}; expected ${numFeatures}`);
}

/** What the batch normalisations share; for telling them from other modules. */
export abstract class AnyBatchNorm extends RunningNorm {
  private readonly ranks: readonly number[];

  constructor(name: string, ranks: readonly number[], args: BatchNormArguments) {
    super(name, args, true);
    this.ranks = ranks;
  }

  forward(x: Tensor): Tensor {
    checkInput(this.constructor.name, x, this.ranks, () => 1, this.numFeatures);
    const { runningMean, runningVar, weight, bias, eps, numBatchesTracked, training } = this;
    const tracks = training && this.trackRunningStats && numBatchesTracked !== null;
    if (tracks && this.momentum === null && runningMean !== null && runningVar !== null && x.device.name !== 'cpu') return this.averaged(x, runningMean, runningVar, numBatchesTracked);
    const momentum = this.momentum ?? (tracks ? 1 / (numBatchesTracked.item() + 1) : 0);
    const usesBatch = training || runningMean === null || runningVar === null;
    const [mean, variance] = training && !this.trackRunningStats ? [null, null] : [runningMean, runningVar];
    const y = batchNorm(x, mean, variance, weight, bias, { training: usesBatch, momentum, eps });
    if (tracks) numBatchesTracked.add_(1);
    return y;
  }

  /** The plain mean over all batches where the count of batches is not in reach: its weight is a tensor too. */
  private averaged(x: Tensor, mean: Tensor, variance: Tensor, count: Tensor): Tensor {
    const before = noGrad(() => [mean.clone(), variance.clone()]);
    const y = batchNorm(x, mean, variance, this.weight, this.bias, { training: true, momentum: 1, eps: this.eps });
    noGrad(() => {
      const share = count.add_(1).to('float32').reciprocal();
      [mean, variance].forEach((statistic, i) => statistic.copy_(before[i].lerp(statistic, share)));
    });
    return y;
  }
}

/**
 * Normalises each channel over the batch, `y = (x − mean)/√(var + eps)·weight + bias`, with the batch's biased variance in training and the
 * running statistics in evaluation. Running statistics use the unbiased variance.
 *
 * Shape: (N, C) or (N, C, L) → the same.
 *
 * @throws ShapeError for other ranks or channel counts, and in training for a single value per channel
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
 */
export class BatchNorm1d extends AnyBatchNorm {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: BatchNormArguments) {
    super('BatchNorm1d', [2, 3], args);
  }
}

/**
 * As `BatchNorm1d`, for images. Shape: (N, C, H, W) → the same.
 *
 * @throws ShapeError for other ranks or channel counts, and in training for a single value per channel
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
 */
export class BatchNorm2d extends AnyBatchNorm {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: BatchNormArguments) {
    super('BatchNorm2d', [4], args);
  }
}

/**
 * As `BatchNorm1d`, for volumes. Shape: (N, C, D, H, W) → the same.
 *
 * @throws ShapeError for other ranks or channel counts, and in training for a single value per channel
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
 */
export class BatchNorm3d extends AnyBatchNorm {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: BatchNormArguments) {
    super('BatchNorm3d', [5], args);
  }
}

abstract class AnyInstanceNorm extends RunningNorm {
  private readonly rank: number;

  constructor(name: string, rank: number, args: BatchNormArguments) {
    super(name, args, false);
    this.rank = rank;
  }

  forward(x: Tensor): Tensor {
    const { rank } = this;
    checkInput(this.constructor.name, x, [rank - 1, rank], (ndim) => ndim - rank + 1, this.numFeatures);
    const { runningMean, runningVar, weight, bias, eps } = this;
    const options = { useInputStats: this.training || !this.trackRunningStats, momentum: this.momentum ?? 0, eps };
    if (x.ndim === rank) return instanceNorm(x, runningMean, runningVar, weight, bias, options);
    return instanceNorm(x.unsqueeze(0), runningMean, runningVar, weight, bias, options).squeeze(0);
  }
}

/**
 * Normalises each channel of each sample on its own. No scale, shift or running statistics unless asked for.
 *
 * Shape: (N, C, L) or (C, L) → the same.
 *
 * @throws ShapeError for other ranks or channel counts, and for a single value per channel
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm1d.html
 */
export class InstanceNorm1d extends AnyInstanceNorm {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: BatchNormArguments) {
    super('InstanceNorm1d', 3, args);
  }
}

/**
 * As `InstanceNorm1d`, for images. Shape: (N, C, H, W) or (C, H, W) → the same.
 *
 * @throws ShapeError for other ranks or channel counts, and for a single value per channel
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
 */
export class InstanceNorm2d extends AnyInstanceNorm {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: BatchNormArguments) {
    super('InstanceNorm2d', 4, args);
  }
}

/**
 * As `InstanceNorm1d`, for volumes. Shape: (N, C, D, H, W) or (C, D, H, W) → the same.
 *
 * @throws ShapeError for other ranks or channel counts, and for a single value per channel
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm3d.html
 */
export class InstanceNorm3d extends AnyInstanceNorm {
  static override readonly keepsNothing: boolean = true;
  constructor(...args: BatchNormArguments) {
    super('InstanceNorm3d', 5, args);
  }
}

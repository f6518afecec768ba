import { ArgumentError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, free } from './define.ts';
import { type Reduction, type ReductionOptions, checkBroadcasting, checkInput, checkNumbers, findElement, reduceLoss, reductionOf } from './reduction.ts';

const family = 'loss';

function checkFlag(name: string, key: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new ArgumentError(`${name}: ${key} is not a boolean, got ${show(value)}; expected true or false`);
}

/** Options of `klDiv`. */
export interface KlDivOptions {
  /** The mean over all elements (default), their sum, nothing, or the sum over the size of dimension 0. */
  readonly reduction?: Reduction | 'batchmean';
  /** The target holds logarithms too; default false. */
  readonly logTarget?: boolean;
}

/**
 * Kullback-Leibler divergence of log-probabilities from target probabilities, `target·(log target - input)`, 0 where the target is 0.
 *
 * @throws ShapeError when the shapes do not broadcast
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html
 */
export const klDiv: Free<(input: Tensor, target: Tensor, options?: KlDivOptions) => Tensor> = free(
  {
    name: 'klDiv',
    family,
    torch: 'nn.functional.kl_div',
    samples: (s) => [[s.float([2, 3]), s.float([2, 3], 0.1, 0.9)], [s.float([2, 3]), s.float([2, 3], -2, 0), { logTarget: true, reduction: 'batchmean' }], [s.float([2]), s.float([2], 0.1, 1), { reduction: 'none' }]],
  },
  (input: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor => {
    checkOptions('klDiv', options, ['reduction', 'logTarget']);
    checkBroadcasting('klDiv', input, target);
    const { reduction = 'mean', logTarget = false } = options;
    checkFlag('klDiv', 'logTarget', logTarget);
    const batch = reduction === 'batchmean';
    const plain = batch ? 'sum' : reductionOf('klDiv', { reduction });
    if (batch && input.ndim === 0) throw new ShapeError(`klDiv: no batch, got ${show(input)}; expected at least 1 dimension for 'batchmean'`);
    const none = logTarget ? null : target.eq(0);
    const losses = none === null ? target.exp().mul(target.sub(input)) : target.mul(target.maskedFill(none, 1).log()).sub(target.mul(input));
    const total = reduceLoss(losses, plain);
    return batch ? total.div(input.shape[0]) : total;
  },
);

/** Options of `gaussianNllLoss`. */
export interface GaussianNllLossOptions extends ReductionOptions {
  /** Add the constant ½·log 2π; default false. */
  readonly full?: boolean;
  /** Least variance; default 1e-6. */
  readonly eps?: number;
}

/**
 * Negative log-likelihood of a normal distribution with mean `input`, `½(log v + (input - target)²/v)` for `v = max(variance, eps)`. As in PyTorch the
 * gradient passes through the maximum.
 *
 * @param target - broadcasts with the input
 * @param variance - the shape of the input, or 1 (or nothing) in its last dimension
 * @throws ShapeError when the shapes do not fit; ArgumentError for a negative variance
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gaussian_nll_loss.html
 */
export const gaussianNllLoss: Free<(input: Tensor, target: Tensor, variance: Tensor, options?: GaussianNllLossOptions) => Tensor> = free(
  {
    name: 'gaussianNllLoss',
    family,
    torch: 'nn.functional.gaussian_nll_loss',
    samples: (s) => [
      [s.float([2, 3]), s.float([2, 3]), s.float([2, 3], 0.5, 2)],
      [s.float([2, 3]), s.float([2, 3]), s.float([2, 1], 0.5, 2), { full: true, reduction: 'sum' }],
      [s.float([2, 3]), s.float([2, 3]), s.float([2], 0.5, 2), { reduction: 'none' }],
      [s.float([2, 3]), s.float([2, 1]), s.float([2, 1], 0.5, 2)],
      [s.float([2, 3]), s.float([3]), s.float([2, 3], 0.5, 2), { reduction: 'none' }],
    ],
  },
  (input: Tensor, target: Tensor, variance: Tensor, options: GaussianNllLossOptions = {}): Tensor => {
    const name = 'gaussianNllLoss';
    checkOptions(name, options, ['full', 'eps', 'reduction']);
    checkBroadcasting(name, input, target);
    checkInput(name, variance, 'variance');
    const { full = false, eps = 1e-6 } = options;
    checkFlag(name, 'full', full);
    checkNumber(name, 'eps', eps, 'a number > 0', (v) => v > 0);
    const reduction = reductionOf(name, options);
    const open = fitVariance(name, input, variance);
    const wrong = findElement(variance, 0, Infinity);
    if (wrong !== undefined && !Number.isNaN(wrong)) throw new ArgumentError(`${name}: a variance is negative, got ${wrong}; expected values ≥ 0`, { values: { value: wrong } });
    const fixed = open.detach();
    const v = open.add(fixed.clamp({ min: eps }).sub(fixed));
    const losses = v.log().add(input.sub(target).square().div(v)).mul(0.5);
    return reduceLoss(full ? losses.add(0.5 * Math.log(2 * Math.PI)) : losses, reduction);
  },
);

function fitVariance(name: string, input: Tensor, variance: Tensor): Tensor {
  if (sameShape(variance.shape, input.shape)) return variance;
  const shared = input.shape.slice(0, -1);
  if (input.ndim > 0 && sameShape(variance.shape, shared)) return variance.unsqueeze(-1);
  if (input.ndim > 0 && sameShape(variance.shape, [...shared, 1])) return variance;
  throw new ShapeError(`${name}: variance does not fit, got ${show(variance)} for ${show(input)}; expected the same shape, or one variance per row`);
}

/** Options of `poissonNllLoss`. */
export interface PoissonNllLossOptions extends ReductionOptions {
  /** The input is the logarithm of the rate; default true. */
  readonly logInput?: boolean;
  /** Add Stirling's approximation of log target! for targets above 1; default false. */
  readonly full?: boolean;
  /** Added to the rate before its logarithm; default 1e-8. */
  readonly eps?: number;
}

/**
 * Negative log-likelihood of a Poisson distribution: `exp(x) - y·x`, or `x - y·log(x + eps)` without `logInput`.
 *
 * @throws ShapeError when the shapes do not broadcast
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.poisson_nll_loss.html
 */
export const poissonNllLoss: Free<(input: Tensor, target: Tensor, options?: PoissonNllLossOptions) => Tensor> = free(
  {
    name: 'poissonNllLoss',
    family,
    torch: 'nn.functional.poisson_nll_loss',
    samples: (s) => [
      [s.float([2, 3]), s.float([2, 3], 0, 4)],
      [s.float([2, 3], 0.2, 2), s.float([2, 3], 0, 4), { logInput: false, reduction: 'sum' }],
      [s.values([0.5, -0.25, 1]), s.values([3.5, 0.375, 2]), { full: true, reduction: 'none' }],
    ],
  },
  (input: Tensor, target: Tensor, options: PoissonNllLossOptions = {}): Tensor => {
    const name = 'poissonNllLoss';
    checkOptions(name, options, ['logInput', 'full', 'eps', 'reduction']);
    checkBroadcasting(name, input, target, checkNumbers);
    const { logInput = true, full = false, eps = 1e-8 } = options;
    checkFlag(name, 'logInput', logInput);
    checkFlag(name, 'full', full);
    checkNumber(name, 'eps', eps, 'a number ≥ 0', (v) => v >= 0);
    const reduction = reductionOf(name, options);
    const losses = logInput ? input.exp().sub(target.mul(input)) : input.sub(target.mul(input.add(eps).log()));
    return reduceLoss(full ? losses.add(stirling(target)) : losses, reduction);
  },
);

/** log y! by Stirling's formula, 0 for y ≤ 1. */
function stirling(target: Tensor): Tensor {
  const few = target.le(1);
  const y = target.maskedFill(few, 1);
  return y.mul(y.log()).sub(y).add(y.mul(2 * Math.PI).log().mul(0.5)).maskedFill(few, 0);
}

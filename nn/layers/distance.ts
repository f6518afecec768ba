import { checkNumber } from '../../core/errors.ts';
import {
  cosineEmbeddingLoss, gaussianNllLoss, hingeEmbeddingLoss, huberLoss, klDiv, l1Loss, marginRankingLoss, mseLoss, poissonNllLoss, smoothL1Loss,
  softMarginLoss, tripletMarginLoss,
} from '../../core/ops/loss.ts';
import type { Tensor } from '../../core/tensor.ts';
import { checkBoolean, checkFinite } from './check.ts';
import { Loss, type Reduction, type ReductionOptions } from './reduction.ts';

function checkPositive(loss: string, name: string, value: unknown): void {
  checkNumber(loss, name, value, 'a number > 0', (v) => v > 0 && Number.isFinite(v));
}

/** Mean squared error `(x − y)²`. @see https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html */
export class MSELoss extends Loss {
  constructor(options: ReductionOptions = {}) {
    super('MSELoss', options, []);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}

/** Mean absolute error `|x − y|`. @see https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html */
export class L1Loss extends Loss {
  constructor(options: ReductionOptions = {}) {
    super('L1Loss', options, []);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction });
  }
}

/** Options of `SmoothL1Loss`. */
export interface SmoothL1LossOptions extends ReductionOptions {
  /** Where the square turns into the absolute value; default 1. */
  readonly beta?: number;
}

/** `½(x − y)²/beta` where `|x − y| < beta`, else `|x − y| − beta/2`. @see https://pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html */
export class SmoothL1Loss extends Loss {
  readonly beta: number;

  constructor(options: SmoothL1LossOptions = {}) {
    super('SmoothL1Loss', options, ['beta']);
    const { beta = 1 } = options;
    checkNumber('SmoothL1Loss', 'beta', beta, 'a number ≥ 0', (v) => v >= 0);
    this.beta = beta;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, { beta: this.beta, reduction: this.reduction });
  }
}

/** Options of `HuberLoss`. */
export interface HuberLossOptions extends ReductionOptions {
  /** Where the square turns into the absolute value; default 1. */
  readonly delta?: number;
}

/** `½(x − y)²` where `|x − y| < delta`, else `delta·(|x − y| − delta/2)`. @see https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html */
export class HuberLoss extends Loss {
  readonly delta: number;

  constructor(options: HuberLossOptions = {}) {
    super('HuberLoss', options, ['delta']);
    const { delta = 1 } = options;
    checkPositive('HuberLoss', 'delta', delta);
    this.delta = delta;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, { delta: this.delta, reduction: this.reduction });
  }
}

/** Options of `KLDivLoss`. */
export interface KLDivLossOptions {
  /** What becomes of the losses of single elements; 'batchmean' divides the sum by the batch size; default 'mean'. */
  readonly reduction?: Reduction | 'batchmean';
  /** Whether the target holds log-probabilities; default false. */
  readonly logTarget?: boolean;
}

/** Kullback–Leibler divergence `y·(log y − x)` of log-probabilities `x`. @see https://pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html */
export class KLDivLoss extends Loss<Reduction | 'batchmean'> {
  readonly logTarget: boolean;

  constructor(options: KLDivLossOptions = {}) {
    super('KLDivLoss', options, ['logTarget'], ['batchmean']);
    const { logTarget = false } = options;
    checkBoolean('KLDivLoss', 'logTarget', logTarget);
    this.logTarget = logTarget;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, { logTarget: this.logTarget, reduction: this.reduction });
  }
}

/** Options of the losses with a margin. */
export interface MarginOptions extends ReductionOptions {
  /** The margin; default 0, for `HingeEmbeddingLoss` 1. */
  readonly margin?: number;
}

abstract class MarginLoss extends Loss {
  readonly margin: number;

  constructor(name: string, options: MarginOptions, byDefault: number) {
    super(name, options, ['margin']);
    const { margin = byDefault } = options;
    checkFinite(name, 'margin', margin);
    this.margin = margin;
  }
}

/**
 * `1 − cos(x₁, x₂)` for targets 1, `max(0, cos(x₁, x₂) − margin)` for targets -1. Shape: (N, D), (N, D), (N), or (D), (D), ().
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html
 */
export class CosineEmbeddingLoss extends MarginLoss {
  constructor(options: MarginOptions = {}) {
    super('CosineEmbeddingLoss', options, 0);
  }

  forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return cosineEmbeddingLoss(x1, x2, target, { margin: this.margin, reduction: this.reduction });
  }
}

/** `max(0, −y·(x₁ − x₂) + margin)` for targets 1 and -1. @see https://pytorch.org/docs/stable/generated/torch.nn.MarginRankingLoss.html */
export class MarginRankingLoss extends MarginLoss {
  constructor(options: MarginOptions = {}) {
    super('MarginRankingLoss', options, 0);
  }

  forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return marginRankingLoss(x1, x2, target, { margin: this.margin, reduction: this.reduction });
  }
}

/** `x` for targets 1, `max(0, margin − x)` for targets -1. @see https://pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html */
export class HingeEmbeddingLoss extends MarginLoss {
  constructor(options: MarginOptions = {}) {
    super('HingeEmbeddingLoss', options, 1);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return hingeEmbeddingLoss(input, target, { margin: this.margin, reduction: this.reduction });
  }
}

/** Logistic loss `log(1 + exp(−y·x))` for targets 1 and -1. @see https://pytorch.org/docs/stable/generated/torch.nn.SoftMarginLoss.html */
export class SoftMarginLoss extends Loss {
  constructor(options: ReductionOptions = {}) {
    super('SoftMarginLoss', options, []);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return softMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** Options of `TripletMarginLoss`. */
export interface TripletMarginLossOptions extends ReductionOptions {
  /** How much farther the negative has to be; default 1. */
  readonly margin?: number;
  /** Degree of the norm; default 2. */
  readonly p?: number;
  /** Added to the differences; default 1e-6. */
  readonly eps?: number;
  /** Use the negative's distance to the positive where it is smaller; default false. */
  readonly swap?: boolean;
}

/**
 * `max(0, d(anchor, positive) − d(anchor, negative) + margin)`. Shape: three times (N, D) or (D).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginLoss.html
 */
export class TripletMarginLoss extends Loss {
  readonly margin: number;
  readonly p: number;
  readonly eps: number;
  readonly swap: boolean;

  constructor(options: TripletMarginLossOptions = {}) {
    super('TripletMarginLoss', options, ['margin', 'p', 'eps', 'swap']);
    const { margin = 1, p = 2, eps = 1e-6, swap = false } = options;
    checkPositive('TripletMarginLoss', 'margin', margin);
    checkPositive('TripletMarginLoss', 'p', p);
    checkFinite('TripletMarginLoss', 'eps', eps);
    checkBoolean('TripletMarginLoss', 'swap', swap);
    this.margin = margin;
    this.p = p;
    this.eps = eps;
    this.swap = swap;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this;
    return tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction });
  }
}

/** Options of `GaussianNLLLoss`. */
export interface GaussianNLLLossOptions extends ReductionOptions {
  /** Add the constant `½·log 2π`; default false. */
  readonly full?: boolean;
  /** Smallest variance; default 1e-6. */
  readonly eps?: number;
}

/** Negative log-likelihood of a normal distribution, `½(log v + (x − y)²/v)`. @see https://pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html */
export class GaussianNLLLoss extends Loss {
  readonly full: boolean;
  readonly eps: number;

  constructor(options: GaussianNLLLossOptions = {}) {
    super('GaussianNLLLoss', options, ['full', 'eps']);
    const { full = false, eps = 1e-6 } = options;
    checkBoolean('GaussianNLLLoss', 'full', full);
    checkPositive('GaussianNLLLoss', 'eps', eps);
    this.full = full;
    this.eps = eps;
  }

  forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    const { full, eps, reduction } = this;
    return gaussianNllLoss(input, target, variance, { full, eps, reduction });
  }
}

/** Options of `PoissonNLLLoss`. */
export interface PoissonNLLLossOptions extends ReductionOptions {
  /** Whether the input is the logarithm of the rate; default true. */
  readonly logInput?: boolean;
  /** Add Stirling's approximation for targets over 1; default false. */
  readonly full?: boolean;
  /** Added inside the logarithm when the input is the rate; default 1e-8. */
  readonly eps?: number;
}

/** Negative log-likelihood of a Poisson distribution, `exp(x) − y·x`. @see https://pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html */
export class PoissonNLLLoss extends Loss {
  readonly logInput: boolean;
  readonly full: boolean;
  readonly eps: number;

  constructor(options: PoissonNLLLossOptions = {}) {
    super('PoissonNLLLoss', options, ['logInput', 'full', 'eps']);
    const { logInput = true, full = false, eps = 1e-8 } = options;
    checkBoolean('PoissonNLLLoss', 'logInput', logInput);
    checkBoolean('PoissonNLLLoss', 'full', full);
    checkPositive('PoissonNLLLoss', 'eps', eps);
    this.logInput = logInput;
    this.full = full;
    this.eps = eps;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { logInput, full, eps, reduction } = this;
    return poissonNllLoss(input, target, { logInput, full, eps, reduction });
  }
}

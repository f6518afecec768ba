import { checkNumber } from '../../core/errors.ts';
import {
  type GaussianNllLossOptions, type KlDivOptions, type PoissonNllLossOptions, gaussianNllLoss, klDiv, poissonNllLoss,
} from '../../core/ops/likelihood.ts';
import { type HuberLossOptions, type SmoothL1LossOptions, huberLoss, l1Loss, mseLoss, smoothL1Loss } from '../../core/ops/loss.ts';
import type { Reduction, ReductionOptions } from '../../core/ops/reduction.ts';
import {
  type MarginOptions, type MultiMarginLossOptions, type TripletMarginLossOptions, cosineEmbeddingLoss, hingeEmbeddingLoss, marginRankingLoss, multiMarginLoss,
  softMarginLoss, tripletMarginLoss,
} from '../../core/ops/similarity.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Buffer } from '../parameter.ts';
import { checkBoolean, checkFinite } from './check.ts';
import { Loss, weightBuffer } from './reduction.ts';

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

/** Kullback–Leibler divergence `y·(log y − x)` of log-probabilities `x`. @see https://pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html */
export class KLDivLoss extends Loss<Reduction | 'batchmean'> {
  readonly logTarget: boolean;

  constructor(options: KlDivOptions = {}) {
    super('KLDivLoss', options, ['logTarget'], ['batchmean']);
    const { logTarget = false } = options;
    checkBoolean('KLDivLoss', 'logTarget', logTarget);
    this.logTarget = logTarget;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, { logTarget: this.logTarget, reduction: this.reduction });
  }
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

/** Multi-class hinge loss `Σ max(0, margin − x[y] + x[c])^p / C` over the other classes. @see https://pytorch.org/docs/stable/generated/torch.nn.MultiMarginLoss.html */
export class MultiMarginLoss extends Loss {
  readonly p: 1 | 2;
  readonly margin: number;
  weight: Buffer | null;

  constructor(options: MultiMarginLossOptions = {}) {
    super('MultiMarginLoss', options, ['p', 'margin', 'weight']);
    const { p = 1, margin = 1 } = options;
    checkNumber('MultiMarginLoss', 'p', p, '1 or 2', (v) => v === 1 || v === 2);
    checkFinite('MultiMarginLoss', 'margin', margin);
    this.p = p;
    this.margin = margin;
    this.weight = weightBuffer('MultiMarginLoss', 'weight', options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { p, margin, weight, reduction } = this;
    return multiMarginLoss(input, target, { p, margin, weight, reduction });
  }
}

/** Negative log-likelihood of a normal distribution, `½(log v + (x − y)²/v)`. @see https://pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html */
export class GaussianNLLLoss extends Loss {
  readonly full: boolean;
  readonly eps: number;

  constructor(options: GaussianNllLossOptions = {}) {
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

/** Negative log-likelihood of a Poisson distribution, `exp(x) − y·x`. @see https://pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html */
export class PoissonNLLLoss extends Loss {
  readonly logInput: boolean;
  readonly full: boolean;
  readonly eps: number;

  constructor(options: PoissonNllLossOptions = {}) {
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

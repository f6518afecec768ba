import { ArgumentError, checkNumber, show } from '../../core/errors.ts';
import { type CtcLossOptions, type Lengths, ctcLoss } from '../../core/ops/ctcLoss.ts';
import { type MultilabelSoftMarginLossOptions, multilabelMarginLoss, multilabelSoftMarginLoss } from '../../core/ops/multilabel.ts';
import type { ReductionOptions } from '../../core/ops/reduction.ts';
import { type DistanceFunction, type TripletDistanceOptions, tripletMarginWithDistanceLoss } from '../../core/ops/tripletDistance.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import type { Buffer } from '../parameter.ts';
import { checkBoolean } from './check.ts';
import { Loss, weightBuffer } from './reduction.ts';
import { PairwiseDistance } from './similarity.ts';

/**
 * Connectionist temporal classification: labels of a sequence without their places. Shape: (T, N, C) or (T, C) log-probabilities, (N, S) or
 * concatenated labels, and the lengths of both.
 *
 * @throws ArgumentError for options out of range
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html
 */
export class CTCLoss extends Loss {
  readonly blank: number;
  readonly zeroInfinity: boolean;

  constructor(options: CtcLossOptions = {}) {
    super('CTCLoss', options, ['blank', 'zeroInfinity']);
    const { blank = 0, zeroInfinity = false } = options;
    checkNumber('CTCLoss', 'blank', blank, 'an integer ≥ 0', (v) => Number.isInteger(v) && v >= 0);
    checkBoolean('CTCLoss', 'zeroInfinity', zeroInfinity);
    this.blank = blank;
    this.zeroInfinity = zeroInfinity;
  }

  forward(logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths): Tensor {
    const { blank, zeroInfinity, reduction } = this;
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, { blank, zeroInfinity, reduction });
  }
}

/** Hinge loss of several labels per sample, each row of labels ended by -1. @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelMarginLoss.html */
export class MultiLabelMarginLoss extends Loss {
  constructor(options: ReductionOptions = {}) {
    super('MultiLabelMarginLoss', options, []);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return multilabelMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** Binary cross-entropy of logits, meant over the classes. @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelSoftMarginLoss.html */
export class MultiLabelSoftMarginLoss extends Loss {
  weight: Buffer | null;

  constructor(options: MultilabelSoftMarginLossOptions = {}) {
    super('MultiLabelSoftMarginLoss', options, ['weight']);
    this.weight = weightBuffer('MultiLabelSoftMarginLoss', 'weight', options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction } = this;
    return multilabelSoftMarginLoss(input, target, { weight, reduction });
  }
}

/** A Module that measures how far two tensors lie apart. */
export type DistanceModule = Module & { forward(x1: Tensor, x2: Tensor): Tensor };

/** Options of `TripletMarginWithDistanceLoss`. */
export interface TripletDistanceLayerOptions extends Omit<TripletDistanceOptions, 'distanceFunction'> {
  /** Default a `PairwiseDistance`. */
  readonly distanceFunction?: DistanceFunction | DistanceModule | null;
}

/**
 * `max(0, d(anchor, positive) − d(anchor, negative) + margin)` for any distance d, a function or a Module.
 *
 * @throws ArgumentError unless margin > 0
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginWithDistanceLoss.html
 */
export class TripletMarginWithDistanceLoss extends Loss {
  /** A function, or a Module of two tensors. */
  readonly distanceFunction: DistanceFunction | DistanceModule;
  readonly margin: number;
  readonly swap: boolean;

  constructor(options: TripletDistanceLayerOptions = {}) {
    super('TripletMarginWithDistanceLoss', options, ['distanceFunction', 'margin', 'swap']);
    const { margin = 1, swap = false } = options;
    const distanceFunction = options.distanceFunction ?? new PairwiseDistance();
    if (typeof distanceFunction !== 'function' && !(distanceFunction instanceof Module)) {
      throw new ArgumentError(`TripletMarginWithDistanceLoss: distanceFunction is not a function, got ${show(distanceFunction)}; expected a function or a Module of two tensors`);
    }
    checkNumber('TripletMarginWithDistanceLoss', 'margin', margin, 'a number > 0', (v) => v > 0);
    checkBoolean('TripletMarginWithDistanceLoss', 'swap', swap);
    this.distanceFunction = distanceFunction;
    this.margin = margin;
    this.swap = swap;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distanceFunction: distance, margin, swap, reduction } = this;
    const distanceFunction = distance instanceof Module ? (a: Tensor, b: Tensor): Tensor => distance.forward(a, b) : distance;
    return tripletMarginWithDistanceLoss(anchor, positive, negative, { distanceFunction, margin, swap, reduction });
  }
}

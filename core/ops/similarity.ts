import { isFloat, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { broadcastShapes, normalizeDim, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { logsigmoid } from './activation.ts';
import { arange } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { gather } from './gather.ts';
import { norm } from './norm.ts';
import { type ReductionOptions, checkAlike, checkBroadcasting, checkInput, checkNumbers, findElement, reduceLoss, reductionOf } from './reduction.ts';

const family = 'loss';

/** Options of the losses with a margin. */
export interface MarginOptions extends ReductionOptions {
  /** How far values should lie apart. */
  readonly margin?: number;
}

function marginOf(name: string, options: MarginOptions | undefined, byDefault: number): number {
  const margin = options?.margin ?? byDefault;
  checkNumber(name, 'margin', margin, 'a finite number', Number.isFinite);
  return margin;
}

/** Options of `cosineSimilarity`, which also takes them by position. */
export interface CosineSimilarityOptions {
  /** Default 1. */
  readonly dim?: number;
  /** Least norm; default 1e-8. */
  readonly eps?: number;
}

/**
 * `Σ x1·x2 / (max(‖x1‖, eps)·max(‖x2‖, eps))` along a dimension, broadcast.
 *
 * @param dim - default 1
 * @param eps - default 1e-8
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cosine_similarity.html
 */
export const cosineSimilarity: Free<(x1: Tensor, x2: Tensor, dim?: number | CosineSimilarityOptions, eps?: number | CosineSimilarityOptions) => Tensor> = free(
  { name: 'cosineSimilarity', family: 'distance', torch: 'nn.functional.cosine_similarity', samples: (s) => [[s.float([2, 3]), s.float([2, 3])], [s.float([2, 3, 2]), s.float([3, 2]), -1], [s.float([3]), s.float([3]), 0, 0.5], [s.float([2, 3]), s.float([2, 3]), { dim: 0 }]] },
  (x1: Tensor, x2: Tensor, third: number | CosineSimilarityOptions = {}, fourth: number | CosineSimilarityOptions = {}): Tensor => {
    const name = 'cosineSimilarity';
    const options = typeof third === 'object' ? third : typeof fourth === 'object' ? fourth : {};
    checkOptions(name, options, ['dim', 'eps']);
    const dim = typeof third === 'number' ? third : (options.dim ?? 1);
    const eps = typeof fourth === 'number' ? fourth : (options.eps ?? 1e-8);
    checkInput(name, x1, 'x1');
    checkInput(name, x2, 'x2');
    checkNumber(name, 'eps', eps, 'a number ≥ 0', (v) => v >= 0);
    const shape = broadcastShapes(name, x1.shape, x2.shape);
    const d = normalizeDim(name, dim, shape.length);
    const [a, b] = [x1.broadcastTo(shape), x2.broadcastTo(shape)];
    const size = (x: Tensor): Tensor => norm(x, 2, d, { keepdim: true }).clamp({ min: eps });
    return a.div(size(a)).mul(b.div(size(b))).sum(d);
  },
);

/** Whole numbers as floats of the default dtype. */
const floats = (x: Tensor): Tensor => x.to(toFloat(x.dtype));

/** Options of `pairwiseDistance`; the numbers may also stand by position. */
export interface PairwiseDistanceOptions {
  /** Which norm; default 2. */
  readonly p?: number;
  /** Added to the differences; default 1e-6. */
  readonly eps?: number;
  /** Keep the last dimension with size 1; default false. */
  readonly keepdim?: boolean;
}

/**
 * `‖x1 - x2 + eps‖ₚ` along the last dimension, broadcast.
 *
 * @param p - default 2
 * @param eps - default 1e-6; keeps the gradient finite where both are equal
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pairwise_distance.html
 */
export const pairwiseDistance: Free<
  (x1: Tensor, x2: Tensor, p?: number | PairwiseDistanceOptions, eps?: number | PairwiseDistanceOptions, options?: PairwiseDistanceOptions) => Tensor
> = free(
  { name: 'pairwiseDistance', family: 'distance', torch: 'nn.functional.pairwise_distance', samples: (s) => [[s.float([2, 3]), s.float([2, 3])], [s.float([2, 3]), s.float([3]), 1, 0.1, { keepdim: true }], [s.float([3]), s.float([3]), 3], [s.float([2, 3]), s.float([2, 3]), { p: 3, keepdim: true }], [s.int([2, 3]), s.int([2, 3]), 2, 1]] },
  (x1: Tensor, x2: Tensor, third: number | PairwiseDistanceOptions = {}, fourth: number | PairwiseDistanceOptions = {}, fifth: PairwiseDistanceOptions = {}): Tensor => {
    const name = 'pairwiseDistance';
    const options = typeof third === 'object' ? third : typeof fourth === 'object' ? fourth : fifth;
    checkOptions(name, options, ['p', 'eps', 'keepdim']);
    const p = typeof third === 'number' ? third : (options.p ?? 2);
    const eps = typeof fourth === 'number' ? fourth : (options.eps ?? 1e-6);
    checkNumbers(name, x1, 'x1');
    checkNumbers(name, x2, 'x2');
    checkNumber(name, 'p', p, 'a number', (v) => !Number.isNaN(v));
    checkNumber(name, 'eps', eps, 'a finite number', Number.isFinite);
    return norm(floats(x1.sub(x2)).add(eps), p, -1, { keepdim: options.keepdim ?? false });
  },
);

type Pair = Free<(input: Tensor, target: Tensor, options?: MarginOptions) => Tensor>;

/**
 * For targets 1 and -1: `x` where the target is 1, `max(0, margin - x)` where it is -1. Margin 1 by default. Losses of integers are integers, with a margin cut to
 * one; they have no mean.
 *
 * @throws ShapeError when the shapes do not broadcast
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hinge_embedding_loss.html
 */
export const hingeEmbeddingLoss: Pair = free(
  { name: 'hingeEmbeddingLoss', family, torch: 'nn.functional.hinge_embedding_loss', samples: (s) => [[s.float([4]), s.values([1, -1, 1, -1], [4], 'int64')], [s.float([2, 2]), s.values([1, -1, 1, -1], [2, 2], 'int64'), { margin: 0.3, reduction: 'none' }]] },
  (input: Tensor, target: Tensor, options?: MarginOptions): Tensor => {
    const name = 'hingeEmbeddingLoss';
    checkOptions(name, options, ['margin', 'reduction']);
    checkBroadcasting(name, input, target, checkNumbers);
    const reduction = reductionOf(name, options);
    const margin = marginOf(name, options, 1);
    const apart = input.rsub(isFloat(input.dtype) ? margin : Math.trunc(margin)).clamp({ min: 0 });
    return reduceLoss(apart.maskedFill(target.eq(1), 0).add(input.maskedFill(target.eq(-1), 0)), reduction);
  },
);

/**
 * `max(0, -y·(x1 - x2) + margin)` for y = 1 (x1 should be larger) or -1, broadcast. Margin 0 by default. Losses of integers have the default dtype.
 *
 * @throws ShapeError when the shapes do not broadcast
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.margin_ranking_loss.html
 */
export const marginRankingLoss: Free<(x1: Tensor, x2: Tensor, target: Tensor, options?: MarginOptions) => Tensor> = free(
  { name: 'marginRankingLoss', family, torch: 'nn.functional.margin_ranking_loss', samples: (s) => [[s.float([4]), s.float([4]), s.values([1, -1, 1, -1], [4], 'int64')], [s.float([2, 2]), s.float([2, 2]), s.values([1, -1], [1, 2], 'int64'), { margin: 0.3, reduction: 'none' }], [s.int([4]), s.int([4]), s.values([1, -1, 1, -1], [4], 'int64')]] },
  (x1: Tensor, x2: Tensor, target: Tensor, options?: MarginOptions): Tensor => {
    const name = 'marginRankingLoss';
    checkOptions(name, options, ['margin', 'reduction']);
    checkNumbers(name, x1, 'x1');
    checkNumbers(name, x2, 'x2');
    checkTensor(name, target, 'target');
    if (x1.ndim !== x2.ndim || x1.ndim !== target.ndim) throw new ShapeError(`${name}: dimensions differ, got ${show(x1)}, ${show(x2)} and ${show(target)}; expected as many in each`);
    const reduction = reductionOf(name, options);
    return reduceLoss(floats(target.neg().mul(x1.sub(x2))).add(marginOf(name, options, 0)).clamp({ min: 0 }), reduction);
  },
);

/**
 * `log(1 + exp(-y·x))` for targets y of 1 and -1.
 *
 * @throws ShapeError when the target does not broadcast to the shape of the input
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.soft_margin_loss.html
 */
export const softMarginLoss: Free<(input: Tensor, target: Tensor, options?: ReductionOptions) => Tensor> = free(
  { name: 'softMarginLoss', family, torch: 'nn.functional.soft_margin_loss', samples: (s) => [[s.float([4]), s.values([1, -1, 1, -1], [4], 'int64')], [s.float([2]), s.values([1, -1], [2], 'int64'), { reduction: 'none' }]] },
  (input: Tensor, target: Tensor, options?: ReductionOptions): Tensor => {
    checkOptions('softMarginLoss', options, ['reduction']);
    checkBroadcasting('softMarginLoss', input, target);
    if (!sameShape(broadcastShapes('softMarginLoss', input.shape, target.shape), input.shape)) {
      throw new ShapeError(`softMarginLoss: the target is larger, got ${show(target)} for ${show(input)}; expected a shape that broadcasts to [${input.shape.join(', ')}]`);
    }
    return reduceLoss(logsigmoid(input.mul(target)).neg(), reductionOf('softMarginLoss', options));
  },
);

/** Options of `multiMarginLoss`. */
export interface MultiMarginLossOptions extends MarginOptions {
  /** Exponent, 1 or 2; default 1. */
  readonly p?: 1 | 2;
  /** Weight per class, (C); no gradient flows into it; default none. */
  readonly weight?: Tensor | null;
}

/**
 * Multi-class hinge loss, `Σ_{c≠y} max(0, margin - x[y] + x[c])^p / C`, for (N, C) or (C). Margin 1 by default.
 *
 * @throws ShapeError when the shapes do not fit; ArgumentError for a label outside 0 … C-1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multi_margin_loss.html
 */
export const multiMarginLoss: Free<(input: Tensor, target: Tensor, options?: MultiMarginLossOptions) => Tensor> = free(
  { name: 'multiMarginLoss', family, torch: 'nn.functional.multi_margin_loss', samples: (s) => [[s.float([3, 4]), s.int([3], 0, 4)], [s.float([3, 4]), s.int([3], 0, 4), { p: 2, margin: 0.5, reduction: 'none' }], [s.float([4]), s.int([1], 0, 4), { reduction: 'none' }]] },
  (given: Tensor, target: Tensor, options: MultiMarginLossOptions = {}): Tensor => {
    const name = 'multiMarginLoss';
    checkOptions(name, options, ['p', 'margin', 'weight', 'reduction']);
    checkInput(name, given);
    const input = given.ndim === 1 && target.ndim === 1 ? given.unsqueeze(0) : given;
    const { p = 1, weight } = options;
    checkNumber(name, 'p', p, '1 or 2', (v) => v === 1 || v === 2);
    const reduction = reductionOf(name, options);
    const margin = marginOf(name, options, 1);
    const classes = input.shape.at(-1) ?? 0;
    if (input.ndim < 1 || input.ndim > 2 || target.ndim !== input.ndim - 1 || (input.ndim === 2 && target.shape[0] !== input.shape[0])) {
      throw new ShapeError(`${name}: labels do not fit, got ${show(target)} for ${show(given)}; expected (N, C) with (N), or (C) with () or (1)`);
    }
    const wrong = findElement(target, 0, classes - 1);
    if (wrong !== undefined) throw new ArgumentError(`${name}: no such class, got label ${wrong}; expected 0 to ${classes - 1}`, { values: { label: wrong, classes } });
    const labels = target.unsqueeze(-1).to('int64');
    const own = arange(classes, { device: input.device }).eq(labels);
    const differences = input.sub(gather(input, -1, labels)).add(margin);
    // What is not above 0 counts as 0: NaN, too, as in PyTorch.
    const gaps = differences.maskedFill(own.logicalOr(differences.gt(0).logicalNot()), 0);
    const powered = p === 2 ? gaps.square() : gaps;
    if (weight === null || weight === undefined) return reduceLoss(powered.sum(-1).div(classes), reduction);
    checkInput(name, weight, 'weight');
    if (weight.dtype !== input.dtype) throw new DTypeError(`${name}: weight differs in dtype, got ${show(weight)} for ${show(input)}; expected ${input.dtype}`);
    if (weight.ndim !== 1 || weight.shape[0] !== classes) throw new ShapeError(`${name}: weight does not fit, got ${show(weight)} for ${show(input)}; expected [${classes}]`);
    return reduceLoss(powered.sum(-1).div(classes).mul(gather(weight.detach(), 0, labels.flatten()).reshape(target.shape)), reduction);
  },
);

/**
 * For targets 1 and -1: `1 - cos(x1, x2)` where the target is 1, `max(0, cos(x1, x2) - margin)` where it is -1. Margin 0 by default.
 *
 * @param x1 - (N, D) or (D)
 * @param x2 - (N, D) or (D)
 * @param target - (N) or ()
 * @throws ShapeError when the shapes do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cosine_embedding_loss.html
 */
export const cosineEmbeddingLoss: Free<(x1: Tensor, x2: Tensor, target: Tensor, options?: MarginOptions) => Tensor> = free(
  { name: 'cosineEmbeddingLoss', family, torch: 'nn.functional.cosine_embedding_loss', samples: (s) => [[s.float([4, 3]), s.float([4, 3]), s.values([1, -1, 1, -1], [4], 'int64')], [s.float([3]), s.float([3], 0.5, 2), s.values([1], [], 'int64'), { margin: 0.1, reduction: 'none' }]] },
  (x1: Tensor, x2: Tensor, target: Tensor, options?: MarginOptions): Tensor => {
    const name = 'cosineEmbeddingLoss';
    checkOptions(name, options, ['margin', 'reduction']);
    checkAlike(name, x1, x2, 'x2');
    const reduction = reductionOf(name, options);
    const margin = marginOf(name, options, 0);
    if (x1.ndim < 1 || x1.ndim > 2 || target.ndim !== x1.ndim - 1 || (x1.ndim === 2 && target.shape[0] !== x1.shape[0])) {
      throw new ShapeError(`${name}: targets do not fit, got ${show(target)} for ${show(x1)}; expected (N, D) with (N), or (D) with ()`);
    }
    const size = (x: Tensor): Tensor => x.mul(x).sum(-1).add(1e-12);
    const cos = x1.mul(x2).sum(-1).div(size(x1).mul(size(x2)).sqrt());
    const near = cos.rsub(1).maskedFill(target.ne(1), 0);
    const far = cos.sub(margin).clamp({ min: 0 }).maskedFill(target.ne(-1), 0);
    return reduceLoss(near.add(far), reduction);
  },
);

/** Options of `tripletMarginLoss`. */
export interface TripletMarginLossOptions extends MarginOptions {
  /** Which norm; default 2. */
  readonly p?: number;
  /** Added to the differences; default 1e-6. */
  readonly eps?: number;
  /** Take the smaller of the distances of the negative to anchor and positive; default false. */
  readonly swap?: boolean;
}

/**
 * `max(0, d(anchor, positive) - d(anchor, negative) + margin)` for `pairwiseDistance` d. Margin 1 by default.
 *
 * @throws ShapeError when the shapes do not broadcast
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_loss.html
 */
export const tripletMarginLoss: Free<(anchor: Tensor, positive: Tensor, negative: Tensor, options?: TripletMarginLossOptions) => Tensor> = free(
  { name: 'tripletMarginLoss', family, torch: 'nn.functional.triplet_margin_loss', samples: (s) => [[s.float([3, 4]), s.float([3, 4]), s.float([3, 4])], [s.float([3, 4]), s.float([3, 4]), s.float([3, 4]), { margin: 0.7, p: 1, swap: true, reduction: 'none' }]] },
  (anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletMarginLossOptions = {}): Tensor => {
    const name = 'tripletMarginLoss';
    checkOptions(name, options, ['margin', 'p', 'eps', 'swap', 'reduction']);
    const { p = 2, eps = 1e-6, swap = false } = options;
    if (typeof swap !== 'boolean') throw new ArgumentError(`${name}: swap is not a boolean, got ${show(swap)}; expected true or false`);
    const reduction = reductionOf(name, options);
    const margin = marginOf(name, options, 1);
    if (margin <= 0) throw new ArgumentError(`${name}: invalid margin, got ${margin}; expected a number > 0`);
    checkNumbers(name, anchor, 'anchor');
    checkNumbers(name, positive, 'positive');
    checkNumbers(name, negative, 'negative');
    if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim) {
      throw new ShapeError(`${name}: dimensions differ, got anchor ${show(anchor)}, positive ${show(positive)}, negative ${show(negative)}; expected as many in each`);
    }
    const far = pairwiseDistance(anchor, negative, p, eps);
    const apart = swap ? far.minimum(pairwiseDistance(positive, negative, p, eps)) : far;
    return reduceLoss(pairwiseDistance(anchor, positive, p, eps).sub(apart).add(margin).clamp({ min: 0 }), reduction);
  },
);

import { ArgumentError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, checkTensor, free } from './define.ts';
import { reduceLoss, reductionOf } from './reduction.ts';
import { type MarginOptions, pairwiseDistance } from './similarity.ts';

/** How far two tensors lie apart: one number per row. */
export type DistanceFunction = (x1: Tensor, x2: Tensor) => Tensor;

/** Options of `tripletMarginWithDistanceLoss`. */
export interface TripletDistanceOptions extends MarginOptions {
  /** Default `pairwiseDistance`. */
  readonly distanceFunction?: DistanceFunction | null;
  /** Take the smaller of the distances of the negative to anchor and positive; default false. */
  readonly swap?: boolean;
}

const name = 'tripletMarginWithDistanceLoss';

/**
 * `max(0, d(anchor, positive) - d(anchor, negative) + margin)` for any distance d. Margin 1 by default.
 *
 * @throws ShapeError when the tensors differ in their number of dimensions; ArgumentError unless margin > 0
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_with_distance_loss.html
 */
export const tripletMarginWithDistanceLoss: Free<(anchor: Tensor, positive: Tensor, negative: Tensor, options?: TripletDistanceOptions) => Tensor> = free(
  {
    name,
    family: 'loss',
    torch: 'nn.functional.triplet_margin_with_distance_loss',
    samples: (s) => [
      [s.float([3, 4]), s.float([3, 4]), s.float([3, 4])],
      [s.float([3, 4]), s.float([3, 4]), s.float([3, 4]), { margin: 0.7, swap: true, reduction: 'none' }],
    ],
  },
  (anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletDistanceOptions = {}): Tensor => {
    for (const [what, x] of Object.entries({ anchor, positive, negative })) checkTensor(name, x, what);
    checkOptions(name, options, ['distanceFunction', 'margin', 'swap', 'reduction']);
    const { margin = 1, swap = false } = options;
    const distance = options.distanceFunction ?? pairwiseDistance;
    checkNumber(name, 'margin', margin, 'a number > 0', (v) => v > 0);
    if (typeof swap !== 'boolean') throw new ArgumentError(`${name}: swap is not a boolean, got ${show(swap)}; expected true or false`);
    if (typeof distance !== 'function') throw new ArgumentError(`${name}: distanceFunction is not a function, got ${show(distance)}; expected a function of two tensors`);
    const reduction = reductionOf(name, options);
    if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim) {
      throw new ShapeError(`${name}: dimensions differ, got anchor ${show(anchor)}, positive ${show(positive)}, negative ${show(negative)}; expected as many in each`);
    }
    const far = distance(anchor, negative);
    const apart = swap ? far.minimum(distance(positive, negative)) : far;
    return reduceLoss(distance(anchor, positive).sub(apart).add(margin).clamp({ min: 0 }), reduction);
  },
);

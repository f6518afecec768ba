import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { logsigmoid } from './activation.ts';
import { zeros } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { gather } from './gather.ts';
import { type ReductionOptions, checkInput, checkPair, findElement, reduceLoss, reductionOf } from './reduction.ts';

const family = 'loss';

/**
 * Hinge loss of several labels per sample, `Σ max(0, 1 - (x[y] - x[c]))/C` over the labels y and all classes c that are none. Labels stand first
 * in their row; the first -1 ends them.
 *
 * @param input - (N, C) or (C)
 * @param target - int64 in the shape of the input
 * @throws ShapeError when the shapes do not fit; ArgumentError for a label outside -1 … C-1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_margin_loss.html
 */
export const multilabelMarginLoss: Free<(input: Tensor, target: Tensor, options?: ReductionOptions) => Tensor> = free(
  {
    name: 'multilabelMarginLoss',
    family,
    torch: 'nn.functional.multilabel_margin_loss',
    samples: (s) => [
      [s.float([2, 4]), s.values([3, 0, -1, 1, 2, 1, 3, -1], [2, 4], 'int64')],
      [s.float([4]), s.values([2, -1, 0, 1], [4], 'int64'), { reduction: 'sum' }],
      [s.float([2, 3]), s.values([-1, 0, 1, 2, 2, 1], [2, 3], 'int64'), { reduction: 'none' }],
    ],
  },
  (input: Tensor, target: Tensor, options?: ReductionOptions): Tensor => {
    const name = 'multilabelMarginLoss';
    checkOptions(name, options, ['reduction']);
    checkPair(name, input, target);
    const reduction = reductionOf(name, options);
    if (input.ndim > 2 || (input.ndim > 0 && input.shape[input.ndim - 1] === 0)) throw new ShapeError(`${name}: no classes, got ${show(input)}; expected (N, C) or (C)`);
    if (target.dtype !== 'int64') throw new DTypeError(`${name}: labels are not int64, got ${show(target)}; expected int64`);
    const x = input.ndim === 0 ? input.unsqueeze(0) : input;
    const classes = x.shape[x.ndim - 1];
    const wrong = findElement(target, -1, classes - 1);
    if (wrong !== undefined) throw new ArgumentError(`${name}: no such class, got label ${wrong}; expected 0 to ${classes - 1}, or -1`, { values: { label: wrong, classes } });
    const given = target.ndim === 0 ? target.unsqueeze(0) : target;
    const counts = given.ge(0).to('int64').cumprod(-1);
    const labels = given.mul(counts);
    const own = zeros(x.shape, { dtype: 'int64', device: x.device }).scatterAdd(-1, labels, counts).gt(0);
    const gaps = x.unsqueeze(-2).sub(gather(x, -1, labels).unsqueeze(-1)).add(1); // (…, label, class)
    // What is not above 0 counts as 0: NaN, too, as in PyTorch.
    const none = counts.eq(0).unsqueeze(-1).logicalOr(own.unsqueeze(-2)).logicalOr(gaps.gt(0).logicalNot());
    const losses = gaps.maskedFill(none, 0).sum([-2, -1]).div(classes);
    return reduceLoss(losses, reduction);
  },
);

/** Options of `multilabelSoftMarginLoss`. */
export interface MultilabelSoftMarginLossOptions extends ReductionOptions {
  /** Weight per class, (C); default none. */
  readonly weight?: Tensor | null;
}

/**
 * Binary cross-entropy of `sigmoid(input)`, meant over the classes: `-Σ (y·log σ(x) + (1 - y)·log σ(-x))·weight/C`.
 *
 * @param input - (N, C) or (C)
 * @param target - broadcasts with the input
 * @throws ShapeError when the shapes do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_soft_margin_loss.html
 */
export const multilabelSoftMarginLoss: Free<(input: Tensor, target: Tensor, options?: MultilabelSoftMarginLossOptions) => Tensor> = free(
  {
    name: 'multilabelSoftMarginLoss',
    family,
    torch: 'nn.functional.multilabel_soft_margin_loss',
    samples: (s) => [
      [s.float([2, 3]), s.values([1, 0, 1, 0, 0, 1], [2, 3])],
      [s.float([2, 3]), s.float([2, 3], 0, 1), { weight: s.values([1, 2, 0.5]), reduction: 'none' }],
      [s.float([3]), s.values([1, 0, 1], [3], 'int64'), { reduction: 'sum' }],
    ],
  },
  (input: Tensor, target: Tensor, options: MultilabelSoftMarginLossOptions = {}): Tensor => {
    const name = 'multilabelSoftMarginLoss';
    checkOptions(name, options, ['weight', 'reduction']);
    checkInput(name, input);
    checkTensor(name, target, 'target');
    const reduction = reductionOf(name, options);
    if (input.ndim === 0) throw new ShapeError(`${name}: no classes, got ${show(input)}; expected (N, C) or (C)`);
    const { weight = null } = options;
    if (weight !== null) checkTensor(name, weight, 'weight');
    const plain = target.mul(logsigmoid(input)).add(target.rsub(1).mul(logsigmoid(input.neg()))).neg();
    const losses = weight === null ? plain : plain.mul(weight);
    return reduceLoss(losses.sum(input.ndim - 1).div(input.shape[input.ndim - 1]), reduction);
  },
);

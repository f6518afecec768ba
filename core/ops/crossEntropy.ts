import { type CrossEntropyAttrs, crossEntropy as crossEntropyKernel, crossEntropyBackward } from '../cpu/crossEntropy.ts';
import { accelerated } from '../cpu/engine.ts';
import { isFloat, isInteger } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyMany, primitive } from '../op.ts';
import { type Shape, sameShape } from '../shape.ts';
import { type Node, type Operand, isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { arange } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { gather } from './gather.ts';
import { type ReductionOptions, checkInput, findElement, reductionOf } from './reduction.ts';
import type { Trailing } from './byName.ts';
import { logSoftmax } from './softmax.ts';

const family = 'loss';

/** Shape of the targets: that of the logits without the classes. */
const targetShape = (x: Tensor, classDim: number): Shape => x.shape.toSpliced(classDim, 1);

const backwardOp: Primitive<CrossEntropyAttrs> = primitive<CrossEntropyAttrs>({ name: 'crossEntropyBackward', infer: ([, p]) => p as Tensor, cpu: accelerated(({ fastCrossEntropyBackward }) => fastCrossEntropyBackward, crossEntropyBackward) });

/** Log-softmax, negative log-likelihood and reduction in one: loss, probabilities, weight of the targets that count. */
const crossEntropyOp: Primitive<CrossEntropyAttrs> = primitive<CrossEntropyAttrs>({
  name: 'crossEntropy',
  infer: ([input], { classDim, reduction }) => {
    const x = input as Tensor;
    return [reduction === 'none' ? targetShape(x, classDim) : [], x.shape, []].map((shape) => ({ shape, dtype: x.dtype }));
  },
  cpu: accelerated(({ fastCrossEntropy }) => fastCrossEntropy, crossEntropyKernel),
  saves: 'both',
  backward: (node, g) => {
    if (g === null) return [];
    if (isGradEnabled()) return [composed(node, g)];
    const attrs = node.attrs as CrossEntropyAttrs;
    return [apply(backwardOp, [g.contiguous(), node.output(1), node.input(1), node.operand(2), node.output(2)], attrs)];
  },
});

/** The gradient in tensor operations, to be differentiated itself. */
function composed(node: Node, g: Tensor): Tensor {
  const { classDim, ignoreIndex, smoothing, reduction } = node.attrs as CrossEntropyAttrs;
  const [x, target, weight] = [node.input(0), node.input(1), node.operand(2)];
  const classes = x.shape[classDim];
  const open = x.shape.map((_, d) => (d === classDim ? classes : 1));
  const labels = target.unsqueeze(classDim);
  const own = arange(classes, { device: x.device }).reshape(open).eq(labels).to(x.dtype).mul(1 - smoothing); // (N, C, …)
  const each = typeof weight === 'number' ? own : own.mul(weight.reshape(open));
  const spread = typeof weight === 'number' ? smoothing / classes : weight.reshape(open).mul(smoothing / classes);
  const wanted = each.add(spread).maskedFill(labels.eq(ignoreIndex), 0);
  const p = logSoftmax(x, classDim).exp();
  const slope = reduction === 'none' ? g.unsqueeze(classDim) : reduction === 'mean' ? g.div(node.output(2).detach()) : g;
  return p.mul(wanted.sum(classDim, { keepdim: true })).sub(wanted).mul(slope);
}

// ---- arguments ----

/** Options of `nllLoss`. */
export interface ClassLossOptions extends ReductionOptions {
  /** Weight per class, (C); it gets a gradient where the targets are probabilities; default none. */
  readonly weight?: Tensor | null;
  /** A target that does not count; default -100. */
  readonly ignoreIndex?: number;
}

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends ClassLossOptions {
  /** Share of the target spread evenly over all classes, 0 to 1; default 0. */
  readonly labelSmoothing?: number;
}

function classDimOf(name: string, x: Tensor): 0 | 1 {
  if (x.ndim === 0) throw new ShapeError(`${name}: no classes, got ${show(x)}; expected (C), (N, C) or (N, C, …)`);
  return x.ndim === 1 ? 0 : 1;
}

function weightOf(name: string, weight: Tensor | null | undefined, x: Tensor, classes: number): Operand {
  if (weight === null || weight === undefined) return 1;
  checkTensor(name, weight, 'weight');
  if (weight.ndim !== 1 || weight.shape[0] !== classes) throw new ShapeError(`${name}: weight does not fit, got ${show(weight)} for ${show(x)}; expected [${classes}]`);
  if (weight.dtype !== x.dtype) throw new DTypeError(`${name}: weight differs in dtype, got ${show(weight)} for ${show(x)}; expected ${x.dtype}`);
  return weight;
}

/** Weights beside labels, which get no gradient. */
const constant = (weight: Operand): Operand => (typeof weight === 'number' ? weight : weight.detach().contiguous());

/** Refuses labels of another shape, and values that are no class. */
function checkLabels(name: string, x: Tensor, target: Tensor, classDim: number, ignoreIndex: number): void {
  const shape = targetShape(x, classDim);
  if (!isInteger(target.dtype)) throw new DTypeError(`${name}: labels are not whole numbers, got ${show(target)}; expected int64, int32 or uint8`);
  if (!sameShape(target.shape, shape)) {
    throw new ShapeError(`${name}: labels do not fit, got ${show(target)} for ${show(x)}; expected [${shape.join(', ')}]`, { values: { input: x.shape, target: target.shape } });
  }
  const classes = x.shape[classDim];
  if (findElement(target, 0, classes - 1) === undefined) return;
  const wrong = target.data().find((y) => y !== ignoreIndex && !(y >= 0 && y < classes));
  if (wrong !== undefined) {
    throw new ArgumentError(`${name}: no such class, got label ${wrong}; expected 0 to ${classes - 1}, or ignoreIndex ${ignoreIndex}`, { values: { label: wrong, classes } });
  }
}

function ignoreIndexOf(name: string, options: ClassLossOptions): number {
  const { ignoreIndex = -100 } = options;
  checkNumber(name, 'ignoreIndex', ignoreIndex, 'an integer', Number.isInteger);
  return ignoreIndex;
}

// ---- losses ----

/**
 * Negative log-likelihood of the true classes, from logits: `-log softmax(input)[target]`, with the mean weighted by the classes' weights.
 * Targets are class indices, (N, …), or class probabilities in the shape of the input.
 *
 * @param input - logits, (C), (N, C) or (N, C, …)
 * @throws ShapeError when the target does not fit; ArgumentError for a label outside 0 … C-1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
 */
export const crossEntropy: Free<(input: Tensor, target: Tensor, ...options: Trailing<CrossEntropyOptions, [weight: Tensor | null]>) => Tensor> = free(
  {
    name: 'crossEntropy',
    parameters: ['target', 'options', 'weight'],
    family,
    torch: 'nn.functional.cross_entropy',
    samples: (s) => [
      [s.float([3, 4]), s.int([3], 0, 4)],
      [s.float([2, 3, 2]), s.int([2, 2], 0, 3), { reduction: 'none' }],
      [s.float([4]), s.values([2], [], 'int64')],
      [s.float([4, 3]), s.values([0, -100, 2, 1], [4], 'int64'), { labelSmoothing: 0.2 }],
      [s.float([4, 3]), s.values([0, 1, 2, 1], [4], 'int64'), { ignoreIndex: 1, reduction: 'sum', labelSmoothing: 0.1 }],
      [s.float([3, 4]), s.float([3, 4], 0, 1), { labelSmoothing: 0.3 }],
      [s.float([2, 3, 2]), s.float([2, 3, 2], 0, 1)],
      [s.float([3]), s.float([3], 0, 1), { reduction: 'none' }],
    ],
  },
  (input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor => {
    const name = 'crossEntropy';
    checkInput(name, input);
    checkTensor(name, target, 'target');
    checkOptions(name, options, ['weight', 'ignoreIndex', 'reduction', 'labelSmoothing']);
    const reduction = reductionOf(name, options);
    const { labelSmoothing: smoothing = 0 } = options;
    checkNumber(name, 'labelSmoothing', smoothing, 'a number from 0 to 1', (v) => v >= 0 && v <= 1);
    const ignoreIndex = ignoreIndexOf(name, options);
    const classDim = classDimOf(name, input);
    const given = weightOf(name, options.weight, input, input.shape[classDim]);
    if (isFloat(target.dtype)) return withProbabilities(input, target, given, classDim, smoothing, reduction);
    const weight = constant(given);
    checkLabels(name, input, target, classDim, ignoreIndex);
    const [loss, probabilities, total] = applyMany(crossEntropyOp, [input.contiguous(), target.contiguous(), weight], { classDim, ignoreIndex, smoothing, reduction });
    probabilities.storage.discard();
    total.storage.discard();
    return loss;
  },
);

function withProbabilities(x: Tensor, target: Tensor, weight: Operand, classDim: 0 | 1, smoothing: number, reduction: 'none' | 'mean' | 'sum'): Tensor {
  if (!sameShape(x.shape, target.shape)) {
    throw new ShapeError(`crossEntropy: probabilities do not fit, got ${show(target)} for ${show(x)}; expected one shape`, { hint: 'class indices are integers: target.long()' });
  }
  const classes = x.shape[classDim];
  const wanted = smoothing > 0 ? target.mul(1 - smoothing).add(smoothing / classes) : target;
  const weighted = typeof weight === 'number' ? wanted : wanted.mul(weight.reshape(x.shape.map((_, d) => (d === classDim ? classes : 1))));
  const products = logSoftmax(x, classDim).mul(weighted);
  if (reduction === 'none') return products.sum(classDim).neg();
  const total = products.sum().neg();
  return reduction === 'sum' ? total : total.div(x.numel() / classes);
}

/**
 * Negative log-likelihood of the true classes, from log-probabilities: `-input[target]`, with the mean weighted by the classes' weights.
 *
 * @param input - log-probabilities, (C), (N, C) or (N, C, …)
 * @param target - class indices: the shape of the input without C
 * @throws ShapeError when the target does not fit; ArgumentError for a label outside 0 … C-1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html
 */
export const nllLoss: Free<(input: Tensor, target: Tensor, ...options: Trailing<ClassLossOptions, [weight: Tensor | null]>) => Tensor> = free(
  {
    name: 'nllLoss',
    parameters: ['target', 'options', 'weight'],
    family,
    torch: 'nn.functional.nll_loss',
    samples: (s) => [
      [s.float([3, 4]), s.int([3], 0, 4)],
      [s.float([2, 3, 2]), s.int([2, 2], 0, 3), { reduction: 'none' }],
      [s.float([4]), s.values([2], [], 'int64')],
      [s.float([4, 3]), s.values([0, -100, 2, 1], [4], 'int64')],
      [s.float([4, 3]), s.values([0, 1, 2, 1], [4], 'int64'), { ignoreIndex: 1, reduction: 'sum' }],
    ],
  },
  (input: Tensor, target: Tensor, options: ClassLossOptions = {}): Tensor => {
    const name = 'nllLoss';
    checkInput(name, input);
    checkTensor(name, target, 'target');
    checkOptions(name, options, ['weight', 'ignoreIndex', 'reduction']);
    const reduction = reductionOf(name, options);
    const ignoreIndex = ignoreIndexOf(name, options);
    const classDim = classDimOf(name, input);
    const weight = constant(weightOf(name, options.weight, input, input.shape[classDim]));
    checkLabels(name, input, target, classDim, ignoreIndex);
    const labels = target.to('int64');
    const ignored = labels.eq(ignoreIndex);
    const safe = labels.maskedFill(ignored, 0);
    const picked = gather(input, classDim, safe.unsqueeze(classDim)).squeeze(classDim).neg();
    const each = typeof weight === 'number' ? ignored.logicalNot().to(input.dtype) : gather(weight, 0, safe.flatten()).reshape(safe.shape).maskedFill(ignored, 0);
    const losses = picked.mul(each).maskedFill(ignored, 0);
    if (reduction === 'none') return losses;
    return reduction === 'sum' ? losses.sum() : losses.sum().div(each.sum());
  },
);

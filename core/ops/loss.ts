import { isFloat, resultType } from '../dtype.ts';
import { ArgumentError, DTypeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type Primitive, apply } from '../op.ts';
import { broadcastShapes, sameShape } from '../shape.ts';
import { type Node, isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { logsigmoid, sigmoid } from './activation.ts';
import { type Free, checkTensor, free, pointwise } from './define.ts';
import type { Trailing } from './byName.ts';
import { type Reduction, type ReductionOptions, checkInput, checkPair, findElement, reduceLoss, reductionOf } from './reduction.ts';

const family = 'loss';

const floats = (name: string) => (t: string): void => {
  if (t !== 'float32' && t !== 'float64') throw new DTypeError(`${name}: no floats, got ${t}; expected float32 or float64`);
};

// ---- functions of the difference ----

interface DifferenceLoss {
  /** The loss of one element. */
  readonly value: (d: Expr, parameter: number) => Expr;
  /** Its derivative as an expression, and in tensor operations for derivatives of higher order. */
  readonly slope: (d: Expr, parameter: number) => Expr;
  readonly slopeOf: (d: Tensor, parameter: number) => Tensor;
}

/** A loss of `d = input - target`. */
function ofDifference(name: string, { value, slope, slopeOf }: DifferenceLoss): Primitive<number> {
  const slopeOp = (side: string, sign: 1 | -1): Primitive<number> =>
    pointwise<number>({ name: `${name}${side}`, key: String, expr: (parameter, g, x, y) => e.mul(e.mul(g, sign), slope(e.sub(x, y), parameter)) });
  const toInput = slopeOp('Input', 1);
  const toTarget = slopeOp('Target', -1);
  const composed = (g: Tensor, n: Node): Tensor => g.mul(slopeOf(n.input(0).sub(n.input(1)), n.attrs as number));
  return pointwise<number>({
    name,
    key: String,
    accepts: floats(name),
    expr: (parameter, x, y) => value(e.sub(x, y), parameter),
    saves: 'inputs',
    backward: [
      (g, n) => (isGradEnabled() ? composed(g, n) : apply(toInput, [g, n.input(0), n.input(1)], n.attrs as number)),
      (g, n) => (isGradEnabled() ? composed(g, n).neg() : apply(toTarget, [g, n.input(0), n.input(1)], n.attrs as number)),
    ],
  });
}

const clamped = (x: Expr, bound: number): Expr => e.min(e.max(x, -bound), bound);

const squaredOp = ofDifference('squaredError', { value: (d) => e.mul(d, d), slope: (d) => e.mul(d, 2), slopeOf: (d) => d.mul(2) });
const absoluteOp = ofDifference('absoluteError', { value: (d) => e.abs(d), slope: (d) => e.sign(d), slopeOf: (d) => d.sign() });
const smoothOp = ofDifference('smoothError', {
  value: (d, beta) => e.select(e.lt(e.abs(d), beta), e.div(e.mul(e.mul(d, d), 0.5), beta), e.sub(e.abs(d), 0.5 * beta)),
  slope: (d, beta) => clamped(e.div(d, beta), 1),
  slopeOf: (d, beta) => d.div(beta).clamp({ min: -1, max: 1 }),
});
const huberOp = ofDifference('huberError', {
  value: (d, delta) => e.select(e.le(e.abs(d), delta), e.mul(e.mul(d, d), 0.5), e.mul(e.sub(e.abs(d), 0.5 * delta), delta)),
  slope: clamped,
  slopeOf: (d, delta) => d.clamp({ min: -delta, max: delta }),
});

function difference(name: string, op: Primitive<number>, parameter: number, input: Tensor, target: Tensor, reduction: Reduction): Tensor {
  checkTensor(name, input);
  checkTensor(name, target, 'target');
  if (!isFloat(resultType(input, target))) throw new DTypeError(`${name}: no floats, got ${show(input)} and ${show(target)}; expected float32 or float64`);
  if (!sameShape(input.shape, target.shape)) broadcastShapes(name, input.shape, target.shape);
  return reduceLoss(apply(op, [input, target], parameter), reduction);
}

type Loss<O extends ReductionOptions = ReductionOptions, L extends readonly unknown[] = []> = Free<(input: Tensor, target: Tensor, ...options: Trailing<O, L>) => Tensor>;

/**
 * Mean squared error, `(input - target)²`, broadcast.
 *
 * @throws ShapeError when the shapes do not broadcast
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html
 */
export const mseLoss: Loss = free(
  { name: 'mseLoss', family, torch: 'nn.functional.mse_loss', samples: (s) => [[s.float([2, 3]), s.float([2, 3])], [s.float([3]), s.float([3]), { reduction: 'sum' }], [s.float([2, 2]), s.float([2, 2]), { reduction: 'none' }]] },
  (input: Tensor, target: Tensor, options?: ReductionOptions): Tensor => {
    checkOptions('mseLoss', options, ['reduction']);
    return difference('mseLoss', squaredOp, 0, input, target, reductionOf('mseLoss', options));
  },
);

/**
 * Mean absolute error, `|input - target|`, broadcast; slope 0 at 0. Of integers the sum and the single losses, which are integers: they have no mean.
 *
 * @throws ShapeError when the shapes do not broadcast
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.l1_loss.html
 */
export const l1Loss: Loss = free(
  { name: 'l1Loss', family, torch: 'nn.functional.l1_loss', samples: (s) => [[s.float([2, 3]), s.float([2, 3], 3, 6)], [s.float([3]), s.float([3], -6, -3), { reduction: 'none' }]] },
  (input: Tensor, target: Tensor, options?: ReductionOptions): Tensor => {
    checkOptions('l1Loss', options, ['reduction']);
    const reduction = reductionOf('l1Loss', options);
    checkTensor('l1Loss', input);
    checkTensor('l1Loss', target, 'target');
    if (!isFloat(resultType(input, target))) return reduceLoss(input.sub(target).abs(), reduction);
    return difference('l1Loss', absoluteOp, 0, input, target, reduction);
  },
);

/** Options of `smoothL1Loss`. */
export interface SmoothL1LossOptions extends ReductionOptions {
  /** Where the square turns into the absolute value; default 1. */
  readonly beta?: number;
}

/**
 * `½d²/beta` where `|d| < beta`, else `|d| - beta/2`, for `d = input - target`, broadcast.
 *
 * @throws ShapeError when the shapes do not broadcast; ArgumentError for a negative beta
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html
 */
export const smoothL1Loss: Loss<SmoothL1LossOptions> = free(
  { name: 'smoothL1Loss', family, torch: 'nn.functional.smooth_l1_loss', samples: (s) => [[s.values([0.25, -3, 1.5, 0.75]), s.values([0.5, 1, -2, 0.375])], [s.values([0.375, -3]), s.values([0.5, 1]), { beta: 0.2, reduction: 'sum' }], [s.values([1, 2]), s.values([0.5, 3.25]), { beta: 0, reduction: 'none' }]] },
  (input: Tensor, target: Tensor, options?: SmoothL1LossOptions): Tensor => {
    checkOptions('smoothL1Loss', options, ['reduction', 'beta']);
    const beta = options?.beta ?? 1;
    checkNumber('smoothL1Loss', 'beta', beta, 'a number ≥ 0', (v) => v >= 0 && v < Infinity);
    return difference('smoothL1Loss', beta === 0 ? absoluteOp : smoothOp, beta, input, target, reductionOf('smoothL1Loss', options));
  },
);

/** Options of `huberLoss`. */
export interface HuberLossOptions extends ReductionOptions {
  /** Where the square turns into the absolute value; default 1. */
  readonly delta?: number;
}

/**
 * `½d²` where `|d| ≤ delta`, else `delta·(|d| - delta/2)`, for `d = input - target`, broadcast.
 *
 * @throws ShapeError when the shapes do not broadcast; ArgumentError unless delta > 0
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.huber_loss.html
 */
export const huberLoss: Loss<HuberLossOptions> = free(
  { name: 'huberLoss', family, torch: 'nn.functional.huber_loss', samples: (s) => [[s.values([0.25, -3, 1.5, 0.75]), s.values([0.5, 1, -2, 0.375])], [s.values([0.375, -3]), s.values([0.5, 1]), { delta: 0.2, reduction: 'none' }]] },
  (input: Tensor, target: Tensor, options?: HuberLossOptions): Tensor => {
    checkOptions('huberLoss', options, ['reduction', 'delta']);
    const delta = options?.delta ?? 1;
    checkNumber('huberLoss', 'delta', delta, 'a number > 0', (v) => v > 0 && v < Infinity);
    checkInput('huberLoss', input);
    return difference('huberLoss', huberOp, delta, input, target, reductionOf('huberLoss', options));
  },
);

// ---- probabilities ----

/** Refuses a target of another dtype than the input. */
function checkSameDType(name: string, input: Tensor, target: Tensor): void {
  if (input.dtype !== target.dtype) throw new DTypeError(`${name}: dtypes differ, got ${show(input)} and ${show(target)}; expected one dtype`, { hint: `convert the target with .to('${input.dtype}')` });
}

const clampedLog = (x: Expr): Expr => e.max(e.log(x), -100);

const bceOp = pointwise({
  name: 'binaryCrossEntropy',
  accepts: floats('binaryCrossEntropy'),
  expr: (_, x, y) => e.sub(e.mul(e.sub(y, 1), e.max(e.log1p(e.neg(x)), -100)), e.mul(y, clampedLog(x))),
  saves: 'inputs',
  backward: [
    (g, n) => {
      const x = n.input(0);
      return g.mul(x.sub(n.input(1))).div(x.mul(x.rsub(1)).clamp({ min: 1e-12 }));
    },
    (g, n) => g.mul(n.input(0).neg().log1p().clamp({ min: -100 }).sub(n.input(0).log().clamp({ min: -100 }))),
  ],
});

/** Options of `binaryCrossEntropy`. */
export interface BinaryCrossEntropyOptions extends ReductionOptions {
  /** Factors that broadcast with the target; no gradient flows into them; default none. */
  readonly weight?: Tensor | null;
}

/** Losses times weights that must broadcast to the shape of the losses. */
function weighted(name: string, losses: Tensor, weight: Tensor | null | undefined): Tensor {
  if (weight === null || weight === undefined) return losses;
  checkInput(name, weight, 'weight');
  return losses.mul(weight.detach().broadcastTo(losses.shape));
}

/**
 * `-(y·log x + (1 - y)·log(1 - x))` for probabilities x and targets y, with logarithms no lower than -100.
 *
 * @throws ShapeError when the shapes differ; ArgumentError for an input outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html
 */
export const binaryCrossEntropy: Loss<BinaryCrossEntropyOptions, [weight: Tensor | null]> = free(
  { name: 'binaryCrossEntropy', parameters: ['target', 'options', 'weight'], family, torch: 'nn.functional.binary_cross_entropy', samples: (s) => [[s.float([2, 3], 0.1, 0.9), s.float([2, 3], 0, 1)], [s.float([3], 0.1, 0.9), s.float([3], 0, 1), { reduction: 'none' }]] },
  (input: Tensor, target: Tensor, options?: BinaryCrossEntropyOptions): Tensor => {
    const name = 'binaryCrossEntropy';
    checkOptions(name, options, ['weight', 'reduction']);
    checkPair(name, input, target);
    const reduction = reductionOf(name, options);
    checkSameDType(name, input, target);
    const wrong = findElement(input, 0, 1);
    if (wrong !== undefined) throw new ArgumentError(`${name}: not a probability, got ${wrong}; expected values from 0 to 1`, { values: { value: wrong }, hint: 'binaryCrossEntropyWithLogits takes logits' });
    return reduceLoss(weighted(name, apply(bceOp, [input, target], undefined), options?.weight), reduction);
  },
);

/** log(1 + exp(-x)) without overflow. */
const softplusOfNeg = (x: Expr): Expr => e.sub(e.log1p(e.exp(e.neg(e.abs(x)))), e.min(x, 0));

const logitsOp = pointwise({
  name: 'binaryCrossEntropyWithLogits',
  accepts: floats('binaryCrossEntropyWithLogits'),
  expr: (_, x, y) => e.add(e.mul(e.sub(1, y), x), softplusOfNeg(x)),
  saves: 'inputs',
  backward: [(g, n) => g.mul(sigmoid(n.input(0)).sub(n.input(1))), (g, n) => g.mul(n.input(0)).neg()],
});

/** 1 + (weight - 1)·y: the factor of the positive part. */
const positive = (n: Node): Tensor => n.input(2).sub(1).mul(n.input(1)).add(1);

const weightedLogitsOp = pointwise({
  name: 'binaryCrossEntropyWithPosWeight',
  accepts: floats('binaryCrossEntropyWithLogits'),
  expr: (_, x, y, w) => e.add(e.mul(e.sub(1, y), x), e.mul(e.add(1, e.mul(e.sub(w, 1), y)), softplusOfNeg(x))),
  saves: 'inputs',
  backward: [
    (g, n) => g.mul(n.input(1).rsub(1).sub(positive(n).mul(sigmoid(n.input(0).neg())))),
    (g, n) => g.mul(n.input(2).rsub(1).mul(logsigmoid(n.input(0))).sub(n.input(0))),
    null,
  ],
});

/** Options of `binaryCrossEntropyWithLogits`. */
export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /** Factor of the positive part, broadcast with the target, commonly (classes); no gradient flows into it; default none. */
  readonly posWeight?: Tensor | null;
}

/**
 * Binary cross-entropy of `sigmoid(input)`, exact for large logits: `(1 - y)·x + (1 + (posWeight - 1)·y)·log(1 + exp(-x))`.
 *
 * @throws ShapeError when the shapes differ
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html
 */
export const binaryCrossEntropyWithLogits: Loss<BinaryCrossEntropyWithLogitsOptions> = free(
  { name: 'binaryCrossEntropyWithLogits', parameters: ['target', 'options', 'weight'], family, torch: 'nn.functional.binary_cross_entropy_with_logits', samples: (s) => [[s.float([2, 3]), s.float([2, 3], 0, 1)], [s.float([3], -40, 40), s.float([3], 0, 1), { reduction: 'sum' }]] },
  (input: Tensor, target: Tensor, options?: BinaryCrossEntropyWithLogitsOptions): Tensor => {
    const name = 'binaryCrossEntropyWithLogits';
    checkOptions(name, options, ['weight', 'posWeight', 'reduction']);
    checkPair(name, input, target);
    const reduction = reductionOf(name, options);
    if (!isFloat(target.dtype)) throw new DTypeError(`${name}: target is not a float tensor, got ${show(target)}; expected float32 or float64`);
    const posWeight = options?.posWeight;
    if (posWeight === null || posWeight === undefined) return reduceLoss(weighted(name, apply(logitsOp, [input, target], undefined), options?.weight), reduction);
    checkInput(name, posWeight, 'posWeight');
    const losses = apply(weightedLogitsOp, [input, target, posWeight.detach().broadcastTo(input.shape)], undefined);
    return reduceLoss(weighted(name, losses, options?.weight), reduction);
  },
);

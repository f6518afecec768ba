import { type DType, isFloat, resultType } from '../dtype.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type Operand, type Primitive, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import type { NamedPair } from './byName.ts';
import { type InPlace, type Samples, checkOperand, checkTensor, inPlaceMethod, pointwise } from './define.ts';
import { checkFactor } from './pointwise.ts';

const family = 'pointwise';

/** Options of `addcmul` and `addcdiv`. */
export interface ValueOptions {
  /** Factor of the product or quotient; default 1. */
  readonly value?: number;
}

function valueOf(name: string, inputs: readonly Tensor[], options: ValueOptions | undefined): number {
  if (options === undefined) return 1;
  checkOptions(name, options, ['value']);
  const value = options.value ?? 1;
  if (typeof value !== 'number') throw new ArgumentError(`${name}: value is not a number, got ${show(value)}; expected a number`);
  checkFactor(name, 'value', value, resultType(...inputs));
  return value;
}

type AddScaled = InPlace<(x: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions) => Tensor>;

function inputsOf(name: string, x: Tensor, a: Tensor, b: Tensor): [Tensor, Tensor, Tensor] {
  checkTensor(name, x);
  checkTensor(name, a, 'tensor1');
  checkTensor(name, b, 'tensor2');
  return [x, a, b];
}

/** `x + value·term(a, b)`; the value reaches the kernel as a number, since optimizers change it with every step. */
function addScaled(op: Primitive<number>, samples: Samples): AddScaled {
  const { name } = op;
  const inPlace = `${name}_`;
  return inPlaceMethod(
    { name, family, samples },
    (x: Tensor, a: Tensor, b: Tensor, options?: ValueOptions): Tensor => {
      const inputs = inputsOf(name, x, a, b);
      return apply(op, inputs, valueOf(name, inputs, options));
    },
    (x: Tensor, a: Tensor, b: Tensor, options?: ValueOptions): Tensor => {
      const inputs = inputsOf(inPlace, x, a, b);
      return applyInPlace(op, inputs, valueOf(inPlace, inputs, options));
    },
  );
}

const factors = (i: number): boolean => i > 0;
const scaled = (g: Tensor, value: unknown): Tensor => (value === 1 ? g : g.mul(value as number));

const addcmulOp = pointwise<number>({
  name: 'addcmul',
  accepts: (t) => {
    if (t === 'bool') throw new DTypeError('addcmul: not defined for bool, got bool; expected numbers');
  },
  scalar: (value) => value,
  expr: (_, x, a, b, value) => e.add(x, e.mul(value, e.mul(a, b))),
  saves: factors,
  backward: [(g) => g, (g, n) => scaled(g.mul(n.input(2)), n.attrs), (g, n) => scaled(g.mul(n.input(1)), n.attrs)],
});

/**
 * `x + value·tensor1·tensor2`, broadcast.
 *
 * @throws DTypeError for integers and a value with a fraction
 * @see https://pytorch.org/docs/stable/generated/torch.addcmul.html
 */
export const addcmul: AddScaled = addScaled(addcmulOp, (s) => [
  [s.float([2, 3]), s.float([3]), s.float([2, 1]), { value: 0.5 }],
  [s.float([2]), s.float([2]), s.float([])],
  [s.int([2, 2]), s.int([2]), s.int([2, 1]), { value: 2 }],
  [s.float([0, 2]), s.float([2]), s.float([1])],
]);

const addcdivOp = pointwise<number>({
  name: 'addcdiv',
  dtype: (t, [, a, b]) => {
    if (!isFloat(t) || !isFloat(resultType(a, b))) throw new DTypeError(`addcdiv: integers have no quotient, got ${show(a)} and ${show(b)}; expected a float tensor`);
    return t;
  },
  scalar: (value) => value,
  expr: (_, x, a, b, value) => e.add(x, e.mul(value, e.div(a, b))),
  saves: factors,
  backward: [
    (g) => g,
    (g, n) => scaled(g.div(n.input(2)), n.attrs),
    (g, n) => scaled(g.mul(n.input(1)).div(n.input(2).square()).neg(), n.attrs),
  ],
});

/**
 * `x + value·tensor1 / tensor2`, broadcast.
 *
 * @throws DTypeError for integers
 * @see https://pytorch.org/docs/stable/generated/torch.addcdiv.html
 */
export const addcdiv: AddScaled = addScaled(addcdivOp, (s) => [
  [s.float([2, 3]), s.float([3]), s.float([2, 1], 0.5, 2), { value: 0.5 }],
  [s.float([2]), s.float([2]), s.float([], 1, 2)],
  [s.float([0, 2]), s.float([2]), s.float([1], 1, 2)],
]);

const lerpDTypes = (t: DType): void => {
  if (!isFloat(t)) throw new DTypeError(`lerp: not a float tensor, got ${t}; expected float32 or float64`);
};

/** Two branches, so that weight 0 gives exactly the start, weight 1 exactly the end, and equal ends themselves. */
export function between(x: Expr, end: Expr, w: Expr): Expr {
  const step = e.sub(end, x);
  return e.select(e.lt(e.abs(w), 0.5), e.add(x, e.mul(w, step)), e.sub(end, e.mul(step, e.sub(1, w))));
}

const lerpTensorOp = pointwise({
  name: 'lerpTensor',
  accepts: lerpDTypes,
  expr: (_, x, end, w) => between(x, end, w),
  saves: 'inputs',
  backward: [(g, n) => g.mul(n.input(2).rsub(1)), (g, n) => g.mul(n.input(2)), (g, n) => g.mul(n.input(1).sub(n.input(0)))],
});

/** With a number the gradient needs no values, so that averages can be written over. */
const lerpOp = pointwise<number>({
  name: 'lerp',
  accepts: lerpDTypes,
  scalar: (weight) => weight,
  expr: (_, x, end, __, w) => between(x, end, w),
  backward: [(g, n) => g.mul(1 - (n.attrs as number)), (g, n) => g.mul(n.attrs as number)],
});

function checkEnds(name: string, x: Tensor, end: Tensor, weight: Operand): void {
  checkTensor(name, x);
  checkTensor(name, end, 'end');
  if (x.dtype !== end.dtype) throw new DTypeError(`${name}: ends differ in dtype, got ${show(x)} and ${show(end)}; expected one dtype`);
  const w = checkOperand(name, weight, 'weight');
  if (typeof w !== 'number' && w.dtype !== x.dtype) throw new DTypeError(`${name}: the weight differs in dtype, got ${show(w)}; expected ${x.dtype}`);
}

/**
 * `x + weight·(end - x)`, broadcast; exact at weight 0, at weight 1, and where both ends are equal.
 *
 * @param weight - a number, or a tensor of the dtype of the ends
 * @throws DTypeError for integers and for dtypes that differ
 * @see https://pytorch.org/docs/stable/generated/torch.lerp.html
 */
export const lerp: InPlace<NamedPair<'end', Tensor, 'weight', Operand, object, Tensor>> = inPlaceMethod(
  {
    name: 'lerp',
    parameters: ['end', 'weight'],
    family,
    samples: (s) => [
      [s.float([2, 3]), s.float([2, 3]), 0.3],
      [s.float([2, 3]), s.float([3]), 0.8],
      [s.float([2, 3]), s.float([2, 3]), s.float([3], 0, 1)],
      [s.float([0]), s.float([0]), 0.3],
      [s.float([]), s.float([]), s.float([], 0, 0.4)],
    ],
  },
  (x: Tensor, end: Tensor, weight: Operand): Tensor => {
    checkEnds('lerp', x, end, weight);
    return typeof weight === 'number' ? apply(lerpOp, [x, end], weight) : apply(lerpTensorOp, [x, end, weight], undefined);
  },
  (x: Tensor, end: Tensor, weight: Operand): Tensor => {
    checkEnds('lerp_', x, end, weight);
    return typeof weight === 'number' ? applyInPlace(lerpOp, [x, end], weight) : applyInPlace(lerpTensorOp, [x, end, weight], undefined);
  },
);

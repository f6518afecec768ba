import { isFloat, resultType, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type Operand, type Primitive, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Binary, type InPlace, checkBeside, checkOperand, checkTensor, inPlaceMethod, pointwise } from './define.ts';

/** Remainder of `x / y` with the sign of `x`. */
function fmodOf(x: Expr, y: Expr): Expr {
  const rest = e.mod(e.abs(x), e.abs(y));
  return e.select(e.lt(x, 0), e.neg(rest), rest);
}

/** The largest whole number below or at `x / y`, from the remainder: rounding the quotient first can give one too many. */
function floorQuotient(x: Expr, y: Expr): Expr {
  const rest = fmodOf(x, y);
  const whole = e.div(e.sub(x, rest), y);
  const down = e.and(e.ne(rest, 0), e.xor(e.lt(rest, 0), e.lt(y, 0)));
  return e.select(e.eq(y, 0), e.div(x, y), e.round(e.sub(whole, down)));
}

/** Refuses bools, and to divide integers by 0. */
function checkDivisor(name: string, x: Operand, y: Operand): void {
  const dtype = resultType(x, y);
  if (isFloat(dtype)) return;
  if (dtype === 'bool') throw new DTypeError(`${name}: bools are not divided to whole numbers, got bool and bool; expected numbers`);
  const zero = typeof y === 'number' ? y === 0 : y.device.name === 'cpu' && y.data().includes(0);
  if (zero) throw new ArgumentError(`${name}: integer division by zero, got 0; expected a divisor other than 0`);
}

/** How `div` rounds: not at all, toward zero, or down. */
export type RoundingMode = 'trunc' | 'floor' | null;

const divOp = pointwise<RoundingMode>({
  name: 'div',
  key: String,
  expr: (mode, x, y) => quotient(mode, x, y),
  dtype: toFloat,
  saves: 'inputs',
  backward: [
    (g, n) => (n.attrs === null ? g.div(n.operand(1)) : g.mul(0)),
    (g, n) => {
      if (n.attrs !== null) return g.mul(0);
      const y = n.input(1);
      return g.neg().mul(n.operand(0)).div(y.mul(y));
    },
  ],
});

/** Division with rounding keeps integers, as PyTorch does. */
const divRoundedOp = pointwise<RoundingMode>({
  name: 'divRounded',
  key: String,
  expr: (mode, x, y) => quotient(mode, x, y),
  backward: [(g) => g.mul(0), (g) => g.mul(0)],
});

function quotient(mode: RoundingMode, x: Expr, y: Expr): Expr {
  if (mode === 'floor') return floorQuotient(x, y);
  return mode === 'trunc' ? e.trunc(e.div(x, y)) : e.div(x, y);
}

function divide(inPlace: boolean, x: Operand, y: Operand, options?: { readonly roundingMode?: RoundingMode }): Tensor {
  const name = inPlace ? 'div_' : 'div';
  checkOptions(name, options, ['roundingMode']);
  const mode = options?.roundingMode ?? null;
  if (mode !== null && mode !== 'trunc' && mode !== 'floor') {
    throw new ArgumentError(`${name}: unknown roundingMode, got ${show(mode)}; expected 'trunc', 'floor' or null`);
  }
  const [a, b] = mode === null ? [checkOperand(name, x, 'input'), checkOperand(name, y)] : [checkBeside(name, x, y, 'input'), checkBeside(name, y, x)];
  if (mode !== null) checkDivisor(name, a, b);
  const op = mode === null ? divOp : divRoundedOp;
  if (!inPlace) return apply(op, [a, b], mode);
  checkTensor(name, a);
  return applyInPlace(op, [a, b], mode);
}

/** Quotient `x / y`, broadcast; `roundingMode` 'trunc' or 'floor' rounds it. @see https://pytorch.org/docs/stable/generated/torch.div.html */
export const div: InPlace<(x: Operand, y: Operand, options?: { readonly roundingMode?: RoundingMode }) => Tensor> = inPlaceMethod(
  {
    name: 'div',
    family: 'pointwise',
    samples: (s) => [
      [s.float([2, 3]), s.float([3], 0.5, 2)],
      [s.float([2, 3]), 2],
      [s.int([2, 3]), s.int([3], 1, 4)],
      [s.float([4], -5, 5), s.float([4], 0.5, 2), { roundingMode: 'floor' }],
      [s.int([4], -7, 7), 3, { roundingMode: 'trunc' }],
      [s.float([0]), s.float([])],
    ],
  },
  (x: Operand, y: Operand, options?: { readonly roundingMode?: RoundingMode }): Tensor => divide(false, x, y, options),
  (x: Tensor, y: Operand, options?: { readonly roundingMode?: RoundingMode }): Tensor => divide(true, x, y, options),
);

const remainderOp = pointwise({
  name: 'remainder',
  expr: (_, x, y) => e.mod(x, y),
  saves: 'inputs',
  backward: [(g) => g, (g, n) => g.neg().mul(div(n.operand(0), n.operand(1), { roundingMode: 'floor' }))],
});

/** Remainder with the sign of the divisor (Python's `%`). @see https://pytorch.org/docs/stable/generated/torch.remainder.html */
export const remainder: Binary = dividing('remainder', remainderOp);

const fmodOp = pointwise({
  name: 'fmod',
  expr: (_, x, y) => fmodOf(x, y),
  saves: 'inputs',
  backward: [(g) => g, (g, n) => g.neg().mul(div(n.operand(0), n.operand(1), { roundingMode: 'trunc' }))],
});

/** Remainder with the sign of the dividend (C's `fmod`). @see https://pytorch.org/docs/stable/generated/torch.fmod.html */
export const fmod: Binary = dividing('fmod', fmodOp);

const floorDivideOp = pointwise({ name: 'floorDivide', expr: (_, x, y) => floorQuotient(x, y) });

/** Quotient rounded down (Python's `//`); integers stay integers. @see https://pytorch.org/docs/stable/generated/torch.floor_divide.html */
export const floorDivide: Binary = dividing('floorDivide', floorDivideOp);

/** An operation that refuses to divide integers by 0. */
function dividing(name: string, op: Primitive<undefined>): Binary {
  const inputs = (who: string, x: Operand | boolean, y: Operand | boolean): [Operand, Operand] => {
    const pair: [Operand, Operand] = [checkBeside(who, x, y, 'input'), checkBeside(who, y, x)];
    checkDivisor(who, ...pair);
    return pair;
  };
  return inPlaceMethod(
    {
      name,
      family: 'pointwise',
      differentiable: op.backward !== undefined,
      samples: (s) => [
        [s.float([2, 3]), s.float([2, 3], 0.3, 1.5)],
        [s.float([2, 1, 3]), s.float([4, 1], -1.5, -0.3)],
        [s.float([3], -4, 4), 1.5],
        [s.int([4], -7, 7), 3],
        [s.int([4], -7, 7), s.int([4], -4, -1)],
        [s.float([0, 3]), s.float([1, 3])],
      ],
    },
    (x: Operand | boolean, y: Operand | boolean): Tensor => apply(op, inputs(name, x, y), undefined),
    (x: Tensor, y: Operand | boolean): Tensor => {
      checkTensor(`${name}_`, x);
      const [, other] = inputs(`${name}_`, x, y);
      return applyInPlace(op, [x, other], undefined);
    },
  );
}

import { type DType, isFloat, resultType } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type Operand, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Binary, checkBeside, checkTensor, inPlaceMethod, pointwise } from './define.ts';

/** The dtype of a power; refuses bools, and integers to a negative number. */
function powerType(t: DType, [, y]: readonly Operand[]): DType {
  if (t === 'bool') throw new DTypeError('pow: bools have no power, got bool and bool; expected numbers');
  if (typeof y === 'number' && y < 0 && !isFloat(t)) throw new DTypeError(`pow: integers have no negative power, got ${t} and ${y}; expected an exponent ≥ 0`, { hint: "to('float32') first" });
  return t;
}

const powOp = pointwise({
  name: 'pow',
  dtype: powerType,
  expr: (_, x, y) => e.pow(x, y),
  saves: 'both',
  backward: [
    (g, n) => {
      const y = n.operand(1);
      if (y === 0) return g.mul(0);
      if (y === 2) return g.mul(n.input(0)).mul(2);
      if (typeof y === 'number') return g.mul(n.input(0).pow(y - 1)).mul(y);
      return g.mul(y).mul(powOf(n.operand(0), y.to(g.dtype).sub(1))).maskedFill(y.eq(0), 0);
    },
    (g, n) => {
      const x = n.operand(0);
      const y = n.output();
      if (typeof x === 'number') return x === 0 ? g.mul(0) : g.mul(y).mul(Math.log(x));
      return g.mul(y).mul(x.log()).maskedFill(x.eq(0).logicalAnd(n.input(1).ge(0)), 0);
    },
  ],
});

/** Of whole numbers: what a negative exponent leaves below 1 is 0, also of 0. */
const wholePowOp = pointwise({ name: 'wholePow', dtype: powerType, expr: (_, x, y) => e.select(e.and(e.eq(x, 0), e.lt(y, 0)), 0, e.pow(x, y)) });

/** Of bytes, modulo 256: the product of the squares of squares that the exponent's bits name. Powers as doubles would be rounded. */
function bytePower(x: Expr, y: Expr): Expr {
  const byte = (a: Expr): Expr => e.bitAnd(a, 255);
  let [square, power] = [x, e.select(e.bitAnd(y, 1), x, 1)];
  for (let bit = 2; bit < 256; bit *= 2) {
    square = byte(e.mul(square, square));
    power = byte(e.mul(power, e.select(e.bitAnd(y, bit), square, 1)));
  }
  return power;
}

const bytePowOp = pointwise({ name: 'bytePow', dtype: powerType, expr: (_, x, y) => bytePower(x, y) });

/** The operation for these operands. */
function powOpOf(inputs: readonly Operand[]): typeof powOp {
  if (!inputs.every(isWhole)) return powOp;
  return resultType(...inputs) === 'uint8' ? bytePowOp : wholePowOp;
}

const isWhole = (x: Operand): boolean => (typeof x === 'number' ? Number.isInteger(x) : !isFloat(x.dtype));

/** A negative exponent is refused, not wrapped round. */
const exponent = (x: unknown, y: unknown): Operand => (typeof y === 'number' && y < 0 ? y : checkBeside('pow', y, x));

/** Power `x^y`, broadcast. @see https://pytorch.org/docs/stable/generated/torch.pow.html */
export const pow: Binary = inPlaceMethod(
  {
    name: 'pow',
    family: 'pointwise',
    samples: (s) => [
      [s.float([2, 3], 0.2, 2), s.float([3], -2, 2)],
      [s.float([2, 3]), 2],
      [s.float([2, 3]), 3],
      [s.float([3], 0.1, 2), 0.5],
      [2, s.float([3])],
      [s.int([3]), 2],
      [s.values([2, -1, 1, -1, 0], [5], 'int64'), s.values([-1, -2, -3, -3, -1], [5], 'int64')],
      [s.float([0]), 2],
    ],
  },
  (x: Operand | boolean, y: Operand | boolean): Tensor => {
    const inputs: [Operand, Operand] = [checkBeside('pow', x, y, 'input'), exponent(x, y)];
    return apply(powOpOf(inputs), inputs, undefined);
  },
  (x: Tensor, y: Operand | boolean): Tensor => {
    checkTensor('pow', x);
    const inputs: [Tensor, Operand] = [x, exponent(x, y)];
    return applyInPlace(powOpOf(inputs), inputs, undefined);
  },
);

const powOf = (x: Operand, y: Tensor): Tensor => pow(x, y);

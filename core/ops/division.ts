import { type DType, isFloat, resultType } from '../dtype.ts';
import { ArgumentError, DTypeError } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import type { Operand } from '../tape.ts';

/** Remainder of `x / y` with the sign of `x`. */
export function fmodOf(x: Expr, y: Expr): Expr {
  const rest = e.mod(e.abs(x), e.abs(y));
  return e.select(e.lt(x, 0), e.neg(rest), rest);
}

/** The largest whole number below or at `x / y`, from the remainder: rounding the quotient first can give one too many. */
export function floorQuotient(x: Expr, y: Expr): Expr {
  const rest = fmodOf(x, y);
  const whole = e.div(e.sub(x, rest), y);
  const down = e.and(e.ne(rest, 0), e.xor(e.lt(rest, 0), e.lt(y, 0)));
  return e.select(e.eq(y, 0), e.div(x, y), e.round(e.sub(whole, down)));
}

/** Refuses to divide integers by 0. */
export function checkDivisor(name: string, x: Operand, y: Operand): void {
  if (isFloat(resultType(x, y))) return;
  const zero = typeof y === 'number' ? y === 0 : y.device.name === 'cpu' && y.data().includes(0);
  if (zero) throw new ArgumentError(`${name}: integer division by zero, got 0; expected a divisor other than 0`);
}

/** Refuses a factor with a fraction where the result holds none. */
export function checkFactor(name: string, what: string, factor: number, dtype: DType): void {
  if (!isFloat(dtype) && !Number.isInteger(factor)) {
    throw new DTypeError(`${name}: ${what} has a fraction, got ${factor} for ${dtype}; expected a whole number`);
  }
}

import { type DType, isFloat, resultType } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type Operand, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Binary, type Samples, checkBeside, checkTensor, inPlaceMethod, pointwise } from './define.ts';

const accepts = (name: string) => (t: DType): void => {
  if (isFloat(t) || t === 'bool') throw new DTypeError(`${name}: only integers have bits to move, got ${t}; expected uint8, int32 or int64`);
};

const widths: Readonly<Partial<Record<DType, number>>> = { uint8: 8, int32: 32, int64: 64 };

const samples: Samples = (s) => [
  [s.int([2, 3], -9, 9), s.int([3], 0, 4)],
  [s.int([4], 0, 200, 'uint8'), s.int([4], 0, 9, 'uint8')],
  [s.int([3], -50, 50, 'int32'), 2],
  [3, s.int([3])],
  [s.int([]), s.int([2])],
  [s.int([0]), s.int([1])],
];

/** A shift by all bits or more, or by a negative number, moves everything out. */
function shift(name: string, moved: (x: Expr, bits: Expr) => Expr, out: (x: Expr) => Expr): Binary {
  const op = pointwise<number>({
    name,
    accepts: accepts(name),
    key: String,
    expr: (width, x, bits) => e.select(e.and(e.ge(bits, 0), e.lt(bits, width)), moved(x, bits), out(x)),
  });
  const call = (who: string, x: Operand | boolean, bits: Operand | boolean): [[Operand, Operand], number] => {
    const operands: [Operand, Operand] = [checkBeside(who, x, bits, 'input'), typeof bits === 'number' ? bits : checkBeside(who, bits, x)];
    return [operands, widths[resultType(...operands)] ?? 0];
  };
  return inPlaceMethod(
    { name, family: 'bitwise', differentiable: false, samples },
    (x: Operand | boolean, bits: Operand | boolean): Tensor => apply(op, ...call(name, x, bits)),
    (x: Tensor, bits: Operand | boolean): Tensor => {
      checkTensor(`${name}_`, x);
      const [[, other], width] = call(`${name}_`, x, bits);
      return applyInPlace(op, [x, other], width);
    },
  );
}

/**
 * `x·2^bits` of integers, without the bits that move out.
 *
 * @throws DTypeError for floats and bool, and for int64 results that need more than 32 bits
 * @see https://pytorch.org/docs/stable/generated/torch.bitwise_left_shift.html
 */
export const bitwiseLeftShift: Binary = shift('bitwiseLeftShift', (x, bits) => e.mul(x, e.exp2(bits)), (x) => e.mul(x, 0));

/**
 * `x / 2^bits` of integers, rounded down.
 *
 * @throws DTypeError for floats and bool
 * @see https://pytorch.org/docs/stable/generated/torch.bitwise_right_shift.html
 */
export const bitwiseRightShift: Binary = shift('bitwiseRightShift', (x, bits) => e.floor(e.div(x, e.exp2(bits))), (x) => e.neg(e.lt(x, 0)));

import { type DType, isFloat } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type Operand, type Primitive, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Binary, type Samples, type Unary, binary, checkTensor, inPlaceMethod, pointwise } from './define.ts';

const family = 'bitwise';

const whole = (name: string) => (t: DType): void => {
  if (isFloat(t)) throw new DTypeError(`${name}: floats have no bits to combine, got ${t}; expected integers or bool`);
};

const samples: Samples = (s) => [
  [s.int([2, 3], -9, 9), s.int([3], -9, 9)],
  [s.int([4], 0, 200, 'uint8'), s.int([4], 0, 200, 'uint8')],
  [s.int([3]), 6],
  [s.bool([4]), s.bool([4])],
  [s.bool([2, 1]), s.int([3], 0, 9, 'int32')],
  [s.int([0]), s.int([])],
];

const logic = (name: string, cpu: (x: Expr, y: Expr) => Expr): Binary => binary({ name, family, accepts: whole(name), cpu, samples });

/** And of the bits of integers; of bools, the logical and. @see https://pytorch.org/docs/stable/generated/torch.bitwise_and.html */
export const bitwiseAnd: Binary = logic('bitwiseAnd', e.bitAnd);
/** Or of the bits of integers; of bools, the logical or. @see https://pytorch.org/docs/stable/generated/torch.bitwise_or.html */
export const bitwiseOr: Binary = logic('bitwiseOr', e.bitOr);
/** Exclusive or of the bits of integers; of bools, the logical one. @see https://pytorch.org/docs/stable/generated/torch.bitwise_xor.html */
export const bitwiseXor: Binary = logic('bitwiseXor', e.bitXor);

const notOp: Primitive<'bool' | 'integer'> = pointwise<'bool' | 'integer'>({
  name: 'bitwiseNot',
  accepts: whole('bitwiseNot'),
  key: (kind) => kind,
  expr: (kind, x) => (kind === 'bool' ? e.not(x) : e.bitNot(x)),
});

const kindOf = (name: string, x: Operand): 'bool' | 'integer' => {
  checkTensor(name, x);
  return x.dtype === 'bool' ? 'bool' : 'integer';
};

/** All bits of integers turned round; of bools, the logical not. @see https://pytorch.org/docs/stable/generated/torch.bitwise_not.html */
export const bitwiseNot: Unary = inPlaceMethod(
  { name: 'bitwiseNot', family, differentiable: false, samples: (s) => [[s.int([2, 3], -9, 9)], [s.int([4], 0, 200, 'uint8')], [s.bool([4])], [s.int([])]] },
  (x: Tensor): Tensor => apply(notOp, [x], kindOf('bitwiseNot', x)),
  (x: Tensor): Tensor => applyInPlace(notOp, [x], kindOf('bitwiseNot_', x)),
);

import * as bits from '../cpu/bits.ts';
import { type DType, isFloat, toFloat } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { e, library1, library2 } from '../expr.ts';
import { type Operand, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, type InPlace, type Method, type Samples, type Unary, checkOperand, checkTensor, free, inPlaceMethod, method, pointwise, unary } from './define.ts';
import { within } from './named.ts';

const signBitOf = library1('signBit', bits.signBit);
const copySignOf = library2('copySign', bits.copySign);

const family = 'pointwise';
const bool = (): DType => 'bool';

const edges: Samples = (s) => [[s.values([0, 1.5, -2, NaN, Infinity, -Infinity])], [s.int([3], -2, 3)], [s.int([3], 0, 3, 'uint8')], [s.bool([3])], [s.float([])], [s.float([0])]];

/** True for negative numbers and for -0. @see https://pytorch.org/docs/stable/generated/torch.signbit.html */
export const signbit: Method<(x: Tensor) => Tensor> = test('signbit', pointwise({ name: 'signbit', dtype: bool, expr: (_, x) => signBitOf(x) }), edges);
/** True for Infinity. @see https://pytorch.org/docs/stable/generated/torch.isposinf.html */
export const isposinf: Method<(x: Tensor) => Tensor> = test('isposinf', pointwise({ name: 'isposinf', dtype: bool, expr: (_, x) => e.eq(x, Infinity) }), edges);
/** True for -Infinity. @see https://pytorch.org/docs/stable/generated/torch.isneginf.html */
export const isneginf: Method<(x: Tensor) => Tensor> = test('isneginf', pointwise({ name: 'isneginf', dtype: bool, expr: (_, x) => e.eq(x, -Infinity) }), edges);
/** True: tensors hold real numbers. @see https://pytorch.org/docs/stable/generated/torch.isreal.html */
export const isreal: Method<(x: Tensor) => Tensor> = test('isreal', pointwise({ name: 'isreal', dtype: bool, expr: (_, x) => e.or(e.eq(x, x), e.isNaN(x)) }), edges);

function test(name: string, op: ReturnType<typeof pointwise<undefined>>, samples: Samples): Method<(x: Tensor) => Tensor> {
  return method({ name, family: 'comparison', differentiable: false, samples }, (x: Tensor): Tensor => {
    checkTensor(name, x);
    return apply(op, [x], undefined);
  });
}

/** Sign of real numbers, as `sign`: -1, 0 or 1. @see https://pytorch.org/docs/stable/generated/torch.sgn.html */
export const sgn: Unary = unary({
  name: 'sgn', cpu: (x) => e.sub(e.gt(x, 0), e.lt(x, 0)), backward: (g) => g.mul(0), samples: (s) => [[s.float([2, 3])], [s.float([])], [s.int([4], -2, 3)], [s.bool([3])], [s.float([0])]],
});

/**
 * The tensor itself, for `+x`.
 *
 * @throws DTypeError for bool
 * @see https://pytorch.org/docs/stable/generated/torch.positive.html
 */
export const positive: Method<(x: Tensor) => Tensor> = method({ name: 'positive', family, samples: (s) => [[s.float([2, 3])], [s.int([3])], [s.float([])]] }, (x: Tensor): Tensor => {
  checkTensor('positive', x);
  if (x.dtype === 'bool') throw new DTypeError('positive: bools have no sign, got bool; expected numbers');
  return x;
});

/** The tensor itself: tensors hold real numbers. @see https://pytorch.org/docs/stable/generated/torch.real.html */
export const real: Free<(x: Tensor) => Tensor> = free({ name: 'real', family, samples: (s) => [[s.float([2, 3])], [s.int([3])]] }, (x: Tensor): Tensor => {
  checkTensor('real', x);
  return x;
});

const angleOp = pointwise({
  name: 'angle',
  dtype: toFloat,
  expr: (_, x) => e.select(e.isNaN(x), x, e.select(e.lt(x, 0), Math.PI, 0)),
  backward: [(g) => g.mul(0)],
});

/** Angle in the complex plane, in radians: π below 0, else 0; NaN for NaN. @see https://pytorch.org/docs/stable/generated/torch.angle.html */
export const angle: Method<(x: Tensor) => Tensor> = method({ name: 'angle', family, samples: (s) => [[s.float([2, 3])], [s.int([3], -2, 3)], [s.bool([2])], [s.float([])]] }, (x: Tensor): Tensor => {
  checkTensor('angle', x);
  return apply(angleOp, [x], undefined);
});

/** Degrees to radians, `x·π/180`. @see https://pytorch.org/docs/stable/generated/torch.deg2rad.html */
export const deg2rad: Unary = unary({ name: 'deg2rad', cpu: (x) => e.mul(x, Math.PI / 180), dtype: toFloat, backward: (g) => g.mul(Math.PI / 180), samples: within(-200, 200) });
/** Radians to degrees, `x·180/π`. @see https://pytorch.org/docs/stable/generated/torch.rad2deg.html */
export const rad2deg: Unary = unary({ name: 'rad2deg', cpu: (x) => e.mul(x, 180 / Math.PI), dtype: toFloat, backward: (g) => g.mul(180 / Math.PI), samples: within(-4, 4) });

const copysignOp = pointwise({
  name: 'copysign',
  dtype: toFloat,
  expr: (_, x, y) => copySignOf(x, y),
  saves: 'both',
  backward: [
    (g, n) => {
      const x = n.input(0);
      return g.mul(n.output().div(x).maskedFill(x.eq(0), 0));
    },
    (g) => g.mul(0),
  ],
});

function signed(name: string, x: Tensor, y: Operand): [Tensor, Operand] {
  checkTensor(name, x);
  return [x, checkOperand(name, y)];
}

/** The size of `x` with the sign of `y`, which -0 has too; broadcast. @see https://pytorch.org/docs/stable/generated/torch.copysign.html */
export const copysign: InPlace<(x: Tensor, y: Operand) => Tensor> = inPlaceMethod(
  {
    name: 'copysign',
    family,
    samples: (s) => [
      [s.float([2, 3]), s.float([2, 3])],
      [s.float([2, 1, 3]), s.float([4, 1])],
      [s.float([3]), -2],
      [s.int([3]), s.int([3], -4, 4)],
      [s.float([]), s.float([2])],
      [s.float([0]), 1],
    ],
  },
  (x: Tensor, y: Operand): Tensor => apply(copysignOp, signed('copysign', x, y), undefined),
  (x: Tensor, y: Operand): Tensor => applyInPlace(copysignOp, signed('copysign_', x, y), undefined),
);

/** Refuses everything but floats, by name. */
export const floating = (name: string) => (t: DType): void => {
  if (!isFloat(t)) throw new DTypeError(`${name}: not a float tensor, got ${t}; expected float32 or float64`);
};

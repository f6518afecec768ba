import * as bits from '../cpu/bits.ts';
import { type DType, isFloat, resultType } from '../dtype.ts';
import { DTypeError, show } from '../errors.ts';
import { e, library2 } from '../expr.ts';
import { type Operand, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type InPlace, type Method, type Samples, checkOperand, checkTensor, inPlaceMethod, pointwise } from './define.ts';
import { type TensorPair, floatPairs, tensorMethod, tensorPair } from './named.ts';
import { exp2 } from './pointwise.ts';
import { pow } from './power.ts';
import { floating } from './sign.ts';

const nextSingleOf = library2('nextSingle', bits.nextSingle);
const nextDoubleOf = library2('nextDouble', bits.nextDouble);
const gcdOf = library2('gcd', bits.gcd);

const family = 'pointwise';

const extremes: Samples = (s) => [...floatPairs(s), [s.values([NaN, 1]), s.values([2, NaN])], [s.int([4]), s.int([4])], [s.bool([4]), s.bool([4])]];

/** Larger of two, and the other where one is NaN; the gradient goes to the first where they are equal. @see https://pytorch.org/docs/stable/generated/torch.fmax.html */
export const fmax: Method<(x: Tensor, y: Tensor) => Tensor> = tensorMethod({
  name: 'fmax',
  cpu: (x, y) => e.select(e.or(e.ge(x, y), e.isNaN(y)), x, y),
  saves: 'inputs',
  backward: [
    (g, n) => g.maskedFill(n.input(0).ge(n.input(1)).logicalOr(n.input(1).isnan()).logicalNot(), 0),
    (g, n) => g.maskedFill(n.input(0).ge(n.input(1)).logicalOr(n.input(1).isnan()), 0),
  ],
  samples: extremes,
});

/** Smaller of two, and the other where one is NaN; the gradient goes to the first where they are equal. @see https://pytorch.org/docs/stable/generated/torch.fmin.html */
export const fmin: Method<(x: Tensor, y: Tensor) => Tensor> = tensorMethod({
  name: 'fmin',
  cpu: (x, y) => e.select(e.or(e.le(x, y), e.isNaN(y)), x, y),
  saves: 'inputs',
  backward: [
    (g, n) => g.maskedFill(n.input(0).le(n.input(1)).logicalOr(n.input(1).isnan()).logicalNot(), 0),
    (g, n) => g.maskedFill(n.input(0).le(n.input(1)).logicalOr(n.input(1).isnan()), 0),
  ],
  samples: extremes,
});

/** `log2(2^x + 2^y)`, without overflow. @see https://pytorch.org/docs/stable/generated/torch.logaddexp2.html */
export const logaddexp2: Method<(x: Tensor, y: Tensor) => Tensor> = tensorMethod({
  name: 'logaddexp2',
  accepts: floating('logaddexp2'),
  // Equal infinities have no difference.
  cpu: (x, y) => e.select(e.and(e.eq(x, y), e.eq(e.abs(x), Infinity)), x, e.add(e.max(x, y), e.mul(e.log1p(e.exp2(e.neg(e.abs(e.sub(x, y))))), Math.LOG2E))),
  saves: 'inputs',
  backward: [(g, n) => g.mul(portion(n.input(0), n.input(1))), (g, n) => g.mul(portion(n.input(1), n.input(0)))],
});

/** `2^x / (2^x + 2^y)`. */
const portion = (x: Tensor, y: Tensor): Tensor => x.sub(y).mul(Math.LN2).sigmoid();

const nextafterOp = pointwise<'single' | 'double'>({
  name: 'nextafter',
  accepts: floating('nextafter'),
  key: (precision) => precision,
  expr: (precision, x, y) => (precision === 'single' ? nextSingleOf(x, y) : nextDoubleOf(x, y)),
});

function neighbours(name: string, x: Tensor, y: Tensor): [[Tensor, Tensor], 'single' | 'double'] {
  checkTensor(name, x);
  checkTensor(name, y, 'other');
  return [[x, y], resultType(x, y) === 'float64' ? 'double' : 'single'];
}

/** The float next to `x` on the way to `y`, broadcast. @see https://pytorch.org/docs/stable/generated/torch.nextafter.html */
export const nextafter: TensorPair = inPlaceMethod(
  { name: 'nextafter', family, differentiable: false, samples: floatPairs },
  (x: Tensor, y: Tensor): Tensor => apply(nextafterOp, ...neighbours('nextafter', x, y)),
  (x: Tensor, y: Tensor): Tensor => applyInPlace(nextafterOp, ...neighbours('nextafter_', x, y)),
);

const integers = (name: string) => (t: DType): void => {
  if (isFloat(t) || t === 'bool') throw new DTypeError(`${name}: not an integer tensor, got ${t}; expected uint8, int32 or int64`);
};

const wholePairs: Samples = (s) => [
  [s.int([2, 3], -20, 20), s.int([3], -20, 20)],
  [s.int([4], 0, 30, 'uint8'), s.int([4], 0, 30, 'uint8')],
  [s.int([4], -9, 9, 'int32'), s.int([4], -9, 9)],
  [s.values([0, 0, 4], [3], 'int64'), s.values([0, 6, 0], [3], 'int64')],
  [s.int([]), s.int([2])],
  [s.int([0]), s.int([1])],
];

/** Greatest common divisor of integers, ≥ 0. @see https://pytorch.org/docs/stable/generated/torch.gcd.html */
export const gcd: TensorPair = tensorPair({ name: 'gcd', accepts: integers('gcd'), cpu: gcdOf, samples: wholePairs });

/** Least common multiple of integers, ≥ 0. @see https://pytorch.org/docs/stable/generated/torch.lcm.html */
export const lcm: TensorPair = tensorPair({
  name: 'lcm',
  accepts: integers('lcm'),
  cpu: (x, y) => {
    const divisor = gcdOf(x, y);
    return e.select(e.eq(divisor, 0), 0, e.abs(e.mul(e.div(x, divisor), y)));
  },
  samples: wholePairs,
});

function factorOf(name: string, x: Tensor, exponent: Tensor): Tensor {
  checkTensor(name, x);
  checkTensor(name, exponent, 'other');
  return isFloat(exponent.dtype) ? exp2(exponent) : pow(2, exponent.to(exponent.ndim > 0 || !isFloat(x.dtype) ? 'float32' : x.dtype));
}

/** `x·2^other`, broadcast. @see https://pytorch.org/docs/stable/generated/torch.ldexp.html */
export const ldexp: TensorPair = inPlaceMethod(
  { name: 'ldexp', family, samples: (s) => [[s.float([2, 3]), s.int([3], -3, 4)], [s.int([3]), s.int([3])], [s.float([2, 2]), s.float([2])], [s.float([]), s.int([])], [s.float([0]), s.float([1])]] },
  (x: Tensor, other: Tensor): Tensor => x.mul(factorOf('ldexp', x, other)),
  (x: Tensor, other: Tensor): Tensor => x.mul_(factorOf('ldexp_', x, other)),
);

const doubled = (x: Operand): Operand => (typeof x === 'number' ? x : x.to('float64'));

/**
 * Power `x^exponent` in float64, whatever the dtypes; one of the two may be a number.
 *
 * @throws DTypeError in place for a tensor that is not float64
 * @see https://pytorch.org/docs/stable/generated/torch.float_power.html
 */
export const floatPower: InPlace<(x: Operand, exponent: Operand) => Tensor> = inPlaceMethod(
  {
    name: 'floatPower',
    family,
    samples: (s) => [[s.float([2, 3], 0.2, 2), s.float([3])], [s.int([3]), 2], [s.float([3], 0.2, 2), -1.5], [2, s.float([3])], [s.float([], 0.2, 2), s.int([2])], [s.float([0]), 2]],
  },
  (x: Operand, exponent: Operand): Tensor => pow(doubled(checkOperand('floatPower', x, 'input')), doubled(checkOperand('floatPower', exponent, 'exponent'))),
  (x: Tensor, exponent: Operand): Tensor => {
    checkTensor('floatPower_', x);
    if (x.dtype !== 'float64') throw new DTypeError(`floatPower_: the result is float64, got ${show(x)}; expected a float64 tensor`);
    return x.pow_(doubled(checkOperand('floatPower_', exponent, 'exponent')));
  },
);


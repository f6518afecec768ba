import { type V128, f32x4, f64x2, i32x4, i64x2, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { type Reduced, reduceLarge } from './math-angle.ts';
import { type VectorFunction, bits, constant, lowerHalves, signOf, upperHalf, where } from './math.ts';

// Functions that would lose too much in single floats are computed on pairs of doubles. Rounding the result is then their only error, and
// subnormal floats are ordinary numbers.

const double = (f: FunctionBuilder, c: number): V128 => f.hoist(f64x2.const(c));

/** Horner's rule on doubles. */
function polynomial2(f: FunctionBuilder, x: V128, [highest, ...rest]: readonly number[]): V128 {
  let sum = double(f, highest);
  for (const c of rest) sum = f.v128(f64x2.add(f64x2.mul(sum, x), double(f, c)));
  return sum;
}

/** A function of doubles for both halves of vectors of floats. */
function inDoubles(f: FunctionBuilder, args: readonly V128[], body: (...args: V128[]) => V128): V128 {
  const lower = f.v128(f32x4.demote(body(...args.map((x) => f.v128(f64x2.promoteLow(x))))));
  const upper = f.v128(f32x4.demote(body(...args.map((x) => f.v128(f64x2.promoteLow(upperHalf(x)))))));
  return f.v128(lowerHalves(lower, upper));
}

/** Exponents behind the lowest one for which `2·atanh(s) / ln 2 = Σ 2 s^(2k+1) / ((2k+1) ln 2)` is summed. */
const ATANH = [17, 15, 13, 11, 9, 7, 5, 3, 1].map((k) => 2 / (k * Math.LN2));

/** `log2(x)` of doubles ≥ 0 that have come from floats, relative to the result better than 2⁻⁴⁰. */
function log2OfDoubles(f: FunctionBuilder, x: V128): V128 {
  // The bits of √½ come off, so that the mantissa lies between √½ and √2.
  const exponent = f.v128(i64x2.shrS(i64x2.sub(x, f.hoist(i64x2.const(0x3fe6a09e667f3bcdn))), 52));
  const mantissa = f.v128(i64x2.sub(x, i64x2.shl(exponent, 52)));
  const s = f.v128(f64x2.div(f64x2.sub(mantissa, double(f, 1)), f64x2.add(mantissa, double(f, 1))));
  const series = f64x2.mul(polynomial2(f, f.v128(f64x2.mul(s, s)), ATANH), s);
  const e = f64x2.convertLowI32x4(v128.shuffle32(exponent, exponent, [0, 2, 0, 2]));
  const y = f.v128(f64x2.add(e, series));
  const finite = where(f64x2.lt(x, double(f, Infinity)), y, x);
  return f.v128(where(f64x2.eq(x, double(f, 0)), double(f, -Infinity), finite));
}

/** `ln(2)ᵏ / k!`. */
const EXP2 = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((k) => {
  let c = 1;
  for (let i = 1; i <= k; i++) c *= Math.LN2 / i;
  return c;
});

/** `2 ** t` of doubles; beyond the range of floats it stays finite or above 0. */
function exp2OfDoubles(f: FunctionBuilder, t0: V128): V128 {
  const t = f.v128(f64x2.pmax(f64x2.pmin(t0, double(f, 1000)), double(f, -1000)));
  const n = f.v128(f64x2.nearest(t));
  const y = polynomial2(f, f.v128(f64x2.sub(t, n)), EXP2);
  // 2⁵² + 2⁵¹ + n keeps n in its lowest bits.
  const shifted = f64x2.add(n, double(f, 6755399441055744));
  return f.v128(f64x2.mul(y, i64x2.add(i64x2.shl(shifted, 52), f.hoist(i64x2.const(0x3ff0000000000000n)))));
}

/** The logarithm to the base whose logarithm to base 2 is `1 / factor`. */
const logarithm = (factor: number): VectorFunction => (f, x0) => {
  const x = f.v128(x0);
  const y = inDoubles(f, [x], (d) => {
    const l = log2OfDoubles(f, d);
    return factor === 1 ? l : f64x2.mul(l, double(f, factor));
  });
  return f.v128(v128.or(y, v128.not(f32x4.ge(x, constant(f, 0)))));
};

/** `log2(x)`. */
export const log2: VectorFunction = logarithm(1);
/** `log10(x)`. */
export const log10: VectorFunction = logarithm(Math.LOG10E / Math.LOG2E);

/** `x ** y` as IEEE 754 has it: `1 ** NaN`, `NaN ** 0` and `(±1) ** Infinity` are 1. */
export function pow(f: FunctionBuilder, x0: V128, y0: V128): V128 {
  const [x, y] = [f.v128(x0), f.v128(y0)];
  const [zero, one] = [constant(f, 0), constant(f, 1)];
  const size = f.v128(f32x4.abs(x));
  const power = inDoubles(f, [size, y], (a, b) => exp2OfDoubles(f, f64x2.mul(log2OfDoubles(f, a), b)));
  const whole = f.v128(f32x4.eq(f32x4.trunc(y), y));
  const half = f.v128(f32x4.mul(y, constant(f, 0.5)));
  const odd = v128.andNot(whole, f32x4.eq(f32x4.trunc(half), half));
  const signed = v128.or(power, v128.and(signOf(f, x), odd));
  // Negative numbers have powers with a fraction where they are -Infinity only.
  const undefinedAt = v128.andNot(v128.and(f32x4.lt(x, zero), f32x4.gt(x, constant(f, -Infinity))), whole);
  const isOne = v128.or(
    v128.or(f32x4.eq(y, zero), f32x4.eq(x, one)),
    v128.and(f32x4.eq(size, one), f32x4.eq(f32x4.abs(y), constant(f, Infinity))),
  );
  return f.v128(where(isOne, one, v128.or(signed, undefinedAt)));
}

/** π/2 in three parts, the first two of 33 bits: their products with integers below 2²⁰ are exact (fdlibm). */
const HALF_PI = [1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21];

/** Takes multiples of π/2 off, here of floats up to about 1e6; larger ones have a way of their own. */
function reduceAngle(f: FunctionBuilder, x: V128): Reduced {
  const half = (d: V128): Reduced => {
    const n = f.v128(f64x2.nearest(f64x2.mul(d, double(f, 2 / Math.PI))));
    let r = d;
    for (const part of HALF_PI) r = f.v128(f64x2.sub(r, f64x2.mul(n, double(f, part))));
    const turns = f64x2.mul(f64x2.trunc(f64x2.mul(n, double(f, 0.25))), double(f, 4));
    return { r: f.v128(f32x4.demote(r)), quarter: f.v128(i32x4.truncSatF64x2(f64x2.sub(n, turns))) };
  };
  const lower = half(f.v128(f64x2.promoteLow(x)));
  const upper = half(f.v128(f64x2.promoteLow(upperHalf(x))));
  return reduceLarge(f, x, { r: lowerHalves(lower.r, upper.r), quarter: lowerHalves(lower.quarter, upper.quarter) });
}

const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1];
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2];

/** Sine and cosine of a reduced angle. */
function sinCos(f: FunctionBuilder, r: V128): readonly [V128, V128] {
  const square = f.v128(f32x4.mul(r, r));
  const horner = ([a, b, c]: readonly number[]): V128 =>
    f.v128(f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(constant(f, a), square), constant(f, b)), square), constant(f, c)));
  const sine = f.v128(f32x4.add(f32x4.mul(f32x4.mul(horner(SIN), square), r), r));
  const rest = f32x4.mul(f32x4.mul(horner(COS), square), square);
  const cosine = f.v128(f32x4.add(f32x4.sub(rest, f32x4.mul(square, constant(f, 0.5))), constant(f, 1)));
  return [sine, cosine];
}

const isOdd = (f: FunctionBuilder, n: V128): V128 => i32x4.ne(v128.and(n, bits(f, 1)), bits(f, 0));

/** The second lowest bit as a sign. */
const sign2 = (f: FunctionBuilder, n: V128): V128 => i32x4.shl(v128.and(n, bits(f, 2)), 30);

/** `sin(x)`. */
export function sin(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const { r, quarter } = reduceAngle(f, x);
  const [s, c] = sinCos(f, r);
  const y = v128.xor(where(isOdd(f, quarter), c, s), sign2(f, quarter));
  return f.v128(where(f32x4.eq(x, constant(f, 0)), x, y));
}

/** `cos(x)`. */
export function cos(f: FunctionBuilder, x0: V128): V128 {
  const { r, quarter } = reduceAngle(f, f.v128(x0));
  const [s, c] = sinCos(f, r);
  return f.v128(v128.xor(where(isOdd(f, quarter), s, c), sign2(f, i32x4.add(quarter, bits(f, 1)))));
}

/** `tan(x)`. */
export function tan(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const { r, quarter } = reduceAngle(f, x);
  const [s, c] = sinCos(f, r);
  const odd = f.v128(isOdd(f, quarter));
  const y = f32x4.div(where(odd, c, s), where(odd, f32x4.neg(s), c));
  return f.v128(where(f32x4.eq(x, constant(f, 0)), x, y));
}

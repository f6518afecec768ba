import { type V128, f32x4, i32x4, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';
import { bits, constant, polynomial, where } from './math.ts';

// log(x) = e·ln 2 + log(1 + t) with √½ ≤ 1 + t < √2, where log(1 + t) = t - t²/2 + t³·P(t) (Cephes' logf).

const P = [
  7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440e-4;
/** The bits of √½. */
const ROOT_HALF = 0x3f3504f3;
const SMALLEST_NORMAL = 2 ** -126;

/** Exponent (as integers) and mantissa of positive normal floats. */
function split(f: FunctionBuilder, x: V128): { readonly exponent: V128; readonly mantissa: V128 } {
  const exponent = f.v128(i32x4.shrS(i32x4.sub(x, bits(f, ROOT_HALF)), 23));
  return { exponent, mantissa: f.v128(i32x4.sub(x, i32x4.shl(exponent, 23))) };
}

/** `e·ln 2 + log(1 + t) + rest`. */
function assemble(f: FunctionBuilder, e: V128, t: V128, rest: V128 | null): V128 {
  const square = f.v128(f32x4.mul(t, t));
  const cubic = f.v128(f32x4.mul(f32x4.mul(polynomial(f, t, P), t), square));
  let low = f.v128(mulAdd(e, constant(f, LN2_LOW), cubic));
  if (rest !== null) low = f.v128(f32x4.add(low, rest));
  low = f.v128(mulAdd(square, constant(f, -0.5), low));
  return f.v128(mulAdd(e, constant(f, LN2_HIGH), f32x4.add(t, low)));
}

/** `-Infinity` at 0, NaN below, infinity and NaN as they are; `y` for positive numbers. */
function withLimits(f: FunctionBuilder, x: V128, y: V128): V128 {
  const zero = constant(f, 0);
  const inside = v128.and(f32x4.gt(x, zero), f32x4.lt(x, constant(f, Infinity)));
  const limit = where(f32x4.eq(x, zero), constant(f, -Infinity), v128.or(x, f32x4.lt(x, zero)));
  return f.v128(where(inside, y, limit));
}

/** `log(x)`. */
export function log(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const subnormal = f.v128(f32x4.lt(x, constant(f, SMALLEST_NORMAL)));
  const { exponent, mantissa } = split(f, f.v128(where(subnormal, f32x4.mul(x, constant(f, 2 ** 23)), x)));
  const e = f.v128(f32x4.sub(f32x4.convertI32x4(exponent), v128.and(subnormal, constant(f, 23))));
  return withLimits(f, x, assemble(f, e, f.v128(f32x4.sub(mantissa, constant(f, 1))), null));
}

/** `log(1 + x)`: the logarithm of the rounded sum, and its slope times what was rounded off. */
export function log1p(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const one = constant(f, 1);
  const sum = f.v128(f32x4.add(x, one));
  const { exponent, mantissa } = split(f, sum);
  const whole = f.v128(i32x4.eq(exponent, bits(f, 0)));
  // Without an exponent 1 + t is 1 + x, and nothing was rounded off.
  const t = f.v128(where(whole, x, f32x4.sub(mantissa, one)));
  const lost = f.v128(where(f32x4.gt(x, one), f32x4.sub(one, f32x4.sub(sum, x)), f32x4.sub(x, f32x4.sub(sum, one))));
  const y = assemble(f, f.v128(f32x4.convertI32x4(exponent)), t, f32x4.div(v128.andNot(lost, whole), sum));
  const tiny = f32x4.lt(f32x4.abs(x), constant(f, 2 ** -25));
  return f.v128(where(tiny, x, withLimits(f, sum, y)));
}

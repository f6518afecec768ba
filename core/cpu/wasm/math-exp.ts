import { type V128, f32x4, i32x4, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';
import { bits, constant, polynomial, signOf, where } from './math.ts';

// exp(x) = 2ⁿ·exp(r) with n the integer next to x/ln 2 and |r| ≤ ln 2 / 2, where exp(r) = 1 + r + r²·P(r) (Cephes' expf).

/** Adding it to a float of moderate size leaves the nearest integer in the lowest bits. */
const ROUND = 12582912;
/** The bits of 1: its exponent is where 0 stands. */
const ONE_BITS = 0x3f800000;
/** ln 2 as a float of few bits, whose products with n are exact, and the rest. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440e-4;
const P = [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];

/** `n` as the lowest bits of a float that is one too large, and the rest of `x`. */
function reduce(f: FunctionBuilder, x: V128): { readonly shifted: V128; readonly n: V128; readonly r: V128 } {
  const shifted = f.v128(mulAdd(x, constant(f, Math.LOG2E), constant(f, ROUND)));
  const n = f.v128(f32x4.sub(shifted, constant(f, ROUND)));
  const r = f.v128(mulAdd(n, constant(f, -LN2_HIGH), x));
  return { shifted, n, r: f.v128(mulAdd(n, constant(f, -LN2_LOW), r)) };
}

/** `exp(r) - 1` for small `r`. */
function small(f: FunctionBuilder, r: V128): V128 {
  return f.v128(mulAdd(f.v128(f32x4.mul(r, r)), polynomial(f, r, P), r));
}

/** `y·2ⁿ`, also where it overflows or is subnormal: in two steps. */
function scale(f: FunctionBuilder, y: V128, shifted: V128): V128 {
  const one = bits(f, ONE_BITS);
  const half = f.v128(i32x4.shl(i32x4.shrS(shifted, 1), 23));
  const rest = i32x4.sub(i32x4.shl(shifted, 23), half);
  return f.v128(f32x4.mul(f32x4.mul(y, i32x4.add(half, one)), i32x4.add(rest, one)));
}

/** `exp(x + rest)` with a small `rest`. */
export function expOfSum(f: FunctionBuilder, x: V128, rest: V128 | null): V128 {
  // Beyond these limits the result is infinite or 0; NaN passes.
  const inside = f.v128(f32x4.pmax(f32x4.pmin(x, constant(f, 88.8)), constant(f, -104)));
  const { shifted, r } = reduce(f, inside);
  const y = small(f, rest === null ? r : f.v128(f32x4.add(r, rest)));
  return scale(f, f32x4.add(y, constant(f, 1)), shifted);
}

/** `exp(x)`. */
export const exp = (f: FunctionBuilder, x: V128): V128 => expOfSum(f, f.v128(x), null);

/** `2 ** x`. */
export function exp2(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(f32x4.pmax(f32x4.pmin(x0, constant(f, 128.5)), constant(f, -151)));
  const shifted = f.v128(f32x4.add(x, constant(f, ROUND)));
  const r = f.v128(f32x4.mul(f32x4.sub(x, f32x4.sub(shifted, constant(f, ROUND))), constant(f, Math.LN2)));
  return scale(f, f32x4.add(small(f, r), constant(f, 1)), shifted);
}

/** `exp(x) - 1`. */
export function expm1(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const { shifted, n, r } = reduce(f, f.v128(f32x4.pmax(f32x4.pmin(x, constant(f, 88.8)), constant(f, -17.5))));
  const y = small(f, r);
  // 2ⁿ·y + 2ⁿ - 1, at half the size so that n = 128 is no overflow before its time.
  const half = f.v128(i32x4.add(i32x4.shl(shifted, 23), bits(f, 0x3f000000)));
  const large = f32x4.mul(f32x4.add(f32x4.mul(half, y), f32x4.sub(half, constant(f, 0.5))), constant(f, 2));
  // The sign of a zero has been lost on the way.
  return f.v128(v128.or(where(f32x4.eq(n, constant(f, 0)), y, large), signOf(f, x)));
}

/** `tanh(x)` as `d / (d + 2)` with `d = exp(2|x|) - 1`. */
export function tanh(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  // From 9.02 on the nearest float is 1.
  const size = f.v128(f32x4.pmin(f32x4.abs(x), constant(f, 9.1)));
  const { shifted, r } = reduce(f, f.v128(f32x4.add(size, size)));
  const y = small(f, r);
  const scaled = f.v128(i32x4.add(i32x4.shl(shifted, 23), bits(f, ONE_BITS)));
  const d = f.v128(f32x4.add(f32x4.mul(scaled, y), f32x4.sub(scaled, constant(f, 1))));
  return f.v128(v128.or(f32x4.div(d, f32x4.add(d, constant(f, 2))), signOf(f, x)));
}

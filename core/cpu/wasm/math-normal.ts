import { type V128, f32x4, i32x4, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';
import { bits, constant, polynomial, where } from './math.ts';

// The normal distribution and the slope of gelu, both from `φ(a) = exp(-a²/2)/√(2π)` and Mills' ratio: with `a = |x|` the tail is
// `Φ(-a) = exp(-a²/2)·M(a)`, where `M(a) = erfc(a/√2)·exp(a²/2)/2` falls smoothly from 1/2. Minimax fits in double precision.

/** `M(a) = N(a)/D(a)` for `0 ≤ a ≤ 14.5`, to 6e-9 of its size; all coefficients are positive, so that nothing cancels. */
const N = [4.116337498886904e-3, 4.063342546238044e-2, 0.1832357404611783, 0.4382957839914033, 0.5];
const D = [1.0318008227825564e-2, 0.10185933987177799, 0.46947221768501324, 1.202505676823484, 1.674476549224951, 1];
/** `exp(r) = 1 + r + r²·P(r)` for `|r| ≤ 0.405`, to 1.2e-8. */
const P = [1.3788047945126891e-3, 8.38159304112196e-3, 4.166986048221588e-2, 0.16666395962238312, 0.4999998211860657];

/** Adding it to a float of moderate size leaves the nearest integer in the lowest bits. */
const ROUND = 12582912;
/** ln 2 as a float of few bits, whose products with small integers are exact, and the rest. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440e-4;
/** From here on the tail is 0, also as a subnormal float. */
const END = 14.5;
/** The bits of 2⁶⁴: so much larger, no power of interest is subnormal. */
const LARGE_BITS = (127 + 64) << 23;
const SMALL = 2 ** -64;

/** `exp(-a²/2)·2⁶⁴`. */
function power(f: FunctionBuilder, a: V128): V128 {
  // a²/2 = high²/2 + (a - high)·(a + high)/2, with a high part whose square is exact.
  const high = f.v128(v128.and(a, bits(f, 0xfffff000)));
  const half = constant(f, -0.5);
  const x = f.v128(f32x4.mul(f32x4.mul(high, half), high));
  const rest = f32x4.mul(f32x4.mul(f32x4.sub(a, high), half), f32x4.add(a, high));
  const shifted = f.v128(mulAdd(x, constant(f, Math.LOG2E), constant(f, ROUND)));
  const n = f.v128(f32x4.sub(shifted, constant(f, ROUND)));
  const near = f.v128(mulAdd(n, constant(f, -LN2_HIGH), x));
  const r = f.v128(f32x4.add(mulAdd(n, constant(f, -LN2_LOW), near), rest));
  const y = f32x4.add(mulAdd(f.v128(f32x4.mul(r, r)), polynomial(f, r, P), r), constant(f, 1));
  return f.v128(f32x4.mul(y, i32x4.add(i32x4.shl(shifted, 23), bits(f, LARGE_BITS))));
}

/** What belongs to the tail, where `x` is negative, and one minus that elsewhere. */
function mirrored(f: FunctionBuilder, x: V128, tail: V128): V128 {
  const lower = f.v128(f32x4.mul(tail, constant(f, SMALL)));
  return f.v128(where(f32x4.lt(x, constant(f, 0)), lower, f32x4.sub(constant(f, 1), lower)));
}

const sizeOf = (f: FunctionBuilder, x: V128): V128 => f.v128(f32x4.pmin(f32x4.abs(x), constant(f, END)));

/** Mills' ratio over `√(2π)`. */
const ratio = (f: FunctionBuilder, a: V128): V128 => f32x4.div(polynomial(f, a, N), polynomial(f, a, D));

/** `Φ(x)`, small relative error in the tail included. */
export function normalCdf(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const a = sizeOf(f, x);
  return mirrored(f, x, f32x4.mul(power(f, a), ratio(f, a)));
}

/** `Φ(x) + x·φ(x)`, which is `S(a) = exp(-a²/2)·(M(a) - a/√(2π))` below 0 and `1 - S(a)` above. */
export function geluSlope(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const a = sizeOf(f, x);
  const bracket = f32x4.sub(ratio(f, a), f32x4.mul(a, constant(f, 1 / Math.sqrt(2 * Math.PI))));
  return mirrored(f, x, f32x4.mul(power(f, a), bracket));
}

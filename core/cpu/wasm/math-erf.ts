import { type V128, f32x4, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';
import { bits, constant, polynomial, signOf, where } from './math.ts';
import { exp, expOfSum } from './math-exp.ts';

// Minimax polynomials, fitted in double precision.

/** `erf(x) = x + x·P(x²)` below 0.9277, and `erf(x) = 1 - exp(Q(x))` from there on. */
const NEAR = [-5.95375945e-4, 4.98594486e-3, -2.67617236e-2, 1.12816827e-1, -3.76124811e-1, 1.28379148e-1];
const FAR = [2.14594958e-4, -3.21997501e-3, 2.29060297e-2, -1.05286853e-1, -6.3569937e-1, -1.28519952e-1];

/** `erf(x)`. */
export function erf(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const size = f.v128(f32x4.abs(x));
  const near = f.v128(mulAdd(polynomial(f, f.v128(f32x4.mul(x, x)), NEAR), x, x));
  // From 4 on the nearest float is 1.
  const limited = f.v128(f32x4.pmin(size, constant(f, 4.1)));
  const exponent = f32x4.sub(f32x4.mul(polynomial(f, limited, FAR), limited), limited);
  const far = v128.or(f32x4.sub(constant(f, 1), exp(f, exponent)), signOf(f, x));
  return f.v128(where(f32x4.gt(size, constant(f, 0.927734375)), far, near));
}

/** `(1 + 2a)·exp(a²)·erfc(a) = 1 + P(q)` for `a ≥ 0` and `q = (a - 2) / (a + 2)`. */
const TAIL = [
  -3.96104249e-4, -1.22233831e-3, 1.31256795e-3, 8.6253542e-3, -8.06088705e-3, -5.42026209e-2, 1.64055654e-1, -1.66031572e-1, -9.27639974e-2, 2.76978396e-1,
];

/** `erfc(x)`, small relative error in the tail included. */
export function erfc(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const one = constant(f, 1);
  // From 10.06 on the nearest float is 0.
  const a = f.v128(f32x4.pmin(f32x4.abs(x), constant(f, 10.5)));
  const q = f.v128(f32x4.div(f32x4.sub(a, constant(f, 2)), f32x4.add(a, constant(f, 2))));
  const y = f.v128(f32x4.div(f32x4.add(polynomial(f, q, TAIL), one), f32x4.add(f32x4.add(a, a), one)));
  // exp(-a²), with a² = square + rest exactly: a = high + low with a high part whose square is exact.
  const square = f.v128(f32x4.mul(a, a));
  const high = f.v128(v128.and(a, bits(f, 0xfffff000)));
  const low = f.v128(f32x4.sub(a, high));
  const rest = f.v128(f32x4.add(f32x4.sub(f32x4.mul(high, high), square), f32x4.mul(low, f32x4.add(a, high))));
  const tail = f.v128(f32x4.mul(y, expOfSum(f, f.v128(f32x4.neg(square)), f32x4.neg(rest))));
  return f.v128(where(f32x4.lt(x, constant(f, 0)), f32x4.sub(constant(f, 2), tail), tail));
}

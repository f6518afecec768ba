import { type V128, f32x4, i32x4, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';

/** Writes code that computes a function of four floats; what it returns is a local or code to be used once. */
export type VectorFunction = (f: FunctionBuilder, x: V128) => V128;

/** A constant in all lanes, made once before the loop. */
export const constant = (f: FunctionBuilder, c: number): V128 => f.hoist(f32x4.const(c));

/** Bits of an integer in all lanes, made once before the loop. */
export const bits = (f: FunctionBuilder, n: number): V128 => f.hoist(i32x4.const(n));

/** `c[0]·xⁿ + … + c[n]` by Horner's rule. */
export function polynomial(f: FunctionBuilder, x: V128, [highest, ...rest]: readonly number[]): V128 {
  let sum = constant(f, highest);
  for (const c of rest) sum = f.v128(mulAdd(sum, x, constant(f, c)));
  return sum;
}

/** `a` where the mask is set, else `b`. */
export const where = (mask: V128, a: V128, b: V128): V128 => v128.bitselect(a, b, mask);

/** The sign bits of `x`. */
export const signOf = (f: FunctionBuilder, x: V128): V128 => v128.and(x, bits(f, 0x80000000));

/** The lower halves of two vectors side by side. */
export const lowerHalves = (a: V128, b: V128): V128 => v128.shuffle32(a, b, [0, 1, 4, 5]);
/** The upper half of a vector in its lower half. */
export const upperHalf = (x: V128): V128 => v128.shuffle32(x, x, [2, 3, 2, 3]);

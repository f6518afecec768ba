import { type V128, f32x4, i32x4, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';
import { bits, constant, polynomial } from './math.ts';

// exp(x) = 2ⁿ·exp(r) with n the integer next to x/ln 2 and |r| ≤ ln 2 / 2, where exp(r) = 1 + r + r²·P(r) (Cephes' expf), as in `math-exp.ts`; with
// nothing above 0 and results below the normal floats as 0, one multiplication by 2ⁿ is enough, and no slow subnormal arises.

const ROUND = 12582912;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440e-4;
const P = [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];
/** The logarithm of a float that is just normal. */
const LOWEST = -87.3;

/** `exp(x)` for `x ≤ 0`, and 0 where that is smaller than the smallest normal float. NaN passes. */
export function expNegative(f: FunctionBuilder, x0: V128): V128 {
  const x = f.v128(x0);
  const lowest = constant(f, LOWEST);
  const inside = f.v128(f32x4.pmax(x, lowest));
  const shifted = f.v128(mulAdd(inside, constant(f, Math.LOG2E), constant(f, ROUND)));
  const n = f.v128(f32x4.sub(shifted, constant(f, ROUND)));
  const high = f.v128(mulAdd(n, constant(f, -LN2_HIGH), inside));
  const r = f.v128(mulAdd(n, constant(f, -LN2_LOW), high));
  const y = f.v128(mulAdd(f.v128(f32x4.mul(r, r)), polynomial(f, r, P), r));
  const power = i32x4.add(i32x4.shl(shifted, 23), bits(f, 0x3f800000));
  return f.v128(v128.andNot(f32x4.mul(f32x4.add(y, constant(f, 1)), power), f32x4.lt(x, lowest)));
}

import { type V128, f32x4, f64x2, i32, i32x4, i64x2, select, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { constant } from './math.ts';

/** An angle less a multiple of π/2. */
export interface Reduced {
  /** What is left, at most π/4 in size. */
  readonly r: V128;
  /** Which multiple, as an integer of which the two lowest bits count. */
  readonly quarter: V128;
}

/** `2/π · 2⁻⁸` to 256 bits, highest first. */
const TWO_OVER_PI = [0x00a2f9836e4e4415n, 0x29fc2757d1f534ddn, 0xc0db6295993c4390n, 0x41fe5163abdebbc5n];

/** Size from which floats are reduced with as many bits of π as they need. */
const LARGE = 2 ** 20;

/**
 * The same for vectors with finite floats of 2²⁰ and above, which are rare: a float is M·2ᵏ with an integer M below 2²⁴, so that M times 96 bits of 2/π,
 * from the bit on that stands for two quarter turns, tells the quarter and what is left of it. All lanes are computed, one after the other; those
 * of small floats keep what they had.
 *
 * See Payne and Hanek, "Radian Reduction for Trigonometric Functions" (1983).
 */
export function reduceLarge(f: FunctionBuilder, x: V128, small: Reduced): Reduced {
  const [r, quarter] = [f.v128(small.r), f.v128(small.quarter)];
  const size = f.v128(f32x4.abs(x));
  const large = f.v128(v128.and(f32x4.ge(size, constant(f, LARGE)), f32x4.lt(size, constant(f, Infinity))));
  f.if(v128.anyTrue(large), () => {
    const words = TWO_OVER_PI.map((word) => f.hoist(i64x2.const(BigInt.asIntN(64, word))));
    const low = f.hoist(i64x2.const(0xffffffffn));
    const [rest, angles, turns] = [f.v128(size), f.v128(), f.v128()];
    f.repeat(i32.const(4), () => {
      const float = f.i32(i32x4.lane(rest, 0));
      const first = f.i32(i32.sub(i32.shrU(float, 23), 144));
      const shift = f.i32(i32.and(first, 63));
      const second = f.i32(i32.and(i32.shrU(first, 6), 1));
      const [a, b, c] = [0, 1, 2].map((i) => f.v128(select(words[i + 1], words[i], second)));
      const window = (upper: V128, lower: V128): V128 => v128.or(i64x2.shl(upper, shift), i64x2.shrU(i64x2.shrU(lower, 1), i32.sub(63, shift)));
      const m = f.v128(v128.and(i32x4.splat(i32.or(i32.and(float, 0x7fffff), 0x800000)), low));
      const carried = i64x2.shrU(i64x2.mul(m, i64x2.shrU(window(b, c), 32)), 32);
      // In units of 2⁻⁶² quarter turns, modulo 4 of them.
      const position = f.v128(i64x2.add(i64x2.mul(m, window(a, b)), carried));
      const turn = f.v128(i64x2.shrU(i64x2.add(position, f.hoist(i64x2.const(1n << 61n))), 62));
      const left = f.v128(i64x2.sub(position, i64x2.shl(turn, 62)));
      const upper = f64x2.mul(f64x2.convertLowI32x4(v128.shuffle32(left, left, [1, 3, 1, 3])), f.hoist(f64x2.const(2 ** 32)));
      const lower = f64x2.convertLowU32x4(v128.shuffle32(left, left, [0, 2, 0, 2]));
      const angle = f32x4.demote(f64x2.mul(f64x2.add(upper, lower), f.hoist(f64x2.const((Math.PI / 2) * 2 ** -62))));
      angles.set(v128.shuffle32(angles, angle, [1, 2, 3, 4]));
      turns.set(v128.shuffle32(turns, turn, [1, 2, 3, 4]));
      rest.set(v128.shuffle32(rest, rest, [1, 2, 3, 0]));
    });
    const negative = f.v128(i32x4.shrS(x, 31));
    r.set(v128.bitselect(v128.xor(angles, i32x4.shl(negative, 31)), r, large));
    quarter.set(v128.bitselect(i32x4.sub(v128.xor(turns, negative), negative), quarter, large));
  });
  return { r, quarter };
}

import { type V128, f32x4, f64x2, i32, i32x4, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { WasmKernel } from './kernel.ts';

// Box and Muller's method in single precision, with S. Moshier's functions (Cephes) as in `normal.ts`, to the bit: a product and a sum that are rounded
// once there are computed in double precision here too.

const float = Math.fround;

/** `a·b + c`, computed as doubles, rounded to a float at the end. */
function fused(f: FunctionBuilder, a: V128, b: V128, c: V128): V128 {
  const [x, y, z] = [f.v128(a), f.v128(b), f.v128(c)];
  const half = (part: (v: V128) => V128): V128 =>
    f32x4.demote(f64x2.add(f64x2.mul(f64x2.promoteLow(part(x)), f64x2.promoteLow(part(y))), f64x2.promoteLow(part(z))));
  const low = f.v128(half((v) => v));
  return f.v128(v128.shuffle32(low, half((v) => v128.shuffle32(v, v, [2, 3, 2, 3])), [0, 1, 4, 5]));
}

/** A polynomial, highest coefficient first, every step rounded once. */
function polynomial(f: FunctionBuilder, x: V128, coefficients: readonly number[]): V128 {
  const [first, ...rest] = coefficients.map((c) => f.hoist(f32x4.const(c)));
  return rest.reduce((y, c) => fused(f, y, x, c), first);
}

const LOG = [7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1];

/** Natural logarithm of normal positive floats. */
function log(f: FunctionBuilder, v: V128): V128 {
  const constant = (c: number): V128 => f.hoist(f32x4.const(c));
  const bits = f.v128(v);
  const mantissa = f.v128(v128.or(v128.and(bits, f.hoist(i32x4.const(0x7fffff))), f.hoist(i32x4.const(0x3f000000))));
  const small = f.v128(f32x4.lt(mantissa, constant(float(Math.SQRT1_2))));
  // A mask is -1 where it holds.
  const exponent = f.v128(f32x4.convertI32x4(i32x4.add(i32x4.sub(i32x4.shrU(bits, 23), f.hoist(i32x4.const(126))), small)));
  const x = f.v128(f32x4.add(f32x4.sub(mantissa, constant(1)), v128.and(mantissa, small)));
  const z = f.v128(f32x4.mul(x, x));
  const y = polynomial(f, x, LOG);
  const tail = f32x4.sub(fused(f, f32x4.mul(y, x), z, f32x4.mul(exponent, constant(-2.1219444e-4))), f32x4.mul(z, constant(0.5)));
  return fused(f, exponent, constant(0.693359375), f32x4.add(x, tail));
}

const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1];
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2];
/** π/4 in three parts. */
const QUARTERS = [0.78515625, 2.4187564849853516e-4, 3.774894977445941e-8];

/** Cosines and sines of float angles ≥ 0. */
function cosSin(f: FunctionBuilder, angle: V128): readonly [V128, V128] {
  const constant = (c: number): V128 => f.hoist(f32x4.const(c));
  const integer = (n: number): V128 => f.hoist(i32x4.const(n));
  const a = f.v128(angle);
  const octant = f.v128(v128.and(i32x4.add(i32x4.truncSatF32x4(f32x4.mul(a, constant(4 / Math.PI))), integer(1)), integer(-2)));
  const turns = f.v128(f32x4.neg(f32x4.convertI32x4(octant)));
  const x = QUARTERS.reduce<V128>((rest, part) => fused(f, turns, constant(part), rest), a);
  const z = f.v128(f32x4.mul(x, x));
  const c = polynomial(f, z, COS);
  const cos = f.v128(f32x4.add(fused(f, f32x4.mul(c, z), z, f32x4.neg(f32x4.mul(z, constant(0.5)))), constant(1)));
  const s = polynomial(f, z, SIN);
  const sin = fused(f, f32x4.mul(s, z), x, x);
  // Bit 1 of the octant swaps both, bit 2 holds the signs.
  const swapped = f.v128(i32x4.ne(v128.and(octant, integer(2)), integer(0)));
  const signOf = (n: V128): V128 => i32x4.shl(v128.and(n, integer(4)), 29);
  return [
    v128.xor(v128.bitselect(sin, cos, swapped), signOf(v128.not(i32x4.sub(octant, integer(2))))),
    v128.xor(v128.bitselect(cos, sin, swapped), signOf(octant)),
  ];
}

/** `cells, blocks, mean, std`: turns blocks of 16 uniform floats into normal ones: 8 for the radius, 8 for the angle. */
export const boxMuller: WasmKernel = new WasmKernel('boxMuller', (m) =>
  m.function('boxMuller', ['i32', 'i32', 'f32', 'f32'], (f, cells, blocks, mean, std) => {
    const [means, stds] = [f.v128(f32x4.splat(mean)), f.v128(f32x4.splat(std))];
    f.repeat(blocks, () => {
      f.repeat(i32.const(2), () => {
        const radius = f.v128(f32x4.sqrt(f32x4.mul(f.hoist(f32x4.const(-2)), log(f, f32x4.sub(f.hoist(f32x4.const(1)), v128.load(cells))))));
        const [cos, sin] = cosSin(f, f32x4.mul(f.hoist(f32x4.const(2 * Math.PI)), v128.load(cells, 32)));
        const sines = f.v128(sin);
        f.store(cells, fused(f, f32x4.mul(radius, cos), stds, means));
        f.store(cells, fused(f, f32x4.mul(radius, sines), stds, means), 32);
        cells.increase(16);
      });
      cells.increase(32);
    });
  }),
);

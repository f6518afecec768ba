import { type I32, type V128, f32x4, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import type { ModuleBuilder } from './module.ts';

// The transforms of Winograd's convolution F(4x4, 3x3): a tile of 4x4 results from 6x6 elements with 36 products instead of 144,
// Y = Aᵀ[(G g Gᵀ) ∘ (Bᵀ d B)]A. It evaluates polynomials at the points 0, ±p, ±q and ∞. With p = 5/8 and q = 3/2 rounding errors are half of those
// with the usual 1 and 2 (or 1/2): about 1.8 times those of the direct sum, 1.2 times for inputs of one sign.
// See Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), and Barabasz et al., "Error Analysis and Improving the Accuracy of
// Winograd Convolution for Deep Neural Networks" (2018).

const P = 5 / 8;
const Q = 3 / 2;
const P2 = P * P;
const Q2 = Q * Q;

/** Rows of Bᵀ, Aᵀ's columns and rows of G: one per point. */
export const POINTS = 6;
/** Products per tile. */
export const PRODUCTS: number = POINTS * POINTS;
/** Results of a tile per dimension. */
export const TILE = 4;

/** G: how the three weights enter at each point, divided by the product of the point's distances from the others. */
const G: readonly (readonly [number, number, number])[] = [
  ...[0, P, -P, Q, -Q].map((x, i, all): [number, number, number] => {
    const n = all.reduce((product, other, j) => (i === j ? product : product * (x - other)), 1);
    return [1 / n, x / n, (x * x) / n];
  }),
  [0, 0, 1],
];

type Vectors = readonly V128[];

const add = (a: V128, b: V128): V128 => f32x4.add(a, b);
const sub = (a: V128, b: V128): V128 => f32x4.sub(a, b);
/** `x·c`, with the constant in a register if there is room. */
const times = (f: FunctionBuilder, x: V128, c: number): V128 => f32x4.mul(x, f.hoist(f32x4.const(c)));

/** `Bᵀ d`: the products of all but one of the polynomials (x - point). */
function inputTransform(f: FunctionBuilder, [d0, d1, d2, d3, d4, d5]: Vectors): Vectors {
  const pair = (x: number, others: number): [V128, V128] => {
    const evenPart = f.v128(sub(d4, times(f, d2, others)));
    const oddPart = f.v128(times(f, sub(d3, times(f, d1, others)), x));
    return [add(evenPart, oddPart), sub(evenPart, oddPart)];
  };
  const ends = (a: V128, b: V128, c: V128): V128 => add(sub(times(f, a, P2 * Q2), times(f, b, P2 + Q2)), c);
  return [ends(d0, d2, d4), ...pair(P, Q2), ...pair(Q, P2), ends(d1, d3, d5)];
}

/** `Aᵀ m`: the powers of the points. */
function outputTransform(f: FunctionBuilder, [m0, m1, m2, m3, m4, m5]: Vectors): Vectors {
  const [sumP, sumQ] = [f.v128(add(m1, m2)), f.v128(add(m3, m4))];
  const [differenceP, differenceQ] = [f.v128(sub(m1, m2)), f.v128(sub(m3, m4))];
  const both = (a: V128, b: V128, power: number): V128 => add(times(f, a, P ** power), times(f, b, Q ** power));
  return [add(add(m0, sumP), sumQ), both(differenceP, differenceQ, 1), both(sumP, sumQ, 2), add(both(differenceP, differenceQ, 3), m5)];
}

/** Rows become columns. */
function transposed4(f: FunctionBuilder, [a, b, c, d]: Vectors): Local<'v128'>[] {
  const [p, q, r, s] = [
    f.v128(v128.shuffle32(a, b, [0, 4, 1, 5])), f.v128(v128.shuffle32(c, d, [0, 4, 1, 5])),
    f.v128(v128.shuffle32(a, b, [2, 6, 3, 7])), f.v128(v128.shuffle32(c, d, [2, 6, 3, 7])),
  ];
  const [low, high] = [[0, 1, 4, 5], [2, 3, 6, 7]] as const;
  return [f.v128(v128.shuffle32(p, q, low)), f.v128(v128.shuffle32(p, q, high)), f.v128(v128.shuffle32(r, s, low)), f.v128(v128.shuffle32(r, s, high))];
}

/** Bytes of scratch for one call of the transforms of inputs and outputs. */
export const TRANSFORM_BYTES: number = PRODUCTS * 16;

const row = 16 * POINTS;

/**
 * `(to, step, from, pitch, tiles, count, scratch)`: transforms tiles of one channel, four at a time. `tiles` is a table of where the `count` tiles
 * (a multiple of four) start from `from`; product e of tile t goes to `to + e·step + 4t`.
 */
export function inputFunction(m: ModuleBuilder): FunctionBuilder {
  return m.function('winogradInput', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, to, step, from, pitch, tiles, count, scratch) => {
    const sources = Array.from({ length: 4 }, () => f.i32());
    const [i, at, out] = [f.i32(), f.i32(), f.i32()];
    f.repeat(i32.shrU(count, 2), () => {
      sources.forEach((p, t) => p.set(i32.add(from, i32.load(tiles, 4 * t))));
      at.set(scratch);
      // Along the rows of the tiles.
      f.for(i, 0, POINTS, 1, () => {
        const first = transposed4(f, sources.map((p) => f.v128(v128.load(p))));
        const ends = sources.map((p) => f.v128(v128.load64Zero(p, 16)));
        const [p, q] = [f.v128(v128.shuffle32(ends[0], ends[1], [0, 4, 1, 5])), f.v128(v128.shuffle32(ends[2], ends[3], [0, 4, 1, 5]))];
        const last = [f.v128(v128.shuffle32(p, q, [0, 1, 4, 5])), f.v128(v128.shuffle32(p, q, [2, 3, 6, 7]))];
        inputTransform(f, [...first, ...last]).forEach((x, j) => f.store(at, x, 16 * j));
        at.increase(row);
        for (const p of sources) p.increase(pitch);
      });
      // Along the columns.
      at.set(scratch);
      out.set(to);
      f.for(i, 0, POINTS, 1, () => {
        const column = Array.from({ length: POINTS }, (_, k) => f.v128(v128.load(at, k * row)));
        storeStepped(f, f.i32(out), i32.mul(step, POINTS), inputTransform(f, column));
        at.increase(16);
        out.increase(step);
      });
      tiles.increase(16);
      to.increase(16);
    });
  });
}

function storeStepped(f: FunctionBuilder, at: IntLocal, step: I32, values: Vectors): void {
  values.forEach((x, k) => {
    f.store(at, x);
    if (k < values.length - 1) at.increase(step);
  });
}

/**
 * `(to, pitch, from, step, tiles, count, scratch)`: the other way round: the results of tiles of one channel from their products, to where the table says
 * from `to`. Only the first `count` tiles are written.
 */
export function outputFunction(m: ModuleBuilder): FunctionBuilder {
  return m.function('winogradOutput', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, to, pitch, from, step, tiles, count, scratch) => {
    const [i, at, source, offset] = [f.i32(), f.i32(), f.i32(), f.i32()];
    f.while(i32.gtS(count, 0), () => {
      // Along the columns of products.
      at.set(scratch);
      f.for(i, 0, POINTS, 1, () => {
        source.set(i32.add(from, i32.mul(i, step)));
        const column = Array.from({ length: POINTS }, (_, k) => {
          const x = f.v128(v128.load(source));
          if (k < POINTS - 1) source.increase(i32.mul(step, POINTS));
          return x;
        });
        outputTransform(f, column).forEach((x, k) => f.store(at, x, k * row));
        at.increase(16);
      });
      // Along the rows.
      at.set(scratch);
      offset.set(to);
      f.for(i, 0, TILE, 1, () => {
        const products = Array.from({ length: POINTS }, (_, k) => f.v128(v128.load(at, 16 * k)));
        const results = transposed4(f, outputTransform(f, products).map((x) => f.v128(x)));
        results.forEach((x, t) => {
          const store = (): void => f.store(i32.add(offset, i32.load(tiles, 4 * t)), x);
          if (t === 0) store();
          else f.if(i32.gtS(count, t), store);
        });
        at.increase(row);
        offset.increase(pitch);
      });
      count.increase(-4);
      tiles.increase(16);
      from.increase(16);
    });
  });
}

/**
 * `(to, step, from, rowStep, columnStep)`: transforms the 3x3 weights at `from`; product e goes to `to + e·step`.
 */
export function weightFunction(m: ModuleBuilder): FunctionBuilder {
  return m.function('winogradWeight', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, to, step, from, rowStep, columnStep) => {
    const rows = [0, 1, 2].map((i) => {
      if (i > 0) from.increase(rowStep);
      const at = f.i32(i32.add(from, columnStep));
      const taps = f.v128(v128.load32Lane(at, v128.load32Zero(from), 1));
      return taps.set(v128.load32Lane(i32.add(at, columnStep), taps, 2));
    });
    // G's columns: points 0 to 3, and 4 and 5.
    const columns = [0, 1, 2].map((k) => [f32x4.lanes(G[0][k], G[1][k], G[2][k], G[3][k]), f32x4.lanes(G[4][k], G[5][k], 0, 0)].map((c) => f.hoist(c)));
    const weighted = (factors: Vectors, [a, b, c]: Vectors): V128 => add(add(f32x4.mul(factors[0], a), f32x4.mul(factors[1], b)), f32x4.mul(factors[2], c));
    for (let i = 0; i < POINTS; i++) {
      const along = f.v128(weighted(rows, G[i].map((x) => f32x4.const(x))));
      const lanes = [0, 1, 2].map((k) => f.v128(v128.shuffle32(along, along, [k, k, k, k])));
      const halves = [0, 1].map((h) => f.v128(weighted(lanes, columns.map((c) => c[h]))));
      for (let j = 0; j < POINTS; j++) {
        f.storeLane(to, halves[j >> 2], j & 3);
        to.increase(step);
      }
    }
  });
}

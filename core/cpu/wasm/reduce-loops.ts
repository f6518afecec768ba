import { type F32, type I32, type V128, f32, f32x4, f64, f64x2, i32, i32x4, select, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';

// What kernels that go over rows and columns of floats have in common. Sums run in floats for a fixed number of elements and are then added up in
// doubles: their bits depend on where an element stands in its row, and on nothing else.

/** Elements that are summed in floats before they go into a double. */
const BLOCK = 256;

/** A mask of the first `rest` lanes. */
export const firstLanes = (f: FunctionBuilder, rest: I32): Local<'v128'> => f.v128(i32x4.gtS(i32x4.splat(rest), i32x4.lanes(0, 1, 2, 3)));

/** Stores the first `rest` lanes, 1 to 3 of them. */
export function storeFirst(f: FunctionBuilder, to: I32, x: Local<'v128'>, rest: I32): void {
  f.storeLane(to, x, 0);
  f.if(i32.gtS(rest, 1), () => f.storeLane(to, x, 1, 4));
  f.if(i32.gtS(rest, 2), () => f.storeLane(to, x, 2, 8));
}

/** Moves pointers on by whole vectors. */
const advance = (pointers: readonly IntLocal[], vectors: number): void => pointers.forEach((p) => p.increase(16 * vectors));

/** A sum of vectors in doubles, the lower two lanes apart from the upper two. */
export class DoubleSum {
  private readonly f: FunctionBuilder;
  readonly low: Local<'v128'>;
  readonly high: Local<'v128'>;
  constructor(f: FunctionBuilder) {
    this.f = f;
    this.low = f.v128();
    this.high = f.v128();
  }
  /** Starts at 0. */
  clear(): void {
    this.low.set(f64x2.const(0));
    this.high.set(f64x2.const(0));
  }
  /** Adds four floats. */
  add(x: V128): void {
    const v = this.f.v128(x);
    this.low.set(f64x2.add(this.low, f64x2.promoteLow(v)));
    this.high.set(f64x2.add(this.high, f64x2.promoteLow(v128.shuffle32(v, v, [2, 3, 2, 3]))));
  }
  /** All lanes together. */
  total(): Local<'f64'> {
    const pair = this.f.v128(f64x2.add(this.low, this.high));
    return this.f.f64(f64.add(f64x2.lane(pair, 0), f64x2.lane(pair, 1)));
  }
}

/** The lanes of two vectors of doubles as floats. */
export const floats = (low: V128, high: V128): V128 => v128.shuffle32(f32x4.demote(low), f32x4.demote(high), [0, 1, 4, 5]);

/**
 * Adds to sums over `n` elements side by side.
 *
 * @param pointers - where the operands start; moved on
 * @param terms - the vectors to be summed, from operands that lie `offset` bytes behind the pointers
 */
export function addStretch(f: FunctionBuilder, n: I32, pointers: readonly IntLocal[], sums: readonly DoubleSum[], terms: (offset: number) => readonly V128[]): void {
  const unroll = sums.length === 1 ? 4 : 2;
  const parts = sums.map(() => Array.from({ length: unroll }, () => f.v128()));
  const [left, take] = [f.i32(n), f.i32()];
  const add = (u: number, values: readonly V128[]): void => values.forEach((x, k) => parts[k][u].set(f32x4.add(parts[k][u], x)));
  f.while(i32.gtS(left, 0), () => {
    take.set(i32.min(left, i32.const(BLOCK)));
    for (const part of parts) for (const p of part) p.set(f32x4.const(0));
    f.repeat(i32.shrU(take, unroll === 4 ? 4 : 3), () => {
      for (let u = 0; u < unroll; u++) add(u, terms(16 * u));
      advance(pointers, unroll);
    });
    f.repeat(i32.and(i32.shrU(take, 2), unroll - 1), () => {
      add(0, terms(0));
      advance(pointers, 1);
    });
    const rest = f.i32(i32.and(take, 3));
    f.if(rest, () => {
      const mask = firstLanes(f, rest);
      add(0, terms(0).map((x) => v128.and(x, mask)));
      for (const p of pointers) p.increase(i32.shl(rest, 2));
    });
    parts.forEach((p, k) => sums[k].add(unroll === 4 ? f32x4.add(f32x4.add(p[0], p[1]), f32x4.add(p[2], p[3])) : f32x4.add(p[0], p[1])));
    left.set(i32.sub(left, take));
  });
}

/** Goes over `n` elements side by side, four at a time, and over what is left with a mask and the number of elements. */
export function eachVector(f: FunctionBuilder, n: I32, pointers: readonly IntLocal[], body: () => void, tail: (mask: Local<'v128'>, rest: IntLocal) => void): void {
  f.repeat(i32.shrU(n, 2), () => {
    body();
    advance(pointers, 1);
  });
  const rest = f.i32(i32.and(n, 3));
  f.if(rest, () => tail(firstLanes(f, rest), rest));
}

/** Writes `value(mask)` for `n` elements side by side; `to` is among the pointers. */
export function mapStretch(f: FunctionBuilder, n: I32, pointers: readonly IntLocal[], to: IntLocal, value: () => V128): void {
  eachVector(
    f,
    n,
    pointers,
    () => f.store(to, value()),
    (_, rest) => storeFirst(f, to, f.v128(value()), rest),
  );
}

/** Largest of four lanes, where NaN may be lost: for a shift that only keeps exponentials in range. */
export function largestLane(f: FunctionBuilder, x: Local<'v128'>): Local<'v128'> {
  const half = f.v128(f32x4.pmax(x, v128.shuffle32(x, x, [2, 3, 0, 1])));
  return f.v128(f32x4.pmax(half, v128.shuffle32(half, half, [1, 0, 3, 2])));
}

/** The four lanes together by a function of two floats. */
export function combineLanes(f: FunctionBuilder, x: Local<'v128'>, combine: (a: V128, b: V128) => V128): F32 {
  const half = f.v128(combine(x, v128.shuffle32(x, x, [2, 3, 0, 1])));
  return f32x4.lane(combine(half, v128.shuffle32(half, half, [1, 0, 3, 2])), 0);
}

/** Mean and variance in doubles, and the mean as the floats that the elements were shifted by. */
export interface Moments {
  readonly mean: Local<'f64'>;
  readonly squares: Local<'f64'>;
}

/**
 * Mean, and sum of the squared distances from it, of `count` stretches of `n` elements that lie `stride` bytes apart: in two passes, the second of
 * which also sums the distances, to make up for the rounding of the mean.
 */
export function moments(f: FunctionBuilder, x: I32, count: I32, stride: I32, n: I32): Moments {
  const size = f.f64(f64.convertI32(i32.mul(count, n)));
  const [start, at] = [f.i32(), f.i32()];
  const each = (body: () => void): void => {
    start.set(x);
    f.repeat(count, () => {
      at.set(start);
      body();
      start.increase(stride);
    });
  };
  const [sum, square] = [new DoubleSum(f), new DoubleSum(f)];
  sum.clear();
  each(() => addStretch(f, n, [at], [sum], (offset) => [v128.load(at, offset)]));
  const mean = f.f64(f64.div(sum.total(), size));
  const shift = f.v128(f32x4.splat(f32.demote(mean)));
  sum.clear();
  square.clear();
  each(() =>
    addStretch(f, n, [at], [sum, square], (offset) => {
      const d = f.v128(f32x4.sub(v128.load(at, offset), shift));
      return [d, f32x4.mul(d, d)];
    }),
  );
  const rest = f.f64(f64.div(sum.total(), size));
  const squares = f.f64(f64.sub(square.total(), f64.mul(f64.mul(rest, rest), size)));
  // Rounding must not make a variance negative.
  squares.set(f64.max(squares, f64.const(0)));
  // An infinite mean stays what it is.
  const corrected = f.f64(f64.add(f64.promote(f32x4.lane(shift, 0)), rest));
  mean.set(select<'f64'>(corrected, mean, f64.eq(corrected, corrected)));
  return { mean, squares };
}

/** Four floats that go in and out one after the other, so that what takes long is done for four at once. */
export class Queue {
  private readonly f: FunctionBuilder;
  readonly lanes: Local<'v128'>;
  constructor(f: FunctionBuilder) {
    this.f = f;
    this.lanes = f.v128();
  }
  /** Appends the float that is in all lanes of `x`; after four times the first is in lane 0. */
  push(x: V128): void {
    this.lanes.set(v128.shuffle32(this.lanes, x, [1, 2, 3, 4]));
  }
  /** Takes out the first, in all lanes. */
  shift(): Local<'v128'> {
    const first = this.f.v128(v128.shuffle32(this.lanes, this.lanes, [0, 0, 0, 0]));
    this.lanes.set(v128.shuffle32(this.lanes, this.lanes, [1, 2, 3, 0]));
    return first;
  }
}

/**
 * Goes over rows in groups of four: `before` for each row of the group, then `between` for all four (`pad` stands in for each that is missing), then
 * `after` for each row.
 */
export function inFours(f: FunctionBuilder, rows: I32, before: () => void, pad: () => void, between: () => void, after: () => void): void {
  const [left, group] = [f.i32(rows), f.i32()];
  f.while(i32.gtS(left, 0), () => {
    group.set(i32.min(left, i32.const(4)));
    f.repeat(group, before);
    f.repeat(i32.sub(4, group), pad);
    between();
    f.repeat(group, after);
    left.set(i32.sub(left, group));
  });
}

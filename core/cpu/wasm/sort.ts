import { type I32, type V128, f64, i32, i32x4, select, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';

// Sorting rows of floats or integers with the places they came from: stable, NaN as the largest, zeros of both signs equal. Elements become pairs
// of a key, an unsigned integer that grows with the element, and a place: 8 bytes, moved as one. Keys are complemented (`flip` is -1) for the largest first.

const PAIR = 8;
/** Values of a byte of a key, and bytes of a table that counts them. */
const DIGITS = 256;
const TABLE = 4 * DIGITS;
const TABLES = 4 * TABLE;

/** Bytes of scratch memory for `insertRows` that keeps `keep` elements. */
export const insertScratch = (keep: number): number => PAIR * keep;
/** Bytes of scratch memory for `radixRows` over `n` elements. */
export const radixScratch = (n: number): number => TABLES + 2 * PAIR * n;

const SIGN = -0x80000000;
const INFINITE = 0x7f800000;

/** The key of four bytes. */
function keyOf(f: FunctionBuilder, float: boolean, bits: I32, flip: I32): I32 {
  if (!float) return i32.xor(i32.xor(bits, SIGN), flip);
  const b = f.i32(bits);
  const size = f.i32(i32.and(b, 0x7fffffff));
  b.set(select(b, i32.const(0), size));
  b.set(select(i32.const(-1), i32.xor(b, i32.or(i32.shrS(b, 31), SIGN)), i32.gtS(size, INFINITE)));
  return i32.xor(b, flip);
}

/** The keys of four elements. */
function keysOf(f: FunctionBuilder, float: boolean, bits: V128, flips: V128): V128 {
  const sign = f.hoist(i32x4.const(SIGN));
  if (!float) return v128.xor(v128.xor(bits, sign), flips);
  const b = f.v128(bits);
  const size = f.v128(v128.andNot(b, sign));
  b.set(v128.andNot(b, i32x4.eq(size, f.hoist(i32x4.const(0)))));
  const keys = v128.xor(b, v128.or(i32x4.shrS(b, 31), sign));
  return v128.xor(v128.or(keys, i32x4.gtS(size, f.hoist(i32x4.const(INFINITE)))), flips);
}

type Row = (f: FunctionBuilder, values: I32, indices: I32, x: IntLocal, n: IntLocal, xStep: IntLocal, toStep: IntLocal, keep: IntLocal, flip: IntLocal, scratch: IntLocal) => void;

/**
 * `values, indices, x, n1, x1, to1, n2, x2, to2, n, xStep, toStep, keep, flip, scratch`: sorts rows of `n` elements, of which the first `keep` are kept, at
 * every place of two outer dimensions. Steps are in bytes, `to` is both results.
 */
function rowsKernel(name: string, sortRow: Row): WasmKernel {
  const i = 'i32';
  return new WasmKernel(name, (m) => {
    const row = m.function(`${name}Row`, [i, i, i, i, i, i, i, i, i], (f, values, indices, x, n, xStep, toStep, keep, flip, scratch) => {
      sortRow(f, values, indices, x, n, xStep, toStep, keep, flip, scratch);
    });
    return m.function(
      name,
      [i, i, i, i, i, i, i, i, i, i, i, i, i, i, i],
      (f, values, indices, x, n1, x1, to1, n2, x2, to2, n, xStep, toStep, keep, flip, scratch) => {
        const [at, to] = [f.i32(), f.i32()];
        const outer = f.i32(0);
        f.repeat(n1, () => {
          at.set(x);
          to.set(outer);
          f.repeat(n2, () => {
            f.call(row, i32.add(values, to), i32.add(indices, to), at, n, xStep, toStep, keep, flip, scratch);
            at.increase(x2);
            to.increase(to2);
          });
          x.increase(x1);
          outer.increase(to1);
        });
      },
    );
  });
}

/** Writes the elements that sorted pairs name. */
function writePairs(f: FunctionBuilder, pairs: I32, values: I32, indices: I32, x: I32, xStep: I32, toStep: I32, keep: I32): void {
  const [pair, to, place] = [f.i32(pairs), f.i32(0), f.i32()];
  f.repeat(keep, () => {
    place.set(i32.load(pair, 4));
    f.store(i32.add(indices, to), place);
    f.store(i32.add(values, to), i32.load(i32.add(x, i32.mul(place, xStep))));
    pair.increase(PAIR);
    to.increase(toStep);
  });
}

/**
 * By insertion into a sorted list of the best: for short rows, and for a few of many. Once the list is full, most elements are only compared with its
 * last, four at a time where they are neighbours.
 */
const insertionKernel = (float: boolean): WasmKernel =>
  rowsKernel(float ? 'insertFloats' : 'insertIntegers', (f, values, indices, x, n, xStep, toStep, keep, flip, scratch) => {
    const [end, full] = [f.i32(scratch), f.i32(i32.add(scratch, i32.mul(keep, PAIR)))];
    const [at, i, key, place] = [f.i32(x), f.i32(0), f.i32(), f.i32()];
    const worst = f.i32(-1);
    const flips = f.v128(i32x4.splat(flip));
    const next = (): void => {
      key.set(keyOf(f, float, i32.load(at), flip));
      f.if(i32.or(i32.ltU(end, full), i32.ltU(key, worst)), () => {
        // The list grows until it is full; then its last pair makes room.
        f.if(i32.ltU(end, full), () => end.increase(PAIR));
        place.set(i32.sub(end, PAIR));
        f.while(i32.and(i32.gtU(place, scratch), i32.gtU(i32.load(select(i32.sub(place, PAIR), scratch, i32.gtU(place, scratch))), key)), () => {
          f.store(place, f64.load(i32.sub(place, PAIR)));
          place.increase(-PAIR);
        });
        f.store(place, key);
        f.store(place, i, 4);
        worst.set(i32.load(i32.sub(end, PAIR)));
      });
      at.increase(xStep);
      i.increase(1);
    };
    const hasFew = f.i32(i32.sub(n, 4));
    const skips = f.i32();
    f.if(keep, () => {
      f.while(i32.ltS(i, n), () => {
        // Four that all are too bad.
        f.if(i32.and(i32.and(i32.eq(end, full), i32.eq(xStep, 4)), i32.leS(i, hasFew)), () =>
          f.doWhile(() => {
            skips.set(i32.eqz(v128.anyTrue(i32x4.ltU(keysOf(f, float, v128.load(at), flips), i32x4.splat(worst)))));
            at.increase(i32.shl(skips, 4));
            i.increase(i32.shl(skips, 2));
            return i32.and(skips, i32.leS(i, hasFew));
          }),
        );
        f.if(i32.ltS(i, n), next);
      });
    });
    writePairs(f, scratch, values, indices, x, xStep, toStep, keep);
  });

/** By the bytes of the keys, lowest first; those in which all keys agree cost nothing. */
const radixKernel = (float: boolean): WasmKernel =>
  rowsKernel(float ? 'radixFloats' : 'radixIntegers', (f, values, indices, x, n, xStep, toStep, keep, flip, scratch) => {
    const from = f.i32(i32.add(scratch, TABLES));
    const to = f.i32(i32.add(from, i32.mul(n, PAIR)));
    const [at, pair, i, key, slot] = [f.i32(x), f.i32(from), f.i32(0), f.i32(), f.i32()];
    const count = (digit: number): void => {
      slot.set(i32.add(scratch, i32.shl(i32.and(i32.shrU(key, 8 * digit), 255), 2)));
      f.store(slot, i32.add(i32.load(slot, TABLE * digit), 1), TABLE * digit);
    };
    f.clear(scratch, TABLES);
    f.repeat(n, () => {
      key.set(keyOf(f, float, i32.load(at), flip));
      f.store(pair, key);
      f.store(pair, i, 4);
      for (let digit = 0; digit < 4; digit++) count(digit);
      at.increase(xStep);
      pair.increase(PAIR);
      i.increase(1);
    });
    const [table, place, size] = [f.i32(), f.i32(), f.i32()];
    for (let digit = 0; digit < 4; digit++) {
      table.set(i32.add(scratch, TABLE * digit));
      const slotOf = (p: I32): I32 => i32.add(table, i32.shl(i32.load8U(p, digit), 2));
      f.if(i32.ne(i32.load(slotOf(from)), n), () => {
        // Counts become the places where the pairs of each digit go.
        slot.set(table);
        place.set(to);
        f.repeat(i32.const(DIGITS), () => {
          size.set(i32.load(slot));
          f.store(slot, place);
          place.increase(i32.mul(size, PAIR));
          slot.increase(4);
        });
        pair.set(from);
        f.repeat(n, () => {
          slot.set(slotOf(pair));
          place.set(i32.load(slot));
          f.store(slot, i32.add(place, PAIR));
          f.store(place, f64.load(pair));
          pair.increase(PAIR);
        });
        place.set(from);
        from.set(to);
        to.set(place);
      });
    }
    writePairs(f, from, values, indices, x, xStep, toStep, keep);
  });

/** Sorting of short rows, or of the few best of long ones. */
export const insertRows = { float: insertionKernel(true), integer: insertionKernel(false) } as const;
/** Sorting of long rows. */
export const radixRows = { float: radixKernel(true), integer: radixKernel(false) } as const;

import { type V128, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';

/** The columns of the 4x4 matrix with rows `a`, `b`, `c`, `d`. */
function columns(f: FunctionBuilder, a: V128, b: V128, c: V128, d: V128): readonly V128[] {
  const low = [f.v128(v128.shuffle32(a, b, [0, 4, 1, 5])), f.v128(v128.shuffle32(c, d, [0, 4, 1, 5]))];
  const high = [f.v128(v128.shuffle32(a, b, [2, 6, 3, 7])), f.v128(v128.shuffle32(c, d, [2, 6, 3, 7]))];
  return [low, high].flatMap(([p, q]) => [v128.shuffle32(p, q, [0, 1, 4, 5]), v128.shuffle32(p, q, [2, 3, 6, 7])]);
}

/**
 * Writes `to[r, c] = from[c, r]` for `rows` x `n` elements of four bytes; rows of `to` lie `toRow` bytes apart, those of `from` `fromStep` bytes, and
 * the elements of a row side by side. Strips of `width` columns of `to`, a multiple of 4, are written from top to bottom, by blocks of 4x4.
 */
export function transposed(f: FunctionBuilder, to: IntLocal, from: IntLocal, rows: IntLocal, toRow: IntLocal, n: IntLocal, fromStep: IntLocal, width = 4): void {
  const left = f.i32(n);
  const strip = (columnsAtOnce: number): void => {
    const at = f.i32(to);
    const sources = Array.from({ length: columnsAtOnce }, () => f.i32());
    sources.forEach((p, i) => p.set(i === 0 ? from : i32.add(sources[i - 1], fromStep)));
    f.repeat(i32.shrU(rows, 2), () => {
      for (let i = 0; i < columnsAtOnce; i += 4) {
        const [a, b, c, d] = sources.slice(i, i + 4).map((p) => f.v128(v128.load(p)));
        const down = f.i32(at);
        for (const column of columns(f, a, b, c, d)) {
          f.store(down, column, 4 * i);
          down.increase(toRow);
        }
      }
      at.increase(i32.shl(toRow, 2));
      for (const p of sources) p.increase(16);
    });
    f.repeat(i32.and(rows, 3), () => {
      sources.forEach((p, i) => {
        f.store(at, i32.load(p), 4 * i);
        p.increase(4);
      });
      at.increase(toRow);
    });
    to.increase(4 * columnsAtOnce);
    from.increase(i32.mul(fromStep, columnsAtOnce));
    left.increase(-columnsAtOnce);
  };
  f.while(i32.geS(left, width), () => strip(width));
  f.while(i32.geS(left, 4), () => strip(4));
  const [at, p] = [f.i32(), f.i32()];
  f.repeat(left, () => {
    p.set(from);
    at.set(to);
    f.repeat(rows, () => {
      f.store(at, i32.load(p));
      p.increase(4);
      at.increase(toRow);
    });
    to.increase(4);
    from.increase(fromStep);
  });
}

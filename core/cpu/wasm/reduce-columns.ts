import { type I32, type I32Like, type V128, f32x4, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { DoubleSum, storeFirst } from './reduce-loops.ts';

/** Rows that are summed in floats before they go into doubles. */
export const CHUNK = 16;

/** Something that sums over rows are made from. */
export interface ColumnOperand {
  readonly start: I32;
  /** Bytes from one row to the next. */
  readonly stride: I32Like;
  /** Whether it has a value per column, or one for the whole row. */
  readonly wide: boolean;
}

/** Sums over the rows of a matrix, one for each column. */
export interface ColumnSums {
  /** At least 1. */
  readonly rows: I32;
  readonly columns: I32;
  /**
   * Rows that are gone through before the next columns follow: a multiple of `CHUNK`, or all of them. Large matrices are read `CHUNK` rows at a time,
   * so that all of memory is read in order; the sums then wait in `scratch`, `8·sums` bytes per column, columns rounded up to a multiple of 4.
   */
  readonly panel: I32;
  readonly scratch: I32;
  readonly operands: readonly ColumnOperand[];
  /** How many sums per column. */
  readonly sums: number;
  /** The vectors to be summed; `at[i]` is where operand `i` stands. */
  readonly terms: (at: readonly IntLocal[], offset: number) => readonly V128[];
  /** Writes the sums of four columns, or of `rest` of them, `offset` bytes from the first column. */
  readonly store: (sums: readonly DoubleSum[], offset: I32, rest: I32 | null) => void;
}

/** Writes the loops. The sums of a column depend on neither `panel` nor the columns beside it. */
export function columnSums(f: FunctionBuilder, { rows, columns, panel, scratch, operands, sums, terms, store }: ColumnSums): void {
  const width = sums === 1 ? 4 : 2;
  const starts = operands.map(({ start }) => f.i32(start));
  const at = operands.map(() => f.i32());
  const [rowsLeft, take, left, chunk] = [f.i32(rows), f.i32(), f.i32(), f.i32()];
  const [columnsLeft, offset] = [f.i32(), f.i32()];
  const totals = Array.from({ length: width }, () => Array.from({ length: sums }, () => new DoubleSum(f)));
  const parts = totals.map((t) => t.map(() => f.v128()));

  const strip = (w: number, rest: I32 | null): void => {
    const used = totals.slice(0, w);
    const saved = f.i32(i32.add(scratch, i32.mul(offset, 2 * sums)));
    const slot = (u: number, k: number): number => 32 * (u * sums + k);
    operands.forEach(({ wide }, i) => at[i].set(wide ? i32.add(starts[i], offset) : starts[i]));
    f.if(
      i32.eq(rowsLeft, rows),
      () => used.forEach((t) => t.forEach((sum) => sum.clear())),
      () =>
        used.forEach((t, u) =>
          t.forEach((sum, k) => {
            sum.low.set(v128.load(saved, slot(u, k)));
            sum.high.set(v128.load(saved, slot(u, k) + 16));
          }),
        ),
    );
    left.set(take);
    f.doWhile(() => {
      chunk.set(i32.min(left, i32.const(CHUNK)));
      left.set(i32.sub(left, chunk));
      for (let u = 0; u < w; u++) for (const part of parts[u]) part.set(f32x4.const(0));
      f.doWhile(() => {
        for (let u = 0; u < w; u++) terms(at, 16 * u).forEach((x, k) => parts[u][k].set(f32x4.add(parts[u][k], x)));
        operands.forEach(({ stride }, i) => at[i].increase(stride));
        return chunk.tee(i32.sub(chunk, 1));
      });
      used.forEach((t, u) => t.forEach((sum, k) => sum.add(parts[u][k])));
      return left;
    });
    f.if(
      i32.eq(take, rowsLeft),
      () =>
        used.forEach((t, u) => {
          const here = u === 0 ? offset : f.i32(i32.add(offset, 16 * u));
          store(t, here, rest);
        }),
      () =>
        used.forEach((t, u) =>
          t.forEach((sum, k) => {
            f.store(saved, sum.low, slot(u, k));
            f.store(saved, sum.high, slot(u, k) + 16);
          }),
        ),
    );
    offset.increase(16 * w);
    columnsLeft.increase(-4 * w);
  };

  f.doWhile(() => {
    take.set(i32.min(rowsLeft, panel));
    columnsLeft.set(columns);
    offset.set(0);
    f.while(i32.geS(columnsLeft, 4 * width), () => strip(width, null));
    f.while(i32.geS(columnsLeft, 4), () => strip(1, null));
    f.if(i32.gtS(columnsLeft, 0), () => strip(1, f.i32(columnsLeft)));
    operands.forEach(({ stride }, i) => starts[i].increase(i32.mul(take, stride)));
    return rowsLeft.tee(i32.sub(rowsLeft, take));
  });
}

/** Stores a vector of a strip of columns: all of it, or what belongs to the matrix. */
export type StripStore = (to: IntLocal, x: V128) => void;

/**
 * Goes over `outer` matrices, four columns at a time.
 *
 * @param pointers - first elements of the matrices, all with the same number of columns
 * @param matrix - bytes from one matrix to the next
 * @param body - works on the strip that starts at `starts`
 */
export function eachStrip(
  f: FunctionBuilder, outer: I32, columns: IntLocal, matrix: I32, pointers: readonly IntLocal[],
  body: (starts: readonly IntLocal[], store: StripStore, rest: IntLocal | null) => void,
): void {
  const starts = pointers.map(() => f.i32());
  const left = f.i32();
  const rest = f.i32();
  f.repeat(outer, () => {
    starts.forEach((s, i) => s.set(pointers[i]));
    left.set(columns);
    f.while(i32.geS(left, 4), () => {
      body(starts, (to, x) => f.store(to, x), null);
      starts.forEach((s) => s.increase(16));
      left.increase(-4);
    });
    f.if(left, () => {
      rest.set(left);
      body(starts, (to, x) => storeFirst(f, to, f.v128(x), rest), rest);
    });
    pointers.forEach((p) => p.increase(matrix));
  });
}

/** Goes down a column of `n` rows that lie `stride` bytes apart, from the starts on. */
export function down(f: FunctionBuilder, n: IntLocal, stride: IntLocal, starts: readonly IntLocal[], at: readonly IntLocal[], body: () => void): void {
  at.forEach((a, i) => a.set(starts[i]));
  f.repeat(n, () => {
    body();
    at.forEach((a) => a.increase(stride));
  });
}

import { type V128, f32, f32x4, f64, f64x2, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { columnSums } from './reduce-columns.ts';
import { DoubleSum, addStretch, combineLanes, eachVector, floats, moments, storeFirst } from './reduce-loops.ts';

/** What a fold takes in of an element: a function of four floats. */
export type Term = (f: FunctionBuilder, x: V128) => V128;

const rowTypes = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64'] as const;

/**
 * Sums of rows: `run(out, x, rows, rowStride, count, stride, n, divisor)`. A row is `count` stretches of `n` elements that lie `stride` bytes apart;
 * its total is divided by `divisor`.
 *
 * @param end - the quotient, its root, or the total left as a double
 */
export function sumRows(term: Term, end: 'quotient' | 'root' | 'double'): WasmKernel {
  return new WasmKernel(`sumRows`, (m) =>
    m.function('sumRows', rowTypes, (f, out, x, rows, rowStride, count, stride, n, divisor) => {
      const sum = new DoubleSum(f);
      const [start, at, left] = [f.i32(), f.i32(), f.i32()];
      f.repeat(rows, () => {
        sum.clear();
        start.set(x);
        left.set(count);
        f.doWhile(() => {
          at.set(start);
          addStretch(f, n, [at], [sum], (offset) => [term(f, v128.load(at, offset))]);
          start.increase(stride);
          return left.tee(i32.sub(left, 1));
        });
        const total = sum.total();
        if (end === 'double') f.store(out, total);
        else f.store(out, f32.demote(end === 'root' ? f64.sqrt(total) : f64.div(total, divisor)));
        out.increase(end === 'double' ? 8 : 4);
        x.increase(rowStride);
      });
    }),
  );
}

const chooser = (largest: boolean): ((a: V128, b: V128) => V128) => (largest ? f32x4.max : f32x4.min);

/** Largest or smallest term of rows: `run(out, x, rows, rowStride, count, stride, n)`, with rows as those of `sumRows`. NaN passes. */
export function extremeRows(term: Term, largest: boolean): WasmKernel {
  const combine = chooser(largest);
  return new WasmKernel('extremeRows', (m) =>
    m.function('extremeRows', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, out, x, rows, rowStride, count, stride, n) => {
      const none = f.hoist(f32x4.const(largest ? -Infinity : Infinity));
      const best = Array.from({ length: 4 }, () => f.v128());
      const [start, at, left] = [f.i32(), f.i32(), f.i32()];
      const take = (u: number, offset: number): V128 => combine(best[u], term(f, v128.load(at, offset)));
      f.repeat(rows, () => {
        for (const b of best) b.set(none);
        start.set(x);
        left.set(count);
        f.doWhile(() => {
          at.set(start);
          f.repeat(i32.shrU(n, 4), () => {
            for (let u = 0; u < 4; u++) best[u].set(take(u, 16 * u));
            at.increase(64);
          });
          eachVector(
            f,
            f.i32(i32.and(n, 15)),
            [at],
            () => best[0].set(take(0, 0)),
            (mask) => best[0].set(combine(best[0], v128.bitselect(term(f, v128.load(at)), none, mask))),
          );
          start.increase(stride);
          return left.tee(i32.sub(left, 1));
        });
        f.store(out, combineLanes(f, f.v128(combine(f.v128(combine(best[0], best[1])), f.v128(combine(best[2], best[3])))), combine));
        out.increase(4);
        x.increase(rowStride);
      });
    }),
  );
}

/**
 * Sums of columns: `run(out, x, outer, outerStride, rows, stride, columns, divisor, panel, scratch)`, for `outer` matrices; the rest as in `ColumnSums`.
 */
export function sumColumns(term: Term, end: 'quotient' | 'root'): WasmKernel {
  return new WasmKernel('sumColumns', (m) =>
    m.function(
      'sumColumns',
      ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32'],
      (f, out, x, outer, outerStride, rows, stride, columns, divisor, panel, scratch) => {
        const by = f.v128(f64x2.splat(divisor));
        const finish = (x: V128): V128 => (end === 'root' ? f64x2.sqrt(x) : f64x2.div(x, by));
        const to = f.i32();
        f.repeat(outer, () => {
          columnSums(f, {
            rows, columns, panel, scratch,
            operands: [{ start: x, stride, wide: true }],
            sums: 1,
            terms: ([at], offset) => [term(f, v128.load(at, offset))],
            store: ([{ low, high }], offset, rest) => {
              const y = f.v128(floats(finish(low), finish(high)));
              to.set(i32.add(out, offset));
              if (rest === null) f.store(to, y);
              else storeFirst(f, to, y, rest);
            },
          });
          x.increase(outerStride);
          out.increase(i32.shl(columns, 2));
        });
      },
    ),
  );
}

/** Largest or smallest term of columns: `run(out, x, outer, outerStride, rows, stride, columns)`. */
export function extremeColumns(term: Term, largest: boolean): WasmKernel {
  const combine = chooser(largest);
  return new WasmKernel('extremeColumns', (m) =>
    m.function('extremeColumns', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, out, x, outer, outerStride, rows, stride, columns) => {
      const none = f.hoist(f32x4.const(largest ? -Infinity : Infinity));
      const best = Array.from({ length: 4 }, () => f.v128());
      const [start, at, left, rest] = [f.i32(), f.i32(), f.i32(), f.i32()];
      const strip = (w: number, store: (to: IntLocal) => void): void => {
        at.set(start);
        for (const b of best.slice(0, w)) b.set(none);
        f.repeat(rows, () => {
          for (let u = 0; u < w; u++) best[u].set(combine(best[u], term(f, v128.load(at, 16 * u))));
          at.increase(stride);
        });
        store(out);
        start.increase(16 * w);
        left.increase(-4 * w);
      };
      const stores = (w: number) => (to: IntLocal): void => {
        for (let u = 0; u < w; u++) f.store(to, best[u], 16 * u);
        to.increase(16 * w);
      };
      f.repeat(outer, () => {
        start.set(x);
        left.set(columns);
        f.while(i32.geS(left, 16), () => strip(4, stores(4)));
        f.while(i32.geS(left, 4), () => strip(1, stores(1)));
        f.if(left, () => {
          rest.set(left);
          strip(1, (to) => {
            storeFirst(f, to, best[0], rest);
            to.increase(i32.shl(rest, 2));
          });
        });
        x.increase(outerStride);
      });
    }),
  );
}

/**
 * Variance of rows: `run(out, x, rows, rowStride, count, stride, n, divisor, root)`, rows as those of `sumRows`; with `root` 1 the standard deviation.
 */
export const varianceRows: WasmKernel = new WasmKernel('varianceRows', (m) =>
  m.function('varianceRows', [...rowTypes, 'i32'], (f, out, x, rows, rowStride, count, stride, n, divisor, root) => {
    f.repeat(rows, () => {
      const { squares } = moments(f, x, count, stride, n);
      squares.set(f64.div(squares, divisor));
      f.if(root, () => squares.set(f64.sqrt(squares)));
      f.store(out, f32.demote(squares));
      out.increase(4);
      x.increase(rowStride);
    });
  }),
);

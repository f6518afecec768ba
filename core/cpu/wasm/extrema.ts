import { type V128, f32, f32x4, i32, i32x4, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { down, eachStrip } from './reduce-columns.ts';
import { eachVector } from './reduce-loops.ts';

// Largest or smallest element and where it stands: the first of equal ones, the first NaN where there is one. `values` may be 0 where only places
// are wanted.

/** Moves `at` to the first element for which `test` is true in its lane, which is known to exist. */
function find(f: FunctionBuilder, at: IntLocal, test: (x: V128) => V128): void {
  const found = f.i32(0);
  f.doWhile(() => {
    found.set(i32x4.bitmask(test(v128.load(at))));
    at.increase(i32.shl(i32.eqz(found), 4));
    return i32.eqz(found);
  });
  at.increase(i32.shl(i32.ctz(found), 2));
}

/** Of rows: `run(values, indices, x, rows, n)`. Looks for the extreme first, then for its place. */
const rowsKernel = (largest: boolean): WasmKernel =>
  new WasmKernel('extremaRows', (m) =>
    m.function('extremaRows', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, values, indices, x, rows, n) => {
      const none = f.hoist(f32x4.const(largest ? -Infinity : Infinity));
      const better = largest ? f32x4.pmax : f32x4.pmin;
      const [a, b, nan] = [f.v128(), f.v128(), f.v128()];
      const at = f.i32();
      const take = (best: Local<'v128'>, v: V128): void => {
        const once = f.v128(v);
        best.set(better(best, once));
        nan.set(v128.or(nan, f32x4.ne(once, once)));
      };
      f.repeat(rows, () => {
        a.set(none);
        b.set(none);
        nan.set(i32x4.const(0));
        at.set(x);
        f.repeat(i32.shrU(n, 3), () => {
          take(a, v128.load(at));
          take(b, v128.load(at, 16));
          at.increase(32);
        });
        eachVector(
          f,
          f.i32(i32.and(n, 7)),
          [at],
          () => take(a, v128.load(at)),
          (mask) => take(b, v128.bitselect(v128.load(at), none, mask)),
        );
        a.set(better(a, b));
        a.set(better(a, v128.shuffle32(a, a, [2, 3, 0, 1])));
        a.set(better(a, v128.shuffle32(a, a, [1, 0, 3, 2])));
        at.set(x);
        f.if(
          v128.anyTrue(nan),
          () => find(f, at, (v) => f32x4.ne(v, f.v128(v))),
          () => find(f, at, (v) => f32x4.eq(v, a)),
        );
        f.if(values, () => {
          f.store(values, f32.load(at));
          values.increase(4);
        });
        f.store(indices, i32.shrU(i32.sub(at, x), 2));
        indices.increase(4);
        x.increase(i32.shl(n, 2));
      });
    }),
  );

/** Of columns: `run(values, indices, x, outer, n, columns)`, for `outer` matrices of `n` rows. */
const columnsKernel = (largest: boolean): WasmKernel =>
  new WasmKernel('extremaColumns', (m) =>
    m.function('extremaColumns', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, values, indices, x, outer, n, columns) => {
      const stride = f.i32(i32.shl(columns, 2));
      const matrix = f.i32(i32.mul(stride, n));
      const at = f.i32();
      const one = f.v128(i32x4.const(1));
      const [best, where, place] = [f.v128(), f.v128(), f.v128()];
      f.repeat(outer, () => {
        eachStrip(f, i32.const(1), columns, i32.const(0), [x, indices, values], ([from, toIndex, toValue], store) => {
          best.set(v128.load(from));
          where.set(i32x4.const(0));
          place.set(i32x4.const(0));
          down(f, n, stride, [from], [at], () => {
            const v = f.v128(v128.load(at));
            const isBetter = largest ? f32x4.gt(v, best) : f32x4.lt(v, best);
            const isFirstNaN = v128.and(f32x4.ne(v, v), f32x4.eq(best, best));
            const takes = f.v128(v128.or(isBetter, isFirstNaN));
            best.set(v128.bitselect(v, best, takes));
            where.set(v128.bitselect(place, where, takes));
            place.set(i32x4.add(place, one));
          });
          store(toIndex, where);
          f.if(values, () => store(toValue, best));
        });
        x.increase(matrix);
        indices.increase(stride);
        f.if(values, () => values.increase(stride));
      });
    }),
  );

/** Extremes along the last dimension. */
export const extremaRows = { largest: rowsKernel(true), smallest: rowsKernel(false) } as const;
/** Extremes along another dimension. */
export const extremaColumns = { largest: columnsKernel(true), smallest: columnsKernel(false) } as const;

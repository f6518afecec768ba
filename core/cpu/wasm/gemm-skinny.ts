import { type I32, type V128, f32x4, i32, select, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { WasmKernel, mulAdd } from './kernel.ts';
import { lanePointers, transpose4 } from './pack.ts';

// Products with 1 to 4 rows. Every element of the right operand is read once, so nothing is packed: memory sets the speed. Each sum is one accumulator
// that takes its products with k ascending, as in the tiles of other products. All kernels take
// `(a, aRow, aCol, b, bRow, bCol, c, cRow, n, k)`: distances in bytes, the columns of `c` side by side.

/** Most rows of a product that these kernels compute. */
export const SKINNY = 4;

const PARAMETERS = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;

const list = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** Writes the first `lanes` (1 to 4) lanes. */
function storeLanes(f: FunctionBuilder, to: I32, x: V128, lanes: I32): void {
  f.if(
    i32.eq(lanes, 4),
    () => f.store(to, x),
    () => {
      f.storeLane(to, x, 0);
      f.if(i32.gtS(lanes, 1), () => f.storeLane(to, x, 1, 4));
      f.if(i32.gtS(lanes, 2), () => f.storeLane(to, x, 2, 8));
    },
  );
}

/** Columns that are worked on at once: their sums stay in the first-level cache. */
const SPAN = 1024;

/**
 * The columns of `b` lie side by side: rows of `b` are added to the result, a few at a time, so that memory is read in order.
 */
function down(rows: number): WasmKernel {
  const name = `gemmDown${rows}`;
  // Elements of `a` that are held in registers for one pass over the columns.
  const depth = Math.floor(8 / rows);
  return new WasmKernel(name, (m) =>
    m.function(name, PARAMETERS, (f, a, aRow, aCol, b, bRow, _bCol, c, cRow, n, k) => {
      const [width, whole, j, left] = [f.i32(), f.i32(), f.i32(), f.i32()];
      const [ak, bk] = [f.i32(), f.i32()];
      const factors = list(rows, () => list(depth, () => f.v128()));
      const results = list(rows, () => f.i32());
      const sum = f.v128();
      const sources = list(depth, () => f.i32());
      const place = (): void => results.forEach((p, r) => p.set(r === 0 ? c : i32.add(results[r - 1], cRow)));
      const element = (r: number): I32 => (r === 0 ? ak : i32.add(ak, i32.mul(aRow, r)));

      /** Adds `count` rows of `b` to the whole vectors of the result. */
      const addRows = (count: number): void => {
        for (let q = 0; q < count; q++) {
          sources[q].set(q === 0 ? bk : i32.add(sources[q - 1], bRow));
          factors.forEach((x, r) => x[q].set(v128.load32Splat(element(r))));
          ak.increase(aCol);
        }
        bk.set(i32.add(sources[count - 1], bRow));
        place();
        f.repeat(i32.shrU(whole, 2), () => {
          const columns = list(count, (q) => f.v128(v128.load(sources[q])));
          results.forEach((p, r) => {
            sum.set(v128.load(p));
            columns.forEach((y, q) => sum.set(mulAdd(factors[r][q], y, sum)));
            f.store(p, sum);
            p.increase(16);
          });
          for (let q = 0; q < count; q++) sources[q].increase(16);
        });
      };

      f.while(i32.gtS(n, 0), () => {
        width.set(select(i32.const(SPAN), n, i32.gtS(n, SPAN)));
        whole.set(i32.and(width, -4));
        f.if(whole, () => {
          place();
          for (const p of results) f.clear(p, i32.shl(whole, 2));
          ak.set(a);
          bk.set(b);
          f.repeat(i32.divU(k, depth), () => addRows(depth));
          f.repeat(i32.remU(k, depth), () => addRows(1));
        });
        left.set(i32.sub(width, whole));
        f.if(left, () => {
          ak.set(a);
          bk.set(i32.add(b, i32.shl(whole, 2)));
          const sums = list(rows, () => f.v128(f32x4.const(0)));
          const column = f.v128();
          f.repeat(k, () => {
            column.set(v128.load(bk));
            sums.forEach((s, r) => s.set(mulAdd(v128.load32Splat(element(r)), column, s)));
            ak.increase(aCol);
            bk.increase(bRow);
          });
          j.set(i32.add(c, i32.shl(whole, 2)));
          for (const s of sums) {
            storeLanes(f, j, s, left);
            j.increase(cRow);
          }
        });
        n.increase(i32.sub(0, width));
        b.increase(i32.shl(width, 2));
        c.increase(i32.shl(width, 2));
      });
    }),
  );
}

/** Four sums of every row, and where their columns are read. */
interface Group {
  readonly sums: readonly Local<'v128'>[];
  readonly pointers: readonly IntLocal[];
}

/**
 * The inner size lies side by side in `b`: blocks of 4x4 are transposed in registers, so that lanes are columns of the result.
 */
function across(rows: number): WasmKernel {
  const name = `gemmAcross${rows}`;
  // Columns at a time: enough sums that they wait little for each other, few enough for the registers.
  const most = rows > 2 ? 4 : 8;
  return new WasmKernel(name, (m) =>
    m.function(name, PARAMETERS, (f, a, aRow, aCol, b, _bRow, bCol, c, cRow, n, k) => {
      const [left, lanes] = [f.i32(), f.i32()];
      const starts = list(rows, () => f.i32());
      /** The next `columns` columns, of which `n` (at least) or fewer exist. */
      const strip = (columns: number): void => {
        starts.forEach((p, r) => p.set(r === 0 ? a : i32.add(starts[r - 1], aRow)));
        const pointers = lanePointers(f, b, bCol, n, columns);
        const groups: Group[] = list(columns / 4, (g) => ({ sums: list(rows, () => f.v128(f32x4.const(0))), pointers: pointers.slice(4 * g, 4 * g + 4) }));
        const block = (add: (steps: readonly V128[], sums: Group['sums']) => void): void => {
          for (const g of groups) {
            const [p, q, r, s] = g.pointers.map((x) => f.v128(v128.load(x)));
            add(transpose4(f, p, q, r, s), g.sums);
          }
        };
        const x = f.v128();
        f.repeat(i32.shrU(k, 2), () => {
          block((steps, sums) => {
            starts.forEach((start, r) => {
              const at = f.i32(start);
              steps.forEach((y, q) => {
                x.set(v128.load32Splat(at));
                sums[r].set(mulAdd(x, y, sums[r]));
                if (q < 3) at.increase(aCol);
              });
            });
          });
          for (const p of pointers) p.increase(16);
          for (const p of starts) p.increase(i32.shl(aCol, 2));
        });
        left.set(i32.and(k, 3));
        f.if(left, () =>
          block((steps, sums) => {
            starts.forEach((start, r) => {
              const at = f.i32(start);
              steps.slice(0, 3).forEach((y, q) => {
                f.if(i32.gtS(left, q), () => {
                  x.set(v128.load32Splat(at));
                  sums[r].set(mulAdd(x, y, sums[r]));
                });
                at.increase(aCol);
              });
            });
          }),
        );
        const to = f.i32();
        groups.forEach((g, i) => {
          to.set(i32.add(c, 16 * i));
          lanes.set(columns === 4 ? select(n, i32.const(4), i32.ltS(n, 4)) : i32.const(4));
          for (const s of g.sums) {
            storeLanes(f, to, s, lanes);
            to.increase(cRow);
          }
        });
        n.increase(-columns);
        b.increase(i32.mul(bCol, columns));
        c.increase(4 * columns);
      };
      f.while(i32.geS(n, most), () => strip(most));
      f.while(i32.gtS(n, 0), () => strip(4));
    }),
  );
}

/** Kernels for 1 to 4 rows where the columns of the right operand lie side by side. */
export const gemmDown: readonly WasmKernel[] = [1, 2, 3, 4].map(down);
/** Kernels for 1 to 4 rows where the inner size lies side by side in the right operand. */
export const gemmAcross: readonly WasmKernel[] = [1, 2, 3, 4].map(across);

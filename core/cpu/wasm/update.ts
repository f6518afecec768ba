import type { Expr } from '../../expr.ts';
import { f32, f32x4, i32 } from './code.ts';
import { type Column, emitColumns } from './columns.ts';
import { WasmKernel } from './kernel.ts';
import { Graph, type Lanes, isExact } from './pointwise-graph.ts';

/** Bytes of an entry of the table: a number of elements, and an address for each column. */
export const entryBytes = (columns: number): number => 4 * (columns + 1);

/** Whether the values of a formula are the same in floats as in doubles rounded after every operation. */
export const isExactBody = (body: readonly (Expr | null)[]): boolean => body.every((x) => x === null || isExact(x));

/**
 * The kernel of an update rule over lists of float32 tensors. Its arguments are the address of the scalars (floats, one behind the other), that of a
 * table of the targets (see `entryBytes`), and a range of the elements of all targets, one target behind the other: how many to leave out,
 * and how many to update.
 *
 * @param body - see `UpdateRule.body`
 */
export function updateListKernel(body: readonly (Expr | null)[], scalars: number): WasmKernel {
  return new WasmKernel('update', (m) =>
    m.function('update', ['i32', 'i32', 'i32', 'i32'], (f, scalarsAt, table, skip, total) => {
      const count = body.length;
      const graph = new Graph(body.filter((x) => x !== null), 'value', (i) => (i < count ? 'element' : 'fixed'));
      const fixed: (Lanes | undefined)[] = [];
      const values = Array.from({ length: scalars }, (_, i) => f.v128(f32x4.splat(f32.load(scalarsAt, 4 * i))));
      graph.emit(f, 'fixed', fixed, (i) => ({ value: values[i - count], mask: null }));
      const roots = [...graph.roots];
      const columns = body.map((x): Column => ({ at: f.i32(), read: true, root: x === null ? null : (roots.shift() ?? null) }));
      const n = f.i32();
      f.while(i32.gtS(total, 0), () => {
        n.set(i32.load(table));
        f.if(
          i32.geS(skip, n),
          () => skip.set(i32.sub(skip, n)),
          () => {
            columns.forEach(({ at }, c) => at.set(i32.add(i32.load(table, 4 * c + 4), i32.shl(skip, 2))));
            n.set(i32.sub(n, skip));
            n.set(i32.min(n, total));
            skip.set(0);
            total.set(i32.sub(total, n));
            emitColumns(f, graph, columns, n, fixed);
          },
        );
        table.increase(entryBytes(count));
      });
    }),
  );
}

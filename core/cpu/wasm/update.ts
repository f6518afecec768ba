import type { Expr } from '../../expr.ts';
import { type V128, f32, f32x4, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { Graph, type Lanes, isExact } from './pointwise-graph.ts';

/** Bytes of an entry of the table: a number of elements, and an address for each column. */
export const entryBytes = (columns: number): number => 4 * (columns + 1);

/** Whether the values of a formula are the same in floats as in doubles rounded after every operation. */
export const isExactBody = (body: readonly (Expr | null)[]): boolean => body.every((x) => x === null || isExact(x));

/** Values of one column in a step of the loop. */
interface Column {
  readonly at: IntLocal;
  /** What it becomes; null where it is only read. */
  readonly root: number | null;
}

function got(x: Lanes | undefined): V128 {
  const value = x?.value;
  if (value === null || value === undefined) throw new Error('update: a value is used that was not made');
  return value;
}

/** `n` elements from where the columns stand. */
function emitRun(f: FunctionBuilder, graph: Graph, columns: readonly Column[], n: IntLocal, fixed: readonly (Lanes | undefined)[]): void {
  /** Loads of a column stand together, and so do its stores: that is how memory likes it. */
  const compute = (vectors: readonly number[]): (Lanes | undefined)[][] => {
    const loaded = columns.map(({ at }) => vectors.map((u) => f.v128(v128.load(at, 16 * u))));
    return vectors.map((u) => {
      const done = [...fixed];
      graph.emit(f, 'element', done, (c) => ({ value: loaded[c][u], mask: null }));
      return done;
    });
  };
  const stores = (store: (at: IntLocal, root: number) => void): void => {
    for (const { at, root } of columns) if (root !== null) store(at, root);
  };
  const advance = (elements: number): void => {
    for (const { at } of columns) at.increase(4 * elements);
    n.set(i32.sub(n, elements));
  };
  const vectors = [0, 1];
  const block = 4 * vectors.length;
  f.if(i32.geS(n, block), () =>
    f.doWhile(() => {
      const done = compute(vectors);
      stores((at, root) => done.forEach((d, u) => f.store(at, got(d[root]), 16 * u)));
      advance(block);
      return i32.geS(n, block);
    }),
  );
  f.while(i32.gtS(n, 0), () => {
    const [done] = compute([0]);
    f.if(
      i32.geS(n, 4),
      () => stores((at, root) => f.store(at, got(done[root]))),
      () => {
        stores((at, root) => f.storeLane(at, got(done[root]), 0));
        f.if(i32.gtS(n, 1), () => stores((at, root) => f.storeLane(at, got(done[root]), 1, 4)));
        f.if(i32.gtS(n, 2), () => stores((at, root) => f.storeLane(at, got(done[root]), 2, 8)));
      },
    );
    advance(4);
  });
}

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
      const columns = body.map((x): Column => ({ at: f.i32(), root: x === null ? null : (roots.shift() ?? null) }));
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
            emitRun(f, graph, columns, n, fixed);
          },
        );
        table.increase(entryBytes(count));
      });
    }),
  );
}

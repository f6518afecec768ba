import { type V128, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import type { Graph, Lanes } from './pointwise-graph.ts';

/** Values of one column in a step of the loop. */
export interface Column {
  /** Where it stands. */
  readonly at: IntLocal;
  /** Whether a formula reads it. */
  readonly read: boolean;
  /** What it becomes; null where it is only read. */
  readonly root: number | null;
}

function got(x: Lanes | undefined): V128 {
  const value = x?.value;
  if (value === null || value === undefined) throw new Error('columns: a value is used that was not made');
  return value;
}

/**
 * `n` elements of several columns, each made from values of the others before the step. What the columns stand on and `n` are used up.
 *
 * @param graph - its roots are what columns become, its arguments the columns
 * @param fixed - what does not change within the run
 */
export function emitColumns(f: FunctionBuilder, graph: Graph, columns: readonly Column[], n: IntLocal, fixed: readonly (Lanes | undefined)[]): void {
  /** Loads of a column stand together, and so do its stores: that is how memory likes it. */
  const compute = (vectors: readonly number[]): (Lanes | undefined)[][] => {
    const loaded = columns.map(({ at, read }) => (read ? vectors.map((u) => f.v128(v128.load(at, 16 * u))) : []));
    return f.inTurns(vectors.map((u) => () => {
      const done = [...fixed];
      graph.emit(f, 'element', done, (c) => ({ value: loaded[c][u], mask: null }));
      return done;
    }));
  };
  const stores = (store: (at: IntLocal, root: number) => void): void => {
    for (const { at, root } of columns) if (root !== null) store(at, root);
  };
  const advance = (elements: number): void => {
    for (const { at, read, root } of columns) if (read || root !== null) at.increase(4 * elements);
    n.set(i32.sub(n, elements));
  };
  // Many columns need many addresses: more vectors would push them out of the registers.
  const vectors = columns.length <= 4 ? [0, 1, 2, 3] : [0, 1];
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

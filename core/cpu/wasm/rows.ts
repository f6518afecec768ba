import type { Expr } from '../../expr.ts';
import { i32 } from './code.ts';
import { type Column, emitColumns } from './columns.ts';
import { WasmKernel } from './kernel.ts';
import { Graph, type Lanes } from './pointwise-graph.ts';

/** Bytes of the table of a call: for each column its address and how far its rows lie apart. */
export const tableBytes = (columns: number): number => 8 * columns;

/** The arguments that an expression reads. */
function argsOf(x: Expr, found: Set<number>): Set<number> {
  if (x.fn === 'arg') found.add(x.value);
  for (const inner of x.args) argsOf(inner, found);
  return found;
}

/**
 * Several results of several operands over rows, all in one pass: `run(rows, n, table)`, with the table of the columns, those that are read first.
 *
 * @param inputs - number of columns that are read; they are the arguments of `body`
 * @param body - one expression for each column that is written
 */
export function rowsKernel(inputs: number, body: readonly Expr[]): WasmKernel {
  return new WasmKernel('rows', (m) =>
    m.function('rows', ['i32', 'i32', 'i32'], (f, rows, n, table) => {
      const graph = new Graph(body, 'value', () => 'element');
      const read = body.reduce((found, x) => argsOf(x, found), new Set<number>());
      const columns = Array.from({ length: inputs + body.length }, (_, c): Column => ({ at: f.i32(), read: read.has(c), root: c < inputs ? null : graph.roots[c - inputs] }));
      const starts = columns.map((_, c) => f.i32(i32.load(table, 8 * c)));
      const left = f.i32();
      const constants: (Lanes | undefined)[] = [];
      graph.emit(f, 'fixed', constants, () => ({ value: null, mask: null }));
      f.repeat(rows, () => {
        columns.forEach(({ at }, c) => at.set(starts[c]));
        left.set(n);
        emitColumns(f, graph, columns, left, constants);
        starts.forEach((start, c) => start.set(i32.add(start, i32.load(table, 8 * c + 4))));
      });
    }),
  );
}

import { type Expr, arg } from '../../expr.ts';
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

/** An expression that reads columns where it would compute what they hold. */
function reading(x: Expr, columns: ReadonlyMap<Expr, number>, done: Map<Expr, Expr>): Expr {
  const column = columns.get(x);
  if (column !== undefined) return arg(column);
  const known = done.get(x);
  if (known !== undefined) return known;
  const made = { ...x, args: x.args.map((inner) => reading(inner, columns, done)) };
  done.set(x, made);
  return made;
}

/** What is made of each column in one pass over a row; null for nothing. */
function passesOf(inputs: number, body: readonly Expr[], early: readonly Expr[]): (Expr | null)[][] {
  const none = new Array<null>(inputs).fill(null);
  if (early.length === 0) return [[...none, ...body]];
  const columns = new Map(early.map((x) => [x, inputs + body.indexOf(x)]));
  const done = new Map<Expr, Expr>();
  return [[...none, ...body.map((x) => (early.includes(x) ? x : null))], [...none, ...body.map((x) => (early.includes(x) ? null : reading(x, columns, done)))]];
}

/**
 * Several results of several operands over rows: `run(rows, n, table)`, with the table of the columns, those that are read first.
 *
 * @param inputs - number of columns that are read; they are the arguments of `body`
 * @param body - one expression for each column that is written
 * @param early - those among them that are made for a whole row before the others, which read them from their columns: long functions of long functions would wait for each
 * other. These columns must not lie where operands do.
 */
export function rowsKernel(inputs: number, body: readonly Expr[], early: readonly Expr[]): WasmKernel {
  return new WasmKernel('rows', (m) =>
    m.function('rows', ['i32', 'i32', 'i32'], (f, rows, n, table) => {
      const at = Array.from({ length: inputs + body.length }, () => f.i32());
      const starts = at.map((_, c) => f.i32(i32.load(table, 8 * c)));
      const left = f.i32();
      const passes = passesOf(inputs, body, early).map((made) => {
        const roots = made.filter((x) => x !== null);
        const graph = new Graph(roots, 'value', () => 'element');
        const read = roots.reduce((found, x) => argsOf(x, found), new Set<number>());
        const columns = made.map((x, c): Column => ({ at: at[c], read: read.has(c), root: x === null ? null : graph.roots[roots.indexOf(x)] }));
        const constants: (Lanes | undefined)[] = [];
        graph.emit(f, 'fixed', constants, () => ({ value: null, mask: null }));
        return { graph, columns, constants };
      });
      f.repeat(rows, () => {
        for (const { graph, columns, constants } of passes) {
          at.forEach((p, c) => p.set(starts[c]));
          left.set(n);
          emitColumns(f, graph, columns, left, constants);
        }
        starts.forEach((start, c) => start.set(i32.add(start, i32.load(table, 8 * c + 4))));
      });
    }),
  );
}

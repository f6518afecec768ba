import type { Expr } from '../../expr.ts';
import type { Operand } from '../../tape.ts';
import { Tensor } from '../../tensor.ts';
import { type FastKernel, accelerated, addressOf } from '../engine.ts';
import { allocate, release } from '../memory/heap.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { updateKernel } from '../update.ts';
import { heap } from '../wasm/kernel.ts';
import { rowsKernel, tableBytes } from '../wasm/rows.ts';

/** Elements of a column from which a call is worth splitting over threads. */
const WORTH_SPLITTING = 8192;

/** What a formula over rows is made of. */
export interface RowFormula {
  /** Into how many columns of one width each operand is cut, from left to right. */
  readonly inputs: readonly number[];
  /** The same for the results. */
  readonly outputs: readonly number[];
  /** One expression for each column of the results; its arguments are the columns of the operands. */
  readonly body: readonly Expr[];
  /** Expressions of `body` that others contain and that the CPU makes for a whole row first, when the others read them; their columns must not lie where operands do. */
  readonly early?: readonly Expr[];
}

/** Whether a tensor is a float32 matrix whose rows have no gaps. */
const isRows = (x: Operand): x is Tensor => typeof x !== 'number' && x.storage.dtype === 'float32' && x.shape.length === 2 && (x.strides[1] === 1 || x.shape[1] === 1);

/** Writes the table of a call that starts at row `first`. */
function writeTable(table: number, tensors: readonly Tensor[], parts: readonly number[], n: number, first: number): void {
  let at = table >> 2;
  tensors.forEach((x, i) => {
    const step = 4 * x.strides[0];
    const from = addressOf(x) + first * step;
    const { i32 } = heap;
    for (let k = 0; k < parts[i]; k++, at += 2) {
      i32[at] = from + 4 * n * k;
      i32[at + 1] = step;
    }
  });
}

function fastRows({ inputs: cuts, outputs: outCuts, body, early = [] }: RowFormula): FastKernel<undefined> {
  const parts = [...cuts, ...outCuts];
  const bytes = tableBytes(parts.reduce((a, b) => a + b, 0));
  const kernel = rowsKernel(cuts.reduce((a, b) => a + b, 0), body, early);
  return (outputs, inputs) => {
    if (!outputs.every(isRows) || !inputs.every(isRows)) return false;
    const [rows, width] = outputs[0].shape;
    const n = width / outCuts[0];
    if (rows * n === 0) return true;
    const tensors = [...inputs, ...outputs];
    const threads = rows * n < WORTH_SPLITTING ? 1 : Math.min(threadCount(), rows);
    const each = Math.ceil(rows / threads);
    const scratch = allocate(threads * bytes);
    // All operands come in before addresses are written.
    for (const x of tensors) addressOf(x);
    const calls: number[][] = [];
    for (let first = 0, table = scratch; first < rows; first += each, table += bytes) {
      writeTable(table, tensors, parts, n, first);
      calls.push([Math.min(each, rows - first), n, table]);
    }
    if (calls.length === 1) kernel.run(calls[0][0], n, scratch);
    else runParts(kernel, calls);
    release(scratch, threads * bytes);
    return true;
  };
}

/** The columns of matrices, as views. */
function columnsOf(tensors: readonly Tensor[], parts: readonly number[], n: number): Tensor[] {
  return tensors.flatMap((x, i) => Array.from({ length: parts[i] }, (_, k) => new Tensor(x.storage, [x.shape[0], n], x.strides, x.offset + k * n * x.strides[1])));
}

/** The CPU kernel of a formula over the rows of matrices. */
export function rowsOfFormula(formula: RowFormula): ReturnType<typeof accelerated<undefined>> {
  const { inputs: cuts, outputs: outCuts, body } = formula;
  const read = cuts.reduce((a, b) => a + b, 0);
  const reference = updateKernel([...Array.from({ length: read }, () => null), ...body], 0);
  return accelerated(fastRows(formula), (outputs, inputs) => {
    const n = outputs[0].shape[1] / outCuts[0];
    const columns = [...columnsOf(inputs as readonly Tensor[], cuts, n), ...columnsOf(outputs, outCuts, n)];
    reference(columns.map((c) => [c]), []);
  });
}

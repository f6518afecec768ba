import type { Operand } from '../../tape.ts';
import type { Expr } from '../../expr.ts';
import { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { allocate, release } from '../memory/heap.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import type { RowFormula } from '../rows.ts';
import { heap } from '../wasm/memory.ts';
import { rowsKernel, tableBytes } from '../wasm/rows.ts';

/** Elements of a column from which a call is worth splitting over threads. */
const WORTH_SPLITTING = 8192;

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

/** The kernel of several functions of the elements of a float32 tensor that lie side by side: one row for each thread. */
export function fastTogether(body: readonly Expr[]): FastKernel<undefined> {
  const kernel = rowsKernel(1, body, []);
  const bytes = tableBytes(1 + body.length);
  const parts = [1, ...body.map(() => 1)];
  return (outputs, [input]) => {
    const x = input as Tensor;
    if (x.dtype !== 'float32' || !x.isContiguous()) return false;
    const n = x.numel();
    if (n === 0) return true;
    const threads = n < WORTH_SPLITTING ? 1 : threadCount();
    const each = 4 * Math.ceil(n / threads / 4);
    const rows = [x, ...outputs].map((t) => new Tensor(t.storage, [threads, each], [each, 1], t.offset));
    const scratch = allocate(threads * bytes);
    for (const row of rows) addressOf(row);
    const calls: number[][] = [];
    for (let first = 0, table = scratch; first * each < n; first++, table += bytes) {
      writeTable(table, rows, parts, each, first);
      calls.push([1, Math.min(each, n - first * each), table]);
    }
    if (calls.length === 1) kernel.run(1, n, scratch);
    else runParts(kernel, calls);
    release(scratch, threads * bytes);
    return true;
  };
}

/** The kernel of a formula over the rows of float32 matrices. */
export function fastRows({ inputs: cuts, outputs: outCuts, body, early = [] }: RowFormula): FastKernel<undefined> {
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

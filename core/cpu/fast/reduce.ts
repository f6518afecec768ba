import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { allocate, release } from '../memory/heap.ts';
import type { Fold } from '../../expr.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { heap } from '../wasm/memory.ts';
import { extremeColumns, extremeRows, sumColumns, sumRows } from '../wasm/reduce.ts';
import { CHUNK } from '../wasm/reduce-columns.ts';
import { type SumPlan, planExtreme, planSum } from './reduceFold.ts';
import { Rows, layOut, layout } from './reduceLayout.ts';

/** Elements from which a reduction is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 18;
/** A row of more elements is summed in blocks of so many, whatever the number of threads. */
const LONG = 1 << 17;
/** Elements of a matrix that is summed by columns without going back and forth in memory. */
const CACHED = 1 << 13;
/** Columns that different threads work on lie in different lines of the cache. */
const LINE = 16;

/** The kernels of one fold; they are compiled when they are first used. */
interface FoldKernels {
  readonly end: SumPlan['end'];
  readonly rows: WasmKernel;
  readonly columns: WasmKernel;
  /** Of sums: totals of blocks as doubles. */
  readonly blocks: WasmKernel | null;
}

function sumKernels(fold: Fold): FoldKernels | null {
  const plan = planSum(fold);
  if (plan === null) return null;
  const { term, end } = plan;
  const how = end === 'root' ? 'root' : 'quotient';
  return { end, rows: sumRows(term, how), columns: sumColumns(term, how), blocks: sumRows(term, 'double') };
}

function extremeKernels(fold: Fold): FoldKernels | null {
  const plan = planExtreme(fold);
  return plan && { end: 'total', rows: extremeRows(plan.term, plan.largest), columns: extremeColumns(plan.term, plan.largest), blocks: null };
}

/** Rows of `count` stretches of `n` elements, one result each. */
function foldRows({ end, rows: kernel, blocks }: FoldKernels, out: number, x: number, divisor: number): void {
  const { outer, outerStride, count, stride, n } = layout;
  if (blocks !== null && count === 1 && n > LONG) {
    for (let r = 0; r < outer; r++) heap.f32[(out >>> 2) + r] = longSum(blocks, end, x + r * outerStride, n, divisor);
    return;
  }
  if (threadCount() > 1 && outer > 1 && outer * count * n >= WORTH_SPLITTING) {
    const each = Math.ceil(outer / threadCount());
    const parts: number[][] = [];
    for (let r = 0; r < outer; r += each) parts.push([out + 4 * r, x + r * outerStride, Math.min(each, outer - r), outerStride, count, stride, n, divisor]);
    runParts(kernel, parts);
  } else kernel.run(out, x, outer, outerStride, count, stride, n, divisor);
}

/** The sum of a long row: its blocks, then those in order. */
function longSum(kernel: WasmKernel, end: SumPlan['end'], x: number, n: number, divisor: number): number {
  const block = LONG >> 2;
  const whole = Math.floor(n / block);
  const rest = n - whole * block;
  const bytes = 8 * (whole + 1);
  const sums = allocate(bytes);
  const each = Math.ceil(whole / threadCount());
  const parts: number[][] = [];
  for (let b = 0; b < whole; b += each) parts.push([sums + 8 * b, x + 4 * b * block, Math.min(each, whole - b), 4 * block, 1, 0, block, 1]);
  runParts(kernel, parts);
  if (rest > 0) kernel.run(sums + 8 * whole, x + 4 * whole * block, 1, 0, 1, 0, rest, 1);
  let total = 0;
  for (let b = 0; b < (rest > 0 ? whole + 1 : whole); b++) total += heap.f64[(sums >>> 3) + b];
  release(sums, bytes);
  return end === 'root' ? Math.sqrt(total) : total / divisor;
}

/** Columns of `count` rows, one result each. */
function foldColumns({ columns: kernel, blocks }: FoldKernels, out: number, x: number, divisor: number): void {
  const { outer, outerStride, count, stride, n } = layout;
  const large = blocks !== null && count * n > CACHED;
  const panel = large ? CHUNK : count;
  const bytes = large ? 8 * ((n + 3) & -4) : 0;
  const threads = outer * count * n >= WORTH_SPLITTING ? threadCount() : 1;
  if (threads === 1) {
    const scratch = large ? allocate(bytes) : 0;
    kernel.run(out, x, outer, outerStride, count, stride, n, divisor, panel, scratch);
    if (large) release(scratch, bytes);
    return;
  }
  const scratch = allocate(bytes * threads);
  if (outer >= threads) {
    const each = Math.ceil(outer / threads);
    const parts: number[][] = [];
    for (let o = 0; o < outer; o += each) {
      parts.push([out + 4 * o * n, x + o * outerStride, Math.min(each, outer - o), outerStride, count, stride, n, divisor, panel, scratch + bytes * parts.length]);
    }
    runParts(kernel, parts);
  } else {
    const each = Math.ceil(n / threads / LINE) * LINE;
    for (let o = 0; o < outer; o++) {
      const parts: number[][] = [];
      for (let c = 0; c < n; c += each) parts.push([out + 4 * (o * n + c), x + o * outerStride + 4 * c, 1, 0, count, stride, Math.min(each, n - c), divisor, panel, scratch + 8 * c]);
      runParts(kernel, parts);
    }
  }
  release(scratch, bytes * threads);
}

/** Folds over dimensions. */
function folding(kernelsOf: (fold: Fold) => FoldKernels | null, fold: Fold): FastKernel<{ readonly dims: readonly number[] }> {
  let kernels: FoldKernels | null | undefined;
  return ([out], [input], { dims }) => {
    const x = input as Tensor;
    if (x.dtype !== 'float32' || out.dtype !== 'float32' || kernels === null) return false;
    kernels ??= kernelsOf(fold);
    if (kernels === null) return false;
    const way = layOut(x, dims);
    if (way === 'none') return false;
    const to = addressOf(out);
    const mean = kernels.end === 'mean';
    if (way === 'columns') {
      foldColumns(kernels, to, addressOf(x), mean ? layout.count : 1);
      return true;
    }
    if (way === 'rows') {
      foldRows(kernels, to, addressOf(x), mean ? layout.count * layout.n : 1);
      return true;
    }
    const rows = new Rows(x, dims);
    if (rows.address === 0) return false;
    foldRows(kernels, to, rows.address, mean ? layout.n : 1);
    rows.release();
    return true;
  };
}

/** Folds that are sums of simple terms. */
export const fastSum = (fold: Fold): FastKernel<{ readonly dims: readonly number[] }> => folding(sumKernels, fold);
/** Folds that are the largest or smallest of simple terms. */
export const fastExtremeFold = (fold: Fold): FastKernel<{ readonly dims: readonly number[] }> => folding(extremeKernels, fold);

import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { varianceRows } from '../wasm/reduce.ts';
import { logSumExpRows } from '../wasm/softmax.ts';
import { Rows, layout } from './reduceLayout.ts';

interface DimsAttrs {
  readonly dims: readonly number[];
}

/** Elements from which rows are worth splitting over threads. */
const WORTH_SPLITTING = 1 << 15;

/** Runs `call` on all rows, or on as many parts of them as there are threads. */
function overRows(kernel: WasmKernel, out: number, x: number, tail: readonly number[]): void {
  const { outer, outerStride, n } = layout;
  if (threadCount() === 1 || outer === 1 || outer * n < WORTH_SPLITTING) {
    kernel.run(out, x, outer, outerStride, ...tail);
    return;
  }
  const each = Math.ceil(outer / threadCount());
  const parts: number[][] = [];
  for (let r = 0; r < outer; r += each) parts.push([out + 4 * r, x + r * outerStride, Math.min(each, outer - r), outerStride, ...tail]);
  runParts(kernel, parts);
}

/** Variance over dimensions, or with `root` its root. */
export function fastVariance(root: boolean): FastKernel<DimsAttrs & { readonly correction: number }> {
  return ([out], [input], { dims, correction }) => {
    const x = input as Tensor;
    if (x.dtype !== 'float32' || x.numel() === 0) return false;
    const to = addressOf(out);
    const rows = new Rows(x, dims);
    if (rows.address === 0) return false;
    const { count, stride, n } = layout;
    overRows(varianceRows, to, rows.address, [count, stride, n, Math.max(0, count * n - correction), root ? 1 : 0]);
    rows.release();
    return true;
  };
}

/** `log Σ exp(x)` over dimensions. */
export const fastLogSumExp: FastKernel<DimsAttrs> = ([out], [input], { dims }) => {
  const x = input as Tensor;
  if (x.dtype !== 'float32' || x.numel() === 0) return false;
  const to = addressOf(out);
  const rows = new Rows(x, dims);
  if (rows.address === 0) return false;
  const single = layout.count === 1;
  if (single) overRows(logSumExpRows, to, rows.address, [layout.n]);
  rows.release();
  return single;
};

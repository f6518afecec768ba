import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { softmaxRows, softmaxRowsBackward } from '../wasm/softmax.ts';
import { softmaxColumns, softmaxColumnsBackward } from '../wasm/softmax-columns.ts';
import { copyStrided } from './copy.ts';

interface DimAttrs {
  readonly dim: number;
}

/** Elements from which the work is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 14;

/** Product of the sizes behind a dimension. */
export function sizeBehind(x: Tensor, dim: number): number {
  let n = 1;
  for (let d = x.shape.length - 1; d > dim; d--) n *= x.shape[d];
  return n;
}

/** Runs a kernel on two or three row-major tensors, split over the matrices (or rows) that they are. */
function run(kernel: WasmKernel, at: readonly [number, number, number], operands: 2 | 3, outer: number, n: number, columns: number): void {
  const [a, b, c] = at;
  if (threadCount() > 1 && outer > 1 && outer * n * columns >= WORTH_SPLITTING) {
    const each = Math.ceil(outer / threadCount());
    const parts: number[][] = [];
    for (let o = 0; o < outer; o += each) {
      const skip = 4 * o * n * columns;
      const sizes = [Math.min(each, outer - o), n, columns];
      parts.push(operands === 2 ? [a + skip, b + skip, ...sizes] : [a + skip, b + skip, c + skip, ...sizes]);
    }
    runParts(kernel, parts);
  } else if (operands === 2) kernel.run(a, b, outer, n, columns);
  else kernel.run(a, b, c, outer, n, columns);
}

/** Softmax, or its logarithm, along one dimension. */
export function fastSoftmax(log: boolean): FastKernel<DimAttrs> {
  const [rows, columns] = log ? [softmaxRows.log, softmaxColumns.log] : [softmaxRows.plain, softmaxColumns.plain];
  return ([out], [input], { dim }) => {
    const x = input as Tensor;
    const size = x.numel();
    if (x.dtype !== 'float32' || size === 0) return false;
    const to = addressOf(out);
    let from = addressOf(x);
    if (!x.isContiguous()) {
      // The kernels work in place, too.
      if (!copyStrided(to, from, x.shape, out.strides, x.strides, 4)) return false;
      from = to;
    }
    const n = x.shape[dim];
    const inner = sizeBehind(x, dim);
    run(inner === 1 ? rows : columns, [to, from, 0], 2, size / (n * inner), n, inner);
    return true;
  };
}

/** Gradient of softmax, or of its logarithm, along one dimension, from the result. */
export function fastSoftmaxBackward(log: boolean): FastKernel<DimAttrs> {
  const [rows, columns] = log ? [softmaxRowsBackward.log, softmaxColumnsBackward.log] : [softmaxRowsBackward.plain, softmaxColumnsBackward.plain];
  return ([out], [grad, result], { dim }) => {
    const [g, y] = [grad as Tensor, result as Tensor];
    const size = y.numel();
    if (y.dtype !== 'float32' || g.dtype !== 'float32' || size === 0 || !y.isContiguous()) return false;
    const to = addressOf(out);
    let from = addressOf(g);
    if (!g.isContiguous()) {
      if (!copyStrided(to, from, g.shape, out.strides, g.strides, 4)) return false;
      from = to;
    }
    const n = y.shape[dim];
    const inner = sizeBehind(y, dim);
    run(inner === 1 ? rows : columns, [to, from, addressOf(y)], 3, size / (n * inner), n, inner);
    return true;
  };
}

import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { extremaColumns, extremaRows } from '../wasm/extrema.ts';
import { sizeBehind } from './softmax.ts';

/** Elements from which the work is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 17;

/** Largest or smallest entry along one dimension and where it stands: values and indices, or indices alone when there is one output. */
export function fastExtreme(largest: boolean): FastKernel<{ readonly dim: number }> {
  const rows = largest ? extremaRows.largest : extremaRows.smallest;
  const columns = largest ? extremaColumns.largest : extremaColumns.smallest;
  return (outputs, [input], { dim }) => {
    const x = input as Tensor;
    const size = x.numel();
    if (x.dtype !== 'float32' || size === 0 || !x.isContiguous()) return false;
    const n = x.shape[dim];
    const inner = sizeBehind(x, dim);
    const outer = size / (n * inner);
    const places = addressOf(outputs[outputs.length - 1]);
    const values = outputs.length > 1 ? addressOf(outputs[0]) : 0;
    const from = addressOf(x);
    if (threadCount() > 1 && outer > 1 && size >= WORTH_SPLITTING) {
      const each = Math.ceil(outer / threadCount());
      const parts: number[][] = [];
      for (let o = 0; o < outer; o += each) {
        const skip = 4 * o * inner;
        const some = Math.min(each, outer - o);
        parts.push([values === 0 ? 0 : values + skip, places + skip, from + skip * n, some, n, inner]);
      }
      runParts(inner === 1 ? rows : columns, parts);
    } else if (inner === 1) rows.run(values, places, from, outer, n);
    else columns.run(values, places, from, outer, n, inner);
    return true;
  };
}

import type { TypedArray } from '../dtype.ts';
import type { Generator } from '../random.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';

/** Writes `n` random cells from `at` on. */
export type Fill = (cells: TypedArray, at: number, n: number) => void;

/** Fills a tensor of any layout in the order of its memory, as PyTorch does. */
export function fillTensor(out: Tensor, fill: Fill): void {
  const { shape, strides, offset } = out;
  const { cells } = out.storage;
  const n = out.numel();
  if (out.isContiguous()) {
    fill(cells, offset, n);
    return;
  }
  const drawn = cells.slice(0, 0).constructor === cells.constructor ? sameKind(cells, n) : cells;
  fill(drawn, 0, n);
  const order = shape.map((_, d) => d).sort((a, b) => strides[b] - strides[a]);
  let i = 0;
  walkOuter({ sizes: order.map((d) => shape[d]), strides: [order.map((d) => strides[d])] }, 0, [offset], ([at]) => {
    cells[at] = drawn[i++];
  });
}

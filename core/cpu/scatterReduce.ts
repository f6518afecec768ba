import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { ShapeError } from '../errors.ts';
import { walkOuter } from './layout.ts';
import { rowMajorCells } from './gather.ts';

/** How entries that are named are brought together. */
export type ScatterReduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin';

/** What a scatter reduction is told. */
export interface ScatterReduceAttrs {
  /** The public operation, for messages. */
  readonly op: string;
  readonly dim: number;
  readonly reduce: ScatterReduction;
  /** Whether what is there counts, too. */
  readonly includeSelf: boolean;
}

const starts: Readonly<Record<ScatterReduction, number>> = { sum: 0, prod: 1, mean: 0, amax: -Infinity, amin: Infinity };

/** `x` with the entries that the index names along one dimension reduced with those of the source. */
export const scatterReduceKernel: Kernel<ScatterReduceAttrs> = ([out], inputs, { op, dim, reduce, includeSelf }) => {
  const [x, index, source] = inputs as readonly Tensor[];
  const size = out.shape[dim];
  const places = rowMajorCells(index);
  for (let i = 0; i < places.length; i++) {
    if (!(places[i] >= 0 && places[i] < size)) throw new ShapeError(`${op}: index out of range, got ${places[i]} for dimension ${dim} of size ${size}; expected 0 to ${size - 1}`, { values: { index: places[i], dim, size } });
  }
  const to = out.storage.cells;
  const n = out.numel();
  const values = Float64Array.from(rowMajorCells(x)); // in doubles, by place in row-major order
  const counts = new Int32Array(n);
  const strides = new Array<number>(out.ndim).fill(1);
  for (let d = out.ndim - 2; d >= 0; d--) strides[d] = strides[d + 1] * out.shape[d + 1];
  const { cells } = source.storage;
  let i = 0;
  walkOuter({ sizes: index.shape, strides: [source.strides, strides.with(dim, 0)] }, 0, [source.offset, 0], ([at, base]) => {
    const put = base + places[i++] * strides[dim];
    if (counts[put]++ === 0 && !includeSelf) values[put] = starts[reduce];
    const v = cells[at];
    const before = values[put];
    values[put] =
      reduce === 'prod' ? before * v
      : reduce === 'amax' ? (v > before || v !== v ? v : before)
      : reduce === 'amin' ? (v < before || v !== v ? v : before)
      : before + v;
  });
  if (reduce === 'mean') {
    const whole = out.dtype !== 'float32' && out.dtype !== 'float64';
    for (let k = 0; k < n; k++) {
      if (counts[k] === 0) continue;
      const mean = values[k] / (counts[k] + (includeSelf ? 1 : 0));
      values[k] = whole ? Math.floor(mean) : mean;
    }
  }
  let k = 0;
  walkOuter({ sizes: out.shape, strides: [out.strides] }, 0, [out.offset], ([at]) => {
    to[at] = out.dtype === 'bool' && values[k] > 1 ? 1 : values[k];
    k++;
  });
};

import type { Kernel } from '../op.ts';
import { Tensor } from '../tensor.ts';
import { coalesce, walkOuter } from './layout.ts';
import { scatterStrided } from './strided.ts';

/** Copies with the order of some dimensions reversed: read from the far end with negative strides. */
export const flipKernel: Kernel<{ readonly dims: readonly number[] }> = ([out], [input], { dims }) => {
  const x = input as Tensor;
  if (x.numel() === 0) return;
  const offset = dims.reduce((at, d) => at + (x.shape[d] - 1) * x.strides[d], x.offset);
  const reversed = new Tensor(x.storage, x.shape, x.strides.map((s, d) => (dims.includes(d) ? -s : s)), offset);
  scatterStrided([out], [out, reversed], { shape: out.shape, strides: out.strides, offset: out.offset, accumulate: false });
};

/** Puts tensors one behind the other along a dimension. */
export const catKernel: Kernel<{ readonly dim: number }> = ([out], inputs, { dim }) => {
  let at = out.offset;
  for (const input of inputs) {
    const x = input as Tensor;
    if (x.numel() === 0) continue;
    scatterStrided([out], [out, x], { shape: x.shape, strides: out.strides, offset: at, accumulate: false });
    at += x.shape[dim] * out.strides[dim];
  }
};

/** Which triangle of matrices stays: below and on a diagonal, or above and on it. */
export interface TriangleAttrs {
  readonly diagonal: number;
  readonly upper: boolean;
}

/** Copies one triangle of each matrix and zeroes the rest; any strides, also in place. */
export const triangleKernel: Kernel<TriangleAttrs> = ([out], [input], { diagonal, upper }) => {
  const x = input as Tensor;
  const rank = x.ndim;
  const [rows, columns] = [x.shape[rank - 2], x.shape[rank - 1]];
  const [to, from] = [out.storage.cells, x.storage.cells];
  const [aRow, aStep] = [out.strides[rank - 2], out.strides[rank - 1]];
  const [bRow, bStep] = [x.strides[rank - 2], x.strides[rank - 1]];
  const walk = coalesce(x.shape.slice(0, -2), [out.strides.slice(0, -2), x.strides.slice(0, -2)]);
  walkOuter(walk, 0, [out.offset, x.offset], ([a, b]) => {
    for (let r = 0; r < rows; r++) {
      const low = upper ? Math.min(columns, Math.max(0, r + diagonal)) : 0;
      const high = upper ? columns : Math.min(columns, Math.max(0, r + diagonal + 1));
      for (let c = 0; c < low; c++) to[a + r * aRow + c * aStep] = 0;
      for (let c = low; c < high; c++) to[a + r * aRow + c * aStep] = from[b + r * bRow + c * bStep];
      for (let c = high; c < columns; c++) to[a + r * aRow + c * aStep] = 0;
    }
  });
};

import type { Tensor } from '../../tensor.ts';
import type { TriangleAttrs } from '../arrange.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { copyTriangles } from '../wasm/arrange.ts';
import { copyStrided } from './copy.ts';
import { itemOf } from './strided.ts';

/** Copies with the order of some dimensions reversed: read from the far end with negative strides. */
export const fastFlip: FastKernel<{ readonly dims: readonly number[] }> = ([out], [input], { dims }) => {
  const x = input as Tensor;
  if (x.numel() === 0) return true;
  const item = itemOf(x);
  if (item === 0) return false;
  let from = addressOf(x);
  const strides = [...x.strides];
  for (const d of dims) {
    from += (x.shape[d] - 1) * strides[d] * item;
    strides[d] = -strides[d];
  }
  return copyStrided(addressOf(out), from, x.shape, out.strides, strides, item);
};

/** Puts tensors one behind the other along a dimension. */
export const fastCat: FastKernel<{ readonly dim: number }> = ([out], inputs, { dim }) => {
  const item = itemOf(out);
  if (item === 0) return false;
  let to = addressOf(out);
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i] as Tensor;
    // PyTorch lets tensors of shape [0] stand beside anything.
    if (x.numel() === 0) continue;
    if (x.dtype !== out.dtype || !copyStrided(to, addressOf(x), x.shape, out.strides, x.strides, item)) return false;
    to += x.shape[dim] * out.strides[dim] * item;
  }
  return true;
};

/** Copies one triangle of each matrix and zeroes the rest. */
export const fastTriangle: FastKernel<TriangleAttrs> = ([out], [input], { diagonal, upper }) => {
  const x = input as Tensor;
  const item = itemOf(x);
  if (item === 0 || !out.isContiguous() || !x.isContiguous()) return false;
  const rows = x.shape[x.ndim - 2];
  const columns = x.shape[x.ndim - 1];
  const count = rows * columns === 0 ? 0 : x.numel() / (rows * columns);
  // Beyond the corners nothing changes any more, and numbers stay small.
  const offset = Math.max(-rows - 1, Math.min(columns + 1, diagonal));
  copyTriangles.run(addressOf(out), addressOf(x), count, rows, columns, offset, upper ? 1 : 0, item);
  return true;
};

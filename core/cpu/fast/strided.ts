import type { Layout, Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { type ItemSize, addFloats, clearBytes } from '../wasm/copy.ts';
import { copyFlat, copyStrided, runStrided } from './copy.ts';

/** Bytes of an element; 0 for float64, which lies outside the memory of the kernels. */
export function itemOf({ dtype }: Tensor): ItemSize | 0 {
  if (dtype === 'float32') return 4;
  if (dtype === 'float64') return 0;
  return dtype === 'uint8' || dtype === 'bool' ? 1 : 4;
}

/** Copies a tensor to a place where its elements shall lie row-major; false where that has to be done otherwise. */
export function copyRowMajor(to: number, strides: readonly number[], x: Tensor): boolean {
  const item = itemOf(x);
  if (item === 0) return false;
  if (!x.isContiguous()) return copyStrided(to, addressOf(x), x.shape, strides, x.strides, item);
  copyFlat(to, addressOf(x), x.numel() * item);
  return true;
}

/** A row-major copy. */
export const fastClone: FastKernel<unknown> = ([out], [x]) => typeof x !== 'number' && x.dtype === out.dtype && x.dtype !== 'float64' && copyRowMajor(addressOf(out), out.strides, x);

/** `out` = first operand with a window replaced by the second, or with the second added there. */
export const fastScatterStrided: FastKernel<Layout & { readonly accumulate: boolean }> = ([out], [x, source], { shape, strides, offset, accumulate }) => {
  if (typeof x === 'number' || typeof source === 'number') return false;
  const { dtype } = out;
  if (x.dtype !== dtype || source.dtype !== dtype || (accumulate && dtype !== 'float32')) return false;
  const item = itemOf(out);
  if (item === 0) return false;
  const to = addressOf(out);
  if (x !== out && !(out.isContiguous() ? copyRowMajor(to, out.strides, x) : copyStrided(to, addressOf(x), out.shape, out.strides, x.strides, item))) return false;
  // The window counts from the start of the storage.
  const place = to + (offset - out.offset) * item;
  if (accumulate) return runStrided(addFloats, place, addressOf(source), shape, strides, source.strides);
  return copyStrided(place, addressOf(source), shape, strides, source.strides, item);
};

/** Puts a tensor into a window of one dimension of zeros. */
export const fastPlace: FastKernel<{ readonly dim: number; readonly start: number; readonly step: number }> = ([out], [x], { dim, start, step }) => {
  if (typeof x === 'number' || x.dtype !== out.dtype) return false;
  const item = itemOf(out);
  if (item === 0) return false;
  const stride = out.strides[dim];
  const to = addressOf(out);
  clearBytes.run(to, out.numel() * item);
  return copyStrided(to + start * stride * item, addressOf(x), x.shape, step === 1 ? out.strides : out.strides.with(dim, stride * step), x.strides, item);
};

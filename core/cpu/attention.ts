import type { Kernel, Operand } from '../op.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import { matmulKernel } from './matmul.ts';
import { copyKernel } from './pointwise.ts';
import { softmaxBackwardKernel, softmaxKernel } from './softmax.ts';

/** Arguments of causal attention beside its operands. */
export interface CausalAttrs {
  /** Factor of the scores. */
  readonly scale: number;
}

const softmax = softmaxKernel(false);
const softmaxBackward = softmaxBackwardKernel(false);

/** The matrices turned around. */
function turned({ storage, shape, strides, offset }: Tensor): Tensor {
  const swap = (x: readonly number[]): readonly number[] => [...x.slice(0, -2), x[x.length - 1], x[x.length - 2]];
  return new Tensor(storage, swap(shape), swap(strides), offset);
}

/** Multiplies the lower triangles of contiguous square matrices by a factor, and sets what is above them. */
function scaleTriangles(x: Tensor, scale: number, above: number): void {
  const { cells } = x.storage;
  const n = x.shape[x.ndim - 1];
  for (let row = 0, at = x.offset; at < x.offset + x.numel(); row = (row + 1) % n) {
    for (let column = 0; column < n; column++, at++) cells[at] = column <= row ? cells[at] * scale : above;
  }
}

/** Multiplies into a result that may be arranged in another order. */
function multiply(out: Tensor, a: Operand, b: Operand): void {
  if (out.isContiguous()) {
    matmulKernel([out], [a, b], undefined);
    return;
  }
  const dense = emptyTensor(out.shape, out.dtype, out.device);
  matmulKernel([dense], [a, b], undefined);
  copyKernel([out], [dense], undefined);
}

/** `softmax(scale·q·kᵀ over keys 0 … i)·v` and the weights. */
export const causalAttentionKernel: Kernel<CausalAttrs> = ([out, weights], [query, key, value], { scale }) => {
  matmulKernel([weights], [query, turned(key as Tensor)], undefined);
  scaleTriangles(weights, scale, -Infinity);
  softmax([weights], [weights], { dim: weights.ndim - 1 });
  multiply(out, weights, value);
};

/** The gradients of the three operands from that of the result. */
export const causalAttentionBackwardKernel: Kernel<CausalAttrs> = ([dq, dk, dv], [grad, query, key, value, w], { scale }) => {
  const weights = w as Tensor;
  const slopes = emptyTensor(weights.shape, weights.dtype, weights.device);
  matmulKernel([slopes], [grad, turned(value as Tensor)], undefined);
  softmaxBackward([slopes], [slopes, weights], { dim: weights.ndim - 1 });
  scaleTriangles(slopes, scale, 0);
  multiply(dq, slopes, key);
  multiply(dk, turned(slopes), query);
  multiply(dv, turned(weights), grad);
};

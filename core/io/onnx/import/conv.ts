import { conv1d, conv2d, convTranspose1d, convTranspose2d } from '../../../ops/conv.ts';
import { conv3d, convTranspose3d } from '../../../ops/conv3d.ts';
import { einsum } from '../../../ops/einsum.ts';
import { linear } from '../../../ops/linear.ts';
import { pad } from '../../../ops/pad.ts';
import type { Tensor } from '../../../tensor.ts';
import type { NodeReader, Operator, Operators } from './node.ts';
import { windowsOf } from './windows.ts';

// Convolutions and products of matrices.

/** Pads spatial dimensions, or crops where numbers are negative. */
export function padSpatial(x: Tensor, before: readonly number[], behind: readonly number[], value = 0): Tensor {
  if (before.every((p) => p === 0) && behind.every((p) => p === 0)) return x;
  return pad(x, before.flatMap((_, i) => [before.at(-1 - i) ?? 0, behind.at(-1 - i) ?? 0]), 'constant', value);
}

/** The convolution that a node's attributes describe. */
export function convolution(n: NodeReader, x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const w = windowsOf(n, x.shape, n.ints('kernel_shape') ?? weight.shape.slice(2));
  const { stride, dilation, before, behind, rank } = w;
  const even = before.every((p, d) => p === behind[d]);
  const options = { stride, dilation, groups: n.int('group', 1), padding: even ? before : before.map(() => 0) };
  const input = even ? x : padSpatial(x, before, behind);
  return rank === 1 ? conv1d(input, weight, bias, options) : rank === 2 ? conv2d(input, weight, bias, options) : conv3d(input, weight, bias, options);
}

/** What is cut off a transposed convolution, and what is added at its end. */
function transposedEdges(n: NodeReader, x: Tensor, weight: Tensor): { readonly before: readonly number[]; readonly behind: readonly number[]; readonly extra: readonly number[] } {
  const { kernel, stride, dilation, before, behind, rank } = windowsOf(n, x.shape, n.ints('kernel_shape') ?? weight.shape.slice(2));
  const extra = n.ints('output_padding') ?? new Array<number>(rank).fill(0);
  const full = kernel.map((k, d) => (x.shape[d + 2] - 1) * stride[d] + dilation[d] * (k - 1) + 1 + (extra[d] ?? 0));
  const auto = n.text('auto_pad', 'NOTSET');
  const wanted = n.ints('output_shape')?.slice(-rank) ?? (auto.startsWith('SAME') ? x.shape.slice(2).map((size, d) => size * stride[d]) : null);
  if (wanted === null) return { before, behind, extra };
  const totals = wanted.map((size, d) => full[d] - size);
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total, d) => total - less[d]);
  return auto === 'SAME_UPPER' ? { before: less, behind: more, extra } : { before: more, behind: less, extra };
}

const convTranspose: Operator = (n) => {
  const [x, weight, bias] = [n.in(0), n.in(1), n.maybe(2)];
  const { before, behind, extra } = transposedEdges(n, x, weight);
  const { stride, dilation, rank } = windowsOf(n, x.shape, n.ints('kernel_shape') ?? weight.shape.slice(2));
  const options = { stride, dilation, groups: n.int('group', 1) };
  const run = rank === 1 ? convTranspose1d : rank === 2 ? convTranspose2d : convTranspose3d;
  const even = before.every((p, d) => p === behind[d] && p >= 0);
  if (even) return run(x, weight, bias, { ...options, padding: before, outputPadding: extra });
  return padSpatial(run(x, weight, bias, options), before.map((p) => -p), behind.map((p, d) => (extra[d] ?? 0) - p));
};

const gemm: Operator = (n) => {
  const [alpha, beta] = [n.float('alpha', 1), n.float('beta', 1)];
  const bias = n.maybe(2);
  const [x, y] = [n.int('transA', 0) === 1 ? n.in(0).t() : n.in(0), n.in(1)];
  const turned = n.int('transB', 0) === 1;
  if (alpha === 1 && beta === 1 && turned && x.ndim === 2 && y.ndim === 2 && (bias === null || (bias.ndim === 1 && bias.shape[0] === y.shape[0]))) return linear(x, y, bias);
  const product = x.matmul(turned ? y.t() : y);
  const scaled = alpha === 1 ? product : product.mul(alpha).to(product.dtype);
  if (bias === null || beta === 0) return scaled;
  return scaled.add(beta === 1 ? bias : bias.mul(beta).to(bias.dtype));
};

/** Convolutions and products. */
export const productOperators: Operators = {
  Conv: (n) => convolution(n, n.in(0), n.in(1), n.maybe(2)),
  ConvTranspose: convTranspose,
  Gemm: gemm,
  MatMul: (n) => n.in(0).matmul(n.in(1)),
  Det: (n) => n.in(0).det(),
  Einsum: (n) => einsum(n.text('equation', '').replaceAll(' ', ''), ...n.all),
};

import type { Tensor } from '../../../tensor.ts';
import { convolution } from './conv.ts';
import type { NodeReader, Operator, Operators } from './node.ts';
import { rangeOf, saturated } from './quantize.ts';

// Products of integers that stand for floats. They are computed in float64, which holds sums of products of 16 bits exactly.

/** What a scale or zero point has one number for: each row of a left operand, column of a right one, channel that a convolution makes; an image has a single one. */
type Side = 'rows' | 'columns' | 'channels' | 'image';

/** One number, or one for each entry of that side, as it broadcasts to operands of `rank` dimensions. */
function beside(n: NodeReader, v: Tensor, side: Side, rank: number): Tensor {
  if (v.numel() === 1) return v.reshape([]);
  if (side === 'image') throw n.fault(`a scale or zero point of the image is no single number, got [${v.shape.join(', ')}]`, 'one');
  if (v.ndim !== 1 || side === 'columns') return v;
  return v.reshape([-1, ...new Array<number>(side === 'rows' ? 1 : rank - 1).fill(1)]);
}

/** Input `i` without its zero point, input `zero`. */
function centred(n: NodeReader, i: number, zero: number, side: Side): Tensor {
  const [x, shift] = [n.in(i), n.maybe(zero)];
  return shift === null ? x.to('float64') : x.to('float64').sub(beside(n, shift, side, x.ndim));
}

/** Sums as integers of the result: by the product of the operands' scales over its own, input 6, with its zero point, input 7. */
function rescaled(n: NodeReader, sums: Tensor, left: Tensor, right: Tensor): Tensor {
  const factor = left.mul(right).div(n.in(6).reshape([]));
  return saturated(sums.to(factor.dtype).mul(factor), n.in(7).reshape([]), rangeOf(n, 7));
}

const matMulInteger: Operator = (n) => centred(n, 0, 2, 'rows').matmul(centred(n, 1, 3, 'columns')).to('int32');

const convInteger: Operator = (n) => convolution(n, centred(n, 0, 2, 'image'), centred(n, 1, 3, 'channels'), null).to('int32');

const qLinearMatMul: Operator = (n) => {
  const sums = centred(n, 0, 2, 'rows').matmul(centred(n, 3, 5, 'columns'));
  return rescaled(n, sums, beside(n, n.in(1), 'rows', sums.ndim), beside(n, n.in(4), 'columns', sums.ndim));
};

const qLinearConv: Operator = (n) => {
  const bias = n.maybe(8);
  const sums = convolution(n, centred(n, 0, 2, 'image'), centred(n, 3, 5, 'channels'), bias === null ? null : bias.to('float64'));
  // Channels are the second dimension of the result.
  return rescaled(n, sums, beside(n, n.in(1), 'image', sums.ndim), beside(n, n.in(4), 'channels', sums.ndim - 1));
};

/** Products of integers. */
export const quantizedProductOperators: Operators = { MatMulInteger: matMulInteger, ConvInteger: convInteger, QLinearMatMul: qLinearMatMul, QLinearConv: qLinearConv };

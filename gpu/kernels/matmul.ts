import type { AddmmAttrs } from '../../core/cpu/matmul.ts';
import type { Kernel } from '../../core/op.ts';
import { numelOf } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { blockOf, rowMajor } from '../launch.ts';
import { broadcastOperand, matrixOperand, multiply } from './product.ts';

/** `a @ b` over the last two dimensions. */
export const matmul: Kernel<undefined> = ([out], inputs) => {
  const [a, b] = inputs as readonly Tensor[];
  const [m, n] = out.shape.slice(-2);
  multiply({ out, lead: out.shape.slice(0, -2), m, n, k: a.shape[a.ndim - 1], a: matrixOperand(a), b: matrixOperand(b), c: null, alpha: 1, beta: 0 });
};

/** `beta·input + alpha·(a @ b)`; with beta 0 the input is not read. */
export const addmm: Kernel<AddmmAttrs> = ([out], inputs, { alpha, beta }) => {
  const [input, a, b] = inputs as readonly Tensor[];
  const [m, n] = out.shape.slice(-2);
  const c = beta === 0 ? null : broadcastOperand(input, out.shape);
  multiply({ out, lead: out.shape.slice(0, -2), m, n, k: a.shape[a.ndim - 1], a: matrixOperand(a), b: matrixOperand(b), c, alpha, beta });
};

/** `x @ wᵀ + bias`, all leading dimensions of `x` as rows; a weight of one dimension is one output. */
export const linear: Kernel<undefined> = ([out], inputs) => {
  const [x, w, bias] = inputs as readonly Tensor[];
  const k = x.shape[x.ndim - 1];
  const vector = w.ndim === 1;
  const plain = { shape: [], strides: [] };
  const rows = rowMajor(x);
  multiply({
    out,
    lead: [],
    m: numelOf(x.shape.slice(0, -1)),
    n: vector ? 1 : w.shape[0],
    k,
    a: { ...plain, block: rows.block, offset: rows.offset, row: k, column: 1 },
    b: { ...plain, block: blockOf(w), offset: w.offset, row: w.strides[w.ndim - 1], column: vector ? 0 : w.strides[0] },
    c: inputs.length < 3 ? null : { ...plain, block: blockOf(bias), offset: bias.offset, row: 0, column: bias.ndim === 0 ? 0 : bias.strides[0] },
    alpha: 1,
    beta: 1,
  });
  rows.done();
};

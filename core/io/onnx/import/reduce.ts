import { isFloat } from '../../../dtype.ts';
import type { Tensor } from '../../../tensor.ts';
import { untraced } from '../../../tracing.ts';
import type { NodeReader, Operator, Operators } from './node.ts';

// Operators over axes.

type Reduce = (x: Tensor, dims: readonly number[], keepdim: boolean) => Tensor;

const reduction = (f: Reduce): Operator => (n) => {
  const x = n.in(0);
  const given = n.either('axes', 1);
  if ((given === null || given.length === 0) && n.int('noop_with_empty_axes', 0) === 1) return f(x, [], true);
  const dims = given === null || given.length === 0 ? x.shape.map((_, d) => d) : n.axes(given, x.ndim);
  return f(x, dims, n.int('keepdims', 1) === 1);
};

/** A sum of nothing is the elements themselves. */
const sum: Reduce = (x, dims, keepdim) => (dims.length === 0 ? x : x.sum(dims, { keepdim, dtype: x.dtype }));

/** Products, and largest and smallest ones, one axis after the other. */
const each = (f: (x: Tensor, d: number) => Tensor): Reduce => (x, dims, keepdim) => {
  const made = dims.reduce((y, d) => f(y, d), x);
  return keepdim || dims.length === 0 ? made : made.squeeze(dims);
};

const mean: Reduce = (x, dims, keepdim) => {
  const count = dims.reduce((n, d) => n * x.shape[d], 1);
  return isFloat(x.dtype) ? sum(x, dims, keepdim).div(count) : sum(x, dims, keepdim).div(count, { roundingMode: 'trunc' });
};

const place = (largest: boolean): Operator => (n) => {
  const x = n.in(0);
  const axis = n.axis(n.int('axis', 0), x.ndim);
  const keepdim = n.int('keepdims', 1) === 1;
  const pick = (y: Tensor): Tensor => (largest ? y.argmax(axis, { keepdim }) : y.argmin(axis, { keepdim }));
  return n.int('select_last_index', 0) === 0 ? pick(x) : pick(x.flip([axis])).rsub(x.shape[axis] - 1);
};

/** Softmax along one axis; early operator sets take all dimensions from that axis on as one. */
const softmax = (f: (x: Tensor, d: number) => Tensor): Operator => (n) => {
  const x = n.in(0);
  if (n.opset >= 13) return f(x, n.axis(n.int('axis', -1), x.ndim));
  const axis = n.axis(n.int('axis', 1), x.ndim);
  return f(x.reshape([x.shape.slice(0, axis).reduce((a, b) => a * b, 1), -1]), 1).reshape(x.shape);
};

const hardmax = (x: Tensor, d: number): Tensor => {
  const at = x.argmax(d, { keepdim: true });
  return untraced(() => x.mul(0)).scatter(d, at, 1);
};

const topK: Operator = (n) => {
  const x = n.in(0);
  const axis = n.axis(n.int('axis', -1), x.ndim);
  const k = n.has('k') ? n.int('k', 1) : (n.numbers(1) ?? [1])[0];
  const { values, indices } = x.sort(axis, { descending: n.int('largest', 1) === 1 });
  return [values.narrow(axis, 0, k), indices.narrow(axis, 0, k)];
};

function cumulated(n: NodeReader): Tensor {
  const x = n.in(0);
  const axis = n.axis((n.numbers(1) ?? [0])[0], x.ndim);
  const reverse = n.int('reverse', 0) === 1;
  const from = reverse ? x.flip([axis]) : x;
  const all = from.cumsum(axis).to(x.dtype);
  const made = n.int('exclusive', 0) === 1 ? all.sub(from) : all;
  return reverse ? made.flip([axis]) : made;
}

/** Largest or smallest elements; of none, those that any other exceeds. */
const extreme = (largest: boolean): Reduce => (x, dims, keepdim) => {
  if (dims.length === 0) return x;
  if (x.dtype === 'bool') return largest ? x.any(dims, { keepdim }) : x.all(dims, { keepdim });
  if (dims.some((d) => x.shape[d] === 0)) return x.sum(dims, { keepdim }).to(x.dtype).add(largest ? -Infinity : Infinity);
  return largest ? x.amax(dims, { keepdim }) : x.amin(dims, { keepdim });
};

/** Operators over axes. */
export const reduceOperators: Operators = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction(mean),
  ReduceProd: reduction(each((x, d) => x.prod(d, { keepdim: true }).to(x.dtype))),
  ReduceMax: reduction(extreme(true)),
  ReduceMin: reduction(extreme(false)),
  ReduceL1: reduction((x, dims, keepdim) => sum(x.abs(), dims, keepdim)),
  ReduceL2: reduction((x, dims, keepdim) => sum(x.square(), dims, keepdim).sqrt().to(x.dtype)),
  ReduceSumSquare: reduction((x, dims, keepdim) => sum(x.square(), dims, keepdim)),
  ReduceLogSum: reduction((x, dims, keepdim) => sum(x, dims, keepdim).log()),
  ReduceLogSumExp: reduction((x, dims, keepdim) => (dims.length === 0 ? x : x.logsumexp(dims, { keepdim }))),
  ArgMax: place(true),
  ArgMin: place(false),
  Softmax: softmax((x, d) => x.softmax(d)),
  LogSoftmax: softmax((x, d) => x.logSoftmax(d)),
  Hardmax: softmax(hardmax),
  TopK: topK,
  CumSum: cumulated,
};

import type { DType } from '../../../../dtype.ts';
import { sameSize } from '../../../../trace/sizes.ts';
import type { Rule, Rules, StepWriter } from '../step.ts';
import { flat, reshaped } from './views.ts';

interface ReduceAttrs {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
}

/** A reduction over axes, which are an attribute or, in later operator sets, an input. */
export function reduced(s: StepWriter, type: string, x: string, dims: readonly number[], keepdim: boolean): string {
  if (dims.length === 0) return s.node('Identity', [x]);
  const keepdims = keepdim ? 1 : 0;
  if (type === 'ReduceSum' || s.b.opset >= 18) return s.node(type, [x, s.b.ints(dims)], { keepdims });
  return s.node(type, [x], { axes: dims, keepdims });
}

const plain = (type: string, through?: DType): Rule => (s) => {
  const { dims, keepdim } = s.attrs<ReduceAttrs>();
  const dtype = through ?? s.computing(s.out.dtype);
  return s.cast(reduced(s, type, s.as(0, dtype), dims, keepdim), dtype, s.out.dtype);
};

/** Whether all, or any, are true: the smallest, or largest, of zeros and ones. */
const truth = (type: string): Rule => (s) => {
  const { dims, keepdim } = s.attrs<ReduceAttrs>();
  const ones = s.cast(s.as(0, 'bool'), 'bool', 'int32');
  return s.cast(reduced(s, type, ones, dims, keepdim), 'int32', s.out.dtype);
};

/** The biased variance, or the one that counts `correction` less, and its root. */
function varianceOf(s: StepWriter, root: boolean): string {
  const { dims, keepdim, correction } = s.attrs<ReduceAttrs & { readonly correction: number }>();
  const x = s.as(0, s.out.dtype);
  const away = s.node('Sub', [x, reduced(s, 'ReduceMean', x, dims, true)]);
  const total = reduced(s, 'ReduceSum', s.node('Mul', [away, away]), dims, keepdim);
  const sizes = dims.map((d) => s.shape(0)[d]);
  const count = sizes.every((n) => typeof n === 'number')
    ? s.num(Math.max(0, sizes.reduce((a, b) => a * b, 1) - correction))
    : s.node('Sub', [s.cast(s.node('ReduceProd', [s.b.sizes(sizes)], { keepdims: 0 }), 'int64', s.out.dtype), s.num(correction)]);
  const made = s.node('Div', [total, count]);
  return root ? s.node('Sqrt', [made]) : made;
}

const norm: Rule = (s) => {
  const { dims, keepdim, p } = s.attrs<ReduceAttrs & { readonly p: number }>();
  const x = s.as(0, s.out.dtype);
  if (p === 2) return reduced(s, 'ReduceL2', x, dims, keepdim);
  if (p === 1) return reduced(s, 'ReduceL1', x, dims, keepdim);
  const abs = s.node('Abs', [x]);
  if (p === Infinity) return reduced(s, 'ReduceMax', abs, dims, keepdim);
  if (p === -Infinity) return reduced(s, 'ReduceMin', abs, dims, keepdim);
  if (p === 0) return reduced(s, 'ReduceSum', s.cast(s.node('Not', [s.node('Equal', [x, s.num(0)])]), 'bool', s.out.dtype), dims, keepdim);
  return s.node('Pow', [reduced(s, 'ReduceSum', s.node('Pow', [abs, s.num(p)]), dims, keepdim), s.num(1 / p)]);
};

interface PlaceAttrs {
  readonly dim: number | null;
  readonly keepdim: boolean;
}

const place = (type: string): Rule => (s) => {
  const { dim, keepdim } = s.attrs<PlaceAttrs>();
  const x = s.as(0, s.computing(s.tensor(0).dtype));
  if (dim !== null && dim !== undefined) return s.node(type, [x], { axis: dim, keepdims: keepdim ? 1 : 0 });
  return reshaped(s, s.node(type, [flat(s, x)], { axis: 0, keepdims: 0 }), [], s.out.shape);
};

/** Largest or smallest entries of a dimension with their places. */
const extreme = (type: string, where: string): Rule => (s) => {
  const { dim, keepdim } = s.attrs<PlaceAttrs & { readonly dim: number }>();
  const dtype = s.computing(s.out.dtype);
  const x = s.as(0, dtype);
  return [s.cast(reduced(s, type, x, [dim], keepdim), dtype, s.out.dtype), s.node(where, [x], { axis: dim, keepdims: keepdim ? 1 : 0 })];
};

const sorted: Rule = (s) => {
  const { dim, descending } = s.attrs<{ readonly dim: number; readonly descending: boolean }>();
  const dtype = s.computing(s.out.dtype);
  const [values, indices] = s.many('TopK', [s.as(0, dtype), s.b.sizes([s.out.shape[dim]])], { axis: dim, largest: descending ? 1 : 0, sorted: 1 }, 2);
  return [s.cast(values, dtype, s.out.dtype), indices];
};

const triangle: Rule = (s) => {
  const { diagonal, upper } = s.attrs<{ readonly diagonal: number; readonly upper: boolean }>();
  const dtype = s.out.dtype === 'bool' || s.out.dtype === 'uint8' ? 'int64' : s.out.dtype;
  return s.cast(s.node('Trilu', [s.as(0, dtype), s.b.scalar(diagonal, 'int64')], { upper: upper ? 1 : 0 }), dtype, s.out.dtype);
};

/** Rules of reductions, sorting, scans and arrangements. */
export const reduceRules: Rules = {
  sum: plain('ReduceSum'),
  mean: plain('ReduceMean'),
  prod: plain('ReduceProd'),
  amax: plain('ReduceMax'),
  amin: plain('ReduceMin'),
  logsumexp: plain('ReduceLogSumExp'),
  all: truth('ReduceMin'),
  any: truth('ReduceMax'),
  countNonzero: (s) => {
    const { dims, keepdim } = s.attrs<ReduceAttrs>();
    return reduced(s, 'ReduceSum', s.cast(s.as(0, 'bool'), 'bool', 'int64'), dims, keepdim);
  },
  var: (s) => varianceOf(s, false),
  std: (s) => varianceOf(s, true),
  norm,
  argmax: place('ArgMax'),
  argmin: place('ArgMin'),
  maxDim: extreme('ReduceMax', 'ArgMax'),
  minDim: extreme('ReduceMin', 'ArgMin'),
  sort: sorted,
  cumsum: (s) => {
    const { dim, reverse } = s.attrs<{ readonly dim: number; readonly reverse: boolean }>();
    const dtype = s.computing(s.out.dtype);
    return s.cast(s.node('CumSum', [s.as(0, dtype), s.b.scalar(dim, 'int64')], { reverse: reverse ? 1 : 0 }), dtype, s.out.dtype);
  },
  softmax: (s) => s.node('Softmax', [s.as(0, s.out.dtype)], { axis: s.attrs<PlaceAttrs & { readonly dim: number }>().dim }),
  logSoftmax: (s) => s.node('LogSoftmax', [s.as(0, s.out.dtype)], { axis: s.attrs<PlaceAttrs & { readonly dim: number }>().dim }),
  cat: (s) => {
    const { dim } = s.attrs<{ readonly dim: number }>();
    const parts = s.step.inputs.flatMap((_, i) => (s.shape(i).length === 1 && sameSize(s.shape(i)[0], 0) ? [] : [s.in(i)]));
    return parts.length === 1 ? s.node('Identity', parts) : s.node('Concat', parts, { axis: dim });
  },
  flip: (s) => {
    const { dims } = s.attrs<{ readonly dims: readonly number[] }>();
    if (dims.length === 0) return s.node('Identity', [s.in(0)]);
    const each = (n: number): string => s.b.ints(dims.map(() => n));
    return s.node('Slice', [s.in(0), each(-1), each(-(2 ** 31)), s.b.ints(dims), each(-1)]);
  },
  triangle,
};


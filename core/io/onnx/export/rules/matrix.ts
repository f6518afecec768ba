import { isFloat } from '../../../../dtype.ts';
import type { Rule, Rules, StepWriter } from '../step.ts';

// Products of matrices.

/** Swaps the last two dimensions. */
function turned(s: StepWriter, name: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, d) => (d < rank - 2 ? d : d === rank - 2 ? rank - 1 : rank - 2));
  return s.node('Transpose', [name], { perm });
}

const linear: Rule = (s) => {
  const bias = s.step.inputs.length > 2;
  if (s.shape(0).length === 2 && isFloat(s.out.dtype)) return s.node('Gemm', [s.in(0), s.in(1), ...(bias ? [s.in(2)] : [])], { transB: 1 });
  const product = s.node('MatMul', [s.in(0), turned(s, s.in(1), 2)]);
  return bias ? s.node('Add', [product, s.in(2)]) : product;
};

const addmm: Rule = (s) => {
  const { alpha, beta } = s.attrs<{ readonly alpha: number; readonly beta: number }>();
  if (s.out.shape.length === 2 && isFloat(s.out.dtype)) {
    return s.node('Gemm', [s.in(1), s.in(2), ...(beta === 0 ? [] : [s.in(0)])], { alpha: { float: alpha }, beta: { float: beta } });
  }
  const times = (name: string, factor: number): string => (factor === 1 ? name : s.node('Mul', [name, s.num(factor)]));
  const product = times(s.node('MatMul', [s.in(1), s.in(2)]), alpha);
  return beta === 0 ? product : s.node('Add', [times(s.in(0), beta), product]);
};

/** Attention of each query to the keys up to its own place. */
const causalAttention: Rule = (s) => {
  const { scale } = s.attrs<{ readonly scale: number }>();
  const rank = s.shape(0).length;
  const scores = s.node('MatMul', [s.node('Mul', [s.in(0), s.num(scale)]), turned(s, s.in(1), rank)]);
  const square = s.node('Expand', [s.b.scalar(1, 'int64'), s.b.sizes([s.shape(0)[rank - 2], s.shape(1)[rank - 2]])]);
  const mask = s.cast(s.node('Trilu', [square, s.b.scalar(0, 'int64')], { upper: 0 }), 'int64', 'bool');
  const seen = s.node('Where', [mask, scores, s.num(-Infinity)]);
  return s.node('MatMul', [s.node('Softmax', [seen], { axis: -1 }), s.in(2)]);
};

/** Rules of matrix products. */
export const matrixRules: Rules = {
  matmul: (s) => s.node('MatMul', [s.in(0), s.in(1)]),
  linear,
  addmm,
  causalAttention,
};

import { softmaxKernel } from '../cpu/softmax.ts';
import { type DType, checkDType, isFloat } from '../dtype.ts';
import { DTypeError, checkOptions, show } from '../errors.ts';
import { type GradFn, type Primitive, apply, primitive } from '../op.ts';
import { normalizeDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, type Method, type Samples, checkTensor, free, method } from './define.ts';

const family = 'softmax';

/** Options of the softmax family. */
export interface SoftmaxOptions {
  /** The input is cast to this dtype first. */
  readonly dtype?: DType;
}

interface DimAttrs {
  readonly dim: number;
}

function softmaxOp(name: string, log: boolean, backward: GradFn): Primitive<DimAttrs> {
  return primitive<DimAttrs>({ name, infer: ([x]) => x as Tensor, cpu: softmaxKernel(log), saves: 'outputs', backward: [backward] });
}

const softmaxRule = softmaxOp('softmax', false, (g, n) => {
  const y = n.output();
  const { dim } = n.attrs as DimAttrs;
  return y.mul(g.sub(g.mul(y).sum(dim, { keepdim: true })));
});

const logSoftmaxRule = softmaxOp('logSoftmax', true, (g, n) => {
  const { dim } = n.attrs as DimAttrs;
  return g.sub(n.output().exp().mul(g.sum(dim, { keepdim: true })));
});

function run(op: Primitive<DimAttrs>, name: string, input: Tensor, dim: number, options: SoftmaxOptions | undefined): Tensor {
  checkTensor(name, input);
  checkOptions(name, options, ['dtype']);
  const dtype = options?.dtype ?? input.dtype;
  checkDType(name, dtype);
  const x = input.to(dtype);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`, { hint: "pass { dtype: 'float32' }" });
  const d = normalizeDim(name, dim, x.ndim);
  // A scalar is a row of one.
  return x.ndim === 0 ? apply(op, [x.reshape([1])], { dim: 0 }).reshape([]) : apply(op, [x], { dim: d });
}

const samples: Samples = (s) => [[s.float([2, 3]), 1], [s.float([2, 3, 4]), 1], [s.float([3]), 0], [s.float([2, 3]), -2], [s.float([]), 0]];

type Softmax = (x: Tensor, dim: number, options?: SoftmaxOptions) => Tensor;

/**
 * `exp(x) / Σ exp(x)` along a dimension, shifted by the largest entry so that nothing overflows.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
 */
export const softmax: Method<Softmax> = method({ name: 'softmax', family, samples }, (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor => run(softmaxRule, 'softmax', x, dim, options));

/**
 * `x - log Σ exp(x)` along a dimension, shifted by the largest entry.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html
 */
export const logSoftmax: Method<Softmax> = method({ name: 'logSoftmax', family, samples }, (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor =>
  run(logSoftmaxRule, 'logSoftmax', x, dim, options),
);

/** Softmax of `-x`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softmin.html */
export const softmin: Free<Softmax> = free({ name: 'softmin', family, torch: 'nn.functional.softmin', samples }, (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor => {
  checkTensor('softmin', x);
  return run(softmaxRule, 'softmin', x.neg(), dim, options);
});

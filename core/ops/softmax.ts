import { nextDim } from '../batching.ts';
import { accelerated } from '../cpu/engine.ts';
import { softmaxBackwardKernel, softmaxKernel } from '../cpu/softmax.ts';
import { type DType, checkDType, isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, primitive } from '../op.ts';
import { normalizeDim } from '../shape.ts';
import type { Node } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { Named } from './byName.ts';
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

const dimOf = (node: Node): number => (node.attrs as DimAttrs).dim;
const total = (x: Tensor, node: Node): Tensor => x.sum(dimOf(node), { keepdim: true });

/** Softmax or its logarithm, and the gradient in one pass from the output; the gradient of that is in tensor ops. */
function softmaxOp(name: string, log: boolean, curvature: (gg: Tensor, g: Tensor, y: Tensor, node: Node) => readonly [Tensor, Tensor]): Primitive<DimAttrs> {
  const slope: Primitive<DimAttrs> = primitive<DimAttrs>({
    name: `${name}Backward`,
    infer: ([g]) => g as Tensor,
    cpu: accelerated(({ fastSoftmaxBackward }) => fastSoftmaxBackward(log), softmaxBackwardKernel(log)),
    batching: { shift: nextDim },
    saves: 'inputs',
    backward: (node, gg) => (gg === null ? [null, null] : curvature(gg, node.input(0), node.input(1), node)),
  });
  return primitive<DimAttrs>({
    name,
    infer: ([x]) => x as Tensor,
    cpu: accelerated(({ fastSoftmax }) => fastSoftmax(log), softmaxKernel(log)),
    batching: { shift: nextDim },
    saves: 'outputs',
    backward: [(g, n) => apply(slope, [g, n.output()], n.attrs as DimAttrs)],
  });
}

const softmaxRule = softmaxOp('softmax', false, (gg, g, y, n) => {
  const inner = total(gg.mul(y), n);
  return [y.mul(gg.sub(inner)), gg.mul(g.sub(total(g.mul(y), n))).sub(g.mul(inner))];
});

const logSoftmaxRule = softmaxOp('logSoftmax', true, (gg, g, y, n) => {
  const p = y.exp();
  return [gg.sub(total(gg.mul(p), n)), gg.neg().mul(p).mul(total(g, n))];
});

function run(op: Primitive<DimAttrs>, name: string, input: Tensor, dim: number, options: SoftmaxOptions | undefined): Tensor {
  checkTensor(name, input);
  checkOptions(name, options, ['dtype']);
  const dtype = options?.dtype ?? input.dtype;
  checkDType(name, dtype);
  const x = input.to(dtype);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`, { hint: "pass { dtype: 'float32' }" });
  if (dim === undefined || dim === null) throw new ArgumentError(`${name}: no dimension, got ${show(dim)}; expected one`, { hint: '-1 is the last' });
  const d = normalizeDim(name, dim, x.ndim);
  // A scalar is a row of one.
  return x.ndim === 0 ? apply(op, [x.reshape([1])], { dim: 0 }).reshape([]) : apply(op, [x], { dim: d });
}

const samples: Samples = (s) => [[s.float([2, 3]), 1], [s.float([2, 3, 4]), 1], [s.float([3]), 0], [s.float([2, 3]), -2], [s.float([]), 0], [s.float([2, 0]), 1]];

type Softmax = Named<'dim', number, SoftmaxOptions, Tensor, Tensor, [dtype: DType]>;

/**
 * `exp(x) / Σ exp(x)` along a dimension, shifted by the largest entry so that nothing overflows.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
 */
export const softmax: Method<Softmax> = method({ name: 'softmax', parameters: ['dim', 'options', 'dtype'], family, samples }, (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor => run(softmaxRule, 'softmax', x, dim, options));

/**
 * `x - log Σ exp(x)` along a dimension, shifted by the largest entry.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html
 */
export const logSoftmax: Method<Softmax> = method({ name: 'logSoftmax', parameters: ['dim', 'options', 'dtype'], family, samples }, (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor =>
  run(logSoftmaxRule, 'logSoftmax', x, dim, options),
);

/** Softmax of `-x`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softmin.html */
export const softmin: Free<Softmax> = free({ name: 'softmin', parameters: ['dim', 'options'], family, torch: 'nn.functional.softmin', samples }, (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor => {
  checkTensor('softmin', x);
  return run(softmaxRule, 'softmin', x.neg(), dim, options);
});

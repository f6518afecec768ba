import { ArgumentError, ShapeError, StateError, show } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { noGrad } from '../core/tape.ts';
import { deepCopy } from './copy.ts';
import { AnyBatchNorm } from './layers/batchnorm.ts';
import { Linear } from './layers/linear.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

type Weights = [weight: Parameter, bias: Parameter];

/** `(weight·s, (bias − mean)·s + shift)` with `s = scale/√(variance + eps)`, for the outputs in dimension `dim` of the weight. */
function fused(op: string, dim: number, weight: Tensor, bias: Tensor | null, mean: Tensor, variance: Tensor, eps: number, scale: Tensor | null, shift: Tensor | null): Weights {
  for (const x of [weight, mean, variance]) if (!(x instanceof Tensor)) throw new ArgumentError(`${op}: not a tensor, got ${show(x)}; expected weight, running mean and running variance`);
  if (mean.ndim !== 1 || weight.ndim <= dim || weight.shape[dim] !== mean.shape[0]) {
    throw new ShapeError(`${op}: the statistics do not fit, got ${show(mean)} for ${show(weight)}; expected one per output, in dimension ${dim} of the weight`);
  }
  return noGrad(() => {
    const root = variance.add(eps).rsqrt();
    const factor = scale === null ? root : root.mul(scale);
    const first = bias === null ? mean.neg() : bias.sub(mean);
    const moved = first.mul(factor);
    const parts = [weight.mul(factor.reshape(weight.shape.map((_, d) => (d === dim ? -1 : 1)))), shift === null ? moved : moved.add(shift)];
    return parts.map((x) => new Parameter(x.detach(), { requiresGrad: weight.requiresGrad })) as Weights;
  });
}

/**
 * Weight and bias of a convolution that does what a convolution and a batch normalisation in evaluation mode do.
 *
 * @param convW - (out, in/groups, …), with `transpose` (in, out, …)
 * @param convB - (out), or null
 * @param bnRm - running mean (out)
 * @param bnRv - running variance (out)
 * @param bnEps - what the normalisation adds to the variance
 * @param bnW - scale (out), or null for 1
 * @param bnB - shift (out), or null for 0
 * @param transpose - the weight is that of a transposed convolution; default false
 * @throws ShapeError when the sizes differ
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.fuse_conv_bn_weights.html
 */
export function fuseConvBnWeights(convW: Tensor, convB: Tensor | null, bnRm: Tensor, bnRv: Tensor, bnEps: number, bnW: Tensor | null, bnB: Tensor | null, transpose = false): Weights {
  return fused('fuseConvBnWeights', transpose ? 1 : 0, convW, convB, bnRm, bnRv, bnEps, bnW, bnB);
}

/** The same for a linear map: weight (out, in), bias (out) or null. @see https://pytorch.org/docs/stable/generated/torch.nn.utils.fuse_linear_bn_weights.html */
export function fuseLinearBnWeights(linearW: Tensor, linearB: Tensor | null, bnRm: Tensor, bnRv: Tensor, bnEps: number, bnW: Tensor | null, bnB: Tensor | null): Weights {
  return fused('fuseLinearBnWeights', 0, linearW, linearB, bnRm, bnRv, bnEps, bnW, bnB);
}

/** A layer with weight and bias. */
type Weighted = Module & { weight: Parameter; bias: Parameter | null };

function fuse<M extends Weighted>(op: string, dim: number, layer: M, bn: AnyBatchNorm): M {
  if (!(layer instanceof Module) || !(layer.weight instanceof Parameter)) throw new ArgumentError(`${op}: no weight, got ${show(layer)}; expected a layer with weight and bias`);
  if (!(bn instanceof AnyBatchNorm)) throw new ArgumentError(`${op}: not a batch normalisation, got ${show(bn)}; expected one`);
  if (layer.training || bn.training) throw new StateError(`${op}: a layer is in training mode, got training true; expected both in evaluation mode`, { hint: 'call eval() before' });
  const { runningMean, runningVar, eps, weight, bias } = bn;
  if (runningMean === null || runningVar === null) throw new StateError(`${op}: no running statistics, got trackRunningStats false; expected a layer with them`);
  const [w, b] = fused(op, dim, layer.weight, layer.bias, runningMean, runningVar, eps, weight, bias);
  const copy = deepCopy(layer);
  copy.weight = w;
  copy.bias = b;
  return copy;
}

/**
 * A copy of a convolution that also does what the batch normalisation behind it does in evaluation mode.
 *
 * @param transpose - the convolution is a transposed one; default false
 * @throws StateError unless both layers are in evaluation mode and there are running statistics
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.fuse_conv_bn_eval.html
 */
export function fuseConvBnEval<M extends Weighted>(conv: M, bn: AnyBatchNorm, transpose = false): M {
  return fuse('fuseConvBnEval', transpose ? 1 : 0, conv, bn);
}

/**
 * A copy of a linear layer that also does what the batch normalisation behind it does in evaluation mode.
 *
 * @throws StateError unless both layers are in evaluation mode and there are running statistics
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.fuse_linear_bn_eval.html
 */
export function fuseLinearBnEval(linear: Linear, bn: AnyBatchNorm): Linear {
  if (!(linear instanceof Linear)) throw new ArgumentError(`fuseLinearBnEval: not a Linear, got ${show(linear)}; expected one`);
  return fuse('fuseLinearBnEval', 0, linear, bn);
}

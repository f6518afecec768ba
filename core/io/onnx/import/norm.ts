import { batchNorm } from '../../../ops/batchNorm.ts';
import { crossEntropy, nllLoss } from '../../../ops/crossEntropy.ts';
import { gridSample } from '../../../ops/gridSample.ts';
import { layerNorm, localResponseNorm, rmsNorm } from '../../../ops/normalize.ts';
import { where } from '../../../ops/select.ts';
import type { Tensor } from '../../../tensor.ts';
import type { NodeReader, Operator, Operators } from './node.ts';

// Normalisation and losses.

/** Moments over axes: what is left of the mean, divided by the root of the variance. */
function standardized(x: Tensor, dims: readonly number[], eps: number): Tensor {
  const away = x.sub(x.mean(dims, { keepdim: true }));
  return away.div(away.square().mean(dims, { keepdim: true }).add(eps).sqrt());
}

const perChannel = (v: Tensor, x: Tensor): Tensor => v.reshape([v.shape[0], ...new Array<number>(x.ndim - 2).fill(1)]);

/** Normalised by the batch's own statistics, which are mixed into the running ones: unlike PyTorch's, these take the biased variance, and momentum is what is kept. */
function batchStatistics(n: NodeReader, eps: number): Tensor[] {
  const [x, momentum] = [n.in(0), n.float('momentum', 0.9)];
  const made = batchNorm(x, null, null, n.in(1), n.in(2), { training: true, eps });
  if (!n.wants(1) && !n.wants(2)) return [made];
  const dims = x.shape.map((_, d) => d).filter((d) => d !== 1);
  const plain = x.detach();
  const mixed = (i: number, own: Tensor): Tensor => n.in(i).detach().mul(momentum).add(own.mul(1 - momentum));
  return [made, mixed(3, plain.mean(dims)), mixed(4, plain.var(dims, { correction: 0 }))];
}

const batch: Operator = (n) => {
  const eps = n.float('epsilon', 1e-5);
  if (n.opset >= 14 && n.int('training_mode', 0) === 1) return batchStatistics(n, eps);
  if (n.opset < 7 && n.int('is_test', 0) === 0 && n.wants(1)) throw n.fault('statistics of the batch, got training mode', 'running statistics');
  return batchNorm(n.in(0), n.in(3), n.in(4), n.in(1), n.in(2), { eps });
};

const layer: Operator = (n) => {
  const x = n.in(0);
  const axis = n.axis(n.int('axis', -1), x.ndim);
  const shape = x.shape.slice(axis);
  const [weight, bias, eps] = [n.in(1), n.maybe(2), n.float('epsilon', 1e-5)];
  const made = layerNorm(x, shape, weight.expand(shape), bias === null ? null : bias.expand(shape), eps);
  if (!n.wants(1) && !n.wants(2)) return made;
  const dims = shape.map((_, d) => axis + d);
  const mean = x.mean(dims, { keepdim: true });
  return [made, mean, x.sub(mean).square().mean(dims, { keepdim: true }).add(eps).rsqrt()];
};

const group: Operator = (n) => {
  const x = n.in(0);
  const [images, channels] = x.shape;
  const groups = n.int('num_groups', 1);
  const rows = standardized(x.reshape([images, groups, -1]), [2], n.float('epsilon', 1e-5)).reshape(x.shape);
  // Operator set 18 has one weight per group, later ones one per channel.
  const each = (v: Tensor): Tensor => perChannel(v.shape[0] === groups && groups !== channels ? v.repeatInterleave(channels / groups, 0) : v, x);
  return rows.mul(each(n.in(1))).add(each(n.in(2)));
};

const lrn: Operator = (n) => {
  const size = n.int('size', 1);
  if (size % 2 === 1) return localResponseNorm(n.in(0), size, { alpha: n.float('alpha', 1e-4), beta: n.float('beta', 0.75), k: n.float('bias', 1) });
  throw n.fault(`an even size, got ${size}`, 'an odd size');
};

function lpNormalized(n: NodeReader): Tensor {
  const x = n.in(0);
  const axis = n.axis(n.int('axis', -1), x.ndim);
  const size = x.norm(n.int('p', 2), axis, { keepdim: true });
  return where(size.eq(0), size, x.div(size));
}

const reductionOf = (n: NodeReader): 'none' | 'mean' | 'sum' => {
  const reduction = n.text('reduction', 'mean');
  if (reduction === 'none' || reduction === 'mean' || reduction === 'sum') return reduction;
  throw n.fault(`no such reduction, got '${reduction}'`, 'none, mean or sum');
};

const lossOptions = (n: NodeReader): object => ({
  reduction: reductionOf(n),
  ...(n.maybe(2) !== null && { weight: n.maybe(2) }),
  ...(n.has('ignore_index') && { ignoreIndex: n.int('ignore_index', -100) }),
});

/** Normalisation, losses and sampling. */
export const normOperators: Operators = {
  BatchNormalization: batch,
  InstanceNormalization: (n) => {
    const x = n.in(0);
    const dims = x.shape.map((_, d) => d).slice(2);
    return standardized(x, dims, n.float('epsilon', 1e-5)).mul(perChannel(n.in(1), x)).add(perChannel(n.in(2), x));
  },
  LayerNormalization: layer,
  RMSNormalization: (n) => {
    const x = n.in(0);
    const shape = x.shape.slice(n.axis(n.int('axis', -1), x.ndim));
    return rmsNorm(x, shape, n.in(1).expand(shape), n.float('epsilon', 1e-5));
  },
  GroupNormalization: group,
  LpNormalization: lpNormalized,
  MeanVarianceNormalization: (n) => {
    const x = n.in(0);
    const dims = n.axes(n.ints('axes') ?? [0, 2, 3], x.ndim);
    const away = x.sub(x.mean(dims, { keepdim: true }));
    return away.div(away.square().mean(dims, { keepdim: true }).sqrt().add(1e-9));
  },
  LRN: lrn,
  SoftmaxCrossEntropyLoss: (n) => {
    const loss = crossEntropy(n.in(0), n.in(1).to('int64'), lossOptions(n));
    return n.wants(1) ? [loss, n.in(0).logSoftmax(1)] : [loss];
  },
  NegativeLogLikelihoodLoss: (n) => nllLoss(n.in(0), n.in(1).to('int64'), lossOptions(n)),
  GridSample: (n) => {
    const mode = n.text('mode', 'bilinear');
    const named = { linear: 'bilinear', cubic: 'bicubic' }[mode] ?? mode;
    return gridSample(n.in(0), n.in(1), { mode: named as 'bilinear', paddingMode: n.text('padding_mode', 'zeros') as 'zeros', alignCorners: n.int('align_corners', 0) === 1 });
  },
};

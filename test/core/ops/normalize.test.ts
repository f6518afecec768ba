import { test } from 'uvu';
import {
  ArgumentError, DTypeError, ShapeError, StateError, type Tensor, batchNorm, grad, gradcheck, gradgradcheck, groupNorm, instanceNorm, layerNorm, localResponseNorm, manualSeed, normalize, ones, randn,
  rmsNorm, tensor, zeros,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const x = tensor([[[1, 2, 4], [-1, 0.5, 3]], [[0, -2, 5], [2, 2.5, -3]]]);
const weight = tensor([1.5, -0.5]);
const bias = tensor([0.25, 1]);
const near = { rtol: 1e-5, atol: 1e-6 };

test('batchNorm trains with the batch and mixes it into the running statistics', () => {
  const [mean, variance] = [zeros([2]), ones([2])];
  const y = batchNorm(x, mean, variance, weight, bias, { training: true });
  allClose(y.data(), [-0.1742637, 0.4621319, 1.7349229, 1.3940547, 1.0394055, 0.4483233, -0.8106592, -2.0834503, 2.3713183, 0.6847562, 0.5665398, 1.8669205], near);
  allClose(mean, [0.1666667, 0.0666667], near);
  allClose(variance, [1.5666667, 1.4366666], near);
  batchNorm(x.mul(2), mean, variance, weight, bias, { training: true, momentum: 0.3 });
  allClose(mean, [1.1166667, 0.4466667], near);
  allClose(variance, [9.0966673, 7.4456668], near);
  const evaluated = batchNorm(x, mean, variance, weight, bias);
  allClose(evaluated.data(), [0.1919775, 0.6893135, 1.6839855, 1.2650857, 0.9902272, 0.5321297, -0.3053585, -1.3000305, 2.1813214, 0.7153687, 0.6237492, 1.6315637], near);
});

test('batchNorm takes weight and bias among its options too', () => {
  const stats = (): [Tensor, Tensor] => [zeros([2]), ones([2])];
  const positional = batchNorm(x, ...stats(), weight, bias, { training: true, eps: 0.1 });
  allClose(batchNorm(x, ...stats(), { weight, bias, training: true, eps: 0.1 }), positional, { rtol: 0, atol: 0 });
  allClose(batchNorm(x, ...stats(), { weight }), batchNorm(x, ...stats(), weight), { rtol: 0, atol: 0 });
});

test('momentum 1 takes the batch, momentum 0 keeps what was', () => {
  const [mean, variance] = [zeros([2]), ones([2])];
  batchNorm(x, mean, variance, { training: true, momentum: 0 });
  allClose(mean, [0, 0]);
  allClose(variance, [1, 1]);
  batchNorm(x, mean, variance, { training: true, momentum: 1 });
  allClose(mean, [10 / 6, 4 / 6], near);
  allClose(variance, [20 / 3, 5.3666667], near);
});

test('evaluation has gradients of first and second order', () => {
  manualSeed(0);
  const leaf = (shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
  const inputs: readonly [Tensor, Tensor, Tensor] = [leaf([2, 3, 2]), leaf([3]), leaf([3])];
  const [mean, variance] = [randn([3], { dtype: 'float64' }), randn([3], { dtype: 'float64' }).square().add(0.5)];
  const run = (a: Tensor, w: Tensor, b: Tensor): Tensor => batchNorm(a, mean, variance, w, b);
  ok(gradcheck(run, inputs));
  ok(gradgradcheck(run, inputs));
});

test('the fused gradient and the one in tensor operations agree', () => {
  manualSeed(1);
  for (const shape of [[5, 3], [2, 3, 4], [2, 3, 2, 2]]) {
    const [a, w, b] = [randn(shape, { dtype: 'float64', requiresGrad: true }), randn([3], { dtype: 'float64', requiresGrad: true }), zeros([3], { dtype: 'float64', requiresGrad: true })];
    const g = randn(shape, { dtype: 'float64' });
    const row = shape.slice(1);
    const lw = randn(row, { dtype: 'float64', requiresGrad: true });
    for (const [y, leaves] of [[batchNorm(a, null, null, w, b, { training: true }), [a, w, b]], [layerNorm(a, row, lw), [a, lw]]] as const) {
      const fused = grad(y, leaves, { gradOutputs: g, retainGraph: true });
      const recorded = grad(y, leaves, { gradOutputs: g, createGraph: true });
      fused.forEach((f, i) => allClose(f, recorded[i], { rtol: 1e-10, atol: 1e-12 }));
    }
  }
});

test('a weight without a gradient for the input', () => {
  const w = ones([2], { requiresGrad: true });
  batchNorm(x, null, null, w, null, { training: true }).mul(x).sum().backward();
  allClose(w.grad ?? zeros([2]), [14.1421229, 12.6885633], { rtol: 1e-5 });
});

test('a mean far from 0 does not spoil the variance', () => {
  const far = x.to('float64').add(1e4).float();
  allClose(batchNorm(far, null, null, { training: true }), batchNorm(far.to('float64').sub(1e4), null, null, { training: true }).float(), { rtol: 1e-3, atol: 1e-3 });
});

test('an empty batch gives an empty result and leaves the statistics', () => {
  const [mean, variance, w] = [zeros([2]), ones([2]), ones([2], { requiresGrad: true })];
  const y = batchNorm(zeros([0, 2, 3]), mean, variance, w, null, { training: true });
  equal([...y.shape], [0, 2, 3]);
  allClose(mean, [0, 0]);
  y.sum().backward();
  allClose(w.grad ?? [], [0, 0]);
});

test('training writes the statistics even where they are saved for an evaluation', () => {
  const [mean, variance] = [zeros([2]), ones([2])];
  const leaf = x.clone().requiresGrad_();
  const y = batchNorm(leaf, mean, variance);
  batchNorm(x, mean, variance, { training: true });
  throwsError(() => y.sum().backward(), StateError, /overwritten in place/);
});

test('batchNorm refuses what does not fit, before it writes', () => {
  const [mean, variance] = [zeros([2]), ones([2])];
  throwsError(() => batchNorm(ones([1, 3]), null, null, { training: true }), ShapeError, /more than 1 value per channel when training/);
  throwsError(() => batchNorm(ones([3]), mean, variance), ShapeError, /batchNorm: no channels, got float32\[3\]/);
  throwsError(() => batchNorm(x, null, null), ArgumentError, /no running statistics/);
  throwsError(() => batchNorm(x, mean, null, { training: true }), ArgumentError, /one running statistic without the other/);
  throwsError(() => batchNorm(x, ones([3]), ones([3])), ShapeError, /runningMean does not fit, got float32\[3\]/);
  throwsError(() => batchNorm(x, mean, variance, ones([3]), null, { training: true }), ShapeError, /weight does not fit/);
  throwsError(() => batchNorm(x, mean, variance, ones([2], { dtype: 'float64' })), DTypeError, /weight differs in dtype/);
  throwsError(() => batchNorm(ones([2, 2], { dtype: 'int64' }), mean, variance), DTypeError, /not a float tensor/);
  throwsError(() => batchNorm(x, mean, variance, { momentun: 0.1 } as never), ArgumentError, /unknown option, got 'momentun'/);
  throwsError(() => batchNorm(x, mean, variance, { training: true, momentum: NaN }), ArgumentError, /invalid momentum, got NaN/);
  throwsError(() => batchNorm(x, mean, variance, { eps: NaN }), ArgumentError, /invalid eps/);
  throwsError(() => batchNorm(x, mean, variance, { training: 1 as never }), ArgumentError, /training is not a boolean/);
  allClose(mean, [0, 0]);
  allClose(variance, [1, 1]);
});

test('instanceNorm keeps running statistics of the average sample', () => {
  const [mean, variance] = [zeros([2]), ones([2])];
  const y = instanceNorm(x, mean, variance, weight, bias, { momentum: 0.2 });
  allClose(y.data(), [-1.353562, -0.1508904, 2.2544529, 1.555583, 1.1010151, 0.3434021, -0.2595243, -1.278573, 2.2880974, 0.69798, 0.5973067, 1.7047132], near);
  allClose(mean, [0.3333333, 0.1333333], near);
  allClose(variance, [2.3333335, 2.1333334], near);
  const evaluated = instanceNorm(x, mean, variance, weight, bias, { useInputStats: false });
  allClose(evaluated.data().slice(0, 4), [0.9046522, 1.8866305, 3.8505874, 1.3879693], near);
  throwsError(() => instanceNorm(ones([2, 3, 1])), ShapeError, /more than 1 spatial element/);
  throwsError(() => instanceNorm(x, null, null, null, null, { useInputStats: false }), ArgumentError, /no running statistics/);
});

test('layerNorm, groupNorm and rmsNorm take eps as a number or an option', () => {
  const a = tensor([[1, 2, 4, 8]]);
  allClose(layerNorm(a, 4, null, null, 0.5), layerNorm(a, [4], null, null, { eps: 0.5 }), { rtol: 0, atol: 0 });
  allClose(groupNorm(a, 2, null, null, 0.5), groupNorm(a, 2, null, null, { eps: 0.5 }), { rtol: 0, atol: 0 });
  allClose(rmsNorm(a, 4, tensor([1, 1, 2, 1])), [[0.2169305, 0.433861, 1.735444, 1.735444]], near);
  allClose(rmsNorm(tensor([[3, 4]], { dtype: 'float64' }), 2, null, { eps: 0 }), [[0.8485281374238570, 1.131370849898476]], { rtol: 1e-12 });
});

test('a layerNorm of equal values is the bias', () => {
  allClose(layerNorm(ones([2, 3]), 3, null, tensor([1, 2, 3])), [[1, 2, 3], [1, 2, 3]]);
});

test('normalize divides by the norm and leaves zeros alone', () => {
  allClose(normalize(tensor([[3, 4], [0, 0]])), [[0.6, 0.8], [0, 0]]);
  const zero = zeros([1, 2], { requiresGrad: true });
  normalize(zero, { eps: 0.5 }).sum().backward();
  allClose(zero.grad ?? [], [2, 2]);
});

test('the others refuse what does not fit', () => {
  throwsError(() => layerNorm(ones([2, 3]), [2]), ShapeError, /layerNorm: normalizedShape does not fit, got \[2\] for float32\[2, 3\]/);
  throwsError(() => layerNorm(ones([2, 3]), []), ShapeError, /normalizedShape does not fit/);
  throwsError(() => layerNorm(ones([2, 3]), 3, ones([2])), ShapeError, /weight does not fit, got float32\[2\]/);
  throwsError(() => layerNorm(ones([2, 3]), 3, null, null, { epsilon: 1 } as never), ArgumentError, /unknown option, got 'epsilon'/);
  throwsError(() => groupNorm(ones([2, 3, 2]), 2), ShapeError, /groups do not divide the channels, got 2/);
  throwsError(() => groupNorm(ones([1, 2]), 2), ShapeError, /one value per group has no variance/);
  throwsError(() => rmsNorm(ones([2, 3], { dtype: 'int64' }), 3), DTypeError, /rmsNorm: input is not a float tensor/);
  throwsError(() => normalize(ones([2]), { dim: 1 }), ShapeError, /normalize: dimension out of range/);
  throwsError(() => localResponseNorm(ones([2, 3]), 2), ShapeError, /too few dimensions/);
  throwsError(() => localResponseNorm(ones([2, 3, 1]), 0), ArgumentError, /invalid size, got 0/);
  is(normalize(ones([1, 4], { dtype: 'float64' })).dtype, 'float64');
});

test.run();

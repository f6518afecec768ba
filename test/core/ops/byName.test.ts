import { test } from 'uvu';
import {
  ArgumentError, F, type Tensor, binomial, bucketize, cat, cumsum, histogramdd, layerNorm, manualSeed, max, multinomial, normal, ones, quantile, randintLike, searchsorted, sort, std, sum, tensor, topk, unravelIndex, zeros,
} from '../../../index.ts';
import { allClose, equal, throwsError } from '../../assert.ts';

const x = tensor([[3, 1, 2], [4, 6, 5]]);

test('arguments stand in their place or in the options', () => {
  for (const y of [sum(x, 1), sum(x, { dim: 1 }), x.sum({ dim: 1 })]) allClose(y, [6, 15]);
  for (const y of [sum(x, 1, { keepdim: true }), sum(x, { dim: 1, keepdim: true })]) allClose(y, [[6], [15]]);
  for (const y of [topk(x, 2, 1).values, topk(x, 2, { dim: 1 }).values, topk(x, { k: 2, dim: 1 }).values]) allClose(y, [[3, 2], [6, 5]]);
  allClose(cat([x, x], { dim: 1 }).sum(1), [12, 30]);
  allClose(max(x, { dim: 0, keepdim: true }).values, [[4, 6, 5]]);
  allClose(F.softmax(ones([2]), { dim: 0 }), [0.5, 0.5]);
  allClose(F.conv1d(ones([1, 1, 3]), ones([1, 1, 2]), { bias: tensor([1]), padding: 1 }), [[[2, 3, 3, 2]]]);
  allClose(layerNorm(x, [3], { bias: tensor([1, 1, 1]) }).sum(1), [3, 3], { rtol: 1e-6 });
});

test('the options may follow at once where the arguments before them are left out', () => {
  equal(sum(x, { dtype: 'int64' }).dtype, 'int64');
  allClose(std(tensor([1, 3]), { correction: 0 }), 1);
  allClose(sort(x, { descending: true }).values, [[3, 2, 1], [6, 5, 4]]);
  allClose(quantile(tensor([1, 2]), 0.3, { interpolation: 'lower' }), 1);
});

test('in place too', () => {
  allClose(x.clone().tril_({ diagonal: -1 }), [[0, 0, 0], [4, 0, 0]]);
});

function seeded(draw: () => Tensor): Tensor {
  manualSeed(3);
  return draw();
}

test('samplers take their numbers by name, and draw the same', () => {
  const calls: readonly (readonly [byPlace: () => Tensor, byName: () => Tensor])[] = [
    [() => randintLike(x, 2, 9), () => randintLike(x, { low: 2, high: 9 })],
    [() => randintLike(x, 9, { dtype: 'int64' }), () => randintLike(x, { high: 9, dtype: 'int64' })],
    [() => normal(1, 2, [3]), () => normal(1, { std: 2, size: [3] })],
    [() => normal(x, 2), () => normal(x, { std: 2 })],
    [() => multinomial(ones([4]), 3), () => multinomial(ones([4]), { numSamples: 3 })],
    [() => binomial(x, ones([3]).mul(0.5)), () => binomial(x, { prob: ones([3]).mul(0.5) })],
    [() => zeros([3]).uniform_(1, 2), () => zeros([3]).uniform_({ from: 1, to: 2 })],
    [() => zeros([3]).normal_(0, 3), () => zeros([3]).normal_({ std: 3 })],
    [() => zeros([3]).bernoulli_(0.3), () => zeros([3]).bernoulli_({ p: 0.3 })],
    [() => zeros([3]).random_(2, 50), () => zeros([3]).random_({ from: 2, to: 50 })],
    [() => zeros([3]).random_(50), () => zeros([3]).random_({ to: 50 })],
    [() => zeros([3]).exponential_(2), () => zeros([3]).exponential_({ lambd: 2 })],
    [() => zeros([3]).cauchy_(1, 2), () => zeros([3]).cauchy_({ median: 1, sigma: 2 })],
    [() => zeros([3]).geometric_(0.5), () => zeros([3]).geometric_({ p: 0.5 })],
    [() => zeros([3]).logNormal_(0, 1), () => zeros([3]).logNormal_({ mean: 0, std: 1 })],
  ];
  for (const [byPlace, named] of calls) {
    const expected = seeded(byPlace);
    const actual = seeded(named);
    equal(actual.dtype, expected.dtype);
    equal(actual.array(), expected.array());
  }
  throwsError(() => zeros([3]).uniform_(0, { from: 1, to: 2 } as never), ArgumentError, /'from' is given twice/);
  throwsError(() => zeros([3]).uniform_({ low: 1 } as never), ArgumentError, /unknown option, got 'low'/);
});

test('shapes and bins by name', () => {
  const place = tensor([5], { dtype: 'int64' });
  equal(unravelIndex(place, { shape: [2, 3] }).map((c) => c.item()), [1, 2]);
  const points = tensor([[0, 0], [1, 1], [1, 0]]);
  equal(histogramdd(points, { bins: [2, 1], density: false }).hist.array(), histogramdd(points, [2, 1]).hist.array());
});

test('an argument is given once, and no name is invented', () => {
  throwsError(() => sum(x, 1, { dim: 1 } as { keepdim?: boolean }), ArgumentError, /sum: 'dim' is given twice, got it by place and by name; expected one of them/);
  throwsError(() => cat([x], { dims: 1 } as object), ArgumentError, /unknown option, got 'dims'; expected one of dim/);
  throwsError(() => cumsum(x, { dim: 1, dtypes: 'int64' } as object), ArgumentError, /unknown option, got 'dtypes'; expected one of dtype/);
  throwsError(() => cat([x], 0, { keepdim: true }), ArgumentError, /cat: unknown option, got 'keepdim'; expected one of dim/);
});

test('factors, indices and boundaries have names', () => {
  const [a, b, v] = [tensor([[1, 2], [3, 4]]), tensor([[5, 6], [7, 8]]), tensor([1, -1])];
  const [stack, other] = [a.unsqueeze(0), b.unsqueeze(0)];
  const pairs: readonly (readonly [Tensor, Tensor])[] = [
    [a.addmm(a, b, { alpha: 2 }), a.addmm({ mat1: a, mat2: b, alpha: 2 })],
    [a.clone().addmm_(a, b), a.clone().addmm_(a, { mat2: b })],
    [stack.baddbmm(stack, other), stack.baddbmm({ batch1: stack, batch2: other })],
    [a.addbmm(stack, other, { beta: 0.5 }), a.addbmm(stack, { batch2: other, beta: 0.5 })],
    [v.addmv(a, v), v.addmv({ mat: a, vec: v })],
    [a.addr(v, v), a.addr({ vec1: v, vec2: v })],
    [a.take(tensor([3, 0], { dtype: 'int64' })), a.take({ index: tensor([3, 0], { dtype: 'int64' }) })],
    [searchsorted(tensor([1, 2, 3]), a, { right: true }), searchsorted(tensor([1, 2, 3]), { values: a, right: true })],
    [bucketize(a, tensor([1, 3]), { right: true }), bucketize(a, { boundaries: tensor([1, 3]), right: true })],
  ];
  for (const [byPlace, named] of pairs) equal(named.array(), byPlace.array());
  throwsError(() => a.addmm(a, { mat1: a, mat2: b }), ArgumentError, /'mat1' is given twice/);
});

test.run();

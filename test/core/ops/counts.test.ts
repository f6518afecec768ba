import { test } from 'uvu';
import { ArgumentError, DTypeError, Generator, ShapeError, type Tensor, binomial, defaultGenerator, full, manualSeed, poisson, randintLike, tensor, vmap, zeros } from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

// That the numbers are PyTorch's: test/core/random.test.ts.

const moments = (values: ArrayLike<number>): readonly [mean: number, variance: number] => {
  const all = Array.from(values);
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  return [mean, all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length];
};

test('poisson has its rate as mean and variance, on both sides of 10', () => {
  manualSeed(1);
  for (const rate of [0.5, 9.5, 10, 400]) {
    const [mean, variance] = moments(poisson(full([20000], rate)).data());
    ok(Math.abs(mean - rate) < 4 * Math.sqrt(rate / 20000), `${rate}: mean ${mean}`);
    ok(Math.abs(variance / rate - 1) < 0.06, `${rate}: variance ${variance}`);
  }
});

test('binomial has mean np and variance np(1 - p), for few and many successes', () => {
  manualSeed(2);
  for (const [count, p] of [[10, 0.3], [10, 0.8], [200, 0.3], [200, 0.9], [1000, 0.5]]) {
    const [mean, variance] = moments(binomial(full([20000], count), full([20000], p)).data());
    const expected = count * p * (1 - p);
    ok(Math.abs(mean - count * p) < 4 * Math.sqrt(expected / 20000), `${count}, ${p}: mean ${mean}`);
    ok(Math.abs(variance / expected - 1) < 0.06, `${count}, ${p}: variance ${variance}`);
  }
});

test('limits, shapes and dtypes', () => {
  equal(poisson(zeros([2, 0, 3])).shape, [2, 0, 3]);
  equal(poisson(zeros([3])).array(), [0, 0, 0]);
  equal(binomial(tensor([0, 5, 5]), tensor([0.5, 0, 1])).array(), [0, 0, 5]);
  equal(binomial(full([2, 1], 4), full([3], 0.5)).shape, [2, 3]);
  is(poisson(zeros([1], { dtype: 'float64' })).dtype, 'float64');
  is(randintLike(zeros([2, 2]), 3).dtype, 'float32');
  is(randintLike(zeros([2, 2]), 1, 3, { dtype: 'uint8' }).dtype, 'uint8');
  is(poisson(full([2], 3, { requiresGrad: true })).requiresGrad, false);
});

test('a generator of its own leaves the default one alone', () => {
  const before = JSON.stringify(defaultGenerator.getState());
  const rates = full([5], 12);
  equal(poisson(rates, { generator: new Generator(3) }).data(), poisson(rates, { generator: new Generator(3) }).data());
  is(JSON.stringify(defaultGenerator.getState()), before);
});

test('under vmap, numbers are drawn for each example or once for all', () => {
  manualSeed(3);
  const each = vmap((x: Tensor) => poisson(full([4], 50)).add(x), { randomness: 'different' })(zeros([3, 4])).array() as number[][];
  ok(new Set(each.map(String)).size > 1);
  const same = vmap((x: Tensor) => poisson(full([4], 50)).add(x), { randomness: 'same' })(zeros([3, 4])).array() as number[][];
  is(new Set(same.map(String)).size, 1);
});

test('bad arguments are refused before anything is drawn', () => {
  const before = JSON.stringify(defaultGenerator.getState());
  throwsError(() => poisson(tensor([1, -1])), ArgumentError, /poisson: not a rate, got -1; expected finite numbers ≥ 0/);
  throwsError(() => poisson(tensor([NaN])), ArgumentError, /not a rate, got NaN/);
  throwsError(() => poisson(tensor([1], { dtype: 'int64' })), DTypeError, /poisson: rates is not a float tensor|poisson: rates/);
  throwsError(() => poisson(tensor([1]), { seed: 3 } as never), ArgumentError, /poisson: unknown option, got 'seed'/);
  throwsError(() => binomial(tensor([1.5]), tensor([0.5])), ArgumentError, /binomial: not a number of trials, got 1.5/);
  throwsError(() => binomial(tensor([2]), tensor([1.5])), ArgumentError, /binomial: not a probability, got 1.5/);
  throwsError(() => binomial(tensor([2]), tensor([0.5], { dtype: 'float64' })), DTypeError, /operands differ in dtype, got float32 and float64/);
  throwsError(() => binomial(zeros([2]), zeros([3])), ShapeError, /binomial/);
  throwsError(() => randintLike(zeros([2]), 3, 3), ArgumentError, /randintLike: not a range of whole numbers/);
  throwsError(() => zeros([2]).cauchy_(0, 0), ArgumentError, /cauchy_: invalid sigma, got 0/);
  throwsError(() => zeros([2]).geometric_(1), ArgumentError, /geometric_: invalid p, got 1/);
  throwsError(() => zeros([2], { dtype: 'bool' }).geometric_(0.5), DTypeError, /geometric_: not numbers/);
  throwsError(() => zeros([2]).logNormal_(0, 0), ArgumentError, /logNormal_: invalid std, got 0/);
  throwsError(() => zeros([2], { dtype: 'int32' }).logNormal_(), DTypeError, /logNormal_: not a float tensor/);
  is(JSON.stringify(defaultGenerator.getState()), before);
});

test.run();

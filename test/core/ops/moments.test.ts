import { test } from 'uvu';
import { ArgumentError, DTypeError, type Tensor, grad, tensor, zeros } from '../../../index.ts';
import { allClose, is, throwsError } from '../../assert.ts';

const double = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });
const slope = (y: Tensor, x: Tensor): Tensor => grad(y.sum(), x)[0];
const rows = (): Tensor => double([[1, 4, 2], [3, 3, 9]]);

test('var and std with their gradients', () => {
  const x = rows();
  allClose(x.var(1), [7 / 3, 12]);
  allClose(slope(x.var(1), x), [[-4 / 3, 5 / 3, -1 / 3], [-2, -2, 4]]);
  allClose(x.std(1), [1.5275252316519468, 3.4641016151377544]);
  allClose(slope(x.std(1), x), [[-0.4364357804719848, 0.5455447255899809, -0.10910894511799622], [-0.2886751345948129, -0.2886751345948129, 0.5773502691896258]]);
});

test('correction 0 and unbiased false are the same', () => {
  const x = rows();
  allClose(x.var(1, { correction: 0 }), [14 / 9, 8]);
  allClose(x.var(1, { unbiased: false }), [14 / 9, 8]);
  allClose(slope(x.std(1, { correction: 0 }), x), [[-0.35634832254989923, 0.44543540318737396, -0.08908708063747484], [-0.2357022603955158, -0.2357022603955158, 0.4714045207910316]]);
  is(double([1, 2, 4, 8]).var([0], { correction: 2 }).item(), 14.375);
  is(double([1, 2, 4]).var(0, { correction: 5 }).item(), Infinity);
});

test('too few elements', () => {
  allClose(tensor([5]).var(), [NaN]);
  allClose(tensor(5).var(), [NaN]);
  is(tensor([5]).var(null, { correction: 0 }).item(), 0);
  allClose(zeros([0]).var(), [NaN]);
  allClose(zeros([2, 0]).std(1), [NaN, NaN]);
});

test('the gradient of std is 0 where it is 0', () => {
  const x = double([2, 2, 2]);
  is(x.std().item(), 0);
  allClose(slope(x.std(), x), [0, 0, 0]);
});

test('var of large float32 values does not cancel', () => {
  is(tensor([1e6, 1e6 + 1, 1e6 + 2]).var().item(), 1);
});

test('logsumexp at the ends', () => {
  const x = tensor([[-Infinity, -Infinity], [Infinity, 0], [1000, 1000], [-1000, -1001], [NaN, 0]], { dtype: 'float64' });
  allClose(x.logsumexp(1), [-Infinity, Infinity, 1000.6931471805599, -999.6867383124818, NaN]);
  allClose(zeros([2, 0]).logsumexp(1), [-Infinity, -Infinity]);
  const y = double([1, 2, 3]);
  allClose(slope(y.logsumexp(0), y), [0.09003057317038043, 0.24472847105479759, 0.6652409557748217]);
  const z = double([-Infinity, 1]);
  allClose(slope(z.logsumexp(0), z), [0, 1]);
});

test('bad arguments are refused', () => {
  const x = zeros([2, 3]);
  throwsError(() => x.var(0, { correction: 1, unbiased: true }), ArgumentError, /var: both correction and unbiased/);
  throwsError(() => x.std(0, { correction: NaN }), ArgumentError, /std: correction is not a number/);
  throwsError(() => x.std(0, { unbiased: 0 } as never), ArgumentError, /unbiased is not a boolean/);
  throwsError(() => tensor([1, 2], { dtype: 'int64' }).var(), DTypeError, /var: not a float tensor, got int64\[2\]/);
  throwsError(() => x.logsumexp(undefined as never), ArgumentError, /logsumexp: no dimension/);
});

test('logsumexp counts integers and bool as floats', () => {
  const y = tensor([1, 2], { dtype: 'int64' }).logsumexp(0);
  is(y.dtype, 'float32');
  allClose(y, 2.3132617, { rtol: 1e-6 });
  allClose(tensor([true, true]).logsumexp(0), 1.6931472, { rtol: 1e-6 });
});

test('unbiased by itself, as in x.std(False)', () => {
  const x = tensor([1, 3, 5, 11]);
  allClose(x.var(false), 14);
  allClose(x.std(true), Math.sqrt(56 / 3));
  allClose(x.var(0, false, true), [14]);
  throwsError(() => Reflect.apply(x.var, x, [false, { keepdim: true }]), ArgumentError, /var: options behind unbiased/);
});

test('correction null is the default', () => {
  allClose(tensor([1, 3]).var({ dim: null, correction: null }), 2);
});

test.run();

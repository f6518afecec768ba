import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, grad, logSoftmax, softmax, softmin, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const double = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });
const rows = (): Tensor => double([[1000, 1001, 999], [-Infinity, 0, -Infinity], [-Infinity, -Infinity, -Infinity], [Infinity, 0, 1]]);

test('large values, masked entries, rows of nothing but -Infinity', () => {
  allClose(softmax(rows(), 1), [[0.2447284710547976, 0.6652409557748218, 0.09003057317038045], [0, 1, 0], [NaN, NaN, NaN], [NaN, NaN, NaN]]);
  allClose(logSoftmax(rows(), 1), [[-1.4076059644443804, -0.4076059644443804, -2.4076059644443806], [-Infinity, 0, -Infinity], [NaN, NaN, NaN], [NaN, NaN, NaN]]);
});

test('gradients from the output', () => {
  const x = double([1, 2, 3]);
  const seed = tensor([1, -2, 0.5], { dtype: 'float64' });
  allClose(softmax(x, 0), [0.09003057317038045, 0.2447284710547976, 0.6652409557748218]);
  allClose(grad(softmax(x, 0), x, { gradOutputs: seed })[0], [0.09604514583293235, -0.47310763853503385, 0.3770624927021015]);
  allClose(grad(logSoftmax(x, 0), x, { gradOutputs: seed })[0], [1.0450152865851903, -1.8776357644726012, 0.8326204778874109]);
  allClose(softmin(x, 0), [0.6652409557748218, 0.2447284710547976, 0.09003057317038045]);
});

test('a masked entry gets no gradient and harms no other', () => {
  const x = double([-Infinity, 0, 1]);
  const seed = tensor([1, 2, 3], { dtype: 'float64' });
  const p = 1 / (1 + Math.E);
  allClose(grad(softmax(x, 0), x, { gradOutputs: seed })[0], [0, -p * (1 - p), p * (1 - p)]);
});

test('logSoftmax keeps its precision far down', () => {
  allClose(logSoftmax(tensor([0, -1e-3, 50], { dtype: 'float64' }), 0), [-50, -50.001, 0], { rtol: 1e-12, atol: 1e-20 });
});

test('any dimension, any layout, nothing', () => {
  const x = tensor([[1, 2], [3, 5]]);
  allClose(softmax(x, 0), softmax(x.t(), 1).t());
  allClose(softmax(x, -1).sum(1), [1, 1]);
  equal(softmax(zeros([2, 0]), 1).shape, [2, 0]);
  is(softmax(tensor(3), 0).item(), 1);
  is(logSoftmax(tensor(3), -1).item(), 0);
});

test('dtype casts the input first', () => {
  const y = softmax(tensor([1, 2], { dtype: 'int64' }), 0, { dtype: 'float64' });
  is(y.dtype, 'float64');
  allClose(y, [0.26894142136999516, 0.7310585786300049], { rtol: 1e-14 });
  throwsError(() => softmax(tensor([1, 2], { dtype: 'int64' }), 0), DTypeError, /softmax: not a float tensor/);
});

test('bad arguments are refused', () => {
  throwsError(() => softmax(zeros([2]), undefined as never), ArgumentError, /softmax: no dimension/);
  throwsError(() => softmax(zeros([2]), 1), ShapeError, /softmax: dimension out of range/);
  throwsError(() => logSoftmax(zeros([2]), 0, { dim: 0 } as never), ArgumentError, /logSoftmax: 'dim' is given twice/);
  throwsError(() => logSoftmax(zeros([2]), 0, { dims: 0 } as never), ArgumentError, /logSoftmax: unknown option/);
});

test.run();

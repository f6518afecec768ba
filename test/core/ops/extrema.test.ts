import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, grad, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const double = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });
const slope = (y: Tensor, x: Tensor): Tensor => grad(y.sum(), x)[0];

test('max along a dimension: the first of equal ones, the first NaN', () => {
  const x = tensor([[1, NaN, NaN], [2, 2, 1]]);
  const { values, indices } = x.max(1);
  allClose(values, [NaN, 2]);
  allClose(indices, [1, 0]);
  is(indices.dtype, 'int64');
  const [low, at] = x.min(1);
  allClose(low, [NaN, 1]);
  allClose(at, [1, 2]);
  equal(x.max(0, { keepdim: true }).values.shape, [1, 3]);
});

test('max: over everything ties share the gradient, along a dimension the first gets it', () => {
  const x = double([1, 3, 3]);
  allClose(slope(x.max(), x), [0, 0.5, 0.5]);
  allClose(slope(x.max(0).values, x), [0, 1, 0]);
  const z = double([1, NaN, 2]);
  allClose(slope(z.max(), z), [0, 1, 0]);
});

test('max against another tensor', () => {
  const [x, y] = [double([1, 2, 5]), double([1, 3, 4])];
  allClose(x.max(y), [1, 3, 5]);
  allClose(slope(x.max(y), x), [0.5, 0, 1]);
  allClose(tensor([[1], [4]]).min(tensor([2, 3])), [[1, 1], [2, 3]]);
});

test('argmax and argmin: the first of equal ones, NaN wins', () => {
  allClose(tensor([[1, 3, 3], [2, 2, 2]]).argmax(1), [1, 0]);
  is(tensor([[1, 3, 3], [5, 2, 2]]).argmax().item(), 3);
  is(tensor([[1, 3, 3], [5, 2, 2]]).t().argmax().item(), 1);
  is(tensor([1, NaN, 0]).argmin().item(), 1);
  equal(tensor([[1, 3]]).argmax(null, { keepdim: true }).array(), [[1]]);
  equal(tensor([[1, 3]]).argmin(-1, { keepdim: true }).array(), [[0]]);
});

test('scalars and nothing', () => {
  const { values, indices } = tensor(7).max(0);
  equal([values.item(), indices.item(), values.ndim, indices.ndim], [7, 0, 0, 0]);
  equal([tensor(7).argmin(-1).item(), tensor(7).median(0, { keepdim: true }).values.ndim], [0, 0]);
  throwsError(() => zeros([0]).max(), ShapeError, /max: nothing to choose from, got float32\[0\]/);
  throwsError(() => zeros([2, 0]).min(1), ShapeError, /min: nothing to choose from/);
  throwsError(() => zeros([0]).argmax(), ShapeError, /argmax: nothing to choose from/);
  equal(zeros([0, 3]).argmax(1).shape, [0]);
  equal(zeros([0, 3]).max(1).values.shape, [0]);
});

test('median: the lower one; NaN first; ties share the gradient of the whole', () => {
  is(tensor([4, 1, 3, 2]).median().item(), 2);
  is(tensor([3, 1, 2, 9], { dtype: 'int64' }).median().item(), 2);
  allClose(tensor([4, NaN, 3]).median(), [NaN]);
  const { values, indices } = tensor([[5, 1, 3], [9, NaN, 7]]).median(1);
  allClose(values, [3, NaN]);
  allClose(indices, [2, 1]);
  const x = double([3, 1, 3, 3]);
  allClose(slope(x.median(), x), [1 / 3, 0, 1 / 3, 1 / 3]);
  const y = double([[5, 1, 3], [1, 2, 9]]);
  allClose(slope(y.median(1).values, y), [[0, 0, 1], [0, 1, 0]]);
  allClose(tensor([[5, 1, 3], [1, 2, 9]]).t().median().item(), 2);
});

test('median of nothing', () => {
  allClose(zeros([0]).median(), [NaN]);
  throwsError(() => zeros([0], { dtype: 'int64' }).median(), ShapeError, /median: nothing/);
  throwsError(() => zeros([2, 0]).median(1), ShapeError, /median: nothing to choose from/);
});

test('bad arguments are refused', () => {
  const x = zeros([2, 3]);
  throwsError(() => x.max(2), ShapeError, /max: dimension out of range/);
  throwsError(() => x.max({ keepdim: true } as never), ArgumentError, /max: options without a dimension/);
  for (const name of ['argmax', 'argmin', 'median', 'nanmedian'] as const) throwsError(() => x.bool()[name](), DTypeError, /not defined for bool, got bool\[2, 3\]/);
  throwsError(() => (x.max as (...args: unknown[]) => unknown)(undefined, { keepdim: true }), ArgumentError, /max: options without a dimension/);
  throwsError(() => x.argmax(0, { keepdim: 'yes' } as never), ArgumentError, /keepdim is not a boolean/);
  throwsError(() => x.median(0, { keepDims: true } as never), ArgumentError, /unknown option/);
});

test.run();

import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, grad, gradgradcheck, noGrad, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const double = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });

test('cumsum: values, gradient, NaN and infinities', () => {
  const x = double([1, 2, 3]);
  allClose(x.cumsum(0), [1, 3, 6]);
  allClose(grad(x.cumsum(0), x, { gradOutputs: tensor([1, 10, 100], { dtype: 'float64' }) })[0], [111, 110, 100]);
  allClose(tensor([1, NaN, 2]).cumsum(0), [1, NaN, NaN]);
  allClose(tensor([Infinity, -Infinity, 2]).cumsum(0), [Infinity, NaN, NaN]);
});

test('dtypes: integers and bool give int64, or what was asked for', () => {
  const n = tensor([1, 2], { dtype: 'int32' }).cumsum(0);
  equal([n.dtype, ...n.data()], ['int64', 1, 3]);
  equal([...tensor([true, true]).cumsum(0).data()], [1, 2]);
  is(tensor([1, 2], { dtype: 'int64' }).cumprod(0, { dtype: 'float64' }).dtype, 'float64');
  is(tensor([1.5, 2.5]).cumsum(0, { dtype: 'int32' }).dtype, 'int32');
  throwsError(() => tensor([65536, 65536], { dtype: 'int64' }).cumprod(0), DTypeError, /does not fit int64/);
});

test('cumprod: first and second derivatives where there are zeros', () => {
  const x = double([2, 0, 3, 0.5]);
  const y = x.cumprod(0);
  allClose(y, [2, 0, 0, 0]);
  const [first] = grad(y, x, { gradOutputs: tensor([1, -1, 2, 0.5], { dtype: 'float64' }), createGraph: true });
  allClose(first, [1, 11.5, 0, 0]);
  allClose(grad(first, x, { gradOutputs: tensor([1, 2, 3, 4], { dtype: 'float64' }) })[0], [11.5, 31.25, 9, 6]);
  gradgradcheck(() => x.cumprod(0).square(), [x]);
});

test('cumprod along any dimension of any layout', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  allClose(x.cumprod(0), [[1, 2, 3], [4, 10, 18]]);
  allClose(x.t().cumprod(-1), [[1, 4], [2, 10], [3, 18]]);
  equal(zeros([2, 0]).cumprod(1).shape, [2, 0]);
  is(tensor(3).cumprod(0).item(), 3);
});

test('in place: same storage, same gradient, no dtype that does not fit', () => {
  const x = tensor([1, 2, 3], { dtype: 'int32' });
  ok(x.cumsum_(0) === x);
  equal([x.dtype, ...x.data()], ['int32', 1, 3, 6]);
  const scalar = tensor(2);
  scalar.cumprod_(0);
  is(scalar.item(), 2);
  const leaf = double([2, 0, 3]);
  const z = leaf.mul(1);
  z.cumprod_(0);
  allClose(grad(z.sum(), leaf)[0], [1, 8, 0]);
  throwsError(() => tensor([true]).cumsum_(0), DTypeError, /cumsum_: the result does not fit in place/);
  noGrad(() => leaf.cumsum_(0));
  allClose(leaf, [2, 2, 5]);
});

test('bad arguments are refused', () => {
  throwsError(() => zeros([2]).cumsum(1), ShapeError, /cumsum: dimension out of range/);
  throwsError(() => zeros([2]).cumsum(undefined as never), ArgumentError, /cumsum: dimension is not an integer/);
  throwsError(() => zeros([2]).cumprod(0, { keepdim: true } as never), ArgumentError, /unknown option/);
  throwsError(() => zeros([2]).cumsum_(0, { dtype: 'int32' }), DTypeError, /another dtype, got 'int32' for float32\[2\]; expected float32/);
  throwsError(() => zeros([2]).cumsum(0, { dtype: 'bool' }), DTypeError, /bools are not added up/);
});

test.run();

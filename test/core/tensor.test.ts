import { test } from 'uvu';
import { DTypeError, ShapeError, StateError, Tensor, arange, isTensor, ones, tensor, zeros } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

test('fields', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  equal([...x.shape], [2, 3]);
  equal([...x.strides], [3, 1]);
  is(x.offset, 0);
  is(x.dtype, 'float32');
  is(x.device.name, 'cpu');
  is(x.ndim, 2);
  is(x.dim(), 2);
  is(x.numel(), 6);
  is(x.grad, null);
  is(x.requiresGrad, false);
  ok(x.isLeaf && isTensor(x) && !isTensor({ shape: [] }));
});

test('size', () => {
  const x = zeros([2, 3]);
  equal([...x.size()], [2, 3]);
  is(x.size(-1), 3);
  throwsError(() => x.size(2), ShapeError, /size: dimension out of range, got 2; expected -2 to 1/);
});

test('item reads single elements of any shape, through offsets', () => {
  is(tensor(2.5).item(), 2.5);
  is(tensor([[7]]).item(), 7);
  is(arange(6).reshape([2, 3]).select(0, 1).select(0, 2).item(), 5);
  throwsError(() => ones([2]).item(), ShapeError, /item: not a single element, got float32\[2\][\s\S]*array\(\)/);
  throwsError(() => zeros([0]).item(), ShapeError, /single element/);
});

test('data copies in row-major order, also from views', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  const copy = x.data();
  copy[0] = 99;
  is(x.array() instanceof Array && x.select(0, 0).select(0, 0).item(), 1);
  equal([...x.t().data()], [1, 4, 2, 5, 3, 6]);
  equal([...x.narrow(1, 1, 2).data()], [2, 3, 5, 6]);
  equal([...tensor(3).expand([2, 2]).data()], [3, 3, 3, 3]);
  ok(tensor([1], { dtype: 'int64' }).data() instanceof Int32Array);
  ok(tensor([true]).data() instanceof Uint8Array);
  is(zeros([0, 3]).t().data().length, 0);
});

test('array nests, with booleans for bool', () => {
  equal(tensor([[1, 2], [3, 4]]).t().array(), [[1, 3], [2, 4]]);
  equal(tensor([[true, false]]).array(), [[true, false]]);
  is(tensor(1.5).array(), 1.5);
  is(tensor(true).array(), true);
  equal(zeros([2, 0]).array(), [[], []]);
  equal(zeros([0, 2]).array(), []);
});

test('requiresGrad is checked', () => {
  const x = ones([1]);
  is(x.requiresGrad_(), x);
  ok(x.requiresGrad);
  is(x.requiresGrad_(false).requiresGrad, false);
  throwsError(() => Reflect.set(x, 'requiresGrad', 1), DTypeError, /not a boolean, got 1/);
  throwsError(() => ones([1], { dtype: 'int32' }).requiresGrad_(), DTypeError, /only floats/);
});

test('assign_ takes over storage, shape and dtype', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  x.sum().backward();
  const source = tensor([[3], [4]], { dtype: 'float64' });
  is(x.assign_(source), x);
  equal([...x.shape], [2, 1]);
  is(x.dtype, 'float64');
  is(x.grad, null);
  ok(x.requiresGrad);
  source.fill_(9);
  allClose(x, [[9], [9]]);
  throwsError(() => x.assign_(tensor([1], { dtype: 'int64' })), DTypeError, /only floats/);
  throwsError(() => x.mul(2).assign_(source), StateError, /has history/);
  throwsError(() => source.t().assign_(source), StateError, /history|view/);
});

test('assign_ of the same form keeps the gradient', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  x.sum().backward();
  x.assign_(tensor([5, 6]));
  allClose(x.grad ?? [], [1, 1]);
});

test('views share storage, copies do not', () => {
  const x = tensor([[1, 2], [3, 4]]);
  x.t().select(0, 1).fill_(0);
  allClose(x, [[1, 0], [3, 0]]);
  const y = x.clone();
  y.fill_(7);
  allClose(x, [[1, 0], [3, 0]]);
  ok(x.detach().storage === x.storage);
});

test('a tensor prints through console.log', () => {
  const inspect: unknown = Reflect.get(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'));
  is(typeof inspect === 'function' && Reflect.apply(inspect, tensor([1, 2]), []), 'tensor([1., 2.])');
});

test.run();

import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, tensor, zeros } from '../../../index.ts';
import { allClose, is, ok, throwsError } from '../../assert.ts';

test('to: dtypes, devices, tensors', () => {
  const x = tensor([1.9, -1.9, 0]);
  is(x.to('float32'), x);
  is(x.to('cpu'), x);
  allClose(x.to('int64'), [1, -1, 0]);
  allClose(x.to('bool'), [1, 1, 0]);
  allClose(tensor([300, 7.5]).to('uint8'), [44, 7]);
  allClose(tensor([NaN]).bool(), [1]);
  is(x.to(tensor([1n])).dtype, 'int64');
  is(x.to('cpu', { dtype: 'float64' }).dtype, 'float64');
  for (const [y, dtype] of [[x.float(), 'float32'], [x.double(), 'float64'], [x.long(), 'int64'], [x.int(), 'int32'], [x.bool(), 'bool']] as const) is(y.dtype, dtype);
  allClose(tensor([[1, 2], [3, 4]]).t().to('float64'), [[1, 3], [2, 4]]);
});

test('to refuses', () => {
  const x = tensor([1, 2]);
  throwsError(() => x.to('float16'), ArgumentError, /neither dtype nor device, got 'float16'; expected one of bool, /);
  throwsError(() => x.to(null as never), ArgumentError, /got null/);
  throwsError(() => x.to(32 as never), ArgumentError, /got 32/);
  throwsError(() => x.to('cpu', { dtype: 'half' as 'float32' }), ArgumentError, /unknown dtype/);
  throwsError(() => x.to('cpu', { copy: true } as object), ArgumentError, /unknown option/);
  throwsError(() => tensor([3e9]).to('int64'), DTypeError, /does not fit int64/);
});

test('gradients keep the dtype of their tensor', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  x.double().mul(3).sum().backward();
  is(x.grad?.dtype, 'float32');
  allClose(x.grad as Tensor, [3, 3]);
  is(x.long().requiresGrad, false);
});

test('copy_, fill_ and zero_', () => {
  const x = zeros([2, 3]);
  is(x.copy_(tensor([1, 2, 3], { dtype: 'float64' })), x);
  allClose(x, [[1, 2, 3], [1, 2, 3]]);
  x.t().copy_(tensor([[1, 2], [3, 4], [5, 6]]));
  allClose(x, [[1, 3, 5], [2, 4, 6]]);
  x.select(1, 0).fill_(tensor(9));
  allClose(x, [[9, 3, 5], [9, 4, 6]]);
  x.narrow(1, 0, 2).copy_(x.narrow(1, 1, 2));
  allClose(x, [[3, 5, 5], [4, 6, 6]]);
  allClose(x.zero_(), zeros([2, 3]));
  allClose(tensor([NaN, Infinity]).zero_(), [0, 0]);
  allClose(zeros([2], { dtype: 'int64' }).fill_(2.7), [2, 2]);
  allClose(zeros([2], { dtype: 'int64' }).copy_(tensor([1.5, -1.5])), [1, -1]);
});

test('copy_ and fill_ refuse before they write', () => {
  const x = zeros([3]);
  throwsError(() => x.copy_(zeros([2, 3])), ShapeError, /copy_: the source is larger, got float32\[2, 3\] for float32\[3\]/);
  throwsError(() => x.copy_(zeros([2])), ShapeError, /do not broadcast/);
  throwsError(() => x.copy(zeros([2, 3])), ShapeError, /copy: the source is larger/);
  throwsError(() => x.fill_(tensor([1])), ShapeError, /not a scalar/);
  throwsError(() => x.fill_('1' as never), ArgumentError, /not a tensor or number/);
  throwsError(() => zeros([1], { dtype: 'uint8' }).fill_(300), DTypeError, /does not fit uint8/);
  throwsError(() => zeros([1], { dtype: 'int32' }).fill_(NaN), DTypeError, /not a finite number/);
  allClose(x, [0, 0, 0]);
});

test('copy_ carries gradients to its source, not to what it overwrites', () => {
  const [x, w] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })];
  const y = x.mul(2);
  y.narrow(0, 0, 1).copy_(w.narrow(0, 1, 1));
  y.mul(tensor([5, 7])).sum().backward();
  allClose(x.grad as Tensor, [0, 14]);
  allClose(w.grad as Tensor, [0, 5]);
  const z = tensor([1], { requiresGrad: true });
  z.mul(1).copy_(w.narrow(0, 0, 1)).mul(Infinity).sum().backward();
  allClose(z.grad as Tensor, [0]);
  ok(w.grad !== null);
});

test.run();

import { test } from 'uvu';
import { ArgumentError, ShapeError, type Tensor, cat, grad, hstack, ones, split, stack, tensor, vstack, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const shapes = (tensors: readonly Tensor[]): (readonly number[])[] => tensors.map((x) => [...x.shape]);

test('cat along each dimension, of views too', () => {
  const x = tensor([[1, 2], [3, 4]]);
  allClose(cat([x, x.t()]), [[1, 2], [3, 4], [1, 3], [2, 4]]);
  allClose(cat([x, x.t()], -1), [[1, 2, 1, 3], [3, 4, 2, 4]]);
  allClose(cat([x]), x);
  is(cat([x]).storage === x.storage, false);
});

test('cat promotes, and shape [0] counts as nothing', () => {
  is(cat([tensor([1]), tensor([2], { dtype: 'int64' })]).dtype, 'float32');
  is(cat([tensor([true]), tensor([2], { dtype: 'uint8' })]).dtype, 'uint8');
  is(cat([zeros([0], { dtype: 'float64' }), ones([2, 2])]).dtype, 'float64');
  allClose(cat([zeros([0]), ones([2, 2]), zeros([0])], 1), [[1, 1], [1, 1]]);
  equal([...cat([zeros([0]), zeros([0])], 1).shape], [0]);
  allClose(cat([zeros([0]), ones([2, 2])], -2), [[1, 1], [1, 1]]);
  const [a, b] = [zeros([0], { requiresGrad: true }), ones([2, 2], { requiresGrad: true })];
  const [ga, gb] = grad(cat([a, b], 1).mul(2).sum(), [a, b]);
  equal([...ga.shape], [0]);
  allClose(gb, [[2, 2], [2, 2]]);
});

test('cat refuses', () => {
  throwsError(() => cat([]), ArgumentError, /not a list of tensors/);
  throwsError(() => cat(zeros([2]) as never), ArgumentError, /not a list of tensors/);
  throwsError(() => cat([zeros([1]), 3 as never]), ArgumentError, /entry 1 is not a tensor, got 3/);
  throwsError(() => cat([tensor(1)]), ShapeError, /a scalar cannot be joined/);
  throwsError(() => cat([zeros([0, 2]), zeros([2, 3])]), ShapeError, /sizes differ, got float32\[2, 3\] at entry 1 and float32\[0, 2\]; expected equal sizes except at dimension 0/);
  throwsError(() => cat([zeros([2]), zeros([2, 1])]), ShapeError, /sizes differ/);
  throwsError(() => cat([zeros([2, 2])], 2), ShapeError, /dimension out of range, got 2/);
});

test('stack, hstack and vstack', () => {
  const [a, b] = [tensor([1, 2]), tensor([3, 4])];
  allClose(stack([a, b]), [[1, 2], [3, 4]]);
  allClose(stack([a, b], -1), [[1, 3], [2, 4]]);
  is(stack([a, tensor([1, 2], { dtype: 'int32' })]).dtype, 'float32');
  allClose(hstack([tensor(1), b]), [1, 3, 4]);
  allClose(hstack([tensor([[1], [2]]), tensor([[3], [4]])]), [[1, 3], [2, 4]]);
  allClose(vstack([a, tensor([[5, 6]])]), [[1, 2], [5, 6]]);
  allClose(vstack([tensor(1), tensor([2])]), [[1], [2]]);
  throwsError(() => stack([a, zeros([3])]), ShapeError, /shapes differ, got float32\[3\] at entry 1 and float32\[2\]; expected one shape/);
  throwsError(() => stack([a], 2), ShapeError, /out of range/);
});

test('split, chunk and unbind give views', () => {
  const x = zeros([5, 2]);
  equal(shapes(x.split(2)), [[2, 2], [2, 2], [1, 2]]);
  equal(shapes(split(x, [1, 0, 4])), [[1, 2], [0, 2], [4, 2]]);
  equal(shapes(zeros([0, 3]).split(2)), [[0, 3]]);
  equal(shapes(zeros([0]).split(0)), [[0]]);
  equal(shapes(x.chunk(4)), [[2, 2], [2, 2], [1, 2]]);
  equal(shapes(zeros([0, 3]).chunk(2)), [[0, 3], [0, 3]]);
  equal(shapes(zeros([7]).chunk(5)), [[2], [2], [2], [1]]);
  equal(shapes(x.unbind(1)), [[5], [5]]);
  equal(zeros([3, 0]).unbind(1), []);
  x.split(2)[1].fill_(1);
  x.unbind(1)[0].narrow(0, 0, 1).fill_(7);
  allClose(x, [[7, 0], [0, 0], [1, 1], [1, 1], [0, 0]]);
});

test('split, chunk and unbind refuse', () => {
  const x = zeros([3]);
  throwsError(() => x.split(0), ShapeError, /sizes do not fit dimension 0, got 0/);
  throwsError(() => x.split([1, 1]), ShapeError, /add up to 3/);
  throwsError(() => x.split([4, -1]), ShapeError, /add up to 3/);
  throwsError(() => x.split(NaN), ShapeError, /got NaN/);
  throwsError(() => x.chunk(0), ArgumentError, /invalid number of chunks/);
  for (const f of [() => tensor(1).split(1), () => tensor(1).chunk(1), () => tensor(1).unbind()]) throwsError(f, ShapeError, /no dimensions/);
});

test.run();

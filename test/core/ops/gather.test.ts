import { test } from 'uvu';
import { DTypeError, ShapeError, type Tensor, gather, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const int = (data: readonly number[] | number | readonly (readonly number[])[]): Tensor => tensor(data, { dtype: 'int64' });

test('gather follows the index', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  allClose(gather(x, 1, int([[2, 0, 0, 1]])), [[3, 1, 1, 2]]);
  allClose(x.gather(0, int([[1, 0, 1]])), [[4, 2, 6]]);
  allClose(x.t().gather(-1, int([[1], [0], [1]])), [[4], [2], [6]]);
  allClose(x.gather(1, tensor([[2], [0]], { dtype: 'int32' })), [[3], [4]]);
});

test('scalars and empty indices', () => {
  allClose(tensor(3).gather(0, int([0, 0])), [3, 3]);
  equal([...tensor(3).gather(0, int(0)).shape], []);
  equal([...tensor([3]).gather(0, int(0)).shape], []);
  equal([...zeros([2, 3]).gather(1, int([])).shape], [0]);
  allClose(zeros([2, 3]).scatter(1, int([]), zeros([1, 4])), [0, 0, 0, 0, 0, 0]);
  allClose(tensor(3).scatter(0, int(0), tensor(4)), [4]);
  const scalar = tensor(3);
  is(scalar.scatterAdd_(0, int([0, 0]), tensor([1, 2])), scalar);
  allClose(scalar, [6]);
});

test('scatter: the last one wins, and src may be larger than the index', () => {
  allClose(zeros([3]).scatter(0, int([1, 1]), tensor([5, 6])), [0, 6, 0]);
  allClose(zeros([2, 3]).scatter(1, int([[2], [0]]), tensor([[1, 2], [3, 4]])), [[0, 0, 1], [3, 0, 0]]);
  allClose(tensor([1, 2, 3], { dtype: 'int64' }).scatter(0, int([0]), 2.7), [2, 2, 3]);
  const src = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  zeros([2, 3]).scatter(1, int([[2], [0]]), src).mul(3).sum().backward();
  allClose(src.grad as Tensor, [[3, 0], [3, 0]]);
});

test('scatterAdd: sums, "or" for bool, int64 in its range', () => {
  allClose(zeros([3]).scatterAdd(0, int([1, 1, 0]), tensor([5, 6, 7])), [7, 11, 0]);
  const bools = tensor([false, false]).scatterAdd(0, int([0, 0]), tensor([true, true]));
  is(bools.dtype, 'bool');
  allClose(bools, [1, 0]);
  throwsError(() => int([2 ** 31 - 1]).scatterAdd(0, int([0]), int([1])), DTypeError, /does not fit int64/);
});

test('in place through a view, and from the same memory', () => {
  const x = zeros([2, 3]);
  x.t().scatter_(0, int([[2, 0]]), 1);
  allClose(x, [[0, 0, 1], [1, 0, 0]]);
  const y = tensor([1, 2, 3]);
  allClose(y.scatterAdd_(0, int([1, 2, 0]), y), [4, 3, 5]);
});

test('takeAlongDim broadcasts, and takes what argsort gives', () => {
  const x = tensor([[3, 1, 2], [1, 3, 2]]);
  allClose(x.takeAlongDim(x.argsort(1), 1), [[1, 2, 3], [1, 2, 3]]);
  allClose(x.takeAlongDim(int([[1]]), 0), [[1, 3, 2]]);
  allClose(x.takeAlongDim(int([[1], [5]])), [1, 2]);
  throwsError(() => x.takeAlongDim(int([1]), 0), ShapeError, /differ in dimensions/);
  throwsError(() => x.takeAlongDim(int([[0], [0], [0]]), 1), ShapeError, /do not broadcast/);
});

test('what does not fit is refused before anything is written', () => {
  const x = zeros([2, 3]);
  throwsError(() => x.gather(1, int([[3]])), ShapeError, /^gather: index out of range, got 3 for dimension 1 of size 3; expected 0 to 2$/);
  throwsError(() => x.gather(1, int([[-1]])), ShapeError, /got -1/);
  throwsError(() => x.gather(1, int([[0], [0], [0]])), ShapeError, /index is larger than the tensor/);
  throwsError(() => x.gather(1, int([0])), ShapeError, /differ in dimensions/);
  throwsError(() => x.gather(2, int([[0]])), ShapeError, /dimension out of range/);
  throwsError(() => x.gather(1, tensor([[0]])), DTypeError, /expected int64 or int32/);
  throwsError(() => x.gather(1, tensor([[true]])), DTypeError, /masks/);
  throwsError(() => x.scatter_(1, int([[0, 3]]), tensor([[1, 1]])), ShapeError, /^scatter_: index out of range, got 3/);
  throwsError(() => x.scatter_(1, int([[0, 1]]), tensor([[1]])), ShapeError, /src is smaller than the index/);
  throwsError(() => x.scatter_(1, int([[0]]), int([[1]])), DTypeError, /another dtype/);
  throwsError(() => x.scatterAdd_(1, int([[0]]), 1 as never), Error, /src is not a tensor/);
  allClose(x, [0, 0, 0, 0, 0, 0]);
});

test.run();

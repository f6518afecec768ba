import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, arange, diag, meshgrid, ones, repeatInterleave, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const six = (): Tensor => tensor([[1, 2, 3], [4, 5, 6]]);
const int = (data: readonly number[]): Tensor => tensor(data, { dtype: 'int64' });

test('flip', () => {
  allClose(six().flip([0, -1]), [[6, 5, 4], [3, 2, 1]]);
  allClose(six().t().flip(0), [[3, 6], [2, 5], [1, 4]]);
  allClose(tensor([1, 2, 3]).flip([]), [1, 2, 3]);
  allClose(tensor(1).flip(0), [1]);
  throwsError(() => six().flip([0, -2]), ShapeError, /named twice/);
});

test('roll', () => {
  allClose(six().roll(1), [[6, 1, 2], [3, 4, 5]]);
  allClose(six().roll([1, -4], [0, 1]), [[5, 6, 4], [2, 3, 1]]);
  allClose(six().roll([1, 1], [1, 1]), [[2, 3, 1], [5, 6, 4]]);
  allClose(tensor(1).roll(5), [1]);
  equal([...zeros([0, 2]).roll(1, 0).shape], [0, 2]);
  const x = six();
  is(x.roll(3, 1).storage === x.storage, false);
  throwsError(() => x.roll([1, 2], 0), ShapeError, /differ in number/);
  throwsError(() => x.roll([1, 2]), ShapeError, /shifts without dimensions/);
  throwsError(() => x.roll(0.5), ArgumentError, /not an integer/);
  throwsError(() => tensor(1).roll(1, 0), ShapeError, /no dimensions/);
});

test('repeat, tile and repeatInterleave', () => {
  allClose(tensor([1, 2]).repeat([2, 2]), [[1, 2, 1, 2], [1, 2, 1, 2]]);
  allClose(six().t().repeat([1, 2]), [[1, 4, 1, 4], [2, 5, 2, 5], [3, 6, 3, 6]]);
  const x = six();
  is(x.repeat([1, 1]).storage === x.storage, false);
  equal([...tensor([1, 2]).repeat([0]).shape], [0]);
  allClose(x.tile([2]), [[1, 2, 3, 1, 2, 3], [4, 5, 6, 4, 5, 6]]);
  allClose(tensor(1).tile([]), [1]);
  allClose(repeatInterleave(x, 2), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
  allClose(x.repeatInterleave(2, 0), [[1, 2, 3], [1, 2, 3], [4, 5, 6], [4, 5, 6]]);
  allClose(x.repeatInterleave(int([0, 2, 1]), 1), [[2, 2, 3], [5, 5, 6]]);
  allClose(tensor([1, 2]).repeatInterleave(int([2])), [1, 1, 2, 2]);
  throwsError(() => x.repeat([2]), ShapeError, /fewer repeats than dimensions/);
  throwsError(() => x.repeat([1, -1]), ShapeError, /not a shape/);
  throwsError(() => x.repeatInterleave(-1), ShapeError, /not a shape/);
  throwsError(() => x.repeatInterleave(int([1, -1]), 0), ShapeError, /expected 2 numbers ≥ 0/);
  throwsError(() => x.repeatInterleave(int([1, 1]), 1), ShapeError, /expected 3 numbers/);
});

test('tril and triu', () => {
  allClose(ones([2, 3]).tril(), [[1, 0, 0], [1, 1, 0]]);
  allClose(ones([2, 3]).triu(1), [[0, 1, 1], [0, 0, 1]]);
  allClose(ones([2, 3]).tril(-9), zeros([2, 3]));
  allClose(ones([2, 3]).triu(-9), ones([2, 3]));
  allClose(six().t().tril(), [[1, 0], [2, 5], [3, 6]]);
  const x = ones([2, 2, 2]);
  x.transpose(0, 2).triu_();
  allClose(x, [[[1, 1], [0, 0]], [[1, 1], [1, 1]]]);
  throwsError(() => ones([3]).tril(), ShapeError, /not a matrix/);
  throwsError(() => ones([2, 2]).triu(0.5), ArgumentError, /not an integer/);
});

test('diagonal is a view; diag copies; trace sums', () => {
  const x = zeros([2, 3]);
  x.diagonal().fill_(1);
  x.t().diagonal(-1).fill_(2);
  allClose(x, [[1, 2, 0], [0, 1, 2]]);
  equal([...x.diagonal(-4).shape], [0]);
  equal([...zeros([2, 3, 4]).diagonal(1, -1, 0).shape], [3, 1]);
  allClose(arange(24).reshape([2, 3, 4]).diagonal(1, 1, 2), [[1, 6, 11], [13, 18, 23]]);
  allClose(diag(tensor([1, 2]), -1), [[0, 0, 0], [1, 0, 0], [0, 2, 0]]);
  const copy = x.diag();
  copy.fill_(9);
  allClose(x.diag(1), [2, 2]);
  allClose(diag(tensor([1, 2, 3, 4]).index([0, 2])), [[1, 0], [0, 3]]);
  is(tensor([[1, 2], [3, 4]], { dtype: 'int32' }).trace().dtype, 'int64');
  allClose(six().trace(), [6]);
  throwsError(() => x.diagonal(0, 1, -1), ShapeError, /a dimension with itself/);
  throwsError(() => tensor([1]).diagonal(), ShapeError, /out of range/);
  throwsError(() => diag(tensor(1)), ShapeError, /neither vector nor matrix/);
  throwsError(() => zeros([2, 2, 2]).trace(), ShapeError, /not a matrix/);
});

test('gradients flow through writes into a diagonal', () => {
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  const y = x.clone();
  y.diagonal().mul_(x.select(0, 1));
  y.sum().backward();
  // y = [[1·3, 2], [3, 4·4]]
  allClose(y, [[3, 2], [3, 16]]);
  allClose(x.grad as Tensor, [[3, 1], [2, 8]]);
});

test('meshgrid', () => {
  const [a, b] = meshgrid([tensor([1, 2]), tensor([3, 4, 5])]);
  allClose(a, [[1, 1, 1], [2, 2, 2]]);
  allClose(b, [[3, 4, 5], [3, 4, 5]]);
  const [c, d] = meshgrid([tensor([1, 2]), tensor([3, 4, 5])], { indexing: 'xy' });
  allClose(c, [[1, 2], [1, 2], [1, 2]]);
  allClose(d, [[3, 3], [4, 4], [5, 5]]);
  equal([...meshgrid([tensor(1), tensor([1, 2])], { indexing: 'xy' })[0].shape], [2, 1]);
  equal([...meshgrid([tensor([1, 2])], { indexing: 'xy' })[0].shape], [2]);
  equal(meshgrid(tensor([1, 2]), tensor([3, 4, 5]), { indexing: 'xy' }).map((x) => x.array()), [c.array(), d.array()]);
  equal(meshgrid(tensor([1, 2]), tensor([3, 4, 5])).map((x) => x.array()), [a.array(), b.array()]);
  throwsError(() => meshgrid([ones([1, 1])]), ShapeError, /not a vector/);
  throwsError(() => meshgrid(ones([1]), undefined as never, ones([1])), ArgumentError, /not a tensor/);
  throwsError(() => meshgrid([ones([1])], ones([1]) as object), ArgumentError, /options are not an object/);
  throwsError(() => meshgrid([ones([1]), int([1])]), DTypeError, /dtypes differ/);
  throwsError(() => meshgrid([ones([1])], { indexing: 'yx' as 'xy' }), ArgumentError, /expected 'ij' or 'xy'/);
  throwsError(() => meshgrid([]), ArgumentError, /not a list of tensors/);
});

test.run();

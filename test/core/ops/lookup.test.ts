import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, embedding, grad, oneHot, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const int = (data: readonly number[] | number | readonly (readonly number[])[]): Tensor => tensor(data, { dtype: 'int64' });

test('indexSelect', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  allClose(x.indexSelect(1, int([2, 0, 2])), [[3, 1, 3], [6, 4, 6]]);
  allClose(x.indexSelect(0, int(1)), [[4, 5, 6]]);
  allClose(x.t().indexSelect(0, int([1])), [[2, 5]]);
  equal([...tensor(3).indexSelect(0, int([0])).shape], []);
  equal([...x.indexSelect(0, int([])).shape], [0, 3]);
  throwsError(() => x.indexSelect(0, int([0, 2])), ShapeError, /^indexSelect: index out of range, got 2 for dimension 0 of size 2; expected 0 to 1$/);
  throwsError(() => x.indexSelect(0, int([-1])), ShapeError, /got -1/);
  throwsError(() => x.indexSelect(0, int([[0]])), ShapeError, /several dimensions/);
  throwsError(() => x.indexSelect(0, [0] as never), ArgumentError, /index is not a tensor/);
});

test('indexAdd and indexCopy', () => {
  const x = zeros([3, 2]);
  allClose(x.indexAdd(0, int([2, 0, 2]), tensor([[1, 2], [3, 4], [5, 6]])), [[3, 4], [0, 0], [6, 8]]);
  allClose(x.indexAdd(1, int([1]), tensor([[1], [2], [3]]), { alpha: -2 }), [[0, -2], [0, -4], [0, -6]]);
  allClose(x.indexCopy(0, int([1, 1]), tensor([[1, 2], [3, 4]])), [[0, 0], [3, 4], [0, 0]]);
  allClose(zeros([3]).indexCopy(0, int([1]), tensor(4)), [0, 4, 0]);
  allClose(tensor(3).indexAdd(0, int([0, 0]), tensor([1, 2])), [6]);
  const y = tensor([1, 2, 3]);
  is(y.indexAdd_(0, int([1, 2, 0]), y), y);
  allClose(y, [4, 3, 5]);
  const z = zeros([2, 3]);
  z.t().indexCopy_(0, int([2]), tensor([[7, 8]]));
  allClose(z, [[0, 0, 7], [0, 0, 8]]);
  throwsError(() => x.indexAdd_(0, int([0, 1]), tensor([[1, 2]])), ShapeError, /the source does not fit, got float32\[1, 2\] for float32\[3, 2\]; expected \[2, 2\]/);
  throwsError(() => x.indexAdd_(0, int([0, 3]), zeros([2, 2]).add(1)), ShapeError, /indexAdd_: index out of range, got 3/);
  throwsError(() => x.indexCopy_(0, int([0]), tensor([[1, 2]], { dtype: 'float64' })), DTypeError, /another dtype/);
  throwsError(() => int([1]).indexAdd(0, int([0]), int([1]), { alpha: 0.5 }), DTypeError, /alpha has a fraction/);
  throwsError(() => x.indexAdd(0, int([0]), zeros([1, 2]), { beta: 1 } as object), ArgumentError, /unknown option/);
  allClose(x, [0, 0, 0, 0, 0, 0]);
});

test('indexFill and take count from the end too', () => {
  allClose(zeros([3, 2]).indexFill(0, int([-1, 0]), 5), [[5, 5], [0, 0], [5, 5]]);
  allClose(zeros([3]).indexFill_(0, int([]), 5), [0, 0, 0]);
  allClose(zeros([2]).indexFill(0, int(1), tensor(2)), [0, 2]);
  allClose(tensor([[1, 2], [3, 4]]).t().take(int([[1, -1]])), [[3, 4]]);
  equal([...tensor([[1, 2]]).take(int(1)).shape], []);
  throwsError(() => zeros([2, 2]).take(int([4])), ShapeError, /^take: index out of range, got 4 for dimension 0 of size 4; expected -4 to 3$/);
  throwsError(() => zeros([3]).indexFill(0, int([3]), 1), ShapeError, /expected -3 to 2/);
  throwsError(() => zeros([3]).indexFill(0, int([1]), tensor([1])), ShapeError, /not a scalar/);
});

test('embedding: rows, and the gradients PyTorch gives', () => {
  const weight = tensor([[1, 2], [3, 4], [5, 6]], { dtype: 'float64', requiresGrad: true });
  const input = int([[2, 0], [2, 1]]);
  const y = embedding(input, weight);
  allClose(y, [[[5, 6], [1, 2]], [[5, 6], [3, 4]]]);
  const scale = tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]);
  allClose(grad(y.mul(scale).sum(), weight)[0], [[3, 4], [7, 8], [6, 8]]);
  // torch.nn.functional.embedding(..., padding_idx=-1)
  const [g] = grad(embedding(input, weight, { paddingIdx: -1 }).mul(scale).square().sum(), weight, { createGraph: true });
  allClose(g, [[18, 64], [294, 512], [0, 0]]);
  allClose(grad(g.sum(), weight)[0], [[18, 32], [98, 128], [0, 0]]);
  equal([...embedding(int(1), weight).shape], [2]);
  equal([...embedding(zeros([0, 3], { dtype: 'int64' }), weight).shape], [0, 3, 2]);
  throwsError(() => embedding(int([3]), weight), ShapeError, /^embedding: index out of range, got 3 for dimension 0 of size 3; expected 0 to 2$/);
  throwsError(() => embedding(int([-1]), weight), ShapeError, /got -1/);
  throwsError(() => embedding(tensor([1]), weight), DTypeError, /not made of whole numbers/);
  throwsError(() => embedding(int([0]), zeros([3])), ShapeError, /not a table/);
  throwsError(() => embedding(int([0]), weight, { paddingIdx: 3 }), ArgumentError, /invalid paddingIdx, got 3; expected a row from -3 to 2/);
});

test('oneHot', () => {
  const y = oneHot(int([[2], [0]]));
  is(y.dtype, 'int64');
  allClose(y, [[[0, 0, 1]], [[1, 0, 0]]]);
  allClose(oneHot(int(1), 3), [0, 1, 0]);
  equal([...oneHot(int([]), 3).shape], [0, 3]);
  throwsError(() => oneHot(int([1, 3]), 3), ShapeError, /class out of range, got 3; expected 0 to 2/);
  throwsError(() => oneHot(int([-1, 1])), ShapeError, /got -1/);
  throwsError(() => oneHot(int([])), ArgumentError, /number of classes is open/);
  throwsError(() => oneHot(int([1]), 0), ShapeError, /expected no class/);
  throwsError(() => oneHot(int([1]), -2), ArgumentError, /invalid numClasses/);
  throwsError(() => oneHot(tensor([1])), DTypeError, /not whole numbers/);
});

test.run();

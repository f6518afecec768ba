import { test } from 'uvu';
import { DTypeError, ShapeError, type Tensor, nonzero, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

test('nonzero: positions in row-major order', () => {
  const x = tensor([[0, 1, NaN], [-2, 0, 0]]);
  const rows = nonzero(x);
  is(rows.dtype, 'int64');
  allClose(rows, [[0, 1], [0, 2], [1, 0]]);
  allClose(x.t().nonzero(), [[0, 1], [1, 0], [2, 0]]);
  const [i, j] = x.nonzero({ asTuple: true });
  allClose(i, [0, 0, 1]);
  allClose(j, [1, 2, 0]);
  allClose(x.index(i, j), [1, NaN, -2]);
});

test('nonzero of scalars and of nothing', () => {
  equal([...tensor(3).nonzero().shape], [1, 0]);
  equal([...tensor(0).nonzero().shape], [0, 0]);
  const [only, ...more] = tensor(3).nonzero({ asTuple: true });
  allClose(only, [0]);
  is(more.length, 0);
  equal([...zeros([0, 2]).nonzero().shape], [0, 2]);
  throwsError(() => nonzero(zeros([2]), { as_tuple: true } as object), Error, /did you mean 'asTuple'/);
});

test('maskedSelect broadcasts both', () => {
  allClose(tensor([1, 2, 3]).maskedSelect(tensor([[true], [false], [true]])), [1, 2, 3, 1, 2, 3]);
  allClose(tensor([[1], [2]]).maskedSelect(tensor([true, false])), [1, 2]);
  equal([...tensor(3).maskedSelect(tensor(true)).shape], [1]);
  const x = tensor([1, 2, 3], { requiresGrad: true });
  x.maskedSelect(tensor([true, false, true])).mul(2).sum().backward();
  allClose(x.grad as Tensor, [2, 0, 2]);
  throwsError(() => zeros([2]).maskedSelect(tensor([1, 0])), DTypeError, /the mask is not bool/);
  throwsError(() => zeros([2]).maskedSelect(tensor([true, false, true])), ShapeError, /do not broadcast/);
});

test('maskedScatter fills in order', () => {
  allClose(tensor([0, 1, 2]).maskedScatter(tensor([[true], [false]]), tensor([7, 8, 9])), [[7, 8, 9], [0, 1, 2]]);
  const x = zeros([2, 2]);
  is(x.t().maskedScatter_(tensor([[false, true], [true, false]]), tensor([[1, 2]])).storage, x.storage);
  allClose(x, [[0, 2], [1, 0]]);
  allClose(tensor(3).maskedScatter_(tensor(true), tensor([5])), [5]);
  throwsError(() => x.maskedScatter_(tensor(true), tensor([1, 2, 3])), ShapeError, /the source is too small, got 3 elements for 4 places/);
  throwsError(() => x.maskedScatter_(tensor([true, false]), tensor([true, true])), DTypeError, /another dtype/);
  allClose(x, [[0, 2], [1, 0]]);
});

test.run();

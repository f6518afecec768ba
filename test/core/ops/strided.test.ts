import { test } from 'uvu';
import { DTypeError, ShapeError, asStrided, emptyStrided, gradcheck, tensor, zeros } from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

test('asStrided looks into the storage from where the tensor begins, or from an offset', () => {
  const x = tensor([[0, 1, 2], [3, 4, 5]]);
  equal(asStrided(x, [2, 2], [1, 2]).array(), [[0, 2], [1, 3]]);
  equal(x.select(0, 1).asStrided([2], [2]).array(), [3, 5]);
  equal(x.select(0, 1).asStrided([2], [2], 0).array(), [0, 2]);
  x.asStrided([3], [2]).fill_(9);
  equal(x.array(), [[9, 1, 9], [3, 9, 5]]);
});

test('gradients add up where cells of a window meet', () => {
  const x = tensor([1, 2, 3, 4], { dtype: 'float64', requiresGrad: true });
  x.asStrided([3, 2], [1, 1]).sum().backward();
  equal(x.grad?.array(), [1, 2, 2, 1]);
  gradcheck((y) => y.asStrided([3, 2], [1, 1]).square(), [x]);
});

test('emptyStrided has the strides it was asked for', () => {
  const x = emptyStrided([2, 3], [1, 2]);
  equal([x.shape, x.stride()], [[2, 3], [1, 2]]);
  x.copy_(tensor([[1, 2, 3], [4, 5, 6]]));
  equal(x.array(), [[1, 2, 3], [4, 5, 6]]);
  equal([...x.storage.cells.subarray(0, 6)], [1, 4, 2, 5, 3, 6]);
  equal(emptyStrided([2, 0], [5, 1]).numel(), 0);
  equal(emptyStrided([], []).array(), 0);
  const y = tensor([1, 2], { dtype: 'float64' }).newEmptyStrided([2, 2], [1, 2]);
  equal([y.dtype, y.stride()], ['float64', [1, 2]]);
  ok(emptyStrided([2], [1], { requiresGrad: true }).requiresGrad);
  is(emptyStrided([2], [2], { dtype: 'int64' }).dtype, 'int64');
});

test('bad strides are refused', () => {
  throwsError(() => emptyStrided([2, 2], [1]), ShapeError, /emptyStrided: strides do not fit, got \[1\] for \[2, 2\]/);
  throwsError(() => emptyStrided([2], [-1]), ShapeError, /expected an integer ≥ 0 per dimension/);
  throwsError(() => emptyStrided([2], [1], { dtype: 'int64', requiresGrad: true }), DTypeError, /only floats carry gradients/);
  throwsError(() => asStrided(zeros([4]), [2, 3], [2, 1]), ShapeError, /asStrided: reaches outside the storage, got elements 0 to 4; expected 0 to 3/);
});

test.run();

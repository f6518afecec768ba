import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, allclose, equal as same, isclose, tensor, zeros } from '../../../index.ts';
import { allClose, is, throwsError } from '../../assert.ts';

const double = (data: readonly number[]): ReturnType<typeof tensor> => tensor([...data], { dtype: 'float64' });

test('isclose: relative to the second value; infinities only to themselves', () => {
  const x = double([1, Infinity, Infinity, NaN, 0, 1e10]);
  const y = double([1 + 1e-6, Infinity, -Infinity, NaN, 1e-9, 1.00001e10]);
  allClose(isclose(x, y), [1, 1, 0, 0, 1, 1]);
  allClose(isclose(x, y, { equalNan: true }), [1, 1, 0, 1, 1, 1]);
  allClose(isclose(double([1, Infinity]), double([Infinity, Infinity])), [0, 1]);
  is(isclose(x, y).dtype, 'bool');
  is(isclose(double([1]), double([1.1]), { rtol: 0.1 }).item(), 1);
  is(isclose(double([1.1]), double([1]), { rtol: 0.1, atol: 0 }).item(), 0);
});

test('allclose and equal give booleans', () => {
  is(allclose(tensor([1, 2]), tensor([1, 2 + 1e-6])), true);
  is(allclose(tensor([1, 2]), tensor([1, 2.1])), false);
  is(tensor([1, 1]).allclose(tensor(1)), true);
  is(zeros([0]).allclose(zeros([0])), true);
  is(same(tensor([1, 2]), tensor([1, 2])), true);
  is(tensor([1, 2]).equal(tensor([1, 3])), false);
  is(same(zeros([2]), zeros([1, 2])), false);
  is(same(tensor([NaN]), tensor([NaN])), false);
  is(same(zeros([0]), zeros([0])), true);
  is(same(tensor([1], { dtype: 'float64' }), tensor([1])), true);
});

test('bad arguments are refused', () => {
  throwsError(() => isclose(double([1]), tensor([1])), DTypeError, /isclose: dtypes differ, got float64\[1\] and float32\[1\]/);
  throwsError(() => allclose(tensor([1]), tensor([1]), { rtol: -1 }), ArgumentError, /allclose: invalid rtol, got -1/);
  throwsError(() => allclose(tensor([1]), tensor([1]), { atol: NaN }), ArgumentError, /allclose: invalid atol/);
  throwsError(() => isclose(tensor([1]), tensor([1]), { equalNan: 1 } as never), ArgumentError, /equalNan is not a boolean/);
  throwsError(() => isclose(tensor([1]), 1 as never), ArgumentError, /isclose: other is not a tensor/);
  throwsError(() => isclose(zeros([2]), zeros([3])), ShapeError, /isclose: shapes do not broadcast/);
});

test.run();

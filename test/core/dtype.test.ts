import { test } from 'uvu';
import { checkDType, checkRange, isFloat, isInteger, itemSize, makeArray, range, toFloat } from '../../core/dtype.ts';
import { ArgumentError, DTypeError, add, canCast, dtypes, ones, promoteTypes, resultType, tensor, zeros } from '../../index.ts';
import { equal, is, throwsError } from '../assert.ts';

test('sizes, arrays and kinds', () => {
  equal(dtypes.map(itemSize), [1, 1, 4, 4, 4, 8]);
  equal(dtypes.map((d) => makeArray(d, 2).constructor.name), ['Uint8Array', 'Uint8Array', 'Int32Array', 'Int32Array', 'Float32Array', 'Float64Array']);
  equal(dtypes.filter(isFloat), ['float32', 'float64']);
  equal(dtypes.filter(isInteger), ['uint8', 'int32', 'int64']);
  equal(dtypes.map(toFloat), ['float32', 'float32', 'float32', 'float32', 'float32', 'float64']);
  is(range('int32').max, 2147483647);
});

test('promoteTypes is the table of PyTorch for these dtypes', () => {
  for (const [i, a] of dtypes.entries()) for (const [j, b] of dtypes.entries()) is(promoteTypes(a, b), dtypes[Math.max(i, j)]);
});

test('resultType: dimensions before scalars before numbers', () => {
  const int = ones([2], { dtype: 'int32' });
  const float = ones([2]);
  const scalar64 = ones([], { dtype: 'float64' });
  is(resultType(int, float), 'float32');
  is(resultType(float, scalar64), 'float32');
  is(resultType(int, scalar64), 'float64');
  is(resultType(int, 2), 'int32');
  is(resultType(int, 2.5), 'float32');
  is(resultType(ones([2], { dtype: 'uint8' }), ones([], { dtype: 'int64' })), 'uint8');
  is(resultType(ones([2], { dtype: 'bool' }), 1), 'int64');
  is(resultType(ones([2], { dtype: 'bool' }), true), 'bool');
  is(resultType(scalar64, ones([])), 'float64');
  is(resultType(1, 2), 'int64');
  is(resultType(1, 2.5), 'float32');
  is(resultType(), 'float32');
});

test('operations follow it', () => {
  is(add(ones([2], { dtype: 'int64' }), ones([2], { dtype: 'uint8' })).dtype, 'int64');
  is(ones([2], { dtype: 'int64' }).div(2).dtype, 'float32');
  is(ones([2], { dtype: 'bool' }).add(ones([2], { dtype: 'bool' })).dtype, 'bool');
  is(ones([2], { dtype: 'bool' }).sum().dtype, 'int64');
  is(zeros([2], { dtype: 'int32' }).exp().dtype, 'float32');
});

test('canCast follows the categories', () => {
  is(canCast('float64', 'float32'), true);
  is(canCast('int64', 'uint8'), true);
  is(canCast('float32', 'int64'), false);
  is(canCast('int32', 'bool'), false);
  is(canCast('bool', 'uint8'), true);
});

test('names and ranges are checked', () => {
  throwsError(() => checkDType('op', 'float16'), ArgumentError, /unknown dtype, got 'float16'/);
  throwsError(() => checkDType('op', 'toString'), ArgumentError, /unknown dtype/);
  throwsError(() => checkDType('op', undefined), ArgumentError, /unknown dtype/);
  checkRange('op', 255, 'uint8');
  throwsError(() => checkRange('op', 256, 'uint8'), DTypeError, /does not fit uint8, got 256; expected 0 to 255/);
  throwsError(() => checkRange('op', 2 ** 31, 'int64'), DTypeError, /hint: int64 is kept as 32-bit/);
  throwsError(() => checkRange('op', NaN, 'int32'), DTypeError, /does not fit/);
  throwsError(() => tensor([2 ** 40], { dtype: 'int64' }), DTypeError, /does not fit int64/);
});

test.run();

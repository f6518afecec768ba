import { test } from 'uvu';
import { ArgumentError, asTensor, tensor } from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

test('a tensor that fits is returned itself', () => {
  const x = tensor([1, 2]);
  ok(asTensor(x) === x);
  ok(asTensor(x, { dtype: 'float32', device: 'cpu' }) === x);
});

test('another dtype keeps the history', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = asTensor(x, { dtype: 'float64' });
  is(y.dtype, 'float64');
  y.sum().backward();
  equal(x.grad?.array(), [1, 1]);
});

test('anything else is copied', () => {
  equal(asTensor([[1, 2]]).shape, [1, 2]);
  is(asTensor([true]).dtype, 'bool');
  const cells = Float64Array.of(1, 2);
  const x = asTensor(cells);
  cells[0] = 9;
  equal([x.dtype, x.array()], ['float64', [1, 2]]);
  throwsError(() => asTensor([1], { requiresGrad: true } as never), ArgumentError, /asTensor: unknown option, got 'requiresGrad'/);
});

test.run();

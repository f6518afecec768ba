import { test } from 'uvu';
import { ArgumentError, DTypeError, clamp, clampMax, clampMin, fill, grad, round, tensor, where } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const mask = tensor([true, false, true]);

test('where with numbers and booleans on either side', () => {
  is(where(mask, 1, 2).dtype, 'int64');
  is(where(mask, 1, 2.5).dtype, 'float32');
  is(where(mask, true, false).dtype, 'bool');
  is(where(mask, true, 2).dtype, 'int64');
  is(where(mask, tensor([1, 2, 3], { dtype: 'uint8' }), true).dtype, 'uint8');
  allClose(where(mask, 1, 2.5), [1, 2.5, 1]);
  throwsError(() => where(tensor([1, 0]), 1, 2), DTypeError, /where: the mask is not bool/);
  throwsError(() => where(mask, 'x' as never, 2), ArgumentError, /where: input is not a tensor or number/);
});

test('where with the condition alone gives positions', () => {
  equal(where(tensor([[1, 0], [0, 2]])).map((x) => [...x.data()]), [[0, 1], [0, 1]]);
});

test('as a method, the tensor comes first, also among bools', () => {
  allClose(tensor([1, 2, 3]).where(mask, 0), [1, 0, 3]);
  allClose(tensor([false, false, false]).where(mask, tensor([true, true, true])), [0, 1, 0]);
});

test('clamp with bounds of every kind', () => {
  const x = tensor([1, 2, 3], { dtype: 'int64' });
  is(clamp(x, 1.5).dtype, 'float32');
  allClose(clamp(tensor([1, 2, 3]), 3, 1), [1, 1, 1]);
  allClose(clamp(tensor([NaN, 5]), 0, 2), [NaN, 2]);
  allClose(clamp(x, { max: tensor([1, 5, 2], { dtype: 'int64' }) }), [1, 2, 2]);
  allClose(clampMin(x, 2), [2, 2, 3]);
  allClose(clampMax(x, { max: 2 }), [1, 2, 2]);
  throwsError(() => clampMin(x, { max: 2 } as never), ArgumentError, /clampMin: unknown option/);
  throwsError(() => clampMin(x, undefined as never), ArgumentError, /clampMin: min is not a tensor or number/);
  throwsError(() => x.clamp_(0.5), DTypeError, /does not fit in place/);
  throwsError(() => clamp(mask, mask, mask), DTypeError, /clamp: bools have no order/);
});

test('gradients of clamp at its bounds, and where they cross', () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  const low = tensor([1, 2.5, 1], { requiresGrad: true });
  const high = tensor([2, 2, 3], { requiresGrad: true });
  const [gx, gl, gh] = grad(clamp(x, low, high).sum(), [x, low, high]);
  allClose(gx, [1, 0, 1]);
  allClose(gl, [0, 0, 0]);
  allClose(gh, [0, 1, 0]);
});

test('round to decimals', () => {
  allClose(round(tensor([1.25, -1.75, 2.5, 1234.5], { dtype: 'float64' }), { decimals: 1 }), [1.2, -1.8, 2.5, 1234.5]);
  allClose(round(tensor([1250, 149]), { decimals: -2 }), [1200, 100]);
  allClose(round(tensor([2.5, 3.5, -0.5])), [2, 4, 0]);
  throwsError(() => round(tensor([1], { dtype: 'int64' }), { decimals: 1 }), DTypeError, /round: decimals are for floats/);
  throwsError(() => round(tensor([1]), { decimals: 0.5 }), ArgumentError, /round: decimals is not a whole number/);
  throwsError(() => round(mask), DTypeError, /round: not defined for bool/);
});

test('fill leaves the tensor as it is', () => {
  const x = tensor([1, 2]);
  allClose(fill(x, 3), [3, 3]);
  allClose(x, [1, 2]);
});

test.run();

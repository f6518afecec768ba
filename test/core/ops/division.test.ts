import { test } from 'uvu';
import { ArgumentError, div, floorDivide, fmod, grad, remainder, tensor } from '../../../index.ts';
import { allClose, is, throwsError } from '../../assert.ts';

test('fmod has the sign of the dividend, remainder that of the divisor', () => {
  const x = tensor([5, -5, 5, -5, 1, Infinity, 3, -3]);
  const y = tensor([3, 3, -3, -3, 0, 2, Infinity, Infinity]);
  allClose(fmod(x, y), [2, -2, 2, -2, NaN, NaN, 3, -3]);
  allClose(remainder(x, y), [2, 1, -1, -2, NaN, NaN, 3, Infinity]);
});

test('rounding down goes by the remainder, not by the rounded quotient', () => {
  const x = tensor([1, -7, 7, -1, 1, 0, Infinity, 1, -1], { dtype: 'float64' });
  const y = tensor([0.1, 2, -2, 3, 0, 0, 2, Infinity, Infinity], { dtype: 'float64' });
  const expected = [9, -4, -4, -1, Infinity, NaN, NaN, 0, -1];
  allClose(floorDivide(x, y), expected);
  allClose(div(x, y, { roundingMode: 'floor' }), expected);
  allClose(div(tensor([-7, 7]), 2, { roundingMode: 'trunc' }), [-3, 3]);
});

test('integers stay integers, except in a true quotient', () => {
  const n = tensor([-7, 7, -7], { dtype: 'int64' });
  const m = tensor([2, -2, -2], { dtype: 'int64' });
  allClose(floorDivide(n, m), [-4, -4, 3]);
  is(floorDivide(n, m).dtype, 'int64');
  allClose(fmod(n, 3), [-1, 1, -1]);
  is(div(n, m).dtype, 'float32');
  is(div(n, m, { roundingMode: 'floor' }).dtype, 'int64');
});

test('integers are not divided by 0', () => {
  const n = tensor([1, 2], { dtype: 'int64' });
  for (const fn of [floorDivide, fmod, remainder]) {
    throwsError(() => fn(n, 0), ArgumentError, /integer division by zero/);
    throwsError(() => fn(n, tensor([1, 0], { dtype: 'int64' })), ArgumentError, /integer division by zero/);
  }
  throwsError(() => n.remainder_(0), ArgumentError, /remainder_: integer division by zero/);
  throwsError(() => n.div(0, { roundingMode: 'floor' }), ArgumentError, /div: integer division by zero/);
  allClose(n.div(0), [Infinity, Infinity]);
  allClose(n, [1, 2]);
});

test('gradients of the remainders', () => {
  const x = tensor([5, -5], { dtype: 'float64', requiresGrad: true });
  const y = tensor([3, 3], { dtype: 'float64', requiresGrad: true });
  const [gx, gy] = grad(fmod(x, y).sum(), [x, y]);
  allClose(gx, [1, 1]);
  allClose(gy, [-1, 1]);
  allClose(grad(remainder(x, y).sum(), y)[0], [-1, 2]);
  is(floorDivide(x, y).requiresGrad, false);
});

test('bad arguments are refused', () => {
  throwsError(() => div(tensor([1]), 2, { roundingMode: 'ceil' } as never), ArgumentError, /div: unknown roundingMode/);
  throwsError(() => fmod(tensor([1]), '2' as never), ArgumentError, /fmod: other is not a tensor or number/);
});

test.run();

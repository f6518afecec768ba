import { test } from 'uvu';
import {
  ArgumentError, DTypeError, type DType, abs, addcdiv, bitwiseLeftShift, bitwiseRightShift, div, floatPower, floor, fmax, fmin, gcd, grad, heaviside, lcm, ldexp, logaddexp2, pow, remainder, rsub,
  square, sub, tensor,
} from '../../../index.ts';
import { allClose, is, throwsError } from '../../assert.ts';

const whole = (data: readonly number[], dtype: DType = 'int64') => tensor([...data], { dtype });

test('fmax and fmin pass over NaN; the first gets the gradient of a tie', () => {
  const x = tensor([1, NaN, NaN, 2], { requiresGrad: true });
  const y = tensor([1, 5, NaN, 3], { requiresGrad: true });
  allClose(fmax(x, y), [1, 5, NaN, 3]);
  allClose(fmin(x, y), [1, 5, NaN, 2]);
  const [gx, gy] = grad(fmax(x, y).sum(), [x, y]);
  allClose(gx, [1, 0, 1, 0]);
  allClose(gy, [0, 1, 0, 1]);
  throwsError(() => fmax(x, 2 as never), ArgumentError, /fmax: other is not a tensor/);
});

test('logaddexp2 of large and infinite values', () => {
  allClose(logaddexp2(tensor([1000, -Infinity, Infinity, 3]), tensor([1000, -Infinity, Infinity, 4])), [1001, -Infinity, Infinity, 4.584962500721156]);
  throwsError(() => logaddexp2(whole([1]), whole([1])), DTypeError, /logaddexp2: not a float tensor/);
});

test('divisors and multiples', () => {
  allClose(gcd(whole([12, -12, 0, 0, 7]), whole([18, 8, 5, 0, 3])), [6, 4, 5, 0, 1]);
  allClose(lcm(whole([4, -4, 0, 6]), whole([6, 6, 5, 4])), [12, 12, 0, 12]);
  is(gcd(whole([4], 'uint8'), whole([6], 'int32')).dtype, 'int32');
  throwsError(() => gcd(tensor([1]), whole([2])), DTypeError, /gcd: not an integer tensor, got float32/);
  throwsError(() => lcm(tensor([true]), tensor([true])), DTypeError, /lcm: not an integer tensor, got bool/);
});

test('shifts, also by more bits than there are', () => {
  allClose(bitwiseLeftShift(whole([1, -3, 5]), whole([4, 2, 0])), [16, -12, 5]);
  allClose(bitwiseLeftShift(whole([1, 255, 3], 'uint8'), whole([7, 1, 9], 'uint8')), [128, 254, 0]);
  allClose(bitwiseLeftShift(whole([3, 1], 'int32'), 31), [-(2 ** 31), -(2 ** 31)]);
  allClose(bitwiseRightShift(whole([16, -5, -5, 7]), whole([2, 1, 70, -1])), [4, -3, -1, 0]);
  allClose(whole([3]).bitwiseLeftShift_(2), [12]);
  throwsError(() => bitwiseLeftShift(whole([1]), 40), DTypeError, /does not fit int64/);
  for (const x of [tensor([1]), tensor([true])]) throwsError(() => bitwiseRightShift(x, x), DTypeError, /bitwiseRightShift: only integers/);
});

test('ldexp and floatPower', () => {
  allClose(ldexp(tensor([0.5, 3]), whole([3, -1])), [4, 1.5]);
  is(ldexp(whole([3]), whole([2])).dtype, 'float32');
  is(floatPower(whole([2]), whole([-1])).item(), 0.5);
  is(floatPower(2, tensor([3])).dtype, 'float64');
  throwsError(() => tensor([1]).floatPower_(2), DTypeError, /floatPower_: the result is float64/);
  allClose(tensor([3], { dtype: 'float64' }).floatPower_(2), [9]);
});

test('bools and integers that PyTorch refuses', () => {
  const yes = tensor([true, false]);
  for (const f of [() => sub(tensor([1, 2]), yes), () => sub(yes, 1), () => rsub(yes, 1)]) throwsError(f, DTypeError, /bools have no difference/);
  throwsError(() => rsub(yes, yes), DTypeError, /rsub: bools have no difference/);
  for (const f of [abs, floor]) throwsError(() => f(yes), DTypeError, /not defined for bool/);
  is(square(yes).dtype, 'int64');
  throwsError(() => pow(whole([2]), -1), DTypeError, /pow: integers have no negative power/);
  throwsError(() => pow(yes, yes), DTypeError, /pow: bools have no power/);
  allClose(pow(2, whole([3, 0])), [8, 1]);
  throwsError(() => remainder(yes, tensor([true])), DTypeError, /remainder: bools are not divided/);
  throwsError(() => div(yes, tensor([true]), { roundingMode: 'floor' }), DTypeError, /div: bools are not divided/);
  throwsError(() => heaviside(tensor([1]), whole([1])), DTypeError, /heaviside: dtypes differ/);
  throwsError(() => addcdiv(tensor([1]), whole([1]), whole([2])), DTypeError, /addcdiv: integers have no quotient/);
});

test('a power of a bool tensor has a gradient', () => {
  const x = tensor([2, 3], { requiresGrad: true });
  allClose(grad(x.pow(tensor([true, false])).sum(), x)[0], [1, 0]);
});

test.run();

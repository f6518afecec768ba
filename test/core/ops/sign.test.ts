import { test } from 'uvu';
import { DTypeError, angle, copysign, deg2rad, frexp, grad, isneginf, isposinf, isreal, nextafter, positive, rad2deg, real, sgn, signbit, tensor } from '../../../index.ts';
import { allClose, is, ok, throwsError } from '../../assert.ts';

test('the sign of zeros counts', () => {
  allClose(signbit(tensor([0, -0, -1, 1, NaN, -Infinity])), [0, 1, 1, 0, 0, 1]);
  ok(Object.is(copysign(tensor([0]), -1).data()[0], -0));
  allClose(copysign(tensor([1, -2, 3]), tensor([-0, 0, -0])), [-1, 2, -3]);
  is(copysign(tensor([1], { dtype: 'int64' }), -2).dtype, 'float32');
  const x = tensor([2, 0, -3], { requiresGrad: true });
  allClose(grad(copysign(x, -1).sum(), x)[0], [-1, 0, 1]);
});

test('infinities by their sign', () => {
  const x = tensor([Infinity, -Infinity, NaN, 1]);
  allClose(isposinf(x), [1, 0, 0, 0]);
  allClose(isneginf(x), [0, 1, 0, 0]);
  allClose(isreal(x), [1, 1, 1, 1]);
  is(isposinf(tensor([1], { dtype: 'int64' })).item(), 0);
});

test('angles', () => {
  allClose(angle(tensor([-2, 0, 3, NaN, -Infinity])), [Math.PI, 0, 0, NaN, Math.PI]);
  is(angle(tensor([-2], { dtype: 'int32' })).dtype, 'float32');
  allClose(deg2rad(tensor([180, -90])), [Math.PI, -Math.PI / 2]);
  allClose(rad2deg(tensor([Math.PI])), [180]);
});

test('what a real tensor is to itself', () => {
  const x = tensor([1, -2]);
  ok(real(x) === x);
  ok(positive(x) === x);
  throwsError(() => positive(tensor([true])), DTypeError, /positive: bools have no sign/);
  is(sgn(tensor([true, false])).dtype, 'bool');
});

test('the next float of each precision', () => {
  const [x, y] = [tensor([1, 0, -1, 0, NaN, 3]), tensor([2, 1, Infinity, -1, 0, 3])];
  allClose(nextafter(x, y), [1 + 2 ** -23, 2 ** -149, -1 + 2 ** -24, -(2 ** -149), NaN, 3], { rtol: 0, atol: 0 });
  allClose(nextafter(x.to('float64'), y.to('float64')), [1 + 2 ** -52, 5e-324, -1 + 2 ** -53, -5e-324, NaN, 3], { rtol: 0, atol: 0 });
  is(nextafter(tensor([Infinity]), tensor([0])).item(), 3.4028234663852886e38);
  throwsError(() => nextafter(tensor([1], { dtype: 'int64' }), tensor([2], { dtype: 'int64' })), DTypeError, /nextafter: not a float tensor/);
});

test('mantissa and exponent give the number back', () => {
  const x = tensor([0, -0, 1, -3, 0.3, 1e-310, 2 ** -1074, 1.7e308, Infinity, NaN], { dtype: 'float64' });
  const { mantissa, exponent } = frexp(x);
  is(exponent.dtype, 'int32');
  allClose(mantissa, [0, 0, 0.5, -0.75, 0.6, 0.5752618031559404, 0.5, 0.9456563898655606, Infinity, NaN], { rtol: 1e-15 });
  allClose(exponent, [0, 0, 1, 2, -1, -1029, -1073, 1024, 0, 0]);
  const [m, p] = frexp(tensor([12]));
  allClose([m.item(), p.item()], [0.75, 4]);
  throwsError(() => frexp(tensor([1], { dtype: 'int64' })), DTypeError, /frexp: not a float tensor/);
});

test.run();

import { test } from 'uvu';
import {
  ArgumentError, DTypeError, type Tensor, acosh, asinh, atanh, digamma, erfc, erfinv, frac, grad, heaviside, hypot, lgamma, logaddexp, logit, nanToNum, polygamma, sinc, tensor, xlogy,
} from '../../../index.ts';
import { allClose, is, throwsError } from '../../assert.ts';

const double = (data: readonly number[]): Tensor => tensor([...data], { dtype: 'float64', requiresGrad: true });
const tight = { rtol: 1e-11, atol: 1e-300 };

test('inverse hyperbolic functions, at the ends of their domains', () => {
  allClose(asinh(double([-1e-9, 1e9])), [-1e-9, 21.416413017506354], tight);
  allClose(acosh(double([0.5, 1, 2])), [NaN, 0, 1.3169578969248166], tight);
  allClose(atanh(double([-1, 0.5, 1, 2])), [-Infinity, 0.5493061443340548, Infinity, NaN], tight);
});

test('error functions in the tails', () => {
  allClose(erfc(double([-3, 0, 0.5, 3, 10])), [1.9999779095030015, 1, 0.4795001221869535, 2.209049699858544e-5, 2.088487583762545e-45], tight);
  allClose(erfinv(double([-1, -0.999, 0, 0.5, 0.999999, 1, 1.5])), [-Infinity, -2.3267537655135153, 0, 0.4769362762044699, 3.458910737283175, Infinity, NaN], tight);
});

test('gamma functions, also below 0 and at the poles', () => {
  allClose(lgamma(double([-1.5, 0, 0.5, 1, 2, 10, 100.5, -2])), [0.860047015376481, Infinity, 0.5723649429247001, 0, 0, 12.801827480081469, 361.4355404677776, Infinity], { rtol: 1e-11, atol: 1e-14 });
  allClose(digamma(double([-1.5, 0, 0.5, 1, 10, -1])), [0.7031566406452433, -Infinity, -1.9635100260214229, -0.5772156649015328, 2.251752589066721, NaN], { rtol: 1e-10 });
});

// Order 1 from torch.special.zeta(2, x), which is more precise than torch.polygamma.
test('polygamma of order 0 to 3', () => {
  const x = double([0.1, 0.5, 1, 3.7, 50]);
  allClose(polygamma(1, x), [101.43329915079275, 4.93480220054468, 1.6449340668482266, 0.31003785767003833, 0.020201333226697128], tight);
  allClose(polygamma(2, x), [-2001.8614573783439, -16.828796644234316, -2.404113806319188, -0.09539530872855405, -0.000408079989337597], tight);
  allClose(polygamma(3, x), [60004.512876790235, 97.40909103400242, 6.493939402266829, 0.05827921795656364, 1.6486398720682055e-5], tight);
  allClose(polygamma(1, double([-0.5, -2.3, 0, -1, NaN, -Infinity])), [8.934802200544679, 14.725912160961292, Infinity, Infinity, NaN, NaN], tight);
  allClose(polygamma(0, x), digamma(x));
  throwsError(() => polygamma(-1, x), ArgumentError, /polygamma: invalid n, got -1/);
  throwsError(() => polygamma(1.5, x), ArgumentError, /polygamma: invalid n/);
});

test('frac and sinc', () => {
  allClose(frac(tensor([1.5, -1.25, 3])), [0.5, -0.25, 0]);
  const x = double([0, 0.5, 1, -1.5]);
  allClose(sinc(x), [1, 0.6366197723675814, 0, -0.2122065907891938], { atol: 1e-15 });
  allClose(grad(sinc(x).sum(), x)[0], [0, -1.2732395447351625, -1, -0.14147106052612907]);
  throwsError(() => frac(tensor([1], { dtype: 'int64' })), DTypeError, /frac: not a float tensor/);
});

test('logit with and without eps', () => {
  const x = double([0, 0.25, 1, 1.5]);
  allClose(logit(x), [-Infinity, -1.0986122886681098, Infinity, NaN]);
  allClose(grad(logit(x).sum(), x)[0], [Infinity, 5.333333333333333, Infinity, NaN]);
  for (const y of [logit(x, 0.01), logit(x, { eps: 0.01 })]) {
    allClose(y, [-4.59511985013459, -1.0986122886681098, 4.595119850134589, 4.595119850134589]);
    allClose(grad(y.sum(), x)[0], [0, 5.333333333333333, 0, 0]);
  }
  throwsError(() => logit(x, 0.7), ArgumentError, /logit: invalid eps, got 0.7/);
  throwsError(() => logit(x, { epsilon: 0.1 } as never), ArgumentError, /logit: unknown option/);
});

test('nanToNum: the largest finite values by default, the gradient of what was finite', () => {
  allClose(nanToNum(tensor([NaN, Infinity, -Infinity, 1])), [0, 3.4028234663852886e38, -3.4028234663852886e38, 1], { rtol: 0 });
  const x = double([NaN, Infinity, -Infinity, 1]);
  const y = nanToNum(x, { nan: 2, posinf: 9, neginf: -9 });
  allClose(y, [2, 9, -9, 1]);
  allClose(grad(y.sum(), x)[0], [0, 0, 0, 1]);
  is(nanToNum(tensor([1, 2], { dtype: 'int64' })).dtype, 'int64');
  throwsError(() => nanToNum(x, { nan: 'x' } as never), ArgumentError, /nanToNum: nan is not a number/);
});

test('xlogy: 0 where x is 0, unless y is NaN', () => {
  const [x, y] = [double([0, 0, 2, 0]), double([0, NaN, 3, -1])];
  const z = xlogy(x, y);
  allClose(z, [0, NaN, 2.1972245773362196, 0]);
  const [gx, gy] = grad(z.sum(), [x, y]);
  allClose(gx, [0, NaN, 1.0986122886681098, 0]);
  allClose(gy, [NaN, NaN, 0.6666666666666666, 0]);
  allClose(xlogy(tensor([0, 1]), tensor([Infinity, 0])), [0, -Infinity]);
});

test('hypot does not overflow', () => {
  const [x, y] = [double([3, 1e200]), double([4, 1e200])];
  allClose(hypot(x, y), [5, 1.414213562373095e200]);
  const [gx, gy] = grad(hypot(x, y).sum(), [x, y]);
  allClose(gx, [0.6, 0.7071067811865475]);
  allClose(gy, [0.8, 0.7071067811865475]);
});

test('logaddexp of large and infinite values', () => {
  const [x, y] = [double([1, 1000, -1000, -Infinity]), double([2, 999, -1001, 1])];
  allClose(logaddexp(x, y), [2.313261687518223, 1000.3132616875182, -999.6867383124818, 1]);
  allClose(grad(logaddexp(x, y).sum(), x)[0], [0.2689414213699951, 0.7310585786300049, 0.7310585786300049, 0]);
  allClose(logaddexp(tensor([-Infinity, Infinity, Infinity]), tensor([-Infinity, -Infinity, Infinity])), [-Infinity, Infinity, Infinity]);
});

test('heaviside: the value at 0 is given, NaN counts as not above', () => {
  allClose(heaviside(tensor([-1, 0, 2, NaN]), tensor([0.5])), [0, 0.5, 1, 0]);
});

test.run();

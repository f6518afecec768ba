import { test } from 'uvu';
import { ArgumentError, type Tensor, grad, special, tensor } from '../../../index.ts';
import { allClose, throwsError } from '../../assert.ts';

const double = (data: readonly number[], requiresGrad = false): Tensor => tensor([...data], { dtype: 'float64', requiresGrad });
const tight = { rtol: 5e-15, atol: 1e-300 };

test('erfcx far from 0', () => {
  allClose(special.erfcx(double([-5, -0.5, 0, 0.5, 3, 10, 1e3])), [144009798674.66104, 1.952360489182557, 1, 0.6156903441929259, 0.17900115118138996, 0.05614099274382259, 0.0005641893014533876], tight);
  allClose(special.erfcx(double([-30, Infinity, NaN])), [Infinity, 0, NaN]);
});

test('logarithm and quantile of the normal distribution in the tails', () => {
  allClose(special.logNdtr(double([-40, -5, -1, 0, 1, 5])), [-804.6084420137538, -15.064998393988725, -1.8410216450092636, -0.6931471805599453, -0.17275377902344988, -2.866516129637636e-7], tight);
  allClose(special.ndtri(double([1e-300, 1e-10, 0.01, 0.3, 0.9])), [-37.0470962993612, -6.361340902404057, -2.326347874040841, -0.5244005127080408, 1.2815515655446006], tight);
  allClose(special.ndtri(double([0, 0.5, 1, 1.5, -0.1, NaN])), [-Infinity, 0, Infinity, NaN, NaN, NaN]);
  allClose(special.ndtr(double([-Infinity, 0, 1.5, Infinity])), [0, 0.5, 0.9331927987311419, 1], tight);
});

test('entr at and below 0', () => {
  const x = double([0, 0.5, 1, -1, NaN], true);
  allClose(special.entr(x), [0, 0.34657359027997264, 0, -Infinity, NaN]);
  allClose(grad(special.entr(x).sum(), x)[0], [Infinity, -0.3068528194400547, -1, NaN, NaN]);
});

test('xlog1py: 0 where x is 0, unless y is NaN', () => {
  const [x, y] = [double([0, 0, 2, 0], true), double([-1, NaN, 3, -2], true)];
  const z = special.xlog1py(x, y);
  allClose(z, [0, NaN, 2.772588722239781, 0]);
  const [gx, gy] = grad(z.sum(), [x, y]);
  allClose(gx, [0, NaN, 1.3862943611198906, 0]);
  allClose(gy, [NaN, NaN, 0.5, 0]);
  allClose(special.xlog1py(x, -1), [0, 0, -Infinity, 0]);
  throwsError(() => special.xlog1py(2, 3), ArgumentError, /no tensor among the operands/);
});

test.run();

import { test } from 'uvu';
import { type Tensor, special, tensor } from '../../../index.ts';
import { allClose, is } from '../../assert.ts';

const x = tensor([-0.9, -0.3, 0, 0.4, 0.95], { dtype: 'float64' });
const of = (fn: (x: number) => number): number[] => Array.from(x.data(), fn);
const tight = { rtol: 1e-13, atol: 1e-14 };

test('low degrees', () => {
  allClose(special.chebyshevPolynomialT(x, 3), of((v) => 4 * v ** 3 - 3 * v), tight);
  allClose(special.chebyshevPolynomialU(x, 3), of((v) => 8 * v ** 3 - 4 * v), tight);
  allClose(special.chebyshevPolynomialV(x, 2), of((v) => 4 * v * v - 2 * v - 1), tight);
  allClose(special.chebyshevPolynomialW(x, 2), of((v) => 4 * v * v + 2 * v - 1), tight);
  allClose(special.hermitePolynomialH(x, 3), of((v) => 8 * v ** 3 - 12 * v), tight);
  allClose(special.hermitePolynomialHe(x, 3), of((v) => v ** 3 - 3 * v), tight);
  allClose(special.laguerrePolynomialL(x, 3), of((v) => (-(v ** 3) + 9 * v * v - 18 * v + 6) / 6), tight);
  allClose(special.legendrePolynomialP(x, 3), of((v) => (5 * v ** 3 - 3 * v) / 2), tight);
  allClose(special.shiftedChebyshevPolynomialT(x, 2), special.chebyshevPolynomialT(x.mul(2).sub(1), 2), tight);
});

test('high degrees go by angles, with the bits of the recurrence but few', () => {
  allClose(special.chebyshevPolynomialT(x, 20), of((v) => Math.cos(20 * Math.acos(v))), tight);
  allClose(special.chebyshevPolynomialU(tensor([1, -1, 0.5], { dtype: 'float64' }), 11), [12, -12, 0], { rtol: 1e-13, atol: 1e-13 });
  allClose(special.chebyshevPolynomialV(tensor([1, -1], { dtype: 'float64' }), 11), [1, -23]);
  allClose(special.chebyshevPolynomialW(tensor([1, -1], { dtype: 'float64' }), 11), [23, -1]);
});

test('degrees below 0 and between whole numbers, NaN and infinite ones', () => {
  const fns: readonly ((x: Tensor, n: Tensor) => Tensor)[] = [special.chebyshevPolynomialW, special.hermitePolynomialHe, special.laguerrePolynomialL, special.legendrePolynomialP];
  for (const fn of fns) {
    const one = fn(tensor([0.5]), tensor([1]));
    allClose(fn(tensor([0.5]), tensor([-1, 0, 1.9, NaN, Infinity])), [0, 1, one.item(), 0, 0]);
  }
  is(special.legendrePolynomialP(tensor([2], { dtype: 'int64' }), 2).dtype, 'float32');
  is(special.legendrePolynomialP(3, tensor([2], { dtype: 'int64' })).item(), 13);
});

test.run();

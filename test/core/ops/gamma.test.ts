import { test } from 'uvu';
import { ArgumentError, DTypeError, StateError, type Tensor, grad, igamma, igammac, lgamma, mvlgamma, polygamma, special, tensor } from '../../../index.ts';
import { allClose, is, ok, throwsError } from '../../assert.ts';

const double = (data: readonly number[], requiresGrad = false): Tensor => tensor([...data], { dtype: 'float64', requiresGrad });
const tight = { rtol: 2e-14, atol: 1e-300 };

test('incomplete gamma functions: small, large and alike arguments', () => {
  const a = double([0.5, 2, 10, 50, 200, 1000, 1e-3]);
  const x = double([0.1, 3, 4, 55, 150, 1010, 1e-3]);
  allClose(igamma(a, x), [0.345279153981423, 0.8008517265285442, 0.008132242796933864, 0.7677952194991436, 5.7096885742082446e-5, 0.6276789447369947, 0.9936876467088603], { rtol: 1e-13, atol: 0 });
  allClose(igammac(a, x), [0.654720846018577, 0.19914827347145578, 0.9918677572030662, 0.23220478050085633, 0.9999429031142579, 0.3723210552630053, 0.00631235329113971], { rtol: 1e-13, atol: 0 });
});

test('incomplete gamma functions at the borders', () => {
  const a = double([0, 0, 3, 3, Infinity, Infinity, -1, 1]);
  const x = double([0, 2, 0, Infinity, 3, Infinity, 1, -1]);
  allClose(igamma(a, x), [NaN, 1, 0, 1, 0, NaN, NaN, NaN]);
  allClose(igammac(a, x), [NaN, 0, 1, 0, 1, NaN, NaN, NaN]);
});

test('incomplete gamma functions have a derivative in x alone, and want a float', () => {
  const [a, x] = [double([2], true), double([1], true)];
  throwsError(() => grad(igamma(a, x).sum(), [a, x]), StateError, /igamma: no derivative with respect to input/);
  allClose(grad(igamma(a.detach(), x).sum(), x)[0], [Math.exp(-1)]);
  allClose(grad(igammac(a.detach(), x).sum(), x)[0], [-Math.exp(-1)]);
  const whole = tensor([1, 2], { dtype: 'int64' });
  throwsError(() => igamma(whole, whole), DTypeError, /igamma: not a float tensor, got int64/);
  throwsError(() => igamma(x, 2 as never), ArgumentError, /igamma: other is not a tensor/);
  const target = double([2, 3]);
  ok(target.igamma_(double([1, 1])) === target);
  allClose(target, [0.2642411176571153, 0.08030139707139416]);
});

test('lgamma is exact beside its zeros', () => {
  allClose(lgamma(double([1.001, 1.9999, 0.7, 2.3, 7.5, 1, 2])), [-0.0005763935982833062, -4.227520877215346e-5, 0.26086724653166654, 0.15418945495963046, 7.534364236758733, 0, 0], { rtol: 5e-13, atol: 0 });
  allClose(lgamma(double([-Infinity, Infinity])), [Infinity, Infinity]);
});

test('mvlgamma', () => {
  allClose(mvlgamma(double([3, 4.5]), 2), [1.5501949939575654, 4.817860982995198], { rtol: 1e-13 });
  allClose(mvlgamma(double([3]), { p: 1 }), [Math.LN2]);
  throwsError(() => mvlgamma(tensor([true]), 1), DTypeError, /mvlgamma: not defined for bool/);
  throwsError(() => mvlgamma(double([3]), 0), ArgumentError, /mvlgamma: invalid p, got 0; expected an integer ≥ 1/);
  throwsError(() => mvlgamma(double([3]), 1.5), ArgumentError, /mvlgamma: invalid p/);
});

test('zeta: its own names for the edges, and the derivative in q', () => {
  allClose(special.zeta(double([2, 1, 0.5, 3, 2, 2.5, 2]), double([1, 2, 2, -2, -0.5, -0.5, NaN])), [1.6449340668482264, Infinity, NaN, Infinity, 8.934802200544679, NaN, NaN], tight);
  const q = double([1.5, 3], true);
  allClose(grad(special.zeta(2, q).sum(), q)[0], [-0.82879664423432, -0.15411380631918864], { rtol: 1e-12 });
  const order = double([2], true);
  throwsError(() => grad(special.zeta(order, q).sum(), order), StateError, /zeta: no derivative with respect to input/);
});

test('polygamma is a method with the order as its argument', () => {
  const x = double([0.5, 2]);
  allClose(x.polygamma(2), polygamma(2, x));
  ok(x.polygamma_(1) === x);
  allClose(x, [4.934802200544679, 0.6449340668482264]);
  throwsError(() => x.polygamma_(-1), ArgumentError, /polygamma_: invalid n, got -1/);
});

test('the namespace has its own names for them', () => {
  is(special.gammainc, igamma);
  is(special.gammaincc, igammac);
  is(special.multigammaln, mvlgamma);
  is(special.gammaln, lgamma);
});

test.run();

import * as gammaRatio from '../cpu/gammaRatio.ts';
import { type DType, toFloat } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { type Expr, e, library2 } from '../expr.ts';
import { apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type InPlace, type Samples, checkTensor, inPlaceMethod, pointwise } from './define.ts';
import { type FreeBinary, type TensorPair, checkWhole, freeBinary, noFormula, tensorPair } from './named.ts';
import { floating } from './sign.ts';
import { digamma, lgamma, lgammaOf, zetaOf } from './special.ts';

/** The derivatives are in the second operand alone. */
const orders: Samples = (s) => [[s.int([2, 3], 1, 5), s.float([2, 3], 0.2, 6)], [s.int([2, 1], 1, 5), s.float([3], 0.2, 6)], [s.int([2], 1, 30), s.float([], 5, 20)], [s.int([0]), s.float([0])]];

/** `x^(a-1)·exp(-x) / Γ(a)`, the slope of the lower function. */
const density = (a: Tensor, x: Tensor): Tensor => a.sub(1).mul(x.log()).sub(x).sub(lgamma(a)).exp();

/**
 * Regularised lower incomplete gamma function `∫₀ˣ t^(a-1)·exp(-t) dt / Γ(a)`, broadcast; there is a derivative with respect to x only.
 *
 * @throws DTypeError where neither is float
 * @see https://pytorch.org/docs/stable/special.html#torch.special.gammainc
 */
export const igamma: TensorPair = tensorPair({
  name: 'igamma',
  accepts: floating('igamma'),
  cpu: library2('igamma', gammaRatio.igamma),
  saves: 'inputs',
  backward: [noFormula('igamma', 'input'), (g, n) => g.mul(density(n.input(0), n.input(1)))],
  samples: orders,
});

/**
 * Regularised upper incomplete gamma function `1 - igamma(a, x)`, broadcast; there is a derivative with respect to x only.
 *
 * @throws DTypeError where neither is float
 * @see https://pytorch.org/docs/stable/special.html#torch.special.gammaincc
 */
export const igammac: TensorPair = tensorPair({
  name: 'igammac',
  accepts: floating('igammac'),
  cpu: library2('igammac', gammaRatio.igammac),
  saves: 'inputs',
  backward: [noFormula('igammac', 'input'), (g, n) => g.neg().mul(density(n.input(0), n.input(1)))],
  samples: orders,
});

const mvlgammaOp = pointwise<number>({
  name: 'mvlgamma',
  accepts: (t: DType): void => {
    if (t === 'bool') throw new DTypeError('mvlgamma: not defined for bool, got bool; expected numbers');
  },
  dtype: toFloat,
  key: String,
  expr: (p, x) => {
    let sum: Expr = lgammaOf(x);
    for (let k = 1; k < p; k++) sum = e.add(sum, lgammaOf(e.sub(x, k / 2)));
    return e.add(sum, (p * (p - 1) * Math.log(Math.PI)) / 4);
  },
  saves: 'inputs',
  backward: [
    (g, n) => {
      const x = n.input(0);
      let slope = digamma(x);
      for (let k = 1; k < (n.attrs as number); k++) slope = slope.add(digamma(x.sub(k / 2)));
      return g.mul(slope);
    },
  ],
});

function dimension(name: string, x: Tensor, p: number | { readonly p: number }): number {
  checkTensor(name, x);
  const value: unknown = typeof p === 'object' && p !== null ? p.p : p;
  checkWhole(name, 'p', value, 1);
  return value;
}

/**
 * Logarithm of the multivariate gamma function: `p·(p-1)/4·log(π) + Σ lgamma(x - k/2)` for k from 0 to p - 1.
 *
 * @param p - the dimension, an integer ≥ 1
 * @throws DTypeError for bool
 * @see https://pytorch.org/docs/stable/special.html#torch.special.multigammaln
 */
export const mvlgamma: InPlace<(x: Tensor, p: number | { readonly p: number }) => Tensor> = inPlaceMethod(
  { name: 'mvlgamma', family: 'pointwise', samples: (s) => [[s.float([2, 3], 2.1, 6), 3], [s.float([3], 0.2, 4), 1], [s.float([], 3, 4), { p: 4 }], [s.float([0]), 2]] },
  (x: Tensor, p: number | { readonly p: number }): Tensor => apply(mvlgammaOp, [x], dimension('mvlgamma', x, p)),
  (x: Tensor, p: number | { readonly p: number }): Tensor => applyInPlace(mvlgammaOp, [x], dimension('mvlgamma_', x, p)),
);

/**
 * Hurwitz zeta function `Σ (q + k)^-x` over k ≥ 0, broadcast; there is a derivative with respect to q only.
 *
 * @see https://pytorch.org/docs/stable/special.html#torch.special.zeta
 */
export const zeta: FreeBinary = freeBinary({
  name: 'special.zeta',
  torch: 'special.zeta',
  cpu: zetaOf,
  dtype: toFloat,
  saves: 'inputs',
  backward: [noFormula('zeta', 'input'), (g, n) => g.neg().mul(n.operand(0)).mul(zeta(raised(n.operand(0)), n.input(1)))],
  samples: (s) => [[2, s.float([2, 3], 0.2, 4)], [1.5, s.float([2], 0.2, 4)], [s.int([3], 2, 6), s.float([2, 1], 0.2, 4)], [s.int([3], 2, 5), 3], [3, s.float([], 1, 2)], [2, s.float([0])]],
});

const raised = (x: Tensor | number): Tensor | number => (typeof x === 'number' ? x + 1 : x.add(1));

import { toFloat } from '../dtype.ts';
import { type Expr, e } from '../expr.ts';
import type { Samples } from './define.ts';
import { type FreeBinary, freeBinary } from './named.ts';

const samples: Samples = (s) => [
  [s.float([2, 3]), s.int([3], 0, 5)],
  [s.float([4]), 3],
  [s.float([4], -0.9, 0.9), 11],
  [0.5, s.int([3], 0, 4)],
  [s.int([4], -2, 3), s.int([4], -1, 5)],
  [s.values([1, -1, 0, 0.5]), s.values([3, 3, 3, 3.7])],
  [s.float([]), 2],
  [s.float([0]), 2],
];

/** Polynomials in x of degree n, which may be a tensor; as in PyTorch, without derivatives. */
const polynomial = (name: string, torch: string, cpu: (x: Expr, n: Expr) => Expr): FreeBinary => freeBinary({ name: `special.${name}`, torch: `special.${torch}`, cpu, dtype: toFloat, samples });

/** On 0 to 1 instead of -1 to 1. */
const shifted = (cpu: (x: Expr, n: Expr) => Expr) => (x: Expr, n: Expr): Expr => cpu(e.sub(e.add(x, x), 1), n);

/** Chebyshev polynomial of the first kind, `T_n(x)`, broadcast; degrees are cut to whole numbers, 0 below degree 0. */
export const chebyshevPolynomialT: FreeBinary = polynomial('chebyshevPolynomialT', 'chebyshev_polynomial_t', e.chebyshevT);
/** Chebyshev polynomial of the second kind, `U_n(x)`. */
export const chebyshevPolynomialU: FreeBinary = polynomial('chebyshevPolynomialU', 'chebyshev_polynomial_u', e.chebyshevU);
/** Chebyshev polynomial of the third kind, `V_n(x)`. */
export const chebyshevPolynomialV: FreeBinary = polynomial('chebyshevPolynomialV', 'chebyshev_polynomial_v', e.chebyshevV);
/** Chebyshev polynomial of the fourth kind, `W_n(x)`. */
export const chebyshevPolynomialW: FreeBinary = polynomial('chebyshevPolynomialW', 'chebyshev_polynomial_w', e.chebyshevW);
/** `T_n(2x - 1)`. */
export const shiftedChebyshevPolynomialT: FreeBinary = polynomial('shiftedChebyshevPolynomialT', 'shifted_chebyshev_polynomial_t', shifted(e.chebyshevT));
/** `U_n(2x - 1)`. */
export const shiftedChebyshevPolynomialU: FreeBinary = polynomial('shiftedChebyshevPolynomialU', 'shifted_chebyshev_polynomial_u', shifted(e.chebyshevU));
/** `V_n(2x - 1)`. */
export const shiftedChebyshevPolynomialV: FreeBinary = polynomial('shiftedChebyshevPolynomialV', 'shifted_chebyshev_polynomial_v', shifted(e.chebyshevV));
/** `W_n(2x - 1)`. */
export const shiftedChebyshevPolynomialW: FreeBinary = polynomial('shiftedChebyshevPolynomialW', 'shifted_chebyshev_polynomial_w', shifted(e.chebyshevW));
/** Physicists' Hermite polynomial `H_n(x)`. */
export const hermitePolynomialH: FreeBinary = polynomial('hermitePolynomialH', 'hermite_polynomial_h', e.hermiteH);
/** Probabilists' Hermite polynomial `He_n(x)`. */
export const hermitePolynomialHe: FreeBinary = polynomial('hermitePolynomialHe', 'hermite_polynomial_he', e.hermiteHe);
/** Laguerre polynomial `L_n(x)`. */
export const laguerrePolynomialL: FreeBinary = polynomial('laguerrePolynomialL', 'laguerre_polynomial_l', e.laguerreL);
/** Legendre polynomial `P_n(x)`. */
export const legendrePolynomialP: FreeBinary = polynomial('legendrePolynomialP', 'legendre_polynomial_p', e.legendreP);

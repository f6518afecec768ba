import * as polynomials from '../cpu/polynomials.ts';
import { toFloat } from '../dtype.ts';
import { type Expr, e, library2 } from '../expr.ts';
import type { BinaryDefinition, Samples } from './define.ts';
import { type FreeBinary, freeBinary } from './named.ts';

const chebyshevTOf = library2('chebyshevT', polynomials.chebyshevT);
const chebyshevUOf = library2('chebyshevU', polynomials.chebyshevU);
const chebyshevVOf = library2('chebyshevV', polynomials.chebyshevV);
const chebyshevWOf = library2('chebyshevW', polynomials.chebyshevW);

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
const polynomial = (d: Pick<BinaryDefinition, 'name' | 'torch' | 'cpu'>): FreeBinary => freeBinary({ ...d, dtype: toFloat, samples });

/** On 0 to 1 instead of -1 to 1. */
const shifted = (cpu: (x: Expr, n: Expr) => Expr) => (x: Expr, n: Expr): Expr => cpu(e.sub(e.add(x, x), 1), n);

/** Chebyshev polynomial of the first kind, `T_n(x)`, broadcast; degrees are cut to whole numbers, 0 below degree 0. @see https://pytorch.org/docs/stable/special.html */
export const chebyshevPolynomialT: FreeBinary = polynomial({ name: 'special.chebyshevPolynomialT', torch: 'special.chebyshev_polynomial_t', cpu: chebyshevTOf });
/** Chebyshev polynomial of the second kind, `U_n(x)`. @see https://pytorch.org/docs/stable/special.html */
export const chebyshevPolynomialU: FreeBinary = polynomial({ name: 'special.chebyshevPolynomialU', torch: 'special.chebyshev_polynomial_u', cpu: chebyshevUOf });
/** Chebyshev polynomial of the third kind, `V_n(x)`. @see https://pytorch.org/docs/stable/special.html */
export const chebyshevPolynomialV: FreeBinary = polynomial({ name: 'special.chebyshevPolynomialV', torch: 'special.chebyshev_polynomial_v', cpu: chebyshevVOf });
/** Chebyshev polynomial of the fourth kind, `W_n(x)`. @see https://pytorch.org/docs/stable/special.html */
export const chebyshevPolynomialW: FreeBinary = polynomial({ name: 'special.chebyshevPolynomialW', torch: 'special.chebyshev_polynomial_w', cpu: chebyshevWOf });
/** `T_n(2x - 1)`. @see https://pytorch.org/docs/stable/special.html */
export const shiftedChebyshevPolynomialT: FreeBinary = polynomial({ name: 'special.shiftedChebyshevPolynomialT', torch: 'special.shifted_chebyshev_polynomial_t', cpu: shifted(chebyshevTOf) });
/** `U_n(2x - 1)`. @see https://pytorch.org/docs/stable/special.html */
export const shiftedChebyshevPolynomialU: FreeBinary = polynomial({ name: 'special.shiftedChebyshevPolynomialU', torch: 'special.shifted_chebyshev_polynomial_u', cpu: shifted(chebyshevUOf) });
/** `V_n(2x - 1)`. @see https://pytorch.org/docs/stable/special.html */
export const shiftedChebyshevPolynomialV: FreeBinary = polynomial({ name: 'special.shiftedChebyshevPolynomialV', torch: 'special.shifted_chebyshev_polynomial_v', cpu: shifted(chebyshevVOf) });
/** `W_n(2x - 1)`. @see https://pytorch.org/docs/stable/special.html */
export const shiftedChebyshevPolynomialW: FreeBinary = polynomial({ name: 'special.shiftedChebyshevPolynomialW', torch: 'special.shifted_chebyshev_polynomial_w', cpu: shifted(chebyshevWOf) });
/** Physicists' Hermite polynomial `H_n(x)`. @see https://pytorch.org/docs/stable/special.html */
export const hermitePolynomialH: FreeBinary = polynomial({ name: 'special.hermitePolynomialH', torch: 'special.hermite_polynomial_h', cpu: library2('hermiteH', polynomials.hermiteH) });
/** Probabilists' Hermite polynomial `He_n(x)`. @see https://pytorch.org/docs/stable/special.html */
export const hermitePolynomialHe: FreeBinary = polynomial({ name: 'special.hermitePolynomialHe', torch: 'special.hermite_polynomial_he', cpu: library2('hermiteHe', polynomials.hermiteHe) });
/** Laguerre polynomial `L_n(x)`. @see https://pytorch.org/docs/stable/special.html */
export const laguerrePolynomialL: FreeBinary = polynomial({ name: 'special.laguerrePolynomialL', torch: 'special.laguerre_polynomial_l', cpu: library2('laguerreL', polynomials.laguerreL) });
/** Legendre polynomial `P_n(x)`. @see https://pytorch.org/docs/stable/special.html */
export const legendrePolynomialP: FreeBinary = polynomial({ name: 'special.legendrePolynomialP', torch: 'special.legendre_polynomial_p', cpu: library2('legendreP', polynomials.legendreP) });

import { chebyshev } from './chebyshev.ts';
import { I0_FAR, I0_NEAR, I1_FAR, I1_NEAR, K0_FAR, K0_NEAR, K1_FAR, K1_NEAR } from './modifiedBesselTables.ts';

/** Modified Bessel function of the first kind of order 0, times `exp(-|x|)`. */
export function i0e(x: number): number {
  const a = Math.abs(x);
  return a <= 8 ? chebyshev(I0_NEAR, a / 4 - 1) : chebyshev(I0_FAR, 16 / a - 1) / Math.sqrt(a);
}

/** Modified Bessel function of the first kind of order 0. */
export function i0(x: number): number {
  return Math.exp(Math.abs(x)) * i0e(x);
}

/** Modified Bessel function of the first kind of order 1, times `exp(-|x|)`. */
export function i1e(x: number): number {
  const a = Math.abs(x);
  if (a <= 8) return x * chebyshev(I1_NEAR, a / 4 - 1);
  return (Math.sign(x) * chebyshev(I1_FAR, 16 / a - 1)) / Math.sqrt(a);
}

/** Modified Bessel function of the first kind of order 1. */
export function i1(x: number): number {
  return Math.exp(Math.abs(x)) * i1e(x);
}

/** Modified Bessel function of the second kind of order 0, up to 2. */
const k0Near = (x: number): number => chebyshev(K0_NEAR, (x * x) / 2 - 1) - Math.log(0.5 * x) * i0(x);
/** The same of order 1. */
const k1Near = (x: number): number => chebyshev(K1_NEAR, (x * x) / 2 - 1) / x + Math.log(0.5 * x) * i1(x);

/** Modified Bessel function of the second kind of order 0. */
export function k0(x: number): number {
  if (!(x > 0)) return x === 0 ? Infinity : NaN;
  return x <= 2 ? k0Near(x) : (Math.exp(-x) * chebyshev(K0_FAR, 4 / x - 1)) / Math.sqrt(x);
}

/** Modified Bessel function of the second kind of order 0, times `exp(x)`. */
export function k0e(x: number): number {
  if (!(x > 0)) return x === 0 ? Infinity : NaN;
  return x <= 2 ? Math.exp(x) * k0Near(x) : chebyshev(K0_FAR, 4 / x - 1) / Math.sqrt(x);
}

/** Modified Bessel function of the second kind of order 1. */
export function k1(x: number): number {
  if (!(x > 0)) return x === 0 ? Infinity : NaN;
  return x <= 2 ? k1Near(x) : (Math.exp(-x) * chebyshev(K1_FAR, 4 / x - 1)) / Math.sqrt(x);
}

/** Modified Bessel function of the second kind of order 1, times `exp(x)`. */
export function k1e(x: number): number {
  if (!(x > 0)) return x === 0 ? Infinity : NaN;
  return x <= 2 ? Math.exp(x) * k1Near(x) : chebyshev(K1_FAR, 4 / x - 1) / Math.sqrt(x);
}

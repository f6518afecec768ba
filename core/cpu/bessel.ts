import { AIRY_COS, AIRY_FAR, AIRY_NEAR, AIRY_SIN } from './airyTables.ts';
import { J0_NEAR, J1_NEAR, P0, P1, Q0, Q1, Y0_NEAR, Y1_NEAR } from './besselTables.ts';
import { chebyshev } from './chebyshev.ts';

/** Squares of the first zeros of J0 and J1: the nearest double, and what it lacks. */
const ZERO_J0 = 5.783185962946784;
const REST_J0 = 4.1232473435062e-16;
const ZERO_J1 = 14.681970642123893;
const REST_J1 = -9.858177825793e-17;
const TWO_OVER_PI = 2 / Math.PI;

const near = (x: number): number => (2 * x * x) / 25 - 1;
const far = (x: number): number => 50 / (x * x) - 1;

/** Bessel function of the first kind of order 0. */
export function j0(x: number): number {
  const a = Math.abs(x);
  if (a <= 5) return (a * a - ZERO_J0 - REST_J0) * chebyshev(J0_NEAR, near(a));
  // cos(x - π/4) and sin(x - π/4), times √2
  const [c, s] = [Math.cos(a), Math.sin(a)];
  return (chebyshev(P0, far(a)) * (c + s) - (chebyshev(Q0, far(a)) / a) * (s - c)) / Math.sqrt(Math.PI * a);
}

/** Bessel function of the first kind of order 1. */
export function j1(x: number): number {
  const a = Math.abs(x);
  if (a <= 5) return x * (a * a - ZERO_J1 - REST_J1) * chebyshev(J1_NEAR, near(a));
  const [c, s] = [Math.cos(a), Math.sin(a)];
  return (Math.sign(x) * (chebyshev(P1, far(a)) * (s - c) + (chebyshev(Q1, far(a)) / a) * (s + c))) / Math.sqrt(Math.PI * a);
}

/** Bessel function of the second kind of order 0. */
export function y0(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x <= 5) return chebyshev(Y0_NEAR, near(x)) + TWO_OVER_PI * Math.log(x) * j0(x);
  const [c, s] = [Math.cos(x), Math.sin(x)];
  return (chebyshev(P0, far(x)) * (s - c) + (chebyshev(Q0, far(x)) / x) * (c + s)) / Math.sqrt(Math.PI * x);
}

/** Bessel function of the second kind of order 1. */
export function y1(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x <= 5) return x * chebyshev(Y1_NEAR, near(x)) + TWO_OVER_PI * (j1(x) * Math.log(x) - 1 / x);
  const [c, s] = [Math.cos(x), Math.sin(x)];
  return ((chebyshev(Q1, far(x)) / x) * (s - c) - chebyshev(P1, far(x)) * (s + c)) / Math.sqrt(Math.PI * x);
}

/** Spherical Bessel function of the first kind of order 0, `sin(x)/x`. */
export function sphericalJ0(x: number): number {
  if (x === 0) return 1;
  return Math.abs(x) === Infinity ? 0 : Math.sin(x) / x;
}

/** Airy's function Ai; NaN at the infinities, as in PyTorch. */
export function airyAi(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  if (Math.abs(x) <= 2.25) return chebyshev(AIRY_NEAR, x / 2.25);
  const a = Math.abs(x);
  const zeta = (2 * a * Math.sqrt(a)) / 3;
  const root = Math.sqrt(Math.sqrt(a));
  if (x > 0) return x > 103.892 ? 0 : (chebyshev(AIRY_FAR, 4 / zeta - 1) * Math.exp(-zeta)) / (2 * Math.sqrt(Math.PI) * root);
  const [c, s] = [Math.cos(zeta), Math.sin(zeta)];
  const t = 8 / (zeta * zeta) - 1;
  return (chebyshev(AIRY_COS, t) * (c + s) + (chebyshev(AIRY_SIN, t) / zeta) * (s - c)) / (Math.sqrt(2 * Math.PI) * root);
}

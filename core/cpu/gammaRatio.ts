import { lgamma } from './special.ts';

/** What Stirling's formula lacks of lgamma, from 10 on. */
function stirlingRest(a: number): number {
  const r = 1 / (a * a);
  return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - (r * 691) / 360360))))) / a;
}

/** `log(1 + m) - m` without cancellation near 0. */
function logRest(m: number): number {
  if (Math.abs(m) > 0.3) return Math.log1p(m) - m;
  let power = m;
  let sum = 0;
  for (let k = 2; k < 60; k++) {
    power *= -m;
    const term = power / k;
    sum += term;
    if (Math.abs(term) <= 1e-17 * Math.abs(sum)) break;
  }
  return sum;
}

/** `x^a·exp(-x) / Γ(a + 1)`. */
function front(a: number, x: number): number {
  if (a < 10) return Math.exp(a * Math.log(x) - x - lgamma(a + 1));
  return Math.exp(a * logRest((x - a) / a) - stirlingRest(a)) / Math.sqrt(2 * Math.PI * a);
}

/** The lower function by its power series. */
function lowerSeries(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return front(a, x) * sum;
}

/** The upper function by Legendre's continued fraction, evaluated forward, for x > a and x > 1. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = Infinity;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 100_000; n++) {
    const numerator = n * (a - n);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    const factor = c * d;
    fraction *= factor;
    if (Math.abs(factor - 1) < 1e-16) break;
  }
  return a * front(a, x) * fraction;
}

/** The upper function for small x, without taking a number near 1 from 1. */
function upperSeries(a: number, x: number): number {
  let power = 1;
  let sum = 0;
  for (let n = 1; n < 60; n++) {
    power *= -x / n;
    const term = power / (a + n);
    sum += term;
    if (Math.abs(term) <= 1e-17 * Math.abs(sum)) break;
  }
  const log = a * Math.log(x) - lgamma(a + 1);
  return -Math.expm1(log) - Math.exp(log) * a * sum;
}

/** Values at the borders, or undefined inside: `lower` is what the lower function has there. */
function border(a: number, x: number, lower: boolean): number | undefined {
  const [none, all] = lower ? [0, 1] : [1, 0];
  if (!(x >= 0 && a >= 0)) return NaN;
  if (a === 0) return x > 0 ? all : NaN;
  if (x === 0) return none;
  if (a === Infinity) return x === Infinity ? NaN : none;
  return x === Infinity ? all : undefined;
}

/** Regularised lower incomplete gamma function `∫₀ˣ t^(a-1)·exp(-t) dt / Γ(a)`. */
export function igamma(a: number, x: number): number {
  const known = border(a, x, true);
  if (known !== undefined) return known;
  return x > 1 && x > a ? 1 - upperFraction(a, x) : lowerSeries(a, x);
}

/** Regularised upper incomplete gamma function `1 - igamma(a, x)`. */
export function igammac(a: number, x: number): number {
  const known = border(a, x, false);
  if (known !== undefined) return known;
  if (x > 1.1) return x > a ? upperFraction(a, x) : 1 - lowerSeries(a, x);
  const small = x <= 0.5 ? -0.4 / Math.log(x) < a : x * 1.1 < a;
  return small ? 1 - lowerSeries(a, x) : upperSeries(a, x);
}

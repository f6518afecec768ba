import { erfc, erfcx, erfinv } from './special.ts';

/** Logarithm of the distribution function of the standard normal distribution. */
export function logNdtr(x: number): number {
  const t = x * Math.SQRT1_2;
  return x < -1 ? Math.log(erfcx(-t) / 2) - t * t : Math.log1p(-erfc(t) / 2);
}

/** Quantile of the standard normal distribution: the inverse error function in the middle, Newton steps on `logNdtr` in the tails. */
export function ndtri(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : NaN;
  if (p > 0.25 && p < 0.75) return Math.SQRT2 * erfinv(2 * p - 1);
  const log = Math.log(p < 0.5 ? p : 1 - p);
  // The leading terms of the asymptotic expansion.
  const start = -2 * log - Math.log(2 * Math.PI);
  let x = -Math.sqrt(Math.max(0.25, start - Math.log(Math.max(1, start))));
  for (let i = 0; i < 8; i++) {
    const step = (logNdtr(x) - log) * Math.sqrt(Math.PI / 2) * erfcx(-x * Math.SQRT1_2);
    x -= step;
    if (Math.abs(step) <= 1e-16 * Math.abs(x)) break;
  }
  return p < 0.5 ? x : -x;
}

/** Scalar functions that JavaScript's Math lacks, in double precision. */

/** Rounds half to even, as PyTorch and IEEE 754 do. */
export function roundEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/** Base-2 exponential. */
export function exp2(x: number): number {
  return 2 ** x;
}

const SQRT_PI = 1.7724538509055159;

/** Error function, by its Maclaurin series below 2.5 and the continued fraction of erfc above. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 2.5) return Math.sign(x) * (1 - erfcTail(a));
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / SQRT_PI) * sum;
}

/** Complementary error function `1 - erf(x)`, exact in the tail. */
export function erfc(x: number): number {
  return x > 2.5 ? erfcTail(x) : 1 - erf(x);
}

/** erfc for x > 2.5 by Lentz's evaluation of the continued fraction `e^(-x²)/√π / (x + ½/(x + 1/(x + …)))`. */
function erfcTail(x: number): number {
  if (x > 27.3) return 0;
  let f = x;
  for (let k = 60; k > 0; k--) f = x + k / 2 / f;
  return x === x ? Math.exp(-x * x) / (SQRT_PI * f) : x;
}

/** Distribution function of the standard normal distribution, `Φ(x) = erfc(-x/√2)/2`. */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2);
}

/** Slope of `x·Φ(x)`: `Φ(x) + x·exp(-x²/2)/√(2π)`. */
export function geluSlope(x: number): number {
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  // At the infinities the density wins.
  return normalCdf(x) + (density === 0 ? 0 : x * density);
}

/** Inverse error function: Giles' starting value, then two Newton steps. */
export function erfinv(y: number): number {
  if (!(Math.abs(y) < 1)) return Math.abs(y) === 1 ? y * Infinity : NaN;
  const a = 0.147;
  const l = Math.log1p(-y * y);
  const b = 2 / (Math.PI * a) + l / 2;
  let x = Math.sign(y) * Math.sqrt(Math.sqrt(b * b - l / a) - b);
  for (let i = 0; i < 3; i++) {
    const error = y > 0.5 ? -(erfc(x) - (1 - y)) : y < -0.5 ? erfc(-x) - (1 + y) : erf(x) - y;
    x -= error / ((2 / SQRT_PI) * Math.exp(-x * x));
  }
  return x;
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** Logarithm of |Γ(x)|, by Lanczos' approximation (g = 7, n = 9) with reflection below ½. */
export function lgamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return Infinity;
  if (x === 1 || x === 2) return 0;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - lgamma(1 - x);
  if (x === Infinity) return Infinity;
  let sum = LANCZOS[0];
  for (let i = 1; i < 9; i++) sum += LANCZOS[i] / (x - 1 + i);
  const t = x + 6.5;
  return 0.9189385332046727 + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Derivative of lgamma: recurrence up to 10, then the asymptotic series. */
export function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Infinity : -Infinity;
  if (x < 0) return Number.isInteger(x) ? NaN : digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let shift = 0;
  let v = x;
  while (v < 10) shift -= 1 / v++;
  const r = 1 / (v * v);
  return shift + Math.log(v) - 0.5 / v - r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132)))));
}

/** Factors (2k)! / B(2k) of the Euler-Maclaurin tail of zeta. */
const ZETA_TAIL = [12, -720, 30240, -1209600, 47900160, -1307674368000 / 691, 74724249600, -10670622842880000 / 3617];

/** Hurwitz zeta function `Σ (q + k)^-s` for s > 1: the first terms, then the Euler-Maclaurin formula. */
export function zeta(s: number, q: number): number {
  if (!(s > 1)) return s === 1 ? Infinity : NaN;
  if (q <= 0) {
    if (Number.isInteger(q)) return Infinity;
    // Far below 0 the sum has as many terms as |q|.
    if (!Number.isInteger(s) || q < -1e7) return NaN;
  }
  let a = q;
  let sum = a ** -s;
  for (let k = 0; k < 9 || a <= 9; k++) {
    a += 1;
    const term = a ** -s;
    sum += term;
    if (Math.abs(term) < 1e-17 * Math.abs(sum)) return sum;
  }
  let power = a ** -s;
  sum += (power * a) / (s - 1) - power / 2;
  let factor = 1;
  for (let i = 0, k = 0; i < ZETA_TAIL.length; i++, k += 2) {
    factor *= s + k;
    power /= a;
    sum += (factor * power) / ZETA_TAIL[i];
    factor *= s + k + 1;
    power /= a;
  }
  return sum;
}

/** Remainder with the sign of the divisor, as Python's `%`. */
export function mod(x: number, y: number): number {
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r;
}

/** IEEE power, where JavaScript makes 1 ** NaN and (±1) ** Infinity NaN. */
export function pow(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  return x ** y;
}

import { chebyshev } from './chebyshev.ts';

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

/** `(1 + 2x)·erfcx(x)` from 0 on, in (x - 3.75) / (x + 3.75). */
const ERFCX: readonly number[] = [
  1.1775789345674017, -0.004590054580646478, -0.08424913336651792, 0.05920993999819189, -0.026658668435305753, 0.009074997670705265,
  -0.002413163540417608, 0.0004907758365258086, -6.916973302501207e-05, 4.13902798607301e-06, 7.74038306619849e-07, -2.1886401049234397e-07,
  1.076499946567091e-08, 4.521959811218287e-09, -7.754400208831351e-10, -6.318088340886684e-11, 2.86879501093067e-11, 1.9455868545777347e-13,
  -9.65469674843344e-13, 3.25254814814874e-14, 3.3478119482868056e-14, -1.864562880419313e-15, -1.2507950530688648e-15, 7.418235256624044e-17,
  5.068148904796111e-17,
];

/** Scaled complementary error function `exp(x²)·erfc(x)`. */
export function erfcx(x: number): number {
  if (x < 0) return 2 * Math.exp(x * x) - erfcx(-x);
  return x === Infinity ? 0 : chebyshev(ERFCX, (x - 3.75) / (x + 3.75)) / (1 + 2 * x);
}

/** Error function, by its Maclaurin series below 2.5 and from erfc above. */
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
  return x > 0.5 ? erfcTail(x) : 1 - erf(x);
}

/** erfc for x > 0.5; the square in two parts, since its rounding error would be seen in the exponential. */
function erfcTail(x: number): number {
  if (x > 27.3) return 0;
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x)) * erfcx(x);
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

/** `lgamma(1 + a) / a` for a from -½ to ½, in 2a. */
const NEAR_ONE: readonly number[] = [
  -0.633011426275031, 0.4405675574678963, -0.057857409449912446, 0.010513973690267811, -0.002163989092091715, 0.0004744402338724658,
  -0.00010799644528099427, 2.5201155299530276e-05, -5.986014498026819e-06, 1.4410616180293054e-06, -3.5060690575761177e-07, 8.603823016763753e-08,
  -2.126510912478688e-08, 5.287778091463614e-09, -1.3217135752166157e-09, 3.3186698554450495e-10, -8.365902567746219e-11, 2.116338666160694e-11,
  -5.370507653794381e-12, 1.3666688100545857e-12, -3.486660039885161e-13, 8.915622432767707e-14, -2.28454959350908e-14, 5.86514671522212e-15,
  -1.5084071183968602e-15, 3.885614648428306e-16, -1.0024188186640361e-16, 2.5896418565384152e-17, -6.69867474095857e-18,
];

/** `lgamma(1 + a)` for a from -½ to ½, exact near 0. */
const lgammaNearOne = (a: number): number => a * chebyshev(NEAR_ONE, 2 * a);

/** Logarithm of |Γ(x)|, by Lanczos' approximation (g = 7, n = 9) with reflection below ½. */
export function lgamma(x: number): number {
  if ((x <= 0 && Number.isInteger(x)) || x === -Infinity) return Infinity;
  if (x >= 0.5 && x <= 2.5) return x < 1.5 ? lgammaNearOne(x - 1) : lgammaNearOne(x - 2) + Math.log1p(x - 2);
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
    if (Number.isInteger(q) || q === -Infinity) return Infinity;
    // Far below 0 the sum has as many terms as |q|.
    if (!Number.isInteger(s) || q < -1e7) return NaN;
  }
  let a = q;
  let sum = pow(a, -s);
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

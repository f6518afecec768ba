/** Functions of how numbers are kept: signs, neighbours, exponents, divisors. */

/** 1 for negative numbers and -0, else 0. */
export function signBit(x: number): number {
  return x < 0 || Object.is(x, -0) ? 1 : 0;
}

/** The size of x with the sign of y. */
export function copySign(x: number, y: number): number {
  return signBit(y) === 1 ? -Math.abs(x) : Math.abs(x);
}

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new BigInt64Array(double.buffer);

/** The float32 next to x on the way to y. */
export function nextSingle(x: number, y: number): number {
  if (x !== x || y !== y) return NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? 2 ** -149 : -(2 ** -149);
  single[0] = x;
  singleBits[0] += y > x === x > 0 ? 1 : -1;
  return single[0];
}

/** The float64 next to x on the way to y. */
export function nextDouble(x: number, y: number): number {
  if (x !== x || y !== y) return NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE;
  double[0] = x;
  doubleBits[0] += y > x === x > 0 ? 1n : -1n;
  return double[0];
}

/** The power of two above |x|: 0 for 0 and what is not finite. */
export function exponentOf(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return 0;
  let a = Math.abs(x);
  let shift = 1;
  if (a < 2 ** -1022) {
    a *= 2 ** 54;
    shift -= 54;
  }
  double[0] = a;
  return Number((doubleBits[0] >> 52n) & 2047n) - 1023 + shift;
}

/** x over the power of two above it: from ½ up to and without 1 in size. */
export function mantissaOf(x: number): number {
  const power = exponentOf(x);
  // In two steps: the power itself may be out of range.
  const half = power >> 1;
  return x * 2 ** -half * 2 ** (half - power);
}

/** Greatest common divisor; 0 of 0 and 0. */
export function gcd(x: number, y: number): number {
  let a = Math.abs(x);
  let b = Math.abs(y);
  while (b > 0) [a, b] = [b, a % b];
  return a;
}

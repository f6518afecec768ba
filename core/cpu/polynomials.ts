// Polynomials of degree n at x by their recurrences; 0 below degree 0, as in PyTorch.

/** Degrees are cut to whole numbers; what is none counts as below 0. */
const whole = (degree: number): number => (Number.isFinite(degree) ? Math.trunc(degree) : -1);

/** `2·x·p(k-1) - p(k-2)` from the polynomials of degree 0, which is 1, and 1. */
function chebyshevFrom(first: number, x: number, n: number): number {
  if (n === 0) return 1;
  let before = 1;
  let value = first;
  for (let k = 2; k <= n; k++) {
    const next = 2 * x * value - before;
    before = value;
    value = next;
  }
  return value;
}

/** 1 for even degrees, -1 for odd ones. */
const signOf = (n: number): number => (n % 2 === 0 ? 1 : -1);

/** Chebyshev polynomial of the first kind, `cos(n·acos(x))`. */
export function chebyshevT(x: number, degree: number): number {
  const n = whole(degree);
  if (n < 0) return 0;
  if (Math.abs(x) === 1) return x > 0 ? 1 : signOf(n);
  return n > 6 && Math.abs(x) < 1 ? Math.cos(n * Math.acos(x)) : chebyshevFrom(x, x, n);
}

/** Chebyshev polynomial of the second kind, `sin((n + 1)·acos(x)) / sin(acos(x))`. */
export function chebyshevU(x: number, degree: number): number {
  const n = whole(degree);
  if (n < 0) return 0;
  if (Math.abs(x) === 1) return (x > 0 ? 1 : signOf(n)) * (n + 1);
  if (!(n > 8 && Math.abs(x) < 1)) return chebyshevFrom(2 * x, x, n);
  const angle = Math.acos(x);
  return Math.sin((n + 1) * angle) / Math.sin(angle);
}

/** Chebyshev polynomial of the third kind, `cos((n + ½)·acos(x)) / cos(acos(x)/2)`. */
export function chebyshevV(x: number, degree: number): number {
  const n = whole(degree);
  if (n < 0) return 0;
  if (Math.abs(x) === 1) return x > 0 ? 1 : signOf(n) * (2 * n + 1);
  if (!(n > 8 && Math.abs(x) < 1)) return chebyshevFrom(2 * x - 1, x, n);
  const angle = Math.acos(x);
  return Math.cos((n + 0.5) * angle) / Math.cos(angle / 2);
}

/** Chebyshev polynomial of the fourth kind, `sin((n + ½)·acos(x)) / sin(acos(x)/2)`. */
export function chebyshevW(x: number, degree: number): number {
  const n = whole(degree);
  if (n < 0) return 0;
  if (Math.abs(x) === 1) return x > 0 ? 2 * n + 1 : signOf(n);
  if (!(n > 8 && Math.abs(x) < 1)) return chebyshevFrom(2 * x + 1, x, n);
  const angle = Math.acos(x);
  return Math.sin((n + 0.5) * angle) / Math.sin(angle / 2);
}

/** Physicists' Hermite polynomial. */
export function hermiteH(x: number, degree: number): number {
  const n = whole(degree);
  if (n <= 0) return n === 0 ? 1 : 0;
  let before = 1;
  let value = 2 * x;
  for (let k = 1; k < n; k++) {
    const next = 2 * x * value - 2 * k * before;
    before = value;
    value = next;
  }
  return value;
}

/** Probabilists' Hermite polynomial. */
export function hermiteHe(x: number, degree: number): number {
  const n = whole(degree);
  if (n <= 0) return n === 0 ? 1 : 0;
  let before = 1;
  let value = x;
  for (let k = 1; k < n; k++) {
    const next = x * value - k * before;
    before = value;
    value = next;
  }
  return value;
}

/** Laguerre polynomial. */
export function laguerreL(x: number, degree: number): number {
  const n = whole(degree);
  if (n <= 0) return n === 0 ? 1 : 0;
  if (x === 0) return 1;
  let before = 1;
  let value = 1 - x;
  for (let k = 1; k < n; k++) {
    const next = ((2 * k + 1 - x) * value - k * before) / (k + 1);
    before = value;
    value = next;
  }
  return value;
}

/** Legendre polynomial. */
export function legendreP(x: number, degree: number): number {
  const n = whole(degree);
  if (n <= 0) return n === 0 ? 1 : 0;
  if (Math.abs(x) === 1) return x > 0 ? 1 : signOf(n);
  let before = 1;
  let value = x;
  for (let k = 1; k < n; k++) {
    const next = ((2 * k + 1) * x * value - k * before) / (k + 1);
    before = value;
    value = next;
  }
  return value;
}

/** Value at t, from -1 to 1, of a Chebyshev series with its coefficients in rising order, by Clenshaw's recurrence. */
export function chebyshev(coefficients: readonly number[], t: number): number {
  const twice = 2 * t;
  let next = 0;
  let last = 0;
  for (let k = coefficients.length - 1; k > 0; k--) {
    const value = twice * next - last + coefficients[k];
    last = next;
    next = value;
  }
  return t * next - last + coefficients[0];
}

/** The value below which a share of the values lies, between neighbours in proportion. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** The middle value. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Whether two lists agree as far as both go, relative to the second. */
export function agree(a: readonly number[], b: readonly number[], tolerance: number): boolean {
  return a.slice(0, b.length).every((x, i) => Math.abs(x - b[i]) <= tolerance * Math.abs(b[i]));
}

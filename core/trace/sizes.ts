/** A size that depends on those of the arguments: a sum of products of named axes, or null terms where it is known only when the graph runs. */
export class SymbolicSize {
  readonly terms: readonly Term[] | null;
  /** The size in each of the traces. */
  readonly seen: readonly number[];

  constructor(terms: readonly Term[] | null, seen: readonly number[]) {
    this.terms = terms;
    this.seen = seen;
  }

  /** `2*batch+1`; '?' where it is not known. */
  toString(): string {
    if (this.terms === null) return '?';
    return this.terms.map(({ axes, factor }) => [...(factor === 1 && axes.length > 0 ? [] : [String(factor)]), ...axes].join('*')).join('+').replaceAll('+-', '-');
  }

  /** The axis that it is, or null. */
  get axis(): string | null {
    const only = this.terms?.length === 1 ? this.terms[0] : undefined;
    return only?.factor === 1 && only.axes.length === 1 ? only.axes[0] : null;
  }
}

/** A factor times the sizes of some axes; none for a constant. */
export interface Term {
  readonly axes: readonly string[];
  readonly factor: number;
}

/** A size that is a number, or depends on the arguments. */
export type Size = number | SymbolicSize;

/** Whether two sizes are the same whatever the arguments. */
export function sameSize(a: Size, b: Size): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a === b;
  return a.seen.every((n, i) => n === b.seen[i]);
}

/** How an axis is varied: its size in the traces. */
export interface Axis {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly check: number;
}

/** The sizes of all axes in each trace: every combination of low and high, then the check. */
export function gridOf(axes: readonly Axis[]): number[][] {
  const corners = Array.from({ length: 2 ** axes.length }, (_, mask) => axes.map(({ low, high }, i) => ((mask >> i) & 1 ? high : low)));
  return axes.length === 0 ? corners : [...corners, axes.map(({ check }) => check)];
}

const product = (terms: readonly Term[], axis: string, low: number, scale: number): Term[] => [
  ...terms.map(({ axes, factor }) => ({ axes: [...axes, axis], factor: factor * scale })),
  ...terms.map(({ axes, factor }) => ({ axes, factor: -factor * low * scale })),
];

function collected(terms: readonly Term[]): Term[] {
  const sums = new Map<string, Term>();
  for (const { axes, factor } of terms) {
    const key = axes.join('*');
    sums.set(key, { axes, factor: (sums.get(key)?.factor ?? 0) + factor });
  }
  const rounded = [...sums.values()].map(({ axes, factor }) => ({ axes, factor: Math.abs(factor - Math.round(factor)) < 1e-9 ? Math.round(factor) : factor }));
  return rounded.filter(({ factor }) => factor !== 0).sort((a, b) => b.axes.length - a.axes.length);
}

/** The size that was `seen` in the traces of a grid. */
export function sizeOf(axes: readonly Axis[], seen: readonly number[]): Size {
  if (seen.every((n) => Object.is(n, seen[0]))) return seen[0];
  const corners = seen.slice(0, 2 ** axes.length);
  // Differences along each axis in turn give the coefficients of the products of (size - low) / (high - low).
  const slopes = [...corners];
  axes.forEach((_, i) => {
    for (let mask = 0; mask < slopes.length; mask++) if ((mask >> i) & 1) slopes[mask] -= slopes[mask ^ (1 << i)];
  });
  const terms = collected(slopes.flatMap((slope, mask) => axes.reduce<Term[]>((sum, { name, low, high }, i) => ((mask >> i) & 1 ? product(sum, name, low, 1 / (high - low)) : sum), [{ axes: [], factor: slope }])));
  const sizes = gridOf(axes);
  const fits = terms.every(({ factor }) => Number.isInteger(factor)) && sizes.every((at, t) => valueOf(terms, axes, at) === seen[t]);
  return new SymbolicSize(fits ? terms : null, seen);
}

function valueOf(terms: readonly Term[], axes: readonly Axis[], at: readonly number[]): number {
  return terms.reduce((sum, { axes: names, factor }) => sum + names.reduce((p, name) => p * at[axes.findIndex((a) => a.name === name)], factor), 0);
}

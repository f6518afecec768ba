import { ArgumentError, show } from '../errors.ts';

/** What TensorBoard's histogram message holds. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly num: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** Upper ends of the buckets. */
  readonly limits: readonly number[];
  /** Values in each bucket. */
  readonly counts: readonly number[];
}

let standard: readonly number[] | null = null;

/** TensorBoard's own edges: from ±1e-12 to ±1e20, each 1.1 times the one before, and 0. */
function standardEdges(): readonly number[] {
  if (standard !== null) return standard;
  const up: number[] = [];
  for (let v = 1e-12; v < 1e20; v *= 1.1) up.push(v);
  standard = [...up.map((v) => -v).toReversed(), 0, ...up];
  return standard;
}

/** The edges for the `bins` option. */
export function edgesFor(bins: 'tensorflow' | number | readonly number[], min: number, max: number): readonly number[] {
  if (bins === 'tensorflow') return standardEdges();
  if (typeof bins === 'number') {
    if (!Number.isInteger(bins) || bins < 1) throw new ArgumentError(`addHistogram: invalid bins, got ${bins}; expected an integer ≥ 1, edges or 'tensorflow'`);
    const [low, high] = min === max ? [min - 0.5, max + 0.5] : [min, max];
    const width = (high - low) / bins;
    return Array.from({ length: bins + 1 }, (_, i) => (i === bins ? high : low + i * width));
  }
  if (!isList(bins) || bins.length < 2 || !bins.every((edge, i) => typeof edge === 'number' && (i === 0 ? !Number.isNaN(edge) : edge >= bins[i - 1]))) {
    throw new ArgumentError(`addHistogram: invalid bins, got ${show(bins)}; expected at least two edges that do not fall, a number of buckets, or 'tensorflow'`);
  }
  return bins;
}

const isList = (x: unknown): x is readonly number[] => Array.isArray(x);

/** How many values lie in each bucket: from its edge up to the next, which belongs to the last bucket only. */
function count(values: ArrayLike<number>, edges: readonly number[]): number[] {
  const buckets = edges.length - 1;
  const counts = new Array<number>(buckets).fill(0);
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (!(v >= edges[0] && v <= edges[buckets])) continue;
    let [low, high] = [0, buckets]; // edges[low] ≤ v < edges[high], or v is the last edge
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (edges[middle] <= v) low = middle;
      else high = middle;
    }
    counts[low]++;
  }
  return counts;
}

/** Joins neighbours so that at most about `maxBins` buckets are left. */
function coarser(counts: readonly number[], edges: readonly number[], maxBins: number): [number[], number[]] {
  const group = Math.floor(counts.length / maxBins);
  const joined: number[] = [];
  for (let i = 0; i < counts.length; i += group) joined.push(counts.slice(i, i + group).reduce((a, b) => a + b, 0));
  const limits = joined.map((_, i) => edges[i * group]);
  return [joined, [...limits, edges[edges.length - 1]]];
}

/**
 * Sorts finite values into buckets as `torch.utils.tensorboard` does: of the buckets, those from the first to the last with values in them, and an empty one
 * before, whose limit is the lower end of the first.
 *
 * @throws ArgumentError when there are no values, one is not finite, or all lie outside the edges
 */
export function makeHistogram(values: ArrayLike<number>, bins: 'tensorflow' | number | readonly number[], maxBins: number | null): Histogram {
  if (values.length === 0) throw new ArgumentError('addHistogram: there are no values, got an empty tensor; expected at least one');
  let [min, max, sum, sumSquares] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (!Number.isFinite(v)) throw new ArgumentError(`addHistogram: a value is not finite, got ${v} at ${i}; expected finite numbers`, { values: { value: v, index: i } });
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
    sumSquares += v * v;
  }
  let edges = edgesFor(bins, min, max);
  let counts = count(values, edges);
  if (maxBins !== null && counts.length > maxBins) [counts, edges] = coarser(counts, edges, maxBins);
  const first = counts.findIndex((n) => n > 0);
  if (first < 0) {
    throw new ArgumentError(`addHistogram: no value lies in a bucket, got values from ${min} to ${max}; expected some between ${edges[0]} and ${edges[edges.length - 1]}`);
  }
  const last = counts.findLastIndex((n) => n > 0);
  return { min, max, num: values.length, sum, sumSquares, limits: edges.slice(first, last + 2), counts: [0, ...counts.slice(first, last + 1)] };
}

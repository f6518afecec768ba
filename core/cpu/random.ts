import { type DType, type TypedArray, makeArray } from '../dtype.ts';
import type { Generator } from '../random.ts';
import type { Tensor } from '../tensor.ts';
import { whenFast } from './engine.ts';
import { walkOuter } from './layout.ts';

/** Writes `n` random cells from `at` on; `whole` is false when they belong to a tensor that is not row-major. */
export type Fill = (cells: TypedArray, at: number, n: number, whole: boolean) => void;

/** Dimensions in the order in which memory runs through them, outermost first. */
export function memoryOrder({ strides }: Tensor): number[] {
  return strides.map((_, d) => d).sort((a, b) => strides[b] - strides[a]);
}

/**
 * Dimensions in the order, innermost first, in which a new tensor like `x` lies in memory in PyTorch, which keeps the order of the strides. Strides of 0 say nothing; of equal ones the
 * smaller size goes first.
 */
function orderLike({ shape, strides }: Tensor): number[] {
  const order: number[] = [];
  const outward = (a: number, b: number): number => (strides[a] === 0 || strides[b] === 0 ? 0 : strides[a] - strides[b] || Math.max(0, shape[a] - shape[b]));
  for (let d = shape.length - 1; d >= 0; d--) {
    order.push(d);
    for (let i = order.length - 2, at = order.length - 1; i >= 0; i--) {
      const sign = outward(order[i], order[at]);
      if (sign < 0) break;
      if (sign === 0) continue;
      [order[i], order[at]] = [order[at], order[i]];
      at = i;
    }
  }
  return order;
}

/** A fill of row-major cells with what PyTorch draws into a new tensor like `x`, in the order of the memory of that. */
export function fillLike(x: Tensor, fill: Fill): Fill {
  if (x.isContiguous()) return fill;
  const { shape } = x;
  const order = orderLike(x);
  const steps = shape.map((_, d) => shape.slice(d + 1).reduce((n, size) => n * size, 1));
  return (cells, at, n) => {
    const drawn = cells.slice(at, at + n);
    fill(drawn, 0, n, order.every((d, i) => d === shape.length - 1 - i));
    const outermost = order.toReversed();
    let i = 0;
    walkOuter({ sizes: outermost.map((d) => shape[d]), strides: [outermost.map((d) => steps[d])] }, 0, [at], ([to]) => {
      cells[to] = drawn[i++];
    });
  };
}

/** Fills a tensor of any layout in the order of its memory, as PyTorch does. */
export function fillTensor(out: Tensor, fill: Fill): void {
  const { shape, strides, offset } = out;
  const n = out.numel();
  if (out.isContiguous()) {
    fill(out.storage.cells, offset, n, true);
    return;
  }
  const drawn = makeArray(out.dtype, n);
  fill(drawn, 0, n, false);
  const { cells } = out.storage;
  const order = memoryOrder(out);
  let i = 0;
  walkOuter({ sizes: order.map((d) => shape[d]), strides: [order.map((d) => strides[d])] }, 0, [offset], ([at]) => {
    cells[at] = drawn[i++];
  });
}

/** The high half of a double: Veltkamp's splitting. */
function high(x: number): number {
  const c = 134217729 * x;
  return c - (c - x);
}

/** `a·b + c` with one rounding, by Dekker's product and Knuth's sum, as processors that PyTorch is compiled for have it. */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const p = a * b;
  const [a1, b1] = [high(a), high(b)];
  const [a2, b2] = [a - a1, b - b1];
  const lost = a2 * b2 - (p - a1 * b1 - a2 * b1 - a1 * b2);
  const s = p + c;
  const v = s - p;
  const exact = s + (p - (s - v) + (c - v) + lost);
  return Number.isFinite(exact) ? exact : s;
}

const uniform = whenFast(({ fastUniform }) => fastUniform);
const bernoulli = whenFast(({ fastBernoulli }) => fastBernoulli);

/** Uniform on `from` to `to`: 24 random bits for float32, 53 for float64; the scaling rounds once. */
export function fillUniform(cells: TypedArray, at: number, n: number, generator: Generator, from: number, to: number): void {
  if (uniform()?.(cells, at, n, generator, from, to) === true) return;
  if (cells instanceof Float64Array) {
    const width = to - from;
    for (let i = at; i < at + n; i++) cells[i] = fusedMultiplyAdd(generator.uniform53(), width, from);
    return;
  }
  const start = Math.fround(from);
  const width = Math.fround(Math.fround(to) - start);
  for (let i = at; i < at + n; i++) cells[i] = generator.uniform24() * width + start;
}

/** 1 with probability `p`, else 0. */
export function fillBernoulli(cells: TypedArray, at: number, n: number, generator: Generator, p: number): void {
  if (bernoulli()?.(cells, at, n, generator, p) === true) return;
  for (let i = at; i < at + n; i++) cells[i] = generator.uniform53() < p ? 1 : 0;
}

/** 1 with the probability of each cell of `p`, else 0; float32 probabilities cost one draw each, float64 ones two. */
export function fillBernoulliEach(cells: TypedArray, at: number, n: number, generator: Generator, p: TypedArray): void {
  if (p instanceof Float64Array) for (let i = 0; i < n; i++) cells[at + i] = generator.uniform53() < p[i] ? 1 : 0;
  else for (let i = 0; i < n; i++) cells[at + i] = generator.uniform24() < p[i] ? 1 : 0;
}

/** Exponential values of mean `1 / rate`. */
export function fillExponential(cells: TypedArray, at: number, n: number, generator: Generator, rate: number): void {
  for (let i = at; i < at + n; i++) cells[i] = (-1 / rate) * Math.log1p(-generator.uniform53());
}

/** Whole numbers from `from` on, below `from + width`. */
export function fillIntegers(cells: TypedArray, at: number, n: number, generator: Generator, from: number, width: number): void {
  if (width < 2 ** 32) {
    for (let i = at; i < at + n; i++) cells[i] = from + (generator.random() % width);
    return;
  }
  const wide = BigInt(width);
  for (let i = at; i < at + n; i++) cells[i] = from + Number(generator.random64() % wide);
}

/** How many values `random_` without bounds draws from, starting at 0: those a dtype holds exactly. */
export const fullRange: Readonly<Record<DType, number>> = {
  bool: 2, uint8: 256, int32: 2 ** 31, int64: 2 ** 63, float32: 2 ** 24 + 1, float64: 2 ** 53,
};

/** Whole numbers from 0 to 2⁵³: what `random_` without bounds gives for float64. */
export function fillDoubleIntegers(cells: TypedArray, at: number, n: number, generator: Generator): void {
  const width = 2n ** 53n + 1n;
  for (let i = at; i < at + n; i++) cells[i] = Number(generator.random64() % width);
}

/** The numbers 0 to n - 1 in random order: Fisher and Yates' shuffle from the front. */
export function fillPermutation(cells: TypedArray, generator: Generator): void {
  const n = cells.length;
  for (let i = 0; i < n; i++) cells[i] = i;
  for (let i = 0; i < n - 1; i++) {
    const j = i + (generator.random() % (n - i));
    const kept = cells[i];
    cells[i] = cells[j];
    cells[j] = kept;
  }
}

/** Where in `cells` a row of weights lies. */
interface Row {
  readonly cells: TypedArray;
  readonly at: number;
  readonly n: number;
}

/** `k` indices drawn with replacement: where uniform numbers fall among the cumulated weights. */
export function drawWithReplacement({ cells, at, n }: Row, out: TypedArray, outAt: number, k: number, generator: Generator): void {
  const cumulated = makeArray(cells instanceof Float64Array ? 'float64' : 'float32', n);
  for (let j = 0; j < n; j++) cumulated[j] = (j === 0 ? 0 : cumulated[j - 1]) + cells[at + j];
  const total = cumulated[n - 1];
  for (let j = 0; j < n; j++) cumulated[j] /= total;
  cumulated[n - 1] = 1;
  for (let i = 0; i < k; i++) {
    const u = generator.uniform53();
    let low = 0;
    for (let above = n; low < above; ) {
      const middle = (low + above) >>> 1;
      if (cumulated[middle] < u) low = middle + 1;
      else above = middle;
    }
    out[outAt + i] = low;
  }
}

/** `k` different indices: those of the largest ratios of weight to an exponential number. */
export function drawWithoutReplacement({ cells, at, n }: Row, out: TypedArray, outAt: number, k: number, exponentials: TypedArray): void {
  const ratios = makeArray(cells instanceof Float64Array ? 'float64' : 'float32', n);
  for (let j = 0; j < n; j++) ratios[j] = cells[at + j] / exponentials[j];
  const order = Int32Array.from({ length: n }, (_, j) => j).sort((a, b) => ratios[b] - ratios[a] || a - b);
  for (let i = 0; i < k; i++) out[outAt + i] = order[i];
}

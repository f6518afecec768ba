import { type TypedArray, makeArray } from '../dtype.ts';
import { ArgumentError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Results, results } from '../results.ts';
import { normalizeDim, numelOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { type Method, checkTensor, method } from './define.ts';
import { argsort } from './sort.ts';
import { detach, movedim, reshape } from './view.ts';

const family = 'sorting';

/** Options of `uniqueConsecutive`. */
export interface ConsecutiveOptions {
  /** Also where each element, or slice, went; default false. */
  readonly returnInverse?: boolean;
  /** Also how often each one occurs; default false. */
  readonly returnCounts?: boolean;
  /** Compare slices along this dimension instead of elements; default null. */
  readonly dim?: number | null;
}

/** Options of `unique`. */
export interface UniqueOptions extends ConsecutiveOptions {
  /** The values come sorted in any case; the option is PyTorch's. */
  readonly sorted?: boolean;
}

interface Unique<O> {
  (x: Tensor, options: O & { readonly returnInverse: true; readonly returnCounts: true }): Results<{ output: Tensor; inverseIndices: Tensor; counts: Tensor }>;
  (x: Tensor, options: O & { readonly returnInverse: true }): Results<{ output: Tensor; inverseIndices: Tensor }>;
  (x: Tensor, options: O & { readonly returnCounts: true }): Results<{ output: Tensor; counts: Tensor }>;
  (x: Tensor, options?: O): Tensor;
}

/** Slices one after the other: `count` of `length` elements. */
interface Rows {
  readonly cells: TypedArray;
  readonly count: number;
  readonly length: number;
}

function sameRow({ cells, length }: Rows, i: number, j: number): boolean {
  for (let k = 0; k < length; k++) if (cells[i * length + k] !== cells[j * length + k]) return false;
  return true;
}

function compareRows({ cells, length }: Rows, i: number, j: number): number {
  for (let k = 0; k < length; k++) {
    const [a, b] = [cells[i * length + k], cells[j * length + k]];
    if (a < b || (Number.isNaN(b) && !Number.isNaN(a))) return -1;
    if (a > b || (Number.isNaN(a) && !Number.isNaN(b))) return 1;
  }
  return i - j;
}

/** Runs of equal slices in an order: the first of each run, where each slice went, and how long the runs are. */
function runs(rows: Rows, order: ArrayLike<number>): { readonly firsts: Int32Array; readonly inverse: Int32Array; readonly counts: Int32Array } {
  const { count } = rows;
  const [firsts, inverse, counts] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)];
  let k = -1;
  for (let i = 0; i < count; i++) {
    if (i === 0 || !sameRow(rows, order[i], firsts[k])) firsts[++k] = order[i];
    counts[k]++;
    inverse[order[i]] = k;
  }
  return { firsts: firsts.slice(0, k + 1), inverse, counts: counts.slice(0, k + 1) };
}

function flag(op: string, name: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw new ArgumentError(`${op}: ${name} is not a boolean, got ${show(value)}; expected true or false`);
  return value ?? false;
}

/** How many distinct ones there are is known only after a look at the elements, so it is no primitive. */
function distinct(op: string, x: Tensor, options: UniqueOptions | undefined, ordered: boolean): Tensor | Results<{ output: Tensor }> {
  checkTensor(op, x);
  checkOptions(op, options, ordered ? ['sorted', 'returnInverse', 'returnCounts', 'dim'] : ['returnInverse', 'returnCounts', 'dim']);
  flag(op, 'sorted', options?.sorted);
  const wantsInverse = flag(op, 'returnInverse', options?.returnInverse);
  const wantsCounts = flag(op, 'returnCounts', options?.returnCounts);
  const at = options?.dim ?? null;
  const d = at === null ? null : normalizeDim(op, at, x.ndim);
  const plain = detach(x);
  const lines = d === null || x.ndim === 0 ? reshape(plain, [x.numel(), 1]) : reshape(movedim(plain, d, 0), [x.shape[d], numelOf(x.shape.toSpliced(d, 1))]);
  const [count, length] = lines.shape;
  if (length === 0 && count > 0) throw new ShapeError(`${op}: slices without elements, got ${show(x)} along dimension ${show(d)}; expected no other dimension of size 0`);
  const rows = { cells: lines.data(), count, length };
  const natural = Int32Array.from({ length: count }, (_, i) => i);
  const order = !ordered ? natural : length === 1 ? argsort(reshape(lines, [count])).data() : natural.sort((i, j) => compareRows(rows, i, j));
  const { firsts, inverse, counts } = runs(rows, order);
  const { device } = x;
  const whole = (cells: Int32Array, shape: readonly number[]): Tensor => new Tensor(device.adopt('int64', cells), shape);
  let output: Tensor;
  if (d === null || x.ndim === 0) {
    const values = makeArray(x.dtype, firsts.length);
    for (let i = 0; i < values.length; i++) values[i] = rows.cells[firsts[i]];
    output = new Tensor(device.adopt(x.dtype, values), [values.length]);
  } else output = plain.indexSelect(d, whole(firsts, [firsts.length]));
  if (!wantsInverse && !wantsCounts) return output;
  const inverseIndices = whole(inverse, d === null ? x.shape : [count]);
  const many = whole(counts, [counts.length]);
  if (!wantsCounts) return results({ output, inverseIndices });
  return wantsInverse ? results({ output, inverseIndices, counts: many }) : results({ output, counts: many });
}

/**
 * The distinct values of a tensor, ascending, or its distinct slices along `dim`, in lexicographic order of their elements in row-major order (PyTorch 1.13 took those of the last of
 * three dimensions in another order); every NaN counts as distinct. With options also where each element or slice went (int64) and how often each occurs (int64).
 *
 * @returns the values, or with `returnInverse` or `returnCounts` an object of `output`, `inverseIndices` and `counts`
 * @throws ShapeError for slices without elements
 * @see https://pytorch.org/docs/stable/generated/torch.unique.html
 */
export const unique: Method<Unique<UniqueOptions>> = method(
  {
    name: 'unique',
    family,
    differentiable: false,
    samples: (s) => [
      [s.values([3, 1, 2, 1, 3, 1], [2, 3])], [s.values([3, 1, 3], [3], 'int64'), { returnInverse: true, returnCounts: true }], [s.values([2], [])], [s.float([0, 2])],
      [s.int([6, 2], 0, 2), { dim: 0, returnInverse: true, returnCounts: true }], [s.int([2, 7, 1], 0, 2), { dim: -2, returnCounts: true }], [s.float([3, 2]), { dim: 1 }],
    ],
  },
  ((x: Tensor, options?: UniqueOptions) => distinct('unique', x, options, true)) as Unique<UniqueOptions>,
);

/**
 * The first of every run of equal elements of the flattened tensor, or of equal slices along `dim`. With options also which run each belongs to (int64) and how long the runs are
 * (int64).
 *
 * @returns the values, or with `returnInverse` or `returnCounts` an object of `output`, `inverseIndices` and `counts`
 * @throws ShapeError for slices without elements
 * @see https://pytorch.org/docs/stable/generated/torch.unique_consecutive.html
 */
export const uniqueConsecutive: Method<Unique<ConsecutiveOptions>> = method(
  {
    name: 'uniqueConsecutive',
    family,
    differentiable: false,
    samples: (s) => [
      [s.values([1, 1, 2, 2, 3, 1, 1, 2])], [s.values([1, 1, 2, 2, 2, 1], [2, 3], 'int64'), { returnInverse: true, returnCounts: true }], [s.values([2], [])], [s.float([0, 2])],
      [s.int([8, 1], 0, 2), { dim: 0, returnInverse: true, returnCounts: true }], [s.int([2, 7], 0, 2), { dim: 1, returnInverse: true }],
    ],
  },
  ((x: Tensor, options?: ConsecutiveOptions) => distinct('uniqueConsecutive', x, options, false)) as Unique<ConsecutiveOptions>,
);

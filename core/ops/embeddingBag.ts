import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { sameShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { arange, tensor, zeros } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { type TableOptions, checkTable, checkTableOptions, paddingRow, shortenRows, tableOptions } from './embeddingRules.ts';
import { checkIndex } from './gather.ts';
import { embedding } from './lookup.ts';
import { searchsorted } from './sort.ts';

/** What becomes of the rows of a bag. */
export type BagMode = 'sum' | 'mean' | 'max';

/** Options of `embeddingBag`. */
export interface EmbeddingBagOptions extends TableOptions {
  /** Where each bag begins in an input of one dimension; also the third argument. */
  readonly offsets?: Tensor | null;
  /** Default 'mean'. */
  readonly mode?: BagMode;
  /** A factor for each row, in the shape of the input; only for sums; default none. */
  readonly perSampleWeights?: Tensor | null;
  /** The last offset is the end of the last bag; default false. */
  readonly includeLastOffset?: boolean;
}

const name = 'embeddingBag';
const names = ['offsets', 'mode', 'perSampleWeights', 'includeLastOffset', ...tableOptions];

/** A flat list of rows in bags. */
interface Bags {
  readonly flat: Tensor;
  readonly count: number;
  /** Rows per bag, where each has as many; else null. */
  readonly each: number | null;
  /** Where each bag begins. */
  readonly starts: Tensor;
}

function startsOf(input: Tensor, offsets: Tensor | null, includeLastOffset: boolean): Bags {
  if (input.ndim === 2) {
    if (offsets !== null) throw new ArgumentError(`${name}: offsets for bags of one size, got ${show(offsets)} for ${show(input)}; expected none for 2 dimensions`);
    const [count, each] = includeLastOffset ? [Math.max(0, input.shape[0] - 1), input.shape[1]] : input.shape;
    return { flat: input.narrow(0, 0, count).flatten(), count, each, starts: arange(count, { device: input.device }).mul(each) };
  }
  if (input.ndim !== 1) throw new ShapeError(`${name}: no bags, got ${show(input)}; expected 1 or 2 dimensions`);
  if (offsets === null) throw new ArgumentError(`${name}: no offsets, got null for ${show(input)}; expected where each bag begins`);
  checkIndex(name, offsets, 'offsets');
  if (offsets.ndim !== 1) throw new ShapeError(`${name}: the offsets do not fit, got ${show(offsets)}; expected 1 dimension`);
  const values = offsets.data();
  const total = offsets.shape[0];
  if (includeLastOffset && total === 0) throw new ShapeError(`${name}: no last offset, got ${show(offsets)}; expected at least one`);
  if (total > 0 && values[0] !== 0) throw new ArgumentError(`${name}: the first bag begins late, got offset ${values[0]}; expected 0`);
  if (total > 0 && values[total - 1] > input.shape[0]) throw new ArgumentError(`${name}: an offset is too large, got ${values[total - 1]}; expected at most ${input.shape[0]}`);
  if (!includeLastOffset) return { flat: total === 0 ? input.narrow(0, 0, 0) : input, count: total, each: null, starts: offsets };
  return { flat: input.narrow(0, 0, values[total - 1]), count: total - 1, each: null, starts: offsets.narrow(0, 0, total - 1) };
}

/** Largest entries of the rows of each bag, 0 for none. */
function largest({ flat, count, each, starts }: Bags, weight: Tensor, padding: number | undefined): Tensor {
  const size = weight.shape[1];
  const begin = [...starts.data(), flat.numel()];
  const lengths = Array.from({ length: count }, (_, b) => Math.max(0, begin[b + 1] - begin[b]));
  const longest = each ?? Math.max(0, ...lengths);
  if (longest === 0 || count === 0) return weight.narrow(0, 0, 0).sum(0).expand([count, size]).clone();
  const places = lengths.flatMap((n, b) => Array.from({ length: longest }, (_, i) => (i < n ? begin[b] + i : -1)));
  const at = tensor(places, { dtype: 'int64', device: flat.device });
  const rows = flat.indexSelect(0, at.clamp({ min: 0 }));
  const none = (padding === undefined ? at.lt(0) : at.lt(0).logicalOr(rows.eq(padding))).reshape([count, longest]);
  const found = embedding(rows, weight).reshape([count, longest, size]).maskedFill(none.unsqueeze(-1), -Infinity);
  return found.max(1).values.maskedFill(none.all(1, { keepdim: true }), 0);
}

/**
 * Sums, means or maxima of rows of a table: bags of equal size as rows of an input of two dimensions, or of any size, one behind the other in one
 * dimension. Rows at `paddingIdx` do not count, and empty bags give 0.
 *
 * @param input - int64 or int32, (bags, size) or (n)
 * @param weight - (rows, size)
 * @param offsets - (bags): where each bag begins, for an input of one dimension
 * @returns (bags, size)
 * @throws ShapeError, DTypeError or ArgumentError for what does not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html
 */
export const embeddingBag: Free<(input: Tensor, weight: Tensor, offsets?: Tensor | EmbeddingBagOptions | null, options?: EmbeddingBagOptions) => Tensor> = free(
  {
    name,
    family: 'indexing',
    torch: 'nn.functional.embedding_bag',
    samples: (s) => [
      [s.values([2, 0, 2, 1, 1, 1], [2, 3], 'int64'), s.float([3, 2])],
      [s.values([2, 0, 2, 1], [4], 'int64'), s.float([3, 2]), s.values([0, 2, 2], [3], 'int64'), { mode: 'sum', perSampleWeights: s.float([4]) }],
      [s.values([2, 0, 2, 1], [4], 'int64'), s.float([3, 2]), s.values([0, 3, 4], [3], 'int64'), { mode: 'max' }],
      [s.values([2, 0, 2, 1], [4], 'int64'), s.float([3, 2]), s.values([0, 2, 4], [3], 'int64'), { includeLastOffset: true, paddingIdx: 2 }],
      [s.values([2, 0, 2, 1], [2, 2], 'int64'), s.float([3, 2]), { mode: 'max', paddingIdx: -1 }],
    ],
  },
  (input: Tensor, weight: Tensor, third: Tensor | EmbeddingBagOptions | null = null, fourth: EmbeddingBagOptions = {}): Tensor => {
    checkIndex(name, input, 'input');
    checkTensor(name, weight, 'weight');
    const options = third === null || third instanceof Tensor ? fourth : third;
    checkOptions(name, options, names);
    checkTableOptions(name, options);
    checkTable(name, weight);
    const { mode = 'mean', perSampleWeights = null, includeLastOffset = false, scaleGradByFreq = false } = options;
    if (mode !== 'sum' && mode !== 'mean' && mode !== 'max') throw new ArgumentError(`${name}: unknown mode, got ${show(mode)}; expected 'sum', 'mean' or 'max'`);
    if (mode === 'max' && scaleGradByFreq) throw new ArgumentError(`${name}: maxima with scaleGradByFreq, got both; expected sums or means`);
    if (perSampleWeights !== null) {
      checkTensor(name, perSampleWeights, 'perSampleWeights');
      if (mode !== 'sum') throw new ArgumentError(`${name}: perSampleWeights for a ${mode}, got ${show(perSampleWeights)}; expected mode 'sum'`);
      if (!sameShape(perSampleWeights.shape, input.shape)) throw new ShapeError(`${name}: perSampleWeights do not fit, got ${show(perSampleWeights)}; expected [${input.shape.join(', ')}]`);
      if (perSampleWeights.dtype !== weight.dtype) throw new DTypeError(`${name}: perSampleWeights differ in dtype, got ${show(perSampleWeights)}; expected ${weight.dtype}`);
    }
    const bags = startsOf(input, third instanceof Tensor ? third : (options.offsets ?? null), includeLastOffset);
    const padding = paddingRow(name, options.paddingIdx, weight.shape[0]);
    shortenRows(weight, input, options);
    if (mode === 'max') return largest(bags, weight, padding);
    const { flat, count, each, starts } = bags;
    const rows = embedding(flat, weight, { scaleGradByFreq });
    const weighted = perSampleWeights === null ? rows : rows.mul(perSampleWeights.flatten().narrow(0, 0, flat.numel()).unsqueeze(-1));
    const none = padding === undefined ? null : flat.eq(padding).unsqueeze(-1);
    const used = none === null ? weighted : weighted.maskedFill(none, 0);
    const size = weight.shape[1];
    const bag = each === null ? searchsorted(starts, arange(flat.numel(), { device: flat.device }), { right: true }).sub(1) : null;
    const into = (x: Tensor): Tensor =>
      bag === null ? x.reshape([count, each ?? 0, x.shape[1]]).sum(1) : zeros([count, x.shape[1]], { dtype: x.dtype, device: x.device }).indexAdd(0, bag, x);
    const sums = into(used);
    if (mode === 'sum' || count === 0 || size === 0) return sums;
    const ones = zeros([flat.numel(), 1], { dtype: sums.dtype, device: sums.device }).add(1);
    return sums.div(into(none === null ? ones : ones.maskedFill(none, 0)).clamp({ min: 1 }));
  },
);

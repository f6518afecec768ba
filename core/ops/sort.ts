import { nextDim } from '../batching.ts';
import { accelerated } from '../cpu/engine.ts';
import { type SortAttrs, searchKernel, sortKernel } from '../cpu/sort.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyMany, primitive } from '../op.ts';
import { type Results, results } from '../results.ts';
import { normalizeDim, sameShape } from '../shape.ts';
import type { Operand } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { scalarLike } from './creation.ts';
import type { Named, NamedList, NamedPair } from './byName.ts';
import { type Free, type Method, checkOperand, checkTensor, free, method } from './define.ts';
import { checkIndex, gather } from './gather.ts';
import { scatter } from './scatterReduce.ts';
import { contiguous, reshape } from './view.ts';

const family = 'sorting';

const sortOp: Primitive<SortAttrs> = primitive<SortAttrs>({
  name: 'sort',
  infer: ([input], { dim, keep }) => {
    const x = input as Tensor;
    const shape = x.shape.with(dim, keep);
    return [{ shape, dtype: x.dtype }, { shape, dtype: 'int64' }];
  },
  cpu: accelerated(({ fastSort }) => fastSort, sortKernel),
  batching: { shift: nextDim },
  saves: 'outputs',
  backward: (node, g) => {
    if (g === null) return [null];
    return [scatter(emptyTensor(node.inputs[0].shape, g.dtype, g.device), (node.attrs as SortAttrs).dim, node.output(1), g)];
  },
});

/** Sorted values, and where each of them was. */
export type Sorted = Results<{ values: Tensor; indices: Tensor }>;

function flag(op: string, name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw new ArgumentError(`${op}: ${name} is not a boolean, got ${show(value)}; expected true or false`);
  return value;
}

function sorted(x: Tensor, dim: number, descending: boolean, keep: number): Sorted {
  const line = x.ndim === 0 ? reshape(x, [1]) : x;
  const [values, indices] = applyMany(sortOp, [line], { dim, descending, keep });
  return x.ndim === 0 ? results({ values: reshape(values, []), indices: reshape(indices, []) }) : results({ values, indices });
}

/** Options of `sort` and `argsort`. */
export interface SortOptions {
  /** Largest first; default false. */
  readonly descending?: boolean;
  /** Equal values keep their order. They always do here; the option is PyTorch's. */
  readonly stable?: boolean;
}

function sortedBy(op: string, x: Tensor, dim: number, options: SortOptions | undefined): Sorted {
  checkTensor(op, x);
  checkOptions(op, options, ['descending', 'stable']);
  const d = normalizeDim(op, dim, x.ndim);
  flag(op, 'stable', options?.stable, false);
  return sorted(x, d, flag(op, 'descending', options?.descending, false), x.shape[d] ?? 1);
}

/**
 * Values in ascending order along one dimension, and the places they came from. NaN counts as the largest; the order is stable.
 *
 * @param dim - default the last
 * @see https://pytorch.org/docs/stable/generated/torch.sort.html
 */
export const sort: Method<Named<'dim', number, SortOptions, Sorted, Tensor, [descending: boolean]>> = method(
  { name: 'sort', parameters: ['dim', 'options', 'descending'], family, samples: (s) => [[s.float([2, 4])], [s.float([3, 2]), 0, { descending: true }], [s.float([])], [s.float([2, 0])]] },
  (x: Tensor, dim = -1, options?: SortOptions): Sorted => sortedBy('sort', x, dim, options),
);

/** The places of the values in ascending order along one dimension. @see https://pytorch.org/docs/stable/generated/torch.argsort.html */
export const argsort: Method<Named<'dim', number, SortOptions, Tensor, Tensor, [descending: boolean]>> = method(
  { name: 'argsort', parameters: ['dim', 'options', 'descending'], family, differentiable: false, samples: (s) => [[s.float([2, 4])], [s.float([3, 2]), 0, { descending: true }], [s.float([])]] },
  (x: Tensor, dim = -1, options?: SortOptions): Tensor => sortedBy('argsort', x, dim, options).indices,
);

/** Options of `topk`. */
export interface TopkOptions {
  /** The largest (default) or the smallest. */
  readonly largest?: boolean;
  /** In order; they always are here; the option is PyTorch's. */
  readonly sorted?: boolean;
}

/**
 * The `k` largest (or smallest) values along one dimension, in order, and the places they came from. NaN counts as the largest.
 *
 * @throws ShapeError for `k` outside 0 … size
 * @see https://pytorch.org/docs/stable/generated/torch.topk.html
 */
export const topk: Method<NamedPair<'k', number, 'dim', number, TopkOptions, Sorted, Tensor, [largest: boolean, sorted: boolean]>> = method(
  { name: 'topk', parameters: ['k', 'dim', 'options', 'largest', 'sorted'], family, samples: (s) => [[s.float([2, 4]), 2], [s.float([4, 2]), 3, 0, { largest: false }], [s.float([]), 1], [s.float([3]), 0]] },
  (x: Tensor, k: number, dim = -1, options?: TopkOptions): Sorted => {
    checkTensor('topk', x);
    if (x.dtype === 'bool') throw new DTypeError(`topk: not defined for bool, got ${show(x)}; expected numbers`);
    checkOptions('topk', options, ['largest', 'sorted']);
    const d = normalizeDim('topk', dim, x.ndim);
    const size = x.shape[d] ?? 1;
    if (!Number.isInteger(k) || k < 0 || k > size) throw new ShapeError(`topk: k outside dimension ${d}, got ${show(k)}; expected 0 to ${size}`, { values: { k, size } });
    flag('topk', 'sorted', options?.sorted, true);
    return sorted(x, d, flag('topk', 'largest', options?.largest, true), x.ndim === 0 ? 1 : k);
  },
);

const searchOp = primitive<{ readonly right: boolean; readonly dtype: 'int32' | 'int64' }>({
  name: 'searchsorted',
  infer: ([, values], { dtype }) => ({ shape: (values as Tensor).shape, dtype }),
  cpu: searchKernel,
});

/** Options of `bucketize`. */
export interface BucketizeOptions {
  /** int32 instead of int64; default false. */
  readonly outInt32?: boolean;
  /** Go behind equal values instead of before them; default false. */
  readonly right?: boolean;
}

/** Options of `searchsorted`. */
export interface SearchsortedOptions extends BucketizeOptions {
  /** 'left' or 'right': the same as `right`, by name. */
  readonly side?: 'left' | 'right' | null;
  /** The order that sorts the sequence, as `argsort` gives it, where it is not sorted itself. */
  readonly sorter?: Tensor | null;
}

function search(op: string, sequence: Tensor, values: Operand, right: boolean, outInt32: unknown): Tensor {
  const points = typeof values === 'number' ? scalarLike(sequence.to('float64'), values) : values;
  const dtype = flag(op, 'outInt32', outInt32, false) ? 'int32' : 'int64';
  return apply(searchOp, [contiguous(sequence), contiguous(points)], { right, dtype });
}

/**
 * Where values would go in a sorted sequence so that it stays sorted: the number of its entries below each value, or with
 * `right` at most each value. NaN goes to the end.
 *
 * @param sortedSequence - ascending along the last dimension: one row for all values, or a row for each row of values
 * @throws ShapeError for rows that do not match
 * @see https://pytorch.org/docs/stable/generated/torch.searchsorted.html
 */
export const searchsorted: Free<NamedList<[values: Operand, options?: SearchsortedOptions], { readonly values?: Operand } & SearchsortedOptions, Tensor>> = free(
  {
    name: 'searchsorted',
    parameters: ['values', 'options'],
    family,
    differentiable: false,
    samples: (s) => [
      [s.values([1, 3, 3, 7], [4]), s.values([3, 0, 8, 5], [2, 2])],
      [s.values([1, 3, 3, 7, 0, 2, 4, 6], [2, 4]), s.values([3, 3], [2, 1]), { right: true }],
      [s.values([1, 3], [2]), 3, { side: 'right', outInt32: true }],
      [s.values([7, 1, 3], [3]), s.values([2], [1]), { sorter: s.values([1, 2, 0], [3], 'int64') }],
    ],
  },
  (sortedSequence: Tensor, values: Operand, options?: SearchsortedOptions): Tensor => {
    const op = 'searchsorted';
    checkTensor(op, sortedSequence, 'the sequence');
    const points = checkOperand(op, values, 'values');
    checkOptions(op, options, ['outInt32', 'right', 'side', 'sorter']);
    const side = options?.side ?? null;
    if (side !== null && side !== 'left' && side !== 'right') throw new ArgumentError(`${op}: unknown side, got ${show(side)}; expected 'left' or 'right'`);
    const right = flag(op, 'right', options?.right, side === 'right');
    if (side === 'left' && right) throw new ArgumentError(`${op}: side and right disagree, got 'left' and true; expected one of them`);
    const sequence = ordered(op, sortedSequence, options?.sorter ?? null);
    const shape = typeof points === 'number' ? [] : points.shape;
    if (sequence.ndim === 0 || (sequence.ndim > 1 && (shape.length !== sequence.ndim || !sameShape(shape.slice(0, -1), sequence.shape.slice(0, -1))))) {
      throw new ShapeError(`${op}: rows do not match, got ${show(sequence)} and values [${shape.join(', ')}]; expected one row, or equal sizes except in the last dimension`);
    }
    return search(op, sequence, points, right || side === 'right', options?.outInt32);
  },
);

function ordered(op: string, sequence: Tensor, sorter: Tensor | null): Tensor {
  if (sorter === null) return sequence;
  checkIndex(op, sorter, 'sorter');
  if (!sameShape(sorter.shape, sequence.shape)) throw new ShapeError(`${op}: the sorter does not fit, got ${show(sorter)} for ${show(sequence)}; expected the same shape`);
  return gather(sequence, -1, sorter);
}

/**
 * The bucket of each value between ascending boundaries: `boundaries[i-1] < v <= boundaries[i]`, or with `right`
 * `boundaries[i-1] <= v < boundaries[i]`.
 *
 * @param boundaries - one dimension, ascending
 * @see https://pytorch.org/docs/stable/generated/torch.bucketize.html
 */
export const bucketize: Free<NamedList<[boundaries: Tensor, options?: BucketizeOptions], { readonly boundaries?: Tensor } & BucketizeOptions, Tensor, Operand>> = free(
  {
    name: 'bucketize',
    parameters: ['boundaries', 'options'],
    family,
    differentiable: false,
    samples: (s) => [[s.values([3, 6, 9, 1, 0, 10], [2, 3]), s.values([1, 3, 5, 7, 9])], [s.values([3, 6, 9]), s.values([1, 3, 5, 7, 9]), { right: true }]],
  },
  (input: Operand, boundaries: Tensor, options?: BucketizeOptions): Tensor => {
    const points = checkOperand('bucketize', input, 'input');
    checkTensor('bucketize', boundaries, 'boundaries');
    checkOptions('bucketize', options, ['outInt32', 'right']);
    if (boundaries.ndim !== 1) throw new ShapeError(`bucketize: boundaries are not a row, got ${show(boundaries)}; expected 1 dimension`);
    return search('bucketize', boundaries, points, flag('bucketize', 'right', options?.right, false), options?.outInt32);
  },
);

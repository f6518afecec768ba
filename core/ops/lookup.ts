import { largest, oneHotKernel } from '../cpu/gather.ts';
import { canCast, isInteger } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { apply, applyInPlace, primitive } from '../op.ts';
import { normalizeDim } from '../shape.ts';
import { type Operand, isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { scalarLike } from './creation.ts';
import type { Named, NamedList, NamedPair, Trailing } from './byName.ts';
import { type Free, type InPlace, type Method, checkOperand, checkTensor, free, inPlaceMethod, method } from './define.ts';
import { type TableOptions, byFrequency, checkTable, checkTableOptions, paddingRow, shortenRows, tableOptions } from './embeddingRules.ts';
import { atLeast1d, checkIndex } from './gather.ts';
import { indexOp, indexPutOp } from './indexing.ts';
import { expand, reshape } from './view.ts';

const family = 'indexing';

/** An index of entries of one dimension: at most one-dimensional. */
function rowIndex(op: string, index: unknown): Tensor {
  checkIndex(op, index);
  if (index.ndim > 1) throw new ShapeError(`${op}: the index has several dimensions, got ${show(index)}; expected at most one`);
  return atLeast1d(index);
}

/**
 * The entries of one dimension that an index names, in its order.
 *
 * @param index - int64 or int32, at most one dimension
 * @throws ShapeError for an index outside 0 … size-1
 * @see https://pytorch.org/docs/stable/generated/torch.index_select.html
 */
export const indexSelect: Method<NamedPair<'dim', number, 'index', Tensor, object, Tensor>> = method(
  {
    name: 'indexSelect',
    parameters: ['dim', 'index'],
    family,
    samples: (s) => [
      [s.float([3, 4]), 0, s.values([2, 0, 2], [3], 'int64')],
      [s.float([2, 3, 2]), -2, s.values([1], [], 'int64')],
      [s.float([3, 4]), 1, s.values([], [0], 'int64')],
      [s.float([]), 0, s.values([0], [1], 'int64')],
    ],
  },
  (x: Tensor, dim: number, index: Tensor): Tensor => {
    checkTensor('indexSelect', x);
    const rows = rowIndex('indexSelect', index);
    const d = normalizeDim('indexSelect', dim, x.ndim);
    if (x.ndim === 0 && rows.numel() !== 1) throw new ShapeError(`indexSelect: a scalar has one entry, got ${show(index)}; expected one index`);
    const made = apply(indexOp, [atLeast1d(x), rows], { op: 'indexSelect', dims: [d], named: [d], at: d, wrap: false });
    return x.ndim === 0 ? reshape(made, []) : made;
  },
);

function putRows(op: string, x: Tensor, dim: number, index: Tensor, makeValues: (shape: readonly number[]) => Tensor, accumulate: boolean, wrap: boolean): Tensor {
  checkTensor(op, x);
  const rows = rowIndex(op, index);
  const d = normalizeDim(op, dim, x.ndim);
  const to = atLeast1d(x);
  const values = makeValues(to.shape.with(d, rows.numel()));
  const attrs = { op, dims: [d], named: [d], at: d, wrap, accumulate };
  if (op.endsWith('_')) {
    applyInPlace(indexPutOp, [to, values.storage === x.storage ? values.clone() : values, rows], attrs);
    return x;
  }
  const made = apply(indexPutOp, [to, values, rows], attrs);
  return x.ndim === 0 ? reshape(made, []) : made;
}

/** The source of `indexAdd` and `indexCopy`: as many entries as the index, otherwise the sizes of the tensor. */
const sourceRows = (op: string, x: Tensor, source: Tensor) => (shape: readonly number[]): Tensor => {
  checkTensor(op, source, 'source');
  if (source.dtype !== x.dtype) throw new DTypeError(`${op}: the source has another dtype, got ${show(source)} for ${show(x)}; expected ${x.dtype}`);
  const rows = atLeast1d(source);
  if (rows.ndim !== shape.length || rows.shape.some((n, i) => n !== shape[i])) {
    throw new ShapeError(`${op}: the source does not fit, got ${show(source)} for ${show(x)}; expected [${shape.join(', ')}]`);
  }
  return rows;
};

/** Options of `indexAdd`. */
export interface IndexAddOptions {
  /** Factor of the source; default 1. */
  readonly alpha?: number;
}

function addRows(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor, options: IndexAddOptions | undefined): Tensor {
  checkOptions(op, options, ['alpha']);
  const alpha = options?.alpha ?? 1;
  if (typeof alpha !== 'number') throw new ArgumentError(`${op}: alpha is not a number, got ${show(alpha)}; expected a number`);
  const rows = (shape: readonly number[]): Tensor => {
    const found = sourceRows(op, x, source)(shape);
    if (alpha !== 1 && !Number.isInteger(alpha) && !canCast('float32', x.dtype)) {
      throw new DTypeError(`${op}: alpha has a fraction, got ${alpha} for ${show(x)}; expected a whole number`);
    }
    return alpha === 1 ? found : found.mul(alpha);
  };
  return putRows(op, x, dim, index, rows, true, false);
}

/** What is written into which entries, by name. */
interface RowArguments {
  readonly dim?: number;
  readonly index?: Tensor;
  readonly source?: Tensor;
}

/**
 * A copy of `x` with `alpha·source` added to the entries of one dimension that an index names, every time it names them.
 *
 * @param source - sizes of `x`, but as many entries in dimension `dim` as the index
 * @throws ShapeError for an index outside 0 … size-1, before anything is written
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html
 */
export const indexAdd: InPlace<NamedList<[dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions], RowArguments & IndexAddOptions, Tensor>> = inPlaceMethod(
  {
    name: 'indexAdd',
    parameters: ['dim', 'index', 'source', 'options'],
    family,
    samples: (s) => [
      [s.float([3, 2]), 0, s.values([2, 0, 2], [3], 'int64'), s.float([3, 2])],
      [s.float([2, 3]), -1, s.values([1], [1], 'int64'), s.float([2, 1]), { alpha: -0.5 }],
      [s.int([3]), 0, s.values([1, 1], [2], 'int64'), s.int([2]), { alpha: 2 }],
    ],
  },
  (x: Tensor, dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions): Tensor => addRows('indexAdd', x, dim, index, source, options),
  (x: Tensor, dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions): Tensor => addRows('indexAdd_', x, dim, index, source, options),
);

/**
 * A copy of `x` with the entries of one dimension that an index names replaced by those of `source`.
 *
 * @param source - sizes of `x`, but as many entries in dimension `dim` as the index
 * @throws ShapeError for an index outside 0 … size-1, before anything is written
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_copy_.html
 */
export const indexCopy: InPlace<NamedList<[dim: number, index: Tensor, source: Tensor], RowArguments, Tensor>> = inPlaceMethod(
  {
    name: 'indexCopy',
    parameters: ['dim', 'index', 'source'],
    family,
    samples: (s) => [
      [s.float([3, 2]), 0, s.values([2, 0], [2], 'int64'), s.float([2, 2])],
      [s.float([2, 3]), -1, s.values([1], [1], 'int64'), s.float([2, 1])],
    ],
  },
  (x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor => putRows('indexCopy', x, dim, index, sourceRows('indexCopy', x, source), false, false),
  (x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor => putRows('indexCopy_', x, dim, index, sourceRows('indexCopy_', x, source), false, false),
);

function fillRows(op: string, x: Tensor, dim: number, index: Tensor, value: Operand): Tensor {
  const given = checkOperand(op, value, 'value');
  const values = (shape: readonly number[]): Tensor => {
    const scalar = typeof given === 'number' ? scalarLike(x, given) : given;
    if (scalar.ndim > 0) throw new ShapeError(`${op}: the value is not a scalar, got ${show(scalar)}; expected a number or 0 dimensions`);
    return expand(scalar.to(x.dtype), shape);
  };
  return putRows(op, x, dim, index, values, false, true);
}

/**
 * A copy of `x` with the entries of one dimension that an index names filled with a number; negative indices count from the end.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_fill_.html
 */
export const indexFill: InPlace<
  NamedList<[dim: number, index: Tensor, value: Operand], { readonly dim?: number; readonly index?: Tensor; readonly value?: Operand }, Tensor>
> = inPlaceMethod(
  {
    name: 'indexFill',
    parameters: ['dim', 'index', 'value'],
    family,
    samples: (s) => [
      [s.float([3, 2]), 0, s.values([2, -3], [2], 'int64'), 1.5],
      [s.float([2, 3]), 1, s.values([0, 1], [2], 'int64'), s.float([])],
    ],
  },
  (x: Tensor, dim: number, index: Tensor, value: Operand): Tensor => fillRows('indexFill', x, dim, index, value),
  (x: Tensor, dim: number, index: Tensor, value: Operand): Tensor => fillRows('indexFill_', x, dim, index, value),
);

/**
 * Elements by their place in the row-major order, in the shape of the index; negative ones count from the end.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.take.html
 */
export const take: Method<NamedList<[index: Tensor], { readonly index?: Tensor }, Tensor>> = method(
  {
    name: 'take',
    parameters: ['index'],
    family,
    samples: (s) => [
      [s.float([2, 3]), s.values([5, 0, -2, 0], [2, 2], 'int64')],
      [s.float([2, 3]), s.values([1], [], 'int64')],
    ],
  },
  (x: Tensor, index: Tensor): Tensor => {
    checkTensor('take', x);
    checkIndex('take', index);
    return apply(indexOp, [reshape(x, [-1]), index], { op: 'take', dims: [0], named: [0], at: 0, wrap: true });
  },
);

/** Options of `embedding`. */
export interface EmbeddingOptions extends TableOptions {}

/**
 * Rows of a table: `out[...] = weight[input[...]]`.
 *
 * @param input - int64 or int32 of any shape
 * @param weight - (rows, size)
 * @returns the shape of `input` with `size` behind it
 * @throws ShapeError for an index outside 0 … rows-1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
 */
export const embedding: Free<(input: Tensor, weight: Tensor, ...options: Trailing<EmbeddingOptions, [paddingIdx: number | null, maxNorm: number | null, normType: number, scaleGradByFreq: boolean]>) => Tensor> = free(
  {
    name: 'embedding',
    parameters: ['weight', 'options', 'paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq'],
    family,
    torch: 'nn.functional.embedding',
    samples: (s) => [
      [s.values([2, 0, 2, 1], [2, 2], 'int64'), s.float([3, 4])],
      [s.values([2, 0, 2, 1], [4], 'int64'), s.float([3, 4])],
      [s.values([1], [], 'int64'), s.float([3, 2])],
      [s.values([2, 0, 2, 1, 1, 1], [2, 3], 'int64'), s.float([3, 2]), { scaleGradByFreq: true, paddingIdx: -1 }],
    ],
  },
  (input: Tensor, weight: Tensor, options?: EmbeddingOptions): Tensor => {
    checkIndex('embedding', input, 'input');
    checkTensor('embedding', weight, 'weight');
    checkOptions('embedding', options, tableOptions);
    if (options !== undefined) checkTableOptions('embedding', options);
    checkTable('embedding', weight);
    const [rows] = weight.shape;
    const padding = paddingRow('embedding', options?.paddingIdx, rows);
    if (options !== undefined) shortenRows(weight, input, options);
    const found = apply(indexOp, [weight, input], { op: 'embedding', dims: [0], named: [0], at: 0, wrap: false, padding });
    return options?.scaleGradByFreq === true && isGradEnabled() ? byFrequency(found, input, rows) : found;
  },
);

const oneHotOp = primitive<{ readonly classes: number }>({
  name: 'oneHot',
  infer: ([x], { classes }) => ({ shape: [...(x as Tensor).shape, classes], dtype: 'int64' }),
  cpu: oneHotKernel,
  batching: { shift: (attrs) => attrs },
});

/**
 * A new last dimension with 1 at the class and 0 elsewhere, as int64.
 *
 * @param numClasses - size of that dimension; -1 (default) is the largest class + 1
 * @throws ShapeError for a class outside 0 … numClasses-1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html
 */
export const oneHot: Free<Named<'numClasses', number, object, Tensor>> = free(
  {
    name: 'oneHot',
    parameters: ['numClasses'],
    family,
    torch: 'nn.functional.one_hot',
    differentiable: false,
    samples: (s) => [[s.values([2, 0, 1], [3], 'int64')], [s.values([1, 0], [2, 1], 'int64'), 4], [s.values([], [0], 'int64'), 3]],
  },
  (x: Tensor, numClasses = -1): Tensor => {
    checkTensor('oneHot', x);
    if (!isInteger(x.dtype)) throw new DTypeError(`oneHot: classes are not whole numbers, got ${show(x)}; expected int64`);
    if (!Number.isInteger(numClasses) || numClasses < -1) throw new ArgumentError(`oneHot: invalid numClasses, got ${show(numClasses)}; expected an integer ≥ 0, or -1`);
    if (numClasses === -1 && x.numel() === 0) throw new ArgumentError(`oneHot: the number of classes is open, got ${show(x)} and -1; expected numClasses for no elements`);
    const classes = numClasses >= 0 ? numClasses : largest(x) + 1;
    return apply(oneHotOp, [x], { classes });
  },
);

import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { makeView } from '../op.ts';
import { type Shape, normalizeDim } from '../shape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { diagonal, flip } from './arrange.ts';
import { type TensorOptions, dtypeOf, fromCells } from './creation.ts';
import type { Named, NamedList } from './byName.ts';
import { type Free, type Method, checkTensor, free, method } from './define.ts';
import { asStridedScatter } from './strided.ts';
import { clone, cloneBeside, permute, reshape, select, sliceDim, transpose } from './view.ts';
import { makeArray } from '../dtype.ts';

const family = 'arranging';

/** Columns in reverse order: the second dimension flipped. @see https://pytorch.org/docs/stable/generated/torch.fliplr.html */
export const fliplr: Method<(x: Tensor) => Tensor> = method({ name: 'fliplr', family, samples: (s) => [[s.float([2, 3])], [s.float([2, 3, 2])]] }, (x: Tensor): Tensor => {
  checkTensor('fliplr', x);
  if (x.ndim < 2) throw new ShapeError(`fliplr: too few dimensions, got ${show(x)}; expected at least 2`);
  return flip(x, [1]);
});

/** Rows in reverse order: the first dimension flipped. @see https://pytorch.org/docs/stable/generated/torch.flipud.html */
export const flipud: Method<(x: Tensor) => Tensor> = method({ name: 'flipud', family, samples: (s) => [[s.float([3])], [s.float([2, 3])]] }, (x: Tensor): Tensor => {
  checkTensor('flipud', x);
  if (x.ndim < 1) throw new ShapeError(`flipud: too few dimensions, got ${show(x)}; expected at least 1`);
  return flip(x, [0]);
});

/**
 * Turns the plane of two dimensions by `k` quarter turns, from the first toward the second.
 *
 * @param k - quarter turns (default 1); negative ones go the other way
 * @param dims - the plane; default [0, 1]
 * @see https://pytorch.org/docs/stable/generated/torch.rot90.html
 */
export const rot90: Method<NamedList<[k?: number, dims?: readonly number[]], { readonly k?: number; readonly dims?: readonly number[] }, Tensor>> = method(
  { name: 'rot90', parameters: ['k', 'dims'], family, samples: (s) => [[s.float([2, 3])], [s.float([2, 3]), 2], [s.float([2, 3]), -1, [0, 1]], [s.float([2, 3, 4]), 1, [1, 2]], [s.float([2, 3]), 4]] },
  (x: Tensor, k = 1, dims: readonly number[] = [0, 1]): Tensor => {
    checkTensor('rot90', x);
    if (!Number.isInteger(k)) throw new ArgumentError(`rot90: not whole turns, got ${show(k)}; expected an integer`);
    if (!Array.isArray(dims) || dims.length !== 2) throw new ArgumentError(`rot90: not a plane, got ${show(dims)}; expected two dimensions`);
    if (x.ndim < 2) throw new ShapeError(`rot90: too few dimensions, got ${show(x)}; expected at least 2`);
    const [a, b] = dims.map((d: number) => normalizeDim('rot90', d, x.ndim));
    if (a === b) throw new ArgumentError(`rot90: a dimension with itself, got ${show(dims)}; expected two`);
    const turns = ((k % 4) + 4) % 4;
    if (turns === 0) return clone(x);
    if (turns === 2) return flip(x, [a, b]);
    return transpose(flip(x, [turns === 1 ? b : a]), a, b);
  },
);

/** All elements in one dimension, in order; a view where the layout allows. @see https://pytorch.org/docs/stable/generated/torch.ravel.html */
export const ravel: Method<(x: Tensor) => Tensor> = method({ name: 'ravel', family: 'shape', samples: (s) => [[s.float([2, 3])], [s.float([])]] }, (x: Tensor): Tensor => reshape(x, [-1]));

/**
 * Vectors along the last dimension become diagonals of matrices, zeros elsewhere.
 *
 * @param offset - 0 (default) the main diagonal, more above it, less below
 * @param dim1 - where the rows go; default -2
 * @param dim2 - where the columns go; default -1
 * @see https://pytorch.org/docs/stable/generated/torch.diag_embed.html
 */
export const diagEmbed: Method<NamedList<[offset?: number, dim1?: number, dim2?: number], { readonly offset?: number; readonly dim1?: number; readonly dim2?: number }, Tensor>> = method(
  { name: 'diagEmbed', parameters: ['offset', 'dim1', 'dim2'], family, samples: (s) => [[s.float([3])], [s.float([2, 3])], [s.float([2, 2]), 1, 0, 2], [s.float([2]), -1]] },
  (x: Tensor, offset = 0, dim1 = -2, dim2 = -1): Tensor => {
    checkTensor('diagEmbed', x);
    if (!Number.isInteger(offset)) throw new ArgumentError(`diagEmbed: the offset is not an integer, got ${show(offset)}; expected an integer`);
    if (x.ndim === 0) throw new ShapeError(`diagEmbed: a scalar has no diagonal, got ${show(x)}; expected at least 1 dimension`);
    const rank = x.ndim + 1;
    const [a, b] = [normalizeDim('diagEmbed', dim1, rank), normalizeDim('diagEmbed', dim2, rank)];
    if (a === b) throw new ShapeError(`diagEmbed: a dimension with itself, got ${dim1} and ${dim2}; expected two`);
    const size = x.shape[x.ndim - 1] + Math.abs(offset);
    const zeros = emptyTensor([...x.shape.slice(0, -1), size, size], x.dtype, x.device);
    const made = diagonalScatter(zeros, x, offset, -2, -1);
    const order = Array.from({ length: rank - 2 }, (_, d) => d);
    const [first, second] = a < b ? [a, b] : [b, a];
    return permute(made, order.toSpliced(first, 0, a < b ? rank - 2 : rank - 1).toSpliced(second, 0, a < b ? rank - 1 : rank - 2));
  },
);

/** All elements on a diagonal of a square matrix. @see https://pytorch.org/docs/stable/generated/torch.diagflat.html */
export const diagflat: Method<Named<'offset', number, object, Tensor>> = method(
  { name: 'diagflat', parameters: ['offset'], family, samples: (s) => [[s.float([3])], [s.float([2, 2]), 1], [s.float([]), -1]] },
  (x: Tensor, offset = 0): Tensor => reshape(x, [-1]).diag(offset),
);

/** A copy of `x` with `source` in the place of what `view` gives of it. */
function placed(name: string, x: Tensor, source: Tensor, view: (t: Tensor) => Tensor): Tensor {
  checkTensor(name, x);
  checkTensor(name, source, 'src');
  const copy = cloneBeside(x, [source]);
  const target = view(copy);
  if (source.ndim !== target.ndim || source.shape.some((n, d) => n !== target.shape[d])) {
    throw new ShapeError(`${name}: the source does not fit, got ${show(source)}; expected [${target.shape.join(', ')}]`);
  }
  const { shape, strides, offset } = target;
  return asStridedScatter(copy, source.to(x.dtype), { shape, strides, offset });
}

/** A copy of `x` with another diagonal. @see https://pytorch.org/docs/stable/generated/torch.diagonal_scatter.html */
export const diagonalScatter: Method<NamedList<[src: Tensor, offset?: number, dim1?: number, dim2?: number], { readonly src?: Tensor; readonly offset?: number; readonly dim1?: number; readonly dim2?: number }, Tensor>> = method(
  { name: 'diagonalScatter', parameters: ['src', 'offset', 'dim1', 'dim2'], family, samples: (s) => [[s.float([3, 3]), s.float([3])], [s.float([2, 3, 3]), s.float([2, 2]), 1, 1, 2]] },
  (x: Tensor, src: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor => placed('diagonalScatter', x, src, (t) => diagonal(t.detach(), offset, dim1, dim2)),
);

/** A copy of `x` with another entry at `index` of one dimension. @see https://pytorch.org/docs/stable/generated/torch.select_scatter.html */
export const selectScatter: Method<NamedList<[src: Tensor, dim: number, index: number], { readonly src?: Tensor; readonly dim?: number; readonly index?: number }, Tensor>> = method(
  { name: 'selectScatter', parameters: ['src', 'dim', 'index'], family, samples: (s) => [[s.float([2, 3]), s.float([3]), 0, 1], [s.float([2, 3]), s.float([2]), -1, -3]] },
  (x: Tensor, src: Tensor, dim: number, index: number): Tensor => placed('selectScatter', x, src, (t) => select(t.detach(), dim, index)),
);

/** A copy of `x` with another slice of one dimension. @see https://pytorch.org/docs/stable/generated/torch.slice_scatter.html */
export const sliceScatter: Method<NamedList<[src: Tensor, dim?: number, start?: number | null, end?: number | null, step?: number], { readonly src?: Tensor; readonly dim?: number; readonly start?: number | null; readonly end?: number | null; readonly step?: number }, Tensor>> = method(
  { name: 'sliceScatter', parameters: ['src', 'dim', 'start', 'end', 'step'], family, samples: (s) => [[s.float([4, 2]), s.float([2, 2]), 0, 1, 3], [s.float([2, 5]), s.float([2, 2]), 1, 0, 4, 2], [s.float([3]), s.float([3])]] },
  (x: Tensor, src: Tensor, dim = 0, start?: number | null, end?: number | null, step = 1): Tensor => placed('sliceScatter', x, src, (t) => sliceDim(t.detach(), dim, start ?? null, end ?? null, step)),
);

/**
 * Windows along one dimension, as a view: that dimension counts the windows, and a new last one runs through each.
 *
 * @param dimension - where
 * @param size - length of a window
 * @param step - from one window to the next, ≥ 1
 * @throws ShapeError for a window longer than the dimension
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.unfold.html
 */
export const unfoldDim: Method<NamedList<[dimension: number, size: number, step: number], { readonly dimension?: number; readonly size?: number; readonly step?: number }, Tensor>> = method(
  { name: 'unfold', parameters: ['dimension', 'size', 'step'], family: 'shape', torch: 'Tensor.unfold', samples: (s) => [[s.float([5]), 0, 2, 1], [s.float([2, 5]), 1, 3, 2], [s.float([]), 0, 1, 1], [s.float([4]), 0, 4, 3]] },
  (x: Tensor, dimension: number, size: number, step: number): Tensor => {
    checkTensor('unfold', x);
    const d = normalizeDim('unfold', dimension, x.ndim);
    const length = x.ndim === 0 ? 1 : x.shape[d];
    if (!Number.isInteger(size) || size < 0 || size > length) throw new ShapeError(`unfold: the window does not fit, got size ${show(size)} for ${show(x)}; expected 0 to ${length}`);
    if (!Number.isInteger(step) || step < 1) throw new ArgumentError(`unfold: invalid step, got ${show(step)}; expected an integer ≥ 1`);
    const stride = x.ndim === 0 ? 1 : x.strides[d];
    const count = Math.floor((length - size) / step) + 1;
    const shape: Shape = x.ndim === 0 ? [size] : [...x.shape.with(d, count), size];
    const strides = x.ndim === 0 ? [1] : [...x.strides.with(d, stride * step), stride];
    const before = x.shape;
    return makeView('unfold', x, { shape, strides, offset: x.offset }, (g) => folded(g, before, d, size, step));
  },
);

/** The gradient of windows: each goes back to where it lies, added up. */
function folded(g: Tensor, shape: Shape, d: number, size: number, step: number): Tensor {
  if (shape.length === 0) return reshape(g.sum(), []);
  const count = g.shape[d];
  let sum = emptyTensor(shape, g.dtype, g.device);
  for (let i = 0; i < size; i++) {
    if (count === 0) break;
    const part = select(g, -1, i);
    sum = sum.add(sliceScatter(emptyTensor(shape, g.dtype, g.device), part, d, i, i + (count - 1) * step + 1, step));
  }
  return sum;
}

// ---- indices of triangles ----

function triangleIndices(name: string, rows: number, columns: number, offset: number, upper: boolean, options: TensorOptions | undefined): Tensor {
  for (const [key, value] of Object.entries({ rows, columns })) if (!Number.isInteger(value) || value < 0) throw new ArgumentError(`${name}: invalid number of ${key}, got ${show(value)}; expected an integer ≥ 0`);
  if (!Number.isInteger(offset)) throw new ArgumentError(`${name}: the offset is not an integer, got ${show(offset)}; expected an integer`);
  const dtype = dtypeOf(name, options, 'int64');
  if (dtype !== 'int64' && dtype !== 'int32') throw new DTypeError(`${name}: not a dtype of indices, got ${dtype}; expected int64 or int32`);
  const places: number[] = [];
  const inside: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      if (upper ? j - i < offset : j - i > offset) continue;
      places.push(i);
      inside.push(j);
    }
  }
  const cells = makeArray(dtype, 2 * places.length);
  cells.set(places);
  cells.set(inside, places.length);
  return fromCells(name, dtype, cells, [2, places.length], options);
}

type Indices = Free<(row: number, col: number, offset?: number | TensorOptions, options?: TensorOptions) => Tensor>;

const indices = (name: string, upper: boolean): Indices =>
  free({ name, family, differentiable: false, samples: () => [[3, 3], [2, 4, 1], [4, 2, -1]] }, (row: number, col: number, offset?: number | TensorOptions, options?: TensorOptions): Tensor =>
    typeof offset === 'object' ? triangleIndices(name, row, col, withOffset(name, offset), upper, plain(offset)) : triangleIndices(name, row, col, offset ?? 0, upper, options),
  );

function withOffset(name: string, options: TensorOptions & { readonly offset?: number }): number {
  checkOptions(name, options, ['offset', 'dtype', 'device', 'requiresGrad']);
  return options.offset ?? 0;
}

function plain({ offset: _, ...rest }: TensorOptions & { readonly offset?: number }): TensorOptions {
  return rest;
}

/** Rows and columns of the lower triangle of a matrix: (2, n), row by row. @see https://pytorch.org/docs/stable/generated/torch.tril_indices.html */
export const trilIndices: Indices = indices('trilIndices', false);
/** Rows and columns of the upper triangle of a matrix: (2, n), row by row. @see https://pytorch.org/docs/stable/generated/torch.triu_indices.html */
export const triuIndices: Indices = indices('triuIndices', true);

/** The tensor under the shape of another, never a copy. @see https://pytorch.org/docs/stable/generated/torch.Tensor.view_as.html */
export const viewAs: Method<(x: Tensor, other: Tensor) => Tensor> = method({ name: 'viewAs', family: 'shape', torch: 'Tensor.view_as', samples: (s) => [[s.float([2, 3]), s.float([3, 2])]] }, (x: Tensor, other: Tensor): Tensor => x.view(other.shape));

/** The tensor under the shape of another. @see https://pytorch.org/docs/stable/generated/torch.Tensor.reshape_as.html */
export const reshapeAs: Method<(x: Tensor, other: Tensor) => Tensor> = method({ name: 'reshapeAs', family: 'shape', torch: 'Tensor.reshape_as', samples: (s) => [[s.float([2, 3]), s.float([3, 2])]] }, (x: Tensor, other: Tensor): Tensor => reshape(x, other.shape));

/** The dtype of another tensor. @see https://pytorch.org/docs/stable/generated/torch.Tensor.type_as.html */
export const typeAs: Method<(x: Tensor, other: Tensor) => Tensor> = method({ name: 'typeAs', family: 'conversion', torch: 'Tensor.type_as', samples: (s) => [[s.float([2]), s.float([1])], [s.int([2]), s.float([1])], [s.float([2]), s.int([1])]] }, (x: Tensor, other: Tensor): Tensor => x.to(other.dtype));

import { nextDims } from '../batching.ts';
import { type TriangleAttrs, flipKernel, triangleKernel } from '../cpu/arrange.ts';
import { accelerated } from '../cpu/engine.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyInPlace, makeView, primitive } from '../op.ts';
import { type Shape, checkShape, normalizeDim, stridesOf } from '../shape.ts';
import { type Layout, Tensor, emptyTensor } from '../tensor.ts';
import { arange, tensor } from './creation.ts';
import type { Named, NamedList, NamedPair } from './byName.ts';
import { type Free, type InPlace, type Method, checkTensor, free, inPlaceMethod, method } from './define.ts';
import { checkIndex } from './gather.ts';
import { cat } from './join.ts';
import { indexSelect } from './lookup.ts';
import { asStridedScatter } from './strided.ts';
import { clone, expand, flatten, narrow, realDim, reshape } from './view.ts';

const family = 'arranging';

// ---- order ----

const flipOp: Primitive<{ readonly dims: readonly number[] }> = primitive<{ readonly dims: readonly number[] }>({
  name: 'flip',
  infer: ([x]) => x as Tensor,
  cpu: accelerated(({ fastFlip }) => fastFlip, flipKernel),
  batching: { shift: nextDims },
  backward: [(g, n) => apply(flipOp, [g], n.attrs as { readonly dims: readonly number[] })],
});

/** A copy with the order of the named dimensions reversed. @see https://pytorch.org/docs/stable/generated/torch.flip.html */
export const flip: Method<Named<'dims', number | readonly number[], object, Tensor>> = method(
  { name: 'flip', parameters: ['dims'], family, samples: (s) => [[s.float([2, 3]), [0]], [s.float([2, 3, 2]), [-1, 0]], [s.float([0, 2]), [0]], [s.float([]), [0]]] },
  (x: Tensor, dims: number | readonly number[]): Tensor => {
    checkTensor('flip', x);
    const found = [dims].flat().map((d) => normalizeDim('flip', d, x.ndim));
    if (new Set(found).size !== found.length) throw new ShapeError(`flip: dimension named twice, got ${show(dims)}; expected distinct dimensions`);
    return apply(flipOp, [x], { dims: x.ndim === 0 ? [] : found });
  },
);

/**
 * A copy with entries moved by `shifts` along the named dimensions; what leaves at one end comes back at the other. Without
 * `dims` the tensor is rolled in row-major order.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.roll.html
 */
export const roll: Method<NamedPair<'shifts', number | readonly number[], 'dims', number | readonly number[], object, Tensor>> = method(
  { name: 'roll', parameters: ['shifts', 'dims'], family, samples: (s) => [[s.float([2, 3]), 1], [s.float([4, 2]), -1, 0], [s.float([2, 3]), [1, 5], [0, 1]], [s.float([0, 2]), 1, 0], [s.float([]), 3]] },
  (x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor => {
    checkTensor('roll', x);
    const steps = [shifts].flat();
    const bad = steps.find((n) => !Number.isInteger(n));
    if (bad !== undefined || steps.length === 0) throw new ArgumentError(`roll: shift is not an integer, got ${show(shifts)}; expected integers`);
    const named = dims === undefined ? [] : [dims].flat();
    if (named.length === 0) {
      if (steps.length !== 1) throw new ShapeError(`roll: shifts without dimensions, got ${show(shifts)}; expected one shift, or a dimension for each`);
      return reshape(rollDim(reshape(x, [-1]), steps[0], 0), x.shape);
    }
    if (named.length !== steps.length) throw new ShapeError(`roll: shifts and dimensions differ in number, got ${show(shifts)} and ${show(dims)}; expected one shift for each`);
    const found = named.map((d) => realDim('roll', d, x));
    return found.reduce((y, d, i) => rollDim(y, steps[i], d), x);
  },
);

function rollDim(x: Tensor, shift: number, dim: number): Tensor {
  const size = x.shape[dim];
  if (size === 0) return clone(x);
  const start = (((-shift % size) + size) % size);
  return start === 0 ? clone(x) : cat([narrow(x, dim, start, size - start), narrow(x, dim, 0, start)], dim);
}

// ---- repetition ----

function repeated(op: string, x: Tensor, repeats: readonly number[]): Tensor {
  checkTensor(op, x);
  checkShape(op, repeats);
  if (repeats.length < x.ndim) throw new ShapeError(`${op}: fewer repeats than dimensions, got ${show(repeats)} for ${show(x)}; expected at least ${x.ndim}`);
  const before: Shape = [...new Array<number>(repeats.length - x.ndim).fill(1), ...x.shape];
  const open = reshape(x, before.flatMap((n) => [1, n]));
  return reshape(clone(expand(open, before.flatMap((n, d) => [repeats[d], n]))), before.map((n, d) => n * repeats[d]));
}

/**
 * A copy in which the whole tensor stands `repeats[d]` times along each dimension; more repeats than dimensions add some in front.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.repeat.html
 */
export const repeat: Method<(x: Tensor, repeats: readonly number[]) => Tensor> = method(
  { name: 'repeat', family, torch: 'Tensor.repeat', samples: (s) => [[s.float([2, 3]), [2, 1]], [s.float([2]), [3, 2]], [s.float([]), [2]], [s.float([2]), [0]]] },
  (x: Tensor, repeats: readonly number[]): Tensor => repeated('repeat', x, repeats),
);

/** `repeat` with ones put in front where there are fewer repeats than dimensions. @see https://pytorch.org/docs/stable/generated/torch.tile.html */
export const tile: Method<Named<'dims', readonly number[], object, Tensor>> = method(
  { name: 'tile', parameters: ['dims'], family, samples: (s) => [[s.float([2, 3]), [2]], [s.float([2]), [2, 2]], [s.float([]), []]] },
  (x: Tensor, dims: readonly number[]): Tensor => {
    checkTensor('tile', x);
    checkShape('tile', dims);
    return repeated('tile', x, [...new Array<number>(Math.max(0, x.ndim - dims.length)).fill(1), ...dims]);
  },
);

/**
 * Every entry of a dimension several times in a row; without `dim` the tensor is flattened first.
 *
 * @param repeats - one number for all entries, or an int64 tensor with a number for each. A tensor alone says how often its own places come
 * @see https://pytorch.org/docs/stable/generated/torch.repeat_interleave.html
 */
export const repeatInterleave: Method<NamedList<[repeats?: number | Tensor, dim?: number], { readonly repeats?: number | Tensor; readonly dim?: number }, Tensor>> = method(
  {
    name: 'repeatInterleave',
    parameters: ['repeats', 'dim'],
    family,
    samples: (s) => [[s.values([1, 0, 2], [3], 'int64')], [s.float([2, 2]), 2], [s.float([2, 3]), 3, 1], [s.float([]), 2], [s.float([3, 2]), s.values([1, 0, 2], [3], 'int64'), 0]],
  },
  (x: Tensor, repeats?: number | Tensor, dim?: number): Tensor => {
    checkTensor('repeatInterleave', x);
    if (repeats === undefined) {
      checkIndex('repeatInterleave', x, 'repeats');
      if (x.ndim !== 1) throw new ShapeError(`repeatInterleave: repeats are not a vector, got ${show(x)}; expected 1 dimension`);
      return repeatInterleave(arange(x.shape[0], { dtype: x.dtype, device: x.device }), x, 0);
    }
    const from = dim === undefined || x.ndim === 0 ? flatten(x) : x;
    const d = normalizeDim('repeatInterleave', dim ?? 0, from.ndim);
    const size = from.shape[d];
    if (typeof repeats === 'number') {
      checkShape('repeatInterleave', [repeats]);
      const open = expand(reshape(from, from.shape.toSpliced(d + 1, 0, 1)), from.shape.toSpliced(d + 1, 0, repeats));
      return reshape(clone(open), from.shape.with(d, size * repeats));
    }
    checkIndex('repeatInterleave', repeats, 'repeats');
    const given = repeats.data();
    const counts = given.length === 1 ? new Array<number>(size).fill(given[0]) : [...given];
    if (repeats.ndim > 1 || counts.length !== size || counts.some((n) => n < 0)) {
      throw new ShapeError(`repeatInterleave: repeats do not fit dimension ${d}, got ${show(repeats)}; expected ${size} numbers ≥ 0`);
    }
    return indexSelect(from, d, tensor(counts.flatMap((n, i) => new Array<number>(n).fill(i)), { dtype: 'int64', device: x.device }));
  },
);

// ---- triangles and diagonals ----

const triangleOp: Primitive<TriangleAttrs> = primitive<TriangleAttrs>({
  name: 'triangle',
  infer: ([x]) => x as Tensor,
  cpu: accelerated(({ fastTriangle }) => fastTriangle, triangleKernel),
  batching: { shift: (attrs) => attrs },
  backward: [(g, n) => apply(triangleOp, [g], n.attrs as TriangleAttrs)],
});

function triangle(op: string, x: Tensor, diagonal: number, upper: boolean): Tensor {
  checkTensor(op, x);
  if (x.ndim < 2) throw new ShapeError(`${op}: not a matrix, got ${show(x)}; expected at least 2 dimensions`);
  checkOffset(op, diagonal);
  if (op.endsWith('_')) return applyInPlace(triangleOp, [x], { diagonal, upper });
  return apply(triangleOp, [x], { diagonal, upper });
}

function checkOffset(op: string, diagonal: unknown): void {
  if (!Number.isInteger(diagonal)) throw new ArgumentError(`${op}: the diagonal is not an integer, got ${show(diagonal)}; expected 0 for the main one, more above, less below`);
}

type Triangle = InPlace<Named<'diagonal', number, object, Tensor>>;

/** The part of matrices on and below a diagonal (0: the main one), zeros above. @see https://pytorch.org/docs/stable/generated/torch.tril.html */
export const tril: Triangle = inPlaceMethod(
  { name: 'tril', parameters: ['diagonal'], family, samples: (s) => [[s.float([3, 3])], [s.float([2, 2, 3]), 1], [s.float([3, 2]), -1], [s.float([0, 3])]] },
  (x: Tensor, diagonal = 0): Tensor => triangle('tril', x, diagonal, false),
  (x: Tensor, diagonal = 0): Tensor => triangle('tril_', x, diagonal, false),
);

/** The part of matrices on and above a diagonal (0: the main one), zeros below. @see https://pytorch.org/docs/stable/generated/torch.triu.html */
export const triu: Triangle = inPlaceMethod(
  { name: 'triu', parameters: ['diagonal'], family, samples: (s) => [[s.float([3, 3])], [s.float([2, 2, 3]), 1], [s.float([3, 2]), -1], [s.float([0, 3])]] },
  (x: Tensor, diagonal = 0): Tensor => triangle('triu', x, diagonal, true),
  (x: Tensor, diagonal = 0): Tensor => triangle('triu_', x, diagonal, true),
);

/** The layout of a diagonal of two dimensions: they go, and its own comes last. */
function diagonalLayout({ shape, strides, offset }: Layout, along: number, a: number, b: number): Layout {
  const [rows, columns] = [shape[a], shape[b]];
  const length = Math.max(0, along >= 0 ? Math.min(rows, columns - along) : Math.min(rows + along, columns));
  const keep = shape.map((_, d) => d).filter((d) => d !== a && d !== b);
  const shift = length === 0 ? 0 : along >= 0 ? along * strides[b] : -along * strides[a];
  return { shape: [...keep.map((d) => shape[d]), length], strides: [...keep.map((d) => strides[d]), strides[a] + strides[b]], offset: offset + shift };
}

/**
 * A diagonal of two dimensions, as a view; it becomes the last dimension.
 *
 * @param offset - 0 (default) the main diagonal, more above it, less below
 * @see https://pytorch.org/docs/stable/generated/torch.diagonal.html
 */
export const diagonal: Method<NamedList<[offset?: number, dim1?: number, dim2?: number], { readonly offset?: number; readonly dim1?: number; readonly dim2?: number }, Tensor>> = method(
  { name: 'diagonal', parameters: ['offset', 'dim1', 'dim2'], family, samples: (s) => [[s.float([3, 3])], [s.float([2, 4]), 1], [s.float([2, 3, 4]), -1, 2, 0], [s.float([2, 3]), -4]] },
  (x: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor => {
    checkTensor('diagonal', x);
    checkOffset('diagonal', offset);
    const [a, b] = [realDim('diagonal', dim1, x), realDim('diagonal', dim2, x)];
    if (a === b) throw new ShapeError(`diagonal: a dimension with itself, got ${dim1} and ${dim2}; expected two dimensions`);
    const { shape } = x;
    const window = diagonalLayout({ shape, strides: stridesOf(shape), offset: 0 }, offset, a, b);
    return makeView('diagonal', x, diagonalLayout(x, offset, a, b), (g) => asStridedScatter(emptyTensor(shape, g.dtype, g.device), g, window));
  },
);

/**
 * A vector becomes a square matrix with it on a diagonal; a matrix gives a copy of its diagonal.
 *
 * @param offset - 0 (default) the main diagonal, more above it, less below
 * @see https://pytorch.org/docs/stable/generated/torch.diag.html
 */
export const diag: Method<Named<'diagonal', number, object, Tensor>> = method(
  { name: 'diag', parameters: ['diagonal'], family, samples: (s) => [[s.float([3])], [s.float([2]), -1], [s.float([2, 3]), 1], [s.float([3, 3])]] },
  (x: Tensor, offset = 0): Tensor => {
    checkTensor('diag', x);
    checkOffset('diag', offset);
    if (x.ndim === 2) return clone(diagonal(x, offset));
    if (x.ndim !== 1) throw new ShapeError(`diag: neither vector nor matrix, got ${show(x)}; expected 1 or 2 dimensions`);
    const size = x.shape[0] + Math.abs(offset);
    const zeros = emptyTensor([size, size], x.dtype, x.device);
    return asStridedScatter(zeros, x, diagonalLayout(zeros, offset, 0, 1));
  },
);

/** Sum of the main diagonal of a matrix. @see https://pytorch.org/docs/stable/generated/torch.trace.html */
export const trace: Method<(x: Tensor) => Tensor> = method(
  { name: 'trace', family, samples: (s) => [[s.float([3, 3])], [s.float([2, 4])], [s.int([2, 2])]] },
  (x: Tensor): Tensor => {
    checkTensor('trace', x);
    if (x.dtype === 'bool') throw new DTypeError(`trace: not defined for bool, got ${show(x)}; expected numbers`);
    if (x.ndim !== 2) throw new ShapeError(`trace: not a matrix, got ${show(x)}; expected 2 dimensions`);
    return diagonal(x).sum();
  },
);

// ---- grids ----

/** Options of `meshgrid`. */
export interface MeshgridOptions {
  /** 'ij' (default): dimension i belongs to tensor i; 'xy': the first two are swapped. */
  readonly indexing?: 'ij' | 'xy';
}

type Meshgrid = Free<{ (tensors: readonly Tensor[], options?: MeshgridOptions): Tensor[]; (...tensors: readonly (Tensor | MeshgridOptions)[]): Tensor[] }>;

/**
 * Coordinates of a grid: for each vector a view of it over the grid all of them span.
 *
 * @param tensors - vectors or scalars of one dtype, in an array or one by one, and options last
 * @see https://pytorch.org/docs/stable/generated/torch.meshgrid.html
 */
export const meshgrid: Meshgrid = free(
  {
    name: 'meshgrid',
    family,
    samples: (s) => [[[s.float([2]), s.float([3])], { indexing: 'ij' }], [[s.float([2]), s.float([3]), s.float([])], { indexing: 'xy' }], [s.float([2]), s.float([3]), { indexing: 'xy' }], [s.float([2])]],
  },
  (...args: readonly unknown[]): Tensor[] => {
    const [first, last] = [args[0], args[args.length - 1]];
    const isList = !(first instanceof Tensor);
    const hasOptions = args.length > 1 && (isList || !(last instanceof Tensor));
    const options = hasOptions ? (last as MeshgridOptions | undefined) : undefined;
    const tensors = isList ? first : hasOptions ? args.slice(0, -1) : args;
    checkOptions('meshgrid', options, ['indexing']);
    const indexing = options?.indexing ?? 'ij';
    if (indexing !== 'ij' && indexing !== 'xy') throw new ArgumentError(`meshgrid: unknown indexing, got ${show(indexing)}; expected 'ij' or 'xy'`);
    if (!Array.isArray(tensors) || tensors.length === 0) throw new ArgumentError(`meshgrid: not a list of tensors, got ${show(tensors)}; expected an array of at least one`);
    const vectors = tensors as readonly Tensor[];
    vectors.forEach((x, i) => {
      checkTensor('meshgrid', x, `entry ${i}`);
      if (x.ndim > 1) throw new ShapeError(`meshgrid: not a vector, got ${show(x)} at entry ${i}; expected at most 1 dimension`);
      if (x.dtype !== vectors[0].dtype) throw new DTypeError(`meshgrid: dtypes differ, got ${show(x)} at entry ${i} and ${show(vectors[0])}; expected one dtype`);
    });
    const places = vectors.map((_, i) => (indexing === 'xy' && i < 2 && vectors.length > 1 ? 1 - i : i));
    const shape = places.map((i) => vectors[i].numel());
    return vectors.map((x, i) => expand(reshape(x, shape.map((n, d) => (d === places[i] ? n : 1))), shape));
  },
);

import { nextDims } from '../batching.ts';
import { accelerated } from '../cpu/engine.ts';
import { type IndexAttrs, indexKernel, indexPutKernel } from '../cpu/gather.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyInPlace, isRecorded, primitive } from '../op.ts';
import { type Shape, broadcastShapes } from '../shape.ts';
import type { Node, Operand } from '../tape.ts';
import { type NestedArray, Tensor, emptyTensor } from '../tensor.ts';
import { scalarLike, tensor } from './creation.ts';
import { type InPlace, type Method, type Samples, checkOperand, checkTensor, inPlaceMethod, method } from './define.ts';
import { checkIndex } from './gather.ts';
import { nonzero } from './nonzero.ts';
import { clone, cloneBeside, expand, permute, reshape, select, sliceDim, unsqueeze } from './view.ts';

const family = 'indexing';

/** Entries of one dimension from `start` to before `stop` in steps of `step`, for `index`; made by `slice`. */
export class Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;

  constructor(start: number | null, stop: number | null, step: number) {
    for (const v of [start, stop]) {
      if (v !== null && !Number.isInteger(v)) throw new ArgumentError(`slice: bound is not an integer, got ${show(v)}; expected an integer, or null for an open end`);
    }
    if (!Number.isInteger(step) || step < 1) throw new ArgumentError(`slice: step is not positive, got ${show(step)}; expected an integer ≥ 1`, { hint: 'flip() reverses' });
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/**
 * Python's `start:stop:step` for `index`: `x.index(slice(1, 3))`, `x.index(slice(null, -1))`, `x.index(slice())` for all.
 * Negative bounds count from the end, and bounds outside are cut off.
 *
 * @param start - first entry; default (or null) the beginning
 * @param stop - the entry before which it ends; default (or null) the end
 * @param step - default 1
 * @throws ArgumentError for bounds that are no integers, or a step below 1
 */
export function slice(start: number | null = null, stop: number | null = null, step: number | null = 1): Slice {
  return new Slice(start, stop, step ?? 1);
}

/**
 * What `index` takes per dimension: a number, a `slice`, null for a new dimension, '...' for all dimensions in between, an
 * index tensor (int64, int32) or mask (bool), or one of those as an array.
 */
export type IndexItem = number | Slice | null | '...' | Tensor | readonly NestedArray[];

// ---- index tensors ----

interface Selection extends IndexAttrs {
  /** `embedding`: the entry that gets no gradient. */
  readonly padding?: number | undefined;
}

interface PutAttrs extends Selection {
  readonly accumulate: boolean;
}

function selectionShape(x: Tensor, { dims, at }: IndexAttrs, index: Shape): number[] {
  return x.shape.filter((_, d) => !dims.includes(d)).toSpliced(at, 0, ...index);
}

function tail(n: Node, from: number): Tensor[] {
  return n.inputs.slice(from).map((_, i) => n.input(from + i));
}

/** Copies the entries that index tensors name: `[x, ...indices]`. */
export const indexOp: Primitive<Selection> = primitive<Selection>({
  name: 'index',
  infer: ([x, index], attrs) => ({ shape: selectionShape(x as Tensor, attrs, (index as Tensor).shape), dtype: (x as Tensor).dtype }),
  cpu: accelerated(({ fastIndex }) => fastIndex, indexKernel),
  batching: {
    // One table for all examples: the examples are rows of the index. One index: it names the same entries of each.
    run: ({ inputs, batched }, attrs, run) => {
      if (!batched[0]) return batched.slice(1).every(Boolean) ? run(inputs, attrs).map((y) => y.movedim(attrs.at, 0)) : null;
      if (batched.slice(1).includes(true)) return null;
      return run(inputs, { ...nextDims(attrs), at: attrs.at + 1 });
    },
  },
  saves: (i) => i > 0,
  backward: (n, g) => {
    if (g === null) return [null];
    const attrs = n.attrs as Selection;
    const indices = tail(n, 1);
    const kept = attrs.padding === undefined ? g : g.maskedFill(unsqueeze(indices[0].eq(attrs.padding), -1), 0);
    const zeros = emptyTensor(n.inputs[0].shape, g.dtype, g.device);
    const spread = { ...attrs, padding: undefined, accumulate: true };
    // Zeros that nobody else sees need no copy.
    return [isRecorded([kept]) ? apply(indexPutOp, [zeros, kept, ...indices], spread) : applyInPlace(indexPutOp, [zeros, kept, ...indices], spread)];
  },
});

/** Writes or adds values at the entries that index tensors name: `[x, values, ...indices]`, the values in the shape of the selection. */
export const indexPutOp: Primitive<PutAttrs> = primitive<PutAttrs>({
  name: 'indexPut',
  infer: ([x]) => x as Tensor,
  cpu: accelerated(({ fastIndexPut }) => fastIndexPut, indexPutKernel),
  saves: (i) => i > 1,
  backward: (n, g) => {
    if (g === null) return [null];
    const attrs = n.attrs as PutAttrs;
    const indices = tail(n, 2);
    const zeros = (): Tensor => expand(emptyTensor([], g.dtype, g.device), n.inputs[1].shape);
    const rest = !n.needs(0) ? null : attrs.accumulate ? g : apply(indexPutOp, [g, zeros(), ...indices], attrs);
    return [rest, n.needs(1) ? apply(indexOp, [g, ...indices], attrs) : null];
  },
});

// ---- reading the items ----

interface Plan {
  /** After numbers, slices and new dimensions: the tensor itself, or a view of it. */
  readonly view: Tensor;
  /** Index tensors of one shape, and where they stand; null where there are none. */
  readonly selection: { readonly indices: readonly Tensor[]; readonly attrs: Selection } | null;
}

/** Arrays become tensors; anything that is no item is refused. */
function toItem(op: string, item: unknown, x: Tensor): number | Slice | null | '...' | Tensor {
  if (item === null || item === '...' || item instanceof Slice) return item;
  if (typeof item === 'number' && Number.isInteger(item)) return item;
  if (Array.isArray(item)) {
    const made = tensor(item, { device: x.device });
    if (made.dtype === 'bool') return made;
    const whole = tensor(item, { dtype: 'float64' });
    if (!whole.data().every(Number.isInteger)) throw new ArgumentError(`${op}: an index is not an integer, got ${show(item)}; expected integers or booleans`);
    return made.to('int64');
  }
  if (item instanceof Tensor) {
    if (item.dtype === 'uint8') return item.bool(); // a mask, as in PyTorch
    if (item.dtype !== 'bool') checkIndex(op, item);
    return item;
  }
  throw new ArgumentError(`${op}: not an index, got ${show(item)}; expected an integer, a slice, null, '...', an index tensor, a mask or an array of indices`);
}

/** How many dimensions of the tensor an item stands for. */
function consumes(item: number | Slice | null | '...' | Tensor): number {
  if (item === null || item === '...') return 0;
  return item instanceof Tensor && item.dtype === 'bool' ? item.ndim : 1;
}

function plan(op: string, x: Tensor, given: readonly IndexItem[]): Plan {
  checkTensor(op, x);
  const items = given.map((item) => toItem(op, item, x));
  const wanted = items.reduce<number>((n, item) => n + consumes(item), 0);
  if (wanted > x.ndim) throw new ShapeError(`${op}: too many indices, got ${wanted} for ${show(x)}; expected at most ${x.ndim}`);
  if (items.indexOf('...') !== items.lastIndexOf('...')) throw new ArgumentError(`${op}: more than one '...', got ${show(given)}; expected at most one`);
  const found: { readonly index: Tensor; readonly dim: number; readonly named: number }[] = [];
  let view = x;
  let dim = 0; // of the view
  let from = 0; // of the tensor
  for (const item of items) {
    const index = item instanceof Tensor && item.ndim === 0 && item.dtype !== 'bool' && item.device.name === 'cpu' ? item.item() : item;
    if (typeof index === 'number') {
      const size = x.shape[from];
      if (index < -size || index >= size) {
        const rule = size === 0 ? 'no index' : `${-size} to ${size - 1}`;
        throw new ShapeError(`${op}: index out of range, got ${index} for dimension ${from} of size ${size}; expected ${rule}`, { values: { index, dim: from, size } });
      }
      view = select(view, dim, index);
      from++;
    } else if (index instanceof Slice) {
      view = sliceDim(view, dim++, index.start, index.stop, index.step);
      from++;
    } else if (index === null) {
      view = unsqueeze(view, dim++);
    } else if (index === '...') {
      dim += x.ndim - wanted;
      from += x.ndim - wanted;
    } else if (index.dtype !== 'bool') {
      found.push({ index, dim: dim++, named: from++ });
    } else {
      const mask = index.ndim === 0 ? reshape(index, [1]) : index;
      if (index.ndim === 0) view = unsqueeze(view, dim);
      if (mask.shape.some((n, d) => n !== view.shape[dim + d])) {
        throw new ShapeError(`${op}: the mask does not fit, got ${show(index)} at dimension ${from} of ${show(x)}; expected [${x.shape.slice(from, from + index.ndim).join(', ')}]`);
      }
      nonzero(mask, { asTuple: true }).forEach((column, d) => found.push({ index: column, dim: dim + d, named: from + d }));
      dim += mask.ndim;
      from += index.ndim;
    }
  }
  if (found.length === 0) return { view, selection: null };
  const shape = found.reduce<Shape>((s, { index }) => broadcastShapes(op, s, index.shape), []);
  const dims = found.map((f) => f.dim);
  const adjacent = dims[dims.length - 1] - dims[0] === dims.length - 1;
  const attrs = { op, dims, named: found.map((f) => f.named), at: adjacent ? dims[0] : 0, wrap: true };
  return { view, selection: { indices: found.map(({ index }) => expand(index, shape)), attrs } };
}

// ---- the operations ----

const indexSamples: Samples = (s) => [
  [s.float([3, 4]), 1, slice(null, null, 2)],
  [s.float([3, 4]), '...', null, -1],
  [s.float([2, 3, 4]), slice(), s.values([2, 0, 2], [3], 'int64')],
  [s.float([2, 3, 4]), s.values([1, 0], [2, 1], 'int64'), slice(0, 2), s.values([3, -1, 0], [3], 'int64')],
  [s.float([2, 3, 4]), 1, s.values([1, 0], [2], 'int64'), s.values([2, 2], [2], 'int64')],
  [s.float([3, 4]), s.bool([3, 4])],
  [s.float([3, 4]), slice(1), [true, false, true, true]],
  [s.float([3]), [0, 0, -1]],
];

/**
 * Indexing, Python's `x[...]`: numbers, slices, null and '...' give a view; index tensors and masks give a copy. Several index
 * tensors broadcast together; their dimensions stand in the place of the indexed ones where those are neighbours, else first.
 *
 * @param items - one per dimension; missing ones mean the whole dimension
 * @throws ShapeError for an index out of range, too many indices, or index tensors that do not broadcast; DTypeError for other dtypes
 * @see https://pytorch.org/docs/stable/tensor_view.html and https://numpy.org/doc/stable/user/basics.indexing.html
 */
export const index: Method<(x: Tensor, ...items: IndexItem[]) => Tensor> = method(
  { name: 'index', family, torch: null, samples: indexSamples },
  (x: Tensor, ...items: IndexItem[]): Tensor => {
    const { view, selection } = plan('index', x, items);
    if (selection !== null) return apply(indexOp, [view, ...selection.indices], selection.attrs);
    return view === x ? permute(x, x.shape.map((_, d) => d)) : view;
  },
);

/** Options of `indexPut`. */
export interface IndexPutOptions {
  /** Add to what is there, every time an entry is named, instead of replacing it; default false. */
  readonly accumulate?: boolean;
}

function putInto(x: Tensor, items: readonly IndexItem[], value: Operand, options: IndexPutOptions | undefined): Tensor {
  const op = 'indexPut_';
  checkOptions(op, options, ['accumulate']);
  if (!Array.isArray(items)) throw new ArgumentError(`${op}: items are not a list, got ${show(items)}; expected an array of indices`);
  const { view, selection } = plan(op, x, items);
  const given = checkOperand(op, value, 'value');
  const source = typeof given === 'number' ? scalarLike(x, given) : given;
  if (source.dtype !== x.dtype) throw new DTypeError(`${op}: the value has another dtype, got ${show(source)} for ${show(x)}; expected ${x.dtype}`);
  const target = selection === null ? view.shape : selectionShape(view, selection.attrs, selection.indices[0].shape);
  const fitting = spread(op, source.storage === x.storage ? clone(source) : source, target);
  const accumulate = options?.accumulate ?? false;
  if (selection !== null) applyInPlace(indexPutOp, [view, fitting, ...selection.indices], { ...selection.attrs, accumulate });
  else if (accumulate) view.add_(fitting);
  else view.copy_(fitting);
  return x;
}

/** Broadcasts a value to the shape of a selection; leading dimensions of size 1 may be too many, as in PyTorch. */
function spread(op: string, value: Tensor, shape: Shape): Tensor {
  const extra = value.ndim - shape.length;
  const lead = extra > 0 && value.shape.slice(0, extra).every((n) => n === 1) ? reshape(value, value.shape.slice(extra)) : value;
  const offset = shape.length - lead.ndim;
  if (offset < 0 || lead.shape.some((n, d) => n !== 1 && n !== shape[offset + d])) {
    throw new ShapeError(`${op}: the value does not fit, got ${show(value)}; expected a shape that broadcasts to [${shape.join(', ')}]`);
  }
  return expand(lead, shape);
}

/**
 * A copy of `x` with the entries that `items` name replaced; `x.indexPut_(items, value)` is Python's `x[items] = value`.
 *
 * @param items - as `index` takes them, in an array
 * @param value - a number, or a tensor of the same dtype that broadcasts to the shape of `x.index(...items)`
 * @throws as `index`, and ShapeError or DTypeError for a value that does not fit, before anything is written
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html
 */
export const indexPut: InPlace<(x: Tensor, items: readonly IndexItem[], value: Operand, options?: IndexPutOptions) => Tensor> = inPlaceMethod(
  {
    name: 'indexPut',
    family,
    torch: null,
    samples: (s) => [
      [s.float([3, 4]), [s.values([2, 0], [2], 'int64')], s.float([2, 4])],
      [s.float([3, 4]), [slice(), s.values([2, 0, 2], [3], 'int64')], s.float([3]), { accumulate: true }],
      [s.float([3, 4]), [s.bool([3, 4])], s.float([])],
      [s.float([3, 4]), [1, slice(1, 3)], s.float([2])],
      [s.float([3]), [0], 2],
    ],
  },
  (x: Tensor, items: readonly IndexItem[], value: Operand, options?: IndexPutOptions): Tensor => {
    checkTensor('indexPut', x);
    return putInto(cloneBeside(x, [value, ...items].filter((y) => y instanceof Tensor)), items, value, options);
  },
  (x: Tensor, items: readonly IndexItem[], value: Operand, options?: IndexPutOptions): Tensor => putInto(x, items, value, options),
);

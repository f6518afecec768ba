import { forEach, nextDim } from '../batching.ts';
import { ArgumentError, ShapeError, show } from '../errors.ts';
import { arg } from '../expr.ts';
import { type Formula, type Operand, apply, makeView, primitive } from '../op.ts';
import { type Shape, broadcastStrides, inferShape, isContiguous, normalizeDim, numelOf, stridesOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import type { Named, NamedList, NamedPair } from './byName.ts';
import { type Free, type Method, checkTensor, free, method } from './define.ts';
import { accelerated } from '../cpu/engine.ts';
import { scatterStrided } from '../cpu/strided.ts';

const family = 'shape';

/** A dimension that exists: other than most operations, those on single entries refuse scalars. */
export function realDim(op: string, dim: number, x: Tensor): number {
  if (x.ndim === 0) throw new ShapeError(`${op}: the tensor has no dimensions, got ${show(x)}; expected at least one`);
  return normalizeDim(op, dim, x.ndim);
}

// ---- the same elements under another shape ----

/** Strides of `target` over the same cells, or null where only a copy can do it. */
function viewStrides(x: Tensor, target: Shape): readonly number[] | null {
  if (isContiguous(x.shape, x.strides)) return stridesOf(target);
  const out = new Array<number>(target.length).fill(0);
  const sizes = x.shape.flatMap((n, i) => (n === 1 ? [] : [{ n, stride: x.strides[i] }]));
  let d = target.length - 1;
  let i = sizes.length - 1;
  while (i >= 0) {
    let block = sizes[i].n;
    const step = sizes[i].stride;
    while (i > 0 && sizes[i - 1].stride === step * block) block *= sizes[--i].n;
    i--;
    let filled = 1;
    while (d >= 0 && (filled < block || target[d] === 1)) {
      out[d] = step * filled;
      filled *= target[d--];
    }
    if (filled !== block) return null;
  }
  return out;
}

function viewAs(name: string, x: Tensor, shape: Shape): Tensor | null {
  const strides = viewStrides(x, shape);
  const before = x.shape;
  return strides && makeView(name, x, { shape, strides, offset: x.offset }, (g) => reshape(g, before));
}

/**
 * The same elements under another shape: a view where the layout allows, else a copy. One size may be -1.
 *
 * @throws ShapeError when the numbers of elements differ
 * @see https://pytorch.org/docs/stable/generated/torch.reshape.html
 */
export const reshape: Method<(x: Tensor, shape: readonly number[]) => Tensor> = method(
  { name: 'reshape', family, samples: (s) => [[s.float([2, 6]), [3, -1]], [s.float([]), [1, 1]], [s.float([0, 3]), [3, 0]]] },
  (x: Tensor, shape: readonly number[]): Tensor => {
    checkTensor('reshape', x);
    const target = inferShape('reshape', shape, x.numel());
    return viewAs('reshape', x, target) ?? (viewAs('reshape', clone(x), target) as Tensor);
  },
);

/**
 * The same elements under another shape, never a copy.
 *
 * @throws ShapeError when the layout does not allow it
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.view.html
 */
export const view: Method<(x: Tensor, shape: readonly number[]) => Tensor> = method(
  { name: 'view', family, torch: 'Tensor.view', samples: (s) => [[s.float([2, 6]), [4, 3]]] },
  (x: Tensor, shape: readonly number[]): Tensor => {
    const target = inferShape('view', shape, x.numel());
    const result = viewAs('view', x, target);
    if (result !== null) return result;
    throw new ShapeError(`view: the layout needs a copy, got ${show(x)} with strides [${x.strides.join(', ')}]; expected a compatible layout`, {
      hint: 'use reshape()',
    });
  },
);

/**
 * Joins dimensions `startDim` to `endDim` into one; a scalar gets one dimension.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.flatten.html
 */
export const flatten: Method<NamedList<[startDim?: number, endDim?: number], { readonly startDim?: number; readonly endDim?: number }, Tensor>> = method(
  { name: 'flatten', parameters: ['startDim', 'endDim'], family, samples: (s) => [[s.float([2, 3, 4])], [s.float([2, 3, 4]), 1], [s.float([2, 3, 4]), 0, 1], [s.float([])]] },
  (x: Tensor, startDim = 0, endDim = -1): Tensor => {
    const start = normalizeDim('flatten', startDim, x.ndim);
    const end = normalizeDim('flatten', endDim, x.ndim);
    if (start > end) throw new ShapeError(`flatten: dimensions in the wrong order, got ${startDim} and ${endDim}; expected startDim ≤ endDim`);
    return reshape(x, [...x.shape.slice(0, start), numelOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
  },
);

/** Splits dimension `dim` into `sizes`, one of which may be -1. @see https://pytorch.org/docs/stable/generated/torch.unflatten.html */
export const unflatten: Method<NamedPair<'dim', number, 'sizes', readonly number[], object, Tensor>> = method(
  { name: 'unflatten', parameters: ['dim', 'sizes'], family, torch: 'Tensor.unflatten', samples: (s) => [[s.float([2, 6]), 1, [2, 3]], [s.float([2, 6]), -1, [-1, 2]]] },
  (x: Tensor, dim: number, sizes: readonly number[]): Tensor => {
    const d = realDim('unflatten', dim, x);
    return reshape(x, [...x.shape.slice(0, d), ...inferShape('unflatten', sizes, x.shape[d]), ...x.shape.slice(d + 1)]);
  },
);

/** One or several dimensions in the order given; refuses one that is named twice. */
function distinctDims(op: string, dim: number | readonly number[], rank: number): number[] {
  const dims = [dim].flat().map((d) => normalizeDim(op, d, rank));
  if (new Set(dims).size !== dims.length) throw new ShapeError(`${op}: dimension named twice, got ${show(dim)}; expected distinct dimensions`);
  return dims;
}

/** Drops dimensions of size 1: all, or the named ones where they have size 1. @see https://pytorch.org/docs/stable/generated/torch.squeeze.html */
export const squeeze: Method<Named<'dim', number | readonly number[], object, Tensor>> = method(
  { name: 'squeeze', parameters: ['dim'], family, samples: (s) => [[s.float([1, 3, 1])], [s.float([1, 3, 1]), 0], [s.float([1, 3, 1]), 1], [s.float([])]] },
  (x: Tensor, dim?: number | readonly number[]): Tensor => {
    const dims = dim === undefined ? x.shape.map((_, i) => i) : distinctDims('squeeze', dim, x.ndim);
    const keep = x.shape.map((_, i) => i).filter((i) => x.shape[i] !== 1 || !dims.includes(i));
    const before = x.shape;
    const layout = { shape: keep.map((i) => x.shape[i]), strides: keep.map((i) => x.strides[i]), offset: x.offset };
    return makeView('squeeze', x, layout, (g) => reshape(g, before));
  },
);

/** Adds a dimension of size 1 at `dim`. @see https://pytorch.org/docs/stable/generated/torch.unsqueeze.html */
export const unsqueeze: Method<Named<'dim', number, object, Tensor>> = method(
  { name: 'unsqueeze', parameters: ['dim'], family, samples: (s) => [[s.float([2, 3]), 1], [s.float([2, 3]), -1], [s.float([]), 0]] },
  (x: Tensor, dim: number): Tensor => {
    const d = normalizeDim('unsqueeze', dim, x.ndim + 1);
    const stride = d < x.ndim ? x.strides[d] * x.shape[d] : 1;
    const layout = { shape: x.shape.toSpliced(d, 0, 1), strides: x.strides.toSpliced(d, 0, stride), offset: x.offset };
    return makeView('unsqueeze', x, layout, (g) => squeeze(g, d));
  },
);

/** Reorders dimensions. @see https://pytorch.org/docs/stable/generated/torch.permute.html */
export const permute: Method<Named<'dims', readonly number[], object, Tensor>> = method(
  { name: 'permute', parameters: ['dims'], family, samples: (s) => [[s.float([2, 3, 4]), [2, 0, 1]], [s.float([2, 3]), [-1, 0]], [s.float([]), []]] },
  (x: Tensor, dims: readonly number[]): Tensor => {
    if (!Array.isArray(dims)) throw new ArgumentError(`permute: not a list of dimensions, got ${show(dims)}; expected an array`);
    const order = dims.map((d: number) => normalizeDim('permute', d, x.ndim));
    if (order.length !== x.ndim || new Set(order).size !== x.ndim) {
      throw new ShapeError(`permute: not an order of ${x.ndim} dimensions, got [${dims.join(', ')}]; expected each dimension once`);
    }
    const back = order.map((_, i) => order.indexOf(i));
    const layout = { shape: order.map((d) => x.shape[d]), strides: order.map((d) => x.strides[d]), offset: x.offset };
    return makeView('permute', x, layout, (g) => permute(g, back));
  },
);

/** Swaps two dimensions. @see https://pytorch.org/docs/stable/generated/torch.transpose.html */
export const transpose: Method<NamedPair<'dim0', number, 'dim1', number, object, Tensor>> = method(
  { name: 'transpose', parameters: ['dim0', 'dim1'], family, samples: (s) => [[s.float([2, 3, 4]), 0, 2], [s.float([2, 3]), -1, -2]] },
  (x: Tensor, dim0: number, dim1: number): Tensor => {
    const [a, b] = [normalizeDim('transpose', dim0, x.ndim), normalizeDim('transpose', dim1, x.ndim)];
    const order = x.shape.map((_, i) => (i === a ? b : i === b ? a : i));
    return permute(x, order);
  },
);

/** Transpose of a matrix; tensors of fewer dimensions stay. @see https://pytorch.org/docs/stable/generated/torch.t.html */
export const t: Method<(x: Tensor) => Tensor> = method({ name: 't', family, samples: (s) => [[s.float([2, 3])], [s.float([3])]] }, (x: Tensor): Tensor => {
  if (x.ndim > 2) throw new ShapeError(`t: more than 2 dimensions, got ${show(x)}; expected at most 2`, { hint: 'use transpose(-2, -1)' });
  return x.ndim < 2 ? permute(x, x.shape.map((_, i) => i)) : transpose(x, 0, 1);
});

/** Moves dimensions to new places, the others keep their order. @see https://pytorch.org/docs/stable/generated/torch.movedim.html */
export const movedim: Method<NamedPair<'source', number | readonly number[], 'destination', number | readonly number[], object, Tensor>> = method(
  { name: 'movedim', parameters: ['source', 'destination'], family, samples: (s) => [[s.float([2, 3, 4]), 0, 2], [s.float([2, 3, 4]), [0, 1], [-1, 0]]] },
  (x: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor => {
    const from = distinctDims('movedim', source, x.ndim);
    const to = distinctDims('movedim', destination, x.ndim);
    if (from.length !== to.length) throw new ShapeError(`movedim: lists differ in length, got ${from.length} and ${to.length}; expected equal lengths`);
    const rest = x.shape.map((_, i) => i).filter((i) => !from.includes(i));
    const order = x.shape.map((_, i) => (to.includes(i) ? from[to.indexOf(i)] : (rest.shift() ?? 0)));
    return permute(x, order);
  },
);

/**
 * Repeats dimensions of size 1 without copying; -1 keeps a size, and new dimensions may come first.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.expand.html
 */
export const expand: Method<(x: Tensor, shape: readonly number[]) => Tensor> = method(
  { name: 'expand', family, torch: 'Tensor.expand', samples: (s) => [[s.float([2, 1]), [2, 3]], [s.float([1, 3]), [4, -1, 3]], [s.float([]), [2, 2]]] },
  (x: Tensor, shape: readonly number[]): Tensor => {
    const lead = Array.isArray(shape) ? shape.length - x.ndim : -1;
    const target = lead < 0 ? [] : shape.map((n, i) => (n === -1 && i >= lead ? x.shape[i - lead] : n));
    if (lead < 0 || target.some((n, i) => !Number.isInteger(n) || n < 0 || (i >= lead && x.shape[i - lead] !== 1 && x.shape[i - lead] !== n))) {
      throw new ShapeError(`expand: sizes do not fit, got ${show(shape)} for ${show(x)}; expected each size equal, or 1 before`);
    }
    const before = x.shape;
    const layout = { shape: target, strides: broadcastStrides(x.shape, x.strides, target), offset: x.offset };
    return makeView('expand', x, layout, (g) => g.sumToSize(before));
  },
);

/** `expand` to the shape of another tensor. @see https://pytorch.org/docs/stable/generated/torch.Tensor.expand_as.html */
export const expandAs: Method<(x: Tensor, other: Tensor) => Tensor> = method(
  { name: 'expandAs', family, torch: 'Tensor.expand_as', samples: (s) => [[s.float([2, 1]), s.float([2, 3])]] },
  (x: Tensor, other: Tensor): Tensor => expand(x, other.shape),
);

/** `expand` as a function of the shape. @see https://pytorch.org/docs/stable/generated/torch.broadcast_to.html */
export const broadcastTo: Method<(x: Tensor, shape: readonly number[]) => Tensor> = method(
  { name: 'broadcastTo', family, samples: (s) => [[s.float([3]), [2, 3]]] },
  (x: Tensor, shape: readonly number[]): Tensor => expand(x, shape),
);

/** `length` entries of dimension `dim` from `start` on (negative from the end), as a view. @see https://pytorch.org/docs/stable/generated/torch.narrow.html */
export const narrow: Method<NamedList<[dim: number, start: number | Tensor, length: number], { readonly dim?: number; readonly start?: number | Tensor; readonly length?: number }, Tensor>> = method(
  { name: 'narrow', parameters: ['dim', 'start', 'length'], family, samples: (s) => [[s.float([4, 3]), 0, 1, 2], [s.float([2, 4]), -1, 2, 2], [s.float([4]), 0, -2, 1], [s.float([4]), 0, 4, 0], [s.float([4]), 0, s.values([1], [], 'int64'), 2]] },
  (x: Tensor, dim: number, first: number | Tensor, length: number): Tensor => {
    const d = realDim('narrow', dim, x);
    const start = typeof first === 'object' && first.ndim === 0 && first.dtype.startsWith('int') ? first.item() : (first as number);
    const size = x.shape[d];
    const from = start < 0 ? start + size : start;
    if (!Number.isInteger(from) || !Number.isInteger(length) || from < 0 || length < 0 || from + length > size) {
      throw new ShapeError(`narrow: range outside dimension ${d}, got start ${start} and length ${length}; expected within 0 to ${size}`);
    }
    return slice(x, d, from, length, 1);
  },
);

/** Every `step`-th of a dimension: `length` entries from `start`. Arguments are checked by the caller. */
function slice(x: Tensor, d: number, start: number, length: number, step: number): Tensor {
  const layout = { shape: x.shape.with(d, length), strides: x.strides.with(d, x.strides[d] * step), offset: x.offset + start * x.strides[d] };
  const before = x.shape;
  return makeView('slice', x, layout, (g) => placed(g, before, { dim: d, start, step }));
}

/** Entry `index` of dimension `dim` (negative from the end), without that dimension, as a view. @see https://pytorch.org/docs/stable/generated/torch.select.html */
export const select: Method<NamedPair<'dim', number, 'index', number, object, Tensor>> = method(
  { name: 'select', parameters: ['dim', 'index'], family, samples: (s) => [[s.float([3, 4]), 0, 1], [s.float([3, 4]), -1, -1]] },
  (x: Tensor, dim: number, index: number): Tensor => {
    const d = realDim('select', dim, x);
    const size = x.shape[d];
    const i = index < 0 ? index + size : index;
    if (!Number.isInteger(i) || i < 0 || i >= size) {
      const rule = size === 0 ? 'a dimension with entries' : `${-size} to ${size - 1}`;
      throw new ShapeError(`select: index outside dimension ${d}, got ${show(index)}; expected ${rule}`, { values: { index, dim: d, size } });
    }
    const layout = { shape: x.shape.toSpliced(d, 1), strides: x.strides.toSpliced(d, 1), offset: x.offset + i * x.strides[d] };
    const before = x.shape;
    return makeView('select', x, layout, (g) => placed(unsqueeze(g, d), before, { dim: d, start: i, step: 1 }));
  },
);

/** Entry `i` of the first dimension, as a view: Python's `x[i]`. */
export const at: Method<(x: Tensor, i: number) => Tensor> = method({ name: 'at', family, torch: 'select', samples: () => [] }, (x: Tensor, i: number): Tensor =>
  select(x, 0, i),
);

/** Every `step`-th entry of `dim` from `start` to before `end`, as a view; Python's slice rules. @see https://pytorch.org/docs/stable/tensor_view.html */
export const sliceDim: Free<(x: Tensor, dim: number, start: number | null, end: number | null, step?: number) => Tensor> = free(
  { name: 'sliceDim', family: 'engine', torch: null, samples: (s) => [[s.float([5, 2]), 0, 1, null, 2], [s.float([5]), 0, -3, -1]] },
  (x: Tensor, dim: number, start: number | null, end: number | null, step = 1): Tensor => {
    const d = realDim('slice', dim, x);
    for (const v of [start, end]) {
      if (v !== null && !Number.isInteger(v)) throw new ArgumentError(`slice: bound is not an integer, got ${show(v)}; expected an integer, or null for an open end`);
    }
    if (!Number.isInteger(step) || step < 1) throw new ShapeError(`slice: step is not positive, got ${show(step)}; expected an integer ≥ 1`, { hint: 'flip() reverses' });
    const size = x.shape[d];
    const clip = (v: number): number => Math.min(size, Math.max(0, v < 0 ? v + size : v));
    const from = clip(start ?? 0);
    return slice(x, d, from, Math.max(0, Math.ceil((clip(end ?? size) - from) / step)), step);
  },
);

interface Window {
  readonly dim: number;
  readonly start: number;
  readonly step: number;
}

const placeOp = primitive<Window & { readonly shape: Shape }>({
  name: 'place',
  infer: ([x], { shape }) => ({ shape, dtype: (x as Tensor).dtype }),
  batching: { shift: (attrs, _, size) => ({ ...nextDim(attrs), shape: [size, ...attrs.shape] }) },
  cpu: accelerated(({ fastPlace }) => fastPlace, ([out], [x], { dim, start, step }) => {
    const source = x as Tensor;
    const strides = stridesOf(out.shape);
    out.storage.cells.fill(0);
    const layout = { shape: source.shape, strides: strides.with(dim, strides[dim] * step), offset: start * strides[dim] };
    scatterStrided([out], [out, source], { ...layout, accumulate: false });
  }),
  backward: [
    (g, n) => {
      const { dim, start, step } = n.attrs as Window;
      return slice(g, dim, start, n.inputs[0].shape[dim], step);
    },
  ],
});

/** Zeros of `shape` with `x` in a window of one dimension: the gradient of a slice. */
function placed(x: Tensor, shape: Shape, window: Window): Tensor {
  return apply(placeOp, [x], { ...window, shape });
}

// ---- copies ----

const copyFormula: Formula<undefined> = { kind: 'pointwise', key: () => '', expr: () => arg(0) };

const cloneKernel = accelerated<undefined>(({ fastClone }) => fastClone, ([out], [x]) => scatterStrided([out], [out, x], { shape: out.shape, strides: out.strides, offset: 0, accumulate: false }));

const cloneOp = primitive({
  name: 'clone',
  infer: ([x]) => x as Tensor,
  batching: 'broadcast',
  cpu: cloneKernel,
  formula: copyFormula,
  backward: [(g) => g],
});

/** A copy, row-major, through which gradients flow. @see https://pytorch.org/docs/stable/generated/torch.clone.html */
export const clone: Method<(x: Tensor) => Tensor> = method({ name: 'clone', family: 'copy', samples: (s) => [[s.float([2, 3])]] }, (x: Tensor): Tensor => apply(cloneOp, [x], undefined));

const besideOp = primitive({
  name: 'cloneBeside',
  infer: ([x]) => x as Tensor,
  cpu: cloneKernel,
  formula: copyFormula,
  batching: { run: ({ inputs: [x], batched: [differs], size }) => [clone(differs ? (x as Tensor) : forEach(x as Tensor, size))] },
  backward: [(g) => g, null],
});

/** A copy of `x` that others can be written into, also where those differ between the examples of `vmap` and `x` does not. */
export function cloneBeside(x: Tensor, others: readonly Operand[]): Tensor {
  return others.some((y) => typeof y !== 'number' && y.device !== x.device) ? apply(besideOp, [x, ...others], undefined) : clone(x);
}

/** The tensor itself when it is row-major, else a row-major copy. @see https://pytorch.org/docs/stable/generated/torch.Tensor.contiguous.html */
export const contiguous: Method<(x: Tensor) => Tensor> = method(
  { name: 'contiguous', family: 'copy', torch: 'Tensor.contiguous', samples: (s) => [[s.float([2, 3])]] },
  (x: Tensor): Tensor => (x.isContiguous() ? x : clone(x)),
);

/** The same elements without history: shares memory, needs no gradient. @see https://pytorch.org/docs/stable/generated/torch.Tensor.detach.html */
export const detach: Method<(x: Tensor) => Tensor> = method(
  { name: 'detach', family: 'copy', differentiable: false, samples: (s) => [[s.float([2, 3])]] },
  (x: Tensor): Tensor => x.device.detached?.(x) ?? new Tensor(x.storage, x.shape, x.strides, x.offset),
);

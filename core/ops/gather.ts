import { nextDim } from '../batching.ts';
import { accelerated } from '../cpu/engine.ts';
import { type GatherAttrs, gatherKernel, scatterKernel } from '../cpu/gather.ts';
import { DTypeError, ShapeError, show } from '../errors.ts';
import { type Primitive, apply, applyInPlace, commonDevice, isRecorded, primitive } from '../op.ts';
import { broadcastShapes, normalizeDim } from '../shape.ts';
import type { Operand } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { scalarLike } from './creation.ts';
import type { NamedList, NamedPair } from './byName.ts';
import { type InPlace, type Method, type Sampler, checkTensor, inPlaceMethod, method } from './define.ts';
import { expand, narrow, reshape } from './view.ts';

const family = 'indexing';

/** Refuses anything but a tensor of whole numbers. */
export function checkIndex(op: string, index: unknown, name = 'index'): asserts index is Tensor {
  checkTensor(op, index, name);
  if (index.dtype !== 'int64' && index.dtype !== 'int32') {
    const hint = index.dtype === 'bool' ? { hint: 'masks go into index() and maskedSelect()' } : {};
    throw new DTypeError(`${op}: ${name} is not made of whole numbers, got ${show(index)}; expected int64 or int32`, hint);
  }
}

/** Scalars take part as tensors of one dimension. */
export function atLeast1d(x: Tensor): Tensor {
  return x.ndim === 0 ? reshape(x, [1]) : x;
}

const gatherOp: Primitive<GatherAttrs> = primitive<GatherAttrs>({
  name: 'gather',
  infer: ([x, index]) => ({ shape: (index as Tensor).shape, dtype: (x as Tensor).dtype }),
  cpu: accelerated(({ fastGather }) => fastGather, gatherKernel),
  batching: { shift: nextDim },
  saves: (i) => i === 1,
  backward: [
    (g, n) => {
      const before = emptyTensor(n.inputs[0].shape, g.dtype, commonDevice('gather', [g, n.input(1)]));
      const attrs = { ...(n.attrs as GatherAttrs), accumulate: true };
      // Zeros that nobody else sees need no copy.
      return isRecorded([g]) ? apply(scatterOp, [before, n.input(1), g], attrs) : applyInPlace(scatterOp, [before, n.input(1), g], attrs);
    },
    null,
  ],
});

interface ScatterAttrs extends GatherAttrs {
  readonly accumulate: boolean;
}

const scatterOp: Primitive<ScatterAttrs> = primitive<ScatterAttrs>({
  name: 'scatter',
  infer: ([x]) => x as Tensor,
  cpu: accelerated(({ fastScatter }) => fastScatter, scatterKernel),
  batching: { shift: nextDim },
  saves: (i) => i === 1,
  backward: [
    (g, n) => {
      const attrs = n.attrs as ScatterAttrs;
      if (attrs.accumulate) return g;
      const zeros = expand(emptyTensor([], g.dtype, g.device), n.inputs[1].shape);
      return apply(scatterOp, [g, n.input(1), zeros], attrs);
    },
    null,
    (g, n) => apply(gatherOp, [g, n.input(1)], n.attrs as ScatterAttrs),
  ],
});

/** Refuses an index with other dimensions than the tensor, or with larger sizes; returns the dimension. */
function checkFit(op: string, x: Tensor, dim: number, index: Tensor): number {
  const d = normalizeDim(op, dim, x.ndim);
  if (Math.max(index.ndim, 1) !== Math.max(x.ndim, 1)) {
    throw new ShapeError(`${op}: index and tensor differ in dimensions, got ${show(index)} for ${show(x)}; expected ${x.ndim} dimensions`);
  }
  for (let i = 0; i < x.ndim && i < index.ndim; i++) {
    if (i !== d && index.shape[i] > x.shape[i]) {
      throw new ShapeError(`${op}: index is larger than the tensor, got ${show(index)} for ${show(x)}; expected at most ${x.shape[i]} at dimension ${i}`);
    }
  }
  return d;
}

/**
 * Takes along one dimension the entries an index names: `out[i][j] = x[index[i][j]][j]` for dimension 0.
 *
 * @param index - as many dimensions as `x`, not larger than it in the others; the shape of the result
 * @throws ShapeError for an index outside 0 … size-1, DTypeError for an index that is not int64 or int32
 * @see https://pytorch.org/docs/stable/generated/torch.gather.html
 */
export const gather: Method<NamedPair<'dim', number, 'index', Tensor, object, Tensor>> = method(
  {
    name: 'gather',
    parameters: ['dim', 'index'],
    family,
    samples: (s) => [
      [s.float([3, 4]), 1, s.values([0, 3, 1, 1, 2, 2], [3, 2], 'int64')],
      [s.float([3, 4]), 0, s.values([2, 0, 0], [1, 3], 'int64')],
      [s.float([2, 3, 2]), -2, s.values([2, 0, 1, 1], [2, 1, 2], 'int64')],
      [s.float([]), 0, s.values([0, 0], [2], 'int64')],
      [s.float([2, 3]), 1, s.values([], [2, 0], 'int64')],
    ],
  },
  (x: Tensor, dim: number, index: Tensor): Tensor => {
    checkTensor('gather', x);
    checkIndex('gather', index);
    if (index.numel() === 0 && index.ndim !== x.ndim) return emptyTensor(index.shape, x.dtype, x.device);
    const d = checkFit('gather', x, dim, index);
    const made = apply(gatherOp, [atLeast1d(x), atLeast1d(index)], { op: 'gather', dim: d });
    return index.ndim === 0 ? reshape(made, []) : made;
  },
);

/** Writes or adds a checked source at the entries an index names, into a copy or, for a name that ends in `_`, in place. */
export function scatterInto(op: string, x: Tensor, dim: number, index: Tensor, source: Operand, accumulate: boolean): Tensor {
  const inPlace = op.endsWith('_');
  checkTensor(op, x);
  checkIndex(op, index);
  if (typeof source !== 'number' || accumulate) checkTensor(op, source, 'src');
  if (typeof source !== 'number' && source.dtype !== x.dtype) {
    throw new DTypeError(`${op}: src has another dtype, got ${show(source)} for ${show(x)}; expected ${x.dtype}`);
  }
  if (index.numel() === 0) return inPlace ? x : x.clone();
  const d = checkFit(op, x, dim, index);
  const [to, where] = [atLeast1d(x), atLeast1d(index)];
  const from = typeof source === 'number' ? expand(scalarLike(x, source), where.shape) : fitted(op, source, where, x);
  const attrs = { op, dim: d, accumulate };
  if (!inPlace) {
    const made = apply(scatterOp, [to, where, from], attrs);
    return x.ndim === 0 ? reshape(made, []) : made;
  }
  applyInPlace(scatterOp, [to, where, from], attrs);
  return x;
}

/** The part of the source that the index covers; a copy where it shares memory with the target. */
function fitted(op: string, source: Tensor, index: Tensor, x: Tensor): Tensor {
  let part = atLeast1d(source);
  if (part.ndim !== index.ndim || part.shape.some((n, i) => n < index.shape[i])) {
    throw new ShapeError(`${op}: src is smaller than the index, got ${show(source)} for an index ${show(index)}; expected at least [${index.shape.join(', ')}]`);
  }
  for (let i = 0; i < index.ndim; i++) if (part.shape[i] !== index.shape[i]) part = narrow(part, i, 0, index.shape[i]);
  return part.storage === x.storage ? part.clone() : part;
}

/** Samples of operations that write along one dimension. */
export const scatterSamples = (s: Sampler): readonly (readonly unknown[])[] => [
  [s.float([3, 4]), 1, s.values([0, 3, 1, 2, 2, 0], [3, 2], 'int64'), s.float([3, 2])],
  [s.float([3, 2]), 0, s.values([2, 0], [1, 2], 'int64'), s.float([1, 2])],
  [s.float([2, 3, 2]), -2, s.values([2, 0, 1, 1], [2, 1, 2], 'int64'), s.float([2, 1, 2])],
  [s.float([]), 0, s.values([0], [1], 'int64'), s.float([1])],
];

/**
 * A copy of `x` with `src` added to entries along one dimension: `out[index[i][j]][j] += src[i][j]` for dimension 0. An entry
 * that is named several times gets every summand.
 *
 * @throws ShapeError for an index outside 0 … size-1, before anything is written
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_add_.html
 */
export const scatterAdd: InPlace<
  NamedList<[dim: number, index: Tensor, src: Tensor], { readonly dim?: number; readonly index?: Tensor; readonly src?: Tensor }, Tensor>
> = inPlaceMethod(
  {
    name: 'scatterAdd',
    parameters: ['dim', 'index', 'src'],
    family,
    samples: (s) => [
      ...scatterSamples(s),
      [s.float([2]), 0, s.values([0, 0, 1], [3], 'int64'), s.float([3])],
      [s.int([2]), 0, s.values([1, 1], [2], 'int64'), s.int([2])],
    ],
  },
  (x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor => scatterInto('scatterAdd', x, dim, index, src, true),
  (x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor => scatterInto('scatterAdd_', x, dim, index, src, true),
);

/**
 * `gather` with tensor and index broadcast in the other dimensions; without `dim` both are flattened. It takes what `argsort`
 * and `argmax` (kept dimension) give.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.take_along_dim.html
 */
export const takeAlongDim: Method<NamedPair<'indices', Tensor, 'dim', number, object, Tensor>> = method(
  {
    name: 'takeAlongDim',
    parameters: ['indices', 'dim'],
    family,
    samples: (s) => [
      [s.float([2, 3]), s.values([1], [1, 1], 'int64'), 0],
      [s.float([1, 3]), s.values([2, 0, 1, 1], [2, 2], 'int64'), 1],
      [s.float([2, 3]), s.values([5, 0], [2, 1], 'int64')],
    ],
  },
  (x: Tensor, indices: Tensor, dim?: number): Tensor => {
    checkTensor('takeAlongDim', x);
    checkIndex('takeAlongDim', indices, 'indices');
    if (dim === undefined) return gather(reshape(x, [-1]), 0, reshape(indices, [-1]));
    const d = normalizeDim('takeAlongDim', dim, x.ndim);
    if (x.ndim !== indices.ndim) {
      throw new ShapeError(`takeAlongDim: indices and tensor differ in dimensions, got ${show(indices)} for ${show(x)}; expected ${x.ndim} dimensions`);
    }
    if (x.ndim === 0) return gather(x, 0, indices);
    const shape = broadcastShapes('takeAlongDim', x.shape.with(d, 1), indices.shape.with(d, 1));
    return gather(expand(x, shape.with(d, x.shape[d])), d, expand(indices, shape.with(d, indices.shape[d])));
  },
);

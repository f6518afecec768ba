import { forEach, nextDim } from '../batching.ts';
import { catKernel } from '../cpu/arrange.ts';
import { accelerated } from '../cpu/engine.ts';
import { type DType, promoteTypes } from '../dtype.ts';
import { ArgumentError, ShapeError, show } from '../errors.ts';
import { type Primitive, apply, makeViews, primitive } from '../op.ts';
import { normalizeDim, sameShape } from '../shape.ts';
import type { Device } from '../storage.ts';
import { type Layout, type Tensor, emptyTensor } from '../tensor.ts';
import type { Named, NamedPair } from './byName.ts';
import { type Free, type Method, checkTensor, free, method } from './define.ts';
import { narrow, realDim, reshape, select, unsqueeze } from './view.ts';

const family = 'joining';

interface CatAttrs {
  readonly dim: number;
}

/** PyTorch lets tensors of shape [0] stand beside anything. */
const isLegacyEmpty = (x: Tensor): boolean => x.ndim === 1 && x.shape[0] === 0;

const catOp: Primitive<CatAttrs> = primitive<CatAttrs>({
  name: 'cat',
  infer: (inputs, { dim }) => {
    const parts = (inputs as readonly Tensor[]).filter((x) => !isLegacyEmpty(x));
    const [first] = inputs as readonly Tensor[];
    if (parts.length === 0) return first;
    return { shape: parts[0].shape.with(dim, parts.reduce((n, x) => n + x.shape[dim], 0)), dtype: first.dtype };
  },
  cpu: accelerated(({ fastCat }) => fastCat, catKernel),
  batching: {
    // A part of shape [0] is no legacy form any more behind the examples.
    run: ({ inputs, batched, size }, attrs, run) => {
      const parts = inputs.map((x, i) => (batched[i] ? (x as Tensor) : forEach(x as Tensor, size))).filter((x) => !(x.ndim === 2 && x.shape[1] === 0));
      return parts.some((x) => x.ndim !== parts[0].ndim) || parts.length === 0 ? null : run(parts, nextDim(attrs));
    },
  },
  backward: (node, g) => {
    if (g === null) return [];
    const { dim } = node.attrs as CatAttrs;
    let at = 0;
    return node.inputs.map(({ shape }, i) => {
      const size = shape.length === 1 && shape[0] === 0 ? 0 : shape[dim];
      at += size;
      if (!node.needs(i)) return null;
      return shape.length === g.ndim && dim < shape.length ? narrow(g, dim, at - size, size) : emptyTensor(shape, g.dtype, g.device);
    });
  },
});

function checkList(op: string, tensors: unknown): asserts tensors is readonly [Tensor, ...Tensor[]] {
  if (!Array.isArray(tensors) || tensors.length === 0) throw new ArgumentError(`${op}: not a list of tensors, got ${show(tensors)}; expected an array of at least one`);
  tensors.forEach((x, i) => checkTensor(op, x, `entry ${i}`));
}

function join(op: string, tensors: readonly Tensor[], dim: number): Tensor {
  const scalar = tensors.findIndex((x) => x.ndim === 0);
  if (scalar >= 0) throw new ShapeError(`${op}: a scalar cannot be joined, got ${show(tensors[scalar])} at entry ${scalar}; expected at least 1 dimension`, { hint: 'use stack()' });
  const first = tensors.find((x) => !isLegacyEmpty(x)) ?? tensors[0];
  const d = normalizeDim(op, dim, isLegacyEmpty(first) ? Math.max(1, dim + 1, -dim) : first.ndim);
  tensors.forEach((x, i) => {
    if (!isLegacyEmpty(x) && !sameShape(x.shape.with(Math.min(d, x.ndim - 1), 0), first.shape.with(d, 0))) {
      throw new ShapeError(`${op}: sizes differ, got ${show(x)} at entry ${i} and ${show(first)}; expected equal sizes except at dimension ${d}`);
    }
  });
  const dtype = tensors.reduce<DType>((t, x) => promoteTypes(t, x.dtype), tensors[0].dtype);
  return apply(catOp, tensors.map((x) => x.to(dtype)), { dim: d });
}

/**
 * Tensors one behind the other along an existing dimension. Dtypes are promoted; empty tensors of shape [0] count as nothing.
 *
 * @param tensors - equal sizes in all dimensions but `dim`
 * @throws ShapeError for sizes that differ, or scalars
 * @see https://pytorch.org/docs/stable/generated/torch.cat.html
 */
export const cat: Free<Named<'dim', number, object, Tensor, readonly Tensor[]>> = free(
  {
    name: 'cat',
    parameters: ['dim'],
    family,
    samples: (s) => [
      [[s.float([2, 3]), s.float([1, 3])]],
      [[s.float([2, 1]), s.float([2, 3]), s.float([2, 0])], -1],
      [[s.float([0]), s.float([2, 2])], 1],
      [[s.float([0]), s.float([0])], 1],
      [[s.int([2]), s.bool([3])]],
    ],
  },
  (tensors: readonly Tensor[], dim = 0): Tensor => {
    checkList('cat', tensors);
    return join('cat', tensors, dim);
  },
);

/**
 * Tensors of one shape behind each other along a new dimension.
 *
 * @param dim - place of the new dimension; default 0
 * @throws ShapeError for shapes that differ
 * @see https://pytorch.org/docs/stable/generated/torch.stack.html
 */
export const stack: Free<Named<'dim', number, object, Tensor, readonly Tensor[]>> = free(
  { name: 'stack', parameters: ['dim'], family, samples: (s) => [[[s.float([2, 3]), s.float([2, 3])]], [[s.float([2]), s.float([2]), s.float([2])], -1], [[s.float([]), s.float([])]]] },
  (tensors: readonly Tensor[], dim = 0): Tensor => {
    checkList('stack', tensors);
    const [first] = tensors;
    tensors.forEach((x, i) => {
      if (!sameShape(x.shape, first.shape)) throw new ShapeError(`stack: shapes differ, got ${show(x)} at entry ${i} and ${show(first)}; expected one shape`);
    });
    const d = normalizeDim('stack', dim, first.ndim + 1);
    return join('stack', tensors.map((x) => unsqueeze(x, d)), d);
  },
);

/** Tensors beside each other: along dimension 1, vectors along 0; scalars count as vectors. @see https://pytorch.org/docs/stable/generated/torch.hstack.html */
export const hstack: Free<(tensors: readonly Tensor[]) => Tensor> = free(
  { name: 'hstack', family, samples: (s) => [[[s.float([2, 3]), s.float([2, 1])]], [[s.float([]), s.float([2])]]] },
  (tensors: readonly Tensor[]): Tensor => {
    checkList('hstack', tensors);
    const parts = tensors.map((x) => (x.ndim === 0 ? reshape(x, [1]) : x));
    return join('hstack', parts, parts[0].ndim === 1 ? 0 : 1);
  },
);

/** Tensors below each other: along dimension 0, vectors as rows. @see https://pytorch.org/docs/stable/generated/torch.vstack.html */
export const vstack: Free<(tensors: readonly Tensor[]) => Tensor> = free(
  { name: 'vstack', family, samples: (s) => [[[s.float([2, 3]), s.float([1, 3])]], [[s.float([2]), s.float([2])]], [[s.float([]), s.float([])]]] },
  (tensors: readonly Tensor[]): Tensor => {
    checkList('vstack', tensors);
    return join('vstack', tensors.map((x) => (x.ndim < 2 ? reshape(x, [1, x.numel()]) : x)), 0);
  },
);

/**
 * Parts of a tensor along one dimension, as views: of `splitSize` entries each (the last may be smaller), or of the given sizes.
 *
 * @param splitSize - a number, or sizes that add up to the dimension
 * @throws ShapeError for sizes that do not add up
 * @see https://pytorch.org/docs/stable/generated/torch.split.html
 */
export const split: Method<NamedPair<'splitSize', number | readonly number[], 'dim', number, object, Tensor[]>> = method(
  { name: 'split', parameters: ['splitSize', 'dim'], family, samples: (s) => [[s.float([5, 2]), 2], [s.float([2, 5]), [1, 0, 4], -1], [s.float([0, 2]), 2]] },
  (x: Tensor, splitSize: number | readonly number[], dim = 0): Tensor[] => {
    checkTensor('split', x);
    const d = realDim('split', dim, x);
    const size = x.shape[d];
    const sizes: readonly number[] | null = typeof splitSize === 'number' ? evenSizes(size, splitSize) : splitSize;
    if (!isSizes(sizes) || sizes.reduce((a, b) => a + b, 0) !== size) {
      throw new ShapeError(`split: sizes do not fit dimension ${d}, got ${show(splitSize)}; expected a size ≥ 1, or sizes that add up to ${size}`);
    }
    let at = 0;
    const layouts = sizes.map((n) => {
      at += n;
      return { shape: x.shape.with(d, n), strides: x.strides, offset: x.offset + (at - n) * x.strides[d] };
    });
    return makeViews('split', x, layouts, joined(layouts, d, x.dtype, x.device));
  },
);

/** The gradient of parts along one dimension: theirs, joined, with zeros where one has none. Made apart from the call, so that it keeps no tensor alive. */
function joined(layouts: readonly Layout[], dim: number, dtype: DType, device: Device): (grads: readonly (Tensor | null)[]) => Tensor {
  return (grads) => cat(grads.map((g, i) => g ?? emptyTensor(layouts[i].shape, dtype, device)), dim);
}

function isSizes(sizes: unknown): sizes is readonly number[] {
  return Array.isArray(sizes) && sizes.every((n) => Number.isInteger(n) && n >= 0);
}

/** Sizes of equal parts, or null where there are none. */
function evenSizes(size: number, part: number): number[] | null {
  if (!Number.isInteger(part) || part < 0 || (part === 0 && size > 0)) return null;
  const parts = part === 0 ? 1 : Math.max(1, Math.ceil(size / part));
  return Array.from({ length: parts }, (_, i) => Math.min(part, size - i * part));
}

/**
 * At most `chunks` parts of equal size along one dimension, as views; the last may be smaller.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.chunk.html
 */
export const chunk: Method<NamedPair<'chunks', number, 'dim', number, object, Tensor[]>> = method(
  { name: 'chunk', parameters: ['chunks', 'dim'], family, samples: (s) => [[s.float([5, 2]), 4], [s.float([2, 6]), 3, 1], [s.float([0, 2]), 2]] },
  (x: Tensor, chunks: number, dim = 0): Tensor[] => {
    checkTensor('chunk', x);
    const d = realDim('chunk', dim, x);
    if (!Number.isInteger(chunks) || chunks < 1) throw new ArgumentError(`chunk: invalid number of chunks, got ${show(chunks)}; expected an integer ≥ 1`);
    const size = Math.ceil(x.shape[d] / chunks);
    return split(x, size === 0 ? new Array<number>(chunks).fill(0) : size, d);
  },
);

/** The entries of one dimension, as views without it. @see https://pytorch.org/docs/stable/generated/torch.unbind.html */
export const unbind: Method<Named<'dim', number, object, Tensor[]>> = method(
  { name: 'unbind', parameters: ['dim'], family, samples: (s) => [[s.float([2, 3])], [s.float([2, 3]), -1]] },
  (x: Tensor, dim = 0): Tensor[] => {
    checkTensor('unbind', x);
    const d = realDim('unbind', dim, x);
    return Array.from({ length: x.shape[d] }, (_, i) => select(x, d, i));
  },
);

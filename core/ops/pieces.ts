import { ArgumentError, ShapeError, show } from '../errors.ts';
import { type Shape, broadcastShapes as broadcastTwo, isShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import type { NamedPair } from './byName.ts';
import { type Free, type Method, checkTensor, free, method } from './define.ts';
import { checkIndex } from './gather.ts';
import { cat, split } from './join.ts';
import { expand, realDim, reshape } from './view.ts';

const family = 'joining';

type Raise = Free<{ (x: Tensor): Tensor; (tensors: readonly Tensor[]): Tensor[]; (...tensors: readonly Tensor[]): Tensor[] }>;

/** Defines `atleast…d`: one tensor gives one, several (also as an array) give an array. */
function raise(name: string, shapeOf: (shape: Shape) => Shape): Raise {
  const one = (x: unknown): Tensor => {
    checkTensor(name, x);
    const shape = shapeOf(x.shape);
    return shape === x.shape ? x : reshape(x, shape);
  };
  return free({ name, family, torch: name.replace(/(?=\dd$)/, '_'), samples: (s) => [[s.float([])], [s.float([2])], [s.float([2, 3])], [[s.float([]), s.float([2, 3, 1])]]] }, ((first: Tensor | readonly Tensor[], ...rest: readonly Tensor[]): Tensor | Tensor[] => {
    if (Array.isArray(first)) return first.map(one);
    return rest.length === 0 ? one(first) : [first, ...rest].map(one);
  }) as Raise);
}

/** Tensors with at least one dimension. @see https://pytorch.org/docs/stable/generated/torch.atleast_1d.html */
export const atleast1d: Raise = raise('atleast1d', (shape) => (shape.length === 0 ? [1] : shape));
/** Tensors with at least two dimensions: vectors become rows. @see https://pytorch.org/docs/stable/generated/torch.atleast_2d.html */
export const atleast2d: Raise = raise('atleast2d', (shape) => (shape.length === 0 ? [1, 1] : shape.length === 1 ? [1, ...shape] : shape));
/** Tensors with at least three dimensions: a vector becomes (1, n, 1), a matrix (m, n, 1). @see https://pytorch.org/docs/stable/generated/torch.atleast_3d.html */
export const atleast3d: Raise = raise('atleast3d', (shape) => (shape.length === 0 ? [1, 1, 1] : shape.length === 1 ? [1, ...shape, 1] : shape.length === 2 ? [...shape, 1] : shape));

function checkAll(name: string, tensors: unknown): asserts tensors is readonly [Tensor, ...Tensor[]] {
  if (!Array.isArray(tensors) || tensors.length === 0) throw new ArgumentError(`${name}: not a list of tensors, got ${show(tensors)}; expected an array of at least one`);
  tensors.forEach((x, i) => checkTensor(name, x, `entry ${i}`));
}

/** Tensors as columns beside each other: vectors become columns first. @see https://pytorch.org/docs/stable/generated/torch.column_stack.html */
export const columnStack: Free<(tensors: readonly Tensor[]) => Tensor> = free(
  { name: 'columnStack', family, samples: (s) => [[[s.float([2]), s.float([2])]], [[s.float([2, 1]), s.float([2]), s.float([2, 2])]], [[s.float([]), s.float([])]]] },
  (tensors: readonly Tensor[]): Tensor => {
    checkAll('columnStack', tensors);
    return cat(tensors.map((x) => (x.ndim < 2 ? reshape(x, [x.numel(), 1]) : x)), 1);
  },
);

/** Tensors one behind the other along the third dimension. @see https://pytorch.org/docs/stable/generated/torch.dstack.html */
export const dstack: Free<(tensors: readonly Tensor[]) => Tensor> = free(
  { name: 'dstack', family, samples: (s) => [[[s.float([2]), s.float([2])]], [[s.float([2, 1]), s.float([2, 1])]], [[s.float([1, 2, 2]), s.float([1, 2, 1])]]] },
  (tensors: readonly Tensor[]): Tensor => {
    checkAll('dstack', tensors);
    return cat(atleast3d(tensors), 2);
  },
);

/** Tensors expanded to the shape all of them broadcast to, as views. @see https://pytorch.org/docs/stable/generated/torch.broadcast_tensors.html */
export const broadcastTensors: Free<(...tensors: readonly Tensor[]) => Tensor[]> = free(
  { name: 'broadcastTensors', family: 'shape', samples: (s) => [[s.float([2, 1]), s.float([3])], [s.float([]), s.float([2])]] },
  (...tensors: readonly Tensor[]): Tensor[] => {
    tensors.forEach((x, i) => checkTensor('broadcastTensors', x, `tensor ${i}`));
    const shape = tensors.reduce<Shape>((s, x) => broadcastTwo('broadcastTensors', s, x.shape), []);
    return tensors.map((x) => expand(x, shape));
  },
);

/**
 * The shape that shapes broadcast to: aligned at the right, sizes equal or 1. A number stands for one dimension.
 *
 * @throws ShapeError where they do not
 * @see https://pytorch.org/docs/stable/generated/torch.broadcast_shapes.html
 */
export function broadcastShapes(...sizes: readonly (Shape | number)[]): Shape {
  const shapes = sizes.map((size) => (typeof size === 'number' ? [size] : size));
  for (const shape of shapes) if (!isShape(shape)) throw new ShapeError(`broadcastShapes: not a shape, got ${show(shape)}; expected arrays of integers ≥ 0`);
  return shapes.reduce<Shape>((s, shape) => broadcastTwo('broadcastShapes', s, shape), []);
}

/** Sizes of parts that a number of sections or a list of places cuts a dimension into. */
function partsOf(name: string, size: number, cuts: unknown): number[] {
  if (typeof cuts === 'number') {
    if (!Number.isInteger(cuts) || cuts < 1) throw new ArgumentError(`${name}: invalid number of sections, got ${show(cuts)}; expected an integer ≥ 1`);
    return Array.from({ length: cuts }, (_, i) => Math.floor(size / cuts) + (i < size % cuts ? 1 : 0));
  }
  if (!Array.isArray(cuts) || !cuts.every((c) => Number.isInteger(c))) throw new ArgumentError(`${name}: not places to cut at, got ${show(cuts)}; expected a number of sections or an array of indices`);
  const places = (cuts as number[]).map((c) => Math.min(size, Math.max(0, c < 0 ? c + size : c)));
  return [...places, size].map((end, i) => Math.max(0, end - (i === 0 ? 0 : places[i - 1])));
}

/** A number of sections, or where to cut. */
type Cuts = number | readonly number[];

/** Sections or places in a tensor of whole numbers. */
function placesIn(cuts: Tensor): Cuts {
  checkIndex('tensorSplit', cuts, 'indicesOrSections');
  if (cuts.ndim > 1) throw new ShapeError(`tensorSplit: places in several dimensions, got ${show(cuts)}; expected at most 1`);
  return cuts.ndim === 0 ? cuts.item() : [...cuts.data()];
}

/** Views of parts from each place to the next, where a place may lie before the one ahead of it. */
function cutAt(name: string, x: Tensor, cuts: Cuts, dim: number): Tensor[] {
  const size = x.shape[dim];
  const sizes = partsOf(name, size, cuts);
  if (sizes.reduce((a, b) => a + b, 0) === size) return split(x, sizes, dim);
  const places = (cuts as readonly number[]).map((c) => Math.min(size, Math.max(0, c < 0 ? c + size : c)));
  return [...places, size].map((end, i) => x.narrow(dim, Math.min(i === 0 ? 0 : places[i - 1], end), Math.max(0, end - (i === 0 ? 0 : places[i - 1]))));
}

/**
 * Parts of a tensor along one dimension, as views: `n` of nearly equal size, the larger ones first, or from each index to the next.
 *
 * @param indicesOrSections - a number of parts, or the indices to cut at
 * @see https://pytorch.org/docs/stable/generated/torch.tensor_split.html
 */
export const tensorSplit: Method<NamedPair<'indicesOrSections', Cuts | Tensor, 'dim', number, object, Tensor[]>> = method(
  { name: 'tensorSplit', parameters: ['indicesOrSections', 'dim'], family, samples: (s) => [[s.float([7]), 3], [s.float([2, 7]), [1, 6], 1], [s.float([3]), 5], [s.float([5]), [2, -1]], [s.float([5]), s.values([1, 3], [2], 'int64')], [s.float([5]), s.values([2], [], 'int64')]] },
  (x: Tensor, indicesOrSections: Cuts | Tensor, dim = 0): Tensor[] => {
    checkTensor('tensorSplit', x);
    const cuts = indicesOrSections instanceof Tensor ? placesIn(indicesOrSections) : indicesOrSections;
    return cutAt('tensorSplit', x, cuts, realDim('tensorSplit', dim, x));
  },
);

/** Defines `hsplit` and its like: along one dimension, where a number of parts must divide the size. */
function splitAlong(name: string, least: number, dimOf: (x: Tensor) => number, samples: Method<(x: Tensor, cuts: Cuts) => Tensor[]>['samples']): Method<(x: Tensor, indicesOrSections: Cuts) => Tensor[]> {
  return method({ name, family, samples }, (x: Tensor, cuts: Cuts): Tensor[] => {
    checkTensor(name, x);
    if (x.ndim < least) throw new ShapeError(`${name}: too few dimensions, got ${show(x)}; expected at least ${least}`);
    const dim = dimOf(x);
    if (typeof cuts === 'number' && cuts > 0 && x.shape[dim] % cuts !== 0) throw new ShapeError(`${name}: sections of unequal size, got ${cuts} for dimension ${dim} of ${show(x)}; expected a divisor of ${x.shape[dim]}`);
    return cutAt(name, x, cuts, dim);
  });
}

/** Parts beside each other: along dimension 1, of vectors along 0. @see https://pytorch.org/docs/stable/generated/torch.hsplit.html */
export const hsplit: Method<(x: Tensor, indicesOrSections: Cuts) => Tensor[]> = splitAlong('hsplit', 1, (x) => (x.ndim === 1 ? 0 : 1), (s) => [[s.float([4]), 2], [s.float([2, 4]), [1, 3]]]);
/** Parts below each other: along dimension 0. @see https://pytorch.org/docs/stable/generated/torch.vsplit.html */
export const vsplit: Method<(x: Tensor, indicesOrSections: Cuts) => Tensor[]> = splitAlong('vsplit', 2, () => 0, (s) => [[s.float([4, 2]), 2], [s.float([4, 2]), [1, 3]]]);
/** Parts behind each other: along dimension 2. @see https://pytorch.org/docs/stable/generated/torch.dsplit.html */
export const dsplit: Method<(x: Tensor, indicesOrSections: Cuts) => Tensor[]> = splitAlong('dsplit', 3, () => 2, (s) => [[s.float([1, 2, 4]), 2], [s.float([1, 2, 4]), [3]]]);

/** Parts of given sizes along one dimension, as views. @see https://pytorch.org/docs/stable/generated/torch.split.html */
export const splitWithSizes: Method<NamedPair<'sizes', readonly number[], 'dim', number, object, Tensor[]>> = method(
  { name: 'splitWithSizes', parameters: ['sizes', 'dim'], family, samples: (s) => [[s.float([2, 5]), [1, 0, 4], 1], [s.float([3]), [1, 2]]] },
  (x: Tensor, sizes: readonly number[], dim = 0): Tensor[] => split(x, Array.isArray(sizes) ? sizes : [], dim),
);

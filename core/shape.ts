import { ArgumentError, ShapeError, show } from './errors.ts';

/** Sizes of a tensor, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements of a shape; 1 for a scalar. */
export function numelOf(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i];
  return n;
}

const lineStrides: readonly number[] = [1];
let lastShape: Shape = [];
let lastStrides: readonly number[] = [];

/** Row-major strides, in elements. Results often have the very shape of what they were made from, so that the last strides serve again. */
export function stridesOf(shape: Shape): readonly number[] {
  if (shape === lastShape) return lastStrides;
  if (shape.length === 1) return lineStrides;
  const strides = new Array<number>(shape.length);
  let n = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = n;
    n *= shape[i] === 0 ? 1 : shape[i];
  }
  lastShape = shape;
  lastStrides = strides;
  return strides;
}

/** True where elements lie in row-major order without gaps, or there are none. Dimensions of size 1 do not matter. */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let n = 1;
  let gapless = true;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 0) return true;
    if (shape[i] !== 1 && strides[i] !== n) gapless = false;
    n *= shape[i];
  }
  return gapless;
}

/** True where both shapes have the same sizes. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** True for an array of whole numbers ≥ `least`. */
export function isShape(value: unknown, least = 0): value is Shape {
  return Array.isArray(value) && value.every((n) => Number.isInteger(n) && n >= least);
}

/** Refuses anything but an array of whole numbers ≥ 0. */
export function checkShape(op: string, shape: unknown): asserts shape is Shape {
  if (!isShape(shape)) {
    const hint = typeof shape === 'number' ? { hint: `shapes are arrays: [${shape}]` } : {};
    throw new ShapeError(`${op}: not a shape, got ${show(shape)}; expected an array of integers ≥ 0`, hint);
  }
}

/**
 * The shape two shapes broadcast to: aligned at the right, sizes equal or one of them 1.
 *
 * @throws ShapeError naming the first pair that does not fit
 * @see https://pytorch.org/docs/stable/notes/broadcasting.html
 */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const m = i <= a.length ? a[a.length - i] : 1;
    const n = i <= b.length ? b[b.length - i] : 1;
    if (m !== n && m !== 1 && n !== 1) {
      throw new ShapeError(
        `${op}: shapes do not broadcast, got [${a.join(', ')}] and [${b.join(', ')}]; expected equal sizes or 1 at dimension -${i}`,
        { values: { a, b } },
      );
    }
    out[rank - i] = m === 1 ? n : m;
  }
  return out;
}

/** Strides that read a tensor of `shape` as `target`: 0 along broadcast dimensions. */
export function broadcastStrides(shape: Shape, strides: readonly number[], target: Shape): number[] {
  const lead = target.length - shape.length;
  const out = new Array<number>(target.length);
  for (let i = 0; i < target.length; i++) {
    out[i] = i < lead || (shape[i - lead] === 1 && target[i] !== 1) ? 0 : strides[i - lead];
  }
  return out;
}

/**
 * A dimension as 0 … rank-1, negative ones counted from the end; a scalar accepts 0 and -1, as in PyTorch.
 *
 * @throws ShapeError when out of range
 */
export function normalizeDim(op: string, dim: number, rank: number): number {
  const n = rank === 0 ? 1 : rank;
  if (typeof dim !== 'number' || !Number.isInteger(dim)) {
    throw new ArgumentError(`${op}: dimension is not an integer, got ${show(dim)}; expected ${-n} to ${n - 1}`);
  }
  if (dim < -n || dim >= n) {
    throw new ShapeError(`${op}: dimension out of range, got ${dim}; expected ${-n} to ${n - 1}`, { values: { dim, rank } });
  }
  return dim < 0 ? dim + n : dim;
}

function allDims(rank: number): number[] {
  const dims: number[] = [];
  for (let i = 0; i < rank; i++) dims.push(i);
  return dims;
}

/**
 * Dimensions as a sorted list of 0 … rank-1. `undefined`, `null` and `[]` mean all of them.
 *
 * @throws ShapeError when one is out of range or named twice
 */
export function normalizeDims(op: string, dims: number | readonly number[] | null | undefined, rank: number): number[] {
  if (dims === undefined || dims === null) return allDims(rank);
  if (typeof dims === 'number') return rank === 0 ? (normalizeDim(op, dims, 0), []) : [normalizeDim(op, dims, rank)];
  if (!Array.isArray(dims)) {
    throw new ArgumentError(`${op}: not a list of dimensions, got ${show(dims)}; expected a number or an array of numbers`);
  }
  if (dims.length === 0) return allDims(rank);
  const out = dims.map((d: number) => normalizeDim(op, d, rank)).sort((a, b) => a - b);
  for (let i = 1; i < out.length; i++) {
    if (out[i] === out[i - 1]) {
      throw new ShapeError(`${op}: dimension named twice, got [${dims.join(', ')}]; expected distinct dimensions`);
    }
  }
  return rank === 0 ? [] : out;
}

/** The shape left after reducing `dims`; reduced sizes stay as 1 with `keepdim`. */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): number[] {
  const out: number[] = [];
  for (let i = 0; i < shape.length; i++) {
    if (!dims.includes(i)) out.push(shape[i]);
    else if (keepdim) out.push(1);
  }
  return out;
}

/** Resolves one `-1` in a target shape from the number of elements. */
export function inferShape(op: string, target: readonly number[], numel: number): number[] {
  if (!isShape(target, -1)) {
    throw new ShapeError(`${op}: not a shape, got ${show(target)}; expected an array of integers ≥ 0 with at most one -1`);
  }
  const free = target.indexOf(-1);
  const known = numelOf(target.filter((n) => n !== -1));
  if (free === -1) {
    if (known === numel) return [...target];
  } else if (target.indexOf(-1, free + 1) !== -1) {
    throw new ShapeError(`${op}: more than one -1, got [${target.join(', ')}]; expected at most one`);
  } else if (known !== 0 && numel % known === 0) {
    return target.map((n) => (n === -1 ? numel / known : n));
  } else if (known === 0 && numel === 0) {
    throw new ShapeError(`${op}: -1 is ambiguous with no elements, got [${target.join(', ')}]; expected every size`);
  }
  throw new ShapeError(`${op}: sizes do not match ${numel} elements, got [${target.join(', ')}]; expected a product of ${numel}`, {
    values: { target, numel },
  });
}

import { ArgumentError, ShapeError, StateError, show } from '../errors.ts';
import { type PlacedOrNamed, given } from '../given.ts';
import { commonDevice } from '../op.ts';
import { cat } from '../ops/join.ts';
import { type Lanes, openLanes, withLanes } from '../ops/random.ts';
import { expand, movedim, narrow } from '../ops/view.ts';
import { normalizeDim } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { type Examples, type Randomness, all, one } from './batched.ts';
import { BatchedDevice } from './device.ts';
import { randomnessRefused } from './rules.ts';
import { leavesOf, mapTree } from './tree.ts';

/** Dimensions of the examples: one for all tensors, null for tensors that are the same for all examples, or a list with an entry per argument. */
export type InDims = number | null | readonly InDims[] | { readonly [key: string]: InDims };
/** The same for results: each has the examples somewhere. */
export type OutDims = number | readonly OutDims[] | { readonly [key: string]: OutDims };

/** Options of `vmap`. */
export interface VmapOptions {
  /** Where the arguments have the examples; default 0. */
  readonly inDims?: InDims;
  /** Where the results have them; default 0. */
  readonly outDims?: OutDims;
  /** What operations that draw random numbers do: refuse (default), draw once for all examples, or for each. */
  readonly randomness?: Randomness;
  /** At most so many examples at once, which bounds the memory; default all. */
  readonly chunkSize?: number | null;
}

interface Placed {
  readonly x: Tensor;
  readonly dim: number;
}

/** The entry of a tree of dimensions for each tensor of a tree of arguments. */
function placed(tree: unknown, dims: unknown, visit: (x: Tensor, dim: number | null) => unknown): unknown {
  if (dims === null || typeof dims === 'number') return mapTree(tree, (x) => visit(x, dims));
  if (Array.isArray(tree) && Array.isArray(dims) && tree.length === dims.length) return tree.map((part: unknown, i) => placed(part, dims[i], visit));
  if (typeof tree === 'object' && tree !== null && !(tree instanceof Tensor) && !Array.isArray(tree) && typeof dims === 'object' && !Array.isArray(dims)) {
    return Object.fromEntries(Object.entries(tree).map(([key, part]) => [key, placed(part, Reflect.get(dims, key), visit)]));
  }
  throw new ArgumentError(`vmap: dimensions do not fit the arguments, got ${show(dims)} for ${show(tree)}; expected a number, null, or an entry per part`);
}

const names = ['inDims', 'outDims', 'randomness', 'chunkSize'] as const;

function checkArguments(fn: unknown, { randomness = 'error', chunkSize = null }: VmapOptions): void {
  if (typeof fn !== 'function') throw new ArgumentError(`vmap: not a function, got ${show(fn)}; expected a function of tensors`);
  if (!['error', 'same', 'different'].includes(randomness)) throw new ArgumentError(`vmap: unknown randomness, got ${show(randomness)}; expected 'error', 'same' or 'different'`);
  if (chunkSize !== null && !(Number.isInteger(chunkSize) && chunkSize > 0)) throw new ArgumentError(`vmap: invalid chunkSize, got ${show(chunkSize)}; expected an integer ≥ 1 or null`);
}

/** Number of examples, which all arguments that have them must agree on. */
function countOf(parts: readonly Placed[]): number {
  if (parts.length === 0) throw new ArgumentError('vmap: no argument has examples, got only tensors that are the same for all; expected at least one with a dimension');
  const sizes = parts.map(({ x, dim }) => x.shape[dim]);
  if (sizes.some((n) => n !== sizes[0])) throw new ShapeError(`vmap: arguments differ in the number of examples, got ${sizes.join(', ')}; expected one number`, { values: { sizes } });
  return sizes[0];
}

function lanesOf(device: Examples): Lanes {
  return {
    size: device.size,
    each: device.randomness === 'different',
    outer: openLanes(),
    lift: (numbers) => one(device, numbers),
    holds: (x) => x.device === device,
    check: (name) => {
      if (device.randomness === 'error') throw randomnessRefused(name);
    },
  };
}

/** The examples of the innermost `vmap` that is running. */
let innermost: Examples | null = null;

function inside<T>(device: Examples, fn: () => T): T {
  const before = innermost;
  innermost = device;
  try {
    return withLanes(lanesOf(device), fn);
  } finally {
    innermost = before;
  }
}

/** What came out, for all examples, with these in front. */
function unwrapped(device: Examples, x: Tensor): Tensor {
  return x.device === device ? all(x) : expand(x, [device.size, ...x.shape]);
}

/**
 * Turns a function of one example into one of many: `vmap(f)(xs)` is `stack(xs.map(f))`, computed for all examples at once. Works through every operation,
 * inside and around `grad`, `jvp` and itself. Most operations run as one call of the same operation on all examples, the others once per example.
 *
 * @param fn - takes tensors (or arrays and objects of them) without the dimension of the examples and gives such; it must not read values (`item`, `data`) of
 *   what differs between examples, nor write such values into tensors that it did not make
 * @param rest - `inDims`, `outDims`, `randomness`, `chunkSize`, by place or by name
 * @returns a function of tensors with the examples at `inDims`, whose results have them at `outDims`
 * @throws ArgumentError or ShapeError for dimensions that do not fit the arguments; StateError where values are read, or random numbers drawn without `randomness`
 * @see https://pytorch.org/docs/stable/generated/torch.func.vmap.html
 */
export function vmap<A extends readonly unknown[], R>(fn: (...args: A) => R, ...rest: PlacedOrNamed<VmapOptions, typeof names>): (...args: A) => R {
  const options = given<VmapOptions>('vmap', names, rest);
  checkArguments(fn, options);
  const { inDims = 0, outDims = 0, randomness = 'error', chunkSize = null } = options;

  const runAll = (args: readonly unknown[], dims: unknown, size: number, below: Placed[]): unknown => {
    const device = new BatchedDevice(size, innermost ?? commonDevice('vmap', below.map(({ x }) => x)), randomness);
    const inputs = placed(args, dims, (x, dim) => (dim === null ? x : one(device, movedim(x, dim, 0)))) as A;
    const result: unknown = inside(device, () => fn(...inputs));
    leavesOf('vmap', result);
    return mapTree(result, (y) => unwrapped(device, y));
  };

  return (...args: A): R => {
    const parts: Placed[] = [];
    const dims = typeof inDims === 'number' ? args.map((arg) => (hasTensor(arg) ? inDims : null)) : inDims;
    placed(args, dims, (x, dim) => {
      if (dim !== null) parts.push({ x, dim: normalizeDim('vmap', dim, x.ndim) });
      return x;
    });
    const size = countOf(parts);
    const step = chunkSize ?? Math.max(size, 1);
    const chunks: unknown[] = [];
    for (let from = 0; from < Math.max(size, 1); from += step) {
      const n = Math.min(step, size - from);
      const part = n === size ? args : placed(args, dims, (x, dim) => (dim === null ? x : narrow(x, dim, from, n)));
      chunks.push(runAll(part as readonly unknown[], dims, n, parts));
    }
    const whole = chunks.length === 1 ? chunks[0] : joinedChunks(chunks);
    return placed(whole, outDims, (y, dim) => {
      if (dim === null) throw new StateError('vmap: a result needs a place for the examples, got null; expected a dimension');
      return movedim(y, 0, normalizeDim('vmap', dim, y.ndim));
    }) as R;
  };
}

function hasTensor(value: unknown): boolean {
  let found = false;
  mapTree(value, (x) => {
    found = true;
    return x;
  });
  return found;
}

function joinedChunks(chunks: readonly unknown[]): unknown {
  const leaves = chunks.map((chunk) => leavesOf('vmap', chunk));
  let i = 0;
  return mapTree(chunks[0], () => {
    const k = i++;
    return cat(leaves.map((parts) => parts[k]), 0);
  });
}

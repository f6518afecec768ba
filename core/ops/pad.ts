import { ArgumentError, ShapeError, checkOptions, show } from '../errors.ts';
import { stridesOf } from '../shape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { tensor } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { indexSelect } from './lookup.ts';
import { asStridedScatter } from './strided.ts';
import { narrow } from './view.ts';

/** What padding is filled with: a constant, the inside mirrored at the edge, the edge, or the other end. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** Options of `F.pad`. */
export interface PadOptions {
  /** Default 'constant'. */
  readonly mode?: PadMode;
  /** The constant; default 0. */
  readonly value?: number | null;
}

const name = 'pad';
const modes: readonly unknown[] = ['constant', 'reflect', 'replicate', 'circular'];

/** How much comes before and behind each dimension. */
function edgesOf(x: Tensor, padding: readonly number[]): [number, number][] {
  if (!Array.isArray(padding) || padding.length % 2 !== 0 || !padding.every(Number.isInteger)) {
    throw new ArgumentError(`${name}: not a padding, got ${show(padding)}; expected pairs of integers, those of the last dimension first`);
  }
  if (padding.length > 2 * x.ndim) throw new ShapeError(`${name}: more pairs than dimensions, got ${padding.length / 2} for ${show(x)}; expected at most ${x.ndim}`);
  const ends: readonly number[] = padding;
  return x.shape.map((_, d) => {
    const at = 2 * (x.ndim - 1 - d);
    return at < ends.length ? [ends[at], ends[at + 1]] : [0, 0];
  });
}

function constant(x: Tensor, edges: readonly [number, number][], value: number): Tensor {
  const shape = x.shape.map((n, d) => n + edges[d][0] + edges[d][1]);
  if (shape.some((n) => n < 0)) throw new ShapeError(`${name}: nothing is left, got ${show(x)} with ${show(edges)}; expected sizes ≥ 0, they are [${shape.join(', ')}]`);
  let inner = x;
  edges.forEach(([before, behind], d) => {
    const [from, rest] = [Math.max(0, -before), Math.max(0, -before) + Math.max(0, -behind)];
    if (rest > 0) inner = narrow(inner, d, Math.min(from, inner.shape[d]), Math.max(0, inner.shape[d] - rest));
  });
  if (edges.every(([before, behind]) => before <= 0 && behind <= 0)) return inner.clone();
  const outer = emptyTensor(shape, x.dtype, x.device);
  if (value !== 0) outer.fill_(value);
  const strides = stridesOf(shape);
  const offset = edges.reduce((at, [before], d) => at + Math.max(0, before) * strides[d], 0);
  return inner.numel() === 0 ? outer : asStridedScatter(outer, inner, { shape: inner.shape, strides, offset });
}

/** Where entry `i` of a padded dimension comes from. */
function sourceOf(i: number, size: number, mode: PadMode, [before, behind]: readonly [number, number]): number {
  if (mode === 'replicate') return Math.min(size - 1, Math.max(0, i));
  if (mode === 'circular') {
    // What is cut off does not come back at the other end.
    const [from, left] = [Math.max(0, -before), size + Math.min(0, before) + Math.min(0, behind)];
    return from + ((((i - from) % left) + left) % left);
  }
  return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
}

function checkInside(x: Tensor, size: number, [before, behind]: readonly [number, number], d: number, mode: PadMode): void {
  const most = mode === 'reflect' ? size - 1 : mode === 'circular' ? size : Infinity;
  if (before > most || behind > most) throw new ShapeError(`${name}: padding is too large, got ${before} and ${behind} for dimension ${d} of ${show(x)}; expected at most ${most} with '${mode}'`);
  if (size === 0 || size + before + behind < 1) throw new ShapeError(`${name}: nothing to repeat, got ${show(x)} with ${before} and ${behind}; expected entries along dimension ${d}`);
}

/** A tensor with entries of its own added at both ends of its last dimensions; itself where none are. */
export function extended(x: Tensor, padding: readonly number[], mode: Exclude<PadMode, 'constant'>): Tensor {
  const edges = edgesOf(x, padding);
  const rank = padding.length / 2;
  if (rank < 1 || rank > 3 || (x.ndim !== rank + 1 && x.ndim !== rank + 2)) {
    throw new ShapeError(`${name}: '${mode}' does not pad this, got ${show(x)} with ${rank} pairs; expected ${rank + 1} or ${rank + 2} dimensions for ${rank} pairs, 1 to 3`);
  }
  let y = x;
  edges.forEach((edge, d) => {
    if (edge[0] === 0 && edge[1] === 0) return;
    const size = x.shape[d];
    checkInside(x, size, edge, d, mode);
    const places = Int32Array.from({ length: size + edge[0] + edge[1] }, (_, i) => sourceOf(i - edge[0], size, mode, edge));
    y = indexSelect(y, d, tensor(places, { dtype: 'int64', device: x.device }));
  });
  return y;
}

/**
 * A tensor with entries added at both ends of its last dimensions; a negative number takes entries away.
 *
 * @param padding - pairs (before, behind), those of the last dimension first
 * @param mode - other modes than 'constant' pad the last one, two or three dimensions of (N, C, …) or (C, …), at most by the size ('circular') or less ('reflect')
 * @throws ArgumentError for a padding that is none; ShapeError where it does not fit
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
 */
export const pad: Free<(x: Tensor, padding: readonly number[], mode?: PadMode | PadOptions, value?: number | null) => Tensor> = free(
  {
    name,
    family: 'arranging',
    torch: 'nn.functional.pad',
    samples: (s) => [
      [s.float([2, 3]), [1, 2]],
      [s.float([2, 2, 3]), [1, 0, 0, 2, 1, 1], 'constant', 1.5],
      [s.float([3, 4]), [-1, 1, 1, -2]],
      [s.float([1, 2, 4]), [2, 1], 'reflect'],
      [s.float([1, 3, 4]), [1, 2, 2, 0], { mode: 'replicate' }],
      [s.float([1, 1, 3, 3]), [1, 2, 3, 0], 'circular'],
      [s.float([1, 1, 4, 3]), [2, -1, -1, 1], 'circular'],
      [s.float([1, 2, 2, 3]), [1, 1, 1, 1], 'reflect'],
      [s.int([3]), [1, 1], { value: 7 }],
    ],
  },
  (x: Tensor, padding: readonly number[], mode?: PadMode | PadOptions, value?: number | null): Tensor => {
    checkTensor(name, x);
    if (typeof mode === 'object') checkOptions(name, mode, ['mode', 'value']);
    const given: PadOptions = typeof mode === 'object' ? mode : { ...(mode !== undefined && { mode }), ...(value !== undefined && { value }) };
    const { mode: chosen = 'constant', value: fill = null } = given;
    if (!modes.includes(chosen)) throw new ArgumentError(`${name}: unknown mode, got ${show(chosen)}; expected one of ${modes.join(', ')}`);
    if (chosen === 'constant') return constant(x, edgesOf(x, padding), fill ?? 0);
    if (fill !== null && fill !== 0) throw new ArgumentError(`${name}: a value with '${chosen}', got ${show(fill)}; expected one with 'constant' only`);
    const y = extended(x, padding, chosen);
    return y === x ? x.clone() : y;
  },
);

import type { Pair } from '../cpu/frame.ts';
import type { PoolAttrs, Windows } from '../cpu/pool.ts';
import { ArgumentError, ShapeError, checkOptions, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { type Size, type SpatialRank, pairOf, spatialOf, trailing } from './spatial.ts';

// Which elements the windows of a pool cover.

/** Options of all pools with windows of a fixed size. */
export interface PoolOptions {
  /** Step between windows; default the kernel size. */
  readonly stride?: Size | null;
  /** Cells added on both sides, at most half of the kernel; default 0. */
  readonly padding?: Size;
  /** Keep a last window that is only partly inside; default false. */
  readonly ceilMode?: boolean;
}

/** Takes apart `(stride?, options?)` and `(options)`. */
export function splitArgs<O extends PoolOptions>(name: string, stride: Size | O | null | undefined, options: O | undefined, allowed: readonly string[]): O | PoolOptions {
  const keyed = typeof stride === 'object' && stride !== null && !Array.isArray(stride);
  if (keyed && options !== undefined) throw new ArgumentError(`${name}: options twice, got ${show(stride)} and ${show(options)}; expected one object`);
  const given: O | PoolOptions = keyed ? (stride as O) : (options ?? {});
  checkOptions(name, given, allowed);
  if (keyed || stride === null || stride === undefined) return given;
  if (given.stride !== undefined) throw new ArgumentError(`${name}: stride twice, got ${show(stride)} and ${show(given.stride)}; expected one`);
  return { ...given, stride: stride as Size };
}

/** An option that is true or false. */
export function flag(name: string, key: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw new ArgumentError(`${name}: invalid ${key}, got ${show(value)}; expected true or false`);
  return value;
}

/** Fixed windows along one dimension. */
interface Fixed {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly ceil: boolean;
  readonly countPadding: boolean;
}

/** Number of windows; with `ceil` the last one must begin inside the input or the padding before it. */
function windowCount(size: number, { kernel, stride, padding, dilation, ceil }: Fixed): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1;
  const n = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  return ceil && (n - 1) * stride >= size + padding ? n - 1 : n;
}

function fixedWindows(size: number, f: Fixed): Windows {
  const { kernel, stride, padding, dilation } = f;
  const start: number[] = [];
  const end: number[] = [];
  const count: number[] = [];
  for (let i = 0; i < windowCount(size, f); i++) {
    const from = i * stride - padding;
    const to = from + dilation * (kernel - 1) + 1;
    start.push(from < 0 ? from + Math.ceil(-from / dilation) * dilation : from);
    end.push(Math.min(to, size));
    count.push(f.countPadding ? Math.min(to, size + padding) - from : Math.min(to, size) - Math.max(from, 0));
  }
  return { size, start, end, step: dilation, count };
}

function checkNotEmpty(name: string, x: Tensor, rank: SpatialRank): Pair {
  const size = spatialOf(x, rank);
  if (size[0] === 0 || size[1] === 0) {
    throw new ShapeError(`${name}: an empty dimension, got ${show(x)}; expected sizes ≥ 1 in the last ${rank === 1 ? 'dimension' : 'two'}`);
  }
  return size;
}

/** All that fixed windows depend on. */
interface WindowOptions extends PoolOptions {
  /** Step between the elements of a window; default 1. */
  readonly dilation?: Size;
  /** Whether averages count the padding; default false. */
  readonly countPadding?: boolean;
  /** Divisor of all averages; default the elements that count. */
  readonly divisor?: number | null;
}

/**
 * Windows of a fixed size.
 *
 * @throws ArgumentError for invalid options, ShapeError when no window fits
 */
export function fixedPool(name: string, x: Tensor, rank: SpatialRank, kernelSize: Size, options: WindowOptions): PoolAttrs {
  const { countPadding = false, divisor = null } = options;
  const size = checkNotEmpty(name, x, rank);
  const kernel = pairOf(name, 'kernelSize', kernelSize, rank, 1, 1);
  const stride = pairOf(name, 'stride', options.stride ?? trailing(kernel, rank), rank, 1, 1);
  const padding = pairOf(name, 'padding', options.padding ?? 0, rank, 0, 0);
  const dilation = pairOf(name, 'dilation', options.dilation ?? 1, rank, 1, 1);
  const ceil = flag(name, 'ceilMode', options.ceilMode, false);
  const windows = (d: 0 | 1): Windows => {
    if (padding[d] > kernel[d] / 2) {
      throw new ArgumentError(`${name}: padding is too large, got ${padding[d]} for a kernel of ${kernel[d]}; expected at most half of the kernel`);
    }
    const made = fixedWindows(size[d], { kernel: kernel[d], stride: stride[d], padding: padding[d], dilation: dilation[d], ceil, countPadding });
    if (made.start.length === 0) {
      const need = dilation[d] * (kernel[d] - 1) + 1 - 2 * padding[d];
      throw new ShapeError(`${name}: no window fits, got ${show(x)} and kernelSize ${show(trailing(kernel, rank))}; expected at least ${need} elements`);
    }
    return made;
  };
  return { rank, rows: windows(0), columns: windows(1), divisor };
}

/** Sizes of an adaptive pool's result; null keeps the size. */
export type AdaptiveSize = number | null | readonly (number | null)[];

/**
 * As many windows as the result has elements, which share the input evenly: window i covers `⌊i·in/out⌋` … `⌈(i+1)·in/out⌉`.
 *
 * @throws ArgumentError for an invalid output size
 */
export function adaptivePool(name: string, x: Tensor, rank: SpatialRank, outputSize: AdaptiveSize): PoolAttrs {
  const size = checkNotEmpty(name, x, rank);
  const given: readonly (number | null)[] = Array.isArray(outputSize) ? outputSize : [outputSize];
  const last = given.length - 1;
  const kept = given.map((n, i) => n ?? size[i === last ? 1 : 0]);
  // A single null keeps every size.
  const wanted = given.length === 1 && given[0] === null ? trailing(size, rank) : kept;
  const output = pairOf(name, 'outputSize', wanted, rank, 0, 1);
  const windows = (d: 0 | 1): Windows => {
    const n = output[d];
    const start = Array.from({ length: n }, (_, i) => Math.floor((i * size[d]) / n));
    const end = Array.from({ length: n }, (_, i) => Math.ceil(((i + 1) * size[d]) / n));
    return { size: size[d], start, end, step: 1, count: start.map((s, i) => end[i] - s) };
  };
  return { rank, rows: windows(0), columns: windows(1), divisor: null };
}

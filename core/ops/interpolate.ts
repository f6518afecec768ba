import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { tensor } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { indexSelect } from './lookup.ts';
import { matmul } from './matmul.ts';
import { adaptiveAvgPool1d, adaptiveAvgPool2d } from './pool.ts';
import { adaptiveAvgPool3d } from './pool3d.ts';
import { movedim, reshape } from './view.ts';

/** How values between the given ones are made. */
export type InterpolationMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area';

/** Options of `F.interpolate`. */
export interface InterpolateOptions {
  /** Spatial sizes of the result, or one for all; this or `scaleFactor`. */
  readonly size?: number | readonly number[] | null;
  /** Factors of the spatial sizes, or one for all. */
  readonly scaleFactor?: number | readonly number[] | null;
  /** Default 'nearest'. */
  readonly mode?: InterpolationMode;
  /** Whether the centres of the corner elements stay where they are ('linear', 'bilinear', 'bicubic', 'trilinear'); default false. */
  readonly alignCorners?: boolean | null;
  /** Whether the factor is computed anew from the sizes; default false. */
  readonly recomputeScaleFactor?: boolean | null;
  /** Average over what shrinks ('bilinear', 'bicubic'); default false. */
  readonly antialias?: boolean;
}

const name = 'interpolate';
const names = ['size', 'scaleFactor', 'mode', 'alignCorners', 'recomputeScaleFactor', 'antialias'];
/** Spatial dimensions that a mode is for. */
const ranks: Readonly<Record<InterpolationMode, readonly number[]>> = { nearest: [1, 2, 3], 'nearest-exact': [1, 2, 3], area: [1, 2, 3], linear: [1], bilinear: [2], bicubic: [2], trilinear: [3] };

/** One spatial dimension: sizes before and after, and the step in the input per step in the output. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
}

/** Weighted entries of the input for each entry of the output: `taps[k][i]` has the weight `weights[k][i]`. */
interface Taps {
  readonly taps: readonly Int32Array[];
  readonly weights: readonly Float64Array[];
}

const f32 = Math.fround;

function nearest({ from, to, scale }: Axis, exact: boolean): Taps {
  const step = f32(scale);
  const place = (i: number): number => Math.min(from - 1, Math.floor(exact ? f32(f32(i + 0.5) * step) : f32(i * step)));
  return { taps: [Int32Array.from({ length: to }, (_, i) => place(i))], weights: [] };
}

/** Where entry `i` of the output lies in the input. */
function source(i: number, scale: number, alignCorners: boolean): number {
  return alignCorners ? i * scale : (i + 0.5) * scale - 0.5;
}

function linear({ from, to, scale }: Axis, alignCorners: boolean): Taps {
  const [low, high] = [new Int32Array(to), new Int32Array(to)];
  const [a, b] = [new Float64Array(to), new Float64Array(to)];
  for (let i = 0; i < to; i++) {
    const x = Math.max(0, source(i, scale, alignCorners));
    low[i] = Math.min(from - 1, Math.floor(x));
    high[i] = Math.min(from - 1, low[i] + 1);
    b[i] = Math.min(1, Math.max(0, x - low[i]));
    a[i] = 1 - b[i];
  }
  return { taps: [low, high], weights: [a, b] };
}

/** Cubic convolution of Keys, with slope `a` at distance 1. */
function cubicWeight(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

function cubic({ from, to, scale }: Axis, alignCorners: boolean): Taps {
  const taps = [0, 1, 2, 3].map(() => new Int32Array(to));
  const weights = [0, 1, 2, 3].map(() => new Float64Array(to));
  for (let i = 0; i < to; i++) {
    const x = source(i, scale, alignCorners);
    const first = Math.floor(x);
    for (let k = 0; k < 4; k++) {
      taps[k][i] = Math.min(from - 1, Math.max(0, first - 1 + k));
      weights[k][i] = cubicWeight(x - (first - 1 + k), -0.75);
    }
  }
  return { taps, weights };
}

/** All weights as a matrix (to, from), where every entry averages over what it stands for. */
function averaging({ from, to, scale }: Axis, mode: 'bilinear' | 'bicubic', alignCorners: boolean): Float64Array {
  const reach = mode === 'bilinear' ? 1 : 2;
  const [support, inverse] = scale >= 1 ? [reach * scale, 1 / scale] : [reach, 1];
  const filter = (x: number): number => (mode === 'bilinear' ? Math.max(0, 1 - Math.abs(x)) : cubicWeight(x, -0.5));
  const matrix = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const centre = alignCorners ? i * scale + 0.5 : scale * (i + 0.5);
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    let total = 0;
    for (let j = first; j < last; j++) total += matrix[i * from + j] = filter((j - centre + 0.5) * inverse);
    for (let j = first; j < last && total !== 0; j++) matrix[i * from + j] /= total;
  }
  return matrix;
}

/** Entries along dimension `d`, weighted and summed. */
function sampled(x: Tensor, d: number, { taps, weights }: Taps): Tensor {
  const shape = x.shape.map((_, i) => (i === d ? taps[0].length : 1));
  const parts = taps.map((places, k) => {
    const entries = indexSelect(x, d, tensor(places, { dtype: 'int64', device: x.device }));
    return weights.length === 0 ? entries : entries.mul(tensor(weights[k], { dtype: x.dtype, device: x.device }).reshape(shape));
  });
  return parts.reduce((sum, part) => sum.add(part));
}

function list(key: string, value: unknown, rank: number, whole: boolean): readonly number[] {
  const values: unknown[] = Array.isArray(value) ? value : new Array<unknown>(rank).fill(value);
  if (values.length !== rank || !values.every((v) => typeof v === 'number' && v > 0 && Number.isFinite(v) && (!whole || Number.isInteger(v)))) {
    throw new ArgumentError(`${name}: invalid ${key}, got ${show(value)}; expected a positive ${whole ? 'integer' : 'number'}, or ${rank} of them`);
  }
  return values as number[];
}

function axesOf(x: Tensor, { size, scaleFactor, recomputeScaleFactor }: InterpolateOptions, alignCorners: boolean): Axis[] {
  const spatial = x.shape.slice(2);
  const [hasSize, hasScale] = [size !== undefined && size !== null, scaleFactor !== undefined && scaleFactor !== null];
  if (hasSize === hasScale) throw new ArgumentError(`${name}: ${hasSize ? 'both size and scaleFactor' : 'neither size nor scaleFactor'}, got ${show(size)} and ${show(scaleFactor)}; expected one of them`);
  if (recomputeScaleFactor === true && hasSize) throw new ArgumentError(`${name}: recomputeScaleFactor beside a size, got ${show(size)}; expected a scaleFactor`);
  const factors = hasScale ? list('scaleFactor', scaleFactor, spatial.length, false) : null;
  const sizes = factors === null ? list('size', size, spatial.length, true) : spatial.map((n, d) => Math.floor(n * factors[d]));
  return spatial.map((from, d) => {
    const to = sizes[d];
    if (from === 0 || to === 0) throw new ShapeError(`${name}: an empty dimension, got ${show(x)} to [${sizes.join(', ')}]; expected sizes ≥ 1`);
    if (alignCorners) return { from, to, scale: to > 1 ? (from - 1) / (to - 1) : 0 };
    return { from, to, scale: factors === null || recomputeScaleFactor === true ? from / to : 1 / factors[d] };
  });
}

/**
 * Images of another size: (N, C, L), (N, C, H, W) or (N, C, D, H, W). Without `alignCorners` entry i of the output lies at `(i + ½)·scale - ½` in the input.
 *
 * @param size - the new spatial sizes; here or among the options, or `scaleFactor` instead
 * @throws ArgumentError for options that exclude each other, or a mode for another number of dimensions; ShapeError for empty images
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
 */
export const interpolate: Free<(x: Tensor, size?: number | readonly number[] | null | InterpolateOptions, options?: InterpolateOptions) => Tensor> = free(
  {
    name,
    family: 'pooling',
    torch: 'nn.functional.interpolate',
    samples: (s) => [
      [s.float([1, 2, 3]), 5],
      [s.float([1, 1, 2, 3]), { scaleFactor: 2 }],
      [s.float([1, 1, 3, 4]), { size: [5, 2], mode: 'nearest-exact' }],
      [s.float([1, 2, 4]), { size: 7, mode: 'linear' }],
      [s.float([1, 1, 3, 4]), { scaleFactor: [2, 1.5], mode: 'bilinear' }],
      [s.float([1, 1, 3, 4]), { size: [5, 6], mode: 'bilinear', alignCorners: true }],
      [s.float([1, 1, 4, 4]), { size: [6, 3], mode: 'bicubic' }],
      [s.float([1, 1, 4, 3]), { size: [3, 5], mode: 'bicubic', alignCorners: true }],
      [s.float([1, 1, 2, 3, 2]), { size: [3, 2, 4], mode: 'trilinear' }],
      [s.float([1, 1, 5, 4]), { size: [2, 3], mode: 'area' }],
      [s.float([1, 1, 6, 5]), { size: [3, 2], mode: 'bilinear', antialias: true }],
      [s.float([1, 1, 6, 5]), { size: [4, 7], mode: 'bicubic', antialias: true }],
      [s.float([1, 1, 5]), { scaleFactor: 1.7, mode: 'linear', recomputeScaleFactor: true }],
    ],
  },
  (x: Tensor, size?: number | readonly number[] | null | InterpolateOptions, last?: InterpolateOptions, ...more: readonly unknown[]): Tensor => {
    checkTensor(name, x);
    if (more.length > 0) throw new ArgumentError(`${name}: too many arguments, got ${show(more)} after ${show(last)}; expected a size and options`);
    checkOptions(name, last ?? undefined, names);
    const keyed = typeof size === 'object' && size !== null && !Array.isArray(size);
    const options: InterpolateOptions = keyed ? (size as InterpolateOptions) : { ...last, ...(size !== undefined && size !== null && { size: size as number | readonly number[] }) };
    checkOptions(name, options, names);
    const { mode = 'nearest', antialias = false } = options;
    if (!Object.hasOwn(ranks, mode)) throw new ArgumentError(`${name}: unknown mode, got ${show(mode)}; expected one of ${Object.keys(ranks).join(', ')}`);
    const rank = x.ndim - 2;
    if (!ranks[mode].includes(rank)) throw new ArgumentError(`${name}: '${mode}' is not for this, got ${show(x)}; expected ${ranks[mode].map((r) => r + 2).join(', ')} dimensions`);
    const aligned = options.alignCorners ?? null;
    if (aligned !== null && (mode.startsWith('nearest') || mode === 'area')) throw new ArgumentError(`${name}: alignCorners with '${mode}', got ${show(aligned)}; expected it with linear and cubic modes only`);
    if (antialias && mode !== 'bilinear' && mode !== 'bicubic') throw new ArgumentError(`${name}: antialias with '${mode}', got ${show(antialias)}; expected 'bilinear' or 'bicubic'`);
    if (!isFloat(x.dtype) && (x.dtype !== 'uint8' || mode === 'area')) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32, float64 or uint8`);
    const axes = axesOf(x, options, aligned === true);
    if (mode === 'area') {
      const sizes = axes.map(({ to }) => to);
      return rank === 1 ? adaptiveAvgPool1d(x, sizes) : rank === 2 ? adaptiveAvgPool2d(x, sizes) : adaptiveAvgPool3d(x, sizes);
    }
    return axes.reduce((y, axis, i) => {
      const d = i + 2;
      if (antialias) {
        const weights = tensor(averaging(axis, mode as 'bilinear' | 'bicubic', aligned === true), { dtype: x.dtype, device: x.device });
        return movedim(matmul(movedim(y, d, -1), reshape(weights, [axis.to, axis.from]).t()), -1, d);
      }
      if (mode.startsWith('nearest')) return sampled(y, d, nearest(axis, mode === 'nearest-exact'));
      return sampled(y, d, mode === 'bicubic' ? cubic(axis, aligned === true) : linear(axis, aligned === true));
    }, x);
  },
);

import { getDefaultDtype, isFloat, makeArray } from '../dtype.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';

import type { Tensor } from '../tensor.ts';
import { type TensorOptions, dtypeOf, fromCells, toCell } from './creation.ts';
import { type Free, free } from './define.ts';

const family = 'creation';

/** Options of `logspace`. */
export interface LogspaceOptions extends TensorOptions {
  /** Base of the powers; default 10. */
  readonly base?: number;
}

function split<O extends TensorOptions, K extends string>(name: string, options: (O & { readonly [P in K]?: unknown }) | undefined, keys: readonly K[]): TensorOptions | undefined {
  if (options === undefined) return undefined;
  checkOptions(name, options, ['dtype', 'device', 'requiresGrad', ...keys]);
  return Object.fromEntries(Object.entries(options).filter(([key]) => !(keys as readonly string[]).includes(key)));
}

/** `steps` powers of a base, whose exponents are evenly spread from `start` to `end`, both included. @see https://pytorch.org/docs/stable/generated/torch.logspace.html */
export const logspace: Free<(start: number, end: number, steps: number, base?: number | LogspaceOptions, options?: TensorOptions) => Tensor> = free(
  { name: 'logspace', parameters: ['end', 'steps', 'base', 'options'], family, differentiable: false, samples: () => [[0, 2, 5], [-1, 1, 4, 2], [1, 3, 1]] },
  (first: number, last: number, steps: number, base?: number | LogspaceOptions, options?: TensorOptions): Tensor => {
    const given = typeof base === 'object' ? base : undefined;
    const b = given === undefined ? ((base as number | undefined) ?? 10) : (given.base ?? 10);
    const rest = given === undefined ? options : split('logspace', given, ['base']);
    const dtype = dtypeOf('logspace', rest, getDefaultDtype());
    for (const [key, value] of Object.entries({ start: first, end: last, base: b })) if (typeof value !== 'number') throw new ArgumentError(`logspace: ${key} is not a number, got ${show(value)}; expected a number`);
    if (!Number.isInteger(steps) || steps < 0) throw new ArgumentError(`logspace: steps is not a whole number, got ${show(steps)}; expected an integer ≥ 0`);
    // Among whole numbers the exponents end at whole ones.
    const [start, end] = isFloat(dtype) ? [first, last] : [Math.trunc(first), Math.trunc(last)];
    const cells = makeArray(dtype, steps);
    const step = steps > 1 ? (end - start) / (steps - 1) : 0;
    for (let i = 0; i < steps; i++) cells[i] = toCell('logspace', b ** (i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step), dtype);
    if (steps === 1) cells[0] = toCell('logspace', b ** start, dtype);
    return fromCells('logspace', dtype, cells, [steps], rest);
  },
);

// ---- window functions ----

/** Options of the window functions. */
export interface WindowOptions extends TensorOptions {
  /** Periodic (default), to be continued after `length`, or symmetric. */
  readonly periodic?: boolean;
}

type Window = Free<(length: number, periodic?: boolean | WindowOptions, options?: TensorOptions) => Tensor>;

function windowTensor(name: string, length: number, periodic: unknown, options: TensorOptions | undefined, value: (x: number) => number): Tensor {
  const dtype = dtypeOf(name, options, getDefaultDtype());
  if (!isFloat(dtype)) throw new DTypeError(`${name}: not a float dtype, got ${dtype}; expected float32 or float64`);
  if (!Number.isInteger(length) || length < 0) throw new ArgumentError(`${name}: invalid length, got ${show(length)}; expected an integer ≥ 0`);
  if (typeof periodic !== 'boolean') throw new ArgumentError(`${name}: periodic is not a boolean, got ${show(periodic)}; expected true or false`);
  const cells = makeArray(dtype, length);
  const last = periodic ? length : length - 1;
  for (let i = 0; i < length; i++) cells[i] = length === 1 ? 1 : value(i / last);
  return fromCells(name, dtype, cells, [length], options);
}

/** Defines a window by its values over 0 … 1. */
function window(name: string, value: (x: number) => number): Window {
  return free({ name, family, differentiable: false, samples: () => [[5], [4, false], [1], [0]] }, (length: number, periodic?: boolean | WindowOptions, options?: TensorOptions): Tensor =>
    typeof periodic === 'object' ? windowTensor(name, length, periodic.periodic ?? true, split(name, periodic, ['periodic']), value) : windowTensor(name, length, periodic ?? true, options, value),
  );
}

const cosines = (...weights: readonly number[]) => (x: number): number => weights.reduce((sum, w, k) => sum + (k % 2 === 0 ? w : -w) * Math.cos(2 * Math.PI * k * x), 0);

/** Bartlett window `1 - |2x - 1|`. @see https://pytorch.org/docs/stable/generated/torch.bartlett_window.html */
export const bartlettWindow: Window = window('bartlettWindow', (x) => 1 - Math.abs(2 * x - 1));
/** Blackman window `0.42 - 0.5·cos(2πx) + 0.08·cos(4πx)`. @see https://pytorch.org/docs/stable/generated/torch.blackman_window.html */
export const blackmanWindow: Window = window('blackmanWindow', cosines(0.42, 0.5, 0.08));
/** Hann window `(1 - cos(2πx))/2`. @see https://pytorch.org/docs/stable/generated/torch.hann_window.html */
export const hannWindow: Window = window('hannWindow', cosines(0.5, 0.5));

/** Options of `hammingWindow`. */
export interface HammingOptions extends WindowOptions {
  /** Default 0.54. */
  readonly alpha?: number;
  /** Default 0.46. */
  readonly beta?: number;
}

/** Hamming window `alpha - beta·cos(2πx)`. @see https://pytorch.org/docs/stable/generated/torch.hamming_window.html */
export const hammingWindow: Free<(length: number, periodic?: boolean | HammingOptions, alpha?: number, beta?: number, options?: TensorOptions) => Tensor> = free(
  { name: 'hammingWindow', family, differentiable: false, samples: () => [[5], [4, false], [4, true, 0.5, 0.5], [1]] },
  (length: number, periodic?: boolean | HammingOptions, alpha = 0.54, beta = 0.46, options?: TensorOptions): Tensor => {
    if (typeof periodic !== 'object') return windowTensor('hammingWindow', length, periodic ?? true, options, cosines(alpha, beta));
    const rest = split('hammingWindow', periodic, ['periodic', 'alpha', 'beta']);
    return windowTensor('hammingWindow', length, periodic.periodic ?? true, rest, cosines(periodic.alpha ?? alpha, periodic.beta ?? beta));
  },
);

/** Modified Bessel function of order 0, by its power series. */
function bessel0(x: number): number {
  let [term, sum] = [1, 1];
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** Options of `kaiserWindow`. */
export interface KaiserOptions extends WindowOptions {
  /** Shape; default 12. */
  readonly beta?: number;
}

/** Kaiser window `I₀(beta·√(1 - (2x - 1)²)) / I₀(beta)`. @see https://pytorch.org/docs/stable/generated/torch.kaiser_window.html */
export const kaiserWindow: Free<(length: number, periodic?: boolean | KaiserOptions, beta?: number, options?: TensorOptions) => Tensor> = free(
  { name: 'kaiserWindow', family, differentiable: false, samples: () => [[5], [4, false], [4, true, 5], [1]] },
  (length: number, periodic?: boolean | KaiserOptions, beta = 12, options?: TensorOptions): Tensor => {
    const given = typeof periodic === 'object' ? periodic : { periodic };
    const b = (given as KaiserOptions).beta ?? beta;
    const value = (x: number): number => bessel0(b * Math.sqrt(Math.max(0, 1 - (2 * x - 1) ** 2))) / bessel0(b);
    const rest = typeof periodic === 'object' ? split('kaiserWindow', periodic, ['periodic', 'beta']) : options;
    return windowTensor('kaiserWindow', length, given.periodic ?? true, rest, value);
  },
);

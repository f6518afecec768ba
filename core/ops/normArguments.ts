import { isFloat } from '../dtype.ts';
import { DTypeError, ShapeError, checkNumber, checkOptions, show } from '../errors.ts';
import { apply, applyMany } from '../op.ts';
import { type Shape, sameShape } from '../shape.ts';
import type { Operand } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { checkTensor } from './define.ts';
import { channelShape, layerNormOp, rowStatsOp } from './standardize.ts';

/** An optional weight, bias or statistic. */
export type Vector = Tensor | null | undefined;

/** Options of the normalisations. */
export interface NormOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
}

/** Refuses anything but a float tensor. */
export function checkFloat(name: string, x: unknown, what = 'input'): asserts x is Tensor {
  checkTensor(name, x, what);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: ${what} is not a float tensor, got ${show(x)}; expected float32 or float64`);
}

/** The vector as a row-major tensor, or the number that stands for a missing one. */
export function vectorOperand(name: string, what: string, v: Vector, shape: Shape, x: Tensor, missing: number): Operand {
  if (v === null || v === undefined) return missing;
  checkFloat(name, v, what);
  if (!sameShape(v.shape, shape)) throw new ShapeError(`${name}: ${what} does not fit, got ${show(v)} for ${show(x)}; expected [${shape.join(', ')}]`);
  if (v.dtype !== x.dtype) throw new DTypeError(`${name}: ${what} differs in dtype, got ${show(v)} for ${show(x)}; expected ${x.dtype}`);
  return v.contiguous();
}

/** `eps` as a number or in options. */
export function epsOf(name: string, given: number | NormOptions | undefined, fallback: number): number {
  if (typeof given === 'object') checkOptions(name, given, ['eps']);
  const eps = typeof given === 'object' ? (given.eps ?? fallback) : (given ?? fallback);
  checkNumber(name, 'eps', eps, 'a finite number', Number.isFinite);
  return eps;
}

/** Refuses tensors without channels. */
export function checkChannels(name: string, x: unknown): asserts x is Tensor {
  checkFloat(name, x);
  if (x.ndim < 2) throw new ShapeError(`${name}: no channels, got ${show(x)}; expected (N, C, …)`);
}

/** `x·weight + bias` per channel. */
export function affine(x: Tensor, weight: Operand, bias: Operand): Tensor {
  const open = channelShape(x);
  const scaled = typeof weight === 'number' ? x : x.mul(weight.reshape(open));
  return typeof bias === 'number' ? scaled : scaled.add(bias.reshape(open));
}

/** Zero mean and unit variance per row, with the statistics of the rows. */
export function standardRows(x: Tensor, rows: number, normalizedShape: Shape, eps: number, weight: Operand = 1, bias: Operand = 0): readonly [y: Tensor, mean: Tensor, variance: Tensor] {
  const input = x.contiguous();
  const [mean, variance] = applyMany(rowStatsOp, [input], { rows });
  return [apply(layerNormOp, [input, weight, bias, mean, variance], { eps, normalizedShape, training: true }), mean, variance];
}

import type { Pair } from '../cpu/frame.ts';
import { ArgumentError, ShapeError, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { checkTensor } from './define.ts';

/** One number for every spatial dimension, or one per dimension. */
export type Size = number | readonly number[];

/** How many spatial dimensions an operation has. */
export type SpatialRank = 1 | 2;

/**
 * A size argument as height and width; operations over one dimension get the height `unit`.
 *
 * @throws ArgumentError unless it is an integer ≥ `min`, or one per dimension
 */
export function pairOf(op: string, key: string, value: unknown, rank: SpatialRank, min: number, unit: number): Pair {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const wrong = (v: unknown): boolean => typeof v !== 'number' || !Number.isInteger(v) || v < min;
  if ((list.length !== rank && list.length !== 1) || list.some(wrong)) {
    const several = rank === 1 ? '' : `, or ${rank} of them`;
    throw new ArgumentError(`${op}: invalid ${key}, got ${show(value)}; expected an integer ≥ ${min}${several}`, { values: { [key]: value } });
  }
  const sizes = list as readonly number[];
  if (rank === 1) return [unit, sizes[0]];
  return [sizes[0], sizes[sizes.length - 1]];
}

/** Sizes of the spatial dimensions, with height 1 for one dimension. */
export function spatialOf(x: Tensor, rank: SpatialRank): Pair {
  return rank === 1 ? [1, x.shape[x.ndim - 1]] : [x.shape[x.ndim - 2], x.shape[x.ndim - 1]];
}

/** A pair as the sizes at the end of a shape. */
export function trailing(pair: Pair, rank: SpatialRank): readonly number[] {
  return rank === 1 ? [pair[1]] : pair;
}

/**
 * Refuses anything but images or signals, batched or not.
 *
 * @throws ArgumentError or ShapeError
 */
export function checkImages(op: string, x: unknown, rank: SpatialRank): asserts x is Tensor {
  checkTensor(op, x);
  if (x.ndim !== rank + 1 && x.ndim !== rank + 2) {
    const form = rank === 1 ? '(channels, length)' : '(channels, height, width)';
    throw new ShapeError(`${op}: wrong number of dimensions, got ${show(x)}; expected ${form}, or a batch of these`, { values: { shape: x.shape } });
  }
}

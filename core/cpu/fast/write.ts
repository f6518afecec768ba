import { sameShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { addressOf } from '../engine.ts';
import { cpu } from '../memory/storage.ts';
import { heap } from '../wasm/memory.ts';
import { copyStrided } from './copy.ts';

/**
 * Copies a tensor into another of the same shape and dtype, in any layouts.
 *
 * @returns false, with nothing done, for doubles, for tensors in one block of memory, and for other devices
 */
export function fastWrite(target: Tensor, source: Tensor): boolean {
  const { storage: to, shape } = target;
  const { storage: from } = source;
  if (to === from || to.dtype !== from.dtype || to.dtype === 'float64' || to.device !== cpu || from.device !== cpu || !sameShape(shape, source.shape)) return false;
  const read = addressOf(source);
  return copyStrided(addressOf(target), read, shape, target.strides, source.strides, to.dtype === 'uint8' || to.dtype === 'bool' ? 1 : 4);
}

/**
 * Sets the element of an integer scalar.
 *
 * @returns false, with nothing done, for other tensors, for numbers that are no 32-bit integers, and for other devices
 */
export function fastWriteInteger(target: Tensor, value: number): boolean {
  const { storage, shape } = target;
  if (shape.length > 0 || (storage.dtype !== 'int64' && storage.dtype !== 'int32') || storage.device !== cpu || (value | 0) !== value) return false;
  const address = addressOf(target);
  heap.i32[address >> 2] = value;
  return true;
}

import { cpu } from '../cpu/memory/storage.ts';
import { whenFast } from '../cpu/engine.ts';
import { isFloat } from '../dtype.ts';
import { isContiguous } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

const areAllFinite = whenFast(({ fastAreFinite }) => fastAreFinite);

/** Elements one by one, in any layout; without a view of them in memory that could grow. */
function isFinite(x: Tensor): boolean {
  const { storage, shape, strides, offset } = x;
  if (!isFloat(storage.dtype) || storage.device !== cpu) return true;
  const dense = isContiguous(shape, strides);
  const cells = dense ? storage.cells : x.data();
  const start = dense ? offset : 0;
  const end = start + x.numel();
  let sum = 0;
  // 0 for a finite number, else NaN.
  for (let i = start; i < end; i++) sum += cells[i] - cells[i];
  return sum === 0;
}

/**
 * Whether no tensor has a NaN or an infinity: one pass over all of them, without results in between. Integers are finite; tensors on other devices than the
 * CPU, which answer later, are not looked at.
 */
export function areFinite(tensors: readonly Tensor[]): boolean {
  return tensors.length === 0 || (areAllFinite()?.(tensors, isFinite) ?? tensors.every(isFinite));
}

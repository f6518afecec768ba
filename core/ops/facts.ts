import { isFloat } from '../dtype.ts';
import { ShapeError, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { checkTensor } from './define.ts';

// What a tensor says of itself, as functions: PyTorch has these beside the methods.

/** Number of elements. @see https://pytorch.org/docs/stable/generated/torch.numel.html */
export function numel(x: Tensor): number {
  checkTensor('numel', x);
  return x.numel();
}

/** True for float32 and float64. @see https://pytorch.org/docs/stable/generated/torch.is_floating_point.html */
export function isFloatingPoint(x: Tensor): boolean {
  checkTensor('isFloatingPoint', x);
  return isFloat(x.dtype);
}

/** True for dtypes with negative values. @see https://pytorch.org/docs/stable/generated/torch.Tensor.is_signed.html */
export function isSigned(x: Tensor): boolean {
  checkTensor('isSigned', x);
  return x.dtype !== 'uint8' && x.dtype !== 'bool';
}

/** Whether the single element is not 0. @throws ShapeError for more or fewer elements @see https://pytorch.org/docs/stable/generated/torch.is_nonzero.html */
export function isNonzero(x: Tensor): boolean {
  checkTensor('isNonzero', x);
  if (x.numel() !== 1) throw new ShapeError(`isNonzero: not a single element, got ${show(x)}; expected one element`);
  return x.item() !== 0;
}

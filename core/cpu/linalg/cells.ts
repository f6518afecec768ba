import type { TypedArray } from '../../dtype.ts';
import { LinAlgError, show } from '../../errors.ts';
import type { Operand } from '../../op.ts';
import { numelOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';

/** The elements of a tensor in row-major order: where they lie, if they lie so, else a copy. */
export function rowMajorCells(operand: Operand): TypedArray {
  const x = operand as Tensor;
  if (!x.isContiguous()) return x.data();
  return x.storage.cells.subarray(x.offset, x.offset + x.numel());
}

/** How many matrices a tensor holds, and their sizes. */
export interface Matrices {
  readonly count: number;
  readonly rows: number;
  readonly cols: number;
}

/** The matrices in the last two dimensions. */
export function matricesOf(operand: Operand): Matrices {
  const { shape } = operand as Tensor;
  return { count: numelOf(shape.slice(0, -2)), rows: shape[shape.length - 2], cols: shape[shape.length - 1] };
}

/** Copies `length` elements from `source` at `at` to the start of `into`. */
export function load(into: Float64Array, source: TypedArray, at: number, length: number): void {
  for (let i = 0; i < length; i++) into[i] = source[at + i];
}

/** Copies `length` elements from the start of `from` to `target` at `at`, rounding to its dtype. */
export function store(target: TypedArray, at: number, from: Float64Array, length: number): void {
  for (let i = 0; i < length; i++) target[at + i] = from[i];
}

/** Refuses a matrix that has elements which are not finite. */
export function checkFinite(name: string, operand: Operand, a: Float64Array, length: number): void {
  for (let i = 0; i < length; i++) {
    if (!Number.isFinite(a[i])) {
      throw new LinAlgError(`${name}: a matrix has values that are not finite, got ${a[i]} in ${show(operand)}; expected finite values`);
    }
  }
}

/** Which matrix of a batch, for messages. */
export function inBatch(count: number, i: number): string {
  return count === 1 ? '' : ` (matrix ${i} of the batch)`;
}

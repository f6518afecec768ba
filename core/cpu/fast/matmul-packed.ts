import type { Tensor } from '../../tensor.ts';
import { addressOf } from '../engine.ts';
import { COLUMNS } from '../wasm/gemm-tile.ts';
import { packColumns } from '../wasm/gemm.ts';
import { SKINNY } from '../wasm/gemm-skinny.ts';
import { productOfPacked } from './matmul-product.ts';

// A right operand that several products share is packed once, in the order in which their tiles read it.

/** Whether products of `rows` rows with `b` (k, n) gain from packing it once. */
export const worthPacking = (b: Tensor, rows: number): boolean => b.dtype === 'float32' && rows > SKINNY && b.shape[1] > SKINNY && b.shape[0] > 0;

/** The shape of `b` (k, n) when it is packed. */
export const packedShape = (b: Tensor): readonly [number, number] => [(b.shape[1] + COLUMNS - 1) & -COLUMNS, b.shape[0]];

/** Packs `b` into a tensor of that shape. */
export function pack(to: Tensor, b: Tensor): void {
  const from = addressOf(b);
  packColumns.run(addressOf(to), from, 4 * b.strides[0], 4 * b.strides[1], b.shape[1], b.shape[0]);
}

/** `out = x @ b` for a matrix `b` that was packed; false, having done nothing, for few rows. */
export function timesPacked(out: Tensor, x: Tensor, packed: Tensor): boolean {
  const [m, n] = out.shape;
  if (m <= SKINNY) return false;
  const at = addressOf(x);
  const b = addressOf(packed);
  productOfPacked(at, 4 * x.strides[0], 4 * x.strides[1], b, addressOf(out), 4 * out.strides[0], m, n, x.shape[1]);
  return true;
}

import { type Shape, sameShape } from '../../shape.ts';
import type { Storage } from '../../storage.ts';
import { type Tensor, emptyTensor } from '../../tensor.ts';
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

/** Rows up to which packing the right operand is a share of a product that is worth saving. */
const FEW_ROWS = 128;
/** Elements of weights that are kept packed, besides as they are: between what is packed in no time and what would take much memory. */
const LEAST = 1 << 12;
const MOST = 1 << 18;

/** A weight's packed form: which view of the storage, in which version, and whether that was packed or only seen. */
interface Kept {
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: readonly number[];
  version: number;
  packed: Tensor | null;
  isPacked: boolean;
}

const keptOf = new WeakMap<Storage, Kept>();

/**
 * The transposed weight `w` (n, k) of `x @ wᵀ` packed, for `m` rows, from the second product on that finds the weight unchanged: recurrent cells in a loop, and nets that only infer. Null where
 * that does not pay, and the first time.
 */
export function packedWeight(w: Tensor, m: number): Tensor | null {
  const { storage, offset, shape, strides } = w;
  const [n, k] = shape;
  if (m > FEW_ROWS || m <= SKINNY || n <= SKINNY || n * k < LEAST || n * k > MOST) return null;
  const { version } = storage;
  let kept = keptOf.get(storage);
  if (kept === undefined || kept.offset !== offset || !sameShape(kept.shape, shape) || !sameShape(kept.strides, strides)) {
    kept = { offset, shape, strides, version: -1, packed: null, isPacked: false };
    keptOf.set(storage, kept);
  }
  if (kept.version !== version) {
    kept.version = version;
    kept.isPacked = false;
    return null;
  }
  if (!kept.isPacked) {
    if (kept.packed === null) {
      kept.packed = emptyTensor([(n + COLUMNS - 1) & -COLUMNS, k], 'float32', 'cpu');
      kept.packed.storage.keep();
    }
    const from = addressOf(w);
    packColumns.run(addressOf(kept.packed), from, 4 * strides[1], 4 * strides[0], n, k);
    kept.isPacked = true;
  }
  return kept.packed;
}

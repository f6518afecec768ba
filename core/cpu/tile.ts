import { type DType, type TypedArray, checkRange } from '../dtype.ts';

/** Rows of a tile: what one call of `tile` computes at once. Three by four sums are what fits the registers. */
export const ROWS = 3;
/** Columns of a tile. */
export const COLUMNS = 4;

/** The sums of the last tile, row by row. */
export const sums: Float64Array = new Float64Array(ROWS * COLUMNS);

/**
 * The heart of matrix products and convolutions: `sums[r][c] = Σ_k a[at + 3k + r] · b[offsets[k] + b_c]` in doubles.
 * The left operand is packed (3 rows side by side); the right one is read through a table, so that the windows of a convolution need no copy.
 */
export function tile(depth: number, a: Float64Array, at: number, b: Float64Array, offsets: Int32Array, b0: number, b1: number, b2: number, b3: number): void {
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0;
  let c10 = 0, c11 = 0, c12 = 0, c13 = 0;
  let c20 = 0, c21 = 0, c22 = 0, c23 = 0;
  for (let k = 0; k < depth; k++) {
    const o = offsets[k];
    const x0 = b[o + b0], x1 = b[o + b1], x2 = b[o + b2], x3 = b[o + b3];
    let y = a[at];
    c00 += y * x0; c01 += y * x1; c02 += y * x2; c03 += y * x3;
    y = a[at + 1];
    c10 += y * x0; c11 += y * x1; c12 += y * x2; c13 += y * x3;
    y = a[at + 2];
    c20 += y * x0; c21 += y * x1; c22 += y * x2; c23 += y * x3;
    at += 3;
  }
  sums[0] = c00; sums[1] = c01; sums[2] = c02; sums[3] = c03;
  sums[4] = c10; sums[5] = c11; sums[6] = c12; sums[7] = c13;
  sums[8] = c20; sums[9] = c21; sums[10] = c22; sums[11] = c23;
}

/** Packs `rows` (at most 3) rows of `depth` elements side by side; missing rows are zero. */
export function packRows(out: Float64Array, to: number, x: TypedArray, at: number, rowStride: number, stride: number, rows: number, depth: number): void {
  for (let r = 0; r < ROWS; r++) {
    let target = to + r;
    if (r >= rows) {
      for (let k = 0; k < depth; k++, target += ROWS) out[target] = 0;
      continue;
    }
    let source = at + r * rowStride;
    for (let k = 0; k < depth; k++, target += ROWS, source += stride) out[target] = x[source];
  }
}

/** Doubles that a scratch block may keep between calls: 8 MB. */
const KEPT = 2 ** 20;

/** A block of doubles that is kept between calls unless it is large; its contents are whatever was left there. */
export function scratch(): (length: number) => Float64Array {
  let block = new Float64Array(0);
  return (length) => {
    if (length > KEPT) return new Float64Array(length);
    if (block.length < length) block = new Float64Array(length);
    return block;
  };
}

/** Runs a kernel that writes doubles into cells; int64 results are checked against the 32 bits kept in memory before any is stored. */
export function writeChecked(op: string, dtype: DType, cells: TypedArray, write: (cells: TypedArray) => void): void {
  if (dtype !== 'int64') {
    write(cells);
    return;
  }
  const wide = Float64Array.from(cells);
  write(wide);
  for (let i = 0; i < wide.length; i++) checkRange(op, wide[i], dtype);
  cells.set(wide);
}

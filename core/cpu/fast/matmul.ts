import type { Operand } from '../../tape.ts';
import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import type { AddmmAttrs } from '../matmul.ts';
import { allocate, release } from '../memory/heap.ts';
import { BATCH_ENTRY } from '../wasm/gemm.ts';
import { finish } from '../wasm/gemm-finish.ts';
import { heap } from '../wasm/memory.ts';
import { packedWeight } from './matmul-packed.ts';
import { addProduct, product, productOfPacked, splitFinish } from './matmul-product.ts';

// A product is `alpha·(Σ_k a[i, k]·b[k, j]) + beta·bias[i, j]` in single precision: the sum over ascending k from 0 first, then its factor, then the bias.

/** Elements from which adding a bias is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 17;

const isFloat32 = (x: Operand): x is Tensor => typeof x !== 'number' && x.dtype === 'float32';

/**
 * `a @ b`. Dot products (one row, one column) are left to the reference: a single sum has to wait for every addition, so Wasm is no faster at it, and the
 * reference sums in doubles.
 */
export const fastMatmul: FastKernel<undefined> = ([out], [a, b]) => {
  if (!isFloat32(a) || !isFloat32(b)) return false;
  if (out.shape[out.ndim - 1] === 1 && out.shape[out.ndim - 2] === 1) return false;
  products(out, a, b, addressOf(out), out.ndim === 2 ? out.strides[0] : out.shape[out.ndim - 1]);
  return true;
};

/** The products of the last two dimensions, one after another at `c`, with rows `cRow` elements apart. */
function products(out: Tensor, a: Tensor, b: Tensor, c: number, cRow: number): void {
  const { shape } = out;
  const rank = shape.length;
  const m = shape[rank - 2];
  const n = shape[rank - 1];
  const k = a.shape[a.ndim - 1];
  const aAt = addressOf(a);
  const bAt = addressOf(b);
  const aRow = 4 * a.strides[a.ndim - 2];
  const aCol = 4 * a.strides[a.ndim - 1];
  const bRow = 4 * b.strides[b.ndim - 2];
  const bCol = 4 * b.strides[b.ndim - 1];
  if (m === 0 || n === 0) return;
  if (rank === 2) {
    product(aAt, aRow, aCol, bAt, bRow, bCol, c, 4 * cRow, m, n, k);
    return;
  }
  let count = 1;
  for (let d = 0; d < rank - 2; d++) count *= shape[d];
  if (count === 0) return;
  const table = allocate(count * BATCH_ENTRY);
  writeTable(table >> 2, shape, a, b, 4 * m * cRow);
  product(aAt, aRow, aCol, bAt, bRow, bCol, c, 4 * cRow, m, n, k, table, count);
  release(table, count * BATCH_ENTRY);
}

/** Writes where each product of a batch finds its operands and its place, in bytes from those of the first one. */
function writeTable(at: number, shape: readonly number[], a: Tensor, b: Tensor, bytes: number): void {
  const cells = heap.i32;
  let c = 0;
  const walk = (d: number, x: number, y: number): void => {
    if (d === shape.length - 2) {
      cells[at] = x;
      cells[at + 1] = y;
      cells[at + 2] = c;
      at += 3;
      c += bytes;
      return;
    }
    const [xStep, yStep] = [stepOf(a, shape, d), stepOf(b, shape, d)];
    for (let i = 0; i < shape[d]; i++) walk(d + 1, x + i * xStep, y + i * yStep);
  };
  walk(0, 0, 0);
}

/** Bytes from one place to the next along a dimension of the result; 0 where the operand is broadcast. */
function stepOf(x: Tensor, shape: readonly number[], dim: number): number {
  const d = dim + x.ndim - shape.length;
  return d < 0 || x.shape[d] === 1 ? 0 : 4 * x.strides[d];
}

/** `out += a @ b`, in place, for matrices. */
export const fastAddProduct: FastKernel<undefined> = ([out], [, a, b]) => {
  if (!isFloat32(out) || !isFloat32(a) || !isFloat32(b) || out.strides[1] !== 1) return false;
  // All operands come in before addresses are used.
  const aAt = addressOf(a);
  const bAt = addressOf(b);
  addProduct(aAt, 4 * a.strides[0], 4 * a.strides[1], bAt, 4 * b.strides[0], 4 * b.strides[1], addressOf(out), 4 * out.strides[0], out.shape[0], out.shape[1], a.shape[1]);
  return true;
};

/** `x @ weightᵀ + bias`: all leading dimensions of `x` are rows of one product. */
export const fastLinear: FastKernel<undefined> = ([out], [x, w, bias]) => {
  if (!isFloat32(x) || !isFloat32(w) || (bias !== undefined && !isFloat32(bias))) return false;
  const n = w.shape[0];
  const k = w.shape[1];
  let m = 1;
  for (let d = 0; d < x.ndim - 1; d++) m *= x.shape[d];
  if (m === 0 || n === 0) return true;
  const packed = packedWeight(w, m);
  const to = addressOf(out);
  const [xRow, xCol] = [x.ndim === 2 ? 4 * x.strides[0] : 4 * k, 4 * x.strides[x.ndim - 1]];
  if (packed === null) product(addressOf(x), xRow, xCol, addressOf(w), 4 * w.strides[1], 4 * w.strides[0], to, 4 * n, m, n, k);
  else productOfPacked(addressOf(x), xRow, xCol, addressOf(packed), to, 4 * n, m, n, k);
  if (bias === undefined) return true;
  if (n === 1) add(to, 0, 4, to, 0, 4, addressOf(bias), 0, 0, 1, m, 1, 1);
  else add(to, 4 * n, 4, to, 4 * n, 4, addressOf(bias), 0, 4 * bias.strides[0], m, n, 1, 1);
  return true;
};

/** Runs `finish`, over several threads where that pays. */
function add(
  to: number, toRow: number, toCol: number, sums: number, sumsRow: number, sumsCol: number, bias: number, biasRow: number, biasCol: number,
  m: number, n: number, alpha: number, beta: number,
): void {
  const threads = threadCount();
  if (threads === 1 || m < threads || m * n < WORTH_SPLITTING) {
    finish.run(to, toRow, toCol, sums, sumsRow, sumsCol, bias, biasRow, biasCol, m, n, alpha, beta);
    return;
  }
  runParts(finish, splitFinish([to, toRow, toCol, sums, sumsRow, sumsCol, bias, biasRow, biasCol, m, n, alpha, beta], threads));
}

/** `beta·input + alpha·(a @ b)`; the input broadcasts to the result. */
export const fastAddmm: FastKernel<AddmmAttrs> = ([out], [input, a, b], { alpha, beta }) => {
  if (!isFloat32(input) || !isFloat32(a) || !isFloat32(b) || out.dtype !== 'float32' || out.ndim > 3) return false;
  const count = out.ndim === 3 ? out.shape[0] : 1;
  const [m, n] = [out.shape[out.ndim - 2], out.shape[out.ndim - 1]];
  if (count === 0 || m === 0 || n === 0) return true;
  const bytes = 4 * count * m * n;
  // In place the result may have any layout, and what it overwrites is still read: the sums then go elsewhere first.
  const apart = input.storage === out.storage || !out.isContiguous();
  const to = addressOf(out);
  const bias = beta === 0 ? 0 : addressOf(input);
  const sums = apart ? allocate(bytes) : to;
  products(out, a, b, sums, n);
  if (bias !== 0 || alpha !== 1 || apart) {
    const [toRow, toCol] = [4 * out.strides[out.ndim - 2], 4 * out.strides[out.ndim - 1]];
    const biasRow = bias === 0 ? 0 : stepOf(input, out.shape, out.ndim - 2);
    const biasCol = bias === 0 ? 0 : stepOf(input, out.shape, out.ndim - 1);
    const [toStep, biasStep] = out.ndim === 3 ? [4 * out.strides[0], bias === 0 ? 0 : stepOf(input, out.shape, 0)] : [0, 0];
    for (let i = 0; i < count; i++) add(to + i * toStep, toRow, toCol, sums + 4 * i * m * n, 4 * n, 4, bias + i * biasStep, biasRow, biasCol, m, n, alpha, beta);
  }
  if (apart) release(sums, bytes);
  return true;
};

import type { Tensor } from '../../tensor.ts';
import type { CausalAttrs } from '../attention.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { allocate, release } from '../memory/heap.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { causalSoftmax, causalSoftmaxBackward } from '../wasm/attention.ts';
import { BATCH_ENTRY } from '../wasm/gemm.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { heap } from '../wasm/memory.ts';
import { triangularProduct } from './matmul-product.ts';

// Query i sees the keys 0 … i only, so the products around the weights leave out what is 0: about half of it.

/** Elements from which a softmax is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 14;
/** Bytes that are worked on at once: what stays in the second-level cache from one product to the next. */
const GROUP_BYTES = 1 << 19;

/** A stack of matrices: where the first one starts, how far rows and columns lie apart, and how many bytes behind the first one each of them starts. */
interface Stack {
  readonly at: number;
  readonly row: number;
  readonly col: number;
  readonly offsets: Int32Array;
}

function stackOf(x: Tensor): Stack {
  const { shape, strides } = x;
  const rank = shape.length;
  let count = 1;
  for (let d = 0; d < rank - 2; d++) count *= shape[d];
  const offsets = new Int32Array(count);
  for (let d = rank - 3, filled = 1; d >= 0; filled *= shape[d--]) {
    for (let i = 1; i < shape[d]; i++) for (let j = 0; j < filled; j++) offsets[i * filled + j] = offsets[j] + 4 * i * strides[d];
  }
  return { at: addressOf(x), row: 4 * strides[rank - 2], col: 4 * strides[rank - 1], offsets };
}

const turned = ({ at, row, col, offsets }: Stack): Stack => ({ at, row: col, col: row, offsets });

/** The table of the places of the products of a stack. */
function tableOf(a: Stack, b: Stack, c: Stack): number {
  const count = a.offsets.length;
  const table = allocate(count * BATCH_ENTRY);
  const cells = heap.i32;
  for (let i = 0, at = table >> 2; i < count; i++, at += 3) {
    cells[at] = a.offsets[i];
    cells[at + 1] = b.offsets[i];
    cells[at + 2] = c.offsets[i];
  }
  return table;
}

/** `c = a @ b` for stacks of `n x k` and `k x columns`, with what is known of its triangles. */
function multiply(triangle: 'result' | 'lower' | 'upper', a: Stack, b: Stack, c: Stack, n: number, columns: number, k: number, table: number, count: number): void {
  triangularProduct(triangle, a.at, a.row, a.col, b.at, b.row, b.col, c.at, c.row, n, columns, k, table, count);
}

/** How many matrices of a stack are worked on at once. Threads share out whole stacks. */
const groupOf = (count: number, floats: number): number => (threadCount() > 1 ? count : Math.min(count, Math.max(1, Math.floor(GROUP_BYTES / (4 * floats)))));

/** Runs a kernel of the softmax on matrices, over threads where that pays; `callOf` gives the arguments for so many matrices from one on. */
function runSoftmax(kernel: WasmKernel, count: number, n: number, callOf: (from: number, size: number) => number[]): void {
  const parts = count * n * n < WORTH_SPLITTING ? 1 : Math.min(threadCount(), count);
  if (parts === 1) {
    kernel.run(...callOf(0, count));
    return;
  }
  const each = Math.ceil(count / parts);
  runParts(kernel, Array.from({ length: Math.ceil(count / each) }, (_, i) => callOf(i * each, Math.min(each, count - i * each))));
}

/** Attention where query i sees the keys 0 … i: `(out, weights)` of `(query, key, value)`. */
export const fastCausalAttention: FastKernel<CausalAttrs> = ([out, weights], inputs, { scale }) => {
  const [query, key, value] = inputs as readonly Tensor[];
  if (out.dtype !== 'float32' || out.numel() === 0 || query.numel() === 0) return false;
  const n = weights.shape[weights.ndim - 1];
  const [width, valueWidth] = [query.shape[query.ndim - 1], value.shape[value.ndim - 1]];
  const [q, k, v, w, y] = [stackOf(query), stackOf(key), stackOf(value), stackOf(weights), stackOf(out)];
  const kT = turned(k);
  const count = w.offsets.length;
  const group = groupOf(count, n * (n + 2 * width + 2 * valueWidth));
  const [scores, results] = [tableOf(q, kT, w), tableOf(w, v, y)];
  for (let first = 0; first < count; first += group) {
    const size = Math.min(group, count - first);
    const skip = first * BATCH_ENTRY;
    const at = w.at + 4 * first * n * n;
    multiply('result', q, kT, w, n, n, width, scores + skip, size);
    runSoftmax(causalSoftmax, size, n, (from, some) => [at + 4 * from * n * n, some * n, n, scale]);
    multiply('lower', w, v, y, n, valueWidth, n, results + skip, size);
  }
  for (const table of [scores, results]) release(table, count * BATCH_ENTRY);
  return true;
};

/** Its gradients: those of query, key and value from `(gradient of out, query, key, value, weights)`. */
export const fastCausalAttentionBackward: FastKernel<CausalAttrs> = (outputs, inputs, { scale }) => {
  const [grad, query, key, value, weights] = inputs as readonly Tensor[];
  if (grad.dtype !== 'float32' || grad.numel() === 0 || query.numel() === 0 || !weights.isContiguous()) return false;
  const n = weights.shape[weights.ndim - 1];
  const [width, valueWidth] = [query.shape[query.ndim - 1], value.shape[value.ndim - 1]];
  const [g, q, k, v, w] = [stackOf(grad), stackOf(query), stackOf(key), stackOf(value), stackOf(weights)];
  const [dq, dk, dv] = outputs.map((x) => stackOf(x));
  const count = w.offsets.length;
  const group = groupOf(count, n * (2 * n + 4 * width + 3 * valueWidth));
  const bytes = 4 * group * n * n;
  // The slopes of the scores of one group lie where those of the last one did.
  const s: Stack = { at: allocate(bytes), row: 4 * n, col: 4, offsets: w.offsets.map((_, i) => 4 * (i % group) * n * n) };
  const [vT, sT, wT] = [turned(v), turned(s), turned(w)];
  const tables = [tableOf(g, vT, s), tableOf(s, k, dq), tableOf(sT, q, dk), tableOf(wT, g, dv)];
  for (let first = 0; first < count; first += group) {
    const size = Math.min(group, count - first);
    const [toSlopes, toQuery, toKey, toValue] = tables.map((table) => table + first * BATCH_ENTRY);
    const at = w.at + 4 * first * n * n;
    multiply('result', g, vT, s, n, n, valueWidth, toSlopes, size);
    multiply('upper', wT, g, dv, n, valueWidth, n, toValue, size);
    runSoftmax(causalSoftmaxBackward, size, n, (from, some) => [s.at + 4 * from * n * n, at + 4 * from * n * n, some * n, n, scale]);
    multiply('lower', s, k, dq, n, width, n, toQuery, size);
    multiply('upper', sT, q, dk, n, width, n, toKey, size);
  }
  for (const table of tables) release(table, count * BATCH_ENTRY);
  release(s.at, bytes);
  return true;
};

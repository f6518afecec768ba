import type { Operand } from '../../tape.ts';
import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import type { GatherAttrs, IndexAttrs } from '../gather.ts';
import { allocate, release } from '../memory/heap.ts';
import { addItems, addRows, checkIndices, putItems, putRows, rowOffsets, takeItems, takeRows } from '../wasm/gather.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { stridesOf } from '../../shape.ts';
import { copyStrided } from './copy.ts';
import { copyRowMajor, itemOf } from './strided.ts';

// A kernel that finds a wrong index does nothing: the reference then reports it.

/** Bytes from which reading rows is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 20;

// ---- rows ----

// The rows of the tensor at hand, set by `findRows`: how many times they come, how far apart, and their length in bytes.
let outer = 1;
let outerStep = 0;
let rowBytes = 0;

/** Whether the entries that an index names are rows of bytes that lie side by side, around at most one other dimension. */
function findRows(x: Tensor, { dims, at }: IndexAttrs): boolean {
  const item = itemOf(x);
  if (item === 0) return false;
  outer = 1;
  outerStep = 0;
  rowBytes = item;
  let before = x.ndim - dims.length;
  for (let d = x.ndim - 1; d >= 0; d--) {
    if (dims.includes(d)) continue;
    const size = x.shape[d];
    const step = x.strides[d] * item;
    const inside = --before >= at;
    if (size === 1) continue;
    if (inside) {
      if (step !== rowBytes) return false;
      rowBytes *= size;
    } else {
      if (outer === 1) outerStep = step;
      else if (step !== outerStep * outer) return false;
      outer *= size;
    }
  }
  return true;
}

const isGood = (index: number, n: number, size: number, wrap: boolean): boolean =>
  checkIndices.run(index, 1, 1, n, 0, 0, 4, wrap ? -size : 0, wrap ? 2 * size : size) === 1;

/**
 * Runs a kernel of rows over indices of all sorts: `to` and `from` are where the rows and the indexed tensor start, `x` the tensor that is indexed.
 *
 * @returns false, with nothing done, for an index outside its dimension
 */
function overRows(kernel: WasmKernel, to: number, from: number, x: Tensor, indices: readonly Operand[], first: number, { dims, wrap }: IndexAttrs, before: (() => boolean) | null): boolean {
  const item = itemOf(x);
  const leading = indices[first] as Tensor;
  const n = leading.numel();
  const taking = kernel === takeRows;
  const bytes = rowBytes;
  const times = outer;
  const [toOuter, fromOuter] = taking ? [n * bytes, outerStep] : [outerStep, n * bytes];
  // An index that is written to itself is read before.
  const simple = dims.length === 1 && leading.isContiguous() && leading.storage !== x.storage;
  const scratch = simple ? 0 : allocate(8 * n);
  let index = scratch;
  let stride = 1;
  let size = 0;
  let good = true;
  if (simple) {
    index = addressOf(leading);
    size = x.shape[dims[0]];
    stride = x.strides[dims[0]] * item;
    good = isGood(index, n, size, wrap);
  } else {
    for (let k = 0; good && k < dims.length; k++) {
      const which = indices[first + k] as Tensor;
      const length = x.shape[dims[k]];
      const contiguous = which.isContiguous();
      const at = contiguous ? addressOf(which) : scratch + 4 * n;
      if (!contiguous) good = copyStrided(at, addressOf(which), which.shape, stridesOf(which.shape), which.strides, 4);
      good = good && isGood(at, n, length, wrap);
      if (good) rowOffsets.run(scratch, at, n, x.strides[dims[k]] * item, length, k === 0 ? 0 : 1);
    }
  }
  if (good && before !== null) good = before();
  if (good) {
    const parts = taking && n * bytes * times >= WORTH_SPLITTING ? threadCount() : 1;
    if (parts === 1) kernel.run(to, from, index, n, bytes, stride, size, bytes, times, toOuter, fromOuter);
    else runParts(kernel, splitTake(to, from, index, n, stride, size, bytes, times, toOuter, fromOuter, parts));
  }
  if (!simple) release(scratch, 8 * n);
  return good;
}

/** Parts of a `takeRows` by places of the index. */
export function splitTake(
  to: number, from: number, index: number, n: number, stride: number, size: number, bytes: number, times: number, toOuter: number, fromOuter: number, parts: number,
): number[][] {
  const each = Math.ceil(n / parts);
  const out: number[][] = [];
  for (let at = 0; at < n; at += each) {
    out.push([to + at * bytes, from, index + 4 * at, Math.min(each, n - at), bytes, stride, size, bytes, times, toOuter, fromOuter]);
  }
  return out;
}

/** Copies the entries of `x` that index tensors name. */
export const fastIndex: FastKernel<IndexAttrs> = ([out], inputs, attrs) => {
  const x = inputs[0] as Tensor;
  if (x.numel() === 0 || !findRows(x, attrs)) return false;
  return overRows(takeRows, addressOf(out), addressOf(x), x, inputs, 1, attrs, null);
};

/** `x` with the entries that index tensors name replaced by, or added to, those of `values`. */
export const fastIndexPut: FastKernel<IndexAttrs & { readonly accumulate: boolean }> = ([out], inputs, attrs) => {
  const [x, values] = inputs as readonly Tensor[];
  if (out.numel() === 0 || values.dtype !== out.dtype || x.dtype !== out.dtype || (attrs.accumulate && out.dtype !== 'float32')) return false;
  if ((x !== out && !out.isContiguous()) || !findRows(out, attrs)) return false;
  const bytes = values.numel() * itemOf(values);
  const contiguous = values.isContiguous();
  const from = contiguous ? addressOf(values) : allocate(bytes);
  const to = addressOf(out);
  const ready = contiguous || copyRowMajor(from, stridesOf(values.shape), values);
  const start = x === out ? null : () => copyRowMajor(to, out.strides, x);
  const done = ready && overRows(attrs.accumulate ? addRows : putRows, to, from, out, inputs, 2, attrs, start);
  if (!contiguous) release(from, bytes);
  return done;
};

// ---- elements ----

// The walk at hand: up to three sizes, and for each the steps of the target, the source and the index in bytes.
const sizes = new Int32Array(3);
const steps = [new Int32Array(3), new Int32Array(3), new Int32Array(3)];

/** Writes the dimensions of the index into the walk, neighbours joined; `dim` of the indexed side stands still. */
function layOut(index: Tensor, other: Tensor, indexed: Tensor, dim: number, taking: boolean): boolean {
  const [o, x, i] = taking ? steps : [steps[1], steps[0], steps[2]];
  let rank = 3;
  for (let d = index.ndim - 1; d >= 0; d--) {
    const size = index.shape[d];
    if (size === 1) continue;
    const a = other.strides[d] * 4;
    const b = d === dim ? 0 : indexed.strides[d] * 4;
    const c = index.strides[d] * 4;
    if (rank < 3 && a === o[rank] * sizes[rank] && b === x[rank] * sizes[rank] && c === i[rank] * sizes[rank]) {
      sizes[rank] *= size;
      continue;
    }
    if (--rank < 0) return false;
    sizes[rank] = size;
    o[rank] = a;
    x[rank] = b;
    i[rank] = c;
  }
  while (--rank >= 0) {
    sizes[rank] = 1;
    o[rank] = x[rank] = i[rank] = 0;
  }
  return true;
}

/** Runs a kernel of elements over the walk. */
function runItems(kernel: WasmKernel, to: number, from: number, index: number, stride: number): void {
  const [t, f, i] = steps;
  kernel.run(to, from, index, sizes[0], sizes[1], sizes[2], t[0], t[1], t[2], f[0], f[1], f[2], i[0], i[1], i[2], stride);
}

function indicesFit(index: number, size: number): boolean {
  const [, , i] = steps;
  return checkIndices.run(index, sizes[0], sizes[1], sizes[2], i[0], i[1], i[2], 0, size) === 1;
}

/** Elements of `x` along one dimension, from where the index says. */
export const fastGather: FastKernel<GatherAttrs> = ([out], inputs, { dim }) => {
  const [x, index] = inputs as readonly Tensor[];
  if (itemOf(x) !== 4 || index.numel() === 0 || !layOut(index, out, x, dim, true)) return false;
  const at = addressOf(index);
  if (!indicesFit(at, x.shape[dim])) return false;
  runItems(takeItems, addressOf(out), addressOf(x), at, x.strides[dim] * 4);
  return true;
};

/** `x` with elements along one dimension replaced, or added to, where the index says. */
export const fastScatter: FastKernel<GatherAttrs & { readonly accumulate: boolean }> = ([out], inputs, { dim, accumulate }) => {
  const [x, index, source] = inputs as readonly Tensor[];
  if (itemOf(out) !== 4 || x.dtype !== out.dtype || source.dtype !== out.dtype || (accumulate && out.dtype !== 'float32')) return false;
  if (index.numel() === 0 || (x !== out && !out.isContiguous()) || !layOut(index, source, out, dim, false)) return false;
  const at = addressOf(index);
  if (!indicesFit(at, out.shape[dim])) return false;
  const to = addressOf(out);
  if (x !== out && !copyRowMajor(to, out.strides, x)) return false;
  runItems(accumulate ? addItems : putItems, to, addressOf(source), at, out.strides[dim] * 4);
  return true;
};

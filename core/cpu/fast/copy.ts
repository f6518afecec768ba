import { runParts, threadCount } from '../threads/threads.ts';
import { type ItemSize, OUTER, copyAligned, copyBytes, copyItems, copyRows, copySpread, copyTransposed } from '../wasm/copy.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { heap } from '../wasm/memory.ts';

/** Bytes from which a copy is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 20;
/** Dimensions that are walked after joining. */
const MOST = OUTER + 2;

// The walk of the copy at hand: sizes, and steps in bytes. Kept between calls, so that small copies allocate nothing.
const sizes = new Int32Array(MOST);
const toSteps = new Int32Array(MOST);
const fromSteps = new Int32Array(MOST);

function set(d: number, size: number, toStep: number, fromStep: number): void {
  sizes[d] = size;
  toSteps[d] = toStep;
  fromSteps[d] = fromStep;
}

/** Copies bytes that lie side by side. */
export function copyFlat(to: number, from: number, bytes: number): void {
  if (bytes < WORTH_SPLITTING || threadCount() === 1) {
    copyBytes.run(to, from, bytes);
    return;
  }
  const part = Math.ceil(bytes / threadCount() / 64) * 64;
  const parts: number[][] = [];
  for (let at = 0; at < bytes; at += part) parts.push([to + at, from + at, Math.min(part, bytes - at)]);
  runParts(copyBytes, parts);
}

/**
 * Writes the dimensions into the walk: those of size 1 left out, neighbours joined, and with `sorted` in the order of their steps in `to`, so that it is
 * written in order.
 *
 * @returns how many are left; -1 for no elements, -2 for too many
 */
function layOut(shape: readonly number[], toStrides: readonly number[], fromStrides: readonly number[], item: number, sorted: boolean): number {
  let rank = 0;
  let moved = false;
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d];
    if (size === 1) continue;
    if (size === 0) return -1;
    const toStep = toStrides[d] * item;
    const fromStep = fromStrides[d] * item;
    if (rank > 0 && toSteps[rank - 1] === toStep * size && fromSteps[rank - 1] === fromStep * size) {
      set(rank - 1, sizes[rank - 1] * size, toStep, fromStep);
      continue;
    }
    if (rank === MOST) return -2;
    let place = rank++;
    const reach = Math.abs(toStep);
    for (; sorted && place > 0 && Math.abs(toSteps[place - 1]) < reach; place--) {
      set(place, sizes[place - 1], toSteps[place - 1], fromSteps[place - 1]);
      moved = true;
    }
    set(place, size, toStep, fromStep);
  }
  return moved ? joinNeighbours(rank) : rank;
}

/** Joins dimensions that became neighbours by sorting. */
function joinNeighbours(rank: number): number {
  let last = 0;
  for (let d = 1; d < rank; d++) {
    if (toSteps[last] === toSteps[d] * sizes[d] && fromSteps[last] === fromSteps[d] * sizes[d]) set(last, sizes[last] * sizes[d], toSteps[d], fromSteps[d]);
    else set(++last, sizes[d], toSteps[d], fromSteps[d]);
  }
  return last + 1;
}

/** Whether no two elements share a cell in `to`. */
function isInjective(rank: number, item: number): boolean {
  let reach = item;
  for (let d = rank - 1; d >= 0; d--) {
    const step = Math.abs(toSteps[d]);
    if (step < reach) return false;
    reach += step * (sizes[d] - 1);
  }
  return true;
}

/**
 * Copies elements between any strides (in elements, also negative ones).
 *
 * @param to - address of the first element; nothing that is read may lie where something is written
 * @returns false, with nothing done, where elements of `to` share a cell, or for more than six dimensions that cannot be joined
 */
export function copyStrided(to: number, from: number, shape: readonly number[], toStrides: readonly number[], fromStrides: readonly number[], item: ItemSize): boolean {
  const rank = layOut(shape, toStrides, fromStrides, item, true);
  if (rank < 0) return rank === -1;
  if (!isInjective(rank, item)) return false;
  if (rank === 0) {
    copyItem(to, from, item);
    return true;
  }
  const inner = rank - 1;
  if (toSteps[inner] === item) {
    const n = sizes[inner];
    const step = fromSteps[inner];
    if (step === item) {
      if (rank === 1) copyFlat(to, from, n * item);
      else if (n * item < 16) run(copyItems[item], to, from, rank, rank - 2, n);
      else run(copyRows, to, from, rank, rank - 2, n * item);
      return true;
    }
    if (item === 4) {
      if (step === 0) {
        run(copySpread, to, from, rank, rank - 2, n);
        return true;
      }
      // Rows side by side in `from` become columns.
      if (n >= 4) {
        for (let d = inner - 1; d >= 0; d--) {
          if (fromSteps[d] !== 4 || sizes[d] < 4) continue;
          run((toSteps[d] & 1023) === 0 ? copyAligned : copyTransposed, to, from, rank, d, n);
          return true;
        }
      }
    }
  }
  run(copyItems[item], to, from, rank, rank - 2, sizes[inner]);
  return true;
}

/**
 * Runs a kernel of four-byte elements in row-major order, also where elements of `to` share a cell.
 *
 * @returns false, with nothing done, for more than six dimensions that cannot be joined
 */
export function runStrided(kernel: WasmKernel, to: number, from: number, shape: readonly number[], toStrides: readonly number[], fromStrides: readonly number[]): boolean {
  let rank = layOut(shape, toStrides, fromStrides, 4, false);
  if (rank < 0) return rank === -1;
  if (rank === 0) set(rank++, 1, 0, 0);
  run(kernel, to, from, rank, rank - 2, sizes[rank - 1], false);
  return true;
}

function copyItem(to: number, from: number, item: ItemSize): void {
  if (item === 4) heap.i32[to >> 2] = heap.i32[from >> 2];
  else heap.u8[to] = heap.u8[from];
}

const outer = new Int32Array(3 * OUTER);

/** Runs a kernel with dimension `row` and the last one as its inner two, and the others around them. */
function run(kernel: WasmKernel, to: number, from: number, rank: number, row: number, n: number, splits = true): void {
  const inner = rank - 1;
  const hasRows = row >= 0;
  const rows = hasRows ? sizes[row] : 1;
  const toRow = hasRows ? toSteps[row] : 0;
  const fromRow = hasRows ? fromSteps[row] : 0;
  // Outer dimensions that are not there have size 1.
  let k = 3 * OUTER;
  for (let d = inner - 1; d >= 0; d--) {
    if (d === row) continue;
    outer[--k] = fromSteps[d];
    outer[--k] = toSteps[d];
    outer[--k] = sizes[d];
  }
  while (k > 0) {
    k -= 3;
    outer[k] = 1;
  }
  if (splits && threadCount() > 1 && bytesOf(rank, n) >= WORTH_SPLITTING) {
    runParts(kernel, splitRows([to, from, rows, toRow, fromRow, n, toSteps[inner], fromSteps[inner], ...outer], threadCount()));
    return;
  }
  kernel.run(
    to, from, rows, toRow, fromRow, n, toSteps[inner], fromSteps[inner],
    outer[0], outer[1], outer[2], outer[3], outer[4], outer[5], outer[6], outer[7], outer[8], outer[9], outer[10], outer[11],
  );
}

function bytesOf(rank: number, n: number): number {
  let bytes = n * 4;
  for (let d = 0; d < rank - 1; d++) bytes *= sizes[d];
  return bytes;
}

/** Splits the arguments of a strided kernel into parts along the largest dimension except the innermost. */
export function splitRows(args: readonly number[], parts: number): number[][] {
  let place = 2;
  for (let k = 8; k < args.length; k += 3) if (args[k] > args[place]) place = k;
  const size = args[place];
  const each = Math.max(4, Math.ceil(size / parts / 4) * 4);
  const out: number[][] = [];
  for (let at = 0; at < size; at += each) {
    const part = [...args];
    part[0] += at * args[place + 1];
    part[1] += at * args[place + 2];
    part[place] = Math.min(each, size - at);
    out.push(part);
  }
  return out;
}

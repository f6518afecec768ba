import type { Operand } from '../../tape.ts';
import type { Tensor } from '../../tensor.ts';
import { addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { type Program, SPLAT, STEP, TARGET_BOOL, VECTOR, elementOf, numberMode, operandMode } from './pointwiseProgram.ts';

const MOST = 12;
/** Elements from which a call is worth splitting over threads. */
const WORTH_SPLITTING = 65_536;
/** Elements of a row that are done at a time where an operand is read in steps: so many lines of it stay in the first-level cache. */
const BLOCK = 64;

// The walk of the call at hand, kept between calls so that small ones allocate nothing. Row 0 of the steps is the output's, row 1 + i that of
// operand i; steps are in bytes. `at` holds addresses, or the number that an operand is.
const sizes = new Int32Array(MOST);
const steps = [0, 1, 2, 3].map(() => new Int32Array(MOST));
const items = new Int32Array(4);
const at = new Float64Array(4);
const index = new Int32Array(MOST);

/** The step of a broadcast operand along a dimension of the output. */
function stepOf(x: Operand, d: number, rank: number, size: number): number {
  if (typeof x === 'number') return 0;
  const own = d - (rank - x.shape.length);
  return own < 0 || (x.shape[own] === 1 && size !== 1) ? 0 : x.strides[own];
}

/** Joins the dimensions of the output that all step through evenly; returns how many are left, or -1 for too many. */
function layOut(out: Tensor, inputs: readonly Operand[]): number {
  let rank = 0;
  const { shape, strides } = out;
  const count = inputs.length;
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d];
    if (size === 1) continue;
    if (rank === MOST) return -1;
    steps[0][rank] = strides[d] * items[0];
    let joins = rank > 0 && steps[0][rank - 1] === steps[0][rank] * size;
    for (let k = 1; k <= count; k++) {
      const step = stepOf(inputs[k - 1], d, shape.length, size) * items[k];
      steps[k][rank] = step;
      joins &&= steps[k][rank - 1] === step * size;
    }
    sizes[rank] = size;
    if (joins) {
      sizes[rank - 1] *= size;
      for (let k = 0; k <= count; k++) steps[k][rank - 1] = steps[k][rank];
    } else rank++;
  }
  return rank;
}

function swap(a: Int32Array, i: number, j: number): void {
  const x = a[i];
  a[i] = a[j];
  a[j] = x;
}

function swapDimensions(i: number, j: number): void {
  if (i === j) return;
  swap(sizes, i, j);
  for (let k = 0; k < 4; k++) swap(steps[k], i, j);
}

/** Puts the dimension along which the output lies side by side last, and the longest of the others before it; false without the former. */
function order(rank: number): boolean {
  let inner = rank - 1;
  while (inner >= 0 && steps[0][inner] !== items[0]) inner--;
  if (inner < 0) return false;
  swapDimensions(inner, rank - 1);
  if (rank < 3) return true;
  let rows = rank - 2;
  for (let d = rank - 3; d >= 0; d--) if (sizes[d] > sizes[rows]) rows = d;
  swapDimensions(rows, rank - 2);
  return true;
}

/** One dimension more in front, of one element. */
function prepend(rank: number): void {
  sizes[rank] = 1;
  for (let k = 0; k < 4; k++) steps[k][rank] = 0;
  swapDimensions(0, rank);
}

/** The step of a float32 operand along dimension `d` of a matrix, in elements. */
function matrixStep({ shape, strides }: Tensor, d: number, size: number): number {
  const own = d - 2 + shape.length;
  return own < 0 || (shape[own] === 1 && size !== 1) ? 0 : strides[own];
}

const inSteps = -1;

/** How a float32 operand of a matrix is read within a row; -1 for other steps than 0 and 1. */
const wayOf = (step: number): number => (step === 1 ? VECTOR : step === 0 ? SPLAT : inSteps);

/** A matrix and a row or a column: `runPlanes` for what is usual, told in a few comparisons. */
export function runMatrix(program: Program, out: Tensor, inputs: readonly Operand[], w: number): boolean {
  const [x, y] = inputs;
  if (inputs.length !== 2 || typeof x === 'number' || typeof y === 'number' || out.shape.length !== 2 || x.shape.length > 2 || y.shape.length > 2) return false;
  if (out.storage.dtype !== 'float32' || x.storage.dtype !== 'float32' || y.storage.dtype !== 'float32' || out.strides[1] !== 1) return false;
  const [rows, columns] = out.shape;
  const xWay = wayOf(matrixStep(x, 1, columns));
  const yWay = wayOf(matrixStep(y, 1, columns));
  if (xWay === inSteps || yWay === inSteps || rows * columns >= WORTH_SPLITTING) return false;
  const kernel = program.planeKernel(operandMode(0, 0, xWay) | operandMode(1, 0, yWay), 2);
  kernel.run(rows, columns, addressOf(out), 4 * out.strides[0], addressOf(x), 4 * matrixStep(x, 0, rows), 0, addressOf(y), 4 * matrixStep(y, 0, rows), 0, w);
  return true;
}

/** Runs a pointwise kernel with operands that are broadcast or lie in other orders. */
export function runPlanes(program: Program, target: number, out: Tensor, inputs: readonly Operand[], w: number): boolean {
  const count = inputs.length;
  items[0] = target === TARGET_BOOL || target === 3 ? 1 : 4;
  for (let i = 0; i < count; i++) {
    const x = inputs[i];
    items[i + 1] = typeof x !== 'number' && elementOf(x.dtype) === 2 ? 1 : 4;
  }
  let rank = layOut(out, inputs);
  if (rank < 0 || rank >= MOST - 1) return false;
  if (rank === 0) {
    sizes[0] = 1;
    for (let k = 0; k <= count; k++) steps[k][0] = 0;
    steps[0][0] = items[0];
    rank = 1;
  }
  if (!order(rank)) return false;
  if (rank === 1) prepend(rank++);
  const inner = rank - 1;
  let mode = target;
  let gathers = false;
  at[0] = addressOf(out);
  for (let i = 0; i < count; i++) {
    const x = inputs[i];
    if (typeof x === 'number') {
      at[i + 1] = x;
      mode |= numberMode(i);
      continue;
    }
    at[i + 1] = addressOf(x);
    const step = steps[i + 1][inner];
    const way = step === 0 ? SPLAT : step === items[i + 1] ? VECTOR : STEP;
    gathers ||= way === STEP;
    mode |= operandMode(i, elementOf(x.dtype), way);
  }
  return walk(program.planeKernel(mode, count), rank, count, w, gathers);
}

/** Calls the kernel for every plane; false where a kernel said that a number did not fit. */
function walk(kernel: WasmKernel, rank: number, count: number, w: number, gathers: boolean): boolean {
  const outer = rank - 2;
  for (let d = 0; d < outer; d++) index[d] = 0;
  const columns = sizes[rank - 1];
  const block = gathers && sizes[outer] > 8 && columns > 2 * BLOCK ? BLOCK : columns;
  for (;;) {
    for (let from = 0; from < columns; from += block) if (!runPlane(kernel, rank, count, w, from, Math.min(block, columns - from))) return false;
    let d = outer - 1;
    for (; d >= 0; d--) {
      for (let k = 0; k <= count; k++) at[k] += steps[k][d];
      if (++index[d] < sizes[d]) break;
      for (let k = 0; k <= count; k++) at[k] -= steps[k][d] * sizes[d];
      index[d] = 0;
    }
    if (d < 0) return true;
  }
}

/** One plane, from column `from` on. */
function runPlane(kernel: WasmKernel, rank: number, count: number, w: number, from: number, columns: number): boolean {
  const [r, c] = [rank - 2, rank - 1];
  const rows = sizes[r];
  const [s0, s1, s2, s3] = steps;
  if (threadCount() > 1 && rows > 1 && rows * columns >= WORTH_SPLITTING) {
    const each = Math.ceil(rows / threadCount());
    const parts: number[][] = [];
    for (let first = 0; first < rows; first += each) {
      const part = [Math.min(each, rows - first), columns, at[0] + first * s0[r] + from * s0[c], s0[r]];
      for (let k = 1; k <= count; k++) part.push(at[k] + first * steps[k][r] + from * steps[k][c], steps[k][r], steps[k][c]);
      parts.push([...part, w]);
    }
    runParts(kernel, parts);
    return true;
  }
  const to = at[0] + from * s0[c];
  const x = at[1] + from * s1[c];
  if (count === 1) return !kernel.run(rows, columns, to, s0[r], x, s1[r], s1[c], w);
  const y = at[2] + from * s2[c];
  if (count === 2) return !kernel.run(rows, columns, to, s0[r], x, s1[r], s1[c], y, s2[r], s2[c], w);
  return !kernel.run(rows, columns, to, s0[r], x, s1[r], s1[c], y, s2[r], s2[c], at[3] + from * s3[c], s3[r], s3[c], w);
}

import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { allocate, release } from '../memory/heap.ts';
import type { PoolAttrs, Windows } from '../pool.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { heap } from '../wasm/memory.ts';
import { avgPool, avgPoolSpread, maxPool, maxPoolPick, maxPoolSpread } from '../wasm/pool.ts';
import { avgPool2, avgPool2Spread, maxPool2, maxPool2Spread } from '../wasm/pool2.ts';

/** Elements from which a pool is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 17;

/** Whether windows of two elements lie side by side. */
function isHalving({ start, end, step }: Windows): boolean {
  if (step !== 1) return false;
  for (let i = 0; i < start.length; i++) if (start[i] !== 2 * i || end[i] !== 2 * i + 2) return false;
  return true;
}

const countsTwo = ({ count }: Windows): boolean => count.every((n) => n === 2);

/** Whether windows of 2x2 lie side by side, with at least four in a row. */
const isByTwo = ({ rows, columns }: PoolAttrs): boolean => columns.start.length >= 4 && isHalving(columns) && isHalving(rows);

function imageCount(x: Tensor, rank: number): number {
  let n = 1;
  for (let d = 0; d < x.ndim - rank; d++) n *= x.shape[d];
  return n;
}

/** Writes the table of windows (see `wasm/pool.ts`). */
function writeWindows(at: number, { rows, columns }: PoolAttrs): void {
  const { i32 } = heap;
  let to = at >> 2;
  for (const { start, end, count } of [rows, columns]) {
    for (const list of [start, end, count]) {
      for (let i = 0; i < list.length; i++) i32[to++] = list[i];
    }
  }
}

/** An operand of a pool: where it starts, and its bytes per image (0 for a number, which is the same for all images). */
type Operand = readonly [address: number, image: number];

/** Runs a kernel over images, in parts where that pays. */
function overImages(kernel: WasmKernel, images: number, elements: number, before: readonly number[], after: readonly number[], [a, b, c]: readonly [Operand, Operand, Operand]): void {
  const threads = images * elements < WORTH_SPLITTING ? 1 : Math.min(threadCount(), images);
  if (threads === 1) {
    kernel.run(...before, images, ...after, a[0], b[0], c[0]);
    return;
  }
  const parts: number[][] = [];
  for (let p = 0; p < threads; p++) {
    const first = Math.floor((p * images) / threads);
    const count = Math.floor(((p + 1) * images) / threads) - first;
    parts.push([...before, count, ...after, a[0] + first * a[1], b[0] + first * b[1], c[0] + first * c[1]]);
  }
  runParts(kernel, parts);
}

/** Runs one of two kernels: for windows of 2x2 side by side, or for any. */
function run(byTwo: WasmKernel | null, any: WasmKernel, images: number, attrs: PoolAttrs, operands: readonly [Operand, Operand, Operand]): void {
  const { rows, columns } = attrs;
  const sizes = [rows.size, columns.size, rows.start.length, columns.start.length];
  const elements = rows.size * columns.size;
  if (byTwo !== null) {
    overImages(byTwo, images, elements, [], sizes, operands);
    return;
  }
  const bytes = 12 * (rows.start.length + columns.start.length);
  const table = allocate(bytes);
  writeWindows(table, attrs);
  overImages(any, images, elements, [table], [...sizes, rows.step, columns.step], operands);
  release(table, bytes);
}

const wholeBytes = ({ rows, columns }: PoolAttrs): number => 4 * rows.size * columns.size;
const smallBytes = ({ rows, columns }: PoolAttrs): number => 4 * rows.start.length * columns.start.length;

/** Max pool of float32 images: see `maxPool`. */
export const fastMaxPool: FastKernel<PoolAttrs> = ([out, places], [input], attrs) => {
  const x = input as Tensor;
  const images = imageCount(x, attrs.rank);
  if (x.dtype !== 'float32' || images === 0 || smallBytes(attrs) === 0) return false;
  const small = smallBytes(attrs);
  run(isByTwo(attrs) ? maxPool2 : null, maxPool, images, attrs, [[addressOf(x), wholeBytes(attrs)], [addressOf(out), small], [addressOf(places), small]]);
  return true;
};

/** Gradient of a max pool of float32 images: see `maxPoolSpread`. */
export const fastMaxPoolSpread: FastKernel<PoolAttrs> = ([out], inputs, attrs) => {
  const [g, places] = inputs as readonly Tensor[];
  const images = imageCount(g, attrs.rank);
  if (g.dtype !== 'float32' || images === 0 || smallBytes(attrs) === 0) return false;
  const small = smallBytes(attrs);
  run(isByTwo(attrs) ? maxPool2Spread : null, maxPoolSpread, images, attrs, [[addressOf(g), small], [addressOf(places), small], [addressOf(out), wholeBytes(attrs)]]);
  return true;
};

/** Elements of float32 images at known places: see `maxPoolPick`. */
export const fastMaxPoolPick: FastKernel<PoolAttrs> = ([out], inputs, attrs) => {
  const [x, places] = inputs as readonly Tensor[];
  const images = imageCount(x, attrs.rank);
  if (x.dtype !== 'float32' || images === 0 || smallBytes(attrs) === 0) return false;
  const small = smallBytes(attrs);
  run(null, maxPoolPick, images, attrs, [[addressOf(x), wholeBytes(attrs)], [addressOf(places), small], [addressOf(out), small]]);
  return true;
};

/** The one number that 2x2 windows side by side divide by, or 0 for other windows. */
function divisorByTwo(attrs: PoolAttrs): number {
  if (!isByTwo(attrs)) return 0;
  return attrs.divisor ?? (countsTwo(attrs.rows) && countsTwo(attrs.columns) ? 4 : 0);
}

/** Average pool of float32 images: see `avgPool`. */
export const fastAvgPool: FastKernel<PoolAttrs> = ([out], [input], attrs) => {
  const x = input as Tensor;
  const images = imageCount(x, attrs.rank);
  if (x.dtype !== 'float32' || images === 0 || smallBytes(attrs) === 0) return false;
  const two = divisorByTwo(attrs);
  run(two === 0 ? null : avgPool2, avgPool, images, attrs, [[addressOf(x), wholeBytes(attrs)], [addressOf(out), smallBytes(attrs)], [two === 0 ? (attrs.divisor ?? 0) : two, 0]]);
  return true;
};

/** Gradient of an average pool of float32 images: see `avgPoolSpread`. */
export const fastAvgPoolSpread: FastKernel<PoolAttrs> = ([out], [grads], attrs) => {
  const g = grads as Tensor;
  const images = imageCount(g, attrs.rank);
  if (g.dtype !== 'float32' || images === 0 || smallBytes(attrs) === 0) return false;
  const two = divisorByTwo(attrs);
  run(two === 0 ? null : avgPool2Spread, avgPoolSpread, images, attrs, [[addressOf(g), smallBytes(attrs)], [addressOf(out), wholeBytes(attrs)], [two === 0 ? (attrs.divisor ?? 0) : two, 0]]);
  return true;
};

import { MemoryError } from '../../errors.ts';
import { MAX_PAGES, heap } from '../wasm/memory.ts';

/**
 * Stretches of the kernels' memory by size: four sizes per power of two, a list of free stretches for each. What is given back is handed out
 * again first, while it is still in the caches.
 */

/** Addresses below are nobody's, so that 0 means none. */
const FIRST = 1024;
/** Where 64 bytes of zeros lie that nobody writes. */
export const ZEROS = 512;
/** Vectors may be read past the end of a tensor. */
const SLACK = 64;
/** Added behind large stretches: addresses that are equal modulo 4096 slow each other down. */
const SKEW = 320;
const LARGE = 4096;
/** A line of the cache: stretches of at least so many bytes start at one. */
const LINE = 64;
const LIMIT = MAX_PAGES * 65_536;

let top = FIRST;
let live = 0;
/** Beyond this many bytes, blocks that were not used for a while are moved out before the memory grows. */
let budget = 64 << 20;
let relieve: () => void = () => {};

/** Number of the smallest size that holds so many bytes: 64, 80, 96, 112, 128, 160, … */
function sizeClass(bytes: number): number {
  if (bytes <= 64) return 0;
  const octave = 31 - Math.clz32(bytes - 1);
  return ((octave - 6) << 2) + (((bytes - 1) >>> (octave - 2)) & 3) + 1;
}

/** Bytes of each size. */
const sizes: readonly number[] = Array.from({ length: 128 }, (_, c) => (c === 0 ? 64 : (5 + ((c - 1) & 3)) * 2 ** (((c - 1) >>> 2) + 4)));

const free: number[][] = Array.from(sizes, () => []);

/** What is asked when memory runs short: to move out what can be missed. */
export function onPressure(handler: () => void): void {
  relieve = handler;
}

/** Bytes handed out, rounded up to sizes. */
export function liveBytes(): number {
  return live;
}

/**
 * A stretch of at least so many bytes, aligned to 64 bytes (below 256 bytes: to 16); not zeroed.
 *
 * @throws MemoryError when there is no room
 */
export function allocate(bytes: number): number {
  const c = sizeClass(bytes);
  const list = free[c];
  if (list.length === 0) return carve(bytes, c);
  const at = list.pop() ?? 0;
  live += sizes[c];
  return at;
}

/** Gives a stretch back that was asked for with the same number of bytes. */
export function release(address: number, bytes: number): void {
  const c = sizeClass(bytes);
  live -= sizes[c];
  free[c].push(address);
}

function carve(bytes: number, c: number): number {
  const size = sizes[c];
  const step = size < LARGE ? size : size + SKEW;
  if (step > LIMIT) throw outOfMemory(bytes);
  if (size >= 4 * LINE) top = (top + LINE - 1) & -LINE;
  if (top + step > budget) {
    relieve();
    const at = free[c].pop();
    if (at !== undefined) {
      live += size;
      return at;
    }
  }
  const end = top + step + SLACK;
  if (end > LIMIT || !grow(end - heap.bytes)) throw outOfMemory(bytes);
  if (top + step > budget) budget = Math.max(1.5 * budget, top + step);
  const at = top;
  top += step;
  live += size;
  return at;
}

/** Adds at least so many bytes, and half of what there is if the machine has it, so that growing stays rare. */
function grow(missing: number): boolean {
  if (missing <= 0) return true;
  return heap.grow(Math.min(Math.max(missing, heap.bytes / 2), LIMIT - heap.bytes)) || heap.grow(missing);
}

function outOfMemory(bytes: number): MemoryError {
  return new MemoryError(`memory: no room, got a request of ${bytes} bytes with ${live} bytes in use; expected at most ${Math.max(LIMIT - top, 0)} bytes`, {
    values: { bytes, live },
    hint: 'smaller batches, or noGrad() where no gradients are needed',
  });
}

/** Forgets all stretches, when the memory is new or all that was in it has been moved out. */
export function resetHeap(): void {
  for (const list of free) list.length = 0;
  top = FIRST;
  live = 0;
}

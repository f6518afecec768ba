import type { TypedArray } from '../../dtype.ts';
import type { Generator } from '../../random.ts';
import { allocate, release } from '../memory/heap.ts';
import { fillNormal } from '../normal.ts';
import { heap } from '../wasm/memory.ts';
import { boxMuller } from '../wasm/random-normal.ts';
import { NEXT, STATE_BYTES, fillChoices, fillUniforms } from '../wasm/random.ts';

// The fills of `random.ts` and `normal.ts` for many elements, with the same numbers. The state of the generator is taken into the kernels' memory and
// back, which costs some microseconds.

/** Elements from which that pays. */
const WORTH_IT = 2048;
/** Elements that are made at a time, and bytes of the memory for them and the words they are made of. */
const CHUNK = 2048;
const SCRATCH = STATE_BYTES + 4 * (CHUNK + 4) + 8 * CHUNK;

/**
 * Draws with the state of a generator in memory: `make` fills memory from `out` on with `n` elements, which then go into `cells`.
 *
 * @returns the array again: a view of the kernels' memory is a new one when that had to grow
 */
function inChunks(cells: TypedArray, at: number, n: number, generator: Generator, make: (state: number, words: number, out: number, n: number) => void): TypedArray {
  const inside = cells.buffer === heap.buffer;
  const { byteOffset, length } = cells;
  const state = allocate(SCRATCH);
  const out = state + STATE_BYTES + (-STATE_BYTES & 15);
  const words = out + 4 * CHUNK + 16;
  const place = state >> 2;
  const { seed, engine, nextNormal } = generator.getState();
  for (let i = 0; i < 624; i++) heap.i32[place + i] = engine[i + 1];
  for (let i = 0; i < 4; i++) heap.i32[place + 624 + i] = engine[i + 1];
  [heap.i32[(state + NEXT) >> 2]] = engine;
  const memory = heap.f32;
  const target = inside ? memory.subarray(byteOffset >> 2, (byteOffset >> 2) + length) : cells;
  for (let i = 0; i < n; i += CHUNK) {
    const count = Math.min(CHUNK, n - i);
    make(state, words, out, count);
    target.set(memory.subarray(out >> 2, (out >> 2) + count), at + i);
  }
  generator.setState({ seed, engine: [heap.i32[(state + NEXT) >> 2], ...heap.i32.subarray(place, place + 624)], nextNormal });
  release(state, SCRATCH);
  return target;
}

const pays = (cells: TypedArray, n: number): boolean => n >= WORTH_IT && cells instanceof Float32Array;

/** Uniform on `from` to `to`; false, with nothing done, where it does not pay. */
export function fastUniform(cells: TypedArray, at: number, n: number, generator: Generator, from: number, to: number): boolean {
  if (!pays(cells, n)) return false;
  const start = Math.fround(from);
  const width = Math.fround(Math.fround(to) - start);
  inChunks(cells, at, n, generator, (state, words, out, count) => fillUniforms.run(state, words, out, count, width, start));
  return true;
}

/** 1 with probability `p`, else 0; false, with nothing done, where it does not pay. */
export function fastBernoulli(cells: TypedArray, at: number, n: number, generator: Generator, p: number): boolean {
  if (!pays(cells, n)) return false;
  inChunks(cells, at, n, generator, (state, words, out, count) => fillChoices.run(state, words, out, count, p, 0));
  return true;
}

/** Normal values; false, with nothing done, where it does not pay. */
export function fastNormal(cells: TypedArray, at: number, n: number, generator: Generator, mean: number, std: number): boolean {
  if (!pays(cells, n)) return false;
  // Whole blocks; what is left over is drawn, and drawn anew with the last block.
  const target = inChunks(cells, at, n, generator, (state, words, out, count) => {
    fillUniforms.run(state, words, out, count, 1, 0);
    boxMuller.run(out, count >> 4, mean, std);
  });
  if (n % 16 !== 0) fillNormal(target, at + n - 16, 16, generator, mean, std);
  return true;
}

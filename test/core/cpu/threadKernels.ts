import { allocate } from '../../../core/cpu/memory/heap.ts';
import { ThreadPool } from '../../../core/cpu/threads/pool.ts';
import { type I32, Value, f32, i32 } from '../../../core/cpu/wasm/code.ts';
import { type FunctionBuilder } from '../../../core/cpu/wasm/function.ts';
import { WasmKernel } from '../../../core/cpu/wasm/kernel.ts';
import { heap } from '../../../core/cpu/wasm/memory.ts';
import { is, unreachable } from '../../assert.ts';

// What the tests of threads share: kernels that wait for each other, and pools.

// Atomic instructions: kernels have no use for them, these tests do.
const atomicLoad = (at: I32): I32 => new Value('i32', [at.code, 0xfe, 0x10, 2, 0]);
const atomicAdd = (at: I32, n: number): I32 => new Value('i32', [at.code, i32.const(n).code, 0xfe, 0x1e, 2, 0]);

/** Waits until `count` threads are here, or for a long time, so that a fault does not hang the test. */
export function meet(f: FunctionBuilder, at: I32, count: I32): void {
  const left = f.i32(2_000_000_000);
  f.emit([atomicAdd(at, 1).code, 0x1a]);
  f.while(i32.and(i32.ltS(atomicLoad(at), count), i32.ne(left, 0)), () => left.increase(-1));
  f.if(i32.eqz(left), () => f.emit([atomicAdd(at, 1_000_000).code, 0x1a]));
}

/** Adds 1 to `n` floats: not the same when it runs twice. */
export const addOne: WasmKernel = new WasmKernel('addOne', (m) =>
  m.function('addOne', ['i32', 'i32'], (f, at, n) => {
    f.repeat(n, () => {
      f.store(at, f32.add(f32.load(at), 1));
      at.increase(4);
    });
  }),
);
/** Ends when as many threads run it as there are parts. */
export const gather: WasmKernel = new WasmKernel('gather', (m) => m.function('gather', ['i32', 'i32'], (f, at, count) => meet(f, at, count)));

/** Memory that is all zeros. */
export const zeroed = (bytes: number): number => {
  const at = allocate(bytes);
  heap.u8.fill(0, at, at + bytes);
  return at;
};
/** `n` floats of the memory. */
export const floats = (at: number, n: number): number[] => [...heap.f32.subarray(at / 4, at / 4 + n)];
/** An integer of the memory. */
export const word = (at: number): number => Atomics.load(heap.i32, at / 4);

/** Waits for something. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); ) {
    if (Date.now() > end) unreachable(`${what}: not within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A pool whose workers are up; it is closed afterwards. */
export async function withPool(workers: number, use: (pool: ThreadPool, lost: string[]) => Promise<void> | void, patience?: number): Promise<void> {
  const lost: string[] = [];
  const pool = new ThreadPool(heap.memory, workers, (reason) => lost.push(reason), patience);
  try {
    await until(() => pool.ready === workers, 'the workers start');
    await use(pool, lost);
  } finally {
    pool.close();
  }
}

/** Has the workers of a pool learn a kernel: the first part of its first job runs before they know it. */
export function introduce(pool: ThreadPool, kernel: WasmKernel, harmless: readonly number[]): void {
  pool.run(kernel, [harmless, harmless]);
}

/** All threads of a pool work on one job at the same time. */
export function allMeet(pool: ThreadPool, threads: number, kernel: WasmKernel = gather): void {
  introduce(pool, kernel, [zeroed(64), 0]);
  const at = zeroed(64);
  pool.run(kernel, new Array(threads).fill([at, threads]));
  is(word(at), threads, 'threads that met');
}

/** What is said meanwhile. */
export async function warnings(use: () => Promise<void> | void): Promise<string[]> {
  const seen: string[] = [];
  const before = console.warn;
  console.warn = (text: string) => seen.push(text);
  try {
    await use();
  } finally {
    console.warn = before;
  }
  return seen;
}

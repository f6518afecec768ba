import { ArgumentError, StateError, show } from '../../errors.ts';
import { Storage } from '../../storage.ts';
import { moveAllOut } from '../memory/residence.ts';
import { type WasmKernel, resetKernels } from '../wasm/kernel.ts';
import { heap } from '../wasm/memory.ts';
import { canShareMemory } from './host.ts';
import { type Parts, ThreadPool } from './pool.ts';
import { MAX_OPEN } from './worker.ts';

/** The main thread, and the most that can have a part each. */
const MOST = MAX_OPEN + 1;

let pool: ThreadPool | null = null;
/** Starts the pool anew. It is named by `setNumThreads` alone: a program that never calls it needs no code of workers. */
let restart: ((n: number) => void) | null = null;
/** Threads that run, started or starting. */
let threads = 1;
/** Number of parts to split into: as `threads`, but the same to the end of an operation that loses a worker. */
let split = 1;

/**
 * Sets how many threads the CPU's kernels run on; 1 at first. Large products, convolutions, elementwise operations and optimizer steps are split
 * over them; results are the same, bit for bit, for every number. More threads than the machine has cores are allowed, and slow; above 32 there
 * are 32. Workers start in the background, in Node at once, in a browser when the event loop has its turn: until they are up, one thread does the
 * work. They do not keep a program from ending.
 *
 * Threads share memory, which browsers allow to pages that are served with the headers `Cross-Origin-Opener-Policy: same-origin` and
 * `Cross-Origin-Embedder-Policy: require-corp` (or `credentialless`) only. Elsewhere, and where workers cannot start or one of them dies,
 * the program runs on with one thread: `console.warn` says so, and `getNumThreads()` says 1.
 *
 * @param n - number of threads, at least 1
 * @throws ArgumentError when `n` is not an integer of at least 1
 * @throws StateError during a backward pass
 * @see https://pytorch.org/docs/stable/generated/torch.set_num_threads.html
 */
export function setNumThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new ArgumentError(`setNumThreads: invalid number of threads, got ${show(n)}; expected an integer of at least 1`, { values: { n } });
  const wanted = Math.min(n, MOST);
  if (wanted === threads) return;
  if (Storage.passes > 0) {
    throw new StateError(`setNumThreads: a backward pass is running, got a change from ${threads} to ${n}; expected a call between operations`, { values: { threads, n } });
  }
  pool?.close();
  pool = null;
  threads = 1;
  split = 1;
  if (wanted > 1 && shareMemory()) start(wanted);
}

/**
 * How many threads the CPU's kernels run on.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.get_num_threads.html
 */
export function getNumThreads(): number {
  return threads;
}

/** Number of parts that a kernel should split large work into. It stays the same for the length of an operation. */
export function threadCount(): number {
  return split;
}

/**
 * Runs one kernel several times with different arguments, on as many threads; returns when all are done. The runs write to disjoint places, so the
 * result does not depend on who does what. There may be more of them than threads: whoever is free takes the next.
 *
 * @throws StateError when a worker fails in the middle of a run
 */
export function runParts(kernel: WasmKernel, parts: Parts): void {
  if (pool !== null && (pool.memory !== heap.memory || pool.full)) renew();
  if (pool !== null) pool.run(kernel, parts);
  else for (const part of parts) kernel.run(...part);
}

function start(n: number): void {
  restart = start;
  threads = n;
  split = n;
  try {
    pool = new ThreadPool(heap.memory, n - 1, (reason) => {
      giveUp();
      warn(`a worker thread ended, got ${reason}; expected it to run as long as the program`);
    });
  } catch (error) {
    giveUp();
    warn(`workers cannot start here, got ${String(error)}; expected Node 20.16 or later, or a browser that allows workers from Blobs`);
  }
}

/** Goes on with one thread, maybe in the middle of an operation, which counts on its number of parts. */
function giveUp(): void {
  pool = null;
  threads = 1;
  queueMicrotask(() => {
    if (pool === null) split = 1;
  });
}

/** Starts over after a change of memory, or when workers can learn no more kernels. */
function renew(): void {
  pool?.close();
  if (heap.shared) restart?.(threads);
  else giveUp();
}

/** Moves to memory that threads share, unless it is already in use. */
function shareMemory(): boolean {
  if (heap.shared) return true;
  if (!canShareMemory()) {
    warn('threads cannot share memory here, got a page that is not isolated; expected the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp');
    return false;
  }
  moveAllOut();
  try {
    heap.replace(true);
  } catch (error) {
    heap.shared = false;
    warn(`there is no memory that threads can share, got ${String(error)}; expected room for addresses up to 2 GiB`);
    return false;
  }
  resetKernels();
  return true;
}

function warn(fact: string): void {
  console.warn(`setNumThreads: ${fact}. The program runs on with one thread.`);
}

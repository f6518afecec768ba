/**
 * What main thread and workers share besides the kernels' memory: the open job, and the programs of the kernels. A worker sits in one loop and can
 * receive no messages, so everything goes through this block. Places are counted in 32-bit words; each group starts a line of the cache of its own.
 */

/** Bit i is 1 while part i waits for a thread. Whoever clears it runs the part; the rest of the job does not change before all parts are done. */
export const OPEN = 0;
/** Number of parts that workers have finished. */
export const DONE = 16;
/** Number of workers that sleep until a job opens. */
export const SLEEPING = 32;
/** Whether the main thread sleeps until a part is done. */
export const MAIN_SLEEPS = 33;
/** Number of workers that have started. */
export const READY = 48;
/** Length of the message of a part that threw; 0 while none has. */
export const FAILED = 49;
/** Where the program of the job's kernel lies, in bytes. */
export const PROGRAM = 64;
/** Number of arguments of the job's kernel. */
export const ARITY = 65;

/** Parts that are open at once: the bits of a positive integer. */
export const MAX_OPEN = 31;
/** Arguments of a kernel. */
export const MAX_ARGUMENTS = 64;
/** Where the arguments of the first part lie, in doubles: they hold integers and floats exactly. */
export const ARGUMENTS = 64;
/** Where the message of a part that threw lies, in bytes, and how long it can be. */
export const MESSAGE: number = (ARGUMENTS + MAX_OPEN * MAX_ARGUMENTS) * 8;
export const MESSAGE_BYTES = 512;
/** Where programs start, in bytes. A program is the length of a Wasm module, then the module; once written it stays as it is. */
export const PROGRAMS: number = MESSAGE + MESSAGE_BYTES;
/** Size of the block; pages that nobody touches cost nothing. */
export const CONTROL_BYTES: number = 4 << 20;

/** How long an idle worker looks for the next job before it sleeps, in milliseconds: waking it takes about as long. */
const SPIN_MS = 0.1;

/** What a worker is given when it starts. */
export interface WorkerData {
  /** The kernels' memory. */
  readonly memory: WebAssembly.Memory;
  /** The block described above. */
  readonly control: SharedArrayBuffer;
  /** Number of the worker, from 0: it prefers the part of that number, whose data may still be in its cache. */
  readonly index: number;
}

/** The program of a worker. It is text, so that neither bundlers nor the package need a file for it, and no compiler changes it. */
export const workerSource: string = `'use strict';
const work = ({ memory, control, index }) => {
  const words = new Int32Array(control);
  const numbers = new Float64Array(control);
  const known = new Map();
  const own = 1 << index;
  const args = [];

  const learn = (program) => {
    let run = known.get(program);
    if (run === undefined) {
      const bytes = new Uint8Array(control).slice(program + 4, program + 4 + words[program >> 2]);
      [run] = Object.values(new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports);
      known.set(program, run);
    }
    return run;
  };

  const awaitJob = () => {
    let until = 0;
    for (let i = 1; ; i++) {
      const open = Atomics.load(words, ${OPEN});
      if (open !== 0) return open;
      if ((i & 127) !== 0) continue;
      const now = performance.now();
      if (until === 0) until = now + ${SPIN_MS};
      if (now < until) continue;
      Atomics.add(words, ${SLEEPING}, 1);
      Atomics.wait(words, ${OPEN}, 0);
      Atomics.sub(words, ${SLEEPING}, 1);
      until = 0;
    }
  };

  const fail = (error) => {
    const text = new TextEncoder().encode(String(error)).subarray(0, ${MESSAGE_BYTES});
    new Uint8Array(control, ${MESSAGE}).set(text);
    Atomics.store(words, ${FAILED}, text.length);
  };

  Atomics.add(words, ${READY}, 1);
  for (;;) {
    const open = awaitJob();
    // Compiles before it takes a part: the others do the work meanwhile.
    learn(words[${PROGRAM}]);
    const bit = (open & own) !== 0 ? own : open & -open;
    if ((Atomics.and(words, ${OPEN}, ~bit) & bit) === 0) continue;
    // From here on the job is the one the part belongs to, also if it is a later one than was seen above.
    try {
      const run = learn(words[${PROGRAM}]);
      const at = ${ARGUMENTS} + (31 - Math.clz32(bit)) * ${MAX_ARGUMENTS};
      args.length = words[${ARITY}];
      for (let i = 0; i < args.length; i++) args[i] = numbers[at + i];
      run(...args);
    } catch (error) {
      fail(error);
    }
    Atomics.add(words, ${DONE}, 1);
    if (Atomics.load(words, ${MAIN_SLEEPS}) !== 0) Atomics.notify(words, ${DONE});
  }
};
if (typeof require === 'function') work(require('node:worker_threads').workerData);
else self.onmessage = ({ data }) => work(data);
`;

import { StateError } from '../../errors.ts';
import type { WasmFunction, WasmKernel } from '../wasm/kernel.ts';
import { type WorkerHandle, startWorker } from './host.ts';
import {
  ARGUMENTS, ARITY, CONTROL_BYTES, DONE, FAILED, MAIN_SLEEPS, MAX_ARGUMENTS, MAX_OPEN, MESSAGE, OPEN, PROGRAM, PROGRAMS, READY, SLEEPING,
} from './worker.ts';

/** Argument lists of one kernel, one list for each run. */
export type Parts = readonly (readonly number[])[];

/** How long the main thread looks for the workers to finish before it sleeps, in milliseconds: on a busy machine they may need its core. */
const SPIN_MS = 0.1;
/** It sleeps in pieces of so many milliseconds, and counts pieces: a process that was stopped for an hour has waited for one. */
const PIECE_MS = 50;

/**
 * Worker threads that share the kernels' memory. `run` opens a job; workers and the main thread take its parts one by one, so that a worker which is
 * late, asleep or not there costs nothing but its help. Only a part that a worker has begun is waited for.
 */
export class ThreadPool {
  readonly memory: WebAssembly.Memory;
  private readonly control = new SharedArrayBuffer(CONTROL_BYTES);
  private readonly words = new Int32Array(this.control);
  private readonly numbers = new Float64Array(this.control);
  private readonly bytes = new Uint8Array(this.control);
  private readonly handles: WorkerHandle[] = [];
  private readonly onEnd: (reason: string) => void;
  private readonly patience: number;
  private open = true;
  /** By the number of a kernel: the function that workers know, and where its program lies. */
  private readonly published: WasmFunction[] = [];
  private readonly programs: number[] = [];
  private nextProgram: number = PROGRAMS;
  /** No further kernel fits: the pool should be replaced. */
  full = false;

  /**
   * @param onEnd - told why, once, when the pool has lost a worker and closed itself
   * @param patience - milliseconds for which a worker may work on when the main thread is done; ten times as long as the main thread took is always granted
   */
  constructor(memory: WebAssembly.Memory, workers: number, onEnd: (reason: string) => void, patience = 5000) {
    this.memory = memory;
    this.onEnd = onEnd;
    this.patience = patience;
    try {
      for (let index = 0; index < workers; index++) {
        this.handles.push(startWorker({ memory, control: this.control, index }, (reason) => this.lose(reason)));
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Number of workers that have started. */
  get ready(): number {
    return this.open ? Atomics.load(this.words, READY) : 0;
  }

  /** Number of workers that sleep. */
  get sleeping(): number {
    return Atomics.load(this.words, SLEEPING);
  }

  /** Ends the workers. What is called on the pool afterwards runs on the main thread. */
  close(): void {
    this.open = false;
    for (const handle of this.handles) handle.end();
  }

  private lose(reason: string): void {
    if (!this.open) return;
    this.close();
    this.onEnd(reason);
  }

  /**
   * Runs a kernel with each list of arguments; returns when all are done. What a part throws is thrown when the others are done.
   *
   * @throws StateError when a worker throws, or gives no answer, in the middle of a part
   */
  run(kernel: WasmKernel, parts: Parts): void {
    let from = 0;
    if (parts.length > 1 && this.published[kernel.id] !== kernel.run && this.ready > 0) {
      // The first run compiles; a function that is not the published one was compiled anew since.
      kernel.run(...parts[from++]);
      this.publish(kernel);
    }
    if (parts.length < 2 || this.published[kernel.id] !== kernel.run || parts[0].length > MAX_ARGUMENTS || this.ready === 0) {
      for (; from < parts.length; from++) kernel.run(...parts[from]);
      return;
    }
    for (; from < parts.length; from += MAX_OPEN + 1) this.round(kernel, parts, from, Math.min(from + MAX_OPEN + 1, parts.length));
  }

  private publish(kernel: WasmKernel): void {
    const program = kernel.bytes();
    const next = (this.nextProgram + 4 + program.length + 7) & -8;
    if (next > CONTROL_BYTES) {
      this.full = true;
      return;
    }
    this.words[this.nextProgram >> 2] = program.length;
    this.bytes.set(program, this.nextProgram + 4);
    this.programs[kernel.id] = this.nextProgram;
    this.published[kernel.id] = kernel.run;
    this.nextProgram = next;
  }

  private round(kernel: WasmKernel, parts: Parts, from: number, to: number): void {
    const { words, numbers } = this;
    const arity = parts[from].length;
    for (let i = from + 1, at = ARGUMENTS; i < to; i++, at += MAX_ARGUMENTS) {
      const part = parts[i];
      for (let j = 0; j < arity; j++) numbers[at + j] = part[j];
    }
    words[PROGRAM] = this.programs[kernel.id];
    words[ARITY] = arity;
    words[DONE] = 0;
    words[FAILED] = 0;
    const began = performance.now();
    let elsewhere = to - from - 1;
    Atomics.store(words, OPEN, 2 ** elsewhere - 1);
    if (Atomics.load(words, SLEEPING) > 0) Atomics.notify(words, OPEN, elsewhere);
    try {
      kernel.run(...parts[from]);
      for (let open = Atomics.load(words, OPEN); open !== 0; open = Atomics.load(words, OPEN)) {
        const bit = open & -open;
        if ((Atomics.and(words, OPEN, ~bit) & bit) === 0) continue;
        elsewhere--;
        kernel.run(...parts[from + 32 - Math.clz32(bit)]);
      }
    } finally {
      // If a part of ours threw, nobody shall begin another, and those that were begun end before their memory is used for something else.
      for (let rest = Atomics.exchange(words, OPEN, 0); rest !== 0; rest &= rest - 1) elsewhere--;
      if (Atomics.load(words, DONE) !== elsewhere) this.awaitDone(kernel, elsewhere, began);
    }
    if (Atomics.load(words, FAILED) !== 0) throw this.failure(kernel);
  }

  private awaitDone(kernel: WasmKernel, count: number, began: number): void {
    const { words } = this;
    const start = performance.now();
    do {
      for (let i = 0; i < 256; i++) if (Atomics.load(words, DONE) === count) return;
    } while (performance.now() < start + SPIN_MS);
    const patience = this.patience + 10 * (start - began);
    Atomics.store(words, MAIN_SLEEPS, 1);
    for (let waited = 0; waited < patience; ) {
      const done = Atomics.load(words, DONE);
      if (done === count) {
        Atomics.store(words, MAIN_SLEEPS, 0);
        return;
      }
      if (!changesWithin(words, DONE, done, PIECE_MS)) waited += PIECE_MS;
    }
    const reason = `no answer for ${Math.round(patience / 1000)} s`;
    this.lose(reason);
    throw new StateError(`${kernel.name}: a worker thread did not finish its part, got ${reason}; expected all parts to be done`, {
      values: { kernel: kernel.name, patience },
      hint: 'what this operation wrote is lost; later ones run on one thread',
    });
  }

  private failure(kernel: WasmKernel): StateError {
    const length = this.words[FAILED];
    const message = new TextDecoder().decode(this.bytes.slice(MESSAGE, MESSAGE + length));
    return new StateError(`${kernel.name}: a worker thread failed in the middle of its part, got ${message}; expected all parts to be done`, {
      values: { kernel: kernel.name, message },
      hint: 'what this operation wrote is lost',
    });
  }
}

/** Waits until a word is another than it was; false when that takes too long. The main thread of a browser may not sleep: it looks on. */
function changesWithin(words: Int32Array, at: number, was: number, ms: number): boolean {
  try {
    return Atomics.wait(words, at, was, ms) !== 'timed-out';
  } catch {
    for (const until = performance.now() + ms; performance.now() < until; ) if (Atomics.load(words, at) !== was) return true;
    return false;
  }
}

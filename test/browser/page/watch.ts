// Loaded before the library: notes what memory the page asks for.
import { CONTROL_BYTES, PROGRAM, READY } from '../../../core/cpu/threads/worker.ts';

const memories: WebAssembly.Memory[] = [];
const controls: Int32Array[] = [];

const { Memory } = WebAssembly;
WebAssembly.Memory = class extends Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    memories.push(this);
  }
};

if (typeof SharedArrayBuffer === 'function') {
  const Shared = SharedArrayBuffer;
  globalThis.SharedArrayBuffer = class extends Shared {
    constructor(bytes = 0) {
      super(bytes);
      if (bytes === CONTROL_BYTES) controls.push(new Int32Array(this));
    }
  };
}

/** Bytes of all Wasm memory that was ever asked for. */
export const wasmBytes = (): number => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);

/** Workers that are up in the pool that was made last. */
export const workersUp = (): number => (controls.length === 0 ? 0 : Atomics.load(controls[controls.length - 1], READY));

/** Whether a job was ever opened for workers. */
export const jobsOpened = (): boolean => controls.some((words) => Atomics.load(words, PROGRAM) !== 0);

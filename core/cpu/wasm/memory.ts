import { MAX_PAGES } from './module.ts';

const PAGE = 65_536;

/**
 * The memory that all kernels work on, with views on it. Growing it replaces the views, and so does changing to memory that threads can share:
 * take them anew after anything that may allocate.
 */
export class WasmMemory {
  memory: WebAssembly.Memory;
  /** Whether threads can share it. */
  shared: boolean;
  buffer: ArrayBuffer | SharedArrayBuffer;
  f32: Float32Array;
  f64: Float64Array;
  i32: Int32Array;
  u8: Uint8Array;

  constructor(shared: boolean, pages = 16) {
    this.shared = shared;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared });
    this.buffer = this.memory.buffer;
    this.f32 = new Float32Array(this.buffer);
    this.f64 = new Float64Array(this.buffer);
    this.i32 = new Int32Array(this.buffer);
    this.u8 = new Uint8Array(this.buffer);
  }

  /** Bytes there are. */
  get bytes(): number {
    return this.buffer.byteLength;
  }

  /**
   * Adds at least so many bytes.
   *
   * @returns false when the machine has no more
   */
  grow(bytes: number): boolean {
    try {
      this.memory.grow(Math.ceil(bytes / PAGE));
    } catch {
      return false;
    }
    this.takeViews();
    return true;
  }

  /** Starts over with fresh memory; what was in the old one is lost. */
  replace(shared: boolean, pages = 16): void {
    this.shared = shared;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared });
    this.takeViews();
  }

  private takeViews(): void {
    this.buffer = this.memory.buffer;
    this.f32 = new Float32Array(this.buffer);
    this.f64 = new Float64Array(this.buffer);
    this.i32 = new Int32Array(this.buffer);
    this.u8 = new Uint8Array(this.buffer);
  }
}

import { DeviceError } from '../../errors.ts';
const PAGE = 65_536;
/** Largest memory a kernel can be given: 2 GiB in pages of 64 KiB, so that an address is never negative. */
export const MAX_PAGES = 32_768;

/**
 * The memory that all kernels work on, with views on it. Growing it replaces the views, and so does changing to memory that threads can share:
 * take them anew after anything that may allocate.
 */
export class WasmMemory {
  /** Whether kernels work on it: results come into being here. */
  inUse = false;
  private made: WebAssembly.Memory | null;
  /** Whether threads can share it. */
  shared: boolean;
  buffer: ArrayBuffer | SharedArrayBuffer;
  f32: Float32Array;
  f64: Float64Array;
  i32: Int32Array;
  u8: Uint8Array;

  constructor(shared: boolean, pages = 16) {
    this.shared = shared;
    // Where there is no Wasm there are no kernels either, and nothing will ask for memory.
    this.made = typeof WebAssembly === 'undefined' ? null : new WebAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared });
    this.buffer = this.made?.buffer ?? new ArrayBuffer(0);
    this.f32 = new Float32Array(this.buffer);
    this.f64 = new Float64Array(this.buffer);
    this.i32 = new Int32Array(this.buffer);
    this.u8 = new Uint8Array(this.buffer);
  }

  /** The memory itself. */
  get memory(): WebAssembly.Memory {
    if (this.made === null) throw new DeviceError('memory: no WebAssembly here, got a request for its memory; expected a machine that has it');
    return this.made;
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
    this.made = new WebAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared });
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

/** Memory of the engine. */
export const heap: WasmMemory = new WasmMemory(false);

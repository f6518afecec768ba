const STORAGE = 0x80;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
const MAP_READ = 0x01;
/** Sizes are rounded up to multiples of this many bytes. */
const STEP = 256;
/** Bytes that are kept for the next results even when little is in use. */
const LEAST_KEPT = 2 ** 26;

/** Buffers by size. A training step needs the same sizes again and again. */
export class BufferPool {
  /** Bytes handed out. */
  live = 0;
  /** Bytes waiting. */
  pooled = 0;
  private readonly free = new Map<number, GPUBuffer[]>();
  private readonly readable = new Map<number, GPUBuffer[]>();
  private readonly make: (size: number, usage: number) => GPUBuffer;

  constructor(make: (size: number, usage: number) => GPUBuffer) {
    this.make = make;
  }

  /** A buffer of at least so many bytes, which may hold anything. */
  take(bytes: number): GPUBuffer {
    const size = Math.max(STEP, Math.ceil(bytes / STEP) * STEP);
    this.live += size;
    const known = this.free.get(size)?.pop();
    if (known === undefined) return this.make(size, STORAGE | COPY_SRC | COPY_DST);
    this.pooled -= size;
    return known;
  }

  /** Takes a buffer back; recorded work may still use it, what is recorded later comes after. */
  give(buffer: GPUBuffer): void {
    const { size } = buffer;
    this.live -= size;
    this.pooled += size;
    const list = this.free.get(size);
    if (list === undefined) this.free.set(size, [buffer]);
    else list.push(buffer);
  }

  /** Destroys buffers until no more wait than are in use, those of sizes not asked for lately first; recorded work must be submitted. */
  trim(): void {
    const most = Math.max(LEAST_KEPT, this.live);
    for (const [size, list] of this.free) {
      while (this.pooled > most) {
        const buffer = list.pop();
        if (buffer === undefined) break;
        buffer.destroy();
        this.pooled -= size;
      }
      if (this.pooled <= most) return;
    }
  }

  /** A buffer that can be mapped for reading. */
  staging(bytes: number): GPUBuffer {
    const size = Math.max(STEP, Math.ceil(bytes / STEP) * STEP);
    return this.readable.get(size)?.pop() ?? this.make(size, MAP_READ | COPY_DST);
  }

  /** Takes such a buffer back; of each size two are kept, and none of large ones. */
  giveStaging(buffer: GPUBuffer): void {
    const list = this.readable.get(buffer.size) ?? [];
    this.readable.set(buffer.size, list);
    if (list.length < 2 && buffer.size <= 2 ** 20) list.push(buffer);
    else buffer.destroy();
  }

  /** Destroys what waits. */
  destroy(): void {
    for (const list of [...this.free.values(), ...this.readable.values()]) for (const buffer of list) buffer.destroy();
    this.free.clear();
    this.readable.clear();
    this.pooled = 0;
  }
}

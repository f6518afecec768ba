import { type DType, type TypedArray, itemSize } from '../../dtype.ts';
import { MemoryError, StateError } from '../../errors.ts';
import { type Device, Storage } from '../../storage.ts';
import { heap } from '../wasm/kernel.ts';
import { hasSimd } from '../wasm/support.ts';
import { Block, currentPeriod, keptBlock, moveIn, youngBlock } from './block.ts';
import { allocate, liveBytes, release } from './heap.ts';

/** Results up to this size share a chunk, so that one copy moves many of them. A kept result pins no more than its chunk. */
interface ChunkSize {
  readonly largest: number;
  readonly bytes: number;
}
const tiny: ChunkSize = { largest: 64, bytes: 2048 };
const small: ChunkSize = { largest: 2048, bytes: 8192 };

/** A block that is handed out from front to back. */
interface Chunk {
  block: Block;
  used: number;
}
const noBlock = new Block(0);
const tinyChunk: Chunk = { block: noBlock, used: 0 };
const smallChunk: Chunk = { block: noBlock, used: 0 };

/** Elements on the CPU: in the kernels' memory or outside. */
export class CpuStorage extends Storage {
  /** Where the elements are, with others or alone; null for what the engine itself has made, which stays where it is until it is released. */
  private block: Block | null;
  /** Where the elements start in the block, in bytes; without a block, their address. */
  private start: number;

  constructor(dtype: DType, length: number, block: Block | null, start: number) {
    super(dtype, length);
    this.block = block;
    this.start = start;
  }

  get device(): Device {
    return cpu;
  }

  /** Where the elements lie in the kernels' memory, in bytes: they are brought in if they are out. Good until the next result is made. */
  address(): number {
    const { block } = this;
    if (block === null) return this.start;
    if (block.address === 0) return this.bringIn(block);
    block.used = currentPeriod();
    return block.address + this.start;
  }

  private bringIn({ outside }: Block): number {
    if (outside === null) throw released();
    const block = moveIn(outside, this.start, this.byteLength());
    this.block = block;
    this.start = 0;
    return block.address;
  }

  private byteLength(): number {
    return this.dtype === 'float32' ? 4 * this.length : this.length * itemSize(this.dtype);
  }

  override get cells(): TypedArray {
    const { block, length, dtype } = this;
    const outside = block === null || block.address !== 0 ? null : block.outside;
    if (block !== null && block.address === 0 && outside === null) throw released();
    const at = outside === null ? this.address() : this.start;
    const buffer = outside ?? heap.buffer;
    switch (dtype) {
      case 'float32': return new Float32Array(buffer, at, length);
      case 'float64': return new Float64Array(buffer, at, length);
      case 'int32':
      case 'int64': return new Int32Array(buffer, at, length);
      default: return new Uint8Array(buffer, at, length);
    }
  }

  override at(i: number): number {
    const { block, dtype } = this;
    if ((block !== null && block.address === 0) || dtype === 'float64') return this.cells[i];
    const at = this.address();
    if (dtype === 'float32') return heap.f32[(at >>> 2) + i];
    return dtype === 'uint8' || dtype === 'bool' ? heap.u8[at + i] : heap.i32[(at >>> 2) + i];
  }

  override release(): void {
    if (this.block === null) release(this.start, this.byteLength());
    else if (this.block.address !== 0) this.block.free();
    this.block = noBlock;
  }

  override keep(): void {
    this.temporary = false;
    if (this.block !== null) return;
    this.block = keptBlock(this.start, this.byteLength());
    this.start = 0;
  }
}

function released(): StateError {
  return new StateError('memory: the elements were released, got a read; expected a live tensor', { hint: 'this is an error of the library: please report it' });
}

/** The CPU: kernels in `core/cpu`, memory here. */
export const cpu: Device = {
  name: 'cpu',
  allocate: (dtype, length) => {
    const storage = emptyStorage(dtype, length);
    if (dtype !== 'float64') storage.cells.fill(0);
    return storage;
  },
  empty: emptyStorage,
  adopt: (dtype, cells) => {
    const block = new Block(cells.byteLength);
    block.outside = cells.buffer;
    return new CpuStorage(dtype, cells.length, block, cells.byteOffset);
  },
};

/** A storage whose contents are what the memory last held. */
function emptyStorage(dtype: DType, length: number): CpuStorage {
  const bytes = dtype === 'float32' ? 4 * length : length * itemSize(dtype);
  // No kernel works on doubles, or on anything where there is no Wasm.
  if (dtype === 'float64' || !hasSimd()) return new CpuStorage(dtype, length, outsideBlock(bytes), 0);
  if (Storage.temporaries !== null) {
    const storage = new CpuStorage(dtype, length, null, allocate(bytes));
    storage.temporary = true;
    Storage.temporaries.push(storage);
    return storage;
  }
  if (bytes > small.largest) return new CpuStorage(dtype, length, youngBlock(bytes), 0);
  const [chunk, size] = bytes <= tiny.largest ? [tinyChunk, tiny] : [smallChunk, small];
  const room = (bytes + 15) & ~15;
  if (chunk.used + room > size.bytes || chunk.block.address === 0) {
    chunk.block = youngBlock(size.bytes);
    chunk.used = 0;
  }
  const start = chunk.used;
  chunk.used += room;
  return new CpuStorage(dtype, length, chunk.block, start);
}

function outsideBlock(bytes: number): Block {
  const block = new Block(bytes);
  try {
    block.outside = new ArrayBuffer(bytes);
  } catch {
    throw new MemoryError(`memory: no room, got a request of ${bytes} bytes with ${liveBytes()} bytes of kernels' memory in use; expected a smaller tensor`, {
      values: { bytes, live: liveBytes() },
    });
  }
  return block;
}

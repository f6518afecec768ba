import { type DType, type TypedArray, itemSize } from '../../dtype.ts';
import { MemoryError } from '../../errors.ts';
import { type Device, Storage } from '../../storage.ts';
import { heap } from '../wasm/kernel.ts';
import { Block, currentPeriod, keep, moveIn, ownBlock, youngBlock } from './block.ts';
import { liveBytes } from './heap.ts';

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

/** Elements on the CPU: in the kernels' memory or outside, as `Block` says. */
export class CpuStorage extends Storage {
  readonly device: Device;
  private block: Block;
  /** Where the elements start in the block, in bytes. */
  private start: number;

  constructor(device: Device, dtype: DType, length: number, block: Block, start: number) {
    super(dtype, length);
    this.device = device;
    this.block = block;
    this.start = start;
  }

  /** Where the elements lie in the kernels' memory, in bytes: they are brought in if they are out. Good until the next result is made. */
  address(): number {
    const { block } = this;
    if (block.address === 0) return this.bringIn();
    block.used = currentPeriod();
    return block.address + this.start;
  }

  private bringIn(): number {
    const { outside } = this.block;
    if (outside === null) throw new Error('memory: a released result was read');
    this.block = moveIn(outside, this.start, this.length * itemSize(this.dtype));
    this.start = 0;
    return this.block.address;
  }

  override get cells(): TypedArray {
    const { block, start, length, dtype } = this;
    const inside = block.address !== 0;
    const buffer = inside ? heap.buffer : block.outside;
    if (buffer === null) throw new Error('memory: a released result was read');
    const at = inside ? block.address + start : start;
    if (inside) block.used = currentPeriod();
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
    if (block.address === 0 || dtype === 'float64') return this.cells[i];
    const at = block.address + this.start;
    if (dtype === 'float32') return heap.f32[(at >>> 2) + i];
    return dtype === 'uint8' || dtype === 'bool' ? heap.u8[at + i] : heap.i32[(at >>> 2) + i];
  }

  override release(): void {
    if (this.block.address !== 0) this.block.free();
    this.block = noBlock;
  }

  override keep(): void {
    if (this.temporary) keep(this.block);
    this.temporary = false;
  }
}

/** A storage whose contents are what the memory last held. */
export function emptyStorage(device: Device, dtype: DType, length: number): CpuStorage {
  const bytes = dtype === 'float32' ? 4 * length : length * itemSize(dtype);
  if (dtype === 'float64') return new CpuStorage(device, dtype, length, outsideBlock(bytes), 0);
  if (Storage.temporaries !== null) {
    const storage = new CpuStorage(device, dtype, length, ownBlock(bytes), 0);
    storage.temporary = true;
    Storage.temporaries.push(storage);
    return storage;
  }
  if (bytes > small.largest) return new CpuStorage(device, dtype, length, youngBlock(bytes), 0);
  const [chunk, size] = bytes <= tiny.largest ? [tinyChunk, tiny] : [smallChunk, small];
  const room = (bytes + 15) & ~15;
  if (chunk.used + room > size.bytes || chunk.block.address === 0) {
    chunk.block = youngBlock(size.bytes);
    chunk.used = 0;
  }
  const start = chunk.used;
  chunk.used += room;
  return new CpuStorage(device, dtype, length, chunk.block, start);
}

/** A storage that takes over an array. */
export function adoptedStorage(device: Device, dtype: DType, cells: TypedArray): CpuStorage {
  const block = new Block(cells.byteLength);
  block.outside = cells.buffer;
  return new CpuStorage(device, dtype, cells.length, block, cells.byteOffset);
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

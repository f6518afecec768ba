import { type DType, type TypedArray, itemSize } from '../../dtype.ts';
import { MemoryError, StateError } from '../../errors.ts';
import { type Device, Storage } from '../../storage.ts';
import { heap } from '../wasm/memory.ts';
import { allocate, liveBytes, release } from './heap.ts';
import { type Resident, addOld, addYoung, countReturn, currentPeriod, leaveNursery, makeRoom, moveAllOut, passEnded } from './residence.ts';

/** Results up to `SMALL` bytes share arrays of `CHUNK` bytes when they move out, since making an array costs more than filling it. What is kept pins no more. */
const SMALL = 2048;
const CHUNK = 8192;
/** Scalars and their like, which are kept more often than others, share arrays of their own. */
const TINY = 64;

/** An array that is about to be written. Node has arrays that it does not fill with zeros first, at half the cost. */
const unfilled: (bytes: number) => Uint8Array = typeof Buffer === 'function' ? (bytes) => Buffer.allocUnsafeSlow(bytes) : (bytes) => new Uint8Array(bytes);

/**
 * The most that glibc's malloc takes for a model of how much freed memory to keep for the next request: twice the largest mapping that was ever freed. Without it the arrays of what moves
 * out would be fresh pages over and over again, which cost more than their contents. The array is never touched, so it takes no memory.
 */
const MODEL = (32 << 20) - (64 << 10);
let isModelled = typeof Buffer !== 'function';

/** Shows malloc the model, once. */
function showModel(): void {
  isModelled = true;
  try {
    unfilled(MODEL);
  } catch {
    // Where there is no room for it, things go on without.
  }
}

/** An array that is handed out from front to back. */
class Chunk {
  bytes = new Uint8Array(0);
  private words = new Int32Array(0);
  private used = 0;

  /** Copies a stretch of the kernels' memory in and returns where it starts in `bytes`. */
  take(address: number, length: number): number {
    if (this.used + length > this.bytes.length) {
      this.bytes = new Uint8Array(CHUNK);
      this.words = new Int32Array(this.bytes.buffer);
      this.used = 0;
    }
    const start = this.used;
    this.used += (length + 7) & -8;
    if (length > TINY) this.bytes.set(heap.u8.subarray(address, address + length), start);
    else {
      // A call to set costs more than a few words.
      const { words } = this;
      const from = heap.i32;
      const end = (start + length + 3) >>> 2;
      for (let to = start >>> 2, i = address >>> 2; to < end; to++, i++) words[to] = from[i];
    }
    return start;
  }
}
const tinyChunk = new Chunk();
const smallChunk = new Chunk();

/** Elements on the CPU: in the kernels' memory, or out on the JavaScript heap. */
export class CpuStorage extends Storage implements Resident {
  /** Where the elements lie in the kernels' memory, in bytes; 0 when they are out. */
  address: number;
  used = 0;
  /** Where they are when they are out, and at which byte they start there. */
  private outside: ArrayBufferLike | null;
  private start: number;
  private young = false;

  constructor(dtype: DType, length: number, address: number, outside: ArrayBufferLike | null, start: number) {
    super(dtype, length);
    this.address = address;
    this.outside = outside;
    this.start = start;
  }

  get device(): Device {
    return cpu;
  }

  byteLength(): number {
    return this.dtype === 'float32' ? 4 * this.length : this.length * itemSize(this.dtype);
  }

  /** The address, for a kernel: elements that are out are brought in. Good until the next result is made. */
  locate(): number {
    this.used = currentPeriod();
    return this.address === 0 ? this.bringIn() : this.address;
  }

  private bringIn(): number {
    const { outside, start } = this;
    if (outside === null) throw gone();
    const bytes = this.byteLength();
    const address = allocate(bytes);
    heap.u8.set(new Uint8Array(outside, start, bytes), address);
    this.address = address;
    this.outside = null;
    addOld(this);
    countReturn(bytes);
    return address;
  }

  moveOut(): void {
    const { address } = this;
    const bytes = this.byteLength();
    if (bytes <= SMALL) {
      const chunk = bytes <= TINY ? tinyChunk : smallChunk;
      this.start = chunk.take(address, bytes);
      this.outside = chunk.bytes.buffer;
    } else {
      if (!isModelled) showModel();
      const copy = unfilled(bytes);
      copy.set(heap.u8.subarray(address, address + bytes));
      this.outside = copy.buffer;
      this.start = 0;
    }
    release(address, bytes);
    this.address = 0;
    this.young = false;
  }

  override get cells(): TypedArray {
    const { address, length, dtype } = this;
    const buffer = address === 0 ? this.outside : heap.buffer;
    if (buffer === null) throw gone();
    const at = address === 0 ? this.start : address;
    switch (dtype) {
      case 'float32': return new Float32Array(buffer, at, length);
      case 'float64': return new Float64Array(buffer, at, length);
      case 'int32':
      case 'int64': return new Int32Array(buffer, at, length);
      case 'uint8':
      case 'bool': return new Uint8Array(buffer, at, length);
    }
  }

  override at(i: number): number {
    const { address, dtype } = this;
    if (address === 0) return this.cells[i];
    if (dtype === 'float32') return heap.f32[(address >>> 2) + i];
    return dtype === 'uint8' || dtype === 'bool' ? heap.u8[address + i] : heap.i32[(address >>> 2) + i];
  }

  override release(): void {
    if (this.address !== 0) {
      const bytes = this.byteLength();
      release(this.address, bytes);
      if (this.young) leaveNursery(bytes);
    }
    this.address = 0;
    this.outside = null;
  }

  override keep(): void {
    if (!this.temporary) return;
    this.temporary = false;
    this.used = currentPeriod();
    addOld(this);
  }

  /** A storage whose elements are what the memory last held. */
  static empty(dtype: DType, length: number): CpuStorage {
    const bytes = dtype === 'float32' ? 4 * length : length * itemSize(dtype);
    // No kernel works on doubles.
    if (dtype === 'float64' || !heap.inUse) return new CpuStorage(dtype, length, 0, newArray(bytes), 0);
    if (Storage.temporaries !== null) {
      const storage = new CpuStorage(dtype, length, allocate(bytes), null, 0);
      storage.temporary = true;
      Storage.temporaries.push(storage);
      return storage;
    }
    makeRoom(bytes);
    const storage = new CpuStorage(dtype, length, allocateOrTidy(bytes), null, 0);
    storage.young = true;
    addYoung(storage, bytes);
    return storage;
  }
}

/** A stretch for a result; when there is none, after everything has moved out, which leaves no gaps. */
function allocateOrTidy(bytes: number): number {
  try {
    return allocate(bytes);
  } catch (error) {
    // Not while a backward pass has memory of its own.
    if (!(error instanceof MemoryError) || Storage.passes > 0) throw error;
    moveAllOut();
    return allocate(bytes);
  }
}

function gone(): StateError {
  return new StateError('memory: the elements were released, got a read; expected a live tensor', {
    hint: 'return it from the scope it was made in, or keep() it; without scope() this is an error of the library: please report it',
  });
}

function newArray(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch {
    throw new MemoryError(`memory: no room, got a request of ${bytes} bytes with ${liveBytes()} bytes of kernels' memory in use; expected a smaller tensor`, {
      values: { bytes, live: liveBytes() },
    });
  }
}

/** The CPU: kernels in `core/cpu`, memory here. */
export const cpu: Device = {
  name: 'cpu',
  allocate: (dtype, length) => {
    const storage = CpuStorage.empty(dtype, length);
    if (dtype !== 'float64') storage.cells.fill(0);
    return storage;
  },
  empty: (dtype, length) => CpuStorage.empty(dtype, length),
  adopt: (dtype, cells) => new CpuStorage(dtype, cells.length, 0, cells.buffer, cells.byteOffset),
  passEnded,
};

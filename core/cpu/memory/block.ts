import { heap } from '../wasm/kernel.ts';
import { allocate, onPressure, release, resetHeap } from './heap.ts';

/**
 * Memory that moves as one: it lies in the kernels' memory, at `address`, or out on the JavaScript heap, in `outside`, where the garbage collector
 * takes care of it. The kernels' memory is a cache: results come into being there, move out when the nursery is full, and come back when
 * a kernel needs them again; whatever nobody refers to is gone with its copy outside. So nothing is freed under a live reference, and nothing leaks,
 * without a call in user code and without finalizers (which do not run inside a synchronous loop).
 */
export class Block {
  /** Where it lies in the kernels' memory; 0 when it is out. */
  address = 0;
  readonly bytes: number;
  /** Its contents when it is out. */
  outside: ArrayBufferLike | null = null;
  /** The period in which a kernel last asked for the address. */
  used = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  /** Copies the contents out and gives the kernels' memory back. */
  moveOut(): void {
    const { address, bytes } = this;
    if (heap.shared) {
      const copy = new Uint8Array(bytes);
      copy.set(heap.u8.subarray(address, address + bytes));
      this.outside = copy.buffer;
    } else this.outside = heap.buffer.slice(address, address + bytes);
    this.free();
  }

  /** Gives the kernels' memory back; the contents are lost unless they were copied out. */
  free(): void {
    release(this.address, this.bytes);
    this.address = 0;
  }
}

/** Results that came into being since the nursery was last emptied, and their size. */
let young: Block[] = [];
let youngBytes = 0;
/** Blocks that a kernel needed again after they had been out, and others that stay long. */
let old: Block[] = [];

/** A nursery of this size fits the second-level cache; it grows while results are needed again after they had to leave. */
let nursery = 1 << 20;
const LARGEST_NURSERY = 64 << 20;

/** Number of times the nursery was emptied: the clock by which blocks grow cold. */
let period = 1;
/** Blocks that were not used for so many periods can leave when memory is short. */
const COLD = 8;
/** Bytes of the last nursery that came back. */
let cameBack = 0;

/** Blocks there were when those that have left were last struck off the list. */
let oldAtLastSweep = 0;

/** The running period, for `Block.used`. */
export function currentPeriod(): number {
  return period;
}

/** Empties the nursery: all results that are not known to be dead move out. */
export function emptyNursery(): void {
  for (const block of young) if (block.address !== 0) block.moveOut();
  young = [];
  if (cameBack > nursery >> 3 && nursery < LARGEST_NURSERY) nursery *= 2;
  youngBytes = 0;
  cameBack = 0;
  period++;
  if (old.length > 2 * oldAtLastSweep + 1000) {
    old = old.filter((block) => block.address !== 0);
    oldAtLastSweep = old.length;
  }
}

/** A block for a result of which nobody can tell how long it lives. */
export function youngBlock(bytes: number): Block {
  if (youngBytes + bytes > nursery && young.length > 0) emptyNursery();
  const block = residentBlock(allocate(bytes), bytes);
  young.push(block);
  youngBytes += bytes;
  return block;
}

function residentBlock(address: number, bytes: number): Block {
  const block = new Block(bytes);
  block.address = address;
  block.used = period;
  return block;
}

/** A block around a stretch of the kernels' memory whose owner does not look after it any more: it may move out when it grows cold. */
export function keptBlock(address: number, bytes: number): Block {
  const block = residentBlock(address, bytes);
  old.push(block);
  return block;
}

/** A block with the contents of a stretch outside, for a kernel that needs them. */
export function moveIn(outside: ArrayBufferLike, start: number, bytes: number): Block {
  const block = keptBlock(allocate(bytes), bytes);
  heap.u8.set(new Uint8Array(outside, start, bytes), block.address);
  cameBack += bytes;
  return block;
}

function moveColdOut(): void {
  const coldest = period - COLD;
  old = old.filter((block) => {
    if (block.address === 0) return false;
    if (block.used > coldest) return true;
    block.moveOut();
    return false;
  });
}

onPressure(moveColdOut);

/** Moves everything out of the kernels' memory, which is empty and can be replaced then. Not to be called while a kernel runs. */
export function moveAllOut(): void {
  emptyNursery();
  for (const block of old) if (block.address !== 0) block.moveOut();
  old = [];
  resetHeap();
}

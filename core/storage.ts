import type { DType, TypedArray } from './dtype.ts';
import { DeviceError } from './errors.ts';

let created = 0;

/**
 * A block of elements on a device, shared by a tensor and its views. The version counts in-place writes,
 * so that autograd notices when a saved value was overwritten.
 */
export abstract class Storage {
  abstract readonly device: Device;
  readonly dtype: DType;
  readonly length: number;
  /** Counts in-place writes. */
  version = 0;
  /** Order of creation; a gradient of the running backward pass is recognised by it. */
  readonly id: number = created++;
  /** True once a leaf keeps this block as its gradient. */
  claimed = false;
  /** True while the engine may release it: made by a backward pass, and not handed to anyone. */
  temporary = false;
  /** In how many places of a running backward pass it is needed. */
  holds = 0;
  /** How many recorded operations keep it for their gradients. */
  saves = 0;
  /** True once whoever made it has done with it and nobody else has it: it goes when no recorded operation keeps it. */
  discarded = false;
  /** True for what outlives the scope it was made in, whoever holds it. */
  pinned = false;
  /** What operations have made in the innermost `scope` that is open; null outside of scopes. */
  static scoped: Storage[] | null = null;
  /** What the running backward pass has made since this list was set; null when results belong to the caller. */
  static temporaries: Storage[] | null = null;
  /** Backward passes that are running, one in another. */
  static passes = 0;
  constructor(dtype: DType, length: number) {
    this.dtype = dtype;
    this.length = length;
  }
  /** Number of storages made so far. */
  static get count(): number {
    return created;
  }
  /** The elements, where they lie in JavaScript's reach. A view of them is good until the next allocation. */
  get cells(): TypedArray {
    throw new DeviceError(`${this.device.name}: elements are not on the CPU, got a read; expected a CPU tensor`, {
      hint: 'await t.cpu() first',
    });
  }
  /** A copy of the elements, for devices that answer later; what is written after the call does not show in it. */
  read(): Promise<TypedArray> {
    return Promise.resolve(this.cells.slice());
  }
  /** One element. */
  at(i: number): number {
    return this.cells[i];
  }
  /** A recorded operation does not need it any more. */
  unsave(): void {
    if (--this.saves === 0 && this.discarded) this.release();
  }
  /**
   * Says that the caller, who made it, has done with it, and that nobody else was given it or a view of it: the memory is given back as soon as no recorded
   * operation keeps it.
   */
  discard(): void {
    this.discarded = true;
    if (this.saves === 0) this.release();
  }
  /** The scope it was made in has ended. */
  leaveScope(): void {
    if (!this.pinned && !this.claimed) this.discard();
  }
  /** Gives the memory back; the elements are lost. Called only when nobody can read them any more. */
  release(): void {}
  /** The block belongs to the caller from now on; it is no longer temporary. */
  keep(): void {
    this.temporary = false;
  }
}

/** Where tensors live and kernels run. */
export interface Device {
  /** As in `tensor.to('cpu')`. */
  readonly name: string;
  /** A zeroed block. */
  allocate(dtype: DType, length: number): Storage;
  /** A block whose elements are about to be written, so that they may hold anything; by default a zeroed one. */
  empty?(dtype: DType, length: number): Storage;
  /** A block that takes over an array of elements without a copy where the device can. */
  adopt(dtype: DType, cells: TypedArray): Storage;
  /** A block of ones, each with probability `p`, and zeros, where the device draws numbers itself; the seed is two whole numbers below 2^16. */
  bernoulli?(dtype: DType, length: number, p: number, seed: readonly [number, number]): Storage;
  /** A backward pass has ended: a good moment to put memory in order. */
  passEnded?(): void;
}

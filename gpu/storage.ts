import type { DType, TypedArray } from '../core/dtype.ts';
import { makeArray } from '../core/dtype.ts';
import { StateError } from '../core/errors.ts';
import { type Device, Storage } from '../core/storage.ts';
import type { Backend, Block } from './backend.ts';
import { reclaim } from './reclaim.ts';

/** A block that goes back to its backend once. */
class Holding {
  block: Block | null = null;
  readonly backend: Backend;
  constructor(backend: Backend) {
    this.backend = backend;
  }

  give(): void {
    const { block } = this;
    this.block = null;
    if (block !== null) this.backend.free(block);
  }
}

const nothing = new WeakMap<Backend, Block>();

/** Something to bind where there is nothing to read. */
function nothingOn(backend: Backend): Block {
  let block = nothing.get(backend);
  if (block === undefined) nothing.set(backend, (block = backend.upload(new Float32Array(1))));
  return block;
}

/** What nobody holds any more gives its block back; the engine does so earlier where it knows. */
const forgotten = new FinalizationRegistry<Holding>((holding) => holding.give());

/** Elements on the device: floats, in which whole numbers are exact up to 2^24. */
export class GpuStorage extends Storage {
  readonly device: Device;
  private readonly holding: Holding;

  constructor(device: Device, backend: Backend, dtype: DType, length: number) {
    super(dtype, length);
    this.device = device;
    this.holding = new Holding(backend);
    forgotten.register(this, this.holding, this.holding);
  }

  get backend(): Backend {
    return this.holding.backend;
  }

  /** The elements. @throws StateError before anything was written, or after the release */
  get block(): Block {
    const { lost } = this.backend;
    if (lost !== null) throw lost;
    if (this.length === 0) return nothingOn(this.backend);
    const { block } = this.holding;
    if (block === null) {
      throw new StateError('gpu: there are no elements, got a read of a tensor that was not written or was released; expected a live tensor', {
        hint: 'return it from the scope it was made in, or keep() it',
      });
    }
    return block;
  }

  /** Whether there are elements. */
  get isFilled(): boolean {
    return this.holding.block !== null;
  }

  /** New elements for old. */
  replace(block: Block): void {
    this.holding.give();
    this.holding.block = block;
  }

  override async read(): Promise<TypedArray> {
    const cells = makeArray(this.dtype, this.length);
    if (this.length === 0) return cells;
    const elements = await this.backend.read(this.block);
    await reclaim(this.backend);
    if (this.dtype === 'float32') return elements;
    cells.set(elements);
    return cells;
  }

  override release(): void {
    this.holding.give();
  }
}

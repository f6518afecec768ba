import type { DType, TypedArray } from '../dtype.ts';
import type { Kernel, Primitive } from '../op.ts';
import { type Device, Storage } from '../storage.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import { expand } from '../ops/view.ts';
import { BatchedStorage, type Examples, type Randomness, all, one, write } from './batched.ts';
import { oneByOne, runBatched } from './rules.ts';

/** Runs operations for `size` examples at once on the device below. */
export class BatchedDevice implements Examples {
  readonly name = 'vmap';
  readonly size: number;
  readonly below: Device;
  readonly randomness: Randomness;

  constructor(size: number, below: Device, randomness: Randomness) {
    this.size = size;
    this.below = below;
    this.randomness = randomness;
  }

  allocate(dtype: DType, length: number): Storage {
    return this.alike(emptyTensor([length], dtype, this.below));
  }

  empty(dtype: DType, length: number): Storage {
    return new BatchedStorage(this, dtype, length);
  }

  adopt(dtype: DType, cells: TypedArray): Storage {
    return this.alike(new Tensor(this.below.adopt(dtype, cells), [cells.length]));
  }

  lifts(other: Device): boolean {
    return other === this.below || this.below.lifts?.(other) === true;
  }

  kernelOf<A>(op: Primitive<A>): Kernel<A> {
    return (outputs, inputs, attrs) => {
      const results = asOutside(() => runBatched(op, this, inputs, attrs));
      outputs.forEach((y, i) => write(y, results[i]));
    };
  }

  each(name: string, inputs: readonly Tensor[], fn: (inputs: readonly Tensor[]) => Tensor): Tensor {
    const batched = inputs.map((x) => x.device === this);
    const batch = { inputs: inputs.map((x, i) => (batched[i] ? all(x) : x)), batched, size: this.size };
    const [results] = asOutside(() => oneByOne((example) => [fn(example as readonly Tensor[])], batch, name));
    return one(this, results);
  }

  detached(x: Tensor): Tensor {
    return one(this, all(x).detach());
  }

  format(x: Tensor): string {
    return `vmap(${all(x).toString()}, examples=${this.size})`;
  }

  private alike(x: Tensor): Storage {
    return new BatchedStorage(this, x.dtype, x.shape[0], expand(x, [this.size, x.shape[0]]));
  }
}

/** What is made for all examples is not the running backward pass's to release. */
function asOutside<T>(fn: () => T): T {
  const { temporaries, scoped } = Storage;
  Storage.temporaries = null;
  Storage.scoped = null;
  try {
    return fn();
  } finally {
    Storage.temporaries = temporaries;
    Storage.scoped = scoped;
  }
}

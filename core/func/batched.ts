import type { DType, TypedArray } from '../dtype.ts';
import { StateError, show } from '../errors.ts';
import { isContiguous, numelOf, sameShape } from '../shape.ts';
import { type Device, Storage } from '../storage.ts';
import { type Layout, Tensor } from '../tensor.ts';
import { asStrided, asStridedScatter } from '../ops/strided.ts';
import { contiguous, expand, permute, reshape } from '../ops/view.ts';

// `vmap` is a device that stands on another one. A tensor on it has the shape of one example; its storage holds a tensor of the device below with all examples,
// recorded there as anything else. So views, writes in place and gradients inside the function need no rules of their own.

/** The elements of all examples. */
export class BatchedStorage extends Storage {
  readonly device: Examples;
  private held: Tensor | null;

  constructor(device: Examples, dtype: DType, length: number, value: Tensor | null = null) {
    super(dtype, length);
    this.device = device;
    this.held = value;
  }

  /** (examples, …), where what follows the examples is the storage of one in order. */
  get value(): Tensor {
    if (this.held === null) throw new StateError('vmap: a tensor was read before it was written, got an empty storage; expected values');
    return this.held;
  }

  set value(all: Tensor) {
    this.held = all;
  }

  override get cells(): TypedArray {
    throw new StateError('vmap: values cannot be read inside the function, got a read of a tensor that differs between examples; expected tensor operations', {
      hint: 'where() and masks take the place of conditions on values',
    });
  }
}

/** A device that runs operations for many examples at once on the device below. */
export interface Examples extends Device {
  /** Number of examples. */
  readonly size: number;
  readonly below: Device;
  readonly randomness: Randomness;
}

/** What operations that draw random numbers do: refuse, draw once for all examples, or for each. */
export type Randomness = 'error' | 'same' | 'different';

/** A tensor of one example from a tensor of all, the examples in front. */
export function one(device: Examples, value: Tensor): Tensor {
  const shape = value.shape.slice(1);
  return new Tensor(new BatchedStorage(device, value.dtype, numelOf(shape), value), shape);
}

/** All examples of a tensor, in front: `(examples, …)` on the device below. */
export function all(x: Tensor): Tensor {
  const storage = x.storage as BatchedStorage;
  const { value } = storage;
  const size = storage.device.size;
  const target = [size, ...x.shape];
  if (x.offset === 0 && x.numel() === storage.length && x.isContiguous()) return sameShape(value.shape, target) ? value : reshape(value, target);
  const unrepeated = x.shape.map((n, d) => (x.strides[d] === 0 ? 1 : n));
  const window = { shape: unrepeated, strides: x.strides, offset: x.offset };
  return expand(permuted(value, window, size, storage.length) ?? strided(value, window, size, storage.length), target);
}

/** A window that is the whole storage with its dimensions in another order. */
function permuted(value: Tensor, { shape, strides, offset }: Layout, size: number, length: number): Tensor | null {
  if (offset !== 0 || numelOf(shape) !== length) return null;
  const order = shape.map((_, d) => d).sort((a, b) => strides[b] - strides[a] || shape[b] - shape[a]);
  const sorted = order.map((d) => shape[d]);
  if (!isContiguous(sorted, order.map((d) => strides[d]))) return null;
  return permute(reshape(value, [size, ...sorted]), [0, ...shape.map((_, d) => 1 + order.indexOf(d))]);
}

function strided(value: Tensor, { shape, strides, offset }: Layout, size: number, length: number): Tensor {
  const flat = rowMajor(value, size, length);
  return asStrided(flat, [size, ...shape], [length, ...strides], offset);
}

/** (examples, length) from the start of a storage. */
function rowMajor(value: Tensor, size: number, length: number): Tensor {
  const flat = contiguous(reshape(value, [size, length]));
  return flat.offset === 0 ? flat : flat.clone();
}

/** Gives a tensor its elements for all examples. */
export function write(x: Tensor, result: Tensor): void {
  const storage = x.storage as BatchedStorage;
  const { size } = storage.device;
  const fitting = result.dtype === storage.dtype ? result : result.to(storage.dtype);
  const shape = [size, ...x.shape];
  if (!sameShape(fitting.shape, shape)) {
    throw new StateError(`vmap: a rule gave another shape, got ${show(fitting)}; expected [${shape.join(', ')}]`);
  }
  if (x.offset === 0 && x.numel() === storage.length && x.isContiguous()) {
    storage.value = fitting;
    return;
  }
  const flat = rowMajor(storage.value, size, storage.length);
  storage.value = asStridedScatter(flat, fitting, { shape, strides: [storage.length, ...x.strides], offset: x.offset });
}

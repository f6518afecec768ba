import { itemSize } from '../dtype.ts';
import { ArgumentError, ShapeError, StateError, show } from '../errors.ts';
import { isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { type TensorData, type TensorOptions, empty, full, ones, tensor, zeros } from './creation.ts';
import { checkTensor } from './define.ts';
import { isFloatingPoint, isNonzero, isSigned } from './facts.ts';
import { emptyStrided } from './strided.ts';
import { squeeze, t, transpose, unsqueeze } from './view.ts';

// Methods that a tensor has besides the operations: views in place, tensors like itself, and what it says of its memory.

/** Makes a tensor its own view. */
function become(name: string, x: Tensor, view: (x: Tensor) => Tensor): Tensor {
  checkTensor(name, x);
  if (x.isLeaf && x.requiresGrad && isGradEnabled()) {
    throw new StateError(`${name}: a leaf that requires grad was changed in place, got ${show(x)}; expected noGrad or the out-of-place form`);
  }
  const { shape, strides, node, outputIndex } = view(x);
  x.shape = shape;
  x.strides = strides;
  if (x.node !== null) {
    x.node = node;
    x.outputIndex = outputIndex;
  }
  x.storage.version++;
  return x;
}

/** Options of a tensor like another one. */
const like = (x: Tensor, options: TensorOptions | undefined): TensorOptions => ({ dtype: x.dtype, device: x.device, ...options });

/** The methods, which have no functions. */
export const relayoutMethods = {
  squeeze_(this: Tensor, dim?: number | readonly number[]): Tensor {
    return become('squeeze_', this, (x) => squeeze(x, dim));
  },
  unsqueeze_(this: Tensor, dim: number): Tensor {
    return become('unsqueeze_', this, (x) => unsqueeze(x, dim));
  },
  transpose_(this: Tensor, dim0: number, dim1: number): Tensor {
    return become('transpose_', this, (x) => transpose(x, dim0, dim1));
  },
  t_(this: Tensor): Tensor {
    return become('t_', this, t);
  },
  fillDiagonal_(this: Tensor, value: number, wrap = false): Tensor {
    if (typeof value !== 'number') throw new ArgumentError(`fillDiagonal_: value is not a number, got ${show(value)}; expected a number`);
    if (this.ndim < 2) throw new ShapeError(`fillDiagonal_: too few dimensions, got ${show(this)}; expected at least 2`);
    if (this.ndim > 2 && this.shape.some((n) => n !== this.shape[0])) throw new ShapeError(`fillDiagonal_: sizes differ, got ${show(this)}; expected equal sizes beyond 2 dimensions`);
    const step = this.strides.reduce((a, b) => a + b, 0);
    const [rows, columns] = this.shape;
    const along = (first: number): number => Math.max(0, Math.min(rows - first, ...this.shape.slice(1)));
    const starts = [0];
    if (wrap && this.ndim === 2) for (let at = columns + 1; at < rows; at += columns + 1) starts.push(at);
    for (const first of starts) if (along(first) > 0) this.asStrided([along(first)], [step], this.offset + first * this.strides[0]).fill_(value);
    return this;
  },
  newZeros(this: Tensor, size: readonly number[], options?: TensorOptions): Tensor {
    return zeros(size, like(this, options));
  },
  newOnes(this: Tensor, size: readonly number[], options?: TensorOptions): Tensor {
    return ones(size, like(this, options));
  },
  newEmpty(this: Tensor, size: readonly number[], options?: TensorOptions): Tensor {
    return empty(size, like(this, options));
  },
  newEmptyStrided(this: Tensor, size: readonly number[], stride: readonly number[], options?: TensorOptions): Tensor {
    return emptyStrided(size, stride, like(this, options));
  },
  newFull(this: Tensor, size: readonly number[], value: number | boolean, options?: TensorOptions): Tensor {
    return full(size, value, like(this, options));
  },
  newTensor(this: Tensor, data: TensorData, options?: TensorOptions): Tensor {
    return tensor(data, like(this, options));
  },
  stride(this: Tensor, dim?: number): number | readonly number[] {
    if (dim === undefined) return this.strides;
    const stride = this.strides.at(dim);
    if (stride === undefined) throw new ShapeError(`stride: dimension out of range, got ${show(dim)}; expected ${-this.ndim} to ${this.ndim - 1}`);
    return stride;
  },
  storageOffset(this: Tensor): number {
    return this.offset;
  },
  elementSize(this: Tensor): number {
    return itemSize(this.dtype);
  },
  isFloatingPoint(this: Tensor): boolean {
    return isFloatingPoint(this);
  },
  isSigned(this: Tensor): boolean {
    return isSigned(this);
  },
  isNonzero(this: Tensor): boolean {
    return isNonzero(this);
  },
  isSameSize(this: Tensor, other: Tensor): boolean {
    checkTensor('isSameSize', other, 'other');
    return this.ndim === other.ndim && this.shape.every((n, d) => n === other.shape[d]);
  },
};

declare module '../tensor.ts' {
  interface Tensor {
    /** Drops dimensions of size 1 from the tensor itself. @see https://pytorch.org/docs/stable/generated/torch.Tensor.squeeze_.html */
    squeeze_(dim?: number | readonly number[]): Tensor;
    /** Adds a dimension of size 1 to the tensor itself. @see https://pytorch.org/docs/stable/generated/torch.Tensor.unsqueeze_.html */
    unsqueeze_(dim: number): Tensor;
    /** Swaps two dimensions of the tensor itself. @see https://pytorch.org/docs/stable/generated/torch.Tensor.transpose_.html */
    transpose_(dim0: number, dim1: number): Tensor;
    /** Transposes the matrix itself. @see https://pytorch.org/docs/stable/generated/torch.Tensor.t_.html */
    t_(): Tensor;
    /**
     * Fills the main diagonal; of a tall matrix with `wrap` also those that begin again below it.
     *
     * @throws ShapeError for fewer than 2 dimensions, or unequal sizes beyond 2
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.fill_diagonal_.html
     */
    fillDiagonal_(value: number, wrap?: boolean): Tensor;
    /** Zeros of the dtype and device of this tensor. @see https://pytorch.org/docs/stable/generated/torch.Tensor.new_zeros.html */
    newZeros(size: readonly number[], options?: TensorOptions): Tensor;
    /** Ones of the dtype and device of this tensor. @see https://pytorch.org/docs/stable/generated/torch.Tensor.new_ones.html */
    newOnes(size: readonly number[], options?: TensorOptions): Tensor;
    /** An unfilled tensor of the dtype and device of this one. @see https://pytorch.org/docs/stable/generated/torch.Tensor.new_empty.html */
    newEmpty(size: readonly number[], options?: TensorOptions): Tensor;
    /** An unfilled tensor of the dtype and device of this one under given strides. @see https://pytorch.org/docs/stable/generated/torch.Tensor.new_empty_strided.html */
    newEmptyStrided(size: readonly number[], stride: readonly number[], options?: TensorOptions): Tensor;
    /** `value` everywhere, in the dtype and on the device of this tensor. @see https://pytorch.org/docs/stable/generated/torch.Tensor.new_full.html */
    newFull(size: readonly number[], value: number | boolean, options?: TensorOptions): Tensor;
    /** The given elements, in the dtype and on the device of this tensor. @see https://pytorch.org/docs/stable/generated/torch.Tensor.new_tensor.html */
    newTensor(data: TensorData, options?: TensorOptions): Tensor;
    /** Elements to step over per dimension, or for one. @see https://pytorch.org/docs/stable/generated/torch.Tensor.stride.html */
    stride(): readonly number[];
    stride(dim: number): number;
    /** Where the first element lies in the storage, in elements. @see https://pytorch.org/docs/stable/generated/torch.Tensor.storage_offset.html */
    storageOffset(): number;
    /** Bytes of one element in memory. @see https://pytorch.org/docs/stable/generated/torch.Tensor.element_size.html */
    elementSize(): number;
    /** True for float32 and float64. @see https://pytorch.org/docs/stable/generated/torch.Tensor.is_floating_point.html */
    isFloatingPoint(): boolean;
    /** True for dtypes with negative values. @see https://pytorch.org/docs/stable/generated/torch.Tensor.is_signed.html */
    isSigned(): boolean;
    /** Whether the single element is not 0. @throws ShapeError for more or fewer elements @see https://pytorch.org/docs/stable/generated/torch.is_nonzero.html */
    isNonzero(): boolean;
    /** Whether another tensor has the same shape. @see https://pytorch.org/docs/stable/generated/torch.Tensor.is_set_to.html */
    isSameSize(other: Tensor): boolean;
  }
}

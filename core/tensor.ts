import { getDevice } from './device.ts';
import type { Device, Storage } from './storage.ts';
import { type DType, type TypedArray, isFloat, itemSize, makeArray } from './dtype.ts';
import { DTypeError, ShapeError, StateError, show } from './errors.ts';
import { formatTensor } from './format.ts';
import { type Shape, isContiguous, numelOf, sameShape, stridesOf } from './shape.ts';
import { type Node, refreshView } from './tape.ts';
import { tracing } from './tracing.ts';

/** Nested arrays of numbers or booleans: the JavaScript form of a tensor. */
export type NestedArray = number | boolean | readonly NestedArray[];

/** How a tensor lies in its storage; the base tensor if it is a view. */
export interface Layout {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** What a view knows of the tensor it looks into, and how often that was rebased when the view's node was right. */
interface Window {
  readonly base: Tensor;
  readonly rebased: number;
}

/** What most tensors do without: an engine makes many, and small ones are quicker to make. */
interface Rare {
  gradient: Tensor | null;
  /** Whether anyone but the engine was given `gradient`, so that its memory must not be used again. */
  gradientSeen: boolean;
  accumulator: Node | null;
  retainsGrad: boolean;
  rebased: number;
  afterGrad: ((x: Tensor) => void)[] | null;
}

/**
 * An n-dimensional array of one dtype that remembers how it was computed. Operations are methods (`a.matmul(b)`) and
 * functions (`matmul(a, b)`); a trailing underscore (`a.add_(b)`) means in place.
 *
 * @see https://pytorch.org/docs/stable/tensors.html
 */
export class Tensor {
  /** The block of elements, shared with views. */
  storage: Storage;
  /** Sizes, outermost first. */
  shape: Shape;
  /** Elements to step over per dimension. */
  strides: readonly number[];
  /** Where the first element lies in the storage. */
  offset: number;
  /** The recorded operation that made this tensor, or null for a leaf. */
  node: Node | null = null;
  /** Which output of `node` this is. */
  outputIndex = 0;
  private needsGrad = false;
  private window: Window | null = null;
  private rare: Rare | null = null;

  constructor(storage: Storage, shape: Shape, strides: readonly number[] = stridesOf(shape), offset = 0) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
  }

  /** Gradient summed by `backward()`, or null. */
  get grad(): Tensor | null {
    const { rare } = this;
    if (rare === null) return null;
    rare.gradientSeen = true;
    return rare.gradient;
  }

  set grad(value: Tensor | null) {
    if (value === null && this.rare === null) return;
    const rare = this.more();
    const { gradient, gradientSeen } = rare;
    // A gradient that nobody has looked at is gone with this: its memory serves the next one.
    if (value === null && gradient !== null && !gradientSeen && gradient.storage.claimed) gradient.storage.release();
    if (value instanceof Tensor) value.storage.pinned = true;
    rare.gradient = value;
    rare.gradientSeen = value !== null;
  }

  /** What `grad` gives, for the engine, which does not keep it. */
  get gradient(): Tensor | null {
    return this.rare === null ? null : this.rare.gradient;
  }

  /** Sets `grad` to a tensor that nobody else has. */
  takeGradient(gradient: Tensor): void {
    const rare = this.more();
    rare.gradient = gradient;
    rare.gradientSeen = false;
  }

  /** The tensor that this one is a view of, or null. */
  get base(): Tensor | null {
    return this.window === null ? null : this.window.base;
  }

  /** Makes this a view of `base` as it is now: `node` is right until the base is written through another view. */
  viewOf(base: Tensor): void {
    this.window = { base, rebased: base.rebased };
  }

  /** True for a view whose base was written through another view since `node` was right. */
  get isStale(): boolean {
    const { window } = this;
    return window !== null && window.rebased !== window.base.rebased;
  }

  /** Counts recorded in-place writes through views of this tensor. */
  get rebased(): number {
    return this.rare === null ? 0 : this.rare.rebased;
  }

  set rebased(value: number) {
    this.more().rebased = value;
  }

  /** The node that sums gradients into `grad`, made on first use. */
  get accumulator(): Node | null {
    return this.rare === null ? null : this.rare.accumulator;
  }

  set accumulator(value: Node | null) {
    this.more().accumulator = value;
  }

  /** True when a non-leaf tensor keeps its gradient. */
  get retainsGrad(): boolean {
    return this.rare !== null && this.rare.retainsGrad;
  }

  set retainsGrad(value: boolean) {
    this.more().retainsGrad = value;
  }

  /** What is called after a gradient was summed into `grad`; null for nothing. */
  get afterGrad(): ((x: Tensor) => void)[] | null {
    return this.rare === null ? null : this.rare.afterGrad;
  }

  set afterGrad(hooks: ((x: Tensor) => void)[] | null) {
    this.more().afterGrad = hooks;
  }

  private more(): Rare {
    return (this.rare ??= { gradient: null, gradientSeen: false, accumulator: null, retainsGrad: false, rebased: 0, afterGrad: null });
  }

  /** Element type. */
  get dtype(): DType {
    return this.storage.dtype;
  }

  /** Where the elements live. */
  get device(): Device {
    return this.storage.device;
  }

  /** Bytes of one element. @see https://pytorch.org/docs/stable/generated/torch.Tensor.itemsize.html */
  get itemsize(): number {
    return itemSize(this.dtype);
  }

  /** Bytes of all elements. @see https://pytorch.org/docs/stable/generated/torch.Tensor.nbytes.html */
  get nbytes(): number {
    return this.numel() * this.itemsize;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** True for tensors that no recorded operation made. */
  get isLeaf(): boolean {
    return !this.requiresGrad || this.node === null;
  }

  /** Whether operations on this tensor are recorded. Settable on leaves of a float dtype. */
  get requiresGrad(): boolean {
    if (this.window !== null && this.isStale) refreshView(this, this.window.base);
    return this.needsGrad || this.node !== null;
  }

  set requiresGrad(value: boolean) {
    if (typeof value !== 'boolean') {
      throw new DTypeError(`requiresGrad: not a boolean, got ${show(value)}; expected true or false`);
    }
    if (value && !isFloat(this.dtype)) {
      throw new DTypeError(`requiresGrad: only floats carry gradients, got ${show(this)}; expected float32 or float64`);
    }
    if (!value && this.node !== null) {
      throw new StateError('requiresGrad: a recorded result always requires grad, got false; expected a leaf', {
        hint: 'use detach() for a tensor without history',
      });
    }
    this.needsGrad = value;
  }

  /** Sets `requiresGrad` and returns the tensor. */
  requiresGrad_(value = true): this {
    this.requiresGrad = value;
    return this;
  }

  /** Cuts the tensor itself loose from its history; later writes and reads are not recorded. */
  detach_(): this {
    if (this.base !== null) throw new StateError('detach_: the tensor is a view, got a view; expected a tensor of its own', { hint: 'use detach()' });
    this.node = null;
    this.outputIndex = 0;
    this.needsGrad = false;
    return this;
  }

  /** Number of elements. */
  numel(): number {
    return numelOf(this.shape);
  }

  /** All sizes, or the size of one dimension (negative from the end). */
  size(): Shape;
  size(dim: number): number;
  size(dim?: number): Shape | number {
    if (dim === undefined) return this.shape;
    const size = this.shape.at(dim);
    if (size === undefined) {
      throw new ShapeError(`size: dimension out of range, got ${dim}; expected ${-this.ndim} to ${this.ndim - 1}`);
    }
    return size;
  }

  /** Number of dimensions, as a method. */
  dim(): number {
    return this.shape.length;
  }

  /** The transpose of a matrix, as a view; fewer dimensions stay. @see https://pytorch.org/docs/stable/tensors.html#torch.Tensor.T */
  get T(): Tensor {
    return this.t();
  }

  /** Every matrix of a batch transposed: the last two dimensions swapped, as a view. @see https://pytorch.org/docs/stable/tensors.html#torch.Tensor.mT */
  get mT(): Tensor {
    return this.transpose(-2, -1);
  }

  /** True where elements lie in row-major order without gaps. */
  isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  /**
   * The value of a tensor of one element.
   *
   * @throws ShapeError when there are more or fewer; DeviceError when it is not on the CPU
   */
  item(): number {
    if (this.numel() !== 1) {
      throw new ShapeError(`item: not a single element, got ${show(this)}; expected one element`, { hint: 'array() or data() read many' });
    }
    if (tracing !== null) tracing.reading(this);
    return this.storage.at(this.offset);
  }

  /** A copy of the elements in row-major order, in the typed array of the dtype (int64 as Int32Array, bool as Uint8Array). */
  data(): TypedArray {
    if (tracing !== null) tracing.reading(this);
    const { cells } = this.storage;
    const n = this.numel();
    if (this.isContiguous()) return cells.slice(this.offset, this.offset + n);
    const out = makeArray(this.dtype, n);
    const { shape, strides } = this;
    const index = new Array<number>(shape.length).fill(0);
    let at = this.offset;
    for (let i = 0; i < n; i++) {
      out[i] = cells[at];
      for (let d = shape.length - 1; d >= 0; d--) {
        at += strides[d];
        if (++index[d] < shape[d]) break;
        at -= strides[d] * shape[d];
        index[d] = 0;
      }
    }
    return out;
  }

  /** The elements as nested arrays: numbers, or booleans for bool. A scalar gives the bare value. */
  array(): NestedArray {
    const flat = this.data();
    const bool = this.dtype === 'bool';
    let at = 0;
    const build = (dim: number): NestedArray => {
      if (dim === this.shape.length) return bool ? flat[at++] !== 0 : flat[at++];
      return Array.from({ length: this.shape[dim] }, () => build(dim + 1));
    };
    return build(0);
  }

  /**
   * Takes over storage and layout of another tensor, in place: whoever holds this tensor sees the new elements, dtype
   * and device. Used by `Module.to`, by loading and by swapping averages.
   *
   * @throws StateError when this tensor has recorded history or is a view
   */
  assign_(source: Layout & { readonly storage: Storage }): this {
    if (this.node !== null || this.base !== null) {
      throw new StateError(`assign_: the tensor has history, got ${show(this)}; expected a leaf that is no view`);
    }
    if (this.needsGrad && !isFloat(source.storage.dtype)) {
      throw new DTypeError(`assign_: only floats carry gradients, got ${source.storage.dtype}; expected float32 or float64`);
    }
    const changes = source.storage.dtype !== this.dtype || source.storage.device !== this.device || !sameShape(source.shape, this.shape);
    if (changes) this.grad = null;
    source.storage.pinned = true;
    this.storage = source.storage;
    this.shape = source.shape;
    this.strides = source.strides;
    this.offset = source.offset;
    return this;
  }

  /** PyTorch's print form: `tensor([[1., 2.], [3., 4.]])`. */
  toString(): string {
    return this.device.format === undefined ? formatTensor(this) : this.device.format(this);
  }
}

// What Node prints for console.log(tensor).
Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Tensor): string {
    return this.toString();
  },
});

/** A fresh, zeroed tensor. */
export function emptyTensor(shape: Shape, dtype: DType, device: Device | string): Tensor {
  return new Tensor(getDevice(device).allocate(dtype, numelOf(shape)), shape);
}

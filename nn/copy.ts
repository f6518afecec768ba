import { Storage } from '../core/storage.ts';
import { ArgumentError, StateError, show } from '../core/errors.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';

/**
 * Key of a method by which an object copies itself: `[cloneHook](copier)` returns the copy. Needed by classes with `#private` fields, which
 * nobody else can see.
 */
export const cloneHook: unique symbol = Symbol.for('polyak.clone');

/** What a `[cloneHook]` method gets. */
export interface Copier {
  /** The deep copy of a value within the running copy: what was copied before is found again. */
  copy<T>(value: T): T;
  /** Announces the copy of an object before its parts are copied, for parts that refer back to it. */
  remember(original: object, copied: object): void;
}

/** An object that copies itself. */
export interface Cloneable {
  [cloneHook](copier: Copier): object;
}

function isCloneable(value: object): value is Cloneable {
  return cloneHook in value && typeof value[cloneHook] === 'function';
}

/** Devices are by reference: tensors are compared by the device they are on. */
function isDevice(value: object): boolean {
  return 'allocate' in value && typeof value.allocate === 'function' && 'adopt' in value && typeof value.adopt === 'function';
}

const byteViews = [
  Float32Array, Float64Array, Int32Array, Uint8Array, Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Uint32Array, BigInt64Array, BigUint64Array,
] as const;

/** One deep copy: the memo, and the objects that were made but not yet filled. */
class DeepCopy implements Copier {
  private readonly memo = new Map<object, object>();
  private todo: (() => void)[] = [];

  /** Objects are made when first met and filled one after the other, so that long chains need no deep stack. */
  copy<T>(value: T): T {
    const outer = this.todo;
    const jobs: (() => void)[] = [];
    this.todo = jobs;
    try {
      const result = this.made(value);
      for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) job();
      return result;
    } finally {
      this.todo = outer;
    }
  }

  remember(original: object, copied: object): void {
    this.memo.set(original, copied);
  }

  /** The copy of a value, possibly not filled yet. */
  private made<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return value;
    const before = this.memo.get(value);
    if (before !== undefined) return before as T & object;
    const copied = this.make(value);
    this.memo.set(value, copied);
    return copied as T & object;
  }

  private make(value: object): object {
    if (isCloneable(value)) return this.byHook(value);
    if (value instanceof Tensor) return this.tensor(value);
    if (value instanceof Storage) return copyStorage(value);
    if (isDevice(value)) return value;
    if (Array.isArray(value)) return this.array(value);
    if (value instanceof Map) return this.map(value);
    if (value instanceof Set) return this.set(value);
    if (value instanceof Date) return this.filled(value, new Date(value.getTime()));
    if (value instanceof RegExp) return this.filled(value, new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return value.slice(0);
    if (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer) return value.slice(0);
    if (ArrayBuffer.isView(value)) return this.bytes(value);
    refuseOpaque(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    return this.filled(value, Object.create(prototype as object | null) as object);
  }

  private byHook(value: Cloneable): object {
    const copied: unknown = value[cloneHook](this);
    if (typeof copied !== 'object' || copied === null) {
      throw new ArgumentError(`deepCopy: [cloneHook] of ${show(value)} gave no object, got ${show(copied)}; expected the copy`);
    }
    return copied;
  }

  private tensor(x: Tensor): Tensor {
    if (x.requiresGrad && !x.isLeaf) {
      throw new StateError(`deepCopy: the tensor has recorded history, got ${show(x)} made by ${x.node?.name ?? 'an operation'}; expected a leaf`, {
        hint: 'detach() it first',
      });
    }
    const made = Reflect.construct(Tensor, [this.made(x.storage), [...x.shape], [...x.strides], x.offset], x.constructor) as Tensor;
    made.requiresGrad = x.requiresGrad;
    return this.filled(x, made);
  }

  private array(value: readonly unknown[]): unknown[] {
    const copied = adoptPrototype(value, new Array<unknown>(value.length));
    this.todo.push(() => {
      if (isPlainArray(value)) for (let i = 0; i < value.length; i++) copied[i] = this.made(value[i]);
      else this.fill(value, copied);
      keepLock(value, copied);
    });
    return copied;
  }

  private map(value: ReadonlyMap<unknown, unknown>): object {
    const copied = adoptPrototype(value, new Map<unknown, unknown>());
    this.todo.push(() => {
      for (const [k, v] of value) Map.prototype.set.call(copied, this.made(k), this.made(v));
    });
    return this.filled(value, copied);
  }

  private set(value: ReadonlySet<unknown>): object {
    const copied = adoptPrototype(value, new Set<unknown>());
    this.todo.push(() => {
      for (const v of value) Set.prototype.add.call(copied, this.made(v));
    });
    return this.filled(value, copied);
  }

  /** Views of one ArrayBuffer stay views of one ArrayBuffer. */
  private bytes(value: ArrayBufferView): object {
    const buffer = this.made(value.buffer);
    if (value instanceof DataView) return new DataView(buffer, value.byteOffset, value.byteLength);
    const kind = byteViews.find((view) => value instanceof view);
    if (kind === undefined) throw new ArgumentError(`deepCopy: unknown view of bytes, got ${show(value)}; expected a typed array or DataView`);
    const length = value.byteLength / kind.BYTES_PER_ELEMENT;
    return Reflect.construct(kind, [buffer, value.byteOffset, length], value.constructor) as object;
  }

  private filled<T extends object>(value: object, copied: T): T {
    this.todo.push(() => {
      this.fill(value, copied);
      keepLock(value, copied);
    });
    return copied;
  }

  /** Own properties with their descriptors; what the copy's constructor has set stays. */
  private fill(value: object, copied: object): void {
    const isTensor = value instanceof Tensor;
    for (const key of Reflect.ownKeys(value)) {
      if (isTensor ? Object.hasOwn(copied, key) : key === 'length' && Array.isArray(value)) continue;
      const descriptor = Object.getOwnPropertyDescriptor(value, key);
      if (descriptor === undefined) continue;
      if ('value' in descriptor) descriptor.value = this.made<unknown>(descriptor.value);
      Object.defineProperty(copied, key, descriptor);
    }
  }
}

/** True for arrays that have their elements and nothing else. */
function isPlainArray(value: readonly unknown[]): boolean {
  if (Object.isFrozen(value)) return false;
  const names = Reflect.ownKeys(value);
  return names.length === value.length + 1 && names[value.length] === 'length';
}

function adoptPrototype<T extends object>(value: object, copied: T): T {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Object.getPrototypeOf(copied) !== prototype) Object.setPrototypeOf(copied, prototype as object | null);
  return copied;
}

/** Frozen, sealed and closed objects stay so. */
function keepLock(value: object, copied: object): void {
  if (Object.isExtensible(value)) return;
  if (Object.isFrozen(value)) Object.freeze(copied);
  else if (Object.isSealed(value)) Object.seal(copied);
  else Object.preventExtensions(copied);
}

const opaque = /^(Promise|Weak(Map|Set|Ref)|(Async)?Generator|.* Iterator)$/;

/** The engine keeps these values' contents to itself. */
function refuseOpaque(value: object): void {
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (!opaque.test(tag)) return;
  throw new StateError(`deepCopy: a value cannot be copied, got a ${tag}; expected data, tensors or objects with a [cloneHook] method`, {
    hint: 'keep it outside the copied object, or give its owner a [cloneHook] method',
  });
}

/** The same elements in a block of its own, on the same device. */
function copyStorage(storage: Storage): Storage {
  return noGrad(() => new Tensor(storage, [storage.length]).clone().storage);
}

/**
 * A deep copy of a Module or of any tree of values, with one memo: tied tensors stay tied, tensors that share memory share memory inside the
 * copy, cycles close inside the copy. Copied are arrays, Maps, Sets, typed arrays and their buffers, Dates, and instances of any class with
 * prototype, property descriptors and symbol keys. Functions and devices go by reference, gradients are left behind, `requiresGrad` and
 * subclasses of Tensor are kept. Objects with `#private` fields need a `[cloneHook]` method.
 *
 * @param value - what to copy
 * @returns the copy; it shares no memory with `value`
 * @throws StateError for a tensor with recorded history, and for Promises, WeakMaps and their like
 * @see https://docs.python.org/3/library/copy.html#copy.deepcopy
 */
export function deepCopy<T>(value: T): T {
  return new DeepCopy().copy(value);
}

import { ArgumentError, DTypeError, MemoryError, show } from './errors.ts';

/**
 * The element types a tensor can have. `float32` is the default; `int64` is kept as 32-bit integers in
 * memory (values are range-checked) and written as 64-bit integers on disk; `bool` is kept as bytes.
 */
export type DType = 'float32' | 'float64' | 'int32' | 'int64' | 'uint8' | 'bool';

/** The arrays that hold elements in memory. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

type Category = 0 | 1 | 2; // bool < integer < float: PyTorch's promotion categories

interface DTypeInfo {
  readonly make: (length: number) => TypedArray;
  readonly bytes: number;
  readonly category: Category;
  /** Order inside the category. */
  readonly rank: number;
  readonly min: number;
  readonly max: number;
}

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

const table: Readonly<Record<DType, DTypeInfo>> = {
  bool: { make: (n) => new Uint8Array(n), bytes: 1, category: 0, rank: 0, min: 0, max: 1 },
  uint8: { make: (n) => new Uint8Array(n), bytes: 1, category: 1, rank: 1, min: 0, max: 255 },
  int32: { make: (n) => new Int32Array(n), bytes: 4, category: 1, rank: 2, min: INT32_MIN, max: INT32_MAX },
  int64: { make: (n) => new Int32Array(n), bytes: 4, category: 1, rank: 3, min: INT32_MIN, max: INT32_MAX },
  float32: { make: (n) => new Float32Array(n), bytes: 4, category: 2, rank: 4, min: -3.4028234663852886e38, max: 3.4028234663852886e38 },
  float64: { make: (n) => new Float64Array(n), bytes: 8, category: 2, rank: 5, min: -Number.MAX_VALUE, max: Number.MAX_VALUE },
};

/** Dtypes of floats. */
export type FloatDType = 'float32' | 'float64';

let standard: FloatDType = 'float32';

/** The dtype of new float tensors, and of numbers with a fraction among integers. @see https://pytorch.org/docs/stable/generated/torch.get_default_dtype.html */
export function getDefaultDtype(): FloatDType {
  return standard;
}

/**
 * Sets the dtype of new float tensors (`zeros`, `tensor([1.5])`, `new Linear(…)`), and of what integers become where floats are needed.
 *
 * @param dtype - 'float32' (the default) or 'float64'
 * @throws DTypeError for other dtypes
 * @see https://pytorch.org/docs/stable/generated/torch.set_default_dtype.html
 */
export function setDefaultDtype(dtype: FloatDType): void {
  if (dtype !== 'float32' && dtype !== 'float64') throw new DTypeError(`setDefaultDtype: not a float dtype, got ${show(dtype)}; expected float32 or float64`);
  standard = dtype;
}

/** All dtypes, in order of promotion. */
export const dtypes: readonly DType[] = ['bool', 'uint8', 'int32', 'int64', 'float32', 'float64'];

/** Bytes of one element in memory. */
export function itemSize(dtype: DType): number {
  return table[dtype].bytes;
}

/** A zeroed array for `length` elements. @throws MemoryError when there is no room */
export function makeArray(dtype: DType, length: number): TypedArray {
  try {
    return table[dtype].make(length);
  } catch {
    throw new MemoryError(`memory: no room for an array, got ${length} elements of ${dtype}; expected a smaller tensor`, { values: { bytes: length * itemSize(dtype) } });
  }
}

/** True for float32 and float64: the dtypes that carry gradients. */
export function isFloat(dtype: DType): boolean {
  return table[dtype].category === 2;
}

/** True for uint8, int32 and int64. */
export function isInteger(dtype: DType): boolean {
  return table[dtype].category === 1;
}

/** Smallest and largest finite value of a dtype. */
export function range(dtype: DType): { readonly min: number; readonly max: number } {
  return table[dtype];
}

/**
 * The dtype that holds both, by PyTorch's rules (`torch.promote_types`).
 *
 * @see https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
 */
export function promoteTypes(a: DType, b: DType): DType {
  return table[a].rank >= table[b].rank ? a : b;
}

/** What promotion looks at: a number, or something with a dtype and a shape. */
export type Promotable = number | boolean | { readonly dtype: DType; readonly shape: readonly number[] };

/**
 * The dtype of an operation on tensors and numbers (`torch.result_type`): tensors with dimensions decide;
 * tensors without, and after them plain numbers, count only where their category (bool, integer, float) is higher.
 * A plain number counts as an integer when it has no fraction, since JavaScript does not keep `2` and `2.0` apart.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.result_type.html
 */
export function resultType(...operands: readonly Promotable[]): DType {
  let full: DType | undefined;
  let scalar: DType | undefined;
  let number: DType | undefined;
  for (const x of operands) {
    if (typeof x === 'number') number = merge(number, Number.isInteger(x) ? 'int64' : standard);
    else if (typeof x === 'boolean') number = merge(number, 'bool');
    else if (x.shape.length > 0) full = merge(full, x.dtype);
    else scalar = merge(scalar, x.dtype);
  }
  return raise(raise(full, scalar), number) ?? standard;
}

function merge(a: DType | undefined, b: DType): DType {
  return a === undefined ? b : promoteTypes(a, b);
}

/** `b` wins only where its category is higher. */
function raise(a: DType | undefined, b: DType | undefined): DType | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return table[b].category > table[a].category ? b : a;
}

/** Integers and bool become the default dtype; floats stay: the rule of `exp`, `div`, `mean` and their like. */
export function toFloat(dtype: DType): DType {
  return isFloat(dtype) ? dtype : standard;
}

/** Limits of a float dtype. @see https://pytorch.org/docs/stable/type_info.html#torch.finfo */
export interface FloatInfo {
  readonly dtype: FloatDType;
  readonly bits: number;
  /** Distance from 1 to the next larger value. */
  readonly eps: number;
  readonly min: number;
  readonly max: number;
  /** Smallest positive normal value. */
  readonly tiny: number;
  readonly smallestNormal: number;
  /** Decimal digits that survive. */
  readonly resolution: number;
}

/** Limits of a float dtype; of the default dtype without an argument. @throws DTypeError for others @see https://pytorch.org/docs/stable/type_info.html#torch.finfo */
export function finfo(dtype: DType = standard): FloatInfo {
  checkDType('finfo', dtype);
  if (dtype !== 'float32' && dtype !== 'float64') throw new DTypeError(`finfo: not a float dtype, got ${dtype}; expected float32 or float64`, { hint: 'iinfo() knows integers' });
  const { min, max, bytes } = table[dtype];
  const tiny = dtype === 'float32' ? 2 ** -126 : 2 ** -1022;
  return { dtype, bits: 8 * bytes, eps: dtype === 'float32' ? 2 ** -23 : 2 ** -52, min, max, tiny, smallestNormal: tiny, resolution: dtype === 'float32' ? 1e-6 : 1e-15 };
}

/** Limits of an integer dtype. @see https://pytorch.org/docs/stable/type_info.html#torch.iinfo */
export interface IntegerInfo {
  readonly dtype: DType;
  /** On disk; int64 is held in 32 bits. */
  readonly bits: number;
  readonly min: number;
  readonly max: number;
}

/** Limits of an integer dtype; those of int64 are what it holds in memory, 32 bits. @throws DTypeError for others @see https://pytorch.org/docs/stable/type_info.html#torch.iinfo */
export function iinfo(dtype: DType): IntegerInfo {
  checkDType('iinfo', dtype);
  if (!isInteger(dtype)) throw new DTypeError(`iinfo: not an integer dtype, got ${dtype}; expected uint8, int32 or int64`, { hint: 'finfo() knows floats' });
  const { min, max, bytes } = table[dtype];
  return { dtype, bits: dtype === 'int64' ? 64 : 8 * bytes, min, max };
}

/** True where PyTorch lets a value of `from` be stored in a tensor of `to` (`torch.can_cast`). */
export function canCast(from: DType, to: DType): boolean {
  return table[from].category <= table[to].category;
}

/** Refuses names that are no dtype. */
export function checkDType(op: string, dtype: unknown): asserts dtype is DType {
  if (typeof dtype !== 'string' || !Object.hasOwn(table, dtype)) {
    throw new ArgumentError(`${op}: unknown dtype, got ${show(dtype)}; expected one of ${dtypes.join(', ')}`);
  }
}

/** Refuses integers outside the range of an integer dtype, so that nothing wraps around unseen. */
export function checkRange(op: string, value: number, dtype: DType): void {
  const { min, max } = table[dtype];
  if (!isFloat(dtype) && !(value >= min && value <= max)) {
    const hint = dtype === 'int64' ? { hint: 'int64 is kept as 32-bit integers in memory; use float64 for larger whole numbers' } : {};
    throw new DTypeError(`${op}: value does not fit ${dtype}, got ${value}; expected ${min} to ${max}`, { values: { value, dtype }, ...hint });
  }
}

import { type DType, type TypedArray, isFloat } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { hostIsLittle, orderBytes } from './endian.ts';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './half.ts';

/** Element types of a safetensors file that can be read. */
export type FileDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U64' | 'U32' | 'U16' | 'U8' | 'BOOL';

interface Codec {
  /** Bytes of one element in the file. */
  readonly bytes: number;
  /** The dtype in memory. */
  readonly dtype: DType;
  /** Elements from bytes in the machine's order that nobody else holds. */
  readonly decode: (bytes: Uint8Array, where: string) => TypedArray;
}

const float64 = (b: Uint8Array): Float64Array => new Float64Array(b.buffer, b.byteOffset, b.length / 8);
const float32 = (b: Uint8Array): Float32Array => new Float32Array(b.buffer, b.byteOffset, b.length / 4);
const int32 = (b: Uint8Array): Int32Array => new Int32Array(b.buffer, b.byteOffset, b.length / 4);
const int16 = (b: Uint8Array): Int16Array => new Int16Array(b.buffer, b.byteOffset, b.length / 2);
const uint16 = (b: Uint8Array): Uint16Array => new Uint16Array(b.buffer, b.byteOffset, b.length / 2);

const codecs: Readonly<Record<FileDType, Codec>> = {
  F64: { bytes: 8, dtype: 'float64', decode: float64 },
  F32: { bytes: 4, dtype: 'float32', decode: float32 },
  F16: { bytes: 2, dtype: 'float32', decode: (b) => float16ToFloat32(uint16(b)) },
  BF16: { bytes: 2, dtype: 'float32', decode: (b) => bfloat16ToFloat32(uint16(b)) },
  I64: { bytes: 8, dtype: 'int64', decode: (b, where) => narrow64(b, where, 'I64') },
  I32: { bytes: 4, dtype: 'int32', decode: int32 },
  I16: { bytes: 2, dtype: 'int32', decode: (b) => new Int32Array(int16(b)) },
  I8: { bytes: 1, dtype: 'int32', decode: (b) => new Int32Array(new Int8Array(b.buffer, b.byteOffset, b.length)) },
  U64: { bytes: 8, dtype: 'int64', decode: (b, where) => narrow64(b, where, 'U64') },
  U32: { bytes: 4, dtype: 'int64', decode: narrowUnsigned32 },
  U16: { bytes: 2, dtype: 'int32', decode: (b) => new Int32Array(uint16(b)) },
  U8: { bytes: 1, dtype: 'uint8', decode: (b) => b },
  BOOL: { bytes: 1, dtype: 'bool', decode: checkBool },
};

/** Names of the element types that can be read. */
export const fileDTypes: readonly string[] = Object.keys(codecs);

/** True for the name of an element type that can be read. */
export function isFileDType(name: string): name is FileDType {
  return Object.hasOwn(codecs, name);
}

/** Bytes of one element in the file. */
export function fileItemSize(dtype: FileDType): number {
  return codecs[dtype].bytes;
}

// Where the low and the high half of a 64-bit integer lie.
const LOW = hostIsLittle ? 0 : 1;
const HIGH = 1 - LOW;

/** 64-bit integers as the 32-bit ones that int64 is kept as. */
function narrow64(bytes: Uint8Array, where: string, name: 'I64' | 'U64'): Int32Array {
  const words = int32(bytes);
  const out = new Int32Array(words.length / 2);
  for (let i = 0; i < out.length; i++) {
    const low = words[2 * i + LOW];
    const high = words[2 * i + HIGH];
    if (high !== low >> 31 || (low < 0 && name === 'U64')) {
      const value = (BigInt(high) << 32n) | BigInt(low >>> 0);
      throw tooLarge(where, name, name === 'U64' ? BigInt.asUintN(64, value) : value);
    }
    out[i] = low;
  }
  return out;
}

/** 32-bit integers as 64-bit ones. */
function widen64(cells: TypedArray): Int32Array {
  const words = new Int32Array(cells.length * 2);
  for (let i = 0; i < cells.length; i++) {
    words[2 * i + LOW] = cells[i];
    words[2 * i + HIGH] = cells[i] >> 31;
  }
  return words;
}

function narrowUnsigned32(bytes: Uint8Array, where: string): Int32Array {
  const out = int32(bytes);
  for (let i = 0; i < out.length; i++) if (out[i] < 0) throw tooLarge(where, 'U32', BigInt(out[i] >>> 0));
  return out;
}

function tooLarge(where: string, name: FileDType, value: bigint): DTypeError {
  return new DTypeError(`${where}: value does not fit int64 in memory, got ${value} (${name}); expected -2147483648 to 2147483647`, {
    values: { value, dtype: name },
    hint: 'int64 is kept as 32-bit integers in memory; store larger whole numbers as F64',
  });
}

function checkBool(bytes: Uint8Array, where: string): Uint8Array {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] > 1) throw new DTypeError(`${where}: not a boolean, got byte ${bytes[i]} (BOOL); expected 0 or 1`, { values: { value: bytes[i] } });
  }
  return bytes;
}

/**
 * Elements and dtype in memory of a tensor in a file.
 *
 * @param bytes - the bytes of the tensor, aligned to 8 and held by nobody else: they may be taken over or reordered
 * @param where - who asks and which tensor, for messages
 */
export function decodeElements(dtype: FileDType, bytes: Uint8Array, where: string): { readonly dtype: DType; readonly cells: TypedArray } {
  const codec = codecs[dtype];
  return { dtype: codec.dtype, cells: codec.decode(orderBytes(bytes, codec.bytes, 'little'), where) };
}

/** Element types in which floats can be written. */
export type FloatFileDType = 'float64' | 'float32' | 'float16' | 'bfloat16';

const floats: Readonly<Record<FloatFileDType, FileDType>> = { float64: 'F64', float32: 'F32', float16: 'F16', bfloat16: 'BF16' };
const natural: Readonly<Record<DType, FileDType>> = { float64: 'F64', float32: 'F32', int64: 'I64', int32: 'I32', uint8: 'U8', bool: 'BOOL' };

/** Names of the element types in which floats can be written. */
export const floatFileDTypes: readonly string[] = Object.keys(floats);

/** The element type a tensor gets in a file: its own, except that floats take `float` when it is given. */
export function fileDTypeOf(dtype: DType, float: FloatFileDType | undefined): FileDType {
  return float !== undefined && isFloat(dtype) ? floats[float] : natural[dtype];
}

/** The elements of a tensor as little-endian bytes. */
export function encodeElements(x: Tensor, dtype: FileDType): Uint8Array {
  const cells = toFileCells(x.data(), dtype);
  return orderBytes(new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength), codecs[dtype].bytes, 'little');
}

function toFileCells(cells: TypedArray, dtype: FileDType): TypedArray | Uint16Array {
  if (dtype === 'I64') return widen64(cells);
  if (dtype === 'F64') return cells instanceof Float64Array ? cells : new Float64Array(cells);
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') return cells;
  const single = cells instanceof Float32Array ? cells : new Float32Array(cells);
  return dtype === 'F32' ? single : dtype === 'F16' ? float32ToFloat16(single) : float32ToBfloat16(single);
}

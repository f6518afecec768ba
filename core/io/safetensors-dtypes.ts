import { type DType, type TypedArray, isFloat } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { hostIsLittle, orderBytes } from './endian.ts';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './half.ts';
import { type SmallFloat, float8ToFloat32, scaleToFloat32 } from './small-floats.ts';

/** Element types of a safetensors file. */
export type FileDType =
  | 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U64' | 'U32' | 'U16' | 'U8' | 'BOOL'
  | SmallFloat | 'F8_E8M0' | 'C64' | 'F6_E2M3' | 'F6_E3M2' | 'F4';

/** Elements as a file has them: 64-bit integers as such, halves and smaller floats as their bits, complex numbers as pairs. */
export type FileCells = TypedArray | BigInt64Array | BigUint64Array | Uint32Array | Int16Array | Uint16Array | Int8Array;

interface Codec {
  /** Bits of one element in the file. */
  readonly bits: number;
  /** Bytes whose order is that of the machine. */
  readonly word: number;
  /** The dtype in memory; null for types that tensors cannot hold. */
  readonly dtype: DType | null;
  /** Elements as they are, from bytes in the machine's order. */
  readonly view: (bytes: Uint8Array) => FileCells;
  /** Elements of the dtype in memory, from bytes in the machine's order that nobody else holds. */
  readonly decode: (bytes: Uint8Array, where: string) => TypedArray;
}

const float64 = (b: Uint8Array): Float64Array => new Float64Array(b.buffer, b.byteOffset, b.length / 8);
const float32 = (b: Uint8Array): Float32Array => new Float32Array(b.buffer, b.byteOffset, b.length / 4);
const int32 = (b: Uint8Array): Int32Array => new Int32Array(b.buffer, b.byteOffset, b.length / 4);
const int16 = (b: Uint8Array): Int16Array => new Int16Array(b.buffer, b.byteOffset, b.length / 2);
const uint16 = (b: Uint8Array): Uint16Array => new Uint16Array(b.buffer, b.byteOffset, b.length / 2);
const int8 = (b: Uint8Array): Int8Array => new Int8Array(b.buffer, b.byteOffset, b.length);
const uint8 = (b: Uint8Array): Uint8Array => b;

function codec<T extends FileCells>(bits: number, dtype: DType, view: (b: Uint8Array) => T, decode: (cells: T, where: string) => TypedArray): Codec {
  return { bits, word: bits / 8, dtype, view, decode: (b, where) => decode(view(b), where) };
}

const same = <T extends TypedArray>(cells: T): T => cells;

const small = (name: SmallFloat): Codec => codec(8, 'float32', uint8, (b) => float8ToFloat32(b, name));

function unheld(name: string, bits: number, word: number, view: (b: Uint8Array) => FileCells): Codec {
  return {
    bits, word, dtype: null, view,
    decode(_, where) {
      throw new DTypeError(`${where}: tensors cannot hold this type, got ${name}; expected one of ${readable.join(', ')}`, { values: { dtype: name }, hint: 'getRaw of openSafetensors gives its elements as they are' });
    },
  };
}

const codecs: Readonly<Record<FileDType, Codec>> = {
  F64: codec(64, 'float64', float64, same),
  F32: codec(32, 'float32', float32, same),
  F16: codec(16, 'float32', uint16, float16ToFloat32),
  BF16: codec(16, 'float32', uint16, bfloat16ToFloat32),
  I64: codec(64, 'int64', (b) => new BigInt64Array(b.buffer, b.byteOffset, b.length / 8), (c, where) => narrow64(c, where, 'I64')),
  I32: codec(32, 'int32', int32, same),
  I16: codec(16, 'int32', int16, (c) => new Int32Array(c)),
  I8: codec(8, 'int32', int8, (c) => new Int32Array(c)),
  U64: codec(64, 'int64', (b) => new BigUint64Array(b.buffer, b.byteOffset, b.length / 8), (c, where) => narrow64(c, where, 'U64')),
  U32: codec(32, 'int64', (b) => new Uint32Array(b.buffer, b.byteOffset, b.length / 4), narrowUnsigned32),
  U16: codec(16, 'int32', uint16, (c) => new Int32Array(c)),
  U8: codec(8, 'uint8', uint8, same),
  BOOL: codec(8, 'bool', uint8, checkBool),
  F8_E5M2: small('F8_E5M2'),
  F8_E4M3: small('F8_E4M3'),
  F8_E5M2FNUZ: small('F8_E5M2FNUZ'),
  F8_E4M3FNUZ: small('F8_E4M3FNUZ'),
  F8_E8M0: codec(8, 'float32', uint8, scaleToFloat32),
  C64: unheld('C64', 64, 4, float32),
  F6_E2M3: unheld('F6_E2M3', 6, 1, uint8),
  F6_E3M2: unheld('F6_E3M2', 6, 1, uint8),
  F4: unheld('F4', 4, 1, uint8),
};

/** Names of all element types. */
export const fileDTypes: readonly string[] = Object.keys(codecs);

/** Names of the element types that tensors can hold. */
const readable: readonly string[] = Object.entries(codecs).flatMap(([name, { dtype }]) => (dtype === null ? [] : [name]));

/** True for the name of an element type. */
export function isFileDType(name: string): name is FileDType {
  return Object.hasOwn(codecs, name);
}

/** Bits of one element in the file. */
export function fileBits(dtype: FileDType): number {
  return codecs[dtype].bits;
}

// Where the low and the high half of a 64-bit integer lie.
const LOW = hostIsLittle ? 0 : 1;
const HIGH = 1 - LOW;

/** 64-bit integers as the 32-bit ones that int64 is kept as. */
function narrow64(cells: BigInt64Array | BigUint64Array, where: string, name: 'I64' | 'U64'): Int32Array {
  const words = new Int32Array(cells.buffer, cells.byteOffset, cells.length * 2);
  const out = new Int32Array(cells.length);
  for (let i = 0; i < out.length; i++) {
    const low = words[2 * i + LOW];
    if (words[2 * i + HIGH] !== low >> 31 || (low < 0 && name === 'U64')) throw tooLarge(where, name, cells[i]);
    out[i] = low;
  }
  return out;
}

/** 32-bit integers as 64-bit ones. */
function widen64(cells: TypedArray): BigInt64Array {
  const words = new Int32Array(cells.length * 2);
  for (let i = 0; i < cells.length; i++) {
    words[2 * i + LOW] = cells[i];
    words[2 * i + HIGH] = cells[i] >> 31;
  }
  return new BigInt64Array(words.buffer);
}

function narrowUnsigned32(cells: Uint32Array, where: string): Int32Array {
  for (const cell of cells) if (cell > 0x7fffffff) throw tooLarge(where, 'U32', BigInt(cell));
  return new Int32Array(cells.buffer, cells.byteOffset, cells.length);
}

function tooLarge(where: string, name: FileDType, value: bigint): DTypeError {
  return new DTypeError(`${where}: value does not fit int64 in memory, got ${value} (${name}); expected -2147483648 to 2147483647`, {
    values: { value, dtype: name },
    hint: 'int64 is kept as 32-bit integers in memory; the functions that give raw elements keep 64 bits',
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
 * @param order - the byte order of the file
 */
export function decodeElements(dtype: FileDType, bytes: Uint8Array, where: string, order: 'little' | 'big' = 'little'): { readonly dtype: DType; readonly cells: TypedArray } {
  const { word, decode, dtype: held } = codecs[dtype];
  const cells = decode(orderBytes(bytes, word, order), where);
  return { dtype: held ?? 'uint8', cells };
}

/** Elements as the file has them; `bytes` as for `decodeElements`. */
export function decodeCells(dtype: FileDType, bytes: Uint8Array, order: 'little' | 'big' = 'little'): FileCells {
  return codecs[dtype].view(orderBytes(bytes, codecs[dtype].word, order));
}

/** True when an array is what `decodeCells` gives for the type. */
export function isCellsOf(dtype: FileDType, cells: unknown): cells is FileCells {
  return ArrayBuffer.isView(cells) && Object.getPrototypeOf(cells) === Object.getPrototypeOf(codecs[dtype].view(new Uint8Array(0)));
}

/** Little-endian bytes of elements as a file has them; shares their memory where the machine is little-endian. */
export function encodeCells(dtype: FileDType, cells: FileCells): Uint8Array {
  const bytes = new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength);
  return hostIsLittle || codecs[dtype].word === 1 ? bytes : orderBytes(bytes.slice(), codecs[dtype].word, 'little');
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

/** True when tensors of the dtype can be written as the element type. */
export function canEncode(dtype: DType, file: FileDType): boolean {
  return file === natural[dtype] || (isFloat(dtype) && Object.values(floats).includes(file));
}

/** The elements of a tensor as little-endian bytes. */
export function encodeElements(x: Tensor, dtype: FileDType): Uint8Array {
  return encodeCells(dtype, toFileCells(x.data(), dtype));
}

function toFileCells(cells: TypedArray, dtype: FileDType): FileCells {
  if (dtype === 'I64') return widen64(cells);
  if (dtype === 'F64') return cells instanceof Float64Array ? cells : new Float64Array(cells);
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') return cells;
  const single = cells instanceof Float32Array ? cells : new Float32Array(cells);
  return dtype === 'F32' ? single : dtype === 'F16' ? float32ToFloat16(single) : float32ToBfloat16(single);
}

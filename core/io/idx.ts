import { cpu } from '../device.ts';
import type { DType, TypedArray } from '../dtype.ts';
import { ArgumentError, DTypeError, StateError, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { type Bytes, checkBytes, joinBytes } from './bytes.ts';
import { orderBytes } from './endian.ts';
import { type FileSource, type FileTarget, withFile, writeFileAtomic } from './files.ts';
import { gunzipPieces, isGzip, piecesOf } from './gzip.ts';
import { onHost } from './safetensors.ts';
import type { ByteSource } from './source.ts';
import { checkMaxBytes, tooMuch } from './zip.ts';

interface IdxType {
  readonly bytes: number;
  readonly dtype: DType;
  /** Elements from bytes in the machine's order. */
  readonly decode: (bytes: Uint8Array) => TypedArray;
}

/** Element types by the third byte of the file. */
const types: Readonly<Record<number, IdxType>> = {
  0x08: { bytes: 1, dtype: 'uint8', decode: (b) => b },
  0x09: { bytes: 1, dtype: 'int32', decode: (b) => new Int32Array(new Int8Array(b.buffer)) },
  0x0b: { bytes: 2, dtype: 'int32', decode: (b) => new Int32Array(new Int16Array(b.buffer)) },
  0x0c: { bytes: 4, dtype: 'int32', decode: (b) => new Int32Array(b.buffer) },
  0x0d: { bytes: 4, dtype: 'float32', decode: (b) => new Float32Array(b.buffer) },
  0x0e: { bytes: 8, dtype: 'float64', decode: (b) => new Float64Array(b.buffer) },
};

/** The third byte by dtype. */
const codes: Readonly<Partial<Record<DType, number>>> = { uint8: 0x08, int32: 0x0c, int64: 0x0c, float32: 0x0d, float64: 0x0e };

/** Options of `loadIdx`. */
export interface IdxOptions {
  /** How much a packed file may unpack to; default 1 GiB. */
  readonly maxBytes?: number;
}

/**
 * Reads the bytes of an IDX file, the format of MNIST: two zero bytes, the element type, the number of dimensions, the
 * sizes as 32-bit big-endian integers, and the elements in row-major order. Unsigned bytes give uint8, signed bytes,
 * shorts and ints int32, floats float32, doubles float64.
 *
 * @param bytes - the whole file, unpacked
 * @throws StateError for anything but one whole IDX file
 * @see http://yann.lecun.org/exdb/mnist/
 */
export function readIdx(bytes: Bytes): Tensor {
  return decodeIdx('readIdx', checkBytes('readIdx', bytes));
}

/**
 * Reads an IDX file, also one packed with gzip, of which no more is unpacked than its sizes say.
 *
 * @param path - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @throws StateError when the file cannot be read, is no IDX file, or would unpack to more than `maxBytes`
 */
export async function loadIdx(path: FileSource, options?: IdxOptions): Promise<Tensor> {
  const op = 'loadIdx';
  checkOptions(op, options, ['maxBytes']);
  const max = checkMaxBytes(op, options?.maxBytes);
  return withFile(op, path, async (source) => {
    const packed = isGzip(await source.read(0, Math.min(2, source.size)));
    return decodeIdx(op, packed ? await unpack(op, source, max) : await source.read(0, source.size));
  });
}

/** Unpacks what the sizes at the start of the file ask for; one piece more shows whether there is more. */
async function unpack(op: string, source: ByteSource, max: number): Promise<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let [length, expected] = [0, Infinity];
  for await (const piece of gunzipPieces(op, piecesOf(source))) {
    pieces.push(piece);
    length += piece.length;
    if (expected === Infinity) {
      const start = joinBytes(pieces);
      pieces = [start];
      const header = readHeader(op, start);
      if (header === null) continue;
      expected = header.end;
      if (expected > max) throw tooMuch(op, 'the file', expected, max);
    }
    if (length > expected) break;
  }
  return joinBytes(pieces);
}

interface IdxHeader {
  readonly type: IdxType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** What the start of a file says; null when it ends before the sizes do. @throws StateError for anything else */
function readHeader(op: string, bytes: Uint8Array): IdxHeader | null {
  const type = types[bytes[2]];
  const plain = bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0;
  if (!plain || type === undefined) {
    const start = [...bytes.subarray(0, 4)].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(' ');
    const known = Object.keys(types).map((code) => `0x${Number(code).toString(16).padStart(2, '0')}`).join(', ');
    throw new StateError(
      `${op}: not an IDX file, got ${start === '' ? 'no bytes' : start}; expected 0x00 0x00, an element type (${known}) and a number of dimensions`,
      isGzip(bytes) ? { hint: 'this is a gzip file: loadIdx unpacks it' } : {},
    );
  }
  const rank = bytes[3];
  const start = 4 + 4 * rank;
  if (bytes.length < start) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  return { type, shape, start, end: start + (shape.includes(0) ? 0 : shape.reduce((n, size) => n * size, type.bytes)) };
}

function decodeIdx(op: string, bytes: Uint8Array): Tensor {
  const header = readHeader(op, bytes);
  if (header === null) throw wrongLength(op, bytes.length, 4 + 4 * bytes[3], 'sizes');
  const { type, shape, start, end } = header;
  if (bytes.length !== end) throw wrongLength(op, bytes.length, end, `shape [${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`);
  return new Tensor(cpu.adopt(type.dtype, type.decode(orderBytes(bytes.slice(start), type.bytes, 'big'))), shape);
}

function wrongLength(op: string, length: number, expected: number, what: string): StateError {
  const fact = length < expected ? 'the file ends too early' : 'there are bytes after the last element';
  return new StateError(`${op}: ${fact}, got ${length} bytes; expected ${expected} for its ${what}`, { values: { length, expected } });
}

/**
 * A tensor as the bytes of an IDX file: uint8, int32 (int64 too), float32 or float64.
 *
 * @throws DTypeError for bool, which the format lacks
 * @see http://yann.lecun.org/exdb/mnist/
 */
export function writeIdx(tensor: Tensor): Uint8Array {
  return encodeIdx('writeIdx', tensor);
}

/**
 * Writes an IDX file. The path holds either its old bytes or the new ones, also when the process ends midway.
 *
 * @throws StateError when the file cannot be written; otherwise as `writeIdx`
 */
export async function saveIdx(path: FileTarget, tensor: Tensor): Promise<void> {
  const op = 'saveIdx';
  if (!(tensor instanceof Tensor)) throw notTensor(op, tensor);
  await writeFileAtomic(op, path, [encodeIdx(op, (await onHost({ tensor })).tensor)]);
}

function notTensor(op: string, x: unknown): ArgumentError {
  return new ArgumentError(`${op}: not a tensor, got ${show(x)}; expected a Tensor`);
}

function encodeIdx(op: string, x: Tensor): Uint8Array {
  if (!(x instanceof Tensor)) throw notTensor(op, x);
  const code = codes[x.dtype];
  if (code === undefined) throw new DTypeError(`${op}: the format lacks this type, got ${show(x)}; expected uint8, int32, int64, float32 or float64`);
  if (x.ndim > 255 || x.shape.some((size) => size >= 2 ** 32)) throw new ArgumentError(`${op}: too many dimensions or too large ones, got ${show(x)}; expected at most 255 below 2^32`);
  const header = new Uint8Array(4 + 4 * x.ndim);
  header.set([0, 0, code, x.ndim]);
  const view = new DataView(header.buffer);
  x.shape.forEach((size, i) => view.setUint32(4 + 4 * i, size));
  const cells = x.data();
  return joinBytes([header, orderBytes(new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength), types[code].bytes, 'big')]);
}

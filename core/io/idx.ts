import { cpu } from '../device.ts';
import type { DType, TypedArray } from '../dtype.ts';
import { StateError } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { type Bytes, checkBytes } from './bytes.ts';
import { orderBytes } from './endian.ts';
import { type FileSource, withFile } from './files.ts';
import { gunzip, isGzip } from './gzip.ts';

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
 * Reads an IDX file, also one packed with gzip.
 *
 * @param path - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @throws StateError when the file cannot be read or is no IDX file
 */
export async function loadIdx(path: FileSource): Promise<Tensor> {
  return withFile('loadIdx', path, async (source) => {
    const bytes = await source.read(0, source.size);
    return decodeIdx('loadIdx', isGzip(bytes) ? await gunzip('loadIdx', bytes) : bytes);
  });
}

function decodeIdx(op: string, bytes: Uint8Array): Tensor {
  const type = types[bytes[2]];
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || type === undefined) {
    const start = [...bytes.subarray(0, 4)].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(' ');
    const known = Object.keys(types).map((code) => `0x${Number(code).toString(16).padStart(2, '0')}`).join(', ');
    throw new StateError(
      `${op}: not an IDX file, got ${start === '' ? 'no bytes' : start}; expected 0x00 0x00, an element type (${known}) and a number of dimensions`,
      isGzip(bytes) ? { hint: 'this is a gzip file: loadIdx unpacks it' } : {},
    );
  }
  const rank = bytes[3];
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw wrongLength(op, bytes.length, start, 'sizes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = start + (shape.includes(0) ? 0 : shape.reduce((n, size) => n * size, type.bytes));
  if (bytes.length !== expected) throw wrongLength(op, bytes.length, expected, `shape [${shape.slice(0, 8).join(', ')}${rank > 8 ? ', …' : ''}]`);
  return new Tensor(cpu.adopt(type.dtype, type.decode(orderBytes(bytes.slice(start), type.bytes, 'big'))), shape);
}

function wrongLength(op: string, length: number, expected: number, what: string): StateError {
  const fact = length < expected ? 'the file ends too early' : 'there are bytes after the last element';
  return new StateError(`${op}: ${fact}, got ${length} bytes; expected ${expected} for its ${what}`, { values: { length, expected } });
}

import { cpu } from '../device.ts';
import { ArgumentError, DTypeError, StateError, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { type Bytes, checkBytes, joinBytes } from './bytes.ts';
import { type FileSource, type FileTarget, withFile, writeFileAtomic } from './files.ts';
import { NPY_START, type NpyHeader, encodeNpyHeader, npyHeaderEnd, npyType, parseNpyHeader } from './npy-header.ts';
import { type FileCells, decodeCells, decodeElements, encodeCells, encodeElements, fileDTypeOf } from './safetensors-dtypes.ts';
import { type RawTensor, type Storable, checkTensors } from './safetensors-encode.ts';
import { byteLength } from './safetensors-header.ts';
import { onHost } from './safetensors.ts';
import { type ByteSource, memorySource } from './source.ts';

/** Options of `writeNpy` and `saveNpy`. */
export interface NpyOptions {
  /** How a float tensor is written; default as it is. Halves are rounded to nearest, ties to even. */
  readonly dtype?: 'float64' | 'float32' | 'float16';
}

/**
 * Reads the bytes of an .npy file, NumPy's format for one array, in either byte order and either order of elements. bool
 * gives bool, uint8 uint8, other integers of up to 16 bits and int32 int32, larger ones int64, float16 and float32 float32.
 *
 * @param bytes - the whole file
 * @throws StateError for anything but one whole file; DTypeError for element types that are no numbers, complex ones, and
 *   integers that do not fit the 32 bits int64 has in memory
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpy(bytes: Bytes): Tensor {
  const op = 'readNpy';
  const [header, data] = split(op, checkBytes(op, bytes));
  return toTensor(op, header, data);
}

/**
 * The elements of an .npy file as they are: 64-bit integers whole, halves as their bits, complex64 as pairs.
 *
 * @param bytes - the whole file
 * @returns elements in row-major order
 * @throws as `readNpy`
 */
export function readNpyRaw(bytes: Bytes): RawTensor {
  const op = 'readNpyRaw';
  const [header, data] = split(op, checkBytes(op, bytes));
  return toRaw(header, data);
}

/**
 * Reads an .npy file.
 *
 * @param path - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @throws StateError when the file cannot be read; otherwise as `readNpy`
 */
export async function loadNpy(path: FileSource): Promise<Tensor> {
  const op = 'loadNpy';
  return withFile(op, path, async (source) => {
    const header = await readNpyHeader(op, source);
    return toTensor(op, header, await source.read(header.start, source.size - header.start));
  });
}

/**
 * A tensor as the bytes of an .npy file, little-endian and row-major.
 *
 * @param tensor - a CPU tensor, or raw elements
 * @throws ArgumentError for anything else, DTypeError for raw elements of a type that NumPy lacks
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function writeNpy(tensor: Storable, options?: NpyOptions): Uint8Array {
  return joinBytes(encodeNpy('writeNpy', tensor, options));
}

/**
 * Writes an .npy file. The path holds either its old bytes or the new ones, also when the process ends midway.
 *
 * @throws StateError when the file cannot be written; otherwise as `writeNpy`
 */
export async function saveNpy(path: FileTarget, tensor: Storable, options?: NpyOptions): Promise<void> {
  const op = 'saveNpy';
  checkTensors(op, { tensor }, false);
  await writeFileAtomic(op, path, encodeNpy(op, (await onHost({ tensor })).tensor, options));
}

/** The parts of the bytes of an .npy file. */
export function encodeNpy(op: string, tensor: Storable, options: NpyOptions | undefined): Uint8Array[] {
  checkOptions(op, options, ['dtype']);
  checkTensors(op, { tensor }, false);
  const float = options?.dtype;
  if (float !== undefined && !['float64', 'float32', 'float16'].includes(float)) throw new ArgumentError(`${op}: unknown dtype, got ${show(float)}; expected float64, float32 or float16`);
  const dtype = tensor instanceof Tensor ? fileDTypeOf(tensor.dtype, float) : tensor.dtype;
  const type = npyType(dtype);
  if (type === undefined) throw new DTypeError(`${op}: NumPy lacks this type, got ${dtype}; expected another one`);
  return [encodeNpyHeader(type, tensor.shape), tensor instanceof Tensor ? encodeElements(tensor, dtype) : encodeCells(dtype, tensor.data)];
}

/** The header of an .npy file, checked against the size of the file. */
export async function readNpyHeader(op: string, source: ByteSource): Promise<NpyHeader> {
  const end = npyHeaderEnd(op, await source.read(0, Math.min(NPY_START, source.size)), source.size);
  const header = parseNpyHeader(op, await source.read(0, end));
  checkSize(op, header, source.size);
  return header;
}

function split(op: string, bytes: Uint8Array): [NpyHeader, Uint8Array] {
  const end = npyHeaderEnd(op, bytes.subarray(0, NPY_START), bytes.length);
  const header = parseNpyHeader(op, bytes.subarray(0, end));
  checkSize(op, header, bytes.length);
  return [header, bytes.slice(end)];
}

function checkSize(op: string, { dtype, shape, start }: NpyHeader, size: number): void {
  const expected = start + byteLength(shape, dtype);
  if (size === expected) return;
  const fact = size < expected ? 'the file ends too early' : 'there are bytes after the last element';
  throw new StateError(`${op}: ${fact}, got ${size} bytes; expected ${Number.isFinite(expected) ? expected : 'many more'} for shape [${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`, { values: { size, expected } });
}

/** The tensor in the bytes after a header, which nobody else may hold. */
export function toTensor(op: string, { dtype: type, order, fortran, shape }: NpyHeader, data: Uint8Array): Tensor {
  const { dtype, cells } = decodeElements(type, data, op, order);
  return new Tensor(cpu.adopt(dtype, fortran ? rowMajor(cells, shape, 1) : cells), shape);
}

/** The raw elements in the bytes after a header, which nobody else may hold. */
export function toRaw({ dtype, order, fortran, shape }: NpyHeader, data: Uint8Array): RawTensor {
  const cells = decodeCells(dtype, data, order);
  return { dtype, shape: [...shape], data: fortran ? rowMajor(cells, shape, dtype === 'C64' ? 2 : 1) : cells };
}

/** Elements whose first index runs fastest, in the order in which the last one does; each takes `width` cells. */
function rowMajor<T extends FileCells>(cells: T, shape: readonly number[], width: number): T {
  const out = cells.slice() as T;
  const strides: number[] = [];
  let stride = width;
  for (const size of shape) {
    strides.push(stride);
    stride *= size;
  }
  const index = shape.map(() => 0);
  for (let to = 0, from = 0; to < out.length; to += width) {
    for (let k = 0; k < width; k++) out[to + k] = cells[from + k];
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d];
      if (++index[d] < shape[d]) break;
      from -= index[d] * strides[d];
      index[d] = 0;
    }
  }
  return out;
}

/** Reads an .npy file inside another one. */
export async function readNpyMember<T>(op: string, bytes: Uint8Array, make: (header: NpyHeader, data: Uint8Array) => T): Promise<T> {
  const source = memorySource(bytes);
  const header = await readNpyHeader(op, source);
  return make(header, await source.read(header.start, source.size - header.start));
}

import { splitUint8Array } from 'typed-array-utils';
import { cpu } from '../device.ts';
import { Tensor } from '../tensor.ts';
import { bareRecord } from './bare.ts';
import { type Bytes, checkBytes, joinBytes } from './bytes.ts';
import { type FileSource, type FileTarget, withFile, writeFileAtomic } from './files.ts';
import { decodeElements } from './safetensors-dtypes.ts';
import { type SafetensorsOptions, type Savable, type Storable, checkTensors, encodeLazily, encodeSafetensors } from './safetensors-encode.ts';
import { type Entry, type Header, headerLength, parseHeader } from './safetensors-header.ts';
import type { ByteSource } from './source.ts';

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** Tensors by name, in the order of the header; without a prototype, so that every name is safe. */
  readonly tensors: Record<string, Tensor>;
  /** Texts by name; without a prototype. */
  readonly metadata: Record<string, string>;
}

/**
 * Tensors as the bytes of a safetensors file: eight bytes with the length of the header, a JSON header padded with spaces
 * to a multiple of eight bytes, and the elements. The header lists the tensors in the order of `tensors`; the elements
 * lie with the largest element size first, in that order within one size, so that every tensor is aligned.
 * Equal input gives equal bytes.
 *
 * @param tensors - CPU tensors, or raw elements, by any name but `__metadata__`; views are written as their elements
 * @throws ArgumentError for anything else, DeviceError for tensors that are not on the CPU
 * @see https://huggingface.co/docs/safetensors
 */
export function writeSafetensors(tensors: Readonly<Record<string, Storable>>, options?: SafetensorsOptions): Uint8Array {
  return joinBytes(encodeSafetensors('writeSafetensors', tensors, options));
}

/**
 * Reads the bytes of a safetensors file. F16, BF16 and the floats of 8 bits become float32, I8, I16 and U16 int32, U32, U64 and I64 int64.
 *
 * @param bytes - the whole file
 * @throws StateError for anything but a complete, consistent file; DTypeError for unknown dtypes, for those that tensors
 *   cannot hold (C64, F6_E2M3, F6_E3M2, F4), and for integers that do not fit the 32 bits int64 has in memory
 * @see https://huggingface.co/docs/safetensors
 */
export function readSafetensors(bytes: Bytes): SafetensorsFile {
  return decodeSafetensors('readSafetensors', checkBytes('readSafetensors', bytes));
}

/**
 * Writes a safetensors file. The path holds either its old bytes or the new ones, also when the process ends midway.
 * Tensors are taken as they are at the time of the call; lazy ones are read one after the other while the file is
 * written, so that it may be larger than memory.
 *
 * @param path - where; an existing file is replaced
 * @throws StateError when the file cannot be written, or a lazy tensor gives something else than it said; otherwise as `writeSafetensors`
 */
export async function saveSafetensors(path: FileTarget, tensors: Readonly<Record<string, Savable>>, options?: SafetensorsOptions): Promise<void> {
  const op = 'saveSafetensors';
  checkTensors(op, tensors, true);
  const host = onHost(tensors);
  await writeFileAtomic(op, path, encodeLazily(op, host instanceof Promise ? await host : host, options));
}

/**
 * The bytes of a safetensors file one piece after the other, for a stream of your own: an upload, a response, a hash.
 *
 * @param tensors - as for `saveSafetensors`
 * @throws as `saveSafetensors`
 */
export function streamSafetensors(tensors: Readonly<Record<string, Savable>>, options?: SafetensorsOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const op = 'streamSafetensors';
  checkTensors(op, tensors, true);
  const host = onHost(tensors);
  return host instanceof Promise ? later(host.then((ready) => encodeLazily(op, ready, options))) : encodeLazily(op, host, options);
}

async function* later(chunks: Promise<AsyncGenerator<Uint8Array, void, undefined>>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* await chunks;
}

/**
 * Reads a safetensors file, tensor by tensor; a file that does not hold what its header says is refused before any data
 * is read. `openSafetensors` reads single tensors of large files.
 *
 * @param path - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @throws StateError when the file cannot be read; otherwise as `readSafetensors`
 */
export async function loadSafetensors(path: FileSource): Promise<SafetensorsFile> {
  const op = 'loadSafetensors';
  return withFile(op, path, async (source) => {
    const { header, start } = await readHeader(op, source);
    const tensors = bareRecord<Tensor>();
    for (const entry of header.entries) {
      tensors[entry.name] = decodeTensor(op, entry, await source.read(start + entry.begin, entry.end - entry.begin));
    }
    return { tensors, metadata: header.metadata };
  });
}

/** The header of a file, checked against the size of the file, and where its data starts. */
export async function readHeader(op: string, source: ByteSource): Promise<{ readonly header: Header; readonly start: number }> {
  const length = headerLength(op, await source.read(0, Math.min(8, source.size)), source.size);
  const start = 8 + length;
  return { header: parseHeader(op, await source.read(8, length), source.size - start), start };
}

/** Reads the bytes of a safetensors file on behalf of `op`. */
export function decodeSafetensors(op: string, bytes: Uint8Array): SafetensorsFile {
  const length = headerLength(op, bytes, bytes.length);
  const [, head, data] = splitUint8Array(bytes, 8, 8 + length);
  const { metadata, entries } = parseHeader(op, head, data.length);
  const tensors = bareRecord<Tensor>();
  for (const entry of entries) tensors[entry.name] = decodeTensor(op, entry, data.slice(entry.begin, entry.end));
  return { tensors, metadata };
}

/** A tensor from its bytes, which nobody else may hold. */
export function decodeTensor(op: string, { name, dtype: type, shape }: Pick<Entry, 'name' | 'dtype' | 'shape'>, bytes: Uint8Array): Tensor {
  const { dtype, cells } = decodeElements(type, bytes, `${op}: '${name}'`);
  return new Tensor(cpu.adopt(dtype, cells), shape);
}

/** Values by name of which the elements of tensors can be read; where some lie elsewhere, a promise of copies as they are at the time of the call. */
export function onHost<T>(tensors: Readonly<Record<string, T>>): Readonly<Record<string, T>> | Promise<Readonly<Record<string, T>>> {
  return Object.values(tensors).every((x) => !(x instanceof Tensor) || x.device === cpu) ? tensors : copyToHost(tensors);
}

async function copyToHost<T>(tensors: Readonly<Record<string, T>>): Promise<Record<string, T>> {
  const host = bareRecord<T>();
  const names = Object.keys(tensors);
  const copies = await Promise.all(
    names.map(async (name) => {
      const value = tensors[name];
      if (!(value instanceof Tensor)) return value;
      return (value.device === cpu ? copyOf(value) : await value.cpu()) as T;
    }),
  );
  names.forEach((name, i) => {
    host[name] = copies[i];
  });
  return host;
}

function copyOf(x: Tensor): Tensor {
  return new Tensor(cpu.adopt(x.dtype, x.data()), x.shape);
}

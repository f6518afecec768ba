import { ArgumentError, StateError, checkOptions, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { bareRecord } from './bare.ts';
import { type Bytes, checkBytes, joinBytes } from './bytes.ts';
import { type FileSource, type FileTarget, openFile, writeFileAtomic } from './files.ts';
import { type NpyOptions, encodeNpy, readNpyMember, toRaw, toTensor } from './npy.ts';
import { onHost } from './safetensors.ts';
import { type RawTensor, type Storable, checkTensors } from './safetensors-encode.ts';
import { type OpenSource, memorySource } from './source.ts';
import { type ZipEntry, checkMaxBytes, packZip, readDirectory, tooMuch, unpackEntry } from './zip.ts';

/** Options of `writeNpz` and `saveNpz`. */
export interface NpzWriteOptions extends NpyOptions {
  /** Pack the arrays, as `numpy.savez_compressed`; default false. */
  readonly compressed?: boolean;
}

/** Options of `readNpz`, `loadNpz` and `openNpz`. */
export interface NpzReadOptions {
  /** How much all arrays that are read may take when unpacked; default 1 GiB. */
  readonly maxBytes?: number;
}

const END = '.npy';
const OP = 'NpzReader';

/** An .npz file that stays open, of which only what is asked for is unpacked. Made by `openNpz`. */
export class NpzReader {
  /** Names of the arrays, in the order of the file. */
  readonly names: readonly string[];
  private readonly entries: ReadonlyMap<string, ZipEntry>;
  private readonly source: OpenSource;
  private readonly max: number;

  constructor(source: OpenSource, entries: ReadonlyMap<string, ZipEntry>, max: number) {
    this.names = [...entries.keys()];
    this.entries = entries;
    this.source = source;
    this.max = max;
  }

  /** Bytes of an array when unpacked, its header included. @throws ArgumentError for an unknown name */
  sizeOf(name: string): number {
    return this.entry(name).size;
  }

  /** Reads an array as a tensor. @throws ArgumentError for an unknown name; otherwise as `readNpy` */
  async getTensor(name: string): Promise<Tensor> {
    const where = `${OP}: '${name}'`;
    return readNpyMember(where, await this.unpack(name), (header, data) => toTensor(where, header, data));
  }

  /** Reads an array's elements as they are. @throws ArgumentError for an unknown name; otherwise as `readNpyRaw` */
  async getRaw(name: string): Promise<RawTensor> {
    return readNpyMember(`${OP}: '${name}'`, await this.unpack(name), toRaw);
  }

  /** Closes the file; once is enough. */
  async close(): Promise<void> {
    await this.source.close();
  }

  /** Closes the file at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private entry(name: string): ZipEntry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new ArgumentError(`${OP}: no such array, got ${show(name)}; expected one of the names of the file`, { values: { name } });
    return entry;
  }

  private unpack(name: string): Promise<Uint8Array> {
    const entry = this.entry(name);
    if (entry.size > this.max) throw tooMuch(OP, `'${name}'`, entry.size, this.max);
    return unpackEntry(OP, this.source, entry);
  }
}

/**
 * Opens an .npz file, NumPy's format for several arrays: names are known then, arrays are unpacked on demand.
 *
 * @param source - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @returns the open file: close it, or declare it with `await using`
 * @throws StateError when it cannot be read, is no whole zip file, or holds other files than arrays
 * @see https://numpy.org/doc/stable/reference/generated/numpy.savez.html
 */
export async function openNpz(source: FileSource, options?: NpzReadOptions): Promise<NpzReader> {
  const op = 'openNpz';
  checkOptions(op, options, ['maxBytes']);
  const max = checkMaxBytes(op, options?.maxBytes);
  return open(op, await openFile(op, source, true), max);
}

async function open(op: string, source: OpenSource, max: number): Promise<NpzReader> {
  try {
    const entries = new Map<string, ZipEntry>();
    for (const entry of await readDirectory(op, source)) {
      if (!entry.name.endsWith(END)) throw new StateError(`${op}: a file is no array, got ${show(entry.name.slice(0, 80))}; expected names that end with .npy`);
      entries.set(entry.name.slice(0, -END.length), entry);
    }
    return new NpzReader(source, entries, max);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readAll(op: string, file: NpzReader, max: number): Promise<Record<string, Tensor>> {
  try {
    const total = file.names.reduce((n, name) => n + file.sizeOf(name), 0);
    if (total > max) throw tooMuch(op, 'the file', total, max);
    const tensors = bareRecord<Tensor>();
    for (const name of file.names) tensors[name] = await file.getTensor(name);
    return tensors;
  } finally {
    await file.close();
  }
}

/**
 * Reads the bytes of an .npz file: tensors by name, without a prototype, so that every name is safe.
 *
 * @param bytes - the whole file
 * @throws StateError for anything but a whole zip file of arrays, also one that would unpack to too much; otherwise as `readNpy`
 * @see https://numpy.org/doc/stable/reference/generated/numpy.savez.html
 */
export async function readNpz(bytes: Bytes, options?: NpzReadOptions): Promise<Record<string, Tensor>> {
  const op = 'readNpz';
  const source = memorySource(checkBytes(op, bytes));
  checkOptions(op, options, ['maxBytes']);
  const max = checkMaxBytes(op, options?.maxBytes);
  return readAll(op, await open(op, source, max), max);
}

/**
 * Reads an .npz file, array by array. `openNpz` reads single arrays.
 *
 * @param path - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @throws StateError when the file cannot be read; otherwise as `readNpz`
 */
export async function loadNpz(path: FileSource, options?: NpzReadOptions): Promise<Record<string, Tensor>> {
  const op = 'loadNpz';
  checkOptions(op, options, ['maxBytes']);
  const max = checkMaxBytes(op, options?.maxBytes);
  return readAll(op, await open(op, await openFile(op, path, false), max), max);
}

/**
 * Tensors as the bytes of an .npz file. Equal input gives equal bytes.
 *
 * @param tensors - CPU tensors, or raw elements, by name
 * @throws ArgumentError for anything else, and for more than 4 GiB; otherwise as `writeNpy`
 * @see https://numpy.org/doc/stable/reference/generated/numpy.savez.html
 */
export async function writeNpz(tensors: Readonly<Record<string, Storable>>, options?: NpzWriteOptions): Promise<Uint8Array> {
  return encodeNpz('writeNpz', tensors, options);
}

/**
 * Writes an .npz file. The path holds either its old bytes or the new ones, also when the process ends midway.
 *
 * @throws StateError when the file cannot be written; otherwise as `writeNpz`
 */
export async function saveNpz(path: FileTarget, tensors: Readonly<Record<string, Storable>>, options?: NpzWriteOptions): Promise<void> {
  const op = 'saveNpz';
  checkTensors(op, tensors, false);
  const host = onHost(tensors);
  await writeFileAtomic(op, path, [await encodeNpz(op, host instanceof Promise ? await host : host, options)]);
}

async function encodeNpz(op: string, tensors: Readonly<Record<string, Storable>>, options: NpzWriteOptions | undefined): Promise<Uint8Array> {
  checkOptions(op, options, ['dtype', 'compressed']);
  checkTensors(op, tensors, false);
  const { compressed = false, ...rest } = options ?? {};
  if (typeof compressed !== 'boolean') throw new ArgumentError(`${op}: invalid compressed, got ${show(compressed)}; expected true or false`);
  const files = bareRecord<Uint8Array>();
  for (const [name, tensor] of Object.entries(tensors)) files[`${name}${END}`] = joinBytes(encodeNpy(op, tensor, rest));
  return packZip(op, files, compressed);
}

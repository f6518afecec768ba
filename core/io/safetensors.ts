import { splitUint8Array } from 'typed-array-utils';
import { cpu } from '../device.ts';
import { ArgumentError, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { bareRecord } from './bare.ts';
import { type Bytes, checkBytes, joinBytes } from './bytes.ts';
import { type FilePath, type ByteSource, withFile, writeFileAtomic } from './files.ts';
import { type FloatFileDType, decodeElements, encodeElements, fileDTypeOf, fileItemSize, floatFileDTypes } from './safetensors-dtypes.ts';
import { type Entry, type Header, MAX_HEADER, METADATA, headerLength, parseHeader } from './safetensors-header.ts';

/** Options of `writeSafetensors` and `saveSafetensors`. */
export interface SafetensorsOptions {
  /** Texts by name, kept in the header; default none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How float tensors are written; default as they are. Halves are rounded to nearest, ties to even. */
  readonly dtype?: FloatFileDType;
}

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
 * @param tensors - CPU tensors by any name but `__metadata__`; views are written as their elements
 * @throws ArgumentError for anything else, DeviceError for tensors that are not on the CPU
 * @see https://huggingface.co/docs/safetensors
 */
export function writeSafetensors(tensors: Readonly<Record<string, Tensor>>, options?: SafetensorsOptions): Uint8Array {
  return joinBytes(encodeSafetensors('writeSafetensors', tensors, options));
}

/**
 * Reads the bytes of a safetensors file. F16 and BF16 become float32, I8, I16 and U16 int32, U32, U64 and I64 int64.
 *
 * @param bytes - the whole file
 * @throws StateError for anything but a complete, consistent file; DTypeError for unknown dtypes and for integers
 *   that do not fit the 32 bits int64 has in memory
 * @see https://huggingface.co/docs/safetensors
 */
export function readSafetensors(bytes: Bytes): SafetensorsFile {
  return decodeSafetensors('readSafetensors', checkBytes('readSafetensors', bytes));
}

/**
 * Writes a safetensors file. The path holds either its old bytes or the new ones, also when the process ends midway.
 *
 * @param path - where; an existing file is replaced
 * @throws StateError when the file cannot be written; otherwise as `writeSafetensors`
 */
export async function saveSafetensors(path: FilePath, tensors: Readonly<Record<string, Tensor>>, options?: SafetensorsOptions): Promise<void> {
  const op = 'saveSafetensors';
  checkTensors(op, tensors);
  const host = onHost(tensors);
  await writeFileAtomic(op, path, encodeSafetensors(op, host instanceof Promise ? await host : host, options));
}

/**
 * Reads a safetensors file, tensor by tensor; a file that does not hold what its header says is refused before any data
 * is read.
 *
 * @param path - a path, or a URL, also of the web
 * @throws StateError when the file cannot be read; otherwise as `readSafetensors`
 */
export async function loadSafetensors(path: FilePath): Promise<SafetensorsFile> {
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

/** The parts of the bytes of a safetensors file, in order. */
export function encodeSafetensors(op: string, tensors: Readonly<Record<string, Tensor>>, options: SafetensorsOptions | undefined): Uint8Array[] {
  checkOptions(op, options, ['metadata', 'dtype']);
  checkTensors(op, tensors);
  checkMetadata(op, options?.metadata);
  const float = options?.dtype;
  if (float !== undefined && !floatFileDTypes.includes(float)) {
    throw new ArgumentError(`${op}: unknown dtype, got ${show(float)}; expected one of ${floatFileDTypes.join(', ')}`);
  }
  const names = Object.keys(tensors);
  const types = names.map((name) => fileDTypeOf(tensors[name].dtype, float));
  const order = names.map((_, i) => i).sort((a, b) => fileItemSize(types[b]) - fileItemSize(types[a]) || a - b);
  const chunks: Uint8Array[] = [];
  const offsets: string[] = [];
  let at = 0;
  for (const i of order) {
    const bytes = encodeElements(tensors[names[i]], types[i]);
    offsets[i] = `[${at},${(at += bytes.length)}]`;
    chunks.push(bytes);
  }
  const fields = names.map((name, i) => `${JSON.stringify(name)}:{"dtype":"${types[i]}","shape":[${tensors[name].shape.join(',')}],"data_offsets":${offsets[i]}}`);
  if (options?.metadata !== undefined) fields.unshift(`"${METADATA}":${JSON.stringify(options.metadata)}`);
  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  const padded = new Uint8Array(8 + Math.ceil(header.length / 8) * 8).fill(32);
  if (padded.length - 8 > MAX_HEADER) {
    throw new ArgumentError(`${op}: names and metadata are too long, got a header of ${header.length} bytes; expected at most ${MAX_HEADER}`);
  }
  padded.set(header, 8);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  return [padded, ...chunks];
}

function checkTensors(op: string, tensors: unknown): void {
  if (typeof tensors !== 'object' || tensors === null || Array.isArray(tensors) || tensors instanceof Tensor || tensors instanceof Map) {
    throw new ArgumentError(`${op}: not tensors by name, got ${show(tensors)}; expected { name: tensor, … }`);
  }
  for (const [name, value] of Object.entries(tensors)) {
    if (!(value instanceof Tensor)) throw new ArgumentError(`${op}: '${name}' is not a tensor, got ${show(value)}; expected a Tensor`, { values: { name } });
    if (name === METADATA) throw new ArgumentError(`${op}: the name is reserved, got '${METADATA}'; expected another name`, { values: { name } });
  }
}

function checkMetadata(op: string, metadata: unknown): void {
  if (metadata === undefined) return;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new ArgumentError(`${op}: metadata is not an object, got ${show(metadata)}; expected texts by name`);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new ArgumentError(`${op}: metadata '${key}' is not a text, got ${show(value)}; expected a string`, { values: { key } });
  }
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

function decodeTensor(op: string, entry: Entry, bytes: Uint8Array): Tensor {
  const { dtype, cells } = decodeElements(entry.dtype, bytes, `${op}: '${entry.name}'`);
  return new Tensor(cpu.adopt(dtype, cells), entry.shape);
}

/** Tensors by name whose elements can be read; where some lie elsewhere, a promise of copies as they are at the time of the call. */
export function onHost(tensors: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> | Promise<Readonly<Record<string, Tensor>>> {
  return Object.values(tensors).every((x) => x.device === cpu) ? tensors : copyToHost(tensors);
}

async function copyToHost(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const host = bareRecord<Tensor>();
  const names = Object.keys(tensors);
  const copies = await Promise.all(names.map(async (name) => (tensors[name].device === cpu ? copyOf(tensors[name]) : tensors[name].cpu())));
  names.forEach((name, i) => {
    host[name] = copies[i];
  });
  return host;
}

function copyOf(x: Tensor): Tensor {
  return new Tensor(cpu.adopt(x.dtype, x.data()), x.shape);
}


import { ArgumentError, StateError, show } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { type FileSource, openFile } from './files.ts';
import { type FileDType, decodeCells, fileBits } from './safetensors-dtypes.ts';
import type { LazyTensor, RawTensor } from './safetensors-encode.ts';
import type { Entry, Header } from './safetensors-header.ts';
import { decodeTensor, readHeader } from './safetensors.ts';
import type { OpenSource } from './source.ts';

/** What the header of a file says of a tensor. */
export interface TensorInfo {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  /** Bytes of its elements in the file. */
  readonly bytes: number;
}

/** First index, and one past the last, of a part of a dimension. */
export type SliceRange = readonly [start: number, stop: number];

const BLOCK = 4 * 2 ** 20; // what lies closer together is read at once
const OP = 'SafetensorsReader';

/** A safetensors file that stays open, of which only what is asked for is read. Made by `openSafetensors`. */
export class SafetensorsReader {
  /** Texts by name; without a prototype. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of the tensors, in the order of the header. */
  readonly names: readonly string[];
  private readonly entries: ReadonlyMap<string, Entry>;
  private readonly source: OpenSource;
  private readonly start: number;
  private open = true;

  constructor(source: OpenSource, { metadata, entries }: Header, start: number) {
    this.metadata = metadata;
    this.names = entries.map(({ name }) => name);
    this.entries = new Map(entries.map((entry) => [entry.name, entry]));
    this.source = source;
    this.start = start;
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new ArgumentError(`${OP}: no such tensor, got ${show(name)}; expected one of the names of the file`, { values: { name } });
    return entry;
  }

  private read(position: number, length: number): Promise<Uint8Array> {
    if (!this.open) throw new StateError(`${OP}: the file is closed, got a call after close(); expected an open file`);
    return this.source.read(this.start + position, length);
  }

  /** True when there is a tensor of this name. */
  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Type, shape and size of a tensor. @throws ArgumentError for an unknown name */
  info(name: string): TensorInfo {
    const { dtype, shape, begin, end } = this.entry(name);
    return { dtype, shape: [...shape], bytes: end - begin };
  }

  /** Reads a tensor. @throws ArgumentError for an unknown name, DTypeError for values that tensors cannot hold */
  async getTensor(name: string): Promise<Tensor> {
    const entry = this.entry(name);
    return decodeTensor(OP, entry, await this.read(entry.begin, entry.end - entry.begin));
  }

  /** Reads a tensor's elements as they are in the file, also those that tensors cannot hold. @throws ArgumentError for an unknown name */
  async getRaw(name: string): Promise<RawTensor> {
    const { dtype, shape, begin, end } = this.entry(name);
    return { dtype, shape: [...shape], data: decodeCells(dtype, await this.read(begin, end - begin)) };
  }

  /**
   * Reads a part of a tensor; what lies far from it is not read.
   *
   * @param ranges - start and stop for each of the first dimensions; null for all of one
   * @returns the part, with as many dimensions as the tensor
   * @throws ArgumentError for an unknown name and for ranges outside the shape
   */
  async getSlice(name: string, ...ranges: readonly (SliceRange | null)[]): Promise<Tensor> {
    const entry = this.entry(name);
    const { dtype, shape, begin } = entry;
    if (fileBits(dtype) % 8 !== 0) throw new ArgumentError(`${OP}: elements smaller than a byte cannot be sliced, got '${name}' of ${dtype}; expected another dtype`, { hint: 'getRaw reads all of them' });
    const full = checkRanges(name, shape, ranges);
    const part = full.map(([start, stop]) => stop - start);
    const item = fileBits(dtype) / 8;
    const out = new Uint8Array(part.reduce((n, size) => n * size, item));
    if (out.length > 0) await copyParts((position, length) => this.read(begin + position, length), shape, full, item, out);
    return decodeTensor(OP, { name, dtype, shape: part }, out);
  }

  /** The tensor as `saveSafetensors` reads it when its turn comes, bit by bit as it is in the file. @throws ArgumentError for an unknown name */
  lazy(name: string): LazyTensor {
    const { dtype, shape } = this.info(name);
    return { dtype, shape, read: () => this.getRaw(name) };
  }

  /** Closes the file; once is enough. */
  async close(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.source.close();
  }

  /** Closes the file at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Opens a safetensors file and reads its header: names, shapes and types are known then, elements are read on demand. Of
 * files on disk, of Blobs and of web addresses whose server sends ranges only what is asked for is read, so files may be
 * larger than memory.
 *
 * @param source - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @returns the open file: close it, or declare it with `await using`
 * @throws StateError when it cannot be read, is no complete safetensors file, or the server sends no ranges
 * @see https://huggingface.co/docs/safetensors
 */
export async function openSafetensors(source: FileSource): Promise<SafetensorsReader> {
  const op = 'openSafetensors';
  const open = await openFile(op, source, true);
  try {
    const { header, start } = await readHeader(op, open);
    return new SafetensorsReader(open, header, start);
  } catch (error) {
    await open.close();
    throw error;
  }
}

function checkRanges(name: string, shape: readonly number[], ranges: readonly (SliceRange | null)[]): SliceRange[] {
  if (ranges.length > shape.length) throw new ArgumentError(`${OP}: too many ranges for '${name}', got ${ranges.length}; expected at most ${shape.length}`);
  return shape.map((size, d): SliceRange => {
    const range: unknown = ranges[d] ?? null;
    if (range === null) return [0, size];
    const [start, stop] = Array.isArray(range) ? (range as readonly unknown[]) : [];
    if (!Number.isInteger(start) || !Number.isInteger(stop) || (start as number) < 0 || (start as number) > (stop as number) || (stop as number) > size) {
      throw new ArgumentError(`${OP}: no such range of dimension ${d} of '${name}', got ${show(range)}; expected [start, stop] with 0 ≤ start ≤ stop ≤ ${size}`, { values: { range, size } });
    }
    return [start as number, stop as number];
  });
}

type ReadBytes = (position: number, length: number) => Promise<Uint8Array>;

/** Copies the ranges of a row-major tensor into `out`, in order, with few reads and without reading much in between. */
async function copyParts(read: ReadBytes, shape: readonly number[], ranges: readonly SliceRange[], item: number, out: Uint8Array): Promise<void> {
  const inner = shape.map((_, d) => shape.slice(d + 1).reduce((n, size) => n * size, item)); // bytes of one index
  let last = shape.length - 1; // the last dimension that is not whole
  while (last > 0 && ranges[last][0] === 0 && ranges[last][1] === shape[last]) last--;
  let at = 0;
  const put = (bytes: Uint8Array): void => {
    out.set(bytes, at);
    at += bytes.length;
  };
  /** Copies from bytes that lie in memory; `base` is where index 0 of the dimension would be. */
  const cut = (block: Uint8Array, d: number, base: number): void => {
    const [start, stop] = ranges[d];
    if (d >= last) put(block.subarray(base + start * inner[d], base + stop * inner[d]));
    else for (let i = start; i < stop; i++) cut(block, d + 1, base + i * inner[d]);
  };
  const collect = async (d: number, base: number): Promise<void> => {
    const [start, stop] = ranges[d];
    const from = base + start * inner[d];
    const bytes = (stop - start) * inner[d];
    if (d >= last) put(await read(from, bytes));
    else if (bytes <= BLOCK) cut(await read(from, bytes), d, -start * inner[d]);
    else for (let i = start; i < stop; i++) await collect(d + 1, base + i * inner[d]);
  };
  if (shape.length === 0) put(await read(0, item));
  else await collect(0, 0);
}

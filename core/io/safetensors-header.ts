import { DTypeError, StateError } from '../errors.ts';
import { bareRecord } from './bare.ts';
import { type FileDType, fileDTypes, fileBits, isFileDType } from './safetensors-dtypes.ts';

/** Where one tensor lies in a safetensors file. */
export interface Entry {
  readonly name: string;
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  /** First byte, counted from the end of the header. */
  readonly begin: number;
  /** One past the last byte. */
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface Header {
  readonly metadata: Record<string, string>;
  /** In the order of the header. */
  readonly entries: readonly Entry[];
}

/** Longest header that is read, as in the reference implementation. */
export const MAX_HEADER = 100_000_000;

/** Most dimensions of a tensor; the format names no limit, but no program comes near this one. */
export const MAX_RANK = 1024;

/** The key of the header that holds text instead of a tensor. */
export const METADATA = '__metadata__';

/**
 * Length of the header of a file of `size` bytes, from its first eight.
 *
 * @throws StateError when the file is too short for it, or it is longer than 100 MB
 */
export function headerLength(op: string, start: Uint8Array, size: number): number {
  if (size < 8) throw truncated(op, size, 8);
  const view = new DataView(start.buffer, start.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER) {
    throw new StateError(`${op}: not a safetensors file, got a header length of ${length} bytes; expected at most ${MAX_HEADER}`, { values: { length } });
  }
  if (length > size - 8) throw truncated(op, size, 8 + length);
  return length;
}

/** The error for a file that ends too early. */
function truncated(op: string, size: number, expected: number): StateError {
  return new StateError(`${op}: the file ends too early, got ${size} bytes; expected at least ${expected}`, { values: { size, expected } });
}

/**
 * Reads a header strictly by its schema, so that nothing is built for a file that does not follow it.
 *
 * @param bytes - the header without its length
 * @param dataLength - bytes that follow the header
 * @throws StateError for anything but a header that describes exactly these bytes, DTypeError for an unknown dtype
 */
export function parseHeader(op: string, bytes: Uint8Array, dataLength: number): Header {
  const header = new HeaderReader(op, decodeText(op, bytes)).read();
  checkOffsets(op, header.entries, dataLength);
  return header;
}

function decodeText(op: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new StateError(`${op}: the header is not text, got bytes that are not UTF-8; expected JSON`);
  }
}

function checkOffsets(op: string, entries: readonly Entry[], dataLength: number): void {
  let at = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) {
      const what = begin < at ? 'tensors overlap' : 'there is a hole between tensors';
      throw new StateError(`${op}: ${what}, got '${name}' at byte ${begin}; expected it at byte ${at}`, { values: { name, begin, expected: at } });
    }
    at = end;
  }
  if (at > dataLength) {
    throw new StateError(`${op}: the file ends too early, got ${dataLength} bytes of data; expected ${at}`, { values: { size: dataLength, expected: at } });
  }
  if (at < dataLength) {
    throw new StateError(`${op}: bytes after the last tensor, got ${dataLength} bytes of data; expected ${at}`, { values: { size: dataLength, expected: at } });
  }
}

/** A JSON reader that knows only the schema of the header. */
class HeaderReader {
  private readonly op: string;
  private readonly text: string;
  private at = 0;

  constructor(op: string, text: string) {
    this.op = op;
    this.text = text;
  }

  read(): Header {
    let metadata = bareRecord<string>();
    const entries: Entry[] = [];
    if (this.text[0] !== '{') throw this.broken("'{' at the start of the header");
    this.object('a tensor', (name) => {
      if (name === METADATA) metadata = this.metadata();
      else entries.push(this.entry(name));
    });
    this.space();
    if (this.at < this.text.length) throw this.broken('nothing after the header but spaces');
    return { metadata, entries };
  }

  private metadata(): Record<string, string> {
    const out = bareRecord<string>();
    this.object('a metadata entry', (key) => {
      out[key] = this.string('a text as metadata');
    });
    return out;
  }

  private entry(name: string): Entry {
    let type: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    this.object('a field', (field) => {
      if (field === 'dtype') type = this.string('a dtype');
      else if (field === 'shape') shape = this.integers();
      else if (field === 'data_offsets') offsets = this.integers();
      else throw this.wrong(name, `field '${clip(field)}'`, 'dtype, shape and data_offsets');
    });
    if (type === undefined || shape === undefined || offsets === undefined) throw this.wrong(name, 'a missing field', 'dtype, shape and data_offsets');
    if (!isFileDType(type)) {
      throw new DTypeError(`${this.op}: unknown dtype of '${clip(name)}', got '${clip(type)}'; expected one of ${fileDTypes.join(', ')}`, { values: { name, dtype: type } });
    }
    const [begin, end] = offsets;
    if (offsets.length !== 2 || begin > end) throw this.wrong(name, `data_offsets [${offsets.slice(0, 4).join(', ')}]`, 'a begin and an end');
    const bytes = byteLength(shape, type);
    if (bytes !== end - begin) {
      const needs = Number.isSafeInteger(bytes) ? `${bytes} bytes` : bytes === Infinity ? 'fewer elements' : 'whole bytes';
      throw this.wrong(name, `${end - begin} bytes for ${type}[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`, needs);
    }
    return { name, dtype: type, shape, begin, end };
  }

  /** Reads `{ "key": …, … }`; `visit` reads the value of each key. */
  private object(what: string, visit: (key: string) => void): void {
    const seen = new Set<string>();
    this.expect('{');
    if (this.accept('}')) return;
    do {
      const key = this.string(`the name of ${what}`);
      if (seen.has(key)) {
        throw new StateError(`${this.op}: ${what} stands twice in the header, got '${clip(key)}' again; expected distinct names`, { values: { key } });
      }
      seen.add(key);
      this.expect(':');
      visit(key);
    } while (this.accept(','));
    this.expect('}');
  }

  private integers(): number[] {
    const out: number[] = [];
    this.expect('[');
    if (this.accept(']')) return out;
    do {
      if (out.length === MAX_RANK) throw this.broken(`at most ${MAX_RANK} numbers`);
      out.push(this.integer());
    } while (this.accept(','));
    this.expect(']');
    return out;
  }

  private integer(): number {
    this.space();
    const start = this.at;
    let code = this.text.charCodeAt(this.at);
    while (code >= 48 && code <= 57) code = this.text.charCodeAt(++this.at);
    const digits = this.at - start;
    if (digits === 0 || (digits > 1 && this.text[start] === '0')) throw this.broken('a whole number ≥ 0', start);
    const value = digits > 16 ? Infinity : Number(this.text.slice(start, this.at));
    if (!Number.isSafeInteger(value)) {
      throw new StateError(`${this.op}: a size is too large, got ${clip(this.text.slice(start, this.at))}; expected at most ${Number.MAX_SAFE_INTEGER}`);
    }
    return value;
  }

  private string(what: string): string {
    this.space();
    const start = this.at;
    if (this.text[start] !== '"') throw this.broken(what);
    let code = this.text.charCodeAt(++this.at);
    let escaped = false;
    for (; code !== 34; code = this.text.charCodeAt(++this.at)) {
      if (!(code >= 32)) throw this.broken('the end of a text', start); // a control character, or NaN at the end
      if (code === 92) {
        escaped = true;
        this.at++;
      }
    }
    this.at++;
    if (!escaped) return this.text.slice(start + 1, this.at - 1);
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      throw this.broken('a JSON text', start);
    }
  }

  private space(): void {
    let code = this.text.charCodeAt(this.at);
    while (code === 32 || code === 10 || code === 13 || code === 9) code = this.text.charCodeAt(++this.at);
  }

  private accept(char: string): boolean {
    this.space();
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private expect(char: string): void {
    if (!this.accept(char)) throw this.broken(`'${char}'`);
  }

  private broken(expected: string, at: number = this.at): StateError {
    const got = at < this.text.length ? `'${clip(this.text.slice(at, at + 21), 20)}' at character ${at}` : 'its end';
    return new StateError(`${this.op}: the header is not that of a safetensors file, got ${got}; expected ${expected}`, { values: { at } });
  }

  private wrong(name: string, got: string, expected: string): StateError {
    return new StateError(`${this.op}: the header entry of '${clip(name)}' is wrong, got ${got}; expected ${expected}`, { values: { name } });
  }
}

/** Bytes of a tensor; a fraction where its elements do not fill whole bytes, Infinity when they are too many to count. */
export function byteLength(shape: readonly number[], dtype: FileDType): number {
  if (shape.includes(0)) return 0;
  let n = 1;
  for (const size of shape) {
    n *= size;
    if (n * 8 > Number.MAX_SAFE_INTEGER) return Infinity;
  }
  return (n * fileBits(dtype)) / 8;
}

/** Text from a file, short enough for a message. */
function clip(text: string, length = 80): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

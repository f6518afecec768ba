import { DTypeError, StateError } from '../errors.ts';
import type { FileDType } from './safetensors-dtypes.ts';

/** What the header of an .npy file says. */
export interface NpyHeader {
  readonly dtype: FileDType;
  readonly order: 'little' | 'big';
  /** True when the first index runs fastest. */
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the elements start. */
  readonly start: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER = 2 ** 20;
const MAX_RANK = 64; // as NumPy

/** Bytes that tell the length of the header. */
export const NPY_START = 12;

/** NumPy's kinds and sizes. */
const types: Readonly<Record<string, FileDType>> = {
  b1: 'BOOL', i1: 'I8', i2: 'I16', i4: 'I32', i8: 'I64', u1: 'U8', u2: 'U16', u4: 'U32', u8: 'U64', f2: 'F16', f4: 'F32', f8: 'F64', c8: 'C64',
};

/** NumPy's name of a type, without its byte order; undefined where it has none. */
export function npyType(dtype: FileDType): string | undefined {
  return Object.keys(types).find((name) => types[name] === dtype);
}

const shown = (bytes: Uint8Array): string => [...bytes].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(' ');

/**
 * Where the header of an .npy file ends, from its first twelve bytes.
 *
 * @throws StateError when it is none, or too short for its header
 */
export function npyHeaderEnd(op: string, start: Uint8Array, size: number): number {
  if (size < 10) throw early(op, size, 10);
  if (!MAGIC.every((b, i) => start[i] === b)) {
    throw new StateError(`${op}: not an .npy file, got ${shown(start.subarray(0, 6))}; expected '\\x93NUMPY'`, start[0] === 0x50 && start[1] === 0x4b ? { hint: 'this is a zip file: readNpz and loadNpz read .npz' } : {});
  }
  const [major, minor] = [start[6], start[7]];
  if (major < 1 || major > 3 || minor !== 0) throw new StateError(`${op}: unknown version of the format, got ${major}.${minor}; expected 1.0, 2.0 or 3.0`);
  if (major > 1 && size < NPY_START) throw early(op, size, NPY_START);
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const end = (major === 1 ? 10 : 12) + length;
  if (length > MAX_HEADER) throw new StateError(`${op}: the header is too long, got ${length} bytes; expected at most ${MAX_HEADER}`);
  if (end > size) throw early(op, size, end);
  return end;
}

function early(op: string, size: number, expected: number): StateError {
  return new StateError(`${op}: the file ends too early, got ${size} bytes; expected at least ${expected}`, { values: { size, expected } });
}

/**
 * Reads a header by its schema.
 *
 * @param bytes - the file up to the end of its header
 * @throws StateError for anything else, DTypeError for element types that are no numbers
 */
export function parseNpyHeader(op: string, bytes: Uint8Array): NpyHeader {
  const from = bytes[6] === 1 ? 10 : 12;
  let text: string;
  try {
    text = new TextDecoder(bytes[6] === 3 ? 'utf-8' : 'latin1', { fatal: true }).decode(bytes.slice(from));
  } catch {
    throw new StateError(`${op}: the header is not text, got bytes that are not UTF-8; expected a Python dictionary`);
  }
  return { ...new DictionaryReader(op, text).read(), start: bytes.length };
}

type Fields = Omit<NpyHeader, 'start'>;

/** A reader of `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. */
class DictionaryReader {
  private readonly op: string;
  private readonly text: string;
  private at = 0;

  constructor(op: string, text: string) {
    this.op = op;
    this.text = text;
  }

  read(): Fields {
    const found: { descr?: Pick<Fields, 'dtype' | 'order'>; fortran_order?: boolean; shape?: number[] } = {};
    this.expect('{');
    while (!this.accept('}')) {
      const key = this.string();
      if (key !== 'descr' && key !== 'fortran_order' && key !== 'shape') throw this.broken(`descr, fortran_order and shape, not '${clip(key)}'`);
      if (found[key] !== undefined) throw this.broken(`'${key}' once`);
      this.expect(':');
      if (key === 'descr') found.descr = this.type();
      else if (key === 'shape') found.shape = this.tuple();
      else found.fortran_order = this.boolean();
      if (!this.accept(',')) {
        this.expect('}');
        break;
      }
    }
    this.space();
    if (this.at < this.text.length) throw this.broken('nothing after the dictionary');
    if (found.descr === undefined || found.fortran_order === undefined || found.shape === undefined) throw this.broken('descr, fortran_order and shape');
    return { ...found.descr, fortran: found.fortran_order, shape: found.shape };
  }

  private type(): Pick<Fields, 'dtype' | 'order'> {
    this.space();
    if (this.text[this.at] === '[') throw this.unknown('records of several fields');
    const name = this.string();
    const [, order, kind] = /^([<>|=]?)([a-zA-Z]\d*)$/.exec(name) ?? [];
    if (kind !== undefined && Object.hasOwn(types, kind)) return { dtype: types[kind], order: order === '>' ? 'big' : 'little' };
    const what: Readonly<Record<string, string>> = { O: 'pickled Python objects', U: 'texts', S: 'bytes', a: 'bytes', V: 'unnamed bytes', M: 'dates', m: 'spans of time' };
    throw this.unknown(`'${clip(name)}'${kind !== undefined && Object.hasOwn(what, kind[0]) ? `, ${what[kind[0]]}` : ''}`);
  }

  private unknown(got: string): DTypeError {
    return new DTypeError(`${this.op}: unknown element type, got ${got}; expected one of ${Object.keys(types).join(', ')}`);
  }

  private boolean(): boolean {
    this.space();
    for (const [word, value] of [['True', true], ['False', false]] as const) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    throw this.broken('True or False');
  }

  private tuple(): number[] {
    const out: number[] = [];
    this.expect('(');
    while (!this.accept(')')) {
      out.push(this.integer());
      if (out.length > MAX_RANK) throw this.broken(`at most ${MAX_RANK} dimensions`);
      if (this.accept(',')) continue;
      if (out.length === 1) throw this.broken("',' in a tuple of one number");
      this.expect(')');
      break;
    }
    return out;
  }

  private integer(): number {
    this.space();
    const [digits] = /^\d+/.exec(this.text.slice(this.at, this.at + 20)) ?? [''];
    const value = Number(digits);
    if (digits === '' || !Number.isSafeInteger(value)) throw this.broken('a size');
    this.at += digits.length;
    if (this.text[this.at] === 'L') this.at++; // Python 2 wrote 3L
    return value;
  }

  private string(): string {
    this.space();
    const quote = this.text[this.at];
    const end = quote === "'" || quote === '"' ? this.text.indexOf(quote, this.at + 1) : -1;
    const value = this.text.slice(this.at + 1, Math.max(end, 0));
    if (end < 0 || /[\\\n]/.test(value)) throw this.broken('a text');
    this.at = end + 1;
    return value;
  }

  private space(): void {
    while (/[ \t\r\n\f]/.test(this.text.charAt(this.at))) this.at++;
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

  private broken(expected: string): StateError {
    const got = this.at < this.text.length ? `'${clip(this.text.slice(this.at, this.at + 21), 20)}' at character ${this.at}` : 'its end';
    return new StateError(`${this.op}: the header is not that of an .npy file, got ${got}; expected ${expected}`, { values: { at: this.at } });
  }
}

function clip(text: string, length = 40): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** A header of version 1.0, padded so that the elements start at a multiple of 64 bytes. */
export function encodeNpyHeader(type: string, shape: readonly number[]): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type.endsWith('1') ? '|' : '<'}${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const bytes = new Uint8Array(Math.ceil((11 + text.length) / 64) * 64).fill(32);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, bytes.length - 10, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[bytes.length - 1] = 10;
  return bytes;
}

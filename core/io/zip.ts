import { ArgumentError, StateError, checkNumber } from '../errors.ts';
import { crc32 } from './crc32.ts';
import type { ByteSource } from './source.ts';

/** A file in a zip file. */
export interface ZipEntry {
  readonly name: string;
  /** 0 for stored, 8 for deflated. */
  readonly method: number;
  readonly crc: number;
  /** Bytes in the zip file. */
  readonly packed: number;
  /** Bytes when unpacked. */
  readonly size: number;
  /** Where its own header starts. */
  readonly offset: number;
  /** Where it must have ended. */
  readonly limit: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const MAX_DIRECTORY = 2 ** 26;
const MAX_RATIO = 1032; // deflate packs no better
const FULL16 = 0xffff;
const FULL32 = 0xffffffff;

/** How many bytes files may unpack to unless the caller says otherwise. */
export const MAX_UNPACKED: number = 2 ** 30;

/** Refuses anything but a number of bytes; default 1 GiB. */
export function checkMaxBytes(op: string, maxBytes: unknown): number {
  if (maxBytes === undefined) return MAX_UNPACKED;
  checkNumber(op, 'maxBytes', maxBytes, 'an integer ≥ 0', (n) => Number.isSafeInteger(n) && n >= 0);
  return maxBytes as number;
}

/** The error for a file that would unpack to more than it may. */
export function tooMuch(op: string, what: string, got: number, max: number): StateError {
  return new StateError(`${op}: ${what} would unpack to too much, got ${got} bytes; expected at most ${max}`, { values: { size: got, max }, hint: 'the option maxBytes allows more' });
}

function damaged(op: string, got: string, expected: string): StateError {
  return new StateError(`${op}: the zip file is damaged, got ${got}; expected ${expected}`);
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const uint64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

interface Directory {
  readonly count: number;
  readonly size: number;
  readonly offset: number;
  /** Where it must end. */
  readonly end: number;
}

/** Finds the end record, which has the directory's place. */
async function findDirectory(op: string, source: ByteSource): Promise<Directory> {
  if (source.size < 22) throw damaged(op, `${source.size} bytes`, 'at least 22');
  const length = Math.min(source.size, 22 + FULL16);
  const from = source.size - length;
  const view = viewOf(await source.read(from, length));
  let at = length - 22;
  while (at >= 0 && !(view.getUint32(at, true) === END && at + 22 + view.getUint16(at + 20, true) === length)) at--;
  if (at < 0) throw new StateError(`${op}: not a zip file, got no end record; expected one in the last ${length} bytes`);
  const disks = view.getUint16(at + 4, true) + view.getUint16(at + 6, true);
  const [count, size, offset] = [view.getUint16(at + 10, true), view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  if (count === FULL16 || size === FULL32 || offset === FULL32) return findDirectory64(op, source, from + at);
  if (disks !== 0 || view.getUint16(at + 8, true) !== count) throw damaged(op, 'several volumes', 'one');
  return { count, size, offset, end: from + at };
}

/** The same of files with more than 4 GiB or 65535 entries. */
async function findDirectory64(op: string, source: ByteSource, end: number): Promise<Directory> {
  if (end < 76) throw damaged(op, 'no room for the records of a large file', 'a locator');
  const locator = viewOf(await source.read(end - 20, 20));
  const at = uint64(locator, 8);
  if (locator.getUint32(0, true) !== LOCATOR64 || at > end - 76) throw damaged(op, 'no locator of a large file', 'one before the end record');
  const record = viewOf(await source.read(at, 56));
  if (record.getUint32(0, true) !== END64 || uint64(record, 4) !== end - 20 - at - 12) throw damaged(op, 'no end record of a large file', 'one before the locator');
  const count = uint64(record, 32);
  if (record.getUint32(16, true) + record.getUint32(20, true) !== 0 || uint64(record, 24) !== count) throw damaged(op, 'several volumes', 'one');
  return { count, size: uint64(record, 40), offset: uint64(record, 48), end: at };
}

/** Sizes and place that did not fit 32 bits stand in an extra field. */
function wide(op: string, view: DataView, from: number, to: number, narrow: readonly number[]): number[] {
  if (!narrow.includes(FULL32)) return [...narrow];
  for (let at = from; at + 4 <= to; ) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (id === 1) {
      let next = at + 4;
      return narrow.map((value) => {
        if (value !== FULL32) return value;
        if (next + 8 > Math.min(to, at + 4 + length)) throw damaged(op, 'a short field of large sizes', '8 bytes for each');
        next += 8;
        return uint64(view, next - 8);
      });
    }
    at += 4 + length;
  }
  return [...narrow];
}

/**
 * The files in a zip file. Sizes, places and names are checked against each other before anything is unpacked: files may
 * not overlap, stand twice, be encrypted, or claim more than deflate can pack.
 *
 * @throws StateError for anything but a whole zip file of files that are stored or deflated
 */
export async function readDirectory(op: string, source: ByteSource): Promise<ZipEntry[]> {
  const { count, size, offset, end } = await findDirectory(op, source);
  if (offset + size !== end) throw damaged(op, `a directory of ${size} bytes at ${offset}`, `its end at ${end}`);
  if (size > MAX_DIRECTORY || count * 46 > size) throw damaged(op, `${count} entries in a directory of ${size} bytes`, `46 bytes for each, and at most ${MAX_DIRECTORY}`);
  const bytes = await source.read(offset, size);
  const view = viewOf(bytes);
  const entries: Omit<ZipEntry, 'limit'>[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > size || view.getUint32(at, true) !== ENTRY) throw damaged(op, `no entry at byte ${at} of the directory`, `${count} entries`);
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const nameEnd = at + 46 + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > size) throw damaged(op, 'an entry beyond the directory', `${size} bytes`);
    const name = nameOf(bytes.slice(at + 46, nameEnd));
    const [full, packed, place] = wide(op, view, nameEnd, extraEnd, [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)]);
    if (names.has(name)) throw damaged(op, `'${clip(name)}' twice`, 'distinct names');
    if ((flags & 1) !== 0) throw new StateError(`${op}: a file is encrypted, got '${clip(name)}'; expected plain files`);
    if (method !== 0 && method !== 8) throw new StateError(`${op}: unknown packing, got method ${method} of '${clip(name)}'; expected 0 or 8`);
    if (method === 0 ? full !== packed : full > packed * MAX_RATIO + 64) throw damaged(op, `${full} bytes out of ${packed} in '${clip(name)}'`, 'what its packing allows');
    names.add(name);
    entries.push({ name, method, crc: view.getUint32(at + 16, true), packed, size: full, offset: place });
    at = next;
  }
  if (at !== size) throw damaged(op, `${size - at} bytes after the last entry`, 'none');
  return limited(op, entries, offset);
}

/** Where each file must have ended: where the next one starts. */
function limited(op: string, entries: readonly Omit<ZipEntry, 'limit'>[], end: number): ZipEntry[] {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  const limits = new Map(sorted.map((entry, i) => [entry, sorted[i + 1]?.offset ?? end]));
  return entries.map((entry) => {
    const limit = limits.get(entry) ?? end;
    if (entry.offset + 30 + entry.packed > limit) throw damaged(op, `'${clip(entry.name)}' over what follows`, 'files that do not overlap');
    return { ...entry, limit };
  });
}

function nameOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}

function clip(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name;
}

/** The packages that pack and unpack, loaded when they are first needed. */
async function flate() {
  return import('fflate');
}

/**
 * Unpacks a file.
 *
 * @throws StateError when it is damaged: by its own header, its length, or its checksum
 */
export async function unpackEntry(op: string, source: ByteSource, { name, method, crc, packed, size, offset, limit }: ZipEntry): Promise<Uint8Array> {
  const header = viewOf(await source.read(offset, 30));
  const start = offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (header.getUint32(0, true) !== LOCAL || header.getUint16(8, true) !== method || start + packed > limit) throw damaged(op, `another header before '${clip(name)}'`, 'the one that the directory describes');
  const data = await source.read(start, packed);
  let bytes: Uint8Array = data;
  if (method === 8) {
    const { inflateSync } = await flate();
    try {
      bytes = inflateSync(data, { out: new Uint8Array(size + 1) }); // one more, to see whether there is more
    } catch (error) {
      throw damaged(op, `${error instanceof Error ? error.message : String(error)} in '${clip(name)}'`, 'packed bytes');
    }
    if (bytes.length !== size) throw damaged(op, `${bytes.length > size ? 'more than ' : ''}${Math.min(bytes.length, size)} bytes in '${clip(name)}'`, `${size}`);
    bytes = bytes.slice(0, size);
  }
  const sum = crc32(bytes);
  if (sum !== crc) throw damaged(op, `checksum ${sum.toString(16)} of '${clip(name)}'`, crc.toString(16));
  return bytes;
}

/**
 * Files as the bytes of a zip file; equal input gives equal bytes.
 *
 * @throws ArgumentError when they are too large for the format without its extensions
 */
export async function packZip(op: string, files: Readonly<Record<string, Uint8Array>>, compressed: boolean): Promise<Uint8Array> {
  const total = Object.entries(files).reduce((n, [name, bytes]) => n + bytes.length + 3 * name.length + 256, 0);
  if (total >= FULL32 || Object.keys(files).length >= FULL16) {
    throw new ArgumentError(`${op}: too large for a zip file, got ${total} bytes in ${Object.keys(files).length} files; expected less than 4 GiB and 65535`, { hint: 'saveSafetensors has no such limits' });
  }
  const { zipSync } = await flate();
  return zipSync(files, { level: compressed ? 6 : 0, mtime: new Date(1980, 0, 1) });
}

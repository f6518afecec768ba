import { StateError } from '../errors.ts';

/** Bytes that are read piece by piece. */
export interface ByteSource {
  readonly size: number;
  /** Exactly these bytes, in an array of their own. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A source that holds something open. */
export interface OpenSource extends ByteSource {
  close(): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

function early(op: string, size: number, expected: number): StateError {
  return new StateError(`${op}: the file became shorter, got ${size} bytes; expected ${expected}`);
}

/** Bytes in memory. */
export function memorySource(bytes: Uint8Array): OpenSource {
  return { size: bytes.length, read: (position, length) => Promise.resolve(new Uint8Array(bytes.subarray(position, position + length))), close: nothing };
}

/** A Blob, of which only the parts that are read are loaded. */
export function blobSource(op: string, blob: Blob): OpenSource {
  return {
    size: blob.size,
    async read(position, length) {
      const bytes = new Uint8Array(await blob.slice(position, position + length).arrayBuffer());
      if (bytes.length !== length) throw early(op, position + bytes.length, blob.size);
      return bytes;
    },
    close: nothing,
  };
}

/** The whole content of an address. */
export async function fetchWhole(op: string, address: string): Promise<OpenSource> {
  const response = await fetch(address);
  if (!response.ok) throw badStatus(op, response.status, address, '200');
  return memorySource(new Uint8Array(await response.arrayBuffer()));
}

function badStatus(op: string, status: number, address: string, expected: string): StateError {
  return new StateError(`${op}: the address cannot be read, got ${status} from ${address.slice(0, 200)}; expected ${expected}`, { values: { status } });
}

const FIRST = 65536; // most headers lie within, so that opening takes one request

/**
 * An address of which only the ranges that are read are fetched.
 *
 * @throws StateError when the server sends no ranges, or the file changes meanwhile
 */
export async function fetchRanges(op: string, address: string): Promise<OpenSource> {
  let etag: string | null = null;
  let size = -1;
  const get = async (position: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    const response = await fetch(address, { headers: { Range: `bytes=${position}-${position + length - 1}` }, cache: 'no-store' });
    if (response.status === 416 && size < 0) throw new StateError(`${op}: the file is empty, got ${address.slice(0, 200)}; expected a file with content`);
    if (response.status !== 206) {
      await response.body?.cancel();
      if (response.ok) {
        throw new StateError(`${op}: the server sends no ranges, got ${response.status} from ${address.slice(0, 200)}; expected 206`, {
          values: { status: response.status },
          hint: 'the functions that load read the whole file at once',
        });
      }
      throw badStatus(op, response.status, address, '206');
    }
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
    if (range === null) throw new StateError(`${op}: the server does not say what it sends, got no content-range; expected 'bytes first-last/size'`, { hint: 'other origins must expose this header' });
    const tag = response.headers.get('etag');
    if (size >= 0 && (Number(range[3]) !== size || tag !== etag)) throw new StateError(`${op}: the file changed meanwhile, got ${range[3]} bytes, etag ${tag}; expected ${size} bytes, etag ${etag}`);
    [etag, size] = [tag, Number(range[3])];
    const expected = Math.min(length, size - position);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (Number(range[1]) !== position || bytes.length !== expected) throw new StateError(`${op}: the server sent another range, got ${bytes.length} bytes from ${range[1]}; expected ${expected} from ${position}`);
    return bytes;
  };
  const first = await get(0, FIRST);
  return {
    size,
    async read(position, length) {
      if (length === 0) return new Uint8Array(0);
      if (position + length <= first.length) return first.slice(position, position + length);
      if (position + length > size) throw early(op, size, position + length);
      return get(position, length);
    },
    close: nothing,
  };
}

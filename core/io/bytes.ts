import { bufferSourceToUint8Array, concatUint8Arrays } from 'typed-array-utils';
import { ArgumentError, show } from '../errors.ts';

/** What functions that read bytes accept: a view of bytes, or a whole buffer as `fetch` gives it. */
export type Bytes = Uint8Array | ArrayBuffer;

/**
 * The bytes as a plain Uint8Array without a copy, also for a Node Buffer, whose `slice` would share memory.
 *
 * @throws ArgumentError for anything else
 */
export function checkBytes(op: string, bytes: unknown): Uint8Array {
  if (bytes instanceof ArrayBuffer || bytes instanceof Uint8Array) return bufferSourceToUint8Array(bytes as BufferSource);
  throw new ArgumentError(`${op}: not bytes, got ${show(bytes)}; expected a Uint8Array or an ArrayBuffer`);
}

const GROUP = 4096; // more arguments in one call could overflow the stack

/** All chunks in one array. */
export function joinBytes(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length <= GROUP) return concatUint8Arrays(...chunks);
  const groups: Uint8Array[] = [];
  for (let i = 0; i < chunks.length; i += GROUP) groups.push(concatUint8Arrays(...chunks.slice(i, i + GROUP)));
  return joinBytes(groups);
}

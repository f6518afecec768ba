import { PolyakError, StateError } from '../errors.ts';
import type { ByteSource } from './source.ts';

/** True for bytes that start like a gzip file. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

const PIECE = 2 ** 18;

/** The bytes of a file piece by piece. */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  for (let at = 0; at < source.size; at += PIECE) yield await source.read(at, Math.min(PIECE, source.size - at));
}

/**
 * Unpacks a gzip file piece by piece; what is not asked for is not unpacked.
 *
 * @throws StateError when it is damaged
 */
export async function* gunzipPieces(op: string, packed: AsyncIterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = packed[Symbol.asyncIterator]();
  const bytes = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const piece = await pieces.next();
        if (piece.done === true) controller.close();
        else controller.enqueue(piece.value);
      },
    },
    { highWaterMark: 0 },
  );
  const reader = bytes.pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (let result = await reader.read(); !result.done; result = await reader.read()) yield result.value;
  } catch (error) {
    if (error instanceof PolyakError) throw error;
    throw new StateError(`${op}: the gzip file is damaged, got ${error instanceof Error ? error.message : String(error)}; expected a whole gzip file`);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

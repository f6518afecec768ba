import { StateError } from '../errors.ts';
import { joinBytes } from './bytes.ts';

/** True for bytes that start like a gzip file. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks a gzip file.
 *
 * @throws StateError when it is damaged
 */
export async function gunzip(op: string, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const chunks: Uint8Array[] = [];
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      if (value !== undefined) chunks.push(value);
    }
  } catch (error) {
    throw new StateError(`${op}: the gzip file is damaged, got ${error instanceof Error ? error.message : String(error)}; expected a whole gzip file`);
  }
  return joinBytes(chunks);
}

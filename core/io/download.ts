import { StateError } from '../errors.ts';
import { type Bytes, checkBytes } from './bytes.ts';

/**
 * Lets the visitor of a page save bytes as a file: what `packCheckpoint` or `writeSafetensors` gave. The file comes back through
 * `<input type="file">`, whose files `loadCheckpoint` and the other functions that load take.
 *
 * @param name - what the browser proposes as the name of the file
 * @throws StateError outside of pages
 */
export function download(name: string, bytes: Bytes): void {
  const data = checkBytes('download', bytes);
  if (typeof document !== 'object') throw new StateError(`download: there is no page here, got ${typeof globalThis.process === 'object' ? 'Node.js' : 'a worker'}; expected a document`, { hint: 'saveCheckpoint writes files' });
  const url = URL.createObjectURL(new Blob([data as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000); // the browser may still be asking where to
}

import type { Buffer } from '../nn/parameter.ts';

/** Buffers by name, in Maps that are nested as the names are: a Module lists them under these names, as in `layers.0.weight`. */
export type BufferTree = Map<string, Buffer | BufferTree>;

/** The buffer of a name, or undefined. */
export function bufferAt(tree: BufferTree, name: string): Buffer | undefined {
  let at: Buffer | BufferTree | undefined = tree;
  for (const part of name.split('.')) at = at instanceof Map ? at.get(part) : undefined;
  return at instanceof Map ? undefined : at;
}

/** Puts a buffer under a name, in the place of one that is there. */
export function putBuffer(tree: BufferTree, name: string, buffer: Buffer): void {
  const parts = name.split('.');
  let at = tree;
  for (let i = 0; i < parts.length - 1; i++) {
    let next = at.get(parts[i]);
    if (!(next instanceof Map)) at.set(parts[i], (next = new Map()));
    at = next;
  }
  at.set(parts[parts.length - 1], buffer);
}

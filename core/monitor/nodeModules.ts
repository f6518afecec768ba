import { StateError } from '../errors.ts';

/**
 * Node's own modules, at once and without an import, which bundles for browsers must not have.
 *
 * @throws StateError where there is no Node, or one before 20.16
 */
export function nodeModules(who: string) {
  if (typeof process !== 'object' || typeof process.getBuiltinModule !== 'function') {
    const got = typeof process === 'object' && typeof process.version === 'string' ? `Node ${process.version}` : 'no Node';
    throw new StateError(`${who}: there is no file system here, got ${got}; expected Node 20.16 or later`);
  }
  return { fs: process.getBuiltinModule('node:fs'), path: process.getBuiltinModule('node:path'), os: process.getBuiltinModule('node:os') };
}

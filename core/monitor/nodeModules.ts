import { StateError } from '../errors.ts';

type Files = typeof import('node:fs');
type Paths = typeof import('node:path');
type System = typeof import('node:os');

/**
 * Node's own modules, at once and without an import, which bundles for browsers must not have.
 *
 * @throws StateError where there is no Node, or one before 20.16
 */
export function nodeModules(who: string): { readonly fs: Files; readonly path: Paths; readonly os: System } {
  const get = typeof process === 'object' ? process.getBuiltinModule : undefined;
  if (typeof get !== 'function') {
    const got = typeof process === 'object' && typeof process.version === 'string' ? `Node ${process.version}` : 'no Node';
    throw new StateError(`${who}: there is no file system here, got ${got}; expected Node 20.16 or later`);
  }
  return { fs: get('node:fs'), path: get('node:path'), os: get('node:os') };
}

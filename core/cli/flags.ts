import { parseArgs } from 'node:util';
import { nearest } from '../errors.ts';

/** A wrong use of the command line: one line, and exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The flags of a command, by name. */
export type Flags = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;

/** What was given. */
export interface Given<T extends Flags> {
  readonly values: { readonly [K in keyof T]?: T[K]['type'] extends 'boolean' ? boolean : string };
  readonly positionals: readonly string[];
}

/**
 * Reads the flags of a command; `-h` is `--help`.
 *
 * @param positionals - how many arguments there may be besides
 * @throws UsageError for flags that do not exist, with the one that was meant, for values that are missing, and for too many arguments
 */
export function readFlags<T extends Flags>(argv: readonly string[], flags: T, positionals: number): Given<T> {
  const known = Object.keys(flags);
  const args = argv.map((argument) => (argument === '-h' && known.includes('help') ? '--help' : argument));
  for (const argument of args) {
    if (argument === '--') break;
    const name = /^--?([^-=][^=]*)/.exec(argument)?.[1];
    if (name === undefined || /^-\d/.test(argument) || (argument.startsWith('--') && known.includes(name))) continue;
    const near = nearest(name, known);
    throw new UsageError(`unknown flag ${argument.split('=')[0]}${near === undefined ? '' : `; did you mean --${near}?`}`);
  }
  let read: { readonly values: object; readonly positionals: readonly string[] };
  try {
    read = parseArgs({ args, options: flags, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('\n')[0] : String(error));
  }
  if (read.positionals.length > positionals) throw new UsageError(`unexpected argument '${read.positionals[positionals]}'`);
  return read;
}

/** An integer given as a flag. @throws UsageError for anything else */
export function countFlag(name: string, text: string | undefined, min: number): number | null {
  if (text === undefined) return null;
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isSafeInteger(value) || value < min) throw new UsageError(`--${name}: got '${text}'; expected an integer ≥ ${min}`);
  return value;
}

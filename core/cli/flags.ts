import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../errors.ts';

/** A wrong use of the command line: one line, and exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Reads the flags of a command.
 *
 * @param positionals - how many arguments there may be besides
 * @throws UsageError for flags that do not exist, with the one that was meant, for values that are missing, and for too many arguments
 */
export function readFlags<T extends Options>(argv: readonly string[], options: T, positionals: number) {
  const known = Object.keys(options);
  for (const argument of argv) {
    if (argument === '--') break;
    const name = /^--([^=]+)/.exec(argument)?.[1] ?? /^-([^-=]+)/.exec(argument)?.[1];
    const isShort = !argument.startsWith('--');
    if (name === undefined || (isShort && /^\d/.test(name))) continue;
    if (isShort ? Object.values(options).some(({ short }) => short === name) : known.includes(name)) continue;
    const near = nearest(name, known);
    throw new UsageError(`unknown flag ${argument.split('=')[0]}${near === undefined ? '' : `; did you mean --${near}?`}`);
  }
  try {
    const read = parseArgs({ args: [...argv], options, allowPositionals: true });
    if (read.positionals.length > positionals) throw new Error(`unexpected argument '${read.positionals[positionals]}'`);
    return read;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('\n')[0] : String(error));
  }
}

/** An integer given as a flag. @throws UsageError for anything else */
export function countFlag(name: string, text: string | undefined, min: number): number | null {
  if (text === undefined) return null;
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isSafeInteger(value) || value < min) throw new UsageError(`--${name}: got '${text}'; expected an integer ≥ ${min}`);
  return value;
}

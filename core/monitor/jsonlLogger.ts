/// <reference lib="esnext.disposable" preserve="true" />
import { ArgumentError, checkNumber, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { Appender, appendError } from './appender.ts';
import { parseJsonLines, wholeLines } from './jsonLines.ts';
import { nodeModules } from './nodeModules.ts';
import { checkText, scalarOf } from './values.ts';

/** Options of `JSONLLogger`. */
export interface JSONLLoggerOptions {
  /** Go on behind what the file has, instead of starting it anew; default false. */
  readonly append?: boolean;
  /** Lines held back until they are written together; default 1: none. */
  readonly maxQueue?: number;
}

/** JSON of a value: tensors of one element as numbers, numbers that JSON lacks as texts ('NaN', 'Infinity', '-Infinity'). */
export function jsonOf(who: string, value: unknown): string {
  return JSON.stringify(value, function (this: unknown, key: string, item: unknown) {
    // A tensor may have been replaced by its toJSON before it comes here.
    const original: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : item;
    const plain = original instanceof Tensor ? scalarOf(who, `'${key}'`, original) : item;
    return typeof plain === 'number' && !Number.isFinite(plain) ? String(plain) : plain;
  });
}

/**
 * Writes one JSON object a line, synchronously: for logs whose rows differ. A line that a crash has cut short is dropped when the file is gone on with. Node only.
 */
export class JSONLLogger {
  readonly path: string;
  private readonly file: Appender;

  /** @throws StateError when the file cannot be written */
  constructor(path: string, options: JSONLLoggerOptions = {}) {
    checkOptions('JSONLLogger', options, ['append', 'maxQueue']);
    checkText('JSONLLogger', 'the path', path);
    const { append = false, maxQueue = 1 } = options;
    if (typeof append !== 'boolean') throw new ArgumentError(`JSONLLogger: append is not a boolean, got ${show(append)}; expected true or false`);
    checkNumber('JSONLLogger', 'maxQueue', maxQueue, 'an integer ≥ 1', (v) => Number.isSafeInteger(v) && v >= 1);
    this.path = path;
    if (append) dropCutLine(path);
    this.file = new Appender(path, { who: 'JSONLLogger', mode: append ? 'append' : 'write', maxQueue, flushSeconds: Infinity });
  }

  /** Writes a line. Tensors of one element become numbers, NaN and infinities texts. @throws ArgumentError for anything but an object */
  log(entry: Readonly<Record<string, unknown>>): void {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw new ArgumentError(`JSONLLogger: not an object, got ${show(entry)}; expected { name: value, … }`);
    this.file.add(new TextEncoder().encode(`${jsonOf('JSONLLogger', entry)}\n`));
  }

  /** Writes what was held back. */
  flush(): void {
    this.file.flush();
  }

  /** Writes what was held back and closes the file. */
  close(): void {
    this.file.close();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Cuts off a last line without an end. */
export function dropCutLine(path: string): void {
  const { fs } = nodeModules('JSONLLogger');
  try {
    const bytes = fs.readFileSync(path);
    const keep = wholeLines(bytes);
    if (keep < bytes.length) fs.truncateSync(path, keep);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw appendError('JSONLLogger', path, error);
  }
}

/**
 * The entries of a file that `JSONLLogger` wrote; a line that a crash has cut short is left out.
 *
 * @throws StateError when the file cannot be read or another line is no JSON
 */
export function readJSONL(path: string): unknown[] {
  checkText('readJSONL', 'the path', path);
  try {
    return parseJsonLines('readJSONL', nodeModules('readJSONL').fs.readFileSync(path, 'utf8'));
  } catch (error) {
    throw appendError('readJSONL', path, error);
  }
}

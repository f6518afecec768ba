/// <reference lib="esnext.disposable" preserve="true" />
import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { Appender, appendError } from './appender.ts';
import { csvLine, csvRows } from './csvText.ts';
import { nodeModules } from './nodeModules.ts';
import { type Scalar, checkText, scalarOf } from './values.ts';

/** What a log takes: numbers, tensors of one element, texts, booleans, and null for nothing. */
export type LogValue = Scalar | string | boolean | null;

/** Options of `CSVLogger`. */
export interface CSVLoggerOptions {
  /** Go on behind what the file has, instead of starting it anew; default false. */
  readonly append?: boolean;
  /** With `append`: leaves out earlier rows from these values on, such as `{ step: 120 }` after resuming a checkpoint of step 120. */
  readonly purge?: Readonly<Record<string, number>>;
  /** Columns to begin with; more are added when rows have them. Default: those of the first row. */
  readonly columns?: readonly string[];
  /** Rows held back until they are written together; default 1: none. */
  readonly maxQueue?: number;
}

/**
 * Writes rows of values to a CSV file, synchronously. The first row makes the columns; a row with new ones extends them, and earlier rows are filled up. A row that
 * a crash has cut short is dropped when the file is gone on with. Node only.
 *
 *     const log = new CSVLogger('runs/a.csv', { append: true, purge: { epoch } });
 *     log.log({ epoch, loss, accuracy });
 */
export class CSVLogger {
  readonly path: string;
  private readonly maxQueue: number;
  private readonly names: string[];
  private file: Appender;

  /**
   * @param path - the file; folders are made
   * @throws StateError when it cannot be read or written, or has rows that do not fit its header; ArgumentError for bad options
   */
  constructor(path: string, options: CSVLoggerOptions = {}) {
    checkOptions('CSVLogger', options, ['append', 'purge', 'columns', 'maxQueue']);
    checkText('CSVLogger', 'the path', path);
    const { append = false, purge, columns = [], maxQueue = 1 } = options;
    if (typeof append !== 'boolean') throw new ArgumentError(`CSVLogger: append is not a boolean, got ${show(append)}; expected true or false`);
    if (purge !== undefined && !append) throw new ArgumentError('CSVLogger: purge without append, got a file to start anew; expected append: true');
    for (const [name, from] of Object.entries(purge ?? {})) checkNumber('CSVLogger', `purge.${name}`, from, 'a number', (v) => !Number.isNaN(v));
    checkNumber('CSVLogger', 'maxQueue', maxQueue, 'an integer ≥ 1', (v) => Number.isSafeInteger(v) && v >= 1);
    checkNames(columns);
    this.path = path;
    this.maxQueue = maxQueue;
    this.names = [...columns];
    const old = append ? this.read(purge ?? {}) : [];
    const [header = []] = old;
    this.names = [...header, ...columns.filter((name) => !header.includes(name))];
    this.file = this.rewrite(old.slice(1));
  }

  /** Names of the columns so far. */
  get columns(): readonly string[] {
    return this.names;
  }

  /**
   * Writes a row. Columns it does not have stay empty.
   *
   * @throws ArgumentError for values that are no `LogValue`; nothing is written then
   */
  log(row: Readonly<Record<string, LogValue>>): void {
    const cells = new Map(Object.entries(row).map(([name, value]) => [name, textOf(name, value)]));
    const fresh = [...cells.keys()].filter((name) => !this.names.includes(name));
    if (fresh.length > 0) this.extend(fresh);
    this.file.add(new TextEncoder().encode(csvLine(this.names.map((name) => cells.get(name) ?? ''))));
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

  private extend(fresh: readonly string[]): void {
    checkNames(fresh);
    if (!this.file.isOpen) return; // the write that follows says so
    this.file.close();
    const rows = this.read({});
    this.names.push(...fresh);
    this.file = this.rewrite(rows.slice(1));
  }

  /** Header and rows of the file as it is. */
  private read(purge: Readonly<Record<string, number>>): string[][] {
    const { fs } = nodeModules('CSVLogger');
    let text: string;
    try {
      text = fs.readFileSync(this.path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw appendError('CSVLogger', this.path, error);
    }
    const [header, ...rows] = csvRows(text);
    if (header === undefined) return [];
    const bad = rows.findIndex((row) => row.length !== header.length);
    if (bad >= 0) {
      throw new StateError(`CSVLogger: a row does not fit the header, got ${rows[bad].length} fields in row ${bad + 1} of ${this.path}; expected ${header.length}`, { values: { row: bad + 1 } });
    }
    const limits = Object.entries(purge).map(([name, from]) => [header.indexOf(name), from] as const).filter(([at]) => at >= 0);
    return [header, ...rows.filter((row) => !limits.some(([at, from]) => row[at] !== '' && Number(row[at]) >= from))];
  }

  /** Writes the file anew, so that its path holds the old rows or the new ones at any time, and opens it. */
  private rewrite(rows: readonly (readonly string[])[]): Appender {
    const { names, path, maxQueue } = this;
    const text = names.length === 0 ? '' : [names, ...rows.map((row) => names.map((_, i) => row[i] ?? ''))].map(csvLine).join('');
    const { fs, path: paths } = nodeModules('CSVLogger');
    try {
      fs.mkdirSync(paths.dirname(path), { recursive: true });
      const temporary = `${path}.${process.pid}.tmp`;
      fs.writeFileSync(temporary, text);
      fs.renameSync(temporary, path);
    } catch (error) {
      throw appendError('CSVLogger', path, error);
    }
    return new Appender(path, { who: 'CSVLogger', mode: 'append', maxQueue, flushSeconds: Infinity });
  }
}

function checkNames(names: readonly string[]): void {
  for (const name of names) checkText('CSVLogger', 'a column', name);
  if (new Set(names).size !== names.length) throw new ArgumentError(`CSVLogger: two columns have one name, got ${show(names)}; expected distinct names`);
}

function textOf(name: string, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' || value instanceof Tensor) return String(scalarOf('CSVLogger', `'${name}'`, value));
  throw new ArgumentError(`CSVLogger: '${name}' cannot be written, got ${show(value)}; expected a number, a text, a boolean or null`);
}

import { ArgumentError, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { checkLengths } from './csv.ts';
import { checkFormat } from './csv-rows.ts';
import { type FileTarget, writeFileAtomic } from './files.ts';
import { onHost } from './safetensors.ts';

/** What a table can be made of: columns by name, tensors of one dimension or arrays of numbers, texts, booleans and null. */
export type CsvColumns = Readonly<Record<string, Tensor | readonly (string | number | boolean | null)[]>>;

/** Options of `writeCsv` and `saveCsv`. */
export interface CsvWriteOptions {
  /** What stands between fields; default ','. */
  readonly delimiter?: string;
  /** Whether the first row holds the names; default true. */
  readonly header?: boolean;
}

const BATCH = 4096;

/**
 * Columns as a table of comma-separated values. Numbers are written so that they are read back exactly, missing values (NaN and
 * null) as nothing, infinite ones as inf.
 *
 * @throws ShapeError when lengths differ, ArgumentError for anything else
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export async function writeCsv(columns: CsvColumns, options: CsvWriteOptions = {}): Promise<string> {
  const parts: string[] = [];
  for await (const part of encodeCsv('writeCsv', columns, options)) parts.push(part);
  return parts.join('');
}

/**
 * Writes a table of comma-separated values. The path holds either its old bytes or the new ones, also when the process ends midway.
 *
 * @throws StateError when the file cannot be written; otherwise as `writeCsv`
 */
export async function saveCsv(path: FileTarget, columns: CsvColumns, options: CsvWriteOptions = {}): Promise<void> {
  const op = 'saveCsv';
  checkColumns(op, columns);
  const host = onHost(columns);
  const parts = encodeCsv(op, host instanceof Promise ? await host : host, options);
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const encoder = new TextEncoder();
    for await (const part of parts) yield encoder.encode(part);
  }
  await writeFileAtomic(op, path, bytes());
}

function checkColumns(op: string, columns: unknown): asserts columns is CsvColumns {
  if (typeof columns !== 'object' || columns === null || Array.isArray(columns) || columns instanceof Tensor) throw new ArgumentError(`${op}: not columns by name, got ${show(columns)}; expected { name: column, … }`);
  if (Object.keys(columns).length === 0) throw new ArgumentError(`${op}: no columns, got none; expected at least one`);
  for (const [name, column] of Object.entries(columns)) {
    if (column instanceof Tensor ? column.ndim !== 1 : !Array.isArray(column)) throw new ArgumentError(`${op}: column '${name}' is no column, got ${show(column)}; expected a tensor of one dimension, or an array`);
  }
}

/** Checks, and takes tensors as they are now. */
function encodeCsv(op: string, columns: CsvColumns, options: CsvWriteOptions): AsyncGenerator<string, void, undefined> {
  checkColumns(op, columns);
  checkOptions(op, options, ['delimiter', 'header']);
  checkFormat(op, options);
  const { delimiter = ',', header = true } = options;
  if (typeof header !== 'boolean') throw new ArgumentError(`${op}: invalid header, got ${show(header)}; expected true or false`);
  const names = Object.keys(columns);
  const lists = names.map((name) => {
    const column = columns[name];
    return column instanceof Tensor ? { cells: column.data(), dtype: column.dtype, length: column.shape[0] } : { cells: [...column], dtype: null, length: column.length };
  });
  const length = checkLengths(op, Object.fromEntries(lists.map((list, c) => [String(c), list])));
  async function* parts(): AsyncGenerator<string, void, undefined> {
    const { default: Papa } = await import('papaparse');
    const lines = (rows: string[][]): string => (rows.length === 0 ? '' : `${Papa.unparse(rows, { delimiter, newline: '\n' })}\n`);
    if (header) yield lines([names]);
    for (let start = 0; start < length; start += BATCH) {
      const rows = Array.from({ length: Math.min(BATCH, length - start) }, (_, i) => lists.map(({ cells, dtype }, c) => fieldOf(op, names[c], start + i, cells[start + i], dtype)));
      yield lines(rows);
    }
  }
  return parts();
}

function fieldOf(op: string, name: string, i: number, value: unknown, dtype: string | null): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') throw new ArgumentError(`${op}: cannot be written, got ${show(value)} in row ${i + 1}, column '${name}'; expected a number, a text, a boolean or null`);
  if (dtype === 'bool') return value === 0 ? 'false' : 'true';
  if (Number.isNaN(value)) return '';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0';
  return dtype === 'float32' ? shortest(value) : String(value);
}

/** The shortest digits that give the same float32 again. */
function shortest(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

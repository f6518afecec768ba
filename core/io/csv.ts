import { isFloat } from '../dtype.ts';
import { ArgumentError, ShapeError, StateError, checkNumber, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { stack } from '../ops/join.ts';
import { bareRecord } from './bare.ts';
import { type ColumnType, type Place, type Texts, badValue, categoriesOf, categoryColumn, cellOf, columnTypes, inferType, tensorColumn } from './csv-types.ts';
import { type CsvFormat, checkFormat, csvRows } from './csv-rows.ts';
import type { FileSource } from './files.ts';
import { type TextOptions, type TextSource, decoderFor, textPieces } from './text.ts';

/** Options of functions that read tables. */
export interface CsvOptions extends CsvFormat, TextOptions {
  /** Whether the first row holds the names of columns; or their names, when it does not. Without names columns are called '0', '1', …; default true. */
  readonly header?: boolean | readonly string[];
  /** The columns to read, in this order; default all. */
  readonly columns?: readonly string[];
  /** What columns are read as, by name, or one type for all; default what fits all of their values. */
  readonly types?: ColumnType | Readonly<Record<string, ColumnType>>;
  /** Texts that stand for a missing value; default '', 'NA', 'N/A', 'NaN', 'nan', 'null' and 'None'. */
  readonly missing?: readonly string[];
  /** What takes the place of missing values, by column. */
  readonly fill?: Readonly<Record<string, string | number | boolean>>;
  /** How many rows to read; default all. */
  readonly maxRows?: number;
}

const OPTIONS = ['delimiter', 'comments', 'encoding', 'header', 'columns', 'types', 'missing', 'fill', 'maxRows'];
const MISSING = ['', 'NA', 'N/A', 'NaN', 'nan', 'null', 'None'];

/** A column of a table: numbers as a tensor of one dimension, texts as an array with null where one is missing. */
export type Column = Tensor | Texts;

/** A table that was read. */
export class CsvTable {
  /** Names of the columns in order. */
  readonly names: readonly string[];
  /** Columns by name; without a prototype, so that every name is safe. */
  readonly columns: Readonly<Record<string, Column>>;
  /** The texts behind the numbers of columns of type 'category', by name. */
  readonly categories: Readonly<Record<string, readonly string[]>>;
  /** Number of rows. */
  readonly length: number;

  constructor(names: readonly string[], columns: Readonly<Record<string, Column>>, categories: Readonly<Record<string, readonly string[]>>, length: number) {
    this.names = names;
    this.columns = columns;
    this.categories = categories;
    this.length = length;
  }

  /** A column of numbers as it was read: (rows). @throws ArgumentError for an unknown name and for a column of texts */
  column(name: string): Tensor {
    const op = 'CsvTable.column';
    const column = Object.hasOwn(this.columns, name) ? this.columns[name] : undefined;
    if (column === undefined) throw new ArgumentError(`${op}: no such column, got ${show(name)}; expected one of ${this.names.join(', ')}`);
    if (!(column instanceof Tensor)) throw new ArgumentError(`${op}: a column of texts, got '${name}'; expected a column of numbers`, { hint: "read it as 'category'" });
    return column;
  }

  /**
   * Columns of numbers side by side: (rows, columns), in float64 where one of them is, else in float32.
   *
   * @param names - which columns; default all
   * @throws ArgumentError for unknown names and for columns of texts
   */
  tensor(names: readonly string[] = this.names): Tensor {
    if (!Array.isArray(names) || names.length === 0) throw new ArgumentError(`CsvTable.tensor: no columns, got ${show(names)}; expected an array of names`);
    const columns = (names as readonly string[]).map((name) => this.column(name));
    const dtype = columns.some((x) => x.dtype === 'float64') ? 'float64' : 'float32';
    return stack(columns.map((x) => (isFloat(x.dtype) && x.dtype === dtype ? x : x.to(dtype))), 1);
  }
}

interface Layout {
  readonly names: readonly string[];
  /** For each name, its place in the rows of the file. */
  readonly places: readonly number[];
  /** Fields of each row. */
  readonly width: number;
}

/** Rows of fields that are null where a value is missing, and after the first one the layout. */
interface Rows {
  layout: Layout | null;
  readonly batches: AsyncGenerator<(string | null)[][], void, undefined>;
}

function checkCsvOptions(op: string, options: CsvOptions): void {
  checkOptions(op, options, OPTIONS);
  checkFormat(op, options);
  decoderFor(op, options.encoding);
  const { header = true, columns, types, missing, fill, maxRows } = options;
  if (typeof header !== 'boolean') checkNames(op, 'header', header);
  if (columns !== undefined) checkNames(op, 'columns', columns);
  for (const type of typeof types === 'object' && types !== null ? Object.values(types) : types === undefined ? [] : [types]) {
    if (!columnTypes.includes(type)) throw new ArgumentError(`${op}: unknown type, got ${show(type)}; expected one of ${columnTypes.join(', ')}`);
  }
  if (missing !== undefined && (!Array.isArray(missing) || !missing.every((x) => typeof x === 'string'))) throw new ArgumentError(`${op}: invalid missing, got ${show(missing)}; expected an array of texts`);
  if (fill !== undefined && (typeof fill !== 'object' || fill === null)) throw new ArgumentError(`${op}: invalid fill, got ${show(fill)}; expected { column: value }`);
  if (maxRows !== undefined) checkNumber(op, 'maxRows', maxRows, 'an integer ≥ 0', (n) => Number.isSafeInteger(n) && n >= 0);
}

function checkNames(op: string, option: string, names: unknown): void {
  const good = Array.isArray(names) && names.length > 0 && names.every((x) => typeof x === 'string') && new Set(names).size === names.length;
  if (!good) throw new ArgumentError(`${op}: invalid ${option}, got ${show(names)}; expected distinct names`);
}

function layoutOf(op: string, first: readonly string[], { header = true, columns, types, fill }: CsvOptions): Layout {
  const all = header === true ? first : header === false ? first.map((_, i) => String(i)) : header;
  const twice = all.find((name, i) => all.indexOf(name) !== i);
  if (twice !== undefined) throw new StateError(`${op}: two columns have one name, got '${twice}'; expected distinct names`, { hint: 'pass { header: [names] }, or { header: false }' });
  for (const name of [...(columns ?? []), ...(typeof types === 'object' ? Object.keys(types) : []), ...Object.keys(fill ?? {})]) {
    if (!all.includes(name)) throw new StateError(`${op}: no such column, got '${name}'; expected one of ${all.slice(0, 50).join(', ')}`, { values: { column: name } });
  }
  const names = columns ?? all;
  return { names, places: names.map((name) => all.indexOf(name)), width: all.length };
}

/** The rows of a table, checked, as far as they are asked for. */
function readRows(op: string, pieces: AsyncIterable<string> | Iterable<string>, options: CsvOptions): Rows {
  const { header = true, missing = MISSING, maxRows = Infinity } = options;
  const absent = new Set(missing);
  const rows: Rows = { layout: null, batches: read() };
  let [count, line] = [0, 0];
  async function* read(): AsyncGenerator<(string | null)[][], void, undefined> {
    for await (const batch of csvRows(op, pieces, options)) {
      const out: (string | null)[][] = [];
      for (const fields of batch) {
        line++;
        const { layout } = rows;
        // A line without any character says something only where there is one column.
        if (fields.length === 1 && fields[0] === '' && layout?.width !== 1) continue;
        const { places, width } = (rows.layout ??= layoutOf(op, fields, options));
        if (layout === null && header === true) continue;
        if (count >= maxRows) break;
        count++;
        if (fields.length !== width) {
          throw new StateError(`${op}: a row has another number of fields, got ${fields.length} in row ${count} (line ${line} of the table); expected ${width}`, { values: { row: count, fields: fields.length, expected: width } });
        }
        out.push(places.map((place) => (absent.has(fields[place]) ? null : fields[place])));
      }
      if (out.length > 0) yield out;
      if (count >= maxRows && rows.layout !== null) return;
    }
    if (rows.layout === null && typeof header === 'object') rows.layout = layoutOf(op, header, options);
  }
  return rows;
}

function typeOf(types: CsvOptions['types'], name: string): ColumnType | undefined {
  if (typeof types !== 'object') return types;
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

function fillOf(fill: CsvOptions['fill'], name: string): string | null {
  return fill !== undefined && Object.hasOwn(fill, name) ? String(fill[name]) : null;
}

async function readTable(op: string, pieces: AsyncIterable<string> | Iterable<string>, options: CsvOptions): Promise<CsvTable> {
  const rows = readRows(op, pieces, options);
  let texts: (string | null)[][] = [];
  let length = 0;
  for await (const batch of rows.batches) {
    texts = rows.layout?.names.map((_, c) => texts[c] ?? []) ?? [];
    for (const row of batch) row.forEach((text, c) => texts[c].push(text));
    length += batch.length;
  }
  if (rows.layout === null) throw new StateError(`${op}: the table is empty, got no rows; expected a row of names`, { hint: 'pass { header: [names] } for tables without one' });
  const columns = bareRecord<Column>();
  const categories = bareRecord<readonly string[]>();
  rows.layout.names.forEach((name, c) => {
    const place: Place = { op, column: name };
    const fill = fillOf(options.fill, name);
    const column = fill === null ? (texts[c] ?? []) : (texts[c] ?? []).map((text) => text ?? fill);
    const type = typeOf(options.types, name) ?? inferType(column);
    if (type === 'category') columns[name] = categoryColumn(column, (categories[name] = categoriesOf(column)));
    else columns[name] = type === 'string' ? column : tensorColumn(place, column, type);
  });
  return new CsvTable([...rows.layout.names], columns, categories, length);
}

/**
 * Reads a table of comma-separated values. Without `types`, columns of whole numbers become int64, of numbers float32 (whole
 * numbers beyond 32 bits float64), of true and false bool, others texts. Missing values are NaN, null, or -1 for categories; a
 * column of whole numbers that lacks some becomes float32. Lines without any character are left out, except in tables of one column.
 *
 * @param text - the whole text; fields with delimiters, quotes or ends of lines stand in double quotes
 * @throws StateError for rows of other lengths, names that stand twice, broken quotes, and values that do not fit, with the row
 *   (from 1, below the names) and the column; ArgumentError for bad options
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export async function readCsv(text: string, options: CsvOptions = {}): Promise<CsvTable> {
  const op = 'readCsv';
  if (typeof text !== 'string') throw new ArgumentError(`${op}: not a text, got ${show(text)}; expected a string`, { hint: 'loadCsv reads files' });
  checkCsvOptions(op, options);
  return readTable(op, textPieces(op, [text]), options);
}

/**
 * Reads a file of comma-separated values, also one packed with gzip.
 *
 * @param source - a path, a URL, also of the web, a Blob, or a file handle of a browser
 * @throws StateError when the file cannot be read; otherwise as `readCsv`
 */
export async function loadCsv(source: FileSource, options: CsvOptions = {}): Promise<CsvTable> {
  const op = 'loadCsv';
  checkCsvOptions(op, options);
  return readTable(op, textPieces(op, source, options), options);
}

/** A row of a table: values by name, null where one is missing. */
export type CsvRow = Record<string, string | number | boolean | null>;

/**
 * The rows of a table one by one, of which only a piece is in memory; every loop starts anew with a file, so that a DataLoader can
 * go through them. Columns are texts unless `types` says otherwise; 'category' cannot be known in advance, so it is refused.
 *
 * @param source - as for `loadCsv`, or pieces of text or bytes as they come
 * @throws ArgumentError for bad options; in the loop as `loadCsv`
 */
export function streamCsv(source: TextSource, options: CsvOptions = {}): AsyncIterable<CsvRow> {
  const op = 'streamCsv';
  checkCsvOptions(op, options);
  const { types } = options;
  if (types === 'category' || (typeof types === 'object' && Object.values(types).includes('category'))) throw new ArgumentError(`${op}: categories are known only at the end, got type 'category'; expected another type`);
  return {
    async *[Symbol.asyncIterator](): AsyncIterator<CsvRow> {
      const rows = readRows(op, textPieces(op, source, options), options);
      let count = 0;
      for await (const batch of rows.batches) {
        const names = rows.layout?.names ?? [];
        const readers = names.map((name) => valueReader({ op, column: name }, typeOf(types, name) ?? 'string', fillOf(options.fill, name)));
        for (const row of batch) {
          count++;
          const out = bareRecord<CsvRow[string]>();
          for (let c = 0; c < names.length; c++) out[names[c]] = readers[c](row[c], count);
          yield out;
        }
      }
    },
  };
}

function valueReader(place: Place, type: ColumnType, fill: string | null): (text: string | null, row: number) => CsvRow[string] {
  return (given, row) => {
    const text = given ?? fill;
    if (type === 'string') return text;
    if (type === 'category') throw badValue(place, row, text, type);
    const cell = cellOf(place, row, text, type);
    return type === 'bool' ? cell === 1 : type === 'float32' ? Math.fround(cell) : cell;
  };
}

/** Refuses columns of other lengths. */
export function checkLengths(op: string, columns: Readonly<Record<string, { readonly length: number }>>): number {
  const lengths = Object.values(columns).map(({ length }) => length);
  if (lengths.some((n) => n !== lengths[0])) throw new ShapeError(`${op}: columns have other lengths, got ${lengths.slice(0, 8).join(', ')}; expected one length`);
  return lengths[0] ?? 0;
}

import { ArgumentError, StateError, show } from '../errors.ts';

/** What a table looks like as text. */
export interface CsvFormat {
  /** What stands between fields; default ','. */
  readonly delimiter?: string;
  /** How lines begin that are left out; default none. */
  readonly comments?: string;
}

interface Parsed {
  readonly data: string[][];
  readonly errors: readonly { readonly code: string; readonly row?: number }[];
  readonly meta: { readonly cursor: number };
}

const PIECE = 2 ** 18;
const MAX_ROW = 2 ** 26;

/** Refuses what cannot stand between fields or begin a comment. */
export function checkFormat(op: string, { delimiter, comments }: CsvFormat): void {
  for (const [name, value] of [['delimiter', delimiter], ['comments', comments]] as const) {
    if (value !== undefined && (typeof value !== 'string' || !/^[^\r\n"\ufeff]{1,8}$/.test(value))) throw new ArgumentError(`${op}: invalid ${name}, got ${show(value)}; expected 1 to 8 characters, no quotes and no ends of lines`);
  }
  if (comments !== undefined && comments === (delimiter ?? ',')) throw new ArgumentError(`${op}: comments begin like fields, got '${comments}' for both; expected distinct texts`);
}

/** The end of lines: the first that stands outside of quotes; null when none has come, or when it may go on. */
function newlineOf(text: string): '\n' | '\r' | '\r\n' | null {
  const [found] = /\r\n|\n|\r(?=[^])/.exec(text.replaceAll(/"[^"]*"/g, '')) ?? [null];
  return found as '\n' | '\r' | '\r\n' | null;
}

/**
 * The rows of a table, some at a time, as they are in the text; their fields are unpacked from quotes.
 *
 * @throws StateError for quotes that do not close or stand inside a field, and for rows of more than 64 Mi characters
 */
export async function* csvRows(op: string, pieces: AsyncIterable<string> | Iterable<string>, { delimiter = ',', comments }: CsvFormat): AsyncGenerator<string[][], void, undefined> {
  const { default: Papa } = await import('papaparse');
  let newline: ReturnType<typeof newlineOf> = null;
  let text = '';
  let done = 0; // rows that were given out
  const parse = (last: boolean): string[][] => {
    newline ??= newlineOf(text);
    if (newline === null && !last) return [];
    newline ??= text.endsWith('\r') ? '\r' : '\n';
    const parser = new Papa.Parser({ delimiter, newline, ...(comments !== undefined && { comments }) });
    const { data, errors, meta } = parser.parse(text, 0, !last) as Parsed;
    const error = errors.find(({ row }) => row !== undefined && row < data.length); // not of a row that has not come to its end
    if (error?.row !== undefined) {
      const fact = error.code === 'MissingQuotes' ? 'a quote does not close' : 'a quote stands inside a field';
      throw new StateError(`${op}: ${fact}, got line ${done + error.row + 1} of the table; expected quotes around whole fields, doubled inside`, { values: { line: done + error.row + 1 } });
    }
    // After the end of the last line there is no other one.
    const end = data.at(-1);
    if (last && text.endsWith(newline) && end?.length === 1 && end[0] === '') data.pop();
    text = last ? '' : text.slice(meta.cursor);
    done += data.length;
    return data;
  };
  let wanted = PIECE; // twice as much for a row that does not end, so that the work stays in proportion
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += PIECE) {
      text += piece.slice(at, at + PIECE);
      if (text.length < wanted) continue;
      const rows = parse(false);
      if (rows.length > 0) yield rows;
      else if (text.length > MAX_ROW) throw tooLong(op, done);
      wanted = rows.length > 0 ? PIECE : text.length * 2;
    }
  }
  const rows = text === '' ? [] : parse(true);
  if (rows.length > 0) yield rows;
}

function tooLong(op: string, done: number): StateError {
  return new StateError(`${op}: a row is too long, got more than ${MAX_ROW} characters after line ${done}; expected shorter ones`, { hint: 'a quote that does not close makes one row of all that follows' });
}

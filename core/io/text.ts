import { ArgumentError, StateError, show } from '../errors.ts';
import { type FileSource, openFile } from './files.ts';
import { gunzipPieces, isGzip, piecesOf } from './gzip.ts';

/** Text from somewhere: a file, also one packed with gzip, or pieces of text or bytes as they come (a stream of `fetch`, of Node.js, a generator). */
export type TextSource = FileSource | ReadableStream<string | Uint8Array> | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Options of functions that read text. */
export interface TextOptions {
  /** How bytes stand for characters, by the names of TextDecoder; default 'utf-8'. */
  readonly encoding?: string;
}

/** Pieces as they come, or null for a file. */
function piecesIn(source: unknown): AsyncIterable<unknown> | Iterable<unknown> | null {
  if (typeof source !== 'object' || source === null || source instanceof Blob) return null;
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = source as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  if (typeof later === 'function' || typeof now === 'function') return source as AsyncIterable<unknown>;
  return source instanceof ReadableStream ? readAll(source) : null;
}

/** Some browsers do not loop over streams. */
async function* readAll(stream: ReadableStream<unknown>): AsyncGenerator<unknown, void, undefined> {
  const reader = stream.getReader();
  try {
    for (let result = await reader.read(); !result.done; result = await reader.read()) yield result.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** A decoder for a name of an encoding. @throws ArgumentError for an unknown one */
export function decoderFor(op: string, encoding: unknown): TextDecoder {
  if (encoding !== undefined && typeof encoding !== 'string') throw new ArgumentError(`${op}: invalid encoding, got ${show(encoding)}; expected a name that TextDecoder knows`);
  try {
    return new TextDecoder(encoding ?? 'utf-8', { fatal: true });
  } catch {
    throw new ArgumentError(`${op}: unknown encoding, got ${show(encoding)}; expected a name that TextDecoder knows`);
  }
}

async function* filePieces(op: string, source: FileSource): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openFile(op, source, false);
  try {
    const packed = isGzip(await file.read(0, Math.min(2, file.size)));
    yield* packed ? gunzipPieces(op, piecesOf(file)) : piecesOf(file);
  } finally {
    await file.close();
  }
}

/**
 * The text of a source piece by piece, without a byte order mark.
 *
 * @throws StateError for bytes that are not text in the encoding, or a file that cannot be read; ArgumentError for other pieces
 */
export async function* textPieces(op: string, source: TextSource, options: TextOptions = {}): AsyncGenerator<string, void, undefined> {
  const decoder = decoderFor(op, options.encoding);
  const decode = (bytes: Uint8Array | undefined): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new StateError(`${op}: not text, got bytes that are not ${decoder.encoding}; expected text in this encoding`, { hint: 'the option encoding names another one' });
    }
  };
  let first = true;
  for await (const piece of piecesIn(source) ?? filePieces(op, source as FileSource)) {
    let text: string;
    if (typeof piece === 'string') text = first && piece.startsWith('\ufeff') ? piece.slice(1) : piece;
    else if (piece instanceof Uint8Array) text = decode(piece);
    else throw new ArgumentError(`${op}: not text, got ${show(piece)} in the stream; expected strings or bytes`);
    first = false;
    if (text !== '') yield text;
  }
  const rest = decode(undefined);
  if (rest !== '') yield rest;
}

const MAX_LINE = 2 ** 26;

/**
 * The lines of a text one by one, without their ends; every loop starts anew with a file, so that a DataLoader can go through
 * them. Lines end with `\n` or `\r\n`; a last line may lack its end.
 *
 * @param source - a path, a URL, a Blob, a file handle of a browser, or pieces of text or bytes; files may be packed with gzip
 * @throws StateError in the loop when it cannot be read, is not text in the encoding, or has a line of more than 64 Mi characters
 */
export function readLines(source: TextSource, options: TextOptions = {}): AsyncIterable<string> {
  const op = 'readLines';
  decoderFor(op, options.encoding);
  return {
    async *[Symbol.asyncIterator](): AsyncIterator<string> {
      let parts: string[] = []; // of a line whose end has not come
      let length = 0;
      for await (const piece of textPieces(op, source, options)) {
        let from = 0;
        for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', from)) {
          parts.push(piece.slice(from, end));
          const line = parts.join('');
          yield line.endsWith('\r') ? line.slice(0, -1) : line;
          parts = [];
          length = 0;
          from = end + 1;
        }
        if (from < piece.length) parts.push(piece.slice(from));
        length += piece.length - from;
        if (length > MAX_LINE) throw new StateError(`${op}: a line is too long, got more than ${MAX_LINE} characters; expected shorter ones`);
      }
      if (parts.length > 0) yield parts.join('');
    },
  };
}

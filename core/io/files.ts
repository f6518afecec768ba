import { ArgumentError, PolyakError, StateError, show } from '../errors.ts';
import { type ByteSource, type OpenSource, blobSource, fetchRanges, fetchWhole } from './source.ts';

/** Where a file is: a path, or a URL. */
export type FilePath = string | URL;

/** A handle of a file in a browser, as `showSaveFilePicker()` and the origin private file system (`navigator.storage.getDirectory()`) give it. */
export interface WebFileHandle {
  readonly kind: 'file';
  readonly name: string;
  getFile(): Promise<Blob>;
  createWritable(): Promise<WebWritable>;
}

/** What `createWritable()` of a file handle gives; the file changes when it is closed. */
export interface WebWritable {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** What can be read: a path or URL, also of the web, a Blob or File, or a handle of a browser. */
export type FileSource = FilePath | Blob | WebFileHandle;

/** What can be written: a path or file URL, or a handle of a browser. */
export type FileTarget = FilePath | WebFileHandle;

const PIECE = 2 ** 30; // one system call takes less than 2 GiB

/** What is used of an open file of Node.js. */
interface OpenFile {
  stat(): Promise<{ readonly size: number; isFile(): boolean }>;
  read(bytes: Uint8Array, at: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  write(bytes: Uint8Array, at: number, length: number): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What is used of `node:fs/promises`; its own types would ask users for those of Node.js. */
export interface FileSystem {
  open(path: FilePath, flags: string, mode?: number): Promise<OpenFile>;
  stat(path: string): Promise<{ readonly mode: number; isFile(): boolean }>;
  realpath(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  mkdir(path: string, options: { readonly recursive: true }): Promise<string | undefined>;
  rm(path: string, options: { readonly force: true }): Promise<void>;
}

/** The file system, where there is one. Bundlers for browsers accept the import only right inside `try`. */
export async function fileSystem(op: string, path: FilePath): Promise<FileSystem> {
  try {
    return await import('node:fs/promises');
  } catch {
    throw new StateError(`${op}: there is no file system here, got ${String(path)}; expected Node.js`, { hint: 'in browsers pass a Blob or a file handle, or use the functions that take and give bytes' });
  }
}

/** Refuses anything but a path or a URL. */
export function checkPath(op: string, path: unknown): asserts path is FilePath {
  if (!(path instanceof URL) && (typeof path !== 'string' || path === '' || path.includes('\0'))) {
    throw new ArgumentError(`${op}: not a path, got ${show(path)}; expected a path or a URL`);
  }
}

function isHandle(x: unknown): x is WebFileHandle {
  return typeof x === 'object' && x !== null && 'kind' in x && x.kind === 'file' && 'getFile' in x && typeof x.getFile === 'function';
}

/** The path of a file URL, or the path itself. Bundlers for browsers accept the import only right inside `try`. */
export async function pathOf(op: string, path: FilePath): Promise<string> {
  if (typeof path === 'string') return path;
  try {
    const { fileURLToPath } = await import('node:url');
    return fileURLToPath(path);
  } catch (error) {
    throw fileError(op, 'read', String(path), error);
  }
}

/** An error of the system, in our words. */
export function fileError(op: string, what: string, path: string, error: unknown): PolyakError {
  if (error instanceof PolyakError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const wrapped = new StateError(`${op}: cannot ${what} the file, got ${reason}; expected a ${what === 'read' ? 'readable' : 'writable'} path`, {
    values: { path },
  });
  wrapped.cause = error;
  return wrapped;
}

/** What a source is called in messages. */
function nameOf(source: FileSource): string {
  if (source instanceof Blob) return 'a Blob';
  return (isHandle(source) ? source.name : String(source)).slice(0, 200);
}

/**
 * Opens a file, or fetches it from a web address, and closes it when `use` is done.
 *
 * @throws StateError when it cannot be read, is not a file, or changes its length meanwhile
 */
export async function withFile<T>(op: string, path: FileSource, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await openFile(op, path, false);
  try {
    return await use(source);
  } catch (error) {
    throw fileError(op, 'read', nameOf(path), error);
  } finally {
    await source.close();
  }
}

/**
 * Opens a file until it is closed.
 *
 * @param ranges - of a web address, fetch only what is read; otherwise the whole
 * @throws StateError when it cannot be read or is not a file
 */
export async function openFile(op: string, path: FileSource, ranges: boolean): Promise<OpenSource> {
  try {
    if (path instanceof Blob) return blobSource(op, path);
    if (isHandle(path)) return blobSource(op, await path.getFile());
    checkPath(op, path);
    const address = webAddress(path);
    if (address !== null) return await (ranges && /^http/i.test(address) ? fetchRanges(op, address) : fetchWhole(op, address));
    return await openPath(op, path);
  } catch (error) {
    throw fileError(op, 'read', nameOf(path), error);
  }
}

async function openPath(op: string, path: FilePath): Promise<OpenSource> {
  const fs = await fileSystem(op, path);
  const file = await fs.open(path, 'r');
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new StateError(`${op}: not a file, got ${String(path)}; expected a regular file`, { values: { path: String(path) } });
    return {
      size: stat.size,
      async read(position, length) {
        const bytes = new Uint8Array(length);
        for (let at = 0; at < length; ) {
          const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, length - at), position + at);
          if (bytesRead === 0) throw new StateError(`${op}: the file became shorter, got ${position + at} bytes; expected ${stat.size}`);
          at += bytesRead;
        }
        return bytes;
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The address when it is one of the web, which `fetch` understands. */
function webAddress(path: FilePath): string | null {
  const text = String(path);
  return /^(?:https?|data|blob):/i.test(text) ? text : null;
}

/** Bytes in order, made one by one if they are many. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The end of the names of unfinished files; before it stand the name of the file and an identifier. */
export const TEMPORARY = /^\.(.*)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** A name for the unfinished file, short enough for file systems. */
function temporaryName(name: string): string {
  return `.${name.length > 100 ? '' : name}.${globalThis.crypto.randomUUID()}.tmp`;
}

/**
 * Writes a file so that its path holds either the old bytes or the new ones, whenever the process ends: into a temporary
 * file of the same folder, flushed to disk, and renamed. A handle of a browser does the same in its own way.
 *
 * @param chunks - the bytes in order; they must not change until the promise is settled
 * @throws StateError when it cannot be written; the old file is untouched then, and the temporary one removed
 */
export async function writeFileAtomic(op: string, path: FileTarget, chunks: Chunks): Promise<void> {
  if (isHandle(path)) return writeHandle(op, path, chunks);
  checkPath(op, path);
  const fs = await fileSystem(op, path);
  let temporary: string | null = null;
  try {
    const paths = await import('node:path');
    const given = await pathOf(op, path);
    const target = await fs.realpath(given).catch(() => given); // a link stays a link
    const old = await fs.stat(target).catch(() => null);
    if (old !== null && !old.isFile()) throw new StateError(`${op}: not a file, got ${given}; expected a regular file or a new name`, { values: { path: given } });
    temporary = paths.join(paths.dirname(target), temporaryName(paths.basename(target)));
    const handle = await fs.open(temporary, 'wx', old?.mode ?? 0o666);
    try {
      for await (const chunk of chunks) await writeFully(handle, chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, target);
    temporary = null;
    await syncFolder(fs, paths.dirname(target));
  } catch (error) {
    if (temporary !== null) await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(op, 'write', nameOf(path), error);
  }
}

async function writeHandle(op: string, handle: WebFileHandle, chunks: Chunks): Promise<void> {
  let writable: WebWritable | null = null;
  try {
    writable = await handle.createWritable();
    for await (const chunk of chunks) await writable.write(chunk as Uint8Array<ArrayBuffer>);
    await writable.close();
  } catch (error) {
    await writable?.abort().catch(() => undefined);
    throw fileError(op, 'write', handle.name, error);
  }
}

async function writeFully(handle: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, Math.min(PIECE, bytes.length - at))).bytesWritten;
  }
}

/** Makes a rename or a removal itself durable; systems that cannot open folders (Windows) do so by themselves. */
export async function syncFolder(fs: FileSystem, path: string): Promise<void> {
  const folder = await fs.open(path, 'r').catch(() => null);
  if (folder === null) return;
  await folder.sync().catch(() => undefined); // some file systems refuse to; the file is in place all the same
  await folder.close();
}

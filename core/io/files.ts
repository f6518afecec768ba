import { ArgumentError, PolyakError, StateError, show } from '../errors.ts';

/** Where a file is: a path, or a URL. */
export type FilePath = string | URL;

/** A file that is read piece by piece. */
export interface ByteSource {
  readonly size: number;
  /** Exactly these bytes, in an array of their own. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

const PIECE = 2 ** 30; // one system call takes less than 2 GiB

/** The file system, where there is one. Bundlers for browsers accept the import only right inside `try`. */
async function fileSystem(op: string, path: FilePath) {
  try {
    return await import('node:fs/promises');
  } catch {
    throw new StateError(`${op}: there is no file system here, got ${String(path)}; expected Node.js`, { hint: 'in browsers use the functions that take and give bytes' });
  }
}

type FileSystem = Awaited<ReturnType<typeof fileSystem>>;

function checkPath(op: string, path: unknown): asserts path is FilePath {
  if (!(path instanceof URL) && (typeof path !== 'string' || path === '' || path.includes('\0'))) {
    throw new ArgumentError(`${op}: not a path, got ${show(path)}; expected a path or a URL`);
  }
}

/** An error of the system, in our words. */
function fileError(op: string, what: string, path: FilePath, error: unknown): PolyakError {
  if (error instanceof PolyakError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const wrapped = new StateError(`${op}: cannot ${what} the file, got ${reason}; expected a ${what === 'read' ? 'readable' : 'writable'} path`, {
    values: { path: String(path) },
  });
  wrapped.cause = error;
  return wrapped;
}

/**
 * Opens a file, or fetches it from a web address, and closes it when `use` is done.
 *
 * @throws StateError when it cannot be read, is not a file, or changes its length meanwhile
 */
export async function withFile<T>(op: string, path: FilePath, use: (source: ByteSource) => Promise<T>): Promise<T> {
  checkPath(op, path);
  const address = webAddress(path);
  if (address !== null) return use(await fetched(op, address));
  const fs = await fileSystem(op, path);
  let handle: Awaited<ReturnType<FileSystem['open']>> | undefined;
  try {
    handle = await fs.open(path, 'r');
    const stat = await handle.stat();
    if (!stat.isFile()) throw new StateError(`${op}: not a file, got ${String(path)}; expected a regular file`, { values: { path: String(path) } });
    const file = handle;
    return await use({
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
    });
  } catch (error) {
    throw fileError(op, 'read', path, error);
  } finally {
    await handle?.close();
  }
}

/** The address when it is one of the web, which `fetch` understands. */
function webAddress(path: FilePath): string | null {
  const text = String(path);
  return /^(?:https?|data|blob):/i.test(text) ? text : null;
}

async function fetched(op: string, address: string): Promise<ByteSource> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    const response = await fetch(address);
    if (!response.ok) throw new StateError(`${op}: the address cannot be read, got ${response.status} from ${address}; expected 200`, { values: { status: response.status } });
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw fileError(op, 'read', address.slice(0, 200), error);
  }
  return { size: bytes.length, read: (position, length) => Promise.resolve(bytes.slice(position, position + length)) };
}

/**
 * Writes a file so that its path holds either the old bytes or the new ones, whenever the process ends: into a temporary
 * file of the same folder, flushed to disk, and renamed.
 *
 * @param chunks - the bytes in order; they must not change until the promise is settled
 * @throws StateError when it cannot be written; the old file is untouched then, and the temporary one removed
 */
export async function writeFileAtomic(op: string, path: FilePath, chunks: readonly Uint8Array[]): Promise<void> {
  checkPath(op, path);
  const fs = await fileSystem(op, path);
  let temporary: string | null = null;
  try {
    const { fileURLToPath } = await import('node:url');
    const paths = await import('node:path');
    const given = path instanceof URL ? fileURLToPath(path) : path;
    const target = await fs.realpath(given).catch(() => given); // a link stays a link
    const old = await fs.stat(target).catch(() => null);
    if (old !== null && !old.isFile()) throw new StateError(`${op}: not a file, got ${given}; expected a regular file or a new name`, { values: { path: given } });
    temporary = paths.join(paths.dirname(target), `.${globalThis.crypto.randomUUID()}.tmp`);
    const handle = await fs.open(temporary, 'wx', old?.mode ?? 0o666);
    try {
      for (const chunk of chunks) await writeFully(handle, chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, target);
    temporary = null;
    await syncFolder(fs, paths.dirname(target));
  } catch (error) {
    if (temporary !== null) await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(op, 'write', path, error);
  }
}

async function writeFully(handle: Awaited<ReturnType<FileSystem['open']>>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, Math.min(PIECE, bytes.length - at))).bytesWritten;
  }
}

/** Makes the rename itself durable; systems that cannot open folders (Windows) do so by themselves. */
async function syncFolder(fs: FileSystem, path: string): Promise<void> {
  const folder = await fs.open(path, 'r').catch(() => null);
  if (folder === null) return;
  await folder.sync().catch(() => undefined); // some file systems refuse to; the file is in place all the same
  await folder.close();
}

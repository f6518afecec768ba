import { ArgumentError, show } from '../errors.ts';
import { type FilePath, type FileSource, type FileTarget, type WebFileHandle, checkPath, fileError, fileSystem, pathOf, syncFolder } from './files.ts';

/** A handle of a folder in a browser, as `navigator.storage.getDirectory()` and `showDirectoryPicker()` give it. */
export interface WebFolderHandle {
  readonly kind: 'directory';
  readonly name: string;
  keys(): AsyncIterable<string>;
  getFileHandle(name: string, options?: { readonly create?: boolean }): Promise<WebFileHandle>;
  removeEntry(name: string): Promise<void>;
}

/** Where a folder is: a path or file URL, or a handle of a browser. */
export type FolderPath = FilePath | WebFolderHandle;

/** What is done with a folder. */
export interface Folder {
  /** Names of what lies in it; none when there is no such folder. */
  list(op: string): Promise<string[]>;
  /** Makes the folder where it is missing. */
  make(op: string): Promise<void>;
  source(name: string): Promise<FileSource>;
  target(name: string): Promise<FileTarget>;
  /** Removes files; those that are gone already do no harm. */
  remove(op: string, names: readonly string[]): Promise<void>;
}

/** Refuses anything but a folder. */
export function openFolder(op: string, path: FolderPath): Folder {
  if (typeof path === 'object' && !(path instanceof URL)) {
    if (path === null || path.kind !== 'directory' || typeof path.getFileHandle !== 'function') throw new ArgumentError(`${op}: not a folder, got ${show(path)}; expected a path, a URL, or a folder handle of a browser`);
    return webFolder(path);
  }
  checkPath(op, path);
  return diskFolder(path);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function diskFolder(path: FilePath): Folder {
  const attempt = async <T>(op: string, what: string, work: (folder: string) => Promise<T>): Promise<T> => {
    try {
      return await work(await pathOf(op, path));
    } catch (error) {
      throw fileError(op, what, String(path), error);
    }
  };
  const at = async (name: string): Promise<string> => `${await pathOf('CheckpointManager', path)}/${name}`;
  return {
    list: (op) =>
      attempt(op, 'read', async (folder) => {
        const fs = await fileSystem(op, folder);
        return fs.readdir(folder).catch((error: unknown) => {
          if (hasCode(error, 'ENOENT')) return [];
          throw error;
        });
      }),
    make: (op) =>
      attempt(op, 'write', async (folder) => {
        const fs = await fileSystem(op, folder);
        const first = await fs.mkdir(folder, { recursive: true });
        if (first !== undefined) await syncFolder(fs, `${first}/..`);
      }),
    source: at,
    target: at,
    remove: (op, names) =>
      attempt(op, 'write', async (folder) => {
        if (names.length === 0) return;
        const fs = await fileSystem(op, folder);
        for (const name of names) await fs.rm(`${folder}/${name}`, { force: true });
        await syncFolder(fs, folder);
      }),
  };
}

function webFolder(handle: WebFolderHandle): Folder {
  return {
    async list() {
      const names: string[] = [];
      for await (const name of handle.keys()) names.push(name);
      return names;
    },
    make: () => Promise.resolve(),
    source: (name) => handle.getFileHandle(name),
    target: (name) => handle.getFileHandle(name, { create: true }),
    async remove(_, names) {
      for (const name of names) {
        await handle.removeEntry(name).catch((error: unknown) => {
          if (!(error instanceof Error) || error.name !== 'NotFoundError') throw error;
        });
      }
    },
  };
}

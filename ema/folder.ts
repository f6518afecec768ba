import { ArgumentError, PolyakError, StateError, show } from '../core/errors.ts';
import { withFile, writeFileAtomic } from '../core/io/files.ts';
import { readHeader } from '../core/io/safetensors.ts';
import { type SnapshotInfo, type SnapshotStore, byTime, fromMetadata, snapshotName } from './snapshots.ts';

const END = '.safetensors';

/**
 * Snapshots as safetensors files in a folder, named by `snapshotName`; in Node.js. A file holds its old bytes or the new ones, also when the
 * process ends midway; other files in the folder are left alone. The folder is made when the first snapshot comes.
 */
export class FolderSnapshots implements SnapshotStore {
  /** The folder. */
  readonly path: string;

  /**
   * @param path - the folder; need not exist yet
   * @throws ArgumentError unless it is a path
   */
  constructor(path: string) {
    if (typeof path !== 'string' || path === '' || path.includes('\0')) throw new ArgumentError(`FolderSnapshots: not a path, got ${show(path)}; expected the path of a folder`);
    this.path = path;
  }

  /** Writes a snapshot. @throws StateError when it cannot be written */
  async put(info: SnapshotInfo, bytes: Uint8Array): Promise<void> {
    const op = 'FolderSnapshots.put';
    const fs = await fileSystem(op, this.path);
    await fs.mkdir(this.path, { recursive: true }).catch((error: unknown) => {
      throw folderError(op, 'make', this.path, error);
    });
    await writeFileAtomic(op, this.file(info), [bytes]);
  }

  /**
   * What is there, by steps, then by gamma; only headers are read. Nothing when there is no folder.
   *
   * @throws StateError when the folder cannot be read or a file in it is damaged
   */
  async list(): Promise<readonly SnapshotInfo[]> {
    const op = 'FolderSnapshots.list';
    const fs = await fileSystem(op, this.path);
    const files = await fs.readdir(this.path).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw folderError(op, 'read', this.path, error);
    });
    const found: SnapshotInfo[] = [];
    for (const file of files) {
      if (!file.endsWith(END) || file.startsWith('.')) continue;
      const info = await withFile(op, `${this.path}/${file}`, async (source) => fromMetadata(op, (await readHeader(op, source)).header.metadata)).catch((error: unknown) => {
        if (error instanceof PolyakError) error.message += `\nfile: ${file}`;
        throw error;
      });
      if (info !== null && file === snapshotName(info) + END) found.push(info);
    }
    return found.sort(byTime);
  }

  /** The bytes of a snapshot. @throws StateError when it cannot be read */
  get(info: SnapshotInfo): Promise<Uint8Array> {
    return withFile('FolderSnapshots.get', this.file(info), (source) => source.read(0, source.size));
  }

  private file(info: SnapshotInfo): string {
    return `${this.path}/${snapshotName(info)}${END}`;
  }
}

/** The file system, where there is one. Bundlers for browsers accept the import only right inside `try`. */
async function fileSystem(op: string, path: string) {
  try {
    return await import('node:fs/promises');
  } catch {
    throw new StateError(`${op}: there is no file system here, got ${path}; expected Node.js`, { hint: 'in browsers use MemorySnapshots, or an object with put, list and get' });
  }
}

function folderError(op: string, what: string, path: string, error: unknown): StateError {
  const wrapped = new StateError(`${op}: cannot ${what} the folder, got ${error instanceof Error ? error.message : String(error)}; expected a folder`, { values: { path } });
  wrapped.cause = error;
  return wrapped;
}

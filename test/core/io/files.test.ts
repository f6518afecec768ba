import { chmod, lstat, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { StateError } from '../../../index.ts';
import { withFile, writeFileAtomic } from '../../../core/io/files.ts';
import { equal, is, ok, rejectsError } from '../../assert.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const folderFor = async (use: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};

test('writes all chunks under any legal name', () =>
  folderFor(async (folder) => {
    const path = join(folder, 'x'.repeat(255));
    await writeFileAtomic('test', path, [bytes('ab'), new Uint8Array(0), bytes('c')]);
    is(await readFile(path, 'utf8'), 'abc');
    is((await readdir(folder)).length, 1);
  }));

test('a failure while writing leaves the old file and nothing else', () =>
  folderFor(async (folder) => {
    const path = join(folder, 'x');
    await writeFile(path, 'old');
    await rejectsError(() => writeFileAtomic('test', path, [bytes('new'), { length: 3 } as never]), StateError, /test: cannot write the file/);
    is(await readFile(path, 'utf8'), 'old');
    equal(await readdir(folder), ['x']);
  }));

test('keeps links and permissions', () =>
  folderFor(async (folder) => {
    const path = join(folder, 'x');
    const link = join(folder, 'link');
    await writeFile(path, 'old');
    await chmod(path, 0o600);
    await symlink(path, link);
    await writeFileAtomic('test', link, [bytes('new')]);
    is(await readFile(path, 'utf8'), 'new');
    ok((await lstat(link)).isSymbolicLink());
    is((await stat(path)).mode & 0o777, 0o600);
  }));

test('never replaces a device', async () => {
  await rejectsError(() => writeFileAtomic('test', '/dev/null', [bytes('x')]), StateError, /not a file, got \/dev\/null/);
  ok((await stat('/dev/null')).isCharacterDevice());
});

test('reads pieces, and closes the file when the reader fails', () =>
  folderFor(async (folder) => {
    const path = join(folder, 'x');
    await writeFile(path, 'abcdef');
    const read = await withFile('test', path, async (source) => [source.size, await source.read(2, 3)] as const);
    equal(read, [6, bytes('cde')]);
    await rejectsError(() => withFile('test', path, (source) => source.read(4, 3)), StateError, /the file became shorter, got 6 bytes/);
  }));

test.run();

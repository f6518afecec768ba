import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import { ArgumentError, CheckpointManager, StateError, type Tensor, type WebFileHandle, type WebFolderHandle, download, loadCheckpoint, saveSafetensors, tensor } from '../../../index.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';

class Part {
  value: Tensor = tensor([0]);
  stateDict(): { value: Tensor } {
    return { value: this.value };
  }
  loadStateDict({ value }: { value: Tensor }): void {
    if (value.numel() !== 1) throw new StateError('Part: too large, got more; expected one element');
    this.value = value;
  }
}

const inFolder = async (use: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};

const fileOf = (step: number): string => `checkpoint-${String(step).padStart(10, '0')}.safetensors`;

test('keeps the newest few, and restores the newest', () =>
  inFolder(async (folder) => {
    const part = new Part();
    const manager = new CheckpointManager(join(folder, 'a/b'), { keep: 2 });
    is(await manager.restore({ part }), null);
    is(await manager.latest(), null);
    for (const step of [0, 5, 7, 12]) {
      part.value = tensor([step]);
      await manager.save(step, { part, epoch: step * 2 });
    }
    equal(await manager.steps(), [7, 12]);
    equal((await readdir(join(folder, 'a/b'))).sort(), [fileOf(7), fileOf(12)]);
    part.value = tensor([-1]);
    const again = new CheckpointManager(pathToFileURL(join(folder, 'a/b')));
    const found = await again.restore({ part });
    equal([found?.step, found?.values.epoch, found?.damaged, part.value.item()], [12, 24, [], 12]);
    const latest = await again.latest();
    equal([latest?.step, (await loadCheckpoint(latest?.file ?? '')).epoch], [12, 24]);
    await again.save(12, { part, epoch: 99 });
    is((await again.restore({ part }))?.values.epoch, 99);
  }));

test('takes the parts as they are at the call, and saves in order', () =>
  inFolder(async (folder) => {
    const part = new Part();
    const manager = new CheckpointManager(folder, { keep: 10 });
    const saves: Promise<void>[] = [];
    for (let step = 1; step <= 5; step++) {
      part.value.fill_(step);
      saves.push(manager.save(step, { part }));
    }
    equal(await manager.steps(), [1, 2, 3, 4, 5]);
    await Promise.all(saves);
    for (let step = 1; step <= 5; step++) equal(((await loadCheckpoint(join(folder, fileOf(step)))).part as { value: Tensor }).value.array(), [step]);
  }));

test('passes over damaged files, removes them later, and never the good one for them', () =>
  inFolder(async (folder) => {
    const part = new Part();
    const manager = new CheckpointManager(folder, { keep: 1 });
    part.value = tensor([4]);
    await manager.save(4, { part });
    const good = await readFile(join(folder, fileOf(4)));
    await writeFile(join(folder, fileOf(5)), '');
    await writeFile(join(folder, fileOf(6)), good.subarray(0, good.length - 1));
    await writeFile(join(folder, fileOf(7)), good.map((b, i) => (i === 20 ? b ^ 1 : b)));
    await writeFile(join(folder, fileOf(8)), good.map((b, i) => (i === good.length - 1 ? b ^ 1 : b)));
    const again = new CheckpointManager(folder, { keep: 1 });
    part.value = tensor([0]);
    await rejectsError(() => again.save(5, { part }), StateError, /the folder holds later checkpoints, got step 5, and 8 there; expected a later step\nhint: restore\(\)/);
    const found = await again.restore({ part });
    equal([found?.step, part.value.item(), found?.damaged], [4, 4, [8, 7, 6, 5].map(fileOf)]);
    await again.save(5, { part });
    equal(await readdir(folder), [fileOf(5)]);
  }));

test('removes what a killed process left of its own, and nothing else', () =>
  inFolder(async (folder) => {
    const id = '01234567-89ab-cdef-0123-456789abcdef';
    const others = [`.other-0000000001.safetensors.${id}.tmp`, 'notes.txt', 'checkpoint-x.safetensors', 'checkpoint-1.safetensors', `.${id}.tmp`];
    for (const name of [...others, `.${fileOf(3)}.${id}.tmp`]) await writeFile(join(folder, name), 'x');
    await new CheckpointManager(folder).save(4, {});
    equal((await readdir(folder)).sort(), [...others, fileOf(4)].sort());
  }));

test('parts that do not fit, foreign files and bad arguments are errors, not damage', () =>
  inFolder(async (folder) => {
    const manager = new CheckpointManager(folder);
    const part = new Part();
    part.value = tensor([1, 2]);
    await manager.save(1, { part });
    await rejectsError(() => manager.restore({ part }), StateError, /CheckpointManager.restore: part 'part' refused its state/);
    await rejectsError(() => manager.restore({ other: part }), StateError, /missing in the file: other/);
    await saveSafetensors(join(folder, fileOf(2)), { a: tensor([1]) });
    await rejectsError(() => manager.restore({ part }), StateError, /not a checkpoint file, got a safetensors file without polyak's mark/);
    await rejectsError(() => manager.save(-1, {}), ArgumentError, /invalid step, got -1/);
    await rejectsError(() => manager.save(1, { f: new Map() }), ArgumentError, /part 'f' has no state/);
    throwsError(() => new CheckpointManager(folder, { keep: 0 }), ArgumentError, /invalid keep, got 0/);
    throwsError(() => new CheckpointManager(folder, { name: 'a/b' }), ArgumentError, /invalid name, got 'a\/b'/);
    throwsError(() => new CheckpointManager(folder, { kep: 1 } as never), ArgumentError, /unknown option, got 'kep'/);
    throwsError(() => new CheckpointManager({} as never), ArgumentError, /not a folder/);
    throwsError(() => new CheckpointManager(''), ArgumentError, /not a path/);
    await writeFile(join(folder, 'file'), 'x');
    await rejectsError(() => new CheckpointManager(join(folder, 'file')).save(1, {}), StateError, /cannot write the file, got E/);
    await rejectsError(() => new CheckpointManager(join(folder, 'file')).steps(), StateError, /cannot read the file, got ENOTDIR/);
  }));

/** A folder as browsers have it: a file changes when its writer is closed. */
class MemoryFolder implements WebFolderHandle {
  readonly kind = 'directory';
  readonly name = 'memory';
  readonly files = new Map<string, Uint8Array>();
  failing = false;
  async *keys(): AsyncIterable<string> {
    yield* await Promise.resolve([...this.files.keys()]);
  }
  async getFileHandle(name: string, { create = false } = {}): Promise<WebFileHandle> {
    if (create && !this.files.has(name)) this.files.set(name, new Uint8Array(0));
    const bytes = await Promise.resolve(this.files.get(name));
    if (bytes === undefined) throw new DOMException('none', 'NotFoundError');
    return {
      kind: 'file',
      name,
      getFile: () => Promise.resolve(new Blob([(this.files.get(name) ?? bytes) as BlobPart])),
      createWritable: () => {
        const chunks: Uint8Array[] = [];
        return Promise.resolve({
          write: (chunk: Uint8Array) => (this.failing ? Promise.reject(new Error('quota')) : Promise.resolve(void chunks.push(chunk.slice()))),
          close: () => Promise.resolve(void this.files.set(name, new Uint8Array(Buffer.concat(chunks)))),
          abort: () => Promise.resolve(),
        });
      },
    };
  }
  removeEntry(name: string): Promise<void> {
    return this.files.delete(name) ? Promise.resolve() : Promise.reject(new DOMException('none', 'NotFoundError'));
  }
}

test('in a folder of a browser', async () => {
  const folder = new MemoryFolder();
  const part = new Part();
  const manager = new CheckpointManager(folder, { keep: 2 });
  for (const step of [1, 2, 3]) {
    part.value = tensor([step]);
    await manager.save(step, { part });
  }
  equal([...folder.files.keys()], [fileOf(2), fileOf(3)]);
  folder.failing = true;
  await rejectsError(() => manager.save(4, { part }), StateError, /cannot write the file, got quota/);
  folder.failing = false;
  equal(await manager.steps(), [2, 3]);
  folder.files.set(fileOf(4), new Uint8Array(0)); // as a page leaves it that was closed meanwhile
  const again = new CheckpointManager(folder, { keep: 2 });
  const found = await again.restore({ part });
  equal([found?.step, found?.damaged], [3, [fileOf(4)]]);
  await again.save(4, { part });
  equal([...folder.files.keys()].sort(), [fileOf(3), fileOf(4)]);
  const latest = await again.latest();
  ok(latest !== null && typeof latest.file === 'object');
});

test('downloads exist in pages only', () => {
  throwsError(() => download('x', new Uint8Array(1)), StateError, /there is no page here, got Node.js; expected a document\nhint: saveCheckpoint/);
});

test.run();

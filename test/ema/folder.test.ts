import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { ArgumentError, FolderSnapshots, Linear, PowerFunctionEMA, StateError, putSnapshot, readSnapshot, saveSafetensors, synthesize, tensor } from '../../index.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../assert.ts';

const root = mkdtempSync(join(tmpdir(), 'polyak-snapshots-'));
test.after(() => rmSync(root, { recursive: true, force: true }));

function average(gamma: number, calls: number): PowerFunctionEMA {
  const model = new Linear(2, 2);
  const made = new PowerFunctionEMA(model, { gamma });
  for (let i = 0; i < calls; i++) made.updateParameters(model);
  return made;
}

test('snapshots come back, in order, from a folder that put makes', async () => {
  const store = new FolderSnapshots(join(root, 'deep/er'));
  equal(await store.list(), []);
  const averages = [average(2, 12), average(9, 3), average(1, 3)];
  const infos = [];
  for (const a of averages) infos.push(await putSnapshot(store, a));
  equal(await store.list(), [infos[2], infos[1], infos[0]]);
  equal(readdirSync(store.path).length, 3);
  ok(readdirSync(store.path).includes('000000012-sigma0.1936-gamma2.safetensors'));
  const { info, state } = readSnapshot(await store.get(infos[0]));
  equal(info, infos[0]);
  allClose(state.weight, averages[0].module.stateDict().weight, { rtol: 0, atol: 0 });
});

test('a new store on the same folder finds them, and synthesis reads them', async () => {
  const store = new FolderSnapshots(join(root, 'deep/er'));
  const made = await synthesize(store, { gamma: 2 });
  is(made.steps, 12);
  equal(made.residual, 0);
});

test('a snapshot of the same steps and profile replaces the one before', async () => {
  const store = new FolderSnapshots(join(root, 'again'));
  await putSnapshot(store, average(2, 2));
  const second = average(2, 2);
  const info = await putSnapshot(store, second);
  is((await store.list()).length, 1);
  allClose(readSnapshot(await store.get(info)).state.weight, second.module.stateDict().weight, { rtol: 0, atol: 0 });
});

test('other files are left alone, damaged ones are named', async () => {
  const path = join(root, 'mixed');
  const store = new FolderSnapshots(path);
  await putSnapshot(store, average(2, 2));
  writeFileSync(join(path, 'notes.txt'), 'hello');
  await saveSafetensors(join(path, 'model.safetensors'), { x: tensor([1]) });
  is((await store.list()).length, 1);
  const file = readdirSync(path).find((name) => name.startsWith('0000')) ?? '';
  writeFileSync(join(path, file), readFileSync(join(path, file)).subarray(0, 50));
  await rejectsError(() => store.list(), StateError, /FolderSnapshots.list.*\n*[\s\S]*file: 000000002-/);
});

test('bad folders', async () => {
  throwsError(() => new FolderSnapshots(''), ArgumentError, /not a path/);
  throwsError(() => new FolderSnapshots(JSON.parse('7')), ArgumentError, /not a path, got 7/);
  const file = join(root, 'file');
  writeFileSync(file, '');
  await rejectsError(() => new FolderSnapshots(file).list(), StateError, /cannot read the folder/);
  await rejectsError(() => putSnapshot(new FolderSnapshots(file), average(2, 2)), StateError, /cannot make the folder/);
  const info = { rule: 'PowerFunctionEMA', steps: 1, interval: 1, gamma: 1, sigmaRel: 0.2, copied: [] };
  await rejectsError(() => new FolderSnapshots(root).get(info), StateError, /cannot read the file/);
});

test.run();

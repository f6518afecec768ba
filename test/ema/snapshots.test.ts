import { test } from 'uvu';
import {
  ArgumentError, BatchNorm1d, ExponentialMovingAverage, Linear, MemorySnapshots, PowerFunctionEMA, Sequential, type SnapshotInfo, StateError, noGrad, putSnapshot, readSafetensors, readSnapshot,
  snapshotName, writeSafetensors,
} from '../../index.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../assert.ts';

const net = (): Sequential => new Sequential(new Linear(2, 3), new BatchNorm1d(3));

function updated(calls: number, options: ConstructorParameters<typeof PowerFunctionEMA>[1] = { sigmaRel: 0.1 }): PowerFunctionEMA<Sequential> {
  const model = net();
  const average = new PowerFunctionEMA(model, options);
  for (let i = 0; i < calls; i++) {
    noGrad(() => model.parameters().forEach((p) => p.fill_(i)));
    average.updateParameters(model);
  }
  return average;
}

test('a snapshot is a safetensors file with what it is in the metadata', async () => {
  const average = updated(5, { gamma: 2, interval: 2 });
  const store = new MemorySnapshots();
  const info = await putSnapshot(store, average);
  equal(store.list(), [info]);
  const { tensors, metadata } = readSafetensors(store.get(info));
  equal({ ...metadata }, {
    format: 'polyak.snapshot', rule: 'PowerFunctionEMA', steps: '5', interval: '2', gamma: '2', sigma_rel: String(Math.sqrt(3 / 80)), copied: '["1.running_mean","1.running_var"]',
  });
  equal(Object.keys(tensors), Object.keys(average.module.stateDict()));
  const { info: read, state } = readSnapshot(store.get(info));
  equal(read, info);
  for (const [name, t] of Object.entries(average.module.stateDict())) equal(state[name].data(), t.data());
});

test('averaged buffers are not among the copied entries', async () => {
  const store = new MemorySnapshots();
  equal((await putSnapshot(store, updated(1, { sigmaRel: 0.1, updateBuffers: true }))).copied, []);
});

test('a snapshot holds the average at the time of the call', async () => {
  const average = updated(3);
  const store = new MemorySnapshots();
  const before = Array.from(average.module.stateDict()['0.weight'].data());
  const pending = putSnapshot(store, average);
  noGrad(() => average.module.parameters().forEach((p) => p.fill_(99)));
  equal(Array.from(readSnapshot(store.get(await pending)).state['0.weight'].data()), before);
});

test('a callback is a store, and its failure is the caller\'s', async () => {
  const seen: [SnapshotInfo, number][] = [];
  const info = await putSnapshot({ put: (i, bytes) => void seen.push([i, bytes.length]) }, updated(2));
  is(seen.length, 1);
  is(seen[0][0], info);
  await rejectsError(() => putSnapshot({ put: () => Promise.reject(new Error('full')) }, updated(2)), Error, /^full$/);
});

test('halves take half the room', async () => {
  const [whole, half] = [new MemorySnapshots(), new MemorySnapshots()];
  const average = updated(4);
  const a = await putSnapshot(whole, average);
  const b = await putSnapshot(half, average, { dtype: 'float16' });
  ok(half.get(b).length < whole.get(a).length);
  allClose(readSnapshot(half.get(b)).state['0.weight'], readSnapshot(whole.get(a)).state['0.weight'], { rtol: 1e-3 });
});

test('names tell profiles apart, in the order of steps; the same one replaces', async () => {
  is(snapshotName({ steps: 1024, gamma: 6.937203937601809 }), '000001024-sigma0.1-gamma6.937203938');
  ok(snapshotName({ steps: 999, gamma: 1 }) < snapshotName({ steps: 1000, gamma: 1 }));
  ok(snapshotName({ steps: 1, gamma: 6.9372 }) !== snapshotName({ steps: 1, gamma: 6.93721 }));
  const store = new MemorySnapshots();
  for (const [steps, gamma] of [[3, 2], [1, 9], [3, 1], [1, 9]]) await putSnapshot(store, updated(steps, { gamma }));
  equal(store.list().map((i) => [i.steps, i.gamma]), [[1, 9], [3, 1], [3, 2]]);
});

test('bad arguments', async () => {
  const store = new MemorySnapshots();
  await rejectsError(() => putSnapshot(store, new PowerFunctionEMA(net(), { gamma: 1 })), StateError, /no average yet, got 0 updates/);
  await rejectsError(() => putSnapshot(store, JSON.parse('{}')), ArgumentError, /no power-function profile/);
  const other: object = new ExponentialMovingAverage(net());
  await rejectsError(() => putSnapshot(store, other as PowerFunctionEMA), ArgumentError, /got a ExponentialMovingAverage/);
  await rejectsError(() => putSnapshot(JSON.parse('{"put":1}'), updated(1)), ArgumentError, /not a store of snapshots.*with put/);
  await rejectsError(() => putSnapshot(store, updated(1), { precision: 1 } as object), ArgumentError, /unknown option, got 'precision'/);
  await rejectsError(() => putSnapshot(store, updated(1), JSON.parse('{"dtype":"F16"}')), ArgumentError, /unknown dtype, got 'F16'/);
  equal(store.list(), []);
  throwsError(() => store.get({ rule: 'PowerFunctionEMA', steps: 1, interval: 1, gamma: 1, sigmaRel: 0.2, copied: [] }), StateError, /no such snapshot, got 000000001-sigma0.2357-gamma1/);
});

test('foreign and damaged bytes', async () => {
  const good = { format: 'polyak.snapshot', rule: 'PowerFunctionEMA', steps: '1', interval: '1', gamma: '1', sigma_rel: '0.2', copied: '[]' };
  const bytes = (metadata: Record<string, string>): Uint8Array => writeSafetensors({}, { metadata });
  is(readSnapshot(bytes(good)).info.gamma, 1);
  throwsError(() => readSnapshot(bytes({})), StateError, /not a snapshot, got format undefined/);
  throwsError(() => readSnapshot(new Uint8Array(4)), StateError, /ends too early/);
  throwsError(() => readSnapshot(JSON.parse('[]')), ArgumentError, /not bytes/);
  for (const change of [{ steps: '0' }, { steps: '1.5' }, { steps: '' }, { gamma: 'NaN' }, { gamma: '-1' }, { interval: 'x' }, { sigma_rel: '2' }, { copied: '{}' }, { copied: '[1]' }, { copied: '[' }]) {
    throwsError(() => readSnapshot(bytes({ ...good, ...change })), StateError, new RegExp(`damaged, got ${Object.keys(change)[0]}`));
  }
  for (const name of ['rule', 'steps', 'gamma', 'copied']) {
    const { [name as keyof typeof good]: _, ...rest } = good;
    throwsError(() => readSnapshot(bytes(rest)), StateError, new RegExp(`damaged, got ${name} undefined`));
  }
});

test.run();

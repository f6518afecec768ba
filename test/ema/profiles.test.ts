import { test } from 'uvu';
import {
  AveragedProfiles, ArgumentError, BatchNorm1d, Linear, MemorySnapshots, type Module, PowerFunctionEMA, Sequential, StateError, deepCopy, manualSeed, noGrad, packCheckpoint, randn,
  unpackCheckpoint,
} from '../../index.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../assert.ts';

const net = (): Sequential => new Sequential(new Linear(3, 2), new BatchNorm1d(2));
const walk = (m: Module): void => noGrad(() => [...m.parameters(), ...m.buffers()].forEach((p) => (p.dtype === 'float32' ? p.add_(randn(p.shape)) : p.add_(1))));
const bits = (m: Module): string => JSON.stringify(Object.entries(m.stateDict()).map(([k, t]) => [k, Array.from(t.data())]));

test('every profile is what a PowerFunctionEMA of its own would be', () => {
  manualSeed(1);
  for (const options of [{}, { interval: 3 }, { updateBuffers: true }]) {
    const model = net();
    const profiles = new AveragedProfiles(model, { sigmaRel: [0.05, 0.1, 0.2], ...options });
    const alone = [0.05, 0.1, 0.2].map((sigmaRel) => new PowerFunctionEMA(model, { sigmaRel, ...options }));
    for (let i = 0; i < 7; i++) {
      walk(model);
      profiles.updateParameters(model);
      for (const a of alone) a.updateParameters(model);
    }
    is(profiles.steps, 7);
    profiles.averages.forEach((a, i) => is(bits(a), bits(alone[i])));
  }
});

test('widths, exponents, the paper\'s defaults', () => {
  const widths = (o?: object): number[] => new AveragedProfiles(new Linear(1, 1), o).averages.map((a) => a.sigmaRel);
  allClose(widths(), [0.05, 0.1], { rtol: 1e-12 });
  allClose(widths({ sigmaRel: [0.2] }), [0.2], { rtol: 1e-12 });
  equal(new AveragedProfiles(new Linear(1, 1), { gamma: [3, 1] }).averages.map((a) => a.gamma), [3, 1]);
});

test('forward gives the output of each', () => {
  const model = new Linear(3, 2);
  const profiles = new AveragedProfiles(model);
  const outputs = profiles.forward(randn([4, 3]));
  equal(outputs.map((o) => [...o.shape]), [[4, 2], [4, 2]]);
});

test('a source that does not fit changes nothing', () => {
  const model = net();
  const profiles = new AveragedProfiles(model);
  profiles.updateParameters(model);
  const before = bits(profiles);
  throwsError(() => profiles.updateParameters(new Linear(3, 2)), StateError, /missing parameter/);
  is(bits(profiles), before);
});

test('bad options', () => {
  const model = new Linear(1, 1);
  throwsError(() => new AveragedProfiles(model, { sigmaRel: [0.1], gamma: [1] }), ArgumentError, /given twice/);
  throwsError(() => new AveragedProfiles(model, { sigmaRel: [] }), ArgumentError, /no profiles, got \[\]/);
  throwsError(() => new AveragedProfiles(model, JSON.parse('{"sigmaRel":0.1}')), ArgumentError, /no profiles, got 0.1; expected an array of widths/);
  throwsError(() => new AveragedProfiles(model, { gamma: [1, 2, 1] }), ArgumentError, /a profile is given twice/);
  for (const s of [0, -0.1, 0.31, NaN]) throwsError(() => new AveragedProfiles(model, { sigmaRel: [0.1, s] }), RangeError, /sigmaRel/);
  throwsError(() => new AveragedProfiles(model, { interval: 0 }), RangeError, /interval/);
  throwsError(() => new AveragedProfiles(model, { sigmaRels: [0.1] } as object), ArgumentError, /AveragedProfiles: unknown option.*\n.*did you mean 'sigmaRel'/);
  throwsError(() => new AveragedProfiles(JSON.parse('{}')), ArgumentError, /not a module/);
});

test('a resumed run is the run that never stopped, bit for bit', () => {
  manualSeed(3);
  const model = net();
  const profiles = new AveragedProfiles(model, { interval: 2 });
  const step = (m: Module, p: AveragedProfiles<Sequential>): void => {
    walk(m);
    p.updateParameters(m);
  };
  for (let i = 0; i < 5; i++) step(model, profiles);
  const bytes = packCheckpoint({ model, profiles });
  const copy = deepCopy(profiles);
  const again = { model: net(), profiles: new AveragedProfiles(net(), { interval: 2 }) };
  unpackCheckpoint(bytes, again);
  const from = deepCopy(model);
  for (const [m, p] of [[model, profiles], [again.model, again.profiles], [from, copy]] as const) {
    manualSeed(8);
    for (let i = 0; i < 4; i++) step(m, p);
  }
  is(bits(again.profiles), bits(profiles));
  is(bits(copy), bits(profiles));
});

test('the state of other profiles is refused, and nothing is written', () => {
  const model = new Linear(2, 2);
  const profiles = new AveragedProfiles(model, { sigmaRel: [0.05, 0.1] });
  profiles.updateParameters(model);
  const before = bits(profiles);
  for (const sigmaRel of [[0.05, 0.15], [0.1, 0.05], [0.05]]) {
    const other = new AveragedProfiles(new Linear(2, 2), { sigmaRel });
    throwsError(() => profiles.loadStateDict(other.stateDict()), StateError, /of other profiles, got gamma/);
  }
  is(bits(profiles), before);
  profiles.loadStateDict(new AveragedProfiles(new Linear(2, 2)).to('float32').stateDict()); // gammas in float32
});

test('state keys', () => {
  equal(Object.keys(new AveragedProfiles(new Linear(1, 1, { bias: false })).stateDict()), ['gammas', 'averages.0.steps', 'averages.0.module.weight', 'averages.1.steps', 'averages.1.module.weight']);
});

test('snapshots of all profiles, as they were at the call', async () => {
  const model = net();
  const profiles = new AveragedProfiles(model);
  const store = new MemorySnapshots();
  await rejectsError(() => profiles.snapshot(store), StateError, /no average yet/);
  profiles.updateParameters(model);
  const pending = profiles.snapshot(store);
  walk(model);
  profiles.updateParameters(model);
  const infos = await pending;
  equal(infos.map((i) => i.steps), [1, 1]);
  allClose(infos.map((i) => i.sigmaRel), [0.05, 0.1], { rtol: 1e-12 });
  await profiles.snapshot(store);
  is(store.list().length, 4);
  ok(store.list().every((i) => i.copied.length === 2));
});

test.run();

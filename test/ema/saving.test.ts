import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import {
  ArgumentError, BaseAveragedModel, BatchNorm1d, Buffer, ExponentialMovingAverage, Linear, Module, MomentumAnnealingEMA, PowerFunctionEMA, RampUpEMA, StateError, StochasticWeightAverage, type Tensor,
  WarmupEMA, loadAverage, loadSafetensors, manualSeed, noGrad, randn, saveAverage, saveCheckpoint, saveSafetensors, tensor,
} from '../../index.ts';
import { LatestWeightAverage } from '../../ema/index.ts';
import { equal, is, ok, rejectsError } from '../assert.ts';

const folder = mkdtempSync(join(tmpdir(), 'polyak-saving-'));
const path = (name: string): string => join(folder, name);
test.after(() => rmSync(folder, { recursive: true, force: true }));

class Net extends Module {
  layer = new Linear(3, 2);
  norm = new BatchNorm1d(2);
  scale = new Buffer(randn([2]), { persistent: false });
  forward(x: Tensor): Tensor {
    return this.norm.forward(this.layer.forward(x)).mul(this.scale);
  }
}

const everything = (m: Module): Tensor[] => [...m.parameters(), ...m.buffers()];
const values = (m: Module): string => JSON.stringify(everything(m).map((t) => [t.dtype, Array.from(t.data())]));
const bits = (m: Module): string => JSON.stringify(everything(m).map((t) => [t.dtype, t.storage.version, Array.from(t.data())]));
const move = (m: Module): void => noGrad(() => everything(m).forEach((t) => (t.dtype === 'int64' ? t.add_(1) : t.add_(randn(t.shape).to(t)))));

class Largest extends BaseAveragedModel<Net> {
  override avgFunc(averaged: Tensor, source: Tensor): void {
    averaged.copy_(averaged.maximum(source));
  }
}

const rules: Readonly<Record<string, (model: Net, options: { interval: number; updateBuffers: boolean }) => BaseAveragedModel<Net>>> = {
  ExponentialMovingAverage: (m, o) => new ExponentialMovingAverage(m, { momentum: 0.1, ...o }),
  StochasticWeightAverage: (m, o) => new StochasticWeightAverage(m, o),
  MomentumAnnealingEMA: (m, o) => new MomentumAnnealingEMA(m, { momentum: 0.1, gamma: 4, ...o }),
  RampUpEMA: (m, o) => new RampUpEMA(m, { emaRampup: null, ...o }),
  WarmupEMA: (m, o) => new WarmupEMA(m, { decay: 0.9, ...o }),
  'ExponentialMovingAverage by schedule': (m, o) => new ExponentialMovingAverage(m, { momentum: ({ examples }) => 1 / (1 + examples), batchSize: 3, precision: 'float64', ...o }),
  PowerFunctionEMA: (m, o) => new PowerFunctionEMA(m, { sigmaRel: 0.1, ...o }),
  LatestWeightAverage: (m, o) => new LatestWeightAverage(m, { k: 2, ...o }),
  Largest: (m, o) => new Largest(m, o),
};

test('a resumed run is bit for bit one that never stopped: every rule, interval, buffers, moment and dtype', async () => {
  for (const [name, make] of Object.entries(rules)) {
    for (const options of [{ interval: 1, updateBuffers: false }, { interval: 3, updateBuffers: true }]) {
      for (const start of ['fresh', 'weights'] as const) {
        for (const stop of [0, 1, 4]) {
          manualSeed(stop);
          const model = stop === 4 ? new Net().double() : new Net();
          const average = make(model, options);
          if (start === 'weights') average.loadStateDict(new Net().stateDict());
          for (let i = 0; i < stop; i++) {
            move(model);
            average.updateParameters(model);
          }
          const file = path('resume.safetensors');
          await saveAverage(file, average);
          const resumed = make(stop === 4 ? new Net().double() : new Net(), options);
          const info = await loadAverage(file, resumed);
          equal([info.rule, info.differences], [name.split(' ')[0], []]);
          if (stop === 4) equal(resumed.steps.item(), 4);
          equal(resumed.hasAverage, average.hasAverage);
          for (let i = 0; i < 5; i++) {
            move(model);
            average.updateParameters(model);
            resumed.updateParameters(model);
            equal(values(resumed), values(average), `${name}, ${start}, stopped after ${stop}, ${i} later`);
          }
        }
      }
    }
  }
});

test('shadows, counts of skipped calls and policies go along', async () => {
  manualSeed(2);
  const make = (policy: 'copy' | 'skip' = 'copy'): ExponentialMovingAverage<Net> =>
    new ExponentialMovingAverage(new Net(), { momentum: 0.0002, precision: 'float64', nonFinite: 'skip', policy: { 'layer.bias': policy } });
  const model = new Net();
  const average = make();
  for (let i = 0; i < 3; i++) {
    move(model);
    average.updateParameters(model);
  }
  noGrad(() => model.layer.weight.fill_(NaN));
  average.updateParameters(model);
  noGrad(() => model.layer.weight.fill_(1));
  await saveAverage(path('shadow.safetensors'), average);
  const resumed = make();
  await loadAverage(path('shadow.safetensors'), resumed);
  equal([resumed.steps.item(), resumed.skipped.item()], [3, 1]);
  for (let i = 0; i < 4; i++) {
    move(model);
    average.updateParameters(model);
    resumed.updateParameters(model);
    equal(values(resumed), values(average));
  }
  await rejectsError(async () => loadAverage(path('shadow.safetensors'), make('skip')), StateError, /policy: \{ layer\.bias: 'copy' \} in the file, \{ layer\.bias: 'skip' \} here/);
});

test('the file says rule, options and counters, and has the state under its usual names', async () => {
  const model = new Net();
  const average = new RampUpEMA(model, { emaRampup: null, interval: 2 });
  for (let i = 0; i < 3; i++) average.updateParameters(model);
  await saveAverage(path('a.safetensors'), average);
  const { tensors, metadata } = await loadSafetensors(path('a.safetensors'));
  equal(Object.keys(tensors), ['steps', 'module.layer.weight', 'module.layer.bias', 'module.norm.weight', 'module.norm.bias', 'module.norm.running_mean', 'module.norm.running_var', 'module.norm.num_batches_tracked']);
  const { options, ...rest } = metadata;
  equal({ ...rest }, { format: 'pt', polyak: 'average', version: '1', rule: 'RampUpEMA', steps: '3', n_averaged: '2', started_from_weights: 'false' });
  const read = JSON.parse(options) as Record<string, unknown>;
  for (const [key, value] of Object.entries({ interval: 2, update_buffers: false, ema_kimg: 10, ema_rampup: null, batch_size: 32, eps: 1e-8, start_iter: 0 })) equal(read[key], value, key);
});

test('an average is saved as it is at the time of the call', async () => {
  const model = new Net();
  const average = new StochasticWeightAverage(model);
  average.updateParameters(model);
  const saved = (): string => JSON.stringify(Object.values(average.stateDict()).map((t) => Array.from(t.data())));
  const before = saved();
  const saving = saveAverage(path('now.safetensors'), average);
  move(model);
  average.updateParameters(model);
  await saving;
  await loadAverage(path('now.safetensors'), average);
  equal(saved(), before);
});

test('another rule, other options and other dtypes are refused in one error, or reported', async () => {
  const model = new Net();
  const average = new ExponentialMovingAverage(model, { momentum: 0.1 });
  average.updateParameters(model);
  const file = path('rule.safetensors');
  await saveAverage(file, average);
  const others: readonly [BaseAveragedModel, readonly RegExp[]][] = [
    [new ExponentialMovingAverage(model, { momentum: 0.2 }), [/^momentum: 0\.1 in the file, 0\.2 here$/]],
    [new ExponentialMovingAverage(model, { momentum: 0.1, interval: 2 }), [/^interval: 1 in the file, 2 here$/]],
    [new StochasticWeightAverage(model), [/^rule: 'ExponentialMovingAverage' in the file, 'StochasticWeightAverage' here$/]],
    [new MomentumAnnealingEMA(model, { momentum: 0.2, interval: 2 }), [/^rule: /, /^interval: 1 in the file, 2 here$/, /^momentum: 0\.1 in the file, 0\.2 here$/]],
  ];
  for (const [other, expected] of others) {
    const before = bits(other);
    await rejectsError(async () => loadAverage(file, other), StateError, /loadAverage: the file is of another average, got \d differences?; expected the same rule, options and dtypes\n {2}/);
    equal(bits(other), before);
    const seen: string[] = [];
    const info = await loadAverage(file, other, { onMismatch: (differences) => seen.push(...differences) });
    equal(info.differences.length, expected.length);
    expected.forEach((pattern, i) => ok(pattern.test(seen[i]), seen[i]));
    equal(seen, [...info.differences]);
    equal(other.steps.item(), 1);
    equal(other.module.stateDict()['layer.weight'].array(), average.module.layer.weight.array());
  }
  const wide = new ExponentialMovingAverage(new Net().double(), { momentum: 0.1 });
  await rejectsError(async () => loadAverage(file, wide), StateError, /dtype of module\.layer\.weight: float32 in the file, float64 here/);
  // A report that throws keeps the average as it was.
  const [other] = others[0];
  other.updateParameters(model);
  const before = bits(other);
  await rejectsError(async () => loadAverage(file, other, { onMismatch: () => { throw new StateError('no thanks'); } }), StateError, /no thanks/);
  equal(bits(other), before);
});

test('files of other programs are taken in any form', async () => {
  const model = new Net();
  await saveSafetensors(path('plain.safetensors'), model.stateDict());
  const average = new ExponentialMovingAverage(new Net());
  const info = await loadAverage(path('plain.safetensors'), average);
  equal(info, { rule: null, options: null, differences: [] });
  equal(average.module.layer.weight.array(), model.layer.weight.array());
  is(average.hasAverage, true);
  const entries = Object.fromEntries(Object.entries(model.stateDict()).map(([key, value]) => [`module.${key}`, value]));
  await saveSafetensors(path('swa.safetensors'), { n_averaged: tensor(4, { dtype: 'int64' }), ...entries }, { metadata: { format: 'pt' } });
  await loadAverage(path('swa.safetensors'), average);
  equal(average.steps.item(), 4);
});

test('what cannot be loaded is refused, with the average as it was', async () => {
  const model = new Net();
  const average = new ExponentialMovingAverage(model, { updateBuffers: true });
  average.updateParameters(model);
  const file = path('whole.safetensors');
  await saveAverage(file, average);
  const { tensors, metadata } = await loadSafetensors(file);
  const before = bits(average);
  const cases: readonly [string, Readonly<Record<string, Tensor>>, Readonly<Record<string, string>>, RegExp][] = [
    ['version', tensors, { ...metadata, version: '9' }, /another version of the format, got '9'; expected '1'\nhint: a newer release/],
    ['options', tensors, { ...metadata, options: '{' }, /the metadata of an average is damaged, got options '\{'; expected options as JSON/],
    ['started', tensors, { ...metadata, started_from_weights: 'maybe' }, /damaged, got started_from_weights 'maybe'/],
    ['kind', tensors, { ...metadata, polyak: 'snapshot' }, /another kind of file, got 'snapshot'; expected 'average'/],
    ['missing', { steps: tensors.steps, 'non_persistent.scale': tensors['non_persistent.scale'] }, metadata, /missing: module\.layer\.weight/],
    ['hidden', Object.fromEntries(Object.entries(tensors).filter(([key]) => !key.startsWith('non_'))), metadata, /the file does not fit the average, got 1 difference; expected the same entries\n {2}missing: non_persistent\.scale/],
    ['shape', { ...tensors, 'non_persistent.scale': randn([3]) }, metadata, /non_persistent\.scale: got float32\[3\], expected float32\[2\]/],
    ['steps', { ...tensors, steps: tensor(-1, { dtype: 'int64' }) }, metadata, /'steps' is wrong, got -1/],
    ['no steps', Object.fromEntries(Object.entries(tensors).filter(([key]) => key !== 'steps')), metadata, /steps: got undefined, expected a counter/],
  ];
  for (const [name, content, header, message] of cases) {
    await saveSafetensors(path(`${name}.safetensors`), content, { metadata: header });
    await rejectsError(async () => loadAverage(path(`${name}.safetensors`), average), StateError, message);
    equal(bits(average), before, name);
  }
  await saveCheckpoint(path('checkpoint.safetensors'), { average });
  await rejectsError(async () => loadAverage(path('checkpoint.safetensors'), average), StateError, /another kind of file, got 'checkpoint'; expected 'average'\nhint: loadCheckpoint reads it/);
  writeFileSync(path('cut.safetensors'), 'short');
  await rejectsError(async () => loadAverage(path('cut.safetensors'), average), StateError, /loadSafetensors/);
  await rejectsError(async () => loadAverage(path('absent.safetensors'), average), StateError, /cannot read the file/);
  await rejectsError(async () => saveAverage(path('no/such/folder'), average), StateError, /cannot write the file/);
  // @ts-expect-error: no average
  await rejectsError(async () => saveAverage(file, model), ArgumentError, /saveAverage: not an average, got a Net/);
  // @ts-expect-error: no average
  await rejectsError(async () => loadAverage(file, model), ArgumentError, /loadAverage: not an average, got a Net/);
  // @ts-expect-error: no such option
  await rejectsError(async () => loadAverage(file, average, { strict: false }), ArgumentError, /unknown option, got 'strict'/);
  // @ts-expect-error: no function
  await rejectsError(async () => loadAverage(file, average, { onMismatch: 'warn' }), ArgumentError, /onMismatch is not a function/);
  const swap = average.swap(model);
  const swapped = [bits(average), bits(model)];
  await rejectsError(async () => loadAverage(file, average), StateError, /swapped into a model/);
  equal([bits(average), bits(model)], swapped);
  swap.restore();
  await loadAverage(file, average);
});

test.run();

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import {
  ArgumentError, BatchNorm1d, Buffer, DTypeError, ExponentialMovingAverage, Linear, Module, Parameter, Sequential, StateError, StochasticWeightAverage, type Tensor, WarmupEMA, averageState, full,
  loadSafetensors, noGrad, ones, saveAverage, saveSafetensors, tensor, zeros,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

const here = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const PYTHON = '/usr/bin/python3';

/** The model of check_average.py. */
const makeModel = (): Sequential => new Sequential(new Linear(3, 2), new BatchNorm1d(2), new Linear(2, 1, { bias: false })).double();

/** Weights and buffers at time t, as check_average.py sets them. */
function setWeights(model: Module, t: number): void {
  noGrad(() => {
    for (const p of model.parameters()) p.copy_(tensor(Array.from({ length: p.numel() }, (_, i) => Math.cos(i + t) + 0.1 * t), { dtype: 'float64' }).reshape(p.shape));
    for (const b of model.buffers()) b.fill_(b.dtype === 'int64' ? t : 1 + 0.5 * t);
  });
}

type Values = Readonly<Record<string, readonly number[]>>;
const values = (module: Module): Values => Object.fromEntries(module.namedParameters().map(([name, p]) => [name, Array.from(p.data())]));
const bits = (m: Module): string => JSON.stringify([...m.parameters(), ...m.buffers()].map((t) => [t.dtype, t.storage.version, Array.from(t.data())]));

function close(actual: Values, expected: Values): void {
  equal(Object.keys(actual), Object.keys(expected));
  for (const name of Object.keys(expected)) allClose(actual[name], expected[name], { rtol: 1e-12, atol: 1e-14 });
}

function update(average: ExponentialMovingAverage | StochasticWeightAverage, model: Module, times: readonly number[]): void {
  for (const t of times) {
    setWeights(model, t);
    average.updateParameters(model);
  }
}

interface Expected {
  readonly before: Values;
  readonly after: Values;
}
type Recorded = Readonly<Record<'swa_utils' | 'mmengine' | 'plain', Expected>>;
interface Shadow {
  readonly shadow_params: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[];
}

/** Loads what PyTorch wrote into a folder. */
async function readAll(folder: string): Promise<void> {
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Recorded;
  const swa = new StochasticWeightAverage(makeModel());
  swa.loadStateDict((await loadSafetensors(join(folder, 'swa_utils.safetensors'))).tensors);
  equal(swa.steps.item(), 3);
  close(values(swa.module), expected.swa_utils.before);
  update(swa, makeModel(), [4, 5]);
  close(values(swa.module), expected.swa_utils.after);

  const ema = new ExponentialMovingAverage(makeModel(), { momentum: 0.25, interval: 2 });
  ema.loadStateDict((await loadSafetensors(join(folder, 'mmengine.safetensors'))).tensors);
  equal(ema.steps.item(), 3);
  close(values(ema.module), expected.mmengine.before);
  update(ema, makeModel(), [4, 5]);
  close(values(ema.module), expected.mmengine.after);

  const plain = new StochasticWeightAverage(makeModel());
  plain.loadStateDict((await loadSafetensors(join(folder, 'plain.safetensors'))).tensors);
  equal([plain.steps.item(), plain.hasAverage], [0, true]);
  close(values(plain.module), expected.plain.before);
  equal(plain.module.buffers()[0].array(), [4.5, 4.5]);

  const read = JSON.parse(readFileSync(join(folder, 'diffusers.json'), 'utf8')) as Shadow;
  const listed = new WarmupEMA(makeModel(), { decay: 0.9999 });
  listed.loadStateDict({ ...read, shadow_params: read.shadow_params.map(({ shape, data }) => tensor([...data], { dtype: 'float64' }).reshape(shape)) });
  equal(listed.steps.item(), 5);
  close(values(listed.module), expected.plain.before);
}

test('averages that PyTorch wrote load and go on as they would have there (recorded)', async () => readAll(here('averages')));

const hasTorch = ((): boolean => {
  if (!existsSync(PYTHON)) return false;
  try {
    execFileSync(PYTHON, ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test('PyTorch loads our files, strictly, and goes on as we do; and we load its', async () => {
  if (!hasTorch) {
    console.log(`  skipped: no ${PYTHON} with torch here; the recorded files were checked`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'polyak-average-'));
  try {
    const expected: Record<string, unknown> = {};
    const swa = new StochasticWeightAverage(makeModel());
    update(swa, makeModel(), [2, 3, 4, 5]);
    await saveSafetensors(join(folder, 'swa_utils.safetensors'), averageState(swa, 'swa_utils'));
    expected.swa_utils = { count: 4, times: [6, 7], before: values(swa.module) };
    update(swa, makeModel(), [6, 7]);
    Object.assign(expected.swa_utils as object, { after: values(swa.module) });

    const ema = new ExponentialMovingAverage(makeModel(), { momentum: 0.25, interval: 2 });
    update(ema, makeModel(), [1, 2, 3]);
    await saveSafetensors(join(folder, 'mmengine.safetensors'), averageState(ema, 'mmengine'));
    await saveAverage(join(folder, 'saved.safetensors'), ema);
    await saveSafetensors(join(folder, 'plain.safetensors'), averageState(ema, 'plain'));
    const before = values(ema.module);
    update(ema, makeModel(), [4, 5]);
    expected.mmengine = expected.saved = { count: 3, times: [4, 5], before, after: values(ema.module) };
    expected.plain = { before };
    writeFileSync(join(folder, 'expected.json'), JSON.stringify(expected));
    is(execFileSync(PYTHON, [here('check_average.py'), 'check', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim(), 'checked');

    const back = join(folder, 'back');
    execFileSync(PYTHON, [here('check_average.py'), 'write', back], { stdio: 'pipe' });
    await readAll(back);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A model with one weight, set to values one after the other, beside averages. */
const one = (value = 0): Linear => {
  const model = new Linear(1, 1, { bias: false });
  noGrad(() => model.weight.fill_(value));
  return model;
};
const feed = (average: StochasticWeightAverage<Linear>, from: readonly number[]): number[] =>
  from.map((value) => {
    average.updateParameters(one(value));
    return average.module.weight.item();
  });

test('forms and their keys', () => {
  const average = new StochasticWeightAverage(new Sequential(new Linear(1, 1), new BatchNorm1d(1)));
  const entries = ['0.weight', '0.bias', '1.weight', '1.bias', '1.running_mean', '1.running_var', '1.num_batches_tracked'];
  equal(Object.keys(averageState(average, 'mmengine')), ['steps', ...entries.map((k) => `module.${k}`)]);
  equal(Object.keys(averageState(average, 'swa_utils')), ['n_averaged', ...entries.map((k) => `module.${k}`)]);
  equal(Object.keys(averageState(average, 'plain')), entries);
  is(averageState(average, 'swa_utils').n_averaged.dtype, 'int64');
  equal(averageState(average, 'swa_utils').n_averaged.shape, []);
});

test('every form is recognised, and every round trip goes on as if it had not been', () => {
  for (const form of ['mmengine', 'swa_utils'] as const) {
    for (let before = 0; before < 6; before++) {
      const average = new StochasticWeightAverage(one());
      feed(average, [5, 1, 4, 2, 8, 3].slice(0, before));
      const other = new StochasticWeightAverage(one(9));
      other.loadStateDict(averageState(average, form));
      equal(other.steps.item(), before);
      equal(other.hasAverage, before > 0);
      equal(feed(other, [7, 2, 9]), feed(average, [7, 2, 9]), `${form} after ${before}`);
    }
  }
});

test('n_averaged counts models and steps counts calls: ⌈steps / interval⌉, and back to the next averaging call', () => {
  const counts: number[] = [];
  for (let calls = 0; calls <= 7; calls++) {
    const average = new StochasticWeightAverage(one(), { interval: 3 });
    feed(average, new Array<number>(calls).fill(1));
    counts.push(averageState(average, 'swa_utils').n_averaged.item());
  }
  equal(counts, [0, 1, 1, 1, 2, 2, 2, 3]);
  const average = new StochasticWeightAverage(one(), { interval: 3 });
  average.loadStateDict({ n_averaged: tensor(2, { dtype: 'int64' }), 'module.weight': tensor([[6]]) });
  equal(average.steps.item(), 6);
  equal(averageState(average, 'swa_utils').n_averaged.item(), 2);
  equal(feed(average, [9]), [7], 'the third model has a weight of a third');
  equal(averageState(average, 'swa_utils').n_averaged.item(), 3);
});

test('n_averaged 0 is no average: the first update copies, as in PyTorch', () => {
  const average = new StochasticWeightAverage(one());
  average.loadStateDict({ n_averaged: tensor(0, { dtype: 'int64' }), 'module.weight': tensor([[6]]) });
  is(average.hasAverage, false);
  equal(feed(average, [2]), [2]);
});

test('weights without a counter count as one model, also after they are saved again', () => {
  for (const interval of [1, 2]) {
    for (let calls = 0; calls < 4; calls++) {
      const average = new StochasticWeightAverage(one(), { interval });
      average.loadStateDict({ weight: tensor([[8]]) });
      feed(average, [2, 5, 3].slice(0, calls));
      equal(averageState(average, 'swa_utils').n_averaged.item(), 1 + Math.ceil(calls / interval));
      const copies = [average.stateDict(), averageState(average, 'mmengine'), ...(calls % interval === 0 ? [averageState(average, 'swa_utils')] : [])].map((state) => {
        const other = new StochasticWeightAverage(one(), { interval });
        other.loadStateDict(state);
        return other;
      });
      const expected = feed(average, [1, 4, 7, 9]);
      for (const other of copies) equal(feed(other, [1, 4, 7, 9]), expected);
    }
  }
  const average = new StochasticWeightAverage(one());
  average.loadStateDict({ 'module.weight': tensor([[8]]) });
  equal(feed(average, [2]), [5], 'timm and DataParallel: module.* without a counter');
});

test('states within checkpoints of mmengine and timm are found', () => {
  const average = new StochasticWeightAverage(one());
  average.loadStateDict({ ema_state_dict: { steps: tensor(3, { dtype: 'int64' }), 'module.weight': tensor([[3]]) }, state_dict: {}, meta: {} });
  equal([average.steps.item(), average.module.weight.item()], [3, 3]);
  average.loadStateDict({ state_dict_ema: { weight: tensor([[4]]) }, epoch: 3 });
  equal([average.steps.item(), average.module.weight.item()], [0, 4]);
});

class Tied extends Module {
  first = new Linear(2, 2);
  second = new Linear(2, 2, { bias: false });
  mean = new Buffer(ones([2]));
  constructor() {
    super();
    this.second.weight = this.first.weight;
  }
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}

test('shadow_params are the parameters in order, tied ones once; buffers stay', () => {
  const average = new StochasticWeightAverage(new Tied());
  average.loadStateDict({ decay: 0.99, optimization_step: 4, shadow_params: [full([2, 2], 3), full([2], 5)] });
  equal(average.module.first.weight.array(), [[3, 3], [3, 3]]);
  is(average.module.second.weight, average.module.first.weight);
  equal(average.module.first.bias?.array(), [5, 5]);
  equal(average.module.mean.array(), [1, 1]);
  equal(average.steps.item(), 4);
  // By number, as files without lists have them; torch_ema's counter, as a tensor.
  average.loadStateDict({ decay: 0.99, num_updates: tensor(7, { dtype: 'int64' }), shadow_params: { 0: full([2, 2], 4), 1: full([2], 6) }, collected_params: null });
  equal([average.steps.item(), average.module.first.bias?.array()], [7, [6, 6]]);
  // By name.
  average.loadStateDict({ shadow_params: { 'first.weight': full([2, 2], 1), 'second.weight': full([2, 2], 1), 'first.bias': full([2], 2) } });
  equal([average.steps.item(), average.hasAverage, average.module.first.bias?.array()], [0, true, [2, 2]]);
});

test('a model with entries called steps, n_averaged or module is not mistaken', () => {
  class Counting extends Module {
    nAveraged = new Buffer(tensor(5, { dtype: 'int64' }));
    module = new Linear(1, 1, { bias: false });
    forward(x: Tensor): Tensor {
      return this.module.forward(x);
    }
  }
  const model = new Counting();
  const average = new StochasticWeightAverage(model);
  equal(Object.keys(average.stateDict()), ['steps', 'module.n_averaged', 'module.module.weight']);
  noGrad(() => model.nAveraged.fill_(8));
  average.loadStateDict({ n_averaged: model.nAveraged, 'module.module.weight': tensor([[2]]) });
  equal([average.steps.item(), average.module.nAveraged.item(), average.hasAverage], [0, 8, true]);
  average.loadStateDict({ n_averaged: tensor(2, { dtype: 'int64' }), 'module.n_averaged': model.nAveraged, 'module.module.weight': tensor([[3]]) });
  equal([average.steps.item(), average.module.nAveraged.item()], [2, 8]);
  average.loadStateDict(averageState(average, 'swa_utils'));
  equal(average.steps.item(), 2);
});

test('a state that fits nothing is refused, with the average as it was', () => {
  const average = new StochasticWeightAverage(new Tied());
  average.updateParameters(new Tied());
  const whole = average.stateDict();
  const before = bits(average);
  const state = (change: Record<string, unknown>): Record<string, unknown> => ({ ...averageState(average, 'swa_utils'), ...change });
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [state({ n_averaged: tensor(-1, { dtype: 'int64' }) }), /^StochasticWeightAverage\.loadStateDict: the counter 'n_averaged' is wrong, got -1; expected an integer ≥ 0/],
    [state({ n_averaged: tensor(1.5) }), /'n_averaged' is wrong, got 1\.5/],
    [state({ n_averaged: tensor([1, 2]) }), /'n_averaged' is wrong, got float32\[2\]|'n_averaged' is wrong, got int64\[2\]/],
    [state({ n_averaged: 'two' }), /'n_averaged' is wrong, got 'two'/],
    [{ ...whole, steps: tensor(-2, { dtype: 'int64' }) }, /the counter 'steps' is wrong, got -2/],
    [{ ...whole, steps: 3 }, /not a tensor: steps: got 3, expected int64\[\]/],
    [{ ...whole, n_averaged: tensor(1, { dtype: 'int64' }) }, /unexpected: n_averaged/],
    [state({ 'module.first.weight': zeros([3, 3]) }), /shape: module\.first\.weight: got float32\[3, 3\], expected float32\[2, 2\]/],
    [{ shadow_params: [zeros([2, 2])] }, /shadow_params does not fit, got 1 tensors; expected 2, one for each parameter/],
    [{ shadow_params: 3 }, /shadow_params does not fit, got 3/],
    [{ shadow_params: [zeros([2]), zeros([2, 2])] }, /shape: module\.first\.weight: got float32\[2\]/],
    [{ shadow_params: [zeros([2, 2]), zeros([2])], optimization_step: -3 }, /'optimization_step' is wrong, got -3/],
    [{ shadow_params: [zeros([2, 2]), zeros([2])], typo: 3 }, /unexpected: typo/],
    [{ shadow_params: { 'first.weight': zeros([2, 2]) } }, /missing: module\.first\.bias/],
    [{ ema_state_dict: { steps: tensor(1, { dtype: 'int64' }) } }, /missing: module\.first\.weight/],
  ];
  for (const [given, message] of cases) {
    throwsError(() => average.loadStateDict(given), StateError, message);
    equal(bits(average), before);
  }
  // @ts-expect-error: no state
  throwsError(() => average.loadStateDict([1]), ArgumentError, /not a state dictionary/);
  // @ts-expect-error: no state
  throwsError(() => average.loadStateDict(null), ArgumentError, /not a state dictionary/);
  throwsError(() => new StochasticWeightAverage(new Tied(), { interval: 2 }).loadStateDict(state({ n_averaged: 2 ** 31 })), DTypeError, /int64/);
  equal(bits(average), before);
});

test('shadows and counts of skipped calls are ours: other programs neither get nor give them', () => {
  const options = { precision: 'float64', nonFinite: 'skip' } as const;
  const average = new StochasticWeightAverage(one(), options);
  feed(average, [1, 2, 2]);
  for (const form of ['mmengine', 'swa_utils', 'plain'] as const) {
    const state = averageState(average, form);
    equal(Object.keys(state).filter((key) => key !== 'steps' && key !== 'n_averaged'), [form === 'plain' ? 'weight' : 'module.weight']);
    const other = new StochasticWeightAverage(one(), options);
    other.loadStateDict(state);
    equal(other.module.weight.item(), average.module.weight.item());
  }
});

test('averageState refuses what it does not know', () => {
  const average = new StochasticWeightAverage(one());
  // @ts-expect-error: no form
  throwsError(() => averageState(average, 'timm'), ArgumentError, /averageState: unknown form, got 'timm'; expected one of mmengine, swa_utils, plain/);
  // @ts-expect-error: no average
  throwsError(() => averageState(one(), 'plain'), ArgumentError, /averageState: not an average, got a Linear/);
  const model = one();
  average.updateParameters(model);
  const swap = average.swap(model);
  throwsError(() => averageState(average, 'plain'), StateError, /swapped into a model/);
  swap.restore();
});

test('states are the average\'s own memory, as state dictionaries are', () => {
  const average = new StochasticWeightAverage(one());
  const state = averageState(average, 'plain');
  is(state.weight.storage, average.module.weight.storage);
  ok(!(state.weight instanceof Parameter));
});

test.run();

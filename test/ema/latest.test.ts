import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import { writeMean } from '../../ema/mean.ts';
import {
  ArgumentError, BatchNorm1d, ExponentialMovingAverage, LatestWeightAverage, Linear, Module, Parameter, Sequential, StateError, StochasticWeightAverage, type Tensor, deepCopy, effectiveWeights,
  loadAverage, manualSeed, noGrad, randn, saveAverage, tensor, zeros,
} from '../../index.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../assert.ts';

class Cell extends Module {
  weight: Parameter = new Parameter(tensor(0, { dtype: 'float64' }));
  forward(): Tensor {
    return this.weight;
  }
}

const net = (): Sequential => new Sequential(new Linear(3, 4), new BatchNorm1d(4), new Linear(4, 1));
const fill = (m: Module, value: number): void => noGrad(() => m.parameters().forEach((x) => x.fill_(value)));
const bits = (m: Module): string => JSON.stringify(Object.entries(m.stateDict()).map(([k, t]) => [k, t.dtype, Array.from(t.data())]));

function train(model: Module, averages: readonly { updateParameters(model: Module): void }[], calls: number, seed: number): void {
  manualSeed(seed);
  for (let i = 0; i < calls; i++) {
    noGrad(() => model.parameters().forEach((x) => x.copy_(randn(x.shape))));
    for (const average of averages) average.updateParameters(model);
  }
}

function run(options: ConstructorParameters<typeof LatestWeightAverage>[1], calls: number): number[] {
  const model = new Cell();
  const average = new LatestWeightAverage(model, options);
  return Array.from({ length: calls }, (_, i) => {
    fill(model, i + 1);
    average.updateParameters(model);
    return average.module.weight.item();
  });
}

test('the mean of the last k models, and of those there are before', () => {
  equal(run({ k: 3 }, 7), [1, 1.5, 2, 3, 4, 5, 6]);
  equal(run({ k: 1 }, 4), [1, 2, 3, 4]);
  equal(run({ k: 2, interval: 2 }, 7), [1, 1, 2, 2, 4, 4, 6]);
  equal(run({ k: 20 }, 30).slice(-3), [18.5, 19.5, 20.5]);
});

test('any history, against the mean by hand; nothing drifts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 60 }), (k, history) => {
      const model = new Cell();
      const average = new LatestWeightAverage(model, { k });
      history.forEach((value, i) => {
        fill(model, value);
        average.updateParameters(model);
        const last = history.slice(Math.max(0, i + 1 - k), i + 1);
        allClose(average.module.weight.item(), last.reduce((a, b) => a + b, 0) / last.length, { rtol: 0, atol: 1e-11 });
      });
    }),
    { numRuns: 60 },
  );
});

test('a source that does not change is an exact fixed point, also in float32', () => {
  for (const k of [1, 2, 3, 7, 9, 10, 13, 17, 18]) {
    const model = new Sequential(new Linear(7, 5));
    const average = new LatestWeightAverage(model, { k });
    for (let i = 0; i < 2 * k + 3; i++) {
      average.updateParameters(model);
      for (const [name, x] of Object.entries(model.stateDict())) equal(average.module.stateDict()[name].data(), x.data());
    }
  }
});

test('with k beyond the calls it is SWA', () => {
  const model = net();
  const [latest, swa] = [new LatestWeightAverage(model, { k: 30 }), new StochasticWeightAverage(model)];
  train(model, [latest, swa], 25, 1);
  for (const [name, x] of Object.entries(swa.module.stateDict())) allClose(latest.module.stateDict()[name], x, { rtol: 1e-5, atol: 1e-6 });
});

test('snapshots are part of the state, and a resumed run is bit for bit the same', () => {
  const make = (m: Module): LatestWeightAverage => new LatestWeightAverage(m, { k: 3, updateBuffers: true });
  const model = net();
  const straight = make(model);
  ok(Object.keys(straight.stateDict()).includes('snapshots.2.1.running_var'));
  ok(!Object.keys(straight.stateDict()).includes('snapshots.0.1.num_batches_tracked'));
  for (const before of [0, 1, 2, 5]) {
    const [one, two] = [make(model), make(net())];
    train(model, [one], before, 1);
    two.loadStateDict(deepCopy(one.stateDict()));
    const three = deepCopy(one);
    train(model, [one, two, three], 5, 2);
    is(bits(two), bits(one));
    is(bits(three), bits(one));
  }
});

test('states without snapshots count as one model, those of another k are refused', () => {
  const model = new Cell();
  const average = new LatestWeightAverage(model, { k: 3 });
  for (const v of [1, 2, 3, 4]) {
    fill(model, v);
    average.updateParameters(model);
  }
  const ema = new ExponentialMovingAverage(model);
  ema.updateParameters(model);
  fill(model, 10);
  for (const state of [ema.stateDict(), ema.module.stateDict()]) {
    average.loadStateDict(deepCopy(state));
    is(average.module.weight.item(), 4);
    average.updateParameters(model);
    is(average.module.weight.item(), 7);
  }
  const before = bits(average);
  throwsError(() => average.loadStateDict(new LatestWeightAverage(model, { k: 2 }).stateDict()), StateError, /of another k, got 2 snapshots; expected 3/);
  is(bits(average), before);
});

test('through a file, with shadows, counts and a schedule', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latest-'));
  try {
    for (const make of [
      (m: Module) => new LatestWeightAverage(m, { k: 3, precision: 'float64', nonFinite: 'skip', policy: { '2.*': 'copy' } }),
      (m: Module) => new ExponentialMovingAverage(m, { momentum: ({ examples }) => 9 / (9 + examples), batchSize: 3, precision: 'float64' }),
    ]) {
      const model = net();
      const [straight, resumed] = [make(model), make(net())];
      train(model, [straight], 4, 1);
      const file = join(folder, 'average.safetensors');
      await saveAverage(file, straight);
      await loadAverage(file, resumed);
      is(bits(resumed), bits(straight));
      train(model, [straight, resumed], 4, 2);
      is(bits(resumed), bits(straight));
      await rejectsError(() => loadAverage(file, new LatestWeightAverage(net(), { k: 4 })), StateError, /of another average/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('conversions, float64 shadows, syncs', () => {
  const model = net();
  const [plain, exact] = [new LatestWeightAverage(model, { k: 3 }), new LatestWeightAverage(model, { k: 3, precision: 'float64' })];
  const mean: number[] = [];
  manualSeed(3);
  for (let i = 0; i < 5; i++) {
    noGrad(() => model.parameters().forEach((x) => x.copy_(randn(x.shape))));
    mean.push(model.parameters()[0].data()[0]);
    plain.updateParameters(model);
    exact.updateParameters(model);
    if (i === 3) plain.to('float64');
  }
  const expected = (mean[2] + mean[3] + mean[4]) / 3;
  allClose(plain.module.parameters()[0].data()[0], expected, { rtol: 1e-14 });
  allClose(exact.stateDict()['shadow.0.weight'].data()[0], expected, { rtol: 1e-14 });
  equal(exact.module.parameters()[0].data()[0], Math.fround(exact.stateDict()['shadow.0.weight'].data()[0]));
  equal([exact.stateDict()['snapshots.0.0.weight'].dtype, plain.stateDict()['snapshots.0.0.weight'].dtype], ['float64', 'float64']);
  fill(model, 5);
  plain.syncParameters(model);
  fill(model, 6);
  plain.updateParameters(model);
  is(plain.module.parameters()[0].data()[0], 5.5);
});

test('entries that appear later', () => {
  class Growing extends Module {
    layers: Module[] = [new Linear(1, 1, { bias: false })];
    forward(): void {}
  }
  const model = new Growing();
  fill(model, 1);
  const average = new LatestWeightAverage(model, { k: 2 });
  for (let i = 0; i < 3; i++) average.updateParameters(model);
  const more = new Linear(1, 1, { bias: false });
  model.layers.push(more);
  average.module.layers.push(deepCopy(more).requiresGrad_(false));
  fill(average.module, 1);
  fill(model, 3);
  average.updateParameters(model);
  equal(average.module.parameters().map((x) => x.item()), [2, 2]);
  average.updateParameters(model);
  equal(average.module.parameters().map((x) => x.item()), [3, 3]);
});

test('effective weights: k equal ones', () => {
  const average = new LatestWeightAverage(new Cell(), { k: 4 });
  allClose(effectiveWeights(average, 6), [0, 0, 0.25, 0.25, 0.25, 0.25], { rtol: 1e-12 });
  allClose(effectiveWeights((m) => new LatestWeightAverage(m, { k: 4, interval: 2 }), 6), [1 / 3, 0, 1 / 3, 0, 1 / 3, 0], { rtol: 1e-12 });
  equal(average.taken.item(), 0);
});

test('the mean of lists, in one pass and more, in float32 and float64', () => {
  for (const dtype of ['float32', 'float64'] as const) {
    for (const n of [1, 2, 8, 9, 10, 17, 18, 30]) {
      const lists = Array.from({ length: n }, () => [randn([5]), randn([2, 3])].map((x) => x.to(dtype)));
      const mean = [zeros([5], { dtype }), zeros([2, 3], { dtype })];
      noGrad(() => writeMean(mean, lists));
      mean.forEach((x, e) => {
        const expected = Array.from(x.data(), (_, i) => lists.reduce((sum, list) => sum + list[e].data()[i], 0) / n);
        allClose(x.data(), expected, dtype === 'float32' ? { rtol: 1e-5, atol: 1e-6 } : { rtol: 1e-12, atol: 1e-14 });
      });
    }
  }
});

test('bad options, and updates that are refused, change nothing', () => {
  for (const k of [0, -1, 1.5, NaN, Infinity, '3', undefined, null]) throwsError(() => new LatestWeightAverage(new Cell(), { k: k as number }), RangeError, /invalid k, got .*; expected an integer ≥ 1/);
  throwsError(() => new LatestWeightAverage(new Cell(), { k: 2, K: 3 } as never), ArgumentError, /unknown option, got 'K'/);
  const model = net();
  const average = new LatestWeightAverage(model, { k: 2 });
  train(model, [average], 3, 1);
  const before = bits(average);
  throwsError(() => average.updateParameters(new Linear(1, 1)), StateError, /does not match/);
  throwsError(() => average.loadStateDict({ steps: tensor(1, { dtype: 'int64' }) }), StateError, /missing/);
  const swap = average.swap(model);
  throwsError(() => average.updateParameters(model), StateError, /swapped/);
  swap.restore();
  is(bits(average), before);
});

test.run();

import { test } from 'uvu';
import {
  ArgumentError, BaseAveragedModel, BatchNorm1d, Buffer, ExponentialMovingAverage, Linear, Module, Parameter, RampUpEMA, Sequential, StateError, StochasticWeightAverage, type Tensor, deepCopy, manualSeed,
  noGrad, randn, tensor,
} from '../../index.ts';
import { allClose, equal, is, not, ok, throwsError } from '../assert.ts';

class Cell extends Module {
  weight: Parameter = new Parameter(tensor([1]));
  exact: Parameter = new Parameter(tensor([1], { dtype: 'float64' }));
  running: Buffer = new Buffer(tensor([1]));
  count: Buffer = new Buffer(tensor(0, { dtype: 'int64' }));
  forward(): Tensor {
    return this.weight;
  }
}

const fill = (m: Module, value: number): void => noGrad(() => m.parameters().forEach((x) => x.fill_(value)));
const bits = (m: Module): string => JSON.stringify(Object.entries(m.stateDict()).map(([k, t]) => [k, t.dtype, Array.from(t.data())]));
const shadowOf = (average: BaseAveragedModel, name: string): number[] => [...average.stateDict()[`shadow.${name}`].data()];

/** Takes in random models; equal seeds give equal runs. */
function train(model: Module, average: BaseAveragedModel, calls: number, seed: number): void {
  manualSeed(seed);
  for (let i = 0; i < calls; i++) {
    noGrad(() => model.parameters().forEach((x) => x.copy_(randn(x.shape))));
    average.updateParameters(model);
  }
}

test('float32 stalls within 3e-4 of the source at momentum 0.0002, the shadow does not', () => {
  const [model, exact] = [new Cell(), new Cell()];
  const plain = new ExponentialMovingAverage(model, { momentum: 0.0002 });
  const shadowed = new ExponentialMovingAverage(exact, { momentum: 0.0002, precision: 'float64' });
  for (const [m, a] of [[model, plain], [exact, shadowed]] as const) {
    a.updateParameters(m);
    fill(m, 1 + 2.5e-4);
    for (let i = 0; i < 20_000; i++) a.updateParameters(m);
  }
  is(plain.module.weight.item(), 1);
  const reached = 1 + Math.fround(1 + 2.5e-4) - 1 - (Math.fround(1 + 2.5e-4) - 1) * (1 - 0.0002) ** 20_000;
  allClose(shadowed.module.weight.item(), reached, { rtol: 1e-7 });
  allClose(shadowOf(shadowed, 'weight'), [reached], { rtol: 1e-12 });
  is(shadowed.module.weight.item(), Math.fround(shadowOf(shadowed, 'weight')[0]));
});

test('the visible copy is the shadow rounded, and the shadow what float64 gives', () => {
  const model = new Sequential(new Linear(3, 4), new BatchNorm1d(4));
  const twin = deepCopy(model).to('float64');
  for (const make of [
    (m: Module, o: object) => new ExponentialMovingAverage(m, { momentum: 0.1, ...o }),
    (m: Module, o: object) => new ExponentialMovingAverage(m, { momentum: 0.5, interval: 2, updateBuffers: true, ...o }),
    (m: Module, o: object) => new StochasticWeightAverage(m, o),
    (m: Module, o: object) => new RampUpEMA(m, o),
  ]) {
    const average = make(model, { precision: 'float64' });
    const reference = make(twin, {});
    for (let i = 0; i < 7; i++) {
      noGrad(() => {
        [...model.parameters(), ...model.buffers()].forEach((x) => x.copy_(randn(x.shape)));
        const sources = [...model.parameters(), ...model.buffers()];
        [...twin.parameters(), ...twin.buffers()].forEach((x, k) => x.copy_(sources[k]));
      });
      average.updateParameters(model);
      reference.updateParameters(twin);
    }
    const [mine, theirs] = [average.module.stateDict(), reference.module.stateDict()];
    for (const name of Object.keys(mine)) {
      equal([...mine[name].data()], [...theirs[name].data()].map((v) => (name.endsWith('tracked') ? v : Math.fround(v))), name);
      const shadow = average.stateDict()[`shadow.${name}`];
      if (shadow !== undefined) equal([...shadow.data()], [...theirs[name].data()], name);
    }
  }
});

test('shadows are for averaged float32 entries, and saved under their names', () => {
  const keys = (o: object): string[] => Object.keys(new ExponentialMovingAverage(new Cell(), o).stateDict()).filter((key) => key.startsWith('shadow'));
  equal(keys({ precision: 'float64' }), ['shadow.weight']);
  equal(keys({ precision: 'float64', updateBuffers: true }), ['shadow.weight', 'shadow.running']);
  equal(keys({ precision: 'float64', policy: { weight: 'copy' } }), []);
  equal(keys({}), []);
  const nested = new ExponentialMovingAverage(new Sequential(new Linear(1, 1), new Linear(1, 1, { bias: false })), { precision: 'float64' });
  equal(Object.keys(nested.stateDict()), ['steps', 'module.0.weight', 'module.0.bias', 'module.1.weight', 'shadow.0.weight', 'shadow.0.bias', 'shadow.1.weight']);
});

test('a resumed run is bit for bit one that never stopped', () => {
  const make = (m: Module): ExponentialMovingAverage => new ExponentialMovingAverage(m, { momentum: 0.0002, precision: 'float64' });
  const model = new Sequential(new Linear(3, 4), new Linear(4, 1));
  const straight = make(model);
  train(model, straight, 5, 1);
  const state = Object.fromEntries(Object.entries(straight.stateDict()).map(([k, v]) => [k, v.clone()]));
  train(model, straight, 5, 2);
  const other = new Sequential(new Linear(3, 4), new Linear(4, 1));
  const resumed = make(other);
  train(other, resumed, 2, 9);
  resumed.loadStateDict(state);
  train(other, resumed, 5, 2);
  is(bits(resumed), bits(straight));
  const copied = deepCopy(resumed);
  train(model, straight, 3, 3);
  train(model, copied, 3, 3);
  is(bits(copied), bits(straight));
  not(bits(resumed) === bits(straight));
});

test('states without shadows seed them, and averages without shadows leave them out', () => {
  const model = new Cell();
  const plain = new ExponentialMovingAverage(model, { momentum: 0.25 });
  const shadowed = new ExponentialMovingAverage(model, { momentum: 0.25, precision: 'float64' });
  fill(model, 0.1);
  plain.updateParameters(model);
  for (const assign of [false, true]) {
    shadowed.loadStateDict(deepCopy(plain.stateDict()), { assign });
    equal([shadowOf(shadowed, 'weight'), shadowed.module.weight.dtype, shadowed.steps.item()], [[Math.fround(0.1)], 'float32', 1]);
    fill(model, 0.3);
    shadowed.updateParameters(model);
    allClose(shadowOf(shadowed, 'weight'), [0.25 * Math.fround(0.3) + 0.75 * Math.fround(0.1)], { rtol: 1e-15 });
    fill(model, 0.1);
  }
  plain.loadStateDict(shadowed.stateDict());
  is(plain.module.weight.item(), shadowed.module.weight.item());
  fill(model, 7);
  shadowed.loadStateDict(model.stateDict());
  equal(shadowOf(shadowed, 'weight'), [7]);
  const { 'shadow.weight': shadow, ...rest } = shadowed.stateDict();
  throwsError(() => shadowed.loadStateDict({ ...rest, 'shadow.weight': shadow, 'shadow.other': shadow }), StateError, /shadow\.other/);
  throwsError(() => shadowed.loadStateDict({ ...rest, 'shadow.weight': tensor([1, 2]) }), StateError, /shadow\.weight/);
});

test('what is written to the copy counts, the rest keeps its digits', () => {
  const model = new Sequential(new Linear(2, 1, { bias: false }));
  const average = new ExponentialMovingAverage(model, { momentum: 0.1, precision: 'float64' });
  train(model, average, 4, 1);
  const before = shadowOf(average, '0.weight');
  noGrad(() => average.module.parameters()[0].detach().reshape([2]).narrow(0, 1, 1).fill_(5));
  fill(model, 1);
  average.updateParameters(model);
  allClose(shadowOf(average, '0.weight'), [0.9 * before[0] + 0.1, 4.6], { rtol: 1e-15 });
  average.syncParameters(model);
  average.updateParameters(model);
  equal(shadowOf(average, '0.weight'), [1, 1]);
  const swap = average.swap(model);
  fill(model, 3);
  swap.restore();
  fill(model, 3);
  average.updateParameters(model);
  equal(shadowOf(average, '0.weight'), [3, 3]);
});

test('conversions of the average keep all digits', () => {
  const model = new Cell();
  const average = new ExponentialMovingAverage(model, { momentum: 0.1, precision: 'float64' });
  train(model, average, 5, 1);
  const [before] = shadowOf(average, 'weight');
  const reference = deepCopy(average);
  average.to('float64');
  equal([average.module.weight.item(), average.module.weight.dtype], [before, 'float64']);
  equal(shadowOf(average, 'weight'), [before]);
  train(model, average, 1, 2);
  train(model, reference, 1, 2);
  equal(shadowOf(average, 'weight'), shadowOf(reference, 'weight'));
  average.to('float32');
  equal([average.module.weight.item(), average.module.weight.dtype], [Math.fround(shadowOf(average, 'weight')[0]), 'float32']);
  train(model, average, 1, 3);
  train(model, reference, 1, 3);
  equal(shadowOf(average, 'weight'), shadowOf(reference, 'weight'));
});

test('conversions of a module around it leave an average that works', () => {
  class Pair extends Module {
    student: Cell = new Cell();
    teacher: ExponentialMovingAverage<Cell> = new ExponentialMovingAverage(this.student, { momentum: 0.1, precision: 'float64' });
    forward(): Tensor {
      return this.student.forward();
    }
  }
  const pair = new Pair();
  train(pair.student, pair.teacher, 3, 1);
  pair.to('float32');
  train(pair.student, pair.teacher, 1, 2);
  is(pair.teacher.stateDict()['shadow.weight'].dtype, 'float64');
  pair.to('float64');
  train(pair.student, pair.teacher, 1, 3);
  equal([pair.teacher.module.weight.item()], shadowOf(pair.teacher, 'weight'));
});

test('entries that appear later get a shadow, and float64 sources give all their digits', () => {
  class Growing extends Module {
    layers: Module[] = [new Linear(1, 1, { bias: false })];
    forward(): void {}
  }
  const model = new Growing();
  const average = new ExponentialMovingAverage(model, { momentum: 0.1, precision: 'float64' });
  average.updateParameters(model);
  const more = new Linear(1, 1, { bias: false });
  model.layers.push(more);
  average.module.layers.push(deepCopy(more).requiresGrad_(false));
  model.to('float64');
  fill(model, 1 / 3);
  fill(average.module, 1);
  average.updateParameters(model);
  allClose([...shadowOf(average, 'layers.0.weight'), ...shadowOf(average, 'layers.1.weight')], [0.9 + 0.1 / 3, 0.9 + 0.1 / 3], { rtol: 1e-15 });
});

test('tied entries have one shadow, and own rules run on shadows', () => {
  class Half extends BaseAveragedModel {
    override avgFunc(averaged: Tensor, source: Tensor): void {
      equal([averaged.dtype, source.dtype], ['float64', 'float64']);
      averaged.add_(source).div_(2);
    }
  }
  const layer = new Linear(1, 1, { bias: false });
  const model = new Sequential(layer, layer);
  const average = new Half(model, { precision: 'float64' });
  equal(Object.keys(average.stateDict()), ['steps', 'module.0.weight', 'module.1.weight', 'shadow.0.weight']);
  fill(model, 1);
  average.updateParameters(model);
  fill(model, 2);
  average.updateParameters(model);
  average.updateParameters(model);
  equal([average.module.parameters()[0].item(), shadowOf(average, '0.weight')], [1.75, [1.75]]);
});

test('a source that is not finite, and one that does not match, leave the shadow alone', () => {
  const model = new Cell();
  const average = new ExponentialMovingAverage(model, { momentum: 0.1, precision: 'float64' });
  train(model, average, 3, 1);
  fill(average.module, 4);
  const before = bits(average);
  fill(model, NaN);
  throwsError(() => average.updateParameters(model), StateError, /NaN in 'weight'/);
  throwsError(() => average.updateParameters(new Linear(1, 1)), StateError, /does not match/);
  is(bits(average), before);
  ok(Number.isFinite(shadowOf(average, 'weight')[0]));
});

test('no other precisions', () => {
  for (const bad of ['float32', 'float16', null, 64]) throwsError(() => new ExponentialMovingAverage(new Cell(), { precision: bad as 'float64' }), ArgumentError, /invalid precision, got .*; expected 'float64' or nothing/);
});

test.run();

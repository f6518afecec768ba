import { test } from 'uvu';
import {
  ArgumentError, BatchNorm1d, ExponentialMovingAverage, Linear, Module, Parameter, SGD, Sequential, StateError, StochasticWeightAverage, type Tensor, manualSeed, noGrad, randn, zeros,
} from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

const everything = (m: Module): Tensor[] => [...m.parameters(), ...m.buffers()];
const values = (m: Module): string => JSON.stringify(everything(m).map((t) => Array.from(t.data())));
const bits = (...modules: readonly Module[]): string => JSON.stringify(modules.map((m) => everything(m).map((t) => [t.dtype, t.shape, t.storage.version, Array.from(t.data())])));
const net = (): Sequential => new Sequential(new Linear(3, 4), new BatchNorm1d(4), new Linear(4, 2));

function trained<M extends Module>(model: M): { model: M; average: StochasticWeightAverage<M> } {
  const average = new StochasticWeightAverage(model);
  for (let i = 0; i < 3; i++) {
    noGrad(() => everything(model).forEach((p) => p.add_(randn(p.shape).mul(3).to(p))));
    average.updateParameters(model);
  }
  return { model, average };
}

function refuses(fn: () => unknown, modules: readonly Module[], kind: Parameters<typeof throwsError>[1], message: RegExp): void {
  const before = bits(...modules);
  throwsError(fn, kind, message);
  equal(bits(...modules), before);
}

class Pair extends Module {
  first = new Linear(3, 3, { bias: false });
  second = new Linear(3, 3, { bias: false });
  constructor(tie: boolean) {
    super();
    if (tie) this.second.weight = this.first.weight;
  }
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}

test('copyTo writes parameters and buffers, and keeps the average', () => {
  manualSeed(0);
  const { model, average } = trained(net());
  const before = values(average);
  const tensors = everything(model);
  average.copyTo(model);
  equal(values(model), values(average.module));
  equal(values(average), before);
  equal(everything(model).map((t, i) => t === tensors[i]), tensors.map(() => true));
  noGrad(() => model.parameters().forEach((p) => p.zero_()));
  equal(values(average), before, 'nothing is shared');
});

test('training goes on from the average (switch EMA)', () => {
  manualSeed(1);
  const model = new Linear(2, 1);
  const average = new ExponentialMovingAverage(model, { momentum: 0.5 });
  const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  for (let i = 0; i < 3; i++) {
    optimizer.zeroGrad();
    model.forward(randn([4, 2])).square().mean().backward();
    optimizer.step();
    average.updateParameters(model);
  }
  const expected = Array.from(average.module.weight.data());
  average.copyTo(model);
  optimizer.zeroGrad();
  model.forward(zeros([1, 2])).sum().backward();
  optimizer.paramGroups[0].lr = 0;
  optimizer.step();
  equal(Array.from(model.weight.data()), expected);
});

test('a graph from before is refused', () => {
  const { model, average } = trained(new Linear(2, 2));
  const loss = model.forward(randn([1, 2]).requiresGrad_()).sum();
  average.copyTo(model);
  throwsError(() => loss.backward(), StateError, /overwritten/);
});

test('dtypes are converted to the model\'s', () => {
  const { model, average } = trained(net());
  const float = values(average.module);
  model.to('float64');
  average.copyTo(model);
  is(model.parameters()[0].dtype, 'float64');
  equal(values(model), float);
  average.to('float64');
  model.to('float32');
  average.copyTo(model);
  is(model.parameters()[0].dtype, 'float32');
  equal(values(model), float);
});

test('a tied entry of the average goes to both of a model that is not tied, and not the other way', () => {
  const { average } = trained(new Pair(true));
  const loose = new Pair(false);
  average.copyTo(loose);
  allClose(loose.first.weight, average.module.first.weight);
  allClose(loose.second.weight, average.module.first.weight);
  const free = trained(new Pair(false)).average;
  const tied = new Pair(true);
  refuses(() => free.copyTo(tied), [free, tied], StateError, /^StochasticWeightAverage\.copyTo: tied entries differ[\s\S]*one tensor in the model only/);
});

test('misuse is refused with nothing written', () => {
  const { model, average } = trained(net());
  const other = new Sequential(new Linear(3, 4), new BatchNorm1d(4), new Linear(4, 3));
  refuses(() => average.copyTo(other), [average, other], StateError, /^StochasticWeightAverage\.copyTo: the source does not match the average, got 2 differences[\s\S]*'2\.weight'[\s\S]*'2\.bias'/);
  refuses(() => average.copyTo(average.module), [average], ArgumentError, /the average's own copy/);
  refuses(() => average.copyTo(average), [average], ArgumentError, /the average itself/);
  // @ts-expect-error: no module
  refuses(() => average.copyTo(model.stateDict()), [average, model], ArgumentError, /not a module/);
  const fresh = new StochasticWeightAverage(model);
  refuses(() => fresh.copyTo(model), [fresh, model], StateError, /there is no average yet, got 0 updates/);
  const layer = new Linear(4, 2);
  const wide = new Sequential(new Linear(3, 4), new BatchNorm1d(4), layer);
  layer.weight = new Parameter(zeros([1, 4]).expand([2, 4]));
  refuses(() => average.copyTo(wide), [average, wide], StateError, /several elements of '2\.weight' share one cell/);
});

test.run();

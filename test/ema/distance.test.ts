import { test } from 'uvu';
import { ArgumentError, BatchNorm1d, ExponentialMovingAverage, Linear, Module, Parameter, Sequential, StateError, StochasticWeightAverage, type Tensor, distanceToSource, noGrad, tensor } from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

class Pair extends Module {
  a = new Parameter(tensor([3, 4]));
  b = new Parameter(tensor([0, 0]));
  tied: Parameter;
  constructor() {
    super();
    this.tied = this.a;
  }
  forward(): Tensor {
    return this.a;
  }
}

test('worked by hand, tied tensors once', () => {
  const model = new Pair();
  const average = new StochasticWeightAverage(model);
  equal(distanceToSource(average, model), { l2: 0, relative: 0, entries: Object.assign(Object.create(null), { a: { l2: 0, relative: 0 }, b: { l2: 0, relative: 0 } }) });
  noGrad(() => model.a.copy_(tensor([0, 8])));
  const { l2, relative, entries } = distanceToSource(average, model);
  allClose([l2, relative, entries.a.l2, entries.a.relative], [5, 5 / 8, 5, 5 / 8]);
  noGrad(() => average.module.b.fill_(1));
  allClose([distanceToSource(average, model).l2], [Math.sqrt(27)], { rtol: 1e-12 });
  equal(distanceToSource(average, model).entries.b.relative, Infinity);
});

test('buffers count when they are averaged', () => {
  const model = new Sequential(new Linear(2, 2), new BatchNorm1d(2));
  const names = (updateBuffers: boolean): string[] => Object.keys(distanceToSource(new ExponentialMovingAverage(model, { updateBuffers }), model).entries);
  equal(names(false), ['0.weight', '0.bias', '1.weight', '1.bias']);
  equal(names(true), ['0.weight', '0.bias', '1.weight', '1.bias', '1.running_mean', '1.running_var']);
});

test('dtypes may differ', () => {
  const model = new Linear(2, 2);
  const average = new ExponentialMovingAverage(model).to('float64');
  equal(distanceToSource(average, model).l2, 0);
});

test('bad arguments', () => {
  const model = new Linear(1, 1);
  const average = new ExponentialMovingAverage(model);
  throwsError(() => distanceToSource(average, new Linear(2, 1)), StateError, /distanceToSource: .*1 difference/);
  throwsError(() => distanceToSource(JSON.parse('{}'), model), ArgumentError, /not an average/);
  throwsError(() => distanceToSource(average, JSON.parse('{}')), ArgumentError, /not a module/);
});

test('entries that are copied or skipped do not count', () => {
  const model = new Linear(2, 2);
  const average = new ExponentialMovingAverage(model, { momentum: 0.1, policy: { bias: 'skip' } });
  average.updateParameters(model);
  noGrad(() => model.bias?.add_(5));
  equal(Object.keys(distanceToSource(average, model).entries), ['weight']);
  is(distanceToSource(average, model).l2, 0);
});

test.run();

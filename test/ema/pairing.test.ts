import { test } from 'uvu';
import {
  BatchNorm1d, Buffer, ExponentialMovingAverage, Linear, Module, ModuleList, Parameter, Sequential, StateError, type Tensor, deepCopy, noGrad, ones, tensor, zeros,
} from '../../index.ts';
import { equal, is, not, ok, throwsError } from '../assert.ts';

/** An average that has been updated a few times looks its tensors up all the same. Momentum 0.5: each update goes half of the way. */

class Net extends Module {
  a: Parameter = new Parameter(tensor([1, 1]));
  b: Parameter = new Parameter(tensor([2, 2]));
  mean: Buffer = new Buffer(tensor([3]));
  count: Buffer = new Buffer(tensor(0, { dtype: 'int64' }));
  layers: Module[] = [];
  forward(): Tensor {
    return this.a;
  }
}

const warm = (model: Net, options: { updateBuffers?: boolean } = {}): ExponentialMovingAverage<Net> => {
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, ...options });
  for (let i = 0; i < 3; i++) average.updateParameters(model);
  return average;
};

const set = (x: Tensor, value: number): void => void noGrad(() => x.fill_(value));
const values = (m: Net): unknown[] => [m.a, m.b, m.mean, m.count].map((x) => x.array());
const snapshot = (m: Module): string => JSON.stringify(Object.entries(m.stateDict()).map(([k, t]) => [k, t.dtype, Array.from(t.data())]));

test('values, integers and buffers follow', () => {
  const model = new Net();
  const average = warm(model);
  set(model.a, 5);
  set(model.mean, 9);
  set(model.count, 7);
  average.updateParameters(model);
  equal(values(average.module), [[3, 3], [2, 2], [9], 7]);
  const tracked = warm(new Net(), { updateBuffers: true });
  tracked.updateParameters(model);
  equal(values(tracked.module), [[3, 3], [2, 2], [6], 7]);
});

test('tensors that are replaced on either side', () => {
  const model = new Net();
  const average = warm(model);
  model.a = new Parameter(tensor([5, 5]));
  average.updateParameters(model);
  equal(values(average.module).slice(0, 2), [[3, 3], [2, 2]]);
  average.module.b = new Parameter(tensor([6, 6]), { requiresGrad: false });
  average.updateParameters(model);
  equal(values(average.module).slice(0, 2), [[4, 4], [4, 4]]);
  [model.a, model.b] = [model.b, model.a];
  average.updateParameters(model);
  equal(values(average.module).slice(0, 2), [[3, 3], [4.5, 4.5]]);
  model.mean = new Buffer(tensor([8]));
  average.updateParameters(model);
  equal(average.module.mean.array(), [8]);
});

test('storages that are replaced under the same tensors', () => {
  const model = new Net();
  const average = warm(model);
  model.a.assign_(tensor([5, 5]));
  average.updateParameters(model);
  equal(average.module.a.array(), [3, 3]);
  average.module.a.assign_(tensor([1, 1]));
  average.updateParameters(model);
  equal(average.module.a.array(), [3, 3]);
  model.a.assign_(tensor([[1, 9], [2, 9]]).select(1, 0));
  average.updateParameters(model);
  equal(average.module.a.array(), [2, 2.5]);
});

test('dtypes that change on one side or both', () => {
  const model = new Net();
  const average = warm(model);
  set(model.a, 5);
  average.to('float64');
  average.updateParameters(model);
  equal([average.module.a.dtype, average.module.a.array()], ['float64', [3, 3]]);
  model.to('float64');
  average.updateParameters(model);
  equal(average.module.a.array(), [4, 4]);
  average.to('float32');
  average.updateParameters(model);
  equal([average.module.a.dtype, average.module.a.array()], ['float32', [4.5, 4.5]]);
  average.updateParameters(model);
  equal(average.module.a.array(), [4.75, 4.75]);
});

test('differences that arise later are errors before anything is written, and pass when they are gone', () => {
  const model = new Net();
  const average = warm(model);
  set(model.b, 4);
  const refused = (change: () => void, back: () => void, message: RegExp): void => {
    change();
    const before = snapshot(average);
    for (let i = 0; i < 2; i++) throwsError(() => average.updateParameters(model), StateError, message);
    is(snapshot(average), before);
    back();
  };
  refused(() => model.layers.push(new Linear(1, 1)), () => void model.layers.pop(), /extra parameter 'layers\.0\.weight'/);
  refused(() => average.module.layers.push(new Linear(1, 1)), () => void average.module.layers.pop(), /missing parameter 'layers\.0\.weight'/);
  const { a } = model;
  refused(() => void Reflect.deleteProperty(model, 'a'), () => void (model.a = a), /missing parameter 'a'/);
  refused(() => void a.assign_(zeros([3])), () => void a.assign_(ones([2])), /mis-shaped parameter 'a'.*float32\[2\].*float32\[3\]/);
  refused(() => void model.count.assign_(zeros([])), () => void model.count.assign_(zeros([], { dtype: 'int64' })), /buffer 'count' of another kind/);
  average.updateParameters(model);
  equal(values(average.module), [[1, 1], [3, 3], [3], 0]);
});

test('modules that are added on both sides', () => {
  const model = new Net();
  const average = warm(model);
  const [one, two] = [new Linear(1, 1, { bias: false }), new Linear(1, 1, { bias: false })];
  set(one.weight, 2);
  set(two.weight, 4);
  model.layers.push(two);
  average.module.layers.push(one);
  average.updateParameters(model);
  equal(one.weight.item(), 3);
});

test('tensors that are tied later are averaged once', () => {
  const model = new Net();
  const average = warm(model);
  average.module.b = average.module.a;
  set(model.a, 5);
  average.updateParameters(model);
  equal(average.module.a.array(), [3, 3]);
});

test('tensors that share memory are averaged once', () => {
  const model = new Net();
  model.b = new Parameter(model.a);
  const average = warm(model);
  set(model.a, 5);
  average.updateParameters(model);
  equal([average.module.a.array(), average.module.b.array()], [[3, 3], [3, 3]]);
  is(average.module.a.storage, average.module.b.storage);
});

test('several sources in turn, and an average of itself', () => {
  const [one, two] = [new Net(), new Net()];
  const average = warm(one);
  set(two.a, 5);
  average.updateParameters(two);
  average.updateParameters(one);
  average.updateParameters(two);
  equal(average.module.a.array(), [3.5, 3.5]);
  average.updateParameters(average.module);
  equal(average.module.a.array(), [3.5, 3.5]);
});

test('a deep copy finds its own tensors and leaves the source alone', () => {
  const model = new Net();
  // What deepCopy refuses, so that a copy which reached the source would throw.
  Reflect.set(model, 'waiting', null);
  const average = warm(model);
  Reflect.set(model, 'waiting', Promise.resolve());
  const copied = deepCopy(average);
  set(model.a, 5);
  copied.updateParameters(model);
  equal([copied.module.a.array(), average.module.a.array()], [[3, 3], [1, 1]]);
  average.updateParameters(model);
  equal(average.module.a.array(), [3, 3]);
  not(copied.module.a.storage === average.module.a.storage);
});

test('swapped storages: the average goes where its tensors are', () => {
  const model = new Net();
  const average = warm(model);
  set(model.a, 5);
  const layout = ({ storage, shape, strides, offset }: Tensor): Pick<Tensor, 'storage' | 'shape' | 'strides' | 'offset'> => ({ storage, shape, strides, offset });
  const [mine, theirs] = [layout(average.module.a), layout(model.a)];
  average.module.a.assign_(theirs);
  model.a.assign_(mine);
  average.updateParameters(model);
  equal([average.module.a.array(), model.a.array()], [[3, 3], [1, 1]]);
});

test('a state dictionary that is loaded between two updates', () => {
  const model = new Net();
  const average = warm(model);
  const other = new Net();
  set(other.a, 9);
  average.loadStateDict({ steps: tensor(4, { dtype: 'int64' }), ...Object.fromEntries(Object.entries(other.stateDict()).map(([k, v]) => [`module.${k}`, v])) });
  average.updateParameters(model);
  equal([average.module.a.array(), average.steps.item()], [[5, 5], 5]);
});

test('batch norm in a container of the library', () => {
  const model = new ModuleList([new Sequential(new Linear(2, 2), new BatchNorm1d(2))]);
  const average = new ExponentialMovingAverage(model, { momentum: 0.5 });
  for (let i = 0; i < 3; i++) average.updateParameters(model);
  const norm = model.at(0).at(1) as BatchNorm1d;
  norm.forward(tensor([[1, 2], [3, 6]]));
  average.updateParameters(model);
  const mine = (average.module.at(0)).at(1) as BatchNorm1d;
  equal(mine.runningMean?.array(), norm.runningMean?.array());
  equal(mine.numBatchesTracked?.item(), 1);
  model.append(new Sequential(new Linear(1, 1)));
  throwsError(() => average.updateParameters(model), StateError, /extra parameter '1\.0\.weight'/);
  ok(average.steps.item() === 4);
});

test.run();

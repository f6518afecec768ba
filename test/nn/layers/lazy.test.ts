// Layers that take their size from the first input. Numbers are compared with PyTorch's in torch.test.ts.
import { test } from 'uvu';
import {
  ArgumentError, BatchNorm2d, Conv2d, LazyBatchNorm1d, LazyBatchNorm2d, LazyConv2d, LazyLinear, Linear, Parameter, ReLU, SGD, Sequential, ShapeError, StateError, UninitializedBuffer,
  UninitializedParameter, clipGradNorm_, deepCopy, defaultGenerator, manualSeed, ones, parametersToVector, rand, summary, zeros,
} from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

const net = (): Sequential => new Sequential(new LazyConv2d(4, 3), new LazyBatchNorm2d(), new ReLU(), new LazyLinear(2));

test('the first input makes ordinary layers, which draw what they would have drawn', () => {
  manualSeed(3);
  const lazy = net();
  is(lazy.toString().split('\n')[1], '  (0): LazyConv2d(0, 4, kernel_size=(3, 3), stride=(1, 1))');
  const before = lazy.parameters();
  const x = rand([2, 3, 5, 6]);
  manualSeed(5);
  lazy.forward(x);
  manualSeed(5);
  const plain = new Sequential(new Conv2d(3, 4, 3), new BatchNorm2d(4), new ReLU(), new Linear(4, 2));
  is(lazy.toString(), plain.toString());
  const layers = lazy.children();
  ok(layers[0] instanceof Conv2d && !(layers[0] instanceof LazyConv2d));
  is(layers[3].constructor, Linear);
  equal(Object.keys(lazy.stateDict()), Object.keys(plain.stateDict()));
  for (const key of ['0.weight', '0.bias', '3.weight', '3.bias']) equal(lazy.stateDict()[key].array(), plain.stateDict()[key].array());
  lazy.parameters().forEach((p, i) => is(p, before[i]));
  for (const p of before) is(p.constructor, Parameter);
  throwsError(() => lazy.forward(rand([2, 2, 5, 6])), ShapeError, /./);
});

test('before it, a tensor has no shape and refuses to be used', () => {
  const layer = new LazyLinear(2);
  ok(layer.weight instanceof UninitializedParameter && layer.weight instanceof Parameter);
  is(String(layer.weight), '<UninitializedParameter>');
  equal([layer.weight.dtype, layer.weight.requiresGrad, layer.inFeatures], ['float32', true, 0]);
  const uses = [() => layer.weight.shape, () => layer.weight.add(1), () => layer.weight.numel(), () => layer.weight.data(), () => parametersToVector(layer.parameters()), () => layer.weight.fill_(1)];
  for (const use of uses) throwsError(use, StateError, /UninitializedParameter: a tensor is used before it has a shape/);
  layer.resetParameters();
  throwsError(() => new LazyBatchNorm1d().runningMean?.sum(), StateError, /UninitializedBuffer/);
  is(summary(new LazyLinear(2)).includes('Total parameters: 0'), true);
});

test('a bad first input leaves a layer lazy', () => {
  const layer = new LazyConv2d(4, 3, { groups: 2 });
  throwsError(() => layer.forward(ones([3, 3])), ShapeError, /LazyConv2d: wrong number of dimensions/);
  throwsError(() => layer.forward(ones([1, 3, 5, 5])), ArgumentError, /groups do not divide/);
  ok(layer instanceof LazyConv2d && layer.weight instanceof UninitializedParameter);
  equal(layer.forward(ones([1, 6, 5, 5])).shape, [1, 4, 3, 3]);
});

test('dtypes, training mode and hooks stay', () => {
  const layer = new LazyLinear(2, { bias: false }).double().eval();
  const seen: number[] = [];
  const remove = layer.registerForwardHook((m) => void seen.push(m.inFeatures));
  equal(layer.forward(ones([1, 3], { dtype: 'float64' })).dtype, 'float64');
  equal(layer.forward(ones([1, 3], { dtype: 'float64' })).shape, [1, 2]);
  remove();
  equal([layer.weight.dtype, layer.training, layer.bias], ['float64', false, null]);
  equal(seen, [3, 3]);
});

test('state dictionaries list what has no shape, and shapes can be loaded', () => {
  const lazy = net();
  const state = lazy.stateDict();
  is(state['3.weight'], lazy.getParameter('3.weight'));
  is(state['1.num_batches_tracked'].item(), 0);
  ok(state['1.running_mean'] instanceof UninitializedBuffer);
  const trained = net();
  trained.forward(rand([2, 3, 5, 6]));
  const weight = lazy.getParameter('3.weight');
  lazy.loadStateDict(trained.stateDict());
  is(lazy.getParameter('3.weight'), weight);
  ok(weight.storage !== trained.getParameter('3.weight').storage);
  const drawn = defaultGenerator.getState();
  const x = rand([2, 3, 5, 6]);
  const after = defaultGenerator.getState();
  ok(JSON.stringify(drawn) !== JSON.stringify(after));
  equal(lazy.eval().forward(x).array(), trained.eval().forward(x).array());
  equal(defaultGenerator.getState(), after, 'loaded weights are not drawn again');
  is(lazy.children()[0].constructor, Conv2d);
  throwsError(() => trained.loadStateDict(net().stateDict()), StateError, /shape: 0\.weight: got a tensor without shape, expected float32\[4, 3, 3, 3\]/);
  net().loadStateDict(net().stateDict());
  const other = net();
  other.loadStateDict(trained.stateDict(), { assign: true });
  is(other.getParameter('0.weight').storage, trained.getParameter('0.weight').storage);
  throwsError(() => other.forward(rand([2, 2, 5, 6])), ShapeError, /Conv2d: the input does not fit what was loaded/);
});

test('copies are lazy, too, and independent', () => {
  const lazy = new LazyLinear(2).double();
  const copy = deepCopy(lazy);
  ok(copy instanceof LazyLinear && copy.weight instanceof UninitializedParameter && copy.weight !== lazy.weight);
  lazy.forward(ones([1, 3], { dtype: 'float64' }));
  equal(copy.forward(ones([1, 5], { dtype: 'float64' })).shape, [1, 2]);
  equal([lazy.weight.shape, copy.weight.shape], [[2, 3], [2, 5]]);
  equal(deepCopy(lazy).weight.shape, [2, 3]);
});

test('an optimizer made before the first input trains what comes', () => {
  const layer = new LazyLinear(1);
  const optimizer = new SGD(layer.parameters(), { lr: 0.1, momentum: 0.9 });
  optimizer.step();
  optimizer.zeroGrad();
  layer.zeroGrad();
  clipGradNorm_(layer.parameters(), 1);
  layer.forward(ones([2, 3])).sum().backward();
  const before = layer.weight.detach().clone();
  optimizer.step();
  ok(before.sub(layer.weight.detach()).sub(0.2).abs().max().item() < 1e-6);
});

test('tensors can be given a shape by hand', () => {
  const p = new UninitializedParameter({ requiresGrad: false });
  p.materialize([2, 3], { dtype: 'float64' });
  equal([p.shape, p.dtype, p.requiresGrad, p.constructor === Parameter], [[2, 3], 'float64', false, true]);
  const b = new UninitializedBuffer({ persistent: false, dtype: 'int64' });
  b.materialize([2]);
  equal([b.shape, b.dtype, b.persistent], [[2], 'int64', false]);
  equal(zeros([2]).add(b).shape, [2]);
  throwsError(() => new UninitializedParameter({ shape: [2] } as never), ArgumentError, /unknown option/);
});

test.run();

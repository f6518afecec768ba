import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import type { Tensor} from '../../index.ts';
import { ArgumentError, ExponentialMovingAverage, SGD, ShapeError, StateError, deepCopy, grad, manualSeed, noGrad, randn, tensor } from '../../index.ts';
import * as nn from '../../nn/index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

interface Spectral {
  readonly keys: readonly string[];
  readonly trained: readonly (readonly number[])[];
  readonly grads: readonly (readonly number[])[];
  readonly evaluated: readonly number[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/parametrizations.json', import.meta.url), 'utf8')) as {
  weightNorm: Record<string, { g: number[]; weight: number[]; grads: number[][] }>;
  spectralNorm: Record<string, Spectral>;
};

/** The values of make_parametrizations.py. */
function wave(shape: readonly number[], i: number): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  return tensor(Array.from({ length: n }, (_, k) => (((7 * k + 3 * i) % 13) - 6) / 16), { dtype: 'float64' }).reshape(shape);
}

const tight = { rtol: 1e-9, atol: 1e-11 };

for (const [dim, expected] of Object.entries(recorded.weightNorm)) {
  test(`weightNorm, dimension ${dim}: PyTorch's numbers and gradients`, () => {
    const layer = new nn.Linear(4, 3, { dtype: 'float64' });
    noGrad(() => layer.weight.copy_(wave([3, 4], 1)));
    nn.weightNorm(layer, 'weight', Number(dim));
    const [g, v] = ['original0', 'original1'].map((name) => layer.getParameter(`parametrizations.weight.${name}`));
    allClose(g.flatten(), expected.g, tight);
    allClose(layer.weight.flatten(), expected.weight, tight);
    grad(layer.weight.mul(wave([3, 4], 2)).sum(), [g, v]).forEach((slope, i) => allClose(slope.flatten(), expected.grads[i], tight));
  });
}

const spectral: Readonly<Record<string, readonly [() => nn.Module & { weight: Tensor; forward(x: Tensor): Tensor }, readonly number[]]>> = {
  linear: [() => new nn.Linear(4, 3), [2, 4]],
  conv: [() => new nn.Conv1d(2, 3, 2), [1, 2, 4]],
  transposed: [() => new nn.ConvTranspose1d(2, 3, 2), [1, 2, 4]],
};

for (const [name, [make, shape]] of Object.entries(spectral)) {
  test(`spectralNorm, ${name}: PyTorch's keys, outputs in training and evaluation, gradients`, () => {
    const expected = recorded.spectralNorm[name];
    manualSeed(5);
    const layer = make().double();
    noGrad(() => layer.weight.copy_(wave(layer.weight.shape, 1)));
    nn.spectralNorm(layer);
    equal(Object.keys(layer.stateDict()), [...expected.keys]);
    const x = wave(shape, 3);
    for (const y of expected.trained) allClose(layer.forward(x).flatten(), [...y], tight);
    const out = layer.forward(x);
    allClose(grad(out.mul(wave(out.shape, 4)).sum(), layer.getParameter('parametrizations.weight.original'))[0].flatten(), [...expected.grads[0]], tight);
    layer.eval();
    allClose(layer.forward(x).flatten(), [...expected.evaluated], tight);
    allClose(layer.forward(x).flatten(), [...expected.evaluated], tight);
  });
}

test('a parametrised tensor is no member; state and copies hold the originals', () => {
  const layer = nn.weightNorm(new nn.Linear(3, 2));
  equal(Object.keys(layer.stateDict()), ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']);
  equal(layer.namedParameters().map(([key]) => key), Object.keys(layer.stateDict()));
  const copied = deepCopy(layer);
  const x = randn([4, 3]);
  allClose(copied.forward(x), layer.forward(x));
  noGrad(() => copied.getParameter('parametrizations.weight.original0').mul_(2));
  allClose(copied.weight, layer.weight.mul(2), { rtol: 1e-6 });
  const loaded = nn.weightNorm(new nn.Linear(3, 2));
  loaded.loadStateDict(copied.stateDict());
  allClose(loaded.forward(x), copied.forward(x));
});

test('the names of the older weight norm are understood', () => {
  const [old, layer] = [new nn.Linear(3, 2), nn.weightNorm(new nn.Linear(3, 2))];
  layer.loadStateDict({ bias: old.bias, weight_g: tensor([[1], [2]]), weight_v: tensor([[3, 0, 4], [0, 2, 0]]) });
  allClose(layer.weight, tensor([[0.6, 0, 0.8], [0, 2, 0]]));
  const model = new nn.Sequential(nn.weightNorm(new nn.Linear(3, 2)));
  model.loadStateDict({ '0.bias': old.bias, '0.weight_g': tensor([[1], [2]]), '0.weight_v': tensor([[3, 0, 4], [0, 2, 0]]) });
  allClose(model.forward(tensor([[1, 1, 1]])), tensor([[1.4, 2]]).add(old.bias as Tensor));
});

test('training moves the originals; averages of parametrised modules compute their weight from averaged parts', () => {
  manualSeed(1);
  const model = new nn.Sequential(nn.weightNorm(new nn.Linear(3, 2)), new nn.Tanh(), nn.spectralNorm(new nn.Linear(2, 2)));
  const average = new ExponentialMovingAverage(model, { momentum: 0.5 });
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const x = randn([5, 3]);
  const start = model.forward(x).square().sum().item();
  for (let i = 0; i < 5; i++) {
    optimizer.zeroGrad();
    model.forward(x).square().sum().backward();
    optimizer.step();
    average.updateParameters(model);
  }
  ok(model.forward(x).square().sum().item() < start);
  const averaged = average.module.getSubmodule('0') as nn.Linear;
  const [g, v] = ['original0', 'original1'].map((name) => averaged.getParameter(`parametrizations.weight.${name}`));
  allClose(averaged.weight, v.mul(g.div(v.square().sum(1, { keepdim: true }).sqrt())), { rtol: 1e-6 });
});

test('assigning sets the originals', () => {
  const layer = nn.weightNorm(new nn.Linear(2, 2));
  const target = tensor([[3, 4], [0, 2]]);
  Reflect.set(layer, 'weight', target);
  allClose(layer.weight, target);
  allClose(layer.getParameter('parametrizations.weight.original0'), tensor([[5], [2]]));
});

test('removal leaves a Parameter with the value it had, in its old place', () => {
  const layer = nn.weightNorm(new nn.Linear(3, 2));
  const before = layer.weight.detach();
  ok(nn.isParametrized(layer) && nn.isParametrized(layer, 'weight') && !nn.isParametrized(layer, 'bias'));
  throwsError(() => nn.removeParametrizations(layer, 'weight', { leaveParametrized: false }), StateError, /several originals/);
  nn.removeParametrizations(layer, 'weight');
  ok(!nn.isParametrized(layer) && layer.weight instanceof nn.Parameter && layer.weight.requiresGrad);
  equal(Object.keys(layer.stateDict()), ['weight', 'bias']);
  allClose(layer.weight, before, { rtol: 0, atol: 0 });
  throwsError(() => nn.removeParametrizations(layer, 'weight'), ArgumentError, /not parametrised/);
});

class Doubled extends nn.Module {
  forward(...[x]: Tensor[]): Tensor {
    return x.mul(2);
  }
}

class Longer extends nn.Module {
  forward(...[x]: Tensor[]): Tensor {
    return x.repeat([2, 1]);
  }
}

test('parametrizations of your own, one on the other', () => {
  const layer = new nn.Linear(2, 2);
  const original = layer.weight;
  const before = original.detach().clone();
  nn.registerParametrization(layer, 'weight', new Doubled());
  nn.registerParametrization(layer, 'weight', new Doubled());
  allClose(layer.weight, before.mul(4));
  ok(layer.getParameter('parametrizations.weight.original') === original);
  throwsError(() => Reflect.set(layer, 'weight', before), StateError, /cannot be turned round/);
  nn.removeParametrizations(layer, 'weight', { leaveParametrized: false });
  ok(layer.weight === original);
  throwsError(() => nn.registerParametrization(layer, 'weight', new Longer()), ShapeError, /makes something else/);
  throwsError(() => nn.registerParametrization(layer, 'weights', new Doubled()), ArgumentError, /no such tensor/);
  throwsError(() => nn.weightNorm(layer, 'nothing'), ArgumentError, /no such tensor/);
  ok(layer.weight === original);
});

test('parameters as one vector and back', () => {
  const layer = new nn.Linear(2, 3);
  const vector = nn.parametersToVector(layer.parameters());
  equal([...vector.shape], [9]);
  allClose(grad(vector.mul(tensor([1, 2, 3, 4, 5, 6, 7, 8, 9])).sum(), layer.weight)[0], [[1, 2], [3, 4], [5, 6]]);
  nn.vectorToParameters(tensor([1, 2, 3, 4, 5, 6, 7, 8, 9]), layer.parameters());
  allClose(layer.weight, [[1, 2], [3, 4], [5, 6]]);
  allClose(layer.bias as Tensor, [7, 8, 9]);
  throwsError(() => nn.vectorToParameters(tensor([1, 2]), layer.parameters()), ShapeError, /does not fit/);
  throwsError(() => nn.parametersToVector([]), ArgumentError, /no parameters/);
  is(nn.utils.parametersToVector, nn.parametersToVector);
});

test.run();

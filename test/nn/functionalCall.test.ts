import { test } from 'uvu';
import {
  Adam, ArgumentError, BatchNorm1d, Linear, Module, Parameter, Sequential, ShapeError, Tanh, type Tensor, func, grad, manualSeed, ones, randn, vmap, zeros,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

test('other tensors stand in for parameters, which come back', () => {
  const layer = new Linear(2, 2);
  const { weight } = layer;
  const w = zeros([2, 2]).requiresGrad_();
  const y = func.functionalCall(layer, { weight: w }, ones([1, 2]));
  ok(layer.bias !== null);
  allClose(y, layer.bias.unsqueeze(0));
  ok(layer.weight === weight);
  equal(grad(y.sum(), w)[0].array(), [[1, 1], [1, 1]]);
  throwsError(() => func.functionalCall(layer, { weight: w }, 3), Error, /linear/);
  ok(layer.weight === weight, 'also after an error');
});

class Tied extends Module {
  readonly one = new Parameter(ones([2]));
  readonly list = [this.one, new Parameter(ones([2]))];
  readonly table = new Map([['gain', new Parameter(ones([2]))]]);
  forward(x: Tensor, y: Tensor): Tensor {
    return x.mul(this.one).add(this.list[0]).mul(this.list[1]).add(y.mul(this.table.get('gain') ?? 0));
  }
}

test('tied tensors follow one name; arrays and Maps are reached; several arguments', () => {
  const tied = new Tied();
  const args = [ones([2]), ones([2])];
  equal(func.functionalCall(tied, { one: ones([2]).mul(3), 'table.gain': ones([2]).mul(10) }, args).array(), [16, 16]);
  equal(func.functionalCall(tied, { one: ones([2]).mul(3) }, args, { tieWeights: false }).array(), [5, 5]);
  equal(tied.forward(ones([2]), ones([2])).array(), [3, 3]);
  throwsError(() => func.functionalCall(tied, { one: ones([2]), 'list.0': zeros([2]) }, args), ArgumentError, /tied/);
});

test('refusals', () => {
  const layer = new Linear(2, 2);
  throwsError(() => func.functionalCall(layer, { wieght: ones([2, 2]) }, ones([2])), ArgumentError, /'wieght'.*'weight'/);
  throwsError(() => func.functionalCall(layer, { weight: ones([2]) }, ones([2])), ShapeError, /'weight' does not fit/);
  throwsError(() => func.functionalCall(layer, { weight: ones([2, 2]) }, ones([2]), { strict: true }), ArgumentError, /'bias' is missing/);
});

test('an ensemble trains at once, each model as by itself', () => {
  const build = (): Sequential => new Sequential(new Linear(3, 4), new Tanh(), new Linear(4, 1)).double();
  manualSeed(2);
  const models = [build(), build(), build()];
  const [params] = func.stackModuleState(models);
  const [x, y] = [randn([6, 3], { dtype: 'float64' }), randn([6, 1], { dtype: 'float64' })];
  const together = new Adam(Object.values(params), { lr: 0.05 });
  const apart = models.map((m) => new Adam(m.parameters(), { lr: 0.05 }));
  for (let step = 0; step < 5; step++) {
    together.zeroGrad();
    vmap((p: typeof params) => func.functionalCall(models[0], p, x).sub(y).square().mean())(params).sum().backward();
    together.step();
    models.forEach((m, i) => {
      apart[i].zeroGrad();
      m.forward(x).sub(y).square().mean().backward();
      apart[i].step();
    });
  }
  for (const [name, all] of Object.entries(params)) models.forEach((m, i) => allClose(all.select(0, i), Object.fromEntries(m.namedParameters())[name], { rtol: 1e-9, atol: 1e-11 }));
});

test('an ensemble runs at once', () => {
  const models = [0, 1, 2].map(() => new Linear(3, 2));
  const [params, buffers] = func.stackModuleState(models);
  const x = randn([4, 3]);
  const y = vmap((p: typeof params) => func.functionalCall(models[0], p, x))(params);
  models.forEach((m, i) => allClose(y.select(0, i), m.forward(x), { rtol: 1e-5, atol: 1e-6 }));
  ok(params.weight.isLeaf && params.weight.requiresGrad);
  is(Object.keys(buffers).length, 0);
  equal(Object.keys(func.stackModuleState([new BatchNorm1d(2)])[1]), ['running_mean', 'running_var', 'num_batches_tracked']);
  throwsError(() => func.stackModuleState([]), ArgumentError, /no models/);
  throwsError(() => func.stackModuleState([new Linear(2, 2), new Linear(3, 2)]), ArgumentError, /'weight'/);
});

test.run();

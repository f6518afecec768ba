import { test } from 'uvu';
import { Adafactor, Adam, AdamW, ArgumentError, Muon, type Optimizer, type OptimizerStateDict, SGD, StateError, Tensor, packCheckpoint, tensor, unpackCheckpoint } from '../../index.ts';
import { equal, is, not, ok, throwsError } from '../assert.ts';

const kinds: Readonly<Record<string, (params: readonly Tensor[]) => Optimizer>> = {
  'SGD with momentum': (params) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  SGD: (params) => new SGD(params, { lr: 0.1 }),
  Adam: (params) => new Adam(params, { lr: 0.1 }),
  'AdamW with amsgrad': (params) => new AdamW([{ params: [params[0]], lr: 0.3 }, { params: params.slice(1) }], { lr: 0.1, amsgrad: true }),
};

const makeParams = (scale = 1): Tensor[] => [
  tensor([[0.1, -0.7, 0.3], [1.1, 0.2, -0.9]].map((row) => row.map((v) => v * scale)), { requiresGrad: true }),
  tensor([0.3, 0.5], { dtype: 'float64', requiresGrad: true }),
  tensor(0.7 * scale, { requiresGrad: true }),
];

function train(optimizer: Optimizer, params: readonly Tensor[], from: number, to: number): void {
  for (let t = from; t < to; t++) {
    optimizer.zeroGrad();
    params.forEach((p, i) => {
      if (i !== 2 || t % 2 === 0) p.mul(p).mul(p).sum().add(p.mul(Math.sin(t)).sum()).backward();
    });
    optimizer.step();
  }
}

const bits = (params: readonly Tensor[]): string => params.map((p) => Buffer.from(p.data().buffer).toString('hex')).join(' ');

for (const [name, make] of Object.entries(kinds)) {
  test(`${name}: a resumed run is bit-identical, through memory and through a file`, () => {
    const params = makeParams();
    const optimizer = make(params);
    train(optimizer, params, 0, 7);
    const copies = [0, 1].map(() => params.map((p) => p.detach().clone().requiresGrad_()));
    const resumed = copies.map((c) => make(c));
    resumed.forEach((o) => {
      o.paramGroups[0].lr = 99;
    });
    resumed[0].loadStateDict(optimizer.stateDict());
    unpackCheckpoint(packCheckpoint({ optimizer }), { optimizer: resumed[1] });
    train(optimizer, params, 7, 20);
    resumed.forEach((o, k) => {
      train(o, copies[k], 7, 20);
      is(bits(copies[k]), bits(params));
      equal(JSON.stringify(o.stateDict().param_groups), JSON.stringify(optimizer.stateDict().param_groups));
    });
  });
}

function trained(): Adam {
  const params = makeParams();
  const adam = new Adam([{ params: params.slice(0, 2) }, { params: params.slice(2), lr: 0.5 }]);
  train(adam, params, 0, 3);
  return adam;
}

test("stateDict has PyTorch's structure and names", () => {
  const dict = trained().stateDict();
  equal(Object.keys(dict), ['state', 'param_groups']);
  equal(dict.param_groups, [
    { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0, amsgrad: false, maximize: false, decoupled_weight_decay: false, params: [0, 1] },
    { lr: 0.5, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0, amsgrad: false, maximize: false, decoupled_weight_decay: false, params: [2] },
  ]);
  equal(Object.keys(dict.state), ['0', '1', '2']);
  equal(Object.keys(dict.state[0]), ['step', 'exp_avg', 'exp_avg_sq']);
  const step = dict.state[2].step as Tensor;
  equal([step.dtype, step.shape, step.item()], ['float32', [], 2]);
  const params = makeParams();
  const plain = new SGD(params);
  train(plain, params, 0, 1);
  equal(plain.stateDict().state, {});
});

test('counts that float32 cannot hold are saved in float64', () => {
  const adam = trained();
  const [state] = adam.state.values();
  state.step = 2 ** 24 + 1;
  const step = adam.stateDict().state[0].step as Tensor;
  equal([step.dtype, step.item()], ['float64', 2 ** 24 + 1]);
});

test('loading copies: the two go on apart', () => {
  const [a, b] = [trained(), trained()];
  b.loadStateDict(a.stateDict());
  const [first] = a.state.values();
  const [second] = b.state.values();
  ok(first.expAvg.storage !== second.expAvg.storage);
  not(a.paramGroups[0].betas === b.paramGroups[0].betas);
});

test('group objects stay, gradients stay, state that is not in the file goes', () => {
  const adam = trained();
  const [group] = adam.paramGroups;
  adam.loadStateDict({ ...adam.stateDict(), state: {} });
  ok(adam.paramGroups[0] === group);
  is(adam.state.size, 0);
  ok(group.params[0].grad !== null);
});

test('state takes the dtype of its parameter, counts stay', () => {
  const params = makeParams();
  const source = new Adam(params);
  train(source, params, 0, 2);
  const doubles = params.map((p) => p.detach().to('float64').requiresGrad_());
  const target = new Adam(doubles);
  target.loadStateDict(source.stateDict());
  equal([...target.state.values()].map((s) => [s.step, s.expAvg.dtype]), [[2, 'float64'], [2, 'float64'], [1, 'float64']]);
});

test('reads files of other PyTorch versions', () => {
  const params = makeParams().slice(2);
  const sgd = new SGD(params, { lr: 9, momentum: 0.5, maximize: true });
  sgd.loadStateDict({
    state: { 7: { momentum_buffer: null } },
    param_groups: [{ lr: 0.1, momentum: 0.9, dampening: 0, weight_decay: 0, nesterov: false, foreach: null, differentiable: false, fused: null, initial_lr: 0.2, params: [7] }],
  });
  equal({ ...sgd.paramGroups[0], params: 0 }, { lr: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false, maximize: false, params: 0, initialLr: 0.2 });
  is(sgd.state.size, 0);
  const adam = new Adam(params);
  const options = { lr: 0.1, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0, amsgrad: false, capturable: false, params: [0] };
  adam.loadStateDict({ state: { 0: { step: 3, exp_avg: tensor(1), exp_avg_sq: tensor(2) } }, param_groups: [options] });
  is(adam.state.get(params[0])?.step, 3);
});

test('decoupled decay and options that may be null, as PyTorch 2 writes them', () => {
  const params = makeParams().slice(2);
  const options = { lr: 0.1, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0.1, amsgrad: false, maximize: false, foreach: null, capturable: false, differentiable: false, fused: null, params: [0] };
  const [adam, adamw] = [new Adam(params), new AdamW(params)];
  for (const decoupled of [true, false]) {
    const dict = { state: {}, param_groups: [{ ...options, decoupled_weight_decay: decoupled, param_names: ['w'] }] };
    adam.loadStateDict(dict);
    adamw.loadStateDict(dict);
    is(adam.paramGroups[0].decoupledWeightDecay, decoupled);
    ok(!('decoupledWeightDecay' in adamw.paramGroups[0]));
  }
  const adafactor = new Adafactor(params, { eps: [1e-3, 1e-3] });
  adafactor.loadStateDict(new Adafactor(params).stateDict());
  equal(adafactor.paramGroups[0].eps, [null, 1e-3]);
  const muon = new Muon([tensor([[1]])], { adjustLrFn: 'match_rms_adamw' });
  const [saved] = new Muon([tensor([[1]])]).stateDict().param_groups;
  muon.loadStateDict({ state: {}, param_groups: [saved] });
  is(muon.paramGroups[0].adjustLrFn, null);
  for (const part of [{ lr: null }, { adjust_lr_fn: 'half' }, { ns_coefficients: null }]) {
    throwsError(() => muon.loadStateDict({ state: {}, param_groups: [{ ...saved, ...part }] }), StateError, /param_groups\[0\]/);
  }
});

test('every difference is reported and nothing is changed', () => {
  const adam = trained();
  const shown = (): string => JSON.stringify(adam.stateDict(), (_, v: unknown) => (v instanceof Tensor ? [...v.data()] : v));
  const before = shown();
  const dict = adam.stateDict();
  const [g0, g1] = dict.param_groups;
  const cases: [Partial<Record<keyof OptimizerStateDict, unknown>>, RegExp][] = [
    [{ param_groups: [g0] }, /1 difference; [^]*groups: got 1, expected 2/],
    [{ param_groups: [{ ...g0, params: [0] }, g1] }, /param_groups\[0\]\.params: got 1 parameters, expected 2/],
    [{ param_groups: [{ ...g0, params: [0, 2] }, g1] }, /got 2 twice/],
    [{ param_groups: [{ ...g0, momentum: 1 }, g1] }, /unexpected: param_groups\[0\]\.momentum/],
    [{ param_groups: [{ ...g0, lr: '1' }, { ...g1, betas: [0.9] }] }, /2 differences[^]*\[0\]\.lr: got '1'[^]*\[1\]\.betas: got \[0.9\]/],
    [{ param_groups: [{ ...g0, lr: -1 }, g1] }, /Adam: invalid lr, got -1/],
    [{ param_groups: [{ params: [0, 1] }, g1] }, /missing: param_groups\[0\]\.lr[^]*missing: param_groups\[0\]\.eps/],
    [{ param_groups: [{ ...g0, amsgrad: true }, g1] }, /missing: state\[0\]\.max_exp_avg_sq[^]*missing: state\[1\]\.max_exp_avg_sq/],
    [{ state: { ...dict.state, 5: {} } }, /unexpected: state\[5\], which belongs to no parameter/],
    [{ state: { 0: { ...dict.state[0], exp_avg: tensor([1]) } } }, /state\[0\]\.exp_avg: got float32\[1\], expected float32\[2, 3\]/],
    [{ state: { 0: { ...dict.state[0], exp_avg: 1, step: tensor(1.5), extra: 0 } } }, /3 differences[^]*unexpected: state\[0\]\.extra[^]*step: got 1.5[^]*exp_avg: got 1,/],
    [{ state: { 0: { step: -1 } } }, /step: got -1[^]*missing: state\[0\]\.exp_avg[^]*missing: state\[0\]\.exp_avg_sq/],
    [{ state: { 0: null } }, /state\[0\]: got null/],
  ];
  for (const [part, message] of cases) {
    throwsError(() => adam.loadStateDict({ ...dict, ...part } as never), StateError, message);
    is(shown(), before);
  }
  throwsError(() => adam.loadStateDict({ ...dict, model: 1 } as never), StateError, /unexpected: model/);
  for (const none of [null, 3, [], { state: {} }]) throwsError(() => adam.loadStateDict(none as never), ArgumentError, /not a state dictionary/);
});

test('the state of another optimizer is refused', () => {
  const params = makeParams();
  throwsError(() => new SGD(params).loadStateDict(new Adam(params).stateDict()), StateError, /unexpected: param_groups\[0\]\.betas[^]*missing: param_groups\[0\]\.momentum/);
});

test.run();

import { test } from 'uvu';
import { setFast } from '../../core/cpu/engine.ts';
import { isExactBody } from '../../core/cpu/wasm/update.ts';
import { allUpdateRules } from '../../core/ops/update.ts';
import {
  ASGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, ArgumentError, Muon, NAdam, type Optimizer, type ParamGroupInput, RAdam, RMSprop, Rprop, SGD, StateError, Tensor, deepCopy, full, packCheckpoint, tensor,
  unpackCheckpoint, zeros,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

// What all optimizers have in common.

type Params = Iterable<Tensor> | Iterable<ParamGroupInput>;
type Options = Readonly<Record<string, unknown>>;

const classes = { ASGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Muon, NAdam, RAdam, RMSprop, Rprop, SGD };
const make = (name: keyof typeof classes, params: Params, options: Options = {}): Optimizer => new classes[name](params as never, options);

/** Kinds of optimizers: a class with options that use all of it, and others for a second group. */
const kinds: Readonly<Record<string, readonly [keyof typeof classes, Options, Options]>> = {
  SGD: ['SGD', { lr: 0.1 }, { lr: 0.01, weightDecay: 0.1 }],
  'SGD with momentum': ['SGD', { lr: 0.1, momentum: 0.9, nesterov: true }, { momentum: 0.5, dampening: 0.1, nesterov: false }],
  Adam: ['Adam', { lr: 0.1, amsgrad: true }, { betas: [0.5, 0.9], amsgrad: false }],
  'Adam, decoupled': ['Adam', { lr: 0.1, weightDecay: 0.2, decoupledWeightDecay: true }, { weightDecay: 0.1, decoupledWeightDecay: false }],
  AdamW: ['AdamW', { lr: 0.1 }, { eps: 1e-3 }],
  Adamax: ['Adamax', { lr: 0.1 }, { betas: [0.5, 0.9], weightDecay: 0.1 }],
  NAdam: ['NAdam', { lr: 0.1 }, { momentumDecay: 0.1, weightDecay: 0.1, decoupledWeightDecay: true }],
  RAdam: ['RAdam', { lr: 0.1, betas: [0.9, 0.9] }, { lr: 0.2, weightDecay: 0.1, decoupledWeightDecay: true }],
  RMSprop: ['RMSprop', { lr: 0.1 }, { alpha: 0.5, momentum: 0.5 }],
  'RMSprop, centered': ['RMSprop', { lr: 0.1, centered: true, momentum: 0.9 }, { momentum: 0, weightDecay: 0.1 }],
  Rprop: ['Rprop', { lr: 0.1 }, { etas: [0.3, 1.3], stepSizes: [1e-3, 1] }],
  Adagrad: ['Adagrad', { lr: 0.1, initialAccumulatorValue: 0.1 }, { lrDecay: 0.1, initialAccumulatorValue: 0.2 }],
  Adadelta: ['Adadelta', { lr: 1 }, { rho: 0.5, eps: 1e-3 }],
  ASGD: ['ASGD', { lr: 0.1, t0: 3, lambd: 0.01 }, { alpha: 0.5, t0: 1 }],
  Adafactor: ['Adafactor', { lr: 0.1 }, { eps: [1e-3, 0.1], d: 2 }],
  Muon: ['Muon', { lr: 0.1 }, { nesterov: false, momentum: 0.5 }],
};

/** Muon takes matrices alone. */
const makeParams = (name: string): Tensor[] => {
  const wide = tensor([[0.5, -1.5, 0.25], [2, -0.75, 1]], { requiresGrad: true });
  const doubles = tensor([[0.3, -0.9], [1.2, 0.1]], { dtype: 'float64', requiresGrad: true });
  return name === 'Muon' ? [wide, doubles, tensor([[1, 2, 3]], { requiresGrad: true })] : [wide, doubles, tensor([1, -2, 3, -4, 0.5], { requiresGrad: true }), tensor(0.7, { requiresGrad: true })];
};

const copyOf = (params: readonly Tensor[]): Tensor[] => params.map((p) => p.detach().clone().requiresGrad_());
const bits = (params: Iterable<Tensor>): string => Array.from(params, (p) => Buffer.from(p.data().buffer).toString('hex')).join(' ');

/** Gradients from the parameters; the last one has none at times. */
function give(params: readonly Tensor[], step: number, sign = 1): void {
  params.forEach((p, i) => {
    const g = p.detach().mul(0.5).add(Math.round(64 * Math.sin(3 * step + i)) / 64).mul(p.detach().mul(0.125).add(1));
    p.grad = i === params.length - 1 && step % 3 === 1 ? null : g.mul(sign);
  });
}

function train(optimizer: Optimizer, params: readonly Tensor[], from: number, to: number, sign = 1): void {
  for (let step = from; step < to; step++) {
    give(params, step, sign);
    optimizer.step();
  }
}

for (const [title, [name, options, others]] of Object.entries(kinds)) {
  test(`${title}: maximize goes the other way along the gradient`, () => {
    if (name === 'Muon') return; // PyTorch's has no such option
    const [a, b] = [makeParams(name), makeParams(name)];
    const [up, down] = [make(name, a, { ...options, maximize: true }), make(name, b, options)];
    for (let step = 0; step < 8; step++) {
      give(a, step);
      a.forEach((p, i) => (b[i].grad = p.grad?.neg() ?? null));
      up.step();
      down.step();
    }
    is(bits(a), bits(b));
    ok(bits(a) !== bits(makeParams(name)));
  });

  test(`${title}: groups have options of their own, also those added later`, () => {
    const whole = makeParams(name);
    const parts = copyOf(whole);
    const optimizer = make(name, [{ params: whole.slice(0, 1) }, { params: whole.slice(1, 2), ...others }], options);
    const alone = [make(name, parts.slice(0, 1), options), make(name, parts.slice(1, 2), { ...options, ...others })];
    train(optimizer, whole, 0, 5);
    for (const one of alone) train(one, parts, 0, 5);
    optimizer.addParamGroup({ params: whole.slice(2), ...others });
    alone.push(make(name, parts.slice(2), { ...options, ...others }));
    train(optimizer, whole, 5, 12);
    for (const one of alone) train(one, parts, 5, 12);
    is(bits(whole), bits(parts));
    throwsError(() => optimizer.addParamGroup({ params: [whole[0]] }), ArgumentError, /appears twice/);
    throwsError(() => optimizer.addParamGroup({ params: [zeros([2, 2])], lr: -1 }), ArgumentError, /lr/);
    is(optimizer.paramGroups.length, 3);
  });

  test(`${title}: a resumed run is bit-identical, through memory and through a file`, () => {
    const params = makeParams(name);
    const optimizer = make(name, [{ params: params.slice(0, 2) }, { params: params.slice(2), ...others }], options);
    train(optimizer, params, 0, 7);
    const copies = [copyOf(params), copyOf(params)];
    const resumed = copies.map((c) => make(name, [{ params: c.slice(0, 2) }, { params: c.slice(2) }]));
    resumed[0].loadStateDict(optimizer.stateDict());
    unpackCheckpoint(packCheckpoint({ optimizer }), { optimizer: resumed[1] });
    train(optimizer, params, 7, 20);
    resumed.forEach((o, k) => {
      train(o, copies[k], 7, 20);
      is(bits(copies[k]), bits(params));
      equal(JSON.stringify(o.stateDict().param_groups), JSON.stringify(optimizer.stateDict().param_groups));
    });
  });

  test(`${title}: a deep copy goes on alike, and apart`, () => {
    const params = makeParams(name);
    const optimizer = make(name, params, options);
    train(optimizer, params, 0, 4);
    const [twin, own] = deepCopy([optimizer, params] as const);
    train(twin, own, 4, 9);
    is(bits(params), bits(optimizer.paramGroups[0].params));
    const before = bits(params);
    train(optimizer, params, 4, 9);
    is(bits(own), bits(params));
    ok(before !== bits(params));
  });

  test(`${title}: parameters without gradient stay, and have no state of a step`, () => {
    const params = makeParams(name);
    const optimizer = make(name, params, options);
    const [first] = params;
    params[1].grad = zeros([2, 2], { dtype: 'float64' }).add(1);
    const before = bits([first]);
    optimizer.step();
    is(bits([first]), before);
    ok([undefined, 0].includes(optimizer.state.get(first)?.step as number | undefined));
    optimizer.zeroGrad({ setToNone: false });
    is(params[1].grad?.abs().sum().item(), 0);
    optimizer.zeroGrad();
    ok(params.every((p) => p.grad === null));
    is(optimizer.step(() => 3), 3);
  });

  test(`${title}: a gradient that does not fit stops the step before anything changes`, () => {
    const params = makeParams(name);
    const optimizer = make(name, params, options);
    train(optimizer, params, 0, 2);
    const [before, state] = [bits(params), optimizer.stateDict()];
    const kept = JSON.stringify(Object.values(state.state).map((s) => Object.values(s).map((v) => (v instanceof Tensor ? [...v.data()] : v))));
    give(params, 2);
    params[1].grad = zeros([2, 2]);
    throwsError(() => optimizer.step(), Error, /gradient/);
    optimizer.paramGroups[0].lr = NaN;
    give(params, 2);
    throwsError(() => optimizer.step(), ArgumentError, /lr/);
    is(bits(params), before);
    is(JSON.stringify(Object.values(optimizer.stateDict().state).map((s) => Object.values(s).map((v) => (v instanceof Tensor ? [...v.data()] : v)))), kept);
  });

  test(`${title}: the kernel and the reference give the same bits`, () => {
    const results = [true, false].map((fast) => {
      const before = setFast(fast);
      try {
        const params = makeParams(name);
        const optimizer = make(name, params, options);
        train(optimizer, params, 0, 10);
        return bits(params);
      } finally {
        setFast(before);
      }
    });
    if (name !== 'Muon' && name !== 'Adafactor') is(results[0], results[1]); // sums and products of matrices round differently
  });
}

test('every rule of an optimizer has a kernel in Wasm', () => {
  const rules = ['sgd', 'sgdMomentum', 'adam', 'adamAmsgrad', 'adamax', 'nadam', 'radam', 'rmsprop', 'rmspropMomentum', 'rmspropCentered', 'rmspropMomentumCentered', 'rprop', 'adagrad', 'adadelta', 'asgd'];
  for (const name of rules) {
    const rule = allUpdateRules().get(name);
    ok(rule !== undefined && isExactBody(rule.body), name);
  }
});

test("defaults are PyTorch's", () => {
  const p = zeros([1, 1]);
  const expected: Readonly<Record<string, object>> = {
    ASGD: { lr: 0.01, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, maximize: false },
    Adadelta: { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false },
    Adafactor: { lr: 0.01, beta2Decay: -0.8, eps: [null, 1e-3], d: 1, weightDecay: 0, maximize: false },
    Adagrad: { lr: 0.01, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, maximize: false },
    Adam: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false, decoupledWeightDecay: false },
    AdamW: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01, amsgrad: false, maximize: false },
    Adamax: { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false },
    Muon: { lr: 1e-3, weightDecay: 0.1, momentum: 0.95, nesterov: true, nsCoefficients: [3.4445, -4.775, 2.0315], eps: 1e-7, nsSteps: 5, adjustLrFn: null },
    NAdam: { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, momentumDecay: 4e-3, decoupledWeightDecay: false, maximize: false },
    RAdam: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, decoupledWeightDecay: false, maximize: false },
    RMSprop: { lr: 0.01, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false },
    Rprop: { lr: 0.01, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false },
    SGD: { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false },
  };
  for (const name of Object.keys(classes) as (keyof typeof classes)[]) equal({ ...make(name, [p]).defaults }, expected[name]);
});

test('options that are not allowed are refused at the constructor, in groups, at the step and on loading', () => {
  const bad: Readonly<Record<string, readonly Options[]>> = {
    ASGD: [{ lr: -1 }, { weightDecay: -1 }, { alpha: NaN }, { t0: '1' }, { lambd: Infinity }],
    Adadelta: [{ rho: 1.5 }, { rho: -0.1 }, { eps: -1 }, { weightDecay: -1 }],
    Adafactor: [{ beta2Decay: 0.1 }, { eps: [-1, 0] }, { eps: [null, -1] }, { eps: [1] }, { d: 0.5 }, { weightDecay: -1 }],
    Adagrad: [{ lrDecay: -1 }, { eps: -1 }, { initialAccumulatorValue: -1 }, { weightDecay: -1 }],
    Adam: [{ decoupledWeightDecay: 1 }, { betas: [0.9, 1] }],
    Adamax: [{ betas: [1, 0.9] }, { eps: -1 }, { weightDecay: -1 }],
    Muon: [{ momentum: -1 }, { nsCoefficients: [1, 2] }, { nsCoefficients: [1, 2, NaN] }, { nsSteps: 100 }, { nsSteps: 1.5 }, { adjustLrFn: 'half' }, { eps: -1 }, { nesterov: 0 }],
    NAdam: [{ betas: [0.9] }, { momentumDecay: -1 }, { eps: -1 }, { decoupledWeightDecay: 'yes' }],
    RAdam: [{ betas: [-0.1, 0.9] }, { eps: -1 }, { weightDecay: -1 }, { decoupledWeightDecay: 1 }],
    RMSprop: [{ alpha: -1 }, { eps: -1 }, { momentum: -1 }, { weightDecay: -1 }, { centered: 1 }],
    Rprop: [{ etas: [1.2, 0.5] }, { etas: [0.5] }, { etas: [0.5, 1] }, { stepSizes: [1] }, { stepSizes: [-1, 1] }],
  };
  for (const name of Object.keys(classes) as (keyof typeof classes)[]) {
    const p = zeros([2, 2]).requiresGrad_();
    const wrong = [...(bad[name] ?? []), { lr: NaN }, { lr: '0.1' }, { unknownOption: 1 }, ...(name === 'Muon' ? [{ maximize: true }] : [{ maximize: 1 }])];
    for (const options of wrong) {
      throwsError(() => make(name, [p], options), ArgumentError, /got/);
      throwsError(() => make(name, [{ params: [p], ...options }]), ArgumentError, /got/);
      const optimizer = make(name, [p]);
      const [key] = Object.keys(options);
      if (!Object.hasOwn(optimizer.defaults, key)) continue;
      const [saved] = optimizer.stateDict().param_groups;
      const snake = key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
      throwsError(() => optimizer.loadStateDict({ state: {}, param_groups: [{ ...saved, [snake]: options[key] }] }), StateError, /got/);
      equal(Reflect.get(optimizer.paramGroups[0], key), Reflect.get(optimizer.defaults, key));
      Reflect.set(optimizer.paramGroups[0], key, options[key]);
      p.grad = zeros([2, 2]).add(1);
      throwsError(() => optimizer.step(), ArgumentError, /got/);
      is(p.abs().sum().item(), 0);
    }
  }
});

test('Adam with decoupled decay is AdamW', () => {
  const [a, b] = [makeParams(''), makeParams('')];
  const [adam, adamw] = [new Adam(a, { lr: 0.1, weightDecay: 0.3, decoupledWeightDecay: true }), new AdamW(b, { lr: 0.1, weightDecay: 0.3 })];
  train(adam, a, 0, 6);
  train(adamw, b, 0, 6);
  is(bits(a), bits(b));
});

test('momentum and centring of RMSprop can be changed during a run, and what they leave is loaded', () => {
  const [params, plain] = [makeParams(''), makeParams('')];
  const optimizer = new RMSprop(params, { lr: 0.1, momentum: 0.5 });
  train(optimizer, params, 0, 3);
  Object.assign(optimizer.paramGroups[0], { momentum: 0, centered: true });
  train(optimizer, params, 3, 6);
  equal(Object.keys(optimizer.stateDict().state[0]), ['step', 'square_avg', 'momentum_buffer', 'grad_avg']);
  const other = new RMSprop(plain);
  other.loadStateDict(optimizer.stateDict());
  ok(other.state.get(plain[0])?.gradAvg instanceof Tensor && other.state.get(plain[0])?.momentumBuffer instanceof Tensor);
});

test('centred RMSprop with gradients whose squares vanish', () => {
  const p = tensor([1], { requiresGrad: true });
  const optimizer = new RMSprop([p], { centered: true });
  for (let i = 0; i < 50; i++) {
    p.grad = full([1], 3e-16 * (1 + (i % 3)));
    optimizer.step();
  }
  allClose(p, [1], { rtol: 1e-6 });
});

test('Adagrad has all state from the start, as PyTorch', () => {
  const [p, q] = [zeros([2]).requiresGrad_(), zeros([3])];
  const optimizer = new Adagrad([p], { initialAccumulatorValue: 0.5 });
  optimizer.addParamGroup({ params: [q], initialAccumulatorValue: 2 });
  const { state } = optimizer.stateDict();
  equal(Object.values(state).map(({ step, sum }) => [(step as Tensor).item(), (sum as Tensor).array()]), [[0, [0.5, 0.5]], [0, [2, 2, 2]]]);
  throwsError(() => optimizer.addParamGroup({ params: [q] }), ArgumentError, /twice/);
  is(optimizer.state.size, 2);
});

test('a number that is set in a state counts from the next step on', () => {
  const [a, b] = [1, 1].map(() => tensor([1], { requiresGrad: true }));
  const [one, two] = [new NAdam([a], { lr: 0.1 }), new NAdam([b], { lr: 0.1 })];
  for (const [p, optimizer] of [[a, one], [b, two]] as const) {
    p.grad = tensor([1]);
    optimizer.step();
  }
  const state = two.state.get(b);
  ok(state !== undefined);
  state.muProduct = 0.25;
  one.step();
  two.step();
  ok(a.item() !== b.item());
  allClose(tensor(Number(two.state.get(b)?.muProduct)), tensor(0.25 * Number(one.state.get(a)?.muProduct)).div(Number(0.9 * (1 - 0.5 * 0.96 ** 0.004))), { rtol: 1e-6 });
});

test('state follows a parameter that changes dtype', () => {
  const p = tensor([1, -1], { requiresGrad: true });
  const optimizer = new RAdam([p], { lr: 0.1 });
  p.grad = tensor([1, 2]);
  optimizer.step();
  p.assign_(p.detach().to('float64'));
  p.grad = tensor([1, 2], { dtype: 'float64' });
  optimizer.step();
  const state = optimizer.state.get(p);
  ok(state?.expAvg instanceof Tensor);
  equal([state.expAvg.dtype, state.step], ['float64', 2]);
});

test.run();

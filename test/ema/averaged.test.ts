import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, type BaseAveragedModel, BatchNorm1d, Buffer, ExponentialMovingAverage, Linear, Module, MomentumAnnealingEMA, Parameter, PolyakError, Sequential, StateError,
  StochasticWeightAverage, type Tensor, deepCopy, manualSeed, noGrad, rand, randn, tensor,
} from '../../index.ts';
import { allClose, equal, is, not, ok, throwsError } from '../assert.ts';

const rules: readonly ((m: Module, o?: { interval?: number; updateBuffers?: boolean }) => BaseAveragedModel)[] = [
  (m, o) => new ExponentialMovingAverage(m, { momentum: 0.3, ...o }),
  (m, o) => new StochasticWeightAverage(m, o),
  (m, o) => new MomentumAnnealingEMA(m, { momentum: 0.1, gamma: 3, ...o }),
];

class Tied extends Module {
  first = new Linear(2, 2, { bias: false });
  second = new Linear(2, 2, { bias: false });
  constructor() {
    super();
    this.second.weight = this.first.weight;
  }
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}

const fillAll = (m: Module, value: number): void => noGrad(() => m.parameters().forEach((p) => p.fill_(value)));
const snapshot = (m: Module): string => JSON.stringify(Object.entries(m.stateDict()).map(([k, t]) => [k, Array.from(t.data())]));

function warnings(fn: () => void): string[] {
  const seen: string[] = [];
  const before = console.warn;
  console.warn = (text: string) => seen.push(text);
  try {
    fn();
  } finally {
    console.warn = before;
  }
  return seen;
}

test('the average is a copy that shares nothing and needs no gradient', () => {
  const model = new Sequential(new Linear(3, 4), new BatchNorm1d(4)).eval();
  const average = new ExponentialMovingAverage(model);
  const source = new Set(Object.values(model.stateDict()).map((t) => t.storage));
  ok(Object.values(average.module.stateDict()).every((t) => !source.has(t.storage)));
  ok(average.parameters().every((p) => !p.requiresGrad));
  ok(model.parameters().every((p) => p.requiresGrad));
  is(average.training, false);
  is(average.module.training, false);
  equal(average.steps.item(), 0);
  is(average.steps.dtype, 'int64');
});

test('state keys are steps and module.*', () => {
  const average = new StochasticWeightAverage(new Sequential(new Linear(1, 1), new BatchNorm1d(1)));
  equal(Object.keys(average.stateDict()), [
    'steps', 'module.0.weight', 'module.0.bias', 'module.1.weight', 'module.1.bias', 'module.1.running_mean', 'module.1.running_var', 'module.1.num_batches_tracked',
  ]);
});

test('forward is the averaged forward', () => {
  const model = new Linear(3, 2);
  const average = new ExponentialMovingAverage(model);
  const x = rand([4, 3]);
  allClose(average.forward(x), model.forward(x).detach());
});

test('tied weights are averaged once, also with updateBuffers', () => {
  for (const updateBuffers of [false, true]) {
    const model = new Tied();
    const average = new ExponentialMovingAverage(model, { momentum: 0.1, updateBuffers });
    is(average.module.first.weight, average.module.second.weight);
    fillAll(model, 0);
    average.updateParameters(model);
    fillAll(model, 1);
    average.updateParameters(model);
    allClose(average.module.first.weight, [[0.1, 0.1], [0.1, 0.1]], { rtol: 1e-6 });
  }
});

test('an average survives dtype changes and replaced tensors', () => {
  const model = new Linear(1, 1, { bias: false });
  const average = new ExponentialMovingAverage(model, { momentum: 0.5 });
  fillAll(model, 1);
  average.updateParameters(model);
  average.to('float64');
  fillAll(model, 2);
  average.updateParameters(model);
  is(average.module.weight.dtype, 'float64');
  is(average.steps.dtype, 'int64');
  equal(average.module.weight.item(), 1.5);
  average.module.weight = new Parameter(tensor([[4]]), { requiresGrad: false });
  average.updateParameters(model);
  equal(average.module.weight.item(), 3);
  model.weight = new Parameter(tensor([[5]]));
  average.updateParameters(model);
  equal(average.module.weight.item(), 4);
});

test('a deep copy goes on averaging by itself', () => {
  const model = new Linear(1, 1, { bias: false });
  const average = new StochasticWeightAverage(model);
  for (const v of [1, 3]) {
    fillAll(model, v);
    average.updateParameters(model);
  }
  const copy = deepCopy(average);
  fillAll(model, 8);
  copy.updateParameters(model);
  equal(copy.module.weight.item(), 4);
  equal(copy.steps.item(), 3);
  equal(average.module.weight.item(), 2);
  equal(average.steps.item(), 2);
});

class Odd extends Module {
  a: Parameter;
  b: Buffer;
  extra: Parameter | null = null;
  constructor(a: number[], b: number[]) {
    super();
    this.a = new Parameter(tensor(a));
    this.b = new Buffer(tensor(b));
  }
  forward(): Tensor {
    return this.a;
  }
}

test('differences are reported together and nothing is written', () => {
  const average = new ExponentialMovingAverage(new Odd([1, 2], [3]), { momentum: 0.1 });
  average.updateParameters(new Odd([5, 6], [7]));
  const before = snapshot(average);
  const other = new Odd([1, 2, 3], [1]);
  other.extra = new Parameter(tensor([1]));
  for (const call of ['updateParameters', 'syncParameters', 'syncBuffers'] as const) {
    throwsError(() => average[call](other), StateError, /mis-shaped parameter 'a'.*float32\[2\].*float32\[3\][\s\S]*extra parameter 'extra'/);
    throwsError(() => average[call](new Linear(1, 1)), StateError, /missing parameter 'a'[\s\S]*extra parameter 'weight'[\s\S]*missing buffer 'b'/);
    throwsError(() => average[call](JSON.parse('null')), ArgumentError, /not a module/);
  }
  is(snapshot(average), before);
});

test('copies do not broadcast', () => {
  const average = new ExponentialMovingAverage(new Odd([1, 2, 3], [1]));
  const before = snapshot(average);
  throwsError(() => average.syncParameters(new Odd([9], [1])), StateError, /mis-shaped/);
  throwsError(() => average.loadStateDict({ a: tensor([9]), b: tensor([1]) }), StateError, /a/);
  is(snapshot(average), before);
});

test('bad options are errors at construction', () => {
  const model = new Linear(1, 1);
  for (const interval of [0, -1, 1.5, NaN, Infinity]) throwsError(() => new StochasticWeightAverage(model, { interval }), RangeError, /interval/);
  for (const momentum of [0, 1, -0.1, 1.1, NaN]) {
    throwsError(() => new ExponentialMovingAverage(model, { momentum }), RangeError, /momentum/);
    throwsError(() => new MomentumAnnealingEMA(model, { momentum }), RangeError, /momentum/);
  }
  for (const gamma of [0, -1, NaN]) throwsError(() => new MomentumAnnealingEMA(model, { gamma }), RangeError, /gamma/);
  throwsError(() => new ExponentialMovingAverage(model, { decay: 0.9 } as object), ArgumentError, /unknown option, got 'decay'/);
  throwsError(() => new ExponentialMovingAverage({} as Module), ArgumentError, /not a module/);
});

test('a large momentum warns once, 0.5 is silent', () => {
  const model = new Linear(1, 1);
  is(warnings(() => new ExponentialMovingAverage(model, { momentum: 0.5 })).length, 0);
  is(warnings(() => new ExponentialMovingAverage(model, { momentum: 0.9 })).length, 1);
});

test('defaults are those of the documented class', () => {
  const ema = new ExponentialMovingAverage(new Linear(1, 1));
  equal([ema.momentum, ema.interval, ema.updateBuffers], [0.0002, 1, false]);
  const annealing = new MomentumAnnealingEMA(new Linear(1, 1));
  equal([annealing.momentum, annealing.gamma], [0.0002, 100]);
});

test('syncBuffers copies buffers only and warns when they are averaged', () => {
  for (const updateBuffers of [false, true]) {
    const average = new ExponentialMovingAverage(new Odd([1], [1]), { updateBuffers });
    const source = new Odd([7], [8]);
    is(warnings(() => average.syncBuffers(source)).length, updateBuffers ? 1 : 0);
    equal([average.module.a.item(), average.module.b.item(), average.steps.item()], [1, 8, 0]);
  }
});

test('syncParameters copies everything and leaves steps', () => {
  const average = new ExponentialMovingAverage(new Odd([1], [1]), { momentum: 0.5 });
  average.updateParameters(new Odd([1], [1]));
  is(warnings(() => average.syncParameters(new Odd([7], [8]))).length, 0);
  equal([average.module.a.item(), average.module.b.item(), average.steps.item()], [7, 8, 1]);
});

test('a plain checkpoint loads, and the next update averages', () => {
  for (const interval of [1, 3]) {
    const average = new StochasticWeightAverage(new Odd([0], [0]), { interval });
    average.loadStateDict(new Odd([2], [5]).stateDict());
    equal([average.module.a.item(), average.module.b.item(), average.steps.item()], [2, 5, 0]);
    average.updateParameters(new Odd([4], [6]));
    equal([average.module.a.item(), average.module.b.item(), average.steps.item()], [3, 6, 1]);
  }
  const ema = new ExponentialMovingAverage(new Odd([0], [0]), { momentum: 0.25 });
  ema.loadStateDict(new Odd([2], [5]).stateDict());
  ema.updateParameters(new Odd([6], [6]));
  equal(ema.module.a.item(), 3);
});

test("an average's own checkpoint goes on where it stopped", () => {
  for (const make of rules) {
    manualSeed(1);
    const sources = Array.from({ length: 7 }, () => new Sequential(new Linear(2, 3), new BatchNorm1d(3)));
    const whole = make(sources[0], { interval: 2, updateBuffers: true });
    const first = make(sources[0], { interval: 2, updateBuffers: true });
    for (const s of sources) whole.updateParameters(s);
    for (const s of sources.slice(0, 3)) first.updateParameters(s);
    const second = make(sources[0], { interval: 2, updateBuffers: true });
    second.loadStateDict(first.stateDict());
    for (const s of sources.slice(3)) second.updateParameters(s);
    is(snapshot(second), snapshot(whole));
  }
});

test('keys are left alone when they are steps, start with module., or are unknown', () => {
  class Inner extends Module {
    module = new Linear(1, 1, { bias: false });
    forward(x: Tensor): Tensor {
      return this.module.forward(x);
    }
  }
  const average = new StochasticWeightAverage(new Inner());
  equal(Object.keys(average.stateDict()), ['steps', 'module.module.weight']);
  throwsError(() => average.loadStateDict({ 'module.weight': tensor([[1]]) }), StateError, /module\.module\.weight/);
  const plain = new StochasticWeightAverage(new Linear(1, 1, { bias: false }));
  throwsError(() => plain.loadStateDict({ weight: tensor([[1]]), other: tensor([1]) }), StateError, /other/);
});

test('an average inside another module takes plain keys too, but not without its counter', () => {
  class Pair extends Module {
    student: Odd = new Odd([1], [1]);
    teacher: StochasticWeightAverage<Odd> = new StochasticWeightAverage(this.student);
    forward(): Tensor {
      return this.student.forward();
    }
  }
  const pair = new Pair();
  const plain = { 'student.a': tensor([2]), 'student.b': tensor([3]), 'teacher.a': tensor([4]), 'teacher.b': tensor([5]) };
  throwsError(() => pair.loadStateDict(plain), StateError, /teacher\.steps/);
  pair.loadStateDict({ ...plain, 'teacher.steps': tensor(7, { dtype: 'int64' }) });
  equal([pair.teacher.module.a.item(), pair.teacher.module.b.item(), pair.teacher.steps.item()], [4, 5, 7]);
});

test('what is no state dictionary is refused', () => {
  const average = new StochasticWeightAverage(new Odd([1], [1]));
  for (const bad of [null, 3, 'weights']) throwsError(() => average.loadStateDict(JSON.parse(JSON.stringify(bad))), PolyakError, /loadStateDict|state/);
  throwsError(() => average.loadStateDict({ steps: JSON.parse('1'), a: tensor([1]), b: tensor([1]) }), StateError, /steps/);
});

test('a failed load leaves weights, counter and seeding alone', () => {
  const average = new StochasticWeightAverage(new Odd([1], [1]));
  const before = snapshot(average);
  throwsError(() => average.loadStateDict({ a: tensor([5]) }), StateError, /module\.b/);
  is(snapshot(average), before);
  average.updateParameters(new Odd([9], [9]));
  equal(average.module.a.item(), 9);
});

test('an average of an average', () => {
  const inner = new ExponentialMovingAverage(new Odd([1], [1]), { momentum: 0.5 });
  const outer = new StochasticWeightAverage(inner);
  outer.updateParameters(inner);
  inner.updateParameters(new Odd([3], [3]));
  outer.updateParameters(inner);
  equal(outer.module.module.a.item(), 2);
  equal(outer.module.steps.item(), 1);
});

const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e3, max: 1e3 }), { minLength: 3, maxLength: 3 });

test('property: a source that does not change is an exact fixed point', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 20 }), (v, n) => {
      for (const make of rules) {
        const model = new Odd(v, [v[0]]);
        const average = make(model, { updateBuffers: true });
        const before = snapshot(model);
        for (let i = 0; i < n; i++) average.updateParameters(model);
        is(snapshot(average.module), before);
      }
    }),
    { numRuns: 40 },
  );
});

test("property: an average stays within the range of its sources", () => {
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 12 }), (history) => {
      for (const make of rules) {
        const average = make(new Odd(history[0], [0]));
        for (const v of history) average.updateParameters(new Odd(v, [0]));
        Array.from((average.module as Odd).a.data()).forEach((x, i) => {
          const seen = history.map((v) => Math.fround(v[i]));
          const slack = 1e-5 * Math.max(1, ...seen.map(Math.abs));
          ok(x >= Math.min(...seen) - slack && x <= Math.max(...seen) + slack);
        });
      }
    }),
    { numRuns: 40 },
  );
});

test('property: SWA is the mean of what it was given', () => {
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 12 }), (history) => {
      const average = new StochasticWeightAverage(new Odd(history[0], [0]));
      average.to('float64');
      for (const v of history) average.updateParameters(new Odd(v, [0]));
      const mean = [0, 1, 2].map((i) => history.reduce((s, v) => s + Math.fround(v[i]), 0) / history.length);
      allClose(average.module.a, mean, { rtol: 1e-9, atol: 1e-9 });
    }),
    { numRuns: 40 },
  );
});

test('gradients do not reach the average and training goes on', () => {
  const model = new Linear(2, 1);
  const average = new ExponentialMovingAverage(model);
  model.forward(randn([3, 2])).sum().backward();
  average.updateParameters(model);
  not(average.module.weight.requiresGrad);
  ok(model.weight.grad !== null && average.module.weight.grad === null);
});

test.run();

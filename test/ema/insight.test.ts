import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, BaseAveragedModel, ExponentialMovingAverage, Linear, type Module, MomentumAnnealingEMA, PowerFunctionEMA, RampUpEMA, StateError, StochasticWeightAverage, type Tensor, WarmupEMA,
  effectiveWeights, effectiveWindow, noGrad, powerProfileWeights, tensor,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

type Maker = (model: Module, options?: { interval?: number }) => BaseAveragedModel;

const rules: Readonly<Record<string, Maker>> = {
  ema: (m, o) => new ExponentialMovingAverage(m, { momentum: 0.03, ...o }),
  swa: (m, o) => new StochasticWeightAverage(m, o),
  annealing: (m, o) => new MomentumAnnealingEMA(m, { momentum: 0.01, gamma: 7, ...o }),
  rampUp: (m, o) => new RampUpEMA(m, { emaKimg: 2, ...o }),
  warmup: (m, o) => new WarmupEMA(m, { decay: 0.99, ...o }),
  power: (m, o) => new PowerFunctionEMA(m, { sigmaRel: 0.15, ...o }),
};
const sum = (w: ArrayLike<number>): number => Array.from(w).reduce((a, b) => a + b, 0);

/** What an average of a float64 weight holds after the given sources. */
function follow(make: Maker, sources: readonly number[], options?: { interval?: number }): number {
  const model = new Linear(1, 1, { bias: false }).to('float64');
  const average = make(model, options);
  for (const v of sources) {
    noGrad(() => model.weight.fill_(v));
    average.updateParameters(model);
  }
  return average.parameters()[0].item();
}

/** A user's rule: moves halfway, but only to models of even calls. */
class Even extends BaseAveragedModel {
  override avgFunc(averaged: Tensor, source: Tensor, steps: number): void {
    if (steps % 2 === 0) averaged.lerp_(source, 0.5);
  }
}

/** A rule with a memory: the mean of the last three models. */
class LastThree extends BaseAveragedModel {
  private readonly kept: Tensor[] = [];
  override avgFunc(averaged: Tensor, source: Tensor): void {
    if (this.kept.length === 0) this.kept.push(averaged.clone());
    this.kept.push(source.clone());
    if (this.kept.length > 3) this.kept.shift();
    averaged.zero_();
    for (const k of this.kept) averaged.add_(k.div(this.kept.length));
  }
}

/** No average at all. */
class Squares extends BaseAveragedModel {
  override avgFunc(averaged: Tensor, source: Tensor): void {
    averaged.lerp_(source.square(), 0.5);
  }
}

test('worked by hand', () => {
  const model = new Linear(1, 1);
  allClose(effectiveWeights(new ExponentialMovingAverage(model, { momentum: 0.1 }), 4), [0.729, 0.081, 0.09, 0.1], { rtol: 1e-14 });
  allClose(effectiveWeights(new ExponentialMovingAverage(model, { momentum: 0.1, interval: 2 }), 6), [0.81, 0, 0.09, 0, 0.1, 0], { rtol: 1e-14 });
  allClose(effectiveWeights(new StochasticWeightAverage(model), 5), [0.2, 0.2, 0.2, 0.2, 0.2], { rtol: 1e-14 });
  allClose(effectiveWeights(new StochasticWeightAverage(model, { interval: 3 }), 6), [0.5, 0, 0, 0.5, 0, 0], { rtol: 1e-14 });
  allClose(effectiveWeights(new PowerFunctionEMA(model, { gamma: 1 }), 4), [1, 3, 5, 7].map((v) => v / 16), { rtol: 1e-14 });
  equal(Array.from(effectiveWeights(new ExponentialMovingAverage(model), 1)), [1]);
});

test('every rule: the weights give its average, sum to 1 and are not negative', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(rules)), fc.integer({ min: 1, max: 4 }), fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 30 }), (name, interval, sources) => {
      const average = rules[name](new Linear(1, 1), { interval });
      const weights = effectiveWeights(average, sources.length);
      allClose([sum(weights)], [1], { rtol: 1e-12 });
      ok(weights.every((w) => w >= 0));
      allClose([weights.reduce((s, w, i) => s + w * sources[i], 0)], [follow(rules[name], sources, { interval })], { rtol: 1e-9, atol: 1e-12 });
    }),
  );
});

test('an average, or a function that makes one: the same', () => {
  for (const name of Object.keys(rules)) {
    for (const calls of [40, 600]) {
      allClose(effectiveWeights(rules[name](new Linear(1, 1), { interval: 2 }), calls), effectiveWeights((m) => rules[name](m, { interval: 2 }), calls), { rtol: 1e-12, atol: 1e-18 });
    }
  }
});

test('many calls: factors give what unit vectors give, and thousands take no time', () => {
  const ema = new ExponentialMovingAverage(new Linear(1, 1), { momentum: 0.01 });
  const weights = effectiveWeights(ema, 700);
  allClose(weights.subarray(-3), [0.01 * 0.99 ** 2, 0.01 * 0.99, 0.01], { rtol: 1e-13 });
  allClose([weights[0]], [0.99 ** 699], { rtol: 1e-11 });
  const many = effectiveWeights(new PowerFunctionEMA(new Linear(1, 1), { gamma: 5 }), 20_000);
  allClose(many, powerProfileWeights({ gamma: 5, models: 20_000 }), { rtol: 1e-9, atol: 1e-15 });
});

test('calls default to those the average has had, and the average stays as it is', () => {
  const model = new Linear(2, 2);
  const average = new StochasticWeightAverage(model);
  throwsError(() => effectiveWeights(average), RangeError, /invalid number of calls, got 0/);
  for (let i = 0; i < 4; i++) average.updateParameters(model);
  const before = JSON.stringify(Object.values(average.stateDict()).map((t) => Array.from(t.data())));
  allClose(effectiveWeights(average), [0.25, 0.25, 0.25, 0.25], { rtol: 1e-14 });
  is(JSON.stringify(Object.values(average.stateDict()).map((t) => Array.from(t.data()))), before);
});

test('users\' own rules', () => {
  allClose(effectiveWeights(new Even(new Linear(1, 1)), 6), [0.25, 0, 0.25, 0, 0.5, 0], { rtol: 1e-14 });
  const even = effectiveWeights(new Even(new Linear(1, 1)), 1001);
  allClose(even.subarray(-3), [0.25, 0, 0.5], { rtol: 1e-14 });
  equal(Array.from(effectiveWeights((m) => new LastThree(m), 6), (w) => Number(w.toFixed(12))), [0, 0, 0, ...[1, 1, 1].map((v) => Number((v / 3).toFixed(12)))]);
  allClose(effectiveWeights((m) => new LastThree(m), 600).subarray(-4), [0, 1 / 3, 1 / 3, 1 / 3], { rtol: 1e-12, atol: 1e-12 });
  throwsError(() => effectiveWeights(new Squares(new Linear(1, 1)), 5), StateError, /no weighted sum of the models/);
});

test('windows by hand', () => {
  equal(effectiveWindow([0, 0, 1]), { models: 1, meanAge: 0, ageDeviation: 0 });
  const { models, meanAge, ageDeviation } = effectiveWindow([0.25, 0.25, 0.25, 0.25]);
  allClose([models, meanAge, ageDeviation], [4, 1.5, Math.sqrt(1.25)], { rtol: 1e-14 });
  allClose([effectiveWindow([2, 2]).models], [2], { rtol: 1e-14 }); // any scale
  is(effectiveWindow(new Float32Array([1])).models, 1);
});

test('the window of EMA is (2 - m)/m models, of mean age (1 - m)/m; a power function is as wide as its sigmaRel', () => {
  const m = 0.02;
  const ema = effectiveWindow(effectiveWeights(new ExponentialMovingAverage(new Linear(1, 1), { momentum: m }), 3000));
  allClose([ema.models, ema.meanAge], [(2 - m) / m, (1 - m) / m], { rtol: 1e-9 });
  const power = effectiveWindow(effectiveWeights(new PowerFunctionEMA(new Linear(1, 1), { sigmaRel: 0.1 }), 5000));
  allClose([power.ageDeviation / 5000], [0.1], { rtol: 1e-6 });
});

test('bad arguments', () => {
  const model = new Linear(1, 1);
  const ema = new ExponentialMovingAverage(model);
  for (const calls of [0, -1, 1.5, NaN, Infinity]) throwsError(() => effectiveWeights(ema, calls), RangeError, /calls/);
  throwsError(() => effectiveWeights((m) => new ExponentialMovingAverage(m)), RangeError, /calls/);
  throwsError(() => effectiveWeights(JSON.parse('{}'), 3), ArgumentError, /not an average/);
  throwsError(() => effectiveWeights((() => 1) as never, 3), ArgumentError, /the function made no average/);
  throwsError(() => effectiveWeights(() => ema, 3), ArgumentError, /the function made no average/);
  for (const bad of [[], [1, -1], [NaN], [Infinity]]) throwsError(() => effectiveWindow(bad), ArgumentError, /not weights/);
  throwsError(() => effectiveWindow(JSON.parse('null')), ArgumentError, /not weights/);
  is(tensor([1]).numel(), 1);
});

test.run();

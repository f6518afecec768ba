import { test } from 'uvu';
import {
  ArgumentError, type AveragingProgress, ExponentialMovingAverage, type LerpAverage, Module, type MomentumSchedule, MomentumAnnealingEMA, Parameter, SGD, StateError, StochasticWeightAverage, type Tensor,
  deepCopy, effectiveWeights, noGrad, scaleMomentum, tensor,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

class Cell extends Module {
  weight: Parameter = new Parameter(tensor(0, { dtype: 'float64' }));
  other: Parameter = new Parameter(tensor([0, 0], { dtype: 'float64' }));
  forward(): Tensor {
    return this.weight;
  }
}

const fill = (m: Module, value: number): void => noGrad(() => m.parameters().forEach((x) => x.fill_(value)));
const bits = (m: Module): string => JSON.stringify([...m.namedParameters(), ...m.namedBuffers()].map(([k, t]) => [k, Array.from(t.data(), String)]));

/** The averages after sources 1, 2, 3, … */
function run(average: LerpAverage<Cell>, model: Cell, calls: number, from = 1): number[] {
  return Array.from({ length: calls }, (_, i) => {
    fill(model, from + i);
    average.updateParameters(model);
    return average.module.weight.item();
  });
}

test('a constant schedule is a constant, by 1/(n + 1) the mean, by γ/(γ + calls) annealing', () => {
  const model = new Cell();
  allClose(run(new ExponentialMovingAverage(model, { momentum: () => 0.1 }), model, 6), [1, 1.1, 1.29, 1.561, 1.9049, 2.31441], { rtol: 1e-12 });
  const mean: MomentumSchedule = ({ averagings }) => 1 / (averagings + 1);
  for (const interval of [1, 2, 3]) {
    equal(run(new ExponentialMovingAverage(model, { momentum: mean, interval }), model, 9), run(new StochasticWeightAverage(model, { interval }), model, 9));
  }
  const anneal: MomentumSchedule = ({ calls }) => Math.max(0.1, 4 / (4 + calls));
  equal(run(new ExponentialMovingAverage(model, { momentum: anneal }), model, 9), run(new MomentumAnnealingEMA(model, { gamma: 4, momentum: 0.1 }), model, 9));
});

test('0 keeps the average, 1 takes the model', () => {
  const model = new Cell();
  equal(run(new ExponentialMovingAverage(model, { momentum: ({ calls }) => (calls % 2 === 0 ? 1 : 0) }), model, 5), [1, 1, 3, 3, 5]);
});

test('what a schedule gets: calls, averagings and examples before this one, once for each averaging', () => {
  const seen: AveragingProgress[] = [];
  const model = new Cell();
  const average = new ExponentialMovingAverage(model, { momentum: (p) => (seen.push(p), 0.5), interval: 2, batchSize: 10 });
  for (const examples of [undefined, 3, 4, undefined, 0, 7]) average.updateParameters(model, examples === undefined ? undefined : { examples });
  equal(seen, [{ calls: 2, averagings: 1, examples: 13 }, { calls: 4, averagings: 2, examples: 27 }]);
  is(average.examples.item(), 34);
  ok(Number.isNaN(average.momentum) && average.schedule !== null);
  const plain = new ExponentialMovingAverage(model, { momentum: 0.25 });
  plain.updateParameters(model, { examples: 5 });
  equal([plain.momentum, plain.schedule, plain.momentumPer, plain.batchSize], [0.25, null, 'averaging', 1]);
});

test('many examples are counted exactly, also when the average is converted', () => {
  const model = new Cell();
  const average = new ExponentialMovingAverage(model, { momentum: () => 0.5, batchSize: 4e9 + 1 });
  average.updateParameters(model);
  average.to('float32');
  average.updateParameters(model);
  equal([average.examples.item(), average.examples.dtype], [8e9 + 2, 'float64']);
});

test('examples are saved with a schedule, and a resumed run is the same', () => {
  const byExamples: MomentumSchedule = ({ examples }) => 100 / (100 + examples);
  const model = new Cell();
  const make = (): ExponentialMovingAverage<Cell> => new ExponentialMovingAverage(model, { momentum: byExamples, batchSize: 7 });
  const [straight, resumed] = [make(), make()];
  run(straight, model, 4);
  const state = deepCopy(straight.stateDict());
  equal(Object.keys(state), ['steps', 'examples', 'module.weight', 'module.other']);
  resumed.loadStateDict(state);
  equal(run(resumed, model, 4, 5), run(deepCopy(straight), model, 4, 5));
  const constant = new ExponentialMovingAverage(model, { momentum: 0.5 });
  ok(!('examples' in constant.stateDict()));
  constant.loadStateDict(state);
  const { examples: _, ...without } = state;
  resumed.loadStateDict(without);
  is(resumed.examples.item(), 0);
});

test('a momentum per call is scaled to the interval: the memory, in calls, is the same', () => {
  const model = new Cell();
  for (const interval of [1, 2, 5]) {
    const average = new ExponentialMovingAverage(model, { momentum: 0.1, interval, momentumPer: 'call' });
    const reference = new ExponentialMovingAverage(model, { momentum: interval === 1 ? 0.1 : scaleMomentum(0.1, interval), interval });
    equal(run(average, model, 11), run(reference, model, 11));
    // What the first model weighs after 10 calls: 0.9^10, whatever the interval.
    allClose(effectiveWeights(average, 11)[0], 0.9 ** 10, { rtol: 1e-12 });
  }
  const scheduled = new ExponentialMovingAverage(model, { momentum: ({ calls }) => [0, 0.1, 1][calls % 3], interval: 2, momentumPer: 'call' });
  equal([2, 4, 6].map((steps) => scheduled.weight(steps)), [1, scaleMomentum(0.1, 2), 0]);
});

test('effective weights of a schedule', () => {
  const model = new Cell();
  const average = new ExponentialMovingAverage(model, { momentum: ({ averagings }) => 1 / (averagings + 1) });
  allClose(effectiveWeights(average, 5), [0.2, 0.2, 0.2, 0.2, 0.2], { rtol: 1e-12 });
  const examples = new ExponentialMovingAverage(model, { momentum: (p) => 32 / (32 + p.examples), batchSize: 32 });
  allClose(effectiveWeights(examples, 4), [0.25, 0.25, 0.25, 0.25], { rtol: 1e-12 });
});

test('behind an optimizer, by batch size; and loaded weights count as one model', () => {
  const model = new Cell();
  const optimizer = new SGD(model.parameters(), { lr: 0 });
  const seen: number[] = [];
  const average = new ExponentialMovingAverage(model, { momentum: ({ examples }) => (seen.push(examples), 0.5), batchSize: 8 });
  const attachment = average.attachTo(optimizer);
  for (let i = 0; i < 3; i++) optimizer.step();
  attachment.detach();
  equal(seen, [8, 16]);
  const progress: AveragingProgress[] = [];
  const loaded = new ExponentialMovingAverage(model, { momentum: (p) => (progress.push(p), 0.5), interval: 2 });
  loaded.loadStateDict(model.stateDict());
  loaded.updateParameters(model);
  equal(progress, [{ calls: 2, averagings: 1, examples: 0 }]);
});

test('a schedule that gives no momentum changes nothing', () => {
  let value: unknown = 0.5;
  class Twice extends ExponentialMovingAverage<Cell> {
    override avgFunc(averaged: Tensor, source: Tensor, steps: number): void {
      super.avgFunc(averaged, source, steps);
    }
  }
  for (const Kind of [ExponentialMovingAverage, Twice]) {
    const model = new Cell();
    value = 0.5;
    const average = new Kind(model, { momentum: () => value as number });
    run(average, model, 3);
    fill(model, 9);
    const before = bits(average);
    for (value of [-0.1, 1.1, NaN, Infinity, '0.5', undefined, null]) {
      throwsError(() => average.updateParameters(model), RangeError, /the schedule gives no momentum, got .* for \{ calls: 3, averagings: 3, examples: 3 \}; expected 0 ≤ momentum ≤ 1/);
    }
    const failing = new Kind(model, { momentum: () => { throw new TypeError('mine'); } });
    failing.updateParameters(model);
    throwsError(() => failing.updateParameters(model), TypeError, /mine/);
    is(bits(average), before);
    value = 0.5;
    average.updateParameters(model);
    is(average.module.weight.item(), 5.625);
  }
});

test('bad examples and options change nothing, and models that are skipped do not count', () => {
  const model = new Cell();
  for (const momentum of [0.1, () => 0.1]) {
    const average = new ExponentialMovingAverage(model, { momentum, nonFinite: 'skip' });
    run(average, model, 2);
    const before = bits(average);
    for (const examples of [-1, NaN, Infinity, '3', null]) throwsError(() => average.updateParameters(model, { examples: examples as number }), ArgumentError, /updateParameters: invalid examples, got/);
    throwsError(() => average.updateParameters(model, { example: 3 } as object), ArgumentError, /unknown option, got 'example'/);
    throwsError(() => average.updateParameters(model, JSON.parse('3') as object), ArgumentError, /not an object/);
    is(bits(average), before);
    const examples = average.examples.item();
    fill(model, NaN);
    average.updateParameters(model, { examples: 5 });
    is(average.examples.item(), examples);
  }
  throwsError(() => new ExponentialMovingAverage(model, { momentumPer: 'step' as 'call' }), ArgumentError, /invalid momentumPer, got 'step'/);
  for (const batchSize of [-1, NaN, Infinity]) throwsError(() => new ExponentialMovingAverage(model, { batchSize }), ArgumentError, /invalid batchSize/);
  throwsError(() => new ExponentialMovingAverage(model, { momentum: JSON.parse('"0.1"') as number }), RangeError, /invalid momentum, got '0\.1'/);
  throwsError(() => new ExponentialMovingAverage(new Cell(), { momentum: () => 0.5 }).updateParameters(new Module1()), StateError, /does not match/);
});

class Module1 extends Module {
  forward(): void {}
}

test.run();

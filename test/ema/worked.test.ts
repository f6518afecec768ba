import { test } from 'uvu';
import {
  ArgumentError, type BaseAveragedModel, Buffer, ExponentialMovingAverage, LatestWeightAverage, Module, MomentumAnnealingEMA, Parameter, PowerFunctionEMA, RampUpEMA, StochasticWeightAverage, type Tensor, WarmupEMA,
  gammaFromSigmaRel, momentumFromHalfLife, noGrad, scaleMomentum, sigmaRelFromGamma, tensor,
} from '../../index.ts';
import { allClose, equal, throwsError } from '../assert.ts';

/** One float64 weight, one floating buffer and one counter, all set by hand. */
class Cell extends Module {
  weight = new Parameter(tensor(0, { dtype: 'float64' }));
  running = new Buffer(tensor(0, { dtype: 'float64' }));
  count = new Buffer(tensor(0, { dtype: 'int64' }));
  forward(x: Tensor): Tensor {
    return x.mul(this.weight);
  }
  set(value: number): void {
    noGrad(() => [this.weight, this.running, this.count].forEach((t) => t.fill_(value)));
  }
}

interface Trace {
  readonly weight: number[];
  readonly running: number[];
  readonly count: number[];
}

/** The entries of the average after sources 1, 2, 3, … */
function trace(make: (model: Cell) => BaseAveragedModel<Cell>, calls: number): Trace {
  const model = new Cell();
  const average = make(model);
  const out: Trace = { weight: [], running: [], count: [] };
  for (let i = 1; i <= calls; i++) {
    model.set(i);
    average.updateParameters(model);
    out.weight.push(average.module.weight.item());
    out.running.push(average.module.running.item());
    out.count.push(average.module.count.item());
  }
  equal(average.steps.item(), calls);
  return out;
}

const close = { rtol: 0, atol: 1e-9 };
const ema01 = [1, 1.1, 1.29, 1.561, 1.9049, 2.31441];

test('EMA, momentum 0.1', () => {
  const { weight, running, count } = trace((m) => new ExponentialMovingAverage(m, { momentum: 0.1 }), 6);
  allClose(weight, ema01, close);
  equal(running, [1, 2, 3, 4, 5, 6]);
  equal(count, [1, 2, 3, 4, 5, 6]);
});

test('EMA, momentum 0.1, interval 2', () => {
  const { weight, running, count } = trace((m) => new ExponentialMovingAverage(m, { momentum: 0.1, interval: 2 }), 6);
  allClose(weight, [1, 1, 1.2, 1.2, 1.58, 1.58], close);
  equal(running, [1, 2, 3, 4, 5, 6]);
  equal(count, [1, 2, 3, 4, 5, 6]);
});

test('EMA with updateBuffers averages floating buffers and copies integer ones', () => {
  const { weight, running, count } = trace((m) => new ExponentialMovingAverage(m, { momentum: 0.1, updateBuffers: true }), 6);
  allClose(weight, ema01, close);
  allClose(running, ema01, close);
  equal(count, [1, 2, 3, 4, 5, 6]);
});

test('off-interval calls leave tracked buffers alone', () => {
  const { running, count } = trace((m) => new ExponentialMovingAverage(m, { momentum: 0.1, interval: 2, updateBuffers: true }), 6);
  allClose(running, [1, 1, 1.2, 1.2, 1.58, 1.58], close);
  equal(count, [1, 1, 3, 3, 5, 5]);
});

test('SWA is the mean', () => {
  allClose(trace((m) => new StochasticWeightAverage(m), 6).weight, [1, 1.5, 2, 2.5, 3, 3.5], close);
  allClose(trace((m) => new StochasticWeightAverage(m, { interval: 2 }), 6).weight, [1, 1, 2, 2, 3, 3], close);
});

test('momentum annealing, gamma 4', () => {
  allClose(trace((m) => new MomentumAnnealingEMA(m, { momentum: 0.1, gamma: 4 }), 6).weight, [1, 1.8, 2.6, 3.4, 4.2, 5], close);
});

test('annealing ends at the momentum', () => {
  const { weight } = trace((m) => new MomentumAnnealingEMA(m, { momentum: 0.5, gamma: 1 }), 4);
  allClose(weight, [1, 1.5, 2.25, 3.125], close);
});

test('ramp-up, batch 32', () => {
  allClose(trace((m) => new RampUpEMA(m, { batchSize: 32 }), 6).weight, [1, 1.99902344, 2.99014728, 3.9684421, 4.93552763, 5.89439094], { rtol: 0, atol: 1e-7 });
});

test('ramp-up switched off is a constant half-life', () => {
  const m = 1 - 0.5 ** (32 / 2000);
  const { weight } = trace((model) => new RampUpEMA(model, { emaKimg: 2, emaRampup: null }), 3);
  allClose(weight, [1, 1 + m, (1 + m) * (1 - m) + 3 * m], close);
});

test('power function, gamma 1', () => {
  allClose(trace((m) => new PowerFunctionEMA(m, { gamma: 1 }), 4).weight, [1, 1.75, 2.4444444, 3.125], { rtol: 0, atol: 1e-7 });
});

test('power function, widths', () => {
  for (const sigma of [0.05, 0.1, 0.15, 0.2, 0.25, 0.28]) allClose([sigmaRelFromGamma(gammaFromSigmaRel(sigma))], [sigma], { rtol: 1e-12 });
  allClose([gammaFromSigmaRel(0.1), gammaFromSigmaRel(0.05)], [6.94, 16.97], { rtol: 1e-3 }); // the paper's section 3.1
  for (const sigma of [0, -1, 0.31, 1, NaN]) throwsError(() => gammaFromSigmaRel(sigma), RangeError, /sigmaRel/);
  throwsError(() => trace((m) => new PowerFunctionEMA(m, {}), 1), ArgumentError, /exactly one/);
});

test('the latest models, k 3', () => {
  allClose(trace((m) => new LatestWeightAverage(m, { k: 3 }), 6).weight, [1, 1.5, 2, 3, 4, 5], close);
  const { weight, running, count } = trace((m) => new LatestWeightAverage(m, { k: 2, interval: 2, updateBuffers: true }), 6);
  allClose(weight, [1, 1, 2, 2, 4, 4], close);
  allClose(running, [1, 1, 2, 2, 4, 4], close);
  equal(count, [1, 1, 3, 3, 5, 5]);
});

test('EMA with a schedule', () => {
  allClose(trace((m) => new ExponentialMovingAverage(m, { momentum: ({ calls }) => (calls < 3 ? 0.5 : 0.1) }), 5).weight, [1, 1.5, 2.25, 2.425, 2.6825], close);
});

test('EMA, momentum 0.1 per call, interval 2', () => {
  // m = 1 - 0.9² = 0.19
  allClose(trace((m) => new ExponentialMovingAverage(m, { momentum: 0.1, momentumPer: 'call', interval: 2 }), 5).weight, [1, 1, 1.38, 1.38, 2.0678], close);
});

test('warm-up follows the source, then its decay rises to the limit', () => {
  const { weight } = trace((m) => new WarmupEMA(m, { decay: 0.5, invGamma: 1, power: 2 / 3 }), 4);
  const d2 = 1 - 2 ** (-2 / 3);
  const third = d2 * 2 + (1 - d2) * 3;
  const d3 = Math.min(0.5, 1 - 3 ** (-2 / 3));
  allClose(weight, [1, 2, third, d3 * third + (1 - d3) * 4], close);
  equal(trace((m) => new WarmupEMA(m, { updateAfterStep: 4 }), 6).weight, [1, 2, 3, 4, 5, 6]);
  throwsError(() => trace((m) => new WarmupEMA(m, { minDecay: 0.9, decay: 0.5 }), 1), RangeError, /minDecay/);
});

test('helpers for momentum', () => {
  allClose([(1 - momentumFromHalfLife(7)) ** 7], [0.5], { rtol: 1e-12 });
  allClose([scaleMomentum(0.1, 3)], [1 - 0.9 ** 3], { rtol: 1e-12 });
  for (const h of [0, -1, NaN]) throwsError(() => momentumFromHalfLife(h), RangeError, /half-life/);
  throwsError(() => scaleMomentum(1, 2), RangeError, /momentum/);
});

test('the closed form of EMA', () => {
  const m = 0.07;
  const { weight } = trace((model) => new ExponentialMovingAverage(model, { momentum: m }), 40);
  let expected = 0;
  for (let i = 0; i < 40; i++) expected += (i + 1) * (1 - m) ** (39 - i) * (i > 0 ? m : 1);
  allClose([weight[39]], [expected], { rtol: 1e-12 });
});

test.run();

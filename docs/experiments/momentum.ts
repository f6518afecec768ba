// Which momentum? Averages of many widths beside one run, at the end of it and early in it.
import { ExponentialMovingAverage, MomentumAnnealingEMA, StochasticWeightAverage, WarmupEMA } from '../../index.ts';
import { type Classifier, type Net, evaluate, mean, percent, row, train } from '../digits.ts';

type Average = Classifier & { updateParameters(model: Net): void };

const makers: Readonly<Record<string, (model: Net) => Average>> = {
  'EMA, momentum 0.3': (m) => new ExponentialMovingAverage(m, { momentum: 0.3, updateBuffers: true }),
  'EMA, momentum 0.1': (m) => new ExponentialMovingAverage(m, { momentum: 0.1, updateBuffers: true }),
  'EMA, momentum 0.03': (m) => new ExponentialMovingAverage(m, { momentum: 0.03, updateBuffers: true }),
  'EMA, momentum 0.01': (m) => new ExponentialMovingAverage(m, { momentum: 0.01, updateBuffers: true }),
  'EMA, momentum 0.0002 (default)': (m) => new ExponentialMovingAverage(m, { updateBuffers: true }),
  'EMA 0.05, interval 5': (m) => new ExponentialMovingAverage(m, { momentum: 0.05, interval: 5, updateBuffers: true }),
  'annealed to 0.01': (m) => new MomentumAnnealingEMA(m, { momentum: 0.01, gamma: 10, updateBuffers: true }),
  'warm-up to 0.01 (power 2/3)': (m) => new WarmupEMA(m, { decay: 0.99, updateBuffers: true }),
  'mean of all (SWA)': (m) => new StochasticWeightAverage(m, { updateBuffers: true }),
};

const EARLY = 44; // steps: one pass over the data
const seeds = [0, 1, 2];
const results = new Map<string, { early: number[]; loss: number[]; accuracy: number[] }>();
const record = (name: string): { early: number[]; loss: number[]; accuracy: number[] } => {
  const before = results.get(name) ?? { early: [], loss: [], accuracy: [] };
  results.set(name, before);
  return before;
};

for (const seed of seeds) {
  let averages: (readonly [string, Average])[] = [];
  const model = train({
    seed,
    start: (m) => {
      averages = Object.entries(makers).map(([name, make]) => [name, make(m)] as const);
    },
    afterStep: (m, step) => {
      for (const [, average] of averages) average.updateParameters(m);
      if (step === EARLY) for (const [name, net] of [['raw weights', m] as const, ...averages]) record(name).early.push(evaluate(net).accuracy);
    },
  });
  for (const [name, net] of [['raw weights', model] as const, ...averages]) {
    const { loss, accuracy } = evaluate(net);
    record(name).loss.push(loss);
    record(name).accuracy.push(accuracy);
  }
}

console.log(`352 steps of SGD at a constant rate; mean of ${seeds.length} seeds\n`);
row('', 'after 44', 'at the end', 'loss');
for (const [name, { early, loss, accuracy }] of results) row(name, percent(mean(early)), percent(mean(accuracy)), mean(loss));

// Mixed rules: some entries averaged, others copied; an average of an average; a rule of one's own.
import { ExponentialMovingAverage, LerpAverage, StochasticWeightAverage } from '../../index.ts';
import { type Classifier, type Net, Results, train } from '../digits.ts';

type Average = Classifier & { readonly module: Net; updateParameters(model: Net): void };

/** A mean that forgets: each model counts as much as the last `span` together. */
class Tail extends LerpAverage<Net> {
  override weight(steps: number): number {
    return Math.max(1 / (steps + 1), 1 / 64);
  }
}

const everything = { momentum: 0.03, updateBuffers: true } as const;
const makers: Readonly<Record<string, (model: Net) => Average>> = {
  'EMA of everything': (m) => new ExponentialMovingAverage(m, everything),
  'head copied': (m) => new ExponentialMovingAverage(m, { ...everything, policy: { 'head.*': 'copy' } }),
  'norms copied': (m) => new ExponentialMovingAverage(m, { ...everything, policy: { 'norm*.*': 'copy' } }),
  'convolutions copied': (m) => new ExponentialMovingAverage(m, { ...everything, policy: { 'conv*.*': 'copy' } }),
  'head as at the start': (m) => new ExponentialMovingAverage(m, { ...everything, policy: { 'head.*': 'skip' } }),
  'mean, then EMA (own rule)': (m) => new Tail(m, { updateBuffers: true }),
};

const seeds = [0, 1, 2];
const results = new Results();

for (const seed of seeds) {
  let averages: (readonly [string, Average])[] = [];
  let ofAverage: StochasticWeightAverage<Net> | undefined;
  const model = train({
    seed,
    start: (m) => {
      averages = Object.entries(makers).map(([name, make]) => [name, make(m)] as const);
      ofAverage = new StochasticWeightAverage(m, { updateBuffers: true });
    },
    afterStep: (m, step) => {
      for (const [, average] of averages) average.updateParameters(m);
      // The mean of the moving average over the last two passes.
      if (step > 264) ofAverage?.updateParameters(averages[0][1].module);
    },
  });
  results.record('raw weights', model);
  for (const [name, average] of averages) results.record(name, average);
  if (ofAverage !== undefined) results.record('mean of the EMA, last 2 epochs', ofAverage);
}

console.log(`352 steps at a constant rate, momentum 0.03; mean of ${seeds.length} seeds\n`);
results.print();

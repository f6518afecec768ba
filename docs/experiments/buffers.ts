// Batch norm statistics of an average: the model's own, averaged too, or taken anew from the data.
import { DataLoader, ExponentialMovingAverage, StochasticWeightAverage, type Tensor, deepCopy, recalibrateBatchNorm, updateBN } from '../../index.ts';
import { type Classifier, type Net, Results, shifted, train, trainSet } from '../digits.ts';

type Average = Classifier & { updateParameters(model: Net): void };

const START = 132; // the plain mean starts after three passes
const seeds = [0, 1, 2];
const results = new Results();

/** Batches as in training: moved images. */
function* batches(): Generator<Tensor> {
  for (const [x] of new DataLoader(trainSet, { batchSize: 200 })) yield shifted(x);
}

for (const seed of seeds) {
  const made = new Map<string, { copied: Average; averaged: Average }>();
  const model = train({
    seed,
    start: (m) => {
      made.set('EMA 0.03', { copied: new ExponentialMovingAverage(m, { momentum: 0.03 }), averaged: new ExponentialMovingAverage(m, { momentum: 0.03, updateBuffers: true }) });
      made.set('mean from epoch 4', { copied: new StochasticWeightAverage(m), averaged: new StochasticWeightAverage(m, { updateBuffers: true }) });
    },
    afterStep: (m, step) => {
      for (const [name, { copied, averaged }] of made) {
        if (name.startsWith('mean') && step <= START) continue;
        copied.updateParameters(m);
        averaged.updateParameters(m);
      }
    },
  });
  results.record('raw weights', model);
  for (const [name, { copied, averaged }] of made) {
    results.record(`${name}: copied (default)`, copied);
    results.record(`${name}: averaged`, averaged);
    const [again, pooled] = [deepCopy(copied), deepCopy(copied)];
    updateBN(batches(), again);
    results.record(`${name}: updateBN`, again);
    recalibrateBatchNorm(batches(), pooled);
    results.record(`${name}: recalibrated`, pooled);
  }
}

console.log(`352 steps at a constant rate; mean of ${seeds.length} seeds\n`);
results.print();

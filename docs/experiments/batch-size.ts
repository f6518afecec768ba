// The batch grows four times: an average that keeps its momentum looks four times as far back.
import { ExponentialMovingAverage, scaleMomentum } from '../../index.ts';
import { type Net, evaluate, mean, percent, row, train } from '../digits.ts';

const M = 0.05;
const settings = [
  { name: 'batch 32, momentum 0.05', batchSize: 32, lr: 0.05, momentum: M },
  { name: 'batch 128, momentum 0.05', batchSize: 128, lr: 0.2, momentum: M },
  { name: 'batch 128, scaled momentum', batchSize: 128, lr: 0.2, momentum: scaleMomentum(M, 4) },
];
const seeds = [0, 1, 2];
const CHECKS = [2, 4, 8];

console.log(`scaleMomentum(0.05, 4) = ${scaleMomentum(M, 4).toFixed(6)}; test accuracy of the average after 2, 4 and 8 epochs, mean of ${seeds.length} seeds\n`);
row('', ...CHECKS.map((n) => `epoch ${n}`), 'raw, end');
for (const { name, batchSize, lr, momentum } of settings) {
  const steps = Math.floor(1437 / batchSize);
  const found = seeds.map((seed) => {
    let average: ExponentialMovingAverage<Net> | undefined;
    const curve: number[] = [];
    const model = train({
      seed,
      batchSize,
      lr,
      start: (m) => {
        average = new ExponentialMovingAverage(m, { momentum, updateBuffers: true });
      },
      afterStep: (m, step) => {
        average?.updateParameters(m);
        if (average !== undefined && CHECKS.some((epoch) => step === epoch * steps)) curve.push(evaluate(average).accuracy);
      },
    });
    return [...curve, evaluate(model).accuracy];
  });
  row(name, ...[...CHECKS, 0].map((_, i) => percent(mean(found.map((f) => f[i])))));
}

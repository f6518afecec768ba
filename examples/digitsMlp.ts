// Digits with two dense layers: the average follows the optimizer by itself. node --import tsx examples/digitsMlp.ts
import { Adam, DataLoader, ExponentialMovingAverage, F, Flatten, Linear, ReLU, Sequential, TensorDataset, manualSeed } from '../index.ts';
import { accuracy, loadDigits, percent } from './digitData.ts';

manualSeed(0);
const { train, test } = await loadDigits();
const model = new Sequential(new Flatten(), new Linear(64, 64), new ReLU(), new Linear(64, 10));
const optimizer = new Adam(model.parameters(), { lr: 0.01 });
const ema = new ExponentialMovingAverage(model, { momentum: 0.02 });
ema.attachTo(optimizer);
const loader = new DataLoader(new TensorDataset(train.images, train.labels), { batchSize: 32, shuffle: true });
for (let epoch = 1; epoch <= 15; epoch++) {
  for (const [x, y] of loader) {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(x), y).backward();
    optimizer.step();
  }
  if (epoch % 3 === 0) console.log(`epoch ${String(epoch).padStart(2)}  raw ${percent(accuracy(model, test))}  average ${percent(accuracy(ema, test))}`);
}

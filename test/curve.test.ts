import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { DigitNet } from '../examples/digitNet.ts';
import { Adam, DataLoader, ExponentialMovingAverage, F, type Tensor, TensorDataset, loadIdx, manualSeed } from '../index.ts';
import { allClose, equal, is } from './assert.ts';

interface Curve {
  readonly losses: number[];
  readonly weights: Record<string, number>;
  readonly average: Record<string, number>;
}

const recorded: Curve = JSON.parse(readFileSync(new URL('fixtures/curve.json', import.meta.url), 'utf8'));
const data = (name: string): URL => new URL(`../examples/data/${name}`, import.meta.url);

async function train(steps: number): Promise<{ model: DigitNet; ema: ExponentialMovingAverage<DigitNet>; losses: number[] }> {
  const images = (await loadIdx(data('digits-images.idx3-ubyte'))).to('float32').div(16).unsqueeze(1);
  const labels = (await loadIdx(data('digits-labels.idx1-ubyte'))).to('int64');
  manualSeed(0);
  const model = new DigitNet();
  const loader = new DataLoader(new TensorDataset(images.narrow(0, 0, 1437), labels.narrow(0, 0, 1437)), { batchSize: 32, shuffle: true, dropLast: true });
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
  const ema = new ExponentialMovingAverage(model, { momentum: 0.01 });
  const losses: number[] = [];
  while (losses.length < steps) {
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(model.forward(x), y);
      loss.backward();
      optimizer.step();
      ema.updateParameters(model);
      losses.push(loss.item());
      if (losses.length === steps) break;
    }
  }
  return { model, ema, losses };
}

const sums = (state: Record<string, Tensor>): Record<string, number> =>
  Object.fromEntries(Object.entries(state).map(([k, t]) => [k, t.to('float64').abs().sum().item()]));

/** A bias in front of a batch norm has no true gradient: Adam blows up the rounding noise, and the running mean carries it on. */
const isNoise = (name: string): boolean => /^conv\d\.bias$|running_mean$/.test(name);

test('same net, seed and batches as PyTorch: the same losses over 100 steps', async () => {
  const { model, ema, losses } = await train(100);
  allClose(losses, recorded.losses, { rtol: 1e-4, atol: 1e-4 });
  const weights = sums(model.stateDict());
  equal(Object.keys(weights), Object.keys(recorded.weights));
  for (const [name, value] of Object.entries(recorded.weights)) if (!isNoise(name)) allClose([weights[name]], [value], { rtol: 1e-3 });
  const average = sums(ema.module.stateDict());
  for (const [name, value] of Object.entries(recorded.average)) if (!isNoise(name)) allClose([average[name]], [value], { rtol: 1e-3 });
});

test('same seed, same bits', async () => {
  const [a, b] = [await train(15), await train(15)];
  equal(a.losses, b.losses);
  for (const [name, t] of Object.entries(a.ema.stateDict())) is(Buffer.compare(Buffer.from(t.data().buffer), Buffer.from(b.ema.stateDict()[name].data().buffer)), 0);
});

test.run();

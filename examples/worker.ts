// Training in a worker: the main thread stays free, and gets the averaged weights as one file in memory. node --import tsx examples/worker.ts
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { Adam, DataLoader, ExponentialMovingAverage, F, TensorDataset, manualSeed, readSafetensors, writeSafetensors } from '../index.ts';
import { accuracy, loadDigits, percent } from './digitData.ts';
import { DigitNet } from './digitNet.ts';

/** What the worker says. */
type Message = { readonly epoch: number; readonly loss: number } | { readonly weights: Uint8Array };

async function train(say: (message: Message) => void): Promise<void> {
  manualSeed(0);
  const { train: { images, labels } } = await loadDigits();
  const model = new DigitNet();
  const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
  const ema = new ExponentialMovingAverage(model, { momentum: 0.03, updateBuffers: true });
  const loader = new DataLoader(new TensorDataset(images, labels), { batchSize: 32, shuffle: true });
  for (let epoch = 1; epoch <= 6; epoch++) {
    let [sum, steps] = [0, 0];
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(model.forward(x), y);
      loss.backward();
      optimizer.step();
      ema.updateParameters(model);
      sum += loss.item();
      steps++;
    }
    say({ epoch, loss: sum / steps });
  }
  say({ weights: writeSafetensors(ema.module.stateDict()) });
}

async function watch(): Promise<void> {
  // A built program writes new Worker(new URL(import.meta.url)); here the worker has to learn TypeScript first.
  const worker = new Worker(`import('tsx/esm/api').then(({ register }) => register() && import('${import.meta.url}'))`, { eval: true });
  let ticks = 0;
  const clock = setInterval(() => ticks++, 10);
  const weights = await new Promise<Uint8Array>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message: Message) => {
      if ('weights' in message) resolve(message.weights);
      else console.log(`epoch ${message.epoch}  loss ${message.loss.toFixed(3)}`);
    });
  });
  clearInterval(clock);
  const net = new DigitNet();
  net.loadStateDict(readSafetensors(weights).tensors);
  console.log(`meanwhile the main thread had ${ticks} turns; the average gets ${percent(accuracy(net, (await loadDigits()).test))} right`);
}

if (isMainThread) await watch();
else if (parentPort !== null) {
  const port = parentPort;
  await train((message) => port.postMessage(message));
}

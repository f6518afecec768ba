import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import {
  AdamW, BatchNorm1d, CosineAnnealingLR, DataLoader, Dropout, ExponentialMovingAverage, F, Linear, ReLU, Sequential, StochasticWeightAverage, TensorDataset, defaultGenerator, loadCheckpoint,
  manualSeed, randint, randn, saveCheckpoint,
} from '../index.ts';
import { inFolder } from './inFolder.ts';
import { equal, is, ok, rejectsError } from './assert.ts';

/** Everything a run consists of; dropout and shuffling draw from the default generator. */
function makeRun(seed: number) {
  manualSeed(99);
  const data = new TensorDataset(randn([50, 6]), randint(0, 3, [50]));
  manualSeed(seed);
  const model = new Sequential(new Linear(6, 8), new BatchNorm1d(8), new ReLU(), new Dropout(0.3), new Linear(8, 3));
  const optimizer = new AdamW(model.parameters(), { lr: 0.01 });
  const scheduler = new CosineAnnealingLR(optimizer, 6);
  const ema = new ExponentialMovingAverage(model, { momentum: 0.1, interval: 2 });
  const swa = new StochasticWeightAverage(model, { updateBuffers: true });
  const loader = new DataLoader(data, { batchSize: 8, shuffle: true });
  return { parts: { model, optimizer, scheduler, ema, swa, generator: defaultGenerator }, loader };
}

type Run = ReturnType<typeof makeRun>;

function trainEpochs({ parts: { model, optimizer, scheduler, ema, swa }, loader }: Run, epochs: number): number[] {
  const losses: number[] = [];
  for (let e = 0; e < epochs; e++) {
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(model.forward(x), y);
      loss.backward();
      optimizer.step();
      ema.updateParameters(model);
      losses.push(loss.item());
    }
    swa.updateParameters(model);
    scheduler.step();
  }
  return losses;
}

const bits = ({ parts: { model, ema, swa } }: Run): string =>
  [model, ema, swa].map((m) => Object.entries(m.stateDict()).map(([k, t]) => `${k}:${Buffer.from(t.data().buffer).toString('hex')}`).join('\n')).join('\n');

test('a resumed run is bit-identical to one that never stopped', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'run.safetensors');
    const whole = makeRun(3);
    const early = trainEpochs(whole, 3);
    await saveCheckpoint(path, { ...whole.parts, epoch: 3, losses: early });
    equal(readdirSync(folder), ['run.safetensors']);
    const late = trainEpochs(whole, 3);
    const expected = bits(whole);

    const resumed = makeRun(1234);
    const loaded = await loadCheckpoint(path, resumed.parts);
    equal(loaded.epoch, 3);
    equal(loaded.losses, early);
    equal(trainEpochs(resumed, 3), late);
    is(bits(resumed), expected);
  }));

test('broken and foreign files change nothing', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'run.safetensors');
    const run = makeRun(3);
    trainEpochs(run, 1);
    await saveCheckpoint(path, { ...run.parts, epoch: 1 });
    const good = readFileSync(path);
    const victim = makeRun(8);
    trainEpochs(victim, 1);
    const before = bits(victim);
    const lr = victim.parts.optimizer.paramGroups[0].lr;
    const broken = join(folder, 'broken.safetensors');
    const flipped = Buffer.from(good);
    flipped[flipped.length - 5] ^= 1;
    for (const bytes of [good.subarray(0, good.length - 7), good.subarray(0, 5), Buffer.alloc(0), Buffer.from('not a checkpoint at all'), flipped]) {
      writeFileSync(broken, bytes);
      await rejectsError(() => loadCheckpoint(broken, victim.parts), Error, /./);
      is(bits(victim), before);
      is(victim.parts.optimizer.paramGroups[0].lr, lr);
    }
    const other = { ...victim.parts, model: new Linear(2, 2) };
    await rejectsError(() => loadCheckpoint(path, other), Error, /weight/);
    is(bits(victim), before);
    ok(true);
  }));

test.run();

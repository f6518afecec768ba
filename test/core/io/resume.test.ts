import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import {
  Adam, DataLoader, ExponentialMovingAverage, Generator, StateError, StepLR, type Tensor, TensorDataset, defaultGenerator, load, loadCheckpoint, loadSafetensors, manualSeed, rand, randn, save,
  saveCheckpoint,
} from '../../../index.ts';
import { Module } from '../../../nn/module.ts';
import { Parameter } from '../../../nn/parameter.ts';
import { equal, rejectsError } from '../../assert.ts';

class Net extends Module {
  weight: Parameter;
  bias: Parameter;
  constructor(outputs = 2) {
    super();
    this.weight = new Parameter(randn([3, outputs]));
    this.bias = new Parameter(randn([outputs]));
  }
  forward(x: Tensor): Tensor {
    return x.matmul(this.weight).add(this.bias).mul(rand([2])); // noise from the default generator, as dropout would make
  }
}

const makeRun = (seed: number, outputs = 2) => {
  manualSeed(seed);
  const model = new Net(outputs);
  const optimizer = new Adam(model.parameters(), { lr: 0.1 });
  return {
    model,
    optimizer,
    scheduler: new StepLR(optimizer, 2),
    average: new ExponentialMovingAverage(model, { momentum: 0.1 }),
    loader: new DataLoader(new TensorDataset(randn([7, 3], { generator: new Generator(3) })), { batchSize: 2, shuffle: true, generator: new Generator(seed) }),
    random: defaultGenerator,
  };
};
type Run = ReturnType<typeof makeRun>;

const step = ({ model, optimizer, average, scheduler }: Run, x: Tensor): void => {
  optimizer.zeroGrad();
  model.forward(x).square().sum().backward();
  optimizer.step();
  scheduler.step();
  average.updateParameters(model);
};

const bytesOf = (module: Module): number[][] => Object.values(module.stateDict()).map((x) => [...new Uint8Array(x.data().buffer)]);

test('a run that was stopped and loaded goes on bit for bit: model, optimizer, schedule, average, order of data, noise', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    const path = join(folder, 'run.ckpt');
    const whole = makeRun(1);
    let saved: Promise<void> | undefined;
    let count = 0;
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const [x] of whole.loader) {
        step(whole, x);
        if (++count === 6) saved = saveCheckpoint(path, { ...whole, epoch });
      }
    }
    await saved;
    const again = makeRun(2);
    const { epoch } = await loadCheckpoint(path, again);
    for (let e = Number(epoch); e < 3; e++) for (const [x] of again.loader) step(again, x);
    equal(bytesOf(again.model), bytesOf(whole.model));
    equal(bytesOf(again.average), bytesOf(whole.average));
    equal(again.optimizer.paramGroups[0].lr, whole.optimizer.paramGroups[0].lr);
    equal(again.random.getState(), whole.random.getState());

    const names = Object.keys((await loadSafetensors(path)).tensors);
    equal(names.slice(0, 4), ['model.weight', 'model.bias', 'optimizer.state.0.step', 'optimizer.state.0.exp_avg']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('when the model does not fit, no part has changed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    const path = join(folder, 'run.ckpt');
    const { model, optimizer, random } = makeRun(1);
    await saveCheckpoint(path, { random, optimizer, model });
    const other = makeRun(2, 4);
    const [weights, numbers] = [bytesOf(other.model), other.random.getState()];
    await rejectsError(() => loadCheckpoint(path, { random: other.random, optimizer: other.optimizer, model: other.model }), StateError, /part 'model' refused its state/);
    equal(bytesOf(other.model), weights);
    equal(other.random.getState(), numbers);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the weights of a model through save and load', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    const path = join(folder, 'model.safetensors');
    const [a, b] = [makeRun(1).model, makeRun(2).model];
    await save(path, a.stateDict());
    b.loadStateDict((await load(path)) as Record<string, Tensor>);
    equal(bytesOf(b), bytesOf(a));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();

import { test } from 'uvu';
import {
  AveragedProfiles, BatchNorm1d, type BaseAveragedModel, ExponentialMovingAverage, LatestWeightAverage, Linear, type Module, MomentumAnnealingEMA, PowerFunctionEMA, RampUpEMA, Sequential, StochasticWeightAverage,
  MemorySnapshots, Tanh, WarmupEMA, withAveraged, deepCopy, greedySoup, manualSeed, noGrad, putSnapshot, rand, randn, synthesize, uniformSoup,
} from '../../index.ts';
import { useGpu } from '../../gpu/index.ts';
import { allClose, equal, is, ok } from '../assert.ts';

// Every averaging rule beside a model on the device, against the same on the CPU.

type Net = Sequential;

const rules: Readonly<Record<string, (model: Net) => BaseAveragedModel<Net>>> = {
  ExponentialMovingAverage: (model) => new ExponentialMovingAverage(model, { momentum: 0.1, updateBuffers: true }),
  StochasticWeightAverage: (model) => new StochasticWeightAverage(model, { updateBuffers: true }),
  MomentumAnnealingEMA: (model) => new MomentumAnnealingEMA(model, { momentum: 0.01, gamma: 3 }),
  PowerFunctionEMA: (model) => new PowerFunctionEMA(model, { sigmaRel: 0.2 }),
  RampUpEMA: (model) => new RampUpEMA(model, { emaKimg: 0.5 }),
  WarmupEMA: (model) => new WarmupEMA(model, { decay: 0.9 }),
  LatestWeightAverage: (model) => new LatestWeightAverage(model, { k: 3 }),
};

function netOn(device: string): Net {
  manualSeed(1);
  return new Sequential(new Linear(3, 4), new BatchNorm1d(4), new Tanh(), new Linear(4, 2)).to(device);
}

/** The same noise for both. */
function stir(models: readonly Net[]): void {
  noGrad(() => models[0].parameters().forEach((p, i) => {
    const noise = randn(p.shape).mul(0.1);
    for (const model of models) model.parameters()[i].add_(noise.to(model.parameters()[i].device));
  }));
  const x = rand([5, 3]);
  for (const model of models) model.forward(x.to(model.parameters()[0].device));
}

async function agree(got: Module, expected: Module): Promise<void> {
  const [a, b] = [got.stateDict(), expected.stateDict()];
  for (const [name, x] of Object.entries(a)) allClose(await x.cpu(), b[name], { rtol: 1e-5, atol: 1e-6 });
}

for (const [name, make] of Object.entries(rules)) {
  test(`${name} runs on the device`, async () => {
    await useGpu({ backend: 'webasm' });
    const [here, there] = [netOn('cpu'), netOn('gpu')];
    const [a, b] = [make(here), make(there)];
    for (let i = 0; i < 6; i++) {
      stir([here, there]);
      a.updateParameters(here);
      b.updateParameters(there);
    }
    ok(b.module.parameters().every((p) => p.device.name === 'gpu'));
    await agree(b.module, a.module);
  });
}

test('several profiles at once run on the device', async () => {
  await useGpu({ backend: 'webasm' });
  const [here, there] = [netOn('cpu'), netOn('gpu')];
  const [a, b] = [new AveragedProfiles(here, { sigmaRel: [0.1, 0.2] }), new AveragedProfiles(there, { sigmaRel: [0.1, 0.2] })];
  for (let i = 0; i < 4; i++) {
    stir([here, there]);
    a.updateParameters(here);
    b.updateParameters(there);
  }
  await agree(b, a);
});

test('soups of models on the device, and snapshots of profiles there', async () => {
  await useGpu({ backend: 'webasm' });
  const nets = [netOn('cpu'), netOn('cpu')];
  noGrad(() => nets[1].parameters().forEach((p) => p.mul_(3)));
  const expected = await uniformSoup(nets);
  const there = nets.map((net) => deepCopy(net).to('gpu'));
  const into = netOn('gpu');
  const soup = await uniformSoup(there, { into });
  for (const [name, x] of Object.entries(expected)) allClose(soup[name], x);
  is(into.parameters()[0].device.name, 'gpu');
  allClose(await into.parameters()[0].detach().cpu(), expected['0.weight']);
  const { members } = await greedySoup(there, into, { evaluate: async (net) => (await net.parameters()[0].detach().abs().sum().cpu()).item() });
  equal(members, [1]);
  const store = new MemorySnapshots();
  const profile = new PowerFunctionEMA(there[0], { sigmaRel: 0.1 });
  for (let i = 0; i < 3; i++) {
    profile.updateParameters(there[0]);
    await putSnapshot(store, profile);
  }
  const { state } = await synthesize(store, { sigmaRel: 0.15 });
  allClose(state['0.weight'], nets[0].parameters()[0], { rtol: 1e-4 });
});

test('a model is evaluated with its average and gets its weights back', async () => {
  await useGpu({ backend: 'webasm' });
  const model = netOn('gpu');
  const average = new ExponentialMovingAverage(model, { momentum: 0.1 });
  average.updateParameters(model);
  stir([model]);
  average.updateParameters(model);
  const [kept, averaged] = [await model.parameters()[0].cpu(), await average.module.parameters()[0].cpu()];
  await withAveraged(average, model, async (swapped) => {
    allClose(await swapped.parameters()[0].cpu(), averaged);
  });
  allClose(await model.parameters()[0].cpu(), kept);
  is(model.parameters()[0].device.name, 'gpu');
});

test('an average on the CPU takes in a model on the device only as an error', async () => {
  await useGpu({ backend: 'webasm' });
  const model = netOn('cpu');
  const average = new ExponentialMovingAverage(model, { momentum: 0.1 });
  average.updateParameters(model);
  model.to('gpu');
  let refused = false;
  try {
    average.updateParameters(model);
  } catch (error) {
    refused = /device|await/.test(String(error));
  }
  ok(refused);
});

test.run();

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import {
  ASGD, Adadelta, Adagrad, Adam, AdamW, AdamWScheduleFree, Adamax, F, LBFGS, Linear, Muon, NAdam, type Optimizer, type Parameter, RAdam, RMSprop, Rprop, SGD, SGDScheduleFree, Sequential, Tanh, type Tensor, clipGradNorm_,
  DeviceError, deepCopy, loadCheckpoint, manualSeed, rand, saveCheckpoint,
} from '../../index.ts';
import { useGpu } from '../../gpu/index.ts';
import { allClose, is, throwsError } from '../assert.ts';

// Every optimizer on the device, against the same on the CPU, and what else touches parameters.

const lr = 0.01;
const optimizers: Readonly<Record<string, (parameters: Parameter[]) => Optimizer>> = {
  'SGD with momentum': (p) => new SGD(p, { lr, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  Adam: (p) => new Adam(p, { lr, amsgrad: true }),
  AdamW: (p) => new AdamW(p, { lr }),
  NAdam: (p) => new NAdam(p, { lr }),
  RAdam: (p) => new RAdam(p, { lr }),
  Adamax: (p) => new Adamax(p, { lr }),
  Adagrad: (p) => new Adagrad(p, { lr }),
  Adadelta: (p) => new Adadelta(p, { lr }),
  RMSprop: (p) => new RMSprop(p, { lr, centered: true, momentum: 0.5 }),
  Rprop: (p) => new Rprop(p, { lr }),
  Muon: (p) => new Muon(p.filter((x) => x.ndim === 2), { lr }),
  ASGD: (p) => new ASGD(p, { lr }),
  AdamWScheduleFree: (p) => new AdamWScheduleFree(p, { lr }),
  SGDScheduleFree: (p) => new SGDScheduleFree(p, { lr }),
};

function setting(device: string): { readonly model: Sequential; readonly loss: () => Tensor } {
  manualSeed(0);
  const model = new Sequential(new Linear(3, 4), new Tanh(), new Linear(4, 1)).to(device);
  const [x, y] = [rand([8, 3]).to(device), rand([8, 1]).to(device)];
  return { model, loss: () => F.mseLoss(model.forward(x), y) };
}

for (const [name, make] of Object.entries(optimizers)) {
  test(`${name} steps on the device`, async () => {
    await useGpu({ backend: 'webasm' });
    const [here, there] = [setting('cpu'), setting('gpu')];
    const pairs = [here, there].map((side) => ({ ...side, optimizer: make([...side.model.parameters()]) }));
    for (let i = 0; i < 5; i++) {
      for (const { loss, optimizer } of pairs) {
        optimizer.zeroGrad();
        loss().backward();
        optimizer.step();
      }
    }
    is(there.model.parameters()[0].device.name, 'gpu');
    await there.model.cpu();
    here.model.parameters().forEach((p, i) => allClose(there.model.parameters()[i], p, { rtol: 1e-4, atol: 1e-5 }));
  });
}

test('an optimizer that decides by values says that it cannot', async () => {
  await useGpu({ backend: 'webasm' });
  const { model, loss } = setting('gpu');
  const optimizer = new LBFGS(model.parameters(), { lr });
  throwsError(() => optimizer.step(() => {
    optimizer.zeroGrad();
    const value = loss();
    value.backward();
    return value;
  }), DeviceError, /not on the CPU[\s\S]*await/);
});

test('gradients are clipped, and models copied, saved and loaded', async () => {
  await useGpu({ backend: 'webasm' });
  const [here, there] = [setting('cpu'), setting('gpu')];
  const [a, b] = [here, there].map(({ model, loss }) => {
    loss().backward();
    return clipGradNorm_(model.parameters(), 0.1);
  });
  allClose(await b.cpu(), a, { rtol: 1e-5 });
  const copy = deepCopy(there.model);
  is(copy.parameters()[0].device.name, 'gpu');
  const folder = mkdtempSync(join(tmpdir(), 'polyak-gpu-'));
  try {
    const file = join(folder, 'net.safetensors');
    await saveCheckpoint(file, { model: there.model });
    const fresh = setting('cpu').model;
    fresh.parameters().forEach((p) => p.detach().zero_());
    await loadCheckpoint(file, { model: fresh });
    fresh.parameters().forEach((p, i) => allClose(p, here.model.parameters()[i], { rtol: 1e-6 }));
    copy.parameters().forEach((p) => p.detach().zero_());
    await loadCheckpoint(file, { model: copy });
    is(copy.parameters()[0].device.name, 'gpu');
    allClose(await copy.parameters()[0].cpu(), here.model.parameters()[0], { rtol: 1e-6 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();

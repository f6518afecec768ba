import { test } from 'uvu';
import { trainingOf } from '../../bench/gpu/models.ts';
import { activeBackend } from '../../gpu/device.ts';
import { useGpu } from '../../gpu/index.ts';
import { allClose, is, ok } from '../assert.ts';

// Whole training steps on the device, an average beside them, against the CPU. POLYAK_GPU_STEPS=100 npm test -- gpu/training compares long curves.

const steps = process.env['POLYAK_GPU_STEPS'] === undefined ? null : Number(process.env['POLYAK_GPU_STEPS']);

async function compared(id: 'W1' | 'W4' | 'W5', count: number): Promise<void> {
  const [here, there] = [trainingOf(id, 'cpu'), trainingOf(id, 'gpu')];
  for (let i = 0; i < (steps ?? count); i++) {
    const [expected, loss] = [here.step(), there.step()];
    is(loss.device.name, 'gpu');
    const got = (await loss.cpu()).item();
    ok(Math.abs(got - expected.item()) < 1e-3, `step ${i}: ${got}, expected ${expected.item()}`);
  }
  const all = there.model.parameters();
  ok([...all, ...there.average.module.parameters()].every((p) => p.device.name === 'gpu'));
  await there.average.module.cpu();
  here.average.module.parameters().forEach((p, i) => allClose(there.average.module.parameters()[i], p, { atol: 1e-3, rtol: 1e-2 }));
}

test('a step brings nothing to the device', async () => {
  await useGpu({ backend: 'webasm' });
  const backend = activeBackend();
  const upload = backend.upload.bind(backend);
  for (const id of ['W1', 'W4', 'W5'] as const) {
    const { step } = trainingOf(id, 'gpu');
    await step().cpu();
    let uploads = 0;
    backend.upload = (elements) => {
      uploads++;
      return upload(elements);
    };
    await step().cpu();
    backend.upload = upload;
    is(uploads, 0, id);
  }
});

test('an MLP trains with Adam', async () => {
  await useGpu({ backend: 'webasm' });
  await compared('W1', 100);
});

test('a LeNet trains with SGD and momentum', async () => {
  await useGpu({ backend: 'webasm' });
  await compared('W4', 6);
});

test('a transformer trains with AdamW', async () => {
  await useGpu({ backend: 'webasm' });
  await compared('W5', 2);
});

test.run();

import { test } from 'uvu';
import { DeviceError } from '../../index.ts';
import { gpuInfo, useGpu } from '../../gpu/index.ts';
import { is, ok } from '../assert.ts';

// What starts, and what is said where something is missing.

test('headless-gl without what it needs says how to get it, and leaves alone what runs', async () => {
  await useGpu({ backend: 'webasm' });
  // On Linux a context takes a display; elsewhere the package may be there and start.
  delete process.env['DISPLAY'];
  const error: unknown = await useGpu({ backend: 'headlessgl' }).then(() => null, (e: unknown) => e);
  if (error === null) {
    ok(process.platform !== 'linux');
    is(gpuInfo()?.backend, 'headlessgl');
    return;
  }
  ok(error instanceof DeviceError);
  ok(/cannot be started, got 'headlessgl' \([^)\n]+\)[\s\S]*npm i gl@8\.1\.6, or npm rebuild gl --ignore-scripts=false[\s\S]*xvfb-run/.test(error.message), error.message);
  is(gpuInfo()?.backend, 'webasm');
});

test.run();

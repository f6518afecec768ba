import { test } from 'uvu';
import { families, winsFrom } from '../../bench/gpu/cases.ts';
import { trainingOf } from '../../bench/gpu/models.ts';
import { peakOf } from '../../bench/gpu/peak.ts';
import { activeBackend } from '../../gpu/device.ts';
import { useGpu } from '../../gpu/index.ts';
import { allClose, equal, is, ok } from '../assert.ts';

const row = (name: string, ratio: number): { readonly name: string; readonly ratio: number } => ({ name, ratio });

test('the GPU wins from the size on behind which it never loses again', () => {
  is(winsFrom([row('a', 0.1), row('b', 2), row('c', 0.9), row('d', 1.5), row('e', 3)]), 'd');
  is(winsFrom([row('a', 1.2), row('b', 2)]), 'a');
  is(winsFrom([row('a', 1.2), row('b', 0.9)]), null);
  is(winsFrom([]), null);
});

test('without a graphics processor, products end at 1024³', () => {
  const names = (software: boolean): string[] => families(software, false)[0].cases.map(({ name }) => name);
  equal(names(true).slice(-1), ['product 1024³']);
  equal(names(false).slice(-3), ['product 1024³', 'product 2048³', 'product 4096³']);
});

test('a batch that is repeated has the same loss, and steps alike', () => {
  const [once, twice] = [trainingOf('W4', 'cpu'), trainingOf('W4', 'cpu', 2)];
  for (let i = 0; i < 3; i++) allClose(twice.step(), once.step(), { rtol: 1e-4 });
});

test('what the adapter can do is found in WebAssembly', async () => {
  await useGpu({ backend: 'webasm' });
  const peak = await peakOf(activeBackend(), 1);
  ok(peak > 0.01 && peak < 1e5, `${peak} GFLOP/s`);
});

test.run();

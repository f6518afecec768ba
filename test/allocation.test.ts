import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import { ok } from './assert.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test('steps of optimizers and averages make no lists, no tensors and no strings', async () => {
  // A young generation that is large enough for the whole loop, so that nothing is collected while it is measured.
  const flags = ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--import', 'tsx', 'test/fixtures/updateLoop.ts'], { cwd: root });
  const report = JSON.parse(stdout) as Record<string, number>;
  // Numbers with a fraction that are read from objects take 16 bytes each; one list or tensor for each of six parameters would take more than 400.
  // ASGD has two such numbers for each parameter and NAdam one, which a step reads and writes.
  for (const [name, bytes] of Object.entries(report)) ok(bytes < (['asgd', 'nadam'].includes(name) ? 700 : 300), `${name}: ${bytes} bytes per step`);
});

test.run();

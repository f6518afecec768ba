import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import { loadSweep, readSweep } from '../../../core/sweep/definition.ts';
import { trialCount, trialsOf } from '../../../core/sweep/trials.ts';
import { ArgumentError, StateError } from '../../../core/errors.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';

const sweepOf = (more: object) => readSweep({ script: 'a.js', ...more }, '/base');

test('a grid has every combination, the last parameter fastest, seeds fastest of all', () => {
  const sweep = sweepOf({ parameters: { lr: [0.1, 0.01], act: { choice: ['relu', 'tanh'] }, epochs: 3 }, seeds: [5, 6] });
  equal([sweep.method, trialCount(sweep)], ['grid', 8]);
  const trials = trialsOf(sweep);
  equal(trials.map(({ trial }) => trial), [0, 1, 2, 3, 4, 5, 6, 7]);
  equal(trials[0], { trial: 0, configuration: 0, parameters: { lr: 0.1, act: 'relu', epochs: 3, seed: 5 } });
  equal(trials[3], { trial: 3, configuration: 1, parameters: { lr: 0.1, act: 'tanh', epochs: 3, seed: 6 } });
  equal(trials[7], { trial: 7, configuration: 3, parameters: { lr: 0.01, act: 'tanh', epochs: 3, seed: 6 } });
  equal(trialsOf(sweepOf({})), [{ trial: 0, configuration: 0, parameters: {} }]);
});

test('random trials lie in their ranges, are the same for the same seed, and more of them begin the same way', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.integer({ min: 1, max: 30 }), (seed, trials) => {
      const parameters = { u: { uniform: [-2, 3] }, l: { logUniform: [1e-4, 0.1] }, i: { int: [-1, 2] }, c: ['x', 'y', true, null], f: 7 };
      const make = (n: number) => trialsOf(sweepOf({ parameters, trials: n, seed }));
      const list = make(trials);
      is(list.length, trials);
      for (const { parameters: p } of list) {
        ok(typeof p.u === 'number' && p.u >= -2 && p.u < 3);
        ok(typeof p.l === 'number' && p.l >= 1e-4 && p.l <= 0.1);
        ok([-1, 0, 1, 2].includes(p.i as number));
        ok(['x', 'y', true, null].includes(p.c as never));
        is(p.f, 7);
      }
      equal(make(trials + 5).slice(0, trials), list);
    }),
    { numRuns: 50 },
  );
  const draws = (seed: number) => trialsOf(sweepOf({ parameters: { u: { uniform: [0, 1] } }, trials: 3, seed })).map(({ parameters }) => parameters.u);
  equal(draws(0), [0.9700530018065531, 0.707819864399788, 0.45938294312745087]); // torch.manual_seed(0); torch.rand(3, dtype=torch.float64)
  ok(draws(0)[0] !== draws(1)[0]);
});

test('logUniform is uniform in the logarithm, int reaches both ends', () => {
  const trials = trialsOf(sweepOf({ parameters: { l: { logUniform: [1e-4, 1] }, i: { int: [0, 3] } }, trials: 4000 }));
  for (const decade of [1e-4, 1e-3, 1e-2, 1e-1]) {
    const share = trials.filter(({ parameters: { l } }) => (l as number) >= decade && (l as number) < 10 * decade).length / 4000;
    ok(Math.abs(share - 0.25) < 0.03, `${decade}: ${share}`);
  }
  for (const i of [0, 1, 2, 3]) ok(Math.abs(trials.filter(({ parameters }) => parameters.i === i).length / 4000 - 0.25) < 0.03);
});

test('what a file leaves out has defaults', () => {
  const { command, parameters, ...rest } = sweepOf({});
  equal(command, [process.execPath, resolve('/base/a.js')]);
  equal(rest, { method: 'grid', trials: null, seed: 0, seeds: null, metric: 'loss', goal: 'min', timeout: Infinity, retries: 0, parallel: 1, flags: true, env: {} });
  is(parameters.size, 0);
  equal(readSweep({ command: ['node', 'x.js'] }, '/').command, [process.execPath, 'x.js']);
  equal(readSweep({ command: ['python3', 'x.py'] }, '/').command, ['python3', 'x.py']);
});

const wrong: readonly (readonly [object | null, RegExp])[] = [
  [null, /invalid sweep/],
  [{ script: undefined }, /there is nothing to run/],
  [{ command: ['x'] }, /two programs to run/],
  [{ scipt: 'x' }, /unknown option, got 'scipt'[\s\S]*did you mean 'script'/],
  [{ parameters: { lr: [] } }, /invalid parameters.lr, got \[\]/],
  [{ parameters: { lr: { uniform: [1] } } }, /parameters.lr.uniform/],
  [{ parameters: { lr: { uniform: [2, 1] } } }, /the lower one first/],
  [{ parameters: { lr: { logUniform: [0, 1] } } }, /numbers above 0/],
  [{ parameters: { lr: { int: [0, 1.5] } } }, /integers/],
  [{ parameters: { lr: { normal: [0, 1] } } }, /invalid parameters.lr/],
  [{ parameters: { '--lr': 1 } }, /invalid parameter name/],
  [{ parameters: { lr: { uniform: [0, 1] } } }, /number of random trials is missing/],
  [{ parameters: { lr: { uniform: [0, 1] } }, method: 'grid' }, /a grid has no ranges, got lr/],
  [{ parameters: { lr: [1] }, trials: 3 }, /a grid has a number of trials of its own/],
  [{ parameters: { seed: 1 }, seeds: [1] }, /seeds are given twice/],
  [{ goal: 'small' }, /invalid goal/],
  [{ timeout: 0 }, /invalid timeout/],
  [{ retries: -1 }, /invalid retries/],
  [{ parallel: 0.5 }, /invalid parallel/],
  [{ env: { A: 1 } }, /invalid env/],
  [{ seeds: [] }, /invalid seeds/],
];

for (const [given, message] of wrong) {
  test(`refused: ${JSON.stringify(given)}`, () => {
    throwsError(() => readSweep(given === null ? null : { script: 'a.js', ...given }, '/'), ArgumentError, message);
  });
}

test('a grid of a million is too large to list', () => {
  const values = Array.from({ length: 200 }, (_, i) => i);
  throwsError(() => trialsOf(sweepOf({ parameters: { a: values, b: values, c: values } })), ArgumentError, /too many trials, got 8000000/);
});

test('files: JSON, and modules that export a sweep', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-sweep-'));
  try {
    writeFileSync(join(folder, 'a.json'), '{"script": "t.js", "parameters": {"x": [1, 2]}}');
    writeFileSync(join(folder, 'b.mjs'), 'export const sweep = { script: "t.js", parameters: { x: [1, 2].map((v) => 2 * v) } };');
    writeFileSync(join(folder, 'c.json'), '{');
    equal((await loadSweep(join(folder, 'a.json'))).command, [process.execPath, join(folder, 't.js')]);
    equal((await loadSweep(join(folder, 'b.mjs'))).parameters.get('x'), { kind: 'list', values: [2, 4] });
    await rejectsError(() => loadSweep(join(folder, 'c.json')), StateError, /the file cannot be read/);
    await rejectsError(() => loadSweep(join(folder, 'none.json')), StateError, /the file cannot be read/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();

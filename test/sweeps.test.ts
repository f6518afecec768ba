import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import { equal, is, ok } from './assert.ts';
import { bundleProgram } from './fixtures/program.ts';

// The recipes of docs/sweeps.md, as they stand there, in a folder with the package.

const root = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(join(root, 'docs/sweeps.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'polyak-recipes-'));
const python = '/usr/bin/python3';

/** The blocks of a language, in order. */
const blocks = (language: string): string[] => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((m) => m[1]);

/** Runs a command with `npx` standing for what is bundled here. */
function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const path = [join(folder, 'bin'), dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  return execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...env, PATH: path } });
}

test.before(async () => {
  const program = await bundleProgram(join(folder, 'program'));
  await build({ entryPoints: [join(root, 'index.ts')], outfile: join(folder, 'node_modules/polyak/index.js'), bundle: true, ignoreAnnotations: true, format: 'esm', platform: 'node', logLevel: 'error' });
  writeFileSync(join(folder, 'node_modules/polyak/package.json'), '{ "type": "module", "exports": "./index.js" }');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(folder, 'bin/npx'), 0o755);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'train.js'), blocks('ts')[0]);
  writeFileSync(join(folder, 'sweep.json'), blocks('json')[0]);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('the first sweep', () => {
  const out = run('/bin/sh', ['-c', blocks('sh')[0]]);
  const [configurations, trials] = out.split('\n\n').map((part) => part.trim().split('\n'));
  equal([configurations.length, trials.length], [5, 9]);
  ok(/^trial +loss +status +seconds +lr +hidden +seed$/.test(trials[0].trim()), out);
  ok(existsSync(join(folder, 'sweeps/sweep/results.jsonl')));
  is(readdirSync(join(folder, 'sweeps/sweep/logs')).length, 8);
  is(run('/bin/sh', ['-c', 'npx polyak sweep sweep.json --list']).trim().split('\n').length, 8);
});

test('Slurm: each job of the array runs its trial', () => {
  const [, script] = blocks('sh');
  const last = Number(/--array=0-(\d+)/.exec(script)?.[1]);
  is(last, 7);
  for (const task of [0, last]) run('/bin/bash', ['-c', script], { SLURM_ARRAY_TASK_ID: String(task), HOME: folder });
  const files = readdirSync(join(folder, 'sweeps/first')).filter((name) => name.endsWith('.jsonl')).sort();
  equal(files, ['results-0.jsonl', 'results-7.jsonl']);
  const report = run('/bin/sh', ['-c', 'npx polyak sweep sweep.json --out "$HOME/sweeps/first" --report'], { HOME: folder });
  is(report.split('\n\n').at(-1)?.trim().split('\n').length, 3);
});

test('Kubernetes: each pod of the indexed job runs its trial', () => {
  const [job] = blocks('yaml');
  const command = /command: \[sh, -c, '(.*)'\]/.exec(job)?.[1] ?? '';
  ok(/completionMode: Indexed\n {2}completions: 8/.test(job));
  run('/bin/sh', ['-c', command.replace('/results', join(folder, 'volume'))], { JOB_COMPLETION_INDEX: '3' });
  const [line] = readFileSync(join(folder, 'volume/first/results-3.jsonl'), 'utf8').trim().split('\n').map((text) => JSON.parse(text) as { trial: number; status: string; value: number });
  equal([line.trial, line.status, line.value > 0], [3, 'ok', true]);
});

test('Optuna: what it asks for is run, and it is told what came of it', () => {
  if (!existsSync(python)) return;
  writeFileSync(join(folder, 'study.py'), blocks('python')[0]);
  // The stand-in, or, to check that too, Optuna itself.
  const modules = process.env.OPTUNA_PATH ?? join(root, 'test/fixtures');
  const out = run(python, ['study.py'], { PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: '1' });
  ok(/'lr': .*'hidden': /.test(out), out);
  const lines = readFileSync(join(folder, 'sweeps/optuna/results.jsonl'), 'utf8').trim().split('\n').map((text) => JSON.parse(text) as { trial: number; status: string });
  equal(lines.map(({ trial }) => trial).sort((a, b) => a - b), Array.from({ length: 12 }, (_, i) => i));
  ok(lines.every(({ status }) => status === 'ok'));
});

test.run();

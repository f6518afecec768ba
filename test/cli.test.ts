import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { match } from 'uvu/assert';
import { collectInfo, infoText, versionOf } from '../core/cli/info.ts';
import { equal, is, ok } from './assert.ts';

const root = new URL('..', import.meta.url);
const elsewhere = mkdtempSync(join(tmpdir(), 'polyak-cli-'));
// A GPU library that must not be loaded: it is looked for where the program runs.
mkdirSync(join(elsewhere, 'node_modules/gpu.js'), { recursive: true });
writeFileSync(join(elsewhere, 'node_modules/gpu.js/package.json'), '{ "version": "9.9.9", "main": "./index.js" }');
writeFileSync(join(elsewhere, 'node_modules/gpu.js/index.js'), 'throw new Error("loaded");');
test.after(() => rmSync(elsewhere, { recursive: true }));

function polyak(...args: string[]): { status: number | null; out: string; err: string } {
  const cli = new URL('cli.ts', root).pathname;
  const run = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), cli, ...args], { cwd: elsewhere, encoding: 'utf8' });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };

test('help and version', () => {
  for (const args of [[], ['--help'], ['-h'], ['help'], ['--help', '-h']]) {
    const { status, out } = polyak(...args);
    is(status, 0);
    for (const word of ['demo', 'info', 'sweep', '--version']) match(out, word);
  }
  equal([polyak('--version').out, polyak('-v').out], [`${version}\n`, `${version}\n`]);
  for (const command of ['demo', 'info', 'sweep']) {
    for (const args of [[command, '--help'], [command, '-h'], ['help', command]]) {
      const { status, out } = polyak(...args);
      is(status, 0);
      ok(out.startsWith(`polyak ${command} `), out);
    }
  }
});

test('a wrong use is one line with a hint, and exit code 2', () => {
  for (const [args, message] of [
    [['dmeo'], /unknown command dmeo; did you mean demo\?/],
    [['--verison'], /unknown flag --verison; did you mean --version\?/],
    [['info', '--jsno'], /polyak info: unknown flag --jsno; did you mean --json\?/],
    [['help', 'dmeo'], /polyak: unknown command dmeo; did you mean demo\?/],
    [['info', 'more'], /unexpected argument 'more'/],
    [['demo', '--epoch', '1'], /unknown flag --epoch; did you mean --epochs\?/],
    [['demo', '--epochs', 'x'], /--epochs: got 'x'; expected an integer ≥ 1/],
    [['demo', '--epochs'], /argument missing/],
  ] as const) {
    const { status, out, err } = polyak(...args);
    equal([status, out, err.trim().split('\n').length], [2, '', 1], err);
    match(err, message);
    match(err, /--help lists the flags/);
  }
});

test('info tells what runs here, and loads no GPU library', () => {
  const { status, out, err } = polyak('info');
  is(status, 0, err);
  ok(out.includes(version) && out.includes(process.versions.node), out);
  match(out, /kernels +WebAssembly with SIMD/);
  match(out, /gpu\.js +9\.9\.9; WebGPU in this process: no/);
  const info = JSON.parse(polyak('info', '--json').out) as { kernels: string; threads: number; gpu: { library: object } };
  equal([info.kernels, info.threads, info.gpu.library], ['wasm', 1, { name: 'gpu.js', version: '9.9.9' }]);
});

test('info says which gpu.js to install where there is none', async () => {
  const { peerDependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { peerDependencies: Record<string, string> };
  const info = await collectInfo(version);
  match(infoText({ ...info, gpu: { ...info.gpu, library: { name: 'gpu.js', version: null } } }), new RegExp(`gpu\\.js +not installed; npm i gpu\\.js@${peerDependencies['gpu.js']} `));
});

test('a package that is not installed has no version', () => {
  equal([versionOf('no-such-package', elsewhere), versionOf('gpu.js', join(elsewhere, 'deeper'))], [null, '9.9.9']);
});

test('the demo trains: the average ends well above guessing, and the same seed gives the same numbers', () => {
  const first = polyak('demo', '--epochs', '6', '--seed', '1');
  is(first.status, 0, first.err);
  const shares = [...first.out.matchAll(/epoch +\d+ +raw +([\d.]+) %.*average +([\d.]+) %/g)].map(([, raw, averaged]) => [Number(raw), Number(averaged)]);
  is(shares.length, 6, first.out);
  ok(shares[5][0] > 75 && shares[5][1] > 85, first.out);
  match(first.out, /[░▒▓█]{2}/);
  const lines = (text: string): string[] => text.split('\n').filter((line) => line.includes('average'));
  equal(lines(polyak('demo', '--epochs', '6', '--seed', '1').out), lines(first.out));
});

test.run();

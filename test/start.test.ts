import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { match } from 'uvu/assert';
import { equal, is, ok } from './assert.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function start(...flags: string[]): { status: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, ['--import', 'tsx', 'examples/digits.ts', ...flags], { cwd: root, encoding: 'utf8' });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

test('the example trains, reports and writes a checkpoint it can go on from', () => {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-start-'));
  try {
    const file = join(folder, 'digits.safetensors');
    const first = start('--epochs', '2', '--momentum', '0.05', '--out', file);
    is(first.status, 0, first.err);
    const shares = [...first.out.matchAll(/(?:raw weights|\(EMA\)|\(SWA\))\s+([\d.]+) %/g)].map((m) => Number(m[1]));
    is(shares.length, 3, first.out);
    ok(shares.every((s) => s > 75 && s <= 100), first.out);
    ok(existsSync(file));
    const second = start('--epochs', '3', '--resume', file, '--out', join(folder, 'more.safetensors'));
    is(second.status, 0, second.err);
    match(second.out, /after 3 epochs/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('wrong flags are one line and exit code 2', () => {
  for (const flags of [['--epochs', '0'], ['--lr', 'NaN'], ['--nonsense'], ['--resume', '/nowhere/x'], ['--out', 'package.json/x/y']]) {
    const { status, out, err } = start(...flags);
    is(status, 2, `${flags.join(' ')}: ${err}`);
    equal([out, err.trim().split('\n').length], ['', 1], `${flags.join(' ')}: ${err}`);
  }
});

test('--help explains the flags', () => {
  const { status, out } = start('--help');
  is(status, 0);
  for (const flag of ['epochs', 'lr', 'momentum', 'seed', 'out']) match(out, `--${flag}`);
});

test.run();

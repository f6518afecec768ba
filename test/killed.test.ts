import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import { Generator } from '../index.ts';
import { is, ok } from './assert.ts';

// A run is killed again and again, at places in the writing of files and at any time, and must end with the bits of one that never was.

const KILLS = Number(process.env.KILLS ?? 50);
const folder = mkdtempSync(join(tmpdir(), 'polyak-killed-'));
const program = join(folder, 'run.mjs');

interface Life {
  /** What it printed: 'ready', and the hash if it came to its end. */
  readonly lines: readonly string[];
  readonly signal: string | null;
}

/** Runs the program until it ends, is killed by itself at file operation `killAt`, or by us some milliseconds after it is ready. */
function live(place: string, killAt: number | null, killAfter: number | null): Promise<Life> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, place, ...(killAt === null ? [] : [String(killAt)])], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (text === '' && killAfter !== null) setTimeout(() => void child.kill('SIGKILL'), killAfter);
      text += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code !== null && code !== 0) reject(new Error(`the run failed with code ${code}: ${text}`));
      else resolve({ lines: text.trim().split('\n'), signal });
    });
  });
}

test(`a run that is killed ${KILLS} times ends with the bits of one that never was`, async () => {
  const entry = fileURLToPath(new URL('fixtures/killedRun.ts', import.meta.url));
  await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'node', outfile: program, ignoreAnnotations: true, logLevel: 'error' });
  const whole = await live(join(folder, 'whole'), null, null);
  const expected = whole.lines[1];
  ok(/^[0-9a-f]{64}$/.test(expected), whole.lines.join());
  const random = new Generator(3);
  let [kills, runs, resumed] = [0, 0, 0];
  for (let place = join(folder, 'run0'); ; ) {
    // In turns: at the next file operation, so that all kinds come, and at any time.
    const [killAt, killAfter] = kills >= KILLS ? [null, null] : kills % 2 === 0 ? [4 + ((kills * 7) % 211), null] : [null, random.random() % 100];
    const { lines, signal } = await live(place, killAt, killAfter);
    if (signal === 'SIGKILL') {
      kills++;
      if (readdirSync(place).some((name) => /^checkpoint-\d+\.safetensors$/.test(name))) resumed++;
      continue;
    }
    is(lines[1], expected, `after ${kills} kills`);
    is(readdirSync(place).length, 2, 'two checkpoints are kept, and nothing else is left');
    if (kills >= KILLS) break;
    place = join(folder, `run${++runs}`); // it came to its end too early
  }
  ok(resumed > KILLS / 2, `only ${resumed} of ${kills} kills found a checkpoint`);
  rmSync(folder, { recursive: true });
});

test.run();

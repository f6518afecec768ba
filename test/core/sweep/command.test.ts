import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { equal, is, ok } from '../../assert.ts';
import { bundleProgram } from '../../fixtures/program.ts';

// Sweeps as a user runs them: the program, with real processes.

const root = mkdtempSync(join(tmpdir(), 'polyak-sweeps-'));
const children = new Set<ChildProcess>();
let folders = 0;
let cli = '';

test.before(async () => {
  cli = await bundleProgram(join(root, 'program'));
});
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Line {
  readonly trial: number;
  readonly configuration: number;
  readonly parameters: Record<string, unknown>;
  readonly status: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly error: string | null;
  readonly attempts: number;
  readonly metrics: Record<string, unknown> | null;
  readonly value: number | null;
}

/** A folder with a sweep and its script. `HERE` in the script is the folder. */
function project(script: string, sweep: object = {}) {
  const folder = join(root, `sweep${folders++}`);
  const out = join(folder, 'out');
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  mkdirSync(folder);
  write('train.mjs', `const HERE = ${JSON.stringify(folder)};\n${script}`);
  const define = (more: object): void => write('sweep.json', JSON.stringify({ script: 'train.mjs', ...sweep, ...more }));
  define({});
  const start = (...flags: string[]) => launch(['sweep', join(folder, 'sweep.json'), '--out', out, ...flags], folder);
  return {
    folder,
    out,
    define,
    start,
    run: (...flags: string[]): Promise<Outcome> => start(...flags).done,
    lines: (name = 'results.jsonl'): Line[] => readFileSync(join(out, name), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Line),
    log: (trial: number): string => readFileSync(join(out, 'logs', `trial-000${trial}.log`), 'utf8'),
    has: (name: string): boolean => existsSync(join(folder, name)),
    write,
  };
}

function launch(args: readonly string[], cwd: string, input?: string) {
  const child = spawn(process.execPath, [cli, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  children.add(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  if (input !== undefined) child.stdin.end(input);
  const done = new Promise<Outcome>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
  return { child, done };
}

/** Waits until something is so; fails after half a minute. */
async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`never happened: ${what.toString()}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended too.
    return !/^\d+ \(.*\) Z/.test(existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '');
  } catch {
    return false;
  }
}

const READ = `
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
const info = JSON.parse(process.env.POLYAK_TRIAL);
const p = info.parameters;
const until = async (what) => { while (!what()) await new Promise((resolve) => setTimeout(resolve, 10)); };
`;

test('every trial runs once, with flags and environment; results, logs and the table hold what it reported', async () => {
  const { run, lines, log } = project(
    `${READ}
    console.log('flags ' + process.argv.slice(2).join(' ') + ' ' + process.env.EXTRA);
    console.log('{"loss": 100}');
    console.error('a warning');
    console.log(JSON.stringify({ loss: (p.x - 2) ** 2, x: p.x }));
    console.log('done');`,
    { parameters: { x: [1, 2, -4], on: [true], off: [false] }, env: { EXTRA: 'e' } },
  );
  const { code, out, err } = await run();
  is(code, 0, err);
  equal(lines().map(({ trial, status, exitCode, signal, error, attempts, value }) => ({ trial, status, exitCode, signal, error, attempts, value })), [
    { trial: 0, status: 'ok', exitCode: 0, signal: null, error: null, attempts: 1, value: 1 },
    { trial: 1, status: 'ok', exitCode: 0, signal: null, error: null, attempts: 1, value: 0 },
    { trial: 2, status: 'ok', exitCode: 0, signal: null, error: null, attempts: 1, value: 36 },
  ]);
  equal(lines()[2].metrics, { loss: 36, x: -4 });
  ok(log(2).includes('flags --x=-4 --on e\n') && log(2).includes('a warning') && log(2).startsWith('# '), log(2));
  ok(log(0).includes('flags --x 1 --on e\n'), log(0));
  const rows = out.trim().split('\n').map((row) => row.trim().split(/ {2,}/));
  equal(rows[0], ['trial', 'loss', 'status', 'seconds', 'x', 'on', 'off']);
  equal(rows.slice(1).map(([trial, loss, status]) => [trial, loss, status]), [['1', '0', 'ok'], ['0', '1', 'ok'], ['2', '36', 'ok']]);
  ok(/\[3\/3\] trial 2: ok, loss 36/.test(err), err);
  const again = await run();
  equal([again.code, lines().length, /3 of 3 trials are done already/.test(again.err)], [0, 3, true]);
});

test('failures keep their exit codes and signals, are tried again, and do not stop the others', async () => {
  const { run, lines, log, define } = project(
    `${READ}
    console.log(JSON.stringify({ loss: 10 * info.attempt }));
    if (p.kind === 'code') process.exit(3);
    if (p.kind === 'signal') process.kill(process.pid, 'SIGKILL');
    if (p.kind === 'second' && info.attempt === 1) process.exit(4);`,
    { parameters: { kind: ['code', 'signal', 'second', 'good'] }, retries: 1, parallel: 2 },
  );
  const { code, out } = await run();
  is(code, 1);
  const pick = () => lines().toSorted((a, b) => a.trial - b.trial).map((l) => [l.parameters.kind, l.status, l.exitCode, l.signal, l.attempts, l.value]);
  equal(pick(), [
    ['code', 'failed', 3, null, 2, 20],
    ['signal', 'failed', null, 'SIGKILL', 2, 20],
    ['second', 'ok', 0, null, 2, 20],
    ['good', 'ok', 0, null, 1, 10],
  ]);
  is(log(0).split('\n').filter((line) => line.startsWith('# ')).length, 2);
  equal(out.trim().split('\n').slice(1).map((row) => row.trim().split(/ {2,}/)[2]), ['ok', 'ok', 'exit 3', 'SIGKILL']);
  // Failures stay, until they are asked for again.
  equal([(await run()).code, lines().length], [1, 4]);
  define({ script: 'good.mjs' });
  is((await run('--retry-failed')).code, 1); // there is no such script
  equal(lines().slice(4).map(({ exitCode }) => exitCode), [1, 1]);
});

test('a trial that takes too long is ended, with all that it has started', async () => {
  const { run, lines, folder, has } = project(
    `import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    const inner = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)']);
    writeFileSync(join(HERE, 'inner'), String(inner.pid));
    setInterval(() => 0, 1000);`,
    { timeout: 4 },
  );
  is((await run()).code, 1);
  equal([lines()[0].status, lines()[0].exitCode, lines()[0].signal], ['timeout', null, 'SIGTERM']);
  await until(() => has('inner') && !isAlive(Number(readFileSync(join(folder, 'inner'), 'utf8'))));
  is((await run('--trial', '0')).code, 124);
});

test('a program that cannot be started is a failure of its own kind', async () => {
  const { run, lines, define } = project('');
  define({ script: undefined, command: ['/nowhere/program'], parameters: { x: [1] } });
  const { code, out } = await run();
  is(code, 1);
  equal([lines()[0].status, lines()[0].exitCode, lines()[0].error], ['failed', null, 'spawn /nowhere/program ENOENT']);
  ok(out.includes('not started'), out);
});

test('as many trials run at once as it says, and no more', async () => {
  const { run, lines } = project(
    `${READ}
    const alive = () => readdirSync(HERE).filter((name) => name.startsWith('alive')).length;
    writeFileSync(join(HERE, 'alive' + p.i), '');
    writeFileSync(join(HERE, 'started' + p.i), '');
    await until(() => existsSync(join(HERE, 'started' + (p.i ^ 1)))); // its neighbour runs too
    const seen = alive();
    rmSync(join(HERE, 'alive' + p.i));
    console.log(JSON.stringify({ loss: seen }));`,
    { parameters: { i: [0, 1, 2, 3, 4, 5] }, timeout: 60 },
  );
  is((await run('--parallel', '2')).code, 0);
  equal(lines().map(({ status }) => status), Array.from({ length: 6 }, () => 'ok'));
  ok(lines().every(({ value }) => value !== null && value >= 1 && value <= 2), JSON.stringify(lines()));
});

/** Trials 0 and 1 end at once, the others when there is a file 'go'. */
const WAITING = `${READ}
writeFileSync(join(HERE, 'pid' + p.i), String(process.pid));
if (p.i > 1) await until(() => existsSync(join(HERE, 'go')));
console.log(JSON.stringify({ loss: p.i }));`;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends the trials that run, and the same command goes on`, async () => {
    const { start, run, lines, folder, has, write } = project(WAITING, { parameters: { i: [0, 1, 2, 3, 4] }, parallel: 2 });
    const { child, done } = start();
    await until(() => has('pid2') && has('pid3') && has('out/results.jsonl') && lines().length === 2);
    const pids = [2, 3].map((i) => Number(readFileSync(join(folder, `pid${i}`), 'utf8')));
    child.kill(signal);
    const { code, err } = await done;
    is(code, signal === 'SIGINT' ? 130 : 143, err);
    equal(pids.map(isAlive), [false, false]);
    equal(lines().map(({ trial }) => trial).sort((a, b) => a - b), [0, 1]);
    ok(new RegExp(`stopped by ${signal} with 3 trials to go`).test(err), err);
    write('go', '');
    is((await run()).code, 0);
    equal(lines().toSorted((a, b) => a.trial - b.trial).map(({ trial, status }) => [trial, status]), [0, 1, 2, 3, 4].map((i) => [i, 'ok']));
  });
}

test('a sweep that was killed goes on, also with a line of the results cut short', async () => {
  const { start, run, lines, out, folder, has, write } = project(WAITING, { parameters: { i: [0, 1, 2, 3] } });
  const { child, done } = start();
  await until(() => has('pid2'));
  child.kill('SIGKILL');
  await done;
  process.kill(Number(readFileSync(join(folder, 'pid2'), 'utf8')), 'SIGKILL'); // nobody was left to end it
  equal(lines().map(({ trial }) => trial), [0, 1]);
  const text = readFileSync(join(out, 'results.jsonl'), 'utf8');
  writeFileSync(join(out, 'results.jsonl'), text.slice(0, -20));
  write('go', '');
  const { code, err } = await run();
  is(code, 0, err);
  ok(/1 of 4 trials are done already/.test(err), err);
  equal(lines().map(({ trial, value }) => [trial, value]), [0, 1, 2, 3].map((i) => [i, i]));
});

test('results of another sweep are refused, more trials are not', async () => {
  const { run, lines, define, out } = project('console.log(JSON.stringify({ loss: 1 }));', { parameters: { x: { uniform: [0, 1] } }, trials: 2 });
  is((await run()).code, 0);
  define({ trials: 3 });
  is((await run()).code, 0);
  is(lines().length, 3);
  define({ seed: 1 });
  const { code, err } = await run();
  is(code, 1);
  ok(/has results of another sweep, got trial 0/.test(err), err);
  define({});
  appendFileSync(join(out, 'results.jsonl'), 'x\ny\n');
  is((await run()).code, 1);
});

test('one trial alone ends with its exit code; its results count beside those of others', async () => {
  const { run, lines } = project(`${READ} console.log(JSON.stringify({ score: p.i })); process.exit(p.i === 2 ? 7 : 0);`, {
    parameters: { i: [0, 1, 2] }, metric: 'score', goal: 'max',
  });
  equal(await Promise.all([0, 1, 2].map(async (k) => (await run('--trial', String(k))).code)), [0, 0, 7]);
  is(lines('results-1.jsonl')[0].value, 1);
  const { code, out } = await run('--report');
  is(code, 0);
  equal(out.trim().split('\n').slice(1).map((row) => row.trim().split(/ {2,}/).slice(0, 3)), [['1', '1', 'ok'], ['0', '0', 'ok'], ['2', '2', 'exit 7']]);
  ok(/trial 1 is done already/.test((await run('--trial', '1')).err));
  is((await run('--trial', '3')).code, 2);
  is((await run()).code, 1); // nothing is left to run, and one has failed
});

test('seeds: configurations are listed by their mean', async () => {
  const { run } = project(`${READ} console.log(JSON.stringify({ loss: p.x * 10 + p.seed }));`, { parameters: { x: [2, 1] }, seeds: [0, 2], parallel: 2 });
  const { out } = await run();
  const [first] = out.split('\n\n');
  equal(first.split('\n').map((row) => row.trim().split(/ {2,}/)), [['configuration', 'mean loss', 'std', 'n', 'x'], ['1', '11', '1.414', '2', '1'], ['0', '21', '1.414', '2', '2']]);
});

test('another program can choose the parameters: trials as lines, results as lines', async () => {
  const { folder, out, lines } = project(`${READ} console.log(JSON.stringify({ loss: p.lr * 2 })); process.exit(p.lr > 1 ? 5 : 0);`);
  const input = ['{"trial": 4, "parameters": {"lr": 0.5}}', 'nonsense', '{"parameters": {"lr": [1]}}', '{"parameters": {"lr": 3}}', ''].join('\n');
  const args = ['sweep', join(folder, 'sweep.json'), '--out', out, '--stdin'];
  const { code, out: answers } = await launch(args, folder, input).done;
  is(code, 1);
  const replies = answers.trim().split('\n').map((line) => JSON.parse(line) as Line);
  equal(replies.filter(({ error, trial }) => trial === undefined && error !== null).map(({ error }) => error), ['not JSON: nonsense', "parameter 'lr' is not a number, a text, a boolean or null"]);
  equal(replies.filter(({ trial }) => trial !== undefined).map(({ trial, value, exitCode }) => [trial, value, exitCode]), [[4, 1, 0], [5, 6, 5]]);
  is(lines().length, 2);
  // What is known is not run again.
  const again = await launch(args, folder, '{"trial": 4, "parameters": {"lr": 0.5}}\n').done;
  equal([again.code, (JSON.parse(again.out) as Line).value, lines().length], [0, 1, 2]);
});

test('a signal ends a sweep that waits for trials, and the one that runs', async () => {
  const { folder, out, has } = project(`${READ} process.on('SIGTERM', () => process.exit(0)); writeFileSync(join(HERE, 'pid'), String(process.pid)); await until(() => false);`);
  const { child, done } = launch(['sweep', join(folder, 'sweep.json'), '--out', out, '--stdin', '--parallel', '2'], folder);
  child.stdin.write('{"parameters": {}}\n');
  await until(() => has('pid'));
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  child.kill('SIGTERM');
  const { code, out: answers } = await done;
  equal([code, answers, isAlive(pid), has('out/results.jsonl')], [143, '', false, false]); // it ended early, though with exit code 0
});

test('any program can be a trial', async () => {
  const { run, lines, define } = project('');
  define({ script: undefined, command: ['/bin/sh', '-c', 'echo "{\\"loss\\": $#}"; exit "$2"', 'sh'], parameters: { x: [0, 3] } });
  is((await run()).code, 1);
  equal(lines().map(({ exitCode, value }) => [exitCode, value]), [[0, 2], [3, 2]]);
});

test('--list prints the trials and runs nothing', async () => {
  const { run, out } = project('', { parameters: { x: [1, 2] } });
  equal((await run('--list')).out.trim().split('\n').map((line) => JSON.parse(line) as object), [
    { trial: 0, configuration: 0, parameters: { x: 1 } },
    { trial: 1, configuration: 1, parameters: { x: 2 } },
  ]);
  is(existsSync(out), false);
});

test('a wrong use is one line and exit code 2', async () => {
  const { run, folder } = project('');
  for (const flags of [['--parallel', '0'], ['--parralel', '2'], ['--list', '--report'], ['--trial', 'x'], ['more.json']]) {
    const { code, err, out } = await run(...flags);
    equal([code, out, err.trim().split('\n').length], [2, '', 1], `${flags.join(' ')}: ${err}`);
  }
  is((await launch(['sweep'], folder).done).code, 2);
  is((await launch(['sweep', 'nowhere.json'], folder).done).code, 2);
  ok(/--parallel N/.test((await launch(['sweep', '--help'], folder).done).out));
});

test.run();

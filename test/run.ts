import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileTests } from './compile.ts';

// npm test [-- word … --slow]: runs each test file in a process of its own, as many at once as there are cores. Words select the
// files whose path contains one of them; --slow lists the files that took longest.

const root = fileURLToPath(new URL('..', import.meta.url));
const loader = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
const LIMIT_MS = 240_000;

/** What a test file did. */
export interface Outcome {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  /** What uvu and the tests printed, and what is wrong with the file itself. */
  readonly output: string;
  readonly ms: number;
}

/** Faults that uvu passes over in silence. */
function faultsOf(source: string): string[] {
  const faults: string[] = [];
  if (/\.only\s*\(/.test(source)) faults.push('keeps an .only');
  if (!/\.run\(\);\s*$/.test(source)) faults.push('does not end with test.run();');
  return faults;
}

const countOf = (label: string, text: string): number => Number(text.match(new RegExp(`^ {2}${label}: +(\\d+)$`, 'm'))?.[1] ?? NaN);

/** Runs one test file to its end, as TypeScript or as the program that was compiled from it. */
export function runFile(file: string, program?: string): Promise<Outcome> {
  const start = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, program === undefined ? ['--import', loader, file] : ['--enable-source-maps', program], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS, env: { ...process.env, FORCE_COLOR: '0' } });
    let text = '';
    const take = (chunk: Buffer): void => {
      text += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('close', (code, signal) => {
      const total = countOf('Total', text);
      const passed = countOf('Passed', text);
      const faults = faultsOf(readFileSync(file, 'utf8'));
      if (signal !== null) faults.push(`was stopped by ${signal}`);
      else if (Number.isNaN(total) || Number.isNaN(passed)) faults.push('ended before its tests did, or never called test.run()');
      else if (total === 0) faults.push('has no tests');
      else if (code !== 0 && passed === total) faults.push(`exited with code ${code}`);
      const output = text.replace(/\n {2}Total: [\s\S]*?Duration: .*\n/, '').trimEnd() + faults.map((f) => `\n   FAULT  the file ${f}`).join('');
      resolve({ file, passed: passed || 0, failed: (total - passed || 0) + faults.length, output, ms: performance.now() - start });
    });
  });
}

/** All test files below a folder. */
export function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.test.ts'))
    .sort()
    .map((f) => join(folder, f));
}

/** Long files first, so that the cores end together. */
const long = ['package.test', 'ops.test', 'examples.test', 'killed.test', 'curve.test', 'start.test', 'resume.test', 'readme.test', 'fuzz.test', 'exportTorch.test'];
const rank = (file: string): number => (long.findIndex((name) => file.includes(name)) + long.length + 1) % (long.length + 1);

async function main(args: readonly string[]): Promise<void> {
  const words = args.filter((a) => !a.startsWith('--'));
  const unknown = args.filter((a) => a.startsWith('--') && a !== '--slow');
  if (unknown.length > 0) throw new Error(`test: unknown option, got ${unknown.join(' ')}; expected --slow or words of file names`);
  const queue = testFiles(join(root, 'test'))
    .filter((f) => words.length === 0 || words.some((w) => relative(root, f).includes(w)))
    .sort((a, b) => rank(a) - rank(b));
  if (queue.length === 0) throw new Error(`test: no test file, got '${words.join(' ')}'; expected a part of a path below test/`);
  const compiled = await compileTests(root, queue);
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const outcome = await runFile(file, compiled.programOf(file));
      outcomes.push(outcome);
      console.log(`${relative(root, file)}\n${outcome.output}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work)).finally(compiled.remove);
  const bad = outcomes.filter((o) => o.failed > 0);
  if (bad.length > 0) console.log(`\nFailed: ${bad.map((o) => relative(root, o.file)).join(', ')}`);
  if (args.includes('--slow')) {
    for (const o of outcomes.toSorted((a, b) => b.ms - a.ms).slice(0, 10)) console.log(`${(o.ms / 1000).toFixed(1).padStart(7)} s  ${relative(root, o.file)}`);
  }
  const sum = (pick: (o: Outcome) => number): number => outcomes.reduce((n, o) => n + pick(o), 0);
  console.log(`\n${sum((o) => o.passed)} passed, ${sum((o) => o.failed)} failed`);
  process.exitCode = bad.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    console.log(`${error instanceof Error ? error.message : String(error)}\n\n0 passed, 1 failed`);
    process.exitCode = 1;
  });
}

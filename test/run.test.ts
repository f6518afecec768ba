import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { is, ok } from './assert.ts';
import { type Outcome, runFile, testFiles } from './run.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'polyak-run-'));
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const run = (name: string, body: string): Promise<Outcome> => {
  const file = join(folder, `${name}.test.mts`);
  writeFileSync(file, `import { test } from 'uvu';\nimport { is } from 'uvu/assert';\n${body}\n`);
  return runFile(file);
};

test('counts what passes and what fails', async () => {
  const good = await run('good', "test('a', () => is(1, 1));\ntest('b', () => is(2, 2));\ntest.run();");
  is(good.passed, 2);
  is(good.failed, 0);
  const bad = await run('bad', "test('a', () => is(1, 1));\ntest('b', () => is(1, 2));\ntest.run();");
  is(bad.passed, 1);
  is(bad.failed, 1);
  ok(bad.output.includes('"b"'));
});

test('a file without test.run() fails', async () => {
  const outcome = await run('forgets', "test('a', () => is(1, 1));");
  ok(outcome.failed > 0);
  ok(/never called test\.run/.test(outcome.output));
});

test('tests below test.run() fail the file', async () => {
  const outcome = await run('below', "test('a', () => is(1, 1));\ntest.run();\ntest('b', () => is(1, 2));");
  ok(outcome.failed > 0);
  ok(/does not end with test\.run/.test(outcome.output));
});

test('a file that keeps an .only fails', async () => {
  const outcome = await run('only', `test.${'only'}('a', () => is(1, 1));\ntest('b', () => is(1, 2));\ntest.run();`);
  ok(outcome.failed > 0);
  ok(/keeps an \.only/.test(outcome.output));
});

test('a file that throws at import fails', async () => {
  const outcome = await run('throws', "throw new Error('at import');\ntest.run();");
  ok(outcome.failed > 0);
  ok(outcome.output.includes('at import'));
});

test('a hook that throws fails its tests', async () => {
  const outcome = await run('hook', "test.before(() => { throw new Error('hook'); });\ntest('a', () => is(1, 1));\ntest.run();");
  ok(outcome.failed > 0);
});

test('a file that exits early or waits forever fails', async () => {
  ok((await run('exits', "test('a', () => process.exit(0));\ntest.run();")).failed > 0);
  ok((await run('waits', "test('a', () => new Promise(() => {}));\ntest.run();")).failed > 0);
});

test('finds files in subfolders', () => {
  ok(testFiles(join(root, 'test')).some((f) => f.endsWith(join('core', 'gradcheck.test.ts'))));
});

test('a word that selects nothing is an error', () => {
  let text = '';
  try {
    execFileSync(process.execPath, ['--import', 'tsx', 'test/run.ts', 'no-such-file'], { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    text = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
  }
  ok(text.endsWith('0 passed, 1 failed\n'), text);
});

test.run();

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { equal, is, ok } from './assert.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(example: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', `examples/${example}.ts`], { cwd: root, encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '0' } });
  is(status, 0, stderr);
  is(stderr, '', 'something was printed as an error');
  return stdout;
}

/** The numbers behind a word, line by line. */
function after(word: string, text: string): number[] {
  const found = [...text.matchAll(new RegExp(`${word}\\s+(-?[\\d.]+)`, 'g'))].map((m) => Number(m[1]));
  ok(found.length > 0, `no '${word}' in\n${text}`);
  return found;
}

const last = (values: readonly number[]): number => values[values.length - 1];

/** What each example must show. */
const shows: Readonly<Record<string, (out: string) => void>> = {
  xor: (out) => {
    const [a, b, c, d] = [...out.split('says')[1].matchAll(/-?\d+\.\d+(?:e-\d+)?/g)].map(Number);
    ok(a < 0.05 && b > 0.95 && c > 0.95 && d < 0.05, out);
  },
  digitsMlp: (out) => ok(last(after('average', out)) > 88, out),
  charTransformer: (out) => {
    const shares = after('right:', out);
    ok(shares.length === 2 && shares.every((s) => s >= 90), out);
    const [[raw, average], [least]] = [after('unseen text', out), after('below', out)];
    ok(least < average && average < raw && raw < 0.4, out);
  },
  lstmEcho: (out) => ok(last(after('right', out)) > 99, out),
  autoencoder: (out) => {
    const [[mean], errors] = [after('for each', out), after('epoch \\d+', out)];
    ok(last(errors) < mean / 2 && last(errors) < errors[0], out);
    const [seen, drawn] = out.split(/\n\n(?:digits|from four numbers each)\n/).slice(1);
    ok(seen.split('\n').length === 8 && /[#%@]/.test(drawn), out);
  },
  diffusion: (out) => {
    const [raw] = after('raw weights', out);
    const widths = after('made afterwards', out);
    ok(widths.length === 5 && Math.min(...widths) < raw && raw < 50, out);
    ok((out.match(/@/g) ?? []).length > 100, 'the spiral is not drawn');
  },
  meanTeacher: (out) => {
    const [alone, taught] = after('average', out);
    ok(taught > alone && taught > 93, out);
  },
  dqn: (out) => {
    is(after('goal in', out)[0], 8);
    is(out.split('\n').filter((line) => /^[↑→↓←█★ ]+$/.test(line)).length, 5);
  },
  customOp: (out) => equal(/learned (.*)/.exec(out)?.[1], /wanted {2}(.*)/.exec(out)?.[1]),
  customAverage: (out) => {
    const [net, average] = [after('of the net', out), after('of its average', out)];
    ok(average.every((v, i) => v < net[i]), out);
  },
  worker: (out) => {
    ok(after('had', out)[0] > 3, out);
    ok(after('gets', out)[0] > 90, out);
  },
  ported: (out) => {
    const [here, there] = out.trim().split('\n\nPyTorch\n');
    is(here.split('\n').length, 7);
    equal(after('loss', here).concat(after('raw', here), after('average', here)).map((v) => v.toFixed(4)), after('loss', there).concat(after('raw', there), after('average', there)).map((v) => v.toFixed(4)));
    ok(after('average', here)[0] < after('raw', here)[0], out);
  },
};

for (const [example, check] of Object.entries(shows)) test(`${example} runs and shows what it is for`, () => check(run(example)));

test('every example is tried, and says how to run it', () => {
  const parts = ['digits', 'demo', 'digitNet', 'digitData']; // npm start (start.test.ts), polyak demo (cli.test.ts), and what several share
  const files = readdirSync(`${root}/examples`).filter((f) => f.endsWith('.ts')).map((f) => f.slice(0, -3));
  equal(files.filter((f) => !parts.includes(f)).sort(), Object.keys(shows).sort());
  for (const name of Object.keys(shows)) ok(readFileSync(`${root}/examples/${name}.ts`, 'utf8').split('\n')[0].endsWith(`node --import tsx examples/${name}.ts`), name);
});

test.run();

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, StateError, SummaryWriter, type SummaryWriterOptions, arange, randn, tensor } from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';
import { dataOf, doublesOf, fieldsOf, framesOf, inner, textOf } from './eventReader.ts';

// What torch.utils.tensorboard wrote: frames in hexadecimal by case and folder.
interface Recorded {
  readonly walltime: number;
  readonly cases: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}
const recorded = JSON.parse(readFileSync(new URL('../../fixtures/events.json', import.meta.url), 'utf8')) as Recorded;
const { walltime } = recorded;

const root = mkdtempSync(join(tmpdir(), 'polyak-events-'));
let folders = 0;
const freshFolder = (): string => join(root, `run${folders++}`);
test.after(() => rmSync(root, { recursive: true, force: true }));

const eventFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.includes('events.out.tfevents.')).map((f) => join(folder, f)).sort();

/** The frames behind the first, by folder. */
function written(fill: (w: SummaryWriter) => void, options: SummaryWriterOptions = {}): Record<string, string[]> {
  const folder = freshFolder();
  const now = Date.now;
  Date.now = () => 1000 * walltime;
  try {
    const writer = new SummaryWriter(folder, options);
    fill(writer);
    writer.close();
  } finally {
    Date.now = now;
  }
  return Object.fromEntries(
    eventFiles(folder).map((file) => [relative(folder, dirname(file)) || '.', framesOf(readFileSync(file)).slice(1).map((frame) => Buffer.from(frame).toString('hex'))]),
  );
}

const values = tensor([-2, -1, -0.5, 0, 0, 0.25, 1, 3, 1024]);
const cases: Readonly<Record<string, readonly [(w: SummaryWriter) => void, SummaryWriterOptions?]>> = {
  scalars: [(w) => [0.5, 0, -1.25, Infinity, 1e-3].forEach((v, step) => w.addScalar('loss/train', v, step))],
  newStyle: [
    (w) => {
      w.addScalar('a', 0.5, 3, { newStyle: true });
      w.addScalar('a', 0.1, 2 ** 40, { newStyle: true, doublePrecision: true });
      w.addScalar('ü', tensor([[1]]), -1);
    },
  ],
  together: [(w) => w.addScalars('run/14h', { raw: 0.25, ema: tensor(0.5) }, 7)],
  histogram: [
    (w) => {
      w.addHistogram('w', values, 2);
      w.addHistogram('one', [5], 0);
    },
  ],
  bins: [
    (w) => {
      w.addHistogram('w', values, 1, { bins: [-1, 0, 1, 2, 4] });
      w.addHistogram('w', arange(8), 2, { bins: 7 });
      w.addHistogram('w', Float64Array.from({ length: 16 }, (_, i) => i), 3, { bins: Array.from({ length: 17 }, (_, i) => i), maxBins: 3 });
    },
  ],
  text: [(w) => w.addText('note', '**x** → y', 4)],
  hparams: [
    (w) => {
      w.addHparams({ lr: 0.5, unused: null }, { 'hparam/loss': 0.25 }, { runName: 'a' });
      w.addHparams({ opt: 'adam' }, { 'hparam/loss': tensor(0.5) }, { runName: 'b', hparamDomainDiscrete: { opt: ['adam', 'sgd'] } });
    },
  ],
  purge: [(w) => w.addScalar('a', 2, 120), { purgeStep: 120 }],
};

test('the recorded cases are all here', () => equal(Object.keys(cases).sort(), Object.keys(recorded.cases).sort()));

for (const [name, [fill, options]] of Object.entries(cases)) {
  test(`${name}: the bytes are those of torch.utils.tensorboard`, () => {
    const ours = written(fill, options);
    equal(Object.keys(ours).sort(), Object.keys(recorded.cases[name]).sort());
    for (const [folder, frames] of Object.entries(recorded.cases[name])) equal(ours[folder], frames, folder);
  });
}

test('the first event says what the file is', () => {
  const folder = freshFolder();
  new SummaryWriter(folder).close();
  const [first, ...rest] = framesOf(readFileSync(eventFiles(folder)[0]));
  is(rest.length, 0);
  const event = fieldsOf(dataOf(first));
  is(textOf(event, 3), 'brain.Event:2');
  ok(Math.abs(Number(event.get(1)?.[0]) - Date.now() / 1000) < 60);
});

test('a histogram counts every value once', () => {
  const x = randn([1000]);
  const { '.': [frame] } = written((w) => w.addHistogram('x', x));
  const histogram = inner(inner(inner(fieldsOf(dataOf(Buffer.from(frame, 'hex'))), 5), 1), 5);
  const [limits, counts] = [doublesOf(histogram, 6), doublesOf(histogram, 7)];
  is(limits.length, counts.length);
  is(counts.reduce((a, b) => a + b), 1000);
  is(counts[0], 0);
  let before = 0;
  for (const [i, limit] of limits.entries()) {
    const below = [...x.data()].filter((v) => v < limit).length;
    is(below - before, counts[i], `bucket ${i}`);
    before = below;
  }
});

test('any tag, number and step comes back', () => {
  const tag = fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !s.includes('\0'));
  fc.assert(
    fc.property(tag, fc.float(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }), (name, value, step, walltime) => {
      const { '.': [frame] } = written((w) => w.addScalar(name, value, step, { walltime }));
      const event = fieldsOf(dataOf(Buffer.from(frame, 'hex')));
      const summary = inner(inner(event, 5), 1);
      equal([textOf(summary, 1), summary.get(2)?.[0], Number(event.get(2)?.[0] ?? 0), event.get(1)?.[0] ?? 0], [name, value, step, walltime]);
    }),
    { numRuns: 100 },
  );
});

test('additions are held back up to maxQueue, flush writes them', () => {
  const folder = freshFolder();
  const writer = new SummaryWriter(folder, { maxQueue: 3 });
  const count = () => framesOf(readFileSync(eventFiles(folder)[0])).length - 1;
  writer.addScalar('a', 1, 0);
  writer.addScalar('a', 1, 1);
  is(count(), 0);
  writer.addScalar('a', 1, 2);
  is(count(), 3);
  writer.addScalar('a', 1, 3);
  writer.flush();
  is(count(), 4);
  writer.close();
  writer.close();
  writer.addScalar('a', 1, 4); // opens a new file
  writer.close();
  is(eventFiles(folder).length, 2);
});

test('what is held back is written when the process ends without close, also by an error', () => {
  const folder = freshFolder();
  const entry = fileURLToPath(new URL('../../../index.ts', import.meta.url));
  const code = `import { SummaryWriter } from ${JSON.stringify(entry)}; new SummaryWriter(${JSON.stringify(folder)}).addScalar('a', 1, 0); process.exit(0);`;
  execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { stdio: 'pipe' });
  is(framesOf(readFileSync(eventFiles(folder)[0])).length, 2);
});

test('bad arguments are refused and write nothing', () => {
  const folder = freshFolder();
  const writer = new SummaryWriter(folder);
  for (const [fn, message] of [
    [() => writer.addScalar('a', tensor([1, 2])), /'a' is not one number, got int64\[2\]|'a' is not one number, got float32\[2\]/],
    [() => writer.addScalar('', 1), /the tag is not a name/],
    [() => writer.addScalar('a', 1, 0.5), /invalid globalStep, got 0.5/],
    [() => writer.addScalar('a', 1, 0, { wallTime: 1 } as never), /did you mean 'walltime'/],
    [() => writer.addScalars('a', { x: 1, y: 'two' as never }), /'y' is not one number/],
    [() => writer.addHistogram('a', []), /there are no values/],
    [() => writer.addHistogram('a', [1, NaN]), /a value is not finite, got NaN at 1/],
    [() => writer.addHistogram('a', [1], 0, { bins: [2, 1] }), /invalid bins/],
    [() => writer.addHistogram('a', [9], 0, { bins: [1, 2] }), /no value lies in a bucket/],
    [() => writer.addHparams({ lr: [1] as never }, {}), /'lr' is not one number/],
    [() => writer.addHparams({ lr: 1 }, {}, { hparamDomainDiscrete: { lr: ['x'] } }), /a domain does not fit/],
  ] as const) throwsError(fn, ArgumentError, message);
  throwsError(() => new SummaryWriter(folder, { maxQueue: -1 }), ArgumentError, /invalid maxQueue/);
  writer.close();
  is(eventFiles(folder).length, 1);
  is(framesOf(readFileSync(eventFiles(folder)[0])).length, 1);
});

test('without Node, or in an old one, it says what it needs', () => {
  const get = process.getBuiltinModule;
  Reflect.set(process, 'getBuiltinModule', undefined);
  try {
    throwsError(() => new SummaryWriter('runs/x'), StateError, /there is no file system here, got Node v.*; expected Node 20\.16 or later/);
  } finally {
    Reflect.set(process, 'getBuiltinModule', get);
  }
});

test('a folder that cannot be made is an error of ours', () => {
  throwsError(() => new SummaryWriter(fileURLToPath(import.meta.url)), StateError, /SummaryWriter: cannot write the file/);
});

// TensorBoard itself, where it is installed.
const python = '/usr/bin/python3';
test('TensorBoard reads the numbers', () => {
  const path = process.env.TENSORBOARD_PATH === undefined ? [] : [process.env.TENSORBOARD_PATH];
  const check = fileURLToPath(new URL('../../fixtures/check_events.py', import.meta.url));
  if (!existsSync(python)) return;
  const folder = freshFolder();
  const writer = new SummaryWriter(folder);
  for (let step = 0; step < 5; step++) writer.addScalar('loss', 1 / (step + 1), step);
  writer.addHistogram('w', values, 2);
  writer.addText('note', 'hello', 1);
  writer.addHparams({ lr: 0.1, nesterov: true, opt: 'sgd' }, { 'hparam/loss': 0.5 }, { runName: 'a' });
  writer.close();
  const out = execFileSync(python, [check, folder, ...path], { encoding: 'utf8' }).trim();
  if (out === 'no tensorboard') {
    is(path.length, 0, out);
    return;
  }
  equal(JSON.parse(out), {
    scalars: [[0, 1], [1, 0.5], [2, Math.fround(1 / 3)], [3, 0.25], [4, Math.fround(0.2)]],
    histogram: { step: 2, min: -2, max: 1024, num: 9, counts: 9 },
    text: 'hello',
    hparams: { lr: 0.1, nesterov: true, opt: 'sgd' },
    metric: 0.5,
  });
});

test.run();

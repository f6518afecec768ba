import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { SIDE, stroke, toImage } from '../examples/playground/bitmap.ts';
import type { DigitFiles } from '../examples/playground/problems.ts';
import { averageOf } from '../examples/playground/nets.ts';
import { COLUMNS, Profile } from '../examples/playground/profile.ts';
import { type Range, type Settings, TICKS, defaults, fieldNames, fields, fromHash, matters, settingsFrom, tickOf, toHash, unfitIn, valueAt } from '../examples/playground/settings.ts';
import { GRID, Trainer } from '../examples/playground/trainer.ts';
import { useGpu } from '../gpu/index.ts';
import { StateError, defaultGenerator, effectiveWeights, packCheckpoint, rand } from '../index.ts';
import { allClose, equal, is, ok, throwsError } from './assert.ts';

// The parts of the playground that need no page; test/browser/playground.ts tries the page.

const bytes = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(new URL(`../examples/data/${name}`, import.meta.url)));
const files: DigitFiles = { images: bytes('digits-images.idx3-ubyte'), labels: bytes('digits-labels.idx1-ubyte') };

test('an address holds the settings that differ, and nothing that does not fit', () => {
  const settings = settingsFrom({ ...defaults, data: 'spirals', lr: 0.0123, batch: 16 });
  is(toHash(settings), 'data=spirals&lr=0.0123&batch=16');
  equal(fromHash(`#${toHash(settings)}`), settings);
  equal(fromHash('#data=__proto__&lr=-1&batch=x&momentum=NaN&seed=1e9&constructor=1&rule='), defaults);
  is(toHash(defaults), '');
  equal(unfitIn('#data=__proto__&lr=0.1&batch=x&constructor=1&rule='), ['data=__proto__', 'batch=x', 'constructor=1', 'rule=']);
  equal(unfitIn(`#${toHash(settings)}`), []);
});

test('the momentum is shown where the rule has one', () => {
  const shown = (rule: Settings['rule']): boolean => matters('momentum', { ...defaults, rule });
  equal((['ema', 'warmup', 'annealing', 'power', 'swa', 'latest'] as const).map(shown), [true, true, true, false, false, false]);
  ok(fieldNames.every((name) => name === 'momentum' || matters(name, { ...defaults, rule: 'swa' })));
});

test('sliders reach both ends and keep the default', () => {
  for (const name of fieldNames) {
    const field: Range | { kind: 'choice' } = fields[name];
    if (field.kind !== 'range') continue;
    is(valueAt(field, 0), field.min, name);
    is(valueAt(field, TICKS), field.max, name);
    ok(Math.abs(valueAt(field, tickOf(field, field.default)) / (field.default || 1) - (field.default === 0 ? 0 : 1)) < 0.03, name);
  }
});

test('every choice of data, net, activation, optimizer and rule trains', async () => {
  for (const name of fieldNames) {
    const field = fields[name];
    if (field.kind !== 'choice' || name === 'speed' || name === 'device') continue;
    for (const option of Object.keys(field.options)) {
      const trainer = new Trainer(settingsFrom({ ...defaults, lr: 0.01, [name]: option }), files);
      for (let i = 0; i < 5; i++) trainer.train();
      const { raw, average } = (await trainer.look()).score;
      ok(Number.isFinite(raw.loss) && Number.isFinite(average.loss) && Number.isFinite(await trainer.settle()), `${name} ${option}`);
      const { weights, width } = trainer.weights();
      ok(width === 1 && weights.length === 5 && Math.abs(weights.reduce((a, b) => a + b, 0) - 1) < 1e-6, `${name} ${option}`);
    }
  }
});

test('the profile has the weights of all steps, however many there are', () => {
  for (const rule of Object.keys(fields.rule.options)) {
    const settings = settingsFrom({ rule, momentum: 0.02 });
    const profile = new Profile((marks) => averageOf(marks, settings));
    const steps = 5 * COLUMNS - 7;
    for (let i = 0; i < steps; i++) profile.add(i);
    const { weights, width } = profile.columns(steps);
    equal([width, weights.length], [8, Math.ceil(steps / 8)], rule);
    const expected = new Float32Array(weights.length);
    effectiveWeights((probe) => averageOf(probe, settings), steps).forEach((w, i) => (expected[Math.floor(i / width)] += w));
    allClose(weights, expected, { rtol: 1e-4, atol: 1e-6 });
  }
});

test('both nets learn the points, and the picture shows what they decide', async () => {
  const trainer = new Trainer(settingsFrom({ data: 'circles' }), null);
  for (let i = 0; i < 600; i++) trainer.train();
  const { score, picture: { average: picture } } = await trainer.look();
  ok(score.raw.accuracy > 0.85 && score.average.accuracy > 0.85, JSON.stringify(score));
  is(picture.length, GRID * GRID);
  ok(picture[(GRID / 2) * GRID + GRID / 2] < 0.5 && picture[0] > 0.5, 'the inner circle is class 0, the corner class 1');
});

const saved = async (trainer: Trainer): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await (await trainer.save()).arrayBuffer());

test('a saved run goes on bit for bit', async () => {
  for (const change of [{}, { data: 'digits', net: 'large', rule: 'swa' }, { optimizer: 'rmsprop', rule: 'latest' }]) {
    const first = new Trainer(settingsFrom({ ...defaults, ...change }), files);
    for (let i = 0; i < COLUMNS + 10; i++) first.train();
    const bytes = await saved(first);
    first.train();
    const last = [await first.look(), first.weights()];
    const second = Trainer.load(bytes, Trainer.settingsIn(bytes), files);
    equal([second.step, second.settings], [COLUMNS + 10, first.settings]);
    second.train();
    equal([await second.look(), second.weights()], last);
  }
});

test('a file that cannot be loaded is refused, and the random numbers go on', async () => {
  const trainer = new Trainer(defaults, null);
  const bytes = await saved(trainer);
  rand([1]);
  const state = defaultGenerator.getState();
  throwsError(() => Trainer.settingsIn(new Uint8Array([1, 2, 3])), StateError, /too early/);
  throwsError(() => Trainer.settingsIn(new Uint8Array(packCheckpoint({ epoch: 3 }))), StateError, /something else/);
  throwsError(() => Trainer.load(bytes, settingsFrom({ net: 'small' }), null), StateError, /differ|size|shape/);
  equal(defaultGenerator.getState(), state);
});

test('a learning rate that is far too high shows in the loss', async () => {
  const trainer = new Trainer(settingsFrom({ net: 'large', optimizer: 'momentum', lr: 10 }), null);
  for (let i = 0; i < 200; i++) trainer.train();
  ok(Number.isNaN(await trainer.settle()) && Number.isNaN((await trainer.look()).score.raw.loss));
});

test('a run on a GPU has the numbers of one on the CPU, and each goes on from the file of the other', async () => {
  await useGpu({ backend: 'webasm' });
  const settings = settingsFrom({ data: 'moons', net: 'small', rule: 'latest', batch: 8 });
  const [here, there] = (['cpu', 'gpu'] as const).map((device) => new Trainer({ ...settings, device }, null));
  const steps = (n: number, ...trainers: readonly Trainer[]): void => {
    for (const trainer of trainers) {
      const state = trainer === here ? null : defaultGenerator.getState();
      for (let i = 0; i < n; i++) trainer.train();
      if (state !== null) defaultGenerator.setState(state);
    }
  };
  const alike = async (a: Trainer, b: Trainer): Promise<void> => {
    const [x, y] = [await a.look(), await b.look()];
    allClose(y.picture.average, x.picture.average, { rtol: 1e-3, atol: 1e-4 });
    allClose(y.score.raw.loss, x.score.raw.loss, { rtol: 1e-3 });
    allClose(await b.settle(), await a.settle(), { rtol: 1e-3 });
  };
  steps(8, there, here);
  is(there.model.parameters()[0].device.name, 'gpu');
  is(there.average.module.parameters()[0].device.name, 'gpu');
  await alike(here, there);
  const [toHere, toThere] = [await saved(there), await saved(here)];
  equal(Trainer.settingsIn(toHere).device, 'gpu');
  const moved = Trainer.load(toHere, { ...settings, device: 'cpu' }, null);
  const back = Trainer.load(toThere, { ...settings, device: 'gpu' }, null);
  const state = defaultGenerator.getState();
  moved.train();
  defaultGenerator.setState(state);
  back.train();
  equal([moved.step, back.step], [9, 9]);
  await alike(moved, back);
});

test('a drawing fills the image, wherever and however small it was drawn', () => {
  is(toImage(new Uint8Array(SIDE * SIDE)), null);
  const draw = (x: number, y: number, size: number): Float32Array => {
    const bits = new Uint8Array(SIDE * SIDE);
    const [width, height] = [size / 2, size];
    stroke(bits, [x, y], [x + width, y]);
    stroke(bits, [x + width, y], [x, y + height]);
    const image = toImage(bits);
    ok(image !== null);
    return image;
  };
  const [large, small] = [draw(8, 3, 25), draw(3, 10, 12)];
  const sum = (image: Float32Array, from: number): number => image.slice(from, from + 8).reduce((a, b) => a + b, 0);
  for (const image of [large, small]) {
    ok(sum(image, 0) > 0 && sum(image, 56) > 0, 'the first and the last row are drawn on');
    ok(Math.max(...image) <= 1);
  }
  ok(large.reduce((n, v, i) => n + Number(v > 0 === small[i] > 0), 0) > 48, 'both look alike');
});

test('a digit that is drawn is classified by both nets', async () => {
  const trainer = new Trainer(settingsFrom({ data: 'digits', lr: 0.003, batch: 32, momentum: 0.02, noise: 0 }), files);
  for (let i = 0; i < 400; i++) trainer.train();
  const bits = new Uint8Array(SIDE * SIDE);
  for (let k = 0; k < 32; k++) {
    const at = (turn: number): [number, number] => [16 + 8 * Math.cos((turn * Math.PI) / 16), 16 + 13 * Math.sin((turn * Math.PI) / 16)];
    stroke(bits, at(k), at(k + 1));
  }
  const image = toImage(bits);
  ok(image !== null);
  const { raw, average } = await trainer.classify(image);
  equal([raw, average].map((p) => p.indexOf(Math.max(...p))), [0, 0]);
  allClose([raw, average].map((p) => p.reduce((a, b) => a + b, 0)), [1, 1], { rtol: 1e-5, atol: 0 });
});

test.run();

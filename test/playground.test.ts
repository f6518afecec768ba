import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { SIDE, stroke, toImage } from '../examples/playground/bitmap.ts';
import type { DigitFiles } from '../examples/playground/problems.ts';
import { type Range, TICKS, defaults, fieldNames, fields, fromHash, settingsFrom, tickOf, toHash, valueAt } from '../examples/playground/settings.ts';
import { GRID, Trainer } from '../examples/playground/trainer.ts';
import { StateError } from '../index.ts';
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

test('every choice of data, net, activation, optimizer and rule trains', () => {
  for (const name of fieldNames) {
    const field = fields[name];
    if (field.kind !== 'choice' || name === 'speed') continue;
    for (const option of Object.keys(field.options)) {
      const trainer = new Trainer(settingsFrom({ ...defaults, lr: 0.01, [name]: option }), files);
      for (let i = 0; i < 5; i++) trainer.train();
      const { raw, average } = trainer.evaluate();
      ok(Number.isFinite(raw.loss) && Number.isFinite(average.loss), `${name} ${option}`);
      const profile = trainer.profile();
      ok(profile.length === 5 && Math.abs(profile.reduce((a, b) => a + b, 0) - 1) < 1e-6, `${name} ${option}`);
    }
  }
});

test('both nets learn the points, and the picture shows what they decide', () => {
  const trainer = new Trainer(settingsFrom({ data: 'circles' }), null);
  for (let i = 0; i < 600; i++) trainer.train();
  const { raw, average } = trainer.evaluate();
  ok(raw.accuracy > 0.85 && average.accuracy > 0.85, JSON.stringify({ raw, average }));
  const { average: picture } = trainer.picture();
  is(picture.length, GRID * GRID);
  ok(picture[(GRID / 2) * GRID + GRID / 2] < 0.5 && picture[0] > 0.5, 'the inner circle is class 0, the corner class 1');
});

test('a saved run goes on bit for bit', () => {
  for (const change of [{}, { data: 'digits', net: 'large', rule: 'swa' }, { optimizer: 'rmsprop', rule: 'latest' }]) {
    const first = new Trainer(settingsFrom({ ...defaults, ...change }), files);
    for (let i = 0; i < 10; i++) first.train();
    const saved = new Uint8Array(first.save());
    first.train();
    const last = first.evaluate();
    const second = Trainer.load(saved, files);
    equal([second.step, second.settings], [10, first.settings]);
    second.train();
    equal(second.evaluate(), last);
  }
  throwsError(() => Trainer.load(new Uint8Array([1, 2, 3]), null), StateError, /expected/);
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

test('a digit that is drawn is classified by both nets', () => {
  const trainer = new Trainer(settingsFrom({ data: 'digits', lr: 0.003, batch: 32, momentum: 0.02, noise: 0 }), files);
  for (let i = 0; i < 400; i++) trainer.train();
  const bits = new Uint8Array(SIDE * SIDE);
  for (let k = 0; k < 32; k++) {
    const at = (turn: number): [number, number] => [16 + 8 * Math.cos((turn * Math.PI) / 16), 16 + 13 * Math.sin((turn * Math.PI) / 16)];
    stroke(bits, at(k), at(k + 1));
  }
  const image = toImage(bits);
  ok(image !== null);
  const { raw, average } = trainer.classify(image);
  equal([raw, average].map((p) => p.indexOf(Math.max(...p))), [0, 0]);
  allClose([raw, average].map((p) => p.reduce((a, b) => a + b, 0)), [1, 1], { rtol: 1e-5, atol: 0 });
});

test.run();

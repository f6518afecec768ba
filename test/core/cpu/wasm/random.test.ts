import { test } from 'uvu';
import { zeros } from '../../../../index.ts';
import { setFast } from '../../../../core/cpu/engine.ts';
import { fillNormal } from '../../../../core/cpu/normal.ts';
import { fillBernoulli, fillUniform } from '../../../../core/cpu/random.ts';
import { Generator } from '../../../../core/random.ts';
import type { TypedArray } from '../../../../core/dtype.ts';
import { equal, ok } from '../../../assert.ts';

const sizes = [2048, 2049, 2063, 4096, 5000, 12_345, 70_000];

/** Runs a fill with and without kernels, from several places of the generator, and compares bits, and the numbers drawn next. */
function same(make: (n: number) => TypedArray, fill: (cells: TypedArray, at: number, n: number, generator: Generator) => void): void {
  for (const n of sizes) {
    for (const before of [0, 1, 2, 3, 5, 226, 227, 228, 395, 621, 622, 623, 624]) {
      if (n > 5000 && before > 3) continue;
      const [a, b] = [new Generator(n), new Generator(n)];
      for (const g of [a, b]) for (let i = 0; i < before; i++) g.random();
      const [x, y] = [make(n + 7), make(n + 7)];
      fill(x, 3, n, a);
      const was = setFast(false);
      fill(y, 3, n, b);
      setFast(was);
      ok(Buffer.compare(Buffer.from(x.buffer), Buffer.from(y.buffer)) === 0, `${n} elements after ${before} draws`);
      equal(a.getState(), b.getState());
    }
  }
}

const floats = (n: number): TypedArray => new Float32Array(n);

test('uniform', () => {
  same(floats, (cells, at, n, g) => fillUniform(cells, at, n, g, 0, 1));
  same(floats, (cells, at, n, g) => fillUniform(cells, at, n, g, -0.3, 1e-3));
});

test('bernoulli', () => {
  for (const p of [0.9, 0.5, 1e-4, 0, 1]) same(floats, (cells, at, n, g) => fillBernoulli(cells, at, n, g, p));
});

test('normal', () => {
  same(floats, (cells, at, n, g) => fillNormal(cells, at, n, g, 0, 1));
  same(floats, (cells, at, n, g) => fillNormal(cells, at, n, g, 0.1, 0.02));
});

test('normal: many', () => {
  const n = 1 << 20;
  const [x, y] = [new Float32Array(n), new Float32Array(n)];
  fillNormal(x, 0, n, new Generator(99), 0, 1);
  const was = setFast(false);
  fillNormal(y, 0, n, new Generator(99), 0, 1);
  setFast(was);
  ok(Buffer.compare(Buffer.from(x.buffer), Buffer.from(y.buffer)) === 0);
});

test('tensors are filled where they lie, also when the memory grows meanwhile', () => {
  const n = 100_003;
  const tensors = Array.from({ length: 60 }, () => zeros([n]).normal_(0, 1, { generator: new Generator(3) }));
  const was = setFast(false);
  const expected = zeros([n]).normal_(0, 1, { generator: new Generator(3) }).data();
  setFast(was);
  for (const x of tensors) equal(x.data(), expected);
  const wide = zeros([n, 2]).t().uniform_(0, 1, { generator: new Generator(4) });
  setFast(false);
  const slow = zeros([n, 2]).t().uniform_(0, 1, { generator: new Generator(4) });
  setFast(was);
  equal(wide.data(), slow.data());
});

test.run();

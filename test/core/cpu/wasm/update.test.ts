import { test } from 'uvu';
import { setFast } from '../../../../core/cpu/engine.ts';
import { allocate } from '../../../../core/cpu/memory/heap.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { entryBytes, isExactBody, updateListKernel } from '../../../../core/cpu/wasm/update.ts';
import { e } from '../../../../core/expr.ts';
import { type UpdateRule, allUpdateRules, applyUpdate, updateRule } from '../../../../core/ops/update.ts';
import { type Tensor, setNumThreads, tensor } from '../../../../index.ts';
import '../../../../optim/index.ts';
import { equal, is, ok } from '../../../assert.ts';

let seed = 7;
const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) | 0) / 2 ** 31;
const odd = [0, -0, 1, NaN, Infinity, -Infinity, 1e-45, -1e-40, 1e-30, 3e38, 1e-20];
const value = (i: number): number => (i % 5 === 2 ? odd[Math.floor(i / 5) % odd.length] : Math.fround(random() * 2));

const make = (n: number): Tensor => tensor(Array.from({ length: n }, (_, i) => value(i)), { dtype: 'float32' });
const bitsOf = (x: Tensor): number[] => [...new Int32Array(new Float32Array(x.data()).buffer)].map((b) => ((b & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : b));

/** Runs a rule fast and by the reference on copies of the same lists, and compares all bits. */
function agree(rule: UpdateRule, targets: readonly (readonly Tensor[])[], scalars: readonly number[]): void {
  const slow = targets.map((column) => column.map((x) => x.clone()));
  applyUpdate(rule, targets, scalars);
  const before = setFast(false);
  try {
    applyUpdate(rule, slow, scalars);
  } finally {
    setFast(before);
  }
  targets.forEach((column, c) => column.forEach((x, k) => equal(bitsOf(x), bitsOf(slow[c][k]), `${rule.name}: ${rule.columns[c]} of target ${k}`)));
}

const lists = [[1], [3, 4, 5], [7, 8, 9, 0, 16], [33, 1, 64, 2, 31, 1000]];

/** Settings with and without the terms that scalars switch on and off. */
const settings: Readonly<Record<string, readonly (readonly number[])[]>> = {
  sgd: [[0.1, 1, 0], [0.1, -1, 0.01]],
  sgdMomentum: [[0.1, 1, 0, 0.9, 1, 0, 1, 0], [0.1, 1, 0.01, 0.9, 0.5, 1, 0, 1e-30]],
  adam: [[1, 0, 1, 0.9, 0.1, 0.999, 0.001, 1e-3, 1e-8, 0], [-1, 0.01, 0.999, 0.9, 0.1, 0.999, 0.001, 0.1, 1e-8, 1e-30]],
  adamAmsgrad: [[1, 0, 1, 0.9, 0.1, 0.999, 0.001, 1e-3, 1e-8, 0], [1, 0.01, 1, 0.5, 0.5, 0.99, 0.01, 1e-3, 0, 1e-30]],
};

test('every optimizer rule agrees with the reference to the bit, step after step', () => {
  for (const [name, scalars] of Object.entries(settings)) {
    const rule = allUpdateRules().get(name);
    ok(rule !== undefined && isExactBody(rule.body), name);
    for (const lengths of lists) {
      const targets = rule.columns.map(() => lengths.map(make));
      for (const s of scalars) for (let step = 0; step < 3; step++) agree(rule, targets, s);
    }
  }
});

const mixed = updateRule({
  name: 'testMixed',
  columns: ['a', 'b', 'c'],
  scalars: ['s', 't'],
  body: ([a, b, c], [s, t]) => [
    e.select(e.and(e.gt(a, b), s), e.max(e.sqrt(e.abs(a)), c), e.div(e.sub(1, b), t)),
    null,
    e.add(e.mul(e.lt(a, 0), c), e.min(a, e.neg(e.floor(b)))),
  ],
});

test('all functions that rules may use, and columns that are read only', () => {
  for (const lengths of lists) agree(mixed, mixed.columns.map(() => lengths.map(make)), [1, 0.3]);
});

test('subnormal values stay as they are unless the rule drops them', () => {
  const rule = allUpdateRules().get('adam');
  ok(rule !== undefined);
  const tiny = (): Tensor => tensor(Array.from({ length: 19 }, () => random() * 1e-38), { dtype: 'float32' });
  for (const s of settings.adam) agree(rule, [[tiny()], [tiny()], [tiny()], [tiny()]], s);
});

test('targets in other layouts are done too', () => {
  const targets = mixed.columns.map((_, c) => [make(12), make(12).reshape([3, 4]).t(), make(20).narrow(0, 3, 12), make(24).reshape([12, 2]).select(1, c % 2), make(5)]);
  agree(mixed, targets, [1, 0.5]);
  const doubles = mixed.columns.map(() => [make(6), make(6).to('float64')]);
  applyUpdate(mixed, doubles, [0, 2]);
  ok(Math.abs(Number(doubles[0][1].at(0).item()) - (1 - Number(doubles[1][1].at(0).item())) / 2) < 1e-12);
});

test('a range of the elements gives the same bits as all of them, and leaves the others alone', () => {
  const kernel = updateListKernel(mixed.body, 2);
  const lengths = [5, 1, 0, 40, 17, 3, 8];
  const total = lengths.reduce((a, b) => a + b, 0);
  const run = (ranges: readonly (readonly [number, number])[]): number[] => {
    seed = 5;
    const scalars = allocate(8);
    const table = allocate(entryBytes(3) * lengths.length);
    const data = allocate(4 * 3 * (total + 1));
    heap.f32.set([1, 0.3], scalars >> 2);
    heap.f32.set(Array.from({ length: 3 * total + 1 }, (_, i) => value(i)), data >> 2);
    let first = 0;
    lengths.forEach((n, k) => {
      heap.i32.set([n, ...[0, 1, 2].map((c) => data + 4 * (c * total + first))], (table >> 2) + 4 * k);
      first += n;
    });
    for (const [skip, count] of ranges) kernel.run(scalars, table, skip, count);
    return [...heap.i32.subarray(data >> 2, (data >> 2) + 3 * total + 1)];
  };
  const whole = run([[0, total]]);
  equal(run([[0, 8], [8, 24], [32, total - 32]]), whole);
  equal(run([[40, total - 40], [0, 40]]), whole);
  const untouched = run([]);
  const part = run([[6, 20]]);
  for (let i = 0; i < total; i++) is(part[i] === (i >= 6 && i < 26 ? whole[i] : untouched[i]), true, `element ${i}`);
  is(whole[3 * total], untouched[3 * total]);
});

test('long lists on two threads give the same bits', () => {
  const rule = allUpdateRules().get('adam');
  ok(rule !== undefined);
  const lengths = [70_001, 3, 90_000];
  const one = rule.columns.map(() => lengths.map(make));
  const two = one.map((column) => column.map((t) => t.clone()));
  applyUpdate(rule, one, settings.adam[1]);
  setNumThreads(2);
  applyUpdate(rule, two, settings.adam[1]);
  setNumThreads(1);
  one.forEach((column, c) => column.forEach((t, k) => equal(bitsOf(t), bitsOf(two[c][k]))));
});

test('formulas that floats would round otherwise are left to the reference', () => {
  ok(!isExactBody([e.mul({ fn: 'arg', args: [], value: 0 }, 0.1)]));
  ok(!isExactBody([e.exp({ fn: 'arg', args: [], value: 0 })]));
  ok(isExactBody([e.mul({ fn: 'arg', args: [], value: 0 }, 0.5), null]));
});

test.run();

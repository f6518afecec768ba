import * as fc from 'fast-check';
import { test } from 'uvu';
import { type Axis, SymbolicSize, gridOf, sameSize, sizeOf } from '../../../core/trace/sizes.ts';
import { equal, is, ok } from '../../assert.ts';

const batch: Axis = { name: 'batch', low: 2, high: 3, check: 5 };
const time: Axis = { name: 'time', low: 6, high: 5, check: 4 };

test('sums and products of axes are found from what was seen', () => {
  equal(gridOf([batch, time]), [[2, 6], [3, 6], [2, 5], [3, 5], [5, 4]]);
  const seen = (f: (b: number, t: number) => number): string => String(sizeOf([batch, time], gridOf([batch, time]).map(([b, t]) => f(b, t))));
  equal([seen((b) => b), seen((b, t) => b * t), seen((b, t) => 3 * b * t + 2 * t - 1), seen(() => 7), seen((b) => b * b), seen((_, t) => Math.floor(t / 2))], ['batch', 'batch*time', '3*batch*time+2*time-1', '7', '?', '?']);
});

test('any polynomial with an exponent of 1 per axis is found', () => {
  const factor = fc.integer({ min: -4, max: 9 });
  fc.assert(fc.property(factor, factor, factor, factor, (a, b, c, d) => {
    const f = (x: number, y: number): number => a + b * x + c * y + d * x * y;
    const size = sizeOf([batch, time], gridOf([batch, time]).map(([x, y]) => f(x, y)));
    const value = (x: number, y: number): number => (typeof size === 'number' ? size : (size.terms ?? []).reduce((sum, { axes, factor: k }) => sum + axes.reduce((p, name) => p * (name === 'batch' ? x : y), k), 0));
    ok(typeof size === 'number' || size.terms !== null);
    for (const [x, y] of [[7, 11], [1, 1], [100, 3]]) is(value(x, y), f(x, y));
  }));
});

test('sizes are the same where they were in every trace', () => {
  const a = new SymbolicSize(null, [2, 3]);
  equal([sameSize(a, new SymbolicSize(null, [2, 3])), sameSize(a, new SymbolicSize(null, [2, 4])), sameSize(a, 2), sameSize(2, 2)], [true, false, false, true]);
  equal([a.axis, (sizeOf([batch], [2, 3, 5]) as SymbolicSize).axis, (sizeOf([batch], [4, 6, 10]) as SymbolicSize).axis], [null, 'batch', null]);
});

test.run();

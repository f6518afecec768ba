import { test } from 'uvu';
import { compile } from '../../core/cpu/codegen.ts';
import { address, coordinates, joined, namesOf, numbersOf, walkOf } from '../../gpu/layout.ts';
import { ones, zeros } from '../../index.ts';
import { equal, is } from '../assert.ts';

test('dimensions that all operands step through evenly are one', () => {
  const { sizes, strides, offsets } = walkOf([2, 3, 4], [zeros([2, 3, 4]), zeros([4]), ones([3, 1])]);
  equal(sizes, [2, 3, 4]);
  equal(strides, [[12, 4, 1], [0, 0, 1], [0, 1, 0]]);
  equal(offsets, [0, 0, 0]);
  equal(walkOf([2, 3, 4], [zeros([2, 3, 4]), zeros([])]), { sizes: [24], strides: [[1], [0]], offsets: [0, 0] });
  equal(walkOf([2, 3], [zeros([4, 3]).narrow(0, 1, 2)]), { sizes: [6], strides: [[1]], offsets: [3] });
  equal(walkOf([], [zeros([])]).sizes, []);
  equal(joined([3, 1, 2], [[1, 9, 3]], [5]), { sizes: [3, 2], strides: [[1, 3]], offsets: [5] });
});

test('texts and numbers name the same parameters', () => {
  const walk = joined([2, 3, 4], [[1, 2, 6], [0, 4, 1]], [7, 0]);
  equal(namesOf(3, ['x', 'y']), ['n1', 'n2', 'xo', 'xs0', 'xs1', 'xs2', 'yo', 'ys0', 'ys1', 'ys2']);
  equal(numbersOf(walk), [3, 4, 7, 1, 2, 6, 0, 0, 4, 1]);
  is(address(1, 'x'), 'xo + this.thread.x * xs0');
  is(address(0, 'x'), 'xo');
  is(coordinates(1), '');
});

test('the texts find every element', () => {
  const shape = [2, 3, 4];
  const walk = joined(shape, [[1, 2, 6]], [7]);
  // The text is JavaScript too.
  const run = compile<(...args: number[]) => number>(['i', ...namesOf(3, ['x'])], `const idiv = (a, n) => Math.floor(a / n); ${coordinates(3, 'i')} return ${address(3, 'x', 'i')};`, () => () => NaN);
  for (let i = 0; i < 24; i++) {
    const [a, b, c] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4];
    is(run(i, ...numbersOf(walk)), 7 + a + 2 * b + 6 * c);
  }
});

test.run();

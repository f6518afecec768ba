import fc from 'fast-check';
import { test } from 'uvu';
import {
  broadcastShapes, broadcastStrides, checkShape, inferShape, isContiguous, normalizeDim, normalizeDims, numelOf, reducedShape, sameShape, stridesOf,
} from '../../core/shape.ts';
import { ArgumentError, ShapeError, ones, zeros } from '../../index.ts';
import { equal, is, throwsError } from '../assert.ts';

test('numel and strides', () => {
  is(numelOf([]), 1);
  is(numelOf([2, 0, 3]), 0);
  is(numelOf([2, 3]), 6);
  equal(stridesOf([2, 3, 4]), [12, 4, 1]);
  equal(stridesOf([]), []);
  equal(stridesOf([2, 0, 3]), [3, 3, 1]);
});

test('isContiguous ignores dimensions of size 1', () => {
  is(isContiguous([2, 3], [3, 1]), true);
  is(isContiguous([2, 3], [1, 2]), false);
  is(isContiguous([1, 3], [99, 1]), true);
  is(isContiguous([0, 3], [7, 7]), true);
  is(isContiguous([], []), true);
});

test('sameShape', () => {
  is(sameShape([1, 2], [1, 2]), true);
  is(sameShape([1, 2], [2, 1]), false);
  is(sameShape([1], [1, 1]), false);
});

test('shapes are arrays of whole numbers from 0', () => {
  checkShape('op', [0, 2]);
  for (const bad of [[-1], [1.5], [NaN], ['2'], 3, null, undefined, [2, undefined]]) throwsError(() => checkShape('op', bad), ShapeError, /not a shape/);
  throwsError(() => Reflect.apply(zeros, undefined, [3]), ShapeError, /hint: shapes are arrays: \[3\]/);
});

test('broadcasting', () => {
  equal(broadcastShapes('op', [2, 1, 3], [4, 1]), [2, 4, 3]);
  equal(broadcastShapes('op', [], [2, 3]), [2, 3]);
  equal(broadcastShapes('op', [0], [1]), [0]);
  throwsError(() => broadcastShapes('add', [2, 3], [2, 4]), ShapeError, /^add: shapes do not broadcast, got \[2, 3\] and \[2, 4\]; expected equal sizes or 1 at dimension -1$/);
  throwsError(() => broadcastShapes('add', [0], [2]), ShapeError, /do not broadcast/);
  equal(broadcastStrides([3, 1], [1, 1], [2, 3, 4]), [0, 1, 0]);
});

test('property: broadcasting is symmetric and its result broadcasts with both', () => {
  const size = fc.constantFrom(1, 1, 2, 3);
  fc.assert(
    fc.property(fc.array(size, { maxLength: 4 }), fc.array(size, { maxLength: 4 }), (a, b) => {
      let both: readonly number[];
      try {
        both = broadcastShapes('op', a, b);
      } catch {
        throwsError(() => broadcastShapes('op', b, a), ShapeError, /broadcast/);
        return;
      }
      equal([...broadcastShapes('op', b, a)], [...both]);
      equal([...broadcastShapes('op', both, a)], [...both]);
      equal([...ones(a).add(ones(b)).shape], [...both]);
    }),
  );
});

test('dimensions count from either end', () => {
  is(normalizeDim('op', -1, 3), 2);
  is(normalizeDim('op', 0, 0), 0);
  is(normalizeDim('op', -1, 0), 0);
  throwsError(() => normalizeDim('op', 3, 3), ShapeError, /dimension out of range, got 3; expected -3 to 2/);
  throwsError(() => normalizeDim('op', 1, 0), ShapeError, /expected -1 to 0/);
  throwsError(() => normalizeDim('op', 0.5, 3), ArgumentError, /not an integer/);
  throwsError(() => normalizeDim('op', NaN, 3), ArgumentError, /not an integer/);
  throwsError(() => Reflect.apply(normalizeDim, undefined, ['op', '1', 3]), ArgumentError, /got '1'/);
});

test('lists of dimensions', () => {
  equal(normalizeDims('op', undefined, 3), [0, 1, 2]);
  equal(normalizeDims('op', null, 2), [0, 1]);
  equal(normalizeDims('op', [], 2), [0, 1]);
  equal(normalizeDims('op', [-1, 0], 3), [0, 2]);
  equal(normalizeDims('op', 0, 0), []);
  throwsError(() => normalizeDims('op', [0, -3], 3), ShapeError, /twice|repeat/);
});

test('reducedShape', () => {
  equal(reducedShape([2, 3, 4], [0, 2], false), [3]);
  equal(reducedShape([2, 3, 4], [0, 2], true), [1, 3, 1]);
});

test('inferShape', () => {
  equal(inferShape('op', [2, -1], 6), [2, 3]);
  equal(inferShape('op', [0, 3], 0), [0, 3]);
  equal(inferShape('op', [-1, 3], 0), [0, 3]);
  equal(inferShape('op', [], 1), []);
  throwsError(() => inferShape('op', [4, -1], 6), ShapeError, /do not match 6 elements/);
  throwsError(() => inferShape('op', [2, 2], 6), ShapeError, /product of 6/);
  throwsError(() => inferShape('op', [-1, -1], 6), ShapeError, /more than one -1/);
  throwsError(() => inferShape('op', [0, -1], 0), ShapeError, /ambiguous/);
  throwsError(() => inferShape('op', [-2, 3], 6), ShapeError, /not a shape/);
});

test.run();

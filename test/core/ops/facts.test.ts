import { test } from 'uvu';
import { ArgumentError, ShapeError, isFloatingPoint, isNonzero, isSigned, numel, tensor, zeros } from '../../../index.ts';
import { equal, throwsError } from '../../assert.ts';

test('functions say what the methods say', () => {
  equal([zeros([2, 3]), zeros([]), zeros([0, 4])].map(numel), [6, 1, 0]);
  equal((['float32', 'float64', 'int64', 'bool'] as const).map((dtype) => isFloatingPoint(zeros([1], { dtype }))), [true, true, false, false]);
  equal((['float32', 'int32', 'uint8', 'bool'] as const).map((dtype) => isSigned(zeros([1], { dtype }))), [true, true, false, false]);
  equal([tensor([[2]]), tensor(0), tensor([true])].map(isNonzero), [true, false, true]);
});

test('bad arguments are refused', () => {
  throwsError(() => isNonzero(zeros([2])), ShapeError, /isNonzero: not a single element/);
  throwsError(() => numel([1] as never), ArgumentError, /numel: input is not a tensor/);
});

test.run();

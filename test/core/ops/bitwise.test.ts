import { test } from 'uvu';
import { DTypeError, bitwiseAnd, bitwiseNot, bitwiseOr, bitwiseXor, tensor } from '../../../index.ts';
import { allClose, is, ok, throwsError } from '../../assert.ts';

test('bits of integers', () => {
  const y = tensor([10, 7], { dtype: 'int64' });
  allClose(bitwiseAnd(tensor([12, -1], { dtype: 'int64' }), y), [8, 7]);
  allClose(bitwiseOr(tensor([12, -8], { dtype: 'int64' }), y), [14, -1]);
  allClose(bitwiseXor(tensor([12, -1], { dtype: 'int64' }), y), [6, -8]);
  allClose(bitwiseNot(tensor([0, 1, -5], { dtype: 'int64' })), [-1, -2, 4]);
  allClose(bitwiseNot(tensor([0, 255, 5], { dtype: 'uint8' })), [255, 0, 250]);
});

test('of bools they are the logical operations', () => {
  const [x, y] = [tensor([true, true, false]), tensor([true, false, false])];
  allClose(bitwiseXor(x, y), [0, 1, 0]);
  allClose(bitwiseNot(x), [0, 0, 1]);
  is(bitwiseAnd(x, y).dtype, 'bool');
  is(bitwiseOr(x, tensor([4, 4, 4], { dtype: 'int32' })).dtype, 'int32');
});

test('in place, and not for floats', () => {
  const x = tensor([6, 3], { dtype: 'int32' });
  ok(x.bitwiseAnd_(2) === x);
  allClose(x.bitwiseNot_(), [-3, -3]);
  throwsError(() => bitwiseAnd(tensor([1]), tensor([1])), DTypeError, /bitwiseAnd: floats have no bits to combine, got float32/);
  throwsError(() => x.bitwiseOr(0.5), DTypeError, /bitwiseOr: floats/);
});

test.run();

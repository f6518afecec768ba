import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, add, grad, maximum, pow, sub, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const double = (data: readonly number[]): Tensor => tensor([...data], { dtype: 'float64', requiresGrad: true });

test('a factor of alpha, which is whole for integers', () => {
  const n = tensor([1, 2], { dtype: 'int64' });
  allClose(add(tensor([1, 2]), tensor([10, 20]), { alpha: 0.5 }), [6, 12]);
  allClose(sub(n, n, { alpha: 3 }), [-2, -4]);
  for (const alpha of [0.1, 0.2, 0.3]) allClose(add(tensor([1]), tensor([1]), { alpha }), [1 + alpha]);
  throwsError(() => add(n, n, { alpha: 0.5 }), DTypeError, /add: alpha has a fraction, got 0.5 for int64/);
  throwsError(() => add(n, n, { beta: 1 } as never), ArgumentError, /add: unknown option/);
  const x = double([1, 2]);
  const y = double([3, 4]);
  allClose(grad(sub(x, y, { alpha: 2 }).sum(), y)[0], [-2, -2]);
});

test('pow: 0 and NaN as IEEE 754 has them, gradients at 0', () => {
  allClose(pow(tensor([0, -8, 2, 1]), tensor([0, 1 / 3, -1, NaN])), [1, NaN, 0.5, 1]);
  const [x, y] = [double([0, 0, 2]), double([0, 2, 3])];
  const [gx, gy] = grad(pow(x, y).sum(), [x, y]);
  allClose(gx, [0, 0, 12]);
  allClose(gy, [0, 0, 5.545177444479562]);
});

test('maximum: NaN wins, ties share', () => {
  const [x, y] = [double([1, 2, NaN]), double([1, 3, 0])];
  allClose(maximum(x, y), [1, 3, NaN]);
  const [gx, gy] = grad(maximum(x, y).sum(), [x, y]);
  allClose(gx, [0.5, 0, 1]);
  allClose(gy, [0.5, 1, 1]);
});

test('rounding to even, sign of NaN, gradients at kinks', () => {
  allClose(tensor([0.5, 1.5, 2.5, -0.5, -1.5]).round(), [0, 2, 2, 0, -2]);
  allClose(tensor([NaN, -0, 3, -Infinity]).sign(), [0, 0, 1, -1]);
  const x = double([0]);
  allClose(grad(x.abs().sum(), x)[0], [0]);
  allClose(grad(x.sqrt().sum(), x)[0], [Infinity]);
});

test('dtypes: integers stay, functions of them are float32, int64 has a range', () => {
  is(tensor([1, 2], { dtype: 'int32' }).mul(2).dtype, 'int32');
  is(tensor([1, 2], { dtype: 'int32' }).exp().dtype, 'float32');
  is(tensor([1, 2], { dtype: 'int32' }).mul(0.5).dtype, 'float32');
  is(tensor([1, 2]).mul(tensor(2, { dtype: 'float64' })).dtype, 'float32');
  throwsError(() => tensor([2 ** 30], { dtype: 'int64' }).mul(4), DTypeError, /does not fit int64/);
  throwsError(() => tensor([true]).neg(), DTypeError, /neg: not defined for bool/);
});

test('broadcast, strides and nothing', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  allClose(x.t().add(tensor([10, 20])), [[11, 24], [12, 25], [13, 26]]);
  equal(zeros([0, 3]).add(zeros([1, 3])).shape, [0, 3]);
  throwsError(() => x.add(zeros([2])), ShapeError, /add: shapes do not broadcast, got \[2, 3\] and \[2\]/);
  throwsError(() => x.add('1' as never), ArgumentError, /add: other is not a tensor or number/);
});

test('powers of bytes wrap round as PyTorch\'s, also where a double would be rounded', () => {
  const x = tensor([2, 3, 5, 7, 10, 255, 251, 13], { dtype: 'uint8' });
  const recorded: readonly (readonly [number, number[]])[] = [
    [7, [128, 139, 45, 247, 128, 255, 211, 101]],
    [23, [0, 75, 237, 119, 0, 255, 19, 165]],
    [63, [0, 171, 205, 183, 0, 255, 51, 197]],
    [100, [0, 209, 241, 97, 0, 1, 241, 17]],
  ];
  for (const [y, expected] of recorded) {
    equal(x.pow(y).array(), expected);
    equal(x.pow(tensor(y, { dtype: 'uint8' })).array(), expected);
    equal(x.clone().pow_(y).array(), expected);
  }
  equal(pow(3, x).array(), [9, 27, 243, 139, 169, 171, 59, 211]);
  equal(x.pow(x).array(), [4, 27, 53, 247, 0, 255, 227, 253]);
  equal(x.pow(0).array(), x.mul(0).add(1).array());
  throwsError(() => x.pow(256), DTypeError, /does not fit uint8/);
});

test.run();

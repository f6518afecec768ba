import { test } from 'uvu';
import { DTypeError, F, arange, clamp, conv3d, convTranspose3d, grad, histogram, interpolate, linspace, logspace, ones, repeatInterleave, tensor, trapezoid, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

// Corners of operations where PyTorch's answer is not the obvious one; the numbers are PyTorch's.

const bytes = (...data: number[]) => tensor(data, { dtype: 'uint8' });
const flags = tensor([true, false]);

test('a boolean beside bool stays one', () => {
  for (const y of [flags.add(true), flags.mul(true), flags.bitwiseXor(true), flags.maximum(true)]) is(y.dtype, 'bool');
  equal(flags.add(true).array(), [true, true]);
  equal(flags.clone().bitwiseAnd_(true).array(), [true, false]);
  is(flags.add(1).dtype, 'int64');
  is(tensor([1.5]).add(true).item(), 2.5);
  throwsError(() => tensor([1.5]).sub(true), DTypeError, /sub: bools have no difference, got true/);
  throwsError(() => flags.pow(true), DTypeError, /pow: bools have no power/);
});

test('a number beside uint8 wraps round', () => {
  equal(bytes(200, 3).gt(-3).array(), [false, false]); // -3 is 253
  equal(bytes(200, 3).remainder(-3).array(), [200, 3]);
  equal(bytes(200, 3).clampMin(-2).array(), [254, 254]);
  allClose(bytes(200, 3).div(-2), [-100, -1.5]); // floats come out
  throwsError(() => bytes(1).add(300), DTypeError, /add: other does not fit uint8, got 300; expected -255 to 255/);
});

test('NaN gets no gradient from clamp', () => {
  const x = tensor([NaN, 0.5, 2], { dtype: 'float64', requiresGrad: true });
  allClose(grad(clamp(x, 0, 1).sum(), x)[0], [0, 1, 0]);
});

test('ranges of integers have whole bounds', () => {
  equal(arange(1, 2.5, { dtype: 'int64' }).array(), [1]);
  equal(arange(1, 2.5, { dtype: 'int32' }).array(), [1, 2]);
  equal(arange(0, 5, { step: 2 }).array(), [0, 2, 4]);
  equal(arange({ end: 3 }).array(), [0, 1, 2]);
  throwsError(() => arange(0, 1, 0.1, { dtype: 'int64' }), Error, /arange: the step leads away from the end/);
  equal(linspace(4.3, -3, 8, { dtype: 'int64' }).array(), [4, 3, 2, 1, 0, -1, -2, -3]);
  equal(logspace(2.3, 0, 2, { dtype: 'int64' }).array(), [100, 1]);
});

test('a tensor of repeats alone repeats its places', () => {
  equal(repeatInterleave(tensor([1, 0, 2], { dtype: 'int64' })).array(), [0, 2, 2]);
});

test('a single point lies in the middle of a histogram', () => {
  allClose(histogram(tensor([1, 1]), 2).binEdges, [0.5, 1, 1.5]);
});

test('volumes without examples keep their size', () => {
  equal([...conv3d(zeros([0, 1, 4, 4, 4]), ones([2, 1, 2, 2, 2])).shape], [0, 2, 3, 3, 3]);
  equal([...convTranspose3d(zeros([0, 1, 4, 4, 4]), ones([1, 2, 2, 2, 2])).shape], [0, 2, 5, 5, 5]);
});

test('integrals of integers are floats', () => {
  const y = trapezoid(tensor([1, 2, 3], { dtype: 'int64' }), { dx: 2 });
  is(y.dtype, 'float32');
  allClose(y, 8);
});

test('arguments behind the options are refused', () => {
  throwsError(() => (interpolate as (...args: unknown[]) => unknown)(ones([1, 1, 4]), 8, null, 'linear'), Error, /interpolate: too many arguments/);
});

test('a target of the Gaussian loss broadcasts', () => {
  allClose(F.gaussianNllLoss(tensor([[1, 2]]), tensor([[1]]), tensor([[1, 1]])), 0.25);
});

test.run();

import { test } from 'uvu';
import { allClose, equal, is, throwsError } from '../../assert.ts';
import { ArgumentError, ShapeError, arange, ones, tensor } from '../../../index.ts';
import { BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, deepCopy } from '../../../nn/index.ts';

const x = tensor([[1, 2], [3, 5], [4, -1]]);
const close = { rtol: 1e-5, atol: 1e-6 };

test('training normalises by the batch and moves the running statistics', () => {
  const bn = new BatchNorm1d(2);
  allClose(bn.forward(x), [[-1.3363018, 0], [0.26726037, 1.2247438], [1.0690415, -1.2247438]], close);
  allClose(bn.runningMean?.data() ?? [], [0.26666668, 0.2], close);
  allClose(bn.runningVar?.data() ?? [], [1.1333333, 1.8], close);
  bn.forward(x.mul(2));
  allClose(bn.runningMean?.data() ?? [], [0.77333337, 0.57999998], close);
  allClose(bn.runningVar?.data() ?? [], [1.9533334, 5.2199998], close);
  is(bn.numBatchesTracked?.item(), 2);
  is(bn.numBatchesTracked?.dtype, 'int64');
  bn.eval();
  allClose(bn.forward(x), [[0.16218036, 0.62151659], [1.593184, 1.9345797], [2.3086858, -0.69154656]], close);
  is(bn.numBatchesTracked?.item(), 2);
});

test('momentum null is the plain mean over batches', () => {
  const bn = new BatchNorm1d(2, { momentum: null });
  for (const batch of [x, x.mul(2), x.sub(1)]) bn.forward(batch);
  allClose(bn.runningMean?.data() ?? [], [3.2222221, 2.3333333], close);
  allClose(bn.runningVar?.data() ?? [], [4.666667, 18], close);
});

test('without statistics or affine there is no state, and evaluation uses the batch', () => {
  const bn = new BatchNorm2d(2, { affine: false, trackRunningStats: false });
  const images = arange(16, { dtype: 'float32' }).reshape([2, 2, 2, 2]).pow(1.5);
  const y = bn.forward(images);
  allClose(y.data().slice(0, 4), [-1.1205431, -1.0498228, -0.92051578, -0.7530694], close);
  allClose(bn.eval().forward(images), y);
  equal(Object.keys(bn.stateDict()), []);
});

test('state keys are those of PyTorch', () => {
  equal(Object.keys(new BatchNorm1d(2).stateDict()), ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']);
});

test('a checkpoint without num_batches_tracked loads', () => {
  const bn = new BatchNorm1d(2);
  const { num_batches_tracked: _, ...old } = new BatchNorm1d(2).stateDict();
  bn.forward(x);
  equal(bn.loadStateDict(old), { missingKeys: [], unexpectedKeys: [] });
  is(bn.numBatchesTracked?.item(), 1);
  equal(bn.runningMean?.array(), [0, 0]);
});

test('parameters learn, statistics do not', () => {
  const bn = new BatchNorm1d(2);
  bn.forward(x).mul(x).sum().backward();
  is(bn.weight?.grad === null, false);
  is(bn.runningMean?.requiresGrad, false);
  equal(bn.bias?.grad?.array(), [8, 6]);
});

test('a bad input changes no statistics', () => {
  const bn = new BatchNorm1d(2);
  throwsError(() => bn.forward(ones([2])), ShapeError, /BatchNorm1d: wrong number of dimensions, got float32\[2\]; expected 2 or 3/);
  throwsError(() => bn.forward(ones([4, 3])), ShapeError, /wrong number of channels, got 3 in float32\[4, 3\]; expected 2/);
  throwsError(() => bn.forward(ones([1, 2])), ShapeError, /./);
  throwsError(() => Reflect.apply(bn.forward, bn, [[1]]), ArgumentError, /not a tensor/);
  is(bn.numBatchesTracked?.item(), 0);
  equal(bn.runningMean?.array(), [0, 0]);
  throwsError(() => new BatchNorm2d(2).forward(ones([1, 2, 3])), ShapeError, /expected 4/);
  equal(new BatchNorm3d(2).forward(ones([2, 2, 1, 1, 2])).shape, [2, 2, 1, 1, 2]);
});

test('float64 and copies', () => {
  const bn = new BatchNorm1d(2).double();
  is(bn.forward(x.double()).dtype, 'float64');
  const copy = deepCopy(bn);
  copy.forward(x.double());
  is(bn.numBatchesTracked?.item(), 1);
  is(copy.numBatchesTracked?.item(), 2);
  is(new BatchNorm1d(2, { dtype: 'float64' }).runningVar?.dtype, 'float64');
});

test('resetRunningStats', () => {
  const bn = new BatchNorm1d(2);
  bn.forward(x);
  bn.resetRunningStats();
  equal([bn.runningMean?.array(), bn.runningVar?.array(), bn.numBatchesTracked?.item()], [[0, 0], [1, 1], 0]);
});

test('instance norm', () => {
  const signal = tensor([[[1, 2, 4], [0, -1, 3]]]);
  const expected = [-1.0690415, -0.26726031, 1.3363019, -0.39223158, -0.98057896, 1.3728106];
  allClose(new InstanceNorm1d(2).forward(signal).data(), expected, close);
  const single = new InstanceNorm1d(2).forward(signal.select(0, 0));
  equal(single.shape, [2, 3]);
  allClose(single.data(), expected, close);
  const norm = new InstanceNorm1d(2, { affine: true, trackRunningStats: true });
  norm.forward(signal);
  allClose(norm.runningMean?.data() ?? [], [0.23333333, 0.06666667], close);
  allClose(norm.runningVar?.data() ?? [], [1.1333333, 1.3333334], close);
  is(norm.numBatchesTracked?.item(), 0);
  equal(new InstanceNorm2d(2).forward(arange(16, { dtype: 'float32' }).reshape([2, 2, 2, 2])).shape, [2, 2, 2, 2]);
  throwsError(() => new InstanceNorm2d(2).forward(ones([2, 3])), ShapeError, /expected 3 or 4/);
});

test('bad arguments are refused', () => {
  throwsError(() => new BatchNorm1d(0), ArgumentError, /BatchNorm1d: invalid numFeatures, got 0; expected an integer ≥ 1/);
  throwsError(() => new BatchNorm2d(2, { momentum: 2 }), ArgumentError, /momentum/);
  throwsError(() => new BatchNorm2d(2, { eps: -1 }), ArgumentError, /eps/);
  throwsError(() => Reflect.construct(BatchNorm2d, [2, { track_running_stats: false }]), ArgumentError, /trackRunningStats/);
});

test.run();

import { test } from 'uvu';
import { ShapeError, StateError, type Tensor, arange, finfo, getDefaultDtype, grad, iinfo, noGrad, randn, setDefaultDtype, tensor, zeros, DTypeError } from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

test('views in place change the tensor itself, and its gradient follows', () => {
  const x = arange(6).reshape([1, 2, 3]);
  ok(x.squeeze_() === x);
  equal([...x.shape], [2, 3]);
  equal(x.t_().array(), [[0, 3], [1, 4], [2, 5]]);
  equal([...x.unsqueeze_(-1).shape], [3, 2, 1]);
  equal([...x.transpose_(0, 2).shape], [1, 2, 3]);
  const leaf = randn([2, 3]).requiresGrad_();
  const y = leaf.mul(2);
  y.t_();
  const w = arange(6).reshape([3, 2]).to('float32');
  allClose(grad(y.mul(w).sum(), leaf)[0], w.t().mul(2));
  throwsError(() => leaf.t_(), StateError, /leaf/);
  noGrad(() => leaf.t_());
  equal([...leaf.shape], [3, 2]);
});

test('fillDiagonal_ as PyTorch does', () => {
  equal(zeros([3, 3]).fillDiagonal_(2).array(), [[2, 0, 0], [0, 2, 0], [0, 0, 2]]);
  equal(zeros([5, 2]).fillDiagonal_(1).sum().item(), 2);
  equal(zeros([7, 3]).fillDiagonal_(4, true).array(), [[4, 0, 0], [0, 4, 0], [0, 0, 4], [0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]]);
  equal(zeros([2, 2, 2]).fillDiagonal_(1).array(), [[[1, 0], [0, 0]], [[0, 0], [0, 1]]]);
  throwsError(() => zeros([3]).fillDiagonal_(1), ShapeError, /at least 2/);
  throwsError(() => zeros([2, 3, 2]).fillDiagonal_(1), ShapeError, /sizes differ/);
});

test('tensors like another one, and what a tensor says of its memory', () => {
  const x = tensor([1, 2], { dtype: 'float64' });
  for (const y of [x.newZeros([2]), x.newOnes([2]), x.newFull([2], 3), x.newEmpty([2]), x.newTensor([1, 2])]) {
    is(y.dtype, 'float64');
    equal([...y.shape], [2]);
  }
  is(x.newOnes([2], { dtype: 'int32' }).dtype, 'int32');
  const m = zeros([2, 3, 4]);
  equal([...m.stride()], [12, 4, 1]);
  is(m.stride(-1), 1);
  throwsError(() => m.stride(3), ShapeError, /-3 to 2/);
  is(m.select(0, 1).storageOffset(), 12);
  is(x.elementSize(), 8);
  is(x.itemsize, 8);
  is(x.nbytes, 8 * x.numel());
  ok(x.isFloatingPoint() && x.isSigned() && !tensor([1], { dtype: 'uint8' }).isSigned());
  ok(tensor(2).isNonzero() && !tensor([0]).isNonzero());
  throwsError(() => x.isNonzero(), ShapeError, /one element/);
  ok(m.isSameSize(zeros([2, 3, 4])) && !m.isSameSize(x));
});

test('the default dtype', () => {
  const made = (): Tensor[] => [zeros([1]), tensor([1.5]), randn([1]), tensor([1], { dtype: 'int32' }).mul(0.5), tensor([4], { dtype: 'int64' }).sqrt()];
  is(getDefaultDtype(), 'float32');
  setDefaultDtype('float64');
  try {
    for (const x of made()) is(x.dtype, 'float64');
  } finally {
    setDefaultDtype('float32');
  }
  for (const x of made()) is(x.dtype, 'float32');
  throwsError(() => setDefaultDtype('int64' as 'float32'), DTypeError, /float32 or float64/);
});

test('limits of dtypes', () => {
  is(finfo('float32').eps, 1.1920928955078125e-7);
  is(finfo('float64').eps, Number.EPSILON);
  is(Math.fround(finfo().max), finfo().max);
  is(iinfo('uint8').max, 255);
  is(iinfo('int32').min, -2147483648);
  throwsError(() => finfo('int64'), DTypeError, /iinfo/);
  throwsError(() => iinfo('float32'), DTypeError, /finfo/);
});

test.run();

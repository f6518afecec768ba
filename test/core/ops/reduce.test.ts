import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, type Tensor, grad, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const double = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });
const slope = (y: Tensor, x: Tensor): Tensor => grad(y.sum(), x)[0];

test('sum and prod: integers and bool give int64, of which the range is checked', () => {
  equal([tensor([true, true]).sum().dtype, tensor([true, true]).sum().item()], ['int64', 2]);
  equal([tensor([200, 100], { dtype: 'uint8' }).sum().dtype, tensor([200, 100], { dtype: 'uint8' }).sum().item()], ['int64', 300]);
  equal([tensor([3, 5], { dtype: 'int32' }).prod().dtype, tensor([3, 5], { dtype: 'int32' }).prod().item()], ['int64', 15]);
  is(tensor([true, true]).prod().item(), 1);
  throwsError(() => tensor([65536, 65536], { dtype: 'int64' }).prod(), DTypeError, /does not fit int64/);
});

test('the dtype option is that of the input and of the result', () => {
  const x = tensor([1.7, 2.6]).sum(null, { dtype: 'int32' });
  equal([x.dtype, x.item()], ['int32', 3]);
  is(tensor([1, 2], { dtype: 'int64' }).mean(null, { dtype: 'float64' }).item(), 1.5);
  throwsError(() => tensor([1, 2], { dtype: 'int64' }).mean(), DTypeError, /mean: not a float tensor/);
});

test('reductions of nothing', () => {
  is(zeros([0]).sum().item(), 0);
  is(zeros([0]).prod().item(), 1);
  allClose(zeros([0]).mean(), [NaN]);
  allClose(zeros([2, 0]).prod(1), [1, 1]);
  equal(zeros([2, 0]).sum(0).shape, [0]);
});

test('prod: the gradient is right where there are zeros, and so is the second', () => {
  for (const [data, expected] of [[[2, 0, 3], [0, 6, 0]], [[0, 0, 3], [0, 0, 0]]] as const) {
    const x = double([...data]);
    allClose(slope(x.prod(), x), expected);
  }
  const rows = double([[1, 2], [0, 4]]);
  allClose(slope(rows.prod(1), rows), [[2, 1], [4, 0]]);
  allClose(slope(rows.prod(), rows), [[0, 0], [8, 0]]);
  const x = double([2, 0, 3]);
  const [first] = grad(x.prod(), x, { createGraph: true });
  const [second] = grad(first, x, { gradOutputs: tensor([1, 2, 3], { dtype: 'float64' }) });
  allClose(second, [6, 9, 4]);
});

test('prod of a long tensor with a zero takes no quadratic time', () => {
  const x = zeros([20000], { dtype: 'float64' }).add(1);
  x.storage.cells[5] = 0;
  x.requiresGrad = true;
  allClose(slope(x.prod(), x).sum(), [1]);
});

test('amax and amin: ties share the gradient, NaN wins', () => {
  const x = double([1, 3, 3]);
  allClose(slope(x.amax(), x), [0, 0.5, 0.5]);
  const y = double([[1, 1, 2], [5, 4, 6]]);
  allClose(slope(y.amin(1), y), [[0.5, 0.5, 0], [0, 1, 0]]);
  allClose(tensor([1, NaN, 2]).amax(), [NaN]);
  const z = double([1, NaN, NaN]);
  allClose(slope(z.amax(), z), [0, 0.5, 0.5]);
  is(tensor([false, true]).amax().dtype, 'bool');
});

test('amax of nothing is an error, unless the result is empty', () => {
  throwsError(() => zeros([0]).amax(), ShapeError, /amax: nothing to choose from, got float32\[0\]/);
  throwsError(() => zeros([0, 3]).amin(0), ShapeError, /amin: nothing to choose from/);
  equal(zeros([0, 3]).amax(1).shape, [0]);
});

test('all and any: of nothing, of NaN, of uint8', () => {
  equal([zeros([0]).all().item(), zeros([0]).any().item(), tensor([NaN, 0]).any().item()], [1, 0, 1]);
  const bytes = tensor([1, 2], { dtype: 'uint8' }).all();
  equal([bytes.dtype, bytes.item()], ['uint8', 1]);
  allClose(tensor([[0, 1], [2, 3]]).all(1), [0, 1]);
  is(tensor([1, 1]).all().dtype, 'bool');
});

test('countNonzero: NaN counts, -0 does not', () => {
  const n = tensor([[0, NaN, -0], [1, 2, 0]]).countNonzero(1);
  allClose(n, [1, 2]);
  is(n.dtype, 'int64');
});

test('reductions over a scalar', () => {
  is(tensor(3).sum(0).item(), 3);
  is(tensor(3).prod(-1).item(), 3);
  equal(tensor(3).amax(0, { keepdim: true }).shape, []);
});

test('bad arguments are refused', () => {
  const x = zeros([2, 3]);
  throwsError(() => x.sum(2), ShapeError, /sum: dimension out of range, got 2; expected -2 to 1/);
  throwsError(() => x.sum([0, -2]), ShapeError, /twice/);
  throwsError(() => x.sum(Number.NaN), ArgumentError, /not an integer/);
  throwsError(() => x.prod([0, 1] as never), ArgumentError, /prod: several dimensions/);
  throwsError(() => x.amax(0, { keepdim: 1 } as never), ArgumentError, /amax: keepdim is not a boolean, got 1/);
  throwsError(() => x.amax(0, { keepDim: true } as never), ArgumentError, /did you mean 'keepdim'/);
  throwsError(() => x.sum(0, { dtype: 'half' } as never), ArgumentError, /unknown dtype/);
});

test('sumToSize refuses shapes that do not broadcast', () => {
  allClose(zeros([2, 3]).add(1).sumToSize([3]), [2, 2, 2]);
  throwsError(() => zeros([2, 3]).sumToSize([2]), ShapeError, /sumToSize: not a shape that broadcasts/);
});

test.run();

import { test } from 'uvu';
import { ArgumentError, ShapeError, type Tensor, arange, flatten, narrow, select, tensor, zeros } from '../../../index.ts';
import { sliceDim } from '../../../core/ops/view.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const x234 = (): Tensor => arange(24).reshape([2, 3, 4]);

test('view shares memory wherever the layout allows, as in PyTorch', () => {
  const x = x234();
  const cases: readonly [Tensor, number[], number[]][] = [
    [x, [6, 4], [4, 1]],
    [x, [-1], [1]],
    [x.transpose(0, 1), [3, 2, 2, 2], [4, 12, 2, 1]],
    [x.narrow(2, 1, 2), [6, 2], [4, 1]],
    [x.narrow(1, 0, 2), [2, 8], [12, 1]],
    [x.select(0, 1), [1, 12], [12, 1]],
    [zeros([1]).expand([3]), [3, 1], [0, 0]],
    [zeros([2, 1]).expand([2, 3]), [2, 1, 3], [1, 0, 0]],
  ];
  for (const [source, shape, strides] of cases) {
    const y = source.view(shape);
    is(y.storage, source.storage);
    const real = y.shape.map((_, d) => d).filter((d) => y.shape[d] > 1);
    equal(real.map((d) => y.strides[d]), real.map((d) => strides[d]));
    allClose(y, source.data());
  }
});

test('view refuses where a copy is needed; reshape makes it', () => {
  const x = x234();
  for (const [y, shape] of [[x.transpose(0, 1), [3, 8]], [x.permute([2, 1, 0]), [24]], [x.narrow(2, 0, 3), [18]], [zeros([2, 1]).expand([2, 3]), [6]]] as const) {
    throwsError(() => y.view(shape), ShapeError, /the layout needs a copy/);
    const copy = y.reshape(shape);
    ok(copy.storage !== y.storage);
    allClose(copy, y.data());
  }
  throwsError(() => x.reshape([5, -1]), ShapeError, /sizes do not match 24 elements/);
  throwsError(() => x.reshape([-1, -1]), ShapeError, /more than one -1/);
  throwsError(() => zeros([0, 3]).reshape([0, -1]), ShapeError, /-1 is ambiguous/);
  throwsError(() => x.view([2.5, -1]), ShapeError, /not a shape/);
  throwsError(() => x.reshape(24 as never), ShapeError, /not a shape, got 24/);
  equal([...zeros([0, 3]).reshape([3, 0, 5]).shape], [3, 0, 5]);
});

test('flatten and unflatten', () => {
  equal([...x234().flatten(1).shape], [2, 12]);
  equal([...flatten(tensor(1)).shape], [1]);
  is(x234().flatten().ndim, 1);
  throwsError(() => x234().flatten(2, 0), ShapeError, /wrong order/);
  equal([...zeros([2, 6]).unflatten(-1, [2, -1]).shape], [2, 2, 3]);
  throwsError(() => zeros([2, 6]).unflatten(1, [4, -1]), ShapeError, /do not match 6 elements/);
  throwsError(() => tensor(1).unflatten(0, [1, 1]), ShapeError, /no dimensions/);
});

test('squeeze and unsqueeze', () => {
  equal([...zeros([1, 3, 1]).squeeze().shape], [3]);
  equal([...zeros([1, 3, 1]).squeeze([0, -1]).shape], [3]);
  equal([...zeros([1, 3, 1]).squeeze(1).shape], [1, 3, 1]);
  equal([...zeros([1, 2]).squeeze([]).shape], [1, 2]);
  equal([...tensor(1).squeeze(0).shape], []);
  throwsError(() => zeros([1, 2]).squeeze([0, -2]), ShapeError, /named twice/);
  throwsError(() => zeros([1]).squeeze(1), ShapeError, /out of range/);
  equal([...zeros([2]).unsqueeze(-1).shape], [2, 1]);
  equal([...zeros([2]).unsqueeze(-2).shape], [1, 2]);
  throwsError(() => zeros([2]).unsqueeze(2), ShapeError, /expected -2 to 1/);
  ok(zeros([2, 3]).unsqueeze(1).isContiguous());
});

test('permute, transpose, t and movedim', () => {
  equal([...x234().permute([2, 0, 1]).strides], [1, 12, 4]);
  allClose(tensor([[1, 2], [3, 4]]).t(), [[1, 3], [2, 4]]);
  allClose(tensor([1, 2]).t(), [1, 2]);
  equal([...tensor(1).transpose(0, -1).shape], []);
  equal([...x234().movedim([0, 1], [-1, 0]).shape], [3, 4, 2]);
  throwsError(() => x234().permute([0, 0, 1]), ShapeError, /each dimension once/);
  throwsError(() => x234().permute([0, 1]), ShapeError, /each dimension once/);
  throwsError(() => x234().permute(0 as never), ArgumentError, /not a list/);
  throwsError(() => x234().t(), ShapeError, /more than 2 dimensions/);
  throwsError(() => x234().movedim([0, 0], [0, 1]), ShapeError, /movedim: dimension named twice/);
  throwsError(() => x234().movedim([0, 1], [1]), ShapeError, /differ in length/);
});

test('expand', () => {
  const x = tensor([[1], [2]]);
  allClose(x.expand([2, 3]), [[1, 1, 1], [2, 2, 2]]);
  equal([...x.expand([4, -1, 2]).shape], [4, 2, 2]);
  equal([...x.expand([2, 0]).shape], [2, 0]);
  equal([...x.expandAs(zeros([3, 2, 2])).shape], [3, 2, 2]);
  for (const shape of [[3, 1], [2], [-1, 2, 1], [2, -2], [2, 1.5]]) throwsError(() => x.expand(shape), ShapeError, /sizes do not fit/);
  throwsError(() => tensor(1).expand([-1]), ShapeError, /sizes do not fit/);
  throwsError(() => x.expand(3 as never), ShapeError, /got 3/);
});

test('narrow, select, at and slices', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  allClose(narrow(x, 1, -2, 2), [[2, 3], [5, 6]]);
  equal([...x.narrow(0, 2, 0).shape], [0, 3]);
  allClose(select(x, -1, -1), [3, 6]);
  allClose(x.at(1), [4, 5, 6]);
  allClose(x.at(-2).at(0), [1]);
  allClose(sliceDim(x, 1, null, null, 2), [[1, 3], [4, 6]]);
  equal([...sliceDim(x, 1, 5, -9).shape], [2, 0]);
  throwsError(() => x.narrow(1, 2, 2), ShapeError, /got start 2 and length 2; expected within 0 to 3/);
  throwsError(() => x.narrow(0, -3, 1), ShapeError, /range outside dimension 0/);
  throwsError(() => x.narrow(0, 0, NaN), ShapeError, /length NaN/);
  throwsError(() => x.select(0, 2), ShapeError, /select: index outside dimension 0, got 2; expected -2 to 1/);
  throwsError(() => x.select(0, 0.5), ShapeError, /got 0.5/);
  throwsError(() => zeros([0]).select(0, 0), ShapeError, /a dimension with entries/);
  throwsError(() => tensor(1).at(0), ShapeError, /no dimensions/);
  throwsError(() => tensor(1).narrow(0, 0, 1), ShapeError, /no dimensions/);
  throwsError(() => sliceDim(x, 0, 0.5, null), ArgumentError, /bound is not an integer/);
  throwsError(() => sliceDim(x, 0, null, null, 0), ShapeError, /step is not positive/);
});

test('views see writes, clones do not; detach cuts the history only', () => {
  const x = zeros([2, 2], { requiresGrad: true });
  const y = x.mul(2);
  const cut = y.detach();
  is(cut.requiresGrad, false);
  is(cut.storage, y.storage);
  const copy = y.clone();
  cut.fill_(3);
  allClose(y, [[3, 3], [3, 3]]);
  allClose(copy, [[0, 0], [0, 0]]);
  is(y.contiguous(), y);
  ok(y.t().contiguous() !== y);
  ok(y.t().contiguous().isContiguous());
});

test('T and mT are views of the transposed', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]], { requiresGrad: true });
  equal(x.T.array(), [[1, 4], [2, 5], [3, 6]]);
  is(x.T.storage, x.storage);
  equal(x.reshape([1, 2, 3]).mT.shape, [1, 3, 2]);
  x.T.matmul(x).sum().backward();
  equal(x.grad?.array(), [[12, 12, 12], [30, 30, 30]]);
  throwsError(() => tensor([1, 2]).mT, ShapeError, /out of range/);
  throwsError(() => x.reshape([1, 2, 3]).T, ShapeError, /more than 2/);
});

test.run();

import { test } from 'uvu';
import { ArgumentError, ShapeError, type Tensor, bucketize, searchsorted, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

const nan = (): Tensor => tensor([3, NaN, 1, 3, -1]);

test('sort: NaN is the largest, the order is stable', () => {
  const { values, indices } = nan().sort();
  allClose(values, [-1, 1, 3, 3, NaN]);
  allClose(indices, [4, 2, 0, 3, 1]);
  is(indices.dtype, 'int64');
  const [down, places] = nan().sort(-1, { descending: true, stable: true });
  allClose(down, [NaN, 3, 3, 1, -1]);
  allClose(places, [1, 0, 3, 2, 4]);
  allClose(tensor([NaN, 2, NaN, Infinity, -Infinity]).argsort(), [4, 1, 3, 0, 2]);
});

test('sort along any dimension, of any dtype', () => {
  const x = tensor([[3, 1], [1, 2], [2, 0]]);
  allClose(x.sort(0).values, [[1, 0], [2, 1], [3, 2]]);
  allClose(x.t().sort(1, { descending: true }).indices, [[0, 2, 1], [1, 0, 2]]);
  is(tensor([true, false]).sort().values.dtype, 'bool');
  allClose(tensor([2, 1], { dtype: 'int64' }).sort().values, [1, 2]);
  const scalar = tensor(2).sort();
  equal([scalar.values.shape.length, scalar.indices.item()], [0, 0]);
  equal([...zeros([0]).sort().indices.shape], [0]);
  equal([...zeros([0, 3]).sort(1).values.shape], [0, 3]);
});

test('many equal keys: a merge sort by hand and by JavaScript agree', () => {
  for (const n of [7, 8, 9, 64, 65, 1000]) {
    const data = Array.from({ length: n }, (_, i) => (i * 7919) % 13);
    const order = data.map((_, i) => i);
    allClose(tensor(data).argsort(), [...order].sort((a, b) => data[a] - data[b]));
    allClose(tensor(data).argsort(0, { descending: true }), [...order].sort((a, b) => data[b] - data[a]));
  }
});

test('sort and topk refuse', () => {
  throwsError(() => zeros([2]).sort(1), ShapeError, /dimension out of range/);
  throwsError(() => zeros([2]).sort(0, { descending: 1 as never }), ArgumentError, /descending is not a boolean/);
  throwsError(() => zeros([2]).sort(0, { reverse: true } as object), ArgumentError, /unknown option/);
  for (const k of [3, -1, 0.5, NaN]) throwsError(() => zeros([2]).topk(k), ShapeError, /k outside dimension 0, got .+; expected 0 to 2/);
});

test('topk', () => {
  const [values, indices] = nan().topk(2);
  allClose(values, [NaN, 3]);
  allClose(indices, [1, 0]);
  allClose(nan().topk(2, 0, { largest: false }).indices, [4, 2]);
  allClose(tensor([[1, 5], [7, 3]]).topk(1, 0).values, [[7, 5]]);
  allClose(tensor(2).topk(1).values, [2]);
  equal([...zeros([2, 3]).topk(0).indices.shape], [2, 0]);
  const x = tensor([1, 5, 3], { requiresGrad: true });
  x.topk(2).values.mul(tensor([10, 100])).sum().backward();
  allClose(x.grad as Tensor, [0, 10, 100]);
});

test('searchsorted', () => {
  const row = tensor([1, 3, 3, 5]);
  allClose(searchsorted(row, tensor([[3, 0], [6, 4]])), [[1, 0], [4, 3]]);
  allClose(searchsorted(row, tensor([3]), { right: true }), [3]);
  allClose(searchsorted(row, tensor([3]), { side: 'right' }), [3]);
  allClose(searchsorted(row, NaN), [4]);
  equal([...searchsorted(row, 3).shape], []);
  is(searchsorted(row, 3, { outInt32: true }).dtype, 'int32');
  allClose(searchsorted(tensor([[1, 2, 3], [4, 5, 6]]), tensor([[2, 9], [2, 5]])), [[1, 3], [0, 1]]);
  allClose(searchsorted(tensor([3, 1, 2]), tensor([2.5]), { sorter: tensor([1, 2, 0], { dtype: 'int64' }) }), [2]);
  allClose(searchsorted(tensor([1, 2], { dtype: 'int64' }), 1.5), [1]);
  equal([...searchsorted(zeros([0]), tensor([1, 2])).data()], [0, 0]);
  throwsError(() => searchsorted(row, 1, { side: 'left', right: true }), ArgumentError, /disagree/);
  throwsError(() => searchsorted(tensor([[1, 2]]), tensor([2])), ShapeError, /rows do not match/);
  throwsError(() => searchsorted(tensor(1), 2), ShapeError, /rows do not match/);
  throwsError(() => searchsorted(row, 1, { sorter: zeros([3], { dtype: 'int64' }) }), ShapeError, /sorter does not fit/);
});

test('bucketize', () => {
  const edges = tensor([1, 3, 5]);
  allClose(bucketize(tensor([[0, 1], [3, 9]]), edges), [[0, 0], [1, 3]]);
  allClose(bucketize(3, edges, { right: true }), [2]);
  throwsError(() => bucketize(1, tensor([[1, 2]])), ShapeError, /not a row/);
});

test.run();

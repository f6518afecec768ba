import { test } from 'uvu';
import { ArgumentError, ShapeError, tensor, unique, uniqueConsecutive, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

test('unique', () => {
  const x = tensor([[3, 1], [1, 2]]);
  allClose(unique(x), [1, 2, 3]);
  const { output, inverseIndices, counts } = x.unique({ returnInverse: true, returnCounts: true });
  allClose(output, [1, 2, 3]);
  allClose(inverseIndices, [[2, 0], [0, 1]]);
  allClose(counts, [2, 1, 1]);
  is(x.t().unique({ returnInverse: true }).inverseIndices.shape.length, 2);
  const [, second, third] = x.unique({ returnCounts: true });
  allClose(second, [2, 1, 1]);
  is(third, undefined);
  allClose(tensor([NaN, 1, NaN]).unique(), [1, NaN, NaN]);
  allClose(tensor([true, false, true]).unique(), [0, 1]);
  is(tensor([true]).unique().dtype, 'bool');
  equal([...tensor(3).unique({ returnInverse: true }).inverseIndices.shape], []);
  equal([...zeros([2, 0]).unique().shape], [0]);
  throwsError(() => unique(x, { axis: 0 } as object), ArgumentError, /unknown option/);
  throwsError(() => unique(x, { returnCounts: 1 } as never), ArgumentError, /unique: returnCounts is not a boolean, got 1/);
});

test('unique slices come in lexicographic order', () => {
  const x = tensor([[2, 1], [1, 9], [2, 0], [1, 9]]);
  const { output, inverseIndices, counts } = unique(x, { dim: 0, returnInverse: true, returnCounts: true });
  equal(output.array(), [[1, 9], [2, 0], [2, 1]]);
  equal(inverseIndices.array(), [2, 0, 1, 0]);
  equal(counts.array(), [2, 1, 1]);
  equal(unique(x.t(), { dim: -1 }).array(), [[1, 2, 2], [9, 0, 1]]);
  equal(unique(tensor([[NaN, 1], [0, 1], [NaN, 1]]), { dim: 0 }).shape, [3, 2]);
  equal(unique(zeros([0, 3]), { dim: 0 }).shape, [0, 3]);
  equal(unique(tensor(3), { dim: 0 }).array(), [3]);
});

test('uniqueConsecutive keeps one of each run', () => {
  const x = tensor([1, 1, 2, 2, 3, 1, 1, 2]);
  const { output, inverseIndices, counts } = x.uniqueConsecutive({ returnInverse: true, returnCounts: true });
  equal(output.array(), [1, 2, 3, 1, 2]);
  equal(inverseIndices.array(), [0, 0, 1, 1, 2, 3, 3, 4]);
  equal(counts.array(), [2, 2, 1, 2, 1]);
  equal(uniqueConsecutive(tensor([[1, 1, 2], [3, 3, 3]]), { dim: 1 }).array(), [[1, 2], [3, 3]]);
  is(tensor([true, true]).uniqueConsecutive().dtype, 'bool');
});

test('bad arguments are refused', () => {
  throwsError(() => unique(zeros([3, 0]), { dim: 0 }), ShapeError, /unique: slices without elements, got float32\[3, 0\]/);
  throwsError(() => unique(zeros([3]), { dim: 1 }), ShapeError, /unique: dim/);
  throwsError(() => uniqueConsecutive(zeros([3]), { sorted: true } as never), ArgumentError, /uniqueConsecutive: unknown option, got 'sorted'/);
});

test.run();

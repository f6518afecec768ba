import { test } from 'uvu';
import { ArgumentError, type Dataset, Generator, ShapeError, Subset, TensorDataset, arange, manualSeed, randomSplit, tensor, zeros } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const range = (length: number): Dataset<number> => ({ length, get: (i) => i });

test('TensorDataset: rows one by one and in batches', () => {
  const x = tensor([[1, 2], [3, 4], [5, 6]]);
  const y = tensor([7, 8, 9], { dtype: 'int64' });
  const data = new TensorDataset(x, y);
  is(data.length, 3);
  const [a, b] = data.get(1);
  equal([a.array(), b.item(), b.dtype], [[3, 4], 8, 'int64']);
  const [xs, ys] = data.getBatch(Int32Array.of(2, 0, 2));
  equal([xs.array(), ys.array()], [[[5, 6], [1, 2], [5, 6]], [9, 7, 9]]);
  const [columns] = new TensorDataset(x.t()).getBatch(Int32Array.of(1));
  equal(columns.array(), [[2, 4, 6]]);
});

test('TensorDataset: refuses what has no common rows', () => {
  throwsError(() => new TensorDataset(zeros([2]), zeros([3, 2])), ShapeError, /first sizes differ, got float32\[2\], float32\[3, 2\]/);
  throwsError(() => new TensorDataset(tensor(1)), ShapeError, /a scalar has no rows/);
  throwsError(() => new TensorDataset(), ArgumentError, /no tensors/);
  throwsError(() => new TensorDataset([1] as never), ArgumentError, /argument 0 is not a tensor/);
  const data = new TensorDataset(zeros([2]));
  for (const i of [2, -1, 0.5, NaN, '0']) throwsError(() => data.get(i as number), ArgumentError, /no such item, got .*; expected 0 to 1/);
  throwsError(() => new TensorDataset(zeros([0])).get(0), ArgumentError, /there are none/);
});

test('Subset: in the order of the indices, with the fast way of its dataset', () => {
  const data = new Subset(new TensorDataset(arange(10)), [3, 3, 9]);
  is(data.length, 3);
  is(data.get(2)[0].item(), 9);
  equal(data.getBatch?.(Int32Array.of(2, 0))[0].array(), [9, 3]);
  const deeper = new Subset(data, tensor([2, 1], { dtype: 'int64' }));
  equal(deeper.getBatch?.(Int32Array.of(0, 1))[0].array(), [9, 3]);
  is(new Subset(range(5), [4]).getBatch, undefined);
});

test('Subset: refuses indices outside', () => {
  throwsError(() => new Subset(range(5), [5]), ArgumentError, /Subset: no such item, got 5; expected 0 to 4/);
  throwsError(() => new Subset(range(5), [-1]), ArgumentError, /got -1/);
  throwsError(() => new Subset(range(5), ['0'] as never), ArgumentError, /got '0'/);
  throwsError(() => new Subset(range(5), 3 as never), ArgumentError, /not a list of indices, got 3/);
  throwsError(() => new Subset([1, 2] as never, [0]), ArgumentError, /not a dataset, got \[1, 2\].*\nhint/);
  throwsError(() => new Subset({ length: -1, get: () => 1 }, [0]), ArgumentError, /the length of the dataset is not a count, got -1/);
});

test('randomSplit: the parts of PyTorch', () => {
  const parts = (n: number, lengths: number[], generator?: Generator): number[][] =>
    randomSplit(range(n), lengths, generator === undefined ? {} : { generator }).map((part) => [...part.indices]);
  manualSeed(7);
  equal(parts(10, [7, 3]), [[5, 0, 3, 4, 1, 7, 9], [6, 8, 2]]);
  equal(parts(10, [0.5, 0.3, 0.2], new Generator(3)), [[6, 0, 3, 7, 8], [5, 1, 9], [2, 4]]);
  equal(parts(11, [0.4, 0.3, 0.3], new Generator(3)), [[9, 0, 3, 6, 4], [5, 2, 8], [1, 10, 7]]);
  equal(parts(3, [3, 0]).map((p) => p.length), [3, 0]);
});

test('randomSplit: refuses lengths that do not fit', () => {
  throwsError(() => randomSplit(range(10), [3, 3]), ArgumentError, /with the sum 6; expected whole numbers with the sum 10, or shares/);
  throwsError(() => randomSplit(range(10), [9.5, 0.5]), ArgumentError, /do not fit/);
  throwsError(() => randomSplit(range(10), [11, -1]), ArgumentError, /not lengths/);
  throwsError(() => randomSplit(range(10), [NaN]), ArgumentError, /not lengths/);
  throwsError(() => randomSplit(range(10), []), ArgumentError, /not lengths/);
});

test.run();

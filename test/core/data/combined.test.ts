import { test } from 'uvu';
import { ArgumentError, ConcatDataset, DataLoader, type Dataset, ShapeError, StackDataset, TensorDataset, arange, mapDataset, tensor } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const list = <T>(...items: T[]): Dataset<T> => ({ length: items.length, get: (i) => items[i] });

test('one after the other', () => {
  const all = new ConcatDataset([list('a', 'b'), list<string>(), list('c'), list('d', 'e', 'f')]);
  is(all.length, 6);
  equal(Array.from({ length: 6 }, (_, i) => all.get(i)).join(''), 'abcdef');
  equal([all.get(-1), all.get(-6)], ['f', 'a']);
  equal([...all.cumulativeSizes], [2, 2, 3, 6]);
  equal([...new DataLoader(all, { batchSize: 4 })], [['a', 'b', 'c', 'd'], ['e', 'f']]);
  throwsError(() => all.get(6), ArgumentError, /ConcatDataset: no such item, got 6; expected 0 to 5/);
  throwsError(() => all.get(-7), ArgumentError, /no such item, got -1/);
  throwsError(() => new ConcatDataset([]), ArgumentError, /no datasets/);
  throwsError(() => new ConcatDataset([[1]] as never), ArgumentError, /not a dataset/);
});

test('side by side', () => {
  const pairs = new StackDataset(list(1, 2), list('a', 'b'));
  equal([pairs.length, pairs.get(1)], [2, [2, 'b']]);
  const named = new StackDataset({ x: new TensorDataset(arange(4).reshape([2, 2])), name: list('a', 'b') });
  const [batch] = new DataLoader(named, { batchSize: 2 });
  equal([batch.x[0].array(), batch.name], [[[0, 1], [2, 3]], ['a', 'b']]);
  throwsError(() => new StackDataset(list(1), list(1, 2)), ShapeError, /StackDataset: lengths differ, got 1, 2/);
  equal(new StackDataset(list('x')).get(0), ['x']);
  throwsError(() => new StackDataset(), ArgumentError, /no datasets/);
  throwsError(() => new StackDataset({}), ArgumentError, /no datasets/);
  throwsError(() => new StackDataset([1] as never), ArgumentError, /not a dataset, got \[1\]/);
  throwsError(() => new StackDataset({ a: 3 } as never), ArgumentError, /not a dataset, got 3/);
  throwsError(() => pairs.get(2), ArgumentError, /no such item/);
});

test('changed one by one, when asked for', () => {
  const asked: number[] = [];
  const squares = mapDataset(list(1, 2, 3), (x, i) => {
    asked.push(i);
    return { square: tensor(x * x), index: i };
  });
  equal([squares.length, asked], [3, []]);
  const [batch] = new DataLoader(squares, { batchSize: 2 });
  equal([batch.square.array(), batch.index.array(), asked], [[1, 4], [0, 1], [0, 1]]);
  equal([...mapDataset([1, 2], (x, i) => x * 10 + i)], [10, 21]);
  throwsError(() => mapDataset(list(1), 3 as never), ArgumentError, /not a function, got 3/);
  throwsError(() => mapDataset(3 as never, () => 1), ArgumentError, /not a dataset/);
});

test.run();

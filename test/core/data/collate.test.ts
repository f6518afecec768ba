import { test } from 'uvu';
import { ArgumentError, ShapeError, defaultCollate, tensor } from '../../../index.ts';
import { equal, throwsError } from '../../assert.ts';

test('tensors and typed arrays are stacked', () => {
  const batch = defaultCollate([tensor([1, 2]), tensor([3, 4])]);
  equal([batch.array(), batch.dtype], [[[1, 2], [3, 4]], 'float32']);
  const bytes = defaultCollate([Uint8Array.of(1), Uint8Array.of(2)]);
  equal([bytes.array(), bytes.dtype], [[[1], [2]], 'uint8']);
});

test('numbers, booleans and texts', () => {
  equal([defaultCollate([1, 2]).dtype, defaultCollate([1, 2.5]).dtype, defaultCollate([true]).dtype, defaultCollate([3n]).dtype], ['int64', 'float32', 'bool', 'int64']);
  equal(defaultCollate([1, 2.5]).array(), [1, 2.5]);
  equal(defaultCollate(['a', 'b']), ['a', 'b']);
});

test('member by member', () => {
  const { image, label, tags } = defaultCollate([
    { image: tensor([1]), label: 3, tags: ['x', 1] },
    { image: tensor([2]), label: 4, tags: ['y', 2] },
  ]);
  equal([image.array(), label.array(), label.dtype], [[[1], [2]], [3, 4], 'int64']);
  equal([tags[0], tensor([1, 2], { dtype: 'int64' }).array()], [['x', 'y'], [1, 2]]);
});

test('refuses what does not fit together', () => {
  throwsError(() => defaultCollate([]), ArgumentError, /no items/);
  throwsError(() => defaultCollate([tensor([1]), tensor([1, 2])]), ShapeError, /shapes differ, got float32\[1\] and float32\[2\].*\nhint/);
  throwsError(() => defaultCollate([{ a: { b: tensor([1]) } }, { a: { b: tensor(1) } }]), ShapeError, /shapes differ at item.a.b/);
  throwsError(() => defaultCollate([[1], [1, 2]]), ShapeError, /lengths differ, got 1 and 2/);
  throwsError(() => defaultCollate([[[1], [2]], [[1], ['x']]]), ArgumentError, /different kinds at item\[1\]\[0\], got 2 and 'x'/);
  throwsError(() => defaultCollate([{ a: 1 }, { b: 1 }] as { a?: number }[]), ArgumentError, /names differ, got \{ a \} and \{ b \}/);
  throwsError(() => defaultCollate([null, null] as never), ArgumentError, /cannot be put into a batch, got null.*\nhint/);
  throwsError(() => defaultCollate([new Map()]), ArgumentError, /got a Map/);
});

test.run();

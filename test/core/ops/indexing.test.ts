import { test } from 'uvu';
import { ArgumentError, DTypeError, type IndexItem, ShapeError, Slice, type Tensor, arange, index, slice, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const cube = (): Tensor => arange(24).reshape([2, 3, 4]);
const int = (data: readonly number[] | number | readonly (readonly number[])[]): Tensor => tensor(data, { dtype: 'int64' });
const mask = tensor([[true, false, false, true], [false, false, true, false], [true, true, false, false]]);

// What PyTorch gives for arange(24).reshape(2, 3, 4).
const cases: readonly [string, readonly IndexItem[], number[], number[]][] = [
  ['a number', [1], [3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  ['numbers from the end', [-1, slice(), 2], [3], [14, 18, 22]],
  ['steps', [slice(1), slice(null, null, 2)], [1, 2, 4], [12, 13, 14, 15, 20, 21, 22, 23]],
  ['a new dimension', [null, '...', -1], [1, 2, 3], [3, 7, 11, 15, 19, 23]],
  ['bounds outside', ['...', slice(1, 9)], [2, 3, 3], [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23]],
  ['negative bounds', [slice(), slice(-2), slice(null, -1, 2)], [2, 2, 2], [4, 6, 8, 10, 16, 18, 20, 22]],
  ['an empty slice', [slice(2, 1)], [0, 3, 4], []],
  ['a list', [[1, 0]], [2, 3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  ['a list behind a slice', [slice(), [2, 0]], [2, 2, 4], [8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15]],
  ['index tensors apart go first', [int([1, 0]), slice(), int([3, -1])], [2, 3], [15, 19, 23, 3, 7, 11]],
  ['index tensors beside each other stay in place', [slice(), int([[2], [0]]), int([1, 3])], [2, 2, 2], [9, 11, 1, 3, 21, 23, 13, 15]],
  ['index tensors broadcast', [[1, 0], int([[2], [0]])], [2, 2, 4], [20, 21, 22, 23, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3]],
  ['a number is no index tensor', [0, slice(), [1, 3, 1]], [3, 3], [1, 3, 1, 5, 7, 5, 9, 11, 9]],
  ['a new dimension separates', [[1, 0], null, [2, 1]], [2, 1, 4], [20, 21, 22, 23, 4, 5, 6, 7]],
  ['a number behind', [[1, 0], slice(), 1], [2, 3], [13, 17, 21, 1, 5, 9]],
  ['a mask of one dimension', [[false, true]], [1, 3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  ['a mask of two dimensions', [slice(), mask], [2, 5], [0, 3, 6, 8, 9, 12, 15, 18, 20, 21]],
  ['a mask beside an index', [[0, 1, 1, 0, 1], mask], [5], [0, 15, 18, 8, 21]],
  ['a mask behind a number', [0, mask], [5], [0, 3, 6, 8, 9]],
  ['a mask apart from an index', [[true, true], slice(), [0, 3]], [2, 3], [0, 4, 8, 15, 19, 23]],
  ['a scalar mask that does not hold', [slice(), tensor(false)], [2, 0, 3, 4], []],
  ['a scalar index', [int(1)], [3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  ['no entries', [slice(), []], [2, 0, 4], []],
  ['behind dots', ['...', int([0, 2])], [2, 3, 2], [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22]],
  ['behind a new dimension', [null, [1]], [1, 1, 3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
];

for (const [name, items, shape, values] of cases) {
  test(name, () => {
    const y = cube().index(...items);
    equal([...y.shape], shape);
    allClose(y, values);
    is(y.dtype, 'int64');
    // The same through strides that are not row-major.
    const turned = cube().transpose(0, 2).contiguous().transpose(0, 2);
    allClose(turned.index(...items), values);
  });
}

test('a scalar mask that holds adds a dimension', () => {
  equal([...cube().index(tensor(true)).shape], [1, 2, 3, 4]);
  equal([...tensor(3).index(tensor(true)).shape], [1]);
});

test('masks as values', () => {
  const x = cube();
  allClose(x.index(x.remainder(5).eq(0)), [0, 5, 10, 15, 20]);
  allClose(tensor([1, NaN, 3]).index(tensor([1, NaN, 3]).isnan()), [NaN]);
});

test('basic items give views, index tensors copies', () => {
  const x = zeros([2, 3]);
  x.index(1, slice(1)).fill_(5);
  allClose(x, [[0, 0, 0], [0, 5, 5]]);
  x.index([1]).fill_(9);
  x.index(x.gt(1)).fill_(9);
  allClose(x, [[0, 0, 0], [0, 5, 5]]);
  for (const all of [x.index(), x.index('...'), index(x)]) {
    is(all.storage, x.storage);
    ok(all !== x);
  }
});

test('indexPut_ as Python assigns', () => {
  const after = (items: readonly IndexItem[], value: Tensor | number, accumulate = false): Tensor => cube().indexPut_(items, value, { accumulate });
  allClose(after([slice(), int([2, 0]), 1], int([[-1], [-2]])), [0, -1, 2, 3, 4, 5, 6, 7, 8, -1, 10, 11, 12, -2, 14, 15, 16, 17, 18, 19, 20, -2, 22, 23]);
  allClose(after([[1, 0], slice(), [3, -1]], int([-1, -2, -3])), [0, 1, 2, -1, 4, 5, 6, -2, 8, 9, 10, -3, 12, 13, 14, -1, 16, 17, 18, -2, 20, 21, 22, -3]);
  allClose(after([slice(), mask], int([[-7]])), [-7, 1, 2, -7, 4, 5, -7, 7, -7, -7, 10, 11, -7, 13, 14, -7, 16, 17, -7, 19, -7, -7, 22, 23]);
  allClose(after([1, slice(0, 2)], int([[9, 8, 7, 6]])), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 9, 8, 7, 6, 9, 8, 7, 6, 20, 21, 22, 23]);
  allClose(after([[0, 0, 1], [1, 1, 1]], int([[100], [200], [300]]), true), [0, 1, 2, 3, 304, 305, 306, 307, 8, 9, 10, 11, 12, 13, 14, 15, 316, 317, 318, 319, 20, 21, 22, 23]);
  allClose(after([1], 1, true).index(1, 2), [21, 22, 23, 24]);
  allClose(after([], 7).index(0, 0), [7, 7, 7, 7]);
  allClose(tensor([false, false]).indexPut_([[1, 1]], tensor([true, true]), { accumulate: true }), [0, 1]);
});

test('indexPut leaves its input alone, and writes through strides', () => {
  const x = zeros([2, 3]);
  allClose(x.indexPut([[1], [2]], 4), [[0, 0, 0], [0, 0, 4]]);
  allClose(x, [[0, 0, 0], [0, 0, 0]]);
  x.t().indexPut_([[0, 2]], tensor([[1, 2], [3, 4]]));
  allClose(x, [[1, 0, 3], [2, 0, 4]]);
  const y = tensor([1, 2, 3]);
  allClose(y.indexPut_([[0, 1]], y.index(slice(1))), [2, 3, 3]);
  const own = int([2, 0, 1]);
  allClose(own.indexPut_([own], own), [0, 1, 2]);
});

test('uint8 is a mask, as in PyTorch', () => {
  const mask = tensor([1, 0, 2], { dtype: 'uint8' });
  allClose(tensor([5, 6, 7]).index(mask), [5, 7]);
  allClose(tensor([5, 6, 7]).maskedSelect(mask), [5, 7]);
});

test('what does not fit is refused before anything is written', () => {
  const x = cube();
  throwsError(() => x.index(2), ShapeError, /^index: index out of range, got 2 for dimension 0 of size 2; expected -2 to 1$/);
  throwsError(() => x.index(null, 0, 3), ShapeError, /got 3 for dimension 1 of size 3/);
  throwsError(() => x.index(0, [0, -4]), ShapeError, /^index: index out of range, got -4 for dimension 1 of size 3; expected -3 to 2$/);
  throwsError(() => x.index(0, 0, 0, 0), ShapeError, /too many indices, got 4 for int64\[2, 3, 4\]; expected at most 3/);
  throwsError(() => x.index('...', '...'), ArgumentError, /more than one/);
  throwsError(() => x.index([0, 1], [0, 1, 2]), ShapeError, /do not broadcast/);
  throwsError(() => x.index([true, false, true]), ShapeError, /the mask does not fit, got bool\[3\] at dimension 0 of int64\[2, 3, 4\]; expected \[2\]/);
  throwsError(() => x.index(tensor([0.5])), DTypeError, /not made of whole numbers, got float32\[1\]/);
  throwsError(() => x.index([0.5]), ArgumentError, /not an integer/);
  throwsError(() => x.index(NaN), ArgumentError, /not an index, got NaN/);
  throwsError(() => x.index('all' as '...'), ArgumentError, /not an index, got 'all'/);
  throwsError(() => x.index(undefined as never), ArgumentError, /not an index/);
  throwsError(() => zeros([0, 2]).index([0]), ShapeError, /of size 0; expected no index/);
  throwsError(() => x.indexPut_([[0, 5]], 1), ShapeError, /^indexPut_: index out of range, got 5 for dimension 0/);
  throwsError(() => x.indexPut_([[0, 1]], int([1, 2, 3])), ShapeError, /the value does not fit, got int64\[3\]; expected a shape that broadcasts to \[2, 3, 4\]/);
  throwsError(() => x.indexPut_([[0]], tensor([1])), DTypeError, /another dtype/);
  throwsError(() => x.indexPut_([[0]], Infinity), DTypeError, /not a finite number/);
  throwsError(() => x.indexPut_(0 as never, 1), ArgumentError, /not a list/);
  throwsError(() => x.indexPut_([[0]], 1, { accumlate: true } as object), ArgumentError, /did you mean 'accumulate'/);
  throwsError(() => int([2 ** 31 - 1]).indexPut_([[0]], 1, { accumulate: true }), DTypeError, /does not fit int64/);
  allClose(x, cube());
});

test('slice checks its bounds', () => {
  const s = slice(1, null, 2);
  ok(s instanceof Slice);
  equal([s.start, s.stop, s.step], [1, null, 2]);
  throwsError(() => slice(0, 3, 0), ArgumentError, /step is not positive, got 0/);
  throwsError(() => slice(0, 3, -1), ArgumentError, /flip/);
  throwsError(() => slice(0.5), ArgumentError, /bound is not an integer, got 0.5/);
  throwsError(() => slice(0, NaN), ArgumentError, /got NaN/);
});

test('gradients are summed where an entry is named twice', () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  x.index([0, 0, 2]).mul(tensor([1, 10, 100])).sum().backward();
  allClose(x.grad as Tensor, [11, 0, 100]);
});

test.run();

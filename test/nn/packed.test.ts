import { test } from 'uvu';
import {
  ArgumentError, PackedSequence, ShapeError, type Tensor, arange, deepCopy, gradcheck, gradgradcheck, ones, packPaddedSequence, packSequence, padPackedSequence, padSequence, randn, tensor,
  unpackSequence, unpadSequence, zeros,
} from '../../index.ts';
import { equal, is, throwsError } from '../assert.ts';

const table = (): Tensor => arange(12).reshape([4, 3]).to('float32');
const parts = (p: PackedSequence): unknown[] => Array.from(p, (x) => (x === null ? null : Array.from(x.data())));

test('sequences that come by length', () => {
  equal(parts(packPaddedSequence(table(), [4, 2, 1])), [[0, 1, 2, 3, 4, 6, 9], [3, 2, 1, 1], null, null]);
  equal(parts(packPaddedSequence(table(), tensor([3, 3, 2], { dtype: 'int64' }))), [[0, 1, 2, 3, 4, 5, 6, 7], [3, 3, 2], null, null]);
  const packed = packSequence([tensor([1, 2, 3]), tensor([4, 5]), tensor([6])]);
  equal(parts(packed), [[1, 4, 6, 2, 5, 3], [3, 2, 1], null, null]);
  is(packed.batchSizes.dtype, 'int64');
});

test('sequences in any order', () => {
  equal(parts(packPaddedSequence(table(), [2, 3, 3], { enforceSorted: false })), [[1, 2, 0, 4, 5, 3, 7, 8], [3, 3, 2], [1, 2, 0], [2, 0, 1]]);
  equal(parts(packPaddedSequence(table(), [2, 3, 3, 1], { batchFirst: true, enforceSorted: false })), [[3, 6, 0, 9, 4, 7, 1, 5, 8], [4, 3, 2], [1, 2, 0, 3], [2, 0, 1, 3]]);
});

test('padding puts sequences back where they were', () => {
  const x = randn([3, 4, 2]);
  const lengths = [2, 4, 1];
  const packed = packPaddedSequence(x, lengths, { batchFirst: true, enforceSorted: false });
  const [padded, sizes] = padPackedSequence(packed, { batchFirst: true, paddingValue: -1.5, totalLength: 6 });
  equal([padded.shape, Array.from(sizes.data()), sizes.dtype], [[3, 6, 2], lengths, 'int64']);
  lengths.forEach((n, i) => {
    equal(padded.select(0, i).narrow(0, 0, n).data(), x.select(0, i).narrow(0, 0, n).data());
    equal(Array.from(padded.select(0, i).narrow(0, n, 6 - n).data()), new Array((6 - n) * 2).fill(-1.5));
  });
  const [turned] = padPackedSequence(packed, { paddingValue: -1.5, totalLength: 6 });
  equal(turned.transpose(0, 1).data(), padded.data());
  equal(unpackSequence(packed).map((y) => Array.from(y.data())), lengths.map((n, i) => Array.from(x.select(0, i).narrow(0, 0, n).data())));
});

test('lists of tensors', () => {
  const list = [tensor([1, 2]), tensor([3, 4, 5]), tensor([6])];
  equal(padSequence(list).array(), [[1, 3, 6], [2, 4, 0], [0, 5, 0]]);
  equal(padSequence(list, { batchFirst: true, paddingValue: 9 }).array(), [[1, 2, 9], [3, 4, 5], [6, 9, 9]]);
  equal(padSequence(list, { batchFirst: true, paddingSide: 'left' }).array(), [[0, 1, 2], [3, 4, 5], [0, 0, 6]]);
  equal(padSequence([zeros([0, 2]), ones([1, 2])]).array(), [[[0, 0], [1, 1]]]);
  equal(padSequence([zeros([0, 2])]).shape, [0, 1, 2]);
  equal(padSequence(ones([2, 3])).shape, [3, 2]);
  is(padSequence([tensor([1, 2], { dtype: 'int64' }), tensor([1.5])], { paddingValue: 0.5 }).dtype, 'int64');
  equal(padSequence([tensor([true, false]), tensor([false])], { paddingValue: 0.5 }).array(), [[true, false], [false, true]]);
  equal(unpadSequence(table().t(), [4, 9, 0], { batchFirst: true }).map((x) => x.array()), [[0, 3, 6, 9], [1, 4, 7, 10], []]);
  equal(unpadSequence(table(), tensor([4, 2], { dtype: 'int64' })).map((x) => x.array()), [[0, 3, 6, 9], [1, 4]]);
});

test('gradients go through packing and padding', () => {
  const x = randn([3, 2, 2], { dtype: 'float64', requiresGrad: true });
  const through = (y: Tensor): Tensor => padPackedSequence(packPaddedSequence(y, [2, 3], { enforceSorted: false }), { totalLength: 4 })[0].pow(3);
  gradcheck(through, [x]);
  gradgradcheck(through, [x]);
  const list = [randn([2], { dtype: 'float64', requiresGrad: true }), randn([1], { dtype: 'float64', requiresGrad: true })];
  gradcheck((...inputs: Tensor[]) => unpadSequence(padSequence(inputs).square(), [2, 1])[0], list);
});

test('other dtypes, copies and print form', () => {
  const packed = packSequence([tensor([1, 2]), tensor([3])]);
  is(packed.to('float32'), packed);
  equal([packed.double().data.dtype, packed.to('float64').float().data.dtype], ['float64', 'float32']);
  is(packed.toString(), 'PackedSequence(data=tensor([1., 3., 2.]), batch_sizes=tensor([2, 1]), sorted_indices=None, unsorted_indices=None)');
  equal(parts(deepCopy(packed)), parts(packed));
  equal(parts(new PackedSequence(ones([3]), tensor([2, 1], { dtype: 'int64' }), tensor([1, 0], { dtype: 'int64' }))), [[1, 1, 1], [2, 1], [1, 0], [1, 0]]);
});

test('what does not fit is refused', () => {
  const x = table();
  throwsError(() => packPaddedSequence(x, [2, 3, 4]), ArgumentError, /longest first\n.*enforceSorted: false/);
  throwsError(() => packPaddedSequence(x, [4, 3, 0]), ArgumentError, /got 0; expected 1 to 4/);
  throwsError(() => packPaddedSequence(x, [5, 3, 1]), ArgumentError, /got 5; expected 1 to 4/);
  throwsError(() => packPaddedSequence(x, [4, 3]), ShapeError, /2 lengths for 3 sequences/);
  throwsError(() => packPaddedSequence(arange(3), [1]), ShapeError, /at least 2 dimensions/);
  throwsError(() => packPaddedSequence(zeros([0, 2]), [1, 1]), ShapeError, /with elements/);
  throwsError(() => packPaddedSequence(x, x), ArgumentError, /lengths are no list/);
  throwsError(() => packSequence([ones([2]), ones([3])]), ArgumentError, /longest first/);
  throwsError(() => packSequence([]), ArgumentError, /at least one tensor/);
  throwsError(() => padSequence([ones([2, 3]), ones([1, 2])]), ShapeError, /sequence 1 does not fit, got float32\[1, 2\]; expected \[length, 3\]/);
  throwsError(() => padSequence([tensor(2), ones([1])]), ShapeError, /sequence 0 does not fit/);
  // @ts-expect-error neither side
  throwsError(() => padSequence([ones([2])], { paddingSide: 'top' }), ArgumentError, /paddingSide/);
  throwsError(() => padPackedSequence(packPaddedSequence(x, [4, 2, 1]), { totalLength: 3 }), ArgumentError, /expected an integer ≥ 4/);
  throwsError(() => unpadSequence(ones([3]), [3]), ShapeError, /at least 2 dimensions/);
});

test.run();

import { test } from 'uvu';
import { setFast } from '../../../core/cpu/engine.ts';
import { copyEach, setTo } from '../../../core/ops/write.ts';
import { Buffer, type DType, StateError, type Tensor, dtypes, noGrad, tensor, zeros } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const made = (n: number, dtype: DType, from = 0): Tensor => tensor(Array.from({ length: n }, (_, i) => (dtype === 'bool' ? (i + from) % 3 === 0 : (7 * i + from) % 11)), { dtype });

test('copyEach is copy_ one by one, for all dtypes and layouts', () => {
  for (const fast of [true, false]) {
    const before = setFast(fast);
    for (const dtype of dtypes) {
      const targets = [made(1, dtype), made(12, dtype).reshape([3, 4]), made(12, dtype).reshape([4, 3]).t(), made(20, dtype).narrow(0, 3, 5), made(0, dtype), made(24, dtype).reshape([12, 2]).select(1, 1)];
      const sources = [made(1, dtype, 2), made(12, dtype, 3).reshape([4, 3]).t(), made(12, dtype, 4).reshape([3, 4]), made(9, dtype, 1).narrow(0, 2, 5), made(0, dtype), made(12, dtype, 5)];
      const copies = targets.map((x) => x.clone());
      const versions = targets.map((x) => x.storage.version);
      noGrad(() => {
        copyEach(targets, sources);
        copies.forEach((x, k) => x.copy_(sources[k]));
      });
      targets.forEach((x, k) => equal(x.array(), copies[k].array(), `${dtype} ${k}`));
      equal(targets.map((x, k) => x.storage.version - versions[k]), targets.map(() => 1));
    }
    setFast(before);
  }
});

test('elements around a target stay, and odd bits are kept', () => {
  const base = made(10, 'float32');
  const odd = new Float32Array(new Int32Array([0x7fc12345, -0x80000000, 1, 0x7f800000]).buffer);
  copyEach([base.narrow(0, 3, 4)], [tensor(odd)]);
  equal(base.array(), [0, 7, 3, NaN, -0, 1.401298464324817e-45, Infinity, 5, 1, 8]);
  is(new Int32Array(base.data().buffer)[3], 0x7fc12345);
});

test('other dtypes are cast, tensors in one block are told apart, shared cells are refused', () => {
  const x = zeros([3]);
  copyEach([x], [tensor([1, 2, 3], { dtype: 'int64' })]);
  equal(x.array(), [1, 2, 3]);
  const y = made(6, 'float32');
  copyEach([y.narrow(0, 1, 5)], [y.narrow(0, 0, 5)]);
  equal(y.array(), [0, 0, 7, 3, 10, 6]);
  throwsError(() => copyEach([zeros([1]).expand([3])], [x]), StateError, /share one cell/);
});

test('setTo is fill_', () => {
  for (const fast of [true, false]) {
    const before = setFast(fast);
    const steps = new Buffer(zeros([], { dtype: 'int64' }));
    const { version } = steps.storage;
    setTo(steps, 5);
    equal([steps.item(), steps.storage.version - version], [5, 1]);
    throwsError(() => setTo(steps, 2 ** 40), Error, /range|int64/);
    const list = zeros([2, 2]);
    setTo(list, 1.5);
    equal(list.array(), [[1.5, 1.5], [1.5, 1.5]]);
    setFast(before);
  }
});

test.run();

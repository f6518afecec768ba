import { test } from 'uvu';
import { convertEach, convertInto } from '../../../core/ops/convertEach.ts';
import { StateError, type Tensor, noGrad, tensor, zeros } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const values = [0.1, -1e300, NaN, 3, 1e-50, -0];

test('it is copy_ one by one, in all layouts', () => {
  const wide = (): Tensor => tensor(values, { dtype: 'float64' });
  const targets = (): Tensor[] => [zeros([6]), zeros([3, 2]), zeros([2, 3]).t(), zeros([10]).narrow(0, 2, 6), zeros([0]), zeros([]), zeros([2], { dtype: 'int32' })];
  const sources = [wide(), wide().reshape([3, 2]), wide().reshape([3, 2]), wide(), zeros([0], { dtype: 'float64' }), tensor(0.7, { dtype: 'float64' }), tensor([1, 2])];
  const [mine, theirs] = [targets(), targets()];
  const versions = mine.map((x) => x.storage.version);
  noGrad(() => {
    convertEach(mine, sources);
    theirs.forEach((x, k) => x.copy_(sources[k]));
  });
  mine.forEach((x, k) => equal(x.array(), theirs[k].array(), String(k)));
  equal(mine.map((x, k) => x.storage.version - versions[k]), mine.map(() => 1));
});

test('float32 to float64 is exact; a part of a tensor leaves its neighbours', () => {
  const target = zeros([4], { dtype: 'float64' });
  noGrad(() => convertInto(target.narrow(0, 1, 2), tensor([0.1, 0.2, 0.3]).narrow(0, 1, 2)));
  equal([...target.data()], [0, Math.fround(0.2), Math.fround(0.3), 0]);
});

test('memory that overlaps, and cells that are shared, are left to copy_', () => {
  const x = tensor([1, 2, 3]);
  noGrad(() => convertInto(x.narrow(0, 1, 2), x.narrow(0, 0, 2)));
  equal(x.array(), [1, 1, 2]);
  throwsError(() => noGrad(() => convertInto(zeros([1]).expand([3]), tensor([1, 2, 3], { dtype: 'float64' }))), StateError, /share/);
  is(x.dtype, 'float32');
});

test.run();

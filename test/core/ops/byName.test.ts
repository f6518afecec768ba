import { test } from 'uvu';
import { ArgumentError, F, cat, cumsum, layerNorm, max, ones, quantile, sort, std, sum, tensor, topk } from '../../../index.ts';
import { allClose, equal, throwsError } from '../../assert.ts';

const x = tensor([[3, 1, 2], [4, 6, 5]]);

test('arguments stand in their place or in the options', () => {
  for (const y of [sum(x, 1), sum(x, { dim: 1 }), x.sum({ dim: 1 })]) allClose(y, [6, 15]);
  for (const y of [sum(x, 1, { keepdim: true }), sum(x, { dim: 1, keepdim: true })]) allClose(y, [[6], [15]]);
  for (const y of [topk(x, 2, 1).values, topk(x, 2, { dim: 1 }).values, topk(x, { k: 2, dim: 1 }).values]) allClose(y, [[3, 2], [6, 5]]);
  allClose(cat([x, x], { dim: 1 }).sum(1), [12, 30]);
  allClose(max(x, { dim: 0, keepdim: true }).values, [[4, 6, 5]]);
  allClose(F.softmax(ones([2]), { dim: 0 }), [0.5, 0.5]);
  allClose(F.conv1d(ones([1, 1, 3]), ones([1, 1, 2]), { bias: tensor([1]), padding: 1 }), [[[2, 3, 3, 2]]]);
  allClose(layerNorm(x, [3], { bias: tensor([1, 1, 1]) }).sum(1), [3, 3], { rtol: 1e-6 });
});

test('the options may follow at once where the arguments before them are left out', () => {
  equal(sum(x, { dtype: 'int64' }).dtype, 'int64');
  allClose(std(tensor([1, 3]), { correction: 0 }), 1);
  allClose(sort(x, { descending: true }).values, [[3, 2, 1], [6, 5, 4]]);
  allClose(quantile(tensor([1, 2]), 0.3, { interpolation: 'lower' }), 1);
});

test('in place too', () => {
  allClose(x.clone().tril_({ diagonal: -1 }), [[0, 0, 0], [4, 0, 0]]);
});

test('an argument is given once, and no name is invented', () => {
  throwsError(() => sum(x, 1, { dim: 1 } as { keepdim?: boolean }), ArgumentError, /sum: 'dim' is given twice, got it by place and by name; expected one of them/);
  throwsError(() => cat([x], { dims: 1 } as object), ArgumentError, /unknown option, got 'dims'; expected one of dim/);
  throwsError(() => cumsum(x, { dim: 1, dtypes: 'int64' } as object), ArgumentError, /unknown option, got 'dtypes'; expected one of dtype/);
  throwsError(() => cat([x], 0, { keepdim: true }), ArgumentError, /cat: unknown option, got 'keepdim'; expected one of dim/);
});

test.run();

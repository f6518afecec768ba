import { test } from 'uvu';
import '../../../../index.ts';
import { fastSort } from '../../../../core/cpu/fast/sort.ts';
import { sortKernel } from '../../../../core/cpu/sort.ts';
import type { DType } from '../../../../core/dtype.ts';
import { Generator } from '../../../../core/random.ts';
import { Tensor, emptyTensor } from '../../../../core/tensor.ts';
import { equal, is, ok } from '../../../assert.ts';

const random = new Generator(3);
const below = (n: number): number => random.random() % n;
const special = [0, -0, NaN, Infinity, -Infinity, 1e-45, -1e-45, 3.4e38, -3.4e38, 1, -1];

type Kind = 'wide' | 'narrow' | 'special' | 'rising' | 'falling';

function filled(shape: readonly number[], dtype: DType, kind: Kind): Tensor {
  const x = emptyTensor(shape, dtype, 'cpu');
  const { cells } = x.storage;
  for (let i = 0; i < cells.length; i++) {
    if (kind === 'wide') cells[i] = dtype === 'float32' ? (random.random() - 2 ** 31) * 2 ** (below(60) - 60) : random.random() | 0;
    else if (kind === 'narrow') cells[i] = below(7) - 3;
    else if (kind === 'special') cells[i] = below(3) === 0 ? below(5) : special[below(special.length)];
    else cells[i] = kind === 'rising' ? i : -i;
  }
  return x;
}

const bits = (x: Tensor): Int32Array => {
  const cells = x.data();
  return new Int32Array(cells.buffer, cells.byteOffset, cells.length);
};

function check(x: Tensor, dim: number, descending: boolean, keep: number): void {
  const shape = x.shape.with(dim, keep);
  const make = (): [Tensor, Tensor] => [emptyTensor(shape, x.dtype, 'cpu'), emptyTensor(shape, 'int64', 'cpu')];
  const [a, b] = [make(), make()];
  const attrs = { dim, descending, keep };
  ok(fastSort(a, [x], attrs));
  sortKernel(b, [x], attrs);
  const what = `${x.dtype} ${x.shape.join('x')} along ${dim}, ${keep} kept, ${descending ? 'falling' : 'rising'}`;
  equal(a[1].storage.cells, b[1].storage.cells, what);
  equal(bits(a[0]), bits(b[0]), what);
}

test('rows of all lengths: values and places as the reference has them', () => {
  for (const dtype of ['float32', 'int32'] as const) {
    for (const kind of ['wide', 'narrow', 'special', 'rising', 'falling'] as const) {
      if (kind === 'special' && dtype !== 'float32') continue;
      for (const n of [1, 2, 3, 7, 31, 48, 49, 100, 257, 1000, 5000]) {
        for (const descending of [false, true]) check(filled([n < 500 ? 5 : 1, n], dtype, kind), 1, descending, n);
      }
    }
  }
});

test('a few of many', () => {
  for (const kind of ['wide', 'narrow', 'special', 'rising', 'falling'] as const) {
    for (const [n, keep] of [[9, 1], [100, 1], [100, 5], [1003, 3], [1003, 125], [1003, 500], [2048, 128], [60, 59], [5, 2]]) {
      for (const descending of [false, true]) check(filled([4, n], 'float32', kind), 1, descending, keep);
    }
  }
});

test('any dimension of any view', () => {
  const cases: readonly (readonly [readonly number[], number])[] = [[[60, 5], 0], [[3, 70, 4], 1], [[3, 4, 5], 0], [[2, 3, 50], 2], [[7], 0]];
  for (const [shape, dim] of cases) {
    const x = filled(shape, 'float32', 'special');
    check(x, dim, true, shape[dim]);
    const turned = new Tensor(x.storage, [...x.shape].reverse(), [...x.strides].reverse());
    check(turned, x.ndim - 1 - dim, false, shape[dim]);
    check(filled([2, 3, 4, 50], 'float32', 'wide'), 3, false, 3);
    const reach = new Tensor(filled([9, 9, 9], 'float32', 'wide').storage, [3, 80], [2, 9], 1);
    check(reach, 1, true, 4);
  }
});

test('what it leaves to the reference', () => {
  const outputs = [emptyTensor([3], 'float64', 'cpu'), emptyTensor([3], 'int64', 'cpu')];
  const x = filled([2, 3, 4, 50], 'float32', 'wide');
  const turned = new Tensor(x.storage, [...x.shape].reverse(), [...x.strides].reverse());
  const results = [emptyTensor(turned.shape, 'float32', 'cpu'), emptyTensor(turned.shape, 'int64', 'cpu')];
  is(fastSort(results, [turned], { dim: 0, descending: false, keep: 50 }), false, 'three dimensions around');
  is(fastSort(outputs, [emptyTensor([3], 'float64', 'cpu')], { dim: 0, descending: false, keep: 3 }), false);
});

test.run();

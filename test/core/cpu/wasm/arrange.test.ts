import { test } from 'uvu';
import '../../../../index.ts';
import { catKernel, flipKernel, triangleKernel } from '../../../../core/cpu/arrange.ts';
import { fastCat, fastFlip, fastTriangle } from '../../../../core/cpu/fast/arrange.ts';
import type { DType } from '../../../../core/dtype.ts';
import { Tensor, emptyTensor } from '../../../../core/tensor.ts';
import { equal, is, ok } from '../../../assert.ts';

const dtypes: readonly DType[] = ['float32', 'int64', 'uint8'];

function filled(shape: readonly number[], dtype: DType): Tensor {
  const x = emptyTensor(shape, dtype, 'cpu');
  const { cells } = x.storage;
  for (let i = 0; i < cells.length; i++) cells[i] = (i * 37 + 11) % 251;
  return x;
}

test('flip', () => {
  for (const dtype of dtypes) {
    for (const [shape, dims] of [[[5], [0]], [[3, 40], [1]], [[3, 40], [0]], [[4, 5, 6], [0, 2]], [[4, 5, 6], [1]], [[2, 3], []], [[0, 3], [1]]] as const) {
      const x = filled(shape, dtype);
      const [a, b] = [filled(shape, dtype), filled(shape, dtype)];
      ok(fastFlip([a], [x], { dims }));
      flipKernel([b], [x], { dims });
      equal(a.storage.cells, b.storage.cells);
    }
  }
});

test('cat: along any dimension, views and empty tensors among them', () => {
  for (const dtype of dtypes) {
    for (const dim of [0, 1, 2]) {
      const base = [3, 5, 20];
      const part = filled(base.with(dim, 2), dtype);
      const turned = filled(base.with(dim, 7).reverse(), dtype);
      const view = new Tensor(turned.storage, [...turned.shape].reverse(), [...turned.strides].reverse());
      const parts = [part, filled([0], dtype), view, filled(base.with(dim, 0), dtype), part];
      const shape = base.with(dim, 11);
      const [a, b] = [filled(shape, dtype), filled(shape, dtype)];
      ok(fastCat([a], parts, { dim }));
      catKernel([b], parts, { dim });
      equal(a.storage.cells, b.storage.cells);
    }
  }
  is(fastCat([filled([2], 'float32')], [filled([2], 'int64')], { dim: 0 }), false);
});

test('triangles: every diagonal, both halves, in place too', () => {
  for (const dtype of dtypes) {
    for (const shape of [[4, 4], [2, 3, 5], [3, 20, 7], [1, 1], [0, 3], [3, 0]]) {
      for (let diagonal = -22; diagonal < 22; diagonal++) {
        for (const upper of [false, true]) {
          const x = filled(shape, dtype);
          const [a, b] = [filled(shape, dtype), filled(shape, dtype)];
          ok(fastTriangle([a], [x], { diagonal, upper }));
          triangleKernel([b], [x], { diagonal, upper });
          equal(a.storage.cells, b.storage.cells, `${shape.join('x')} ${diagonal} ${upper}`);
          ok(fastTriangle([x], [x], { diagonal, upper }));
          equal(x.storage.cells, b.storage.cells);
        }
      }
    }
  }
});

test.run();

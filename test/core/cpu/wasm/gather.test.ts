import { test } from 'uvu';
import { ShapeError } from '../../../../index.ts';
import { fastGather, fastIndex, fastIndexPut, fastScatter, splitTake } from '../../../../core/cpu/fast/gather.ts';
import { gatherKernel, indexKernel, indexPutKernel, scatterKernel } from '../../../../core/cpu/gather.ts';
import { allocate } from '../../../../core/cpu/memory/heap.ts';
import { takeRows } from '../../../../core/cpu/wasm/gather.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import type { DType } from '../../../../core/dtype.ts';
import { Generator } from '../../../../core/random.ts';
import { Tensor, emptyTensor } from '../../../../core/tensor.ts';
import { equal, is, ok, throwsError } from '../../../assert.ts';

const random = new Generator(5);
const below = (n: number): number => random.random() % n;

function filled(shape: readonly number[], dtype: DType = 'float32'): Tensor {
  const x = emptyTensor(shape, dtype, 'cpu');
  const { cells } = x.storage;
  for (let i = 0; i < cells.length; i++) cells[i] = dtype === 'float32' ? (random.random() - 2 ** 31) / 7e6 : below(200);
  return x;
}

/** Indices from `low` to before `high`. */
function indices(shape: readonly number[], low: number, high: number, dtype: DType = 'int64'): Tensor {
  const x = emptyTensor(shape, dtype, 'cpu');
  const { cells } = x.storage;
  for (let i = 0; i < cells.length; i++) cells[i] = low + below(high - low);
  return x;
}

const transposed = (x: Tensor): Tensor => new Tensor(x.storage, [...x.shape].reverse(), [...x.strides].reverse(), x.offset);

const tables: readonly (readonly [readonly number[], number])[] = [
  [[50, 1], 0], [[50, 2], 0], [[50, 3], 0], [[50, 4], 0], [[50, 33], 0], [[40, 200], 0], [[9], 0], [[6, 11], 1], [[5, 7, 6], 1], [[3, 4, 5, 2], 2], [[1, 1], 1],
];

test('index and indexPut with one index tensor', () => {
  for (const dtype of ['float32', 'int32', 'uint8'] as const) {
    for (const wrap of [false, true]) {
      for (const [shape, dim] of tables) {
        for (const indexShape of [[], [1], [7], [3, 5], [0], [64]]) {
          const x = filled(shape, dtype);
          const size = shape[dim];
          const index = indices(indexShape, wrap ? -size : 0, size, below(2) === 0 ? 'int32' : 'int64');
          const attrs = { op: 'index', dims: [dim], named: [dim], at: dim, wrap };
          const picked = [...shape.slice(0, dim), ...indexShape, ...shape.slice(dim + 1)];
          const [a, b] = [filled(picked, dtype), filled(picked, dtype)];
          ok(fastIndex([a], [x, index], attrs));
          indexKernel([b], [x, index], attrs);
          equal(a.storage.cells, b.storage.cells, `${dtype} ${shape.join('x')} at ${dim}`);

          const values = filled(picked, dtype);
          for (const accumulate of [false, true]) {
            const [c, d] = [filled(shape, dtype), filled(shape, dtype)];
            const put = { ...attrs, accumulate };
            const done = fastIndexPut([c], [x, values, index], put);
            is(done, !accumulate || dtype === 'float32');
            if (!done) continue;
            indexPutKernel([d], [x, values, index], put);
            equal(c.storage.cells, d.storage.cells);
            ok(fastIndexPut([c], [c, values, index], put));
            indexPutKernel([d], [d, values, index], put);
            equal(c.storage.cells, d.storage.cells, 'in place');
          }
        }
      }
    }
  }
});

test('several index tensors, broadcast or in columns, and spread values', () => {
  const x = filled([5, 6, 7, 3]);
  const column = indices([20, 2], 0, 5);
  const inColumn = new Tensor(column.storage, [20], [2], 1);
  const spread = new Tensor(indices([4], -6, 6).storage, [5, 4], [0, 1]);
  for (const [list, dims, at, rest] of [
    [[inColumn, indices([20], -6, 6)], [0, 1], 0, [7, 3]],
    [[indices([5, 4], 0, 6), spread], [1, 2], 1, [5, 3]],
    [[spread, spread, indices([5, 4], -3, 3)], [1, 2, 3], 1, [5]],
    [[indices([6], 0, 5), indices([6], 0, 6), indices([6], 0, 7), indices([6], 0, 3)], [0, 1, 2, 3], 0, []],
  ] as const) {
    const shape = [...rest.slice(0, at), ...list[0].shape, ...rest.slice(at)];
    const attrs = { op: 'index', dims, named: dims, at, wrap: true };
    const [a, b] = [filled(shape), filled(shape)];
    ok(fastIndex([a], [x, ...list], attrs));
    indexKernel([b], [x, ...list], attrs);
    equal(a.storage.cells, b.storage.cells);
    const values = new Tensor(filled([1]).storage, shape, shape.map(() => 0));
    for (const accumulate of [false, true]) {
      const [c, d] = [filled(x.shape), filled(x.shape)];
      ok(fastIndexPut([c], [x, values, ...list], { ...attrs, accumulate }));
      indexPutKernel([d], [x, values, ...list], { ...attrs, accumulate });
      equal(c.storage.cells, d.storage.cells);
    }
  }
});

test('an index that is written to itself is read before', () => {
  const [a, b] = [indices([40], 0, 40), emptyTensor([40], 'int64', 'cpu')];
  b.storage.cells.set(a.storage.cells);
  const values = filled([40], 'int64');
  const attrs = { op: 'indexPut_', dims: [0], named: [0], at: 0, wrap: true, accumulate: false };
  ok(fastIndexPut([a], [a, values, a], attrs));
  indexPutKernel([b], [b, values, b], attrs);
  equal(a.storage.cells, b.storage.cells);
});

test('a wrong index changes nothing and is left to the reference', () => {
  const x = filled([5, 4]);
  const before = x.data();
  for (const wrong of [5, -1, 2147483647, -2147483648]) {
    for (const place of [0, 3, 6, 8]) {
      const index = indices([9], 0, 5);
      index.storage.cells[place] = wrong;
      const attrs = { op: 'indexAdd', dims: [0], named: [0], at: 0, wrap: false, accumulate: true };
      is(fastIndexPut([x], [x, filled([9, 4]), index], attrs), false);
      is(fastIndex([filled([9, 4])], [x, index], attrs), false);
      throwsError(() => indexPutKernel([x], [x, filled([9, 4]), index], attrs), ShapeError, new RegExp(`indexAdd: index out of range, got ${wrong}`));
      const column = new Tensor(index.storage, [9, 1], [1, 1]);
      is(fastGather([filled([9, 1])], [x, column], { op: 'gather', dim: 0 }), false);
      is(fastScatter([x], [x, column, filled([9, 1])], { op: 'scatter', dim: 0, accumulate: false }), false);
    }
  }
  equal(x.data(), before);
});

const partsOfTables: readonly (readonly [readonly number[], number, readonly number[]])[] = [
  [[30, 10], 1, [30, 1]], [[30, 10], 1, [20, 7]], [[30, 10], 0, [9, 10]], [[30, 10], 0, [50, 4]], [[4, 5, 6], 1, [4, 9, 6]], [[4, 5, 6], 2, [3, 2, 8]], [[8], 0, [40]], [[1, 1], 0, [1, 1]],
];

test('gather and scatter', () => {
  for (const dtype of ['float32', 'int64'] as const) {
    for (const turn of [false, true]) {
      for (const [shape, dim, indexShape] of partsOfTables) {
        const x = turn ? transposed(filled([...shape].reverse(), dtype)) : filled(shape, dtype);
        const index = turn ? transposed(indices([...indexShape].reverse(), 0, shape[dim])) : indices(indexShape, 0, shape[dim]);
        const [a, b] = [filled(indexShape, dtype), filled(indexShape, dtype)];
        const fits = fastGather([a], [x, index], { op: 'gather', dim });
        ok(fits);
        gatherKernel([b], [x, index], { op: 'gather', dim });
        equal(a.storage.cells, b.storage.cells);
        const source = filled(indexShape, dtype);
        for (const accumulate of [false, true]) {
          const [c, d] = [filled(shape, dtype), filled(shape, dtype)];
          const attrs = { op: 'scatter', dim, accumulate };
          const done = fastScatter([c], [x, index, source], attrs);
          is(done, !accumulate || dtype === 'float32');
          if (!done) continue;
          scatterKernel([d], [x, index, source], attrs);
          equal(c.storage.cells, d.storage.cells);
        }
      }
    }
  }
});

test('parts of a lookup give what the whole gives', () => {
  const [rows, n, width] = [100, 1001, 20];
  const table = filled([2, rows, width]);
  const index = indices([n], -rows, rows);
  const bytes = 4 * width;
  const [whole, parts] = [allocate(2 * n * bytes), allocate(2 * n * bytes)];
  const { cells } = table.storage;
  const at = allocate(4 * cells.length);
  heap.f32.set(cells, at >> 2);
  const which = allocate(4 * n);
  heap.i32.set(index.storage.cells, which >> 2);
  const outer = [2, n * bytes, rows * bytes] as const;
  takeRows.run(whole, at, which, n, bytes, bytes, rows, bytes, ...outer);
  const split = splitTake(parts, at, which, n, bytes, rows, bytes, ...outer, 3);
  is(split.length, 3);
  for (const part of split) takeRows.run(...part);
  equal(heap.f32.slice(parts >> 2, (parts >> 2) + 2 * n * width), heap.f32.slice(whole >> 2, (whole >> 2) + 2 * n * width));
});

test.run();

import { test } from 'uvu';
import '../../../../index.ts';
import { splitRows } from '../../../../core/cpu/fast/copy.ts';
import { fastClone, fastPlace, fastScatterStrided } from '../../../../core/cpu/fast/strided.ts';
import { allocate } from '../../../../core/cpu/memory/heap.ts';
import { scatterStrided } from '../../../../core/cpu/strided.ts';
import { copyAligned, copyRows, copyTransposed } from '../../../../core/cpu/wasm/copy.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import type { DType } from '../../../../core/dtype.ts';
import { Generator } from '../../../../core/random.ts';
import { numelOf, stridesOf } from '../../../../core/shape.ts';
import { Tensor, emptyTensor } from '../../../../core/tensor.ts';
import { equal, is, ok } from '../../../assert.ts';

const random = new Generator(7);
const below = (n: number): number => random.random() % n;

/** A tensor of distinct small numbers. */
function filled(shape: readonly number[], dtype: DType = 'float32'): Tensor {
  const x = emptyTensor(shape, dtype, 'cpu');
  const { cells } = x.storage;
  for (let i = 0; i < cells.length; i++) cells[i] = dtype === 'bool' ? (i * 7) & 1 : (i * 37 + 11) % 65_521;
  return x;
}

const zeros = (shape: readonly number[], dtype: DType = 'float32'): Tensor => emptyTensor(shape, dtype, 'cpu');

/** A permuted, narrowed, strided or expanded view, by chance. */
function someView(rank: number, dtype: DType): Tensor {
  const most = [0, 3000, 60, 20, 10, 6, 5][rank] ?? 4;
  const shape = Array.from({ length: rank }, () => 1 + below(most));
  const whole = filled(shape.map((n) => n + 2), dtype);
  const steps = shape.map(() => (below(4) === 0 ? 2 : 1));
  const sizes = shape.map((n, d) => Math.max(1, Math.floor(n / steps[d])));
  const strides = whole.strides.map((s, d) => (below(8) === 0 ? 0 : s * steps[d]));
  const order = shape.map((_, d) => d);
  if (below(3) > 0) order.sort(() => below(3) - 1);
  return new Tensor(whole.storage, order.map((d) => sizes[d]), order.map((d) => strides[d]), rank === 0 ? 0 : below(2));
}

test('clone: any view of 4-byte and 1-byte elements', () => {
  for (let i = 0; i < 400; i++) {
    const dtype = (['float32', 'int32', 'int64', 'uint8', 'bool'] as const)[below(5)];
    const x = someView(below(7), dtype);
    const [a, b] = [zeros(x.shape, dtype), zeros(x.shape, dtype)];
    ok(fastClone([a], [x], undefined), `${x.shape.join('x')} with strides ${x.strides.join(' ')}`);
    scatterStrided([b], [b, x], { shape: b.shape, strides: b.strides, offset: 0, accumulate: false });
    equal(a.storage.cells, b.storage.cells, `${dtype} ${x.shape.join('x')} with strides ${x.strides.join(' ')}`);
  }
});

test('clone: transposes of all small sizes, and of rows a multiple of 1024 bytes apart', () => {
  const check = (rows: number, columns: number): void => {
    const x = filled([2, rows, columns]);
    const view = new Tensor(x.storage, [2, columns, rows], [rows * columns, 1, columns]);
    const out = zeros(view.shape);
    ok(fastClone([out], [view], undefined));
    equal(out.storage.cells, view.data(), `${rows}x${columns}`);
  };
  for (let rows = 1; rows < 24; rows++) for (let columns = 1; columns < 24; columns++) check(rows, columns);
  for (const n of [15, 16, 37, 255, 256]) for (const m of [256, 512, 3]) check(m, n);
});

test('clone: all lengths, bits as they are, nothing written past the end', () => {
  for (const dtype of ['float32', 'uint8'] as const) {
    for (let n = 0; n < 600; n += n < 80 ? 1 : 37) {
      const whole = filled([n + 40], dtype);
      const x = new Tensor(whole.storage, [n], [1], 3);
      const target = zeros([n + 40], dtype);
      const out = new Tensor(target.storage, [n], [1], 5);
      ok(fastClone([out], [x], undefined));
      const expected = zeros([n + 40], dtype).storage.cells;
      expected.set(whole.storage.cells.subarray(3, 3 + n), 5);
      equal(target.storage.cells, expected, `${dtype} ${n}`);
    }
  }
  const words = Int32Array.of(0x7fa00001, -0x5fffff, -0x80000000, 1, 0x7f800000);
  const x = zeros([5]);
  new Int32Array(x.storage.cells.buffer, x.storage.cells.byteOffset, 5).set(words);
  for (const strides of [[1], [0]]) {
    const out = zeros([5]);
    ok(fastClone([out], [new Tensor(x.storage, [5], strides)], undefined));
    const { cells } = out.storage;
    equal(new Int32Array(cells.buffer, cells.byteOffset, 5), strides[0] === 1 ? words : new Int32Array(5).fill(words[0]));
  }
});

test('clone: what it leaves to the reference', () => {
  const shape = [2, 2, 2, 2, 2, 2, 2];
  const x = filled(shape.map(() => 4));
  is(fastClone([zeros(shape)], [new Tensor(x.storage, shape, x.strides)], undefined), false, 'seven dimensions');
  is(fastClone([zeros([2], 'float64')], [zeros([2], 'float64')], undefined), false);
  is(fastClone([zeros([2])], [zeros([2], 'int32')], undefined), false);
});

test('windows: replaced and added, also where cells meet', () => {
  for (let i = 0; i < 300; i++) {
    const accumulate = below(2) === 0;
    const rank = below(5);
    const shape = Array.from({ length: rank }, () => 1 + below(6));
    const x = filled([1 + below(200)]);
    const offset = below(x.numel());
    const strides = shape.map(() => below(4) * 3);
    const reach = offset + shape.reduce((at, n, d) => at + (n - 1) * strides[d], 0);
    if (reach >= x.numel()) continue;
    const source = filled(shape);
    for (let k = 0; k < source.numel(); k++) source.storage.cells[k] = k / 7;
    const [a, b] = [zeros(x.shape), zeros(x.shape)];
    const window = { shape, strides, offset, accumulate };
    scatterStrided([b], [x, source], window);
    if (!fastScatterStrided([a], [x, source], window)) {
      is(accumulate, false, 'only cells that are written twice are left to the reference');
      continue;
    }
    equal(a.storage.cells, b.storage.cells, `${shape.join('x')} with strides ${strides.join(' ')}, ${accumulate}`);
  }
});

test('place: zeros around a window', () => {
  const cases: readonly (readonly [readonly number[], number, number, number, number])[] = [[[4, 12], 1, 3, 1, 5], [[4, 12], 0, 1, 2, 2], [[3, 5, 7], 1, 0, 3, 2], [[32, 512], 1, 128, 1, 128], [[3], 0, 1, 1, 0]];
  for (const [shape, dim, start, step, size] of cases) {
    const source = filled(shape.with(dim, size));
    const out = filled(shape);
    ok(fastPlace([out], [source], { dim, start, step }));
    const expected = zeros(shape);
    const strides = stridesOf(shape);
    const window = { shape: source.shape, strides: strides.with(dim, strides[dim] * step), offset: start * strides[dim], accumulate: false };
    scatterStrided([expected], [expected, source], window);
    equal(out.storage.cells, expected.storage.cells);
  }
});

test('parts give what the whole gives', () => {
  const [rows, columns] = [300, 70];
  const n = rows * columns;
  const [from, to, parts] = [allocate(4 * n), allocate(4 * n), allocate(4 * n)];
  for (let i = 0; i < n; i++) heap.i32[(from >> 2) + i] = i;
  for (const [kernel, args] of [
    [copyAligned, [rows, 4 * columns, 4, columns, 4, 4 * rows]],
    [copyTransposed, [rows, 4 * columns, 4, columns, 4, 4 * rows]],
    [copyRows, [rows, 4 * columns, 4 * columns, 4 * columns, 4, 4]],
    [copyRows, [1, 0, 0, 4 * columns, 4, 4]],
  ] as const) {
    const outer = args[0] === 1 ? [1, 0, 0, 1, 0, 0, 1, 0, 0, rows, 4 * columns, 4 * columns] : [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0];
    heap.i32.fill(-1, to >> 2, (to >> 2) + n);
    heap.i32.fill(-2, parts >> 2, (parts >> 2) + n);
    kernel.run(to, from, ...args, ...outer);
    const split = splitRows([parts, from, ...args, ...outer], 3);
    is(split.length, 3);
    for (const part of split.reverse()) kernel.run(...part);
    equal(heap.i32.slice(parts >> 2, (parts >> 2) + n), heap.i32.slice(to >> 2, (to >> 2) + n));
  }
  is(numelOf([rows, columns]), n);
});

test.run();

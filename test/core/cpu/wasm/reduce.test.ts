import { test } from 'uvu';
import { setFast } from '../../../../core/cpu/engine.ts';
import { allocate, release } from '../../../../core/cpu/memory/heap.ts';
import { f32x4 } from '../../../../core/cpu/wasm/code.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { extremeColumns, extremeRows, sumColumns, sumRows, varianceRows } from '../../../../core/cpu/wasm/reduce.ts';
import { type Tensor, manualSeed, randn, tensor } from '../../../../index.ts';
import { allClose, equal, is, ok } from '../../../assert.ts';

manualSeed(1);

/** The same with Wasm kernels and with the plain ones. */
function both(run: () => Tensor): readonly [fast: Tensor, plain: Tensor] {
  const fast = run();
  const before = setFast(false);
  try {
    return [fast, run()];
  } finally {
    setFast(before);
  }
}

const folds: Readonly<Record<string, (x: Tensor, dims: readonly number[] | number | undefined) => Tensor>> = {
  sum: (x, dims) => x.sum(dims),
  mean: (x, dims) => x.mean(dims),
  amax: (x, dims) => x.amax(dims),
  amin: (x, dims) => x.amin(dims),
  norm: (x, dims) => x.norm(2, dims),
  norm1: (x, dims) => x.norm(1, dims),
  norm0: (x, dims) => x.norm(0, dims),
  widest: (x, dims) => x.norm(Infinity, dims),
  narrowest: (x, dims) => x.norm(-Infinity, dims),
  norm3: (x, dims) => x.norm(3, dims),
  var: (x, dims) => x.var(dims),
  std: (x, dims) => x.std(dims, { correction: 0 }),
  logsumexp: (x, dims) => x.logsumexp(dims ?? x.shape.map((_, d) => d)),
};

const cases: readonly (readonly [name: string, x: Tensor, dims: readonly number[] | undefined])[] = [
  ['a scalar', randn([]), undefined],
  ...[1, 2, 3, 4, 5, 15, 16, 17, 32, 63, 255, 256, 257, 260, 1027, 4099].map((n) => [`${n} in a line`, randn([n]), undefined] as const),
  ['a long line', randn([150_001]), undefined],
  ['long rows', randn([2, 140_003]), [1]],
  ['rows of ten', randn([64, 10]), [1]],
  ['rows of 33', randn([7, 33]), [1]],
  ['rows of one', randn([7, 1]), [1]],
  ...[1, 3, 4, 10, 16, 17, 37].flatMap((columns) => [1, 2, 15, 16, 17, 33, 64].map((rows) => [`columns of [${rows}, ${columns}]`, randn([rows, columns]), [0]] as const)),
  ['columns of a large matrix', randn([1000, 75]), [0]],
  ['a dimension in the middle', randn([3, 19, 6]), [1]],
  ['one of size one', randn([3, 1, 6]), [1]],
  ['all but channels', randn([3, 5, 4, 7]), [0, 2, 3]],
  ['two apart', randn([3, 5, 4, 7]), [1, 3]],
  ['first and third', randn([3, 5, 4, 7]), [0, 2]],
  ['many apart', randn([2, 3, 2, 3, 2, 3]), [0, 2, 4]],
  ['a transpose, rows', randn([9, 21]).t(), [1]],
  ['a transpose, columns', randn([9, 21]).t(), [0]],
  ['a transpose, all', randn([9, 21]).t(), undefined],
  ['a narrowed matrix, rows', randn([9, 21]).narrow(1, 3, 11), [1]],
  ['a narrowed matrix, columns', randn([9, 21]).narrow(1, 3, 11), [0]],
  ['a narrowed matrix, all', randn([9, 21]).narrow(1, 3, 11), undefined],
  ['every second', randn([40]).reshape([20, 2]).select(1, 1), undefined],
  ['expanded', randn([5, 1]).expand([5, 8]), [1]],
  ['expanded, columns', randn([1, 5]).expand([8, 5]), [0]],
  ['expanded from one', randn([1]).expand([8]), undefined],
  ['permuted', randn([3, 4, 5]).permute([2, 0, 1]), [0]],
  ['permuted, two', randn([3, 4, 5]).permute([2, 0, 1]), [0, 2]],
];

for (const [name, fold] of Object.entries(folds)) {
  test(`${name} over many shapes`, () => {
    for (const [what, x, dims] of cases) {
      if ((name === 'var' || name === 'std') && x.numel() < 2) continue;
      const [fast, plain] = both(() => fold(x, dims));
      equal([...fast.shape], [...plain.shape], what);
      try {
        allClose(fast, plain, { rtol: 2e-6, atol: 1e-6 * Math.sqrt(x.numel()) });
      } catch (error) {
        throw new Error(`${what}: ${String(error)}`, { cause: error });
      }
    }
  });
}

test('special values', () => {
  for (const values of [[NaN, 1, 2], [1, 2, NaN, 4, 5, 6], [Infinity, 1], [-Infinity, -Infinity], [Infinity, -Infinity, 3], [-0, -0], [-0, 0, -0, 0, -0], [0, -0], [3e38, 3e38]]) {
    for (const [name, fold] of Object.entries(folds)) {
      if (name === 'sum' && values[0] === 3e38) continue;
      for (const x of [tensor(values), tensor(values).reshape([-1, 1]).expand([-1, 6]).contiguous()]) {
        const dims = x.ndim === 1 ? undefined : 0;
        const [fast, plain] = both(() => fold(x, dims));
        const [a, b] = [[...fast.data()], [...plain.data()]];
        // A sum of squares that no float holds is infinite.
        if (values[0] === 3e38 && name !== 'amax' && name !== 'amin') continue;
        ok(a.every((v, i) => Object.is(v, b[i]) || Math.abs(v - b[i]) <= 1e-6 * Math.abs(b[i])), `${name} of ${values.join(', ')}: ${a.join(', ')}, expected ${b.join(', ')}`);
      }
    }
  }
});

test('variance beside a large mean', () => {
  for (const mean of [1e3, 1e4, 1e5]) {
    for (const x of [randn([10_000]).add(mean), randn([100, 100]).add(mean)]) {
      const [fast, plain] = both(() => x.var(x.ndim - 1));
      allClose(fast, plain, { rtol: 1e-6 });
    }
  }
});

test('sums are as exact as floats allow', () => {
  const x = tensor(new Float32Array(3_000_000).fill(0.1));
  const exact = 3_000_000 * Math.fround(0.1);
  ok(Math.abs(x.sum().item() - exact) / exact < 5e-7);
  ok(Math.abs(x.reshape([300_000, 10]).sum(0).at(3).item() - exact / 10) / exact < 1e-7);
});

test('empty tensors', () => {
  is(tensor([]).sum().item(), 0);
  ok(Number.isNaN(tensor([]).mean().item()));
  equal([...randn([0, 3]).sum(0).data()], [0, 0, 0]);
});

test('the gradient of broadcasting', () => {
  const g = randn([8, 3, 5]);
  for (const shape of [[3, 5], [5], [1, 5], [3, 1], [1, 3, 1], []]) {
    const [fast, plain] = both(() => g.sumToSize(shape));
    allClose(fast, plain, { rtol: 1e-6, atol: 1e-6 });
  }
});

/** Random floats in the kernels' memory. */
function filled(n: number): number {
  const at = allocate(4 * n);
  for (let i = 0; i < n; i++) heap.f32[(at >> 2) + i] = Math.fround(Math.sin(i * 12.9898) * 43758.5453 % 1);
  return at;
}

const bits = (at: number, n: number): number[] => [...heap.i32.subarray(at >> 2, (at >> 2) + n)];

test('parts have the bits of the whole, and nothing is written beyond', () => {
  const [rows, columns] = [50, 43];
  const x = filled(rows * columns);
  const [whole, split] = [allocate(4 * columns + 64), allocate(4 * columns + 64)];
  const scratch = allocate(8 * 48);
  heap.f32.fill(7, whole >> 2, (whole >> 2) + 64);
  heap.f32.fill(7, split >> 2, (split >> 2) + 64);
  const identity = sumColumns((_, v) => v, 'quotient');
  identity.run(whole, x, 1, 0, rows, 4 * columns, columns, 3, rows, 0);
  for (const [from, n] of [[0, 16], [16, 16], [32, 11]]) identity.run(split + 4 * from, x + 4 * from, 1, 0, rows, 4 * columns, n, 3, 16, scratch + 8 * from);
  equal(bits(split, columns + 3), bits(whole, columns + 3), 'sums of columns');
  is(heap.f32[(whole >> 2) + columns], 7);
  const largest = extremeColumns((_, v) => f32x4.abs(v), true);
  largest.run(whole, x, 1, 0, rows, 4 * columns, columns);
  for (const [from, n] of [[0, 5], [5, 30], [35, 8]]) largest.run(split + 4 * from, x + 4 * from, 1, 0, rows, 4 * columns, n);
  equal(bits(split, columns + 3), bits(whole, columns + 3), 'largest of columns');
  for (const kernel of [sumRows((_, v) => v, 'quotient'), extremeRows((_, v) => v, false), varianceRows]) {
    kernel.run(whole, x, columns, 4 * rows, 1, 0, rows, 2, 0);
    for (const [from, n] of [[0, 7], [7, 36]]) kernel.run(split + 4 * from, x + 4 * from * rows, n, 4 * rows, 1, 0, rows, 2, 0);
    equal(bits(split, columns + 3), bits(whole, columns + 3), kernel.name);
  }
  for (const at of [whole, split]) release(at, 4 * columns + 64);
});

test.run();

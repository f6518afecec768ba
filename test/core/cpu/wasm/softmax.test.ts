import { test } from 'uvu';
import { setFast } from '../../../../core/cpu/engine.ts';
import { allocate, release } from '../../../../core/cpu/memory/heap.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { softmaxColumns, softmaxColumnsBackward } from '../../../../core/cpu/wasm/softmax-columns.ts';
import { softmaxRows, softmaxRowsBackward } from '../../../../core/cpu/wasm/softmax.ts';
import { type Tensor, manualSeed, randn, tensor } from '../../../../index.ts';
import { allClose, equal, is, ok } from '../../../assert.ts';

manualSeed(2);

/** Results and gradients with Wasm kernels, and with the plain ones. */
function both(run: (x: Tensor) => Tensor, x: Tensor, g: Tensor): readonly [fast: readonly Tensor[], plain: readonly Tensor[]] {
  const once = (): readonly Tensor[] => {
    const leaf = x.detach().requiresGrad_();
    const y = run(leaf);
    y.backward({ gradient: g });
    return [y.detach(), leaf.grad as Tensor];
  };
  const fast = once();
  const before = setFast(false);
  try {
    return [fast, once()];
  } finally {
    setFast(before);
  }
}

const cases: readonly (readonly [shape: readonly number[], dim: number])[] = [
  [[], 0], [[1], 0], [[5], 0], [[3, 1], 1], [[64, 10], 1], [[64, 10], 0], [[7, 33], 1], [[2, 300], 1], [[2, 1030], 1], [[1, 4], 0], [[3, 4, 5], 1], [[3, 9, 1], 1], [[3, 20, 17], 1], [[3, 4, 5], 0], [[2, 3, 8, 6], 2],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 16].map((n) => [[5, n], 1] as const),
];

for (const name of ['softmax', 'logSoftmax'] as const) {
  test(`${name} over many shapes`, () => {
    for (const scale of [1, 10, 100]) {
      for (const [shape, dim] of cases) {
        const x = randn(shape).mul(scale);
        const [fast, plain] = both((t) => t[name](dim), x, randn(shape));
        fast.forEach((t, i) => allClose(t, plain[i], { rtol: 2e-6, atol: 2e-7 * scale }));
      }
    }
  });

  test(`${name} of views, with gradients that are views`, () => {
    for (const view of [(x: Tensor) => x.t(), (x: Tensor) => x.narrow(1, 2, 5), (x: Tensor) => x.narrow(0, 1, 4)]) {
      const [x, g] = [view(randn([6, 9])), view(randn([6, 9]))];
      for (const dim of [0, 1]) {
        const [fast, plain] = both((t) => t[name](dim), x, g);
        fast.forEach((t, i) => allClose(t, plain[i], { rtol: 2e-6, atol: 2e-7 }));
      }
    }
  });

  test(`${name} of special values`, () => {
    for (const values of [[NaN, 1, 2], [1, 2, 3, 4, NaN], [Infinity, 1], [-Infinity, 1, 2, -Infinity, 0.5], [-Infinity, -Infinity], [1e30, 1e30, -1e30], [-100, 0, -90, -80, -87.4]]) {
      for (const x of [tensor(values), tensor(values).reshape([-1, 1]).expand([-1, 5]).contiguous()]) {
        const run = (): Tensor => x[name](0);
        const fast = run();
        setFast(false);
        const plain = run();
        setFast(true);
        allClose(fast, plain, { rtol: 2e-6, atol: 1e-37 });
      }
    }
  });
}

test('probabilities sum to 1', () => {
  for (const n of [10, 1000, 50_000]) ok(Math.abs(randn([n]).softmax(0).sum().item() - 1) < 2e-7);
});

test('parts have the bits of the whole, and nothing is written beyond', () => {
  const [outer, n, columns] = [6, 11, 7];
  const size = outer * n * columns;
  const [g, x] = [allocate(4 * size), allocate(4 * size)];
  const [whole, split] = [allocate(4 * size + 16), allocate(4 * size + 16)];
  for (let i = 0; i < size; i++) {
    heap.f32[(g >> 2) + i] = Math.sin(i);
    heap.f32[(x >> 2) + i] = -Math.abs(Math.cos(3 * i));
  }
  const check = (name: string): void => {
    equal([...heap.i32.subarray(split >> 2, (split >> 2) + size)], [...heap.i32.subarray(whole >> 2, (whole >> 2) + size)], name);
    for (let i = 0; i < 4; i++) is(heap.f32[((whole + 4 * size) >> 2) + i], 7);
  };
  for (const at of [whole, split]) heap.f32.fill(7, at >> 2, (at >> 2) + size + 4);
  const step = 4 * n * columns;
  for (const log of ['plain', 'log'] as const) {
    softmaxColumns[log].run(whole, x, outer, n, columns);
    for (let o = 0; o < outer; o += 2) softmaxColumns[log].run(split + o * step, x + o * step, 2, n, columns);
    check('columns');
    softmaxColumnsBackward[log].run(whole, g, x, outer, n, columns);
    for (let o = 0; o < outer; o += 2) softmaxColumnsBackward[log].run(split + o * step, g + o * step, x + o * step, 2, n, columns);
    check('gradients of columns');
    softmaxRows[log].run(whole, x, outer * n, columns);
    for (let o = 0; o < outer; o += 2) softmaxRows[log].run(split + o * step, x + o * step, 2 * n, columns);
    check('rows');
    softmaxRowsBackward[log].run(whole, g, x, outer * n, columns);
    for (let o = 0; o < outer; o += 2) softmaxRowsBackward[log].run(split + o * step, g + o * step, x + o * step, 2 * n, columns);
    check('gradients of rows');
  }
  for (const at of [whole, split]) release(at, 4 * size + 16);
  for (const at of [g, x]) release(at, 4 * size);
});

test.run();

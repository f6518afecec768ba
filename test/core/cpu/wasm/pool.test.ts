import { test } from 'uvu';
import type { FastKernel } from '../../../../core/cpu/engine.ts';
import { fastAvgPool, fastAvgPoolSpread, fastMaxPool, fastMaxPoolPick, fastMaxPoolSpread } from '../../../../core/cpu/fast/pool.ts';
import { type PoolAttrs, avgPoolKernel, avgPoolSpreadKernel, maxPoolKernel, maxPoolPickKernel, maxPoolSpreadKernel } from '../../../../core/cpu/pool.ts';
import type { DType } from '../../../../core/dtype.ts';
import type { Kernel } from '../../../../core/op.ts';
import { adaptivePool, fixedPool } from '../../../../core/ops/windows.ts';
import { Generator } from '../../../../core/random.ts';
import { type Tensor, emptyTensor } from '../../../../core/tensor.ts';
import { maxPool2d, setNumThreads, zeros } from '../../../../index.ts';
import { allClose, equal, is, ok } from '../../../assert.ts';

const random = new Generator(11);
const below = (n: number): number => random.random() % n;
const odd = [NaN, Infinity, -Infinity, -0, 0, 1, 1, -1];

/** Small whole numbers, so that there are ties, and now and then something odd. */
function someTensor(shape: readonly number[], oddities: boolean): Tensor {
  const x = emptyTensor(shape, 'float32', 'cpu');
  const { cells } = x.storage;
  for (let i = 0; i < cells.length; i++) cells[i] = oddities && below(5) === 0 ? odd[below(odd.length)] : (below(9) - 4) / 4;
  return x;
}

type AnyKernel = Kernel<PoolAttrs> | FastKernel<PoolAttrs>;

/** What a kernel makes of results that hold nothing sensible. */
function results(kernel: AnyKernel, specs: readonly (readonly [readonly number[], DType])[], inputs: readonly Tensor[], attrs: PoolAttrs, garbage: number): Tensor[] {
  const out = specs.map(([shape, dtype]) => emptyTensor(shape, dtype, 'cpu'));
  for (const x of out) x.storage.cells.fill(garbage);
  ok(kernel(out, inputs, attrs) !== false);
  return out;
}

const bits = (x: Tensor): number[] => [...new Int32Array(x.data().slice().buffer)].map((b) => (x.dtype === 'float32' && (b & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : b));

/** Compares all pools with the reference: bit by bit, but for sums of averages. */
function agree(x: Tensor, attrs: PoolAttrs): void {
  const shape = [...x.shape.slice(0, x.ndim - attrs.rank), ...(attrs.rank === 1 ? [] : [attrs.rows.start.length]), attrs.columns.start.length];
  const compare = (name: string, fast: FastKernel<PoolAttrs>, reference: Kernel<PoolAttrs>, specs: readonly (readonly [readonly number[], DType])[], inputs: readonly Tensor[], exact: boolean): Tensor[] => {
    const expected = results(reference, specs, inputs, attrs, 0);
    results(fast, specs, inputs, attrs, 77).forEach((y, i) => {
      if (exact) equal(bits(y), bits(expected[i]), `${name} of ${x.shape.join('x')}: ${JSON.stringify(attrs)}`);
      else allClose(y, expected[i], { rtol: 1e-5, atol: 1e-6 });
    });
    return expected;
  };
  const [, places] = compare('maxPool', fastMaxPool, maxPoolKernel, [[shape, 'float32'], [shape, 'int64']], [x], true);
  const g = someTensor(shape, false);
  compare('maxPoolSpread', fastMaxPoolSpread, maxPoolSpreadKernel, [[x.shape, 'float32']], [g, places], true);
  compare('maxPoolPick', fastMaxPoolPick, maxPoolPickKernel, [[shape, 'float32']], [x, places], true);
  compare('avgPool', fastAvgPool, avgPoolKernel, [[shape, 'float32']], [x], false);
  compare('avgPoolSpread', fastAvgPoolSpread, avgPoolSpreadKernel, [[x.shape, 'float32']], [g], false);
}

test('windows by chance', () => {
  for (let i = 0; i < 400; i++) {
    const rank = below(3) === 0 ? 1 : 2;
    const kernel = 1 + below(4);
    const dilation = 1 + below(2);
    const room = dilation * (kernel - 1) + 1;
    const shape = [1 + below(3), 1 + below(3), ...(rank === 1 ? [room + below(20)] : [room + below(9), room + below(14)])];
    const x = someTensor(shape, i % 2 === 0);
    const options = { stride: 1 + below(3), padding: below(Math.floor(kernel / 2) + 1), ceilMode: below(2) === 0 };
    agree(x, fixedPool('pool', x, rank, kernel, { ...options, countPadding: below(2) === 0, divisor: below(4) === 0 ? 3 : null }));
    const dilated = fixedPool('pool', x, rank, kernel, { ...options, dilation });
    const expected = results(maxPoolKernel, [[maxPool2dShape(x, dilated), 'float32'], [maxPool2dShape(x, dilated), 'int64']], [x], dilated, 0);
    const actual = results(fastMaxPool, [[expected[0].shape, 'float32'], [expected[0].shape, 'int64']], [x], dilated, 77);
    actual.forEach((y, k) => equal(bits(y), bits(expected[k])));
  }
});

const maxPool2dShape = (x: Tensor, { rank, rows, columns }: PoolAttrs): number[] => [...x.shape.slice(0, x.ndim - rank), ...(rank === 1 ? [] : [rows.start.length]), columns.start.length];

test('2x2 windows side by side', () => {
  for (let height = 2; height < 8; height++) {
    for (let width = 2; width < 30; width++) {
      for (const oddities of [false, true]) {
        const x = someTensor([2, 2, height, width], oddities);
        agree(x, fixedPool('pool', x, 2, 2, {}));
        agree(x, fixedPool('pool', x, 2, 2, { ceilMode: true, divisor: 3 }));
      }
    }
  }
});

test('adaptive windows, and windows over everything', () => {
  for (const size of [[7, 9], [1, 1], [4, 16], [8, 8]]) {
    const x = someTensor([2, 3, ...size], true);
    for (const output of [1, 2, 4, [3, 5]] as const) agree(x, adaptivePool('pool', x, 2, output));
  }
});

test('-inf only: the first place', () => {
  const x = zeros([1, 1, 2, 8]).add(-Infinity);
  const { output, indices } = maxPool2d(x, 2, { returnIndices: true });
  equal([...output.data()], [-Infinity, -Infinity, -Infinity, -Infinity]);
  equal([...indices.data()], [0, 2, 4, 6]);
});

test('empty sizes and other dtypes are left to the reference', () => {
  const attrs = fixedPool('pool', zeros([1, 4, 4]), 2, 2, {});
  is(fastMaxPool([zeros([0, 2, 2]), zeros([0, 2, 2], { dtype: 'int64' })], [zeros([0, 4, 4])], attrs), false);
  is(fastAvgPool([zeros([1, 2, 2], { dtype: 'float64' })], [zeros([1, 4, 4], { dtype: 'float64' })], attrs), false);
  equal(maxPool2d(zeros([1, 4, 4], { dtype: 'int32' }), 2).shape, [1, 2, 2]);
});

test('any number of threads gives the same bits', () => {
  for (const [size, kernel] of [[40, 2], [41, 3]]) {
    const x = someTensor([5, 30, size, size], false);
    const attrs = fixedPool('pool', x, 2, kernel, { stride: 2 });
    const shape = maxPool2dShape(x, attrs);
    const g = someTensor(shape, false);
    const runAll = (): number[][] => {
      const [values, places] = results(fastMaxPool, [[shape, 'float32'], [shape, 'int64']], [x], attrs, 7);
      const [spread] = results(fastMaxPoolSpread, [[x.shape, 'float32']], [g, places], attrs, 7);
      const [pick] = results(fastMaxPoolPick, [[shape, 'float32']], [x, places], attrs, 7);
      const [mean] = results(fastAvgPool, [[shape, 'float32']], [x], attrs, 7);
      const [meanSpread] = results(fastAvgPoolSpread, [[x.shape, 'float32']], [g], attrs, 7);
      return [values, places, spread, pick, mean, meanSpread].map(bits);
    };
    const whole = runAll();
    setNumThreads(3);
    try {
      equal(runAll(), whole);
    } finally {
      setNumThreads(1);
    }
  }
});

test.run();

import { test } from 'uvu';
import { setFast } from '../../../../core/cpu/engine.ts';
import { allocate } from '../../../../core/cpu/memory/heap.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { channelStats, normChannels, normChannelsBackward } from '../../../../core/cpu/wasm/normalize-channels.ts';
import { columnStats, normColumns, normColumnsBackward } from '../../../../core/cpu/wasm/normalize-columns.ts';
import { inverseRoots, normRows, normRowsBackward, normVectorsBackward, rowStats } from '../../../../core/cpu/wasm/normalize.ts';
import { type Tensor, manualSeed, randn, tensor } from '../../../../index.ts';
import * as F from '../../../../nn/functional.ts';
import { allClose, equal, is } from '../../../assert.ts';

manualSeed(3);

type Norm = (x: Tensor, w: Tensor | null, b: Tensor | null) => Tensor;

/** Result and gradients with Wasm kernels, and with the plain ones. */
function compare(norm: Norm, x: Tensor, vector: readonly number[], weighted: boolean, biased: boolean, what: string): void {
  const [w0, b0, g] = [randn(vector), randn(vector), randn(x.shape)];
  const once = (): readonly Tensor[] => {
    const leaf = x.detach().requiresGrad_();
    const w = weighted ? w0.detach().requiresGrad_() : null;
    const b = biased ? b0.detach().requiresGrad_() : null;
    const y = norm(leaf, w, b);
    y.backward({ gradient: g });
    return [y.detach(), leaf.grad as Tensor, ...(w === null ? [] : [w.grad as Tensor]), ...(b === null ? [] : [b.grad as Tensor])];
  };
  const fast = once();
  const before = setFast(false);
  const plain = once();
  setFast(before);
  fast.forEach((t, i) => {
    try {
      allClose(t, plain[i], { rtol: 1e-5, atol: 3e-6 * Math.max(1, Math.sqrt(x.numel() / t.numel())) });
    } catch (error) {
      throw new Error(`${what}, result ${i}: ${String(error)}`, { cause: error });
    }
  });
}

const flags = [[true, true], [true, false], [false, true], [false, false]] as const;

test('layer norm', () => {
  for (const [rows, n] of [[1, 2], [2, 3], [5, 4], [7, 5], [64, 32], [3, 257], [2, 1030], [33, 10], [17, 1], [40, 1000], [520, 128]] as const) {
    for (const [w, b] of flags) compare((x, weight, bias) => F.layerNorm(x, n, weight, bias), randn([rows, n]).mul(3).add(1), [n], w, b, `[${rows}, ${n}]`);
  }
  compare((x, weight, bias) => F.layerNorm(x, [4, 5], weight, bias), randn([2, 3, 4, 5]), [4, 5], true, true, 'two dimensions');
});

test('group and instance norm', () => {
  for (const shape of [[2, 4, 3], [3, 6, 5, 5], [2, 4, 9]]) {
    compare((x, w, b) => F.groupNorm(x, 2, w, b), randn(shape), [shape[1]], true, true, `[${shape.join(', ')}]`);
    compare((x, w, b) => F.instanceNorm(x, null, null, w, b), randn(shape), [shape[1]], true, true, `[${shape.join(', ')}]`);
  }
});

const batches = [[2, 3], [3, 1], [64, 10], [17, 4], [40, 37], [300, 130], [2, 3, 2], [4, 5, 3, 3], [3, 2, 17], [8, 16, 8, 8], [2, 3, 70, 5], [5, 3, 1, 1], [1, 3, 6]];

test('batch norm in training and evaluation', () => {
  for (const shape of batches) {
    const c = shape[1];
    const [mean, variance] = [randn([c]), randn([c]).square().add(0.5)];
    for (const [w, b] of flags) {
      compare((x, weight, bias) => F.batchNorm(x, null, null, weight, bias, { training: true }), randn(shape).mul(2).add(3), [c], w, b, `training [${shape.join(', ')}]`);
      compare((x, weight, bias) => F.batchNorm(x, mean, variance, weight, bias), randn(shape), [c], w, b, `evaluation [${shape.join(', ')}]`);
    }
  }
});

test('weights alone', () => {
  for (const shape of [[8, 5], [4, 3, 6]]) {
    const once = (): Tensor => {
      manualSeed(4);
      const w = randn([shape[1]]).requiresGrad_();
      F.batchNorm(randn(shape), null, null, w, null, { training: true }).mul(randn(shape)).sum().backward();
      return w.grad as Tensor;
    };
    const fast = once();
    setFast(false);
    allClose(fast, once(), { rtol: 1e-5, atol: 1e-6 });
    setFast(true);
  }
});

test('statistics beside a large mean', () => {
  for (const shape of [[1000, 3], [10, 3, 100]]) {
    const once = (): Tensor => {
      manualSeed(5);
      const running = tensor([0, 0, 0]);
      const spread = tensor([1, 1, 1]);
      F.batchNorm(randn(shape).add(1e4), running, spread, null, null, { training: true, momentum: 1 });
      return spread;
    };
    const fast = once();
    setFast(false);
    allClose(fast, once(), { rtol: 1e-6 });
    setFast(true);
  }
});

test('special values', () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    for (const shape of [[6, 3], [2, 3, 5]]) {
      const once = (): readonly Tensor[] => {
        const x = tensor(new Float32Array(shape.reduce((a, b) => a * b)).map((_, i) => (i === 4 ? value : i % 7))).reshape(shape);
        const [mean, variance] = [tensor([0, 0, 0]), tensor([1, 1, 1])];
        const y = F.batchNorm(x, mean, variance, null, null, { training: true });
        return [y, mean, variance, F.layerNorm(x, shape.at(-1) ?? 1)];
      };
      const fast = once();
      setFast(false);
      once().forEach((t, i) => allClose(fast[i], t, { rtol: 1e-5, atol: 1e-6 }));
      setFast(true);
    }
  }
  // Without spread nothing is left but the bias.
  equal([...F.layerNorm(tensor([[5, 5, 5]]), 3).data()], [0, 0, 0]);
});

/** Random floats in the kernels' memory. */
function filled(n: number, at = allocate(4 * n + 16)): number {
  for (let i = 0; i < n; i++) heap.f32[(at >> 2) + i] = Math.abs(((i * 7919) % 1013) / 500 - 1) + 0.01;
  for (let i = n; i < n + 4; i++) heap.f32[(at >> 2) + i] = 7;
  return at;
}

const bits = (at: number, n: number): number[] => [...heap.i32.subarray(at >> 2, (at >> 2) + n + 4)];

test('parts have the bits of the whole, and nothing is written beyond', () => {
  const [rows, n] = [50, 39];
  const size = rows * n;
  const [g, x, w, b] = [filled(size), filled(size), filled(size), filled(size)];
  const [m, v] = [filled(rows), filled(rows)];
  const outs = [filled(size), filled(size), filled(size)];
  const results = (run: () => void): number[][] => {
    for (const at of outs) filled(size, at);
    run();
    for (const at of outs) for (let i = 0; i < 4; i++) is(heap.f32[(at >> 2) + size + i], 7);
    return outs.map((at) => bits(at, size));
  };
  const [o, p, q] = outs;
  const [scratch, vectors, line] = [allocate(16 * 40), allocate(12 * 40), 4 * n];
  // Rows from `r` on.
  const byRows = (run: (r: number, count: number) => void): void => equal(results(() => [0, 13, 26, 39].forEach((r) => run(r, Math.min(13, rows - r)))), results(() => run(0, rows)));
  byRows((r, count) => rowStats.run(o + 4 * r, p + 4 * r, x + r * line, count, n));
  byRows((r, count) => normRows[3].run(o + r * line, x + r * line, w, b, m + 4 * r, v + 4 * r, 1e-5, count, n));
  byRows((r, count) => normRowsBackward[1].run(o + r * line, g + r * line, x + r * line, w, m + 4 * r, v + 4 * r, 1e-5, count, n));
  // Columns from `c` on, also 16 rows at a time.
  const byColumns = (run: (c: number, count: number, panel: number, scratch: number) => void): void => {
    const whole = results(() => run(0, n, rows, 0));
    equal(results(() => [0, 16, 32].forEach((c) => run(c, Math.min(16, n - c), rows, 0))), whole);
    equal(results(() => [0, 16, 32].forEach((c) => run(c, Math.min(16, n - c), 16, scratch + 16 * c))), whole);
  };
  inverseRoots.run(b, v, 1e-5, rows);
  byColumns((c, count, panel, at) => normVectorsBackward.run(o + 4 * c, p + 4 * c, g + 4 * c, x + 4 * c, m, b, rows, line, count, panel, at));
  byColumns((c, count, panel, at) => columnStats.run(o + 4 * c, p + 4 * c, x + 4 * c, rows, line, count, panel, at));
  byColumns((c, count) => normColumns.run(o + 4 * c, x + 4 * c, w + 4 * c, 0, m + 4 * c, v + 4 * c, 1e-5, rows, line, count, vectors + 8 * c));
  byColumns((c, count, panel, at) => normColumnsBackward.run(o + 4 * c, p + 4 * c, q + 4 * c, g + 4 * c, x + 4 * c, 0, m + 4 * c, v + 4 * c, 1e-5, rows, line, count, 1, panel, at, vectors + 12 * c));
  // The same memory as (5, 10, 39): channels from `c` on.
  const byChannels = (run: (c: number, count: number) => void): void => equal(results(() => [0, 4, 8].forEach((c) => run(c, Math.min(4, 10 - c)))), results(() => run(0, 10)));
  const [planes, stride] = [5, 10 * line];
  byChannels((c, count) => channelStats.run(o + 4 * c, p + 4 * c, x + c * line, count, planes, stride, n));
  byChannels((c, count) => normChannels.run(o + c * line, x + c * line, w + 4 * c, b + 4 * c, m + 4 * c, v + 4 * c, 1e-5, count, planes, stride, n));
  byChannels((c, count) => normChannelsBackward.run(o + c * line, p + 4 * c, q + 4 * c, g + c * line, x + c * line, w + 4 * c, m + 4 * c, v + 4 * c, 1e-5, count, planes, stride, n, 1));
});

test.run();

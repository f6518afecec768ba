import { test } from 'uvu';
import { F, type Tensor, grad, manualSeed, noGrad, randn } from '../../../../index.ts';
import { setFast } from '../../../../core/cpu/engine.ts';
import { allocate, release } from '../../../../core/cpu/memory/heap.ts';
import { causalSoftmax, causalSoftmaxBackward } from '../../../../core/cpu/wasm/attention.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { equal, is, ok } from '../../../assert.ts';

/** Runs `fn` with the reference kernels. */
function slowly<T>(fn: () => T): T {
  const before = setFast(false);
  try {
    return fn();
  } finally {
    setFast(before);
  }
}

function close(got: Tensor, expected: Tensor, what: string): void {
  equal(got.shape, expected.shape);
  const [a, b] = [got.data(), expected.data()];
  ok(a.every((v, i) => Math.abs(v - b[i]) <= 1e-5 * (1 + Math.abs(b[i]))), what);
}

const attend = (q: Tensor, k: Tensor, v: Tensor): Tensor => F.scaledDotProductAttention(q, k, v, { isCausal: true, scale: 0.6 });

test('causal attention and its gradients are those of the reference, for all sizes of blocks', () => {
  manualSeed(3);
  for (const n of [1, 2, 3, 5, 8, 15, 16, 17, 23, 24, 40, 64, 65, 131]) {
    for (const [lead, width, valueWidth] of [[[], 3, 2], [[2], 8, 8], [[2, 3], 5, 1], [[1, 2], 1, 33]] as const) {
      const [q, k, v, g] = [width, width, valueWidth, valueWidth].map((w) => randn([...lead, n, w]));
      for (const t of [q, k, v]) t.requiresGrad = true;
      const run = (): readonly Tensor[] => {
        const y = attend(q, k, v);
        return [y, ...grad(y, [q, k, v], { gradOutputs: g })];
      };
      const expected = slowly(run);
      run().forEach((t, i) => close(t, expected[i], `result ${i} of n ${n}, widths ${width} and ${valueWidth}`));
    }
  }
});

test('operands of any layout', () => {
  manualSeed(4);
  const x = randn([2, 20, 36], { requiresGrad: true });
  const g = randn([2, 20, 3, 4]).transpose(1, 2);
  const run = (): readonly Tensor[] => {
    const [q, k, v] = x.chunk(3, -1).map((p) => p.reshape([2, 20, 3, 4]).transpose(1, 2));
    const y = attend(q, k, v);
    return [y, ...grad(y, [x], { gradOutputs: g })];
  };
  const expected = slowly(run);
  run().forEach((t, i) => close(t, expected[i], `result ${i}`));
});

test('results lie as their operands do, so that heads are brought together without a copy', () => {
  manualSeed(5);
  for (const dtype of ['float32', 'float64'] as const) {
    const g = randn([2, 3, 20, 4], { dtype });
    const byStep = [5, 5, 4].map((width) => randn([2, 20, 3, width], { dtype }).transpose(1, 2).requiresGrad_());
    const byHead = byStep.map((x) => x.detach().contiguous().requiresGrad_());
    for (const how of [slowly, <T>(fn: () => T): T => fn()]) {
      how(() => {
        const [one, other] = [byStep, byHead].map(([q, k, v]) => {
          const y = attend(q, k, v);
          return [y, ...grad(y, [q, k, v], { gradOutputs: g })];
        });
        one.forEach((x, i) => {
          equal(x.data(), other[i].data());
          equal(x.strides, [20 * 3 * x.shape[3], x.shape[3], 3 * x.shape[3], 1]);
          is(other[i].isContiguous(), true);
        });
      });
    }
  }
});

test('a query sees nothing of later keys, whatever they are', () => {
  const [q, k, v] = [randn([40, 4]), randn([40, 4]), randn([40, 3])];
  const before = noGrad(() => attend(q, k, v));
  const [later, bad] = [k.clone(), v.clone()];
  later.narrow(0, 37, 3).fill_(1e30);
  bad.narrow(0, 37, 3).fill_(5);
  const after = noGrad(() => attend(q, later, bad));
  equal([...after.narrow(0, 0, 37).contiguous().data()], [...before.narrow(0, 0, 37).contiguous().data()]);
});

test('no numbers give no numbers, and infinite scores as in the softmax', () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    const [q, k, v] = [randn([20, 1]).abs(), randn([20, 1]), randn([20, 2])];
    k.narrow(0, 3, 1).fill_(value);
    const [got, expected] = [attend(q, k, v).data(), slowly(() => attend(q, k, v).data())];
    ok(got.every((x, i) => Number.isNaN(x) === Number.isNaN(expected[i])), String(value));
  }
});

test('the same bits in parts as at once', () => {
  for (const n of [1, 5, 16, 23]) {
    const [count, size] = [7, 7 * n * n];
    const [x, y, z] = [allocate(4 * size), allocate(4 * size), allocate(4 * size)];
    const values = Float32Array.from({ length: size }, (_, i) => Math.sin(7.3 * i));
    const put = (at: number): void => heap.f32.set(values, at >> 2);
    const bits = (at: number): number[] => [...heap.i32.subarray(at >> 2, (at >> 2) + size)];
    const skip = 4 * 3 * n * n;
    for (const at of [x, z]) put(at);
    causalSoftmax.run(x, count * n, n, 0.3);
    causalSoftmax.run(z, 3 * n, n, 0.3);
    causalSoftmax.run(z + skip, 4 * n, n, 0.3);
    equal(bits(z), bits(x));
    for (const at of [y, z]) put(at);
    causalSoftmaxBackward.run(y, x, count * n, n, 0.3);
    causalSoftmaxBackward.run(z, x, 3 * n, n, 0.3);
    causalSoftmaxBackward.run(z + skip, x + skip, 4 * n, n, 0.3);
    equal(bits(z), bits(y));
    for (const at of [x, y, z]) release(at, 4 * size);
  }
});

test.run();

import { test } from 'uvu';
import { setFast } from '../../../../core/cpu/engine.ts';
import { allocate } from '../../../../core/cpu/memory/heap.ts';
import { crossEntropyColumns, crossEntropyColumnsBackward } from '../../../../core/cpu/wasm/crossEntropy-columns.ts';
import { LOSS, crossEntropyRows, crossEntropyRowsBackward } from '../../../../core/cpu/wasm/crossEntropy.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import type { CrossEntropyOptions } from '../../../../core/ops/crossEntropy.ts';
import { type Tensor, crossEntropy, manualSeed, rand, randint, randn, tensor } from '../../../../index.ts';
import { allClose, equal, is } from '../../../assert.ts';

manualSeed(6);

type Options = CrossEntropyOptions | undefined;

/** Loss and gradient with Wasm kernels, and with the plain ones. */
function compare(x: Tensor, target: Tensor, options: Options, what: string): void {
  const g = options?.reduction === 'none' ? randn(target.shape) : tensor(0.7);
  const once = (): readonly Tensor[] => {
    const leaf = x.detach().requiresGrad_();
    const loss = crossEntropy(leaf, target, options);
    loss.backward({ gradient: g });
    return [loss.detach(), leaf.grad as Tensor];
  };
  const fast = once();
  const before = setFast(false);
  const plain = once();
  setFast(before);
  fast.forEach((t, i) => {
    try {
      allClose(t, plain[i], { rtol: 3e-6, atol: 5e-7 });
    } catch (error) {
      throw new Error(`${what}, result ${i}: ${String(error)}`, { cause: error });
    }
  });
}

const shapes = [[64, 10], [1, 1], [5, 2], [7, 3], [9, 4], [3, 17], [2, 300], [10], [2, 3, 1], [2, 5, 4], [3, 4, 7], [2, 3, 5, 3], [1, 6, 9], [4, 2, 2]];

test('all reductions, with weights, smoothing and ignored targets', () => {
  for (const shape of shapes) {
    const classDim = shape.length === 1 ? 0 : 1;
    const classes = shape[classDim];
    for (const reduction of ['mean', 'sum', 'none'] as const) {
      for (const labelSmoothing of [0, 0.2]) {
        for (const weight of [null, rand([classes])]) {
          const target = randint(0, classes, shape.toSpliced(classDim, 1));
          const what = `[${shape.join(', ')}] ${reduction} ${labelSmoothing} ${weight === null ? '' : 'weighted'}`;
          compare(randn(shape).mul(3), target, { reduction, labelSmoothing, weight }, what);
          compare(randn(shape), target, { reduction, labelSmoothing, weight, ignoreIndex: 1 }, `${what} ignoring`);
        }
      }
    }
  }
});

test('targets of other dtypes and indices no integer of the kernels holds', () => {
  const x = randn([4, 3]);
  for (const dtype of ['int32', 'uint8', 'int64'] as const) compare(x, tensor([0, 2, 1, 2], { dtype }), {}, dtype);
  compare(x, tensor([0, 2, 1, 2], { dtype: 'int64' }), { ignoreIndex: 2 ** 32 }, 'a large index');
});

test('special values', () => {
  for (const values of [[NaN, 1, 2], [Infinity, 1, 2], [-Infinity, 1, 2], [1, -Infinity, 2], [-Infinity, -Infinity, -Infinity], [1e30, 0, 0], [200, 0, -200]]) {
    const target = tensor([0, 1], { dtype: 'int64' });
    const x = tensor([values, [1, 2, 3]]);
    for (const reduction of ['mean', 'none'] as const) {
      compare(x, target, { reduction }, values.join(', '));
      compare(x.reshape([2, 3, 1]).expand([2, 3, 5]).contiguous(), target.reshape([2, 1]).expand([2, 5]).contiguous(), { reduction }, `${values.join(', ')} at places`);
    }
  }
  compare(randn([3, 4]), tensor([-100, -100, -100], { dtype: 'int64' }), {}, 'nothing counts');
});

test('parts have the bits of the whole', () => {
  const [samples, n, places] = [12, 5, 3];
  const size = samples * n * places;
  const floats = (count: number): number => {
    const at = allocate(4 * count + 16);
    for (let i = 0; i < count + 4; i++) heap.f32[(at >> 2) + i] = Math.sin(i * i) * 4;
    return at;
  };
  const bits = (at: number, count: number): number[] => [...heap.i32.subarray(at >> 2, (at >> 2) + count)];
  const [x, weight, grad] = [floats(size), floats(n), floats(samples * places)];
  const [targets, pairs] = [allocate(4 * samples * places + 16), allocate(16 * samples * places)];
  for (let i = 0; i < samples * places; i++) heap.i32[(targets >> 2) + i] = i % n;
  for (const [rows, backward, kernels, more] of [
    [samples * places, crossEntropyRowsBackward, crossEntropyRows, []],
    [samples, crossEntropyColumnsBackward, crossEntropyColumns, [places]],
  ] as const) {
    const [per, each] = [more.length === 0 ? 1 : places, rows / 4];
    for (const name of ['plain', 'weighted'] as const) {
      const [whole, split, loss, total] = [floats(size), floats(size), floats(4), floats(4)];
      kernels[name].run(loss, whole, total, x, targets, weight, 3, rows, n, ...more, 0.9, 0.02, LOSS.sum);
      for (let r = 0; r < rows; r += each) {
        kernels[name].run(pairs + 16 * r, split + 4 * r * n * per, 0, x + 4 * r * n * per, targets + 4 * r * per, weight, 3, each, n, ...more, 0.9, 0.02, LOSS.pairs);
      }
      equal(bits(split, size + 4), bits(whole, size + 4));
      let [sum, counted] = [0, 0];
      for (let r = 0; r < rows; r++) {
        sum += heap.f64[(pairs >> 3) + 2 * r];
        counted += heap.f64[(pairs >> 3) + 2 * r + 1];
      }
      is(heap.f32[loss >> 2], Math.fround(sum));
      is(heap.f32[total >> 2], Math.fround(counted));
      const [dx, parts] = [floats(size), floats(size)];
      backward[name].run(dx, grad, 4, whole, targets, weight, 0, 3, rows, n, ...more, 0.9, 0.02);
      for (let r = 0; r < rows; r += each) {
        backward[name].run(parts + 4 * r * n * per, grad + 4 * r * per, 4, whole + 4 * r * n * per, targets + 4 * r * per, weight, 0, 3, each, n, ...more, 0.9, 0.02);
      }
      equal(bits(parts, size + 4), bits(dx, size + 4));
    }
  }
});

test.run();

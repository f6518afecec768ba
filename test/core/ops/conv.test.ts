import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, DTypeError, ShapeError, type Tensor, conv1d, conv2d, convTranspose1d, convTranspose2d, grad, gradcheck, gradgradcheck, ones, tensor,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

/** Quarters `((i·a + b) mod m - s) / 4` in float64. */
function quarters(shape: readonly number[], a: number, b: number, m: number, s: number): Tensor {
  return tensor(Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => (((i * a + b) % m) - s) / 4)).reshape([...shape]);
}
const input = (shape: readonly number[]): Tensor => quarters(shape, 7, 3, 13, 6);
const kernel = (shape: readonly number[]): Tensor => quarters(shape, 5, 1, 11, 5);

interface Geometry {
  readonly batch: number;
  readonly groups: number;
  readonly channels: number;
  readonly out: number;
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

const pair = (min: number, max: number): fc.Arbitrary<[number, number]> => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

const geometries: fc.Arbitrary<Geometry> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 2 }),
    channels: fc.integer({ min: 1, max: 3 }),
    out: fc.integer({ min: 1, max: 4 }),
    size: pair(1, 6),
    kernel: pair(1, 3),
    stride: pair(1, 4),
    padding: pair(0, 3),
    dilation: pair(1, 3),
  })
  .filter((g) => g.size.every((n, d) => n + 2 * g.padding[d] >= g.dilation[d] * (g.kernel[d] - 1) + 1));

/** The definition, as loops. */
function naive(x: Tensor, w: Tensor, g: Geometry): { readonly shape: readonly number[]; readonly values: Float64Array } {
  const [h, wd] = g.size.map((n, d) => Math.floor((n + 2 * g.padding[d] - g.dilation[d] * (g.kernel[d] - 1) - 1) / g.stride[d]) + 1);
  const [xs, ws] = [x.data(), w.data()];
  const outs = g.out * g.groups;
  const all = g.channels * g.groups;
  const values = new Float64Array(g.batch * outs * h * wd);
  let at = 0;
  for (let n = 0; n < g.batch; n++) {
    for (let o = 0; o < outs; o++) {
      const first = Math.floor(o / g.out) * g.channels;
      for (let i = 0; i < h; i++) {
        for (let j = 0; j < wd; j++, at++) {
          for (let c = 0; c < g.channels; c++) {
            for (let p = 0; p < g.kernel[0]; p++) {
              for (let q = 0; q < g.kernel[1]; q++) {
                const [r, s] = [i * g.stride[0] - g.padding[0] + p * g.dilation[0], j * g.stride[1] - g.padding[1] + q * g.dilation[1]];
                if (r < 0 || s < 0 || r >= g.size[0] || s >= g.size[1]) continue;
                values[at] += xs[((n * all + first + c) * g.size[0] + r) * g.size[1] + s] * ws[((o * g.channels + c) * g.kernel[0] + p) * g.kernel[1] + q];
              }
            }
          }
        }
      }
    }
  }
  return { shape: [g.batch, outs, h, wd], values };
}

test('conv2d agrees with its definition, and both gradients are its adjoints', () => {
  fc.assert(
    fc.property(geometries, (g) => {
      const x = input([g.batch, g.channels * g.groups, ...g.size]).requiresGrad_();
      const w = kernel([g.out * g.groups, g.channels, ...g.kernel]).requiresGrad_();
      const { stride, padding, dilation, groups } = g;
      const y = conv2d(x, w, null, { stride, padding, dilation, groups });
      const expected = naive(x, w, g);
      equal([...y.shape], expected.shape);
      allClose(y.data(), expected.values, { rtol: 0, atol: 0 });
      // <conv(x, w), v> = <x, gradient to x> = <w, gradient to w>
      const v = quarters(y.shape, 3, 2, 7, 3);
      const inner = y.detach().mul(v).sum().item();
      const [gx, gw] = grad(y, [x, w], { gradOutputs: v });
      is(gx.mul(x.detach()).sum().item(), inner);
      is(gw.mul(w.detach()).sum().item(), inner);
    }),
    { seed: 2, numRuns: 80 },
  );
});

test('conv2d: groups, stride, padding and dilation as PyTorch computes them', () => {
  const y = conv2d(input([1, 4, 5, 6]), kernel([2, 2, 3, 2]), quarters([2], 3, 1, 7, 3), { stride: [2, 1], padding: [1, 2], dilation: [2, 3], groups: 2 });
  equal([...y.shape], [1, 2, 2, 7]);
  allClose(y.data(), [
    -0.25, 0.3125, 0.875, 1.1875, -3.375, 1.1875, -2.3125, -0.75, -0.0625, -3.3125, 0.5625, 0.375, 0.25, 1, 1, 0.5625, 0.25, -0.4375, 2.9375, 1.25, 1, 2.875, -3.0625,
    1.25, -4, 2.9375, 1.1875, 1.0625,
  ]);
});

test("padding 'same' keeps the size; of an odd number of zeros the last comes after", () => {
  const x = input([1, 1, 3, 4]);
  const w = kernel([1, 1, 2, 4]);
  allClose(conv2d(x, w, null, { padding: 'same' }), [[[[0.125, 1.6875, -2.3125, 1.1875], [-3.5, 2.25, -2.3125, 0.5], [1.625, -1.1875, 2.625, -0.75]]]]);
  allClose(conv2d(x, w.narrow(3, 0, 2), null, { padding: 'same', dilation: [2, 3] }), [[[[0, 0.0625, 1.875, 0], [-0.25, 1.625, -2.5625, 1.125], [0, -0.125, -1.5, 0]]]]);
  allClose(conv1d(input([1, 5]), kernel([1, 1, 4]), undefined, { padding: 'same' }), [[-1.4375, 1.625, -2.6875, 1.125, -1.3125]]);
});

test('convTranspose2d: output padding, groups and dilation as PyTorch computes them', () => {
  const y = convTranspose2d(input([1, 2, 2, 3]), kernel([2, 1, 3, 3]), quarters([2], 3, 1, 7, 3), { stride: [3, 2], padding: 1, outputPadding: [2, 1], groups: 2, dilation: [1, 2] });
  equal([...y.shape], [1, 2, 6, 8]);
  allClose(y.data(), [
    -0.5, -1.4375, -0.5, 0.9375, -0.5, -1.375, -0.5, -0.375, -0.5, 0.875, -0.5, -2.0625, -0.5, 0.5, -0.5, -0.875, -0.5, 0.0625, -0.5, -3.625, -0.5, 0.1875, -0.5, -2.375, -0.5,
    1.0625, -0.5, -1.125, -0.5, 1.4375, -0.5, -0.875, -0.5, -1.375, -0.5, 2.0625, -0.5, -1.4375, -0.5, 0.625, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, 0.25, -0.125, 0.25,
    2.1875, 0.25, -0.0625, 0.25, 0.25, 0.25, -1.625, 0.25, 0.9375, 0.25, -1.3125, 0.25, 0.5, 0.25, -0.75, 0.25, 2.5, 0.25, -0.75, 0.25, 1.25, 0.25, 1.9375, 0.25, -0.625, 0.25, 1.5,
    0.25, 0.25, 0.25, 1.1875, 0.25, -2.375, 0.25, 1, 0.25, -0.75, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25,
  ]);
});

test('a transposed convolution with gaps leaves the bias between its windows', () => {
  const y = convTranspose1d(tensor([[1, 2, 3]]), tensor([[[10, 20]]]), tensor([5]), { stride: 4, outputPadding: 3 });
  allClose(y, [[15, 25, 5, 5, 25, 45, 5, 5, 35, 65, 5, 5, 5]]);
});

test('gradients of first and second order hold for uneven geometries', () => {
  const x = input([2, 2, 4, 5]).requiresGrad_();
  const w = kernel([2, 1, 2, 3]).requiresGrad_();
  const b = quarters([2], 3, 1, 7, 3).requiresGrad_();
  const f = (a: Tensor, k: Tensor, c: Tensor): Tensor => conv2d(a, k, c, { stride: [3, 2], padding: [1, 2], dilation: [1, 2], groups: 2 });
  ok(gradcheck(f, [x, w, b]));
  ok(gradgradcheck(f, [x, w, b]));
  const t = (a: Tensor, k: Tensor, c: Tensor): Tensor => convTranspose2d(a, k, c, { stride: [3, 2], padding: [1, 0], outputPadding: [1, 0], groups: 2 });
  ok(gradcheck(t, [x, w, b]));
  ok(gradgradcheck(t, [x, w, b]));
});

test('large images and long batches are done in chunks', () => {
  for (const [n, c, h, w, o] of [[2, 1, 130, 130, 1], [4, 16, 20, 20, 2]]) {
    const x = input([n, c, h, w]).requiresGrad_();
    const k = kernel([o, c, 3, 3]).requiresGrad_();
    const g: Geometry = { batch: n, groups: 1, channels: c, out: o, size: [h, w], kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1] };
    const y = conv2d(x, k, null, { padding: 1 });
    allClose(y.data(), naive(x, k, g).values, { rtol: 0, atol: 0 });
    const v = quarters(y.shape, 3, 2, 7, 3);
    const inner = y.detach().mul(v).sum().item();
    const [gx, gk] = grad(y, [x, k], { gradOutputs: v });
    is(gx.mul(x.detach()).sum().item(), inner);
    is(gk.mul(k.detach()).sum().item(), inner);
  }
});

test('without a batch, and over one dimension, the numbers are those of the whole', () => {
  const x = input([2, 5, 6]);
  const w = kernel([3, 2, 2, 3]);
  allClose(conv2d(x, w, null, { stride: 2 }), conv2d(x.unsqueeze(0), w, null, { stride: 2 }).squeeze(0));
  const [signal, taps] = [input([2, 3, 8]), kernel([2, 3, 3])];
  allClose(conv1d(signal, taps, null, { stride: 2, padding: 1 }), conv2d(signal.unsqueeze(2), taps.unsqueeze(2), null, { stride: [1, 2], padding: [0, 1] }).squeeze(2));
  allClose(convTranspose1d(input([3, 4]), taps.transpose(0, 1).contiguous(), null, { stride: 2 }), convTranspose1d(input([1, 3, 4]), taps.transpose(0, 1), null, { stride: 2 }).squeeze(0));
});

test('integers convolve too, and int64 that does not fit is refused', () => {
  const x = ones([1, 1, 2, 2], { dtype: 'int64' });
  equal(conv2d(x, x).array(), [[[[4]]]]);
  throwsError(() => conv2d(x.mul(65536), x.mul(65536)), DTypeError, /conv: value does not fit int64/);
});

test('operands that do not fit are named in the error', () => {
  const x = ones([1, 3, 8, 8]);
  throwsError(() => conv2d(x, ones([4, 2, 3, 3])), ShapeError, /^conv2d: input channels differ, got float32\[1, 3, 8, 8\] and weight float32\[4, 2, 3, 3\] with groups 1; expected 2 channels$/);
  throwsError(() => conv2d(ones([8, 8]), ones([4, 3, 3, 3])), ShapeError, /conv2d: wrong number of dimensions, got float32\[8, 8\]; expected \(channels, height, width\)/);
  throwsError(() => conv1d(x, ones([4, 3, 3])), ShapeError, /conv1d: wrong number of dimensions/);
  throwsError(() => conv2d(x, ones([4, 3, 3])), ShapeError, /conv2d: the weight has another number of dimensions, got float32\[4, 3, 3\]; expected 4/);
  throwsError(() => conv2d(x, ones([4, 1, 3, 3]), null, { groups: 3 }), ShapeError, /conv2d: the weight does not split into groups.*multiple of 3/);
  throwsError(() => conv2d(x, ones([4, 3, 3, 3]), ones([3])), ShapeError, /conv2d: the bias does not fit, got float32\[3\]; expected \[4\]/);
  throwsError(() => conv2d(x, ones([4, 3, 9, 3])), ShapeError, /conv2d: the kernel is larger than the padded input.*expected at least 9 rows, there are 8/);
  throwsError(() => conv2d(ones([1, 3, 0, 8]), ones([4, 3, 1, 1]), null, { padding: 1 }), ShapeError, /conv2d: the kernel is larger/);
  throwsError(() => conv2d(x, ones([4, 3, 0, 3])), ShapeError, /conv2d: the kernel is empty/);
  throwsError(() => conv2d(x, ones([0, 3, 1, 1])), ShapeError, /conv2d: the weight does not split into groups/);
  throwsError(() => conv2d(x, ones([4, 3, 3, 3], { dtype: 'float64' })), DTypeError, /conv2d: dtypes differ/);
  throwsError(() => convTranspose2d(x, ones([4, 3, 3, 3])), ShapeError, /convTranspose2d: input channels differ.*expected 4 channels/);
  throwsError(() => convTranspose2d(ones([1, 1, 1, 1]), ones([1, 1, 2, 2]), null, { padding: 1 }), ShapeError, /convTranspose2d: nothing is left of the result.*it is 0/);
});

test('options are checked', () => {
  const [x, w] = [ones([1, 1, 3, 3]), ones([1, 1, 2, 2])];
  const call = (options: unknown): unknown => Reflect.apply(conv2d, null, [x, w, null, options]);
  throwsError(() => call({ strides: 2 }), ArgumentError, /conv2d: unknown option, got 'strides'.*\nhint: did you mean 'stride'\?/);
  throwsError(() => call({ stride: 0 }), ArgumentError, /conv2d: invalid stride, got 0; expected an integer ≥ 1, or 2 of them/);
  throwsError(() => call({ stride: [1, 1, 1] }), ArgumentError, /invalid stride, got \[1, 1, 1\]/);
  throwsError(() => call({ dilation: 1.5 }), ArgumentError, /invalid dilation, got 1.5/);
  throwsError(() => call({ padding: -1 }), ArgumentError, /invalid padding, got -1; expected an integer ≥ 0/);
  throwsError(() => call({ padding: NaN }), ArgumentError, /invalid padding, got NaN/);
  throwsError(() => call({ padding: 'full' }), ArgumentError, /invalid padding, got 'full'; expected integers ≥ 0, 'same' or 'valid'/);
  throwsError(() => call({ padding: 'same', stride: 2 }), ArgumentError, /padding 'same' needs stride 1, got stride \[2, 2\]/);
  throwsError(() => call({ groups: 0 }), ArgumentError, /invalid groups, got 0/);
  throwsError(() => convTranspose2d(x, w, null, { outputPadding: 1 }), ArgumentError, /convTranspose2d: outputPadding is too large, got 1 with stride 1 and dilation 1/);
  equal([...convTranspose2d(x, w, null, { outputPadding: 1, dilation: 2 }).shape], [1, 1, 6, 6]);
});

test.run();

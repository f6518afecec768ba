import { test } from 'uvu';
import { F, type Tensor, manualSeed, randn } from '../../../index.ts';
import { useGpu } from '../../../gpu/index.ts';
import { allClose, is } from '../../assert.ts';

// Which elements meet in a convolution is worked out per thread: all kinds of geometry, against the CPU.

interface Geometry {
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

const geometries: readonly Geometry[] = [1, 2, 3].flatMap((stride) => [0, 1, 4].flatMap((padding) => [1, 2].flatMap((dilation) => [1, 2].map((groups): Geometry => ({
  size: [7, 5], kernel: [3, 2], stride: [stride, 4 - stride], padding: [padding, 1], dilation: [dilation, 3 - dilation], groups,
})))));

/** The result and the gradients of input and weight. */
async function results(device: string, convolve: (x: Tensor, w: Tensor) => Tensor, shapes: readonly (readonly number[])[]): Promise<Tensor[]> {
  manualSeed(1);
  const [x, w] = shapes.map((shape) => randn(shape).to(device).requiresGrad_());
  const y = convolve(x, w);
  y.sin().sum().backward();
  return Promise.all([y, x.gradient, w.gradient].map((t) => (t as Tensor).detach().cpu()));
}

async function compared(convolve: (x: Tensor, w: Tensor) => Tensor, ...shapes: readonly (readonly number[])[]): Promise<void> {
  const [here, there] = [await results('cpu', convolve, shapes), await results('gpu', convolve, shapes)];
  is(there.length, 3);
  here.forEach((x, i) => allClose(there[i], x, { rtol: 1e-5, atol: 1e-5 }));
}

test('convolutions and their gradients', async () => {
  await useGpu({ backend: 'webasm' });
  for (const { size, kernel, groups, ...options } of geometries) await compared((x, w) => F.conv2d(x, w, null, { ...options, groups }), [2, 4, ...size], [6, 4 / groups, ...kernel]);
});

test('transposed convolutions and their gradients', async () => {
  await useGpu({ backend: 'webasm' });
  for (const { size, kernel, groups, padding, ...options } of geometries) {
    if (padding[0] > 1) continue;
    await compared((x, w) => F.convTranspose2d(x, w, null, { ...options, padding, groups }), [2, 4, ...size], [4, 6 / groups, ...kernel]);
  }
});

test.run();

import { test } from 'uvu';
import { F, tensor } from '../../../index.ts';
import { allClose } from '../../assert.ts';

/** Mode, padding, alignment, then PyTorch's samples and its gradients to the volume and to the grid, for the sum. */
type Row = readonly [mode: 'bilinear' | 'nearest', padding: 'zeros' | 'border' | 'reflection', aligned: boolean, samples: number[], toVolume: number[], toGrid: number[]];

const points = [NaN, 0.05, 0.05, 0.05, NaN, 0.2, 0.3, 0.1, NaN, Infinity, 0.05, 0.05, -Infinity, 0.1, 0.05, 0.25, -0.25, 0.5];

const recorded: readonly Row[] = [
  ['bilinear', 'zeros', false, [0, 0, 0, 0, 0, 9], [0, 0, 0, 0, 0, 0, 0.09375, 0.28125, 0.15625, 0.46875, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, -9]],
  ['bilinear', 'zeros', true, [0, 0, 0, 0, 0, 7.625], [0.0234375, 0.0390625, 0.0703125, 0.1171875, 0, 0, 0.0703125, 0.1171875, 0.2109375, 0.3515625, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 2, 3]],
  ['bilinear', 'border', false, [7.45, 9.75, 10.1, 7.45, 6.599999, 9], [0, 0, 0.3825, 0.4162501, 0.06750005, 0.03374997, 0.09375, 0.28125, 0.6237499, 0.9775, 0.08250005, 0.04124996], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 6, 0, 2.999999, 6, 1, 3, 0]],
  ['bilinear', 'border', true, [7.25, 9.125, 9.85, 7.25, 6.349999, 7.625], [0.0234375, 0.0390625, 0.4978125, 0.5684376, 0.04750001, 0.02374998, 0.0703125, 0.1171875, 0.6834375, 0.8503125, 0.05250001, 0.02624997], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 0, 2, 3, 0.5, 2, 3]],
  ['bilinear', 'reflection', false, [7.45, 9.75, 10.1, 7.45, 7.6, 9], [0, 0, 0, 0, 0, 0, 0.09375, 0.28125, 0.15625, 0.46875, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0]],
  ['bilinear', 'reflection', true, [7.25, 9.125, 9.85, 7.25, 7.349999, 7.625], [0.0234375, 0.0390625, 0.0703125, 0.1171875, 0, 0, 0.0703125, 0.1171875, 0.2109375, 0.3515625, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 2, 3]],
  ['nearest', 'zeros', false, [0, 0, 0, 0, 0, 10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['nearest', 'zeros', true, [0, 0, 0, 0, 0, 10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['nearest', 'border', false, [10, 12, 10, 10, 9, 10], [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['nearest', 'border', true, [10, 12, 10, 10, 9, 10], [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['nearest', 'reflection', false, [10, 12, 10, 10, 10, 10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['nearest', 'reflection', true, [10, 12, 10, 10, 10, 10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
];

for (const [mode, paddingMode, alignCorners, samples, toVolume, toGrid] of recorded) {
  test(`points of volumes that are no numbers: ${mode}, ${paddingMode}, ${alignCorners ? '' : 'not '}aligned`, () => {
    const x = tensor(Array.from({ length: 12 }, (_, i) => i + 1), { requiresGrad: true });
    const grid = tensor(points, { requiresGrad: true });
    const y = F.gridSample(x.reshape([1, 1, 2, 3, 2]), grid.reshape([1, 1, 1, 6, 3]), { mode, paddingMode, alignCorners });
    allClose(y.flatten(), samples, { rtol: 1e-5 });
    y.sum().backward();
    allClose(x.grad as never, toVolume, { rtol: 1e-5, atol: 1e-6 });
    // The nearest element does not depend on the point: no gradient where PyTorch has zeros.
    if (mode === 'bilinear') allClose(grid.grad as never, toGrid, { rtol: 1e-5, atol: 1e-6 });
  });
}

test('a place at the edge itself gets no gradient', () => {
  const grid = tensor([0.75, 0], { requiresGrad: true });
  F.gridSample(tensor([1, 2, 4, 8]).reshape([1, 1, 1, 4]), grid.reshape([1, 1, 1, 2]), { paddingMode: 'border', alignCorners: false }).sum().backward();
  allClose(grid.grad as never, [0, 0]);
});

test.run();

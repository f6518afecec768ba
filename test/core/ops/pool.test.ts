import { test } from 'uvu';
import {
  ArgumentError, DTypeError, F, ShapeError, type Tensor, adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveMaxPool1d, adaptiveMaxPool2d, avgPool1d, avgPool2d, gradcheck, gradgradcheck,
  maxPool1d, maxPool2d, ones, tensor, zeros,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

/** Quarters that repeat after 13 elements, in float64. */
const quarters = (shape: readonly number[]): Tensor =>
  tensor(Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => (((i * 7 + 3) % 13) - 6) / 4)).reshape([...shape]);
const image = quarters([1, 1, 5, 5]);

test('maxPool2d: values and places as PyTorch gives them', () => {
  const padded = maxPool2d(image, 3, 2, { padding: 1, ceilMode: true, returnIndices: true });
  allClose(padded.output, [[[[1.5, 1.25, 1.25], [1.5, 1.5, 1.5], [1.25, 1.5, 1.5]]]]);
  equal(padded.indices.array(), [[[[5, 3, 3], [5, 18, 18], [16, 18, 18]]]]);
  is(padded.indices.dtype, 'int64');
  const [values, places] = maxPool2d(image, 2, { stride: 3, ceilMode: true, returnIndices: true });
  allClose(values, [[[[1.5, 1.25], [1.25, 1.5]]]]);
  equal(places.array(), [[[[5, 3], [16, 18]]]]);
  const spread = maxPool2d(image, 2, 1, { dilation: [3, 2], padding: 1, returnIndices: true });
  allClose(spread.output, [[[[-1, 0.75, -0.75, 1, -0.75], [1.25, -0.25, 1.5, 0, 1.5], [0.25, 1.5, 0.5, -1, 0.5], [-1, 0.75, -0.75, 1, -0.75]]]]);
  equal(spread.indices.array(), [[[[11, 12, 13, 14, 13], [16, 17, 18, 19, 18], [21, 5, 23, 24, 23], [11, 12, 13, 14, 13]]]]);
});

test('maxPool1d: with ceilMode a window that would begin in the padding behind is dropped', () => {
  const { output, indices } = maxPool1d(quarters([1, 6]), 2, { stride: 3, padding: 1, ceilMode: true, returnIndices: true });
  allClose(output, [[-0.75, 1.25, 1.5]]);
  equal(indices.array(), [[0, 3, 5]]);
  equal([...maxPool1d(ones([1, 5]), 2, { stride: 3, padding: 1, ceilMode: true }).shape], [1, 2]);
});

test('maxPool2d: NaN counts as largest, minus infinity is a value like others', () => {
  const { output, indices } = maxPool2d(tensor([[[1, NaN, 2], [NaN, 5, 1], [-Infinity, -Infinity, 7]]]), 2, 1, { returnIndices: true });
  allClose(output, [[[NaN, NaN], [NaN, 7]]]);
  equal(indices.array(), [[[3, 1], [3, 8]]]);
  const low = maxPool2d(zeros([1, 2, 2]).sub(Infinity), 2, { returnIndices: true });
  is(low.output.item(), -Infinity);
  is(low.indices.item(), 0);
});

test('a window of nothing but padding gives minus infinity, place -1 and no gradient', () => {
  const x = ones([1, 1]).requiresGrad_();
  const { output, indices } = maxPool1d(x, 2, { padding: 1, dilation: 2, returnIndices: true });
  allClose(output, [[-Infinity]]);
  equal(indices.array(), [[-1]]);
  output.sum().backward();
  allClose(x.grad as Tensor, [[0]]);
});

test('the gradient of a maximum goes to the first of equal elements, and adds up where windows overlap', () => {
  const x = tensor([[1, 3, 3, 2, 0]]).requiresGrad_();
  maxPool1d(x, 3, 1).sum().backward();
  allClose(x.grad as Tensor, [[0, 2, 1, 0, 0]]);
});

test('pools differentiate twice', () => {
  const x = quarters([1, 2, 3, 4]).add(tensor(Float64Array.from({ length: 24 }, (_, i) => i * 0.01)).reshape([1, 2, 3, 4])).requiresGrad_();
  const pools: readonly ((a: Tensor) => Tensor)[] = [
    (a) => maxPool2d(a.square(), 2, 1, { padding: 1 }),
    (a) => avgPool2d(a.square(), 2, { stride: 1, padding: 1, countIncludePad: false }),
    (a) => adaptiveAvgPool2d(a.square(), [2, 3]),
    (a) => adaptiveMaxPool2d(a.square(), 2),
  ];
  for (const pool of pools) {
    ok(gradcheck(pool, [x]));
    ok(gradgradcheck(pool, [x]));
  }
});

test('avgPool2d: what counts in the average as PyTorch has it', () => {
  const ninths = (values: readonly number[]): number[] => values.map((v) => v / 36);
  allClose(avgPool2d(image, 3, 2, { padding: 1, ceilMode: true }).data(), ninths([7, 2, 0, 7, 1, 3, -2, 8, 4]));
  allClose(avgPool2d(image, 2, { ceilMode: true }).data(), [0.4375, -0.125, -0.75, 0.0625, 0.3125, 0.5, -0.625, -0.375, -1]);
  allClose(avgPool2d(image, [3, 2], 2, { padding: 1, ceilMode: true, countIncludePad: false }).data(), [0.375, -0.25, 0, 0.5, -0.125, 0.125, -1, 0, 0.25]);
  allClose(avgPool2d(image, 3, 2, { padding: 1, ceilMode: true, divisorOverride: -2 }).data(), [-0.875, -0.25, 0, -0.875, -0.125, -0.375, 0.25, -1, -0.5]);
  allClose(avgPool1d(quarters([1, 6]), 4, { stride: 3, padding: 2, ceilMode: true }), [[0.0625, 0.375, 0.3125]]);
});

test('adaptive pools share the input evenly, may enlarge it, and null keeps a size', () => {
  allClose(adaptiveAvgPool2d(image, [2, 3]).data(), [5 / 24, -1 / 18, 1 / 24, -1 / 6, 1 / 9, 5 / 24]);
  allClose(adaptiveAvgPool1d(quarters([1, 3]), 5), [[-0.75, 0.125, 1, 0.25, -0.5]]);
  const { output, indices } = adaptiveMaxPool2d(image, [2, 3], { returnIndices: true });
  allClose(output.data(), [1.5, 1.25, 1.25, 1.25, 1.5, 1.5]);
  equal([...indices.data()], [5, 3, 3, 16, 18, 18]);
  const wide = ones([2, 3, 4, 6]);
  equal([...adaptiveAvgPool2d(wide, [null, 2]).shape], [2, 3, 4, 2]);
  equal([...adaptiveAvgPool2d(wide, [2, null]).shape], [2, 3, 2, 6]);
  equal([...adaptiveAvgPool2d(wide, null).shape], [2, 3, 4, 6]);
  equal([...adaptiveAvgPool2d(wide, [0, 2]).shape], [2, 3, 0, 2]);
  equal([...adaptiveMaxPool1d(ones([3, 7]), null).shape], [3, 7]);
});

test('the stride may stand by position or among the options, but only once', () => {
  allClose(maxPool2d(image, 2, 1), maxPool2d(image, 2, { stride: 1 }));
  allClose(avgPool2d(image, 2, null, { padding: 1 }), avgPool2d(image, 2, { padding: 1 }));
  allClose(maxPool2d(image, [2, 2], undefined), maxPool2d(image, 2, { stride: null }));
  throwsError(() => maxPool2d(image, 2, 1, { stride: 1 }), ArgumentError, /maxPool2d: 'stride' is given twice/);
  throwsError(() => maxPool2d(image, 2, { stride: 1 }, {}), ArgumentError, /maxPool2d: options twice/);
});

test('integers have maxima, averages need floats or int64', () => {
  const x = tensor([[-5, -3, -4]], { dtype: 'int64' });
  const y = maxPool1d(x, 2, 1);
  is(y.dtype, 'int64');
  equal(y.array(), [[-3, -3]]);
  throwsError(() => avgPool1d(x.to('int32'), 2), DTypeError, /avgPool1d: not a float tensor, got int32\[1, 3\]/);
  throwsError(() => adaptiveAvgPool1d(x, 2), DTypeError, /adaptiveAvgPool1d: not a float tensor/);
  throwsError(() => maxPool1d(ones([1, 3], { dtype: 'bool' }), 2), DTypeError, /maxPool1d: not defined for bool/);
});

test('operands and options that do not fit are named in the error', () => {
  throwsError(() => maxPool2d(ones([3, 3]), 2), ShapeError, /maxPool2d: wrong number of dimensions, got float32\[3, 3\]/);
  throwsError(() => maxPool1d(ones([3]), 2), ShapeError, /maxPool1d: wrong number of dimensions/);
  throwsError(() => maxPool2d(ones([1, 3, 3]), 4), ShapeError, /maxPool2d: no window fits, got float32\[1, 3, 3\] and kernelSize \[4, 4\]; expected at least 4 elements/);
  throwsError(() => avgPool2d(ones([1, 0, 3]), 1), ShapeError, /avgPool2d: an empty dimension, got float32\[1, 0, 3\]/);
  throwsError(() => maxPool2d(image, 2, { padding: 2 }), ArgumentError, /maxPool2d: padding is too large, got 2 for a kernel of 2; expected at most half of the kernel/);
  throwsError(() => maxPool2d(image, 0), ArgumentError, /maxPool2d: invalid kernelSize, got 0; expected an integer ≥ 1, or 2 of them/);
  throwsError(() => maxPool2d(image, [1, 2, 3]), ArgumentError, /invalid kernelSize/);
  throwsError(() => maxPool2d(image, 2, 0), ArgumentError, /invalid stride, got 0/);
  throwsError(() => maxPool2d(image, 2, { dilation: 0 }), ArgumentError, /invalid dilation, got 0/);
  throwsError(() => Reflect.apply(maxPool2d, null, [image, 2, { ceilMode: 1 }]), ArgumentError, /maxPool2d: invalid ceilMode, got 1; expected true or false/);
  throwsError(() => Reflect.apply(maxPool2d, null, [image, 2, { ceil_mode: true }]), ArgumentError, /unknown option, got 'ceil_mode'.*\nhint: did you mean 'ceilMode'\?/);
  throwsError(() => avgPool2d(image, 2, { divisorOverride: 0 }), ArgumentError, /avgPool2d: invalid divisorOverride, got 0/);
  throwsError(() => Reflect.apply(avgPool1d, null, [ones([1, 3]), 2, { divisorOverride: 2 }]), ArgumentError, /avgPool1d: unknown option, got 'divisorOverride'/);
  throwsError(() => adaptiveAvgPool2d(image, [2, -1]), ArgumentError, /adaptiveAvgPool2d: invalid outputSize, got \[2, -1\]; expected an integer ≥ 0/);
  throwsError(() => Reflect.apply(adaptiveMaxPool2d, null, [image, 2, { indices: true }]), ArgumentError, /adaptiveMaxPool2d: unknown option/);
});

// PyTorch 1.13 averages int64, lpPool takes int64 and bool; it refuses all other integers, and adaptive and max pools refuse all of them.
test('averages of int64 are cut to whole numbers, as PyTorch has them', () => {
  const whole = (shape: readonly number[], sign = 1): Tensor =>
    tensor(Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => sign * (((i + 1) * 3) % 11)), { dtype: 'int64' }).reshape([...shape]);
  const [line, square, volume] = [whole([1, 1, 8]), whole([1, 1, 4, 4]), whole([1, 1, 2, 2, 4])];
  const recorded: readonly (readonly [Tensor, number[]])[] = [
    [avgPool1d(line, 2), [4, 5, 5, 6]],
    [avgPool1d(line, 3, 2, { padding: 1 }), [3, 5, 4, 6]],
    [avgPool2d(square, 2), [5, 5, 7, 2]],
    [avgPool2d(square, 3, 2, { padding: 1, countIncludePad: false }), [5, 5, 6, 4]],
    [avgPool2d(square, 2, { divisorOverride: 3 }), [6, 7, 9, 2]],
    [avgPool2d(tensor(Array.from({ length: 16 }, (_, i) => -1 - i), { dtype: 'int64' }).reshape([1, 1, 4, 4]), 3, 2, { padding: 1 }), [-1, -3, -6, -11]],
    [F.avgPool3d(volume, 2), [6, 3]],
    [F.avgPool3d(volume, 2, { padding: 1 }), [0, 1, 0, 0, 2, 0, 0, 1, 0, 0, 1, 0]],
  ];
  for (const [y, expected] of recorded) {
    is(y.dtype, 'int64');
    equal(y.flatten().array(), expected);
  }
  const powers: readonly (readonly [Tensor, number[]])[] = [
    [F.lpPool1d(line, 2, 2), [6.633249759674072, 9.05538558959961, 8, 10.198039054870605]],
    [F.lpPool1d(line, 1, 2), [8, 10, 10, 12]],
    [F.lpPool2d(square, 3, 2), [8.653497695922852, 12.018489837646484, 11.647132873535156, 4.514357566833496]],
    [F.lpPool1d(line.bool(), 2, 2), [1.4142135381698608, 1.4142135381698608, 1.4142135381698608, 1.4142135381698608]],
  ];
  for (const [y, expected] of powers) {
    is(y.dtype, 'float32');
    allClose(y.flatten(), expected, { rtol: 1e-6 });
  }
  for (const dtype of ['int32', 'uint8', 'bool'] as const) throwsError(() => avgPool1d(line.to(dtype), 2), DTypeError, /not a float tensor/);
  throwsError(() => F.lpPool1d(line.to('int32'), 2, 2), DTypeError, /not a float tensor/);
  throwsError(() => adaptiveAvgPool1d(line, 2), DTypeError, /not a float tensor/);
});

test.run();

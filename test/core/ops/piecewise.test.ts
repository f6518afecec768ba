import { test } from 'uvu';
import {
  ArgumentError, DTypeError, ShapeError, type Tensor, celu, elu, grad, hardshrink, hardsigmoid, hardswish, hardtanh, leakyRelu, prelu, relu6, selu, softshrink, tensor, threshold, zeros,
} from '../../../index.ts';
import { allClose, is, ok, throwsError } from '../../assert.ts';

const double = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });

/** At the kinks: inputs, values and slopes from PyTorch. */
const kinks: Readonly<Record<string, readonly [(x: Tensor) => Tensor, readonly number[], readonly number[], readonly number[]]>> = {
  relu6: [(x) => relu6(x), [0, 6], [0, 6], [0, 0]],
  leakyRelu: [(x) => leakyRelu(x), [0], [0], [0.01]],
  elu: [(x) => elu(x, 2), [0], [0], [2]],
  selu: [(x) => selu(x), [0], [0], [1.7580993408473766]],
  celu: [(x) => celu(x), [0], [0], [1]],
  hardtanh: [(x) => hardtanh(x), [-1, 1], [-1, 1], [0, 0]],
  hardsigmoid: [(x) => hardsigmoid(x), [-3, 0, 3], [0, 0.5, 1], [0, 1 / 6, 0]],
  hardswish: [(x) => hardswish(x), [-3, 3, -20, 20], [0, 3, 0, 20], [-0.5, 1.5, 0, 1]],
  hardshrink: [(x) => hardshrink(x), [-0.5, 0.5, 0.6], [0, 0, 0.6], [0, 0, 1]],
  softshrink: [(x) => softshrink(x), [-0.5, 0.5, -2], [0, 0, -1.5], [0, 0, 1]],
  threshold: [(x) => threshold(x, 1, 7), [1, 1.5], [7, 1.5], [0, 1]],
};

for (const [name, [fn, inputs, values, slopes]] of Object.entries(kinks)) {
  test(`${name} at its kinks, and of NaN`, () => {
    const x = double([...inputs]);
    allClose(fn(x), values);
    allClose(grad(fn(x).sum(), x)[0], slopes);
    allClose(fn(tensor([NaN])), [NaN]);
  });
}

test('far out', () => {
  const far = double([-1000, -20, -3, 1000]);
  allClose(elu(far), [-1, -0.9999999979388464, -0.950212931632136, 1000]);
  allClose(grad(elu(far).sum(), far)[0], [0, 2.061153622438558e-9, 0.049787068367863944, 1]);
  allClose(selu(far), [-1.7580993408473766, -1.758099337223664, -1.6705687287671118, 1050.7009873554805]);
  allClose(grad(selu(far).sum(), far)[0], [0, 3.6237128249944113e-9, 0.08753061208026487, 1.0507009873554805]);
  allClose(relu6(tensor([-Infinity, Infinity])), [0, 6]);
  allClose(softshrink(tensor([-Infinity, Infinity])), [-Infinity, Infinity]);
});

test('second derivatives below 0', () => {
  const x = double([-1.5, 0.5]);
  for (const [fn, bend] of [[elu, 0.22313016014842982], [celu, 0.22313016014842982], [selu, 0.392284987480124]] as const) {
    const [first] = grad(fn(x).sum(), x, { createGraph: true });
    allClose(grad(first.sum(), x)[0], [bend, 0], { rtol: 1e-12 });
  }
});

test('numbers by position and by name', () => {
  const x = tensor([-2, 3]);
  allClose(leakyRelu(x, 0.2), [-0.4, 3]);
  allClose(leakyRelu(x, { negativeSlope: 0.2 }), [-0.4, 3]);
  allClose(hardtanh(x, -1.5, 2), [-1.5, 2]);
  allClose(hardtanh(x, -1.5, { maxVal: 2.5 }), [-1.5, 2.5]);
  allClose(hardtanh(x, { minVal: 0 }), [0, 1]);
  allClose(x.hardshrink({ lambd: 2.5 }), [0, 3]);
  ok(leakyRelu(x, 0.5, { inplace: true }) === x);
  allClose(x, [-1, 3]);
  allClose(threshold(tensor([-4, 4], { dtype: 'int64' }), 0, 9), [9, 4]);
});

test('prelu: one weight or one per channel', () => {
  const x = double([[1, 0, -2], [3, -1, 0]]);
  const w = double([0.1, 0.2, 0.3]);
  const y = prelu(x, w);
  allClose(y, [[1, 0, -0.6], [3, -0.2, 0]]);
  const [gx, gw] = grad(y.sum(), [x, w]);
  allClose(gx, [[1, 0.2, 0.3], [1, 0.2, 0.3]]);
  allClose(gw, [0, -1, -2]);
  allClose(tensor([-4, 2]).prelu(tensor([0.25])), [-1, 2]);
  throwsError(() => prelu(zeros([2, 3]), zeros([2])), ShapeError, /prelu: weights do not fit, got float32\[2\] for float32\[2, 3\]; expected 1 or 3/);
  throwsError(() => prelu(zeros([3]), zeros([3])), ShapeError, /expected 1/);
  throwsError(() => prelu(zeros([2]), zeros([1], { dtype: 'float64' })), DTypeError, /prelu: dtypes differ/);
});

test('bad numbers are refused', () => {
  const x = zeros([2]);
  throwsError(() => softshrink(x, -1), ArgumentError, /softshrink: lambd is negative/);
  throwsError(() => celu(x, 0), ArgumentError, /celu: alpha divides/);
  throwsError(() => hardtanh(x, 2, 1), ArgumentError, /hardtanh: limits in the wrong order/);
  throwsError(() => threshold(x, 1, undefined as never), ArgumentError, /threshold: not numbers/);
  throwsError(() => leakyRelu(x, { slope: 1 } as never), ArgumentError, /leakyRelu: unknown option/);
  throwsError(() => elu(tensor([1], { dtype: 'int64' })), DTypeError, /elu: not a float tensor/);
  is(hardtanh(tensor([5], { dtype: 'int64' })).dtype, 'int64');
});

test.run();

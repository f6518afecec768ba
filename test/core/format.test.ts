import { test } from 'uvu';
import { ArgumentError, type PrintOptions, type Tensor, arange, ones, setPrintoptions, tensor, zeros } from '../../index.ts';
import { is, throwsError } from '../assert.ts';

// PyTorch's print forms, with JavaScript's names for booleans, dtypes and sizes.

test('numbers: whole, decimal, scientific', () => {
  is(String(tensor([1, 2, 3])), 'tensor([1., 2., 3.])');
  is(String(tensor([[1.5, -2.25], [3, 1000]])), 'tensor([[   1.5000,   -2.2500],\n        [   3.0000, 1000.0000]])');
  is(String(tensor([1, -1])), 'tensor([ 1., -1.])');
  is(String(tensor([1e-5, 1])), 'tensor([1.0000e-05, 1.0000e+00])');
  is(String(tensor([1e10, 1])), 'tensor([1.0000e+10, 1.0000e+00])');
  is(String(tensor([123456.789, 1])), 'tensor([1.2346e+05, 1.0000e+00])');
  is(String(tensor([1, 1e8])), 'tensor([1.0000e+00, 1.0000e+08])');
  is(String(tensor([0, -0.0001])), 'tensor([ 0.0000e+00, -1.0000e-04])');
});

test('scalars', () => {
  is(String(tensor(3)), 'tensor(3.)');
  is(String(tensor(2, { dtype: 'int64' })), 'tensor(2)');
  is(String(tensor(0.25)), 'tensor(0.2500)');
});

test('NaN and infinity', () => {
  is(String(tensor([NaN, 1.5, Infinity])), 'tensor([   nan, 1.5000,    inf])');
  is(String(tensor([Infinity, 2])), 'tensor([inf, 2.])');
  is(String(tensor([0.1, -Infinity])), 'tensor([0.1000,   -inf])');
});

test('integers and booleans', () => {
  is(String(tensor([1, 20, -3], { dtype: 'int64' })), 'tensor([ 1, 20, -3])');
  is(String(tensor([true, false])), 'tensor([ true, false])');
  is(String(tensor([[true], [false]])), 'tensor([[ true],\n        [false]])');
});

test('dtypes that are not the default of their kind, gradients and sizes of empty tensors', () => {
  is(String(tensor([1, 2], { dtype: 'float64' })), 'tensor([1., 2.], dtype=float64)');
  is(String(tensor([1, 2], { dtype: 'int32' })), 'tensor([1, 2], dtype=int32)');
  is(String(tensor([1, 2], { dtype: 'uint8' })), 'tensor([1, 2], dtype=uint8)');
  is(String(tensor([1], { requiresGrad: true })), 'tensor([1.], requiresGrad=true)');
  is(String(tensor([1], { requiresGrad: true }).mul(2)), 'tensor([2.], gradFn=mul)');
  is(String(zeros([0])), 'tensor([])');
  is(String(zeros([0, 3])), 'tensor([], size=[0, 3])');
});

test('more dimensions', () => {
  is(
    String(arange(24).to('float32').reshape([2, 3, 4]).div(7)),
    'tensor([[[0.0000, 0.1429, 0.2857, 0.4286],\n         [0.5714, 0.7143, 0.8571, 1.0000],\n         [1.1429, 1.2857, 1.4286, 1.5714]],\n\n' +
      '        [[1.7143, 1.8571, 2.0000, 2.1429],\n         [2.2857, 2.4286, 2.5714, 2.7143],\n         [2.8571, 3.0000, 3.1429, 3.2857]]])',
  );
  is(
    String(arange(12).to('float32').reshape([1, 2, 1, 6])),
    'tensor([[[[ 0.,  1.,  2.,  3.,  4.,  5.]],\n\n         [[ 6.,  7.,  8.,  9., 10., 11.]]]])',
  );
});

test('long rows are broken', () => {
  is(
    String(arange(40).mul(100)),
    'tensor([   0,  100,  200,  300,  400,  500,  600,  700,  800,  900, 1000, 1100,\n' +
      '        1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900, 2000, 2100, 2200, 2300,\n' +
      '        2400, 2500, 2600, 2700, 2800, 2900, 3000, 3100, 3200, 3300, 3400, 3500,\n' +
      '        3600, 3700, 3800, 3900])',
  );
});

test('the middle of large tensors is left out', () => {
  is(String(arange(1001).to('float32')), 'tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])');
  is(
    String(arange(2000).reshape([50, 40])),
    'tensor([[   0,    1,    2,  ...,   37,   38,   39],\n        [  40,   41,   42,  ...,   77,   78,   79],\n        [  80,   81,   82,  ...,  117,  118,  119],\n' +
      '        ...,\n        [1880, 1881, 1882,  ..., 1917, 1918, 1919],\n        [1920, 1921, 1922,  ..., 1957, 1958, 1959],\n        [1960, 1961, 1962,  ..., 1997, 1998, 1999]])',
  );
  is(String(ones([1000])).includes('...'), false);
});

const printed = (x: Tensor, ...options: readonly PrintOptions[]): string => {
  try {
    options.forEach(setPrintoptions);
    return String(x);
  } finally {
    setPrintoptions({ profile: 'default' });
  }
};

test('setPrintoptions changes digits, gaps, lines and exponents', () => {
  const x = arange(12).to('float32').reshape([3, 4]).div(7);
  is(printed(x, { precision: 2 }), 'tensor([[0.00, 0.14, 0.29, 0.43],\n        [0.57, 0.71, 0.86, 1.00],\n        [1.14, 1.29, 1.43, 1.57]])');
  is(printed(x, { profile: 'short', threshold: 5, edgeitems: 1 }), 'tensor([[0.00,  ..., 0.43],\n        ...,\n        [1.14,  ..., 1.57]])');
  is(printed(tensor([0.25, 1]), { sciMode: true }), 'tensor([2.5000e-01, 1.0000e+00])');
  is(printed(arange(3).float(), { sciMode: true }), 'tensor([0.0000e+00, 1.0000e+00, 2.0000e+00])');
  is(printed(tensor([1e-5, 1]), { sciMode: false }), 'tensor([0.0000, 1.0000])');
  is(printed(tensor([1e-5, 1]), { sciMode: false }, { precision: 6 }), 'tensor([1.000000e-05, 1.000000e+00])');
  is(printed(arange(7), { linewidth: 20 }), 'tensor([0, 1, 2, 3,\n        4, 5, 6])');
  is(printed(arange(30), { threshold: 10, edgeitems: 2 }), 'tensor([ 0,  1,  ..., 28, 29])');
  is(printed(ones([1001]), { profile: 'full' }).includes('...'), false);
  is(String(tensor([0.25])), 'tensor([0.2500])', 'back to the defaults');
});

test('print options that are none are refused and change nothing', () => {
  throwsError(() => setPrintoptions({ precision: 2, edgeitems: -1 }), ArgumentError, /setPrintoptions: invalid edgeitems, got -1/);
  throwsError(() => setPrintoptions({ precision: 2.5 }), ArgumentError, /invalid precision, got 2.5/);
  throwsError(() => setPrintoptions({ precision: 2, profile: 'long' as never }), ArgumentError, /unknown profile, got 'long'/);
  throwsError(() => setPrintoptions({ precision: 2, sciMode: 1 as never }), ArgumentError, /sciMode is not a boolean, got 1/);
  throwsError(() => setPrintoptions({ width: 2 } as never), ArgumentError, /unknown option, got 'width'/);
  is(String(tensor([0.25])), 'tensor([0.2500])');
});

test.run();

import { test } from 'uvu';
import {
  ArgumentError, DTypeError, ShapeError, StateError, type Tensor, gelu, glu, grad, gradcheck, gradgradcheck, logsigmoid, mish, noGrad, relu, sigmoid, silu, softplus, softsign, tanh, tanhshrink, tensor, zeros,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const double = (data: readonly number[]): Tensor => tensor([...data], { dtype: 'float64', requiresGrad: true });
const far = [-1000, -20, -3, 0, 3, 20, 1000];

interface Case {
  readonly fn: (x: Tensor) => Tensor;
  /** At -1000, -20, -3, 0, 3, 20 and 1000. */
  readonly values: readonly number[];
  readonly slopes: readonly number[];
  /** Second derivatives at -1.5, 0.5 and 2. */
  readonly bends?: readonly number[];
}

/** Numbers from PyTorch in float64. */
const cases: Readonly<Record<string, Case>> = {
  sigmoid: {
    fn: sigmoid,
    values: [0, 2.0611536181902037e-9, 0.04742587317756678, 0.5, 0.9525741268224334, 0.9999999979388463, 1],
    slopes: [0, 2.0611536139418496e-9, 0.04517665973091214, 0.25, 0.045176659730912, 2.0611536879193953e-9, 0],
    bends: [0.09473021278475269, -0.05755679485232075, -0.07996250105615312],
  },
  tanh: {
    fn: tanh,
    values: [-1, -1, -0.9950547536867305, 0, 0.9950547536867305, 1, 1],
    slopes: [0, 0, 0.009866037165440166, 1, 0.009866037165440166, 0, 0],
    bends: [0.32713259728754795, -0.7268619813835873, -0.13621868742711296],
  },
  logsigmoid: {
    fn: logsigmoid,
    values: [-1000, -20.000000002061153, -3.048587351573742, -0.6931471805599453, -0.04858735157374206, -2.061153620314381e-9, 0],
    slopes: [1, 0.9999999979388464, 0.9525741268224333, 0.5, 0.04742587317756679, 2.0611536181902033e-9, 0],
    bends: [-0.14914645207033286, -0.2350037122015945, -0.10499358540350662],
  },
  silu: {
    fn: (x) => silu(x),
    values: [0, -4.122307236380407e-8, -0.14227761953270035, 0, 2.8577223804672998, 19.999999958776925, 1000],
    slopes: [0, -3.9161918660646786e-8, -0.08810410601516962, 0.5, 1.0881041060151693, 1.0000000391619202, 1],
    bends: [0.15619758496353672, 0.4412290269770286, 0.05006216869470701],
  },
  mish: {
    fn: (x) => mish(x),
    values: [0, -4.122307240628762e-8, -0.1456474612756246, 0, 2.9865350049679575, 20, 1000],
    slopes: [0, -3.916191874348969e-8, -0.09339311453232084, 0.6, 1.0211069109294435, 1, 1],
    bends: [0.15461475356154317, 0.46805337784488654, -0.05772466740829399],
  },
  gelu: {
    fn: (x) => gelu(x),
    values: [0, 0, -0.00404969409489031, 0, 2.99595030590511, 20, 1000],
    slopes: [0, 0, -0.01194564720418392, 0.5, 1.011945647204184, 1, 1],
    bends: [-0.03237939891647296, 0.6161143218375241, -0.10798193302637613],
  },
  'gelu by tanh': {
    fn: (x) => gelu(x, { approximate: 'tanh' }),
    values: [0, 0, -0.0036373920817729943, 0, 2.996362607918227, 20, 1000],
    slopes: [0, 0, -0.011584166630969648, 0.5, 1.0115841666309695, 1, 1],
  },
  softplus: {
    fn: (x) => softplus(x),
    values: [0, 2.061153620314381e-9, 0.04858735157374206, 0.6931471805599453, 3.048587351573742, 20.000000002061153, 1000],
    slopes: [0, 2.0611536181902033e-9, 0.04742587317756679, 0.5, 0.9525741268224334, 0.9999999979388464, 1],
    bends: [0.14914645207033286, 0.2350037122015945, 0.10499358540350662],
  },
  softsign: {
    fn: softsign,
    values: [-0.999000999000999, -0.9523809523809523, -0.75, 0, 0.75, 0.9523809523809523, 0.999000999000999],
    slopes: [9.98002996005021e-7, 0.0022675736961451226, 0.0625, 1, 0.0625, 0.0022675736961451226, 9.98002996005021e-7],
  },
  tanhshrink: {
    fn: tanhshrink,
    values: [-999, -19, -2.0049452463132695, 0, 2.0049452463132695, 19, 999],
    slopes: [1, 1, 0.9901339628345598, 0, 0.9901339628345598, 1, 1],
  },
};

for (const [name, { fn, values, slopes, bends }] of Object.entries(cases)) {
  test(`${name}: values and slopes far out`, () => {
    const x = double(far);
    allClose(fn(x), values, { rtol: 1e-6, atol: 1e-15 });
    allClose(grad(fn(x).sum(), x)[0], slopes, { rtol: 1e-6, atol: 1e-15 });
  });
  if (bends === undefined) continue;
  test(`${name}: second derivatives`, () => {
    const x = double([-1.5, 0.5, 2]);
    const [first] = grad(fn(x).sum(), x, { createGraph: true });
    allClose(grad(first.sum(), x)[0], bends, { rtol: 1e-9 });
  });
}

test('the gradient of a fused gradient is differentiable to any order', () => {
  const x = double([-1.3, 0.4, 1.7]);
  for (const { fn } of Object.values(cases)) {
    const slope = (): Tensor => grad(fn(x).sum(), x, { createGraph: true })[0];
    gradcheck(slope, [x]);
    gradgradcheck(slope, [x]);
  }
});

test('relu: 0 and NaN, integers, in place', () => {
  const x = double([-1, 0, 2, NaN]);
  allClose(relu(x), [0, 0, 2, NaN]);
  allClose(grad(relu(x).sum(), x)[0], [0, 0, 1, 1]);
  is(tensor([-1, 2], { dtype: 'int32' }).relu().dtype, 'int32');
  throwsError(() => tensor([true]).relu(), DTypeError, /relu: not defined for bool/);
  const y = tensor([-1, 2]);
  ok(y.relu_() === y && relu(y, { inplace: true }) === y);
  allClose(y, [0, 2]);
});

test('the second derivative of relu is 0, not missing', () => {
  const x = double([-1, 2]);
  const [first] = grad(relu(x).sum(), x, { createGraph: true });
  allClose(grad(first.sum(), x)[0], [0, 0]);
});

test('inplace writes over the input and keeps the gradient', () => {
  const leaf = double([-1.5, 0.5, 2]);
  for (const fn of [silu, mish, softplus] as const) {
    const x = leaf.mul(1);
    const y = fn(x, { inplace: true });
    ok(y === x);
    allClose(y, fn(leaf));
    allClose(grad(y.sum(), leaf)[0], grad(fn(leaf).sum(), leaf)[0]);
  }
  throwsError(() => silu(leaf, { inplace: true }), StateError, /a leaf that requires grad was written in place/);
  noGrad(() => silu(leaf, { inplace: true }));
  allClose(leaf, [-0.2736382857095345, 0.3112296656009273, 1.7615941559557646], { rtol: 1e-12 });
});

test('an activation in place needs its output unchanged until the backward pass', () => {
  const leaf = double([1, 2]);
  const y = leaf.mul(1).tanh_();
  y.add_(1);
  throwsError(() => grad(y.sum(), leaf), StateError, /tanh: a value needed for its gradient was overwritten/);
});

test('sigmoid and tanh of integers are float32; the others refuse them', () => {
  is(tensor([0, 1], { dtype: 'int64' }).sigmoid().dtype, 'float32');
  is(tensor([true]).tanh().dtype, 'float32');
  throwsError(() => gelu(tensor([1], { dtype: 'int64' })), DTypeError, /gelu: not a float tensor/);
  throwsError(() => softplus(tensor([1], { dtype: 'int64' })), DTypeError, /softplus: not a float tensor/);
});

test('softplus: beta and threshold by position and by name, exact at the threshold', () => {
  const x = double([20, 20.5, 1000]);
  allClose(softplus(x), [20.000000002061153, 20.5, 1000]);
  allClose(grad(softplus(x).sum(), x)[0], [0.9999999979388464, 1, 1], { rtol: 1e-14 });
  allClose(softplus(x, 2, 1), softplus(x, { beta: 2, threshold: 1 }));
  allClose(softplus(tensor([0]), 2), [Math.log(2) / 2]);
  allClose(softplus(tensor([30], { dtype: 'float64' }), { threshold: Infinity }), [30.00000000000009], { rtol: 1e-15 });
});

test('numbers are given once, by position or by name', () => {
  const x = zeros([2]);
  throwsError(() => softplus(x, 2, { beta: 1 }), ArgumentError, /softplus: beta is given twice/);
  throwsError(() => softplus(x, { beta: 1 }, 3), ArgumentError, /softplus: arguments after the options/);
  throwsError(() => softplus(x, { Beta: 1 } as never), ArgumentError, /did you mean 'beta'/);
  throwsError(() => softplus(x, NaN), ArgumentError, /softplus: beta is not a number, got NaN/);
  throwsError(() => softplus(x, '2' as never), ArgumentError, /softplus: beta is not a number, got '2'/);
  throwsError(() => softplus(x, 0), ArgumentError, /softplus: beta divides/);
  throwsError(() => softplus(x, 1, 2, 3 as never), ArgumentError, /softplus: too many numbers/);
  throwsError(() => silu(x, { inplace: 1 } as never), ArgumentError, /inplace is not a boolean/);
  throwsError(() => gelu(x, { approximate: 'erf' } as never), ArgumentError, /gelu: unknown approximation/);
  throwsError(() => silu([1] as never), ArgumentError, /silu: input is not a tensor/);
});

test('glu halves a dimension', () => {
  allClose(glu(tensor([[1, 2, 0, 0]])), [[0.5, 1]]);
  equal(glu(zeros([4, 3]), 0).shape, [2, 3]);
  throwsError(() => glu(zeros([2, 3])), ShapeError, /glu: dimension -1 cannot be halved, got float32\[2, 3\]; expected an even size/);
  throwsError(() => glu(tensor(1)), ShapeError, /glu: dimension -1 cannot be halved/);
});

test.run();

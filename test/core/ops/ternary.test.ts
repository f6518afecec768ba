import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, StateError, type Tensor, addcdiv, addcmul, grad, lerp, noGrad, tensor, zeros } from '../../../index.ts';
import { Storage } from '../../../core/storage.ts';
import { allClose, is, ok, throwsError } from '../../assert.ts';

const double = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });

test('addcmul and addcdiv with their gradients', () => {
  const [x, a, b] = [double([1, 2]), double([3, 4]), double([5, -6])];
  const y = addcmul(x, a, b, { value: 0.5 });
  allClose(y, [8.5, -10]);
  const [gx, ga, gb] = grad(y.sum(), [x, a, b]);
  allClose(gx, [1, 1]);
  allClose(ga, [2.5, -3]);
  allClose(gb, [1.5, 2]);
  const c = double([5, -8]);
  const z = addcdiv(x, a, c, { value: -2 });
  allClose(z, [-0.2, 3]);
  const [hx, ha, hc] = grad(z.sum(), [x, a, c]);
  allClose(hx, [1, 1]);
  allClose(ha, [-0.4, 0.25]);
  allClose(hc, [0.24, 0.125]);
});

test('they broadcast, and in place the target keeps its shape', () => {
  allClose(zeros([2, 2]).addcmul(tensor([1, 2]), tensor([[1], [10]])), [[1, 2], [10, 20]]);
  throwsError(() => zeros([2]).addcmul_(zeros([3, 2]), zeros([2])), ShapeError, /addcmul_: the result does not fit in place/);
});

test('integers: whole factors only, and no quotient', () => {
  const n = tensor([1, 2], { dtype: 'int64' });
  allClose(addcmul(n, n, n, { value: 2 }), [3, 10]);
  throwsError(() => addcmul(n, n, n, { value: 0.5 }), DTypeError, /addcmul: value has a fraction, got 0.5 for int64/);
  throwsError(() => addcdiv(n, n, n), DTypeError, /addcdiv: integers have no quotient/);
});

/** Weight, and what PyTorch makes of (0.25, 0.5, 1) and (0.75, 0.5, -3). */
const blends: readonly (readonly [number, readonly number[]])[] = [
  [0, [0.25, 0.5, 1]],
  [0.3, [0.4, 0.5, -0.2]],
  [0.5, [0.5, 0.5, -1]],
  [0.9, [0.7, 0.5, -2.6]],
  [1, [0.75, 0.5, -3]],
  [-0.7, [-0.1, 0.5, 3.8]],
  [1.5, [1, 0.5, -5]],
];

test('lerp with a number and with a tensor', () => {
  const [x, end] = [tensor([0.25, 0.5, 1], { dtype: 'float64' }), tensor([0.75, 0.5, -3], { dtype: 'float64' })];
  for (const [weight, expected] of blends) {
    allClose(lerp(x, end, weight), expected, { rtol: 1e-12 });
    allClose(lerp(x, end, tensor(weight, { dtype: 'float64' })), expected, { rtol: 1e-12 });
    allClose(x.clone().lerp_(end, weight), expected, { rtol: 1e-12 });
  }
});

test('lerp is exact at both ends and between equal ends', () => {
  const [x, end] = [tensor([0.1, 1e-30, 3e8]), tensor([0.7, 1e30, -1.1])];
  allClose(lerp(x, end, 1), end, { rtol: 0, atol: 0 });
  allClose(lerp(x, end, 0), x, { rtol: 0, atol: 0 });
  for (const weight of [0.1, 0.3, 0.7, 0.999]) allClose(lerp(x, x.clone(), weight), x, { rtol: 0, atol: 0 });
});

test('lerp: the gradient of the ends, and of a weight that is a tensor', () => {
  const [x, end, w] = [double([1, 2]), double([5, 0]), double([0.25, 0.75])];
  const [gx, ge, gw] = grad(lerp(x, end, w).sum(), [x, end, w]);
  allClose(gx, [0.75, 0.25]);
  allClose(ge, [0.25, 0.75]);
  allClose(gw, [4, -2]);
});

test('with a number lerp keeps no values: the end may be written over', () => {
  const [x, end] = [double([1, 2]), tensor([5, 0], { dtype: 'float64' })];
  const y = lerp(x, end, 0.25);
  end.zero_();
  allClose(grad(y.sum(), x)[0], [0.75, 0.75]);
});

test('the in-place forms allocate nothing', () => {
  const [p, g, v] = [zeros([64]), zeros([64]).add(1), zeros([64]).add(2)];
  const before = Storage.count;
  p.addcmul_(g, v, { value: 0.1 });
  p.addcdiv_(g, v, { value: -0.01 });
  p.lerp_(g, 0.9);
  p.add_(g, { alpha: -0.5 });
  p.mul_(0.5);
  is(Storage.count, before);
});

test('in place on a leaf needs noGrad', () => {
  const x = double([1, 2]);
  throwsError(() => x.addcmul_(x, x), StateError, /addcmul_: a leaf that requires grad was written in place/);
  noGrad(() => ok(x.lerp_(tensor([3, 3], { dtype: 'float64' }), 0.5) === x));
  allClose(x, [2, 2.5]);
});

test('bad arguments are refused before anything is written', () => {
  const x = tensor([1, 2]);
  throwsError(() => x.addcmul_(x, x, { alpha: 2 } as never), ArgumentError, /addcmul_: unknown option, got 'alpha'/);
  throwsError(() => x.addcdiv_(x, 2 as never), ArgumentError, /addcdiv_: tensor2 is not a tensor/);
  throwsError(() => x.addcmul_(x, x, { value: '2' } as never), ArgumentError, /addcmul_: value is not a number/);
  throwsError(() => x.lerp_(zeros([2], { dtype: 'float64' }), 0.5), DTypeError, /lerp_: ends differ in dtype/);
  throwsError(() => x.lerp(x, tensor([1, 2], { dtype: 'int64' })), DTypeError, /lerp: the weight differs in dtype/);
  throwsError(() => x.lerp(x, '0.5' as never), ArgumentError, /lerp: weight is not a tensor or number/);
  const n = tensor([1], { dtype: 'int64' });
  throwsError(() => n.lerp(n, 0.5), DTypeError, /lerp: not a float tensor/);
  allClose(x, [1, 2]);
});

test.run();

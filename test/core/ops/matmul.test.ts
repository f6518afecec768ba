import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, DTypeError, ShapeError, type Tensor, addmm, baddbmm, bmm, dot, gradcheck, linear, matmul, mm, mv, ones, outer, tensor, zeros,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

/** Whole numbers between -6 and 6: their products and sums are exact. */
const whole = (shape: readonly number[], seed = 1): Tensor =>
  tensor(Float64Array.from({ length: shape.reduce((n, s) => n * s, 1) }, (_, i) => (((i + seed) * 7919) % 13) - 6)).reshape([...shape]);

function naive(a: Tensor, b: Tensor): number[] {
  const [m, k] = a.shape;
  const n = b.shape[1];
  const [x, y] = [a.data(), b.data()];
  return Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let q = 0; q < k; q++) sum += x[Math.floor(at / n) * k + q] * y[q * n + (at % n)];
    return sum;
  });
}

test('matmul: any sizes and layouts agree with the plain triple loop', () => {
  const size = fc.integer({ min: 0, max: 9 });
  fc.assert(
    fc.property(size, size, size, fc.boolean(), fc.boolean(), (m, k, n, turnA, turnB) => {
      const a = turnA ? whole([k, m]).t() : whole([m, k]);
      const b = turnB ? whole([n, k], 5).t() : whole([k, n], 5);
      const out = matmul(a, b);
      equal([...out.shape], [m, n]);
      allClose(out.data(), naive(a, b), { rtol: 0, atol: 0 });
    }),
    { seed: 1, numRuns: 150 },
  );
});

test('matmul: products that take several blocks, thin ones, and windows of larger tensors', () => {
  for (const [m, k, n] of [[5, 1100, 70], [1, 40, 9], [2, 9, 40], [40, 9, 1], [40, 9, 2], [3, 1, 65]]) {
    const [a, b] = [whole([m, k]), whole([k, n], 3)];
    allClose(matmul(a, b).data(), naive(a, b), { rtol: 0, atol: 0 });
    allClose(matmul(whole([k, m]).t(), whole([n, k], 3).t()).data(), naive(whole([k, m]).t(), whole([n, k], 3).t()), { rtol: 0, atol: 0 });
  }
  const [a, b] = [whole([6, 8]).narrow(0, 1, 4).narrow(1, 2, 5), whole([7, 9]).narrow(0, 2, 5).narrow(1, 1, 3)];
  allClose(matmul(a, b).data(), naive(a, b), { rtol: 0, atol: 0 });
  allClose(matmul(whole([1, 3]).expand([4, 3]), whole([3, 4])).data(), naive(whole([1, 3]).expand([4, 3]).contiguous(), whole([3, 4])), { rtol: 0, atol: 0 });
});

test('matmul: every combination of ranks has the shape PyTorch gives', () => {
  const shapes: readonly (readonly [number[], number[], number[]])[] = [
    [[3], [3], []],
    [[3], [3, 2], [2]],
    [[2, 3], [3], [2]],
    [[3], [4, 3, 2], [4, 2]],
    [[4, 2, 3], [3], [4, 2]],
    [[4, 2, 3], [3, 5], [4, 2, 5]],
    [[2, 3], [4, 3, 5], [4, 2, 5]],
    [[2, 1, 2, 3], [4, 3, 5], [2, 4, 2, 5]],
    [[0, 2, 3], [3, 1], [0, 2, 1]],
    [[2, 0], [0, 3], [2, 3]],
    [[4, 2, 0], [0], [4, 2]],
  ];
  for (const [a, b, expected] of shapes) equal([...matmul(ones(a), ones(b)).shape], expected, `${a.join()} @ ${b.join()}`);
  allClose(matmul(zeros([2, 0]), zeros([0, 3])), [[0, 0, 0], [0, 0, 0]]);
});

test('matmul: stacks broadcast, and gradients come back in the shape of the operands', () => {
  const a = whole([2, 1, 2, 3]).requiresGrad_();
  const b = whole([3, 3, 2], 2).requiresGrad_();
  const out = matmul(a, b);
  for (let i = 0; i < 2; i++) {
    for (let j = 0; j < 3; j++) allClose(out.select(0, i).select(0, j).data(), naive(a.detach().select(0, i).select(0, 0).contiguous(), b.detach().select(0, j).contiguous()));
  }
  out.sum().backward();
  equal([...(a.grad as Tensor).shape], [2, 1, 2, 3]);
  equal([...(b.grad as Tensor).shape], [3, 3, 2]);
});

test('matmul: integers stay exact, int64 that does not fit is refused, int32 wraps as in PyTorch', () => {
  const a = tensor([[1, 2], [3, 4]], { dtype: 'int64' });
  const product = a.matmul(tensor([[5, 6], [7, 8]], { dtype: 'int64' }));
  is(product.dtype, 'int64');
  equal(product.array(), [[19, 22], [43, 50]]);
  throwsError(() => tensor([65536], { dtype: 'int64' }).dot(tensor([65536], { dtype: 'int64' })), DTypeError, /matmul: value does not fit int64, got 4294967296/);
  equal(tensor([[2 ** 30, 2 ** 30]], { dtype: 'int32' }).mm(tensor([[2], [1]], { dtype: 'int32' })).array(), [[-1073741824]]);
});

test('matmul: sums are kept in doubles, NaN and infinities pass through', () => {
  const tiny = tensor(new Float32Array(1001).fill(2 ** -25));
  tiny.storage.cells[0] = 1;
  is(tiny.dot(ones([1001])).item(), Math.fround(1 + 1000 * 2 ** -25));
  const odd = matmul(tensor([[NaN, 1], [Infinity, 0], [1, 1]]), tensor([[0, 1, 2], [1, 0, 1]]));
  allClose(odd, [[NaN, NaN, NaN], [NaN, Infinity, Infinity], [1, 1, 3]]);
});

test('matmul: operands that do not fit are named in the error', () => {
  throwsError(() => matmul(ones([2, 3]), ones([4, 5])), ShapeError, /^matmul: inner sizes differ, got float32\[2, 3\] and float32\[4, 5\]; expected 3 = 4$/);
  throwsError(() => matmul(ones([3]), ones([2])), ShapeError, /inner sizes differ.*expected 3 = 2/);
  throwsError(() => matmul(ones([2, 2, 3]), ones([3, 3, 2])), ShapeError, /matmul: shapes do not broadcast, got \[2\] and \[3\]/);
  throwsError(() => matmul(ones([]), ones([2])), ShapeError, /matmul: a scalar among the operands.*\nhint: use mul/);
  throwsError(() => matmul(ones([2, 3]), ones([3, 4], { dtype: 'float64' })), DTypeError, /^matmul: dtypes differ, got float32\[2, 3\] and float64\[3, 4\]; expected one dtype/);
  throwsError(() => matmul(ones([2, 2], { dtype: 'bool' }), ones([2, 2], { dtype: 'bool' })), DTypeError, /matmul: not defined for bool/);
  throwsError(() => Reflect.apply(matmul, null, [ones([2]), 3]), ArgumentError, /matmul: other is not a tensor, got 3/);
});

test('mm, bmm, mv, dot and outer insist on their ranks and sizes', () => {
  throwsError(() => mm(ones([2, 2, 2]), ones([2, 2])), ShapeError, /mm: input has another number of dimensions, got float32\[2, 2, 2\]; expected 2/);
  throwsError(() => mm(ones([2, 3]), ones([3])), ShapeError, /mm: mat2 has another number of dimensions/);
  throwsError(() => bmm(ones([1, 2, 3]), ones([2, 3, 4])), ShapeError, /bmm: numbers of matrices differ.*expected 1 = 2/);
  throwsError(() => bmm(ones([2, 2, 3]), ones([2, 2, 4])), ShapeError, /bmm: inner sizes differ.*expected 3 = 2/);
  throwsError(() => mv(ones([2, 3]), ones([2])), ShapeError, /mv: inner sizes differ.*expected 3 = 2/);
  throwsError(() => dot(ones([2, 1]), ones([2])), ShapeError, /dot: input has another number of dimensions/);
  throwsError(() => dot(ones([2]), ones([3])), ShapeError, /dot: inner sizes differ/);
  throwsError(() => dot(ones([2]), ones([2], { dtype: 'int32' })), DTypeError, /dot: dtypes differ/);
  throwsError(() => outer(ones([2]), ones([2, 1])), ShapeError, /outer: vec2 has another number of dimensions/);
  is(outer(ones([2]), ones([3], { dtype: 'int32' })).dtype, 'float32');
});

test('addmm: beta 0 does not read the input, the input broadcasts, options are checked', () => {
  const [a, b] = [ones([2, 3]), ones([3, 2])];
  allClose(addmm(tensor(NaN), a, b, { beta: 0 }), [[3, 3], [3, 3]]);
  allClose(addmm(tensor([[1], [2]]), a, b, { beta: 2, alpha: -1 }), [[-1, -1], [1, 1]]);
  allClose(baddbmm(tensor([10, 20]), ones([2, 2, 3]), ones([2, 3, 2])), [[[13, 23], [13, 23]], [[13, 23], [13, 23]]]);
  throwsError(() => addmm(ones([3]), a, b), ShapeError, /addmm: the input does not broadcast to the product, got float32\[3\]; expected \[2, 2\]/);
  throwsError(() => addmm(ones([1, 2, 2]), a, b), ShapeError, /does not broadcast/);
  throwsError(() => addmm(ones([2], { dtype: 'float64' }), a, b), DTypeError, /addmm: dtypes differ/);
  throwsError(() => Reflect.apply(addmm, null, [ones([2]), a, b, { gamma: 1 }]), ArgumentError, /addmm: unknown option, got 'gamma'; expected one of beta, alpha/);
  const i = ones([2, 2], { dtype: 'int32' });
  throwsError(() => addmm(i, i, i, { alpha: 0.5 }), ArgumentError, /addmm: invalid alpha, got 0.5 for int32; expected a whole number/);
});

test('addmm_: writes in place, also over what the product is made of, and nothing when it does not fit', () => {
  const x = tensor([[1, 2], [3, 4]]);
  is(x.addmm_(x, x), x);
  allClose(x, [[8, 12], [18, 26]]);
  const y = tensor([[1, 2], [3, 4]]);
  y.addmm_(y.t(), y, { beta: 0 });
  allClose(y, [[10, 14], [14, 20]]);
  const turned = zeros([3, 2]).t();
  turned.addmm_(ones([2, 4]), whole([4, 3]).to('float32'));
  allClose(turned.contiguous().data(), naive(ones([2, 4]), whole([4, 3])));
  const big = ones([1, 1], { dtype: 'int64' });
  throwsError(() => big.addmm_(ones([1, 1], { dtype: 'int64' }).mul(65536), ones([1, 1], { dtype: 'int64' }).mul(65536)), DTypeError, /does not fit int64/);
  is(big.item(), 1);
  throwsError(() => ones([2]).addmm_(ones([2, 3]), ones([3, 2])), ShapeError, /does not fit in place/);
});

test('linear: leading dimensions are kept, the gradient of the weight lies as the weight does', () => {
  const x = whole([2, 3, 4]).requiresGrad_();
  const w = whole([5, 4], 2).requiresGrad_();
  const b = whole([5], 3).requiresGrad_();
  const y = linear(x, w, b);
  equal([...y.shape], [2, 3, 5]);
  allClose(y, matmul(x, w.t()).add(b));
  y.square().sum().backward();
  const g = y.detach().mul(2).reshape([6, 5]);
  allClose(w.grad as Tensor, matmul(g.t(), x.detach().reshape([6, 4])));
  allClose(x.grad as Tensor, matmul(g, w.detach()).reshape([2, 3, 4]));
  allClose(b.grad as Tensor, g.sum(0));
  ok((w.grad as Tensor).isContiguous());
  allClose(linear(x.detach().transpose(0, 1), w, b), y.transpose(0, 1));
});

test('linear: operands that do not fit are named in the error', () => {
  throwsError(() => linear(ones([2, 3]), ones([4, 5])), ShapeError, /^linear: input features differ, got float32\[2, 3\] and weight float32\[4, 5\]; expected 3 = 5$/);
  throwsError(() => linear(ones([2, 3]), ones([4, 3]), ones([3])), ShapeError, /linear: the bias does not fit, got float32\[3\] for weight float32\[4, 3\]; expected \[4\]/);
  throwsError(() => linear(ones([2, 3]), ones([1, 4, 3])), ShapeError, /linear: wrong number of dimensions/);
  throwsError(() => linear(ones([2, 3]), ones([4, 3], { dtype: 'float64' })), DTypeError, /linear: dtypes differ/);
  throwsError(() => linear(ones([2, 3]), ones([4, 3]), ones([4], { dtype: 'int32' })), DTypeError, /linear: dtypes differ/);
});

test('gradients hold for views and for one operand twice', () => {
  const x = whole([3, 3]).div(7).requiresGrad_();
  ok(gradcheck((a: Tensor) => matmul(a, a.t()), [x]));
  ok(gradcheck((a: Tensor) => matmul(a.narrow(0, 1, 2), a), [x]));
});

test.run();

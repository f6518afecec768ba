import { test } from 'uvu';
import { ArgumentError, DTypeError, LinAlgError, PolyakError, ShapeError, StateError, type Tensor, arange, backward, eye, grad, gradcheck, gradgradcheck, linalg, manualSeed, qr, randn, svd, tensor, zeros } from '../../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../../assert.ts';

type LinalgOptions = Parameters<typeof linalg.svdvals>[1] & { readonly some?: boolean; readonly fullMatrices?: boolean };

const close = { rtol: 1e-10, atol: 1e-11 };
const random = (shape: readonly number[]): Tensor => randn(shape, { dtype: 'float64' });
const one = (n: number): Tensor => eye(n, { dtype: 'float64' });
const symmetric = (x: Tensor): Tensor => x.add(x.mT).mul(0.5);
const f64 = (data: number[][]): Tensor => tensor(data, { dtype: 'float64' });

test('svd puts the matrix together again, with orthonormal vectors and descending values', () => {
  manualSeed(1);
  for (const shape of [[1, 1], [5, 5], [7, 3], [3, 7], [2, 4, 3], [40, 40], [60, 20]]) {
    for (const full of [false, true]) {
      const a = random(shape);
      const { U, S, Vh } = linalg.svd(a, full);
      const k = S.shape[S.ndim - 1];
      allClose(U.narrow(-1, 0, k).mul(S.unsqueeze(-2)).matmul(Vh.narrow(-2, 0, k)), a, close);
      const [m, n] = [U.shape[U.ndim - 1], Vh.shape[Vh.ndim - 2]];
      allClose(U.mT.matmul(U), one(m).expand([...shape.slice(0, -2), m, m]), close);
      allClose(Vh.matmul(Vh.mT), one(n).expand([...shape.slice(0, -2), n, n]), close);
      ok(S.narrow(-1, 0, k - 1).ge(S.narrow(-1, 1, k - 1)).all().item() === 1 || k === 1);
    }
  }
});

test('svd of matrices without full rank has whole bases', () => {
  manualSeed(2);
  for (const a of [random([6, 1]).matmul(random([1, 4])), zeros([4, 3], { dtype: 'float64' }), f64([[0, 0, 1], [0, 0, 0], [0, 2, 0], [0, 0, 0]])]) {
    const { U, S, Vh } = linalg.svd(a);
    allClose(U.mT.matmul(U), one(U.shape[0]), close);
    allClose(Vh.matmul(Vh.mT), one(Vh.shape[0]), close);
    allClose(U.narrow(1, 0, S.shape[0]).mul(S).matmul(Vh.narrow(0, 0, S.shape[0])), a, close);
  }
});

test('small singular values are right to the last digits, and none overflows', () => {
  const hilbert = f64(Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (__, j) => 1 / (i + j + 1))));
  const expected = [1.695938997, 0.2981252113, 0.02621284358, 0.001467688118, 5.43694337e-5, 1.294332092e-6, 1.798873746e-8, 1.1115389e-10];
  allClose(linalg.svdvals(hilbert), expected, { rtol: 1e-6, atol: 0 });
  allClose(linalg.svdvals(f64([[1e-200, 0], [1e-200, 1e-200]])), [1.618033988749895e-200, 6.18033988749895e-201], { rtol: 1e-14, atol: 0 });
  allClose(linalg.svdvals(f64([[1e200, 1e200], [0, 1e200]])), [1.618033988749895e200, 6.18033988749895e199], { rtol: 1e-14, atol: 0 });
});

test('eigh puts the matrix together again, with orthonormal vectors and ascending values', () => {
  manualSeed(3);
  for (const a of [random([1, 1]), random([6, 6]), random([2, 3, 3]), random([50, 50]), one(4), zeros([3, 3], { dtype: 'float64' })].map(symmetric)) {
    const n = a.shape[a.ndim - 1];
    const { eigenvalues, eigenvectors } = linalg.eigh(a);
    allClose(eigenvectors.mul(eigenvalues.unsqueeze(-2)).matmul(eigenvectors.mT), a, close);
    allClose(eigenvectors.mT.matmul(eigenvectors), one(n).expand(a.shape), close);
    ok(n === 1 || eigenvalues.narrow(-1, 0, n - 1).le(eigenvalues.narrow(-1, 1, n - 1)).all().item() === 1);
  }
});

test('eigh reads one triangle', () => {
  const a = f64([[1, 100], [2, 3]]);
  allClose(linalg.eigvalsh(a), linalg.eigvalsh(f64([[1, 2], [2, 3]])), close);
  for (const upper of ['U', { UPLO: 'U' }] as const) allClose(linalg.eigvalsh(a, upper), linalg.eigvalsh(f64([[1, 100], [100, 3]])), close);
});

test('gradients of eigenvectors are symmetric, though one triangle is read', () => {
  const a = f64([[2, 0.5, -1], [0.5, 1, 0.25], [-1, 0.25, -2]]);
  a.requiresGrad = true;
  const w = arange(9, { dtype: 'float64' }).reshape([3, 3]);
  const [g] = grad(linalg.eigh(a).eigenvectors.abs().mul(w).sum(), [a], { createGraph: true });
  // PyTorch's numbers.
  allClose(g, f64([[-1.1008757508076272, 1.388744871545774, -0.5107281971488817], [1.388744871545774, 0.5413598639733574, 0.7384442909337967], [-0.5107281971488817, 0.7384442909337967, 0.5595158868342703]]), close);
  const [h] = grad(g.mul(w).sum(), [a]);
  allClose(h, f64([[0.6222788937687658, -8.160077318676255, -1.3568051509346162], [-8.160077318676255, -4.354397412742904, -1.9030165416090192], [-1.3568051509346162, -1.9030165416090192, 3.7321185189741364]]), close);
});

test('gradients of what does not depend on signs: a function of the matrix itself', () => {
  manualSeed(4);
  const a = random([4, 4]);
  const spd = a.matmul(a.mT).add(one(4));
  const input = spd.detach();
  input.requiresGrad = true;
  const root = (x: Tensor): Tensor => {
    const { eigenvalues, eigenvectors } = linalg.eigh(symmetric(x));
    return eigenvectors.mul(eigenvalues.sqrt()).matmul(eigenvectors.mT);
  };
  gradcheck(() => root(input), [input]);
  gradgradcheck(() => root(input), [input]);
  for (const shape of [[3, 3], [4, 2], [2, 4]]) {
    const x = random(shape);
    x.requiresGrad = true;
    // The orthogonal factor of the polar decomposition, and the projector onto the range.
    const polar = (): Tensor => {
      const { U, Vh } = linalg.svd(x, false);
      return U.matmul(Vh);
    };
    gradcheck(polar, [x]);
    gradgradcheck(polar, [x]);
    gradcheck(() => {
      const { U, S, V } = svd(x);
      return U.mul(S.exp()).matmul(V.mT);
    }, [x]);
  }
});

test('the gradient of svd leaves further columns of complete bases out', () => {
  const x = f64([[1, 2], [3, 4], [5, 7]]).requiresGrad_();
  backward(linalg.svd(x).U.narrow(-1, 2, 1).sum());
  allClose(x.grad ?? [], zeros([3, 2], { dtype: 'float64' }));
});

test('qr has LAPACK signs, every mode, and its refusals in backward', () => {
  const a = f64([[3, 1], [4, 2]]).requiresGrad_();
  const { Q, R } = linalg.qr(a);
  allClose(R, [[-5, -2.2], [0, 0.4]], close);
  allClose(Q.matmul(R), a, close);
  const only = linalg.qr(a, 'r');
  equal([...only.Q.shape], [0]);
  allClose(only.R, R, close);
  throwsError(() => backward(only.R.sum()), StateError, /needs Q/);
  const tall = random([3, 2]).requiresGrad_();
  const whole = linalg.qr(tall, { mode: 'complete' });
  allClose(whole.Q.mT.matmul(whole.Q), one(3), close);
  throwsError(() => backward(whole.Q.sum()), StateError, /'reduced'/);
  throwsError(() => linalg.qr(a, 'full' as 'r'), ArgumentError, /unknown mode, got 'full'/);
  equal([...qr(tall, false).Q.shape], [3, 3]);
});

test('an entry of R keeps its sign where nothing is below it', () => {
  allClose(linalg.qr(f64([[2, 1], [0, 3]])).R, [[2, 1], [0, 3]], close);
});

test('lu: the first largest entry is the pivot', () => {
  const { P, L, U } = linalg.lu(f64([[1, 2], [-3, 4], [3, 1]]));
  allClose(P, [[0, 0, 1], [1, 0, 0], [0, 1, 0]]);
  allClose(U, [[-3, 4], [0, 5]], close);
  allClose(L, [[1, 0], [-1, 1], [-1 / 3, 2 / 3]], close);
  allClose(P.matmul(L).matmul(U), [[1, 2], [-3, 4], [3, 1]], close);
});

test('refusals', () => {
  const a = f64([[1, 2], [3, 4]]);
  throwsError(() => linalg.svd(f64([[NaN, 1], [1, 1]])), LinAlgError, /linalg\.svd: a matrix has values that are not finite, got NaN in float64\[2, 2\]; expected finite values/);
  throwsError(() => linalg.svdvals(f64([[Infinity, 1]])), LinAlgError, /not finite/);
  throwsError(() => linalg.eigh(f64([[NaN, 1], [1, 1]])), LinAlgError, /not finite/);
  throwsError(() => linalg.cholesky(f64([[1, 2], [2, 1]])), LinAlgError, /not positive definite, got float64\[2, 2\] with a leading minor of order 2/);
  throwsError(() => linalg.cholesky(tensor([[[1, 0], [0, 1]], [[1, 2], [2, 1]]])), LinAlgError, /matrix 1 of the batch/);
  throwsError(() => linalg.ldlFactor(zeros([2, 2])), LinAlgError, /singular/);
  throwsError(() => linalg.luFactor(zeros([2, 2])), LinAlgError, /singular.*zero pivot at 0/);
  throwsError(() => linalg.lu(a, { pivot: false }), ArgumentError, /without pivots/);
  throwsError(() => linalg.eigh(a, 'X' as 'L'), ArgumentError, /unknown triangle/);
  throwsError(() => linalg.eigh(random([2, 3])), ShapeError, /not square/);
  throwsError(() => linalg.svd(random([3])), ShapeError, /not a matrix/);
  throwsError(() => linalg.qr(tensor([[1, 2]], { dtype: 'int64' })), DTypeError, /not a float tensor/);
  throwsError(() => linalg.svd(a, { some: true } as LinalgOptions), ArgumentError, /unknown option/);
  throwsError(() => linalg.svd(a, true, { fullMatrices: true } as LinalgOptions), ArgumentError, /given twice/);
  ok(new LinAlgError('x') instanceof PolyakError);
});

test('info says what went wrong', () => {
  const { L, info } = linalg.choleskyEx(tensor([[[4, 0], [0, 9]], [[1, 2], [2, 1]]]));
  equal([...info.data()], [0, 2]);
  is(info.dtype, 'int32');
  allClose(L.select(0, 0), [[2, 0], [0, 3]]);
  throwsError(() => linalg.choleskyEx(tensor([[-1]]), { checkErrors: true }), LinAlgError, /choleskyEx/);
  equal([...linalg.luFactorEx(zeros([2, 2])).info.data()], [1]);
  equal([...linalg.invEx(tensor([[1, 2], [2, 4]])).info.data()], [2]);
});

test('ldl solves indefinite systems', () => {
  manualSeed(5);
  for (let n = 1; n <= 8; n++) {
    const a = symmetric(random([n, n]));
    const b = random([n, 2]);
    const { LD, pivots } = linalg.ldlFactor(a);
    allClose(a.matmul(linalg.ldlSolve(LD, pivots, b)), b, { rtol: 1e-8, atol: 1e-8 });
  }
});

test.run();

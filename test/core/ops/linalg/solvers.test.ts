import { test } from 'uvu';
import { ArgumentError, DTypeError, LinAlgError, ShapeError, type Tensor, backward, det, eye, grad, gradcheck, inverse, linalg, logdet, luUnpack, manualSeed, matrixPower, ones, pinverse, randn, slogdet, tensor, triangularSolve, zeros } from '../../../../index.ts';
import { allClose, equal, is, throwsError } from '../../../assert.ts';

const close = { rtol: 1e-9, atol: 1e-10 };
const random = (shape: readonly number[]): Tensor => randn(shape, { dtype: 'float64' });
const singular = (): Tensor => tensor([[1, 2], [2, 4]], { dtype: 'float64' });

test('singular matrices', () => {
  throwsError(() => linalg.inv(singular()), LinAlgError, /linalg\.inv: the matrix is singular, got float64\[2, 2\] with a zero pivot at 1; expected an invertible matrix/);
  throwsError(() => inverse(zeros([2, 3, 3])), LinAlgError, /matrix 0 of the batch/);
  throwsError(() => linalg.solve(singular(), ones([2], { dtype: 'float64' })), LinAlgError, /linalg\.solve/);
  throwsError(() => matrixPower(singular(), -2), LinAlgError, /singular/);
  throwsError(() => linalg.tensorinv(zeros([2, 1, 2])), LinAlgError, /tensorinv/);
  throwsError(() => linalg.lstsq(ones([3, 2]), ones([3, 1]), { driver: 'gels' }), LinAlgError, /full rank/);
  throwsError(() => zeros([2, 2]).choleskyInverse(), LinAlgError, /zero on the diagonal at 0/);
  is(det(singular()).item(), 0);
  const { sign, logabsdet } = slogdet(singular());
  equal([sign.item(), logabsdet.item()], [0, -Infinity]);
  is(logdet(zeros([2, 2])).item(), -Infinity);
  equal(logdet(eye(3).neg()).item(), NaN);
  is(linalg.cond(singular(), 1).item(), Infinity);
});

test('the gradient of det at a singular matrix is 0, as in PyTorch', () => {
  const x = singular().requiresGrad_();
  backward(det(x));
  allClose(x.grad ?? [], [[0, 0], [0, 0]]);
});

test('right sides: vectors, batches of vectors, matrices, broadcasting', () => {
  manualSeed(1);
  const a = random([2, 3, 3]);
  const b = random([2, 3]);
  const x = linalg.solve(a, b);
  equal([...x.shape], [2, 3]);
  allClose(a.matmul(x.unsqueeze(-1)).squeeze(-1), b, close);
  equal([...linalg.solve(a, random([3])).shape], [2, 3]);
  equal([...linalg.solve(a, random([3, 5])).shape], [2, 3, 5]);
  const right = random([4, 3]);
  allClose(linalg.solve(a, right, { left: false }).matmul(a), right.expand([2, 4, 3]), close);
  equal([...linalg.solveEx(a.select(0, 0), random([4, 3, 1])).info.shape], []);
  throwsError(() => linalg.solve(a, random([4, 4])), ShapeError, /sizes do not fit A X = B.*expected 3 rows of B/);
  throwsError(() => linalg.solve(a, random([3, 1]), { left: false }), ShapeError, /3 columns/);
  throwsError(() => linalg.solve(a, b.to('float32')), DTypeError, /dtypes differ/);
  throwsError(() => linalg.solve(random([2, 3]), b), ShapeError, /not square/);
  throwsError(() => linalg.solve(a, tensor(1, { dtype: 'float64' })), ShapeError, /do not fit/);
});

test('triangular systems', () => {
  manualSeed(2);
  const a = random([3, 3]).add(eye(3, { dtype: 'float64' }).mul(3));
  const b = random([3, 2]);
  allClose(a.triu().matmul(linalg.solveTriangular(a, b, { upper: true })), b, close);
  allClose(linalg.solveTriangular(a, b.mT, { upper: false, left: false }).matmul(a.tril()), b.mT, close);
  allClose(a.triu().mT.matmul(triangularSolve(b, a, true, true).solution), b, close);
  allClose(b.triangularSolve(a, { upper: false }).solution, linalg.solveTriangular(a, b, { upper: false }), close);
  throwsError(() => linalg.solveTriangular(a, b, {} as { upper: boolean }), ArgumentError, /upper is not given/);
  throwsError(() => linalg.solveTriangular(a, random([3]), { upper: true }), ShapeError, /not a matrix/);
  allClose(linalg.solveTriangular(zeros([1, 1]), ones([1, 1]), { upper: true }), [[Infinity]]);
});

test('lu gives back the matrix, and solves', () => {
  manualSeed(3);
  const a = random([2, 4, 4]);
  const b = random([2, 4, 3]);
  const { LU, pivots } = linalg.luFactor(a);
  const { P, L, U } = luUnpack(LU, pivots);
  allClose(P.matmul(L).matmul(U), a, close);
  allClose(a.matmul(linalg.luSolve(LU, pivots, b)), b, close);
  allClose(a.mT.matmul(linalg.luSolve(LU, pivots, b, { adjoint: true })), b, close);
  allClose(linalg.luSolve(LU, pivots, b.mT, { left: false }).matmul(a), b.mT, close);
  allClose(linalg.luSolve(LU, pivots, b.mT, { left: false, adjoint: true }).matmul(a.mT), b.mT, close);
  allClose(b.luSolve(LU, pivots), linalg.solve(a, b), close);
  equal([...a.lu().pivots.data()], [...pivots.data()]);
  throwsError(() => luUnpack(LU, pivots.to('int64')), DTypeError, /not int32/);
});

test('pinv: Penrose, tolerances, symmetric matrices', () => {
  manualSeed(4);
  const a = random([4, 2]).matmul(random([2, 5]));
  const p = linalg.pinv(a);
  allClose(a.matmul(p).matmul(a), a, close);
  allClose(p.matmul(a).matmul(p), p, close);
  allClose(linalg.pinv(tensor([[2, 0], [0, 0.5]]), { atol: 1 }), [[0.5, 0], [0, 0]]);
  allClose(pinverse(tensor([[2, 0], [0, 0.5]]), 0.5), [[0.5, 0], [0, 0]]);
  const each = linalg.pinv(tensor([[[2, 0], [0, 0.5]], [[2, 0], [0, 0.5]]]), { atol: tensor([1, 0]) });
  allClose(each, [[[0.5, 0], [0, 0]], [[0.5, 0], [0, 2]]]);
  allClose(linalg.pinv(tensor([[2, 9], [1, 1]]), { hermitian: true }), [[1, -1], [-1, 2]]);
  const s = random([3, 3]);
  const whole = s.add(s.mT).detach().requiresGrad_();
  const [g] = grad([linalg.pinv(whole, { hermitian: true }).sum()], [whole]);
  const [h] = grad([linalg.pinv(whole).sum()], [whole]);
  allClose(g, h, close);
  equal([linalg.matrixRank(a).item(), linalg.matrixRank(a, { rtol: 2 }).item(), linalg.matrixRank(a, 1e9).item()], [2, 0, 0]);
  is(linalg.matrixRank(a).dtype, 'int64');
});

test('lstsq: results by driver, gradients of solution and residuals', () => {
  manualSeed(5);
  const [a, b] = [random([4, 2]), random([4, 3])];
  const plain = linalg.lstsq(a, b);
  allClose(a.mT.matmul(a.matmul(plain.solution).sub(b)), zeros([2, 3], { dtype: 'float64' }), close);
  equal([plain.residuals.shape, plain.rank.shape, plain.singularValues.shape].map((s) => [...s]), [[0], [], [0]]);
  const full = linalg.lstsq(a, b, null, { driver: 'gelsd' });
  allClose(full.residuals, a.matmul(plain.solution).sub(b).square().sum(0), close);
  allClose(full.singularValues, linalg.svdvals(a), close);
  equal([...linalg.lstsq(a, b, { driver: 'gels' }).rank.shape], [0]);
  equal([...linalg.lstsq(random([2, 4, 3]), random([2, 4])).solution.shape], [2, 3]);
  for (const x of [a, b]) x.requiresGrad = true;
  gradcheck(() => {
    const { solution, residuals } = linalg.lstsq(a, b, { driver: 'gelss' });
    return [solution, residuals];
  }, [a, b]);
  throwsError(() => linalg.lstsq(a, b, { driver: 'qr' as 'gels' }), ArgumentError, /unknown driver/);
  throwsError(() => linalg.lstsq(a, random([3, 1])), ShapeError, /expected 4 rows/);
});

test('powers, exponentials, chains', () => {
  manualSeed(6);
  const a = random([3, 3]);
  allClose(a.matrixPower(-2).matmul(a).matmul(a), eye(3, { dtype: 'float64' }), close);
  allClose(matrixPower(tensor([[1, 1], [1, 0]], { dtype: 'int64' }), 10), [[89, 55], [55, 34]]);
  throwsError(() => matrixPower(tensor([[1]], { dtype: 'int64' }), -1), DTypeError, /linalg\.inv/);
  throwsError(() => matrixPower(a, 0.5), ArgumentError, /n is not an integer/);
  const angle = 20;
  allClose(tensor([[0, -angle], [angle, 0]], { dtype: 'float64' }).matrixExp(), [[Math.cos(angle), -Math.sin(angle)], [Math.sin(angle), Math.cos(angle)]], close);
  const chain = [random([2, 9]), random([9, 3]), random([3, 8]), random([8, 2])];
  allClose(linalg.multiDot(chain), chain.reduce((x, y) => x.matmul(y)), close);
  throwsError(() => linalg.multiDot([a]), ArgumentError, /at least two/);
  throwsError(() => linalg.multiDot([a, random([2, 2])]), ShapeError, /entries 0 and 1/);
  throwsError(() => linalg.vander(tensor([1])), ArgumentError, /at least 2/);
  throwsError(() => linalg.cross(random([2, 3]), random([3])), ShapeError, /numbers of dimensions differ/);
  throwsError(() => linalg.vecdot(tensor([1], { dtype: 'int64' }), tensor([1], { dtype: 'int64' })), DTypeError, /not a float/);
});

test('norms: forms of the call and refusals', () => {
  const x = tensor([[3, 0], [4, 5]]);
  allClose(linalg.norm(x, 2, 0), linalg.norm(x, { ord: 2, dim: [0] }));
  allClose(linalg.norm(x, Infinity), tensor(9));
  allClose(linalg.vectorNorm(x, Infinity), tensor(5));
  allClose(linalg.matrixNorm(x, 1, [0, 1], true), [[7]]);
  is(linalg.vectorNorm(x, 2, null, false, { dtype: 'float64' }).dtype, 'float64');
  throwsError(() => linalg.vectorNorm(x.to('float64'), { dtype: 'float32' }), DTypeError, /lose digits/);
  throwsError(() => linalg.vectorNorm(x.to('int64')), DTypeError, /not a float/);
  throwsError(() => linalg.matrixNorm(x, 3), ArgumentError, /unknown order/);
  throwsError(() => linalg.matrixNorm(x, 'fro', [0, 0]), ShapeError, /named twice/);
  throwsError(() => linalg.norm(zeros([2, 2, 2]), 2), ShapeError, /order without dimensions/);
  throwsError(() => linalg.norm(x, 2, [0, 1, 2]), ArgumentError, /one or two/);
  throwsError(() => linalg.cond(zeros([2, 3]), 1), ShapeError, /not square/);
});

test.run();

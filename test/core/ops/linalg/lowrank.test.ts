import { test } from 'uvu';
import { ArgumentError, DTypeError, Generator, ShapeError, type Tensor, arange, gradcheck, manualSeed, pcaLowrank, rand, randn, sin, svdLowrank, tensor } from '../../../../index.ts';
import { allClose, equal, is, throwsError } from '../../../assert.ts';

/** Singular values that hardly fall off, so that the random projection shows in the result. */
const wide = (): Tensor => {
  const i = arange(20, { dtype: 'float64' }).unsqueeze(1);
  return sin(i.mul(arange(12, { dtype: 'float64' })).add(i)).t();
};

const rebuilt = (U: Tensor, S: Tensor, V: Tensor): Tensor => U.mul(S.unsqueeze(-2)).matmul(V.mT);

test('PyTorch’s numbers for PyTorch’s seeds', () => {
  manualSeed(3);
  allClose(svdLowrank(wide(), 3, 0).S, [3.3146141872723196, 3.1942948793455783, 2.6732963185103977], { rtol: 1e-10 });
  manualSeed(3);
  allClose(pcaLowrank(wide(), 4, { niter: 1 }).S, [3.3512250793765874, 3.317036793129475, 3.299312744517823, 3.2085853475318116], { rtol: 1e-10 });
  is(rand([1], { dtype: 'float64' }).item(), 0.29793900209652335);
});

test('a matrix of low rank comes back whole', () => {
  const x = randn([2, 9, 3], { dtype: 'float64', generator: new Generator(1) }).matmul(randn([3, 7], { dtype: 'float64', generator: new Generator(2) }));
  for (const y of [x, x.mT]) {
    const { U, S, V } = svdLowrank(y, { q: 4 });
    equal([U.shape, S.shape, V.shape], [[2, y.shape[1], 4], [2, 4], [2, y.shape[2], 4]]);
    allClose(rebuilt(U, S, V), y, { rtol: 1e-9, atol: 1e-10 });
    allClose(S.narrow(-1, 0, 3), y.svd().S.narrow(-1, 0, 3), { rtol: 1e-9 });
  }
  const shift = tensor([[1, 2, 3, 4, 5, 6, 7]], { dtype: 'float64' });
  const [U, S, V] = svdLowrank(x, 4, 2, shift);
  allClose(rebuilt(U, S, V).add(shift), x, { rtol: 1e-8, atol: 1e-9 });
  equal(svdLowrank(randn([5, 3])).S.shape, [3]);
});

test('pcaLowrank takes the mean of the columns away', () => {
  const x = randn([30, 2], { dtype: 'float64' }).matmul(randn([2, 5], { dtype: 'float64' })).add(10);
  const [U, S, V] = pcaLowrank(x, { q: 2 });
  allClose(rebuilt(U, S, V).add(x.mean(0)), x, { rtol: 1e-9 });
  equal(pcaLowrank(x).S.shape, [5]);
  const [, plain] = pcaLowrank(x, 3, false);
  allClose(plain, x.svd().S.narrow(0, 0, 3), { rtol: 1e-8, atol: 1e-8 });
});

test('gradients of singular values', () => {
  const x = randn([4, 3], { dtype: 'float64', generator: new Generator(5) }).requiresGrad_();
  gradcheck((y: Tensor) => svdLowrank(y, 3, { generator: new Generator(6) }).S.sum(), [x]);
});

test('bad arguments are refused', () => {
  throwsError(() => pcaLowrank(randn([4, 3]), 4), ArgumentError, /pcaLowrank: invalid q, got 4 for float32\[4, 3\]; expected an integer from 0 to 3/);
  throwsError(() => svdLowrank(randn([4, 3]), 1, -1), ArgumentError, /svdLowrank: invalid niter, got -1/);
  throwsError(() => svdLowrank(randn([4, 3]), 1, 1, randn([4, 2])), ShapeError, /svdLowrank: M does not fit/);
  throwsError(() => svdLowrank(randn([4])), ShapeError, /not a matrix/);
  throwsError(() => svdLowrank(tensor([[1]], { dtype: 'int64' })), DTypeError, /not a float tensor/);
  throwsError(() => pcaLowrank(randn([4, 3]), 2, { centre: true } as never), ArgumentError, /unknown option, got 'centre'/);
});

test.run();

import { test } from 'uvu';
import { ArgumentError, DTypeError, ShapeError, histogram, histogramdd, ones, rand, tensor, zeros } from '../../../index.ts';
import { allClose, equal, is, throwsError } from '../../assert.ts';

test('edges come with the counts, per dimension', () => {
  const x = tensor([[0, 1], [1, 5], [2, 5], [2, 6]]);
  const { hist, binEdges } = histogramdd(x, [2, 1]);
  equal(hist.array(), [[1], [3]]);
  allClose(binEdges[0], [0, 1, 2]);
  allClose(binEdges[1], [1, 6]);
  const found = histogramdd(x, [tensor([0, 1, 2]), tensor([0, 5, 6])]);
  allClose(found.hist, [[1, 0], [0, 3]]);
  equal([...found], [found.hist, found.binEdges]);
  equal(histogramdd(rand([2, 5, 3]), 3).hist.shape, [3, 3, 3]);
});

test('along one dimension it is histogram', () => {
  const x = rand([50]);
  for (const options of [{}, { density: true }, { weight: rand([50]) }]) {
    const { hist, binEdges } = histogramdd(x.unsqueeze(1), 7, options);
    const one = histogram(x, 7, options);
    allClose(hist, one.hist, { rtol: 1e-5, atol: 1e-6 });
    allClose(binEdges[0], one.binEdges);
  }
});

test('the integral of a density is 1; NaN and what lies outside count nowhere', () => {
  const { hist, binEdges } = histogramdd(rand([200, 2], { dtype: 'float64' }), 4, { density: true });
  const [a, b] = binEdges.map((edges) => edges.narrow(0, 1, 4).sub(edges.narrow(0, 0, 4)));
  allClose(hist.mul(a.unsqueeze(1)).mul(b).sum().item(), 1, { rtol: 1e-12 });
  is(histogramdd(tensor([[NaN, 1], [3, 0], [0.5, 0.5]]), 2, { range: [0, 1, 0, 1] }).hist.sum().item(), 1);
});

test('a single value gets half a bin to either side, nothing gets 0 to 1', () => {
  allClose(histogramdd(tensor([[2], [2]]), 2).binEdges[0], [1.5, 2, 2.5]);
  allClose(histogramdd(zeros([0, 1]), 2).binEdges[0], [0, 0.5, 1]);
  allClose(histogram(tensor([2, 2]), 2).binEdges, [1.5, 2, 2.5]);
  allClose(histogram(zeros([0]), 2).binEdges, [0, 0.5, 1]);
});

test('bad arguments are refused', () => {
  const x = ones([4, 2]);
  throwsError(() => histogramdd(x, [2]), ArgumentError, /histogramdd: bins do not fit/);
  throwsError(() => histogramdd(x, 0), ArgumentError, /invalid number of bins, got 0/);
  throwsError(() => histogramdd(x, 2, { range: [0, 1] }), ArgumentError, /range does not fit, got \[0, 1\]; expected 4 numbers/);
  throwsError(() => histogramdd(x, 2, { range: [1, 0, 0, 1] }), ArgumentError, /histogramdd: not a range, got 1 to 0/);
  throwsError(() => histogramdd(x, [tensor([0, 1]), tensor([0, 1])], { range: [0, 1, 0, 1] }), ArgumentError, /range beside edges/);
  throwsError(() => histogramdd(x, [tensor([0]), tensor([0, 1])]), ShapeError, /not edges/);
  throwsError(() => histogramdd(x, 2, { weight: ones([3]) }), ShapeError, /weights do not fit/);
  throwsError(() => histogramdd(ones([3]), 2), ShapeError, /not points/);
  throwsError(() => histogramdd(tensor([[1]], { dtype: 'int64' }), 2), DTypeError, /not a float tensor/);
});

test.run();

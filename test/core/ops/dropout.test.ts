import { test } from 'uvu';
import { ArgumentError, DTypeError, Generator, ShapeError, alphaDropout, arange, dropout, dropout1d, dropout2d, full, manualSeed, ones, tensor } from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const exact = { rtol: 0, atol: 0 };
const x = arange(1, 13, { dtype: 'float32' }).reshape([2, 3, 2]);

test("whole channels are dropped, with PyTorch's choice", () => {
  const dropped = [1.4285714626312256, 2.857142925262451, 4.285714149475098, 5.714285850524902, 0, 0, 10, 11.428571701049805, 0, 0, 15.714285850524902, 17.14285659790039];
  manualSeed(3);
  allClose(dropout1d(x, 0.3).data(), dropped, exact);
  manualSeed(3);
  allClose(dropout1d(x.select(0, 0), 0.3).data(), dropped.slice(0, 6), exact);
  manualSeed(3);
  allClose(dropout2d(x.unsqueeze(-1), 0.3).data(), dropped, exact);
});

test("alphaDropout has PyTorch's numbers, and keeps mean and variance", () => {
  manualSeed(3);
  const expected = [1.315044641494751, 2.175997257232666, -1.059548258781433, 3.897902488708496, -1.059548258781433, 5.619807720184326];
  allClose(alphaDropout(x, 0.3, { training: true }).data().slice(0, 6), expected, { rtol: 1e-6 });
  ok(alphaDropout(x, 0.3) === x, 'off by default, as in PyTorch');
});

test('nothing happens in evaluation or with p = 0, and nothing is drawn', () => {
  const generator = new Generator(1);
  ok(dropout(x, 0.5, { training: false, generator }) === x);
  ok(dropout(x, 0, { generator }) === x);
  is(dropout(x, 1, { generator }).sum().item(), 0);
  is(generator.random(), new Generator(1).random());
});

test('the gradient is the mask, scaled', () => {
  const leaf = ones([50], { requiresGrad: true });
  const y = dropout(leaf, 0.5, { generator: new Generator(2) });
  y.sum().backward();
  allClose(leaf.grad ?? [], y.data(), exact);
  equal([...new Set(y.data())].sort((a, b) => a - b), [0, 2]);
});

test('in place, the input itself changes', () => {
  const a = full([20], 3);
  const expected = dropout(a, 0.4, { generator: new Generator(5) }).data();
  const y = dropout(a, 0.4, { inplace: true, generator: new Generator(5) });
  ok(y === a);
  allClose(a, expected, exact);
});

test('bad arguments are refused', () => {
  for (const p of [-0.1, 1.1, NaN, '0.5']) throwsError(() => dropout(x, p as number), ArgumentError, /dropout: invalid p, got .*; expected a probability from 0 to 1/);
  throwsError(() => dropout(x, 0.5, { train: true } as never), ArgumentError, /unknown option, got 'train'/);
  throwsError(() => dropout(x, 0.5, { training: 'yes' as never }), ArgumentError, /training is not a boolean/);
  throwsError(() => dropout(tensor([1], { dtype: 'int64' })), DTypeError, /dropout: not a float tensor/);
  throwsError(() => dropout1d(ones([2])), ShapeError, /dropout1d: wrong number of dimensions/);
  throwsError(() => dropout2d(ones([2])), ShapeError, /dropout2d: wrong number of dimensions/);
});

test.run();

import { test } from 'uvu';
import { StateError, type Tensor, cat, grad, slice, tensor, zeros } from '../../../index.ts';
import { allClose, is, throwsError } from '../../assert.ts';

// In-place writes through views, in all orders: values, gradients and second derivatives as PyTorch gives them for
// x = [[1, 2, 3], [4, 5, 6]] and the loss Σ w·y².

const f64 = { dtype: 'float64' } as const;
const weights = [1, -2, 3, 0.5, 2, -1];

function check(name: string, f: (x: Tensor) => Tensor, values: number[], first: number[], second: number[]): void {
  test(name, () => {
    const x = tensor([[1, 2, 3], [4, 5, 6]], { ...f64, requiresGrad: true });
    const w = tensor([weights.slice(0, 3), weights.slice(3)], f64);
    const y = f(x);
    allClose(y, values);
    const loss = y.mul(y).mul(w.reshape([-1]).narrow(0, 0, y.numel()).reshape(y.shape)).sum();
    const [g] = grad(loss, x, { createGraph: true });
    allClose(g, first);
    const [h] = grad(g.mul(w).sum(), x);
    allClose(h, second);
  });
}

check('one view', (x) => {
  const y = x.clone();
  y.select(0, 0).mul_(2);
  return y;
}, [2, 4, 6, 4, 5, 6], [8, -32, 72, 4, 20, -12], [8, 32, 72, 0.5, 8, 2]);

check('two views that overlap', (x) => {
  const y = x.clone();
  const [a, b] = [y.select(0, 0), y.narrow(1, 1, 2)];
  a.mul_(3);
  b.mul_(b);
  return y;
}, [3, 36, 81, 4, 25, 36], [18, -5184, 26244, 4, 1000, -864], [18, 15552, 78732, 0.5, 1200, 432]);

check('the result is a view, written through another one', (x) => {
  const y = x.clone();
  const [a, b] = [y.select(0, 0), y.narrow(1, 1, 2)];
  a.mul_(x.select(0, 1));
  b.select(1, 0).add_(a.select(0, 0));
  return a;
}, [4, 14, 18], [-192, -280, 648, -48, -112, 324], [36, -82, 432, -33, 124, 594]);

check('the base is written after the view was made', (x) => {
  const y = x.clone();
  const v = y.select(0, 1);
  y.mul_(x);
  return v;
}, [16, 25, 36], [0, 0, 0, 256, -1000, 2592], [0, 0, 0, 96, -1200, -1296]);

check('a view of a transpose', (x) => {
  const y = x.clone();
  y.t().select(0, 1).mul_(x.select(1, 0));
  return y.t();
}, [1, 4, 2, 20, 3, 6], [26, 12, 12, 84, 80, -12], [-22, 12, 12, 90.5, 52, 2]);

check('a buffer without gradient takes values that have one', (x) => {
  const buffer = zeros([2, 3], f64);
  const v = buffer.select(0, 1);
  buffer.select(0, 0).copy_(x.select(0, 1).mul(x.select(0, 0)));
  v.add_(x.sum());
  return buffer;
}, [4, 10, 18, 21, 21, 21], [95, -137, 711, 71, -17, 387], [50.5, 50.5, 442.5, 27.5, 138.5, 604.5]);

check('gradients arrive as a part of another tensor', (x) => {
  const y = x.clone();
  y.select(0, 0).mul_(2);
  return cat([x, y]).narrow(0, 1, 2);
}, [4, 5, 6, 2, 4, 6], [4, 32, -24, 8, -20, 36], [4, -32, -24, 1, -8, -6]);

check('a base that is not row-major', (x) => {
  const d = tensor([[1, 2], [3, 4], [5, 6]], f64).t().detach();
  const v = d.select(0, 1);
  d.select(1, 0).mul_(x.select(1, 0));
  v.mul_(x.select(0, 1));
  return d;
}, [1, 3, 5, 32, 20, 36], [2, 0, 0, 512, 320, -432], [2, 0, 0, 192, 128, 72]);

check('a view of a base that is not row-major', (x) => {
  const d = tensor([[1, 2], [3, 4], [5, 6]], f64).t().detach();
  const v = d.select(0, 1);
  d.mul_(x);
  return v;
}, [8, 20, 36], [0, 0, 0, 32, -320, 1296], [0, 0, 0, 4, -128, -216]);

check('views of views, and the base between them', (x) => {
  const y = x.mul(1);
  const v = y.view([3, 2]);
  const w = v.select(0, 1);
  w.mul_(w);
  y.mul_(2);
  w.add_(x.select(0, 0).narrow(0, 0, 2));
  return v;
}, [2, 4, 19, 34, 10, 12], [122, 2, 1368, 544, 80, -48], [230, 38, 4032, 164, 32, 8]);

check('columns named by an index', (x) => {
  const y = x.clone();
  y.indexPut_([slice(), [2, 0]], y.narrow(1, 0, 1).clone().mul(x.narrow(1, 1, 1)));
  return y;
}, [2, 2, 2, 20, 5, 20], [32, 8, 0, -100, -60, 0], [-32, 24, 0, -92.5, -44, 0]);

check('accumulated at index tensors', (x) => {
  const y = x.clone();
  y.indexPut_([[0, 0, 1], [1, 1, 2]], x.select(0, 1).mul(2), { accumulate: true });
  return y;
}, [1, 20, 3, 4, 5, 18], [2, -80, 18, -156, -140, -108], [2, -12, 18, -23.5, -16, 18]);

check('filled where a mask holds', (x) => {
  const y = x.clone();
  y.indexPut_([y.gt(2.5)], 7);
  return y;
}, [1, 2, 7, 7, 7, 7], [2, -8, 0, 0, 0, 0], [2, 8, 0, 0, 0, 0]);

check('a base that is a window of another storage', (x) => {
  const b = zeros([3, 4], f64).narrow(0, 1, 2).narrow(1, 1, 3).detach();
  const v = b.select(0, 0);
  b.select(1, 1).copy_(x.select(1, 0));
  v.mul_(2);
  b.select(0, 1).add_(x.select(0, 0).mul(x.select(0, 1)));
  return b;
}, [0, 2, 0, 4, 14, 18], [0, 280, -216, 60, 112, -108], [4, 2, -144, -13.5, -156, -198]);

check('a part copied onto another part of the same tensor', (x) => {
  const y = x.clone();
  y.indexPut_([0, slice(1)], y.index(1, slice(null, 2)));
  return y;
}, [1, 4, 5, 4, 5, 6], [2, 0, 0, -12, 50, -12], [2, 0, 0, -1.5, 20, 2]);

test('a value that was overwritten is missed, not used', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]], { ...f64, requiresGrad: true });
  const y = x.clone();
  const product = y.narrow(1, 0, 1).mul(x.narrow(1, 1, 1));
  y.indexPut_([slice(), [2, 0]], product);
  throwsError(() => y.sum().backward(), StateError, /overwritten in place/);
});

test('a factor that overlaps its target is read before the write', () => {
  const y = tensor([[1, 2, 3], [4, 5, 6]], f64);
  y.mul_(y.narrow(1, 0, 1));
  allClose(y, [[1, 2, 3], [16, 20, 24]]);
  const z = tensor([1, 2, 3], f64);
  z.narrow(0, 1, 2).add_(z.narrow(0, 0, 2));
  allClose(z, [1, 3, 5]);
});

test('leaves and expanded tensors are not written', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  throwsError(() => x.select(0, 0).mul_(2), StateError, /leaf/);
  throwsError(() => x.indexPut_([[0]], 1), StateError, /leaf/);
  throwsError(() => zeros([1, 2]).expand([3, 2]).add_(1), StateError, /share one cell/);
  allClose(x, [1, 2]);
});

test('a view whose base got history is no leaf', () => {
  const base = zeros([2], f64);
  const v = base.select(0, 1);
  is(v.isLeaf, true);
  base.select(0, 0).copy_(tensor(1, { ...f64, requiresGrad: true }));
  is(v.requiresGrad, true);
  is(v.isLeaf, false);
});

test('comparisons and logic in place on tensors with history are PyTorch\'s', () => {
  const recorded = [
    ['eq_', [1, 0], [0, 0]],
    ['ne_', [0, 1], [0, 0]],
    ['lt_', [0, 0], [0, 0]],
    ['le_', [1, 0], [0, 0]],
    ['gt_', [0, 1], [0, 0]],
    ['ge_', [1, 1], [0, 0]],
    // Logic does not touch the history: the gradient is that of the product before.
    ['logicalAnd_', [1, 1], [6, 6]],
    ['logicalOr_', [1, 1], [6, 6]],
    ['logicalXor_', [0, 0], [6, 6]],
  ] as const;
  for (const [name, values, slope] of recorded) {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(2);
    is(y[name](tensor([2, 3])), y);
    allClose(y, values);
    is(y.requiresGrad, true);
    y.mul(3).sum().backward();
    allClose(x.grad as Tensor, slope);
    // Beside an operand with history: comparisons join it, logic does not.
    is(tensor([0, 1])[name](x.mul(1)).requiresGrad, !name.startsWith('logical'));
    throwsError(() => x[name](1), StateError, /leaf/);
  }
  const x = tensor([1, 0], { requiresGrad: true });
  x.mul(2).logicalNot_().mul(3).sum().backward();
  allClose(x.grad as Tensor, [6, 6]);
});

test.run();

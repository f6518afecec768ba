import { test } from 'uvu';
import { StateError, type Tensor, grad, gradcheck, gradgradcheck, noGrad, zeros } from '../index.ts';
import { allClose, equal, is, ok, throwsError } from './assert.ts';
import { exact, gradOf, leaf, plain } from './doubles.ts';

// In-place writes, through views too. Numbers come from PyTorch 1.13 unless they are plain.

const w = plain([1, -2, 3, 5]);

test('a hook set before an in-place write sees the gradient of the old value', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.mul(2);
  const seen: unknown[] = [];
  y.registerHook((g) => {
    seen.push(g.array());
  });
  y.mul_(3);
  y.mul(w).sum().backward();
  allClose(gradOf(x), [6, -12, 18, 30]);
  equal(seen, [[3, -6, 9, 15]]);
});

test('a value needed for a gradient must not be overwritten', () => {
  const x = leaf([1, 2]);
  const y = x.exp();
  y.add_(1);
  throwsError(() => y.sum().backward(), StateError, /exp: a value needed for its gradient was overwritten[\s\S]*clone/);
  const a = x.mul(1);
  const b = a.mul(a);
  a.zero_();
  throwsError(() => b.sum().backward(), StateError, /mul: .*overwritten/);
  const c = plain([1, 2]);
  const d = x.mul(c);
  c.add_(1);
  throwsError(() => d.sum().backward(), StateError, /overwritten/);
});

test('a value not needed may be overwritten', () => {
  const x = leaf([1, 2]);
  const y = x.add(1);
  y.add_(1);
  const c = plain([1, 2]);
  const z = y.add(c);
  c.zero_();
  z.mul_(3).sum().backward();
  allClose(gradOf(x), [3, 3]);
});

test('a write through a view is noticed too', () => {
  const x = leaf([1, 2]);
  const c = plain([[1, 2], [3, 4]]);
  const y = x.mul(c.select(0, 0));
  c.narrow(0, 1, 1).zero_();
  throwsError(() => y.sum().backward(), StateError, /overwritten/);
});

test('leaves that require grad are not written in place outside noGrad', () => {
  const x = leaf([1, 2]);
  throwsError(() => x.add_(1), StateError, /leaf that requires grad/);
  throwsError(() => x.narrow(0, 0, 1).add_(1), StateError, /view of a leaf/);
  throwsError(() => plain([1, 2]).narrow(0, 0, 1).expand([2]).add_(x), StateError, /share one cell/);
  noGrad(() => x.add_(1));
  noGrad(() => x.narrow(0, 0, 1).mul_(10));
  allClose(x, [20, 3]);
  ok(x.requiresGrad && x.isLeaf);
  x.square().sum().backward();
  allClose(gradOf(x), [40, 6]);
});

test('an in-place write of something recorded makes a plain tensor recorded', () => {
  const x = leaf([1, 2]);
  const y = zeros([2], { dtype: 'float64' });
  y.add_(x);
  ok(y.requiresGrad && !y.isLeaf);
  y.mul_(y);
  y.sum().backward();
  allClose(gradOf(x), [2, 4]);
});

test('views: a write through a window reaches the base', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.clone();
  y.narrow(0, 1, 2).mul_(3);
  allClose(y, [1, 6, 9, 4]);
  y.mul(w).sum().backward();
  allClose(gradOf(x), [1, -6, 9, 5], exact);
});

test('views: rows of a transpose, copies into them, rows of the base', () => {
  const m = leaf([[1, 2, 3], [4, 5, 6]]);
  const z = leaf([0.5, -1]);
  const y = m.mul(2);
  const t = y.t();
  t.select(0, 1).mul_(z);
  t.select(0, 2).copy_(z.mul(z));
  y.select(0, 0).add_(y.select(0, 1).clone().mul(0.1));
  allClose(y, [[2.8, 1, 0.35], [8, -10, 1]], exact);
  y.mul(y).sum().backward();
  allClose(gradOf(m), [[11.2, 2, 0], [33.12, 39.6, 0]], exact);
  allClose(gradOf(z), [8.7, -202.14], exact);
});

test('views: a write to the base reaches a view made before', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.clone();
  const v = y.reshape([2, 2]);
  y.mul_(x);
  v.mul(v).sum().backward();
  allClose(gradOf(x), [4, 32, 108, 256], exact);
});

test('views: of views, overlapping', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.mul(x);
  const a = y.narrow(0, 1, 3);
  const b = a.narrow(0, 1, 2);
  b.mul_(x.narrow(0, 2, 2));
  a.mul_(2);
  allClose(y, [1, 8, 54, 128], exact);
  y.mul(w).sum().backward();
  allClose(gradOf(x), [2, -16, 162, 480], exact);
});

test('views: a write through one is read through another', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.clone();
  const p = y.narrow(0, 0, 3);
  const q = y.narrow(0, 1, 3);
  p.mul_(2);
  q.square().sum().backward();
  allClose(gradOf(x), [0, 16, 24, 8], exact);
});

test('views: operands of one storage that overlap are read before they are written', () => {
  const y = plain([1, 2, 3, 4]);
  y.narrow(0, 0, 3).mul_(y.narrow(0, 1, 3));
  allClose(y, [2, 6, 12, 4]);
  const z = plain([1, 2, 3, 4]);
  z.narrow(0, 1, 3).copy_(z.narrow(0, 0, 3));
  allClose(z, [1, 1, 2, 3]);
});

test('views: filling cuts the gradient there', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.mul(3);
  y.reshape([2, 2]).select(1, 0).fill_(7);
  y.mul(y).sum().backward();
  allClose(gradOf(x), [0, 36, 0, 72], exact);
});

test('views: a base that is not row-major', () => {
  const m = leaf([[1, 2, 3], [4, 5, 6]]);
  const y = m.t().mul(2).t();
  y.select(1, 0).mul_(5);
  y.mul(y).sum().backward();
  allClose(gradOf(m), [[200, 16, 24], [800, 40, 48]], exact);
});

test('views: second derivatives through writes', () => {
  const x = leaf([1, 2, 3, 4]);
  const run = (): Tensor => {
    const y = x.pow(3);
    y.narrow(0, 1, 2).mul_(x.narrow(0, 0, 2));
    return y.mul(w).sum();
  };
  const [g] = grad(run(), x, { createGraph: true });
  allClose(g, [-13, 57, 162, 240], exact);
  g.mul(g).sum().backward();
  allClose(gradOf(x), [-2892, 24132, 44226, 57600], exact);
  x.grad = null;
  gradcheck(run, [x]);
  gradgradcheck(run, [x]);
});

test('views: of a leaf under noGrad stay unrecorded', () => {
  const x = leaf([1, 2]);
  const v = noGrad(() => x.narrow(0, 0, 1));
  is(v.requiresGrad, false);
});

test('saved views of a value written elsewhere are refused, unrelated ones are not', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.clone();
  const z = y.narrow(0, 0, 2).square();
  y.narrow(0, 2, 2).zero_();
  throwsError(() => z.sum().backward(), StateError, /overwritten/);
});

test('detach_ cuts the history, and not of views', () => {
  const x = leaf([1, 2]);
  const y = x.mul(2);
  throwsError(() => y.narrow(0, 0, 1).detach_(), StateError, /view/);
  y.detach_();
  is(y.requiresGrad, false);
});

test.run();

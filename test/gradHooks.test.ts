import { test } from 'uvu';
import { ShapeError, StateError, type Tensor } from '../index.ts';
import { allClose, equal, is, throwsError } from './assert.ts';
import { exact, gradOf, leaf, plain } from './doubles.ts';

const w = plain([1, -2, 3, 5]);

test('hooks see and replace gradients, in order, until removed', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.mul(2);
  y.registerHook((g) => g.mul(10));
  const remove = y.registerHook((g) => g.add(1));
  y.mul(w).sum().backward({ retainGraph: true });
  allClose(gradOf(x), [22, -38, 62, 102], exact);
  x.grad = null;
  remove();
  y.mul(w).sum().backward();
  allClose(gradOf(x), [20, -40, 60, 100], exact);
});

test('hooks on leaves change what is stored', () => {
  const x = leaf([1, 2]);
  const seen: unknown[] = [];
  x.registerHook((g) => {
    seen.push(g.array());
  });
  x.registerHook((g) => g.neg());
  x.mul(3).add(x).sum().backward();
  equal(seen, [[4, 4]]);
  allClose(gradOf(x), [-4, -4]);
});

test('a hook that keeps the gradient does not share it with the leaf', () => {
  const x = leaf([1, 2]);
  const kept: Tensor[] = [];
  x.registerHook((g) => {
    kept.push(g);
  });
  x.mul(3).sum().backward();
  gradOf(x).zero_();
  allClose(kept[0], [3, 3]);
});

test('hooks must keep the shape, and need a tensor with a gradient', () => {
  const x = leaf([1, 2]);
  x.registerHook((g) => g.sum());
  throwsError(() => x.mul(3).sum().backward(), ShapeError, /hook/);
  throwsError(() => plain([1]).registerHook(() => {}), StateError, /does not require grad/);
});

test('retainGrad keeps the gradient of a result', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.mul(2);
  y.retainGrad();
  y.retainGrad();
  const loss = y.square().sum();
  loss.backward({ retainGraph: true });
  allClose(gradOf(y), [4, 8, 12, 16]);
  allClose(gradOf(x), [8, 16, 24, 32]);
  loss.backward();
  allClose(gradOf(y), [8, 16, 24, 32]);
  is(x.mul(2).grad, null);
});

test.run();

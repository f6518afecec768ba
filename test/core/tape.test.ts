import { test } from 'uvu';
import { Node, historyOf } from '../../core/tape.ts';
import { StateError, type Tensor, grad, noGrad, tensor } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

const leaf = (data: number[]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });

test('a result remembers its operation, a leaf the node that sums', () => {
  const x = leaf([1, 2]);
  const y = x.mul(3);
  is(y.node?.name, 'mul');
  is(historyOf(y), y.node);
  const sums = historyOf(x);
  is(sums.leaf, x);
  is(historyOf(x), sums);
  is(y.node?.inputs[0].next, sums);
  is(y.node?.inputs[1].next, null);
  ok((y.node?.id ?? 0) < (y.exp().node?.id ?? 0));
});

test('nodes know shapes and dtypes of inputs and outputs', () => {
  const x = leaf([1, 2]);
  const node = x.reshape([2, 1]).mul(tensor([1, 2, 3], { dtype: 'float64' })).node;
  equal(node?.inputs.map(({ shape, dtype }) => ({ shape, dtype })), [{ shape: [2, 1], dtype: 'float64' }, { shape: [3], dtype: 'float64' }]);
  is(node?.outputs, 1);
  is(node?.needs(0), true);
  is(node?.needs(1), false);
  is(node?.needs(7), false);
});

test('saved values are read through the node, with their version checked', () => {
  const x = leaf([1, 2]);
  const c = tensor([3, 4], { dtype: 'float64' });
  const node = new Node({ name: 'op', backward: () => [] }, [x, c, 5], 1);
  throwsError(() => node.input(0), StateError, /op: input 0 was not saved/);
  throwsError(() => node.output(), StateError, /op: output 0 was not saved/);
  for (const [i, value] of [x, c, 5].entries()) node.saveInput(i, value);
  node.saveOutputs([c]);
  is(node.input(1), c);
  is(node.operand(2), 5);
  throwsError(() => node.input(2), StateError, /input 2 was a number, got 5/);
  c.add_(1);
  throwsError(() => node.input(1), StateError, /overwritten in place, got float64\[2\] at version 1; expected version 0/);
  throwsError(() => node.output(), StateError, /overwritten/);
  is(node.input(0), x);
});

test('a released node says so', () => {
  const x = leaf([1, 2]);
  const node = new Node({ name: 'op', backward: () => [] }, [x], 1);
  node.saveInput(0, x);
  node.checkAlive();
  node.release();
  throwsError(() => node.checkAlive(), StateError, /already freed[\s\S]*retainGraph/);
  throwsError(() => node.input(0), StateError, /already freed/);
});

test('replacing the storage of a saved leaf is noticed', () => {
  const x = leaf([1, 2]);
  const y = x.mul(x);
  x.assign_(tensor([5, 6], { dtype: 'float64' }));
  throwsError(() => y.sum().backward(), StateError, /overwritten/);
});

test('a view takes its history from a base that was rebased', () => {
  const x = leaf([1, 2]);
  const base = noGrad(() => x.mul(1));
  const view = base.narrow(0, 0, 1);
  is(view.requiresGrad, false);
  base.mul_(x);
  ok(view.requiresGrad);
  allClose(grad(view.sum(), x)[0], [1, 0]);
});

test.run();

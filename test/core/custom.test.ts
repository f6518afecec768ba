import { test } from 'uvu';
import { ArgumentError, ShapeError, StateError, type Tensor, customOp, grad, gradcheck, gradgradcheck, noGrad, tensor } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

const leaf = (data: number[]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });

const cube = customOp({
  name: 'cube',
  forward: (x) => x.mul(x).mul(x),
  backward: (g, { inputs: [x] }) => [g.mul(x.square()).mul(3)],
});

test('value, gradient, higher derivatives', () => {
  const x = leaf([-1, 0.5, 2]);
  const y = cube(x);
  allClose(y, [-1, 0.125, 8]);
  y.sum().backward();
  allClose(x.grad ?? [], [3, 0.75, 12]);
  const [first] = grad(cube(x).sum(), x, { createGraph: true });
  const [second] = grad(first.sum(), x, { createGraph: true });
  allClose(second, [-6, 3, 12]);
  allClose(grad(second.sum(), x)[0], [6, 6, 6]);
  ok(gradcheck(cube, [x]) && gradgradcheck(cube, [x]));
});

test('it prints and is called by its name', () => {
  is(cube.name, 'cube');
  ok(/gradFn=cube/.test(String(cube(leaf([1])))));
});

test('nothing is recorded without need', () => {
  is(cube(leaf([1]).detach()).requiresGrad, false);
  is(noGrad(() => cube(leaf([1]))).requiresGrad, false);
});

test('the gradient may read the output, and leave out what is not needed', () => {
  let needs: readonly boolean[] = [];
  const op = customOp({
    name: 'expMul',
    forward: (x, y) => x.exp().mul(y),
    backward: (g, context) => {
      needs = context.needsInputGrad;
      return [g.mul(context.output), null];
    },
  });
  const x = leaf([0.5]);
  op(x, tensor([2], { dtype: 'float64' })).backward();
  equal(needs, [true, false]);
  allClose(x.grad ?? [], [2 * Math.exp(0.5)]);
});

test('a broadcast gradient is summed, a dtype is converted', () => {
  const op = customOp({ name: 'spread', forward: (x, y) => x.add(y), backward: (g) => [g, g] });
  const x = leaf([1]);
  const y = tensor([1, 2, 3], { requiresGrad: true });
  op(x, y).sum().backward();
  allClose(x.grad ?? [], [3]);
  is(y.grad?.dtype, 'float32');
});

test('forward may return its argument, a view or a constant', () => {
  const constant = tensor([5, 5], { dtype: 'float64' });
  const same = customOp({ name: 'same', forward: (x) => x, backward: (g) => [g.mul(2)] });
  const view = customOp({ name: 'view2', forward: (x) => x.reshape([2, 1]), backward: (g) => [g.reshape([2])] });
  const fixed = customOp({ name: 'fixed', forward: (_x) => constant, backward: () => [null] });
  const x = leaf([1, 2]);
  same(x).sum().backward();
  allClose(x.grad ?? [], [2, 2]);
  is(x.node, null);
  ok(gradcheck(view, [x]));
  fixed(x);
  is(constant.requiresGrad, false);
});

test('overwritten values are noticed', () => {
  const x = leaf([1, 2]);
  const h = x.mul(1);
  const y = cube(h);
  h.add_(1);
  throwsError(() => y.sum().backward(), StateError, /cube: .*overwritten/);
});

test('mistakes in the definition are named', () => {
  throwsError(() => Reflect.apply(customOp, undefined, [{ name: 'x', forward: 1, backward: () => [] }]), ArgumentError, /forward is not a function/);
  throwsError(() => Reflect.apply(customOp, undefined, [{ name: '', forward: () => 1, backward: () => [] }]), ArgumentError, /invalid name/);
  throwsError(() => Reflect.apply(customOp, undefined, [{ name: 'x', forward: () => 1, backwards: () => [] }]), ArgumentError, /did you mean 'backward'/);
});

test('mistakes in the call and in the formulas are named', () => {
  const x = leaf([1, 2]);
  throwsError(() => Reflect.apply(cube, undefined, [3]), ArgumentError, /cube: argument 0 is not a tensor, got 3/);
  const writes = customOp({ name: 'writes', forward: (a) => a.add_(1), backward: (g) => [g] });
  throwsError(() => writes(x), StateError, /wrote into argument 0/);
  const few = customOp({ name: 'few', forward: (a, b) => a.add(b), backward: (g) => [g] });
  throwsError(() => few(x, x).sum().backward(), ArgumentError, /one gradient per argument/);
  const shape = customOp({ name: 'shape', forward: (a) => a.add(1), backward: (g) => [g.sum().reshape([1]).expand([3])] });
  throwsError(() => shape(x).sum().backward(), ShapeError, /gradient of argument 0 does not fit, got float64\[3\]; expected \[2\]/);
  const none: unknown = customOp({ name: 'none', forward: (a) => a, backward: (g) => [g] });
  throwsError(() => Reflect.apply(none as (...a: unknown[]) => unknown, undefined, ['a']), ArgumentError, /not a tensor/);
});

test.run();

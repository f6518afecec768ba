import { test } from 'uvu';
import type { Tensor} from '../../../index.ts';
import {
  ArgumentError, Generator, Linear, Sequential, StateError, Tanh, checkpoint, checkpointSequential, defaultGenerator, dropout, equal as same, grad, manualSeed, noGrad, randn, vmap,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const f64 = { dtype: 'float64' } as const;
const w = randn([3, 3], { ...f64, generator: new Generator(1) }).requiresGrad_();
const x = randn([2, 3], { ...f64, generator: new Generator(2) }).requiresGrad_();
const block = (v: Tensor): Tensor => dropout(v.matmul(w).tanh().max(1, { keepdim: true }).values.mul(v).softmax(-1), 0.4);

function twoWays(fn: (run: (f: typeof block, v: Tensor) => Tensor) => Tensor[]): [Tensor[], Tensor[]] {
  manualSeed(5);
  const plain = fn((f, v) => f(v));
  const after = defaultGenerator.getState();
  manualSeed(5);
  const checked = fn((f, v) => checkpoint(f, v));
  equal(defaultGenerator.getState(), after, 'the generator goes on alike');
  return [plain, checked];
}

test('values and gradients are the same to the last bit, dropout included', () => {
  const [a, b] = twoWays((run) => {
    const y = run(block, x);
    return [y, ...grad(y.square().sum(), [x, w])];
  });
  a.forEach((t, i) => ok(same(t, b[i]), `tensor ${i}`));
});

test('second derivatives too', () => {
  const [a, b] = twoWays((run) => {
    const first = grad(run(block, x.mul(2)).pow(3).sum(), [x, w], { createGraph: true });
    return grad(first.map((g) => g.square().sum()), [x, w]);
  });
  a.forEach((t, i) => allClose(t, b[i], { rtol: 1e-12 })); // sums in another order
});

test('backward sums into leaves inside and outside', () => {
  const [v, u] = [x.detach().clone().requiresGrad_(), w.detach().clone().requiresGrad_()];
  checkpoint((t: Tensor) => t.matmul(u).exp(), v).sum().backward();
  const [gv, gu] = grad(v.matmul(u).exp().sum(), [v, u]);
  ok(v.grad !== null && u.grad !== null);
  allClose(v.grad, gv);
  allClose(u.grad, gu);
});

test('nothing is kept between the passes', () => {
  let runs = 0;
  const y = checkpoint((t: Tensor) => {
    runs++;
    return t.exp().mul(t).tanh();
  }, x);
  is(runs, 1);
  y.sum().backward();
  is(runs, 2);
  throwsError(() => y.sum().backward(), StateError, /freed/);
  const z = checkpoint((t: Tensor) => {
    runs++;
    return t.exp();
  }, x);
  grad(z.sum(), x, { retainGraph: true });
  grad(z.sum(), x);
  is(runs, 4);
});

test('several results, nested calls and calls under noGrad', () => {
  const [a, b] = checkpoint((t: Tensor) => [t.exp(), checkpoint((s: Tensor) => s.sin().mul(s), t.mul(2))] as const, x);
  const [g] = grad(a.add(b).sum(), x);
  allClose(g, grad(x.exp().add(x.mul(2).sin().mul(x.mul(2))).sum(), x)[0]);
  ok(!noGrad(() => checkpoint((t: Tensor) => t.exp(), x)).requiresGrad);
});

test('works per example', () => {
  const f = (v: Tensor): Tensor => checkpoint((t: Tensor) => t.matmul(w).tanh().sum(), v);
  allClose(grad(vmap(f)(x).sum(), x)[0], grad(x.matmul(w).tanh().sum(), x)[0], { rtol: 1e-12 });
});

test('segments of a sequence', () => {
  const layers = [new Linear(3, 4), new Tanh(), new Linear(4, 4), new Tanh(), new Linear(4, 1)];
  const model = new Sequential(...layers);
  const input = randn([2, 3]).requiresGrad_();
  const [plain] = grad(model.forward(input).sum(), input);
  for (const segments of [1, 2, 3, 5]) ok(same(grad(checkpointSequential(layers, segments, input).sum(), input)[0], plain));
  throwsError(() => checkpointSequential(layers, 6, input), ArgumentError, /1 to 5/);
});

test('an argument that was written in between, and a function that does something else, are refused', () => {
  const v = x.mul(2);
  const y = checkpoint((t: Tensor) => t.exp().mul(t), v);
  noGrad(() => v.add_(1));
  throwsError(() => y.sum().backward(), StateError, /overwritten/);
  let first = true;
  const odd = checkpoint((t: Tensor) => {
    const was = first;
    first = false;
    return was ? t.exp() : t.sin().exp();
  }, x);
  throwsError(() => odd.sum().backward(), StateError, /something else/);
  throwsError(() => checkpoint(3 as never), ArgumentError, /not a function/);
});

test.run();

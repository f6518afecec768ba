import { test } from 'uvu';
import { collect } from '../../../core/graph.ts';
import type { Storage } from '../../../core/storage.ts';
import { type Input, historyOf } from '../../../core/tape.ts';
import {
  ArgumentError, Dropout, Generator, Linear, Sequential, StateError, Tanh, type Tensor, checkpoint, checkpointSequential, defaultGenerator, dropout, equal as same, grad, isTensor, manualSeed, noGrad, rand, randn, vmap,
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

/** Bytes of all blocks of memory that a graph keeps values in. */
function bytesKept(y: Tensor): number {
  const blocks = new Set<Storage>();
  const keep = (value: unknown): void => {
    if (isTensor(value)) blocks.add(value.storage);
  };
  for (const node of collect([historyOf(y)])) {
    for (const { value } of node.inputs) keep(value);
    keep(Reflect.get(node, 'kept'));
    const again: unknown = Reflect.get(node, 'recomputation');
    if (again !== null) for (const { value } of Reflect.get(again as object, 'inputs') as readonly Input[]) keep(value);
  }
  return [...blocks].reduce((sum, { length }) => sum + 4 * length, 0);
}

test('less memory is kept between the passes, with the same gradients', () => {
  const weights = Array.from({ length: 6 }, (_, i) => randn([64, 64], { generator: new Generator(i) }).mul(0.1).requiresGrad_());
  const input = randn([256, 64], { generator: new Generator(9) });
  const layer = (v: Tensor, u: Tensor): Tensor => v.matmul(u).tanh().mul(v).add(v).sigmoid();
  const measure = (run: (v: Tensor, u: Tensor) => Tensor): { readonly kept: number; readonly gradients: readonly Tensor[] } => {
    const y = weights.reduce((v, u) => run(v, u), input).sum();
    return { kept: bytesKept(y), gradients: grad(y, weights) };
  };
  const [plain, checked] = [measure(layer), measure((v, u) => checkpoint(layer, v, u))];
  plain.gradients.forEach((g, i) => ok(same(g, checked.gradients[i])));
  const [result, weight] = [256 * 64 * 4, 64 * 64 * 4];
  // The input, the results of tanh and sigmoid of each layer, and the weights; of checkpointed layers their inputs.
  is(plain.kept, 13 * result + 6 * weight);
  is(checked.kept, 6 * result + 6 * weight);
});

test('a layer with dropout in training, its parameters, and the generator', () => {
  const model = new Sequential(new Linear(8, 8), new Dropout(0.5), new Tanh(), new Linear(8, 2));
  const input = randn([16, 8], { generator: new Generator(3) });
  const gradients = [(v: Tensor): Tensor => model.forward(v), (v: Tensor): Tensor => checkpoint((t: Tensor) => model.forward(t), v)].map((run) => {
    manualSeed(11);
    const y = run(input);
    const next = rand([3]);
    return [...grad(y.square().sum(), [...model.parameters()]), next, rand([3])];
  });
  gradients[0].forEach((g, i) => ok(same(g, gradients[1][i]), `tensor ${i}`));
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

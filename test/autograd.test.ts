import { test } from 'uvu';
import {
  ArgumentError, DTypeError, ShapeError, StateError, type Tensor, addmm, arange, backward, cat, enableGrad, grad, gradcheck, gradgradcheck,
  isGradEnabled, linear, noGrad, setGradEnabled, stack, tensor, zeros,
} from '../index.ts';
import { allClose, equal, is, ok, throwsError } from './assert.ts';
import { exact, gradOf, leaf, plain } from './doubles.ts';

// Numbers in this file come from PyTorch 1.13 unless they are plain.

test('gradients add up over uses and over passes', () => {
  const x = leaf([1, 2]);
  x.mul(x).add(x).sum().backward();
  allClose(gradOf(x), [3, 5]);
  x.mul(2).sum().backward();
  allClose(gradOf(x), [5, 7]);
});

const noise = (seed: number, ...shape: number[]): Tensor => arange(shape.reduce((a, b) => a * b, 1)).add(seed).mul(12.9898).sin().reshape(shape);

test('a weight used again and again receives the bits of one product', () => {
  for (const [batch, inputs, outputs] of [[6, 7, 11], [32, 16, 24], [2, 3, 1]]) {
    const [weight, bias] = [noise(1, outputs, inputs), noise(2, outputs)];
    const [xs, gs] = [0, 1, 2].map((i) => [noise(3 + i, batch, inputs), noise(7 + i, batch, outputs)]).reduce<Tensor[][]>((all, pair) => all.map((list, i) => [...list, pair[i]]), [[], []]);
    weight.requiresGrad = true;
    bias.requiresGrad = true;
    const seen: Tensor[] = [];
    weight.registerHook((g) => void seen.push(g));
    const outs = xs.map((x) => linear(x, weight, bias));
    stack(outs).mul(stack(gs)).sum().backward();
    const many = gradOf(weight).clone();
    equal([seen.length, seen[0].array()], [1, many.array()]);
    weight.grad = null;
    // The last use comes first.
    const [x, g] = [cat(xs.toReversed(), 0), cat(gs.toReversed(), 0)];
    linear(x, weight, bias).mul(g).sum().backward();
    if (outputs > 4) equal(many.array(), gradOf(weight).array());
    else allClose(many, gradOf(weight), { atol: 1e-6 });
    weight.grad = null;
    // Recorded passes add up result by result.
    const [recorded] = grad(stack(xs.map((v) => linear(v, weight, bias))).mul(stack(gs)).sum(), weight, { createGraph: true });
    allClose(recorded, many, { atol: 1e-5 });
  }
});

test('products with one operand add their gradients in place only where nobody else looks', () => {
  const x = noise(1, 6, 5);
  x.requiresGrad = true;
  const y = x.mul(1);
  const seen: number[][][] = [];
  const [p, q, r] = [2, 3, 4].map((seed) => noise(seed, 5, 7));
  const [a, b, c] = [p, q, r].map((v) => y.matmul(v));
  y.registerHook((g) => void seen.push(g.array() as number[][]));
  y.retainGrad();
  const [s, t] = [a.add(b).add(c).sum(), addmm(zeros([6, 7]), y, p, { alpha: 2 }).sum()];
  const expected = [p, q, r, p, p].reduce((total, v) => total.add(v.sum(1)), zeros([5])).expand([6, 5]);
  s.add(t).backward({ retainGraph: true });
  allClose(gradOf(x), expected, { atol: 1e-5 });
  allClose(gradOf(y), expected, { atol: 1e-5 });
  allClose(seen[0], expected, { atol: 1e-5 });
  const first = gradOf(x).clone();
  const [asked] = grad(s.add(t), y, { retainGraph: true });
  equal(asked.array(), first.array());
  s.add(t).backward();
  equal(asked.array(), first.array());
  allClose(gradOf(x), first.mul(2), { atol: 1e-5 });
  equal(seen, [first.array(), first.array(), first.array()]);
});

test('double backward through products of shared operands', () => {
  const w2 = tensor([[0.3, -0.2, 0.5], [0.7, 0.1, -0.4], [0.2, 0.6, -0.1]], { dtype: 'float64', requiresGrad: true });
  ok(gradcheck((v) => v.matmul(v).matmul(v), [w2]));
  ok(gradgradcheck((v) => linear(v.matmul(v), v).add(v.t().matmul(v)), [w2]));
});

test('a shared part of the graph is visited once, with its whole gradient', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x.sum().mul(x.mean()).add(x.div(x.sum()).pow(2).sum());
  y.backward();
  allClose([y.item()], [25.3], exact);
  allClose(gradOf(x), [4.96, 4.98, 5, 5.02], exact);
});

test('second and third derivatives', () => {
  const a = leaf(0.7);
  const b = leaf(-1.2);
  const f = a.mul(b).sin().mul(a.exp());
  const [ga, gb] = grad(f, [a, b], { createGraph: true });
  allClose([f.item(), ga.item(), gb.item()], [-1.499527098940581, -3.1124531861491764, 0.9408735508716806], exact);
  const [gaa, gab] = grad(ga, [a, b], { createGraph: true });
  const [gba, gbb] = grad(gb, [a, b], { retainGraph: true });
  allClose([gaa.item(), gab.item(), gba.item(), gbb.item()], [-2.5660602508833357, 1.0253758604354224, 1.0253758604354224, 0.7347682784808844], exact);
  allClose([grad(gaa, b)[0].item()], [-3.8438447807134493], exact);
});

test('createGraph records the gradient, its absence does not', () => {
  const x = leaf([1, 2]);
  is(grad(x.square().sum(), x)[0].requiresGrad, false);
  const [g] = grad(x.square().sum(), x, { createGraph: true });
  ok(g.requiresGrad);
  g.sum().backward();
  allClose(gradOf(x), [2, 2]);
});

test('backward with createGraph leaves a differentiable grad', () => {
  const x = leaf([1, 2]);
  x.pow(3).sum().backward({ createGraph: true });
  const first = gradOf(x);
  ok(first.requiresGrad);
  x.grad = null;
  first.sum().backward();
  allClose(gradOf(x), [6, 12]);
});

test('backward needs one element or a gradient that fits', () => {
  const x = leaf([1, 2]);
  throwsError(() => x.mul(2).backward(), ShapeError, /more than one element[\s\S]*gradient/);
  throwsError(() => x.mul(2).backward({ gradient: plain([1]) }), ShapeError, /does not fit/);
  x.mul(2).backward({ gradient: plain([1, 10]) });
  allClose(gradOf(x), [2, 20]);
});

test('gradients of outputs stand by place, too, and tensors in lists', () => {
  const x = leaf([1, 2]);
  const [y, z] = [x.mul(2), x.square()];
  y.backward(plain([1, 10]), { retainGraph: true });
  y.backward(plain([1, 10]), { inputs: x, retainGraph: true });
  allClose(gradOf(x), [4, 40]);
  x.grad = null;
  backward([y, z], [plain([1, 10]), plain([1, 1])], { retainGraph: true });
  allClose(gradOf(x), [4, 24]);
  x.grad = null;
  backward([y.sum(), z.sum()], null, { retainGraph: true });
  backward([y.sum(), z], { gradTensors: [null, plain([0, 1])], retainGraph: true });
  allClose(gradOf(x), [6, 12]);
  allClose(grad(y, x, plain([1, 10]), { retainGraph: true })[0], [2, 20]);
  allClose(grad([y, z.sum()], x, [plain([1, 10]), null], { retainGraph: true })[0], [4, 24]);
  const wrong: readonly (() => unknown)[] = [
    () => backward([y, z], [plain([1, 1])]),
    () => grad(y, x, [plain([1, 1]), plain([1, 1])]),
    () => y.backward(plain([1, 1]), Object({ gradient: plain([1, 1]) })),
    () => grad(y, x, plain([1, 1]), Object({ gradOutputs: plain([1, 1]) })),
    () => void Reflect.apply(grad, undefined, [y, x, { retainGraph: true }, { createGraph: true }]),
    () => y.backward(plain([1, 1]), { inputs: [] }),
    () => void Reflect.apply(y.backward, y, [3]),
    () => void Reflect.apply(backward, undefined, [[3]]),
  ];
  for (const call of wrong) throwsError(call, ArgumentError, /^(backward|grad): .*(fit|twice|empty|not an object|not a tensor)/);
  throwsError(() => y.backward(plain([1])), ShapeError, /does not fit/);
  backward([]);
});

test('backward needs a history', () => {
  throwsError(() => plain([1]).backward(), StateError, /no history/);
  throwsError(() => leaf([1]).detach().backward(), StateError, /no history/);
  throwsError(() => grad(plain([1]), leaf([1])), StateError, /no history/);
});

test('unknown options are errors', () => {
  const x = leaf([1]);
  throwsError(() => Reflect.apply(backward, undefined, [x, { retain_graph: true }]), ArgumentError, /did you mean 'retainGraph'/);
  throwsError(() => Reflect.apply(grad, undefined, [x, x, { creategraph: true }]), ArgumentError, /did you mean 'createGraph'/);
});

test('a second pass needs retainGraph', () => {
  const x = leaf([1, 2]);
  const y = x.square().sum();
  y.backward();
  throwsError(() => y.backward(), StateError, /already freed[\s\S]*retainGraph/);
  const z = x.square().sum();
  z.backward({ retainGraph: true });
  z.backward();
  allClose(gradOf(x), [6, 12]);
});

test('a failed pass leaves no gradients behind', () => {
  const x = leaf([1, 2]);
  const h = x.mul(2);
  const y = h.exp();
  const z = y.sum();
  h.registerHook(() => {
    throw new Error('stop');
  });
  throwsError(() => z.backward({ retainGraph: true }), Error, /stop/);
  is(x.grad, null);
  is(isGradEnabled(), true);
  allClose(grad(y, y, { gradOutputs: plain([1, 1]), retainGraph: true })[0], [1, 1]);
});

test('grad: gradOutputs, several outputs, intermediate inputs', () => {
  const x = leaf([1, 2]);
  const h = x.mul(3);
  const y = h.square();
  const [gh, gx] = grad([y, h], [h, x], { gradOutputs: [plain([1, 1]), plain([10, 100])] });
  allClose(gh, [16, 112]);
  allClose(gx, [48, 336]);
  is(x.grad, null);
});

test('grad: unused inputs are an error, or null', () => {
  const [x, unused] = [leaf([1]), leaf([2])];
  throwsError(() => grad(x.mul(2), [x, unused]), StateError, /input 1 is not used[\s\S]*allowUnused/);
  const [gx, gu] = grad(x.mul(2), [x, unused], { allowUnused: true });
  allClose(gx ?? [], [2]);
  is(gu, null);
  const [, zero] = grad(x.mul(2), [x, unused], { materializeGrads: true });
  equal([zero.array(), zero.dtype], [[0], 'float64']);
  throwsError(() => grad(x.mul(2), unused, { materializeGrads: true, allowUnused: false }), ArgumentError, /contradict/);
  throwsError(() => grad(x.mul(2), plain([1])), StateError, /does not require grad/);
});

test('grad: an output that is an input', () => {
  const x = leaf(3);
  allClose(grad(x, x)[0], [1]);
  const y = x.mul(2);
  allClose(grad(y, [y, x])[0], [1]);
});

test('backward with inputs fills only those', () => {
  const [x, y] = [leaf([2]), leaf([5])];
  x.mul(y).backward({ inputs: [x] });
  allClose(gradOf(x), [5]);
  is(y.grad, null);
});

test('gradients of two leaves share no memory', () => {
  const [a, b] = [leaf([1, 2]), leaf([3, 4])];
  a.add(b).sum().backward();
  ok(gradOf(a).storage !== gradOf(b).storage);
  noGrad(() => gradOf(a).mul_(100));
  allClose(gradOf(b), [1, 1]);
});

test('a gradient shares no memory with the given one, and is dense', () => {
  const a = leaf([[1, 2], [3, 4]]);
  const given = plain([[1, 2], [3, 4]]);
  a.add(0).backward({ gradient: given });
  given.fill_(7);
  allClose(gradOf(a), [[1, 2], [3, 4]]);
  a.grad = null;
  a.sum().backward();
  ok(gradOf(a).isContiguous());
  gradOf(a).select(0, 0).add_(1);
  allClose(gradOf(a), [[2, 2], [1, 1]]);
  a.grad = null;
  a.t().mul(plain([[1, 2], [3, 4]])).sum().backward();
  allClose(gradOf(a), [[1, 3], [2, 4]]);
  gradOf(a).add_(1);
  allClose(gradOf(a), [[2, 4], [3, 5]]);
});

test('a gradient kept by one leaf is not changed through another', () => {
  const a = leaf([1, 2]);
  const b = leaf([3, 4]);
  const c = leaf([5, 6]);
  a.add(b.add(c)).sum().backward();
  gradOf(a).fill_(0);
  gradOf(b).fill_(5);
  allClose(gradOf(c), [1, 1]);
  a.sub(b).sum().backward();
  allClose(gradOf(a), [1, 1]);
  allClose(gradOf(b), [4, 4]);
});

test('gradients have the dtype and the shape of their tensor', () => {
  const x = tensor([[1], [2]], { requiresGrad: true });
  const y = leaf([1, 2, 3]);
  x.mul(y).sum().backward();
  is(gradOf(x).dtype, 'float32');
  equal([...gradOf(x).shape], [2, 1]);
  is(gradOf(y).dtype, 'float64');
  allClose(gradOf(x), [[6], [6]]);
});

test('noGrad records nothing and refuses asynchronous functions', () => {
  const x = leaf([1, 2]);
  is(noGrad(() => x.mul(2)).requiresGrad, false);
  is(noGrad(() => enableGrad(() => x.mul(2))).requiresGrad, true);
  throwsError(() => noGrad(async () => x.mul(2)), StateError, /asynchronous[\s\S]*await/);
  throwsError(() => enableGrad(() => Promise.resolve(1)), StateError, /asynchronous/);
  is(isGradEnabled(), true);
  throwsError(
    () =>
      noGrad(() => {
        throw new Error('inside');
      }),
    Error,
    /inside/,
  );
  is(isGradEnabled(), true);
  is(setGradEnabled(false), true);
  is(setGradEnabled(true), false);
});

test('leaves: requiresGrad, detach, integers', () => {
  const x = leaf([1]);
  ok(x.isLeaf && plain([1]).isLeaf && !x.mul(2).isLeaf && x.detach().isLeaf);
  is(x.mul(2).detach().requiresGrad, false);
  throwsError(() => tensor([1], { dtype: 'int64', requiresGrad: true }), DTypeError, /only floats/);
  throwsError(() => (tensor([1], { dtype: 'int64' }).requiresGrad = true), DTypeError, /only floats/);
  throwsError(() => (x.mul(2).requiresGrad = false), StateError, /detach/);
  is(x.gt(0).requiresGrad, false);
  is(x.to('int64').requiresGrad, false);
  allClose(grad(x.to('float32').to('float64').mul(3), x)[0], [3]);
});

test('10,000 operations deep', () => {
  const x = leaf([1, 2]);
  let y = x;
  for (let i = 0; i < 10_000; i++) y = y.add(1);
  y.sum().backward();
  allClose(gradOf(x), [1, 1]);
  const base = x.clone();
  for (let i = 0; i < 2_000; i++) base.add_(x);
  x.grad = null;
  base.sum().backward();
  allClose(gradOf(x), [2001, 2001]);
});

test('a graph of many paths costs one visit per operation', () => {
  const x = leaf(1);
  let y = x;
  for (let i = 0; i < 60; i++) y = y.add(y);
  y.backward();
  allClose(gradOf(x), [2 ** 60]);
});

test('an empty tensor has an empty gradient', () => {
  const x = zeros([0, 3], { dtype: 'float64', requiresGrad: true });
  x.mul(2).sum().backward();
  equal([...gradOf(x).shape], [0, 3]);
});

test('several outputs: only some are used', () => {
  const x = leaf([3, 1, 2]);
  const { values, indices } = x.sort();
  is(indices.requiresGrad, false);
  values.select(0, 0).backward();
  allClose(gradOf(x), [0, 1, 0]);
});

test('NaN and infinity pass through', () => {
  const x = leaf([NaN, 1, 0]);
  x.log().sum().backward();
  allClose(gradOf(x), [NaN, 1, Infinity]);
});

test.run();

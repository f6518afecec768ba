import { test } from 'uvu';
import { allOps } from '../../../core/ops/define.ts';
import {
  ArgumentError, F, Linear, ShapeError, StateError, type Tensor, allclose, arange, backward, bernoulli, customOp, dropout, grad, isTensor, manualSeed, multinomial, noGrad, normal, ones, rand, randLike, randint, randn,
  randnLike, randperm, stack, tensor, vmap, zeros, binomial, poisson, randintLike,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const f64 = { dtype: 'float64' } as const;
const rows = (x: Tensor): Tensor[] => x.unbind(0);

test('runs a function of one example on many', () => {
  const [x, w] = [randn([4, 3]), randn([3, 2])];
  allClose(vmap((row: Tensor) => row.matmul(w).sum())(x), stack(rows(x).map((row) => row.matmul(w).sum())), { rtol: 1e-6 });
});

test('shapes inside are those of one example', () => {
  vmap((x: Tensor) => {
    equal([...x.shape], [3]);
    is(x.ndim, 1);
    is(x.numel(), 3);
    return x;
  })(zeros([5, 3]));
});

test('inDims and outDims say where the examples are', () => {
  const x = arange(24).reshape([2, 3, 4]);
  const y = vmap((a: Tensor) => a.add(0), { inDims: 1, outDims: -1 })(x);
  equal([...y.shape], [2, 4, 3]);
  allClose(y, x.permute([0, 2, 1]));
  const [a, b] = vmap((p: Tensor, q: Tensor) => [p.mul(q), p.sum()], { inDims: [0, null], outDims: [1, 0] })(arange(6).reshape([3, 2]), tensor([1, 10]));
  equal(a.array(), [[0, 2, 4], [10, 30, 50]]);
  equal(b.array(), [1, 5, 9]);
  const tree = vmap(({ p, q }: { p: Tensor; q: Tensor }) => ({ sum: p.add(q) }), { inDims: [{ p: 0, q: null }] })({ p: arange(3), q: tensor(1) });
  equal(tree.sum.array(), [1, 2, 3]);
});

test('arguments without tensors are passed on', () => {
  equal(vmap((x: Tensor, k: number) => x.mul(k))(arange(3), 2).array(), [0, 2, 4]);
});

test('a result that does not depend on the examples is repeated', () => {
  equal(vmap((_: Tensor) => tensor([1, 2]))(zeros([3])).array(), [[1, 2], [1, 2], [1, 2]]);
});

test('nests, and sees tensors of outer levels', () => {
  const [x, y] = [arange(3), arange(4)];
  equal(vmap((a: Tensor) => vmap((b: Tensor) => a.mul(10).add(b))(y))(x).array(), x.unsqueeze(1).mul(10).add(y).array());
  const z = randn([2, 3, 4]);
  allClose(vmap(vmap((v: Tensor) => v.softmax(0)))(z), z.softmax(-1), { rtol: 1e-6 });
});

test('chunks give the same', () => {
  const x = randn([7, 3]);
  for (const chunkSize of [1, 2, 3, 7, 10]) allClose(vmap((v: Tensor) => v.cumsum(0), { chunkSize })(x), x.cumsum(1));
});

test('no examples', () => {
  equal([...vmap((x: Tensor) => x.exp().sum())(zeros([0, 3])).shape], [0]);
});

test('in-place writes, views and views of views', () => {
  const x = arange(12).reshape([2, 2, 3]);
  const f = (a: Tensor): Tensor => {
    const b = a.clone();
    b.t().select(0, 1).add_(10);
    b.transpose(0, 1).narrow(0, 1, 2).mul_(2);
    b.select(0, 0).zero_();
    return b.t();
  };
  equal(vmap(f)(x).array(), stack(rows(x).map(f)).array());
});

test('an in-place write of what differs into what does not is refused', () => {
  const total = zeros([3]);
  throwsError(() => vmap((x: Tensor) => total.add_(x))(ones([2, 3])), Error, /same for all examples/);
  equal(total.array(), [0, 0, 0]);
});

test('values cannot be read inside', () => {
  for (const read of [(x: Tensor): unknown => x.item(), (x: Tensor): unknown => x.data(), (x: Tensor): unknown => x.array()]) {
    throwsError(
      () =>
        vmap((x: Tensor) => {
          read(x);
          return x;
        })(zeros([2])),
      StateError,
      /vmap: values cannot be read/,
    );
  }
});

test('tensors inside print with all examples', () => {
  let text = '';
  vmap((x: Tensor) => {
    text = String(x);
    return x;
  })(tensor([1, 2]));
  is(text, 'vmap(tensor([1., 2.]), examples=2)');
});

test('gradients flow through, also of second order', () => {
  const x = randn([3, 2], f64).requiresGrad_();
  const w = randn([2, 2], f64).requiresGrad_();
  const f = (row: Tensor): Tensor => row.matmul(w).tanh().square().sum();
  const [a, b] = [vmap(f)(x).sum(), stack(rows(x).map(f)).sum()];
  const [ga, gb] = [a, b].map((y) => grad(y, [x, w], { createGraph: true }));
  ga.forEach((g, i) => allClose(g, gb[i], { rtol: 1e-12 }));
  const [ha, hb] = [ga, gb].map((gs) => grad(gs.map((g) => g.square().sum()), [x, w]));
  ha.forEach((h, i) => allClose(h, hb[i], { rtol: 1e-12 }));
});

test('noGrad and detach inside cut gradients outside', () => {
  const x = randn([3], f64).requiresGrad_();
  const cut = vmap((a: Tensor) => a.mul(a.detach()))(x).sum();
  allClose(grad(cut, x)[0], x, { rtol: 1e-12 });
  ok(!vmap((a: Tensor) => noGrad(() => a.mul(2)))(x).requiresGrad);
});

test('gradients per example by backward inside', () => {
  const x = randn([3, 2], f64);
  const w = randn([2], f64);
  const each = vmap((row: Tensor) => {
    const v = w.clone().requiresGrad_();
    backward(row.mul(v).square().sum());
    ok(isTensor(v.grad));
    return v.grad;
  })(x);
  allClose(each, x.square().mul(w).mul(2), { rtol: 1e-12 });
});

test("random numbers need a decision: 'error', 'same' or 'different'", () => {
  const x = zeros([3, 8]);
  const draws = [(v: Tensor): Tensor => v.add(rand([8])), (v: Tensor): Tensor => v.clone().normal_(), (v: Tensor): Tensor => dropout(v.add(1)), (v: Tensor): Tensor => v.add(randperm(8))];
  for (const draw of draws) {
    throwsError(() => vmap(draw)(x), StateError, /randomness/);
    const same = vmap(draw, { randomness: 'same' })(x);
    allClose(same.select(0, 0), same.select(0, 2));
    const different = vmap(draw, { randomness: 'different' })(x);
    ok(!allclose(different.select(0, 0), different.select(0, 1)) || !allclose(different.select(0, 0), different.select(0, 2)));
  }
  manualSeed(3);
  const nested = vmap((a: Tensor) => vmap((b: Tensor) => b.add(normal(0, 1, [])), { randomness: 'different' })(a), { randomness: 'different' })(zeros([4, 4]));
  is(new Set(nested.data()).size, 16);
  is(new Set(vmap((a: Tensor) => vmap((b: Tensor) => b.add(normal(0, 1, [])), { randomness: 'same' })(a), { randomness: 'different' })(zeros([4, 4])).data()).size, 4);
  vmap((v: Tensor) => dropout(v, 0.5, { training: false }))(x);
});

test('every sampler refuses, draws once for all examples, or for each', () => {
  const x = tensor([0.2, 0.5, 0.7, 0.4, 0.6, 0.3, 0.5, 0.8]).expand([3, 8]).clone();
  const samplers: Readonly<Record<string, (v: Tensor) => Tensor>> = {
    rand: (v) => v.add(rand([8])),
    randn: (v) => v.add(randn([8])),
    randint: (v) => v.add(randint(0, 1000, [8])),
    randperm: (v) => v.add(randperm(8)),
    randLike: (v) => randLike(v),
    randnLike: (v) => randnLike(v),
    normal: (v) => normal(v, 1),
    bernoulli: (v) => bernoulli(v),
    randintLike: (v) => v.add(randintLike(v, 1000)),
    poisson: (v) => poisson(v.mul(100)),
    binomial: (v) => binomial(zeros([8]).add(50), v),
    multinomial: (v) => multinomial(v, 5, { replacement: true }),
    gumbelSoftmax: (v) => F.gumbelSoftmax(v),
    dropout: (v) => dropout(v, 0.5),
    uniform_: (v) => v.clone().uniform_(),
    normal_: (v) => v.clone().normal_(),
    bernoulli_: (v) => v.clone().bernoulli_(0.5),
    random_: (v) => v.clone().random_(0, 1000),
    exponential_: (v) => v.clone().exponential_(),
  };
  for (const [name, op] of allOps()) if (op.family === 'random') ok(Object.hasOwn(samplers, name), name);
  for (const [name, draw] of Object.entries(samplers)) {
    throwsError(() => vmap(draw)(x), StateError, /random/);
    manualSeed(1);
    const same = vmap(draw, { randomness: 'same' })(x);
    for (const i of [1, 2]) equal(same.select(0, i).array(), same.select(0, 0).array(), name);
    const different = vmap(draw, { randomness: 'different' })(x);
    ok([1, 2].some((i) => !allclose(different.select(0, i), different.select(0, 0))), name);
    const { shape } = different;
    equal([shape[0], ...draw(x.select(0, 0)).shape], [...shape], name);
  }
});

test('draws that read probabilities: alike for one example as alone, of weights that are the same for all, and nested', () => {
  const p = rand([3, 20]);
  manualSeed(8);
  const alone = stack(rows(p).map((row) => bernoulli(row)));
  manualSeed(8);
  equal(vmap((row: Tensor) => bernoulli(row), { randomness: 'different' })(p).array(), alone.array());
  const shared = ones([1000]);
  const picks = vmap((v: Tensor) => multinomial(shared, 4).add(v.mul(0)), { randomness: 'different' })(zeros([3]));
  const kinds = (all: Tensor): number => new Set(rows(all.reshape([-1, 4])).map(String)).size;
  is(kinds(picks), 3);
  const draw = (inner: 'same' | 'different'): Tensor =>
    vmap((weights: Tensor) => vmap((v: Tensor) => multinomial(weights, 4).add(v.mul(0)), { randomness: inner })(zeros([3])), { randomness: 'different' })(ones([2, 1000]));
  is(kinds(draw('different')), 6);
  is(kinds(draw('same')), 2);
});

test('a custom operation runs once per example, with its gradient', () => {
  const cube = customOp<[Tensor]>({ name: 'cube', forward: (x) => x.pow(3), backward: (g, { inputs: [x] }) => [g.mul(x.square()).mul(3)] });
  const x = randn([3, 2], f64).requiresGrad_();
  const y = vmap((v: Tensor) => cube(v).sum())(x);
  allClose(y, x.pow(3).sum(1), { rtol: 1e-12 });
  allClose(grad(y.sum(), x)[0], x.square().mul(3), { rtol: 1e-12 });
});

test('modules run as they are', () => {
  const layer = new Linear(3, 2);
  const x = randn([5, 3]);
  allClose(vmap((row: Tensor) => layer.forward(row))(x), layer.forward(x), { rtol: 1e-5, atol: 1e-6 });
});

test('a scalar per example keeps the rules of scalars', () => {
  const y = vmap((s: Tensor) => ones([2]).mul(s))(tensor([0.1, 2], f64));
  is(y.dtype, 'float32');
  is(vmap((s: Tensor) => tensor([1, 2], { dtype: 'int32' }).mul(s))(tensor([3, 4], { dtype: 'int64' })).dtype, 'int32');
  equal(vmap((s: Tensor) => tensor([0.1]).eq(s))(tensor([0.1, 0.2], f64)).array(), [[true], [false]]);
});

test('refusals', () => {
  const f = (x: Tensor, y: Tensor): Tensor => x.add(y);
  throwsError(() => vmap(f)(zeros([2]), zeros([3])), ShapeError, /number of examples, got 2, 3/);
  throwsError(() => vmap(f, { inDims: null })(zeros([2]), zeros([2])), ArgumentError, /no argument has examples/);
  throwsError(() => vmap(f, { inDims: [0] })(zeros([2]), zeros([2])), ArgumentError, /dimensions do not fit/);
  throwsError(() => vmap(f, { inDims: 2 })(zeros([2]), zeros([2])), ShapeError, /dimension/);
  throwsError(() => vmap(f, { randomness: 'some' as 'same' }), ArgumentError, /randomness/);
  throwsError(() => vmap(f, { chunkSize: 0 }), ArgumentError, /chunkSize/);
  throwsError(() => vmap(3 as never), ArgumentError, /not a function/);
  throwsError(() => vmap((_: Tensor) => 3 as never)(zeros([2])), ArgumentError, /not a tensor/);
  throwsError(() => vmap((x: Tensor) => x.nonzero())(tensor([[0, 1], [1, 1]])), StateError, /vmap/);
});

test.run();

import { test } from 'uvu';
import { ArgumentError, F, Linear, ReLU, Sequential, ShapeError, type StateDict, StateError, type Tensor, func, gradcheck, randn, stack, tensor, vmap } from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const f64 = { dtype: 'float64' } as const;
const x = tensor([0.5, -1, 2], f64);

test('grad of grad of grad', () => {
  const third = func.grad(func.grad(func.grad((v: Tensor) => v.pow(4))));
  allClose(third(tensor(2, f64)), tensor(48, f64));
});

test('grad differentiates by the arguments that argnums names, in their form', () => {
  const f = (p: Tensor, q: Tensor): Tensor => p.mul(q.square()).sum();
  allClose(func.grad(f)(x, x), x.square());
  allClose(func.grad(f, { argnums: 1 })(x, x), x.square().mul(2));
  allClose(func.grad(f, { argnums: -1 })(x, x), x.square().mul(2));
  const [a, b] = func.grad(f, { argnums: [0, 1] })(x, x);
  allClose(a.add(b), x.square().mul(3));
  const tree = func.grad(({ p, q }: { p: Tensor; q: [Tensor] }) => p.mul(q[0]).sum())({ p: x, q: [x.mul(2)] });
  allClose(tree.p, x.mul(2));
  allClose(tree.q[0], x);
});

test('auxiliary results and values', () => {
  const f = (p: Tensor): [Tensor, Tensor] => [p.square().sum(), p.mul(7)];
  const [g, aux] = func.grad(f, { hasAux: true })(x);
  allClose(g, x.mul(2));
  allClose(aux as Tensor, x.mul(7));
  const [g2, value] = func.gradAndValue((p: Tensor) => p.square().sum())(x);
  allClose(g2, x.mul(2));
  allClose(value, x.square().sum());
});

test('only what depends on something outside has a history', () => {
  const w = randn([3], f64).requiresGrad_();
  ok(!func.grad((p: Tensor) => p.square().sum())(x).requiresGrad);
  const through = (): Tensor => func.grad((p: Tensor) => p.mul(w).tanh().sum())(x);
  ok(through().requiresGrad);
  gradcheck(through, [w]);
  const leaf = x.clone().requiresGrad_();
  gradcheck(() => func.grad((p: Tensor) => p.exp().sum())(leaf), [leaf]);
  is(leaf.grad, null);
});

test('jacrev, jacfwd and hessian agree', () => {
  const f = (v: Tensor): Tensor => stack([v.prod(), v.square().sum()]);
  const J = tensor([[-2, 1, -0.5], [1, -2, 4]], f64);
  allClose(func.jacrev(f)(x), J, { rtol: 1e-12 });
  allClose(func.jacrev(f, { chunkSize: 1 })(x), J, { rtol: 1e-12 });
  allClose(func.jacfwd(f)(x), J, { rtol: 1e-12 });
  const H = func.hessian(f)(x);
  equal([...H.shape], [2, 3, 3]);
  allClose(H.select(0, 0), tensor([[0, 2, -1], [2, 0, 0.5], [-1, 0.5, 0]], f64), { rtol: 1e-12, atol: 1e-14 });
  allClose(func.jacrev(func.jacrev(f))(x), H, { rtol: 1e-12, atol: 1e-14 });
  allClose(func.jacfwd(func.jacfwd(f))(x), H, { rtol: 1e-12, atol: 1e-14 });
});

test('linearize gives the derivative in many directions', () => {
  let calls = 0;
  const f = (a: Tensor, { b }: { readonly b: Tensor }): readonly Tensor[] => {
    calls++;
    return [a.mul(b), b.sin()];
  };
  const [a, b] = [tensor([1, 2], f64), tensor([3, 4], f64)];
  const [output, derivative] = func.linearize(f, a, { b });
  allClose(output[0], [3, 8]);
  for (const [da, db] of [[[1, 0], [0, 0]], [[0.5, 2], [1, -1]]].map((pair) => pair.map((v) => tensor(v, f64)))) {
    const [value, direction] = func.jvp(f, [a, { b }], [da, { b: db }]);
    const pushed = derivative(da, { b: db });
    value.forEach((y, i) => allClose(output[i], y, { rtol: 0, atol: 0 }));
    direction.forEach((y, i) => allClose(pushed[i], y, { rtol: 1e-14 }));
  }
  is(calls, 3, 'once for linearize');
  throwsError(() => derivative(a, { b: b.select(0, 0) }), ShapeError, /linearize: tangents do not fit/);
});

test('vjp gives a function, jvp takes tangents', () => {
  const [y, pull] = func.vjp((a: Tensor, b: Tensor) => a.mul(b), x, x.add(1));
  allClose(y, x.mul(x.add(1)));
  const [da, db] = pull(x);
  allClose(da, x.add(1).mul(x));
  allClose(db, x.square());
  const [value, direction] = func.jvp((a: Tensor) => a.square(), [x], [tensor([1, 0, 1], f64)]);
  allClose(value, x.square());
  allClose(direction, tensor([1, 0, 4], f64));
  const [, single] = func.vjp((a: Tensor) => a.exp(), x);
  allClose(single(x), x.exp().mul(x));
});

test('linearize runs the function once, for any number of directions', () => {
  let runs = 0;
  const f = (a: Tensor, { b }: { readonly b: Tensor }): { y: Tensor; z: Tensor } => {
    runs++;
    return { y: a.mul(b), z: a.square().sum() };
  };
  const [output, push] = func.linearize(f, x, { b: x.add(1) });
  allClose(output.y, x.mul(x.add(1)));
  ok(!output.y.requiresGrad);
  const [v, w] = [tensor([1, 0, 2], f64), tensor([0, 1, -1], f64)];
  const direct = func.jvp(f, [x, { b: x.add(1) }], [v, { b: w }])[1];
  const before = runs;
  for (let i = 0; i < 3; i++) {
    const pushed = push(v, { b: w });
    allClose(pushed.y, direct.y);
    allClose(pushed.z, direct.z);
    allClose(pushed.z, x.mul(v).sum().mul(2));
  }
  is(runs, before);
  const [, along] = func.linearize((a: Tensor) => a.exp(), x);
  allClose(vmap((u: Tensor) => along(u))(stack([v, w])), stack([v, w]).mul(x.exp()), { rtol: 1e-12 });
  const leaf = x.clone().requiresGrad_();
  gradcheck(() => func.linearize((a: Tensor) => a.exp().mul(a), leaf)[1](v), [leaf]);
  throwsError(() => along(v.select(0, 0)), ShapeError, /linearize: tangents/);
  throwsError(() => func.linearize(3 as never), ArgumentError, /not a function/);
});

test('vjp and jvp pass on what is beside the output; strict refuses what does not depend', () => {
  const f = (a: Tensor): readonly [Tensor, { readonly twice: Tensor }] => [a.square(), { twice: a.mul(2) }];
  const [y, pull, aux] = func.vjp(f, x, { hasAux: true });
  allClose(y, x.square());
  allClose(pull(x), x.square().mul(2));
  allClose(aux.twice, x.mul(2));
  const [value, pushed, beside] = func.jvp(f, [x], [x], { hasAux: true });
  allClose(value, x.square());
  allClose(pushed, x.square().mul(2));
  allClose(beside.twice, x.mul(2));
  throwsError(() => func.jvp((a: Tensor) => a.detach(), [x], [x], { strict: true }), StateError, /does not depend/);
  is(func.jvp((a: Tensor) => a.detach(), [x], [x])[1].abs().sum().item(), 0);
  throwsError(() => func.vjp(((a: Tensor) => a) as never, x, { hasAux: true }), ArgumentError, /\[value, aux\]/);
});

test('gradients per example, of a module', () => {
  const model = new Sequential(new Linear(3, 4), new ReLU(), new Linear(4, 2)).double();
  const [inputs, labels] = [randn([5, 3], f64), tensor([0, 1, 1, 0, 1], { dtype: 'int64' })];
  const params = Object.fromEntries([...model.namedParameters()].map(([name, p]) => [name, p.detach()]));
  const loss = (p: StateDict, input: Tensor, label: Tensor): Tensor => F.crossEntropy(func.functionalCall(model, p, input), label);
  const each = vmap(func.grad(loss), { inDims: [null, 0, 0] })(params, inputs, labels);
  F.crossEntropy(model.forward(inputs), labels, { reduction: 'sum' }).backward();
  for (const [name, p] of model.namedParameters()) {
    equal([...each[name].shape], [5, ...p.shape]);
    ok(p.grad !== null);
    allClose(each[name].sum(0), p.grad, { rtol: 1e-10, atol: 1e-12 });
  }
});

test('vmap of a Hessian, and the Hessian of a vmap', () => {
  const f = (v: Tensor): Tensor => v.pow(3).sum();
  const many = randn([4, 2], f64);
  allClose(vmap(func.hessian(f))(many), many.mul(6).unsqueeze(-1).mul(tensor([[1, 0], [0, 1]], f64)), { rtol: 1e-12, atol: 1e-14 });
  const H = func.hessian((vs: Tensor) => vmap(f)(vs).sum())(many);
  equal([...H.shape], [4, 2, 4, 2]);
  allClose(H.reshape([8, 8]).diagonal(), many.mul(6).reshape([8]), { rtol: 1e-12 });
});

test('refusals', () => {
  throwsError(() => func.grad((v: Tensor) => v)(x), ShapeError, /does not give a scalar/);
  throwsError(() => func.grad((v: Tensor) => v.sum(), { argnums: 1 })(x), ArgumentError, /no such argument/);
  throwsError(() => func.grad((v: Tensor) => v.sum(), { argnums: [0, 0] as const })(x), ArgumentError, /argnums/);
  throwsError(() => func.grad((v: Tensor) => v.sum(), { hasAux: true })(x), ArgumentError, /aux/);
  throwsError(() => func.jvp((v: Tensor) => v, [x], [x.select(0, 0)]), ShapeError, /tangents/);
  throwsError(() => func.vjp((v: Tensor) => v, x)[1](x.select(0, 0)), ShapeError, /cotangents/);
  throwsError(() => func.jacrev(3 as never), ArgumentError, /not a function/);
});

test.run();

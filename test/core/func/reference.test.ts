import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { F, Tensor, exp, func, hessian, hvp, jacobian, jvp, oneHot, stack, tensor, vhp, vjp, vmap } from '../../../index.ts';
import { numelOf } from '../../../core/shape.ts';
import { allClose, is, ok } from '../../assert.ts';

// Numbers of torch.autograd.functional and functorch, see fixtures/make_func.py.

interface Packed {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Tree = Packed | readonly Tree[];

const recorded = JSON.parse(readFileSync(new URL('../../fixtures/func.json', import.meta.url), 'utf8')) as Readonly<Record<string, Tree>>;

const f64 = { dtype: 'float64' } as const;
const values = (n: number, ...shape: number[]): Tensor => tensor(Array.from({ length: numelOf(shape) }, (_, k) => (((7 * k + 5 * n) % 23) - 11) / 16), f64).reshape(shape);

const [X, Y, A, V, W] = [values(1, 3), values(2, 2, 3), values(3, 3, 3), values(4, 3), values(5, 2, 3)];
const many = (x: Tensor, y: Tensor): [Tensor, Tensor] => [A.matmul(x).tanh().mul(y), exp(y.mul(x).sum(1))];
const single = (x: Tensor, y: Tensor): Tensor => A.matmul(x).sin().mul(x).sum().add(y.pow(3).matmul(x).tanh().sum()).add(y.exp().mul(x.square()).sum());
const first = (x: Tensor): Tensor => many(x, Y)[0];
const ofX = (x: Tensor): Tensor => single(x, Y);

const parts = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [...(value as Iterable<unknown>)]);

function compare(actual: unknown, expected: Tree): void {
  if ('shape' in expected) {
    ok(actual instanceof Tensor);
    is(actual.shape.join(), expected.shape.join());
    allClose(actual.reshape([-1]), [...expected.data], { rtol: 1e-11, atol: 1e-13 });
    return;
  }
  const list = parts(actual);
  is(list.length, expected.length);
  expected.forEach((part, i) => compare(list[i], part));
}

const nets = [values(8, 3, 4), values(9, 4), values(10, 4, 2)] as const;
const [batch, labels] = [values(11, 5, 3), oneHot(tensor([0, 1, 1, 0, 1], { dtype: 'int64' }), 2).to('float64')];

function net(w1: Tensor, b1: Tensor, w2: Tensor, x: Tensor): Tensor {
  const h = F.gelu(x.matmul(w1).add(b1));
  const centred = h.sub(h.mean(-1, { keepdim: true }));
  return F.logSoftmax(centred.div(h.var(-1, { keepdim: true }).add(0.1).sqrt()).matmul(w2), -1);
}

const loss = (w1: Tensor, b1: Tensor, w2: Tensor, x: Tensor, label: Tensor): Tensor => net(w1, b1, w2, x).mul(label).sum().neg();

const cases: Readonly<Record<string, () => unknown>> = {
  vjp: () => vjp(many, [X, Y] as const, [values(6, 2, 3), values(7, 2)]),
  jvp: () => jvp(many, [X, Y] as const, [V, W]),
  jacobian: () => jacobian(many, [X, Y] as const),
  hessian: () => hessian(single, [X, Y] as const),
  hvp: () => hvp(single, [X, Y] as const, [V, W]),
  vhp: () => vhp(single, [X, Y] as const, [V, W]),
  grad: () => func.grad(single, { argnums: [0, 1] })(X, Y),
  gradAndValue: () => func.gradAndValue(single)(X, Y),
  jacrev: () => func.jacrev(many, { argnums: 1 })(X, Y),
  jacfwd: () => func.jacfwd(first)(X),
  hessianOfVector: () => func.jacfwd(func.jacrev(first))(X),
  functorchHessian: () => func.hessian(ofX)(X),
  third: () => func.jacrev(func.jacfwd(func.grad(ofX)))(X),
  perSample: () => vmap(func.grad(loss, { argnums: [0, 1, 2] }), { inDims: [null, null, null, 0, 0] })(...nets, batch, labels),
  ensemble: () => {
    const [w1, b1, w2] = nets.map((p) => stack([p, p.mul(0.5).add(0.25), p.neg()]));
    return vmap(net, { inDims: [0, 0, 0, null] })(w1, b1, w2, batch);
  },
  gradOfVmap: () => func.grad((x: Tensor) => vmap(ofX)(x).sum())(values(12, 4, 3)),
  vmapOfHessian: () => vmap(func.hessian(ofX))(values(12, 4, 3)),
  nested: () => vmap(vmap((a: Tensor, b: Tensor) => a.mul(b).sum().sin(), { inDims: [null, 0] }), { inDims: [0, null] })(values(13, 4, 3), values(14, 2, 3)),
};

test('every recorded number has its case', () => {
  is(Object.keys(recorded).filter((key) => key !== 'torch').sort().join(), Object.keys(cases).sort().join());
});

for (const [name, run] of Object.entries(cases)) test(`${name}: PyTorch's numbers`, () => compare(run(), recorded[name]));

test('all ways to the same derivatives', () => {
  for (const options of [{ vectorize: true }, { vectorize: true, strategy: 'forward-mode' } as const]) compare(jacobian(many, [X, Y] as const, options), recorded.jacobian);
  for (const options of [{ vectorize: true }, { vectorize: true, outerJacobianStrategy: 'forward-mode' } as const]) compare(hessian(single, [X, Y] as const, options), recorded.hessian);
  compare(func.jacfwd(many, { argnums: 1 })(X, Y), recorded.jacrev);
  compare(func.jacrev(first)(X), recorded.jacfwd);
  for (const outer of [func.jacrev, func.jacfwd]) for (const inner of [func.jacrev, func.jacfwd]) compare(outer(inner(first))(X), recorded.hessianOfVector);
  const [output, push] = func.linearize(many, X, Y);
  compare([output, push(V, W)], recorded.jvp);
  const [value, pull] = func.vjp(many, X, Y);
  compare([value, pull([values(6, 2, 3), values(7, 2)])], recorded.vjp);
});

test.run();

import { test } from 'uvu';
import type { Tensor} from '../../../index.ts';
import { ArgumentError, ShapeError, StateError, grad, gradcheck, hessian, hvp, jacobian, jvp, randn, tensor, vhp, vjp } from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const f64 = { dtype: 'float64' } as const;
const x = tensor([0.5, -1, 2], f64);
const A = tensor([[1, 2, 0], [0.5, -1, 3], [2, 0, 1]], f64);
const f = (v: Tensor): Tensor => v.mul(A.matmul(v));
/** ∂/∂v (v_i·(A·v)_i) = diag(A·v) + diag(v)·A. */
const J = A.matmul(x).diag().add(x.unsqueeze(1).mul(A));

test('the Jacobian of a vector function, by rows, at once, by columns', () => {
  for (const options of [{}, { vectorize: true }, { vectorize: true, strategy: 'forward-mode' } as const]) allClose(jacobian(f, x, options), J, { rtol: 1e-12 });
});

test('products with the Jacobian, by name and in order', () => {
  const v = tensor([1, -2, 0.5], f64);
  const { output, vjp: pulled } = vjp(f, x, v);
  allClose(output, f(x));
  allClose(pulled, v.matmul(J), { rtol: 1e-12 });
  const [value, pushed] = jvp(f, x, v);
  allClose(value, f(x));
  allClose(pushed, J.matmul(v), { rtol: 1e-12 });
});

test('several inputs and outputs keep their form', () => {
  const [a, b] = [randn([2], f64), randn([3], f64)];
  const g = (p: Tensor, q: Tensor): [Tensor, Tensor] => [p.sum().mul(q), p.square()];
  const [[da, db], [ea, eb]] = jacobian(g, [a, b] as const);
  allClose(da, b.unsqueeze(1).expand([3, 2]));
  allClose(db, a.sum().mul(tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1]], f64)));
  allClose(ea, a.mul(2).diag());
  equal([...eb.shape], [2, 3]);
  is(eb.abs().sum().item(), 0);
  const { vjp: back } = vjp(g, [a, b] as const, [b, a]);
  equal(back.map((t) => [...t.shape]), [[2], [3]]);
  const { jvp: forth } = jvp(g, [a, b] as const, [a, b]);
  allClose(forth[1], a.square().mul(2), { rtol: 1e-12 });
});

test('matrices have Jacobians of four dimensions, scalars of the shape of the input', () => {
  const m = randn([2, 3], f64);
  equal([...jacobian((t: Tensor) => t.t().contiguous(), m).shape], [3, 2, 2, 3]);
  allClose(jacobian((t: Tensor) => t.sum(), m), m.mul(0).add(1));
});

test('second derivatives', () => {
  const s = (v: Tensor): Tensor => v.pow(3).sum().add(v.prod());
  const H = tensor([[3, 2, -1], [2, -6, 0.5], [-1, 0.5, 12]], f64);
  allClose(hessian(s, x), H, { rtol: 1e-12 });
  allClose(hessian(s, x, { vectorize: true }), H, { rtol: 1e-12 });
  allClose(hessian(s, x, { vectorize: true, outerJacobianStrategy: 'forward-mode' }), H, { rtol: 1e-12 });
  const v = tensor([1, 2, -1], f64);
  allClose(hvp(s, x, v).hvp, H.matmul(v), { rtol: 1e-12 });
  const [value, product] = vhp(s, x, v);
  allClose(value, s(x));
  allClose(product, H.matmul(v), { rtol: 1e-12 });
  const [[aa, ab], [, bb]] = hessian((p: Tensor, q: Tensor) => p.mul(q.square()).sum(), [tensor(2, f64), tensor(3, f64)] as const);
  is(aa.item(), 0);
  is(ab.item(), 6);
  is(bb.item(), 4);
});

test('results have a history with createGraph only', () => {
  const leaf = x.clone().requiresGrad_();
  ok(!jacobian(f, leaf).requiresGrad);
  ok(!vjp(f, leaf, x).vjp.requiresGrad);
  const differentiable = [
    (): Tensor => jacobian(f, leaf, { createGraph: true }),
    (): Tensor => jacobian(f, leaf, { createGraph: true, vectorize: true }),
    (): Tensor => hessian((v: Tensor) => v.pow(4).sum(), leaf, { createGraph: true }),
    (): Tensor => hvp((v: Tensor) => v.pow(4).sum(), leaf, x, { createGraph: true }).hvp,
    (): Tensor => jvp(f, leaf, x, { createGraph: true }).jvp,
  ];
  for (const derivative of differentiable) {
    ok(derivative().requiresGrad);
    gradcheck(derivative, [leaf]);
  }
  is(leaf.grad, null);
  allClose(grad(jacobian(f, leaf, { createGraph: true }).sum(), leaf)[0], grad(f(leaf).sum().mul(0).add(J.sum()), leaf)[0].add(A.sum(0)).add(A.sum(1)), { rtol: 1e-12 });
});

test('what does not depend on an input: zeros, or an error', () => {
  const g = (p: Tensor, q: Tensor): Tensor => p.mul(2).add(q.detach().mul(0));
  const [, dq] = jacobian(g, [x, x] as const);
  is(dq.abs().sum().item(), 0);
  throwsError(() => jacobian(g, [x, x] as const, { strict: true }), StateError, /does not depend/);
  throwsError(() => vjp(() => x, x, x, { strict: true }), StateError, /does not depend/);
  is(vjp(() => x, x, x).vjp.abs().sum().item(), 0);
});

test('refusals', () => {
  throwsError(() => vjp(f, x, tensor([1, 2], f64)), ShapeError, /vectors do not fit/);
  throwsError(() => vjp(f, x), ShapeError, /a vector is needed/);
  throwsError(() => jvp(f, x, [x, x]), ShapeError, /number/);
  throwsError(() => hessian(f as never, x), ShapeError, /one number/);
  throwsError(() => jacobian(f, x, { strategy: 'forward-mode' }), ArgumentError, /vectorize/);
  throwsError(() => jacobian(f, x, { strict: true, vectorize: true }), ArgumentError, /strict/);
  throwsError(() => jacobian(f, x, { mode: 1 } as never), ArgumentError, /mode/);
  throwsError(() => jacobian(f, tensor([1, 2, 3], { dtype: 'int64' })), Error, /float/);
  throwsError(() => jacobian(() => 3 as never, x), ArgumentError, /outputs are not tensors/);
});

test.run();

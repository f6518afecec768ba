import { test } from 'uvu';
import { type Tensor, checkpoint, empty, gelu, grad, mish, noGrad, ones, randn, scope, setNumThreads, silu, tensor } from '../../../index.ts';
import { setFast } from '../../../core/cpu/engine.ts';
import { equal, is, ok } from '../../assert.ts';

// Activations whose value and slope are computed in one pass where gradients are recorded.

const activations: Readonly<Record<string, (x: Tensor) => Tensor>> = { gelu: (x) => gelu(x), tanhGelu: (x) => gelu(x, { approximate: 'tanh' }), silu: (x) => silu(x), mish: (x) => mish(x) };

/** Elements of all sizes, and some that are not numbers. */
const elements = (): Tensor => {
  const x = randn([6, 35]).mul(4);
  noGrad(() => x.select(0, 0).narrow(0, 0, 8).copy_(tensor([0, -0, Infinity, -Infinity, NaN, 1e-30, -90, 88])));
  return x;
};

/** The same numbers, zeros with their signs, and NaN in the same places. */
function same(a: Tensor | null | undefined, b: Tensor | null | undefined): void {
  const [x, y] = [a?.data() ?? [], b?.data() ?? [1]];
  is(x.length, y.length);
  for (let i = 0; i < x.length; i++) if (!Object.is(x[i], y[i])) is(x[i], y[i], `element ${i}`);
}

for (const [name, f] of Object.entries(activations)) {
  test(`${name}: value and gradient have the bits of the two passes`, () => {
    const data = elements();
    const x = data.clone().requiresGrad_();
    const turned = data.t().contiguous().t().requiresGrad_(); // does not lie side by side, so there are two passes
    const g = randn([6, 35]);
    const [y, z] = [f(x), f(turned)];
    same(y, z);
    same(y, noGrad(() => f(data)));
    y.backward(g);
    z.backward(g);
    same(x.grad, turned.grad);
    is(y.node?.name, name === 'tanhGelu' ? 'gelu' : name);
  });

  test(`${name}: the gradient is that of the reference`, () => {
    const x = randn([300]).mul(3).requiresGrad_();
    const [fast] = grad(f(x).sum(), x);
    const before = setFast(false);
    try {
      const [plain] = grad(f(x).sum(), x);
      const [a, b] = [fast.data(), plain.data()];
      ok(a.every((v, i) => Math.abs(v - b[i]) <= 2e-6));
    } finally {
      setFast(before);
    }
  });

  test(`${name}: second derivatives, a second pass, and checkpoints`, () => {
    const x = randn([40]).requiresGrad_();
    const y = f(x);
    const [first] = grad(y, x, ones([40]), { createGraph: true });
    ok(first.requiresGrad);
    const [bend] = grad(first, x, ones([40]), { retainGraph: true });
    const h = 1e-2;
    const shifted = (by: number): Tensor => {
      const moved = x.detach().add(by).requiresGrad_();
      return grad(f(moved).sum(), moved)[0];
    };
    const [measured, exact] = [shifted(h).sub(shifted(-h)).div(2 * h).data(), bend.data()];
    ok(measured.every((v, i) => Math.abs(v - exact[i]) < 2e-3));
    y.sum().backward({ retainGraph: true });
    y.sum().backward();
    const [twice, once] = [x.grad?.data() ?? [], first.data()];
    ok([...once].every((v, i) => twice[i] === 2 * v));
    const [again] = grad(checkpoint((v: Tensor) => f(v), x).sum(), x);
    equal(again.data(), first.data());
  });
}

test('the result may be overwritten, the input may not', () => {
  const x = randn([10]).requiresGrad_();
  const z = x.mul(1);
  const y = gelu(z);
  const expected = grad(gelu(x).sum(), x)[0].data();
  y.add_(1);
  y.sum().backward();
  equal(x.grad?.data(), expected);
});

test('empty and single elements, scopes, threads', () => {
  const none = empty([0, 3]).requiresGrad_();
  gelu(none).sum().backward();
  equal(none.grad?.shape, [0, 3]);
  const one = tensor(0.5, { requiresGrad: true });
  scope(() => {
    silu(one).backward();
  });
  ok(Math.abs((one.grad?.item() ?? 0) - 0.7399612) < 1e-6);
  const x = randn([70001]).requiresGrad_();
  const alone = grad(gelu(x).sum(), x)[0].data();
  const value = gelu(x).data();
  setNumThreads(2);
  try {
    equal(gelu(x).data(), value);
    equal(grad(gelu(x).sum(), x)[0].data(), alone);
  } finally {
    setNumThreads(1);
  }
});

test.run();

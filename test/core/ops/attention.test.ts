import { test } from 'uvu';
import { ArgumentError, DTypeError, F, ShapeError, type Tensor, grad, manualSeed, noGrad, ones, rand, randn, tensor, tril, vmap } from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

const attend = F.scaledDotProductAttention;

function close(got: Tensor, expected: Tensor, tolerance = 1e-6): void {
  equal(got.shape, expected.shape);
  const [a, b] = [got.data(), expected.data()];
  ok(a.every((v, i) => Math.abs(v - b[i]) <= tolerance), `${got.toString()} for ${expected.toString()}`);
}

/** The formula as it stands in the paper. */
const formula = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, scale = 1 / Math.sqrt(q.shape[q.ndim - 1])): Tensor => {
  const scores = q.matmul(k.transpose(-2, -1)).mul(scale);
  return (mask === null ? scores : mask.dtype === 'bool' ? scores.maskedFill(mask.logicalNot(), -Infinity) : scores.add(mask)).softmax(-1).matmul(v);
};

test('numbers worked out with PyTorch', () => {
  const [q, k, v] = [tensor([[1, 0], [0, 2]]), tensor([[1, 1], [-1, 0.5], [0, 3]]), tensor([[1], [2], [4]])];
  // torch.softmax(q @ k.T / 2**0.5, -1) @ v
  close(attend(q, k, v), tensor([[1.9920156], [3.78350186]]));
  close(attend(q, k, v, { isCausal: true }), tensor([[1], [1.33023846]]));
});

test('values and gradients are those of the formula, with every mask', () => {
  manualSeed(1);
  const causal = tril(ones([5, 5], { dtype: 'bool' }));
  for (const lead of [[], [2], [2, 3]]) {
    const [q, k, v] = [randn([...lead, 5, 4]), randn([...lead, 5, 4]), randn([...lead, 5, 6])].map((t) => t.requiresGrad_());
    const some = rand([5, 5]).gt(0.3).logicalOr(causal);
    const bias = randn([5, 5]);
    for (const [options, mask, scale] of [[{}, null], [{ isCausal: true }, causal], [{ attnMask: some }, some], [{ attnMask: bias, scale: 0.3 }, bias, 0.3]] as const) {
      const [got, expected] = [attend(q, k, v, options), formula(q, k, v, mask, scale)];
      close(got, expected);
      const w = randn(got.shape);
      const [a, b] = [grad(got.mul(w).sum(), [q, k, v]), grad(expected.mul(w).sum(), [q, k, v])];
      a.forEach((g, i) => close(g, b[i], 1e-5));
    }
  }
});

test('second derivatives pass through the causal mask', () => {
  manualSeed(2);
  const q = randn([4, 3], { requiresGrad: true });
  const [k, v] = [randn([4, 3]), randn([4, 2])];
  const twice = (y: Tensor): Tensor => grad(grad(y.square().sum(), q, { createGraph: true })[0].square().sum(), q)[0];
  close(twice(attend(q, k, v, { isCausal: true })), twice(formula(q, k, v, tril(ones([4, 4], { dtype: 'bool' })))), 1e-4);
});

test('a query that sees nothing gives 0 and has no gradient', () => {
  const [q, k, v] = [randn([2, 3], { requiresGrad: true }), randn([4, 3], { requiresGrad: true }), randn([4, 2])];
  const mask = tensor([[true, false, true, true], [false, false, false, false]]);
  const y = attend(q, k, v, { attnMask: mask });
  equal(y.select(0, 1).array(), [0, 0]);
  const [gq, gk] = grad(y.sum(), [q, k]);
  ok(gk.isfinite().all().item() === 1 && gq.isfinite().all().item() === 1);
  equal(gq.select(0, 1).array(), [0, 0, 0]);
});

test('batches broadcast, masks too; dropout drops', () => {
  const [q, k, v] = [randn([2, 1, 3, 4]), randn([1, 3, 5, 4]), randn([3, 5, 2])];
  close(attend(q, k, v, { attnMask: ones([3, 1, 5], { dtype: 'bool' }) }), formula(q, k, v, null));
  manualSeed(0);
  const dropped = attend(q, k, ones([3, 5, 1]), { dropoutP: 0.5 });
  ok(dropped.data().some((x) => Math.abs(x - 1) > 0.1));
  is(attend(q, k, v, { dropoutP: 1 }).abs().sum().item(), 0);
});

test('masks may differ where queries do not', () => {
  const q = randn([3, 4]);
  const masks = randn([5, 3, 3]);
  for (const mask of [masks, masks.gt(0)]) {
    const all = vmap((m: Tensor) => attend(q, q, q, { attnMask: m }))(mask);
    for (let i = 0; i < 5; i++) close(all.select(0, i), attend(q, q, q, { attnMask: mask.select(0, i) }));
  }
});

test('what it makes on the way is given back', () => {
  const [q, k, v] = [randn([2, 3]), randn([4, 3]), randn([4, 2])];
  const y = noGrad(() => attend(q, k, v, { isCausal: true }));
  for (let i = 0; i < 100; i++) randn([2, 3]).mul(2);
  close(y, formula(q, k, v, tril(ones([2, 4], { dtype: 'bool' }))));
});

test('what does not fit is refused', () => {
  const [q, k, v] = [rand([2, 3]), rand([4, 3]), rand([4, 2])];
  throwsError(() => attend(rand([3]), k, v), ShapeError, /too few dimensions/);
  throwsError(() => attend(q, rand([4, 2]), v), ShapeError, /sizes do not fit/);
  throwsError(() => attend(q, k, rand([3, 2])), ShapeError, /sizes do not fit/);
  throwsError(() => attend(q, k, v.to('float64')), DTypeError, /dtypes differ/);
  throwsError(() => attend(q, k, v, { attnMask: rand([3, 4]) }), ShapeError, /broadcast|does not fit/);
  throwsError(() => attend(q, k, v, { attnMask: rand([7, 2, 4]) }), ShapeError, /does not fit/);
  throwsError(() => attend(q, k, v, { attnMask: tensor([1, 0, 1, 0], { dtype: 'int64' }) }), DTypeError, /attnMask/);
  throwsError(() => attend(q, k, v, { attnMask: rand([2, 4]), isCausal: true }), ArgumentError, /two masks/);
  throwsError(() => attend(q, k, v, { dropoutP: 2 }), ArgumentError, /dropoutP/);
});

test.run();

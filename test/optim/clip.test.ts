import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { ArgumentError, StateError, type Tensor, clipGradNorm_, clipGradValue_, getTotalNorm, tensor, zeros } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

interface Recorded {
  readonly clipNorm: readonly { readonly maxNorm: number; readonly normType: string; readonly scale: number; readonly total: number; readonly grads: readonly (readonly number[])[] }[];
  readonly clipValue: readonly { readonly value: number; readonly grads: readonly (readonly number[])[] }[];
}

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as Recorded;
const shapes = [[3, 2], [4], []];

const makeParams = (scale = 1): Tensor[] =>
  shapes.map((shape, i) => {
    const p = zeros(shape, { requiresGrad: true });
    p.grad = tensor(Array.from({ length: p.numel() }, (_, k) => ((((7 * k + 3 * i) % 13) - 6) / 4) * scale)).reshape(shape);
    return p;
  });

for (const { maxNorm, normType, scale, total, grads } of fixtures.clipNorm) {
  test(`clipGradNorm_ to ${maxNorm}, order ${normType}: PyTorch's numbers`, () => {
    const params = makeParams(scale);
    const p = normType === 'inf' ? Infinity : Number(normType);
    const storages = params.map((q) => q.grad?.storage);
    allClose(getTotalNorm(params.map((q) => q.grad as Tensor), { normType: p }), total, { rtol: 1e-6 });
    const norm = clipGradNorm_(params, maxNorm, { normType: p });
    equal([norm.shape, norm.requiresGrad], [[], false]);
    allClose(norm, total, { rtol: 1e-6 });
    params.forEach((q, i) => {
      allClose(q.grad?.data() ?? [], grads[i], { rtol: 1e-6, atol: 1e-7 });
      ok(q.grad?.storage === storages[i]);
    });
  });
}

for (const { value, grads } of fixtures.clipValue) {
  test(`clipGradValue_ to ${value}: PyTorch's numbers`, () => {
    const params = makeParams();
    clipGradValue_(params, value);
    params.forEach((p, i) => equal(Array.from(p.grad?.data() ?? []), grads[i]));
  });
}

test('one tensor, no gradients, empty gradients, mixed dtypes', () => {
  const [p] = makeParams();
  const before = getTotalNorm(p.grad as Tensor).item();
  ok(before > 1);
  is(clipGradNorm_(p, 1).item(), before);
  allClose(getTotalNorm(p.grad as Tensor), 1, { rtol: 1e-5 });
  is(clipGradNorm_([zeros([2])], 1).item(), 0);
  is(clipGradNorm_([], 1).item(), 0);
  clipGradValue_([zeros([2])], 1);
  for (const normType of [2, 1, Infinity, -Infinity, 3]) is(getTotalNorm(zeros([0, 2]), { normType }).item(), 0);
  const total = getTotalNorm([tensor([3]), tensor([4], { dtype: 'float64' })]);
  equal([total.item(), total.dtype], [5, 'float64']);
  is(getTotalNorm([tensor([3, -2]), tensor([-4])], { normType: -Infinity }).item(), 2);
});

test('mixed dtypes: every gradient keeps its own', () => {
  const params = [tensor([0]), tensor([0], { dtype: 'float64' })];
  params[0].grad = tensor([3]);
  params[1].grad = tensor([4], { dtype: 'float64' });
  clipGradNorm_(params, 1);
  equal(params.map((p) => p.grad?.dtype), ['float32', 'float64']);
  allClose(params.map((p) => p.grad?.item() ?? NaN), [0.6, 0.8], { rtol: 1e-5 });
});

test('gradients with history are clipped without it', () => {
  const p = tensor([3], { requiresGrad: true });
  p.mul(p).sum().backward({ createGraph: true });
  clipGradNorm_(p, 1);
  allClose(p.grad?.item() ?? NaN, 1, { rtol: 1e-5 });
});

test('norms that are not finite', () => {
  const p = zeros([2], { requiresGrad: true });
  p.grad = tensor([1, Infinity]);
  throwsError(() => clipGradNorm_(p, 1, { errorIfNonfinite: true }), StateError, /clipGradNorm_: the total norm is not finite, got Infinity/);
  equal(p.grad.array(), [1, Infinity]);
  is(clipGradNorm_(p, 1).item(), Infinity);
  equal(p.grad.array(), [0, NaN]);
});

test('wrong arguments change nothing', () => {
  const params = makeParams();
  const before = params.map((p) => p.grad?.array());
  const bad: [() => unknown, RegExp][] = [
    [() => clipGradNorm_(params, NaN), /clipGradNorm_: invalid maxNorm, got NaN/],
    [() => clipGradNorm_(params, -1), /invalid maxNorm/],
    [() => clipGradNorm_(params, 1, { normType: NaN }), /invalid normType/],
    [() => clipGradNorm_(params, 1, { norm: 2 } as never), /unknown option, got 'norm'/],
    [() => clipGradNorm_({ parameters: () => params } as never, 1), /not iterable[^]*module\.parameters\(\)/],
    [() => clipGradNorm_([...params, 1] as never, 1), /element 3 is not a tensor, got 1/],
    [() => clipGradValue_(params, -1), /clipGradValue_: invalid clipValue/],
    [() => clipGradValue_(params, NaN), /invalid clipValue/],
  ];
  for (const [fn, message] of bad) throwsError(fn, ArgumentError, message);
  equal(params.map((p) => p.grad?.array()), before);
});

test.run();

import { test } from 'uvu';
import { Adadelta, Adam, AdamW, Adamax, type DType, NAdam, type Optimizer, RAdam, RMSprop, SGD, type Tensor, tensor, zeros } from '../../index.ts';
import { Run, tinyOf } from '../../optim/runs.ts';
import { equal, is, ok } from '../assert.ts';

test('runs gather what has the same count and dtype, in order', () => {
  const params = [tensor(1), tensor(2, { dtype: 'float64' }), tensor(3), tensor(4), tensor(5)];
  const counts = [0, 0, 7, 0, 7];
  const runs = Run.of(params, (p) => ({ count: counts[params.indexOf(p)], state: { p }, tensors: [p.mul(10)] }));
  equal(runs.map(({ count, dtype }) => [count, dtype]), [[0, 'float32'], [0, 'float64'], [7, 'float32']]);
  equal(runs.map(({ columns: [p, , tens] }) => [p.map((x) => x.item()), tens.map((x) => x.item())]), [[[1, 4], [10, 40]], [[2], [20]], [[3, 5], [30, 50]]]);
  const grads = params.map((p) => p.neg());
  for (const run of runs) run.take(grads);
  equal(runs.map(({ columns: [, g] }) => g.map((x) => x.item())), [[-1, -4], [-2], [-3, -5]]);
  for (const run of runs) run.release();
  ok(runs.every(({ columns: [p, g] }) => g.every((x, k) => x === p[k])));
});

const subnormal = (x: Tensor): number => Array.from(x.data()).filter((v) => v !== 0 && Math.abs(v) < 2 ** -126).length;

function decayed(make: (p: readonly Tensor[]) => Optimizer, dtype: DType, steps: number): { p: Tensor; before: string; state: Record<string, Tensor | number> } {
  const p = tensor([1, -2, 0.5, 0, 3], { dtype, requiresGrad: true });
  const optimizer = make([p]);
  p.grad = tensor([1e-3, -1, 20, 1e-6, 0], { dtype });
  for (let i = 0; i < 3; i++) optimizer.step();
  p.grad = zeros([5], { dtype });
  for (let i = 0; i < steps - 10; i++) optimizer.step();
  const before = String(p.data());
  for (let i = 0; i < 10; i++) optimizer.step();
  return { p, before, state: { ...optimizer.state.get(p) } };
}

const makers: Readonly<Record<string, (p: readonly Tensor[]) => Optimizer>> = {
  adam: (p) => new Adam(p),
  adamw: (p) => new AdamW(p, { weightDecay: 0, amsgrad: true }),
  momentum: (p) => new SGD(p, { momentum: 0.9 }),
  adadelta: (p) => new Adadelta(p),
  adamax: (p) => new Adamax(p),
  nadam: (p) => new NAdam(p),
  radam: (p) => new RAdam(p, { betas: [0.9, 0.99] }),
  rmsprop: (p) => new RMSprop(p, { alpha: 0.9, momentum: 0.9, centered: true }),
};

test('float32 means that decay end at zero, not among numbers that lose digits and time', () => {
  for (const [name, make] of Object.entries(makers)) {
    const { p, before, state } = decayed(make, 'float32', 2000);
    for (const [key, value] of Object.entries(state)) if (typeof value === 'object') is(subnormal(value), 0, `${name} ${key}`);
    const mean = state.expAvg ?? state.momentumBuffer;
    if (typeof mean === 'object') equal(Array.from(mean.data()), [0, 0, 0, 0, 0], name);
    is(String(p.data()), before, name);
  }
});

test('float64 means decay as in PyTorch', () => {
  const { state } = decayed(makers.adam, 'float64', 3000);
  ok(typeof state.expAvg === 'object' && Array.from(state.expAvg.data()).slice(0, 4).every((v) => v !== 0 && Math.abs(v) < 1e-120));
  is(tinyOf('float64'), 0);
});

test('values above 1e-30 are not touched', () => {
  const p = tensor([0], { requiresGrad: true });
  const optimizer = new Adam([p], { betas: [0.5, 0.5] });
  p.grad = tensor([4e-14]);
  optimizer.step();
  const state = optimizer.state.get(p);
  equal([state?.expAvg.item(), state?.expAvgSq.item()], [Math.fround(Math.fround(4e-14) * 0.5), Math.fround(Math.fround(Math.fround(4e-14) * 0.5) * Math.fround(4e-14))]);
});

test.run();

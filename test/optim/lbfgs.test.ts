import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { ArgumentError, type DType, LBFGS, type LBFGSOptions, type OptimizerStateDict, StateError, type Tensor, cat, deepCopy, packCheckpoint, tensor, unpackCheckpoint, zeros } from '../../index.ts';
import { cubicMinimum, strongWolfe } from '../../optim/lineSearch.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

interface Run {
  readonly kind: 'quadratic' | 'rosenbrock';
  readonly losses: readonly number[];
  readonly end: readonly number[];
  readonly evals: number;
  readonly iters: number;
  /** State dictionary and parameters after the second step. */
  readonly middle: OptimizerStateDict;
  readonly at: readonly number[];
}

const { lbfgs } = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as {
  readonly lbfgs: readonly { readonly options: Partial<LBFGSOptions>; readonly runs: readonly Run[] }[];
};

const f64 = { dtype: 'float64' } as const;
const start = (): [Tensor, Tensor] => [tensor([-1.5, 2], f64).requiresGrad_(), tensor([0.5], f64).requiresGrad_()];
const optionsOf = (options: Partial<LBFGSOptions>, { kind }: Run): Partial<LBFGSOptions> => (kind === 'rosenbrock' && !('lineSearchFn' in options) ? { ...options, lr: (options.lr ?? 1) * 1e-3 } : options);

/** What is minimised. */
function lossOf(kind: Run['kind'], params: readonly Tensor[]): Tensor {
  const v = cat(params);
  if (kind === 'quadratic') return v.sub(0.7).square().mul(tensor([1, 5, 0.3], f64)).sum().add(v.prod().mul(0.1));
  const head = v.narrow(0, 0, 2);
  return v.narrow(0, 1, 2).sub(head.square()).square().mul(100).add(head.rsub(1).square()).sum();
}

const closureOf = (optimizer: LBFGS, kind: Run['kind']) => (): Tensor => {
  optimizer.zeroGrad();
  const loss = lossOf(kind, optimizer.paramGroups[0].params);
  loss.backward();
  return loss;
};

/** Tensors of a recorded value. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unpacked);
  const fields = value as Readonly<Record<string, unknown>>;
  if (Array.isArray(fields.data)) return tensor(fields.data as number[], { dtype: fields.dtype as DType }).reshape(fields.shape as number[]);
  return Object.fromEntries(Object.entries(fields).map(([key, v]) => [key, unpacked(v)]));
}

// Sums in another order grow to this along the curved valley.
const close = { rtol: 1e-8, atol: 1e-12 };

for (const { options, runs } of lbfgs) {
  for (const run of runs) {
    const title = `LBFGS ${JSON.stringify(options)} on a ${run.kind}`;

    test(`${title}: PyTorch's losses and counts`, () => {
      const params = start();
      const optimizer = new LBFGS(params, optionsOf(options, run));
      for (const expected of run.losses) allClose(optimizer.step(closureOf(optimizer, run.kind)), expected, close);
      allClose(cat(params), run.end, close);
      const { func_evals, n_iter } = optimizer.stateDict().state[0];
      equal([func_evals, n_iter], [run.evals, run.iters]);
    });

    test(`${title}: goes on from PyTorch's state`, () => {
      const params: [Tensor, Tensor] = [tensor(run.at.slice(0, 2), f64).requiresGrad_(), tensor(run.at.slice(2), f64).requiresGrad_()];
      const optimizer = new LBFGS(params);
      optimizer.loadStateDict(unpacked(run.middle) as OptimizerStateDict);
      equal(optimizer.paramGroups[0].lineSearchFn, options.lineSearchFn ?? null);
      for (const expected of run.losses.slice(2)) allClose(optimizer.step(closureOf(optimizer, run.kind)), expected, close);
      allClose(cat(params), run.end, close);
      equal(optimizer.stateDict().state[0].n_iter, run.iters);
    });

    test(`${title}: copies and files go on to the same bits`, () => {
      const params = start();
      const optimizer = new LBFGS(params, optionsOf(options, run));
      optimizer.step(closureOf(optimizer, run.kind));
      const [twin, own] = deepCopy([optimizer, params] as const);
      const others = params.map((p) => p.detach().clone().requiresGrad_());
      const loaded = new LBFGS(others);
      unpackCheckpoint(packCheckpoint({ optimizer }), { optimizer: loaded });
      for (let i = 0; i < 3; i++) for (const one of [optimizer, twin, loaded]) one.step(closureOf(one, run.kind));
      for (const list of [own, others]) equal(cat(list).array(), cat(params).array());
    });
  }
}

test('float32, several shapes, and a parameter without gradient', () => {
  const [a, b, idle] = [tensor([[3, -2], [1, 4]]).requiresGrad_(), tensor(5).requiresGrad_(), tensor([7]).requiresGrad_()];
  const optimizer = new LBFGS([a, b, idle], { lineSearchFn: 'strong_wolfe' });
  const loss = optimizer.step(() => {
    optimizer.zeroGrad();
    const y = a.sub(1).square().mul(tensor([[1, 2], [3, 4]])).sum().add(b.add(2).square());
    y.backward();
    return y;
  });
  is(loss.item(), 4 + 18 + 36 + 49);
  allClose(a, [[1, 1], [1, 1]], { atol: 1e-4 });
  allClose(b, -2, { atol: 1e-4 });
  is(idle.item(), 7);
});

test('hooks run around a step, and the closure may give a number', () => {
  const p = tensor([4], f64).requiresGrad_();
  const optimizer = new LBFGS([p], { maxIter: 2 });
  const seen: string[] = [];
  optimizer.registerStepPreHook(() => seen.push('before'));
  optimizer.registerStepPostHook(() => seen.push('after'));
  is(optimizer.step(() => {
    optimizer.zeroGrad();
    const y = p.square().sum();
    y.backward();
    seen.push('closure');
    return y.item();
  }), 16);
  equal(seen, ['before', 'closure', 'closure', 'after']);
});

test('at the minimum nothing moves, and the state of that is loaded', () => {
  const p = zeros([2], f64).requiresGrad_();
  const optimizer = new LBFGS([p]);
  const closure = (): Tensor => {
    optimizer.zeroGrad();
    const y = p.square().sum();
    y.backward();
    return y;
  };
  optimizer.step(closure);
  equal(p.array(), [0, 0]);
  const { func_evals, n_iter } = optimizer.stateDict().state[0];
  equal([func_evals, n_iter], [1, 0]);
  new LBFGS([p]).loadStateDict({ state: { 0: { func_evals: 1, n_iter: 0 } }, param_groups: optimizer.stateDict().param_groups });
});

test('a closure that throws in a search leaves the parameters where they were', () => {
  const p = tensor([4], f64).requiresGrad_();
  const optimizer = new LBFGS([p], { lineSearchFn: 'strong_wolfe' });
  let calls = 0;
  const closure = (): Tensor => {
    if (++calls === 2) throw new RangeError('mine');
    optimizer.zeroGrad();
    const y = p.square().sum();
    y.backward();
    return y;
  };
  throwsError(() => optimizer.step(closure), RangeError, /mine/);
  is(p.item(), 4);
  optimizer.step(closure);
  allClose(p, [0], { atol: 1e-6 });
});

test('refusals', () => {
  const p = zeros([1]).requiresGrad_();
  throwsError(() => new LBFGS([p]).step(), ArgumentError, /closure/);
  throwsError(() => new LBFGS([p]).step(() => 'x'), ArgumentError, /no loss/);
  throwsError(() => new LBFGS([p]).step(async () => 1), StateError, /asynchronous/);
  throwsError(() => new LBFGS([{ params: [p] }, { params: [zeros([1])] }]), ArgumentError, /several groups/);
  const optimizer = new LBFGS([p], { maxIter: 8 });
  throwsError(() => optimizer.addParamGroup(), ArgumentError, /several groups/);
  is(optimizer.paramGroups.length, 1);
  is(optimizer.paramGroups[0].maxEval, 10);
  const bad: Partial<LBFGSOptions>[] = [{ lr: -1 }, { maxIter: 0 }, { maxEval: 1.5 }, { historySize: 0 }, { toleranceGrad: -1 }, { toleranceChange: NaN }, { lineSearchFn: 'armijo' as never }];
  for (const options of bad) throwsError(() => new LBFGS([p], options), ArgumentError, new RegExp(Object.keys(options)[0]));
  const { param_groups } = optimizer.stateDict();
  for (const state of [{ func_evals: 1 }, { func_evals: 1, n_iter: 1, d: zeros([2]) }, { func_evals: 1, n_iter: 1, old_dirs: 3 }]) {
    throwsError(() => optimizer.loadStateDict({ state: { 0: state }, param_groups }), StateError, /the state does not match/);
  }
});

test('the minimum of a cubic, and a search on a line', () => {
  // (x - 1)²·(x + 2) has its minimum at 1.
  const f = (x: number): number => (x - 1) ** 2 * (x + 2);
  const slope = (x: number): number => 2 * (x - 1) * (x + 2) + (x - 1) ** 2;
  allClose(cubicMinimum(0, f(0), slope(0), 3, f(3), slope(3)), 1, { rtol: 1e-12 });
  allClose(cubicMinimum(3, f(3), slope(3), 0, f(0), slope(0)), 1, { rtol: 1e-12 });
  is(cubicMinimum(0, f(0), slope(0), 3, f(3), slope(3), [1.5, 2]), 1.5);
  is(cubicMinimum(0, 0, 1, 1, 2 / 3, 1), 0.5);
  const found = strongWolfe((t) => ({ loss: f(t), slope: slope(t), gradient: t }), 0.1, { loss: f(0), slope: slope(0), gradient: 0 }, 1, 1e-9);
  ok(found.loss < f(0) + 1e-4 * found.step * slope(0) && Math.abs(found.slope) <= 0.9 * Math.abs(slope(0)));
  is(found.gradient, found.step);
});

test.run();

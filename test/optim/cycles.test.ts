import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  Adam, ArgumentError, ChainedScheduler, ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR, ExponentialLR, LBFGS, LinearLR, MultiplicativeLR, OneCycleLR,
  type Optimizer, type PlateauOptions, ReduceLROnPlateau, SGD, SequentialLR, StateError, StepLR, type Tensor, cat, tensor, zeros,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

interface Cycle {
  readonly name: 'OneCycleLR' | 'CyclicLR' | 'CosineAnnealingWarmRestarts';
  readonly optimizer: 'SGD' | 'Adam';
  readonly args: readonly (number | readonly number[])[];
  readonly options: object;
  readonly rows: readonly (readonly (readonly [number, number])[])[];
}

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as {
  readonly cycles: readonly Cycle[];
  readonly restarts: readonly (readonly number[])[];
  readonly metrics: readonly number[];
  readonly plateaus: readonly { readonly options: PlateauOptions; readonly rows: readonly (readonly number[])[]; readonly bad: number; readonly best: number }[];
  readonly sequential: readonly (readonly number[])[];
  readonly lbfgs: readonly { readonly options: object; readonly runs: readonly { readonly kind: string; readonly losses: readonly number[]; readonly end: readonly number[]; readonly evals: number; readonly iters: number }[] }[];
};

const tight = { rtol: 1e-12, atol: 1e-15 };
const groups = (): SGD => new SGD([{ params: [zeros([1])], lr: 0.1 }, { params: [zeros([1])], lr: 0.037 }], { momentum: 0.9 });
const rates = (optimizer: Optimizer): number[] => optimizer.paramGroups.map((g) => g.lr);

type Cyclic = OneCycleLR | CyclicLR | CosineAnnealingWarmRestarts;

function make({ name, args: [a, b], options }: Cycle, optimizer: Optimizer): Cyclic {
  if (name === 'OneCycleLR') return new OneCycleLR(optimizer, a, options);
  return name === 'CyclicLR' ? new CyclicLR(optimizer, a, b, options) : new CosineAnnealingWarmRestarts(optimizer, a as number, options);
}

const optimizerOf = ({ optimizer }: Cycle): SGD | Adam => (optimizer === 'SGD' ? groups() : new Adam([{ params: [zeros([1])], lr: 0.1 }, { params: [zeros([1])], lr: 0.037 }]));

for (const recorded of fixtures.cycles) {
  const title = `${recorded.name} ${JSON.stringify([recorded.optimizer, ...recorded.args, recorded.options])}`;
  const now = (optimizer: SGD | Adam): number[][] => optimizer.paramGroups.map((g) => [g.lr, 'betas' in g ? g.betas[0] : g.momentum]);

  test(`${title}: PyTorch's rates and momenta`, () => {
    const optimizer = optimizerOf(recorded);
    const scheduler = make(recorded, optimizer);
    recorded.rows.forEach((row, i) => {
      if (i > 0) scheduler.step();
      allClose(now(optimizer), row.map((pair) => [...pair]), tight);
    });
  });

  test(`${title}: resumed, the same bits`, () => {
    const [whole, other] = [optimizerOf(recorded), optimizerOf(recorded)];
    const [a, b] = [make(recorded, whole), make(recorded, other)];
    for (let i = 0; i < 9; i++) a.step();
    other.loadStateDict(JSON.parse(JSON.stringify(whole.stateDict())) as never);
    b.loadStateDict(JSON.parse(JSON.stringify(a.stateDict())) as never);
    for (let i = 0; i < 15; i++) {
      a.step();
      b.step();
      equal(now(other), now(whole));
    }
  });
}

test('warm restarts by fractions of an epoch', () => {
  const optimizer = groups();
  const scheduler = new CosineAnnealingWarmRestarts(optimizer, 3, { tMult: 2 });
  fixtures.restarts.forEach((row, i) => {
    scheduler.step(i / 4);
    allClose(rates(optimizer), row, tight);
  });
  throwsError(() => scheduler.step(-1), ArgumentError, /epoch/);
});

for (const { options, rows, bad, best } of fixtures.plateaus) {
  test(`ReduceLROnPlateau ${JSON.stringify(options)}: PyTorch's rates, also resumed`, () => {
    const optimizer = groups();
    let scheduler = new ReduceLROnPlateau(optimizer, options);
    rows.forEach((row, i) => {
      if (i === 9) {
        const saved = scheduler.stateDict();
        scheduler = new ReduceLROnPlateau(optimizer);
        scheduler.loadStateDict(saved);
      }
      scheduler.step(i % 2 === 0 ? fixtures.metrics[i] : tensor(fixtures.metrics[i], { dtype: 'float64' }));
      allClose(rates(optimizer), row, tight);
      equal(scheduler.getLastLr(), rates(optimizer));
    });
    is(scheduler.numBadEpochs, bad);
    is(scheduler.best, best);
  });
}

test('SequentialLR: PyTorch\'s rates, also resumed', () => {
  const build = (): [SGD, SequentialLR] => {
    const optimizer = groups();
    return [optimizer, new SequentialLR(optimizer, [new LinearLR(optimizer, { startFactor: 0.2, totalIters: 4 }), new CosineAnnealingLR(optimizer, 6), new ExponentialLR(optimizer, 0.8)], [5, 12])];
  };
  let [optimizer, scheduler] = build();
  fixtures.sequential.forEach((row, i) => {
    if (i > 0) scheduler.step();
    allClose(rates(optimizer), row, { rtol: 1e-11, atol: 1e-15 });
    if (i !== 8) return;
    const [other, resumed] = build();
    other.loadStateDict(optimizer.stateDict());
    resumed.loadStateDict(scheduler.stateDict());
    [optimizer, scheduler] = [other, resumed];
  });
});

test('ChainedScheduler steps all', () => {
  const [a, b] = [groups(), groups()];
  const chained = new ChainedScheduler([new ConstantLR(a, { factor: 0.5, totalIters: 3 }), new ExponentialLR(a, 0.9)]);
  const parts = [new ConstantLR(b, { factor: 0.5, totalIters: 3 }), new ExponentialLR(b, 0.9)];
  for (let i = 0; i < 6; i++) {
    equal(rates(a), rates(b));
    equal(chained.getLastLr(), rates(a));
    chained.step();
    for (const part of parts) part.step();
  }
  const again = groups();
  const resumed = new ChainedScheduler([new ConstantLR(again, { factor: 0.5, totalIters: 3 }), new ExponentialLR(again, 0.9)]);
  again.loadStateDict(a.stateDict());
  resumed.loadStateDict(chained.stateDict());
  resumed.step();
  chained.step();
  equal(rates(again), rates(a));
});

test('MultiplicativeLR', () => {
  const optimizer = groups();
  const scheduler = new MultiplicativeLR(optimizer, (t) => 1 / t);
  let factor = 1;
  for (let t = 0; t < 6; t++) {
    if (t > 0) {
      scheduler.step();
      factor /= t;
    }
    allClose(rates(optimizer), [0.1 * factor, 0.037 * factor], tight);
  }
});

test('a step to a given epoch uses the closed form', () => {
  const optimizer = groups();
  const scheduler = new StepLR(optimizer, 3, { gamma: 0.5 });
  scheduler.step(7);
  allClose(rates(optimizer), [0.025, 0.037 / 4], tight);
});

for (const { options, runs } of fixtures.lbfgs) {
  for (const run of runs) {
    test(`LBFGS ${JSON.stringify(options)} on a ${run.kind}: PyTorch's losses`, () => {
      const f64 = { dtype: 'float64' } as const;
      const [a, b] = [tensor([-1.5, 2], f64).requiresGrad_(), tensor([0.5], f64).requiresGrad_()];
      const slow = run.kind === 'rosenbrock' && !('lineSearchFn' in options) ? { lr: ('lr' in options ? Number(options.lr) : 1) * 1e-3 } : {};
      let optimizer = new LBFGS([a, b], { ...options, ...slow });
      const weights = tensor([1, 5, 0.3], f64);
      const closure = (): Tensor => {
        optimizer.zeroGrad();
        const v = cat([a, b]);
        const head = v.narrow(0, 0, 2);
        const loss = run.kind === 'quadratic' ? v.sub(0.7).square().mul(weights).sum().add(v.prod().mul(0.1)) : v.narrow(0, 1, 2).sub(head.square()).square().mul(100).add(head.rsub(1).square()).sum();
        loss.backward();
        return loss;
      };
      run.losses.forEach((expected, i) => {
        if (i === 2) {
          const saved = optimizer.stateDict();
          optimizer = new LBFGS([a, b], { ...options, ...slow });
          optimizer.loadStateDict(saved);
        }
        allClose(optimizer.step(closure), expected, { rtol: 1e-6, atol: 1e-12 });
      });
      allClose(cat([a, b]), run.end, { rtol: 1e-5, atol: 1e-7 });
      const { func_evals, n_iter } = optimizer.stateDict().state[0];
      is(func_evals, run.evals);
      is(n_iter, run.iters);
    });
  }
}

test('refusals', () => {
  const optimizer = groups();
  const before = rates(optimizer);
  throwsError(() => new OneCycleLR(optimizer, 0.1), ArgumentError, /length of the cycle/);
  throwsError(() => new OneCycleLR(optimizer, [0.1], { totalSteps: 10 }), ArgumentError, /maxLr/);
  throwsError(() => new OneCycleLR(optimizer, 0.1, { totalSteps: 10, pctStart: 2 }), ArgumentError, /pctStart/);
  throwsError(() => new CyclicLR(optimizer, 0.1, 1, { mode: 'square' as never }), ArgumentError, /mode/);
  throwsError(() => new CyclicLR(optimizer, 0.1, 1, { stepSizeUp: 0 }), ArgumentError, /stepSizeUp/);
  throwsError(() => new CosineAnnealingWarmRestarts(optimizer, 0), ArgumentError, /t0/);
  throwsError(() => new ReduceLROnPlateau(optimizer, { factor: 1 }), ArgumentError, /factor/);
  throwsError(() => new ReduceLROnPlateau(optimizer, { minLr: [1] }), ArgumentError, /minLr/);
  throwsError(() => new ReduceLROnPlateau(optimizer).step('low' as never), ArgumentError, /metric/);
  throwsError(() => new SequentialLR(optimizer, [new StepLR(optimizer, 2)], [3]), ArgumentError, /milestones/);
  throwsError(() => new SequentialLR(groups(), [new StepLR(optimizer, 2)], []), ArgumentError, /another optimizer/);
  throwsError(() => new ChainedScheduler([]), ArgumentError, /no schedulers/);
  throwsError(() => new ReduceLROnPlateau(optimizer).loadStateDict({}), StateError, /best/);
  equal(rates(optimizer), before);
  const short = new OneCycleLR(groups(), 0.1, { totalSteps: 2 });
  short.step();
  short.step();
  throwsError(() => short.step(), StateError, /cycle is over/);
  throwsError(() => new LBFGS([zeros([1])]).step(), ArgumentError, /closure/);
  throwsError(() => new LBFGS([{ params: [zeros([1])] }, { params: [zeros([1])] }]), ArgumentError, /several groups/);
  throwsError(() => new LBFGS([zeros([1])], { lineSearchFn: 'armijo' as never }), ArgumentError, /lineSearchFn/);
  ok(new LBFGS([zeros([2])], { maxIter: 8 }).paramGroups[0].maxEval === 10);
});

test.run();

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  ArgumentError, ConstantLR, CosineAnnealingLR, ExponentialLR, LRScheduler, LambdaLR, LinearLR, type LrLambda, MultiStepLR, MultiplicativeLR, type Optimizer, type OptimizerStateDict,
  PolynomialLR, SGD, SWALR, type SchedulerStateDict, StateError, StepLR, zeros,
} from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

interface Recorded {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, number>>;
  readonly lrs: readonly (readonly number[])[];
  readonly late: readonly (readonly number[])[];
  readonly state: SchedulerStateDict;
  readonly jumps: readonly (readonly number[])[];
}

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as {
  readonly schedulers: readonly Recorded[];
  readonly chained: readonly (readonly number[])[];
  readonly jumps: readonly (readonly [epoch: number, steps: number])[];
  readonly byFunction: Readonly<Record<string, { readonly rows: readonly (readonly number[])[]; readonly state: SchedulerStateDict }>>;
  readonly swa: readonly (readonly number[])[];
};

const tight = { rtol: 1e-12, atol: 1e-15 };
const groups = (): SGD => new SGD([{ params: [zeros([1])], lr: 0.1 }, { params: [zeros([1])], lr: 0.037 }]);
const rates = (optimizer: Optimizer): number[] => optimizer.paramGroups.map((g) => g.lr);

function make({ name, args: [first], options }: Recorded, optimizer: Optimizer, lastEpoch = -1): LRScheduler {
  const all = { ...options, lastEpoch };
  switch (name) {
    case 'StepLR': return new StepLR(optimizer, first as number, all);
    case 'MultiStepLR': return new MultiStepLR(optimizer, first as number[], all);
    case 'ExponentialLR': return new ExponentialLR(optimizer, first as number, all);
    case 'ConstantLR': return new ConstantLR(optimizer, all);
    case 'LinearLR': return new LinearLR(optimizer, all);
    case 'PolynomialLR': return new PolynomialLR(optimizer, all);
    default: return new CosineAnnealingLR(optimizer, first as number, all);
  }
}

for (const recorded of fixtures.schedulers) {
  const title = `${recorded.name} ${JSON.stringify([...recorded.args, recorded.options])}`;

  test(`${title}: PyTorch's rates over 120 epochs`, () => {
    const optimizer = groups();
    const scheduler = make(recorded, optimizer);
    for (const [i, expected] of recorded.lrs.entries()) {
      if (i > 0) scheduler.step();
      is(scheduler.lastEpoch, i);
      allClose(rates(optimizer), expected, tight);
      equal(scheduler.getLastLr(), rates(optimizer));
    }
    const { verbose: _, _get_lr_called_within_step: __, _last_lr: last, ...expected } = recorded.state;
    const { _last_lr: own, ...state } = scheduler.stateDict();
    equal(state, expected);
    allClose(own, last, tight);
  });

  test(`${title}: resumed from states, the same bits`, () => {
    const whole = groups();
    const scheduler = make(recorded, whole);
    for (let i = 0; i < 12; i++) scheduler.step();
    const saved = JSON.parse(JSON.stringify([whole.stateDict(), scheduler.stateDict()])) as [OptimizerStateDict, SchedulerStateDict];
    const optimizer = groups();
    const resumed = make({ ...recorded, args: [typeof recorded.args[0] === 'number' ? 2 : [1, 2]], options: {} }, optimizer);
    optimizer.loadStateDict(saved[0]);
    resumed.loadStateDict(saved[1]);
    for (let i = 0; i < 100; i++) {
      equal(rates(optimizer), rates(whole));
      scheduler.step();
      resumed.step();
    }
    equal(resumed.stateDict(), scheduler.stateDict());
  });

  test(`${title}: loads PyTorch's state and starts from lastEpoch`, () => {
    const optimizer = groups();
    make(recorded, optimizer).loadStateDict(recorded.state);
    const middle = new SGD(recorded.lrs[21].map((lr, i) => ({ params: [zeros([1])], lr, initialLr: recorded.state.base_lrs[i] })));
    const scheduler = make(recorded, middle, 20);
    for (const [i, expected] of recorded.late.entries()) {
      if (i > 0) scheduler.step();
      allClose(rates(middle), expected, tight);
    }
  });

  test(`${title}: steps to given epochs`, () => {
    const optimizer = groups();
    const scheduler = make(recorded, optimizer);
    let row = 0;
    for (const [epoch, steps] of fixtures.jumps) {
      scheduler.step(epoch);
      allClose(rates(optimizer), recorded.jumps[row++], tight);
      for (let i = 0; i < steps; i++) {
        scheduler.step();
        allClose(rates(optimizer), recorded.jumps[row++], tight);
      }
      is(scheduler.lastEpoch, epoch + steps);
    }
    throwsError(() => scheduler.step(-1), ArgumentError, /invalid epoch, got -1/);
    throwsError(() => scheduler.step(1.5), ArgumentError, /invalid epoch/);
  });
}

test('schedules on one optimizer multiply, and keep changes by hand', () => {
  const optimizer = groups();
  const schedulers = [
    new LinearLR(optimizer, { startFactor: 0.5, totalIters: 6 }), new ExponentialLR(optimizer, 0.99), new CosineAnnealingLR(optimizer, 70, { etaMin: 0.001 }),
    new MultiStepLR(optimizer, [30, 60], { gamma: 0.6 }),
  ];
  fixtures.chained.forEach((expected, i) => {
    if (i > 0) {
      for (const scheduler of schedulers) scheduler.step();
      if (i === 5) optimizer.paramGroups[0].lr *= 2;
    }
    allClose(rates(optimizer), expected, tight);
  });
});

const fall: LrLambda = (t) => 0.97 ** t;
const wave: LrLambda = (t) => 1 / (1 + 0.05 * (t % 7));
const byFunction: Readonly<Record<string, (optimizer: Optimizer) => LRScheduler>> = {
  LambdaLR: (optimizer) => new LambdaLR(optimizer, fall),
  'LambdaLR each': (optimizer) => new LambdaLR(optimizer, [fall, wave]),
  MultiplicativeLR: (optimizer) => new MultiplicativeLR(optimizer, wave),
  'MultiplicativeLR each': (optimizer) => new MultiplicativeLR(optimizer, [wave, fall]),
};

for (const [name, { rows, state }] of Object.entries(fixtures.byFunction)) {
  test(`${name}: PyTorch's rates, also resumed, and PyTorch's state`, () => {
    let optimizer = groups();
    let scheduler = byFunction[name](optimizer);
    rows.forEach((row, i) => {
      if (i > 0) scheduler.step();
      allClose(rates(optimizer), row, tight);
      if (i !== 50) return;
      const other = groups();
      const again = byFunction[name](other);
      other.loadStateDict(JSON.parse(JSON.stringify(optimizer.stateDict())) as OptimizerStateDict);
      again.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())) as SchedulerStateDict);
      [optimizer, scheduler] = [other, again];
    });
    const fresh = byFunction[name](groups());
    fresh.loadStateDict(state);
    is(fresh.lastEpoch, 120);
  });
}

test('MultiplicativeLR that goes on from lastEpoch leaves the rates as they are', () => {
  const optimizer = new SGD([{ params: [zeros([1])], lr: 0.5, initialLr: 1 }]);
  const scheduler = new MultiplicativeLR(optimizer, () => 0.5, { lastEpoch: 3 });
  equal([rates(optimizer), scheduler.lastEpoch], [[0.5], 4]);
  scheduler.step();
  equal(rates(optimizer), [0.25]);
});

test('a cosine and then the way to the rate of averages', () => {
  const optimizer = groups();
  const first = new CosineAnnealingLR(optimizer, 100);
  const scheduler = new SWALR(optimizer, [0.05, 0.2], { annealEpochs: 15 });
  fixtures.swa.forEach((row, i) => {
    (i < 40 ? first : scheduler).step();
    allClose(rates(optimizer), row, tight);
  });
});

test('LambdaLR: one function, or one per group', () => {
  const optimizer = groups();
  const scheduler = new LambdaLR(optimizer, [(t) => 0.95 ** t, (t) => 1 / (1 + t)]);
  for (let t = 0; t < 10; t++) {
    allClose(rates(optimizer), [0.1 * 0.95 ** t, 0.037 / (1 + t)], tight);
    scheduler.step();
  }
  const state = scheduler.stateDict();
  equal(state.lr_lambdas, [null, null]);
  const other = groups();
  const resumed = new LambdaLR(other, [(t) => 0.95 ** t, (t) => 1 / (1 + t)]);
  resumed.loadStateDict(state);
  scheduler.step();
  resumed.step();
  equal(rates(other), rates(optimizer));
  const one = groups();
  new LambdaLR(one, (t) => (t + 1) / 4);
  equal(rates(one), [0.1 / 4, 0.037 / 4]);
});

test('LambdaLR: a bad factor changes nothing', () => {
  const optimizer = groups();
  throwsError(() => new LambdaLR(optimizer, () => NaN), ArgumentError, /LambdaLR: invalid factor, got NaN/);
  equal(rates(optimizer), [0.1, 0.037]);
  equal(optimizer.paramGroups.map((g) => g.initialLr), [undefined, undefined]);
  const scheduler = new LambdaLR(optimizer, (t) => (t < 2 ? 1 : NaN));
  scheduler.step();
  throwsError(() => scheduler.step(), ArgumentError, /invalid factor/);
  is(scheduler.lastEpoch, 1);
  throwsError(() => new LambdaLR(groups(), [() => 1]), ArgumentError, /lrLambda.*one for each of 2 groups/);
});

test('the first scheduler sets initialLr, which the optimizer saves', () => {
  const optimizer = groups();
  new LinearLR(optimizer, { startFactor: 0.5 });
  equal(optimizer.stateDict().param_groups.map((g) => [g.lr, g.initial_lr]), [[0.05, 0.1], [0.0185, 0.037]]);
  const other = groups();
  other.loadStateDict(optimizer.stateDict());
  equal(other.paramGroups.map((g) => g.initialLr), [0.1, 0.037]);
});

test('a group that comes later joins in', () => {
  const optimizer = groups();
  const scheduler = new ExponentialLR(optimizer, 0.5);
  optimizer.addParamGroup({ params: [zeros([1])], lr: 8 });
  scheduler.step();
  equal(rates(optimizer), [0.05, 0.0185, 4]);
  equal(scheduler.baseLrs, [0.1, 0.037, 8]);
});

test('a schedule of your own', () => {
  class Halving extends LRScheduler {
    constructor(optimizer: Optimizer) {
      super(optimizer, {}, {});
    }
    protected override getLr(): number[] {
      return this.rates((lr) => (this.lastEpoch === 0 ? lr : lr / 2));
    }
  }
  const optimizer = groups();
  const scheduler = new Halving(optimizer);
  scheduler.step();
  equal(rates(optimizer), [0.05, 0.0185]);
});

test('refuses what makes no schedule, and sets nothing', () => {
  const optimizer = groups();
  const bad: [() => unknown, RegExp][] = [
    [() => new StepLR(optimizer, 0), /StepLR: invalid stepSize, got 0; expected an integer ≥ 1/],
    [() => new StepLR(optimizer, 2.5), /stepSize/],
    [() => new StepLR(optimizer, 2, { gamma: NaN }), /invalid gamma, got NaN/],
    [() => new StepLR(optimizer, 2, { gama: 1 } as object), /unknown option, got 'gama'[^]*did you mean 'gamma'/],
    [() => new MultiStepLR(optimizer, [1, -1]), /invalid milestones/],
    [() => new MultiStepLR(optimizer, 3 as never), /invalid milestones, got 3/],
    [() => new ExponentialLR(optimizer, Infinity), /invalid gamma/],
    [() => new ConstantLR(optimizer, { factor: 0 }), /invalid factor/],
    [() => new LinearLR(optimizer, { startFactor: 1.5 }), /invalid startFactor/],
    [() => new LinearLR(optimizer, { endFactor: -1 }), /invalid endFactor/],
    [() => new PolynomialLR(optimizer, { totalIters: 0 }), /invalid totalIters/],
    [() => new CosineAnnealingLR(optimizer, NaN), /invalid tMax/],
    [() => new CosineAnnealingLR(optimizer, 5, { lastEpoch: -2 }), /invalid lastEpoch, got -2/],
    [() => new CosineAnnealingLR({} as Optimizer, 5), /not an optimizer/],
    [() => new LambdaLR(optimizer, 0.5 as never), /invalid lrLambda/],
  ];
  for (const [fn, message] of bad) throwsError(fn, ArgumentError, message);
  throwsError(() => new StepLR(optimizer, 2, { lastEpoch: 3 }), StateError, /group 0 has no initialLr/);
  equal(rates(optimizer), [0.1, 0.037]);
});

test('a state that does not fit reports every difference and changes nothing', () => {
  const optimizer = groups();
  const scheduler = new StepLR(optimizer, 2);
  const before = scheduler.stateDict();
  const { gamma: _, ...rest } = before;
  throwsError(
    () => scheduler.loadStateDict({ ...rest, step_size: 0, base_lrs: [1], last_epoch: 1.5, extra: 1 }),
    StateError,
    /5 differences[^]*step_size: got 0[^]*missing: gamma[^]*unexpected: extra[^]*base_lrs: got \[1\][^]*last_epoch: got 1.5/,
  );
  throwsError(() => scheduler.loadStateDict(null as never), ArgumentError, /not a state dictionary/);
  equal(scheduler.stateDict(), before);
});

test.run();

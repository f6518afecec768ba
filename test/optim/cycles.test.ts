import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  Adagrad, Adam, ArgumentError, CosineAnnealingWarmRestarts, CyclicLR, type CyclicLROptions, LinearLR, OneCycleLR, type Optimizer, RMSprop, SGD, type SchedulerStateDict, SequentialLR, StateError, zeros,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

interface Cycle {
  readonly name: 'OneCycleLR' | 'CyclicLR' | 'CosineAnnealingWarmRestarts';
  readonly optimizer: 'SGD' | 'Adam';
  readonly args: readonly (number | readonly number[])[];
  readonly options: object;
  readonly rows: readonly (readonly (readonly [number, number])[])[];
  /** The state dictionary in row 45. */
  readonly state: SchedulerStateDict;
}

const fixtures = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as { readonly cycles: readonly Cycle[]; readonly restarts: readonly (readonly number[])[] };

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
    for (let i = 0; i < 37; i++) a.step();
    other.loadStateDict(JSON.parse(JSON.stringify(whole.stateDict())) as never);
    b.loadStateDict(JSON.parse(JSON.stringify(a.stateDict())) as never);
    for (let i = 0; i < 60; i++) {
      a.step();
      b.step();
      equal(now(other), now(whole));
    }
  });

  test(`${title}: goes on from PyTorch's state`, () => {
    const optimizer = optimizerOf(recorded);
    const scheduler = make(recorded, optimizer);
    scheduler.loadStateDict({ ...recorded.state, _is_initial: false });
    const own = scheduler.stateDict();
    for (const key of Object.keys(own)) ok(Object.hasOwn(recorded.state, key) || /^_anneal_func_type$|_momentums$/.test(key), `${key} is PyTorch's`);
    is(own.last_epoch, 45);
    for (const row of recorded.rows.slice(46)) {
      scheduler.step();
      allClose(now(optimizer), row.map((pair) => [...pair]), tight);
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

test('warm restarts go on from lastEpoch with their position', () => {
  const optimizer = new SGD([{ params: [zeros([1])], lr: 0.1, initialLr: 0.1 }]);
  const scheduler = new CosineAnnealingWarmRestarts(optimizer, 6, { lastEpoch: 2 });
  allClose(rates(optimizer), [0.05], tight);
  equal([scheduler.settings.tCur, scheduler.lastEpoch], [3, 3]);
});

const cyclic = (optimizer: Optimizer, options: CyclicLROptions): [number, number][] => {
  const scheduler = new CyclicLR(optimizer, 0.01, 0.1, { stepSizeUp: 3, stepSizeDown: 4, ...options });
  return Array.from({ length: 30 }, () => {
    scheduler.step();
    const [group] = optimizer.paramGroups;
    return [group.lr, 'betas' in group ? (group.betas as number[])[0] : Number(Reflect.get(group, 'momentum'))];
  });
};

test('CyclicLR moves the first beta of Adam as the momentum of SGD and RMSprop', () => {
  const p = zeros([1]);
  const expected = cyclic(new SGD([p]), {});
  equal(cyclic(new Adam([p]), {}), expected);
  equal(cyclic(new RMSprop([p]), {}), expected);
  const adam = new Adam([p]);
  cyclic(adam, { cycleMomentum: false });
  equal(adam.paramGroups[0].betas, [0.9, 0.999]);
});

test('CyclicLR with a scaleFn of the cycle or of the step', () => {
  const p = zeros([1]);
  equal(cyclic(new SGD([p]), { scaleFn: (n) => 2 ** (1 - n), mode: 'exp_range' }), cyclic(new SGD([p]), { mode: 'triangular2' }));
  equal(cyclic(new SGD([p]), { scaleFn: (n) => 0.9 ** n, scaleMode: 'iterations' }), cyclic(new SGD([p]), { mode: 'exp_range', gamma: 0.9 }));
});

test('CyclicLR leaves the rate that an earlier schedule starts from', () => {
  const optimizer = new SGD([zeros([1])], { lr: 0.5 });
  const first = new LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
  const second = new CyclicLR(optimizer, 0.01, 0.1, { stepSizeUp: 2 });
  const both = new SequentialLR(optimizer, [first, second], [3]);
  const seen = [rates(optimizer)[0]];
  for (let i = 0; i < 6; i++) {
    both.step();
    seen.push(rates(optimizer)[0]);
  }
  allClose(seen, [0.25, 0.375, 0.5, 0.01, 0.055, 0.1, 0.055], tight);
});

test('OneCycleLR reads the phases of a state', () => {
  const [a, b] = [groups(), groups()];
  const scheduler = new OneCycleLR(a, 0.3, { totalSteps: 20, pctStart: 0.5, annealStrategy: 'linear', threePhase: true });
  const other = new OneCycleLR(b, 0.3, { totalSteps: 20 });
  other.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())) as SchedulerStateDict);
  for (let i = 0; i < 19; i++) {
    scheduler.step();
    other.step();
    equal(rates(b), rates(a));
  }
  const before = JSON.stringify(other.stateDict());
  throwsError(() => other.loadStateDict({ ...scheduler.stateDict(), _schedule_phases: [{ end_step: 3 }] }), StateError, /_schedule_phases/);
  is(JSON.stringify(other.stateDict()), before);
});

test('refusals change nothing', () => {
  const optimizer = groups();
  const shown = (): string => JSON.stringify(optimizer.paramGroups.map(({ params: _, ...rest }) => rest));
  const before = shown();
  const bad: [() => unknown, RegExp][] = [
    [() => new OneCycleLR(optimizer, 0.1), /length of the cycle/],
    [() => new OneCycleLR(optimizer, [0.1], { totalSteps: 10 }), /maxLr/],
    [() => new OneCycleLR(optimizer, 0.1, { totalSteps: 0 }), /totalSteps/],
    [() => new OneCycleLR(optimizer, 0.1, { epochs: 2.5, stepsPerEpoch: 4 }), /length of the cycle/],
    [() => new OneCycleLR(optimizer, 0.1, { totalSteps: 10, pctStart: 2 }), /pctStart/],
    [() => new OneCycleLR(optimizer, 0.1, { totalSteps: 10, pctStart: 0.1 }), /the rise has no length/],
    [() => new OneCycleLR(optimizer, 0.1, { totalSteps: 10, divFactor: 0 }), /divFactor/],
    [() => new OneCycleLR(optimizer, 0.1, { totalSteps: 10, annealStrategy: 'exp' as never }), /annealStrategy/],
    [() => new OneCycleLR(optimizer, 0.1, { totalSteps: 10, lastEpoch: -2 }), /lastEpoch/],
    [() => new OneCycleLR(optimizer, 0.1, { totalSteps: 10, steps: 1 } as never), /unknown option/],
    [() => new CyclicLR(optimizer, 0.1, 1, { mode: 'square' as never }), /mode/],
    [() => new CyclicLR(optimizer, 0.1, 1, { stepSizeUp: 0 }), /stepSizeUp/],
    [() => new CyclicLR(optimizer, [0.1], 1), /baseLr/],
    [() => new CyclicLR(optimizer, 0.1, 1, { gamma: NaN }), /gamma/],
    [() => new CyclicLR(optimizer, 0.1, 1, { scaleFn: 1 as never }), /scaleFn/],
    [() => new CyclicLR(optimizer, 0.1, 1, { scaleFn: () => 1, scaleMode: 'epoch' as never }), /scaleMode/],
    [() => new CyclicLR(optimizer, 0.1, 1, { cycleMomentum: 1 as never }), /cycleMomentum/],
    [() => new CosineAnnealingWarmRestarts(optimizer, 0), /t0/],
    [() => new CosineAnnealingWarmRestarts(optimizer, 2, { tMult: 1.5 }), /tMult/],
  ];
  for (const [make, message] of bad) {
    throwsError(make, ArgumentError, message);
    is(shown(), before);
  }
  const plain = new Adagrad([zeros([1])]);
  throwsError(() => new CyclicLR(plain, 0.1, 1), StateError, /no momentum, got Adagrad/);
  throwsError(() => new OneCycleLR(plain, 0.1, { totalSteps: 10 }), StateError, /no momentum, got Adagrad/);
  new CyclicLR(plain, 0.1, 1, { cycleMomentum: false });
  const short = new OneCycleLR(groups(), 0.1, { totalSteps: 2 });
  short.step();
  short.step();
  throwsError(() => short.step(), StateError, /cycle is over/);
  is(short.lastEpoch, 2);
});

test.run();

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  ArgumentError, ChainedScheduler, ConstantLR, CosineAnnealingLR, ExponentialLR, LinearLR, type NestedStateDict, type Optimizer, ReduceLROnPlateau, SGD, SWALR, SequentialLR, StateError, StepLR, zeros,
} from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

const { sequential } = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as {
  readonly sequential: { readonly rows: readonly (readonly number[])[]; readonly state: NestedStateDict };
};

const tight = { rtol: 1e-12, atol: 1e-15 };
const groups = (): SGD => new SGD([{ params: [zeros([1])], lr: 0.1 }, { params: [zeros([1])], lr: 0.037 }]);
const rates = (optimizer: Optimizer): number[] => optimizer.paramGroups.map((g) => g.lr);

function build(): [SGD, SequentialLR] {
  const optimizer = groups();
  return [optimizer, new SequentialLR(optimizer, [new LinearLR(optimizer, { startFactor: 0.2, totalIters: 4 }), new CosineAnnealingLR(optimizer, 40), new ExponentialLR(optimizer, 0.95)], [5, 60])];
}

test("SequentialLR: PyTorch's rates", () => {
  const [optimizer, scheduler] = build();
  sequential.rows.forEach((row, i) => {
    if (i > 0) scheduler.step();
    allClose(rates(optimizer), row, tight);
    equal(scheduler.getLastLr(), rates(optimizer));
    is(scheduler.lastEpoch, i);
  });
});

test('SequentialLR resumes within every part, the same bits', () => {
  for (const at of [0, 3, 4, 5, 6, 30, 59, 60, 80]) {
    const [optimizer, scheduler] = build();
    for (let i = 0; i < at; i++) scheduler.step();
    const [other, resumed] = build();
    other.loadStateDict(JSON.parse(JSON.stringify(optimizer.stateDict())) as never);
    resumed.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())) as never);
    for (let i = at; i < 100; i++) {
      scheduler.step();
      resumed.step();
      equal(rates(other), rates(optimizer));
    }
    equal(resumed.stateDict(), scheduler.stateDict());
  }
});

test("SequentialLR goes on from PyTorch's state", () => {
  const optimizer = groups();
  const scheduler = new SequentialLR(optimizer, [new LinearLR(optimizer), new CosineAnnealingLR(optimizer, 7), new ExponentialLR(optimizer, 0.5)], [1, 2]);
  scheduler.loadStateDict(sequential.state);
  optimizer.paramGroups.forEach((group, i) => (group.lr = sequential.rows[31][i]));
  equal(scheduler.milestones, [5, 60]);
  for (const row of sequential.rows.slice(32)) {
    scheduler.step();
    allClose(rates(optimizer), row, tight);
  }
});

test('a part that begins counts its steps from there', () => {
  const optimizer = new SGD([zeros([1])], { lr: 1 });
  const scheduler = new SequentialLR(optimizer, [new ConstantLR(optimizer, { factor: 0.5, totalIters: 9 }), new SWALR(optimizer, 0.1, { annealEpochs: 2, annealStrategy: 'linear' })], [2]);
  const seen = [rates(optimizer)[0]];
  for (let i = 0; i < 5; i++) {
    scheduler.step();
    seen.push(rates(optimizer)[0]);
  }
  allClose(seen, [0.5, 0.5, 0.5, 0.3, 0.1, 0.1], tight);
});

test('parts that begin at once, and an empty part between', () => {
  const optimizer = new SGD([zeros([1])], { lr: 1 });
  const scheduler = new SequentialLR(optimizer, [new ConstantLR(optimizer, { factor: 0.5 }), new ExponentialLR(optimizer, 0.1), new ExponentialLR(optimizer, 0.5)], [2, 2]);
  const seen = [rates(optimizer)[0]];
  for (let i = 0; i < 3; i++) {
    scheduler.step();
    seen.push(rates(optimizer)[0]);
  }
  allClose(seen, [0.5, 0.5, 1, 0.5], tight);
});

const chain = (optimizer: Optimizer): (ConstantLR | ExponentialLR)[] => [new ConstantLR(optimizer, { factor: 0.5, totalIters: 3 }), new ExponentialLR(optimizer, 0.9)];

test('ChainedScheduler steps all, also resumed', () => {
  const [a, b] = [groups(), groups()];
  const chained = new ChainedScheduler(chain(a));
  const parts = chain(b);
  for (let i = 0; i < 6; i++) {
    equal(rates(a), rates(b));
    equal(chained.getLastLr(), rates(a));
    chained.step();
    for (const part of parts) part.step();
  }
  const again = groups();
  const resumed = new ChainedScheduler(chain(again), again);
  again.loadStateDict(a.stateDict());
  resumed.loadStateDict(JSON.parse(JSON.stringify(chained.stateDict())) as NestedStateDict);
  for (let i = 0; i < 5; i++) {
    resumed.step();
    chained.step();
    equal(rates(again), rates(a));
  }
});

test('a chain is the first part of a sequence', () => {
  const [a, b] = [groups(), groups()];
  const sequence = new SequentialLR(a, [new ChainedScheduler(chain(a)), new StepLR(a, 2)], [4]);
  const alone = chain(b);
  for (let i = 0; i < 4; i++) {
    allClose(rates(a), rates(b), tight);
    sequence.step();
    for (const part of alone) part.step();
  }
  allClose(rates(a), [0.1, 0.037], tight);
});

test('refusals change nothing', () => {
  const optimizer = groups();
  const step = new StepLR(optimizer, 2);
  const chained = new ChainedScheduler([step]);
  const bad: [() => unknown, RegExp][] = [
    [() => new SequentialLR(optimizer, [step], [3]), /milestones/],
    [() => new SequentialLR(optimizer, [step, step, step], [3, 2]), /milestones/],
    [() => new SequentialLR(groups(), [step], []), /another optimizer/],
    [() => new SequentialLR(optimizer, [], []), /no schedulers/],
    [() => new SequentialLR(optimizer, [step, chained], [3]), /scheduler 1 cannot begin later, got ChainedScheduler/],
    [() => new SequentialLR(optimizer, [new ReduceLROnPlateau(optimizer)] as never, []), /needs a metric/],
    [() => new ChainedScheduler([]), /no schedulers/],
    [() => new ChainedScheduler([step, new ReduceLROnPlateau(optimizer) as never]), /scheduler 1 needs a metric/],
    [() => new ChainedScheduler([step, new StepLR(groups(), 1)]), /another optimizer/],
    [() => new ChainedScheduler([{}] as never), /no scheduler/],
  ];
  for (const [make, message] of bad) throwsError(make, ArgumentError, message);
  equal([rates(optimizer), step.lastEpoch], [[0.1, 0.037], 0]);
  const [, sequence] = build();
  const before = JSON.stringify(sequence.stateDict());
  const good = sequence.stateDict();
  for (const part of [{ _schedulers: [] }, { last_epoch: 'x' }, { _milestones: [1] }, { _last_lr: [1] }, { _schedulers: [good._schedulers[1], good._schedulers[1], good._schedulers[2]] }]) {
    throwsError(() => sequence.loadStateDict({ ...good, ...part }), StateError, /the state does not match/);
    is(JSON.stringify(sequence.stateDict()), before);
  }
});

test.run();

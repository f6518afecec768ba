import { test } from 'uvu';
import {
  ChainedScheduler, ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, MultiplicativeLR, OneCycleLR, type Optimizer, PolynomialLR, SGD, SWALR,
  SequentialLR, StepLR, deepCopy, packCheckpoint, unpackCheckpoint, zeros,
} from '../../index.ts';
import { equal } from '../assert.ts';

// What all schedules have in common.

const rates = (optimizer: Optimizer): number[] => optimizer.paramGroups.map((g) => g.lr);

const kinds: Readonly<Record<string, (optimizer: Optimizer) => Schedule>> = {
  StepLR: (o) => new StepLR(o, 3),
  MultiStepLR: (o) => new MultiStepLR(o, [2, 9]),
  ConstantLR: (o) => new ConstantLR(o, { totalIters: 12 }),
  LinearLR: (o) => new LinearLR(o, { totalIters: 12 }),
  ExponentialLR: (o) => new ExponentialLR(o, 0.9),
  PolynomialLR: (o) => new PolynomialLR(o, { totalIters: 20, power: 1.5 }),
  CosineAnnealingLR: (o) => new CosineAnnealingLR(o, 6),
  LambdaLR: (o) => new LambdaLR(o, (t) => 0.97 ** t),
  MultiplicativeLR: (o) => new MultiplicativeLR(o, (t) => 1 / (1 + 0.05 * (t % 7))),
  SWALR: (o) => new SWALR(o, 0.01, { annealEpochs: 12 }),
  OneCycleLR: (o) => new OneCycleLR(o, 0.5, { totalSteps: 30 }),
  CyclicLR: (o) => new CyclicLR(o, 0.01, 0.3, { stepSizeUp: 4 }),
  CosineAnnealingWarmRestarts: (o) => new CosineAnnealingWarmRestarts(o, 4, { tMult: 2 }),
  ChainedScheduler: (o) => new ChainedScheduler([new LinearLR(o), new ExponentialLR(o, 0.9)]),
  SequentialLR: (o) => new SequentialLR(o, [new LinearLR(o), new ExponentialLR(o, 0.9)], [8]),
};

interface Schedule {
  step(): void;
  getLastLr(): number[];
  stateDict(): object;
  loadStateDict(state: never): void;
}

for (const [name, make] of Object.entries(kinds)) {
  test(`${name}: goes on from a file, and as a deep copy, to the same bits`, () => {
    const optimizer = new SGD([{ params: [zeros([1])], lr: 0.1 }, { params: [zeros([1])], lr: 0.037 }], { momentum: 0.9 });
    const scheduler = make(optimizer);
    for (let i = 0; i < 10; i++) scheduler.step();
    const [twin, twins] = deepCopy([optimizer, scheduler] as const);
    const other = new SGD([{ params: [zeros([1])], lr: 0.1 }, { params: [zeros([1])], lr: 0.037 }], { momentum: 0.9 });
    const loaded = make(other);
    unpackCheckpoint(packCheckpoint({ optimizer, scheduler }), { optimizer: other, scheduler: loaded });
    const now = (o: SGD): number[][] => o.paramGroups.map(({ lr, momentum }) => [lr, momentum]);
    for (let i = 0; i < 15; i++) {
      equal(now(other), now(optimizer));
      equal(now(twin), now(optimizer));
      equal(loaded.getLastLr(), rates(optimizer));
      for (const one of [scheduler, twins, loaded]) one.step();
    }
  });
}

test.run();

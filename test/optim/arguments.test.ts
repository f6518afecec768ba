import { test } from 'uvu';
import {
  ASGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, ArgumentError, ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR, ExponentialLR, LBFGS, type LRScheduler, LambdaLR, LinearLR,
  MultiStepLR, MultiplicativeLR, Muon, NAdam, OneCycleLR, type Optimizer, Parameter, PolynomialLR, RAdam, RMSprop, ReduceLROnPlateau, Rprop, SGD, SWALR, SequentialLR, StepLR, zeros,
} from '../../index.ts';
import { equal, is, throwsError } from '../assert.ts';

// As in PyTorch, what stands by place may be given by name, and the other way round.

const sgd = (): SGD => new SGD([new Parameter(zeros([2]))], { lr: 1, momentum: 0.9 });

/** The rates of eight epochs. */
function ratesOf(make: (optimizer: Optimizer) => { step(): void }): number[] {
  const optimizer = sgd();
  const scheduler = make(optimizer);
  return Array.from({ length: 8 }, () => {
    const { lr } = optimizer.paramGroups[0];
    scheduler.step();
    return lr;
  });
}

const half = (epoch: number): number => 0.5 ** epoch;

/** Forms of the same schedule. */
const forms: Readonly<Record<string, readonly ((o: Optimizer) => LRScheduler)[]>> = {
  StepLR: [(o) => new StepLR(o, 3, 0.5), (o) => new StepLR(o, 3, { gamma: 0.5 }), (o) => new StepLR(o, { stepSize: 3, gamma: 0.5 }), (o) => new StepLR(o, 3, 0.5, -1)],
  MultiStepLR: [(o) => new MultiStepLR(o, [2, 5], 0.5), (o) => new MultiStepLR(o, [2, 5], { gamma: 0.5 }), (o) => new MultiStepLR(o, { milestones: [2, 5], gamma: 0.5 })],
  ExponentialLR: [(o) => new ExponentialLR(o, 0.5), (o) => new ExponentialLR(o, { gamma: 0.5 }), (o) => new ExponentialLR(o, 0.5, { lastEpoch: -1 })],
  ConstantLR: [(o) => new ConstantLR(o, 0.5, 4), (o) => new ConstantLR(o, 0.5, { totalIters: 4 }), (o) => new ConstantLR(o, { factor: 0.5, totalIters: 4 })],
  LinearLR: [(o) => new LinearLR(o, 0.5, 0.25, 4), (o) => new LinearLR(o, { startFactor: 0.5, endFactor: 0.25, totalIters: 4 })],
  PolynomialLR: [(o) => new PolynomialLR(o, 6, 2), (o) => new PolynomialLR(o, { totalIters: 6, power: 2 })],
  CosineAnnealingLR: [(o) => new CosineAnnealingLR(o, 5, 0.1), (o) => new CosineAnnealingLR(o, 5, { etaMin: 0.1 }), (o) => new CosineAnnealingLR(o, { tMax: 5, etaMin: 0.1 })],
  CosineAnnealingWarmRestarts: [(o) => new CosineAnnealingWarmRestarts(o, 2, 2, 0.1), (o) => new CosineAnnealingWarmRestarts(o, { t0: 2, tMult: 2, etaMin: 0.1 })],
  OneCycleLR: [(o) => new OneCycleLR(o, 0.5, 9), (o) => new OneCycleLR(o, 0.5, null, 3, 3), (o) => new OneCycleLR(o, { maxLr: 0.5, epochs: 3, stepsPerEpoch: 3 }), (o) => new OneCycleLR(o, 0.5, { totalSteps: 9 })],
  CyclicLR: [(o) => new CyclicLR(o, 0.1, 1, 3, 2), (o) => new CyclicLR(o, 0.1, 1, { stepSizeUp: 3, stepSizeDown: 2 }), (o) => new CyclicLR(o, { baseLr: 0.1, maxLr: 1, stepSizeUp: 3, stepSizeDown: 2 })],
  LambdaLR: [(o) => new LambdaLR(o, half), (o) => new LambdaLR(o, { lrLambda: half }), (o) => new LambdaLR(o, [half], -1)],
  MultiplicativeLR: [(o) => new MultiplicativeLR(o, () => 0.5), (o) => new MultiplicativeLR(o, { lrLambda: () => 0.5 })],
  SWALR: [(o) => new SWALR(o, 0.05, 4, 'linear'), (o) => new SWALR(o, 0.05, { annealEpochs: 4, annealStrategy: 'linear' }), (o) => new SWALR(o, { swaLr: 0.05, annealEpochs: 4, annealStrategy: 'linear' })],
};

for (const [name, list] of Object.entries(forms)) {
  test(`${name} takes its settings by place and by name`, () => {
    const [first, ...others] = list.map((make) => ratesOf(make));
    is(new Set(first).size > 1, true);
    for (const rates of others) equal(rates, first);
  });
}

test('schedulers of schedulers, and of a metric', () => {
  const parts = (o: Optimizer): LRScheduler[] => [new ConstantLR(o, 0.1, 2), new ExponentialLR(o, 0.9)];
  equal(ratesOf((o) => new SequentialLR(o, { schedulers: parts(o), milestones: [3] })), ratesOf((o) => new SequentialLR(o, parts(o), [3])));
  const plateaus = [(o: Optimizer) => new ReduceLROnPlateau(o, 'max', 0.5, 1), (o: Optimizer) => new ReduceLROnPlateau(o, { mode: 'max', factor: 0.5, patience: 1 }), (o: Optimizer) => new ReduceLROnPlateau(o, 'max', { factor: 0.5, patience: 1 })];
  for (const make of plateaus) {
    const optimizer = sgd();
    const scheduler = make(optimizer);
    for (const metric of [3, 2, 1, 0]) scheduler.step(metric);
    equal([scheduler.mode, scheduler.factor, scheduler.patience, optimizer.paramGroups[0].lr], ['max', 0.5, 1, 0.5]);
  }
});

test('optimizers take the rate by place', () => {
  const matrix = (): Parameter[] => [new Parameter(zeros([2, 2]))];
  for (const Kind of [SGD, Adam, AdamW, Adamax, NAdam, RAdam, RMSprop, Rprop, Adagrad, Adadelta, ASGD, LBFGS, Adafactor, Muon]) {
    is(new Kind(matrix(), 0.25).paramGroups[0].lr, 0.25, Kind.name);
    is(new Kind(matrix(), { lr: 0.25 }).paramGroups[0].lr, 0.25, Kind.name);
  }
  const { lr, momentum } = new SGD(matrix(), 0.5, { momentum: 0.9 }).paramGroups[0];
  equal([lr, momentum], [0.5, 0.9]);
});

test('what is given twice, has no place or no name is refused', () => {
  const optimizer = sgd();
  const wrong: readonly (() => unknown)[] = [
    () => new StepLR(optimizer, 3, Object({ stepSize: 3 })),
    () => void Reflect.construct(StepLR, [optimizer, 3, 0.1, -1, 4]),
    () => new StepLR(optimizer, 3, Object({ gama: 3 })),
    () => void Reflect.construct(StepLR, [optimizer]),
    () => new ReduceLROnPlateau(optimizer, 'max', Object({ mode: 'max' })),
    () => new SGD([new Parameter(zeros([2]))], 0.1, Object({ lr: 0.1 })),
    () => void Reflect.construct(SGD, [[new Parameter(zeros([2]))], 0.1, 0.9]),
  ];
  for (const call of wrong) throwsError(call, ArgumentError, /^(StepLR|ReduceLROnPlateau|SGD): (stepSize was given twice|mode was given twice|lr was given twice|options are not|unknown option, got 'gama'|invalid stepSize, got undefined)/);
  is(optimizer.paramGroups[0].lr, 1);
});

test.run();

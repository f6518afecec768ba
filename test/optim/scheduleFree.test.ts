import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import { AdamWScheduleFree, ArgumentError, type OptimizerStateDict, Parameter, SGDScheduleFree, StateError, type Tensor, deepCopy, tensor } from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

const recorded = (JSON.parse(readFileSync(new URL('../fixtures/schedule_free.json', import.meta.url), 'utf8')) as { readonly scheduleFree: Readonly<Record<string, { readonly x: readonly number[][]; readonly y: readonly number[][] }>> }).scheduleFree;

const [A, B] = [[1, 3, 0.2, 10], [0.5, -1, 2, 0.1]];
const fresh = (): Parameter => new Parameter(tensor([1, -2, 0.5, 3], { dtype: 'float64' }));

/** The gradient that the recordings were made with. */
function setGradient(p: Tensor, step: number): void {
  p.grad = tensor(Array.from(p.data(), (v, i) => A[i] * v - B[i] + 0.1 * Math.cos(step)), { dtype: 'float64' });
}

const close = (p: Tensor, expected: readonly number[]): void => allClose(p, expected, { rtol: 1e-12, atol: 1e-12 });

const makers = {
  sgd: (p: Parameter) => new SGDScheduleFree([p], { lr: 0.05 }),
  sgdDecay: (p: Parameter) => new SGDScheduleFree([p], { lr: 0.03, momentum: 0.7, weightDecay: 0.1, warmupSteps: 5, r: 1, weightLrPower: 1 }),
  adamw: (p: Parameter) => new AdamWScheduleFree([p], { lr: 0.05 }),
  adamwDecay: (p: Parameter) => new AdamWScheduleFree([p], { lr: 0.1, betas: [0.95, 0.99], weightDecay: 0.05, warmupSteps: 10 }),
} as const;

for (const [name, make] of Object.entries(makers)) {
  test(`schedule-free ${name}: 25 steps and their average are those of the paper's sequences`, () => {
    const p = fresh();
    const optimizer = make(p);
    const { x, y } = recorded[name];
    for (let step = 0; step < 25; step++) {
      setGradient(p, step);
      optimizer.step();
      close(p, y[step]);
      optimizer.eval();
      optimizer.eval();
      close(p, x[step]);
      optimizer.train();
      close(p, y[step]);
    }
  });

  test(`schedule-free ${name}: a run that was saved and loaded goes on with the same bits`, () => {
    const [p, q] = [fresh(), fresh()];
    const [a, b] = [make(p), make(q)];
    for (let step = 0; step < 5; step++) {
      setGradient(p, step);
      a.step();
    }
    q.detach().copy_(p.detach());
    b.loadStateDict(a.stateDict());
    for (let step = 5; step < 10; step++) {
      for (const [w, optimizer] of [[p, a], [q, b]] as const) {
        setGradient(w, step);
        optimizer.step();
      }
    }
    equal(q.data(), p.data());
    equal([b.paramGroups[0].k, b.paramGroups[0].trainMode], [10, true]);
  });
}

test('schedule-free: a step on the average is refused, and nothing moves', () => {
  const p = fresh();
  const optimizer = new SGDScheduleFree([p], { lr: 0.1 });
  setGradient(p, 0);
  optimizer.step();
  optimizer.eval();
  const before = p.data();
  setGradient(p, 1);
  let calls = 0;
  throwsError(() => optimizer.step(() => calls++), StateError, /evaluation mode[\s\S]*train\(\)/);
  is(calls, 0, 'the closure would take gradients at the average');
  equal([p.data(), optimizer.paramGroups[0].k], [before, 1]);
  optimizer.train();
  optimizer.step();
});

test('schedule-free: options out of range, and counters, are refused', () => {
  const p = fresh();
  throwsError(() => new SGDScheduleFree([p], { momentum: 0 }), ArgumentError, /momentum/);
  throwsError(() => new AdamWScheduleFree([p], { betas: [0, 0.9] }), ArgumentError, /betas\[0\]/);
  throwsError(() => new AdamWScheduleFree([p], { warmupSteps: -1 }), ArgumentError, /warmupSteps/);
  // @ts-expect-error a counter
  throwsError(() => new SGDScheduleFree([p], { k: 3 }), ArgumentError, /unknown option, got 'k'/);
  // @ts-expect-error a counter
  throwsError(() => new SGDScheduleFree([{ params: [p], weightSum: 3 }]), ArgumentError, /weightSum is counted, got 3/);
  const optimizer = new SGDScheduleFree([p]);
  throwsError(() => optimizer.addParamGroup({ params: [fresh()], trainMode: false }), ArgumentError, /trainMode is counted/);
  is(optimizer.paramGroups.length, 1);
});

test('schedule-free: the average is the weighted mean of the fast sequence', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: 0.01, max: 1, noNaN: true })), { minLength: 1, maxLength: 12 }),
      fc.constantFrom(0, 1, 2),
      fc.constantFrom(0, 2),
      (steps, r, weightLrPower) => {
        const p = new Parameter(tensor([0.5], { dtype: 'float64' }));
        const optimizer = new SGDScheduleFree([p], { momentum: 0.8, r, weightLrPower });
        let [sum, weights, largest] = [0, 0, 0];
        steps.forEach(([gradient, lr], i) => {
          p.grad = tensor([gradient], { dtype: 'float64' });
          optimizer.paramGroups[0].lr = lr;
          optimizer.step();
          largest = Math.max(largest, lr);
          const weight = (i + 1) ** r * largest ** weightLrPower;
          weights += weight;
          sum += weight * (optimizer.state.get(p)?.z.item() ?? NaN);
        });
        optimizer.eval();
        allClose(p, [sum / weights], { rtol: 1e-9, atol: 1e-9 });
      },
    ),
  );
});

test('schedule-free: groups count on their own, and parameters without a gradient or of another dtype join in later', () => {
  const [p, q, s] = [fresh(), new Parameter(tensor([1, 2])), fresh()];
  const optimizer = new AdamWScheduleFree([{ params: [p, q] }, { params: [s], betas: [0.5, 0.9], warmupSteps: 4 }], { lr: 0.1 });
  setGradient(p, 0);
  optimizer.step();
  equal(optimizer.paramGroups.map(({ k }) => k), [1, 0]);
  equal([optimizer.state.has(q), optimizer.state.has(s)], [false, false]);
  q.grad = tensor([1, -1]);
  setGradient(s, 0);
  optimizer.step();
  equal(optimizer.paramGroups.map(({ k, scheduledLr }) => [k, scheduledLr]), [[2, 0.1], [1, 0.025]]);
  const y = [p, q, s].map((x) => x.data());
  optimizer.eval();
  optimizer.train();
  [p, q, s].forEach((x, i) => allClose(x, y[i], { rtol: 1e-6 }));
});

test('schedule-free: a parameter that changes dtype takes its state along', () => {
  const p = new Parameter(tensor([1, 2]));
  const optimizer = new SGDScheduleFree([p], { lr: 0.1 });
  p.grad = tensor([1, 1]);
  optimizer.step();
  p.assign_(p.detach().to('float64'));
  optimizer.eval();
  optimizer.train();
  p.grad = tensor([1, 1], { dtype: 'float64' });
  optimizer.step();
  is(optimizer.state.get(p)?.z.dtype, 'float64');
  // z: 0.8, 1.8; x: the mean of 0.9 and 0.8; y: 0.1·z + 0.9·x
  allClose(p, [0.845, 1.845], { rtol: 1e-6 });
});

test('schedule-free: a deep copy goes on by itself', () => {
  const p = fresh();
  const optimizer = new AdamWScheduleFree([p], { lr: 0.1 });
  setGradient(p, 0);
  optimizer.step();
  const copied = deepCopy({ p, optimizer });
  const before = p.data();
  setGradient(copied.p, 1);
  copied.optimizer.step();
  equal([p.data(), optimizer.paramGroups[0].k], [before, 1]);
  setGradient(p, 1);
  optimizer.step();
  equal(copied.p.data(), p.data());
});

test('schedule-free: states of the package schedulefree load, old and new, also in evaluation mode', () => {
  const p = fresh();
  const optimizer = new AdamWScheduleFree([p]);
  const group = {
    lr: 0.1, betas: [0.95, 0.99], eps: 1e-8, r: 0, k: 25, warmup_steps: 10, train_mode: false, weight_sum: 0.1885, lr_max: 0.1, scheduled_lr: 0.1, weight_lr_power: 2,
    weight_decay: 0.05, inner_momentum: 0, foreach: true, params: [0],
  };
  const state = { 0: { z: fresh(), exp_avg_sq: fresh() } };
  optimizer.loadStateDict({ state, param_groups: [group] });
  equal([optimizer.paramGroups[0].k, optimizer.paramGroups[0].trainMode, optimizer.paramGroups[0].scheduledLr], [25, false, 0.1]);
  const { scheduled_lr: _, inner_momentum: __, ...old } = group;
  optimizer.loadStateDict({ state, param_groups: [{ ...old, k: 3 }] });
  equal([optimizer.paramGroups[0].k, optimizer.paramGroups[0].scheduledLr], [3, 0]);
  throwsError(() => optimizer.loadStateDict({ state, param_groups: [{ ...group, inner_momentum: 0.9 }] }), StateError, /inner_momentum/);
  throwsError(() => optimizer.loadStateDict({ state, param_groups: [{ ...group, k: -1 }] }), StateError, /k/);
  throwsError(() => optimizer.loadStateDict({ state: {} } as OptimizerStateDict), ArgumentError, /not a state dictionary/);
  is(optimizer.paramGroups[0].k, 3);
});

test.run();

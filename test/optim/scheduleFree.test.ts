import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { AdamWScheduleFree, ArgumentError, Lookahead, Parameter, SGD, SGDScheduleFree, SWALR, StateError, StepLR, type Tensor, tensor } from '../../index.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

interface Recorded {
  readonly scheduleFree: Readonly<Record<string, { readonly x: readonly number[][]; readonly y: readonly number[][] }>>;
  readonly lookahead: Readonly<Record<string, readonly number[][]>>;
  readonly swalr: Readonly<Record<string, readonly number[][]>>;
}
const recorded = JSON.parse(readFileSync(new URL('../fixtures/schedule_free.json', import.meta.url), 'utf8')) as Recorded;

const [A, B] = [[1, 3, 0.2, 10], [0.5, -1, 2, 0.1]];
const fresh = (): Parameter => new Parameter(tensor([1, -2, 0.5, 3], { dtype: 'float64' }));

/** The gradient that the recordings were made with. */
function setGradient(p: Tensor, step: number): void {
  p.grad = tensor(Array.from(p.data(), (v, i) => A[i] * v - B[i] + 0.1 * Math.cos(step)), { dtype: 'float64' });
}

function close(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-12): void {
  ok(Array.from(got).every((v, i) => Math.abs(v - expected[i]) <= tolerance * Math.max(1, Math.abs(expected[i]))), `${Array.from(got).join(', ')} for ${Array.from(expected).join(', ')}`);
}

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
    const { x, y } = recorded.scheduleFree[name];
    for (let step = 0; step < 25; step++) {
      setGradient(p, step);
      optimizer.step();
      close(p.data(), y[step]);
      optimizer.eval();
      optimizer.eval();
      close(p.data(), x[step]);
      optimizer.train();
      close(p.data(), y[step]);
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
  throwsError(() => optimizer.step(), StateError, /evaluation mode[\s\S]*train\(\)/);
  equal([p.data(), optimizer.paramGroups[0].k], [before, 1]);
  optimizer.train();
  optimizer.step();
  throwsError(() => new SGDScheduleFree([p], { momentum: 0 }), ArgumentError, /momentum/);
  throwsError(() => new AdamWScheduleFree([p], { betas: [0, 0.9] }), ArgumentError, /betas\[0\]/);
  throwsError(() => new AdamWScheduleFree([p], { warmupSteps: -1 }), ArgumentError, /warmupSteps/);
});

const lookaheads = {
  plain: (p: Parameter) => new Lookahead(new SGD([p], { lr: 0.05 })),
  momentum: (p: Parameter) => new Lookahead(new SGD([p], { lr: 0.05, momentum: 0.9 }), { k: 3, alpha: 0.8 }),
  reset: (p: Parameter) => new Lookahead(new SGD([p], { lr: 0.05, momentum: 0.9 }), { k: 4, pullback: 'reset' }),
  pullback: (p: Parameter) => new Lookahead(new SGD([p], { lr: 0.05, momentum: 0.9 }), { k: 4, pullback: 'pullback' }),
} as const;

for (const [name, make] of Object.entries(lookaheads)) {
  test(`Lookahead ${name}: 25 steps, saved and loaded half way`, () => {
    let p = fresh();
    let optimizer = make(p);
    recorded.lookahead[name].forEach((expected, step) => {
      setGradient(p, step);
      optimizer.step();
      close(p.data(), expected);
      if (step !== 11) return;
      const q = fresh();
      q.detach().copy_(p.detach());
      const next = make(q);
      next.loadStateDict(optimizer.stateDict());
      [p, optimizer] = [q, next];
    });
  });
}

test('Lookahead shows the groups, the state and the hooks of an optimizer', () => {
  const p = fresh();
  const inner = new SGD([p], { lr: 0.1, momentum: 0.9 });
  const optimizer = new Lookahead(inner, { k: 2 });
  const scheduler = new StepLR(optimizer, 1, { gamma: 0.5 });
  let steps = 0;
  optimizer.registerStepPostHook(() => steps++);
  setGradient(p, 0);
  const loss = optimizer.step(() => 3);
  scheduler.step();
  equal([loss, steps, inner.paramGroups[0].lr, optimizer.state.size], [3, 1, 0.05, 1]);
  optimizer.zeroGrad();
  is(p.grad, null);
  optimizer.addParamGroup({ params: [fresh()], lr: 1 });
  equal([inner.paramGroups.length, optimizer.paramGroups.length], [2, 2]);
});

test('Lookahead refuses what does not fit, and stays as it was', () => {
  const p = fresh();
  throwsError(() => new Lookahead(new SGD([p], { lr: 0.1 }), { k: 0 }), ArgumentError, /k/);
  throwsError(() => new Lookahead(new SGD([p], { lr: 0.1 }), { alpha: 2 }), ArgumentError, /alpha/);
  // @ts-expect-error not an optimizer
  throwsError(() => new Lookahead([p]), ArgumentError, /not an optimizer/);
  const optimizer = new Lookahead(new SGD([p], { lr: 0.1 }));
  setGradient(p, 0);
  optimizer.step();
  const state = optimizer.stateDict();
  throwsError(() => optimizer.loadStateDict(optimizer.optimizer.stateDict()), StateError, /no state of a Lookahead/);
  throwsError(() => optimizer.loadStateDict({ ...state, lookahead: { ...state.lookahead, slow_params: { 0: tensor([1, 2]), 7: tensor(1) } } } as typeof state), StateError, /2 differences/);
  equal(optimizer.stateDict().lookahead.step, 1);
});

for (const [name, expected] of Object.entries(recorded.swalr)) {
  test(`SWALR ${name}: PyTorch's rates`, () => {
    const optimizer = new SGD([{ params: [fresh()], lr: 0.5 }, { params: [fresh()], lr: 0.1 }], { lr: 1 });
    const first = name.endsWith('After') ? new StepLR(optimizer, 2, { gamma: 0.5 }) : null;
    const [, strategy, epochs] = /^(cos|linear)(\d)/.exec(name) ?? [];
    let scheduler = new SWALR(optimizer, [0.05, 0.2], { annealEpochs: Number(epochs), annealStrategy: strategy === 'cos' ? 'cos' : 'linear' });
    const rates = [optimizer.paramGroups.map(({ lr }) => lr)];
    for (let epoch = 0; epoch < 8; epoch++) {
      if (first !== null && epoch < 3) first.step();
      else scheduler.step();
      rates.push(optimizer.paramGroups.map(({ lr }) => lr));
      if (epoch !== 5) continue;
      const kept = optimizer.paramGroups.map(({ lr }) => lr);
      const again = new SWALR(optimizer, [1, 1], { lastEpoch: 0 });
      again.loadStateDict(scheduler.stateDict());
      optimizer.paramGroups.forEach((group, i) => (group.lr = kept[i]));
      scheduler = again;
    }
    rates.forEach((r, i) => close(r, expected[i]));
  });
}

test('SWALR refuses rates and options out of range', () => {
  const optimizer = new SGD([fresh()], { lr: 0.5 });
  throwsError(() => new SWALR(optimizer, [0.1, 0.2]), ArgumentError, /swaLr/);
  throwsError(() => new SWALR(optimizer, -1), ArgumentError, /swaLr/);
  throwsError(() => new SWALR(optimizer, 0.1, { annealEpochs: 1.5 }), ArgumentError, /annealEpochs/);
  // @ts-expect-error no such strategy
  throwsError(() => new SWALR(optimizer, 0.1, { annealStrategy: 'step' }), ArgumentError, /annealStrategy/);
  is(optimizer.paramGroups[0].lr, 0.5);
});

test.run();

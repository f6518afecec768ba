import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  Adam, ArgumentError, Lookahead, Parameter, SGD, ShapeError, StateError, StepLR, type Tensor, deepCopy, packCheckpoint, tensor, unpackCheckpoint, zeros,
} from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

const recorded = (JSON.parse(readFileSync(new URL('../fixtures/schedule_free.json', import.meta.url), 'utf8')) as { readonly lookahead: Readonly<Record<string, readonly number[][]>> }).lookahead;

const [A, B] = [[1, 3, 0.2, 10], [0.5, -1, 2, 0.1]];
const fresh = (): Parameter => new Parameter(tensor([1, -2, 0.5, 3], { dtype: 'float64' }));

/** The gradient that the recordings were made with. */
function setGradient(p: Tensor, step: number): void {
  p.grad = tensor(Array.from(p.data(), (v, i) => A[i] * v - B[i] + 0.1 * Math.cos(step)), { dtype: 'float64' });
}

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
    recorded[name].forEach((expected, step) => {
      setGradient(p, step);
      optimizer.step();
      allClose(p, expected, { rtol: 1e-12, atol: 1e-12 });
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
  // @ts-expect-error nothing
  throwsError(() => optimizer.loadStateDict(null), StateError, /no state of a Lookahead/);
  equal(optimizer.stateDict().lookahead.step, 1);
});

/** Steps with the gradient 1 everywhere. */
function steps(n: number, optimizer: Lookahead, ...params: readonly Tensor[]): number[] {
  return Array.from({ length: n }, () => {
    for (const p of params) p.grad = p.detach().mul(0).add(1);
    optimizer.step();
    return params[0].item();
  });
}

test('Lookahead by hand: two steps forward, half of them back', () => {
  const p = new Parameter(tensor(0));
  equal(steps(6, new Lookahead(new SGD([p], { lr: 1 }), { k: 2 }), p), [-1, -1, -2, -2, -3, -3]);
});

test('Lookahead with alpha 1 is the optimizer within, to the last bit', () => {
  const [p, q] = [fresh(), fresh()];
  const [plain, wrapped] = [new Adam([p], { lr: 0.1 }), new Lookahead(new Adam([q], { lr: 0.1 }), { k: 2, alpha: 1 })];
  for (let step = 0; step < 7; step++) {
    setGradient(p, step);
    setGradient(q, step);
    plain.step();
    wrapped.step();
  }
  equal(q.data(), p.data());
});

test('Lookahead pulls the first moment of Adam', () => {
  const p = new Parameter(tensor(1));
  const inner = new Adam([p], { lr: 0.1, betas: [0.5, 0.9] });
  steps(2, new Lookahead(inner, { k: 2, alpha: 0.25, pullback: 'pullback' }), p);
  // 0.75 after two steps; a quarter of the way from 0
  allClose(inner.state.get(p)?.expAvg ?? NaN, 0.1875);
});

test('Lookahead: parameters come, go, and change dtype', () => {
  const [p, q] = [new Parameter(tensor(0)), new Parameter(tensor(0))];
  const optimizer = new Lookahead(new SGD([p], { lr: 1 }), { k: 2 });
  steps(1, optimizer, p);
  q.detach().fill_(10);
  optimizer.addParamGroup({ params: [q] });
  steps(1, optimizer, p, q);
  // q made one step from 10, and went half of it.
  equal([p.item(), q.item()], [-1, 9.5]);
  p.assign_(p.detach().to('float64'));
  steps(2, optimizer, p, q);
  equal([p.item(), p.dtype, q.item()], [-2, 'float64', 8.5]);
  optimizer.paramGroups.splice(1, 1);
  steps(1, optimizer, p);
  equal(Object.keys(optimizer.stateDict().lookahead.slow_params), ['0']);
});

test('Lookahead: a deep copy, and a state in a file, go on with the same bits', () => {
  const p = fresh();
  const make = (x: Parameter): Lookahead => new Lookahead(new Adam([x], { lr: 0.1 }), { k: 3, pullback: 'pullback' });
  const optimizer = make(p);
  const run = (x: Tensor, o: Lookahead, from: number, to: number): void => {
    for (let step = from; step < to; step++) {
      setGradient(x, step);
      o.step();
    }
  };
  run(p, optimizer, 0, 4);
  const copied = deepCopy({ p, optimizer });
  const q = fresh();
  const loaded = make(q);
  q.detach().copy_(p.detach());
  unpackCheckpoint(packCheckpoint({ optimizer }), { optimizer: loaded });
  run(p, optimizer, 4, 10);
  run(copied.p, copied.optimizer, 4, 10);
  run(q, loaded, 4, 10);
  equal(copied.p.data(), p.data());
  equal(q.data(), p.data());
});

test('Lookahead: a step that fails changes nothing', () => {
  const p = new Parameter(tensor([1, 2]));
  const optimizer = new Lookahead(new SGD([p], { lr: 1 }), { k: 2 });
  p.grad = tensor([1, 1]);
  Reflect.set(optimizer.paramGroups[0], 'lr', -1);
  throwsError(() => optimizer.step(), ArgumentError, /lr/);
  equal([optimizer.stateDict().lookahead.step, p.array()], [0, [1, 2]]);
  optimizer.paramGroups[0].lr = 1;
  optimizer.step();
  p.assign_(zeros([3]));
  p.grad = zeros([3]).add(1);
  throwsError(() => optimizer.step(), ShapeError, /slow weights/);
  equal([optimizer.stateDict().lookahead.step, p.array()], [1, [0, 0, 0]]);
});

test.run();

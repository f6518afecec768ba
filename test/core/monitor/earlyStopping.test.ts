import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { Adam, ArgumentError, EarlyStopping, Linear, StateError, loadCheckpoint, manualSeed, noGrad, saveCheckpoint, tensor } from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

/** How many metrics it takes until it stops; 0 for never. */
const stopsAfter = (stopper: EarlyStopping, metrics: readonly number[]): number => metrics.findIndex((metric) => stopper.step(metric)) + 1;

test('it stops after patience steps without improvement', () => {
  const stopper = new EarlyStopping();
  is(stopsAfter(stopper, [5, 4, 4, 4.5, 4]), 5);
  equal([stopper.best, stopper.bestStep, stopper.numBadSteps, stopper.stopped], [4, 1, 3, 'patience']);
  is(stopsAfter(new EarlyStopping({ patience: 1 }), [5, 4, 3, 2]), 0);
  is(stopsAfter(new EarlyStopping({ patience: 1 }), [5, 4, 3, 3]), 4);
  is(stopsAfter(new EarlyStopping({ patience: 0 }), [5, 4, 4]), 3);
});

test('minDelta, mode, baseline and startFrom say what an improvement is', () => {
  is(stopsAfter(new EarlyStopping({ patience: 2, minDelta: 0.5 }), [5, 4.6, 4.5, 4.4]), 3);
  is(stopsAfter(new EarlyStopping({ patience: 2, minDelta: 0.5 }), [5, 4.25, 3.5]), 0);
  is(stopsAfter(new EarlyStopping({ patience: 2, mode: 'max' }), [1, 2, 3, 2, 3]), 5);
  is(stopsAfter(new EarlyStopping({ patience: 2, baseline: 1 }), [5, 4, 3]), 2);
  is(stopsAfter(new EarlyStopping({ patience: 1, startFrom: 2 }), [1, 1, 1, 1]), 4);
});

test('it stops at once for NaN, a threshold and divergence', () => {
  const nan = new EarlyStopping();
  is(stopsAfter(nan, [5, NaN]), 2);
  is(nan.stopped, 'finite');
  is(stopsAfter(new EarlyStopping({ checkFinite: false, patience: 2 }), [5, NaN, Infinity]), 3);
  const good = new EarlyStopping({ stoppingThreshold: 0.1 });
  is(stopsAfter(good, [1, 0.1, 0.09]), 3);
  is(good.stopped, 'threshold');
  const bad = new EarlyStopping({ mode: 'max', divergenceThreshold: 0.5 });
  is(stopsAfter(bad, [0.9, 0.5, 0.4]), 3);
  is(bad.stopped, 'divergence');
});

test('the best weights come back when it stops, and on demand', () => {
  const model = new Linear(1, 1, { bias: false });
  const stopper = new EarlyStopping({ patience: 2, restoreBest: model });
  throwsError(() => stopper.restore(), StateError, /there is no best state, got no improvement so far/);
  const at = (weight: number, metric: number): boolean => {
    noGrad(() => model.weight.fill_(weight));
    return stopper.step(tensor(metric));
  };
  equal([at(1, 3), at(2, 2), at(3, 4)], [false, false, false]);
  stopper.restore();
  is(model.weight.item(), 2);
  equal([at(4, 5), model.weight.item()], [true, 2]);
});

test('it goes on from its state, also from a checkpoint, best weights included', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-stop-'));
  try {
    const make = () => {
      manualSeed(1);
      const model = new Linear(2, 2);
      const optimizer = new Adam(model.parameters());
      return { model, optimizer, stopper: new EarlyStopping({ patience: 2, restoreBest: [model, optimizer] }) };
    };
    const first = make();
    first.stopper.step(3);
    const best = first.model.weight.detach().clone();
    noGrad(() => first.model.weight.fill_(9));
    first.stopper.step(4);
    await saveCheckpoint(join(folder, 'a'), { ...first });
    const second = make();
    await loadCheckpoint(join(folder, 'a'), { ...second });
    equal([second.stopper.best, second.stopper.bestStep, second.stopper.numBadSteps, second.stopper.stopped], [3, 0, 1, null]);
    ok(second.stopper.step(4));
    equal(second.model.weight.array(), best.array());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what it keeps is its own', () => {
  const model = new Linear(1, 1, { bias: false });
  const stopper = new EarlyStopping({ restoreBest: model });
  const weight = model.weight.item();
  stopper.step(1);
  const state = stopper.stateDict();
  const [kept] = (state.best_state ?? []) as readonly { weight: typeof model.weight }[];
  noGrad(() => kept.weight.fill_(5));
  stopper.restore();
  noGrad(() => model.weight.fill_(7));
  stopper.restore();
  is(model.weight.item(), weight);
});

test('bad options, metrics and states are refused', () => {
  for (const options of [{ patience: -1 }, { patience: 0.5 }, { minDelta: -1 }, { mode: 'up' }, { restoreBest: {} }, { baseline: NaN }, { patiense: 1 }]) {
    throwsError(() => new EarlyStopping(options as never), ArgumentError, /^EarlyStopping: /);
  }
  const stopper = new EarlyStopping();
  throwsError(() => stopper.step('1' as never), ArgumentError, /the metric is not one number/);
  const before = stopper.stateDict();
  for (const state of [null, {}, { ...before, best: 'x' }, { ...before, last_step: -1 }, { ...before, best_state: [1] }, { ...before, stopped: 'no' }]) {
    throwsError(() => stopper.loadStateDict(state as never), StateError, /the state does not fit/);
  }
  equal(stopper.stateDict(), before);
  throwsError(() => stopper.restore(), StateError, /got no restoreBest/);
});

test.run();

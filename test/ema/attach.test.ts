import { test } from 'uvu';
import {
  Adam, ArgumentError, ExponentialMovingAverage, Linear, Lookahead, type Module, SGD, Sequential, StateError, type StepHooks, StochasticWeightAverage, deepCopy, manualSeed, noGrad, randn,
} from '../../index.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

const values = (m: Module): string => JSON.stringify([...m.parameters(), ...m.buffers()].map((t) => Array.from(t.data())));

function setup(): { model: Linear; optimizer: SGD; average: StochasticWeightAverage<Linear>; backward: () => void } {
  manualSeed(0);
  const model = new Linear(3, 2);
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const average = new StochasticWeightAverage(model);
  return { model, optimizer, average, backward: () => model.forward(randn([4, 3])).square().mean().backward() };
}

test('each step of the optimizer updates the average once, as a call after it would', () => {
  const byHand = setup();
  for (let i = 0; i < 4; i++) {
    byHand.backward();
    byHand.optimizer.step();
    byHand.average.updateParameters(byHand.model);
  }
  const attached = setup();
  attached.average.attachTo(attached.optimizer);
  for (let i = 0; i < 4; i++) {
    attached.backward();
    attached.optimizer.step();
  }
  equal(attached.average.steps.item(), 4);
  equal(values(attached.average), values(byHand.average));
});

test('batches whose gradients add up count as one step, closures too', () => {
  const { optimizer, average, backward } = setup();
  average.attachTo(optimizer);
  for (let i = 0; i < 3; i++) backward();
  equal(average.steps.item(), 0);
  optimizer.step();
  equal(average.steps.item(), 1);
  optimizer.step(() => {
    backward();
    return 1;
  });
  equal(average.steps.item(), 2);
});

test('a step that fails does not count', () => {
  const { model, optimizer, average, backward } = setup();
  average.attachTo(optimizer);
  backward();
  optimizer.paramGroups[0].lr = -1;
  throwsError(() => optimizer.step(), ArgumentError, /lr/);
  equal(average.steps.item(), 0);
  ok(model.weight.grad !== null);
});

test('detach ends it, once, and leaves other hooks alone', () => {
  const { optimizer, average, backward } = setup();
  let calls = 0;
  optimizer.registerStepPostHook(() => calls++);
  const attachment = average.attachTo(optimizer);
  is(attachment.active, true);
  backward();
  optimizer.step();
  attachment.detach();
  attachment.detach();
  is(attachment.active, false);
  optimizer.step();
  equal([average.steps.item(), calls], [1, 2]);
  const again = average.attachTo(optimizer);
  attachment.detach();
  optimizer.step();
  equal(average.steps.item(), 2, 'an attachment that is over does not end another');
  again[Symbol.dispose]();
  optimizer.step();
  equal(average.steps.item(), 2);
  {
    using held = average.attachTo(optimizer);
    optimizer.step();
    is(held.active, true);
  }
  optimizer.step();
  equal(average.steps.item(), 3);
});

test('a wrapper with the same hooks counts its own steps', () => {
  const { model, average, backward } = setup();
  const lookahead = new Lookahead(new Adam(model.parameters()), { k: 2 });
  average.attachTo(lookahead);
  for (let i = 0; i < 4; i++) {
    backward();
    lookahead.step();
  }
  equal(average.steps.item(), 4);
  // Anything with a hook will do.
  const hooks: (() => void)[] = [];
  const own: StepHooks = { registerStepPostHook: (hook) => (hooks.push(hook), () => hooks.splice(hooks.indexOf(hook), 1)) };
  const other = new ExponentialMovingAverage(model);
  const attachment = other.attachTo(own);
  hooks.forEach((hook) => hook());
  equal(other.steps.item(), 1);
  attachment.detach();
  equal(hooks.length, 0);
});

test('several averages follow one optimizer', () => {
  const { model, optimizer, average, backward } = setup();
  const ema = new ExponentialMovingAverage(model, { momentum: 0.1 });
  average.attachTo(optimizer);
  ema.attachTo(optimizer);
  backward();
  optimizer.step();
  equal([average.steps.item(), ema.steps.item()], [1, 1]);
});

test('another model can be the source', () => {
  const { model, average, backward } = setup();
  const other = new Linear(3, 2);
  const optimizer = new SGD(other.parameters(), { lr: 0.1 });
  throwsError(() => average.attachTo(optimizer), StateError, /^StochasticWeightAverage\.attachTo: the optimizer has none of the model's parameters[\s\S]*hint: give it as the second argument/);
  throwsError(() => average.attachTo(optimizer, model), StateError, /none of the model's parameters/);
  average.attachTo(optimizer, other);
  backward();
  optimizer.step();
  equal(values(average.module), values(other));
});

test('a copy of an average is not attached, and has to be told its model', () => {
  const { model, optimizer, average, backward } = setup();
  average.attachTo(optimizer);
  backward();
  optimizer.step();
  const copy = deepCopy(average);
  optimizer.step();
  equal([average.steps.item(), copy.steps.item()], [2, 1]);
  throwsError(() => copy.attachTo(optimizer), StateError, /the source is not known[\s\S]*hint: attachTo\(optimizer, model\)/);
  copy.attachTo(optimizer, model);
  optimizer.step();
  equal([average.steps.item(), copy.steps.item()], [3, 2]);
});

test('an average follows one optimizer at a time', () => {
  const { model, optimizer, average, backward } = setup();
  const second = new Adam(model.parameters());
  average.attachTo(optimizer);
  for (const other of [optimizer, second]) throwsError(() => average.attachTo(other), StateError, /follows an optimizer already, got a second one; expected detach\(\) before/);
  backward();
  second.step();
  equal(average.steps.item(), 0);
  optimizer.step();
  equal(average.steps.item(), 1);
});

test('misuse is refused, with no hook left behind', () => {
  const { model, optimizer, average, backward } = setup();
  // @ts-expect-error: no optimizer
  throwsError(() => average.attachTo(model), ArgumentError, /not an optimizer, got a Linear; expected an object with registerStepPostHook/);
  // @ts-expect-error: no optimizer
  throwsError(() => average.attachTo(null), ArgumentError, /not an optimizer/);
  // @ts-expect-error: no module
  throwsError(() => average.attachTo(optimizer, 3), ArgumentError, /not a module, got 3/);
  const deep = new Sequential(model);
  throwsError(() => average.attachTo(optimizer, deep), StateError, /attachTo: the source does not match the average, got 4 differences/);
  backward();
  optimizer.step();
  equal(average.steps.item(), 0);
});

test('a step while the average is swapped is refused before anything is updated', () => {
  const { model, optimizer, average, backward } = setup();
  average.attachTo(optimizer);
  backward();
  optimizer.step();
  backward();
  const before = [values(model), values(average)];
  const swap = average.swap(model);
  throwsError(() => optimizer.step(), StateError, /^StochasticWeightAverage\.attachTo: the average is swapped into a model/);
  swap.restore();
  equal([values(model), values(average)], before);
  optimizer.step();
  equal(average.steps.item(), 2);
});

test('a step of a model that does not fit any more is refused before anything is updated', () => {
  const { model, optimizer, average, backward } = setup();
  average.attachTo(optimizer);
  backward();
  const before = values(model);
  const { bias } = model;
  model.bias = null;
  throwsError(() => optimizer.step(), StateError, /missing parameter 'bias'/);
  model.bias = bias;
  equal(values(model), before);
  noGrad(() => optimizer.step());
  equal(average.steps.item(), 1);
});

test.run();

import { test } from 'uvu';
import {
  ArgumentError, AveragedProfiles, DTypeError, ExponentialMovingAverage, Linear, MemorySnapshots, Module, Parameter, PowerFunctionEMA, Sequential, StateError, StochasticWeightAverage, type Tensor, deepCopy, rand, saveAverage,
} from '../../index.ts';
import { equal, is, ok, rejectsError, throwsError } from '../assert.ts';
import { Net, Tied, bits, trained } from './nets.ts';

/** Fails unless a call is refused, with nothing changed. */
function refuses(fn: () => unknown, modules: readonly Module[], kind: Parameters<typeof throwsError>[1], message: RegExp): void {
  const before = bits(...modules);
  throwsError(fn, kind, message);
  equal(bits(...modules), before);
}

test('nested swaps are refused, of the same average and of another', () => {
  const { model, average } = trained(new Net());
  const second = new StochasticWeightAverage(model);
  second.updateParameters(model);
  const other = new Net();
  const swap = average.swap(model);
  const modules = [model, average.module, second.module, other];
  refuses(() => average.swap(model), modules, StateError, /^ExponentialMovingAverage\.swap: the average is swapped already, got a second swap with the same model; expected restore\(\) before\nhint/);
  refuses(() => average.swap(other), modules, StateError, /swapped already, got a second swap; expected/);
  refuses(() => second.swap(model), modules, StateError, /^StochasticWeightAverage\.swap: the weights are swapped with others, got 'first\.weight' of a Net/);
  const part = new StochasticWeightAverage(model.last);
  throwsError(() => part.updateParameters(model.last), StateError, /swapped with others, got 'weight' of a Linear/);
  part.updateParameters(other.last);
  refuses(() => part.swap(model.last), [...modules, part.module], StateError, /'weight' of a Linear/);
  swap.restore();
  second.swap(model).restore();
  average.swap(other).restore();
});

test('the average cannot be used while it is swapped, and can be afterwards', async () => {
  const { model, average } = trained(new Net());
  const bystander = new StochasticWeightAverage(model);
  bystander.updateParameters(model);
  const state = average.stateDict();
  const swap = average.swap(model);
  const modules = [model, average, bystander];
  const meanwhile = /the average is swapped into a model, got a call meanwhile; expected restore\(\) before\nhint: end the swap with restore\(\)/;
  const uses: readonly [string, () => unknown][] = [
    ['updateParameters', () => average.updateParameters(model)],
    ['updateParameters', () => average.updateParameters(new Net())],
    ['syncBuffers', () => average.syncBuffers(model)],
    ['syncParameters', () => average.syncParameters(model)],
    ['loadStateDict', () => average.loadStateDict(state)],
    ['copyTo', () => average.copyTo(new Net())],
    ['stateDict', () => average.stateDict()],
    ['forward', () => average.forward(rand([2, 3]))],
  ];
  for (const [name, use] of uses) {
    refuses(use, modules, StateError, new RegExp(`^ExponentialMovingAverage\\.${name}: `));
    throwsError(use, StateError, meanwhile);
  }
  refuses(() => deepCopy(average), modules, StateError, /^deepCopy: the average is swapped into a model/);
  refuses(() => deepCopy({ swap }), modules, StateError, /a swap cannot be copied/);
  refuses(() => bystander.updateParameters(model), modules, StateError, /^StochasticWeightAverage\.updateParameters: the weights are swapped with others/);
  refuses(() => bystander.syncParameters(model), modules, StateError, /swapped with others/);
  refuses(() => bystander.copyTo(model), modules, StateError, /swapped with others/);
  await rejectsError(() => saveAverage('nowhere', average), StateError, meanwhile);
  ok(deepCopy(model) instanceof Net, 'the model with averaged weights can be copied');
  swap.restore();
  for (const [, use] of uses) use();
  ok(deepCopy(average) instanceof ExponentialMovingAverage);
});

test('an average within another module cannot be loaded meanwhile either', () => {
  class Both extends Module {
    model = new Net();
    average = new ExponentialMovingAverage(this.model, { momentum: 0.25 });
    forward(x: Tensor): Tensor {
      return this.model.forward(x);
    }
  }
  const both = new Both();
  both.average.updateParameters(both.model);
  const state = deepCopy(both.stateDict());
  const swap = both.average.swap(both.model);
  refuses(() => both.loadStateDict(state), [both], StateError, /swapped into a model/);
  swap.restore();
  both.loadStateDict(state);
});

test('profiles and snapshots are refused meanwhile, with no profile updated', async () => {
  const model = new Net();
  const profiles = new AveragedProfiles(model);
  profiles.updateParameters(model);
  const swap = profiles.averages[1].swap(model);
  refuses(() => profiles.updateParameters(new Net()), [profiles, model], StateError, /^AveragedProfiles\.updateParameters: the weights are swapped/);
  await rejectsError(() => profiles.snapshot(new MemorySnapshots()), StateError, /^putSnapshot: the weights are swapped/);
  swap.restore();
  profiles.updateParameters(model);
  is((await profiles.snapshot(new MemorySnapshots())).length, 2);
  ok(profiles.averages[0] instanceof PowerFunctionEMA);
});

test('before the first update there is nothing to swap; loaded weights are an average', () => {
  const model = new Net();
  const average = new ExponentialMovingAverage(model);
  refuses(() => average.swap(model), [model, average], StateError, /^ExponentialMovingAverage\.swap: there is no average yet, got 0 updates; expected updateParameters\(model\) before/);
  is(average.hasAverage, false);
  average.loadStateDict(new Net().stateDict());
  is(average.hasAverage, true);
  average.swap(model).restore();
});

test('another architecture is refused with the whole difference', () => {
  const { average } = trained(new Net());
  const other = new Sequential(new Linear(3, 4), new Linear(4, 2));
  refuses(() => average.swap(other), [average, other], StateError, /the source does not match the average, got \d+ differences[\s\S]*missing parameter 'first\.weight'[\s\S]*extra parameter '0\.weight'/);
  const wide = new Net();
  wide.last = new Linear(4, 3);
  refuses(() => average.swap(wide), [average, wide], StateError, /got 2 differences[\s\S]*mis-shaped parameter 'last\.weight'[\s\S]*'last\.bias'/);
});

test('ties that differ are refused', () => {
  const { average } = trained(new Tied());
  const loose = new Tied(false);
  refuses(() => average.swap(loose), [average, loose], StateError, /tied entries differ, got 1 difference; [\s\S]*'first\.weight' and 'second\.weight' are one tensor in the average only/);
  const free = trained(new Tied(false)).average;
  const tied = new Tied();
  refuses(() => free.swap(tied), [free, tied], StateError, /'first\.weight' and 'second\.weight' are one tensor in the model only/);
});

test("the average's own module, the average itself and models that share its memory are refused", () => {
  const { model, average } = trained(new Net());
  refuses(() => average.swap(average.module), [model, average], ArgumentError, /^ExponentialMovingAverage\.swap: the model is the average's own copy, got average\.module/);
  refuses(() => average.swap(average), [model, average], ArgumentError, /the model is the average itself/);
  const sharing = new Net();
  sharing.last.weight = new Parameter(average.module.last.weight);
  refuses(() => average.swap(sharing), [average, sharing], StateError, /share memory, got 'last\.weight' in both/);
  // @ts-expect-error: no module
  throwsError(() => average.swap(model.stateDict()), ArgumentError, /not a module/);
});

test('another dtype is refused, with what to do', () => {
  const { model, average } = trained(new Net());
  average.to('float64');
  refuses(() => average.swap(model), [model, average], DTypeError, /dtypes differ at 'first\.weight', got float64\[4, 3\] in the average and float32\[4, 3\] in the model; expected one dtype\nhint: average\.to\('float32'\) before, or copyTo\(model\)/);
  average.to('float32');
  average.swap(model).restore();
});

test('a buffer with recorded history is refused', () => {
  const { model, average } = trained(new Net());
  model.mask.mul_(model.first.weight.sum());
  refuses(() => average.swap(model), [model, average], StateError, /'mask' has recorded history, got float32\[4\] made by/);
});

test.run();

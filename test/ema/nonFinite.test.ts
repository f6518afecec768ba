import { test } from 'uvu';
import {
  ArgumentError, AveragedProfiles, BatchNorm1d, ExponentialMovingAverage, LatestWeightAverage, Linear, type Module, type NonFinitePolicy, Sequential, StateError, StochasticWeightAverage, deepCopy, noGrad,
  tensor,
} from '../../index.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

type Net = Sequential;

const net = (): Net => new Sequential(new Linear(2, 2), new BatchNorm1d(2), new Linear(2, 1));
const fill = (m: Module, value: number): void => noGrad(() => m.parameters().forEach((x) => x.fill_(value)));
const poison = (m: Module, name: string, value: number, at = 0): void => void noGrad(() => m.getParameter(name).detach().reshape([-1]).narrow(0, at, 1).fill_(value));
const bits = (m: Module): string => JSON.stringify([...m.namedParameters(), ...m.namedBuffers()].map(([k, t]) => [k, t.dtype, Array.from(t.data(), String)]));

function started(nonFinite?: NonFinitePolicy): { model: Net; average: ExponentialMovingAverage<Net> } {
  const model = net();
  fill(model, 1);
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, ...(nonFinite !== undefined && { nonFinite }) });
  average.updateParameters(model);
  fill(model, 3);
  return { model, average };
}

test('by default a source that is not finite is an error that names its entries, and nothing is written', () => {
  const { model, average } = started();
  is(average.nonFinite, 'throw');
  poison(model, '2.weight', Infinity, 1);
  poison(model, '0.weight', NaN, 1);
  poison(model, '0.weight', NaN, 3);
  const before = bits(average);
  for (let i = 0; i < 2; i++) {
    throwsError(
      () => average.updateParameters(model),
      StateError,
      /^ExponentialMovingAverage\.updateParameters: the source is not finite, got NaN in '0\.weight' \(2 of 4 elements\), Infinity in '2\.weight' \(1 of 2 elements\); expected finite numbers\nhint/,
    );
  }
  is(bits(average), before);
  for (const name of ['0.bias', '1.weight', '1.bias', '2.bias']) poison(model, name, -Infinity);
  throwsError(() => average.updateParameters(model), StateError, /'0\.bias' \(1 of 2 elements\), -Infinity in '1\.weight' \(1 of 2 elements\) and 3 more/);
  fill(model, 3);
  average.updateParameters(model);
  is(average.module.getParameter('0.weight').data()[0], 2);
});

test('the first model too, and weights that were loaded', () => {
  const model = net();
  const average = new StochasticWeightAverage(model);
  poison(model, '0.bias', NaN);
  const before = bits(average);
  throwsError(() => average.updateParameters(model), StateError, /NaN in '0\.bias'/);
  is(bits(average), before);
  is(average.hasAverage, false);
});

test('skip: the call counts as not made, but is counted', () => {
  const { model, average } = started('skip');
  const straight = deepCopy(average);
  const bn = model.at(1) as BatchNorm1d;
  poison(model, '2.bias', NaN);
  noGrad(() => bn.runningMean?.fill_(9));
  const before = bits(average).replace(/\["skipped".*?\]\]/, '');
  average.updateParameters(model);
  average.updateParameters(model);
  is(bits(average).replace(/\["skipped".*?\]\]/, ''), before);
  equal([average.skipped.item(), average.steps.item()], [2, 1]);
  fill(model, 3);
  average.updateParameters(model);
  straight.updateParameters(model);
  equal(average.module.stateDict()['2.bias'].array(), straight.module.stateDict()['2.bias'].array());
  equal([average.skipped.item(), average.steps.item()], [2, 2]);
});

test('the count is saved with the option, and only then; other states load too', () => {
  const { model, average } = started('skip');
  poison(model, '0.bias', NaN);
  average.updateParameters(model);
  const state = average.stateDict();
  equal(Object.keys(state).slice(0, 2), ['steps', 'skipped']);
  const other = started('skip').average;
  other.loadStateDict(state);
  is(other.skipped.item(), 1);
  const without = started().average;
  ok(!('skipped' in without.stateDict()));
  without.loadStateDict(state);
  is(without.steps.item(), 1);
  other.loadStateDict(without.stateDict());
  is(other.skipped.item(), 0);
  average.loadStateDict(model.stateDict());
  is(average.skipped.item(), 0);
});

test('propagate takes it in', () => {
  const { model, average } = started('propagate');
  poison(model, '0.bias', NaN, 1);
  average.updateParameters(model);
  equal(average.module.getParameter('0.bias').array(), [2, NaN]);
  is(average.steps.item(), 2);
});

test('only what is averaged is looked at, when it is averaged', () => {
  const model = net();
  fill(model, 1);
  const bn = model.at(1) as BatchNorm1d;
  noGrad(() => bn.runningVar?.fill_(Infinity));
  const average = new ExponentialMovingAverage(model, { momentum: 0.5, interval: 2, policy: { '2.bias': 'copy', '2.weight': 'skip' } });
  poison(model, '2.bias', NaN);
  poison(model, '2.weight', NaN);
  average.updateParameters(model);
  poison(model, '0.bias', NaN);
  average.updateParameters(model);
  equal([average.module.getParameter('2.bias').item(), average.module.getParameter('0.bias').array()], [NaN, [1, 1]]);
  throwsError(() => average.updateParameters(model), StateError, /NaN in '0\.bias'/);
  const tracked = new ExponentialMovingAverage(model, { updateBuffers: true });
  fill(model, 1);
  throwsError(() => tracked.updateParameters(model), StateError, /Infinity in '1\.running_var'/);
});

test('float64 entries, and numbers too large for the average', () => {
  const model = net().to('float64');
  fill(model, 1);
  const average = new ExponentialMovingAverage(model);
  average.updateParameters(model);
  poison(model, '0.weight', NaN, 2);
  throwsError(() => average.updateParameters(model), StateError, /NaN in '0\.weight' \(1 of 4/);
  fill(model, 1);
  average.to('float32');
  average.updateParameters(model);
  poison(model, '0.weight', 1e300);
  const before = bits(average);
  throwsError(() => average.updateParameters(model), StateError, /Infinity in '0\.weight' \(1 of 4/);
  is(bits(average), before);
});

test('every profile is left alone, and models of LAWA too', () => {
  const model = net();
  fill(model, 1);
  const profiles = new AveragedProfiles(model);
  const latest = new LatestWeightAverage(model, { k: 2 });
  for (let i = 0; i < 3; i++) [profiles, latest].forEach((a) => a.updateParameters(model));
  poison(model, '0.weight', NaN);
  const before = [bits(profiles), bits(latest)];
  throwsError(() => profiles.updateParameters(model), StateError, /not finite/);
  throwsError(() => latest.updateParameters(model), StateError, /not finite/);
  equal([bits(profiles), bits(latest)], before);
});

test('an unknown policy is refused', () => {
  for (const bad of ['ignore', true, null, 0]) throwsError(() => new ExponentialMovingAverage(net(), { nonFinite: bad as NonFinitePolicy }), ArgumentError, /invalid nonFinite, got .*; expected 'throw', 'skip' or 'propagate'/);
  ok(new ExponentialMovingAverage(net(), { nonFinite: 'propagate' }));
  is(tensor(1).item(), 1);
});

test.run();

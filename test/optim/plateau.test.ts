import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { ArgumentError, type Optimizer, type PlateauOptions, type PlateauStateDict, ReduceLROnPlateau, SGD, StateError, packCheckpoint, tensor, unpackCheckpoint, zeros } from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

interface Recorded {
  readonly options: PlateauOptions;
  readonly rows: readonly (readonly number[])[];
  /** The state dictionary after metric 50. */
  readonly state: PlateauStateDict;
  readonly bad: number;
  readonly best: number;
}

const { metrics, plateaus } = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as { readonly metrics: readonly number[]; readonly plateaus: readonly Recorded[] };

const tight = { rtol: 1e-12, atol: 1e-15 };
const groups = (): SGD => new SGD([{ params: [zeros([1])], lr: 0.1 }, { params: [zeros([1])], lr: 0.037 }], { momentum: 0.9 });
const rates = (optimizer: Optimizer): number[] => optimizer.paramGroups.map((g) => g.lr);

for (const { options, rows, state, bad, best } of plateaus) {
  test(`ReduceLROnPlateau ${JSON.stringify(options)}: PyTorch's rates, also resumed`, () => {
    const optimizer = groups();
    let scheduler = new ReduceLROnPlateau(optimizer, options);
    rows.forEach((row, i) => {
      if (i === 9 || i === 40) {
        const saved = scheduler.stateDict();
        scheduler = new ReduceLROnPlateau(optimizer);
        scheduler.loadStateDict(saved);
      }
      scheduler.step(i % 2 === 0 ? metrics[i] : tensor(metrics[i], { dtype: 'float64' }));
      allClose(rates(optimizer), row, tight);
      equal(scheduler.getLastLr(), rates(optimizer));
    });
    is(scheduler.numBadEpochs, bad);
    is(scheduler.best, best);
  });

  test(`ReduceLROnPlateau ${JSON.stringify(options)}: goes on from PyTorch's state`, () => {
    const optimizer = groups();
    const scheduler = new ReduceLROnPlateau(optimizer);
    scheduler.loadStateDict(state);
    optimizer.paramGroups.forEach((group, i) => (group.lr = rows[50][i]));
    rows.slice(51).forEach((row, i) => {
      scheduler.step(metrics[51 + i]);
      allClose(rates(optimizer), row, tight);
    });
  });
}

test('a state from before the first step passes through a file', () => {
  const scheduler = new ReduceLROnPlateau(groups(), { mode: 'max' });
  const other = new ReduceLROnPlateau(groups());
  other.step(3);
  unpackCheckpoint(packCheckpoint({ scheduler }), { scheduler: other });
  equal([other.best, other.mode, other.lastEpoch], [-Infinity, 'max', 0]);
});

test('what is no number is never better', () => {
  const optimizer = groups();
  const scheduler = new ReduceLROnPlateau(optimizer, { patience: 1 });
  for (const metric of [1, NaN, NaN]) scheduler.step(metric);
  allClose(rates(optimizer), [0.01, 0.0037], tight);
});

test('groups that come later: the one smallest rate holds for them too, a list has to be completed', () => {
  const [a, b] = [groups(), groups()];
  const one = new ReduceLROnPlateau(a, { patience: 0, minLr: 0.05 });
  const each = new ReduceLROnPlateau(b, { patience: 0, minLr: [0.05, 0.01] });
  for (const optimizer of [a, b]) optimizer.addParamGroup({ params: [zeros([1])], lr: 0.3 });
  one.step(1);
  one.step(2);
  allClose(rates(a), [0.05, 0.037, 0.05], tight);
  throwsError(() => each.step(1), StateError, /groups were added, got 3 groups and 2 smallest rates/);
  equal([each.lastEpoch, each.best], [0, Infinity]);
  each.minLrs.push(0);
  each.step(1);
  each.step(2);
  allClose(rates(b), [0.05, 0.01, 0.03], tight);
});

test('refusals change nothing', () => {
  const optimizer = groups();
  const bad: [() => unknown, RegExp][] = [
    [() => new ReduceLROnPlateau(optimizer, { factor: 1 }), /factor/],
    [() => new ReduceLROnPlateau(optimizer, { minLr: [1] }), /minLr/],
    [() => new ReduceLROnPlateau(optimizer, { mode: 'low' as never }), /mode/],
    [() => new ReduceLROnPlateau(optimizer, { thresholdMode: 'x' as never }), /thresholdMode/],
    [() => new ReduceLROnPlateau(optimizer, { patience: 1.5 }), /patience/],
    [() => new ReduceLROnPlateau(optimizer, { verbose: true } as never), /unknown option/],
    [() => new ReduceLROnPlateau({} as never), /not an optimizer/],
    [() => new ReduceLROnPlateau(optimizer).step('low' as never), /metric/],
  ];
  for (const [make, message] of bad) throwsError(make, ArgumentError, message);
  equal(rates(optimizer), [0.1, 0.037]);
  const scheduler = new ReduceLROnPlateau(optimizer);
  const before = JSON.stringify(scheduler.stateDict());
  throwsError(() => scheduler.loadStateDict({}), StateError, /best/);
  throwsError(() => scheduler.loadStateDict({ ...scheduler.stateDict(), mode: 'x', patience: 'y', _last_lr: [1] }), StateError, /3 differences[^]*mode[^]*patience[^]*_last_lr/);
  is(JSON.stringify(scheduler.stateDict()), before);
});

test.run();

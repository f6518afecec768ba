import { test } from 'uvu';
import {
  ArgumentError, BatchSampler, DataLoader, type DataLoaderOptions, type Dataset, Generator, RandomSampler, StateError, Subset, type Tensor, TensorDataset, arange, defaultGenerator,
  manualSeed, packCheckpoint, rand, tensor, unpackCheckpoint, zeros,
} from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const ten = new TensorDataset(arange(10));
type Options = DataLoaderOptions<[Tensor], [Tensor]>;
const loader = (options: Options = {}): DataLoader<[Tensor], [Tensor]> => new DataLoader(ten, options);
const epoch = (batches: Iterable<[Tensor]>): number[][] => [...batches].map(([x]) => [...x.data()]);

test('in sequence', () => {
  const batches = loader({ batchSize: 4 });
  equal(epoch(batches), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]);
  equal(epoch(batches), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]);
  is(batches.length, 3);
  const full = loader({ batchSize: 4, dropLast: true });
  equal(epoch(full), [[0, 1, 2, 3], [4, 5, 6, 7]]);
  is(full.length, 2);
  is(loader().length, 10);
});

test('shuffled as PyTorch with a generator of its own', () => {
  const batches = loader({ batchSize: 3, shuffle: true, generator: new Generator(7) });
  equal(epoch(batches), [[1, 3, 5], [7, 9, 4], [6, 2, 8], [0]]);
  equal(epoch(batches), [[5, 1, 6], [0, 9, 7], [8, 4, 3], [2]]);
});

test('shuffled as PyTorch with the default generator', () => {
  manualSeed(7);
  const batches = loader({ batchSize: 3, shuffle: true });
  equal(epoch(batches), [[3, 2, 7], [8, 6, 1], [5, 9, 0], [4]]);
  equal(epoch(batches), [[1, 3, 5], [2, 8, 9], [6, 7, 4], [0]]);
  equal([...rand([2]).data()], [0.36531615257263184, 0.8512683510780334]);
});

test('draws a seed as PyTorch also without shuffling', () => {
  manualSeed(7);
  epoch(loader({ batchSize: 3 }));
  equal([...rand([2]).data()], [0.6592116951942444, 0.6568902730941772]);
});

test('draws when PyTorch draws, when the generator is used inside the loop', () => {
  const generator = new Generator(7);
  const seen: unknown[] = [];
  for (const [x] of loader({ batchSize: 5, shuffle: true, generator })) seen.push([...x.data()], generator.uniform24());
  seen.push(generator.uniform24());
  equal(seen, [[1, 3, 5, 7, 9], 0.5509352087974548, [4, 6, 2, 8, 0], 0.28683900833129883, 0.757194459438324]);
});

test('samplers of the user', () => {
  equal(epoch(loader({ sampler: [3, 1, 2], batchSize: 2 })), [[3, 1], [2]]);
  equal(epoch(loader({ sampler: new RandomSampler(ten, { generator: new Generator(5) }), batchSize: 10 })), [[1, 4, 9, 6, 3, 5, 0, 2, 8, 7]]);
  const batches = loader({ batchSampler: [[0], [5, 6, 7], [1]] });
  equal(epoch(batches), [[0], [5, 6, 7], [1]]);
  is(batches.length, 3);
  equal(epoch(loader({ batchSampler: new BatchSampler([9, 8, 7], { batchSize: 2 }) })), [[9, 8], [7]]);
});

test('items that come one by one, with the default and with an own way to make batches', () => {
  const squares: Dataset<{ x: number; name: string }> = { length: 3, get: (i) => ({ x: i * i, name: `item ${i}` }) };
  const [first] = new DataLoader(squares, { batchSize: 2 });
  equal([first.x.array(), first.name], [[0, 1], ['item 0', 'item 1']]);
  const sums = new DataLoader(squares, { batchSize: 2, collate: (items) => items.reduce((a, { x }) => a + x, 0) });
  equal([...sums], [1, 4]);
  equal([...new DataLoader(new Subset(squares, [2, 0]), { collate: ([item]) => item.x })], [4, 0]);
});

test('an own way to make batches also goes before that of the dataset', () => {
  equal([...new DataLoader(ten, { batchSize: 5, collate: (items) => items.length })], [5, 5]);
});

test('refuses what makes no sense', () => {
  throwsError(() => new DataLoader(new TensorDataset(zeros([0, 2]))), ArgumentError, /DataLoader: the dataset is empty/);
  throwsError(() => new DataLoader([1, 2] as never), ArgumentError, /not a dataset.*\nhint/);
  throwsError(() => loader({ batchSize: 0 }), ArgumentError, /invalid batchSize, got 0; expected an integer ≥ 1/);
  throwsError(() => loader({ batchSize: 2.5 }), ArgumentError, /got 2.5/);
  throwsError(() => loader({ shuffle: 'yes' as never }), ArgumentError, /invalid shuffle, got 'yes'/);
  throwsError(() => loader({ dropLast: 1 as never }), ArgumentError, /invalid dropLast/);
  throwsError(() => loader({ generator: 1 as never }), ArgumentError, /not a generator/);
  throwsError(() => loader({ sampler: 1 as never }), ArgumentError, /not a sampler/);
  throwsError(() => loader({ collate: 1 as never }), ArgumentError, /collate is not a function/);
  throwsError(() => loader({ sampler: [1], shuffle: true }), ArgumentError, /do not go together, got sampler and shuffle/);
  throwsError(() => loader({ batchSampler: [[1]], batchSize: 2 }), ArgumentError, /got batchSampler and batchSize/);
  throwsError(() => loader({ numWorkers: 2 } as never), ArgumentError, /unknown option, got 'numWorkers'/);
  throwsError(() => epoch(loader({ sampler: [10] })), ArgumentError, /no such item, got 10/);
  throwsError(() => epoch(loader({ batchSampler: [[1], [-1]] })), ArgumentError, /no such item, got -1/);
  throwsError(() => epoch(loader({ batchSampler: [[]] })), ArgumentError, /no batch, got \[\]/);
  function* forever(): IterableIterator<number> {
    for (;;) yield 0;
  }
  throwsError(() => epoch(loader({ sampler: { length: 3, [Symbol.iterator]: forever } })), ArgumentError, /goes on beyond its length/);
});

/** Two epochs and a bit, with a random number drawn in each step, as dropout would. */
function* run(batches: DataLoader<[Tensor], [Tensor]>, epochs: number): IterableIterator<string> {
  for (let i = 0; i < epochs; i++) for (const [x] of batches) yield `${x.data().join(' ')} | ${rand([1]).item()}`;
}

const variants: Record<string, () => Options> = {
  sequential: () => ({ batchSize: 3 }),
  'shuffled with the default generator': () => ({ batchSize: 3, shuffle: true }),
  'shuffled with a generator': () => ({ batchSize: 3, shuffle: true, generator: new Generator(3) }),
  'shuffled into even batches': () => ({ batchSize: 5, shuffle: true, generator: new Generator(3) }),
  'shuffled, last dropped': () => ({ batchSize: 3, shuffle: true, dropLast: true, generator: new Generator(3) }),
  'shuffled with the default generator as its own': () => ({ batchSize: 3, shuffle: true, generator: defaultGenerator }),
  'own sampler': () => ({ batchSize: 4, sampler: [5, 1, 1, 8, 2] }),
  'own batches': () => ({ batchSampler: [[1, 2], [3], [4, 5, 6]] }),
};

for (const [name, options] of Object.entries(variants)) {
  test(`goes on with the very next batch: ${name}`, () => {
    manualSeed(1);
    const whole = [...run(loader(options()), 3)];
    for (let stop = 1; stop < whole.length; stop++) {
      manualSeed(1);
      const before = loader(options());
      let seen = 0;
      let bytes: Uint8Array | undefined;
      let epochs = 0;
      outer: for (; epochs < 3; epochs++) {
        for (const [x] of before) {
          is(`${x.data().join(' ')} | ${rand([1]).item()}`, whole[seen++]);
          if (seen === stop) {
            bytes = packCheckpoint({ loader: before, random: defaultGenerator });
            break outer;
          }
        }
      }
      manualSeed(99);
      const after = loader(options());
      unpackCheckpoint(bytes ?? new Uint8Array(0), { loader: after, random: defaultGenerator });
      equal([...run(after, 3 - epochs)], whole.slice(stop));
    }
  });
}

test('between two epochs there is nothing to go on with', () => {
  const batches = loader({ batchSize: 5, shuffle: true });
  is(batches.stateDict().epoch, null);
  epoch(batches);
  equal(batches.stateDict(), { length: 10, epoch: null, generator: null });
  const [first] = batches;
  is(first.length, 1);
  is(batches.stateDict().epoch?.next, 1, 'left early');
});

test('a loaded place survives another save before it is used, and is used once', () => {
  const batches = loader({ batchSize: 5 });
  for (const _ of batches) break;
  const again = loader({ batchSize: 5 });
  again.loadStateDict(batches.stateDict());
  is(again.stateDict().epoch?.next, 1);
  equal(epoch(again), [[5, 6, 7, 8, 9]]);
  equal(epoch(again), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]);
});

test('refuses states that do not fit, and stays as it was', () => {
  const batches = loader({ batchSize: 5, shuffle: true, generator: new Generator(1) });
  for (const _ of batches) break;
  const state = batches.stateDict();
  const refuse = (change: object, message: RegExp): void => throwsError(() => batches.loadStateDict({ ...state, ...change }), StateError, message);
  refuse({ length: 9 }, /of another dataset, got one of 9 items; expected 10/);
  refuse({ generator: null }, /does not fit the generator option, got none; expected one/);
  refuse({ epoch: { ...state.epoch, next: 3 } }, /no place in the epoch, got 3/);
  refuse({ epoch: { ...state.epoch, next: -1 } }, /got -1/);
  refuse({ epoch: { ...state.epoch, order: tensor([10n]) } }, /beyond 10 items/);
  refuse({ epoch: { ...state.epoch, order: [1] } }, /no order, got \[1\]/);
  refuse({ epoch: { ...state.epoch, ends: tensor([5n, 5n]) } }, /no ends of batches/);
  refuse({ epoch: { ...state.epoch, ends: tensor([11n]) } }, /no ends of batches/);
  throwsError(() => batches.loadStateDict(null as never), ArgumentError, /not the state of a loader, got null/);
  throwsError(() => batches.loadStateDict({ ...state, generator: { seed: 1 } as never }), ArgumentError, /setState/);
  equal(batches.stateDict().epoch?.next, 1);
  equal(batches.stateDict().generator, state.generator);
});

test.run();

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  ArgumentError, BatchSampler, DataLoader, DistributedSampler, type DistributedSamplerOptions, Generator, RandomSampler, type Sampler, StateError, SubsetRandomSampler, TensorDataset,
  WeightedRandomSampler, arange, manualSeed, packCheckpoint, randomSplit, tensor, unpackCheckpoint, zeros,
} from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

type Drawn = Record<'own' | 'default', [number[], number[], number]>;

interface Fixtures {
  readonly weights: number[];
  readonly weighted: Drawn;
  readonly weightedOnce: Drawn;
  readonly subset: Drawn;
  readonly loadedWeighted: [number[][][], number, number];
  readonly loadedSubset: [number[][][], number, number];
  readonly loadedRandom: [number[][][], number, number];
  readonly distributed: [[number, number, number, Partial<DistributedSamplerOptions>], number[][]][];
  readonly split: [[number, number[]], number[][]][];
}

/** What PyTorch 1.13 gives. */
const torch = JSON.parse(readFileSync(new URL('../../fixtures/data.json', import.meta.url), 'utf8')) as Fixtures;
const ten = new TensorDataset(arange(10));

function draws(make: (generator?: Generator) => Sampler): Drawn {
  const own = new Generator(5);
  const a = make(own);
  const first: Drawn['own'] = [[...a], [...a], own.uniform24()];
  const standard = manualSeed(7);
  const b = make();
  return { own: first, default: [[...b], [...b], standard.uniform24()] };
}

const withGenerator = (generator: Generator | undefined): { generator?: Generator } => (generator === undefined ? {} : { generator });

test("weighted, as PyTorch's", () => {
  equal(draws((g) => new WeightedRandomSampler(torch.weights, 12, withGenerator(g))), torch.weighted);
  equal(draws((g) => new WeightedRandomSampler(tensor(torch.weights, { dtype: 'float64' }), 5, { replacement: false, ...withGenerator(g) })), torch.weightedOnce);
  is(new WeightedRandomSampler([1, 2], 9).length, 9);
});

test("a subset at random, as PyTorch's", () => {
  equal(draws((g) => new SubsetRandomSampler([3, 1, 4, 1, 5, 9, 2, 6], withGenerator(g))), torch.subset);
  equal([...new SubsetRandomSampler(tensor([4n]))], [4]);
  is(new SubsetRandomSampler([]).length, 0);
});

test("in a loader, as PyTorch's", () => {
  const loaded = (make: (generator: Generator) => Sampler): Fixtures['loadedSubset'] => {
    const generator = new Generator(5);
    const sampler = make(generator);
    const standard = manualSeed(7);
    const loader = new DataLoader(ten, { sampler, batchSize: 4 });
    const epochs = [0, 1].map(() => [...loader].map(([x]) => [...x.data()]));
    return [epochs, standard.uniform24(), generator.uniform24()];
  };
  equal(loaded((generator) => new WeightedRandomSampler([1, 1, 1, 1, 1, 1, 1, 1, 1, 5], 10, { generator })), torch.loadedWeighted);
  equal(loaded((generator) => new SubsetRandomSampler([0, 1, 2, 3, 4, 5, 6, 7, 8], { generator })), torch.loadedSubset);
  equal(loaded((generator) => new RandomSampler(ten, { replacement: true, numSamples: 9, generator })), torch.loadedRandom);
});

test("shares of processes, as PyTorch's", () => {
  for (const [[n, numReplicas, epoch, options], expected] of torch.distributed) {
    const shares = expected.map((_, rank) => {
      const sampler = new DistributedSampler({ length: n }, { numReplicas, rank, ...options });
      sampler.setEpoch(epoch);
      equal([...sampler].length, sampler.length);
      return [...sampler];
    });
    equal(shares, expected, JSON.stringify([n, numReplicas, epoch, options]));
  }
});

test("splits at random, as PyTorch's", () => {
  for (const [[n, lengths], expected] of torch.split) equal(randomSplit({ length: n, get: (i) => i }, lengths, { generator: new Generator(42) }).map(({ indices }) => [...indices]), expected);
});

test('a loader keeps the state of its sampler', () => {
  const make = (): Sampler[] => {
    const generator = new Generator(3);
    return [
      new RandomSampler(ten, { generator }), new WeightedRandomSampler([1, 2, 3, 4, 5, 6, 7, 8, 9, 1], 10, { generator }), new SubsetRandomSampler([1, 2, 3, 4, 5, 6], { generator }),
      new DistributedSampler(ten, { numReplicas: 2, rank: 1 }),
    ];
  };
  for (let k = 0; k < make().length; k++) {
    for (const batched of [false, true]) {
      const loader = () => {
        const sampler = make()[k];
        return { sampler, batches: batched ? new DataLoader(ten, { batchSampler: new BatchSampler(sampler, { batchSize: 4 }) }) : new DataLoader(ten, { sampler, batchSize: 4 }) };
      };
      const run = ({ sampler, batches }: ReturnType<typeof loader>, from: number, seen: unknown[]): void => {
        for (let epoch = from; epoch < 3; epoch++) {
          if (sampler instanceof DistributedSampler) sampler.setEpoch(epoch);
          for (const [x] of batches) seen.push([...x.data()]);
        }
      };
      const whole: unknown[] = [];
      run(loader(), 0, whole);
      const first = loader();
      const seen: unknown[] = [];
      let bytes = new Uint8Array(0);
      for (let epoch = 0; epoch < 2; epoch++) {
        if (first.sampler instanceof DistributedSampler) first.sampler.setEpoch(epoch);
        for (const [x] of first.batches) {
          seen.push([...x.data()]);
          if (epoch === 0) continue;
          bytes = new Uint8Array(packCheckpoint({ loader: first.batches }));
          break;
        }
      }
      const again = loader();
      unpackCheckpoint(bytes, { loader: again.batches });
      run(again, 1, seen);
      equal(seen, whole, `${k} ${batched}`);
    }
  }
});

test('states that do not fit', () => {
  const own = new RandomSampler(ten, { generator: new Generator(1) });
  throwsError(() => own.loadStateDict({ generator: null }), StateError, /RandomSampler: the state does not fit the generator option, got none; expected one/);
  throwsError(() => new RandomSampler(ten).loadStateDict(own.stateDict()), StateError, /got one; expected none/);
  throwsError(() => own.loadStateDict(3 as never), StateError, /got 3/);
  throwsError(() => new BatchSampler([1], { batchSize: 1 }).loadStateDict({}), StateError, /takes no state/);
  const loader = new DataLoader(ten, { sampler: own });
  throwsError(() => new DataLoader(ten).loadStateDict(loader.stateDict()), StateError, /the state has one of a sampler or stream/);
  const { generator: _, ...rest } = loader.stateDict();
  new DataLoader(ten).loadStateDict({ ...rest, generator: null, source: null });
  throwsError(() => new DistributedSampler(ten, { numReplicas: 2, rank: 0 }).loadStateDict({ epoch: -1 }), ArgumentError, /invalid epoch/);
});

test('refuses what cannot be sampled', () => {
  throwsError(() => new WeightedRandomSampler([1, -1], 1), ArgumentError, /not a weight, got -1/);
  throwsError(() => new WeightedRandomSampler([1, NaN], 1), ArgumentError, /not a weight, got NaN/);
  throwsError(() => new WeightedRandomSampler([0, 0], 1), ArgumentError, /too few weights above 0, got 0; expected at least 1/);
  throwsError(() => new WeightedRandomSampler([1, 1, 0], 3, { replacement: false }), ArgumentError, /got 2; expected at least 3/);
  throwsError(() => new WeightedRandomSampler(zeros([2, 2]), 3), ArgumentError, /not weights, got float32\[2, 2\]/);
  throwsError(() => new WeightedRandomSampler([1], 0), ArgumentError, /invalid numSamples/);
  throwsError(() => new WeightedRandomSampler(3 as never, 1), ArgumentError, /not weights, got 3/);
  throwsError(() => new SubsetRandomSampler([1.5]), ArgumentError, /not an index, got 1.5/);
  throwsError(() => new SubsetRandomSampler(3 as never), ArgumentError, /not a list of indices, got 3/);
  const share = (options: object): unknown => new DistributedSampler(ten, { numReplicas: 2, rank: 0, ...options });
  throwsError(() => share({ rank: 2 }), ArgumentError, /invalid rank, got 2; expected 0 to 1/);
  throwsError(() => share({ numReplicas: 0 }), ArgumentError, /invalid numReplicas/);
  throwsError(() => share({ seed: 0.5 }), ArgumentError, /invalid seed/);
  throwsError(() => share({ shuffle: 1 }), ArgumentError, /invalid shuffle/);
  throwsError(() => new DistributedSampler({ length: 0 }, { numReplicas: 1, rank: 0 }), ArgumentError, /the source is empty/);
  throwsError(() => new DistributedSampler(ten, undefined as never), ArgumentError, /numReplicas and rank are missing/);
});

test.run();

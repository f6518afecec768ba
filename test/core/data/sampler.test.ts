import { test } from 'uvu';
import { ArgumentError, BatchSampler, Generator, RandomSampler, SequentialSampler, manualSeed } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const ten = { length: 10 };
const seeded = (): Generator => new Generator(5);

test('in sequence', () => {
  equal([...new SequentialSampler({ length: 3 })], [0, 1, 2]);
  equal([...new SequentialSampler({ length: 0 })], []);
  is(new SequentialSampler(ten).length, 10);
});

test('at random, as PyTorch with a generator', () => {
  const generator = seeded();
  equal([...new RandomSampler(ten, { generator })], [1, 4, 9, 6, 3, 5, 0, 2, 8, 7]);
  is(generator.uniform24(), 0.05663388967514038); // torch.rand(1, generator=g) afterwards
});

test('at random, as PyTorch with the default generator', () => {
  const generator = manualSeed(5);
  equal([...new RandomSampler(ten)], [7, 6, 5, 4, 8, 3, 2, 9, 0, 1]);
  is(generator.uniform24(), 0.9074696898460388);
});

test('more samples than items', () => {
  const generator = seeded();
  const sampler = new RandomSampler(ten, { numSamples: 25, generator });
  is(sampler.length, 25);
  equal([...sampler], [1, 4, 9, 6, 3, 5, 0, 2, 8, 7, 4, 2, 8, 7, 6, 1, 0, 3, 5, 9, 7, 5, 0, 4, 3]);
  is(generator.uniform24(), 0.6793861985206604);
});

test('with replacement', () => {
  equal([...new RandomSampler(ten, { replacement: true, numSamples: 45, generator: seeded() })], [
    1, 4, 7, 5, 6, 0, 2, 3, 8, 4, 9, 0, 1, 2, 8, 8, 3, 0, 7, 9, 9, 7, 2, 9, 4, 7, 1, 9, 3, 6, 4, 4, 5, 4, 0, 5, 7, 4, 5, 9, 6, 3, 4, 7, 0,
  ]);
});

test('in batches', () => {
  const batches = new BatchSampler(new SequentialSampler({ length: 7 }), { batchSize: 3 });
  equal([...batches], [[0, 1, 2], [3, 4, 5], [6]]);
  is(batches.length, 3);
  const full = new BatchSampler(new SequentialSampler({ length: 7 }), { batchSize: 3, dropLast: true });
  equal([...full], [[0, 1, 2], [3, 4, 5]]);
  is(full.length, 2);
});

test('refuses what cannot be sampled', () => {
  throwsError(() => new RandomSampler({ length: 0 }), ArgumentError, /RandomSampler: the source is empty/);
  throwsError(() => new RandomSampler(ten, { numSamples: 0 }), ArgumentError, /invalid numSamples, got 0; expected an integer ≥ 1/);
  throwsError(() => new RandomSampler(ten, { numSamples: NaN }), ArgumentError, /got NaN/);
  throwsError(() => new RandomSampler(ten, { replacement: 1 as never }), ArgumentError, /got 1; expected true or false/);
  throwsError(() => new RandomSampler(ten, { generator: 5 as never }), ArgumentError, /not a generator, got 5.*\nhint/);
  throwsError(() => new SequentialSampler(3 as never), ArgumentError, /nothing to sample from, got 3/);
  throwsError(() => new BatchSampler([1, 2], { batchSize: 0 }), ArgumentError, /invalid batchSize, got 0/);
  throwsError(() => new BatchSampler(3 as never, { batchSize: 1 }), ArgumentError, /not a sampler, got 3/);
  throwsError(() => new BatchSampler([1], { batchSize: 1, drop: true } as never), ArgumentError, /unknown option, got 'drop'/);
});

test.run();

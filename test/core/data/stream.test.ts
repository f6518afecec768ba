import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  ArgumentError, ChainDataset, DataLoader, type Dataset, Generator, type IterableDataset, StateError, TensorDataset, arange, defaultGenerator, manualSeed, mapDataset, packCheckpoint, prefetch, rand,
  shuffleBuffer, tensor, unpackCheckpoint,
} from '../../../index.ts';
import { all } from '../../all.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';

const torch = JSON.parse(readFileSync(new URL('../../fixtures/data.json', import.meta.url), 'utf8')) as { streamed: unknown[] };

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** 0, 1, 2, … */
const upTo = (n: number): IterableDataset<number> & Iterable<number> => ({
  *[Symbol.iterator]() {
    for (let i = 0; i < n; i++) yield i;
  },
});

/** The same, asynchronous, and how far it was read. */
const slowly = (n: number, read: { count: number } = { count: 0 }): IterableDataset<number> & AsyncIterable<number> => ({
  async *[Symbol.asyncIterator]() {
    for (let i = 0; i < n; i++) {
      await Promise.resolve();
      read.count++;
      yield i;
    }
  },
});

test("batches of a stream, and what they draw, as PyTorch's", () => {
  const standard = manualSeed(7);
  const loader = new DataLoader(upTo(7), { batchSize: 3 });
  const epochs = [0, 1].map(() => [...loader].map((x) => x.array()));
  equal([...epochs, standard.uniform24()], torch.streamed);
  equal([...new DataLoader(upTo(7), { batchSize: 3, dropLast: true })].map((x) => x.array()), [[0, 1, 2], [3, 4, 5]]);
  throwsError(() => loader.length, StateError, /a stream has no length/);
  is(new DataLoader(Object.assign(upTo(7), { length: 7 }), { batchSize: 3 }).length, 3);
});

test('asynchronous streams and datasets', async () => {
  equal((await all(new DataLoader(slowly(5), { batchSize: 2 }))).map((x) => x.array()), [[0, 1], [2, 3], [4]]);
  equal((await all(new DataLoader(upTo(5), { batchSize: 2, dropLast: true }))).map((x) => x.array()), [[0, 1], [2, 3]]);
  const later: Dataset<Promise<{ x: number }>> = { length: 5, get: async (i) => wait(5 - i).then(() => ({ x: i })) };
  equal((await all(new DataLoader(later, { batchSize: 2 }))).map(({ x }) => x.array()), [[0, 1], [2, 3], [4]]);
  equal(await all(new DataLoader(later, { batchSize: 3, collate: (items) => items.map(({ x }) => x).join() })), ['0,1,2', '3,4']);
  throwsError(() => [...new DataLoader(later)], ArgumentError, /the items are promises, got 'for'; expected 'for await'/);
  throwsError(() => [...new DataLoader(slowly(3))], ArgumentError, /expected 'for await'/);
  // as the plain loop, with the same draws
  const shuffled = () => new DataLoader(new TensorDataset(arange(10)), { batchSize: 3, shuffle: true, generator: new Generator(7) });
  const [a, b] = [shuffled(), shuffled()];
  for (let epoch = 0; epoch < 2; epoch++) equal((await all(a)).map(([x]) => x.array()), [...b].map(([x]) => x.array()));
  equal(a.stateDict(), b.stateDict());
});

test('batches are fetched ahead, so many and no more, and come in order', async () => {
  let [running, most, started] = [0, 0, 0];
  const dataset: Dataset<Promise<number>> = {
    length: 12,
    async get(i) {
      started++;
      most = Math.max(most, ++running);
      await wait(i % 3 === 0 ? 6 : 1);
      running--;
      return i;
    },
  };
  const seen: unknown[] = [];
  for await (const x of new DataLoader(dataset, { prefetchFactor: 3 })) {
    seen.push(x.item());
    ok(started <= seen.length + 3, `${started} started after ${seen.length}`);
  }
  equal(seen, Array.from({ length: 12 }, (_, i) => i));
  is(most, 3);
});

test('an error comes in its place, and nothing is left unhandled', async () => {
  const dataset: Dataset<Promise<number>> = { length: 6, get: (i) => (i >= 2 ? Promise.reject(new Error(`item ${i}`)) : Promise.resolve(i)) };
  const seen: unknown[] = [];
  await rejectsError(async () => {
    for await (const x of new DataLoader(dataset, { prefetchFactor: 4 })) seen.push(x.item());
  }, Error, /item 2/);
  equal(seen, [0, 1]);
  await wait(5); // an unhandled rejection would end the process
});

test('read ahead', async () => {
  const read = { count: 0 };
  const source = prefetch(slowly(10, read), 3);
  let seen = 0;
  for await (const x of source) {
    is(x, seen++);
    await wait(1);
    ok(read.count <= seen + 3);
    if (seen === 4) break;
  }
  ok(read.count >= 6 && read.count <= 7, String(read.count));
  equal(await all(prefetch(upTo(3))), [0, 1, 2]);
  let closed = false;
  const closing = {
    *[Symbol.iterator]() {
      try {
        yield 1;
        yield 2;
      } finally {
        closed = true;
      }
    },
  };
  for await (const _ of prefetch(closing, 1)) break;
  ok(closed);
  throwsError(() => prefetch(upTo(1), 0), ArgumentError, /invalid depth, got 0/);
  throwsError(() => prefetch(3 as never), ArgumentError, /not a stream/);
});

test('one after the other, and changed', async () => {
  const chain = new ChainDataset<number>([upTo(2), slowly(3)]);
  equal(await all(chain), [0, 1, 0, 1, 2]);
  equal([...new ChainDataset<number>([upTo(2), [7]])], [0, 1, 7]);
  throwsError(() => [...chain], ArgumentError, /asynchronous/);
  throwsError(() => new ChainDataset([3] as never), ArgumentError, /not a stream/);
  equal([...mapDataset(upTo(3), (x) => x * x)], [0, 1, 4]);
  equal(await all(mapDataset(slowly(3), async (x) => Promise.resolve(x + 1))), [1, 2, 3]);
});

test('shuffled through a buffer: every item once, near its place, other orders in other epochs', async () => {
  const stream = shuffleBuffer(upTo(100), 10, { generator: new Generator(1) });
  const [a, b] = [[...stream], [...stream]];
  for (const order of [a, b]) {
    equal([...order].sort((x, y) => x - y), [...upTo(100)]);
    order.forEach((x, at) => ok(x <= at + 10, `${x} at ${at}`)); // no item comes before it was read
  }
  ok(a.join() !== b.join());
  equal(await all(shuffleBuffer(slowly(100), 10, { generator: new Generator(1) })), a);
  equal([...shuffleBuffer(upTo(5), 1)], [0, 1, 2, 3, 4]);
  equal([...shuffleBuffer(upTo(5), 100)].sort((x, y) => x - y), [0, 1, 2, 3, 4]);
  manualSeed(3);
  const c = [...shuffleBuffer(upTo(20), 5)];
  manualSeed(3);
  equal([...shuffleBuffer(upTo(20), 5)], c);
  throwsError(() => shuffleBuffer(upTo(5), 0), ArgumentError, /invalid size/);
  throwsError(() => shuffleBuffer(5 as never, 1), ArgumentError, /not a stream/);
});

test('goes on in the middle of an epoch, with the order and the noise of the run that never stopped', async () => {
  for (const own of [true, false]) {
    for (const async_ of [false, true]) {
      const make = () => {
        const stream = shuffleBuffer(new ChainDataset<number>([upTo(9), upTo(8)]), 6, own ? { generator: new Generator(2) } : {});
        return new DataLoader(mapDataset(prefetch(stream), (x) => tensor(x)), { batchSize: 4, prefetchFactor: 3 });
      };
      const plain = () => new DataLoader(shuffleBuffer(upTo(17), 6, own ? { generator: new Generator(2) } : {}), { batchSize: 4 });
      const line = (x: { data(): ArrayLike<number> }): string => `${Array.from(x.data()).join()} ${rand([1]).item()}`;
      const loader = (): Iterable<{ data(): ArrayLike<number> }> & AsyncIterable<{ data(): ArrayLike<number> }> & { stateDict(): unknown; loadStateDict(state: never): void } => (async_ ? make() : plain());
      const epoch = async (batches: ReturnType<typeof loader>, seen: string[]): Promise<void> => {
        if (async_) for await (const x of batches) seen.push(line(x));
        else for (const x of batches) seen.push(line(x));
      };
      manualSeed(1);
      const whole: string[] = [];
      const first = loader();
      for (let e = 0; e < 3; e++) await epoch(first, whole);
      for (let stop = 1; stop < whole.length; stop++) {
        manualSeed(1);
        const before = loader();
        const seen: string[] = [];
        let bytes: Uint8Array | undefined;
        let e = 0;
        for (; bytes === undefined; e++) {
          const iterator = async_ ? before[Symbol.asyncIterator]() : before[Symbol.iterator]();
          for (let r = await iterator.next(); r.done !== true; r = await iterator.next()) {
            seen.push(line(r.value));
            if (seen.length === stop) {
              bytes = packCheckpoint({ before, random: defaultGenerator });
              break;
            }
          }
        }
        manualSeed(55);
        const after = loader();
        unpackCheckpoint(bytes, { before: after, random: defaultGenerator });
        for (let k = e - 1; k < 3; k++) await epoch(after, seen);
        equal(seen, whole, `own ${own}, async ${async_}, stop ${stop}`);
      }
    }
  }
});

test('states of streams that do not fit', () => {
  const loader = new DataLoader(shuffleBuffer(upTo(9), 3), { batchSize: 2 });
  for (const _ of loader) break;
  const state = loader.stateDict();
  const refuse = (change: object, message: RegExp): void => throwsError(() => loader.loadStateDict({ ...state, ...change }), Error, message);
  refuse({ length: 9 }, /of another dataset, got one of 9 items; expected a stream/);
  refuse({ epoch: { next: -1, order: null, ends: null } }, /no place in the epoch/);
  refuse({ epoch: { next: 1, order: tensor([1n]), ends: null } }, /expected a stream/);
  refuse({ source: 3 }, /not the state of a shuffled stream, got 3/);
  refuse({ source: { generator: 1, source: null } }, /setState/);
  throwsError(() => new DataLoader(upTo(3), { shuffle: true }), ArgumentError, /a stream comes in its own order, got shuffle; expected a dataset\nhint: shuffleBuffer/);
  throwsError(() => new DataLoader(upTo(3), { sampler: [1] }), ArgumentError, /got sampler/);
  throwsError(() => new DataLoader(upTo(3), { prefetchFactor: 0 }), ArgumentError, /invalid prefetchFactor/);
});

test.run();

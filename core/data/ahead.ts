import { ArgumentError, checkNumber, show } from '../errors.ts';
import { type IterableDataset, checkStream, isAsyncIterable, isIterable } from './iterable.ts';
import { type Dataset, checkDataset } from './dataset.ts';
import { type MaybeStateful, stateOf, takesState } from './stateful.ts';

/** Keeps an error for whoever awaits the promise, also when nobody ever does. */
function keepError<P extends Promise<unknown>>(promise: P): P {
  promise.catch(() => undefined);
  return promise;
}

/** Results of `start(0)`, `start(1)`, …, in order, with up to `depth` under way; `start` returns null after the last. */
export async function* inOrder<T>(depth: number, start: (i: number) => Promise<T> | null): AsyncGenerator<T, void, undefined> {
  const queue: Promise<T>[] = [];
  let ended = false;
  for (let i = 0; ; ) {
    while (!ended && queue.length < depth) {
      const next = start(i);
      if (next === null) ended = true;
      else {
        queue.push(keepError(next));
        i++;
      }
    }
    const first = queue.shift();
    if (first === undefined) return;
    yield await first;
  }
}

/** A stream that is read ahead. Made by `prefetch`. */
export class PrefetchedStream<T> implements AsyncIterable<T>, MaybeStateful {
  private readonly source: IterableDataset<T>;
  private readonly depth: number;

  constructor(source: IterableDataset<T>, depth: number) {
    this.source = source;
    this.depth = depth;
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    const { source } = this;
    const iterator = isAsyncIterable(source) ? (source as AsyncIterable<T>)[Symbol.asyncIterator]() : (source as Iterable<T>)[Symbol.iterator]();
    let over = false;
    try {
      for await (const result of inOrder(this.depth, () => (over ? null : Promise.resolve(iterator.next())))) {
        if (result.done === true) {
          over = true;
          return;
        }
        yield result.value;
      }
    } finally {
      if (!over) await iterator.return?.();
    }
  }

  /** The state of the stream that is read. */
  stateDict(): unknown {
    return stateOf(this.source);
  }

  /** Gives the stream that is read its state back. */
  loadStateDict(state: unknown): void {
    if (takesState(this.source)) this.source.loadStateDict(state as never);
  }
}

/**
 * A stream that is read ahead: while one item is used, up to `depth` more are on their way.
 *
 * @param depth - how many; default 2
 * @throws ArgumentError for anything else
 */
export function prefetch<T>(source: IterableDataset<T>, depth = 2): PrefetchedStream<T> {
  checkStream('prefetch', source);
  checkNumber('prefetch', 'depth', depth, 'an integer ≥ 1', (n) => Number.isSafeInteger(n) && n >= 1);
  return new PrefetchedStream(source, depth);
}

/** Items of a stream, changed one by one. Made by `mapDataset`. */
export class MappedStream<T, U> implements Iterable<U>, AsyncIterable<Awaited<U>>, MaybeStateful {
  private readonly source: IterableDataset<T>;
  private readonly change: (item: T, index: number) => U;

  constructor(source: IterableDataset<T>, change: (item: T, index: number) => U) {
    this.source = source;
    this.change = change;
  }

  *[Symbol.iterator](): IterableIterator<U> {
    if (!isIterable(this.source)) throw new ArgumentError("mapDataset: the stream is asynchronous, got 'for'; expected 'for await'");
    let i = 0;
    for (const item of this.source as Iterable<T>) yield this.change(item, i++);
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Awaited<U>> {
    let i = 0;
    for await (const item of this.source) yield await this.change(item, i++);
  }

  /** The state of the stream that is read. */
  stateDict(): unknown {
    return stateOf(this.source);
  }

  /** Gives the stream that is read its state back. */
  loadStateDict(state: unknown): void {
    if (takesState(this.source)) this.source.loadStateDict(state as never);
  }
}

/** Items of a dataset, changed when they are asked for. Made by `mapDataset`. */
export class MappedDataset<T, U> implements Dataset<U> {
  private readonly source: Dataset<T>;
  private readonly change: (item: T, index: number) => U;

  constructor(source: Dataset<T>, change: (item: T, index: number) => U) {
    this.source = source;
    this.change = change;
  }

  get length(): number {
    return this.source.length;
  }

  get(index: number): U {
    return this.change(this.source.get(index), index);
  }
}

/**
 * A dataset, or a stream, whose items are changed when they are asked for. Where `change` gives promises, `for await` over a
 * DataLoader waits for them.
 *
 * @param change - gets an item and its index: of a stream, its place in the loop
 * @throws ArgumentError for anything else
 */
export function mapDataset<T, U>(source: Dataset<T>, change: (item: T, index: number) => U): MappedDataset<T, U>;
export function mapDataset<T, U>(source: IterableDataset<T>, change: (item: T, index: number) => U): MappedStream<T, U>;
export function mapDataset<T, U>(source: Dataset<T> | IterableDataset<T>, change: (item: T, index: number) => U): MappedDataset<T, U> | MappedStream<T, U> {
  const op = 'mapDataset';
  if (typeof change !== 'function') throw new ArgumentError(`${op}: not a function, got ${show(change)}; expected (item, index) => item`);
  if (isIterable(source) || isAsyncIterable(source)) return new MappedStream(source as IterableDataset<T>, change);
  checkDataset(op, source);
  return new MappedDataset(source, change);
}

import { ArgumentError, StateError, show } from '../errors.ts';
import { given } from '../given.ts';
import { Generator, type GeneratorState, defaultGenerator } from '../random.ts';
import { Tensor } from '../tensor.ts';
import { PrefetchedStream, inOrder } from './ahead.ts';
import type { Collated } from './collate.ts';
import { type Dataset, checkDataset } from './dataset.ts';
import { Epoch, type EpochState, fixedEnds } from './epoch.ts';
import { fetchBatch, joinItems } from './fetch.ts';
import { type IterableDataset, isAsyncIterable, isIterable } from './iterable.ts';
import { type Sampler, batchCount, checkBoolean, checkCount, checkGenerator, checkSampler, permutation } from './sampler.ts';
import { type MaybeStateful, stateOf, takesState } from './stateful.ts';

/** Options of `DataLoader`; `T` is what the dataset gives, or what its promises do. */
export interface DataLoaderOptions<T, B> {
  /** Items in a batch; default 1. */
  readonly batchSize?: number;
  /** Another random order in every epoch; default false. Not for streams. */
  readonly shuffle?: boolean;
  /** Leave out a last batch that is smaller; default false. */
  readonly dropLast?: boolean;
  /** Where random numbers come from; default the default generator. */
  readonly generator?: Generator;
  /** The order of items, instead of `shuffle`. Not for streams. */
  readonly sampler?: Sampler;
  /** The indices of every batch, instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. Not for streams. */
  readonly batchSampler?: BatchIndices;
  /** Makes a batch of items; default `defaultCollate`. */
  readonly collate?: (items: readonly T[]) => B;
  /** How many batches `for await` fetches at the same time, the one it waits for included; default 2. A plain `for` fetches one at a time. */
  readonly prefetchFactor?: number;
}

/** Indices of batches, as `BatchSampler` gives them. */
export type BatchIndices = Iterable<readonly number[]> & MaybeStateful & { readonly length: number };

/** Where a loader is: enough to go on with the very next batch. */
export interface DataLoaderState {
  /** Number of items of the dataset; null for a stream. */
  readonly length: number | null;
  /** The epoch that is under way, or null between two. */
  readonly epoch: EpochState | null;
  /** State of the `generator` option; null without one. */
  readonly generator: GeneratorState | null;
  /** State of the sampler or batch sampler, or what the stream started the epoch from; only where it has one. */
  readonly source?: unknown;
}

/** What may stand behind the dataset: options, before which the size of the batches and `shuffle` may stand by place. */
export type DataLoaderArguments<T, B> =
  | [options?: DataLoaderOptions<T, B>]
  | [batchSize: number, options?: DataLoaderOptions<T, B>]
  | [batchSize: number, shuffle: boolean, options?: DataLoaderOptions<T, B>];

const OPTIONS = ['dropLast', 'generator', 'sampler', 'batchSampler', 'collate', 'prefetchFactor'] as const;

/**
 * Batches of a dataset or of a stream. Every loop over the loader is one epoch; with the same seed the order of a shuffled epoch is
 * PyTorch's, with a generator of its own and without. `for await` goes through datasets and streams that give promises too,
 * and fetches batches ahead.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
 */
export class DataLoader<T, B = Collated<Awaited<T>>> implements Iterable<B>, AsyncIterable<B> {
  readonly dataset: Dataset<T> | IterableDataset<T>;
  readonly batchSize: number;
  private readonly items: Dataset<T> | null;
  private readonly shuffle: boolean;
  private readonly dropLast: boolean;
  private readonly generator: Generator | null;
  private readonly sampler: Sampler | null;
  private readonly batchSampler: BatchIndices | null;
  private readonly prefetchFactor: number;
  private readonly collate: ((items: readonly Awaited<T>[]) => B) | undefined;
  /** The epoch of the loop that started last. */
  private epoch: Epoch | null = null;
  /** The epoch that the next loop goes on with, after a load. */
  private resumed: Epoch | null = null;
  /** What the epoch under way, of a stream, started from. */
  private begun: unknown = null;

  /**
   * @param dataset - items by number, or a stream of items
   * @throws ArgumentError for an empty dataset and for options that do not go together
   */
  constructor(dataset: Dataset<T> | IterableDataset<T>, ...args: DataLoaderArguments<Awaited<T>, B>) {
    const op = 'DataLoader';
    const stream = isStream(dataset);
    if (!stream) checkDataset(op, dataset);
    const options = given<DataLoaderOptions<Awaited<T>, B>>(op, ['batchSize', 'shuffle'], args, OPTIONS);
    const { batchSize = 1, shuffle = false, dropLast = false, generator, sampler, batchSampler, collate, prefetchFactor = 2 } = options;
    checkCount(op, 'batchSize', batchSize);
    checkBoolean(op, 'shuffle', shuffle);
    checkBoolean(op, 'dropLast', dropLast);
    checkGenerator(op, generator);
    checkCount(op, 'prefetchFactor', prefetchFactor);
    if (sampler !== undefined) checkSampler(op, sampler);
    if (batchSampler !== undefined) checkSampler(op, batchSampler, 'batchSampler');
    if (collate !== undefined && typeof collate !== 'function') throw new ArgumentError(`DataLoader: collate is not a function, got ${show(collate)}; expected (items) => batch`);
    checkExclusive(op, options, stream);
    if (!stream && dataset.length === 0) throw new ArgumentError(`${op}: the dataset is empty, got length 0; expected at least one item`);
    this.dataset = dataset;
    this.items = stream ? null : (dataset as Dataset<T>);
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.generator = generator ?? null;
    this.sampler = sampler ?? null;
    this.batchSampler = batchSampler ?? null;
    this.collate = collate;
    this.prefetchFactor = prefetchFactor;
  }

  /** Number of batches in an epoch. @throws StateError for a stream that does not know its length */
  get length(): number {
    if (this.batchSampler !== null) return this.batchSampler.length;
    const { length } = this.sampler ?? this.dataset;
    if (length === undefined) throw new StateError('DataLoader: a stream has no length, got none; expected a dataset, or a stream with a length');
    return batchCount(length, this.batchSize, this.dropLast);
  }

  /** Starts an epoch, or goes on with the one that was loaded. */
  private start(): Epoch {
    const epoch = this.resumed ?? new Epoch();
    // torch draws a seed for its worker processes in every epoch, also when it starts none.
    if (this.resumed === null) (this.generator ?? defaultGenerator).random64();
    this.resumed = null;
    this.epoch = epoch;
    if (this.items === null) this.begun = stateOf(this.dataset);
    return epoch;
  }

  /** Starts an epoch, or goes on with the one that was loaded. @throws ArgumentError in the loop, where items are promises */
  [Symbol.iterator](): IterableIterator<B> {
    const epoch = this.start();
    return this.items === null ? this.runStream(epoch) : this.run(epoch, this.items);
  }

  /** The same for datasets and streams that give promises, and with batches fetched ahead. */
  [Symbol.asyncIterator](): AsyncIterableIterator<B> {
    const epoch = this.start();
    return this.items === null ? this.runStreamAhead(epoch) : this.runAhead(epoch, this.items);
  }

  private *run(epoch: Epoch, items: Dataset<T>): IterableIterator<B> {
    const ends = (epoch.ends ??= this.draw(epoch, items.length));
    while (epoch.next < ends.length) {
      const i = epoch.next;
      this.drawEarly(i, ends, items.length);
      const batch = fetchBatch(items, this.collate, epoch.indices(i, ends));
      if (batch instanceof Promise) {
        batch.catch(() => undefined);
        throw promises();
      }
      epoch.next = i + 1;
      yield batch;
    }
    this.end(epoch, items.length);
  }

  private async *runAhead(epoch: Epoch, items: Dataset<T>): AsyncIterableIterator<B> {
    const ends = (epoch.ends ??= this.draw(epoch, items.length));
    const first = epoch.next;
    const fetch = async (i: number): Promise<B> => fetchBatch(items, this.collate, epoch.indices(i, ends));
    for await (const batch of inOrder(this.prefetchFactor, (k) => (first + k < ends.length ? fetch(first + k) : null))) {
      this.drawEarly(epoch.next, ends, items.length);
      epoch.next++;
      yield batch;
    }
    this.end(epoch, items.length);
  }

  private *runStream(epoch: Epoch): IterableIterator<B> {
    if (!isIterable(this.dataset)) throw promises();
    let items: Awaited<T>[] = [];
    let skip = epoch.next * this.batchSize;
    for (const item of this.dataset as Iterable<T>) {
      if (skip-- > 0) continue;
      if (item instanceof Promise) throw promises();
      items.push(item as Awaited<T>);
      if (items.length < this.batchSize) continue;
      const batch = this.join(items);
      items = [];
      epoch.next++;
      yield batch;
    }
    if (items.length > 0 && !this.dropLast) {
      const batch = this.join(items);
      epoch.next++;
      yield batch;
    }
    epoch.done = true;
  }

  private async *runStreamAhead(epoch: Epoch): AsyncIterableIterator<B> {
    for await (const batch of new PrefetchedStream(this.batches(epoch.next * this.batchSize), this.prefetchFactor)) {
      epoch.next++;
      yield batch;
    }
    epoch.done = true;
  }

  /** Batches of a stream from item `skip` on. */
  private async *batches(skip: number): AsyncGenerator<B, void, undefined> {
    let items: Awaited<T>[] = [];
    for await (const item of this.dataset as IterableDataset<Awaited<T>>) {
      if (skip-- > 0) continue;
      items.push(item);
      if (items.length < this.batchSize) continue;
      yield this.join(items);
      items = [];
    }
    if (items.length > 0 && !this.dropLast) yield this.join(items);
  }

  private join(items: readonly Awaited<T>[]): B {
    return joinItems(items, this.collate);
  }

  // torch's RandomSampler ends with the draw of a permutation of which it takes nothing: before a last batch that is
  // smaller, and otherwise after all.
  private drawsEarly(n: number): boolean {
    return !this.dropLast && n % this.batchSize !== 0;
  }

  private drawEarly(i: number, ends: Int32Array, n: number): void {
    if (this.shuffle && this.generator !== null && i === ends.length - 1 && this.drawsEarly(n)) permutation(n, this.generator);
  }

  private end(epoch: Epoch, n: number): void {
    if (this.shuffle && this.generator !== null && !epoch.done && !this.drawsEarly(n)) permutation(n, this.generator);
    epoch.done = true;
  }

  /** Draws the order of an epoch and gives the ends of its batches. */
  private draw(epoch: Epoch, n: number): Int32Array {
    const { batchSize, dropLast } = this;
    if (this.batchSampler !== null) return epoch.take(this.batchSampler, this.length, n);
    if (this.sampler !== null) return fixedEnds(epoch.takeAll(this.sampler, n), batchSize, dropLast);
    if (this.shuffle) epoch.order = permutation(n, this.generator ?? new Generator(Number(defaultGenerator.random64() & 0xffffffffn)));
    return fixedEnds(n, batchSize, dropLast);
  }

  /** What may have a state of its own. */
  private get source(): unknown {
    return this.items === null ? this.dataset : (this.batchSampler ?? this.sampler);
  }

  /**
   * The place in the epoch of the loop that started last, its order, the state of the `generator` option, and that of the
   * sampler or stream. Inside a loop, or after leaving one early, the next batch counts. Without that option save
   * `defaultGenerator` as well. Of a stream the items up to that place are skipped later.
   */
  stateDict(): DataLoaderState {
    const epoch = this.resumed ?? this.epoch;
    const under = epoch !== null && !epoch.done;
    const source = this.items === null && under && this.resumed === null ? this.begun : stateOf(this.source);
    return {
      length: this.items === null ? null : this.items.length,
      epoch: under ? epoch.state() : null,
      generator: this.generator?.getState() ?? null,
      ...(source !== null && { source }),
    };
  }

  /**
   * Makes the next loop go on where the state was taken.
   *
   * @throws StateError when the state is of another dataset or options, before anything is changed
   */
  loadStateDict(state: DataLoaderState): void {
    const given: Partial<Record<keyof DataLoaderState, unknown>> | null = typeof state === 'object' && state !== null && !(state instanceof Tensor) ? state : null;
    if (given === null || !('epoch' in given) || !('generator' in given)) {
      throw new ArgumentError(`DataLoader: not the state of a loader, got ${show(state)}; expected what stateDict() returned`);
    }
    const items = this.items === null ? null : this.items.length;
    if (given.length !== items) {
      throw new StateError(`DataLoader: the state is of another dataset, got one of ${show(given.length)} items; expected ${items ?? 'a stream'}`);
    }
    if ((state.generator === null) !== (this.generator === null)) {
      const [got, expected] = state.generator === null ? ['none', 'one'] : ['one', 'none'];
      throw new StateError(`DataLoader: the state does not fit the generator option, got ${got}; expected ${expected}`);
    }
    const epoch = state.epoch === null ? null : Epoch.from(state.epoch, items);
    const { source } = this;
    const inner = state.source ?? null;
    if (inner !== null && !takesState(source)) throw new StateError(`DataLoader: the state has one of a sampler or stream, got ${show(inner)}; expected none`);
    if (state.generator !== null) new Generator().setState(state.generator); // throws for anything but a state
    if (inner !== null && takesState(source)) source.loadStateDict(inner as never);
    if (state.generator !== null) this.generator?.setState(state.generator);
    this.epoch = null;
    this.resumed = epoch;
  }
}

/** True for anything that is looped over rather than asked for its items. */
function isStream(dataset: unknown): boolean {
  if (Array.isArray(dataset) || (typeof dataset === 'object' && dataset !== null && 'get' in dataset && typeof dataset.get === 'function')) return false;
  return isIterable(dataset) || isAsyncIterable(dataset);
}

function promises(): ArgumentError {
  return new ArgumentError("DataLoader: the items are promises, got 'for'; expected 'for await'");
}

function checkExclusive(op: string, options: object, stream: boolean): void {
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined || value === false ? [] : [name]));
  const refuse = (name: string, others: readonly string[]): void => {
    const clash = given.includes(name) ? given.find((other) => others.includes(other)) : undefined;
    if (clash !== undefined) throw new ArgumentError(`${op}: options do not go together, got ${name} and ${clash}; expected one of them`);
  };
  refuse('sampler', ['shuffle']);
  refuse('batchSampler', ['batchSize', 'shuffle', 'sampler', 'dropLast']);
  const fixed = stream ? given.find((name) => ['shuffle', 'sampler', 'batchSampler'].includes(name)) : undefined;
  if (fixed !== undefined) throw new ArgumentError(`${op}: a stream comes in its own order, got ${fixed}; expected a dataset`, { hint: 'shuffleBuffer shuffles streams' });
}

import { ArgumentError, StateError, checkOptions, show } from '../errors.ts';
import { Generator, type GeneratorState, defaultGenerator } from '../random.ts';
import { Tensor } from '../tensor.ts';
import { type Collated, defaultCollate } from './collate.ts';
import { type Dataset, batchGetter, checkDataset } from './dataset.ts';
import { Epoch, type EpochState, fixedEnds } from './epoch.ts';
import { type Sampler, batchCount, checkBoolean, checkCount, checkGenerator, checkSampler, permutation } from './sampler.ts';

/** Options of `DataLoader`. */
export interface DataLoaderOptions<T, B> {
  /** Items in a batch; default 1. */
  readonly batchSize?: number;
  /** Another random order in every epoch; default false. */
  readonly shuffle?: boolean;
  /** Leave out a last batch that is smaller; default false. */
  readonly dropLast?: boolean;
  /** Where random numbers come from; default the default generator. */
  readonly generator?: Generator;
  /** The order of items, instead of `shuffle`. */
  readonly sampler?: Sampler;
  /** The indices of every batch, instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  readonly batchSampler?: Iterable<readonly number[]> & { readonly length: number };
  /** Makes a batch of items; default `defaultCollate`. */
  readonly collate?: (items: readonly T[]) => B;
}

/** Where a loader is: enough to go on with the very next batch. */
export interface DataLoaderState {
  /** Number of items of the dataset. */
  readonly length: number;
  /** The epoch that is under way, or null between two. */
  readonly epoch: EpochState | null;
  /** State of the `generator` option; null without one. */
  readonly generator: GeneratorState | null;
}

const OPTIONS = ['batchSize', 'shuffle', 'dropLast', 'generator', 'sampler', 'batchSampler', 'collate'];

/**
 * Batches of a dataset. Every loop over the loader is one epoch; with the same seed the order of a shuffled epoch is
 * PyTorch's, with a generator of its own and without.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
 */
export class DataLoader<T, B = Collated<T>> implements Iterable<B> {
  readonly dataset: Dataset<T>;
  readonly batchSize: number;
  private readonly shuffle: boolean;
  private readonly dropLast: boolean;
  private readonly generator: Generator | null;
  private readonly sampler: Sampler | null;
  private readonly batchSampler: NonNullable<DataLoaderOptions<T, B>['batchSampler']> | null;
  private readonly fetch: (indices: Int32Array) => B;
  /** The epoch of the loop that started last. */
  private epoch: Epoch | null = null;
  /** The epoch that the next loop goes on with, after a load. */
  private resumed: Epoch | null = null;

  /** @throws ArgumentError for an empty dataset and for options that do not go together */
  constructor(dataset: Dataset<T>, options: DataLoaderOptions<T, B> = {}) {
    const op = 'DataLoader';
    checkDataset(op, dataset);
    checkOptions(op, options, OPTIONS);
    const { batchSize = 1, shuffle = false, dropLast = false, generator, sampler, batchSampler } = options;
    checkCount(op, 'batchSize', batchSize);
    checkBoolean(op, 'shuffle', shuffle);
    checkBoolean(op, 'dropLast', dropLast);
    checkGenerator(op, generator);
    if (sampler !== undefined) checkSampler(op, sampler);
    if (batchSampler !== undefined) checkSampler(op, batchSampler, 'batchSampler');
    checkExclusive(op, options);
    if (dataset.length === 0) throw new ArgumentError(`${op}: the dataset is empty, got length 0; expected at least one item`);
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.generator = generator ?? null;
    this.sampler = sampler ?? null;
    this.batchSampler = batchSampler ?? null;
    this.fetch = fetcher(dataset, options.collate);
  }

  /** Number of batches in an epoch. */
  get length(): number {
    if (this.batchSampler !== null) return this.batchSampler.length;
    return batchCount(this.sampler === null ? this.dataset.length : this.sampler.length, this.batchSize, this.dropLast);
  }

  /** Starts an epoch, or goes on with the one that was loaded. */
  [Symbol.iterator](): IterableIterator<B> {
    const epoch = this.resumed ?? new Epoch();
    // torch draws a seed for its worker processes in every epoch, also when it starts none.
    if (this.resumed === null) (this.generator ?? defaultGenerator).random64();
    this.resumed = null;
    this.epoch = epoch;
    return this.run(epoch);
  }

  private *run(epoch: Epoch): IterableIterator<B> {
    const ends = (epoch.ends ??= this.draw(epoch));
    const { dataset, generator, shuffle } = this;
    // torch's RandomSampler ends with the draw of a permutation of which it takes nothing: before a last batch that is
    // smaller, and otherwise after all.
    const finish = (): void => {
      if (shuffle && generator !== null) permutation(dataset.length, generator);
    };
    const early = !this.dropLast && dataset.length % this.batchSize !== 0;
    while (epoch.next < ends.length) {
      const i = epoch.next;
      if (early && i === ends.length - 1) finish();
      const start = i === 0 ? 0 : ends[i - 1];
      const batch = this.fetch(epoch.order === null ? count(start, ends[i]) : epoch.order.subarray(start, ends[i]));
      epoch.next = i + 1;
      yield batch;
    }
    if (!early && !epoch.done) finish();
    epoch.done = true;
  }

  /** Draws the order of an epoch and gives the ends of its batches. */
  private draw(epoch: Epoch): Int32Array {
    const { dataset, batchSize, dropLast } = this;
    if (this.batchSampler !== null) return epoch.take(this.batchSampler, this.length, dataset.length);
    if (this.sampler !== null) return fixedEnds(epoch.takeAll(this.sampler, dataset.length), batchSize, dropLast);
    if (this.shuffle) epoch.order = permutation(dataset.length, this.generator ?? new Generator(Number(defaultGenerator.random64() & 0xffffffffn)));
    return fixedEnds(dataset.length, batchSize, dropLast);
  }

  /**
   * The place in the epoch of the loop that started last, its order, and the state of the `generator` option. Inside a
   * loop, or after leaving one early, the next batch counts. Without that option save `defaultGenerator` as well, and
   * with a sampler of your own its generator.
   */
  stateDict(): DataLoaderState {
    const epoch = this.resumed ?? this.epoch;
    return {
      length: this.dataset.length,
      epoch: epoch === null || epoch.done ? null : epoch.state(),
      generator: this.generator?.getState() ?? null,
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
    if (given.length !== this.dataset.length) {
      throw new StateError(`DataLoader: the state is of another dataset, got one of ${show(given.length)} items; expected ${this.dataset.length}`);
    }
    if ((state.generator === null) !== (this.generator === null)) {
      const [got, expected] = state.generator === null ? ['none', 'one'] : ['one', 'none'];
      throw new StateError(`DataLoader: the state does not fit the generator option, got ${got}; expected ${expected}`);
    }
    const epoch = state.epoch === null ? null : Epoch.from(state.epoch, this.dataset.length);
    if (state.generator !== null) this.generator?.setState(state.generator);
    this.epoch = null;
    this.resumed = epoch;
  }
}

/** Batches of a dataset: in one go where it offers that, and otherwise item by item. */
function fetcher<T, B>(dataset: Dataset<T>, own: ((items: readonly T[]) => B) | undefined): (indices: Int32Array) => B {
  if (own !== undefined && typeof own !== 'function') throw new ArgumentError(`DataLoader: collate is not a function, got ${show(own)}; expected (items) => batch`);
  const fast = batchGetter(dataset) as ((indices: Int32Array) => B) | null; // B is Collated<T> without `collate`
  if (own === undefined && fast !== null) return fast;
  const join = own ?? (defaultCollate as (items: readonly T[]) => B);
  return (indices) => join(Array.from(indices, (i) => dataset.get(i)));
}

/** The numbers from `start` up to and without `end`. */
function count(start: number, end: number): Int32Array {
  const out = new Int32Array(end - start);
  for (let i = 0; i < out.length; i++) out[i] = start + i;
  return out;
}

function checkExclusive(op: string, options: object): void {
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined || value === false ? [] : [name]));
  const refuse = (name: string, others: readonly string[]): void => {
    const clash = given.includes(name) ? given.find((other) => others.includes(other)) : undefined;
    if (clash !== undefined) throw new ArgumentError(`${op}: options do not go together, got ${name} and ${clash}; expected one of them`);
  };
  refuse('sampler', ['shuffle']);
  refuse('batchSampler', ['batchSize', 'shuffle', 'sampler', 'dropLast']);
}


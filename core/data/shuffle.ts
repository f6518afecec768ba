import { ArgumentError, checkOptions, show } from '../errors.ts';
import { Generator, type GeneratorState, defaultGenerator } from '../random.ts';
import { type IterableDataset, checkStream, isIterable } from './iterable.ts';
import { checkCount, checkGenerator, permutation } from './sampler.ts';
import { type MaybeStateful, stateOf, takesState } from './stateful.ts';

/** Options of `shuffleBuffer`. */
export interface ShuffleBufferOptions {
  /** Where random numbers come from; default one of its own, seeded from the default generator when it is first used. */
  readonly generator?: Generator;
}

/** What the next loop over a shuffled stream depends on. */
export interface ShuffleState {
  readonly generator: GeneratorState;
  /** State of the stream that is shuffled; null when it has none. */
  readonly source: unknown;
}

/** A stream in random order, as far as a buffer allows. Made by `shuffleBuffer`. */
export class ShuffledStream<T> implements Iterable<T>, AsyncIterable<T>, MaybeStateful {
  private readonly source: IterableDataset<T>;
  private readonly size: number;
  private generator: Generator | undefined;
  /** What the next loop starts from, after a load. */
  private loaded: GeneratorState | null = null;

  constructor(source: IterableDataset<T>, size: number, generator: Generator | undefined) {
    this.source = source;
    this.size = size;
    this.generator = generator;
  }

  private own(): Generator {
    return (this.generator ??= new Generator(Number(defaultGenerator.random64() & 0xffffffffn)));
  }

  private begin(): Generator {
    const generator = this.loaded === null ? this.own() : (this.generator ??= new Generator()).setState(this.loaded);
    this.loaded = null;
    return generator;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    if (!isIterable(this.source)) throw new ArgumentError("shuffleBuffer: the stream is asynchronous, got 'for'; expected 'for await'");
    const generator = this.begin();
    const buffer: T[] = [];
    for (const item of this.source as Iterable<T>) if (!this.fill(buffer, item)) yield this.exchange(buffer, item, generator);
    for (const i of permutation(buffer.length, generator)) yield buffer[i];
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    const generator = this.begin();
    const buffer: T[] = [];
    for await (const item of this.source) if (!this.fill(buffer, item)) yield this.exchange(buffer, item, generator);
    for (const i of permutation(buffer.length, generator)) yield buffer[i];
  }

  private fill(buffer: T[], item: T): boolean {
    if (buffer.length === this.size) return false;
    buffer.push(item);
    return true;
  }

  /** Puts an item into the place of another one. */
  private exchange(buffer: T[], item: T, generator: Generator): T {
    const at = generator.random() % this.size;
    const out = buffer[at];
    buffer[at] = item;
    return out;
  }

  /** What the next loop depends on. */
  stateDict(): ShuffleState {
    return { generator: this.loaded ?? this.own().getState(), source: stateOf(this.source) };
  }

  /** Makes the next loop start from a state. @throws ArgumentError when it is not one of a shuffled stream */
  loadStateDict(state: ShuffleState): void {
    const given: unknown = state;
    if (typeof given !== 'object' || given === null || !('generator' in given) || !('source' in given)) {
      throw new ArgumentError(`shuffleBuffer: not the state of a shuffled stream, got ${show(given)}; expected what stateDict() returned`);
    }
    new Generator().setState(state.generator); // throws for anything but a state
    if (takesState(this.source)) this.source.loadStateDict(state.source as never);
    this.loaded = state.generator;
  }
}

/**
 * A stream in random order as far as a buffer allows: each item takes the place of a random one of the last `size`, which goes
 * out; the rest comes in random order. With a buffer as large as the stream every order is equally likely.
 *
 * @param source - a stream
 * @param size - items in the buffer; 1 leaves the order as it is
 * @throws ArgumentError for anything else
 */
export function shuffleBuffer<T>(source: IterableDataset<T>, size: number, options: ShuffleBufferOptions = {}): ShuffledStream<T> {
  const op = 'shuffleBuffer';
  checkStream(op, source);
  checkCount(op, 'size', size);
  checkOptions(op, options, ['generator']);
  checkGenerator(op, options.generator);
  return new ShuffledStream(source, size, options.generator);
}

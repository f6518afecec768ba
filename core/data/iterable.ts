import { ArgumentError, show } from '../errors.ts';
import { type MaybeStateful, stateOf, takesState } from './stateful.ts';

/**
 * Items one after the other, when there is no number of them, or too many for memory: anything `for` or `for await` goes
 * through. Each loop starts anew. A loader that goes on in the middle of an epoch skips what was seen, so the items must come
 * in the same order again; where the order differs from loop to loop, `stateDict()` gives what the next loop depends on.
 *
 * @see https://pytorch.org/docs/stable/data.html#iterable-style-datasets
 */
export type IterableDataset<T> = (Iterable<T> | AsyncIterable<T>) & MaybeStateful & { readonly length?: number };

/** True for what `for` goes through. */
export function isIterable(x: unknown): x is Iterable<unknown> {
  return typeof x === 'object' && x !== null && Symbol.iterator in x && typeof x[Symbol.iterator] === 'function';
}

/** True for what only `for await` goes through. */
export function isAsyncIterable(x: unknown): x is AsyncIterable<unknown> {
  return typeof x === 'object' && x !== null && Symbol.asyncIterator in x && typeof x[Symbol.asyncIterator] === 'function';
}

/** Refuses anything but items one after the other. */
export function checkStream(op: string, source: unknown): void {
  if (!isIterable(source) && !isAsyncIterable(source)) throw new ArgumentError(`${op}: not a stream of items, got ${show(source)}; expected something that 'for' or 'for await' goes through`);
}

/**
 * Streams one after the other; the next one starts when the one before has ended. All go through `for` as well when each of them does.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.ChainDataset
 */
export class ChainDataset<T> implements AsyncIterable<T>, MaybeStateful {
  readonly datasets: readonly IterableDataset<T>[];

  /** @throws ArgumentError for anything but an array of streams */
  constructor(datasets: readonly IterableDataset<T>[]) {
    if (!Array.isArray(datasets)) throw new ArgumentError(`ChainDataset: not an array, got ${show(datasets)}; expected an array of streams`);
    for (const dataset of datasets) checkStream('ChainDataset', dataset);
    this.datasets = [...(datasets as readonly IterableDataset<T>[])];
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const dataset of this.datasets) {
      if (!isIterable(dataset)) throw new ArgumentError("ChainDataset: a stream is asynchronous, got 'for'; expected 'for await'");
      yield* dataset as Iterable<T>;
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (const dataset of this.datasets) yield* dataset;
  }

  /** The states of the streams. */
  stateDict(): unknown[] {
    return this.datasets.map(stateOf);
  }

  /** Gives the streams their states back. */
  loadStateDict(states: readonly unknown[]): void {
    loadStreams('ChainDataset', this.datasets, states);
  }
}

/** Gives streams their states back. @throws ArgumentError when there are more states or fewer */
export function loadStreams(op: string, streams: readonly unknown[], states: unknown): void {
  if (!Array.isArray(states) || states.length !== streams.length) throw new ArgumentError(`${op}: not the states of its streams, got ${show(states)}; expected ${streams.length}`);
  streams.forEach((stream, i) => {
    if (takesState(stream)) stream.loadStateDict(states[i] as never);
  });
}

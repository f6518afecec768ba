import { fillPermutation } from '../cpu/random.ts';
import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../errors.ts';
import { Generator, type GeneratorState, defaultGenerator } from '../random.ts';
import { stateOf, takesState } from './stateful.ts';

/** Indices of one epoch, drawn anew by every iteration. */
export interface Sampler extends Iterable<number> {
  /** Number of indices. */
  readonly length: number;
  /** Optional: what its next iteration depends on. DataLoader keeps it with its own state. */
  stateDict?(): unknown;
  /** Optional: takes that back. */
  loadStateDict?(state: never): void;
}

/** State of a sampler that draws: that of its generator; null when it has none of its own. */
export interface SamplerState {
  readonly generator: GeneratorState | null;
}

/** The state of a sampler with this generator. */
export function samplerState(generator: Generator | undefined): SamplerState {
  return { generator: generator?.getState() ?? null };
}

/** Sets the generator of a sampler back. @throws StateError when the state has one and the sampler none, or the other way round */
export function loadSamplerState(op: string, generator: Generator | undefined, state: SamplerState): void {
  const given: unknown = typeof state === 'object' && state !== null && 'generator' in state ? state.generator : undefined;
  if (given === undefined || (given === null) !== (generator === undefined)) {
    throw new StateError(`${op}: the state does not fit the generator option, got ${given === undefined ? show(state) : given === null ? 'none' : 'one'}; expected ${generator === undefined ? 'none' : 'one'}`);
  }
  generator?.setState(given as GeneratorState);
}

/** What a sampler needs to know of a dataset. */
export interface Sized {
  readonly length: number;
}

/** Refuses anything but a generator or nothing. */
export function checkGenerator(op: string, generator: unknown): asserts generator is Generator | undefined {
  if (generator !== undefined && !(generator instanceof Generator)) {
    throw new ArgumentError(`${op}: not a generator, got ${show(generator)}; expected a Generator`, { hint: 'new Generator(seed) makes one' });
  }
}

/** Refuses anything without a length. */
export function checkSized(op: string, source: unknown): asserts source is Sized {
  const length: unknown = typeof source === 'object' && source !== null && 'length' in source ? source.length : undefined;
  if (!Number.isSafeInteger(length) || (length as number) < 0) {
    throw new ArgumentError(`${op}: nothing to sample from, got ${show(source)}; expected a dataset, or an object with a length`);
  }
}

/** Refuses anything but true or false. */
export function checkBoolean(op: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new ArgumentError(`${op}: invalid ${name}, got ${show(value)}; expected true or false`, { values: { [name]: value } });
}

/** Refuses anything but a whole number ≥ 1. */
export function checkCount(op: string, name: string, value: unknown): void {
  checkNumber(op, name, value, 'an integer ≥ 1', (n) => Number.isSafeInteger(n) && n >= 1);
}

/** The numbers from 0 to `n` - 1 in the order `torch.randperm(n)` gives them. */
export function permutation(n: number, generator: Generator): Int32Array {
  const out = new Int32Array(n);
  fillPermutation(out, generator);
  return out;
}

/** 0, 1, 2, … @see https://pytorch.org/docs/stable/data.html#torch.utils.data.SequentialSampler */
export class SequentialSampler implements Sampler {
  private readonly source: Sized;

  /** @param source - what to sample from; only its length matters */
  constructor(source: Sized) {
    checkSized('SequentialSampler', source);
    this.source = source;
  }

  get length(): number {
    return this.source.length;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let i = 0; i < this.length; i++) yield i;
  }
}

/** Options of `RandomSampler`. */
export interface RandomSamplerOptions {
  /** Draw every index on its own, so that some repeat; default false: every index once. */
  readonly replacement?: boolean;
  /** How many to draw; default the length of the source. Without replacement, further rounds follow when it is larger. */
  readonly numSamples?: number;
  /** Where random numbers come from; default one seeded from the default generator in every epoch. */
  readonly generator?: Generator;
}

/**
 * Indices in random order, the same as PyTorch's for the same seed.
 *
 * @throws ArgumentError for an empty source
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.RandomSampler
 */
export class RandomSampler implements Sampler {
  readonly length: number;
  private readonly source: Sized;
  private readonly replacement: boolean;
  private readonly generator: Generator | undefined;

  /** @param source - what to sample from; only its length matters */
  constructor(source: Sized, options: RandomSamplerOptions = {}) {
    const op = 'RandomSampler';
    checkSized(op, source);
    checkOptions(op, options, ['replacement', 'numSamples', 'generator']);
    const { replacement = false, numSamples = source.length, generator } = options;
    checkBoolean(op, 'replacement', replacement);
    checkGenerator(op, generator);
    if (source.length === 0) throw new ArgumentError(`${op}: the source is empty, got length 0; expected at least one item`);
    checkCount(op, 'numSamples', numSamples);
    this.source = source;
    this.length = numSamples;
    this.replacement = replacement;
    this.generator = generator;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    const n = this.source.length;
    const generator = this.generator ?? new Generator(Number(defaultGenerator.random64() & 0xffffffffn)); // the twister takes 32 bits of a seed
    if (this.replacement) {
      for (let i = 0; i < this.length; i++) yield generator.random() % n;
      return;
    }
    for (let left = this.length; left > 0; left -= n) {
      const round = permutation(n, generator);
      yield* left < n ? round.subarray(0, left) : round;
    }
    if (this.length % n === 0) permutation(n, generator); // torch draws the round of which it takes nothing
  }

  /** The state of the `generator` option. */
  stateDict(): SamplerState {
    return samplerState(this.generator);
  }

  /** Sets the generator back. @throws StateError when the state does not fit */
  loadStateDict(state: SamplerState): void {
    loadSamplerState('RandomSampler', this.generator, state);
  }
}

/** Options of `BatchSampler`. */
export interface BatchSamplerOptions {
  /** Number of indices in a batch. */
  readonly batchSize: number;
  /** Leave out a last batch that is smaller; default false. */
  readonly dropLast?: boolean;
}

/** Indices of another sampler in batches. @see https://pytorch.org/docs/stable/data.html#torch.utils.data.BatchSampler */
export class BatchSampler implements Iterable<number[]> {
  private readonly sampler: Sampler;
  private readonly batchSize: number;
  private readonly dropLast: boolean;

  constructor(sampler: Sampler, options: BatchSamplerOptions) {
    const op = 'BatchSampler';
    checkSampler(op, sampler);
    checkOptions(op, options, ['batchSize', 'dropLast']);
    const { batchSize, dropLast = false } = options;
    checkCount(op, 'batchSize', batchSize);
    checkBoolean(op, 'dropLast', dropLast);
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
  }

  /** Number of batches. */
  get length(): number {
    return batchCount(this.sampler.length, this.batchSize, this.dropLast);
  }

  *[Symbol.iterator](): IterableIterator<number[]> {
    let batch: number[] = [];
    for (const index of this.sampler) {
      batch.push(index);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }

  /** The state of the sampler inside, if it has one. */
  stateDict(): unknown {
    return stateOf(this.sampler);
  }

  /** Gives the sampler inside its state back. @throws StateError when it takes none */
  loadStateDict(state: unknown): void {
    if (takesState(this.sampler)) this.sampler.loadStateDict(state as never);
    else if (state !== null) throw new StateError(`BatchSampler: the sampler takes no state, got ${show(state)}; expected null`);
  }
}

/** Number of batches of `n` items. */
export function batchCount(n: number, batchSize: number, dropLast: boolean): number {
  return dropLast ? Math.floor(n / batchSize) : Math.ceil(n / batchSize);
}

/** Refuses anything but an iterable with a length. */
export function checkSampler(op: string, sampler: unknown, name = 'sampler'): void {
  const iterable = typeof sampler === 'object' && sampler !== null && Symbol.iterator in sampler && typeof sampler[Symbol.iterator] === 'function';
  const length: unknown = iterable && 'length' in sampler ? sampler.length : undefined;
  if (!Number.isSafeInteger(length) || (length as number) < 0) {
    throw new ArgumentError(`${op}: not a ${name}, got ${show(sampler)}; expected an iterable with a length`);
  }
}

import { mersenne, mersenneFromState } from 'pure-rand/generator/mersenne';
import { ArgumentError, show } from './errors.ts';

/** Everything a `Generator` is: plain numbers, so that it can be written as JSON. */
export interface GeneratorState {
  /** The seed it started from. */
  readonly seed: number;
  /** Position and the 624 words of the Mersenne Twister, as 32-bit integers. */
  readonly engine: readonly number[];
  /** The second value of the last pair of normals, kept for the next call; null when there is none. */
  readonly nextNormal: number | null;
}

type Engine = ReturnType<typeof mersenne>;

/** What PyTorch seeds `torch.Generator()` with. */
const DEFAULT_SEED = 67280421310721;
const ENGINE_LENGTH = 625;

/**
 * A stream of random numbers: the Mersenne Twister MT19937, drawn from as PyTorch's CPU generator does, so that the same
 * seed gives the same numbers.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.Generator.html
 * @see M. Matsumoto, T. Nishimura: Mersenne Twister (1998), https://doi.org/10.1145/272991.272995
 */
export class Generator {
  /** The second value of the last pair of normals, in double precision; null when there is none. */
  nextNormal: number | null = null;
  private engine: Engine;
  private start: number;

  /** @param seed - a whole number of at most 53 bits, of which 32 count; default 67280421310721, as in PyTorch */
  constructor(seed: number = DEFAULT_SEED) {
    checkSeed('Generator', seed);
    this.start = seed;
    this.engine = mersenne(seed | 0);
  }

  /** Starts anew from a seed and returns the generator. @throws ArgumentError unless `seed` is a safe integer */
  manualSeed(seed: number): this {
    checkSeed('manualSeed', seed);
    this.start = seed;
    this.engine = mersenne(seed | 0);
    this.nextNormal = null;
    return this;
  }

  /** Starts anew from a seed nobody can foresee, and returns that seed. */
  seed(): number {
    const seed = unforeseenSeed();
    this.manualSeed(seed);
    return seed;
  }

  /** The seed it started from. */
  initialSeed(): number {
    return this.start;
  }

  /** The next 32 random bits, as an integer from 0 to 2³² - 1. */
  random(): number {
    return this.engine.next() >>> 0;
  }

  /** Uniform on [0, 1) in steps of 2⁻²⁴: one draw. */
  uniform24(): number {
    return (this.engine.next() & 0xffffff) * 2 ** -24;
  }

  /** Uniform on [0, 1) in steps of 2⁻⁵³: the low 53 of 64 bits, of which the first draw is the upper half. */
  uniform53(): number {
    const high = this.engine.next() & 0x1fffff;
    return (high * 2 ** 32 + (this.engine.next() >>> 0)) * 2 ** -53;
  }

  /** The next 64 random bits; the first draw is the upper half. */
  random64(): bigint {
    const high = BigInt(this.random());
    return (high << 32n) | BigInt(this.random());
  }

  /** A standard normal value by Box and Muller's method; the second of each pair is kept for the next call. */
  normal(): number {
    if (this.nextNormal !== null) {
      const value = this.nextNormal;
      this.nextNormal = null;
      return value;
    }
    const theta = 2 * Math.PI * this.uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniform53()));
    this.nextNormal = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  }

  /** The whole state, to go on from later. */
  getState(): GeneratorState {
    return { seed: this.start, engine: [...this.engine.getState()], nextNormal: this.nextNormal };
  }

  /** Goes on from a state of `getState`, and returns the generator. @throws ArgumentError when it is not one */
  setState(state: GeneratorState): this {
    checkState(state);
    this.start = state.seed;
    this.engine = mersenneFromState(state.engine.map((word) => word | 0));
    this.nextNormal = state.nextNormal;
    return this;
  }

  /** A generator of its own that goes on from the same state. */
  clone(): Generator {
    return new Generator(this.start).setState(this.getState());
  }
}

function checkSeed(name: string, seed: unknown): void {
  if (!Number.isSafeInteger(seed)) throw new ArgumentError(`${name}: not a seed, got ${show(seed)}; expected an integer of at most 53 bits`, { values: { seed } });
}

function checkState(state: unknown): asserts state is GeneratorState {
  const fail = (fact: string, got: unknown, rule: string): ArgumentError => new ArgumentError(`setState: ${fact}, got ${show(got)}; expected ${rule}`);
  if (typeof state !== 'object' || state === null) throw fail('not a state', state, 'what getState() returned');
  const { seed, engine, nextNormal } = state as Partial<Record<keyof GeneratorState, unknown>>;
  if (!Number.isSafeInteger(seed)) throw fail('not a seed', seed, 'an integer of at most 53 bits');
  const words: unknown[] = Array.isArray(engine) ? engine : [];
  if (words.length !== ENGINE_LENGTH || !words.every(Number.isInteger) || (words[0] as number) < 0 || (words[0] as number) >= ENGINE_LENGTH - 1) {
    throw fail('not the words of a Mersenne Twister', engine, `a position from 0 to 623 and 624 integers`);
  }
  if (nextNormal !== null && typeof nextNormal !== 'number') throw fail('not a kept normal value', nextNormal, 'a number or null');
}

function unforeseenSeed(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0x1fffff) * 2 ** 32 + low;
}

/** The generator that functions draw from when none is given; seeded with something nobody can foresee. */
export const defaultGenerator: Generator = new Generator(unforeseenSeed());

/**
 * Seeds the default generator, and with it everything that draws without a generator of its own.
 *
 * @param seed - a whole number of at most 53 bits; negative ones count from 2⁶⁴ down, as in PyTorch
 * @returns the default generator
 * @throws ArgumentError unless `seed` is a safe integer
 * @see https://pytorch.org/docs/stable/generated/torch.manual_seed.html
 */
export function manualSeed(seed: number): Generator {
  return defaultGenerator.manualSeed(seed);
}

/** Seeds the default generator with something nobody can foresee, and returns that seed. @see https://pytorch.org/docs/stable/generated/torch.seed.html */
export function seed(): number {
  return defaultGenerator.seed();
}

/** The seed that the default generator started from. @see https://pytorch.org/docs/stable/generated/torch.initial_seed.html */
export function initialSeed(): number {
  return defaultGenerator.initialSeed();
}

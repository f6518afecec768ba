/** Words of a round. */
export const WORDS = 624;

// How far away the word lies that is mixed into one; what is mixed in where the lowest bit is set; the two parts of a word.
const MIDDLE = 397;
const TWIST = 0x9908b0df | 0;
const UPPER = 0x80000000 | 0;
const LOWER = 0x7fffffff;

/** The words that a seed gives before the first round. */
export function seededWords(seed: number): Int32Array {
  const words = new Int32Array(WORDS);
  words[0] = seed;
  for (let i = 1; i < WORDS; i++) words[i] = Math.imul(1812433253, words[i - 1] ^ (words[i - 1] >>> 30)) + i;
  return words;
}

/** The bits that went into word `i` of a round: the upper one of word `i` and the others of word `i + 1` before it. */
function before(words: Int32Array, i: number): number {
  const z = words[i] ^ words[(i + MIDDLE) % WORDS];
  return z < 0 ? ((z ^ TWIST) << 1) | 1 : z << 1;
}

/** Undoes the last `steps` steps of a twister, which ended before word `steps`. */
export function stepBack(words: Int32Array, steps: number): void {
  for (let i = steps - 1; i >= 0; i--) {
    const y = before(words, i);
    // The upper bit of word i, and the rest of word i + 1; the rest of word i comes with the next step.
    words[i] = (y & UPPER) | (words[i] & LOWER);
    if (i + 1 < steps) words[i + 1] = (words[i + 1] & UPPER) | (y & LOWER);
  }
  if (steps > 0) words[0] = (words[0] & UPPER) | (before(words, WORDS - 1) & LOWER);
}

/**
 * The Mersenne Twister MT19937. It makes a word of the next round as soon as it has given one of this round away.
 *
 * @see M. Matsumoto, T. Nishimura: Mersenne Twister (1998), https://doi.org/10.1145/272991.272995
 */
export class MersenneTwister {
  private readonly words: Int32Array;
  private position: number;

  /** @param position - of the word that comes next */
  constructor(words: Int32Array, position: number) {
    this.words = words;
    this.position = position;
  }

  static seeded(seed: number): MersenneTwister {
    const engine = new MersenneTwister(seededWords(seed), 0);
    for (let i = 0; i < WORDS; i++) engine.next();
    return engine;
  }

  /** @param state - as `state` gives it */
  static from([position, ...words]: readonly number[]): MersenneTwister {
    return new MersenneTwister(Int32Array.from(words), position);
  }

  /** The position and the words. */
  state(): number[] {
    return [this.position, ...this.words];
  }

  /** The next 32 bits, as a signed integer. */
  next(): number {
    const { words, position } = this;
    let y = words[position];
    const { length } = words;
    const following = position === length - 1 ? 0 : position + 1;
    const mixed = (y & UPPER) | (words[following] & LOWER);
    words[position] = words[position < length - MIDDLE ? position + MIDDLE : position + MIDDLE - length] ^ (mixed >>> 1) ^ Math.imul(mixed & 1, TWIST);
    this.position = following;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }
}

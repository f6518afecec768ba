import { mersenneFromState } from 'pure-rand/generator/mersenne';
import { ArgumentError } from './errors.ts';
import type { GeneratorState } from './random.ts';

// The state of a generator as PyTorch writes it: 5056 bytes, little-endian. Our Mersenne Twister makes a word of the next round as soon as it has given one of this round away;
// PyTorch's makes all 624 at once, before it needs the first. So writing takes steps back, and reading takes steps forward.

const N = 624;
const MIDDLE = 397;
const TWIST = 0x9908b0df | 0;
const UPPER = 0x80000000 | 0;
const LOWER = 0x7fffffff;

/** Bytes of a state of PyTorch's CPU generator. */
export const STATE_BYTES = 5056;

// Where the fields lie.
const SEED = 0;
const LEFT = 8;
const SEEDED = 12;
const NEXT = 16;
const WORDS = 24;
const NORMAL = WORDS + 8 * N + 8;
const HAS_NORMAL = NORMAL + 16;

/** The bits that went into word `i` of a round: the upper one of word `i` and the others of word `i + 1` before it. */
function before(words: Int32Array, i: number): number {
  const z = words[i] ^ words[(i + MIDDLE) % N];
  return z < 0 ? ((z ^ TWIST) << 1) | 1 : z << 1;
}

/** Undoes the last `steps` steps of a twister, which ended before word `steps`. */
function stepBack(words: Int32Array, steps: number): void {
  for (let i = steps - 1; i >= 0; i--) {
    const y = before(words, i);
    // The upper bit of word i, and the rest of word i + 1; the rest of word i comes with the next step.
    words[i] = (y & UPPER) | (words[i] & LOWER);
    if (i + 1 < steps) words[i + 1] = (words[i + 1] & UPPER) | (y & LOWER);
  }
  if (steps > 0) words[0] = (words[0] & UPPER) | (before(words, N - 1) & LOWER);
}

/** The words that a seed gives before the first round. */
function seeded(seed: number): Int32Array {
  const words = Int32Array.of(seed, ...new Array<number>(N - 1).fill(0));
  for (let i = 1; i < N; i++) words[i] = Math.imul(1812433253, words[i - 1] ^ (words[i - 1] >>> 30)) + i;
  return words;
}

/** PyTorch's words, and how many of them are given away. */
function roundOf({ seed, engine }: GeneratorState): { readonly words: Int32Array; readonly given: number } {
  const [position, ...rest] = engine;
  const words = Int32Array.from(rest);
  stepBack(words, position === 0 ? N : position);
  if (position > 0) return { words, given: position };
  const first = seeded(seed | 0);
  const fresh = words.every((word, i) => i === 0 || word === first[i]);
  return fresh ? { words: first, given: 0 } : { words, given: N };
}

/** The bytes of `torch.get_rng_state()` for a state. */
export function stateToBytes(state: GeneratorState): Uint8Array {
  const { words, given } = roundOf(state);
  const view = new DataView(new ArrayBuffer(STATE_BYTES));
  view.setBigUint64(SEED, BigInt.asUintN(64, BigInt(state.seed)), true);
  view.setInt32(LEFT, given === 0 || given === N ? 1 : N + 1 - given, true);
  view.setInt32(SEEDED, 1, true);
  view.setUint32(NEXT, given, true);
  words.forEach((word, i) => view.setUint32(WORDS + 8 * i, word, true));
  if (state.nextNormal !== null) {
    view.setFloat64(NORMAL, state.nextNormal, true);
    view.setInt32(HAS_NORMAL, 1, true);
  }
  return new Uint8Array(view.buffer);
}

/** The state of bytes of `torch.get_rng_state()`. A seed of more than 53 bits becomes its low 32, which start the same numbers. @throws ArgumentError for other bytes */
export function stateFromBytes(bytes: Uint8Array): GeneratorState {
  if (bytes.length !== STATE_BYTES) throw new ArgumentError(`setRngState: not a state of PyTorch, got ${bytes.length} bytes; expected ${STATE_BYTES}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, STATE_BYTES);
  const [left, given] = [view.getInt32(LEFT, true), Number(view.getBigUint64(NEXT, true))];
  const words = Array.from({ length: N }, (_, i) => view.getInt32(WORDS + 8 * i, true));
  const spent = left === 1 && (given === 0 || given === N);
  if (view.getInt32(SEEDED, true) !== 1 || !(spent || (given > 0 && left === N + 1 - given))) {
    throw new ArgumentError(`setRngState: not a state of a Mersenne Twister, got ${left} words left after ${given}; expected ${N + 1} together`);
  }
  const engine = mersenneFromState([0, ...words]);
  for (let i = spent ? N : given; i > 0; i--) engine.next();
  const seed = view.getBigInt64(SEED, true);
  const exact = Number.isSafeInteger(Number(seed)) ? Number(seed) : Number(BigInt.asUintN(32, seed));
  return { seed: exact, engine: [...engine.getState()], nextNormal: view.getInt32(HAS_NORMAL, true) === 0 ? null : view.getFloat64(NORMAL, true) };
}

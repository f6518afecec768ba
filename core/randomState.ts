import { ArgumentError } from './errors.ts';
import { MersenneTwister, WORDS, seededWords, stepBack } from './mersenne.ts';
import type { GeneratorState } from './random.ts';

// The state of a generator as PyTorch writes it: 5056 bytes, little-endian. Our Mersenne Twister makes a word of the next round as soon as it has given one of this round away;
// PyTorch's makes all 624 at once, before it needs the first. So writing takes steps back, and reading takes steps forward.

/** Bytes of a state of PyTorch's CPU generator. */
export const STATE_BYTES = 5056;

// Where the fields lie.
const SEED = 0;
const LEFT = 8;
const SEEDED = 12;
const NEXT = 16;
const FIRST_WORD = 24;
const NORMAL = FIRST_WORD + 8 * WORDS + 8;
const HAS_NORMAL = NORMAL + 16;

/** PyTorch's words, and how many of them are given away. */
function roundOf({ seed, engine }: GeneratorState): { readonly words: Int32Array; readonly given: number } {
  const [position, ...rest] = engine;
  const words = Int32Array.from(rest);
  stepBack(words, position === 0 ? WORDS : position);
  if (position > 0) return { words, given: position };
  const first = seededWords(seed);
  const fresh = words.every((word, i) => i === 0 || word === first[i]);
  return fresh ? { words: first, given: 0 } : { words, given: WORDS };
}

/** The bytes of `torch.get_rng_state()` for a state. */
export function stateToBytes(state: GeneratorState): Uint8Array {
  const { words, given } = roundOf(state);
  const view = new DataView(new ArrayBuffer(STATE_BYTES));
  view.setBigUint64(SEED, BigInt.asUintN(64, BigInt(state.seed)), true);
  view.setInt32(LEFT, given === 0 || given === WORDS ? 1 : WORDS + 1 - given, true);
  view.setInt32(SEEDED, 1, true);
  view.setUint32(NEXT, given, true);
  words.forEach((word, i) => view.setUint32(FIRST_WORD + 8 * i, word, true));
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
  const words = Array.from({ length: WORDS }, (_, i) => view.getInt32(FIRST_WORD + 8 * i, true));
  const spent = left === 1 && (given === 0 || given === WORDS);
  if (view.getInt32(SEEDED, true) !== 1 || !(spent || (given > 0 && left === WORDS + 1 - given))) {
    throw new ArgumentError(`setRngState: not a state of a Mersenne Twister, got ${left} words left after ${given}; expected ${WORDS + 1} together`);
  }
  const engine = new MersenneTwister(Int32Array.from(words), 0);
  for (let i = spent ? WORDS : given; i > 0; i--) engine.next();
  const seed = view.getBigInt64(SEED, true);
  const exact = Number.isSafeInteger(Number(seed)) ? Number(seed) : Number(BigInt.asUintN(32, seed));
  return { seed: exact, engine: engine.state(), nextNormal: view.getInt32(HAS_NORMAL, true) === 0 ? null : view.getFloat64(NORMAL, true) };
}

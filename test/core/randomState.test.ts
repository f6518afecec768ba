import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, Generator, defaultGenerator, forkRng, getRngState, initialSeed, manualSeed, ones, rand, randn, seed, setRngState, tensor } from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

interface Recorded {
  readonly seed: number;
  readonly drawn: number;
  readonly normals: number;
  /** Of the bytes of `torch.get_rng_state()`. */
  readonly sha1: string;
  /** What is drawn next. */
  readonly normal: number;
  readonly uniform: number;
  /** The bytes themselves, in base64. */
  readonly bytes?: string;
}

const { states } = JSON.parse(readFileSync(new URL('../fixtures/random.json', import.meta.url), 'utf8')) as { readonly states: readonly Recorded[] };

test('the bytes are those of torch.get_rng_state()', () => {
  for (const { seed: start, drawn, normals, sha1 } of states.filter(({ bytes }) => bytes === undefined)) {
    manualSeed(start);
    rand([drawn]);
    randn([normals]);
    is(createHash('sha1').update(getRngState().data()).digest('hex'), sha1, `seed ${start}, ${drawn} drawn`);
  }
});

test('bytes of torch.get_rng_state() go on with its numbers, the kept normal value first', () => {
  const saved = states.filter(({ bytes }) => bytes !== undefined);
  is(saved.length > 0, true);
  for (const { bytes, normal, uniform } of saved) {
    setRngState(tensor(Uint8Array.from(Buffer.from(bytes ?? '', 'base64'))));
    is(initialSeed(), 5, 'the low 32 bits of a seed of 64');
    allClose(randn([1], { dtype: 'float64' }).item(), normal, { rtol: 1e-12 });
    is(rand([1], { dtype: 'float64' }).item(), uniform);
  }
});

test('a state goes through bytes and comes back whole, wherever the generator stands', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 3 }), (start, drawn, normals) => {
      const generator = new Generator(start);
      rand([drawn], { generator });
      randn([normals], { generator });
      const other = new Generator(1);
      setRngState(getRngState({ generator }), { generator: other });
      equal(other.getState(), generator.getState());
    }),
    { numRuns: 40 },
  );
});

test('seed and initialSeed are those of the default generator', () => {
  manualSeed(-3);
  is(initialSeed(), -3);
  const fresh = seed();
  is(initialSeed(), fresh);
  is(defaultGenerator.initialSeed(), fresh);
  const expected = rand([3]).data();
  equal(rand([3], { generator: new Generator(fresh) }).data(), expected);
});

test('forkRng leaves the generator where it was', () => {
  manualSeed(8);
  randn([1]);
  const expected = forkRng(() => randn([3]).data());
  equal(randn([3]).data(), expected);
  const before = getRngState().data();
  throwsError(() => forkRng(() => {
    manualSeed(1);
    throw new ArgumentError('stop');
  }), ArgumentError, /stop/);
  equal(getRngState().data(), before);
  const generator = new Generator(2);
  equal(forkRng(() => rand([2], { generator }).data(), { generator }), rand([2], { generator }).data());
  throwsError(() => forkRng(3 as never), ArgumentError, /forkRng: not a function, got 3/);
});

test('states that are none are refused and change nothing', () => {
  manualSeed(4);
  const good = getRngState();
  const before = JSON.stringify(defaultGenerator.getState());
  const unseeded = good.clone();
  unseeded.narrow(0, 12, 1).fill_(0);
  const displaced = good.clone();
  displaced.narrow(0, 8, 1).fill_(7);
  throwsError(() => setRngState(ones([5056])), ArgumentError, /setRngState: not a state, got float32\[5056\]; expected uint8\[5056\]/);
  throwsError(() => setRngState(good.narrow(0, 0, 5048)), ArgumentError, /got 5048 bytes; expected 5056/);
  throwsError(() => setRngState(unseeded), ArgumentError, /not a state of a Mersenne Twister/);
  throwsError(() => setRngState(displaced), ArgumentError, /got 7 words left after 0; expected 625 together/);
  throwsError(() => getRngState({ seed: 1 } as never), ArgumentError, /getRngState: unknown option/);
  is(JSON.stringify(defaultGenerator.getState()), before);
});

test.run();

import type { Generator } from '../../index.ts';

/** A whole number below `n`. */
export const below = (random: Generator, n: number): number => (n <= 0 ? 0 : random.random() % n);

const extremes: readonly (readonly number[])[] = [
  [0], [1], [0xff], [0x7f], [0x80], [0xff, 0xff], [0xff, 0x7f], [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0x7f], [0, 0, 0, 0x80], [1, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], [0, 0, 0, 0, 0, 0, 0, 0x80],
];

const words = [
  '"', "'", '{', '}', '[', ']', '(', ')', ',', ':', '\n', '\r', '\r\n', '0', '-1', '1e400', '9007199254740993', '18446744073709551616', '4294967296', 'null', 'NaN', 'true', '__proto__', '\\u0000', '\\ud800',
  '\u0000', '\ufeff', '😀', '"F64"', '"F4"', "'<f8'", "'|O'", 'True', '[[[[[[[[', '{"a":{"a":{"a":', '$tensor', '$bigint', '$$', ',,,,', '""""', '#',
].map((word) => new TextEncoder().encode(word));

type Change = (bytes: Uint8Array, random: Generator, other: Uint8Array) => Uint8Array;

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const overwrite = (bytes: Uint8Array, at: number, what: ArrayLike<number>): Uint8Array => {
  for (let i = 0; i < what.length && at + i < bytes.length; i++) bytes[at + i] = what[i];
  return bytes;
};
const insert = (bytes: Uint8Array, at: number, what: Uint8Array): Uint8Array => join(bytes.subarray(0, at), what, bytes.subarray(at));
const span = (bytes: Uint8Array, random: Generator): [number, number] => {
  const from = below(random, bytes.length + 1);
  return [from, Math.min(bytes.length, from + below(random, random.random() % 4 === 0 ? bytes.length + 1 : 17))];
};

const changes: readonly Change[] = [
  (b, r) => overwrite(b, below(r, b.length), [r.random() & 255]),
  (b, r) => {
    const at = below(r, b.length);
    if (at < b.length) b[at] ^= 1 << (r.random() & 7);
    return b;
  },
  (b, r) => overwrite(b, below(r, b.length), extremes[below(r, extremes.length)]),
  (b, r) => overwrite(b, below(r, Math.min(b.length, 64)), extremes[below(r, extremes.length)]), // headers are at the start
  (b, r) => overwrite(b, Math.max(0, b.length - 1 - below(r, 80)), extremes[below(r, extremes.length)]), // or at the end
  (b, r) => insert(b, below(r, b.length + 1), words[below(r, words.length)]),
  (b, r) => overwrite(b, below(r, b.length), words[below(r, words.length)]),
  (b, r) => b.slice(0, below(r, b.length + 1)),
  (b, r) => join(b, Uint8Array.from({ length: below(r, 40) }, () => r.random() & 255)),
  (b, r) => {
    const [from, to] = span(b, r);
    return join(b.subarray(0, from), b.subarray(to));
  },
  (b, r) => {
    const [from, to] = span(b, r);
    return insert(b, below(r, b.length + 1), b.slice(from, to));
  },
  (b, r, other) => {
    const [from, to] = span(other, r);
    return overwrite(b, below(r, b.length), other.subarray(from, to));
  },
  // a digit of a text becomes another one
  (b, r) => {
    const digits = [...b.keys()].filter((i) => b[i] >= 48 && b[i] <= 57);
    return digits.length === 0 ? b : overwrite(b, digits[below(r, digits.length)], [48 + below(r, 10)]);
  },
];

/** A file after one to four changes; seldom noise. */
export function mutate(files: readonly Uint8Array[], random: Generator): Uint8Array {
  if (below(random, 50) === 0) return Uint8Array.from({ length: below(random, 200) }, () => random.random() & 255);
  let bytes: Uint8Array = files[below(random, files.length)].slice();
  for (let n = 1 + (below(random, 3) === 0 ? below(random, 4) : 0); n > 0; n--) {
    const other = files[below(random, files.length)];
    bytes = changes[below(random, changes.length)](bytes, random, other);
    if (bytes.length > 100_000) bytes = bytes.slice(0, 100_000);
  }
  return bytes;
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, DTypeError, PolyakError, StateError, loadIdx, readIdx, saveIdx, tensor, writeIdx, zeros } from '../../../index.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';
import { anyTensor, files } from './arbitrary.ts';

const idx = (type: number, sizes: readonly number[], data: readonly number[]): Uint8Array =>
  Uint8Array.from([0, 0, type, sizes.length, ...sizes.flatMap((n) => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]), ...data]);

test('every element type, big-endian', () => {
  const read = (type: number, sizes: number[], data: number[]): unknown[] => {
    const x = readIdx(idx(type, sizes, data));
    return [x.dtype, x.array()];
  };
  equal(read(0x08, [2, 2], [0, 1, 254, 255]), ['uint8', [[0, 1], [254, 255]]]);
  equal(read(0x09, [2], [0x80, 0x7f]), ['int32', [-128, 127]]);
  equal(read(0x0b, [2], [0xff, 0xfe, 1, 2]), ['int32', [-2, 258]]);
  equal(read(0x0c, [1], [0x80, 0, 0, 1]), ['int32', [-(2 ** 31) + 1]]);
  equal(read(0x0d, [2], [0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0]), ['float32', [1.5, -2]]);
  equal(read(0x0e, [1], [0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]), ['float64', [0.1]]);
  equal(read(0x08, [], [7]), ['uint8', 7]);
  equal(readIdx(idx(0x0d, [3, 0], [])).shape, [3, 0]);
});

test('a Node buffer that lies inside another is read at its place, and not shared', () => {
  const outer = Buffer.from([9, 9, 9, ...idx(0x08, [2], [3, 4]), 9]);
  const x = readIdx(outer.subarray(3, outer.length - 1));
  outer.fill(0);
  equal(x.array(), [3, 4]);
});

test('refuses anything else', () => {
  throwsError(() => readIdx(new Uint8Array(0)), StateError, /readIdx: not an IDX file, got no bytes/);
  throwsError(() => readIdx(idx(0x08, [1], [1]).fill(1, 0, 1)), StateError, /not an IDX file, got 0x01 0x00 0x08 0x01/);
  throwsError(() => readIdx(idx(0x0a, [1], [1])), StateError, /an element type \(0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e\)/);
  throwsError(() => readIdx(idx(0x08, [4], [1, 2, 3])), StateError, /ends too early, got 11 bytes; expected 12 for its shape \[4\]/);
  throwsError(() => readIdx(idx(0x08, [2], [1, 2, 3])), StateError, /bytes after the last element, got 11 bytes; expected 10/);
  throwsError(() => readIdx(Uint8Array.of(0, 0, 8, 3, 0)), StateError, /ends too early, got 5 bytes; expected 16 for its sizes/);
  throwsError(() => readIdx(idx(0x08, [2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], [1])), StateError, /ends too early/);
  throwsError(() => readIdx(gzipSync(idx(0x08, [1], [1]))), StateError, /hint: this is a gzip file: loadIdx/);
  throwsError(() => readIdx([0] as never), ArgumentError, /not bytes/);
});

test('mutated files are read or refused', () => {
  fc.assert(
    fc.property(files(() => idx(0x0b, [2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])), (bytes) => {
      try {
        ok(readIdx(bytes).numel() <= bytes.length);
      } catch (error) {
        ok(error instanceof PolyakError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('files, packed files and addresses', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    const bytes = idx(0x08, [3], [1, 2, 3]);
    const packed = gzipSync(bytes);
    await writeFile(join(folder, 'a'), bytes);
    await writeFile(join(folder, 'a.gz'), packed);
    await writeFile(join(folder, 'short.gz'), packed.subarray(0, packed.length - 9));
    equal((await loadIdx(join(folder, 'a'))).array(), [1, 2, 3]);
    equal((await loadIdx(join(folder, 'a.gz'))).array(), [1, 2, 3]);
    // gzip by Python
    equal((await loadIdx('data:;base64,H4sIAAAAAAACA2Ng4GViYGBgBGIm+wMMDEDEAAD+BZ89FAAAAA==')).array(), [[1.5, -2]]);
    await rejectsError(() => loadIdx(join(folder, 'short.gz')), StateError, /gzip file is damaged/);
    await rejectsError(() => loadIdx(join(folder, 'none')), StateError, /cannot read the file/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a packed file is unpacked as far as its sizes say, and no further', async () => {
  const pack = (bytes: Uint8Array): Blob => new Blob([gzipSync(bytes)]);
  const bomb = pack(new Uint8Array([...idx(0x08, [3], [1, 2, 3]), ...new Uint8Array(50_000_000)]));
  await rejectsError(() => loadIdx(bomb), StateError, /bytes after the last element, got \d+ bytes; expected 11/);
  await rejectsError(() => loadIdx(pack(idx(0x0e, [2 ** 31, 2 ** 31], [1]))), StateError, /the file would unpack to too much, got 36893488147419103000 bytes; expected at most 1073741824\nhint: the option maxBytes/);
  await rejectsError(() => loadIdx(pack(idx(0x08, [100], [])), { maxBytes: 100 }), StateError, /got 108 bytes; expected at most 100/);
  await rejectsError(() => loadIdx(pack(new Uint8Array(100_000))), StateError, /not an IDX file/);
  await rejectsError(() => loadIdx(pack(Uint8Array.of(0, 0, 8, 2, 0))), StateError, /ends too early, got 5 bytes; expected 12 for its sizes/);
  await rejectsError(() => loadIdx(pack(idx(0x08, [1], [1])), { max: 1 } as never), ArgumentError, /unknown option/);
});

test('any tensor survives, but for bool', async () => {
  await fc.assert(
    fc.asyncProperty(anyTensor, async (x) => {
      if (x.dtype === 'bool') return;
      for (const back of [readIdx(writeIdx(x)), await loadIdx(new Blob([gzipSync(writeIdx(x))]))]) {
        equal([back.dtype, [...back.shape], [...new Uint8Array(back.data().buffer)]], [x.dtype === 'int64' ? 'int32' : x.dtype, [...x.shape], [...new Uint8Array(x.data().buffer)]]);
      }
    }),
    { numRuns: 100 },
  );
  throwsError(() => writeIdx(tensor([true])), DTypeError, /the format lacks this type, got bool\[1\]/);
  throwsError(() => writeIdx([1] as never), ArgumentError, /not a tensor/);
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    await saveIdx(join(folder, 'x'), zeros([2, 3]));
    equal((await loadIdx(join(folder, 'x'))).array(), [[0, 0, 0], [0, 0, 0]]);
    await rejectsError(() => saveIdx(join(folder, 'x'), 3 as never), ArgumentError, /not a tensor/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the digits of the examples', async () => {
  const images = await loadIdx(new URL('../../../examples/data/digits-images.idx3-ubyte', import.meta.url));
  const labels = await loadIdx(new URL('../../../examples/data/digits-labels.idx1-ubyte', import.meta.url));
  equal([images.shape, labels.shape], [[1797, 8, 8], [1797]]);
  equal([...labels.data().subarray(0, 10)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  is(Math.max(...images.data()), 16);
  equal([...images.data().subarray(0, 8)], [0, 0, 5, 13, 9, 1, 0, 0]);
});

test.run();

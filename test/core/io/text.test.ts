import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, StateError, readLines } from '../../../index.ts';
import { all } from '../../all.ts';
import { inFolder } from '../../inFolder.ts';
import { equal, rejectsError, throwsError } from '../../assert.ts';

test('lines', async () => {
  equal(await all(readLines(['a\nb', 'c\r\n\n', '', 'd'])), ['a', 'bc', '', 'd']);
  equal(await all(readLines([new TextEncoder().encode('\ufeffé\n').subarray(0, 4), new TextEncoder().encode('\ufeffé\n').subarray(4)])), ['é']);
  equal(await all(readLines([])), []);
  const stream = (): ReadableStream<Uint8Array> => new Blob(['x\ny']).stream();
  equal(await all(readLines(stream())), ['x', 'y']);
  const bare = stream(); // as in browsers that do not loop over streams
  Object.defineProperty(bare, Symbol.asyncIterator, { value: undefined });
  equal(await all(readLines(bare)), ['x', 'y']);
  await inFolder(async (folder) => {
    await writeFile(join(folder, 'x'), 'one\ntwo\n');
    const lines = readLines(join(folder, 'x'));
    equal([await all(lines), await all(lines)], [['one', 'two'], ['one', 'two']]);
  });
  await rejectsError(() => all(readLines([Uint8Array.of(0xff)])), StateError, /readLines: not text/);
  await rejectsError(() => all(readLines([Uint8Array.of(0xc3)])), StateError, /not text/);
});

test('any lines, wherever the pieces end, packed or not', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'binary' }).map((x) => x.replaceAll(/[\r\n]/g, ''))), fc.integer({ min: 1, max: 9 }), fc.boolean(), async (lines, size, crlf) => {
      const text = lines.map((line) => line + (crlf ? '\r\n' : '\n')).join('');
      const bytes = new TextEncoder().encode(text);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      const expected = lines.map((line, i) => (i === 0 && line.startsWith('\ufeff') ? line.slice(1) : line));
      equal(await all(readLines(pieces)), expected);
      equal(await all(readLines(new Blob([gzipSync(bytes)]))), expected);
    }),
    { numRuns: 100 },
  ));

test('refuses what is no text', async () => {
  throwsError(() => readLines([], { encoding: 'none' }), ArgumentError, /unknown encoding, got 'none'/);
  throwsError(() => readLines([], { encoding: 3 as never }), ArgumentError, /invalid encoding, got 3/);
  await rejectsError(() => all(readLines([3 as never])), ArgumentError, /not text, got 3 in the stream/);
  await rejectsError(() => all(readLines('none-such-file')), StateError, /readLines: cannot read the file, got ENOENT/);
  await rejectsError(() => all(readLines(['x'.repeat(2 ** 26 + 1)])), StateError, /a line is too long/);
});

test.run();

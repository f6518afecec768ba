import { test } from 'uvu';
import { crc32 } from '../../../core/io/crc32.ts';
import { equal, is } from '../../assert.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('as zlib.crc32', () => {
  equal([crc32(bytes('')), crc32(bytes('a')), crc32(bytes('123456789')), crc32(Uint8Array.from({ length: 256 }, (_, i) => i))], [0, 3904355907, 3421780262, 688229491]);
});

test('goes on from a seed at any place', () => {
  const all = Uint8Array.from({ length: 40 }, (_, i) => i * 7);
  for (let i = 0; i <= 40; i++) is(crc32(all.subarray(i), crc32(all.subarray(0, i))), crc32(all));
});

test.run();

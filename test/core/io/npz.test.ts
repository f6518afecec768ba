import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, StateError, openNpz, readNpz, tensor, writeNpz, zeros } from '../../../index.ts';
import { equal, rejectsError } from '../../assert.ts';
import { tensors } from './arbitrary.ts';

const numpy = JSON.parse(readFileSync(new URL('../../fixtures/numpy.json', import.meta.url), 'utf8')) as { readonly npz: Record<'stored' | 'deflated', string> };
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

test('any tensors under any names survive in an .npz', () =>
  fc.assert(
    fc.asyncProperty(tensors, fc.boolean(), async (given, compressed) => {
      const back = await readNpz(await writeNpz(given, { compressed }));
      equal(Object.keys(back), Object.keys(given));
      for (const name of Object.keys(given)) {
        const [a, b] = [back[name], given[name]].map((x) => [x.dtype, [...x.shape], [...new Uint8Array(x.data().buffer)]]);
        equal(a, b);
      }
    }),
    { numRuns: 100 },
  ));

test('.npz files that NumPy wrote, stored and deflated, whole and on demand', async () => {
  for (const kind of ['stored', 'deflated'] as const) {
    const bytes = bytesOf(numpy.npz[kind]);
    const all = await readNpz(bytes);
    equal(Object.keys(all), ['a', 'b/c', 'é']);
    equal([all.a.sum().item(), all['b/c'].item(), all.é.array()], [499500, 1, [[1, 2], [3, 4]]]);
    const file = await openNpz(new Blob([bytes as BlobPart]));
    equal([[...file.names], (await file.getTensor('é')).array(), file.sizeOf('a')], [['a', 'b/c', 'é'], [[1, 2], [3, 4]], 4128]);
    equal((await file.getRaw('b/c')).dtype, 'BOOL');
    await rejectsError(() => file.getTensor('x'), ArgumentError, /no such array, got 'x'/);
    await file.close();
  }
  equal(Object.keys(await readNpz(await writeNpz({}))), []);
});

/** Changes 32 bits in the directory of a zip file with one entry. */
function forge(bytes: Uint8Array, field: number, value: number, size: 2 | 4 = 4): Uint8Array {
  const out = bytes.slice();
  const view = new DataView(out.buffer);
  const at = view.getUint32(out.length - 6, true) + field;
  if (size === 4) view.setUint32(at, value, true);
  else view.setUint16(at, value, true);
  return out;
}

test('damaged and hostile .npz files', async () => {
  const stored = await writeNpz({ a: zeros([100]) });
  const packed = await writeNpz({ a: zeros([100]) }, { compressed: true });
  const refuse = async (bytes: Uint8Array, message: RegExp, options = {}): Promise<void> => rejectsError(() => readNpz(bytes, options), StateError, message);
  await refuse(new Uint8Array(0), /the zip file is damaged, got 0 bytes; expected at least 22/);
  await refuse(new Uint8Array(100), /not a zip file, got no end record/);
  await refuse(new Uint8Array([...stored, 0]), /not a zip file/);
  await refuse(new Uint8Array([0, ...stored]), /a directory of \d+ bytes at \d+/);
  await refuse(stored.subarray(0, stored.length - 1), /not a zip file/);
  const flipped = stored.slice();
  flipped[200] ^= 1;
  await refuse(flipped, /checksum [0-9a-f]+ of 'a.npy'/);
  await refuse(forge(packed, 16, 0), /checksum/);
  await refuse(forge(packed, 8, 1, 2), /is encrypted/);
  await refuse(forge(packed, 10, 12, 2), /unknown packing, got method 12/);
  await refuse(forge(packed, 24, 2 ** 31), /2147483648 bytes out of \d+ in 'a.npy'; expected what its packing allows/); // claims a bomb
  await refuse(forge(packed, 24, 527), /more than 527 bytes/); // unpacks to more than it claims
  await refuse(forge(packed, 24, 529), /damaged, got 528 bytes/);
  await refuse(forge(stored, 24, 529), /out of 528/);
  await refuse(forge(packed, 20, 2 ** 30), /over what follows/);
  await refuse(forge(packed, 42, 7), /over what follows|another header/);
  await refuse(forge(packed, 28, 9999, 2), /beyond the directory/);
  await refuse(await writeNpz({ a: zeros([1000]) }, { compressed: true }), /the file would unpack to too much, got 4128 bytes; expected at most 4000\nhint: the option maxBytes/, { maxBytes: 4000 });
  const file = await openNpz(new Blob([stored as BlobPart]), { maxBytes: 10 });
  await rejectsError(() => file.getTensor('a'), StateError, /'a' would unpack to too much, got 528/);
  // two entries for the same bytes, as in bombs of files that overlap
  const two = await writeNpz({ a: zeros([10]), b: zeros([10]) });
  const view = new DataView(two.buffer);
  const directory = view.getUint32(two.length - 6, true);
  const second = directory + 46 + view.getUint16(directory + 28, true);
  view.setUint32(second + 42, 0, true);
  await refuse(two, /over what follows/);
  two.set(new TextEncoder().encode('a'), second + 46);
  await refuse(two, /'a.npy' twice/);
  const other = stored.slice();
  other.set(new TextEncoder().encode('.txt'), new DataView(other.buffer).getUint32(other.length - 6, true) + 47);
  await refuse(other, /a file is no array, got 'a.txt'/);
  await rejectsError(() => readNpz(stored, { maxBytes: -1 }), ArgumentError, /invalid maxBytes/);
  await rejectsError(() => writeNpz({ a: zeros([1]) }, { compressed: 1 as never }), ArgumentError, /invalid compressed/);
  await rejectsError(() => writeNpz(zeros([1]) as never), ArgumentError, /not tensors by name/);
});

test('a zip file with records for large files, as Python writes streams', async () => {
  const plain = await writeNpz({ a: tensor([1, 2]) });
  const end = plain.length - 22;
  const view = new DataView(plain.buffer);
  const [size, offset] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  const more = new Uint8Array(76);
  const wide = new DataView(more.buffer);
  wide.setUint32(0, 0x06064b50, true);
  wide.setUint32(4, 44, true);
  for (const [at, value] of [[24, 1], [32, 1], [40, size], [48, offset]]) wide.setUint32(at, value, true);
  wide.setUint32(56, 0x07064b50, true);
  wide.setUint32(64, end, true);
  const last = plain.slice(end);
  new DataView(last.buffer).setUint32(16, 0xffffffff, true);
  const bytes = new Uint8Array([...plain.subarray(0, end), ...more, ...last]);
  equal((await readNpz(bytes)).a.array(), [1, 2]);
  bytes[end + 48] ^= 1;
  await rejectsError(() => readNpz(bytes), StateError, /the zip file is damaged/);
});

test.run();

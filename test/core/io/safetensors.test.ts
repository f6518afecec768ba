import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, DTypeError, PolyakError, StateError, type Tensor, loadSafetensors, readSafetensors, saveSafetensors, tensor, writeSafetensors, zeros,
} from '../../../index.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../../assert.ts';
import { files, tensors } from './arbitrary.ts';

// Written by Python with json and numpy: every dtype, no padding, nothing aligned.
const FOREIGN = [
  'lAMAAAAAAAB7ImY2NCI6IHsiZHR5cGUiOiAiRjY0IiwgInNoYXBlIjogWzIsIDJdLCAiZGF0YV9vZmZzZXRzIjogWzAsIDMyXX0sICJmMTYiOiB7ImR0eXBlIjogIkYxNiIsICJzaGFw',
  'ZSI6IFs2XSwgImRhdGFfb2Zmc2V0cyI6IFszMiwgNDRdfSwgImJmMTYiOiB7ImR0eXBlIjogIkJGMTYiLCAic2hhcGUiOiBbM10sICJkYXRhX29mZnNldHMiOiBbNDQsIDUwXX0sICJp',
  'NjQiOiB7ImR0eXBlIjogIkk2NCIsICJzaGFwZSI6IFs0XSwgImRhdGFfb2Zmc2V0cyI6IFs1MCwgODJdfSwgImkzMiI6IHsiZHR5cGUiOiAiSTMyIiwgInNoYXBlIjogWzJdLCAiZGF0',
  'YV9vZmZzZXRzIjogWzgyLCA5MF19LCAiaTE2IjogeyJkdHlwZSI6ICJJMTYiLCAic2hhcGUiOiBbMl0sICJkYXRhX29mZnNldHMiOiBbOTAsIDk0XX0sICJpOCI6IHsiZHR5cGUiOiAi',
  'STgiLCAic2hhcGUiOiBbMiwgMV0sICJkYXRhX29mZnNldHMiOiBbOTQsIDk2XX0sICJ1NjQiOiB7ImR0eXBlIjogIlU2NCIsICJzaGFwZSI6IFsxXSwgImRhdGFfb2Zmc2V0cyI6IFs5',
  'NiwgMTA0XX0sICJ1MzIiOiB7ImR0eXBlIjogIlUzMiIsICJzaGFwZSI6IFtdLCAiZGF0YV9vZmZzZXRzIjogWzEwNCwgMTA4XX0sICJ1MTYiOiB7ImR0eXBlIjogIlUxNiIsICJzaGFw',
  'ZSI6IFsxXSwgImRhdGFfb2Zmc2V0cyI6IFsxMDgsIDExMF19LCAidTgiOiB7ImR0eXBlIjogIlU4IiwgInNoYXBlIjogWzNdLCAiZGF0YV9vZmZzZXRzIjogWzExMCwgMTEzXX0sICJi',
  'b29sIjogeyJkdHlwZSI6ICJCT09MIiwgInNoYXBlIjogWzJdLCAiZGF0YV9vZmZzZXRzIjogWzExMywgMTE1XX0sICJmMzIiOiB7ImR0eXBlIjogIkYzMiIsICJzaGFwZSI6IFsyLCAw',
  'LCAzXSwgImRhdGFfb2Zmc2V0cyI6IFsxMTUsIDExNV19LCAiX19tZXRhZGF0YV9fIjogeyJmb3JtYXQiOiAibnAiLCAiXHUwMGU5IjogIlxuIn19mpmZmZmZuT8AAAAAAAAAgAAAAAAA',
  'APB/nHUAiDzkN34APoDAAQD/ewB8AIDAPxDAgH8AAACA/////////38AAAAA//////////8AAAAAAAAAAPn///////9/AIAJAIB/////fwAAAAAFAAAA//8A/wMBAA==',
].join('');

/** The bytes of a file with any header text. */
function file(header: string, data: number | Uint8Array = 0, length?: number | bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const out = new Uint8Array(8 + text.length + body.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  out.set(text, 8);
  out.set(body, 8 + text.length);
  return out;
}

const f32 = (begin: number, end: number, shape = `[${(end - begin) / 4}]`): string => `{"dtype":"F32","shape":${shape},"data_offsets":[${begin},${end}]}`;

const sameTensor = (a: Tensor, b: Tensor): void => {
  is(a.dtype, b.dtype);
  equal([...a.shape], [...b.shape]);
  equal([...new Uint8Array(a.data().buffer)], [...new Uint8Array(b.data().buffer)]);
};

test('reads every dtype of a file another program wrote', () => {
  const { tensors: t, metadata } = readSafetensors(Buffer.from(FOREIGN, 'base64'));
  equal({ ...metadata }, { format: 'np', é: '\n' });
  equal(Object.keys(t), ['f64', 'f16', 'bf16', 'i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8', 'bool', 'f32']);
  equal(Object.values(t).map((x) => x.dtype), [
    'float64', 'float32', 'float32', 'int64', 'int32', 'int32', 'int32', 'int64', 'int64', 'int32', 'uint8', 'bool', 'float32',
  ]);
  allClose(t.f64, [[0.1, -0], [Infinity, 1e300]], { rtol: 0, atol: 0 });
  ok(Object.is(t.f64.data()[1], -0));
  equal([...t.f16.data()], [1.5, -2.25, 2 ** -24, 65504, Infinity, -0]);
  equal([...t.bf16.data()], [1.5, -2.25, Infinity]);
  equal([...t.i64.data()], [-(2 ** 31), 2 ** 31 - 1, -1, 0]);
  equal([...t.i32.data()], [-7, 2 ** 31 - 1]);
  equal([...t.i16.data()], [-32768, 9]);
  equal(t.i8.array(), [[-128], [127]]);
  equal([t.u64.item(), t.u32.item(), t.u16.item()], [2 ** 31 - 1, 5, 65535]);
  equal([t.u64.shape, t.u32.shape, t.f32.shape], [[1], [], [2, 0, 3]]);
  equal([...t.u8.data()], [0, 255, 3]);
  equal(t.bool.array(), [true, false]);
});

test('writes exactly these bytes: header padded, elements by size, names in the given order', () => {
  const bytes = writeSafetensors({ b: tensor([true]), x: tensor([1]), n: tensor([-2], { dtype: 'int64' }) }, { metadata: { k: 'v' } });
  const header =
    '{"__metadata__":{"k":"v"},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[12,13]},"x":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},' +
    '"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8, ' ');
  is((padded.length - header.length) % 8 > 0, true, 'the example must need padding');
  equal(bytes, file(padded, new Uint8Array([254, 255, 255, 255, 255, 255, 255, 255, 0, 0, 128, 63, 1])));
});

test('no tensors at all', () => {
  const { tensors: t, metadata } = readSafetensors(writeSafetensors({}));
  is(Object.keys(t).length + Object.keys(metadata).length, 0);
  is(Object.getPrototypeOf(t), null);
  is(Object.getPrototypeOf(metadata), null);
});

test('views are written as their elements, and results share no memory with the file', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  const bytes = writeSafetensors({ t: x.t(), n: x.narrow(1, 1, 2) });
  const { tensors: t } = readSafetensors(bytes);
  equal(t.t.array(), [[1, 4], [2, 5], [3, 6]]);
  equal(t.n.array(), [[2, 3], [5, 6]]);
  bytes.fill(0);
  equal(t.n.array(), [[2, 3], [5, 6]]);
});

test('floats as halves', () => {
  const x = { f: tensor([1, 0.1, 65520]), d: tensor([1e-3], { dtype: 'float64' }), i: tensor([7], { dtype: 'int64' }) };
  const half = readSafetensors(writeSafetensors(x, { dtype: 'float16' })).tensors;
  equal([...half.f.data()], [1, 0.0999755859375, Infinity]);
  equal(half.d.dtype, 'float32');
  equal([half.i.dtype, half.i.item()], ['int64', 7]);
  equal([...readSafetensors(writeSafetensors(x, { dtype: 'bfloat16' })).tensors.f.data()], [1, 0.10009765625, 65536]);
  is(readSafetensors(writeSafetensors(x, { dtype: 'float64' })).tensors.f.dtype, 'float64');
});

test('any tensors under any names survive, bit for bit', () => {
  fc.assert(
    fc.property(tensors, fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), (given, metadata) => {
      const back = readSafetensors(writeSafetensors(given, { metadata }));
      equal(Object.keys(back.tensors), Object.keys(given));
      for (const name of Object.keys(given)) sameTensor(back.tensors[name], given[name]);
      equal(Object.entries(back.metadata), Object.entries(metadata));
    }),
    { numRuns: 100 },
  );
});

test('difficult names', () => {
  const names = ['__proto__', '', 'constructor', 'toString', '"\\\u0000\n', '😀', '0'];
  const given = Object.create(null) as Record<string, Tensor>;
  names.forEach((name, i) => (given[name] = tensor([i])));
  const back = readSafetensors(writeSafetensors(given)).tensors;
  names.forEach((name, i) => is(back[name].item(), i, name));
  is(Object.getPrototypeOf(back), null);
});

test('refuses what cannot be written', () => {
  throwsError(() => writeSafetensors({ __metadata__: tensor([1]) }), ArgumentError, /reserved/);
  throwsError(() => writeSafetensors({ a: [1] as never }), ArgumentError, /'a' is not a tensor, got \[1\]/);
  throwsError(() => writeSafetensors(tensor([1]) as never), ArgumentError, /not tensors by name/);
  throwsError(() => writeSafetensors({}, { metadata: { a: 1 } as never }), ArgumentError, /'a' is not a text, got 1/);
  throwsError(() => writeSafetensors({}, { dtype: 'F16' as never }), ArgumentError, /unknown dtype, got 'F16'/);
  throwsError(() => writeSafetensors({}, { meta: {} } as never), ArgumentError, /unknown option, got 'meta'/);
});

test('refuses damaged and hostile files', () => {
  const refuse = (bytes: Uint8Array, message: RegExp, kind: typeof StateError | typeof DTypeError = StateError): void => throwsError(() => readSafetensors(bytes), kind, message);
  refuse(new Uint8Array(0), /ends too early, got 0 bytes; expected at least 8/);
  refuse(new Uint8Array(7), /ends too early/);
  refuse(file('{}', 0, 100), /ends too early, got 10 bytes; expected at least 108/);
  refuse(file('{}', 0, 100_000_001), /not a safetensors file, got a header length of 100000001/);
  refuse(file('{}', 0, 2n ** 64n - 1n), /header length of 18446744073709552000/);
  refuse(file('{', 0), /got its end; expected/);
  refuse(file(' {}'), /expected '\{' at the start/);
  refuse(file('[]'), /expected '\{'/);
  refuse(file('{"a"'), /expected ':'/);
  refuse(file('{"a":1}'), /got '1\}' at character 5; expected '\{'/);
  refuse(file('{"a":{}}'), /'a' is wrong, got a missing field/);
  refuse(file(`{"a":${f32(0, 4)},}`, 4), /expected the name of a tensor/);
  refuse(file(`{"a":${f32(0, 4)}}x`, 4), /nothing after the header/);
  refuse(file(`{"a":${f32(0, 4)}`, 4), /got its end; expected '\}'/);
  refuse(file(`{"a":${f32(0, 4).replace('"dtype"', '"more":1,"dtype"')}}`, 4), /got field 'more'/);
  refuse(file(`{"a":${f32(0, 4).replace('"F32"', '7')}}`, 4), /expected a dtype/);
  refuse(file(`{"a":${f32(0, 4, '[-1]')}}`, 4), /expected a whole number/);
  refuse(file(`{"a":${f32(0, 4, '[1.0]')}}`, 4), /expected '\]'/);
  refuse(file(`{"a":${f32(0, 4, '[01]')}}`, 4), /expected a whole number/);
  refuse(file(`{"a":${f32(0, 4, '[1e0]')}}`, 4), /expected '\]'/);
  refuse(file(`{"a":${f32(0, 4, '1')}}`, 4), /expected '\['/);
  refuse(file(`{"a":${f32(0, 4, '[9007199254740993]')}}`, 4), /too large/);
  refuse(file(`{"a":${f32(0, 4, '[4294967296,4294967296]')}}`, 4), /expected fewer elements/);
  refuse(file(`{"a":${f32(0, 4, `[${'1,'.repeat(1e6)}1]`)}}`, 4), /expected at most 1024 numbers/);
  refuse(file(`{"a":${f32(0, 4, '[2]')}}`, 4), /got 4 bytes for F32\[2\]; expected 8 bytes/);
  refuse(file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 4), /expected a begin and an end/);
  refuse(file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', 4), /expected a begin and an end/);
  refuse(file('{"a":{"dtype":"F8","shape":[4],"data_offsets":[0,4]}}', 4), /unknown dtype of 'a', got 'F8'; expected one of F64/, DTypeError);
  refuse(file('{"a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}}', 2), /'a': tensors cannot hold this type, got F4/, DTypeError);
  refuse(file('{"a":{"dtype":"F6_E2M3","shape":[3],"data_offsets":[0,2]}}', 2), /got 2 bytes for F6_E2M3\[3\]; expected whole bytes/);
  refuse(file(`{"a":${f32(0, 4)},"a":${f32(4, 8)}}`, 8), /a tensor stands twice in the header, got 'a'/);
  refuse(file(`{"a":${f32(0, 4)},"\\u0061":${f32(4, 8)}}`, 8), /stands twice/);
  refuse(file('{"__metadata__":{},"__metadata__":{}}'), /stands twice/);
  refuse(file('{"__metadata__":{"k":"1","k":"2"}}'), /a metadata entry stands twice/);
  refuse(file('{"__metadata__":{"k":1}}'), /expected a text as metadata/);
  refuse(file('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), /a field stands twice/);
  refuse(file('{"a\n":{}}'), /expected the end of a text/);
  refuse(file('{"\\x":{}}'), /expected a JSON text/);
  refuse(file('{"a'), /expected the end of a text/);
  refuse(file(`{"a":${f32(0, 8)},"b":${f32(4, 12)}}`, 12), /tensors overlap, got 'b' at byte 4; expected it at byte 8/);
  refuse(file(`{"a":${f32(0, 4)},"b":${f32(8, 12)}}`, 12), /hole between tensors, got 'b' at byte 8; expected it at byte 4/);
  refuse(file(`{"a":${f32(4, 8)}}`, 8), /hole/);
  refuse(file(`{"a":${f32(0, 8)}}`, 7), /ends too early, got 7 bytes of data; expected 8/);
  refuse(file(`{"a":${f32(0, 8)}}`, 9), /bytes after the last tensor, got 9 bytes of data; expected 8/);
  refuse(file('{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}', new Uint8Array([0, 0, 0, 128, 0, 0, 0, 0])), /'a': value does not fit int64 in memory, got 2147483648/, DTypeError);
  refuse(file('{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}', new Uint8Array([255, 255, 255, 127, 255, 255, 255, 255])), /got -2147483649/, DTypeError);
  refuse(file('{"a":{"dtype":"U64","shape":[1],"data_offsets":[0,8]}}', new Uint8Array(8).fill(255)), /got 18446744073709551615/, DTypeError);
  refuse(file('{"a":{"dtype":"U32","shape":[1],"data_offsets":[0,4]}}', new Uint8Array(4).fill(255)), /got 4294967295/, DTypeError);
  refuse(file('{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}', new Uint8Array([2])), /not a boolean, got byte 2/, DTypeError);
  throwsError(() => readSafetensors('x' as never), ArgumentError, /not bytes, got 'x'/);
  const bad = file('{"a":1}');
  bad[9] = 0xff;
  refuse(bad, /not UTF-8/);
});

test('a header of deep nesting or of one endless text is refused without effort', () => {
  const start = performance.now();
  throwsError(() => readSafetensors(file(`{"a":${'['.repeat(1e6)}`)), StateError, /expected '\{'/);
  throwsError(() => readSafetensors(file(`{"${'\\"'.repeat(1e6)}`)), StateError, /end of a text/);
  ok(performance.now() - start < 500);
});

test('mutated files are read or refused, never anything else', () => {
  fc.assert(
    fc.property(files(() => writeSafetensors({ a: tensor([[1, 2], [3, 4]]), 'b.c': tensor([true, false]), e: zeros([0]) }, { metadata: { k: 'v' } })), (bytes) => {
      try {
        const { tensors: t } = readSafetensors(bytes);
        let size = 0;
        for (const name of Object.keys(t)) size += t[name].numel();
        ok(size <= bytes.length);
      } catch (error) {
        ok(error instanceof PolyakError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('files: saved and loaded, replaced whole, nothing left behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    const path = join(folder, 'x.safetensors');
    await saveSafetensors(path, { a: tensor([1, 2]) });
    await saveSafetensors(pathToFileURL(path), { a: tensor([3, 4, 5]), b: tensor(true) }, { metadata: { n: '2' } });
    equal(await readdir(folder), ['x.safetensors']);
    const { tensors: t, metadata } = await loadSafetensors(path);
    equal([t.a.array(), t.b.array(), metadata.n], [[3, 4, 5], true, '2']);
    equal(readSafetensors(await readFile(path)).tensors.a.array(), [3, 4, 5]);
    equal((await loadSafetensors(pathToFileURL(path))).tensors.a.array(), [3, 4, 5]);
    const address = `data:application/octet-stream;base64,${(await readFile(path)).toString('base64')}`;
    equal((await loadSafetensors(address)).tensors.a.array(), [3, 4, 5]);

    await rejectsError(() => saveSafetensors(path, { a: 1 as never }), ArgumentError, /'a' is not a tensor/);
    await rejectsError(() => saveSafetensors(join(folder, 'none', 'x'), {}), StateError, /cannot write the file, got ENOENT/);
    await rejectsError(() => saveSafetensors(folder, {}), StateError, /not a file/);
    await rejectsError(() => loadSafetensors(folder), StateError, /not a file/);
    await rejectsError(() => loadSafetensors(join(folder, 'none')), StateError, /cannot read the file, got ENOENT/);
    await rejectsError(() => loadSafetensors(''), ArgumentError, /not a path, got ''/);
    await rejectsError(() => loadSafetensors('data:,x'), StateError, /ends too early/);
    await writeFile(join(folder, 'bad'), file('{}', 3));
    await rejectsError(() => loadSafetensors(join(folder, 'bad')), StateError, /loadSafetensors: bytes after the last tensor/);
    equal((await readdir(folder)).sort(), ['bad', 'x.safetensors']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();

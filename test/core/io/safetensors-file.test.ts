import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, DTypeError, type FileCells, type FileDType, type RawTensor, type SliceRange, StateError, type Tensor, arange, loadSafetensors, openSafetensors, readSafetensors, saveSafetensors,
  streamSafetensors, tensor, writeSafetensors, zeros,
} from '../../../index.ts';
import { inFolder } from '../../inFolder.ts';
import { equal, is, ok, rejectsError, throwsError } from '../../assert.ts';
import { tensors as anyTensors } from './arbitrary.ts';

const PYTHON = '/usr/bin/python3';

const raw = (dtype: FileDType, data: FileCells, shape: readonly number[] = [data.length]): RawTensor => ({ dtype, shape, data });

/** One tensor of every type. */
const every: Readonly<Record<string, RawTensor>> = {
  F64: raw('F64', Float64Array.of(0.1, -0)), F32: raw('F32', Float32Array.of(1.5, -Infinity)), F16: raw('F16', Uint16Array.of(0x3c00, 0x7e01)), BF16: raw('BF16', Uint16Array.of(0x3f80)),
  I64: raw('I64', BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n)), U64: raw('U64', BigUint64Array.of(2n ** 64n - 1n)), I32: raw('I32', Int32Array.of(-7)),
  U32: raw('U32', Uint32Array.of(2 ** 32 - 1)), I16: raw('I16', Int16Array.of(-32768)), U16: raw('U16', Uint16Array.of(65535)), I8: raw('I8', Int8Array.of(-128, 1), [2, 1]),
  U8: raw('U8', Uint8Array.of(255), []), BOOL: raw('BOOL', Uint8Array.of(1, 0)), F8_E5M2: raw('F8_E5M2', Uint8Array.of(0x3c)), F8_E4M3: raw('F8_E4M3', Uint8Array.of(0x38)),
  F8_E5M2FNUZ: raw('F8_E5M2FNUZ', Uint8Array.of(0x40)), F8_E4M3FNUZ: raw('F8_E4M3FNUZ', Uint8Array.of(0x40)), F8_E8M0: raw('F8_E8M0', Uint8Array.of(127)), C64: raw('C64', Float32Array.of(1, -2), [1]),
  F6_E2M3: raw('F6_E2M3', Uint8Array.of(1, 2, 3), [4]), F6_E3M2: raw('F6_E3M2', Uint8Array.of(4, 5, 6), [2, 2]), F4: raw('F4', Uint8Array.of(7), [2]),
  empty: raw('BF16', new Uint16Array(0), [3, 0]), '': raw('U8', Uint8Array.of(1)), __proto__x: raw('U8', Uint8Array.of(2)), 'é "\\\n😀': raw('U8', Uint8Array.of(3)),
};
const withProto = Object.assign(Object.create(null) as Record<string, RawTensor>, every);
withProto.__proto__ = raw('F32', Float32Array.of(4));

test('all types exactly, there and back', async () => {
  const file = await openSafetensors(new Blob([writeSafetensors(withProto, { metadata: { '': 'x', __proto__y: 'é' } }) as BlobPart]));
  equal([...file.names], Object.keys(withProto));
  equal({ ...file.metadata }, { '': 'x', __proto__y: 'é' });
  for (const name of file.names) {
    const { dtype, shape, data } = withProto[name];
    equal(file.info(name), { dtype, shape, bytes: data.byteLength });
    equal(await file.getRaw(name), { dtype, shape, data }, name);
  }
  equal((await file.getTensor('F8_E4M3')).array(), [1]);
  equal((await file.getTensor('F8_E8M0')).array(), [1]);
  for (const name of ['I64', 'U64', 'U32']) await rejectsError(() => file.getTensor(name), DTypeError, new RegExp(`SafetensorsReader: '${name}': value does not fit int64 in memory, got`));
  for (const name of ['C64', 'F6_E2M3', 'F6_E3M2', 'F4']) await rejectsError(() => file.getTensor(name), DTypeError, new RegExp(`tensors cannot hold this type, got ${name}; expected one of F64, .*\\nhint: getRaw`));
  await rejectsError(() => file.getSlice('F4', [0, 1]), ArgumentError, /smaller than a byte/);
  is(file.has('F4'), true);
  is(file.has('toString'), false);
  throwsError(() => file.info('toString'), ArgumentError, /no such tensor, got 'toString'/);
});

test('refuses raw tensors that are not what they say', () => {
  const refuse = (value: object, message: RegExp): void => throwsError(() => writeSafetensors({ a: value as never }), ArgumentError, message);
  refuse({ dtype: 'F32', shape: [2], data: Float32Array.of(1) }, /another number of elements, got 4 bytes; expected 8/);
  refuse({ dtype: 'F32', shape: [1], data: Int32Array.of(1) }, /elements of another kind, got a Int32Array; expected those of F32/);
  refuse({ dtype: 'float32', shape: [1], data: Float32Array.of(1) }, /unknown dtype of 'a', got 'float32'/);
  refuse({ dtype: 'F32', shape: [-1], data: Float32Array.of(1) }, /no shape of F32, got \[-1\]/);
  refuse({ dtype: 'F4', shape: [3], data: Uint8Array.of(1, 1) }, /no shape of F4/);
  refuse({ dtype: 'F32', shape: [2 ** 30, 2 ** 30], data: Float32Array.of(1) }, /no shape/);
  refuse({ dtype: 'F32', shape: [1], read: () => zeros([1]) }, /'a' is lazy, .*\nhint: saveSafetensors/);
  throwsError(() => writeSafetensors({ '\ud800': zeros([1]) }), ArgumentError, /the name of a tensor is not Unicode text, got half a character in "\\ud800"/);
  throwsError(() => writeSafetensors({}, { metadata: { a: 'x\udc00' } }), ArgumentError, /metadata 'a' is not Unicode text/);
});

test("Python's reader agrees, bit by bit", async () => {
  if (!existsSync(PYTHON)) return;
  await inFolder(async (folder) => {
    const path = join(folder, 'x.safetensors');
    await saveSafetensors(path, { ...every, t: tensor([[1, 2], [3, 4]]).t(), s: tensor(7, { dtype: 'int64' }), lazy: { dtype: 'F16', shape: [2], read: () => tensor([1, 2]) } }, { metadata: { format: 'pt' } });
    const script = fileURLToPath(new URL('../../fixtures/check_safetensors.py', import.meta.url));
    const { metadata, tensors } = JSON.parse(execFileSync(PYTHON, [script, path], { encoding: 'utf8' })) as { metadata: object; tensors: Record<string, [string, number[], string]> };
    equal(metadata, { format: 'pt' });
    const hex = (x: FileCells): string => Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('hex');
    for (const [name, { dtype, shape, data }] of Object.entries(every)) equal(tensors[name], [dtype, [...shape], hex(data)], name);
    equal(tensors.t, ['F32', [2, 2], hex(Float32Array.of(1, 3, 2, 4))]);
    equal(tensors.s, ['I64', [], '0700000000000000']);
    equal(tensors.lazy, ['F16', [2], '003c0040']);
  });
});

test('any file through a Blob, tensor by tensor', () =>
  fc.assert(
    fc.asyncProperty(anyTensors, async (given) => {
      const file = await openSafetensors(new Blob([writeSafetensors(given) as BlobPart]));
      equal([...file.names], Object.keys(given));
      for (const name of file.names) {
        const x = await file.getTensor(name);
        equal([x.dtype, [...x.shape], [...new Uint8Array(x.data().buffer)]], [given[name].dtype, [...given[name].shape], [...new Uint8Array(given[name].data().buffer)]]);
      }
    }),
    { numRuns: 50 },
  ));

/** What narrow gives, to compare. */
const cut = (x: Tensor, ranges: readonly (SliceRange | null)[]): unknown =>
  ranges.reduce((part: Tensor, range, d) => (range === null ? part : part.narrow(d, range[0], range[1] - range[0])), x).contiguous().array();

test('slices are what narrow gives', async () => {
  const x = arange(2 * 3 * 4 * 5).reshape([2, 3, 4, 5]);
  const file = await openSafetensors(new Blob([writeSafetensors({ x, s: tensor(3) }) as BlobPart]));
  const range = (size: number): fc.Arbitrary<SliceRange | null> => fc.option(fc.tuple(fc.integer({ min: 0, max: size }), fc.integer({ min: 0, max: size })).map(([a, b]): SliceRange => [Math.min(a, b), Math.max(a, b)]));
  await fc.assert(
    fc.asyncProperty(fc.tuple(range(2), range(3), range(4), range(5)), fc.integer({ min: 0, max: 4 }), async (ranges, n) => {
      const given = ranges.slice(0, n);
      equal((await file.getSlice('x', ...given)).array(), cut(x, given));
    }),
    { numRuns: 100 },
  );
  is((await file.getSlice('s')).item(), 3);
  for (const bad of [[0, 3], [-1, 1], [2, 1], [0.5, 1], 'x'] as never[]) await rejectsError(() => file.getSlice('x', bad), ArgumentError, /no such range of dimension 0 of 'x', got .*; expected \[start, stop\] with 0 ≤ start ≤ stop ≤ 2/);
  await rejectsError(() => file.getSlice('s', null), ArgumentError, /too many ranges/);
});

test('a file of 5 GB on disk: opened, listed, and read in part, with little read', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'large');
    const rows = 5 * 2 ** 20;
    const header = `{"small":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"large":{"dtype":"F32","shape":[${rows},256],"data_offsets":[2,${2 + rows * 1024}]}}`;
    const start = 8 + header.length;
    const disk: FileHandle = await open(path, 'w');
    await disk.write(new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer));
    await disk.write(header);
    await disk.truncate(start + 2 + rows * 1024); // a hole: the disk holds almost nothing
    await disk.write(new Uint8Array(Float32Array.of(1, 2, 3).buffer), 0, 12, start + 2 + (rows - 1) * 1024 + 16);
    await disk.close();
    const file = await openSafetensors(path);
    equal(file.info('large'), { dtype: 'F32', shape: [rows, 256], bytes: rows * 1024 });
    equal((await file.getSlice('large', [rows - 1, rows], [3, 8])).array(), [[0, 1, 2, 3, 0]]);
    equal((await file.getSlice('large', [rows - 20000, rows], [4, 5])).sum().item(), 1);
    equal((await file.getTensor('small')).array(), [0, 0]);
    await file.close();
    await file.close();
    await rejectsError(() => file.getTensor('small'), StateError, /the file is closed/);
    ok(process.memoryUsage().arrayBuffers < 2 ** 28);
  }));

test('lazy tensors are read one after the other, whole or in parts', () =>
  inFolder(async (folder) => {
    const log: string[] = [];
    const lazy = (name: string, value: number) => ({
      dtype: 'F32' as const,
      shape: [4, 2],
      *read() {
        for (let i = 0; i < 2; i++) {
          log.push(`${name} ${i}`);
          yield zeros([2, 2]).add(value + i);
        }
      },
    });
    const later = async function* (): AsyncIterable<Tensor> {
      yield tensor([1n]);
      await Promise.resolve();
      yield tensor([2n]);
    };
    const path = join(folder, 'x');
    const given = { a: lazy('a', 1), b: { dtype: 'I64' as const, shape: [2], read: later }, c: tensor([9]), d: { dtype: 'BF16' as const, shape: [], read: async () => Promise.resolve(tensor(3)) } };
    await saveSafetensors(path, given);
    equal(log, ['a 0', 'a 1']);
    const { tensors } = await loadSafetensors(path);
    equal([tensors.a.array(), tensors.b.array(), tensors.c.array(), tensors.d.item()], [[[1, 1], [1, 1], [2, 2], [2, 2]], [1, 2], [9], 3]);
    // a file to another one, changed on the way
    const source = await openSafetensors(path);
    await saveSafetensors(join(folder, 'y'), { renamed: source.lazy('a'), d: source.lazy('d') });
    await source.close();
    equal(Object.keys((await loadSafetensors(join(folder, 'y'))).tensors), ['renamed', 'd']);
    const chunks: Uint8Array[] = [];
    for await (const chunk of streamSafetensors(given)) chunks.push(chunk);
    equal(Buffer.concat(chunks), await readFile(path));
    // what does not keep its word leaves the old file
    const bad = async (read: () => unknown, message: RegExp): Promise<void> => rejectsError(() => saveSafetensors(path, { a: { dtype: 'F32', shape: [2], read } as never }), StateError, message);
    await bad(() => tensor([1]), /'a' gave another number of elements, got 4 bytes; expected 8 bytes/);
    await bad(() => [tensor([1, 2]), tensor([3])], /got more; expected 8 bytes/);
    await bad(() => tensor([1n, 2n]), /a part of 'a' has another dtype, got int64\[2\]; expected F32/);
    await rejectsError(() => saveSafetensors(path, { a: { dtype: 'F32', shape: [2], read: () => 7 } as never }), ArgumentError, /a part of 'a' is not a tensor, got 7/);
    await bad(() => Promise.reject(new Error('gone')), /cannot write the file, got gone/);
    equal(readSafetensors(await readFile(path)).tensors.c.array(), [9]);
  }));

/** A server that sends ranges, and what it was asked for. */
async function serving(bytes: () => Uint8Array, ranged: boolean, use: (url: string, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '');
    asked.push(request.headers.range ?? 'all');
    if (range === null || !ranged) {
      response.writeHead(200).end(bytes());
      return;
    }
    const all = bytes();
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]) + 1, all.length)];
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${to - 1}/${all.length}`, ETag: `"${all.length}"` }).end(all.subarray(from, to));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('from the web by ranges', async () => {
  let bytes = writeSafetensors({ a: arange(100_000), b: tensor([7]) });
  await serving(() => bytes, true, async (url, asked) => {
    const file = await openSafetensors(url);
    equal(asked, ['bytes=0-65535']);
    equal((await file.getSlice('a', [90_000, 90_002])).array(), [90_000, 90_001]);
    is(asked.length, 2);
    ok(/^bytes=\d+-\d+$/.test(asked[1]));
    equal((await file.getTensor('b')).array(), [7]);
    bytes = writeSafetensors({ a: arange(100_001), b: tensor([7]) });
    await rejectsError(() => file.getTensor('b'), StateError, /the file changed meanwhile/);
  });
  await serving(() => bytes, false, async (url) => {
    await rejectsError(() => openSafetensors(url), StateError, /the server sends no ranges, got 200 from http.*\nhint: the functions that load read the whole file/);
    equal((await loadSafetensors(url)).tensors.b.array(), [7]);
  });
});

test('what is no safetensors file is closed and refused', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await writeFile(path, writeSafetensors({ a: zeros([3]) }).subarray(0, 70));
    await rejectsError(() => openSafetensors(path), StateError, /openSafetensors: the file ends too early/);
    await rejectsError(() => openSafetensors(folder), StateError, /not a file/);
    await rejectsError(() => openSafetensors(join(folder, 'none')), StateError, /cannot read the file, got ENOENT/);
    await rejectsError(() => openSafetensors(3 as never), ArgumentError, /not a path, got 3/);
  }));

test.run();

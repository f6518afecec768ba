import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, DTypeError, type FileCells, StateError, type Tensor, loadNpy, loadNpz, openNpz, readNpy, readNpyRaw, saveNpy, saveNpz, tensor, writeNpy, zeros,
} from '../../../index.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../../assert.ts';
import { anyTensor } from './arbitrary.ts';

const PYTHON = '/usr/bin/python3';

interface Fixtures {
  readonly cases: Record<string, [string, number[][]]>;
  readonly refused: Record<string, string>;
  readonly raw: Record<'i8' | 'c8', string>;
}

const numpy = JSON.parse(readFileSync(new URL('../../fixtures/numpy.json', import.meta.url), 'utf8')) as Fixtures;
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const hex = (x: FileCells): string => Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('hex');

const dtypes: Readonly<Record<string, string>> = {
  b1: 'bool', i1: 'int32', i2: 'int32', i4: 'int32', i8: 'int64', u1: 'uint8', u2: 'int32', u4: 'int64', u8: 'int64', f2: 'float32', f4: 'float32', f8: 'float64',
};

const sameTensor = (a: Tensor, b: Tensor): void => equal([a.dtype, [...a.shape], hex(a.data())], [b.dtype, [...b.shape], hex(b.data())]);

test('files that NumPy wrote: all numbers, both byte orders, both orders of elements, all versions', () => {
  for (const [name, [file, values]] of Object.entries(numpy.cases)) {
    const x = readNpy(bytesOf(file));
    allClose(x.array(), values, { rtol: 0, atol: 0 });
    if (/^[<>]/.test(name)) is(x.dtype, dtypes[name.slice(1)], name);
  }
  equal(readNpy(bytesOf(numpy.cases.empty[0])).shape, [2, 0, 3]);
  equal(readNpy(bytesOf(numpy.cases.scalar[0])).shape, []);
});

test('raw elements: 64 bits and complex numbers', () => {
  const i8 = readNpyRaw(bytesOf(numpy.raw.i8));
  equal([i8.dtype, i8.shape, [...(i8.data as BigInt64Array)]], ['I64', [2, 2], [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 0n]]);
  const c8 = readNpyRaw(bytesOf(numpy.raw.c8));
  equal([c8.dtype, c8.shape, [...(c8.data as Float32Array)]], ['C64', [2, 2], [1, 2, 3, 0, 4, 0, 0, 5]]);
  throwsError(() => readNpy(bytesOf(numpy.raw.i8)), DTypeError, /readNpy: value does not fit int64 in memory, got 9223372036854775807/);
  throwsError(() => readNpy(bytesOf(numpy.raw.c8)), DTypeError, /tensors cannot hold this type, got C64/);
  equal(readNpyRaw(writeNpy(i8)), i8);
  throwsError(() => writeNpy({ dtype: 'BF16', shape: [1], data: Uint16Array.of(0) }), DTypeError, /NumPy lacks this type, got BF16/);
});

test('what is no numbers is refused', () => {
  const refuse = (name: string, message: RegExp): void => throwsError(() => readNpy(bytesOf(numpy.refused[name])), DTypeError, message);
  refuse('objects', /got '\|O', pickled Python objects; expected one of b1, i1/);
  refuse('texts', /got '<U1', texts/);
  refuse('bytes', /got '\|S1', bytes/);
  refuse('records', /records of several fields/);
  refuse('dates', /unknown element type, got '<M8/);
  refuse('complex', /got '<c16'/);
  refuse('long', /does not fit int64/);
});

test('NumPy reads what was written', async () => {
  if (!existsSync(PYTHON)) return;
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    const x = { f: tensor([[1.5, 2], [3, 4]]).t(), d: tensor(0.1, { dtype: 'float64' }), i: tensor([-1n]), j: tensor([7], { dtype: 'int32' }), b: tensor([true, false]), u: zeros([0, 3], { dtype: 'uint8' }) };
    const raw = { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) } as const;
    await saveNpy(join(folder, 'f.npy'), x.f);
    await saveNpy(join(folder, 'h.npy'), x.f, { dtype: 'float16' });
    await saveNpz(join(folder, 'a.npz'), { ...x, raw, é: tensor(1) });
    await saveNpz(join(folder, 'b.npz'), x, { compressed: true });
    const script = fileURLToPath(new URL('../../fixtures/make_numpy.py', import.meta.url));
    const files = ['f.npy', 'h.npy', 'a.npz', 'b.npz'].map((name) => join(folder, name));
    const [f, h, a, b] = JSON.parse(execFileSync(PYTHON, [script, 'check', ...files], { encoding: 'utf8' })) as [unknown, unknown, Record<string, unknown>, Record<string, unknown>];
    const expected = ['<f4', [2, 2], hex(Float32Array.of(1.5, 3, 2, 4))];
    equal(f, expected);
    equal(h, ['<f2', [2, 2], '003e004200400044']);
    const all = { f: expected, d: ['<f8', [], hex(Float64Array.of(0.1))], i: ['<i8', [1], 'ffffffffffffffff'], j: ['<i4', [1], '07000000'], b: ['|b1', [2], '0100'], u: ['|u1', [0, 3], ''] };
    equal(a, { ...all, raw: ['<u8', [1], 'ffffffffffffffff'], é: ['<f4', [], '0000803f'] });
    equal(b, all);
    equal((await readdir(folder)).length, 4);
    sameTensor(await loadNpy(join(folder, 'f.npy')), x.f.contiguous());
    sameTensor((await loadNpz(join(folder, 'b.npz'))).d, x.d);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('any tensor survives, bit for bit', () => {
  fc.assert(fc.property(anyTensor, (x) => sameTensor(readNpy(writeNpy(x)), x)), { numRuns: 300 });
  throwsError(() => writeNpy([1] as never), ArgumentError, /is not a tensor/);
  throwsError(() => writeNpy(zeros([1]), { dtype: 'bfloat16' as never }), ArgumentError, /unknown dtype, got 'bfloat16'/);
  throwsError(() => writeNpy(zeros([1]), { type: 1 } as never), ArgumentError, /unknown option/);
});

/** An .npy file with any header. */
function file(header: string, data: number, version: readonly [number, number] = [1, 0], length?: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const start = version[0] === 1 ? 10 : 12;
  const out = new Uint8Array(start + text.length + data);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, ...version]);
  const view = new DataView(out.buffer);
  if (version[0] === 1) view.setUint16(8, length ?? text.length, true);
  else view.setUint32(8, length ?? text.length, true);
  out.set(text, start);
  return out;
}

const header = (shape: string, descr = "'<f4'", fortran = 'False'): string => `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}}`;

test('damaged and hostile .npy files', () => {
  equal(readNpy(file(`{ "shape" :(2L , ), 'fortran_order':True,'descr':"<f4" , }\n`, 8)).array(), [0, 0]);
  equal(readNpy(file(header('(1,)', "'f4'"), 4)).array(), [0]);
  const refuse = (bytes: Uint8Array, message: RegExp): void => throwsError(() => readNpy(bytes), StateError, message);
  refuse(new Uint8Array(0), /ends too early, got 0 bytes; expected at least 10/);
  refuse(new Uint8Array(20), /not an .npy file, got 0x00/);
  refuse(Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0), /hint: this is a zip file/);
  refuse(file(header('(1,)'), 4, [4, 0]), /unknown version of the format, got 4.0/);
  refuse(file(header('(1,)'), 4, [1, 1]), /got 1.1/);
  refuse(file(header('(1,)'), 4, [1, 0], 60000), /ends too early, got \d+ bytes; expected at least 60010/);
  refuse(file(header('(1,)'), 4, [2, 0], 2 ** 32 - 1), /the header is too long, got 4294967295 bytes/);
  refuse(file(header('(2,)'), 4), /ends too early, got \d+ bytes; expected \d+ for shape \[2\]/);
  refuse(file(header('(2,)'), 12), /bytes after the last element/);
  refuse(file(header('(4294967296, 4294967296)'), 4), /expected many more/);
  refuse(file(header('(99999999999999999999,)'), 4), /expected a size/);
  refuse(file(header('(-1,)'), 4), /expected a size/);
  refuse(file(header('(1)'), 4), /',' in a tuple of one number/);
  refuse(file(header('[1]'), 4), /expected '\('/);
  refuse(file(header(`(${'1,'.repeat(65)})`), 4), /at most 64 dimensions/);
  refuse(file(header('(1,)', "'<f4'", '0'), 4), /expected True or False/);
  refuse(file("{'descr': '<f4', 'shape': (1,)}", 4), /expected descr, fortran_order and shape/);
  refuse(file("{'descr': '<f4', 'descr': '<f4'}", 4), /'descr' once/);
  refuse(file("{'other': 1}", 4), /not 'other'/);
  refuse(file(`${header('(1,)')}x`, 4), /nothing after the dictionary/);
  refuse(file("{'descr': '<f4", 4), /a text/);
  refuse(file('{', 0), /got its end/);
  const bad = file(`{'é`, 0, [3, 0]);
  bad[14] = 0xff;
  refuse(bad, /not UTF-8/);
  throwsError(() => readNpy(file(header('(1,)', "'<f3'"), 3)), DTypeError, /unknown element type, got '<f3'/);
  throwsError(() => readNpy(file(header('(1,)', "'|b1'"), 1).fill(2, -1)), DTypeError, /not a boolean/);
  throwsError(() => readNpy('x' as never), ArgumentError, /not bytes/);
});

test('files that cannot be read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polyak-'));
  try {
    await rejectsError(() => loadNpy(join(folder, 'x')), StateError, /loadNpy: cannot read the file, got ENOENT/);
    await rejectsError(() => loadNpz(join(folder, 'x')), StateError, /loadNpz: cannot read the file, got ENOENT/);
    await writeFile(join(folder, 'x'), 'no zip file at all, but long enough');
    await rejectsError(() => loadNpz(join(folder, 'x')), StateError, /loadNpz: not a zip file/);
    await rejectsError(() => openNpz(join(folder, 'x')), StateError, /openNpz: not a zip file/);
    ok(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import {
  type Column, DataLoader, type DataLoaderState, Generator, Tensor, TensorDataset, type WebFileHandle, arange, importOnnx, load, loadCsv, loadIdx, loadNpz, openNpz, openSafetensors, packCheckpoint, readLines, readNpy, readNpyRaw,
  readNpz, readSafetensors, save, streamCsv, tensor, unpackCheckpoint, writeCsv, writeIdx, writeNpy, writeNpz, writeSafetensors, zeros,
} from '../../index.ts';
import { crc32 } from '../../core/io/crc32.ts';

/** A format: some good files, what may be done to a changed one, and how it is read. */
export interface Format {
  readonly name: string;
  readonly files: readonly Uint8Array[];
  /** Mends a changed file, so that the change gets past its checksums. */
  readonly mend?: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** Reads it; returns how many bytes came out. */
  readonly read: (bytes: Uint8Array) => number | Promise<number>;
  /** Most bytes that may come out of one byte. */
  readonly ratio: number;
}

const sizeOf = (x: unknown): number => {
  if (x instanceof Tensor) return x.data().byteLength;
  if (Array.isArray(x)) return x.reduce((n: number, item) => n + sizeOf(item), 0);
  if (typeof x === 'object' && x !== null) return Object.values(x).reduce((n: number, item) => n + sizeOf(item), 0);
  return typeof x === 'string' ? x.length : 8;
};

const blob = (bytes: Uint8Array): Blob => new Blob([bytes as BlobPart]);

const some = { a: tensor([[1, 2], [3, 4]]), 'b.c': tensor([true, false]), e: zeros([0, 3]), s: tensor(-7n), d: tensor([0.1], { dtype: 'float64' }), u: tensor([1, 255], { dtype: 'uint8' }) };
const raw = { h: { dtype: 'F16', shape: [2], data: Uint16Array.of(0x3c00, 0x7e01) }, q: { dtype: 'F8_E4M3', shape: [3], data: Uint8Array.of(1, 127, 255) }, l: { dtype: 'I64', shape: [1], data: BigInt64Array.of(-1n) } } as const;

class Part {
  readonly tree: unknown;
  constructor(tree: unknown) {
    this.tree = tree;
  }
  stateDict(): unknown {
    return this.tree;
  }
  loadStateDict(): void {}
}

const loader = (): DataLoader<[Tensor], [Tensor]> => new DataLoader(new TensorDataset(arange(10)), { batchSize: 3, shuffle: true, generator: new Generator(1) });
const loaderState = ((): DataLoaderState => {
  const batches = loader();
  for (const _ of batches) break;
  return batches.stateDict();
})();
const checkpoints = [
  packCheckpoint({ model: new Part(some), list: [new Part([1, { x: null }])], epoch: 3, big: 2n ** 70n, odd: { $x: NaN, '': undefined } }),
  packCheckpoint({ loader: new Part(loaderState), random: new Generator(1) }),
];

/** The bytes that `save` writes. */
async function saved(tree: unknown): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const handle: WebFileHandle = {
    kind: 'file',
    name: 'x',
    getFile: () => Promise.resolve(new Blob([])),
    createWritable: () => Promise.resolve({ write: (chunk) => Promise.resolve(void chunks.push(chunk.slice())), close: () => Promise.resolve(), abort: () => Promise.resolve() }),
  };
  await save(handle, tree);
  return new Uint8Array(Buffer.concat(chunks));
}

const CHECKSUM_AT = 8 + '{"__metadata__":{"checksum":"'.length;

/** Puts the right checksum into a changed checkpoint. */
function sumUp(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  out.set(new TextEncoder().encode('00000000').subarray(0, Math.max(0, out.length - CHECKSUM_AT)), Math.min(CHECKSUM_AT, out.length));
  const sum = new TextEncoder().encode(crc32(out).toString(16).padStart(8, '0'));
  out.set(sum.subarray(0, Math.max(0, out.length - CHECKSUM_AT)), Math.min(CHECKSUM_AT, out.length));
  return out;
}

/** Loads a state of a loader from a changed checkpoint, and goes on. */
function resume(bytes: Uint8Array): number {
  const state = unpackCheckpoint(bytes);
  const batches = loader();
  batches.loadStateDict(state.loader as never);
  for (const [x] of batches) x.data();
  return sizeOf(state);
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 7) yield await Promise.resolve(bytes.subarray(at, at + 7));
}

const arrays = [writeNpy(some.a), writeNpy(some.s), writeNpy(raw.h), writeNpy(some.e), writeNpy(some['b.c'])];
const idxs = [writeIdx(some.a), writeIdx(some.d), writeIdx(some.u), writeIdx(zeros([2, 0]))];
const table = new TextEncoder().encode(await writeCsv({ x: tensor([0.5, NaN, 2]), n: [1, null, 3], 'na"me,': ['a\nb', '"', ''], b: tensor([true, false, true]) }));
const other = new TextEncoder().encode('a;b\r\n1;"x;y"\r\n# no\r\n2;\r\n');
const length = (columns: Readonly<Record<string, Column>>): number => Object.values(columns).reduce((n, column) => n + (column instanceof Tensor ? column.data().byteLength : column.length), 0);

/** All formats. */
export const formats: readonly Format[] = [
  {
    name: 'onnx',
    files: ['cnn-16', 'recurrent-16', 'attention-16'].map((name) => new Uint8Array(readFileSync(new URL(`../fixtures/onnx/${name}.onnx`, import.meta.url)))),
    read: (bytes) => sizeOf(importOnnx(bytes).stateDict()),
    ratio: 8,
  },
  { name: 'safetensors', ratio: 8, files: [writeSafetensors(some, { metadata: { k: 'v' } }), writeSafetensors(raw)], read: (b) => sizeOf(readSafetensors(b)) },
  {
    name: 'safetensors, on demand', ratio: 16, files: [writeSafetensors(some), writeSafetensors(raw)],
    async read(b) {
      await using file = await openSafetensors(blob(b));
      let size = 0;
      for (const name of file.names) {
        size += (await file.getRaw(name)).data.byteLength;
        const { shape, dtype } = file.info(name);
        if (shape.length > 0 && !/^F[46]/.test(dtype)) await file.getSlice(name, [0, Math.min(1, shape[0])]);
        size += sizeOf(await file.getTensor(name));
      }
      return size;
    },
  },
  { name: 'checkpoint', ratio: 8, files: checkpoints, read: (b) => sizeOf(unpackCheckpoint(b)) },
  { name: 'checkpoint, checksum mended', ratio: 8, files: checkpoints, mend: sumUp, read: (b) => sizeOf(unpackCheckpoint(b)) },
  { name: 'state of a loader', ratio: 8, files: [checkpoints[1]], mend: sumUp, read: resume },
  { name: 'state', ratio: 8, files: [await saved({ model: some, list: [1, null, { $x: -0 }] }), await saved(loaderState)], mend: sumUp, read: async (b) => sizeOf(await load(blob(b))) },
  { name: 'state, of another program', ratio: 8, files: [writeSafetensors(some), writeSafetensors(raw)], read: async (b) => sizeOf(await load(blob(b))) },
  { name: 'idx', ratio: 8, files: idxs, read: async (b) => sizeOf(await loadIdx(blob(b))) },
  { name: 'idx, packed', ratio: 4200, files: idxs.map((b) => new Uint8Array(gzipSync(b))), read: async (b) => sizeOf(await loadIdx(blob(b))) },
  { name: 'idx, packed again', ratio: 4200, files: idxs, mend: (b) => new Uint8Array(gzipSync(b)), read: async (b) => sizeOf(await loadIdx(blob(b))) },
  {
    name: 'npy', ratio: 8, files: arrays,
    read(b) {
      readNpyRaw(b);
      return sizeOf(readNpy(b));
    },
  },
  { name: 'npz', ratio: 4200, files: [await writeNpz(some), await writeNpz(some, { compressed: true }), await writeNpz({ x: raw.h })], read: async (b) => sizeOf(await readNpz(b)) },
  {
    name: 'npz, on demand', ratio: 4200, files: [await writeNpz(some, { compressed: true })],
    async read(b) {
      await using file = await openNpz(blob(b));
      let size = 0;
      for (const name of file.names) size += (await file.getRaw(name)).data.byteLength;
      return size + sizeOf(await loadNpz(blob(b)));
    },
  },
  { name: 'csv', ratio: 64, files: [table, other], read: async (b) => length((await loadCsv(blob(b))).columns) },
  { name: 'csv, typed', ratio: 64, files: [table], read: async (b) => length((await loadCsv(blob(b), { types: { x: 'float32', n: 'int32', b: 'bool' }, fill: { n: 0, b: true }, comments: '#' })).columns) },
  {
    name: 'csv, in pieces', ratio: 64, files: [table, other],
    async read(b) {
      let size = 0;
      for await (const row of streamCsv(inPieces(b), { delimiter: ';', comments: '#' })) size += sizeOf(row);
      return size;
    },
  },
  {
    name: 'lines', ratio: 8, files: [table, new Uint8Array(gzipSync(table))],
    async read(b) {
      let size = 0;
      for await (const line of readLines(blob(b))) size += line.length;
      return size / 4200; // packed files may grow
    },
  },
];

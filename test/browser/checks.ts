import { strict as assert } from 'node:assert';
import { unpackCheckpoint } from '../../index.ts';
import { type Hashes, expected, hashes } from '../fixtures/trainingHash.ts';
import { exactResults } from './page/exact.ts';
import type { GpuReport } from './page/gpu.ts';
import type { Report } from './page/tasks.ts';
import type { Served } from './server.ts';

/** A page that does one task. */
export interface Visit {
  /** What the page tells next. It waits until the next call. */
  next(): Promise<Report & GpuReport>;
  /** Bytes of the page's JavaScript and its arrays, after a collection. */
  heapBytes(): Promise<number>;
  /** Warnings and errors in the console, and errors that nobody caught. */
  readonly console: readonly string[];
  /** Waits until so many workers of the page run; what there is after two seconds. */
  workers(count: number): Promise<number>;
  /** The name and the bytes of the next file that the page lets the visitor save. */
  download(): Promise<{ readonly name: string; readonly bytes: Uint8Array }>;
  /** Closes the page; resolves to the number of processes that still run pages, which should be none. */
  close(): Promise<number>;
}

/** One line of the output. */
export interface Check {
  readonly name: string;
  readonly served: Served;
  /** The page's address from `?` on. */
  readonly query: string;
  /** What must be in the console, in any order; nothing else may be. */
  readonly console?: readonly RegExp[];
  /** What the console may say besides. */
  readonly tolerated?: readonly RegExp[];
  /** Throws where something is wrong; returns what is worth saying. */
  readonly run: (visit: Visit) => Promise<string>;
}

const ms = (x: number | undefined): string => `${Math.round(x ?? NaN)} ms`;

/** Throws where a page's weights are others than the stored ones. */
function compare(got: Hashes): void {
  if (got.mlp === expected.mlp && got.leNet === expected.leNet) return;
  const here = hashes(1);
  const inNode = got.mlp === here.mlp && got.leNet === here.leNet ? 'Node gives the same as the page: the stored ones are out of date' : `Node gives ${JSON.stringify(here)}`;
  throw new Error(`other bits, got ${JSON.stringify(got)}; expected ${JSON.stringify(expected)}; ${inNode}`);
}

function trains(threads: number, kernels = 'wasm'): Check['run'] {
  return async (visit) => {
    const report = await visit.next();
    assert.equal(report.kernels, kernels);
    assert.equal(report.threads, threads);
    assert.equal(report.workersUp, threads - 1);
    assert.equal(report.jobsOpened, threads > 1);
    compare({ mlp: report.mlp ?? 'none', leNet: report.leNet ?? 'none' });
    return `the bits of Node, ${ms(report.ms)}`;
  };
}

const round = (x: readonly number[] | undefined): readonly number[] => (x ?? []).map((v) => Number(v.toPrecision(4)));

async function reference(visit: Visit, kernels: string): Promise<string> {
  const report = await visit.next();
  assert.equal(report.kernels, kernels);
  assert.deepEqual(report.exact, exactResults(), 'other results than in Node');
  const [first, last] = report.loss ?? [];
  assert.ok(last < first, `the loss does not fall: ${first} to ${last}`);
  return `${report.exact?.length} results as in Node, loss ${round(report.loss).join(' to ')}`;
}

async function loop(visit: Visit): Promise<string> {
  const { wasmBytes: before = NaN, firstMs } = await visit.next();
  const heapBefore = await visit.heapBytes();
  const { wasmBytes: after = NaN, ms: time = NaN } = await visit.next();
  const grown = (await visit.heapBytes()) - heapBefore;
  assert.equal(after, before, 'the Wasm memory grew');
  assert.ok(grown < 500_000, `the JavaScript heap grew by ${grown} bytes`);
  return `${Math.round(before / 1024)} KB of Wasm memory, heap ${grown < 0 ? '' : '+'}${Math.round(grown / 1024)} KB; first step ${ms(firstMs)}, then ${(time / 5).toFixed(1)} µs each`;
}

const notIsolated = /setNumThreads: threads cannot share memory here, got a page that is not isolated/;
const noKernels = /polyak: this machine has no WebAssembly with SIMD, or the page's Content-Security-Policy lacks 'wasm-unsafe-eval'/;
const noWorkers = /setNumThreads: a worker thread ended/;
const blobRefused = /blob:.*violates the following Content Security Policy directive: "worker-src 'self'"/;

/** The net of the digits example trains on a backend as on the CPU. */
function trainsOn(backend: string) {
  return async (visit: Visit): Promise<string> => {
    const { info, here = [], there = [], averages = NaN } = await visit.next();
    assert.equal(info?.backend, backend);
    const off = there.reduce((most, v, i) => Math.max(most, Math.abs(v - here[i])), here.length === there.length && here.length > 0 ? 0 : NaN);
    assert.ok(off < 1e-3, `the losses are off by ${off}: ${there.join()}, expected ${here.join()}`);
    assert.ok(averages < 1e-2, `what the averages compute is off by ${averages}`);
    assert.ok((there.at(-1) ?? NaN) < 0.8 * there[0], `the loss does not fall: ${there.join()}`);
    return `${info.adapter.vendor} ${info.adapter.device}, ${there.length} steps within ${off.toExponential(1)} of the CPU, ${info.kernels.built} kernels built in ${ms(info.kernels.milliseconds)}`;
  };
}

/** Operations on a backend as on the CPU. */
async function operations(visit: Visit): Promise<string> {
  const { agreed = 0, failures = [] } = await visit.next();
  assert.deepEqual(failures, []);
  assert.ok(agreed > 300, `only ${agreed} samples ran`);
  return `${agreed} samples within 1e-5`;
}

/** What Chromium's driver may remark when a page reads results, which waits for them. */
const remarks: readonly RegExp[] = [/GL Driver Message \(OpenGL, Performance, .*GPU stall due to ReadPixels/];

/** Checks of the GPU device, in a browser that computes graphics on the CPU where it must. */
export const gpuChecks: readonly Check[] = ['webgl2', 'webgpu'].flatMap((backend) => [
  { name: `digits on ${backend}`, served: 'plain', query: `?backend=${backend}`, tolerated: remarks, run: trainsOn(backend) },
  { name: `digits on ${backend}, minified`, served: 'plain', query: `?backend=${backend}&minified`, tolerated: remarks, run: trainsOn(backend) },
  { name: `operations on ${backend}`, served: 'plain', query: `?ops=${backend}`, tolerated: remarks, run: operations },
]);

/** All checks, in the order of the output. */
export const checks: readonly Check[] = [
  { name: '1 thread', served: 'isolated', query: '?task=train', run: trains(1) },
  { name: '2 threads', served: 'isolated', query: '?task=train&threads=2', run: trains(2) },
  { name: 'in a worker, 1 thread', served: 'isolated', query: '?task=train&worker', run: trains(1) },
  { name: 'in a worker, 2 threads', served: 'isolated', query: '?task=train&threads=2&worker', run: trains(2) },
  { name: 'minified, 1 thread', served: 'isolated', query: '?task=train&minified', run: trains(1) },
  { name: 'minified, 2 threads', served: 'isolated', query: '?task=train&threads=2&minified', run: trains(2) },
  { name: 'page without headers, 1 thread', served: 'plain', query: '?task=train', run: trains(1) },
  { name: 'page without headers, 2 threads asked for', served: 'plain', query: '?task=train&threads=2', console: [notIsolated], run: trains(1) },
  { name: 'strict policy, 1 thread', served: 'strict', query: '?task=train', run: trains(1) },
  { name: 'strict policy with blob: workers, 2 threads', served: 'strict-isolated', query: '?task=train&threads=2', run: trains(2) },
  { name: 'strict policy without blob: workers, 2 threads asked for', served: 'no-blob', query: '?task=train&threads=2', console: [noWorkers, blobRefused], run: trains(1) },
  { name: 'other dtypes', served: 'plain', query: '?task=reference', run: (visit) => reference(visit, 'wasm') },
  { name: 'other dtypes, strict policy', served: 'strict', query: '?task=reference', run: (visit) => reference(visit, 'wasm') },
  { name: 'policy that forbids Wasm', served: 'no-wasm', query: '?task=reference', console: [noKernels], run: (visit) => reference(visit, 'javascript') },
  {
    name: 'files', served: 'plain', query: '?task=files',
    run: async (visit) => {
      const saved = (await visit.next()).files ?? [];
      const loaded = (await visit.next()).files ?? [];
      const { name, bytes } = await visit.download();
      assert.equal(name, 'run.safetensors');
      assert.equal(unpackCheckpoint(bytes).epoch, 3);
      return [...saved, ...loaded, 'downloads'].join(', ');
    },
  },
  { name: 'memory over 5,000 steps without a pause', served: 'plain', query: '?task=loop', run: loop },
  {
    name: 'setNumThreads(1) ends the worker', served: 'isolated', query: '?task=idle&threads=2&end',
    run: async (visit) => {
      assert.equal((await visit.next()).workersUp, 1);
      assert.equal(await visit.workers(1), 1);
      assert.equal((await visit.next()).threads, 1);
      assert.equal(await visit.workers(0), 0);
      return 'none left';
    },
  },
  {
    name: 'a page that closes ends its worker', served: 'isolated', query: '?task=idle&threads=2',
    run: async (visit) => {
      assert.equal((await visit.next()).workersUp, 1);
      assert.equal(await visit.workers(1), 1);
      assert.equal(await visit.close(), 0, 'the process of the page is left');
      return 'its process ends';
    },
  },
];

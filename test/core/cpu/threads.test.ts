import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { allocate } from '../../../core/cpu/memory/heap.ts';
import { ThreadPool } from '../../../core/cpu/threads/pool.ts';
import { runParts, threadCount } from '../../../core/cpu/threads/threads.ts';
import { type I32, Value, f32, i32 } from '../../../core/cpu/wasm/code.ts';
import { type FunctionBuilder } from '../../../core/cpu/wasm/function.ts';
import { WasmKernel, heap, resetKernels } from '../../../core/cpu/wasm/kernel.ts';
import { ArgumentError, StateError, getNumThreads, matmul, noGrad, setNumThreads, tensor } from '../../../index.ts';
import { equal, is, ok, unreachable } from '../../assert.ts';


// Atomic instructions: kernels have no use for them, these tests do.
const atomicLoad = (at: I32): I32 => new Value('i32', [at.code, 0xfe, 0x10, 2, 0]);
const atomicAdd = (at: I32, n: number): I32 => new Value('i32', [at.code, i32.const(n).code, 0xfe, 0x1e, 2, 0]);

/** Waits until `count` threads are here, or for a long time, so that a fault does not hang the test. */
function meet(f: FunctionBuilder, at: I32, count: I32): void {
  const left = f.i32(500_000_000);
  f.emit([atomicAdd(at, 1).code, 0x1a]);
  f.while(i32.and(i32.ltS(atomicLoad(at), count), i32.ne(left, 0)), () => left.increase(-1));
  f.if(i32.eqz(left), () => f.emit([atomicAdd(at, 1_000_000).code, 0x1a]));
}

/** Adds 1 to `n` floats: not the same when it runs twice. */
const addOne = new WasmKernel('addOne', (m) =>
  m.function('addOne', ['i32', 'i32'], (f, at, n) => {
    f.repeat(n, () => {
      f.store(at, f32.add(f32.load(at), 1));
      at.increase(4);
    });
  }),
);
/** Ends when as many threads run it as there are parts. */
const gather = new WasmKernel('gather', (m) => m.function('gather', ['i32', 'i32'], (f, at, count) => meet(f, at, count)));

const zeroed = (bytes: number): number => {
  const at = allocate(bytes);
  heap.u8.fill(0, at, at + bytes);
  return at;
};
const floats = (at: number, n: number): number[] => [...heap.f32.subarray(at / 4, at / 4 + n)];
const word = (at: number): number => Atomics.load(heap.i32, at / 4);

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); ) {
    if (Date.now() > end) unreachable(`${what}: not within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A pool whose workers are up; it is closed afterwards. */
async function withPool(workers: number, use: (pool: ThreadPool, lost: string[]) => Promise<void> | void, patience?: number): Promise<void> {
  const lost: string[] = [];
  const pool = new ThreadPool(heap.memory, workers, (reason) => lost.push(reason), patience);
  try {
    await until(() => pool.ready === workers, 'the workers start');
    await use(pool, lost);
  } finally {
    pool.close();
  }
}

/** Has the workers of a pool learn a kernel: the first part of its first job runs before they know it. */
function introduce(pool: ThreadPool, kernel: WasmKernel, harmless: readonly number[]): void {
  pool.run(kernel, [harmless, harmless]);
}

/** All threads of a pool work on one job at the same time. */
function allMeet(pool: ThreadPool, threads: number, kernel: WasmKernel = gather): void {
  introduce(pool, kernel, [zeroed(64), 0]);
  const at = zeroed(64);
  pool.run(kernel, new Array(threads).fill([at, threads]));
  is(word(at), threads, 'threads that met');
}

async function warnings(use: () => Promise<void> | void): Promise<string[]> {
  const seen: string[] = [];
  const before = console.warn;
  console.warn = (text: string) => seen.push(text);
  try {
    await use();
  } finally {
    console.warn = before;
  }
  return seen;
}

test('the number of threads is checked', () => {
  is(getNumThreads(), 1);
  for (const n of [0, -1, 1.5, NaN, Infinity, '2' as unknown, null]) {
    try {
      setNumThreads(n as number);
      unreachable();
    } catch (error) {
      ok(error instanceof ArgumentError && /^setNumThreads: invalid number of threads, got .*; expected an integer of at least 1$/.test(error.message), String(error));
    }
  }
  is(getNumThreads(), 1);
});

test('a page that is not isolated goes on with one thread and says so', async () => {
  Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false, configurable: true });
  try {
    const said = await warnings(() => setNumThreads(2));
    is(said.length, 1);
    ok(/^setNumThreads: threads cannot share memory here, got a page that is not isolated; expected the headers .*one thread\.$/.test(said[0]), said[0]);
    is(getNumThreads(), 1);
    is(heap.shared, false);
    is(tensor([1, 2]).sum().item(), 3);
  } finally {
    Reflect.deleteProperty(globalThis, 'crossOriginIsolated');
  }
});

test('tensors, views and gradients survive the change of memory', () => {
  const w = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  const view = w.detach().t();
  const y = matmul(w, w);
  y.sum().backward();
  setNumThreads(2);
  is(heap.shared, true);
  is(getNumThreads(), 2);
  is(threadCount(), 2);
  equal(w.array(), [[1, 2], [3, 4]]);
  equal(view.array(), [[1, 3], [2, 4]]);
  equal(y.array(), [[7, 10], [15, 22]]);
  equal(w.grad?.array(), [[7, 11], [9, 13]]);
  noGrad(() => w.add_(1));
  equal(view.array(), [[2, 4], [3, 5]]);
  matmul(w, w).sum().backward();
  equal(w.grad?.array(), [[7 + 11, 11 + 15], [9 + 13, 13 + 17]]);
  setNumThreads(1);
  is(getNumThreads(), 1);
  is(threadCount(), 1);
  equal(w.array(), [[2, 3], [4, 5]]);
});

test('not within a backward pass', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  let seen: unknown = null;
  const y = x.mul(2);
  y.registerHook(() => {
    try {
      setNumThreads(3);
    } catch (error) {
      seen = error;
    }
  });
  y.sum().backward();
  equal(x.grad?.array(), [2, 2]);
  ok(seen === null || seen instanceof StateError);
  setNumThreads(1);
});

test('above 32 there are 32', () => {
  setNumThreads(1000);
  is(getNumThreads(), 32);
  const at = zeroed(4 * 100);
  runParts(addOne, Array.from({ length: 100 }, (_, i) => [at + 4 * i, 1]));
  equal(floats(at, 100), new Array(100).fill(1));
  setNumThreads(1);
});

for (const workers of [1, 2, 3]) {
  test(`${workers} and one threads: each part runs once, in thousands of jobs`, () =>
    withPool(workers, (pool) => {
      const n = 1000;
      const at = zeroed(4 * n);
      let jobs = 0;
      for (let i = 0; i < 4000; i++) {
        const count = 1 + (i % 7);
        const each = Math.ceil(n / count);
        pool.run(addOne, Array.from({ length: count }, (_, k) => [at + 4 * each * k, Math.min(each, n - each * k)]));
        jobs++;
      }
      equal(floats(at, n), new Array(n).fill(jobs));
      allMeet(pool, workers + 1);
    }));

  test(`${workers} and one threads meet, awake or asleep`, () =>
    withPool(workers, async (pool) => {
      for (let i = 0; i < 5; i++) {
        allMeet(pool, workers + 1);
        allMeet(pool, workers + 1);
        await until(() => pool.sleeping === workers, 'the workers sleep');
      }
    }));
}

test('more parts than can be open at once', () =>
  withPool(2, (pool) => {
    const at = zeroed(4 * 200);
    for (const count of [31, 32, 33, 64, 65, 200]) {
      heap.f32.fill(0, at / 4, at / 4 + 200);
      for (let i = 0; i < 20; i++) pool.run(addOne, Array.from({ length: count }, (_, k) => [at + 4 * k, 1]));
      equal(floats(at, 200), Array.from({ length: 200 }, (_, k) => (k < count ? 20 : 0)), `${count} parts`);
    }
  }));

test('empty and single lists of parts', () =>
  withPool(1, (pool) => {
    const at = zeroed(64);
    pool.run(addOne, []);
    pool.run(addOne, [[at, 1]]);
    pool.run(addOne, [[at, 1], [at + 4, 1]]);
    pool.run(addOne, []);
    equal(floats(at, 2), [2, 1]);
  }));

test('arguments of every type travel exactly', () =>
  withPool(1, (pool) => {
    const store = new WasmKernel('store', (m) =>
      m.function('store', ['i32', 'i32', 'i32', 'i32', 'f32', 'f64'], (f, met, count, to, i, x, y) => {
        meet(f, met, count);
        f.store(to, i);
        f.store(to, x, 4);
        f.store(to, y, 8);
      }),
    );
    const at = zeroed(64);
    const met = zeroed(64);
    introduce(pool, store, [met, 0, at, 0, 0, 0]);
    const values: [number, number, number][] = [[-5, 0.1, 0.1], [2 ** 31 - 1, -0, -0], [-(2 ** 31), NaN, NaN], [0, Infinity, 2 ** 53 - 1], [7, 1e-45, 5e-324]];
    for (const [i, x, y] of values) {
      heap.i32[met / 4] = 0;
      pool.run(store, [[met, 2, at, i, x, y], [met, 2, at + 16, i, x, y]]);
      is(word(met), 2);
      for (const to of [at, at + 16]) {
        is(heap.i32[to / 4], i);
        is(Object.is(heap.f32[to / 4 + 1], Math.fround(x)), true, String(x));
        is(Object.is(heap.f64[to / 8 + 1], y), true, String(y));
      }
    }
  }));

test('kernels made after the start, in number', () =>
  withPool(2, (pool) => {
    for (let k = 0; k < 60; k++) {
      const kernel = new WasmKernel(`gather${k}`, (m) => m.function(`gather${k}`, ['i32', 'i32'], (f, at, count) => meet(f, at, count)));
      allMeet(pool, 3, kernel);
    }
  }));

test('workers forget kernels that were reset', () =>
  withPool(1, (pool) => {
    let written = 1;
    const kernel = new WasmKernel('write', (m) =>
      m.function('write', ['i32', 'i32', 'i32'], (f, met, count, to) => {
        meet(f, met, count);
        f.store(to, i32.const(written));
      }),
    );
    const at = zeroed(64);
    const met = zeroed(64);
    for (written = 1; written < 5; written++) {
      introduce(pool, kernel, [met, 0, at]);
      heap.i32[met / 4] = 0;
      pool.run(kernel, [[met, 2, at], [met, 2, at + 4]]);
      equal([...heap.i32.subarray(at / 4, at / 4 + 2)], [written, written]);
      resetKernels();
    }
  }));

test('a pool that can hold no more kernels says so, and runs them', () =>
  withPool(1, (pool) => {
    const body = (f: FunctionBuilder, at: I32): void => {
      for (let i = 0; i < 40_000; i++) f.store(at, i32.const(i));
    };
    const at = zeroed(64);
    for (let k = 0; !pool.full; k++) {
      ok(k < 100);
      const kernel = new WasmKernel(`long${k}`, (m) => m.function(`long${k}`, ['i32'], body));
      pool.run(kernel, [[at], [at + 4]]);
      equal([...heap.i32.subarray(at / 4, at / 4 + 2)], [39_999, 39_999]);
    }
    pool.run(addOne, [[at + 8, 1], [at + 12, 1]]);
    equal(floats(at + 8, 2), [1, 1]);
  }));

test('workers see memory that was added while they slept', () =>
  withPool(1, async (pool) => {
    const clear = new WasmKernel('clearAndMeet', (m) =>
      m.function('clearAndMeet', ['i32', 'i32', 'i32', 'i32'], (f, met, count, at, bytes) => {
        meet(f, met, count);
        f.clear(at, bytes);
        f.store(at, i32.const(7));
      }),
    );
    const met = zeroed(64);
    introduce(pool, clear, [met, 0, met + 32, 16]);
    for (let i = 0; i < 3; i++) {
      await until(() => pool.sleeping === 1, 'the worker sleeps');
      const at = heap.bytes;
      ok(heap.grow(1 << 20));
      heap.i32[met / 4] = 0;
      pool.run(clear, [[met, 2, at, 4096], [met, 2, at + 500_000, 500_000]]);
      is(word(met), 2);
      for (const to of [at, at + 500_000]) is(heap.i32[to / 4], 7);
    }
  }));

/** Meets the other thread; then traps if it is told to. */
const trap = new WasmKernel('trap', (m) =>
  m.function('trap', ['i32', 'i32', 'i32'], (f, met, count, bad) => {
    meet(f, met, count);
    f.if(bad, () => f.emit(0x00));
  }),
);

test('what a part throws on a worker is reported when all are done', () =>
  withPool(1, (pool, lost) => {
    introduce(pool, trap, [zeroed(64), 0, 0]);
    for (let i = 0; i < 3; i++) {
      const met = zeroed(64);
      try {
        pool.run(trap, [[met, 2, 0], [met, 2, 1]]);
        unreachable();
      } catch (error) {
        ok(error instanceof StateError && /^trap: a worker thread failed in the middle of its part, got RuntimeError: unreachable; expected .*\nhint: what this operation wrote is lost$/.test(error.message), String(error));
      }
      is(word(met), 2);
      allMeet(pool, 2);
    }
    equal(lost, []);
  }));

test('what a part throws on the main thread is thrown when the others are done', () =>
  withPool(1, (pool) => {
    introduce(pool, trap, [zeroed(64), 0, 0]);
    const slow = new WasmKernel('slow', (m) =>
      m.function('slow', ['i32', 'i32', 'i32', 'i32'], (f, met, count, bad, n) => {
        meet(f, met, count);
        f.if(bad, () => f.emit(0x00));
        f.repeat(n, () => f.store(met, i32.load(met), 4));
        f.store(met, i32.const(1), 8);
      }),
    );
    introduce(pool, slow, [zeroed(64), 0, 0, 0]);
    const met = zeroed(64);
    // Of the four parts the last two are not begun.
    const before = floats(met, 16);
    try {
      pool.run(slow, [[met, 2, 1, 0], [met, 2, 0, 20_000_000], [met + 32, 0, 1, 0], [met + 32, 0, 1, 0]]);
      unreachable();
    } catch (error) {
      ok(error instanceof WebAssembly.RuntimeError, String(error));
    }
    is(before[0], 0);
    is(heap.i32[met / 4 + 2], 1, 'the part of the worker is done');
    ok(word(met + 32) <= 1);
    allMeet(pool, 2);
  }));

test('a worker that gives no answer in the middle of a part is an error; then one thread goes on', () =>
  withPool(
    2,
    async (pool, lost) => {
      const hang = new WasmKernel('hang', (m) =>
        m.function('hang', ['i32', 'i32', 'i32'], (f, met, count, forever) => {
          meet(f, met, count);
          f.while(forever, () => {});
        }),
      );
      introduce(pool, hang, [zeroed(64), 0, 0]);
      const met = zeroed(64);
      try {
        pool.run(hang, [[met, 2, 0], [met, 2, 1]]);
        unreachable();
      } catch (error) {
        ok(error instanceof StateError && /^hang: a worker thread did not finish its part, got no answer for [\d.]+ s; expected all parts to be done\nhint: what this operation wrote is lost; later ones run on one thread$/.test(error.message), String(error));
      }
      is(lost.length, 1);
      is(pool.ready, 0);
      const at = zeroed(64);
      pool.run(addOne, [[at, 1], [at + 4, 1], [at + 8, 1]]);
      equal(floats(at, 3), [1, 1, 1]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      is(lost.length, 1);
    },
    300,
  ));

test('a long part is not taken for a dead worker', () =>
  withPool(
    1,
    (pool, lost) => {
      const wait = new WasmKernel('wait', (m) =>
        m.function('wait', ['i32', 'i32', 'i32'], (f, met, count, n) => {
          meet(f, met, count);
          f.repeat(n, () => f.store(met, i32.load(met), 4));
        }),
      );
      introduce(pool, wait, [zeroed(64), 0, 0]);
      const met = zeroed(64);
      const start = performance.now();
      pool.run(wait, [[met, 2, 100_000_000], [met, 2, 300_000_000]]);
      ok(performance.now() - start > 100);
      equal(lost, []);
      allMeet(pool, 2);
    },
    1,
  ));

// The workers that `setNumThreads` starts, for tests that kill one.
const threads = process.getBuiltinModule('node:worker_threads');
async function withWorkers(use: (started: InstanceType<typeof threads.Worker>[]) => Promise<void>): Promise<void> {
  const before = threads.Worker;
  const started: InstanceType<typeof threads.Worker>[] = [];
  threads.Worker = class extends before {
    constructor(...args: ConstructorParameters<typeof before>) {
      super(...args);
      started.push(this);
    }
  };
  try {
    await use(started);
  } finally {
    threads.Worker = before;
    setNumThreads(1);
  }
}

test('a worker that dies is reported once; the program goes on with one thread, and can ask for more again', () =>
  withWorkers(async (started) => {
    const at = zeroed(64);
    const add = (): void => runParts(addOne, [[at, 1], [at + 4, 1], [at + 8, 1]]);
    setNumThreads(3);
    add();
    is(started.length, 2);
    const said = await warnings(async () => {
      void started[1].terminate();
      // While the event loop does not turn, nobody knows; whoever is left does the work.
      for (let i = 0; i < 1000; i++) add();
      await until(() => getNumThreads() === 1, 'the end is noticed');
      add();
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    equal(said, ['setNumThreads: a worker thread ended, got exit code 1; expected it to run as long as the program. The program runs on with one thread.']);
    is(threadCount(), 1);
    setNumThreads(2);
    is(getNumThreads(), 2);
    add();
    equal(floats(at, 3), [1003, 1003, 1003]);
    is(started.length, 3);
  }));

test('workers end when there is one thread again, without a word', () =>
  withWorkers(async (started) => {
    let ended = 0;
    const said = await warnings(async () => {
      setNumThreads(3);
      for (const worker of started) worker.on('exit', () => ended++);
      setNumThreads(1);
      await until(() => ended === 2, 'the workers end');
    });
    equal(said, []);
  }));

test('workers that cannot start leave one thread, and a warning', async () => {
  const before = threads.Worker;
  threads.Worker = class extends before {
    constructor() {
      throw new Error('not today');
      super('');
    }
  };
  try {
    const said = await warnings(() => setNumThreads(2));
    equal(said, ['setNumThreads: workers cannot start here, got Error: not today; expected worker_threads or Worker. The program runs on with one thread.']);
    is(getNumThreads(), 1);
    await Promise.resolve();
    is(threadCount(), 1);
  } finally {
    threads.Worker = before;
  }
});

interface Ending {
  readonly code: number | null;
  readonly output: string;
  /** Milliseconds from the last line of the program to the end of the process. */
  readonly took: number;
}

/** Runs a program that writes the time as its last words. */
function runProgram(source: string): Promise<Ending> {
  const folder = mkdtempSync(join(tmpdir(), 'polyak-threads-'));
  const names = { polyak: 'index.ts', threads: 'core/cpu/threads/threads.ts', kernel: 'core/cpu/wasm/kernel.ts', heap: 'core/cpu/memory/heap.ts' };
  const imports = Object.entries(names).map(([name, file]) => `import * as ${name} from ${JSON.stringify(new URL(file, new URL('../../../', import.meta.url)).href)};`);
  const file = join(folder, 'program.mts');
  writeFileSync(file, `${imports.join('\n')}\n${source}`);
  const loader = new URL('../../../node_modules/tsx/dist/loader.mjs', import.meta.url).href;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', loader, file], { timeout: 60_000, env: { ...process.env, FORCE_COLOR: '0' } });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('close', (code) => {
      rmSync(folder, { recursive: true, force: true });
      resolve({ code, output, took: Date.now() - Number(output.match(/at (\d+)/)?.[1] ?? NaN) });
    });
  });
}

const awake = `
const up = async (n) => {
  polyak.setNumThreads(n);
  const nop = new kernel.WasmKernel('nop', (m) => m.function('nop', ['i32'], () => {}));
  const end = Date.now() + 200;
  while (Date.now() < end) { threads.runParts(nop, [[0], [0], [0]]); await new Promise((resolve) => setImmediate(resolve)); }
  for (let i = 0; i < 10000; i++) threads.runParts(nop, [[0], [0], [0]]);
};
`;
const last = "console.log('at', Date.now());";

const endings: readonly (readonly [name: string, source: string, code: number])[] = [
  ['right after the workers were started', `polyak.setNumThreads(3); ${last}`, 0],
  ['with workers that look for work', `${awake} await up(3); ${last}`, 0],
  ['with workers asleep', `${awake} await up(3); await new Promise((resolve) => setTimeout(resolve, 100)); ${last}`, 0],
  ['by process.exit', `${awake} await up(3); ${last} process.exit(3);`, 3],
  ['by process.exit with workers asleep', `${awake} await up(3); await new Promise((resolve) => setTimeout(resolve, 100)); ${last} process.exit(3);`, 3],
  ['by an error', `${awake} await up(2); ${last} throw new Error('the end');`, 1],
];
for (const [name, source, code] of endings) {
  test(`a program ends ${name}`, async () => {
    const ending = await runProgram(source);
    is(ending.code, code, ending.output);
    ok(ending.took < 3000, `took ${ending.took} ms`);
    if (code !== 1) ok(/^at \d+\n$/.test(ending.output), ending.output);
  });
}

test('in a browser: workers from a Blob, which start late, and a main thread that may not sleep', async () => {
  const ending = await runProgram(`
    import { Worker as NodeWorker } from 'node:worker_threads';
    import { resolveObjectURL } from 'node:buffer';
    Object.defineProperty(process, 'getBuiltinModule', { value: undefined });
    Object.defineProperty(globalThis, 'crossOriginIsolated', { value: true });
    Atomics.wait = () => { throw new TypeError('Atomics.wait cannot be called in this context'); };
    const data = [];
    globalThis.Worker = class {
      constructor(url) {
        resolveObjectURL(url).text().then((text) => {
          const code = \`const { parentPort } = require('node:worker_threads'); const self = {}; new Function('require', 'self', \${JSON.stringify(text)})(undefined, self); parentPort.once('message', (data) => self.onmessage({ data }));\`;
          this.worker = new NodeWorker(code, { eval: true, execArgv: [] });
          this.worker.unref();
          this.worker.postMessage(this.data);
        });
      }
      addEventListener() {}
      postMessage(data) { this.data = data; data.control && controls.push(data.control); }
      terminate() { this.worker.terminate(); }
    };
    const controls = [];
    const address = (() => { polyak.setNumThreads(2); return heap.allocate(256); })();
    const ready = () => Atomics.load(new Int32Array(controls[0]), 48);
    const words = kernel.heap.i32;
    words.fill(0, address / 4, address / 4 + 64);
    // Adds 1 to a word; a long way, so that both threads have something to do.
    const add = new kernel.WasmKernel('add', (m) => m.function('add', ['i32', 'i32'], (f, at, n) => {
      f.repeat(n, () => f.emit([0x20, 0, 0x20, 0, 0x28, 2, 0, 0x41, 1, 0x6a, 0x36, 2, 0]));
    }));
    const run = () => threads.runParts(add, [[address, 100], [address + 128, 100000]]);
    for (let i = 0; i < 10; i++) run();
    const early = ready();
    while (ready() < 1) await new Promise((resolve) => setTimeout(resolve, 1));
    for (let i = 0; i < 2000; i++) run();
    console.log(early, ready(), words[address / 4], words[address / 4 + 32], polyak.getNumThreads());
    ${last}
  `);
  is(ending.code, 0, ending.output);
  ok(/^0 1 201000 201000000 2\nat/.test(ending.output), ending.output);
});

test.run();

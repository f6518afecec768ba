import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { runParts, threadCount } from '../../../core/cpu/threads/threads.ts';
import { i32 } from '../../../core/cpu/wasm/code.ts';
import { WasmKernel, resetKernels } from '../../../core/cpu/wasm/kernel.ts';
import { heap } from '../../../core/cpu/wasm/memory.ts';
import { StateError, getNumThreads, setNumThreads } from '../../../index.ts';
import { equal, is, ok, unreachable } from '../../assert.ts';
import { addOne, allMeet, floats, introduce, meet, until, warnings, withPool, word, zeroed } from './threadKernels.ts';

// How parts, workers and programs end, well or badly.

heap.replace(true);
resetKernels();

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
    try {
      pool.run(slow, [[met, 2, 1, 0], [met, 2, 0, 20_000_000], [met + 32, 0, 0, 0], [met + 32, 0, 0, 0]]);
      unreachable();
    } catch (error) {
      ok(error instanceof WebAssembly.RuntimeError, String(error));
    }
    is(heap.i32[met / 4 + 2], 1, 'the part of the worker is done');
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
      pool.run(wait, [[met, 2, 10_000_000], [met, 2, 30_000_000]]);
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
    is(said.length, 1);
    ok(/^setNumThreads: a worker thread ended, got exit code \d; expected it to run as long as the program\. The program runs on with one thread\.$/.test(said[0]), said[0]);
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
  threads.Worker = new Proxy(before, {
    construct() {
      throw new Error('not today');
    },
  });
  try {
    const said = await warnings(() => setNumThreads(2));
    equal(said, ['setNumThreads: workers cannot start here, got Error: not today; expected Node 20.16 or later, or a browser that allows workers from Blobs. The program runs on with one thread.']);
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
  const names = { threads: 'core/cpu/threads/threads.ts', kernel: 'core/cpu/wasm/kernel.ts', heap: 'core/cpu/memory/heap.ts', memory: 'core/cpu/wasm/memory.ts' };
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
  threads.setNumThreads(n);
  const nop = new kernel.WasmKernel('nop', (m) => m.function('nop', ['i32'], () => {}));
  const end = Date.now() + 200;
  while (Date.now() < end) { threads.runParts(nop, [[0], [0], [0]]); await new Promise((resolve) => setImmediate(resolve)); }
  for (let i = 0; i < 10000; i++) threads.runParts(nop, [[0], [0], [0]]);
};
`;
const last = "console.log('at', Date.now());";

const endings: readonly (readonly [name: string, source: string, code: number])[] = [
  ['right after the workers were started', `threads.setNumThreads(3); ${last}`, 0],
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
    const address = (() => { threads.setNumThreads(2); return heap.allocate(256); })();
    const ready = () => Atomics.load(new Int32Array(controls[0]), 48);
    const words = memory.heap.i32;
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
    console.log(early, ready(), words[address / 4], words[address / 4 + 32], threads.getNumThreads());
    ${last}
  `);
  is(ending.code, 0, ending.output);
  ok(ending.output.startsWith('0 1 201000 201000000 2\nat'), ending.output);
});

test.run();

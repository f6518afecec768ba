import { test } from 'uvu';
import { runParts, threadCount } from '../../../core/cpu/threads/threads.ts';
import { type I32, i32 } from '../../../core/cpu/wasm/code.ts';
import { type FunctionBuilder } from '../../../core/cpu/wasm/function.ts';
import { WasmKernel, resetKernels } from '../../../core/cpu/wasm/kernel.ts';
import { heap } from '../../../core/cpu/wasm/memory.ts';
import { ArgumentError, StateError, getNumThreads, matmul, noGrad, setNumThreads, tensor } from '../../../index.ts';
import { equal, is, ok, unreachable } from '../../assert.ts';
import { addOne, allMeet, floats, introduce, meet, until, warnings, withPool, word, zeroed } from './threadKernels.ts';

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

test.run();

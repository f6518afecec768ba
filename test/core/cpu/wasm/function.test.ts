import { test } from 'uvu';
import { allocate } from '../../../../core/cpu/memory/heap.ts';
import { i32 } from '../../../../core/cpu/wasm/code.ts';
import type { FunctionBuilder, IntLocal } from '../../../../core/cpu/wasm/function.ts';
import { WasmKernel } from '../../../../core/cpu/wasm/kernel.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { equal, throwsError } from '../../../assert.ts';

/** Sixteen integers, all 0, after a kernel of an address and a number has run on them. */
function written(write: (f: FunctionBuilder, to: IntLocal, n: IntLocal) => void, n = 0): number[] {
  const kernel = new WasmKernel('written', (m) => m.function('written', ['i32', 'i32'], write));
  const at = allocate(64);
  heap.i32.fill(0, at >> 2, (at >> 2) + 16);
  kernel.run(at, n);
  return [...heap.i32.subarray(at >> 2, (at >> 2) + 16)];
}

test('bodies in turns: a statement of each after the other, and what they return', () => {
  let given: number[] = [];
  const cells = written((f, to) => {
    // Appends a digit to the first cell.
    const append = (digit: number): void => f.store(to, i32.add(i32.mul(i32.load(to), 10), digit));
    given = f.inTurns([1, 2, 3].map((k) => () => {
      for (let i = 0; i < k; i++) append(k);
      return k;
    }));
  });
  equal(given, [1, 2, 3]);
  equal(cells[0], 123233);
});

test('a condition or a loop of a body, with all that is in it, is one statement', () => {
  for (const n of [0, 1, 4]) {
    const cells = written((f, to, count) => {
      f.inTurns([0, 1].map((k) => () => {
        const [place, i] = [f.i32(i32.add(to, 32 * k)), f.i32()];
        f.if(count, () => f.store(place, i32.const(5 + k)), () => f.store(place, i32.const(7 + k)));
        f.for(i, 0, count, 1, () => f.store(i32.add(place, i32.shl(i, 2)), i32.add(i, 10 * k + 1), 4));
        f.repeat(count, () => f.store(place, i32.add(i32.load(place, 28), 2), 28));
      }));
    }, n);
    const part = (k: number): number[] => [n > 0 ? 5 + k : 7 + k, ...Array.from({ length: 6 }, (_, i) => (i < n ? 10 * k + 1 + i : 0)), 2 * n];
    equal(cells, [...part(0), ...part(1)]);
  }
});

test('an error within a body leaves nothing of it', () => {
  const cells = written((f, to) => {
    const broken = (): void => {
      f.store(to, i32.const(1));
      throw new RangeError('broken');
    };
    throwsError(() => f.inTurns([broken]), RangeError, /broken/);
    f.store(to, i32.const(5), 4);
  });
  equal(cells.slice(0, 2), [0, 5]);
});

test.run();

import { i32, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';
import type { ModuleBuilder } from './module.ts';

/** Rows and columns of a full tile: 5x8 sums, two vectors of the right operand, one element of the left one and one product fill the 16 registers. */
export const ROWS = 5;
export const COLUMNS = 8;

/**
 * How a tile reads the left operand: `rows` through a pointer to each row, along which the inner size runs side by side; `steps` through one
 * pointer, where the rows of a step lie side by side.
 */
export type LeftForm = 'rows' | 'steps';

/**
 * The heart of matrix products, `c[i, j] = init[i, j] + Σ_k a[i, k]·b[k, j]` for up to 5x8 sums, each of them one accumulator that takes its products one
 * by one with k ascending: `(a, aStep, b, bStep, init, initRow, c, cRow, k)`. `aStep` leads to the next row (`rows`) or step (`steps`), `bStep` from one
 * step to the next; the 8 columns lie side by side everywhere.
 *
 * The form of the code is what the compilers of Node 20 to 24 keep in registers: k is not unrolled, the loop is `if (k) do … while`, the
 * accumulators come from memory and go to memory, and nothing is computed with them after the loop. Otherwise loads are moved ahead of the products, registers
 * run out, and half the speed is lost. Additions to the result (bias, factors) are therefore the business of `finish`.
 */
export function tile(m: ModuleBuilder, form: LeftForm, rows: number): FunctionBuilder {
  return m.function(`tile${rows}`, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, a, aStep, b, bStep, init, initRow, c, cRow, k) => {
    const left = [a];
    if (form === 'rows') for (let i = 1; i < rows; i++) left.push(f.i32(i32.add(left[i - 1], aStep)));
    const sums = Array.from({ length: rows }, () => {
      const row = [f.v128(v128.load(init)), f.v128(v128.load(init, 16))];
      init.increase(initRow);
      return row;
    });
    const [b0, b1, x] = [f.v128(), f.v128(), f.v128()];
    f.if(k, () =>
      f.doWhile(() => {
        b0.set(v128.load(b));
        b1.set(v128.load(b, 16));
        sums.forEach(([s0, s1], i) => {
          x.set(form === 'rows' ? v128.load32Splat(left[i]) : v128.load32Splat(a, 4 * i));
          s0.set(mulAdd(x, b0, s0));
          s1.set(mulAdd(x, b1, s1));
        });
        for (const p of left) p.increase(form === 'rows' ? 4 : aStep);
        b.increase(bStep);
        return k.tee(i32.sub(k, 1));
      }),
    );
    for (const [s0, s1] of sums) {
      f.store(c, s0);
      f.store(c, s1, 16);
      c.increase(cRow);
    }
  });
}

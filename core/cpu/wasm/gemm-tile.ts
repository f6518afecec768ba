import { i32, v128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { mulAdd } from './kernel.ts';
import type { ModuleBuilder } from './module.ts';

/** Rows and columns of a full tile: 5x8 sums, two vectors of the right operand, two elements of the left one and one product fill the 15 registers. */
export const ROWS = 5;
export const COLUMNS = 8;
/** Rows before which a stretch of code ends, in tiles of so many rows. */
const stretches: Readonly<Record<5 | 4 | 3, readonly number[]>> = { 5: [1, 3], 4: [2], 3: [] };
/** Steps in one turn of the loop: more of them in the tile that most of the time is spent in, so that pointers move less often. */
const turnOf = (form: LeftForm, rows: number): 16 | 8 => (form === 'packed' && rows === ROWS ? 16 : 8);

/**
 * How a tile reads the left operand: `rows` through a pointer to each row, along which the inner size runs side by side; `steps` through one
 * pointer, where the rows of a step lie side by side; `packed` in the same way, with one step right behind the other in both operands.
 */
export type LeftForm = 'rows' | 'steps' | 'packed';

/**
 * The heart of matrix products, `c[i, j] = init[i, j] + Σ_k a[i, k]·b[k, j]` for up to 5x8 sums, each of them one accumulator that takes its products one
 * by one with k ascending: `(a, aStep, b, bStep, init, initRow, c, cRow, k)`. `aStep` leads to the next row (`rows`) or step (`steps`), `bStep` from one
 * step to the next; the 8 columns lie side by side everywhere.
 *
 * The form of the code is what the compilers of Node 20 to 24 keep in registers. They load all operands of a stretch of code without branches before its first product. So
 * there is a way out of the loop between one step and the next, and more within a step of 5 or 4 rows, which nothing ever takes: `k` is never negative. No two of them
 * test the same, or only the first would be left. The accumulators come from memory and go to memory, and nothing is computed with them after the loop. Otherwise
 * registers run out, and half the speed is lost. Additions to the result (bias, factors) are therefore the business of `finish`.
 *
 * What is left is what a processor that takes 6 instructions per clock can do: a step of 5 rows has 20 additions and multiplications, which take 5 clocks, in 31 instructions.
 */
export function tile(m: ModuleBuilder, form: LeftForm, rows: 5 | 4 | 3): FunctionBuilder {
  return m.function(`tile${rows}`, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, a, aStep, b, bStep, init, initRow, c, cRow, k) => {
    const left = [a];
    if (form !== 'steps') for (let i = 1; i < rows; i++) left.push(f.i32(i32.add(left[i - 1], form === 'rows' ? aStep : 4)));
    const sums = Array.from({ length: rows }, () => {
      const row = [f.v128(v128.load(init)), f.v128(v128.load(init, 16))];
      init.increase(initRow);
      return row;
    });
    const [b0, b1, x] = [f.v128(), f.v128(), f.v128()];
    const isPacked = form === 'packed';
    const turn = turnOf(form, rows);
    f.if(k, () =>
      f.unrolled(
        k,
        turn,
        (place, leave) => {
          const at = isPacked ? 4 * COLUMNS * place : 0;
          b0.set(v128.load(b, at));
          b1.set(v128.load(b, at + 16));
          sums.forEach(([s0, s1], i) => {
            if (stretches[rows].includes(i)) leave(i32.eq(k, -1 - rows * place - i));
            x.set(form === 'steps' ? v128.load32Splat(a, 4 * i) : v128.load32Splat(left[i], 4 * place * (isPacked ? rows : 1)));
            s0.set(mulAdd(x, b0, s0));
            s1.set(mulAdd(x, b1, s1));
          });
          if (!isPacked) b.increase(bStep);
          if (form === 'steps') a.increase(aStep);
        },
        () => {
          if (isPacked) b.increase(4 * COLUMNS * turn);
          if (form !== 'steps') for (const p of left) p.increase(4 * turn * (isPacked ? rows : 1));
        },
      ),
    );
    for (const [s0, s1] of sums) {
      f.store(c, s0);
      f.store(c, s1, 16);
      c.increase(cRow);
    }
  });
}

import { test } from 'uvu';
import { splitProduct, triangularProduct } from '../../../../core/cpu/fast/matmul-product.ts';
import { allocate, release } from '../../../../core/cpu/memory/heap.ts';
import { BATCH_ENTRY, TRIANGLE, scratchBytes, triangularGemm } from '../../../../core/cpu/wasm/gemm.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { is } from '../../../assert.ts';
import { type Matrix, matrix, read, sum } from './matrices.ts';

type Triangle = keyof typeof TRIANGLE;

/** Sets the half of `a` that is said to be 0 to 0. */
function clearHalf(triangle: Triangle, a: Matrix, m: number, k: number): void {
  if (triangle === 'result') return;
  for (let i = 0; i < m; i++) {
    for (let q = 0; q < k; q++) if (triangle === 'lower' ? q > i : q < i) heap.f32[(a.at >> 2) + i * a.row + q * a.col] = 0;
  }
}

/** Checks every bit of what is wanted of a result, and that nothing is written around it. */
function check(what: string, triangle: Triangle, m: number, n: number, k: number, layout: string, fill: (a: Matrix, b: Matrix, c: Matrix) => void): void {
  const [a, b] = [matrix(m, k, layout[0]), matrix(k, n, layout[1])];
  clearHalf(triangle, a, m, k);
  const row = n + 3;
  const start = allocate(4 * m * row + 32);
  heap.f32.fill(7, start >> 2, (start >> 2) + m * row + 8);
  const c = { at: start + 16, row, col: 1 };
  fill(a, b, c);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < row; j++) {
      if (j < n && triangle === 'result' && j > i) continue;
      const [actual, expected] = [read(c, i, j), j < n ? sum(a, b, i, j, k) : 7];
      if (!Object.is(actual, expected)) is(actual, expected, `${what} [${i}, ${j}]`);
    }
  }
  for (let i = 0; i < 4; i++) is(heap.f32[(start >> 2) + i], 7, `${what}: written before`);
  release(start, 4 * m * row + 32);
}

/** Rows, columns and steps, for which the diagonal goes through blocks of rows, columns and steps. */
const shapes = [[5, 8, 5], [6, 6, 3], [7, 7, 9], [11, 11, 4], [17, 17, 30], [33, 16, 33], [64, 64, 32], [64, 32, 64], [70, 70, 9], [250, 250, 5], [250, 9, 250], [420, 8, 420], [30, 9, 410], [410, 8, 30], [3, 9, 3], [9, 3, 9], [9, 9, 1], [6, 9, 0]];

test('products of triangles are those of the whole, bit by bit', () => {
  for (const [m, n, k] of shapes) {
    for (const triangle of ['result', 'lower', 'upper'] as const) {
      for (const layout of ['NN', 'NT', 'TN', 'TT', 'SN']) {
        check(`${triangle} ${m}x${k}x${n} ${layout}`, triangle, m, n, k, layout, (a, b, c) =>
          triangularProduct(triangle, a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, m, n, k, 0, 1));
      }
    }
  }
});

test('with packed operands, and in parts by rows', () => {
  for (const [m, n, k] of [[26, 26, 17], [64, 64, 400], [41, 30, 41], [300, 13, 300]]) {
    for (const triangle of ['result', 'lower', 'upper'] as const) {
      for (const packsLeft of [0, 1]) {
        for (const parts of [1, 2, 3]) {
          check(`${triangle} ${m}x${k}x${n}, ${packsLeft}, ${parts}`, triangle, m, n, k, 'NT', (a, b, c) => {
            const whole = [0, 1, a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, m, n, k, 1, packsLeft, 0, 0, TRIANGLE[triangle], 0];
            for (const part of splitProduct(whole, parts)) {
              const bytes = scratchBytes(part[10], part[11], part[12], true, packsLeft === 1);
              part[15] = allocate(bytes);
              triangularGemm.run(...part);
              release(part[15], bytes);
            }
          });
        }
      }
    }
  }
});

test('steps that are left out are not read', () => {
  const [n, k] = [24, 24];
  for (const triangle of ['lower', 'upper'] as const) {
    const [a, b] = [matrix(n, k, 'N'), matrix(k, n, 'N')];
    clearHalf(triangle, a, n, k);
    // Only the last rows of a lower triangle, or the first of an upper one, meet the step whose factors are NaN.
    const far = triangle === 'lower' ? k - 1 : 0;
    heap.f32.fill(NaN, (b.at >> 2) + far * b.row, (b.at >> 2) + far * b.row + n);
    const c = { at: allocate(4 * n * n), row: n, col: 1 };
    triangularProduct(triangle, a.at, 4 * a.row, 4, b.at, 4 * b.row, 4, c.at, 4 * c.row, n, n, k, 0, 1);
    for (let j = 0; j < n; j++) {
      is(Number.isNaN(read(c, triangle === 'lower' ? 0 : n - 1, j)), false, 'far from the step');
      is(Number.isNaN(read(c, triangle === 'lower' ? n - 1 : 0, j)), true, 'at the step');
    }
  }
});

test('a table of offsets makes a batch of triangles', () => {
  const [m, n, k] = [13, 9, 13];
  const as = [matrix(m, k, 'N'), matrix(m, k, 'N')];
  const bs = [matrix(k, n, 'N'), matrix(k, n, 'N')];
  for (const a of as) clearHalf('lower', a, m, k);
  const table = allocate(2 * BATCH_ENTRY);
  const to = allocate(2 * 4 * m * n);
  as.forEach((a, i) => heap.i32.set([a.at - as[0].at, bs[i].at - bs[0].at, 4 * i * m * n], (table >> 2) + 3 * i));
  triangularProduct('lower', as[0].at, 4 * as[0].row, 4, bs[0].at, 4 * bs[0].row, 4, to, 4 * n, m, n, k, table, 2);
  as.forEach((a, i) => {
    for (let r = 0; r < m; r++) for (let j = 0; j < n; j++) is(read({ at: to + 4 * i * m * n, row: n, col: 1 }, r, j), sum(a, bs[i], r, j, k));
  });
});

test.run();

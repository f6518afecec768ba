import { test } from 'uvu';
import { addProduct, product, productOfPacked, splitFinish, splitProduct, splitSkinny } from '../../../../core/cpu/fast/matmul-product.ts';
import { allocate, release } from '../../../../core/cpu/memory/heap.ts';
import { finish } from '../../../../core/cpu/wasm/gemm-finish.ts';
import { gemmAcross, gemmDown } from '../../../../core/cpu/wasm/gemm-skinny.ts';
import { BATCH_ENTRY, gemm, packColumns, scratchBytes } from '../../../../core/cpu/wasm/gemm.ts';
import { heap } from '../../../../core/cpu/wasm/memory.ts';
import { equal, is, ok } from '../../../assert.ts';
import { type Matrix, matrix, read, sum } from './matrices.ts';

const GUARD = 12345;

/** Runs `fill` on a result with room around it, and checks every bit inside and every element around. */
function check(what: string, m: number, n: number, a: Matrix, b: Matrix, k: number, fill: (c: Matrix) => void): void {
  const gap = 3;
  const length = m * (n + gap) + 8;
  const start = allocate(4 * length);
  heap.f32.fill(GUARD, start >> 2, (start >> 2) + length);
  const c = { at: start + 16, row: n + gap, col: 1 };
  fill(c);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const [actual, expected] = [read(c, i, j), sum(a, b, i, j, k)];
      if (!Object.is(actual, expected)) is(actual, expected, `${what} [${i}, ${j}]`);
    }
    for (let j = n; j < n + gap; j++) is(read(c, i, j), GUARD, `${what}: written beside row ${i}`);
  }
  for (let i = 0; i < 4; i++) is(heap.f32[(start >> 2) + i], GUARD, `${what}: written before`);
  release(start, 4 * length);
}

const run = (m: number, n: number, k: number, a: Matrix, b: Matrix) => (c: Matrix): void =>
  product(a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, m, n, k);

test('products of all layouts are sums over ascending k, bit by bit', () => {
  const shapes = [[5, 8, 4], [5, 5, 1], [6, 9, 7], [7, 15, 3], [8, 16, 5], [9, 10, 33], [10, 12, 2], [11, 7, 16], [26, 17, 40], [64, 10, 21], [32, 16, 2], [13, 70, 19], [30, 300, 9], [28, 48, 5], [31, 64, 6], [33, 56, 18]];
  for (const [m, n, k] of shapes) {
    for (const layout of ['NN', 'NT', 'TN', 'TT', 'SN', 'NS', 'TS', 'ST', 'SS']) {
      const [a, b] = [matrix(m, k, layout[0]), matrix(k, n, layout[1])];
      check(`${m}x${k}x${n} ${layout}`, m, n, a, b, k, run(m, n, k, a, b));
    }
  }
});

test('any number of rows, packed in any way, and of steps', () => {
  for (let m = 5; m <= 46; m++) {
    for (const [k, layout] of [[m - 4, 'NN'], [19, 'TN'], [17, 'NT']] as const) {
      const [a, b] = [matrix(m, k, layout[0]), matrix(k, 130, layout[1])];
      for (const n of [8, 130]) check(`${m}x${k}x${n} ${layout}`, m, n, a, b, k, run(m, n, k, a, b));
    }
  }
});

test('products larger than the blocks', () => {
  for (const [m, n, k] of [[9, 20, 800], [500, 9, 390], [7, 1040, 12], [243, 13, 385], [13, 1100, 70], [247, 1033, 386]]) {
    for (const layout of ['NN', 'TT', 'TN', 'NT']) {
      const [a, b] = [matrix(m, k, layout[0]), matrix(k, n, layout[1])];
      check(`${m}x${k}x${n} ${layout}`, m, n, a, b, k, run(m, n, k, a, b));
    }
  }
});

test('few rows or few columns', () => {
  for (const few of [1, 2, 3, 4]) {
    for (const many of [1, 2, 4, 5, 7, 16, 21, 37]) {
      for (const k of [1, 2, 3, 4, 5, 8, 11, 18]) {
        for (const [m, n] of [[few, many], [many, few]]) {
          for (const layout of ['NN', 'NT', 'TN', 'TT', 'SS']) {
            const [a, b] = [matrix(m, k, layout[0]), matrix(k, n, layout[1])];
            check(`${m}x${k}x${n} ${layout}`, m, n, a, b, k, run(m, n, k, a, b));
          }
        }
      }
    }
  }
  for (const layout of ['NN', 'NT']) {
    const [a, b] = [matrix(2, 5, layout[0]), matrix(5, 2500, layout[1])];
    check(layout, 2, 2500, a, b, 5, run(2, 2500, 5, a, b));
  }
});

test('packed and unpacked operands give the same bits', () => {
  const [m, n, k] = [33, 45, 50];
  const scratch = allocate(scratchBytes(m, n, k, true, true));
  for (const layout of ['NN', 'TN']) {
    const [a, b] = [matrix(m, k, layout[0]), matrix(k, n, layout[1])];
    for (const [packsRight, packsLeft] of [[0, 0], [1, 0], [1, 1]]) {
      check(`${layout} ${packsRight} ${packsLeft}`, m, n, a, b, k, (c) => {
        gemm.run(0, 1, a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, m, n, k, packsRight, packsLeft, scratch);
      });
    }
  }
});

test('a right operand that is packed once gives the same bits, in parts too', () => {
  for (const [m, n, k] of [[5, 8, 3], [13, 45, 50], [32, 150, 400], [9, 1100, 7], [17, 128, 385]]) {
    for (const layout of ['NN', 'NT', 'TN', 'ST', 'NS']) {
      const [a, b] = [matrix(m, k, layout[0]), matrix(k, n, layout[1])];
      const packed = allocate(4 * (n + 7) * k);
      packColumns.run(packed, b.at, 4 * b.row, 4 * b.col, n, k);
      check(`${m}x${k}x${n} ${layout}`, m, n, a, b, k, (c) => productOfPacked(a.at, 4 * a.row, 4 * a.col, packed, c.at, 4 * c.row, m, n, k));
      if (a.col === 1) {
        check(`${m}x${k}x${n} ${layout} in parts`, m, n, a, b, k, (c) => {
          for (const part of splitProduct([0, 1, a.at, 4 * a.row, 4, packed, 32, 4 * k, c.at, 4 * c.row, m, n, k, 0, 1, 0, 0], 2)) runGuarded(part);
        });
      }
      release(packed, 4 * (n + 7) * k);
    }
  }
});

test('parts give the same bits as the whole, and stay within their scratch', () => {
  for (const [m, n, k] of [[40, 64, 30], [300, 16, 20], [31, 9, 11], [26, 12, 400], [12, 200, 5]]) {
    for (const parts of [2, 3, 4]) {
      const [a, b] = [matrix(m, k, 'N'), matrix(k, n, 'T')];
      check(`${m}x${k}x${n} in ${parts}`, m, n, a, b, k, (c) => {
        for (const packsLeft of [0, 1]) {
          const whole = [0, 1, a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, m, n, k, 1, packsLeft, 0];
          const split = splitProduct(whole, parts);
          ok(split.length <= parts);
          for (const part of split) runGuarded(part);
        }
      });
    }
  }
});

function runGuarded(args: number[]): void {
  const bytes = scratchBytes(args[10], args[11], args[12], args[13] === 1, args[14] === 1);
  const scratch = allocate(bytes + 64);
  heap.u8.fill(0x5a, scratch, scratch + bytes + 64);
  args[15] = scratch;
  gemm.run(...args);
  ok(heap.u8.subarray(scratch + bytes, scratch + bytes + 64).every((x) => x === 0x5a), 'written beyond the scratch');
  release(scratch, bytes + 64);
}

test('parts of products with few rows, and of finish, give the same bits as the whole', () => {
  for (const parts of [2, 3, 4]) {
    for (const rows of [1, 2, 3, 4]) {
      const a = matrix(rows, 13, 'N');
      for (const [kernel, b] of [[gemmDown[rows - 1], matrix(13, 75, 'N')], [gemmAcross[rows - 1], matrix(13, 75, 'T')]] as const) {
        check(`${kernel.name} in ${parts}`, rows, 75, a, b, 13, (c) => {
          const split = splitSkinny([a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, 75, 13], parts);
          ok(split.length > 1 && split.length <= parts);
          for (const part of split) kernel.run(...part);
        });
      }
    }
    const [m, n] = [7, 10];
    const [sums, whole, split] = [matrix(m, n, 'N'), matrix(m, n, 'N'), matrix(m, n, 'N')];
    for (const bias of [matrix(m, n, 'N'), { ...matrix(1, n, 'N'), row: 0 }, { ...matrix(m, 1, 'N'), col: 0 }]) {
      const args = (to: Matrix): number[] => [to.at, 4 * to.row, 4, sums.at, 4 * sums.row, 4, bias.at, 4 * bias.row, 4 * bias.col, m, n, 0.3, 1.7];
      finish.run(...args(whole));
      for (const part of splitFinish(args(split), parts)) finish.run(...part);
      for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) is(read(split, i, j), read(whole, i, j));
    }
  }
});

test('scratch is as large as it needs to be', () => {
  for (const [m, n, k] of [[5, 8, 1], [6, 9, 3], [13, 100, 40], [244, 24, 390], [250, 1030, 20]]) {
    const [a, b] = [matrix(m, k, 'T'), matrix(k, n, 'T')];
    for (const packsLeft of [0, 1]) {
      check(`${m}x${k}x${n}`, m, n, a, b, k, (c) =>
        runGuarded([0, 1, a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, m, n, k, 1, packsLeft, 0]),
      );
    }
  }
});

/** Adds a product to a result with room around it, and checks every bit inside and every element around. */
function checkAdded(what: string, m: number, n: number, k: number, layout: string, add: (a: Matrix, b: Matrix, c: Matrix) => void): void {
  const [a, b] = [matrix(m, k, layout[0]), matrix(k, n, layout[1])];
  const c = { ...matrix(m, n + 3, 'N') };
  const before = Array.from({ length: m * (n + 3) + 1 }, (_, i) => heap.f32[(c.at >> 2) + i]);
  add(a, b, c);
  const thin = m <= 4 || n <= 4;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n + 3; j++) {
      const from = before[i * (n + 3) + j];
      const expected = j >= n ? from : thin ? Math.fround(from + sum(a, b, i, j, k)) : sum(a, b, i, j, k, from);
      if (!Object.is(read(c, i, j), expected)) is(read(c, i, j), expected, `${what} [${i}, ${j}]`);
    }
  }
  is(heap.f32[(c.at >> 2) + m * (n + 3)], before[m * (n + 3)], `${what}: written beyond`);
}

test('a product that is added goes on from what is there, bit by bit', () => {
  const shapes = [[5, 8, 4], [5, 5, 1], [6, 9, 7], [7, 15, 3], [11, 7, 16], [26, 17, 40], [13, 70, 19], [130, 24, 6], [9, 11, 800], [7, 1043, 12], [243, 13, 385], [10, 300, 300], [3, 9, 5], [9, 2, 5], [1, 1, 4], [6, 9, 0]];
  for (const [m, n, k] of shapes) {
    for (const layout of ['NN', 'NT', 'TN', 'TT', 'SS']) {
      checkAdded(`${m}x${k}x${n} ${layout}`, m, n, k, layout, (a, b, c) => addProduct(a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, m, n, k));
    }
  }
});

test('a product that is added in parts gives the same bits', () => {
  for (const [m, n, k] of [[40, 64, 30], [300, 17, 20], [26, 12, 400]]) {
    for (const parts of [2, 3, 4]) {
      checkAdded(`${m}x${k}x${n} in ${parts}`, m, n, k, 'TN', (a, b, c) => {
        for (const part of splitProduct([0, 1, a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, m, n, k, 1, 1, 0, 1], parts)) runGuarded(part);
      });
    }
  }
});

test('a table of offsets makes a batch', () => {
  for (const [m, n, k] of [[6, 9, 4], [2, 9, 4], [9, 2, 4], [6, 9, 0], [1, 1, 3]]) {
    const as = [matrix(m, k, 'N'), matrix(m, k, 'N'), matrix(m, k, 'N')];
    const bs = [matrix(k, n, 'N'), matrix(k, n, 'N')];
    const table = allocate(3 * BATCH_ENTRY);
    const bytes = 3 * 4 * m * n;
    const to = allocate(bytes);
    as.forEach((a, i) => heap.i32.set([a.at - as[0].at, bs[i & 1].at - bs[0].at, 4 * i * m * n], (table >> 2) + 3 * i));
    product(as[0].at, 4 * as[0].row, 4, bs[0].at, 4 * bs[0].row, 4, to, 4 * n, m, n, k, table, 3);
    as.forEach((a, i) => {
      const c = { at: to + 4 * i * m * n, row: n, col: 1 };
      for (let r = 0; r < m; r++) for (let j = 0; j < n; j++) is(read(c, r, j), sum(a, bs[i & 1], r, j, k));
    });
  }
  const parts = splitProduct([64, 10, 0, 4, 4, 0, 4, 4, 0, 4, 6, 9, 4, 0, 0, 0], 4);
  equal(parts.map((p) => [p[0], p[1]]), [[64, 3], [100, 3], [136, 3], [172, 1]]);
});

test('NaN, infinities and signed zeros', () => {
  for (const [m, n] of [[1, 9], [9, 1], [2, 3], [7, 9]]) {
    for (const layout of ['NN', 'TT']) {
      const k = 5;
      const [a, b] = [matrix(m, k, layout[0]), matrix(k, n, layout[1])];
      const put = (x: Matrix, i: number, j: number, value: number): void => void (heap.f32[(x.at >> 2) + i * x.row + j * x.col] = value);
      put(a, 0, 0, Infinity);
      put(b, 0, 0, 0);
      put(b, 2, n - 1, NaN);
      put(a, m - 1, 1, -Infinity);
      check(`${m}x${n} ${layout}`, m, n, a, b, k, run(m, n, k, a, b));
      for (let q = 0; q < k; q++) put(a, 0, q, -0);
      check(`${m}x${n} ${layout} zeros`, m, n, a, b, k, run(m, n, k, a, b));
    }
  }
});

test('finish adds a bias of any layout', () => {
  const [m, n] = [5, 11];
  const [alpha, beta] = [Math.fround(0.3), Math.fround(-1.7)];
  const sums = matrix(m, n, 'N');
  const biases: Matrix[] = [matrix(m, n, 'N'), matrix(m, n, 'T'), matrix(m, n, 'S'), { ...matrix(1, n, 'N'), row: 0 }, { ...matrix(m, 1, 'N'), col: 0 }, { ...matrix(1, 1, 'N'), row: 0, col: 0 }];
  for (const to of [matrix(m, n, 'N'), matrix(m, n, 'T'), matrix(m, n, 'S')]) {
    for (const bias of [...biases, null]) {
      const [at, row, col] = bias === null ? [0, 0, 0] : [bias.at, 4 * bias.row, 4 * bias.col];
      finish.run(to.at, 4 * to.row, 4 * to.col, sums.at, 4 * sums.row, 4, at, row, col, m, n, alpha, beta);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          const first = Math.fround(alpha * read(sums, i, j));
          is(read(to, i, j), bias === null ? first : Math.fround(first + Math.fround(beta * read(bias, i, j))));
        }
      }
    }
  }
});

test('kernels for few rows take any layout of the left operand', () => {
  for (const rows of [1, 2, 3, 4]) {
    for (const layout of ['N', 'T', 'S']) {
      const a = matrix(rows, 13, layout);
      for (const [kernel, b] of [[gemmDown[rows - 1], matrix(13, 22, 'N')], [gemmAcross[rows - 1], matrix(13, 22, 'T')]] as const) {
        check(`${kernel.name} ${layout}`, rows, 22, a, b, 13, (c) => kernel.run(a.at, 4 * a.row, 4 * a.col, b.at, 4 * b.row, 4 * b.col, c.at, 4 * c.row, 22, 13));
      }
    }
  }
});

test.run();

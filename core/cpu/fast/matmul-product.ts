import { runParts, threadCount } from '../threads/threads.ts';
import { allocate, release } from '../memory/heap.ts';
import { BATCH_ENTRY, TRIANGLE, gemm, scratchBytes, triangularGemm } from '../wasm/gemm.ts';
import { finish } from '../wasm/gemm-finish.ts';
import { COLUMNS, ROWS } from '../wasm/gemm-tile.ts';
import { SKINNY, gemmAcross, gemmDown } from '../wasm/gemm-skinny.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { heap } from '../wasm/memory.ts';
import { copyStrided } from './copy.ts';

// Products by address. Distances are in bytes; the columns of the result lie side by side. Every element of a result is one sum in single precision
// over ascending k that starts from 0, whatever the kernel, the layout, the tile, or the number of threads.

/** Multiplications from which a product is worth splitting over threads: about 30 µs. */
const WORTH_SPLITTING = 1 << 20;

/** Rows from which packing the right operand pays although its columns lie side by side: where its rows lie far apart, and anyway. */
const PACKS_FAR = 16;
const PACKS_NEAR = 64;
/** Bytes from row to row that count as far: few rows share the cache then. */
const FAR = 512;
/** Rows up to which a large right operand whose rows lie a multiple of so many bytes apart, so that they share little of the cache, is read in order, several times, instead of by strips of columns. */
const STREAMED = 12;
const ALIKE = 1024;
const LARGE = 1 << 16;
/** Columns from which packing the left operand pays where the inner size lies side by side, and where its rows do. */
const PACKS_ROWS = 128;
const PACKS_STEPS = 48;

/**
 * `c = a @ b` for `m x k` and `k x n`.
 *
 * @param table - address of the offsets of `count` products of a batch; 0 for one product
 */
export function product(
  a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number, c: number, cRow: number,
  m: number, n: number, k: number, table = 0, count = 1,
): void {
  if (k === 0) {
    for (let i = 0; i < count; i++) clear(c + offset(table, i, 2), cRow, m, n);
    return;
  }
  // Distances that are never walked are those that suit the kernels.
  if (k === 1) {
    aCol = 4;
    if (bCol !== 4) bRow = 4;
  }
  if (n === 1 && bRow !== 4) bCol = 4;
  if (m <= SKINNY || n <= SKINNY) {
    if (table === 0) skinny(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k);
    else {
      for (let i = 0; i < count; i++) {
        skinny(a + offset(table, i, 0), aRow, aCol, b + offset(table, i, 1), bRow, bCol, c + offset(table, i, 2), cRow, m, n, k);
      }
    }
    return;
  }
  if (m <= STREAMED && bCol === 4 && table === 0 && k * n >= LARGE && Math.abs(bRow) > FAR && bRow % ALIKE === 0) {
    for (let i = 0; i < m; i += SKINNY) fewRows(a + i * aRow, aRow, aCol, b, bRow, bCol, c + i * cRow, cRow, Math.min(SKINNY, m - i), n, k);
    return;
  }
  tiled(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, table, count, 0);
}

/**
 * `c += a @ b`. The sums go on from what is there, so that products added one after another give the bits of one product with all their inner sizes in a row;
 * only thin ones are summed for themselves first.
 */
export function addProduct(
  a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number, c: number, cRow: number,
  m: number, n: number, k: number,
): void {
  if (m === 0 || n === 0 || k === 0) return;
  if (m > SKINNY && n > SKINNY) {
    tiled(a, aRow, k === 1 ? 4 : aCol, b, k === 1 && bCol !== 4 ? 4 : bRow, bCol, c, cRow, m, n, k, 0, 1, 1);
    return;
  }
  const bytes = 4 * m * n;
  const sums = allocate(bytes);
  product(a, aRow, aCol, b, bRow, bCol, sums, 4 * n, m, n, k);
  finish.run(c, cRow, 4, sums, 4 * n, 4, c, cRow, 4, m, n, 1, 1);
  release(sums, bytes);
}

/** `c = a @ b` for a right operand that is packed already. There are more than 4 rows and columns. */
export function productOfPacked(a: number, aRow: number, aCol: number, b: number, c: number, cRow: number, m: number, n: number, k: number): void {
  tiled(a, aRow, k === 1 ? 4 : aCol, b, 4 * COLUMNS, 4 * k, c, cRow, m, n, k, 0, 1, 0, true);
}

/** `c = a @ b` for a batch of products, where one half of `a` is 0, or the upper one of `c` is not wanted: about half of the work. */
export function triangularProduct(
  triangle: keyof typeof TRIANGLE, a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number, c: number, cRow: number,
  m: number, n: number, k: number, table: number, count: number,
): void {
  if (m <= SKINNY || n <= SKINNY || k <= 1) product(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, table, count);
  else tiled(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, table, count, 0, false, triangle);
}

/** A product that is neither thin nor empty, by tiles: `c = a @ b`, or with `adds` 1 `c += a @ b`. */
function tiled(
  a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number, c: number, cRow: number,
  m: number, n: number, k: number, table: number, count: number, adds: number, isPacked = false, triangle?: keyof typeof TRIANGLE,
): void {
  const hasToPackLeft = aCol !== 4 && (aRow !== 4 || aCol === 0);
  const packsRight = !isPacked && (hasToPackLeft || bCol !== 4 || m >= PACKS_NEAR || (m >= PACKS_FAR && Math.abs(bRow) > FAR));
  const packsLeft = hasToPackLeft || ((isPacked || packsRight) && n >= (aCol === 4 ? PACKS_ROWS : PACKS_STEPS));
  if (threadCount() > 1 && count * m * n * k >= WORTH_SPLITTING) {
    const whole = [table, count, a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, packsRight ? 1 : 0, packsLeft ? 1 : 0, 0, adds];
    if (triangle === undefined) runWithScratch(gemm, splitProduct(whole, threadCount()));
    else runWithScratch(triangularGemm, splitProduct([...whole, TRIANGLE[triangle], 0], threadCount()));
    return;
  }
  const bytes = scratchBytes(m, n, k, packsRight, packsLeft);
  const scratch = bytes === 0 ? 0 : allocate(bytes);
  if (triangle === undefined) gemm.run(table, count, a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, packsRight ? 1 : 0, packsLeft ? 1 : 0, scratch, adds);
  else triangularGemm.run(table, count, a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, packsRight ? 1 : 0, packsLeft ? 1 : 0, scratch, adds, TRIANGLE[triangle], 0);
  if (bytes !== 0) release(scratch, bytes);
}

/** Bytes that product `i` of a batch adds to the address of `a` (0), `b` (1) or `c` (2). */
function offset(table: number, i: number, operand: number): number {
  return table === 0 ? 0 : heap.i32[((table + i * BATCH_ENTRY) >> 2) + operand];
}

function clear(c: number, cRow: number, m: number, n: number): void {
  for (let i = 0; i < m; i++) heap.f32.fill(0, (c + i * cRow) >> 2, ((c + i * cRow) >> 2) + n);
}

/** Places of the arguments of `gemm`. */
const AT = { table: 0, count: 1, a: 2, aRow: 3, b: 5, bCol: 7, c: 8, cRow: 9, m: 10, n: 11, k: 12, packsRight: 13, packsLeft: 14, scratch: 15, firstRow: 18 } as const;

/** Splits the arguments of a product by its batch, else by columns, else by rows; the parts have no scratch yet. */
export function splitProduct(whole: readonly number[], parts: number): number[][] {
  const [count, m, n] = [whole[AT.count], whole[AT.m], whole[AT.n]];
  if (count >= parts) {
    return ranges(count, parts, 1, 1).map(([from, size]) => {
      const part = [...whole];
      part[AT.table] += from * BATCH_ENTRY;
      part[AT.count] = size;
      return part;
    });
  }
  const isTriangular = whole.length > AT.firstRow;
  if (!isTriangular && (n >= parts * 4 * COLUMNS || n >= m)) {
    return ranges(n, parts, COLUMNS, 1).map(([from, size]) => {
      const part = [...whole];
      part[AT.b] += from * whole[AT.bCol];
      part[AT.c] += 4 * from;
      part[AT.n] = size;
      return part;
    });
  }
  return ranges(m, parts, ROWS, ROWS).map(([from, size]) => {
    const part = [...whole];
    part[AT.a] += from * whole[AT.aRow];
    part[AT.c] += from * whole[AT.cRow];
    part[AT.m] = size;
    if (isTriangular) part[AT.firstRow] += from;
    return part;
  });
}

/** Splits `size` into at most so many ranges of multiples of `unit`, none smaller than `least`. */
function ranges(size: number, parts: number, unit: number, least: number): [from: number, size: number][] {
  const each = Math.ceil(size / parts / unit) * unit;
  const out: [number, number][] = [];
  for (let at = 0; at < size; ) {
    const rest = size - at;
    const here = rest - each < least ? rest : each;
    out.push([at, here]);
    at += here;
  }
  return out;
}

function runWithScratch(kernel: WasmKernel, parts: readonly number[][]): void {
  const bytes = parts.map((p) => scratchBytes(p[AT.m], p[AT.n], p[AT.k], p[AT.packsRight] === 1, p[AT.packsLeft] === 1));
  parts.forEach((part, i) => (part[AT.scratch] = allocate(bytes[i])));
  runParts(kernel, parts);
  parts.forEach((part, i) => release(part[AT.scratch], bytes[i]));
}

/** At most 4 rows or at most 4 columns. */
function skinny(
  a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number, c: number, cRow: number,
  m: number, n: number, k: number,
): void {
  if (m <= SKINNY) {
    fewRows(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k);
    return;
  }
  // The transposed product has few rows.
  if (n === 1 && cRow === 4) {
    fewRows(b, bCol, bRow, a, aCol, aRow, c, 4 * m, 1, m, k);
    return;
  }
  const bytes = 4 * m * n;
  const turned = allocate(bytes);
  fewRows(b, bCol, bRow, a, aCol, aRow, turned, 4 * m, n, m, k);
  finish.run(c, cRow, 4, turned, 4, 4 * m, 0, 0, 0, m, n, 1, 0);
  release(turned, bytes);
}

function fewRows(
  a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number, c: number, cRow: number,
  m: number, n: number, k: number,
): void {
  if (bCol !== 4 && bRow !== 4) {
    const bytes = 4 * n * k;
    const copy = allocate(bytes);
    copyStrided(copy, b, [k, n], [n, 1], [bRow / 4, bCol / 4], 4);
    runSkinny(gemmDown[m - 1], a, aRow, aCol, copy, 4 * n, 4, c, cRow, m, n, k);
    release(copy, bytes);
    return;
  }
  runSkinny(bCol === 4 ? gemmDown[m - 1] : gemmAcross[m - 1], a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k);
}

function runSkinny(
  kernel: WasmKernel, a: number, aRow: number, aCol: number, b: number, bRow: number, bCol: number, c: number, cRow: number,
  m: number, n: number, k: number,
): void {
  if (threadCount() > 1 && m * n * k >= WORTH_SPLITTING >> 1) {
    runParts(kernel, splitSkinny([a, aRow, aCol, b, bRow, bCol, c, cRow, n, k], threadCount()));
    return;
  }
  kernel.run(a, aRow, aCol, b, bRow, bCol, c, cRow, n, k);
}

/** Splits the arguments of a product with few rows by columns. */
export function splitSkinny(whole: readonly number[], parts: number): number[][] {
  const [a, aRow, aCol, b, bRow, bCol, c, cRow, n, k] = whole;
  return ranges(n, parts, 2 * COLUMNS, 1).map(([from, size]) => [a, aRow, aCol, b + from * bCol, bRow, bCol, c + 4 * from, cRow, size, k]);
}

/** Splits the arguments of `finish` by rows. */
export function splitFinish(whole: readonly number[], parts: number): number[][] {
  const [to, toRow, toCol, sums, sumsRow, sumsCol, bias, biasRow, biasCol, m, n, alpha, beta] = whole;
  return ranges(m, parts, 1, 1).map(([i, rows]) => [to + i * toRow, toRow, toCol, sums + i * sumsRow, sumsRow, sumsCol, bias + i * biasRow, biasRow, biasCol, rows, n, alpha, beta]);
}

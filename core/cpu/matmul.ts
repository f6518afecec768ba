import type { TypedArray } from '../dtype.ts';
import type { Kernel } from '../op.ts';
import { broadcastStrides, numelOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';
import { COLUMNS, ROWS, packRows, scratch, sums, tile, writeChecked } from './tile.ts';

/** A matrix inside an array: where it starts and how far rows and columns lie apart. */
interface Matrix {
  readonly cells: TypedArray;
  at: number;
  readonly row: number;
  readonly col: number;
}

/** `out = alpha·(a @ b) + beta·bias`; without a bias `beta` is not read, and with `beta` 0 the bias is not. */
interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Matrix;
  readonly b: Matrix;
  readonly out: Matrix;
  readonly bias: Matrix | null;
  readonly alpha: number;
  readonly beta: number;
}

const panelOfA = scratch();
const blockOfB = scratch();
const totals = scratch();
let steps = new Int32Array(0);

/** Where step k of a packed block of columns lies: 0, 4, 8, … */
function stepsOf(depth: number): Int32Array {
  if (steps.length < depth) steps = Int32Array.from({ length: depth + 256 }, (_, k) => k * COLUMNS);
  return steps;
}

/** Doubles of the packed block of the right operand: what stays in the second-level cache. */
const BLOCK = 65_536;

function multiply(p: Product): void {
  const { m, n, k, a, b } = p;
  if (m === 0 || n === 0) return;
  if (m < ROWS) return multiplySkinny(p);
  if (n < ROWS) return multiplySkinny(flipped(p));
  const width = Math.min(n, Math.max(64, Math.floor(BLOCK / Math.max(k, 1) / COLUMNS) * COLUMNS));
  const right = blockOfB(Math.ceil(width / COLUMNS) * COLUMNS * k);
  const left = panelOfA(ROWS * k);
  const offsets = stepsOf(k);
  const panel = COLUMNS * k;
  for (let j0 = 0; j0 < n; j0 += width) {
    const j1 = Math.min(n, j0 + width);
    packColumns(right, b, j0, j1, k);
    for (let i = 0; i < m; i += ROWS) {
      packRows(left, 0, a.cells, a.at + i * a.row, a.row, a.col, Math.min(ROWS, m - i), k);
      for (let j = j0, at = 0; j < j1; j += COLUMNS, at += panel) {
        tile(k, left, 0, right, offsets, at, at + 1, at + 2, at + 3);
        store(p, i, j, Math.min(ROWS, m - i), Math.min(COLUMNS, j1 - j));
      }
    }
  }
}

/** Columns j0 … j1 in blocks of 4 that lie side by side; columns beyond the last repeat what is there. */
function packColumns(out: Float64Array, b: Matrix, j0: number, j1: number, depth: number): void {
  const { cells, row, col } = b;
  for (let j = j0, to = 0; j < j1; j += COLUMNS, to += COLUMNS * depth) {
    const columns = Math.min(COLUMNS, j1 - j);
    let at = b.at + j * col;
    if (columns === COLUMNS) {
      for (let k = 0, o = to; k < depth; k++, o += COLUMNS, at += row) {
        out[o] = cells[at];
        out[o + 1] = cells[at + col];
        out[o + 2] = cells[at + 2 * col];
        out[o + 3] = cells[at + 3 * col];
      }
      continue;
    }
    for (let k = 0, o = to; k < depth; k++, o += COLUMNS, at += row) {
      for (let c = 0; c < columns; c++) out[o + c] = cells[at + c * col];
    }
  }
}

function store(p: Product, i: number, j: number, rows: number, columns: number): void {
  const { cells, row, col, at } = p.out;
  const { alpha, beta, bias } = p;
  const start = at + i * row + j * col;
  if (bias === null || beta === 0) {
    for (let r = 0; r < rows; r++) {
      const to = start + r * row;
      for (let c = 0; c < columns; c++) cells[to + c * col] = alpha * sums[r * COLUMNS + c];
    }
    return;
  }
  const from = bias.at + i * bias.row + j * bias.col;
  for (let r = 0; r < rows; r++) {
    const to = start + r * row;
    for (let c = 0; c < columns; c++) {
      cells[to + c * col] = alpha * sums[r * COLUMNS + c] + beta * bias.cells[from + r * bias.row + c * bias.col];
    }
  }
}

/** The transposed product `outᵀ = bᵀ @ aᵀ`. */
function flipped(p: Product): Product {
  const t = (x: Matrix): Matrix => ({ cells: x.cells, at: x.at, row: x.col, col: x.row });
  return { m: p.n, n: p.m, k: p.k, a: t(p.b), b: t(p.a), out: t(p.out), bias: p.bias && t(p.bias), alpha: p.alpha, beta: p.beta };
}

/** One or two rows: every element of the right operand is read once, so packing it would not pay. */
function multiplySkinny(p: Product): void {
  const { m, n, k, a, b, bias, out, alpha, beta } = p;
  const { cells: x } = a;
  const { cells: y } = b;
  const total = totals(n);
  for (let i = 0; i < m; i++) {
    const start = a.at + i * a.row;
    if (Math.abs(b.col) <= Math.abs(b.row)) {
      total.fill(0, 0, n);
      for (let q = 0; q < k; q++) {
        const factor = x[start + q * a.col];
        for (let j = 0, at = b.at + q * b.row; j < n; j++, at += b.col) total[j] += factor * y[at];
      }
    } else {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let q = 0, s = start, at = b.at + j * b.col; q < k; q++, s += a.col, at += b.row) sum += x[s] * y[at];
        total[j] = sum;
      }
    }
    const to = out.at + i * out.row;
    if (bias === null || beta === 0) {
      for (let j = 0; j < n; j++) out.cells[to + j * out.col] = alpha * total[j];
    } else {
      const from = bias.at + i * bias.row;
      for (let j = 0; j < n; j++) out.cells[to + j * out.col] = alpha * total[j] + beta * bias.cells[from + j * bias.col];
    }
  }
}

/** The last two dimensions under `strides`; `cells` stands in for the tensor's own where results are checked first. */
function matrixOf(x: Tensor, strides: readonly number[], cells: TypedArray = x.storage.cells): Matrix {
  return { cells, at: x.offset, row: strides[strides.length - 2], col: strides[strides.length - 1] };
}

/** Factors of a product and of the tensor added to it. */
export interface AddmmAttrs {
  readonly alpha: number;
  readonly beta: number;
}

/** Products of the matrices in the last two dimensions; the dimensions before them broadcast, and so does the whole bias. */
function batched(name: string, out: Tensor, a: Tensor, b: Tensor, bias: Tensor | null, { alpha, beta }: AddmmAttrs): void {
  const rank = out.ndim;
  const batch = out.shape.slice(0, -2);
  const lead = (x: Tensor): number[] => broadcastStrides(x.shape.slice(0, -2), x.strides.slice(0, -2), batch);
  const spread = bias === null ? [] : broadcastStrides(bias.shape, bias.strides, out.shape);
  writeChecked(name, out.dtype, out.storage.cells, (cells) => {
    const p: Product = {
      m: out.shape[rank - 2],
      n: out.shape[rank - 1],
      k: a.shape[a.ndim - 1],
      a: matrixOf(a, a.strides),
      b: matrixOf(b, b.strides),
      out: matrixOf(out, out.strides, cells),
      bias: bias && matrixOf(bias, spread),
      alpha,
      beta,
    };
    if (rank === 2) return multiply(p);
    const strides = [out.strides.slice(0, -2), lead(a), lead(b), spread.slice(0, -2)];
    walkOuter({ sizes: batch, strides }, 0, [out.offset, a.offset, b.offset, bias?.offset ?? 0], (at) => {
      [p.out.at, p.a.at, p.b.at] = at;
      if (p.bias !== null) p.bias.at = at[3];
      multiply(p);
    });
  });
}

/** Kernel of `a @ b`. */
export const matmulKernel: Kernel<undefined> = ([out], [a, b]) => batched('matmul', out, a as Tensor, b as Tensor, null, { alpha: 1, beta: 0 });

/** Kernel of `beta·input + alpha·(a @ b)`; the input broadcasts to the result. */
export const addmmKernel: Kernel<AddmmAttrs> = ([out], [input, a, b], attrs) => batched('addmm', out, a as Tensor, b as Tensor, input as Tensor, attrs);

/** Kernel of `x @ weightᵀ + bias`: all leading dimensions of `x` are rows of one product. */
export const linearKernel: Kernel<undefined> = ([out], [input, weight, bias]) => {
  const x = input as Tensor;
  const w = weight as Tensor;
  const c = bias as Tensor | undefined;
  const [n, k] = w.shape;
  const m = numelOf(x.shape.slice(0, -1));
  writeChecked('linear', out.dtype, out.storage.cells, (cells) =>
    multiply({
      m,
      n,
      k,
      a: { cells: x.storage.cells, at: x.offset, row: x.ndim === 2 ? x.strides[0] : k, col: x.strides[x.ndim - 1] },
      b: { cells: w.storage.cells, at: w.offset, row: w.strides[1], col: w.strides[0] },
      out: { cells, at: out.offset, row: n, col: 1 },
      bias: c === undefined ? null : { cells: c.storage.cells, at: c.offset, row: 0, col: c.strides[0] },
      alpha: 1,
      beta: 1,
    }),
  );
};

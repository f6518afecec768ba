import { type TypedArray, checkRange } from '../dtype.ts';
import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';

/** Along which dimension a scan runs, and whether it starts at the end. */
export interface ScanAttrs {
  readonly dim: number;
  readonly reverse: boolean;
}

/** Calls `visit` with the first place of every line along `dim`, in scan order: one offset per tensor. */
function lines(tensors: readonly Tensor[], { dim, reverse }: ScanAttrs, visit: (starts: readonly number[]) => void): void {
  const [first] = tensors;
  const skip = reverse ? first.shape[dim] - 1 : 0;
  if (first.shape[dim] === 0) return;
  const walk = { sizes: first.shape.toSpliced(dim, 1), strides: tensors.map((t) => t.strides.toSpliced(dim, 1)) };
  walkOuter(walk, 0, tensors.map((t) => t.offset + skip * t.strides[dim]), visit);
}

const stepOf = (t: Tensor, { dim, reverse }: ScanAttrs): number => (reverse ? -t.strides[dim] : t.strides[dim]);

type Line = (n: number, from: TypedArray, at: number, step: number, to: TypedArray, put: number, putStep: number) => number;

/** Sums so far; returns the total that is farthest from 0. */
const sumLine: Line = (n, from, at, step, to, put, putStep) => {
  let total = 0;
  let widest = 0;
  for (let i = 0; i < n; i++) {
    total += from[at + i * step];
    to[put + i * putStep] = total;
    if (Math.abs(total) > Math.abs(widest)) widest = total;
  }
  return widest;
};

/** Products so far; returns the one that is farthest from 0. */
const productLine: Line = (n, from, at, step, to, put, putStep) => {
  let total = 1;
  let widest = 0;
  for (let i = 0; i < n; i++) {
    total *= from[at + i * step];
    to[put + i * putStep] = total;
    if (Math.abs(total) > Math.abs(widest)) widest = total;
  }
  return widest;
};

/** Running sum or product along one dimension, in doubles; also in place. */
export function scanKernel(product: boolean): Kernel<ScanAttrs> {
  const line = product ? productLine : sumLine;
  return ([out], [input], attrs) => {
    const x = input as Tensor;
    const n = x.shape[attrs.dim];
    lines([x, out], attrs, ([at, put]) => {
      const widest = line(n, x.storage.cells, at, stepOf(x, attrs), out.storage.cells, put, stepOf(out, attrs));
      if (out.dtype === 'int64') checkRange(product ? 'cumprod' : 'cumsum', widest, 'int64');
    });
  };
}

/** `y[t] = a[t]·y[t-1] + b[t]` along one dimension, starting from 0. */
export const recurrenceKernel: Kernel<ScanAttrs> = ([out], inputs, attrs) => {
  const [a, b] = inputs as readonly Tensor[];
  const [as, bs, to] = [a.storage.cells, b.storage.cells, out.storage.cells];
  const [n, aStep, bStep, step] = [a.shape[attrs.dim], stepOf(a, attrs), stepOf(b, attrs), stepOf(out, attrs)];
  lines([a, b, out], attrs, ([aAt, bAt, put]) => {
    let y = 0;
    for (let i = 0; i < n; i++) {
      y = as[aAt + i * aStep] * y + bs[bAt + i * bStep];
      to[put + i * step] = y;
    }
  });
};

/** Moves every entry one place on along a dimension, in scan order; `first` comes in. */
export const delayKernel: Kernel<ScanAttrs & { readonly first: number }> = ([out], [input], attrs) => {
  const x = input as Tensor;
  const [from, to] = [x.storage.cells, out.storage.cells];
  const [n, xStep, step] = [x.shape[attrs.dim], stepOf(x, attrs), stepOf(out, attrs)];
  lines([x, out], attrs, ([at, put]) => {
    to[put] = attrs.first;
    for (let i = 1; i < n; i++) to[put + i * step] = from[at + (i - 1) * xStep];
  });
};

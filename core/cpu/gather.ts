import { type DType, type TypedArray, checkRange } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { coalesce, walkOuter } from './layout.ts';
import { scatterStrided } from './strided.ts';

/** The error of an index that is outside its dimension. */
function outOfRange(op: string, index: number, dim: number, size: number, wrap: boolean): ShapeError {
  const rule = size === 0 ? 'no index' : `${wrap ? -size : 0} to ${size - 1}`;
  return new ShapeError(`${op}: index out of range, got ${index} for dimension ${dim} of size ${size}; expected ${rule}`, { values: { index, dim, size } });
}

/** Refuses indices outside 0 … size-1, before anything is read or written. */
function checkIndices(op: string, index: Tensor, dim: number, size: number): void {
  const shape = index.shape.map((n, d) => (index.strides[d] === 0 && n > 1 ? 1 : n));
  const walk = coalesce(shape, [index.strides]);
  const inner = Math.min(1, walk.sizes.length);
  const n = inner === 0 ? 1 : walk.sizes[walk.sizes.length - 1];
  const step = inner === 0 ? 0 : walk.strides[0][walk.sizes.length - 1];
  const { cells } = index.storage;
  walkOuter(walk, inner, [index.offset], ([at]) => {
    for (let i = 0; i < n; i++) {
      const v = cells[at + i * step];
      if (!(v >= 0 && v < size)) throw outOfRange(op, v, dim, size, false);
    }
  });
}

/** Copies `x` into a fresh result; in place there is nothing to copy. */
function start(out: Tensor, x: Tensor): void {
  if (x !== out) scatterStrided([out], [out, x], { shape: out.shape, strides: out.strides, offset: out.offset, accumulate: false });
}

/** The sum as the dtype stores it: bool is "or", and int64 keeps inside its 32 bits. */
function total(value: number, dtype: DType): number {
  if (dtype === 'bool') return value === 0 ? 0 : 1;
  checkRange('int64', value, dtype);
  return value;
}

/** True where a sum needs `total`. */
const isCareful = (dtype: DType): boolean => dtype === 'bool' || dtype === 'int64';

/** Which entries `gather` and `scatter` follow, and for whom. */
export interface GatherAttrs {
  /** The public operation, for messages. */
  readonly op: string;
  readonly dim: number;
}

/** `out[i, j] = x[index[i, j], j]` along dimension 0, and likewise along others; any strides. */
export const gatherKernel: Kernel<GatherAttrs> = ([out], inputs, { op, dim }) => {
  const [x, index] = inputs as readonly Tensor[];
  checkIndices(op, index, dim, x.shape[dim]);
  const walk = coalesce(index.shape, [out.strides, index.strides, x.strides.with(dim, 0)]);
  const last = walk.sizes.length - 1;
  const n = last < 0 ? 1 : walk.sizes[last];
  const [aStep, bStep, cStep] = last < 0 ? [0, 0, 0] : walk.strides.map((s) => s[last]);
  const [to, which, from, step] = [out.storage.cells, index.storage.cells, x.storage.cells, x.strides[dim]];
  walkOuter(walk, Math.min(1, last + 1), [out.offset, index.offset, x.offset], ([a, b, c]) => {
    for (let i = 0; i < n; i++) to[a + i * aStep] = from[c + i * cStep + which[b + i * bStep] * step];
  });
};

/** `x` with `out[index[i, j], j] = source[i, j]` along dimension 0, or with the source added there; any strides, also in place. */
export const scatterKernel: Kernel<GatherAttrs & { readonly accumulate: boolean }> = ([out], inputs, { op, dim, accumulate }) => {
  const [x, index, source] = inputs as readonly Tensor[];
  checkIndices(op, index, dim, out.shape[dim]);
  start(out, x);
  const walk = coalesce(index.shape, [out.strides.with(dim, 0), index.strides, source.strides]);
  const last = walk.sizes.length - 1;
  const n = last < 0 ? 1 : walk.sizes[last];
  const [aStep, bStep, cStep] = last < 0 ? [0, 0, 0] : walk.strides.map((s) => s[last]);
  const [to, which, from, step] = [out.storage.cells, index.storage.cells, source.storage.cells, out.strides[dim]];
  const { dtype } = out;
  const careful = isCareful(dtype);
  walkOuter(walk, Math.min(1, last + 1), [out.offset, index.offset, source.offset], ([a, b, c]) => {
    if (!accumulate) for (let i = 0; i < n; i++) to[a + i * aStep + which[b + i * bStep] * step] = from[c + i * cStep];
    else if (!careful) for (let i = 0; i < n; i++) to[a + i * aStep + which[b + i * bStep] * step] += from[c + i * cStep];
    else {
      for (let i = 0; i < n; i++) {
        const at = a + i * aStep + which[b + i * bStep] * step;
        to[at] = total(to[at] + from[c + i * cStep], dtype);
      }
    }
  });
};

/** Which dimensions index tensors replace, and where the dimensions of the index go. */
export interface IndexAttrs {
  /** The public operation, for messages. */
  readonly op: string;
  /** Indexed dimensions, ascending; one index tensor each, all of one shape. */
  readonly dims: readonly number[];
  /** How they are called in messages: dimensions of the tensor the user indexed. */
  readonly named: readonly number[];
  /** Number of other dimensions that come before those of the index. */
  readonly at: number;
  /** Whether negative indices count from the end. */
  readonly wrap: boolean;
}

/** For every position of the index, in row-major order, where the entry starts relative to the offset of `x`. */
function rowOffsets(x: Tensor, indices: readonly Tensor[], { op, dims, named, wrap }: IndexAttrs): Int32Array {
  const { shape } = indices[0];
  const rows = new Int32Array(indices[0].numel());
  for (let k = 0; k < dims.length; k++) {
    const size = x.shape[dims[k]];
    const stride = x.strides[dims[k]];
    const { cells } = indices[k].storage;
    const walk = coalesce(shape, [indices[k].strides]);
    const last = walk.sizes.length - 1;
    const n = last < 0 ? 1 : walk.sizes[last];
    const step = last < 0 ? 0 : walk.strides[0][last];
    let r = 0;
    walkOuter(walk, Math.min(1, last + 1), [indices[k].offset], ([at]) => {
      for (let i = 0; i < n; i++) {
        const v = cells[at + i * step];
        const entry = v < 0 && wrap ? v + size : v;
        if (!(entry >= 0 && entry < size)) throw outOfRange(op, v, named[k], size, wrap);
        rows[r++] += entry * stride;
      }
    });
  }
  return rows;
}

/** For every position of `shape`, in row-major order, its distance under `strides`. */
function distances(shape: readonly number[], strides: readonly number[], count: number): Int32Array {
  const out = new Int32Array(count);
  let r = 0;
  walkOuter({ sizes: shape, strides: [strides] }, 0, [0], ([at]) => {
    out[r++] = at;
  });
  return out;
}

interface Rows {
  /** Dimensions that are not indexed. */
  readonly rest: readonly number[];
  /** Of the tensor that has the dimensions of the index: strides of the others. */
  readonly strides: readonly number[];
}

/** Splits the dimensions of a selection (or of values for it) into those of the index and the others. */
function split(selection: Tensor, x: Tensor, { dims, at }: IndexAttrs, indexRank: number): Rows {
  const rest = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  return { rest, strides: [...selection.strides.slice(0, at), ...selection.strides.slice(at + indexRank)] };
}

/** Copies the entries of `x` that index tensors name. */
export const indexKernel: Kernel<IndexAttrs> = ([out], inputs, attrs) => {
  const [x, ...indices] = inputs as readonly Tensor[];
  const rows = rowOffsets(x, indices, attrs);
  const { rest, strides } = split(out, x, attrs, indices[0].ndim);
  const walk = coalesce(rest.map((d) => x.shape[d]), [strides, rest.map((d) => x.strides[d])]);
  const last = walk.sizes.length - 1;
  const n = last < 0 ? 1 : walk.sizes[last];
  const [aStep, bStep] = last < 0 ? [0, 0] : walk.strides.map((s) => s[last]);
  const rowStep = rest.slice(attrs.at).reduce((size, d) => size * x.shape[d], 1);
  const block = aStep === 1 && bStep === 1 && n > 16;
  copyRows(walk, out, x, (to, from, a, b) => {
    for (let r = 0; r < rows.length; r++) {
      const [p, q] = [a + r * rowStep, b + rows[r]];
      if (block) to.set(from.subarray(q, q + n), p);
      else for (let i = 0; i < n; i++) to[p + i * aStep] = from[q + i * bStep];
    }
  });
};

/** `x` with the entries that index tensors name replaced by, or added to, those of `values`; any strides, also in place. */
export const indexPutKernel: Kernel<IndexAttrs & { readonly accumulate: boolean }> = ([out], inputs, attrs) => {
  const [x, values, ...indices] = inputs as readonly Tensor[];
  const rows = rowOffsets(out, indices, attrs);
  const { rest, strides } = split(values, out, attrs, indices[0].ndim);
  const { shape, ndim } = indices[0];
  const sources = distances(shape, values.strides.slice(attrs.at, attrs.at + ndim), rows.length);
  start(out, x);
  const walk = coalesce(rest.map((d) => out.shape[d]), [rest.map((d) => out.strides[d]), strides]);
  const last = walk.sizes.length - 1;
  const n = last < 0 ? 1 : walk.sizes[last];
  const [aStep, bStep] = last < 0 ? [0, 0] : walk.strides.map((s) => s[last]);
  const { dtype } = out;
  const careful = isCareful(dtype);
  copyRows(walk, out, values, (to, from, a, b) => {
    for (let r = 0; r < rows.length; r++) {
      const [p, q] = [a + rows[r], b + sources[r]];
      if (!attrs.accumulate) for (let i = 0; i < n; i++) to[p + i * aStep] = from[q + i * bStep];
      else if (!careful) for (let i = 0; i < n; i++) to[p + i * aStep] += from[q + i * bStep];
      else for (let i = 0; i < n; i++) to[p + i * aStep] = total(to[p + i * aStep] + from[q + i * bStep], dtype);
    }
  });
};

/** Visits the outer dimensions of the entries, the last one left to `visit`. */
function copyRows(walk: ReturnType<typeof coalesce>, out: Tensor, x: Tensor, visit: (to: TypedArray, from: TypedArray, a: number, b: number) => void): void {
  const [to, from] = [out.storage.cells, x.storage.cells];
  walkOuter(walk, Math.min(1, walk.sizes.length), [out.offset, x.offset], ([a, b]) => visit(to, from, a, b));
}

/** The elements in row-major order, without a copy where they lie so. */
export function rowMajorCells(x: Tensor): TypedArray {
  return x.isContiguous() ? x.storage.cells.subarray(x.offset, x.offset + x.numel()) : x.data();
}

/** The largest element, at least 0. */
export function largest(x: Tensor): number {
  const cells = rowMajorCells(x);
  let most = 0;
  for (let i = 0; i < cells.length; i++) if (cells[i] > most) most = cells[i];
  return most;
}

/** How many elements are not 0; NaN is not 0. */
export function countNonzero(x: Tensor): number {
  const cells = rowMajorCells(x);
  let count = 0;
  for (let i = 0; i < cells.length; i++) if (cells[i] !== 0) count++;
  return count;
}

/** The positions of the elements that are not 0, one row each, in row-major order. */
export const nonzeroKernel: Kernel<undefined> = ([out], [input]) => {
  const x = input as Tensor;
  const cells = rowMajorCells(x);
  const to = out.storage.cells;
  const rank = x.ndim;
  let at = 0;
  for (let i = 0; i < cells.length; i++) {
    if (cells[i] === 0) continue;
    let rest = i;
    for (let d = rank - 1; d >= 0; d--) {
      const size = x.shape[d];
      to[at + d] = rest % size;
      rest = Math.trunc(rest / size);
    }
    at += rank;
  }
};

/** Ones at `x` of the last dimension of the result, zeros elsewhere. The classes are checked before. */
export const oneHotKernel: Kernel<{ readonly classes: number }> = ([out], [input], { classes }) => {
  const cells = rowMajorCells(input as Tensor);
  const to = out.storage.cells;
  to.fill(0);
  for (let i = 0; i < cells.length; i++) {
    const label = cells[i];
    if (!(label >= 0 && label < classes)) {
      throw new ShapeError(`oneHot: class out of range, got ${label}; expected ${classes === 0 ? 'no class' : `0 to ${classes - 1}`}`, { values: { label, classes } });
    }
    to[i * classes + label] = 1;
  }
};

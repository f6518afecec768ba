import { type Shape, sameShape } from '../shape.ts';
import type { Layout } from '../tensor.ts';

/** A view as an operation on values. */
export type ViewStep =
  | { readonly kind: 'same' }
  | { readonly kind: 'reshape' | 'expand'; readonly attrs: { readonly shape: Shape } }
  | { readonly kind: 'squeeze' | 'unsqueeze'; readonly attrs: { readonly dims: readonly number[] } }
  | { readonly kind: 'permute'; readonly attrs: { readonly dims: readonly number[] } }
  | { readonly kind: 'slice'; readonly attrs: { readonly dim: number; readonly start: number; readonly step: number; readonly length: number; readonly size: number } }
  | { readonly kind: 'select'; readonly attrs: { readonly dim: number; readonly index: number; readonly size: number } }
  | { readonly kind: 'strided'; readonly attrs: Places };

/** Where the elements of a view stand: the first dimensions are those of the tensor, the others pick from the rest of it, in row-major order. */
export interface Places {
  /** How many dimensions stay as they are. */
  readonly kept: number;
  /** The dimensions behind them. */
  readonly shape: Shape;
  readonly index: Int32Array;
}

export const sameLayout = (a: Layout, b: Layout): boolean => a.offset === b.offset && sameShape(a.shape, b.shape) && a.strides.every((s, d) => s === b.strides[d] || a.shape[d] === 1);

/** The places of dimensions of size 1 in `longer` that `shorter` lacks. Of neighbours of size 1, the first are the ones that stay. */
function extraDims(longer: Shape, shorter: Shape): number[] {
  let d = 0;
  return longer.flatMap((n, i) => {
    if (d < shorter.length && shorter[d] === n) {
      d++;
      return [];
    }
    return [i];
  });
}

/** The order of dimensions that turns one layout into the other, or null. */
function orderOf(from: Layout, to: Layout): number[] | null {
  if (from.shape.length !== to.shape.length || from.offset !== to.offset) return null;
  const left = new Set(from.shape.keys());
  const order = to.shape.map((n, d) => {
    const found = [...left].find((k) => from.shape[k] === n && from.strides[k] === to.strides[d]) ?? -1;
    left.delete(found);
    return found;
  });
  return order.includes(-1) ? null : order;
}

function sliceOf(from: Layout, to: Layout): ViewStep | null {
  if (from.shape.length !== to.shape.length) return null;
  const changed = from.shape.flatMap((n, d) => (n !== to.shape[d] || from.strides[d] !== to.strides[d] ? [d] : []));
  if (changed.length === 0 && from.offset === to.offset) return { kind: 'same' };
  if (changed.length > 1) return null;
  const dim = changed[0] ?? from.strides.findIndex((s, d) => from.shape[d] > 1 && s !== 0);
  const stride = from.strides[dim];
  const step = stride === 0 || to.shape[dim] < 2 ? 1 : to.strides[dim] / stride;
  const start = stride === 0 ? 0 : (to.offset - from.offset) / stride;
  if (!Number.isInteger(step) || step < 1 || !Number.isInteger(start) || start < 0) return null;
  return { kind: 'slice', attrs: { dim, start, step, length: to.shape[dim], size: from.shape[dim] } };
}

function selectOf(from: Layout, to: Layout): ViewStep | null {
  for (let dim = 0; dim < from.shape.length; dim++) {
    if (!sameShape(from.shape.toSpliced(dim, 1), to.shape) || to.strides.some((s, d) => s !== from.strides[d < dim ? d : d + 1])) continue;
    const index = from.strides[dim] === 0 ? 0 : (to.offset - from.offset) / from.strides[dim];
    if (Number.isInteger(index) && index >= 0 && index < from.shape[dim]) return { kind: 'select', attrs: { dim, index, size: from.shape[dim] } };
  }
  return null;
}

/** The cells of a layout in row-major order. */
export function cellsOf({ shape, strides, offset }: Layout): Int32Array {
  const n = shape.reduce((a, b) => a * b, 1);
  const cells = new Int32Array(n);
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < n; i++) {
    cells[i] = at;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += strides[d];
      if (++index[d] < shape[d]) break;
      at -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return cells;
}

/** A layout without its first dimensions. */
const behind = ({ shape, strides }: Layout, kept: number, offset: number): Layout => ({ shape: shape.slice(kept), strides: strides.slice(kept), offset });

/** Where the elements of `to` stand in `from`; null where one lies outside. */
export function placesIn(from: Layout, to: Layout): Places | null {
  let most = 0;
  while (most < Math.min(from.shape.length, to.shape.length) && from.shape[most] === to.shape[most] && from.strides[most] === to.strides[most]) most++;
  for (let kept = most; kept >= 0; kept--) {
    const index = pickedFrom(behind(from, kept, from.offset), behind(to, kept, to.offset));
    if (index !== null) return { kept, shape: to.shape.slice(kept), index };
  }
  return null;
}

function pickedFrom(from: Layout, to: Layout): Int32Array | null {
  const where = new Map<number, number>();
  cellsOf(from).forEach((cell, i) => {
    if (!where.has(cell)) where.set(cell, i);
  });
  const cells = cellsOf(to);
  for (let i = 0; i < cells.length; i++) {
    const place = where.get(cells[i]);
    if (place === undefined) return null;
    cells[i] = place;
  }
  return cells;
}

/** What a view does, from its name and both layouts; null where it looks outside of `from`. */
export function viewStep(name: string, from: Layout, to: Layout): ViewStep | null {
  const { shape } = to;
  if (name === 'reshape' || name === 'view') return sameShape(from.shape, shape) ? { kind: 'same' } : { kind: 'reshape', attrs: { shape } };
  if (name === 'expand') return sameShape(from.shape, shape) ? { kind: 'same' } : { kind: 'expand', attrs: { shape } };
  if (name === 'squeeze') return sameShape(from.shape, shape) ? { kind: 'same' } : { kind: 'squeeze', attrs: { dims: extraDims(from.shape, shape) } };
  if (name === 'unsqueeze') return { kind: 'unsqueeze', attrs: { dims: extraDims(shape, from.shape) } };
  if (name === 'slice' || name === 'split') {
    const slice = sliceOf(from, to);
    if (slice !== null) return slice;
  }
  if (name === 'select') {
    const select = selectOf(from, to);
    if (select !== null) return select;
  }
  if (sameLayout(from, to)) return { kind: 'same' };
  const dims = orderOf(from, to);
  if (dims !== null) return { kind: 'permute', attrs: { dims } };
  const places = placesIn(from, to);
  return places && { kind: 'strided', attrs: places };
}

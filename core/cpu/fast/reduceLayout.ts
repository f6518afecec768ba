import type { Tensor } from '../../tensor.ts';
import { copyStrided } from './copy.ts';
import { addressOf } from '../engine.ts';
import { allocate, release } from '../memory/heap.ts';

/** Dimensions after joining: more are rare, and are put in order first. */
const MOST = 4;

/** How a reduction goes over memory: along rows, one column beside the other, or as rows after a copy. */
export type Way = 'none' | 'rows' | 'columns' | 'other';

/**
 * How a tensor lies for a reduction, in bytes and elements. Rows: `outer` rows, `outerStride` apart, of `count` stretches, `stride` apart, of `n`
 * elements. Columns: `outer` matrices, `outerStride` apart, of `count` rows, `stride` apart, of `n` columns. There is one object: it holds until the
 * next call of `layOut`.
 */
export const layout = { outer: 1, outerStride: 0, count: 1, stride: 0, n: 1 };

// Joined dimensions, innermost first.
const sizes = new Int32Array(MOST);
const steps = new Int32Array(MOST);
const reduced = new Uint8Array(MOST);

/** Joins neighbours of one kind that are stepped through evenly; -1 for too many dimensions, -2 for no elements. */
function join(x: Tensor, dims: readonly number[]): number {
  const { shape, strides } = x;
  let rank = 0;
  let next = dims.length - 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    const inner = next >= 0 && dims[next] === d;
    if (inner) next--;
    const size = shape[d];
    if (size === 1) continue;
    if (size === 0) return -2;
    const kind = inner ? 1 : 0;
    if (rank > 0 && reduced[rank - 1] === kind && strides[d] === steps[rank - 1] * sizes[rank - 1]) {
      sizes[rank - 1] *= size;
      continue;
    }
    if (rank === MOST) return -1;
    sizes[rank] = size;
    steps[rank] = strides[d];
    reduced[rank++] = kind;
  }
  return rank;
}

/**
 * Finds the way for a reduction over `dims`, in rising order.
 *
 * @returns 'none' for no elements, 'other' for what neither rows nor columns describe
 */
export function layOut(x: Tensor, dims: readonly number[]): Way {
  const rank = join(x, dims);
  if (rank < 0) return rank === -1 ? 'other' : 'none';
  layout.outer = layout.count = layout.n = 1;
  layout.outerStride = layout.stride = 0;
  // The innermost dimension that is kept is the one whose results lie side by side.
  let kept = -1;
  let dense = -1;
  for (let i = rank - 1; i >= 0; i--) {
    if (reduced[i] === 0) kept = i;
    if (steps[i] === 1) dense = i;
  }
  if (dense < 0) {
    if (rank > 0 && (rank > 1 || reduced[0] === 1)) return 'other';
    // Nothing to reduce: rows of one element.
    if (rank === 1) setOuter(0);
    return 'rows';
  }
  const rows = reduced[dense] === 1;
  if (!rows && dense !== kept) return 'other';
  layout.n = sizes[dense];
  let outers = 0;
  let counts = 0;
  for (let i = 0; i < rank; i++) {
    if (i === dense) continue;
    if (reduced[i] === 1) {
      layout.count = sizes[i];
      layout.stride = steps[i] * 4;
      counts++;
    } else {
      setOuter(i);
      outers++;
    }
  }
  if (outers > 1 || counts > 1) return 'other';
  return rows ? 'rows' : 'columns';
}

function setOuter(i: number): void {
  layout.outer = sizes[i];
  layout.outerStride = steps[i] * 4;
}

/** Lays a tensor out as rows of one stretch: a copy with the reduced dimensions last, where it does not lie so already. */
export class Rows {
  /** Where the first row starts; 0 for no elements. */
  readonly address: number;
  private readonly bytes: number;

  constructor(x: Tensor, dims: readonly number[]) {
    const way = layOut(x, dims);
    this.bytes = way === 'rows' || way === 'none' ? 0 : 4 * x.numel();
    if (this.bytes === 0) {
      this.address = way === 'none' ? 0 : addressOf(x);
      return;
    }
    const order = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
    const outer = order.reduce((n, d) => n * x.shape[d], 1);
    order.push(...dims);
    const shape = order.map((d) => x.shape[d]);
    const to = new Array<number>(shape.length);
    for (let d = shape.length - 1, step = 1; d >= 0; step *= shape[d--]) to[d] = step;
    const from = addressOf(x);
    this.address = allocate(this.bytes);
    if (!copyStrided(this.address, from, shape, to, order.map((d) => x.strides[d]), 4)) {
      release(this.address, this.bytes);
      this.address = 0;
    }
    layout.outer = outer;
    layout.n = x.numel() / outer;
    layout.outerStride = 4 * layout.n;
    layout.count = 1;
    layout.stride = 0;
  }

  /** Gives the copy back. */
  release(): void {
    if (this.bytes > 0 && this.address !== 0) release(this.address, this.bytes);
  }
}

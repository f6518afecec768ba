import type { Shape } from '../shape.ts';

/** Dimensions to walk for several operands at once, outermost first; `strides[k]` belongs to operand k. */
export interface Walk {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Drops dimensions of size 1 and joins neighbours that every operand steps through evenly, so that inner loops are long. */
export function coalesce(shape: Shape, strides: readonly (readonly number[])[]): Walk {
  const sizes: number[] = [];
  const out: number[][] = strides.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d];
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((s, k) => out[k][last] === s[d] * size)) {
      sizes[last] *= size;
      for (let k = 0; k < strides.length; k++) out[k][last] = strides[k][d];
    } else {
      sizes.push(size);
      for (let k = 0; k < strides.length; k++) out[k].push(strides[k][d]);
    }
  }
  return { sizes, strides: out };
}

/**
 * Calls `visit` once for every position of the outer dimensions (all but the last `inner`), with the operands' offsets.
 * The offsets array is reused between calls.
 */
export function walkOuter(walk: Walk, inner: number, start: readonly number[], visit: (offsets: readonly number[]) => void): void {
  const rank = walk.sizes.length - inner;
  const offsets = [...start];
  if (walk.sizes.includes(0)) return;
  const index = new Array<number>(Math.max(rank, 0)).fill(0);
  for (;;) {
    visit(offsets);
    let d = rank - 1;
    for (; d >= 0; d--) {
      for (let k = 0; k < offsets.length; k++) offsets[k] += walk.strides[k][d];
      if (++index[d] < walk.sizes[d]) break;
      for (let k = 0; k < offsets.length; k++) offsets[k] -= walk.strides[k][d] * walk.sizes[d];
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

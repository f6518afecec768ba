import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { coalesce, walkOuter } from './layout.ts';

/** The elements of one group, of which the first `n` count, as the result for that group. */
type Reduce<A> = (values: Float64Array, n: number, attrs: A) => number;

/**
 * The reference CPU kernel of a reduction that goes over its elements more than once: copies the elements that `dims` joins
 * side by side as doubles, and calls `reduce` on each such group.
 */
export function groupKernel<A extends { readonly dims: readonly number[] }>(reduce: Reduce<A>): Kernel<A> {
  return ([out], [input], attrs) => {
    const x = input as Tensor;
    const kept = x.shape.map((_, d) => d).filter((d) => !attrs.dims.includes(d));
    const outer = coalesce(kept.map((d) => x.shape[d]), [kept.map((d) => x.strides[d])]);
    const inner = coalesce(attrs.dims.map((d) => x.shape[d]), [attrs.dims.map((d) => x.strides[d])]);
    const last = inner.sizes.length - 1;
    const [run, step] = last < 0 ? [1, 0] : [inner.sizes[last], inner.strides[0][last]];
    const n = attrs.dims.reduce((size, d) => size * x.shape[d], 1);
    const values = new Float64Array(n);
    const { cells } = x.storage;
    const to = out.storage.cells;
    let put = out.offset;
    walkOuter(outer, 0, [x.offset], ([start]) => {
      let at = 0;
      walkOuter(inner, Math.min(1, inner.sizes.length), [start], ([from]) => {
        for (let i = 0; i < run; i++) values[at++] = cells[from + i * step];
      });
      to[put++] = reduce(values, n, attrs);
    });
  };
}

/** Mean of the squared distances from the mean, with `n - correction` in place of n: two passes. */
export function variance(values: Float64Array, n: number, { correction }: { readonly correction: number }): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i];
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const d = values[i] - mean;
    squares += d * d;
  }
  return squares / Math.max(0, n - correction);
}

/** `log Σ exp(x)`, shifted by the largest value; -Infinity for no values. */
export function logSumExp(values: Float64Array, n: number): number {
  let max = -Infinity;
  for (let i = 0; i < n; i++) max = Math.max(max, values[i]);
  if (max === Infinity || max === -Infinity) return max;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.exp(values[i] - max);
  return max + Math.log(sum);
}

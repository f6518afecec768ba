import type { Operand } from '../tape.ts';
import type { Layout, Tensor } from '../tensor.ts';
import { coalesce, walkOuter } from './layout.ts';

/**
 * `out` = first operand, with the cells of a window (`layout`, in elements of the row-major `out`) replaced by, or added
 * to, those of the second. When the first operand is `out` itself nothing is copied before.
 */
export function scatterStrided([out]: readonly Tensor[], [x, source]: readonly Operand[], window: Layout & { readonly accumulate: boolean }): void {
  if (typeof x === 'number' || typeof source === 'number') return;
  const to = out.storage.cells;
  if (x !== out) scatterStrided([out], [out, x], { shape: out.shape, strides: out.strides, offset: out.offset, accumulate: false });
  const from = source.storage.cells;
  const walk = coalesce(window.shape, [window.strides, source.strides]);
  const inner = walk.sizes.length - 1;
  const n = inner < 0 ? 1 : walk.sizes[inner];
  const [toStep, fromStep] = inner < 0 ? [0, 0] : [walk.strides[0][inner], walk.strides[1][inner]];
  walkOuter(walk, Math.min(1, walk.sizes.length), [window.offset, source.offset], ([a, b]) => {
    if (window.accumulate) for (let i = 0; i < n; i++) to[a + i * toStep] += from[b + i * fromStep];
    else if (toStep === 1 && fromStep === 1 && n > 16) to.set(from.subarray(b, b + n), a);
    else for (let i = 0; i < n; i++) to[a + i * toStep] = from[b + i * fromStep];
  });
}

import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';

/**
 * Largest or smallest entry along one dimension and where it stands: the first of equal ones, the first NaN where there is
 * one. Fills values and indices, or indices alone when there is one output.
 */
export function extremeKernel(largest: boolean): Kernel<{ readonly dim: number }> {
  return (outputs, [input], { dim }) => {
    const x = input as Tensor;
    const cells = x.storage.cells;
    const indices = outputs[outputs.length - 1].storage.cells;
    const values = outputs.length > 1 ? outputs[0].storage.cells : null;
    const [n, step] = [x.shape[dim], x.strides[dim]];
    const walk = { sizes: x.shape.toSpliced(dim, 1), strides: [x.strides.toSpliced(dim, 1)] };
    let put = 0;
    walkOuter(walk, 0, [x.offset], ([at]) => {
      let best = cells[at];
      let where = 0;
      for (let i = 1; i < n && best === best; i++) {
        const v = cells[at + i * step];
        if ((largest ? v > best : v < best) || v !== v) {
          best = v;
          where = i;
        }
      }
      if (values !== null) values[put] = best;
      indices[put++] = where;
    });
  };
}

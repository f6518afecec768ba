import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';
import { sortOrder } from './sort.ts';

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

/**
 * Lower median along one dimension and where it stands: the first NaN where there is one. NaN for no entries. Fills values and
 * indices, or values alone when there is one output.
 */
export const medianKernel: Kernel<{ readonly dim: number }> = ([values, indices], [input], { dim }) => {
  const x = input as Tensor;
  const { cells } = x.storage;
  const [n, step] = [x.shape[dim], x.strides[dim]];
  const keys = new Float64Array(n);
  const [order, scratch] = [new Int32Array(n), new Int32Array(n)];
  const walk = { sizes: x.shape.toSpliced(dim, 1), strides: [x.strides.toSpliced(dim, 1)] };
  let put = 0;
  walkOuter(walk, 0, [x.offset], ([at]) => {
    let nan = -1;
    for (let i = 0; i < n; i++) {
      keys[i] = cells[at + i * step];
      if (nan < 0 && keys[i] !== keys[i]) nan = i;
    }
    if (nan < 0) sortOrder(keys, n, false, order, scratch);
    const where = nan < 0 ? order[(n - 1) >> 1] : nan;
    values.storage.cells[put] = n === 0 ? NaN : cells[at + where * step];
    if (indices !== undefined) indices.storage.cells[put] = where;
    put++;
  });
};

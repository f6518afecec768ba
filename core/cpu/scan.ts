import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';

/** Running sum or product along one dimension, in doubles. */
export function scanKernel(product: boolean): Kernel<{ readonly dim: number }> {
  return ([out], [input], { dim }) => {
    const x = input as Tensor;
    const [from, to] = [x.storage.cells, out.storage.cells];
    const [n, xStep, yStep] = [x.shape[dim], x.strides[dim], out.strides[dim]];
    const walk = { sizes: x.shape.toSpliced(dim, 1), strides: [x.strides.toSpliced(dim, 1), out.strides.toSpliced(dim, 1)] };
    walkOuter(walk, 0, [x.offset, out.offset], ([at, put]) => {
      let total = product ? 1 : 0;
      for (let i = 0; i < n; i++) {
        const v = from[at + i * xStep];
        total = product ? total * v : total + v;
        to[put + i * yStep] = total;
      }
    });
  };
}

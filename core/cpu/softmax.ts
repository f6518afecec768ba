import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';

/** Softmax, or its logarithm, along one dimension of any layout: maximum, sum of exponentials, then the quotients. */
export function softmaxKernel(log: boolean): Kernel<{ readonly dim: number }> {
  return ([out], [input], { dim }) => {
    const x = input as Tensor;
    const [from, to] = [x.storage.cells, out.storage.cells];
    const [n, xStep, yStep] = [x.shape[dim], x.strides[dim], out.strides[dim]];
    const walk = { sizes: x.shape.toSpliced(dim, 1), strides: [x.strides.toSpliced(dim, 1), out.strides.toSpliced(dim, 1)] };
    if (n === 0) return;
    walkOuter(walk, 0, [x.offset, out.offset], ([at, put]) => {
      let max = -Infinity;
      for (let i = 0; i < n; i++) max = Math.max(max, from[at + i * xStep]);
      let sum = 0;
      for (let i = 0; i < n; i++) sum += Math.exp(from[at + i * xStep] - max);
      if (log) {
        const shift = max + Math.log(sum);
        for (let i = 0; i < n; i++) to[put + i * yStep] = from[at + i * xStep] - shift;
      } else for (let i = 0; i < n; i++) to[put + i * yStep] = Math.exp(from[at + i * xStep] - max) / sum;
    });
  };
}

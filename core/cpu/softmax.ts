import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { walkOuter } from './layout.ts';

interface DimAttrs {
  readonly dim: number;
}

/** Softmax, or its logarithm, along one dimension of any layout: maximum, sum of exponentials, then the quotients. */
export function softmaxKernel(log: boolean): Kernel<DimAttrs> {
  return ([out], [input], { dim }) => {
    const x = input as Tensor;
    const [from, to] = [x.storage.cells, out.storage.cells];
    const [n, xStep, yStep] = [x.shape[dim], x.strides[dim], out.strides[dim]];
    const walk = { sizes: x.shape.toSpliced(dim, 1), strides: [x.strides.toSpliced(dim, 1), out.strides.toSpliced(dim, 1)] };
    const powers = new Float64Array(n);
    walkOuter(walk, 0, [x.offset, out.offset], ([at, put]) => {
      let max = -Infinity;
      for (let i = 0; i < n; i++) max = Math.max(max, from[at + i * xStep]);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        powers[i] = Math.exp(from[at + i * xStep] - max);
        sum += powers[i];
      }
      if (log) {
        const shift = Math.log(sum);
        for (let i = 0; i < n; i++) to[put + i * yStep] = from[at + i * xStep] - max - shift;
      } else for (let i = 0; i < n; i++) to[put + i * yStep] = powers[i] / sum;
    });
  };
}

/** Gradient of softmax, `y·(g - Σ g·y)`, or of its logarithm, `g - exp(y)·Σ g`, along one dimension, from the output `y`. */
export function softmaxBackwardKernel(log: boolean): Kernel<DimAttrs> {
  return ([out], inputs, { dim }) => {
    const [g, y] = inputs as readonly Tensor[];
    const [gs, ys, to] = [g.storage.cells, y.storage.cells, out.storage.cells];
    const [n, gStep, yStep, step] = [g.shape[dim], g.strides[dim], y.strides[dim], out.strides[dim]];
    const walk = { sizes: g.shape.toSpliced(dim, 1), strides: [g, y, out].map((t) => t.strides.toSpliced(dim, 1)) };
    walkOuter(walk, 0, [g.offset, y.offset, out.offset], ([gAt, yAt, put]) => {
      let sum = 0;
      if (log) {
        for (let i = 0; i < n; i++) sum += gs[gAt + i * gStep];
        for (let i = 0; i < n; i++) to[put + i * step] = gs[gAt + i * gStep] - Math.exp(ys[yAt + i * yStep]) * sum;
      } else {
        for (let i = 0; i < n; i++) sum += gs[gAt + i * gStep] * ys[yAt + i * yStep];
        for (let i = 0; i < n; i++) to[put + i * step] = ys[yAt + i * yStep] * (gs[gAt + i * gStep] - sum);
      }
    });
  };
}

import type { Kernel } from '../../core/op.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Backend, Block } from '../backend.ts';
import { fill, rowMajor, storageOf } from '../launch.ts';
import { type Lines, type Span, elements, linesAlong, totals, whole } from './lines.ts';

interface DimAttrs {
  readonly dim: number;
}

/** The largest of each line, and the sum of the exponentials of the distances to it. */
export function softmaxTotals(backend: Backend, lines: Lines, x: Span): { readonly most: Block; readonly sum: Block } {
  const most = totals(backend, 'max', lines, { name: 'x', arrays: { x }, value: 'x(at)' });
  const sum = totals(backend, 'sum', lines, { name: 'exp(x - most)', arrays: { x, most: whole(most) }, value: 'expOf(x(at) - most(line))' });
  return { most, sum };
}

/** Softmax along a dimension, or its logarithm. */
export function softmax(log: boolean): Kernel<DimAttrs> {
  return ([out], [input], { dim }) => {
    const x = input as Tensor;
    if (x.numel() === 0) return;
    const { backend } = storageOf(x);
    const lines = linesAlong(x.shape, dim);
    const rows = rowMajor(x);
    const { most, sum } = softmaxTotals(backend, lines, rows);
    const arrays = { x: rows, most: whole(most), sum: whole(sum) };
    fill(out, elements(backend, lines, log
      ? { name: 'logSoftmax', arrays, value: 'x(at) - most(line) - ln(sum(line))' }
      : { name: 'softmax', arrays, value: 'expOf(x(at) - most(line)) / sum(line)' }));
    backend.free(most);
    backend.free(sum);
    rows.done();
  };
}

/** Gradient of softmax, `y·(g - Σ g·y)`, or of its logarithm, `g - exp(y)·Σ g`, from the output `y`. */
export function softmaxBackward(log: boolean): Kernel<DimAttrs> {
  return ([out], inputs, { dim }) => {
    const [g, y] = inputs as readonly Tensor[];
    if (g.numel() === 0) return;
    const { backend } = storageOf(g);
    const lines = linesAlong(g.shape, dim);
    const [gs, ys] = [rowMajor(g), rowMajor(y)];
    const sum = totals(backend, 'sum', lines, log ? { name: 'x', arrays: { x: gs }, value: 'x(at)' } : { name: 'x y', arrays: { x: gs, y: ys }, value: 'x(at) * y(at)' });
    const arrays = { g: gs, y: ys, sum: whole(sum) };
    fill(out, elements(backend, lines, log
      ? { name: 'logSoftmaxBackward', arrays, value: 'g(at) - expOf(y(at)) * sum(line)' }
      : { name: 'softmaxBackward', arrays, value: 'y(at) * (g(at) - sum(line))' }));
    backend.free(sum);
    gs.done();
    ys.done();
  };
}

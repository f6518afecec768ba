import type { Kernel } from '../../core/op.ts';
import { Tensor } from '../../core/tensor.ts';
import { fill, rowMajor, storageOf } from '../launch.ts';
import { type Lines, elements, totals, whole } from './lines.ts';

interface DimsAttrs {
  readonly dims: readonly number[];
}

/** The tensor with the reduced dimensions last, as lines along them. */
function groupsOf(x: Tensor, dims: readonly number[]): { readonly turned: Tensor; readonly lines: Lines } {
  const kept = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const order = [...kept, ...dims];
  const turned = new Tensor(x.storage, order.map((d) => x.shape[d]), order.map((d) => x.strides[d]), x.offset);
  const n = dims.reduce((total, d) => total * x.shape[d], 1);
  return { turned, lines: { pre: kept.reduce((total, d) => total * x.shape[d], 1), n, post: 1 } };
}

/** Variance over dimensions, or its root. */
export function variance(root: boolean): Kernel<DimsAttrs & { readonly correction: number }> {
  return ([out], [input], { dims, correction }) => {
    if (out.numel() === 0) return;
    const { turned, lines } = groupsOf(input as Tensor, dims);
    const { backend } = storageOf(turned);
    const rows = rowMajor(turned);
    const sums = totals(backend, 'sum', lines, { name: 'x', arrays: { x: rows }, value: 'x(at)' });
    const squares = totals(backend, 'sum', lines, {
      name: '(x - sum / n)²', arrays: { x: rows, sum: whole(sums) }, body: 'const d = x(at) - sum(line) / n;', value: 'd * d',
    });
    const each: Lines = { pre: lines.pre, n: 1, post: 1 };
    const divisor = Math.max(0, lines.n - correction);
    fill(out, elements(backend, each, { name: `over ${root}`, arrays: { x: whole(squares) }, floats: { divisor }, value: root ? 'Math.sqrt(x(at) / divisor)' : 'x(at) / divisor' }));
    backend.free(sums);
    backend.free(squares);
    rows.done();
  };
}

/** `log Σ exp(x)`, shifted by the largest; infinite where that is. */
export const logsumexp: Kernel<DimsAttrs> = ([out], [input], { dims }) => {
  if (out.numel() === 0) return;
  const { turned, lines } = groupsOf(input as Tensor, dims);
  const { backend } = storageOf(turned);
  const rows = rowMajor(turned);
  const most = totals(backend, 'max', lines, { name: 'x', arrays: { x: rows }, value: 'x(at)' });
  const sum = totals(backend, 'sum', lines, { name: 'exp(x - most)', arrays: { x: rows, most: whole(most) }, value: 'expOf(x(at) - most(line))' });
  fill(out, elements(backend, { pre: lines.pre, n: 1, post: 1 }, {
    name: 'logsumexp', arrays: { most: whole(most), sum: whole(sum) }, floats: { infinity: Infinity }, body: 'const m = most(at); let y = m + ln(sum(at)); if (m === infinity || m === -infinity) { y = m; }', value: 'y',
  }));
  backend.free(most);
  backend.free(sum);
  rows.done();
};

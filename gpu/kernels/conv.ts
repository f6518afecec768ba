import type { ConvGeometry } from '../../core/cpu/frame.ts';
import type { Kernel } from '../../core/op.ts';
import type { Operand } from '../../core/tape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { fill, launch, rowMajor, runOn, storageOf } from '../launch.ts';
import { type Source, sourceOf } from '../source.ts';
import { type Span, totals, whole } from './lines.ts';

// All three are sums of x[n, c, p·stride - padding + k·dilation] · weight[o, c, k] · y[n, o, p], each gathered by the thread that makes one element.

const sizes = ['ic', 'oc', 'depth', 'rows', 'ih', 'iw', 'oh', 'ow', 'kh', 'kw', 'sh', 'sw', 'ph', 'pw', 'dh', 'dw'];

function numbers({ inChannels, outChannels, groups, input, output, kernel, stride, padding, dilation }: ConvGeometry): number[] {
  return [inChannels, outChannels, inChannels / groups, outChannels / groups, ...input, ...output, ...kernel, ...stride, ...padding, ...dilation];
}

/** Place (n, c, i, j) of the thread in an image tensor of the named sizes. */
const split = (thread: string, channels: string, height: string, width: string): string =>
  `const l1 = idiv(${thread}, ${width}); const j = ${thread} - l1 * ${width}; const l2 = idiv(l1, ${height}); const i = l1 - l2 * ${height}; const n = idiv(l2, ${channels}); const c = l2 - n * ${channels};`;

/** A bias per channel `c`, where there is one. */
function biasOf(bias: Operand | undefined): { readonly arrays: readonly Span[]; readonly names: readonly string[]; readonly start: string } {
  if (bias === undefined || typeof bias === 'number') return { arrays: [], names: [], start: '0' };
  return { arrays: [rowMajor(bias)], names: ['bias'], start: 'bias[biaso + c]' };
}

function write(kernel: Omit<Source, 'name' | 'integers' | 'floats'>): Omit<Source, 'name'> {
  return { ...kernel, integers: [...sizes, ...kernel.arrays.map((name) => `${name}o`)], floats: [] };
}

/** `y[n, o, p] = bias[o] + Σ x[n, c, p·stride - padding + k·dilation] · weight[o, c, k]`. */
export const conv: Kernel<ConvGeometry> = ([out], [input, weight, bias], geometry) => {
  const [x, w, b] = [rowMajor(input as Tensor), rowMajor(weight as Tensor), biasOf(bias)];
  const source = sourceOf(`conv ${b.names.join('')}`, () => write({
    arrays: ['x', 'w', ...b.names],
    body: `${split('this.thread.x', 'oc', 'oh', 'ow')} const g = idiv(c, rows); let total = ${b.start};`
      + ' for (let d = 0; d < depth; d++) { for (let u = 0; u < kh; u++) { const y = i * sh - ph + u * dh; if (y >= 0 && y < ih) { const from = xo + ((n * ic + g * depth + d) * ih + y) * iw; const at = wo + ((c * depth + d) * kh + u) * kw;'
      + ' for (let v = 0; v < kw; v++) { const z = j * sw - pw + v * dw; if (z >= 0 && z < iw) { total = total + x[from + z] * w[at + v]; } } } } } return total;',
  }));
  const spans = [x, w, ...b.arrays];
  launch(source, out, { arrays: spans.map(({ block }) => block), integers: [...numbers(geometry), ...spans.map(({ offset }) => offset)] });
  x.done();
  w.done();
};

/** The gradient to the input, which is the transposed convolution: it spreads `y` over `x`. */
export const convInput: Kernel<ConvGeometry> = ([out], [grads, weight, bias], geometry) => {
  const [y, w, b] = [rowMajor(grads as Tensor), rowMajor(weight as Tensor), biasOf(bias)];
  const source = sourceOf(`convTranspose ${b.names.join('')}`, () => write({
    arrays: ['y', 'w', ...b.names],
    body: `${split('this.thread.x', 'ic', 'ih', 'iw')} const g = idiv(c, depth); const d = c - g * depth; let total = ${b.start};`
      + ' for (let r = 0; r < rows; r++) { for (let u = 0; u < kh; u++) { const a = i + ph - u * dh; let p = 0; if (a > 0) { p = idiv(a, sh); } if (p * sh === a && p < oh) { const from = yo + ((n * oc + g * rows + r) * oh + p) * ow; const at = wo + (((g * rows + r) * depth + d) * kh + u) * kw;'
      + ' for (let v = 0; v < kw; v++) { const e = j + pw - v * dw; let q = 0; if (e > 0) { q = idiv(e, sw); } if (q * sw === e && q < ow) { total = total + y[from + q] * w[at + v]; } } } } } return total;',
  }));
  const spans = [y, w, ...b.arrays];
  launch(source, out, { arrays: spans.map(({ block }) => block), integers: [...numbers(geometry), ...spans.map(({ offset }) => offset)] });
  y.done();
  w.done();
};

/** The gradient to the weight: a sum per image, then over the images. */
export const convWeight: Kernel<ConvGeometry> = ([out], [input, grads], geometry) => {
  if (out.numel() === 0) return;
  const { backend } = storageOf(out);
  const [x, y] = [rowMajor(input as Tensor), rowMajor(grads as Tensor)];
  const source = sourceOf('convWeight', () => ({
    ...write({
      arrays: ['x', 'y'],
      body: 'const n = idiv(this.thread.x, weights); const rest = this.thread.x - n * weights; const l1 = idiv(rest, kw); const v = rest - l1 * kw; const l2 = idiv(l1, kh); const u = l1 - l2 * kh; const o = idiv(l2, depth); const d = l2 - o * depth; const g = idiv(o, rows); let total = 0;'
        + ' for (let i = 0; i < oh; i++) { const z = i * sh - ph + u * dh; if (z >= 0 && z < ih) { const from = xo + ((n * ic + g * depth + d) * ih + z) * iw; const at = yo + ((n * oc + o) * oh + i) * ow;'
        + ' for (let j = 0; j < ow; j++) { const e = j * sw - pw + v * dw; if (e >= 0 && e < iw) { total = total + x[from + e] * y[at + j]; } } } } return total;',
    }),
    integers: [...sizes, 'xo', 'yo', 'weights'],
  }));
  const weights = out.numel();
  const { batch } = geometry;
  if (batch === 0) {
    fill(out, totals(backend, 'sum', { pre: weights, n: 0, post: 1 }, { name: 'x', arrays: { x }, value: 'x(at)' }));
  } else {
    const each = runOn(backend, source, batch * weights, { arrays: [x.block, y.block], integers: [...numbers(geometry), x.offset, y.offset, weights] });
    fill(out, totals(backend, 'sum', { pre: 1, n: batch, post: weights }, { name: 'x', arrays: { x: whole(each) }, value: 'x(at)' }));
    backend.free(each);
  }
  x.done();
  y.done();
};

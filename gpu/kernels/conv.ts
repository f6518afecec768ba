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

/** Statements for the range `[<k>Low, <k>Low + <k>Count)` of whole numbers `k` below `count` with `0 <= from + k·step < size`. */
const within = (k: string, from: string, step: string, size: string, count: string): string =>
  `let ${k}Low = 0; if (${from} < 0) { ${k}Low = idiv(${step} - 1 - (${from}), ${step}); } let ${k}Count = 0; if (${from} < ${size}) { ${k}Count = idiv(${size} - 1 - (${from}), ${step}) + 1; }`
  + ` if (${k}Count > ${count}) { ${k}Count = ${count}; } ${k}Count = ${k}Count - ${k}Low;`;

/**
 * Statements for the places of `y` whose windows have `place` (counted from the start of the padding) in them: `<p>Last`, the last of them, whose window
 * begins `<p>First` before it, and how many there are, `<p>Count`.
 */
const reaching = (p: string, place: string, stride: string, size: string, kernel: string, dilation: string): string =>
  `let ${p}Last = idiv(${place}, ${stride}); if (${p}Last >= ${size}) { ${p}Last = ${size} - 1; } const ${p}First = ${place} - ${p}Last * ${stride}; const ${p}Span = (${kernel} - 1) * ${dilation} - ${p}First;`
  + ` let ${p}Count = 0; if (${p}Span >= 0) { ${p}Count = idiv(${p}Span, ${stride}) + 1; } if (${p}Count > ${p}Last + 1) { ${p}Count = ${p}Last + 1; }`;

function write(kernel: Omit<Source, 'name' | 'integers' | 'floats'>): Omit<Source, 'name'> {
  return { ...kernel, integers: [...sizes, ...kernel.arrays.map((name) => `${name}o`)], floats: [] };
}

/** `y[n, o, p] = bias[o] + Σ x[n, c, p·stride - padding + k·dilation] · weight[o, c, k]`. */
export const conv: Kernel<ConvGeometry> = ([out], [input, weight, bias], geometry) => {
  const [x, w, b] = [rowMajor(input as Tensor), rowMajor(weight as Tensor), biasOf(bias)];
  const source = sourceOf(`conv ${b.names.join('')}`, () => write({
    arrays: ['x', 'w', ...b.names],
    body: `${split('this.thread.x', 'oc', 'oh', 'ow')} const g = idiv(c, rows); const top = i * sh - ph; const left = j * sw - pw; ${within('u', 'top', 'dh', 'ih', 'kh')} ${within('v', 'left', 'dw', 'iw', 'kw')} let total = ${b.start};`
      + ' for (let d = 0; d < depth; d++) { let line = xo + ((n * ic + g * depth + d) * ih + top + uLow * dh) * iw + left + vLow * dw; let entry = wo + ((c * depth + d) * kh + uLow) * kw + vLow;'
      + ' for (let u = 0; u < uCount; u++) { let from = line; let at = entry; for (let v = 0; v < vCount; v++) { total = total + x[from] * w[at]; from = from + dw; at = at + 1; } line = line + dh * iw; entry = entry + kw; } } return total;',
  }));
  const spans = [x, w, ...b.arrays];
  launch(source, out, { arrays: spans.map(({ block }) => block), integers: [...numbers(geometry), ...spans.map(({ offset }) => offset)] });
  x.done();
  w.done();
};

/** The gradient to the input, which is the transposed convolution: it spreads `y` over `x`. A thread goes through the places of `y` that reach its own, last one first. */
export const convInput: Kernel<ConvGeometry> = ([out], [grads, weight, bias], geometry) => {
  const [y, w, b] = [rowMajor(grads as Tensor), rowMajor(weight as Tensor), biasOf(bias)];
  const dilated = geometry.dilation.some((d) => d > 1);
  // Between the elements of a dilated kernel there is nothing.
  const entry = (k: string, distance: string, dilation: string, then: string): string =>
    (dilated ? `const ${k} = idiv(${distance}, ${dilation}); if (${k} * ${dilation} === ${distance}) { ${then} }` : `const ${k} = ${distance}; ${then}`);
  const inner = entry('v', 'b', 'dw', 'total = total + y[line - q] * w[at + v];');
  const source = sourceOf(`convTranspose ${b.names.join('')}${dilated ? ' dilated' : ''}`, () => write({
    arrays: ['y', 'w', ...b.names],
    body: `${split('this.thread.x', 'ic', 'ih', 'iw')} const g = idiv(c, depth); const k = c - g * depth; ${reaching('p', 'i + ph', 'sh', 'oh', 'kh', 'dh')} ${reaching('q', 'j + pw', 'sw', 'ow', 'kw', 'dw')} let total = ${b.start};`
      + ` for (let r = 0; r < rows; r++) { const o = g * rows + r; for (let p = 0; p < pCount; p++) { const a = pFirst + p * sh; ${entry('u', 'a', 'dh', `const line = yo + ((n * oc + o) * oh + pLast - p) * ow + qLast; const at = wo + ((o * depth + k) * kh + u) * kw;`
      + ` for (let q = 0; q < qCount; q++) { const b = qFirst + q * sw; ${inner} }`)} } } return total;`,
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
      body: 'const n = idiv(this.thread.x, weights); const rest = this.thread.x - n * weights; const l1 = idiv(rest, kw); const v = rest - l1 * kw; const l2 = idiv(l1, kh); const u = l1 - l2 * kh; const o = idiv(l2, depth); const d = l2 - o * depth; const g = idiv(o, rows);'
        + ` const top = u * dh - ph; const left = v * dw - pw; ${within('i', 'top', 'sh', 'ih', 'oh')} ${within('j', 'left', 'sw', 'iw', 'ow')} let total = 0;`
        + ' let line = xo + ((n * ic + g * depth + d) * ih + top + iLow * sh) * iw + left + jLow * sw; let entry = yo + ((n * oc + o) * oh + iLow) * ow + jLow;'
        + ' for (let i = 0; i < iCount; i++) { let from = line; let at = entry; for (let j = 0; j < jCount; j++) { total = total + x[from] * y[at]; from = from + sw; at = at + 1; } line = line + sh * iw; entry = entry + ow; } return total;',
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

import type { ScanAttrs } from '../../core/cpu/scan.ts';
import type { Kernel } from '../../core/op.ts';
import type { Tensor } from '../../core/tensor.ts';
import { launch, rowMajor } from '../launch.ts';
import { sourceOf } from '../source.ts';
import { linesAlong } from './lines.ts';

// A thread makes one entry from all before it. That is more work than one pass, and needs nothing of its neighbours.

/** Place `i` of line (p, q), its distance from where the scan starts, and a loop over entries `at` from there to it. */
const walk = (reverse: boolean, body: string, finish: string): string =>
  'const rows = idiv(this.thread.x, post); const q = this.thread.x - rows * post; const p = idiv(rows, n); const i = rows - p * n; const base = p * n * post + q;'
  + ` const far = ${reverse ? 'n - 1 - i' : 'i'}; for (let k = 0; k < n; k++) { if (k <= far) { const at = base + ${reverse ? '(n - 1 - k)' : 'k'} * post; ${body} } } ${finish}`;

function scanned(name: string, start: string, body: string): Kernel<ScanAttrs> {
  return ([out], inputs, { dim, reverse }) => {
    const operands = (inputs as readonly Tensor[]).map(rowMajor);
    const arrays = ['a', 'b'].slice(0, operands.length);
    const { n, post } = linesAlong(out.shape, dim);
    const source = sourceOf(`${name} ${reverse}`, () => ({
      arrays, integers: ['n', 'post', ...arrays.map((a) => `${a}o`)], floats: [], body: `let total = ${start}; ${walk(reverse, body, 'return total;')}`,
    }));
    launch(source, out, { arrays: operands.map(({ block }) => block), integers: [n, post, ...operands.map(({ offset }) => offset)] });
    for (const operand of operands) operand.done();
  };
}

/** Running sum along a dimension. */
export const cumsum: Kernel<ScanAttrs> = scanned('cumsum', '0', 'total = total + a[ao + at];');
/** Running product along a dimension. */
export const cumprod: Kernel<ScanAttrs> = scanned('cumprod', '1', 'total = total * a[ao + at];');
/** `y[t] = a[t]·y[t-1] + b[t]` along a dimension, from 0. */
export const recurrence: Kernel<ScanAttrs> = scanned('recurrence', '0', 'total = a[ao + at] * total + b[bo + at];');

/** Every entry one place on along a dimension, in scan order; `first` comes in. */
export const delay: Kernel<ScanAttrs & { readonly first: number }> = ([out], [input], { dim, reverse, first }) => {
  const x = rowMajor(input as Tensor);
  const { n, post } = linesAlong(out.shape, dim);
  const source = sourceOf(`delay ${reverse}`, () => ({
    arrays: ['a'],
    integers: ['n', 'post', 'ao'],
    floats: ['first'],
    body: 'const rows = idiv(this.thread.x, post); const i = rows - idiv(rows, n) * n;'
      + ` let from = this.thread.x ${reverse ? '+' : '-'} post; let edge = 0; if (i === ${reverse ? 'n - 1' : '0'}) { edge = 1; from = 0; } const v = a[ao + from]; return edge > 0.5 ? first : v;`,
  }));
  launch(source, out, { arrays: [x.block], integers: [n, post, x.offset], floats: [first] });
  x.done();
};

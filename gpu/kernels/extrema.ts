import type { Kernel } from '../../core/op.ts';
import type { Tensor } from '../../core/tensor.ts';
import { launch, rowMajor } from '../launch.ts';
import { sourceOf } from '../source.ts';
import { linesAlong } from './lines.ts';

/** Largest or smallest entry along one dimension and where it stands, or where alone: the first of equal ones, the first NaN where there is one. */
export function extreme(largest: boolean): Kernel<{ readonly dim: number }> {
  return (outputs, [input], { dim }) => {
    const x = input as Tensor;
    const rows = rowMajor(x);
    const { n, post } = linesAlong(x.shape, dim);
    outputs.forEach((out, k) => {
      const wanted = k === outputs.length - 1 ? 'where' : 'best';
      const source = sourceOf(`extreme ${largest} ${wanted}`, () => ({
        arrays: ['x'],
        integers: ['xo', 'n', 'post'],
        floats: [],
        body: 'const p = idiv(this.thread.x, post); const q = this.thread.x - p * post; const from = xo + p * n * post + q; let best = x[from]; let where = 0;'
          + ` for (let i = 1; i < n; i++) { const v = x[from + i * post]; if ((v ${largest ? '>' : '<'} best || isNan(v) > 0.5) && isNan(best) < 0.5) { best = v; where = i; } } return ${wanted};`,
      }));
      launch(source, out, { arrays: [rows.block], integers: [rows.offset, n, post] });
    });
    rows.done();
  };
}

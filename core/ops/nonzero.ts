import { countNonzero, nonzeroKernel } from '../cpu/gather.ts';
import { checkOptions } from '../errors.ts';
import { apply, primitive } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Method, checkTensor, method } from './define.ts';
import { reshape, select } from './view.ts';

const nonzeroOp = primitive({
  name: 'nonzero',
  infer: ([input]) => {
    const x = input as Tensor;
    return { shape: [countNonzero(x), x.ndim], dtype: 'int64' };
  },
  cpu: nonzeroKernel,
});

interface Nonzero {
  (x: Tensor, options: { readonly asTuple: true }): Tensor[];
  (x: Tensor, options?: { readonly asTuple?: false }): Tensor;
}

/**
 * Positions of the elements that are not 0, in row-major order: int64[n, rank], one position a row; with `asTuple` one
 * int64[n] per dimension, as `index` takes them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nonzero.html
 */
export const nonzero: Method<Nonzero> = method(
  { name: 'nonzero', family: 'indexing', differentiable: false, samples: (s) => [[s.bool([2, 3])], [s.int([4], 0, 3)], [s.values([1], [])], [s.float([0, 2])]] },
  ((x: Tensor, options?: { readonly asTuple?: boolean }): Tensor | Tensor[] => {
    checkTensor('nonzero', x);
    checkOptions('nonzero', options, ['asTuple']);
    if (options?.asTuple !== true) return apply(nonzeroOp, [x], undefined);
    const rows = apply(nonzeroOp, [x.ndim === 0 ? reshape(x, [1]) : x], undefined);
    return Array.from({ length: Math.max(1, x.ndim) }, (_, d) => select(rows, 1, d));
  }) as Nonzero,
);

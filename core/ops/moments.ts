import { reduceKernel } from '../cpu/reduce.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';
import { e } from '../expr.ts';
import { apply, primitive } from '../op.ts';
import { normalizeDims, reducedShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type Method, type Samples, checkTensor, method } from './define.ts';
import { type Dims, type PlainReduceOptions, spread } from './reduce.ts';

const family = 'reduction';

/** Options of `variance` and `std`. */
export interface MomentOptions extends PlainReduceOptions {
  /** Subtracted from the number of elements in the divisor; default 1 (Bessel's correction). */
  readonly correction?: number;
  /** The older name: true is correction 1, false correction 0. */
  readonly unbiased?: boolean;
}

function checkFloat(name: string, x: unknown): asserts x is Tensor {
  checkTensor(name, x);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
}

/** Sum of squared distances from the mean over `n - correction`, in two passes. */
function varianceOf(name: string, x: Tensor, dim: Dims, options: MomentOptions | undefined): Tensor {
  checkFloat(name, x);
  checkOptions(name, options, ['correction', 'unbiased', 'keepdim']);
  if (options?.correction !== undefined && options.unbiased !== undefined) {
    throw new ArgumentError(`${name}: both correction and unbiased, got ${options.correction} and ${options.unbiased}; expected one of them`);
  }
  const correction = options?.correction ?? (options?.unbiased === false ? 0 : 1);
  const dims = normalizeDims(name, dim, x.ndim);
  const n = dims.reduce((size, d) => size * x.shape[d], 1);
  const centred = x.sub(x.mean(dims, { keepdim: true }));
  return centred.square().sum(dims, { keepdim: options?.keepdim ?? false }).div(Math.max(0, n - correction));
}

/** Root with gradient 0 at 0. */
function safeSqrt(v: Tensor): Tensor {
  const zero = v.eq(0);
  return v.maskedFill(zero, 1).sqrt().maskedFill(zero, 0);
}

type Moment = Method<(x: Tensor, dim?: Dims, options?: MomentOptions) => Tensor>;

const samples: Samples = (s) => [[s.float([2, 3])], [s.float([2, 3, 4]), 1], [s.float([2, 3]), [0], { keepdim: true }], [s.float([3, 4]), 1, { unbiased: false }]];

/** Variance over dimensions: `Σ (x - mean)² / (n - correction)`. The function is `variance`, the method `x.var()`. @see https://pytorch.org/docs/stable/generated/torch.var.html */
export const variance: Moment = method({ name: 'var', family, samples }, (x: Tensor, dim?: Dims, options?: MomentOptions): Tensor => varianceOf('var', x, dim, options));

/** Standard deviation over dimensions: the root of the variance; gradient 0 where it is 0. @see https://pytorch.org/docs/stable/generated/torch.std.html */
export const std: Moment = method({ name: 'std', family, samples }, (x: Tensor, dim?: Dims, options?: MomentOptions): Tensor => safeSqrt(varianceOf('std', x, dim, options)));

/** `log Σ exp(x)` over dimensions, shifted by the largest element so that nothing overflows. @see https://pytorch.org/docs/stable/generated/torch.logsumexp.html */
export const logsumexp: Method<(x: Tensor, dim: number | readonly number[], options?: PlainReduceOptions) => Tensor> = method(
  { name: 'logsumexp', family, samples: (s) => [[s.float([2, 3]), 1], [s.float([2, 3, 4]), [0, 2]], [s.float([2, 3]), 0, { keepdim: true }]] },
  (x: Tensor, dim: number | readonly number[], options?: PlainReduceOptions): Tensor => {
    checkFloat('logsumexp', x);
    checkOptions('logsumexp', options, ['keepdim']);
    const dims = normalizeDims('logsumexp', dim, x.ndim);
    const keepdim = options?.keepdim ?? false;
    if (x.numel() === 0) return x.exp().sum(dims, { keepdim }).log();
    const top = x.detach().amax(dims, { keepdim: true });
    const shift = top.maskedFill(top.isinf(), 0);
    return x.sub(shift).exp().sum(dims, { keepdim }).log().add(shift.reshape(reducedShape(x.shape, dims, keepdim)));
  },
);

const norm2Op = primitive<{ readonly dims: readonly number[]; readonly keepdim: boolean }>({
  name: 'norm2',
  infer: ([x], { dims, keepdim }) => ({ shape: reducedShape((x as Tensor).shape, dims, keepdim), dtype: (x as Tensor).dtype }),
  cpu: reduceKernel({ start: 0, step: (total, x) => e.add(total, e.mul(x, x)), finish: e.sqrt }),
  saves: 'both',
  backward: [
    (g, node) => {
      const y = node.output();
      const zero = y.eq(0);
      return node.input(0).mul(spread(g.div(y.maskedFill(zero, 1)).maskedFill(zero, 0), node));
    },
  ],
});

/**
 * p-norm over dimensions, `(Σ |x|^p)^(1/p)`: 2 by default ('fro' is the same), also ±Infinity (largest, smallest), 1 and 0 (count of non-zeros).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.norm.html
 */
export const norm: Method<(x: Tensor, p?: number | 'fro', dim?: Dims, options?: PlainReduceOptions) => Tensor> = method(
  { name: 'norm', family, samples: (s) => [[s.float([2, 3])], [s.float([2, 3]), 1], [s.float([2, 3]), 3, 1], [s.float([2, 3]), 2, 0, { keepdim: true }], [s.float([2, 3]), Infinity, 1], [s.float([2, 3]), 'fro']] },
  (x: Tensor, p: number | 'fro' = 2, dim?: Dims, options?: PlainReduceOptions): Tensor => {
    checkFloat('norm', x);
    checkOptions('norm', options, ['keepdim']);
    const keepdim = options?.keepdim ?? false;
    const dims = normalizeDims('norm', dim, x.ndim);
    if (p === 'fro' || p === 2) return apply(norm2Op, [x], { dims, keepdim });
    if (typeof p !== 'number' || Number.isNaN(p)) throw new ArgumentError(`norm: unknown order, got ${show(p)}; expected a number or 'fro'`);
    if (p === Infinity) return x.abs().amax(dims, { keepdim });
    if (p === -Infinity) return x.abs().amin(dims, { keepdim });
    if (p === 0) return x.ne(0).to(x.dtype).sum(dims, { keepdim });
    if (p === 1) return x.abs().sum(dims, { keepdim });
    return x.abs().pow(p).sum(dims, { keepdim }).pow(1 / p);
  },
);

import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { apply } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, checkTensor, free, pointwise } from './define.ts';

/** How `gelu` is computed: with erf, or with tanh. */
export type GeluApproximation = 'none' | 'tanh';

/** Options of `gelu`. */
export interface GeluOptions {
  /** 'none' (default) is exact, 'tanh' the usual approximation. */
  readonly approximate?: GeluApproximation;
}

const ROOT = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

const byTanh = (x: Expr): Expr => e.mul(e.mul(0.5, x), e.add(1, e.tanh(e.mul(ROOT, e.add(x, e.mul(CUBIC, e.mul(x, e.mul(x, x))))))));
const byErf = (x: Expr): Expr => e.mul(e.mul(0.5, x), e.erfc(e.mul(x, -Math.SQRT1_2)));

const geluOp = pointwise<GeluApproximation>({
  name: 'gelu',
  accepts: (t) => {
    if (!isFloat(t)) throw new DTypeError(`gelu: not a float tensor, got ${t}; expected float32 or float64`);
  },
  key: (approximate) => approximate,
  expr: (approximate, x) => (approximate === 'tanh' ? byTanh(x) : byErf(x)),
  saves: 'inputs',
  backward: [
    (g, n) => {
      const x = n.input(0);
      if (n.attrs === 'none') {
        const cdf = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
        return g.mul(cdf.add(x.mul(x.square().mul(-0.5).exp()).mul(1 / Math.sqrt(2 * Math.PI))));
      }
      const square = x.square();
      const t = x.mul(square.mul(CUBIC).add(1)).mul(ROOT).tanh();
      const slope = square.mul(3 * CUBIC).add(1).mul(ROOT);
      return g.mul(t.add(1).mul(0.5).add(x.mul(0.5).mul(t.square().rsub(1)).mul(slope)));
    },
  ],
});

/**
 * Gaussian error linear unit `x·Φ(x)`, with Φ the normal distribution function.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html
 */
export const gelu: Free<(x: Tensor, options?: GeluOptions) => Tensor> = free(
  { name: 'gelu', family: 'activation', torch: 'nn.functional.gelu', samples: (s) => [[s.float([2, 4], -3, 3)], [s.float([2, 4], -3, 3), { approximate: 'tanh' }], [s.float([])]] },
  (x: Tensor, options?: GeluOptions): Tensor => {
    checkTensor('gelu', x);
    checkOptions('gelu', options, ['approximate']);
    const approximate = options?.approximate ?? 'none';
    if (approximate !== 'none' && approximate !== 'tanh') throw new ArgumentError(`gelu: unknown approximation, got ${show(approximate)}; expected 'none' or 'tanh'`);
    return apply(geluOp, [x], approximate);
  },
);

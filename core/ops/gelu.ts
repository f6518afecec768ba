import { ArgumentError, checkOptions, show } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import type { Tensor } from '../tensor.ts';
import { type ValueAndSlope, atOnce } from './atOnce.ts';
import { type Free, checkTensor, free } from './define.ts';
import { floatsOnly, fused } from './fused.ts';

/** How `gelu` is computed: with erf, or with tanh. */
export type GeluApproximation = 'none' | 'tanh';

/** Options of `gelu`. */
export interface GeluOptions {
  /** 'none' (default) is exact, 'tanh' the usual approximation. */
  readonly approximate?: GeluApproximation;
}

const ROOT = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** The argument of tanh, in the form that value and slope share. */
const bent = (x: Expr): Expr => e.mul(ROOT, e.add(x, e.mul(CUBIC, e.mul(x, e.mul(x, x)))));
const byTanh = (x: Expr): Expr => e.mul(e.mul(0.5, x), e.add(1, e.tanh(bent(x))));
const byErf = (x: Expr): Expr => e.mul(x, e.normalCdf(x));

function slopeByTanh(x: Expr): Expr {
  const t = e.tanh(bent(x));
  const inner = e.mul(ROOT, e.add(1, e.mul(3 * CUBIC, e.mul(x, x))));
  return e.mul(0.5, e.add(e.add(1, t), e.mul(e.mul(x, e.sub(1, e.mul(t, t))), inner)));
}

function curvature(x: Tensor, approximate: GeluApproximation): Tensor {
  const square = x.square();
  if (approximate === 'none') return square.mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI)).mul(square.rsub(2));
  const t = x.mul(square.mul(CUBIC).add(1)).mul(ROOT).tanh();
  const inner = square.mul(3 * CUBIC).add(1).mul(ROOT);
  const bend = x.mul(6 * CUBIC * ROOT);
  return t.square().rsub(1).mul(inner.add(x.mul(0.5).mul(bend.sub(t.mul(inner.square()).mul(2)))));
}

const formulas: ValueAndSlope<GeluApproximation> = {
  key: (approximate) => approximate,
  value: (x, approximate) => (approximate === 'tanh' ? byTanh(x) : byErf(x)),
  slope: (x, approximate) => (approximate === 'tanh' ? slopeByTanh(x) : e.geluSlope(x)),
};

const geluOp = fused<GeluApproximation>({
  name: 'gelu',
  accepts: floatsOnly('gelu'),
  key: formulas.key,
  value: formulas.value,
  from: 'inputs',
  gradient: (g, x, approximate) => e.mul(g, formulas.slope(x, approximate)),
  curvature,
});

const applyGelu = atOnce(geluOp, formulas);

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
    return applyGelu(x, approximate);
  },
);

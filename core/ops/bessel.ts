import { toFloat } from '../dtype.ts';
import { type Expr, e } from '../expr.ts';
import type { Tensor } from '../tensor.ts';
import { type Samples, type Unary, unary } from './define.ts';
import { type FreeUnary, freeUnary, within } from './named.ts';

const both: Samples = within(-4, 4);
const positive: Samples = within(0.1, 4);

/** A slope that is ½ at 0, where its formula divides by 0. */
const halfAtZero = (x: Tensor, slope: (away: Tensor) => Tensor): Tensor => {
  const zero = x.eq(0);
  return slope(x.maskedFill(zero, 1)).maskedFill(zero, 0.5);
};

/** Modified Bessel function of the first kind of order 0. @see https://pytorch.org/docs/stable/special.html#torch.special.i0 */
export const i0: Unary = unary({ name: 'i0', cpu: e.i0, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(i1(n.input(0))), samples: both });

/** `exp(-|x|)·i0(x)`. @see https://pytorch.org/docs/stable/special.html#torch.special.i0e */
export const i0e: FreeUnary = freeUnary({
  name: 'special.i0e', torch: 'special.i0e', cpu: e.i0e, dtype: toFloat, saves: 'both', samples: both,
  backward: (g, n) => g.mul(i1e(n.input(0)).sub(n.input(0).sgn().mul(n.output()))),
});

/** Modified Bessel function of the first kind of order 1. @see https://pytorch.org/docs/stable/special.html#torch.special.i1 */
export const i1: FreeUnary = freeUnary({
  name: 'special.i1', torch: 'special.i1', cpu: e.i1, dtype: toFloat, saves: 'inputs', samples: both,
  backward: (g, n) => g.mul(halfAtZero(n.input(0), (x) => i0(x).sub(i1(x).div(x)))),
});

/** `exp(-|x|)·i1(x)`. @see https://pytorch.org/docs/stable/special.html#torch.special.i1e */
export const i1e: FreeUnary = freeUnary({
  name: 'special.i1e', torch: 'special.i1e', cpu: e.i1e, dtype: toFloat, saves: 'inputs', samples: both,
  backward: (g, n) => g.mul(halfAtZero(n.input(0), (x) => i0e(x).sub(i1e(x).mul(x.sgn().add(x.reciprocal()))))),
});

/** As in PyTorch, these have no derivatives. */
const plain = (name: string, torch: string, cpu: (x: Expr) => Expr, samples: Samples): FreeUnary => freeUnary({ name: `special.${name}`, torch: `special.${torch}`, cpu, dtype: toFloat, samples });

/** Bessel function of the first kind of order 0; not differentiable. @see https://pytorch.org/docs/stable/special.html#torch.special.bessel_j0 */
export const besselJ0: FreeUnary = plain('besselJ0', 'bessel_j0', e.j0, both);
/** Bessel function of the first kind of order 1; not differentiable. @see https://pytorch.org/docs/stable/special.html#torch.special.bessel_j1 */
export const besselJ1: FreeUnary = plain('besselJ1', 'bessel_j1', e.j1, both);
/** Bessel function of the second kind of order 0, NaN below 0; not differentiable. */
export const besselY0: FreeUnary = plain('besselY0', 'bessel_y0', e.y0, positive);
/** Bessel function of the second kind of order 1, NaN below 0; not differentiable. */
export const besselY1: FreeUnary = plain('besselY1', 'bessel_y1', e.y1, positive);
/** Modified Bessel function of the first kind of order 0, as `i0`; not differentiable. */
export const modifiedBesselI0: FreeUnary = plain('modifiedBesselI0', 'modified_bessel_i0', e.i0, both);
/** Modified Bessel function of the first kind of order 1, as `i1`; not differentiable. */
export const modifiedBesselI1: FreeUnary = plain('modifiedBesselI1', 'modified_bessel_i1', e.i1, both);
/** Modified Bessel function of the second kind of order 0, NaN below 0; not differentiable. */
export const modifiedBesselK0: FreeUnary = plain('modifiedBesselK0', 'modified_bessel_k0', e.k0, positive);
/** Modified Bessel function of the second kind of order 1, NaN below 0; not differentiable. */
export const modifiedBesselK1: FreeUnary = plain('modifiedBesselK1', 'modified_bessel_k1', e.k1, positive);
/** `exp(x)·modifiedBesselK0(x)`; not differentiable. */
export const scaledModifiedBesselK0: FreeUnary = plain('scaledModifiedBesselK0', 'scaled_modified_bessel_k0', e.k0e, positive);
/** `exp(x)·modifiedBesselK1(x)`; not differentiable. */
export const scaledModifiedBesselK1: FreeUnary = plain('scaledModifiedBesselK1', 'scaled_modified_bessel_k1', e.k1e, positive);
/** Spherical Bessel function of the first kind of order 0, `sin(x)/x`; not differentiable. */
export const sphericalBesselJ0: FreeUnary = plain('sphericalBesselJ0', 'spherical_bessel_j0', e.sphericalJ0, both);
/** Airy's function Ai; not differentiable. */
export const airyAi: FreeUnary = plain('airyAi', 'airy_ai', e.airyAi, within(-2, 5));

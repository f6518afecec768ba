import * as bessel from '../cpu/bessel.ts';
import * as modified from '../cpu/modifiedBessel.ts';
import { toFloat } from '../dtype.ts';
import { library1 } from '../expr.ts';
import type { Tensor } from '../tensor.ts';
import { type Samples, type Unary, type UnaryDefinition, unary } from './define.ts';
import { type FreeUnary, freeUnary, within } from './named.ts';

const i0Of = library1('i0', modified.i0);
const i1Of = library1('i1', modified.i1);

const both: Samples = within(-4, 4);
const positive: Samples = within(0.1, 3.4);

/** A slope that is ½ at 0, where its formula divides by 0. */
const halfAtZero = (x: Tensor, slope: (away: Tensor) => Tensor): Tensor => {
  const zero = x.eq(0);
  return slope(x.maskedFill(zero, 1)).maskedFill(zero, 0.5);
};

/** Modified Bessel function of the first kind of order 0. @see https://pytorch.org/docs/stable/special.html#torch.special.i0 */
export const i0: Unary = unary({ name: 'i0', cpu: i0Of, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(i1(n.input(0))), samples: both });

/** `exp(-|x|)·i0(x)`. @see https://pytorch.org/docs/stable/special.html#torch.special.i0e */
export const i0e: FreeUnary = freeUnary({
  name: 'special.i0e', torch: 'special.i0e', cpu: library1('i0e', modified.i0e), dtype: toFloat, saves: 'both', samples: both,
  backward: (g, n) => g.mul(i1e(n.input(0)).sub(n.input(0).sgn().mul(n.output()))),
});

/** Modified Bessel function of the first kind of order 1. @see https://pytorch.org/docs/stable/special.html#torch.special.i1 */
export const i1: FreeUnary = freeUnary({
  name: 'special.i1', torch: 'special.i1', cpu: i1Of, dtype: toFloat, saves: 'inputs', samples: both,
  backward: (g, n) => g.mul(halfAtZero(n.input(0), (x) => i0(x).sub(i1(x).div(x)))),
});

/** `exp(-|x|)·i1(x)`. @see https://pytorch.org/docs/stable/special.html#torch.special.i1e */
export const i1e: FreeUnary = freeUnary({
  name: 'special.i1e', torch: 'special.i1e', cpu: library1('i1e', modified.i1e), dtype: toFloat, saves: 'inputs', samples: both,
  backward: (g, n) => g.mul(halfAtZero(n.input(0), (x) => i0e(x).sub(i1e(x).mul(x.sgn().add(x.reciprocal()))))),
});

/** As in PyTorch, these have no derivatives. */
const plain = (d: Pick<UnaryDefinition, 'name' | 'torch' | 'cpu'> & { readonly samples: Samples }): FreeUnary => freeUnary({ ...d, dtype: toFloat });

/** Bessel function of the first kind of order 0; not differentiable. @see https://pytorch.org/docs/stable/special.html#torch.special.bessel_j0 */
export const besselJ0: FreeUnary = plain({ name: 'special.besselJ0', torch: 'special.bessel_j0', cpu: library1('j0', bessel.j0), samples: both });
/** Bessel function of the first kind of order 1; not differentiable. @see https://pytorch.org/docs/stable/special.html#torch.special.bessel_j1 */
export const besselJ1: FreeUnary = plain({ name: 'special.besselJ1', torch: 'special.bessel_j1', cpu: library1('j1', bessel.j1), samples: both });
/** Bessel function of the second kind of order 0, NaN below 0; not differentiable. @see https://pytorch.org/docs/stable/special.html */
export const besselY0: FreeUnary = plain({ name: 'special.besselY0', torch: 'special.bessel_y0', cpu: library1('y0', bessel.y0), samples: positive });
/** Bessel function of the second kind of order 1, NaN below 0; not differentiable. @see https://pytorch.org/docs/stable/special.html */
export const besselY1: FreeUnary = plain({ name: 'special.besselY1', torch: 'special.bessel_y1', cpu: library1('y1', bessel.y1), samples: positive });
/** Modified Bessel function of the first kind of order 0, as `i0`; not differentiable. @see https://pytorch.org/docs/stable/special.html */
export const modifiedBesselI0: FreeUnary = plain({ name: 'special.modifiedBesselI0', torch: 'special.modified_bessel_i0', cpu: i0Of, samples: both });
/** Modified Bessel function of the first kind of order 1, as `i1`; not differentiable. @see https://pytorch.org/docs/stable/special.html */
export const modifiedBesselI1: FreeUnary = plain({ name: 'special.modifiedBesselI1', torch: 'special.modified_bessel_i1', cpu: i1Of, samples: both });
/** Modified Bessel function of the second kind of order 0, NaN below 0; not differentiable. @see https://pytorch.org/docs/stable/special.html */
export const modifiedBesselK0: FreeUnary = plain({ name: 'special.modifiedBesselK0', torch: 'special.modified_bessel_k0', cpu: library1('k0', modified.k0), samples: positive });
/** Modified Bessel function of the second kind of order 1, NaN below 0; not differentiable. @see https://pytorch.org/docs/stable/special.html */
export const modifiedBesselK1: FreeUnary = plain({ name: 'special.modifiedBesselK1', torch: 'special.modified_bessel_k1', cpu: library1('k1', modified.k1), samples: positive });
/** `exp(x)·modifiedBesselK0(x)`; not differentiable. @see https://pytorch.org/docs/stable/special.html#torch.special.scaled_modified_bessel_k0 */
export const scaledModifiedBesselK0: FreeUnary = plain({ name: 'special.scaledModifiedBesselK0', torch: 'special.scaled_modified_bessel_k0', cpu: library1('k0e', modified.k0e), samples: positive });
/** `exp(x)·modifiedBesselK1(x)`; not differentiable. @see https://pytorch.org/docs/stable/special.html#torch.special.scaled_modified_bessel_k1 */
export const scaledModifiedBesselK1: FreeUnary = plain({ name: 'special.scaledModifiedBesselK1', torch: 'special.scaled_modified_bessel_k1', cpu: library1('k1e', modified.k1e), samples: positive });
/** Spherical Bessel function of the first kind of order 0, `sin(x)/x`; not differentiable. @see https://pytorch.org/docs/stable/special.html#torch.special.spherical_bessel_j0 */
export const sphericalBesselJ0: FreeUnary = plain({ name: 'special.sphericalBesselJ0', torch: 'special.spherical_bessel_j0', cpu: library1('sphericalJ0', bessel.sphericalJ0), samples: both });
/** Airy's function Ai; not differentiable. @see https://pytorch.org/docs/stable/special.html#torch.special.airy_ai */
export const airyAi: FreeUnary = plain({ name: 'special.airyAi', torch: 'special.airy_ai', cpu: library1('airyAi', bessel.airyAi), samples: within(-2, 5) });

// What PyTorch has in torch.special.
export { sigmoid as expit } from './ops/activation.ts';
export {
  airyAi, besselJ0, besselJ1, besselY0, besselY1, i0, i0e, i1, i1e, modifiedBesselI0, modifiedBesselI1, modifiedBesselK0, modifiedBesselK1, scaledModifiedBesselK0,
  scaledModifiedBesselK1, sphericalBesselJ0,
} from './ops/bessel.ts';
export { igamma as gammainc, igammac as gammaincc, mvlgamma as multigammaln, zeta } from './ops/gamma.ts';
export { logsumexp } from './ops/moments.ts';
export { entr, erfcx, logNdtr, ndtr, ndtri, xlog1py } from './ops/normalTail.ts';
export { erf, exp2, expm1, log1p, round } from './ops/pointwise.ts';
export {
  chebyshevPolynomialT, chebyshevPolynomialU, chebyshevPolynomialV, chebyshevPolynomialW, hermitePolynomialH, hermitePolynomialHe, laguerrePolynomialL, legendrePolynomialP,
  shiftedChebyshevPolynomialT, shiftedChebyshevPolynomialU, shiftedChebyshevPolynomialV, shiftedChebyshevPolynomialW,
} from './ops/polynomial.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export { digamma, erfc, erfinv, digamma as psi, lgamma as gammaln, logit, polygamma, sinc, xlogy } from './ops/special.ts';

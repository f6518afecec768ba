// What PyTorch has in torch.nn.utils and below it; gradient clipping lies among the optimizers.
export { parametersToVector, vectorToParameters } from './vector.ts';
export {
  type Parametrization, ParametrizationList, type ParametrizationOptions, isParametrized, registerParametrization, removeParametrizations,
} from './parametrize.ts';
export { type SpectralNormOptions, removeSpectralNorm, removeWeightNorm, spectralNorm, weightNorm } from './parametrizations.ts';
export { type OrthogonalMap, type OrthogonalOptions, orthogonal } from './orthogonal.ts';
export { fuseConvBnEval, fuseConvBnWeights, fuseLinearBnEval, fuseLinearBnWeights } from './fusion.ts';
export { skipInit } from './skipInit.ts';
export { PackedSequence, packPaddedSequence, packSequence, padPackedSequence, unpackSequence } from './packed.ts';
export { padSequence, unpadSequence } from './pad.ts';

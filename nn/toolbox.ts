// What PyTorch has in torch.nn.utils, torch.nn.utils.parametrize and torch.nn.utils.parametrizations; gradient clipping lies among the optimizers.
export { parametersToVector, vectorToParameters } from './vector.ts';
export {
  type Parametrization, ParametrizationList, type ParametrizationOptions, isParametrized, registerParametrization, removeParametrizations,
} from './parametrize.ts';
export { type SpectralNormOptions, spectralNorm, weightNorm } from './parametrizations.ts';

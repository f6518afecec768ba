// Functions of functions, as torch.func has them.
export { vmap } from '../core/func/vmap.ts';
export {
  type GradTransformOptions, type JacobianTransformOptions, type JvpTransformOptions, type VjpTransformOptions, grad, gradAndValue, hessian, jacfwd, jacrev, jvp, linearize, vjp,
} from '../core/func/transforms.ts';
export { type FunctionalCallOptions, functionalCall, stackModuleState } from './functionalCall.ts';
export { replaceAllBatchNormModules_ } from './replaceBatchNorm.ts';

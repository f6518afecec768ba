import { ArgumentError, show } from '../core/errors.ts';
import { AnyBatchNorm } from './layers/batchnorm.ts';
import { Module } from './module.ts';

/**
 * Takes the running statistics from all batch norms of a module, in place, so that they use those of each batch: their writes into buffers have no meaning per
 * example, and `vmap` refuses them.
 *
 * @param root - any Module
 * @returns the same module
 * @throws ArgumentError for something that is no module
 * @see https://pytorch.org/docs/stable/generated/torch.func.replace_all_batch_norm_modules_.html
 */
export function replaceAllBatchNormModules_<M extends Module>(root: M): M {
  if (!(root instanceof Module)) throw new ArgumentError(`replaceAllBatchNormModules_: not a module, got ${show(root)}; expected a Module`);
  for (const module of root.modules()) {
    if (module instanceof AnyBatchNorm) Object.assign(module, { trackRunningStats: false, runningMean: null, runningVar: null, numBatchesTracked: null });
  }
  return root;
}

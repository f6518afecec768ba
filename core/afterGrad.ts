import { ArgumentError, StateError, show } from './errors.ts';
import { Tensor } from './tensor.ts';

/**
 * Calls `hook` with this leaf whenever `backward` has summed a gradient into its `grad`, for example to update it at once and set `grad` to null.
 *
 * @returns a function that removes the hook
 * @throws StateError for a tensor that is no leaf or does not require grad
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.register_post_accumulate_grad_hook.html
 */
export function registerPostAccumulateGradHook(x: Tensor, hook: (x: Tensor) => void): () => void {
  if (!x.requiresGrad || !x.isLeaf) throw new StateError(`registerPostAccumulateGradHook: not a leaf that requires grad, got ${show(x)}; expected one`, { hint: 'registerHook takes results of operations' });
  if (typeof hook !== 'function') throw new ArgumentError(`registerPostAccumulateGradHook: not a function, got ${show(hook)}; expected a function of the tensor`);
  const list = (x.afterGrad ??= []);
  list.push(hook);
  return () => {
    const i = list.indexOf(hook);
    if (i >= 0) list.splice(i, 1);
  };
}

declare module './tensor.ts' {
  interface Tensor {
    /** See the function `registerPostAccumulateGradHook`. */
    registerPostAccumulateGradHook(hook: (x: Tensor) => void): () => void;
  }
}

Tensor.prototype.registerPostAccumulateGradHook = function (this: Tensor, hook: (x: Tensor) => void): () => void {
  return registerPostAccumulateGradHook(this, hook);
};

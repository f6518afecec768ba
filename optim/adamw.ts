import { AdamCore, type AdamWOptions } from './adamCore.ts';
import { settingsOf } from './check.ts';
import type { OptimizerArguments, ParamsInput } from './groups.ts';

/**
 * Adam with decoupled weight decay: `p ← (1 - lr·weightDecay)·p` before Adam's update, which does not see the decay.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
 * @see https://arxiv.org/abs/1711.05101
 */
export class AdamW extends AdamCore<AdamWOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `AdamWOptions` lists; `weightDecay` defaults to 1e-2
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<AdamWOptions>, ...args: OptimizerArguments<AdamWOptions>) {
    super(params, settingsOf<AdamWOptions>('AdamW', args, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 1e-2, amsgrad: false, maximize: false }));
  }

  protected override isDecoupled(): boolean {
    return true;
  }
}

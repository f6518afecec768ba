import { AdamCore, type AdamOptions } from './adamCore.ts';
import { checkFlag, settingsOf } from './check.ts';
import type { OptimizerArguments, ParamsInput } from './groups.ts';

/**
 * Adam: with running means `m` of the gradient and `v` of its square, `p ← p - lr·m̂ / (√v̂ + eps)`, where `m̂ = m / (1 - β₁ᵗ)` and
 * `v̂ = v / (1 - β₂ᵗ)`. Weight decay adds `weightDecay·p` to the gradient, or shrinks weights by themselves if it is decoupled.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adam.html
 * @see https://arxiv.org/abs/1412.6980
 */
export class Adam extends AdamCore<AdamOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `AdamOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<AdamOptions>, ...args: OptimizerArguments<AdamOptions>) {
    super(params, settingsOf<AdamOptions>('Adam', args, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false, decoupledWeightDecay: false }));
  }

  protected override checkGroup(options: Readonly<AdamOptions>): void {
    super.checkGroup(options);
    checkFlag(this, 'decoupledWeightDecay', options.decoupledWeightDecay);
  }

  protected override isDecoupled({ decoupledWeightDecay }: Readonly<AdamOptions>): boolean {
    return decoupledWeightDecay;
  }
}

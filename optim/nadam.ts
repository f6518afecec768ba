import type { DType } from '../core/dtype.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { checkBetas, checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { RuledOptimizer } from './ruled.ts';
import { power } from './adamCore.ts';
import { rounded, tinyOf, withoutTiny } from './runs.ts';

/** Options of `NAdam`. */
export interface NAdamOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 2e-3. */
  lr: number;
  /** Decay of the running means of the gradient and of its square, each ≥ 0 and < 1; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator, ≥ 0; default 1e-8. */
  eps: number;
  /** Adds `weightDecay·p` to the gradient, ≥ 0; default 0. */
  weightDecay: number;
  /** How fast the momentum comes to β₁, ≥ 0; default 4e-3. */
  momentumDecay: number;
  /** Shrink weights by themselves, as AdamW does, instead; default false. */
  decoupledWeightDecay: boolean;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

const scalars = ['sign', 'decay', 'shrink', 'beta1', 'gain1', 'beta2', 'gain2', 'root', 'rateG', 'rateM', 'eps', 'tiny'] as const;
const values: number[] = scalars.map(() => NaN);

const nadamRule: UpdateRule = updateRule({
  name: 'nadam',
  columns: ['param', 'grad', 'expAvg', 'expAvgSq'],
  scalars,
  body: ([p, g, m, v], [sign, decay, shrink, beta1, gain1, beta2, gain2, root, rateG, rateM, eps, tiny]) => {
    const d = e.select(decay, e.add(e.mul(g, sign), e.mul(p, decay)), e.mul(g, sign));
    const mean = withoutTiny(e.add(e.mul(m, beta1), e.mul(d, gain1)), tiny);
    const square = withoutTiny(e.add(e.mul(v, beta2), e.mul(e.mul(d, gain2), d)), tiny);
    const denominator = e.add(e.div(e.sqrt(square), root), eps);
    return [e.sub(e.sub(e.mul(p, shrink), e.div(e.mul(d, rateG), denominator)), e.div(e.mul(mean, rateM), denominator)), null, mean, square];
  },
});

/**
 * NAdam: Adam with Nesterov momentum, whose decay comes to β₁ by the schedule `μ_t = β₁·(1 - 0.96^(t·momentumDecay)/2)`. As in PyTorch, the
 * product of all `μ_t` is kept in the default dtype.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.NAdam.html
 * @see https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
 */
export class NAdam extends RuledOptimizer<NAdamOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `NAdamOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<NAdamOptions>, ...args: OptimizerArguments<NAdamOptions>) {
    super(params, settingsOf<NAdamOptions>('NAdam', args, { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, momentumDecay: 4e-3, decoupledWeightDecay: false, maximize: false }));
  }

  protected override checkGroup(options: Readonly<NAdamOptions>): void {
    super.checkGroup(options);
    checkBetas(this, options.betas);
    for (const name of ['eps', 'weightDecay', 'momentumDecay'] as const) checkNonNegative(this, name, options[name]);
    checkFlag(this, 'decoupledWeightDecay', options.decoupledWeightDecay);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override numbersAtStart(): { readonly muProduct: number } {
    return { muProduct: 1 };
  }

  protected override rule(): UpdateRule {
    return nadamRule;
  }

  protected override scalars(group: Readonly<NAdamOptions>, step: number, dtype: DType, numbers: number[]): readonly number[] {
    const { lr, betas: [beta1, beta2], eps, weightDecay, momentumDecay, decoupledWeightDecay, maximize } = group;
    const mu = beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
    const next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentumDecay));
    const product = rounded(numbers[0] * rounded(mu));
    numbers[0] = product;
    values[0] = maximize ? -1 : 1;
    values[1] = decoupledWeightDecay ? 0 : weightDecay;
    values[2] = decoupledWeightDecay ? 1 - lr * weightDecay : 1;
    values[3] = beta1;
    values[4] = 1 - beta1;
    values[5] = beta2;
    values[6] = 1 - beta2;
    values[7] = Math.sqrt(1 - power(beta2, step));
    values[8] = (lr * (1 - mu)) / (1 - product);
    values[9] = (lr * next) / (1 - product * next);
    values[10] = eps;
    values[11] = tinyOf(dtype);
    return values;
  }
}

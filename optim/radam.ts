import type { DType } from '../core/dtype.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { checkBetas, checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { RuledOptimizer } from './ruled.ts';
import { power } from './adamCore.ts';
import { tinyOf, withoutTiny } from './runs.ts';

/** Options of `RAdam`. */
export interface RAdamOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 1e-3. */
  lr: number;
  /** Decay of the running means of the gradient and of its square, each ≥ 0 and < 1; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator, ≥ 0; default 1e-8. */
  eps: number;
  /** Adds `weightDecay·p` to the gradient, ≥ 0; default 0. */
  weightDecay: number;
  /** Shrink weights by themselves, as AdamW does, instead; default false. */
  decoupledWeightDecay: boolean;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

const scalars = ['sign', 'decay', 'shrink', 'beta1', 'gain1', 'beta2', 'gain2', 'plain', 'rate', 'eps', 'tiny'] as const;
const values: number[] = scalars.map(() => NaN);

const radamRule: UpdateRule = updateRule({
  name: 'radam',
  columns: ['param', 'grad', 'expAvg', 'expAvgSq'],
  scalars,
  body: ([p, g, m, v], [sign, decay, shrink, beta1, gain1, beta2, gain2, plain, rate, eps, tiny]) => {
    const d = e.select(decay, e.add(e.mul(g, sign), e.mul(p, decay)), e.mul(g, sign));
    const mean = withoutTiny(e.add(e.mul(m, beta1), e.mul(d, gain1)), tiny);
    const square = withoutTiny(e.add(e.mul(v, beta2), e.mul(e.mul(d, gain2), d)), tiny);
    const move = e.mul(mean, rate);
    return [e.sub(e.mul(p, shrink), e.select(plain, move, e.div(move, e.add(e.sqrt(square), eps)))), null, mean, square];
  },
});

/**
 * RAdam: Adam whose first steps, while the variance of the step size is not known (`ρ_t ≤ 5`), go along the mean gradient only, and are rectified from then on.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RAdam.html
 * @see https://arxiv.org/abs/1908.03265
 */
export class RAdam extends RuledOptimizer<RAdamOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `RAdamOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<RAdamOptions>, ...args: OptimizerArguments<RAdamOptions>) {
    super(params, settingsOf<RAdamOptions>('RAdam', args, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, decoupledWeightDecay: false, maximize: false }));
  }

  protected override checkGroup(options: Readonly<RAdamOptions>): void {
    super.checkGroup(options);
    checkBetas(this, options.betas);
    checkNonNegative(this, 'eps', options.eps);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkFlag(this, 'decoupledWeightDecay', options.decoupledWeightDecay);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override rule(): UpdateRule {
    return radamRule;
  }

  protected override scalars(group: Readonly<RAdamOptions>, step: number, dtype: DType): readonly number[] {
    const { lr, betas: [beta1, beta2], eps, weightDecay, decoupledWeightDecay, maximize } = group;
    const left = power(beta2, step);
    const most = 2 / (1 - beta2) - 1;
    const length = most - (2 * step * left) / (1 - left);
    const rectified = length > 5;
    const factor = rectified ? Math.sqrt((((length - 4) * (length - 2) * most) / ((most - 4) * (most - 2) * length)) * (1 - left)) : 1;
    values[0] = maximize ? -1 : 1;
    values[1] = decoupledWeightDecay ? 0 : weightDecay;
    values[2] = decoupledWeightDecay ? 1 - lr * weightDecay : 1;
    values[3] = beta1;
    values[4] = 1 - beta1;
    values[5] = beta2;
    values[6] = 1 - beta2;
    values[7] = rectified ? 0 : 1;
    values[8] = (lr * factor) / (1 - power(beta1, step));
    values[9] = eps;
    values[10] = tinyOf(dtype);
    return values;
  }
}

import type { DType } from '../core/dtype.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { checkBetas, checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { RuledOptimizer } from './ruled.ts';
import { power } from './adamCore.ts';
import { tinyOf, withoutTiny } from './runs.ts';

/** Options of `Adamax`. */
export interface AdamaxOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 2e-3. */
  lr: number;
  /** Decay of the running mean and of the largest gradient, each ≥ 0 and < 1; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator, ≥ 0; default 1e-8. */
  eps: number;
  /** Adds `weightDecay·p` to the gradient, ≥ 0; default 0. */
  weightDecay: number;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

const scalars = ['sign', 'decay', 'beta1', 'gain1', 'beta2', 'rate', 'eps', 'tiny'] as const;
const values: number[] = scalars.map(() => NaN);

const adamaxRule: UpdateRule = updateRule({
  name: 'adamax',
  columns: ['param', 'grad', 'expAvg', 'expInf'],
  scalars,
  body: ([p, g, m, u], [sign, decay, beta1, gain1, beta2, rate, eps, tiny]) => {
    const d = e.select(decay, e.add(e.mul(g, sign), e.mul(p, decay)), e.mul(g, sign));
    const mean = withoutTiny(e.add(e.mul(m, beta1), e.mul(d, gain1)), tiny);
    const largest = e.max(e.mul(u, beta2), e.add(e.abs(d), eps));
    return [e.sub(p, e.mul(rate, e.div(mean, largest))), null, mean, largest];
  },
});

/**
 * Adamax: Adam with the largest gradient, `u ← max(β₂·u, |g| + eps)`, in place of the root of the mean square: `p ← p - lr/(1 - β₁ᵗ)·m / u`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adamax.html
 * @see https://arxiv.org/abs/1412.6980
 */
export class Adamax extends RuledOptimizer<AdamaxOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `AdamaxOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<AdamaxOptions>, ...args: OptimizerArguments<AdamaxOptions>) {
    super(params, settingsOf<AdamaxOptions>('Adamax', args, { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false }));
  }

  protected override checkGroup(options: Readonly<AdamaxOptions>): void {
    super.checkGroup(options);
    checkBetas(this, options.betas);
    checkNonNegative(this, 'eps', options.eps);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override rule(): UpdateRule {
    return adamaxRule;
  }

  protected override scalars({ lr, betas: [beta1, beta2], eps, weightDecay, maximize }: Readonly<AdamaxOptions>, step: number, dtype: DType): readonly number[] {
    values[0] = maximize ? -1 : 1;
    values[1] = weightDecay;
    values[2] = beta1;
    values[3] = 1 - beta1;
    values[4] = beta2;
    values[5] = lr / (1 - power(beta1, step));
    values[6] = eps;
    values[7] = tinyOf(dtype);
    return values;
  }
}

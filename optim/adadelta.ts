import type { DType } from '../core/dtype.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { checkFlag, checkFraction, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { RuledOptimizer } from './ruled.ts';
import { tinyOf, withoutTiny } from './runs.ts';

/** Options of `Adadelta`. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** Factor of the steps, ≥ 0; default 1. */
  lr: number;
  /** Decay of the running means, from 0 to 1; default 0.9. */
  rho: number;
  /** Added to the denominator, ≥ 0; default 1e-6. */
  eps: number;
  /** Adds `weightDecay·p` to the gradient, ≥ 0; default 0. */
  weightDecay: number;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

const scalars = ['sign', 'decay', 'rho', 'gain', 'lr', 'eps', 'tiny'] as const;
const values: number[] = scalars.map(() => NaN);

const adadeltaRule: UpdateRule = updateRule({
  name: 'adadelta',
  columns: ['param', 'grad', 'squareAvg', 'accDelta'],
  scalars,
  body: ([p, g, square, acc], [sign, decay, rho, gain, lr, eps, tiny]) => {
    const d = e.select(decay, e.add(e.mul(g, sign), e.mul(p, decay)), e.mul(g, sign));
    const mean = withoutTiny(e.add(e.mul(square, rho), e.mul(e.mul(d, gain), d)), tiny);
    const delta = e.mul(e.div(e.sqrt(e.add(acc, eps)), e.sqrt(e.add(mean, eps))), d);
    return [e.sub(p, e.mul(lr, delta)), null, mean, withoutTiny(e.add(e.mul(acc, rho), e.mul(e.mul(delta, gain), delta)), tiny)];
  },
});

/**
 * Adadelta: steps of the size of past steps over that of past gradients, `Δ = √(acc + eps) / √(v + eps)·g` and `p ← p - lr·Δ`, with running means of `g²` and `Δ²`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adadelta.html
 * @see https://arxiv.org/abs/1212.5701
 */
export class Adadelta extends RuledOptimizer<AdadeltaOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `AdadeltaOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<AdadeltaOptions>, ...args: OptimizerArguments<AdadeltaOptions>) {
    super(params, settingsOf<AdadeltaOptions>('Adadelta', args, { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false }));
  }

  protected override checkGroup(options: Readonly<AdadeltaOptions>): void {
    super.checkGroup(options);
    checkFraction(this, 'rho', options.rho);
    checkNonNegative(this, 'eps', options.eps);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override rule(): UpdateRule {
    return adadeltaRule;
  }

  protected override scalars({ lr, rho, eps, weightDecay, maximize }: Readonly<AdadeltaOptions>, _step: number, dtype: DType): readonly number[] {
    values[0] = maximize ? -1 : 1;
    values[1] = weightDecay;
    values[2] = rho;
    values[3] = 1 - rho;
    values[4] = lr;
    values[5] = eps;
    values[6] = tinyOf(dtype);
    return values;
  }
}

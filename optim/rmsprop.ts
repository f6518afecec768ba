import type { DType } from '../core/dtype.ts';
import { type Expr, e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { RuledOptimizer } from './ruled.ts';
import { tinyOf, withoutTiny } from './runs.ts';

/** Options of `RMSprop`. */
export interface RMSpropOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 1e-2. */
  lr: number;
  /** Decay of the running mean, ≥ 0; default 0.99. */
  alpha: number;
  /** Added to the denominator, ≥ 0; default 1e-8. */
  eps: number;
  /** Adds `weightDecay·p` to the gradient, ≥ 0; default 0. */
  weightDecay: number;
  /** Momentum, ≥ 0; default 0. */
  momentum: number;
  /** Divide by the root of the variance; default false. */
  centered: boolean;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

const scalars = ['sign', 'decay', 'alpha', 'gain', 'lr', 'eps', 'momentum', 'tiny'] as const;
const values: number[] = scalars.map(() => NaN);

/** The rule with or without momentum and centring: each has only the state it needs. */
function ruleOf(momentum: boolean, centered: boolean): UpdateRule {
  const columns = ['param', 'grad', 'squareAvg', ...(momentum ? ['momentumBuffer'] : []), ...(centered ? ['gradAvg'] : [])];
  return updateRule({
    name: `rmsprop${momentum ? 'Momentum' : ''}${centered ? 'Centered' : ''}`,
    columns,
    scalars,
    body: (all, [sign, decay, alpha, gain, lr, eps, friction, tiny]) => {
      const [p, g, square] = all;
      const d = e.select(decay, e.add(e.mul(g, sign), e.mul(p, decay)), e.mul(g, sign));
      const moment = e.add(e.mul(square, alpha), e.mul(e.mul(d, gain), d));
      const mean = withoutTiny(moment, tiny, moment);
      const last = all[all.length - 1];
      const average = centered ? withoutTiny(e.add(e.mul(last, alpha), e.mul(d, gain)), tiny) : null;
      // A mean that was taken for zero has no variance.
      const bound: Expr = average === null ? mean : e.select(e.lt(moment, tiny), 0, e.sub(mean, e.mul(average, average)));
      const direction = e.div(d, e.add(e.sqrt(bound), eps));
      const buffer = momentum ? withoutTiny(e.add(e.mul(all[3], friction), direction), tiny) : null;
      return [e.sub(p, e.mul(lr, buffer ?? direction)), null, mean, ...(buffer === null ? [] : [buffer]), ...(average === null ? [] : [average])];
    },
  });
}

const rules: readonly UpdateRule[] = [ruleOf(false, false), ruleOf(true, false), ruleOf(false, true), ruleOf(true, true)];

/**
 * RMSprop: `p ← p - lr·g / (√v + eps)` with a running mean `v` of `g²`, of its variance if `centered`, and with momentum `b ← μ·b + g/(√v + eps)`, `p ← p - lr·b`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
 * @see https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
 */
export class RMSprop extends RuledOptimizer<RMSpropOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `RMSpropOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<RMSpropOptions>, ...args: OptimizerArguments<RMSpropOptions>) {
    super(params, settingsOf<RMSpropOptions>('RMSprop', args, { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false }));
  }

  protected override checkGroup(options: Readonly<RMSpropOptions>): void {
    super.checkGroup(options);
    for (const name of ['alpha', 'eps', 'weightDecay', 'momentum'] as const) checkNonNegative(this, name, options[name]);
    checkFlag(this, 'centered', options.centered);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override leftovers(): readonly string[] {
    return ['momentumBuffer', 'gradAvg'];
  }

  protected override rule({ momentum, centered }: Readonly<RMSpropOptions>): UpdateRule {
    return rules[(momentum > 0 ? 1 : 0) + (centered ? 2 : 0)];
  }

  protected override scalars({ lr, alpha, eps, weightDecay, momentum, maximize }: Readonly<RMSpropOptions>, _step: number, dtype: DType): readonly number[] {
    values[0] = maximize ? -1 : 1;
    values[1] = weightDecay;
    values[2] = alpha;
    values[3] = 1 - alpha;
    values[4] = lr;
    values[5] = eps;
    values[6] = momentum;
    values[7] = tinyOf(dtype);
    return values;
  }
}

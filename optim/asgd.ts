import type { DType } from '../core/dtype.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { checkFinite, checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { RuledOptimizer } from './ruled.ts';
import { rounded } from './runs.ts';

/** Options of `ASGD`. */
export interface ASGDOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 1e-2. */
  lr: number;
  /** Decay term; default 1e-4. */
  lambd: number;
  /** Power of the decay; default 0.75. */
  alpha: number;
  /** Step at which averaging starts; default 1e6. */
  t0: number;
  /** Adds `weightDecay·p` to the gradient, ≥ 0; default 0. */
  weightDecay: number;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

const scalars = ['sign', 'decay', 'shrink', 'eta', 'mu'] as const;
const values: number[] = scalars.map(() => NaN);

/** Places among the numbers of a state. */
const ETA = 0;
const MU = 1;

const asgdRule: UpdateRule = updateRule({
  name: 'asgd',
  columns: ['param', 'grad', 'ax'],
  scalars,
  body: ([p, g, ax], [sign, decay, shrink, eta, mu]) => {
    const d = e.select(decay, e.add(e.mul(g, sign), e.mul(p, decay)), e.mul(g, sign));
    const moved = e.sub(e.mul(p, shrink), e.mul(eta, d));
    return [moved, null, e.select(e.eq(mu, 1), moved, e.add(ax, e.mul(e.sub(moved, ax), mu)))];
  },
});

/**
 * Averaged SGD: steps of a decaying size `lr / (1 + lambd·lr·t)^alpha`, and beside the parameters their average since step `t0` (`state.get(p).ax`). As in PyTorch, the
 * size and the weight in the average are kept in the default dtype.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.ASGD.html
 * @see https://dl.acm.org/citation.cfm?id=131098
 */
export class ASGD extends RuledOptimizer<ASGDOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `ASGDOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<ASGDOptions>, ...args: OptimizerArguments<ASGDOptions>) {
    super(params, settingsOf<ASGDOptions>('ASGD', args, { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, maximize: false }));
  }

  protected override checkGroup(options: Readonly<ASGDOptions>): void {
    super.checkGroup(options);
    checkFinite(this, 'lambd', options.lambd);
    checkFinite(this, 'alpha', options.alpha);
    checkFinite(this, 't0', options.t0);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override numbersAtStart({ lr }: Readonly<ASGDOptions>): { readonly eta: number; readonly mu: number } {
    return { eta: rounded(lr), mu: 1 };
  }

  protected override rule(): UpdateRule {
    return asgdRule;
  }

  protected override scalars({ lr, lambd, alpha, t0, weightDecay, maximize }: Readonly<ASGDOptions>, step: number, _dtype: DType, numbers: number[]): readonly number[] {
    values[0] = maximize ? -1 : 1;
    values[1] = weightDecay;
    values[2] = 1 - lambd * numbers[ETA];
    values[3] = numbers[ETA];
    values[4] = numbers[MU];
    numbers[ETA] = rounded(lr / (1 + lambd * lr * step) ** alpha);
    numbers[MU] = rounded(1 / Math.max(1, step - t0));
    return values;
  }
}

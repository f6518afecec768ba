import type { DType } from '../core/dtype.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamGroup, ParamGroupInput, ParamsInput } from './groups.ts';
import { RuledOptimizer } from './ruled.ts';

/** Options of `Adagrad`. */
export interface AdagradOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 1e-2. */
  lr: number;
  /** Decay of the learning rate, ≥ 0; default 0. */
  lrDecay: number;
  /** Adds `weightDecay·p` to the gradient, ≥ 0; default 0. */
  weightDecay: number;
  /** What the sum of squares starts from, ≥ 0; default 0. */
  initialAccumulatorValue: number;
  /** Added to the denominator, ≥ 0; default 1e-10. */
  eps: number;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

const scalars = ['sign', 'decay', 'rate', 'eps'] as const;
const values: number[] = scalars.map(() => NaN);

const adagradRule: UpdateRule = updateRule({
  name: 'adagrad',
  columns: ['param', 'grad', 'sum'],
  scalars,
  body: ([p, g, sum], [sign, decay, rate, eps]) => {
    const d = e.select(decay, e.add(e.mul(g, sign), e.mul(p, decay)), e.mul(g, sign));
    const total = e.add(sum, e.mul(d, d));
    return [e.sub(p, e.mul(rate, e.div(d, e.add(e.sqrt(total), eps)))), null, total];
  },
});

/**
 * Adagrad: `p ← p - lr/(1 + (t - 1)·lrDecay)·g / (√Σg² + eps)`, with the sum of all squared gradients so far.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
 * @see https://jmlr.org/papers/v12/duchi11a.html
 */
export class Adagrad extends RuledOptimizer<AdagradOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `AdagradOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<AdagradOptions>, ...args: OptimizerArguments<AdagradOptions>) {
    super(params, settingsOf<AdagradOptions>('Adagrad', args, { lr: 1e-2, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, maximize: false }));
    this.paramGroups.forEach((group) => this.begin(group));
  }

  override addParamGroup(group: ParamGroupInput<AdagradOptions>): void {
    super.addParamGroup(group);
    this.begin(this.paramGroups[this.paramGroups.length - 1]);
  }

  /** Every parameter has its state from the start, as in PyTorch. */
  private begin(group: ParamGroup<AdagradOptions>): void {
    for (const p of group.params) this.state.set(p, { step: 0, sum: this.makeColumn('sum', group, p) });
  }

  protected override checkGroup(options: Readonly<AdagradOptions>): void {
    super.checkGroup(options);
    for (const name of ['lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps'] as const) checkNonNegative(this, name, options[name]);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override startOf(_column: string, { initialAccumulatorValue }: Readonly<AdagradOptions>): number {
    return initialAccumulatorValue;
  }

  protected override rule(): UpdateRule {
    return adagradRule;
  }

  protected override scalars({ lr, lrDecay, weightDecay, eps, maximize }: Readonly<AdagradOptions>, step: number, _dtype: DType): readonly number[] {
    values[0] = maximize ? -1 : 1;
    values[1] = weightDecay;
    values[2] = lr / (1 + (step - 1) * lrDecay);
    values[3] = eps;
    return values;
  }
}

import type { DType } from '../core/dtype.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { RuledOptimizer } from './ruled.ts';
import { ArgumentError, show } from '../core/errors.ts';

/** Options of `Rprop`. */
export interface RpropOptions extends OptimizerOptions {
  /** First step of every element, ≥ 0; default 1e-2. */
  lr: number;
  /** Factors when the sign turns, between 0 and 1, and when it stays, above 1; default [0.5, 1.2]. */
  etas: readonly [number, number];
  /** Smallest and largest step; default [1e-6, 50]. */
  stepSizes: readonly [number, number];
  /** Go up instead of down; default false. */
  maximize: boolean;
}

const scalars = ['sign', 'less', 'more', 'least', 'most'] as const;
const values: number[] = scalars.map(() => NaN);

const rpropRule: UpdateRule = updateRule({
  name: 'rprop',
  columns: ['param', 'grad', 'prev', 'stepSize'],
  scalars,
  body: ([p, g, prev, size], [sign, less, more, least, most]) => {
    const d = e.mul(g, sign);
    const turn = e.mul(d, prev);
    const turned = e.lt(turn, 0);
    const factor = e.select(turned, less, e.select(e.gt(turn, 0), more, 1));
    const step = e.min(e.max(e.mul(size, factor), least), most);
    const used = e.select(turned, 0, d);
    return [e.sub(p, e.mul(e.sign(used), step)), null, used, step];
  },
});

/**
 * Rprop: every element has a step of its own, which grows while the sign of its gradient stays, and shrinks (the step is left out) when it turns.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Rprop.html
 * @see https://doi.org/10.1109/ICNN.1993.298623
 */
export class Rprop extends RuledOptimizer<RpropOptions> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `RpropOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<RpropOptions>, ...args: OptimizerArguments<RpropOptions>) {
    super(params, settingsOf<RpropOptions>('Rprop', args, { lr: 1e-2, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false }));
  }

  protected override checkGroup(options: Readonly<RpropOptions>): void {
    super.checkGroup(options);
    const [less, more] = Array.isArray(options.etas) ? (options.etas as unknown[]) : [];
    if (!(typeof less === 'number' && typeof more === 'number' && less > 0 && less < 1 && more > 1)) throw new ArgumentError(`${this.constructor.name}: invalid etas, got ${show(options.etas)}; expected [0 < etaminus < 1, etaplus > 1]`);
    if (!Array.isArray(options.stepSizes) || options.stepSizes.length !== 2) throw new ArgumentError(`${this.constructor.name}: invalid stepSizes, got ${show(options.stepSizes)}; expected [smallest, largest]`);
    for (const size of options.stepSizes as readonly number[]) checkNonNegative(this, 'stepSizes', size);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override startOf(column: string, { lr }: Readonly<RpropOptions>): number {
    return column === 'stepSize' ? lr : 0;
  }

  protected override rule(): UpdateRule {
    return rpropRule;
  }

  protected override scalars({ etas, stepSizes, maximize }: Readonly<RpropOptions>, _step: number, _dtype: DType): readonly number[] {
    values[0] = maximize ? -1 : 1;
    values[1] = etas[0];
    values[2] = etas[1];
    values[3] = stepSizes[0];
    values[4] = stepSizes[1];
    return values;
  }
}

import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkBeta, settingsOf } from './check.ts';
import type { OptimizerArguments, ParamsInput } from './groups.ts';
import { ScheduleFree, type ScheduleFreeCounters, type ScheduleFreeOptions, move, moveScalars, scheduleFreeDefaults } from './scheduleFree.ts';
import type { StateFields } from './state.ts';

/** Options of `SGDScheduleFree`. */
export interface SGDScheduleFreeOptions extends ScheduleFreeOptions {
  /** Learning rate, ≥ 0; default 1. */
  lr: number;
  /** Where gradients are taken between the fast weights (0) and the average (1), both excluded; default 0.9. */
  momentum: number;
}

/** State of a parameter under `SGDScheduleFree`. */
export type SGDScheduleFreeState = {
  /** The fast sequence. */
  z: Tensor;
};

const sgdRule: UpdateRule = updateRule({
  name: 'sgdScheduleFree',
  columns: ['param', 'grad', 'z'],
  scalars: moveScalars,
  body: ([y, g, z], scalars) => {
    const [nextY, nextZ] = move(y, z, g, scalars);
    return [nextY, null, nextZ];
  },
});

/** Numbers of the step at hand. */
const values: number[] = sgdRule.scalars.map(() => NaN);

/**
 * Stochastic gradient descent without a schedule: `z ← z - lr·g(y)`, `x ← (1 - c)·x + c·z`, `y = (1 - μ)·z + μ·x`, with c the share of this step in the
 * average. The parameters hold y; call `eval()` before evaluating or saving, and `train()` before going on. Batch norm statistics are those of y: recalibrate
 * them at x (`updateBN`).
 *
 * @see Defazio et al. 2024, The Road Less Scheduled, https://arxiv.org/abs/2405.15682
 */
export class SGDScheduleFree extends ScheduleFree<SGDScheduleFreeOptions, SGDScheduleFreeState> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `SGDScheduleFreeOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed
   */
  constructor(params: ParamsInput<SGDScheduleFreeOptions>, ...args: OptimizerArguments<SGDScheduleFreeOptions>) {
    super(params, settingsOf('SGDScheduleFree', args, { lr: 1, momentum: 0.9, ...scheduleFreeDefaults }));
  }

  protected override checkGroup(options: Readonly<SGDScheduleFreeOptions & ScheduleFreeCounters>): void {
    super.checkGroup(options);
    checkBeta(this, 'momentum', options.momentum);
  }

  protected override stateFields(): StateFields {
    return { z: 'tensor' };
  }

  protected override interpolation({ momentum }: Readonly<SGDScheduleFreeOptions>): number {
    return momentum;
  }

  protected override freshState(p: Tensor): SGDScheduleFreeState {
    return { z: p.detach().clone() };
  }

  protected override columns({ z }: SGDScheduleFreeState): readonly Tensor[] {
    return [z];
  }

  protected override rule(): UpdateRule {
    return sgdRule;
  }

  protected override scalars(): number[] {
    return values;
  }
}

import type { DType } from '../core/dtype.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, updateRule } from '../core/ops/update.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import { power } from './adamCore.ts';
import { checkBeta, checkBetas, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, ParamsInput } from './groups.ts';
import { tinyOf, withoutTiny } from './runs.ts';
import { ScheduleFree, type ScheduleFreeCounters, type ScheduleFreeOptions, move, moveScalars, scheduleFreeDefaults } from './scheduleFree.ts';
import type { StateFields } from './state.ts';

/** Options of `AdamWScheduleFree`. */
export interface AdamWScheduleFreeOptions extends ScheduleFreeOptions {
  /** Learning rate, ≥ 0; default 0.0025. */
  lr: number;
  /** Where gradients are taken between the fast weights (0) and the average (1), both excluded, and the decay of the mean square; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator, ≥ 0; default 1e-8. */
  eps: number;
}

/** State of a parameter under `AdamWScheduleFree`. */
export type AdamWScheduleFreeState = {
  /** The fast sequence. */
  z: Tensor;
  /** Running mean of the squared gradient. */
  expAvgSq: Tensor;
};

const adamwRule: UpdateRule = updateRule({
  name: 'adamWScheduleFree',
  columns: ['param', 'grad', 'z', 'expAvgSq'],
  scalars: [...moveScalars, 'beta2', 'gain2', 'correction', 'eps', 'tiny'],
  body: ([y, g, z, v], scalars) => {
    const [beta2, gain2, correction, eps, tiny] = scalars.slice(moveScalars.length);
    const square = withoutTiny(e.add(e.mul(v, beta2), e.mul(e.mul(g, g), gain2)), tiny);
    const [nextY, nextZ] = move(y, z, e.div(g, e.add(e.sqrt(e.div(square, correction)), eps)), scalars);
    return [nextY, null, nextZ, square];
  },
});

/** Numbers of the step at hand. */
const values: number[] = adamwRule.scalars.map(() => NaN);

/**
 * AdamW without a schedule: with `d = g(y)/(√v̂ + eps) + weightDecay·y`, `z ← z - lr·d`, `x ← (1 - c)·x + c·z`, `y = (1 - β₁)·z + β₁·x`, where c is the share of
 * this step in the average. The parameters hold y; call `eval()` before evaluating or saving, and `train()` before going on. Batch norm statistics are those of
 * y: recalibrate them at x (`updateBN`). The rate is not multiplied by `√(1 - β₂^t)`, as in the package schedulefree from version 1.3 on.
 *
 * @see Defazio et al. 2024, The Road Less Scheduled, https://arxiv.org/abs/2405.15682
 */
export class AdamWScheduleFree extends ScheduleFree<AdamWScheduleFreeOptions, AdamWScheduleFreeState> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `AdamWScheduleFreeOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed
   */
  constructor(params: ParamsInput<AdamWScheduleFreeOptions>, ...args: OptimizerArguments<AdamWScheduleFreeOptions>) {
    super(params, settingsOf('AdamWScheduleFree', args, { lr: 0.0025, betas: [0.9, 0.999], eps: 1e-8, ...scheduleFreeDefaults }));
  }

  protected override checkGroup(options: Readonly<AdamWScheduleFreeOptions & ScheduleFreeCounters>): void {
    super.checkGroup(options);
    checkBetas(this, options.betas);
    checkBeta(this, 'betas[0]', options.betas[0]);
    checkNonNegative(this, 'eps', options.eps);
  }

  protected override stateFields(): StateFields {
    return { z: 'tensor', expAvgSq: 'tensor' };
  }

  protected override interpolation({ betas }: Readonly<AdamWScheduleFreeOptions>): number {
    return betas[0];
  }

  protected override freshState(p: Tensor): AdamWScheduleFreeState {
    return { z: p.detach().clone(), expAvgSq: emptyTensor(p.shape, p.dtype, p.device) };
  }

  protected override columns({ z, expAvgSq }: AdamWScheduleFreeState): readonly Tensor[] {
    return [z, expAvgSq];
  }

  protected override rule(): UpdateRule {
    return adamwRule;
  }

  protected override scalars({ betas: [, beta2], eps, k }: Readonly<AdamWScheduleFreeOptions & ScheduleFreeCounters>, dtype: DType): number[] {
    values[4] = beta2;
    values[5] = 1 - beta2;
    values[6] = 1 - power(beta2, k + 1);
    values[7] = eps;
    values[8] = tinyOf(dtype);
    return values;
  }
}

import { StateError } from '../core/errors.ts';
import { type Expr, e } from '../core/expr.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import { between } from '../core/ops/ternary.ts';
import { setGradEnabled } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkFinite, checkFlag, checkNonNegative } from './check.ts';
import type { OptimizerOptions } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import { Run } from './runs.ts';
import type { ParamState } from './state.ts';

/** Options that the schedule-free optimizers share. The last five are counters, saved with the group, and not for setting. */
export interface ScheduleFreeOptions extends OptimizerOptions {
  /** L2 penalty, decoupled in Adam's case, at the weights y of training; ≥ 0, default 0. */
  weightDecay: number;
  /** Steps over which the rate rises linearly; default 0. */
  warmupSteps: number;
  /** Weight of step t in the average is `t^r` times a power of the rate; default 0. */
  r: number;
  /** Power of the largest rate so far in the weights of the average; default 2. */
  weightLrPower: number;
  /** Steps so far. */
  k: number;
  /** Whether the parameters hold the weights y of training, and not the average x. */
  trainMode: boolean;
  /** Sum of the weights of all steps. */
  weightSum: number;
  /** Largest rate so far. */
  lrMax: number;
  /** The rate of the last step, warm-up included. */
  scheduledLr: number;
}

/** Default values of what `ScheduleFreeOptions` has besides the rate. */
export const scheduleFreeDefaults = { weightDecay: 0, warmupSteps: 0, r: 0, weightLrPower: 2, k: 0, trainMode: true, weightSum: 0, lrMax: -1, scheduledLr: 0 };

/** What a step is made of: the rate, the share of the newest z in the average, and how far y goes along the direction. */
export interface Step {
  readonly lr: number;
  readonly share: number;
  readonly along: number;
}

/** `y ← lerp(y, z, share) + along·d`, `z ← z - lr·d`. */
export const move = (y: Expr, z: Expr, d: Expr, { lr, share, along }: Readonly<Record<keyof Step, Expr>>): readonly [Expr, Expr] => [
  e.add(between(y, z, share), e.mul(d, along)),
  e.sub(z, e.mul(d, lr)),
];

/** From training weights to the average and back: both lie on the line through z. */
const turnRule: UpdateRule = updateRule({
  name: 'scheduleFreeTurn',
  columns: ['param', 'z'],
  scalars: ['weight'],
  body: ([p, z], [weight]) => [between(p, z, weight), null],
});

/**
 * Base of optimizers that need no schedule: gradients are taken at y, between a fast sequence z and its running average x, which is what to evaluate and keep.
 * The parameters hold y in training; `eval()` puts x there, `train()` puts y back.
 *
 * @see Defazio et al. 2024, The Road Less Scheduled, https://arxiv.org/abs/2405.15682
 */
export abstract class ScheduleFree<O extends ScheduleFreeOptions, S extends ParamState & { z: Tensor }> extends Optimizer<O, S> {
  private readonly runsOf = new WeakMap<readonly Tensor[], readonly Run<S>[]>();

  /** Where y lies between z (0) and x (1). */
  protected abstract interpolation(group: Readonly<O>): number;

  /** The state of a parameter that is updated for the first time. */
  protected abstract freshState(p: Tensor): S;

  /** The tensors of a state, in the order of the rule's columns. */
  protected abstract columns(state: S): readonly Tensor[];

  protected override checkGroup(options: Readonly<O>): void {
    super.checkGroup(options);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkNonNegative(this, 'warmupSteps', options.warmupSteps);
    checkFinite(this, 'r', options.r);
    checkFinite(this, 'weightLrPower', options.weightLrPower);
    checkFlag(this, 'trainMode', options.trainMode);
  }

  /** Runs of the parameters with their state, by dtype. */
  protected runs(params: readonly Tensor[]): readonly Run<S>[] {
    const known = this.runsOf.get(params);
    if (known !== undefined) return known;
    const made = Run.of(params, (p) => {
      const state = this.state.get(p) ?? this.freshState(p);
      return { count: 0, state, tensors: this.columns(state) };
    });
    for (const { states, columns } of made) states.forEach((state, i) => this.state.set(columns[0][i], state));
    this.runsOf.set(params, made);
    return made;
  }

  /** Counts a step of a group, and says what it is made of. */
  protected nextStep(group: O, warm: number): Step {
    const k = group.k + 1;
    const scheduled = group.lr * warm;
    group.scheduledLr = scheduled;
    group.lrMax = Math.max(scheduled, group.lrMax);
    const weight = k ** group.r * group.lrMax ** group.weightLrPower;
    group.weightSum += weight;
    group.k = k;
    const share = group.weightSum === 0 ? 0 : weight / group.weightSum;
    return { lr: scheduled, share, along: scheduled * (this.interpolation(group) * (1 - share) - 1) };
  }

  /** The factor of the rate at the next step. */
  protected warmth({ k, warmupSteps }: Readonly<O>): number {
    return k < warmupSteps ? (k + 1) / warmupSteps : 1;
  }

  protected override updateAll(): void {
    for (const { trainMode } of this.paramGroups) {
      if (trainMode) continue;
      throw new StateError(`${this.constructor.name}.step: the parameters hold the average, got a step in evaluation mode; expected the weights of training`, { hint: 'call optimizer.train() first' });
    }
    super.updateAll();
  }

  /** Puts the weights of training into the parameters. Does nothing where they are there. */
  train(): void {
    this.turn(true, (beta) => 1 - beta);
  }

  /** Puts the average into the parameters: for evaluation, and before weights are saved or copied. Does nothing where it is there. */
  eval(): void {
    this.turn(false, (beta) => 1 - 1 / beta);
  }

  private turn(trainMode: boolean, weightOf: (beta: number) => number): void {
    const before = setGradEnabled(false);
    try {
      for (const group of this.paramGroups) {
        if (group.trainMode === trainMode) continue;
        const params = group.params.filter((p) => this.state.has(p));
        const fast = params.map((p) => this.zOf(p));
        if (params.length > 0) applyUpdate(turnRule, [params, fast], [weightOf(this.interpolation(group))]);
        group.trainMode = trainMode;
      }
    } finally {
      setGradEnabled(before);
    }
  }

  /** The fast sequence of a parameter, as and where that is. */
  private zOf(p: Tensor): Tensor {
    const state = this.state.get(p);
    if (state === undefined) return p;
    state.z = state.z.to(p);
    return state.z;
  }
}

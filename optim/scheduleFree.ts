import type { DType } from '../core/dtype.ts';
import { ArgumentError, StateError, show } from '../core/errors.ts';
import { type Expr, e } from '../core/expr.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import { between } from '../core/ops/ternary.ts';
import { setGradEnabled } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkFinite, checkFlag, checkNonNegative } from './check.ts';
import type { OptimizerOptions, ParamGroupInput, ParamsInput } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import { Run } from './runs.ts';
import type { OptimizerStateDict, ParamState } from './state.ts';

/** Options that the schedule-free optimizers share. */
export interface ScheduleFreeOptions extends OptimizerOptions {
  /** L2 penalty, decoupled in Adam's case, at the weights y of training; ≥ 0, default 0. */
  weightDecay: number;
  /** Steps over which the rate rises linearly, ≥ 0; default 0. */
  warmupSteps: number;
  /** Weight of step t in the average is `t^r` times a power of the rate; default 0. */
  r: number;
  /** Power of the largest rate so far in the weights of the average; default 2. */
  weightLrPower: number;
}

/** What a group counts: part of it and of its state dictionary, and not for setting. */
export interface ScheduleFreeCounters {
  /** Steps so far. */
  k: number;
  /** Whether the parameters hold the weights y of training, and not the average x. */
  trainMode: boolean;
  /** Sum of the weights of all steps. */
  weightSum: number;
  /** Largest rate so far; -1 before the first step. */
  lrMax: number;
  /** The rate of the last step, warm-up included. */
  scheduledLr: number;
}

/** Default values of what `ScheduleFreeOptions` has besides the rate. */
export const scheduleFreeDefaults = { weightDecay: 0, warmupSteps: 0, r: 0, weightLrPower: 2 };

const counters: ScheduleFreeCounters = { k: 0, trainMode: true, weightSum: 0, lrMax: -1, scheduledLr: 0 };

/** The first numbers of every schedule-free rule: the rate, the share of the newest z in the average, how far y goes along the direction, and the decay. */
export const moveScalars = ['lr', 'share', 'along', 'weightDecay'] as const;

/** `y ← lerp(y, z, share) + along·d`, `z ← z - lr·d` with the direction plus the decay at y. */
export function move(y: Expr, z: Expr, direction: Expr, [lr, share, along, weightDecay]: readonly Expr[]): readonly [Expr, Expr] {
  const d = e.select(weightDecay, e.add(direction, e.mul(y, weightDecay)), direction);
  return [e.add(between(y, z, share), e.mul(d, along)), e.sub(z, e.mul(d, lr))];
}

/** Runs of the lists of parameters that steps were made with. */
const runsOf = new WeakMap<readonly Tensor[], readonly Run<ParamState>[]>();

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
export abstract class ScheduleFree<O extends ScheduleFreeOptions, S extends ParamState & { z: Tensor }> extends Optimizer<O & ScheduleFreeCounters, S> {
  /**
   * @param params - tensors, or groups
   * @param options - every option with its default
   * @throws ArgumentError for parameters or options that are not allowed, and for counters in a group
   */
  constructor(params: ParamsInput<O & ScheduleFreeCounters>, options: O) {
    super(params, { ...options, ...counters });
    for (const group of this.paramGroups) this.checkFresh(group);
  }

  /** Where y lies between z (0) and x (1). */
  protected abstract interpolation(group: Readonly<O>): number;

  /** The update. Its numbers start with `moveScalars`, its columns are parameter, gradient, and those of the state. */
  protected abstract rule(): UpdateRule;

  /** The numbers of the rule; those of `moveScalars` are filled in later. */
  protected abstract scalars(group: Readonly<O & ScheduleFreeCounters>, dtype: DType): number[];

  /** The state of a parameter that is updated for the first time. */
  protected abstract freshState(p: Tensor): S;

  /** The tensors of a state, in the order of the rule's columns. */
  protected abstract columns(state: S): readonly Tensor[];

  protected override checkGroup(options: Readonly<O & ScheduleFreeCounters>): void {
    super.checkGroup(options);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkNonNegative(this, 'warmupSteps', options.warmupSteps);
    checkFinite(this, 'r', options.r);
    checkFinite(this, 'weightLrPower', options.weightLrPower);
    checkNonNegative(this, 'k', options.k);
    checkFlag(this, 'trainMode', options.trainMode);
    checkNonNegative(this, 'weightSum', options.weightSum);
    checkFinite(this, 'lrMax', options.lrMax);
  }

  private checkFresh(group: Readonly<ScheduleFreeCounters>): void {
    for (const [name, value] of Object.entries(counters)) {
      const given: unknown = Reflect.get(group, name);
      if (given !== value) {
        throw new ArgumentError(`${this.constructor.name}: ${name} is counted, got ${show(given)}; expected a group without it`, { hint: 'loadStateDict() goes on with a run' });
      }
    }
  }

  /** @throws as the constructor does; nothing is added then */
  override addParamGroup(group: ParamGroupInput<O & ScheduleFreeCounters>): void {
    super.addParamGroup(group);
    try {
      this.checkFresh(this.paramGroups[this.paramGroups.length - 1]);
    } catch (error) {
      this.paramGroups.pop();
      throw error;
    }
  }

  /**
   * Updates every parameter that has a gradient; a closure, which computes the loss anew and calls `backward()`, is called first.
   *
   * @throws StateError while the parameters hold the average, before the closure is called; and as `Optimizer.step` does
   */
  override step(): undefined;
  override step<T>(closure: () => T): T;
  override step<T>(closure?: () => T): T | undefined {
    for (const { trainMode } of this.paramGroups) {
      if (trainMode) continue;
      throw new StateError(`${this.constructor.name}.step: the parameters hold the average, got a step in evaluation mode; expected the weights of training`, { hint: 'call optimizer.train() first' });
    }
    return closure === undefined ? super.step() : super.step(closure);
  }

  protected override update(group: O & ScheduleFreeCounters, params: readonly Tensor[], grads: readonly Tensor[]): void {
    const k = group.k + 1;
    const lr = k < group.warmupSteps ? (group.lr * k) / group.warmupSteps : group.lr;
    const lrMax = Math.max(lr, group.lrMax);
    const weight = k ** group.r * lrMax ** group.weightLrPower;
    const weightSum = group.weightSum + weight;
    const share = weightSum === 0 ? 0 : weight / weightSum;
    const known = runsOf.get(params);
    if (known !== undefined) this.apply(known, grads, group, lr, share);
    else {
      const runs = this.makeRuns(params);
      this.apply(runs, grads, group, lr, share);
      for (const { states, columns } of runs) states.forEach((state, i) => this.state.set(columns[0][i], state));
      runsOf.set(params, runs);
    }
    group.k = k;
    group.scheduledLr = lr;
    group.lrMax = lrMax;
    group.weightSum = weightSum;
  }

  private makeRuns(params: readonly Tensor[]): readonly Run<S>[] {
    return Run.of(params, (p) => {
      const state = this.state.get(p) ?? this.freshState(p);
      return { count: 0, state, tensors: this.columns(state) };
    });
  }

  private apply(runs: readonly Run<ParamState>[], grads: readonly Tensor[], group: O & ScheduleFreeCounters, lr: number, share: number): void {
    for (let i = 0; i < runs.length; i++) {
      const run = runs[i];
      const scalars = this.scalars(group, run.dtype);
      scalars[0] = lr;
      scalars[1] = share;
      scalars[2] = lr * (this.interpolation(group) * (1 - share) - 1);
      scalars[3] = group.weightDecay;
      run.take(grads);
      applyUpdate(this.rule(), run.columns, scalars);
      run.release();
    }
  }

  /**
   * Takes over state, options and mode, as `stateDict` or the package schedulefree for PyTorch wrote them. The weights must be those that were saved with it.
   *
   * @throws StateError with the whole difference, before anything is written
   */
  override loadStateDict(state: OptimizerStateDict): void {
    super.loadStateDict(withoutVersions(state));
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

/** Releases before 1.3 of the package have no `scheduled_lr`, the newest have an `inner_momentum`, which does nothing at 0. */
function withoutVersions(state: OptimizerStateDict): OptimizerStateDict {
  const groups: unknown = state?.param_groups;
  if (!Array.isArray(groups)) return state;
  return {
    ...state,
    param_groups: state.param_groups.map((group) => {
      if (typeof group !== 'object' || group === null) return group;
      const { inner_momentum: inner, ...rest } = group;
      return { scheduled_lr: 0, ...(inner === 0 ? rest : group), params: group.params };
    }),
  };
}

import { ArgumentError } from '../core/errors.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import { checkFinite, checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import { Run, tinyOf, withoutTiny } from './runs.ts';
import type { StateFields } from './state.ts';

/** Options of `SGD`. */
export interface SGDOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 1e-3. */
  lr: number;
  /** Share of the last update's direction that is kept, ≥ 0; default 0. */
  momentum: number;
  /** Share of the gradient that is left out of the momentum; default 0. */
  dampening: number;
  /** L2 penalty, ≥ 0; default 0. */
  weightDecay: number;
  /** Look ahead by one momentum step; default false. */
  nesterov: boolean;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

/** State of a parameter under `SGD`. */
export type SGDState = {
  /** Running direction; only with momentum. */
  momentumBuffer: Tensor;
};

const plainRule: UpdateRule = updateRule({
  name: 'sgd',
  columns: ['param', 'grad'],
  scalars: ['lr', 'sign', 'weightDecay'],
  body: ([p, g], [lr, sign, weightDecay]) => {
    const signed = e.mul(g, sign);
    const d = e.select(weightDecay, e.add(signed, e.mul(p, weightDecay)), signed);
    return [e.sub(p, e.mul(d, lr)), null];
  },
});

/** Columns and numbers of the step at hand. */
const none: readonly Tensor[] = [];
const plainColumns = [none, none];
const plainScalars: number[] = plainRule.scalars.map(() => NaN);

const momentumRule: UpdateRule = updateRule({
  name: 'sgdMomentum',
  columns: ['param', 'grad', 'momentumBuffer'],
  scalars: ['lr', 'sign', 'weightDecay', 'momentum', 'gain', 'nesterov', 'first', 'tiny'],
  body: ([p, g, buffer], [lr, sign, weightDecay, momentum, gain, nesterov, first, tiny]) => {
    const signed = e.mul(g, sign);
    const d = e.select(weightDecay, e.add(signed, e.mul(p, weightDecay)), signed);
    const direction = e.select(first, d, withoutTiny(e.add(e.mul(buffer, momentum), e.mul(d, gain)), tiny));
    const step = e.select(nesterov, e.add(d, e.mul(direction, momentum)), direction);
    return [e.sub(p, e.mul(step, lr)), null, direction];
  },
});

const momentumScalars: number[] = momentumRule.scalars.map(() => NaN);

/** Runs of the lists of parameters that steps were made with. A parameter's first step, which has no direction to go on with, counts as 0, all others as 1. */
const runsOf = new WeakMap<readonly Tensor[], readonly Run<SGDState>[]>();

function makeRuns(params: readonly Tensor[], states: ReadonlyMap<Tensor, SGDState>): readonly Run<SGDState>[] {
  const runs = Run.of(params, (p) => {
    const known = states.get(p);
    const state = known ?? { momentumBuffer: emptyTensor(p.shape, p.dtype, p.device) };
    return { count: known === undefined ? 0 : 1, state, tensors: [state.momentumBuffer] };
  });
  runsOf.set(params, runs);
  return runs;
}

/**
 * Stochastic gradient descent, with momentum `b ← μ·b + (1 - dampening)·g` (the first step takes `b = g`) and `p ← p - lr·b`; with
 * Nesterov momentum `p ← p - lr·(g + μ·b)`. Weight decay adds `weightDecay·p` to the gradient.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
 */
export class SGD extends Optimizer<SGDOptions, SGDState> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `SGDOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<SGDOptions>, ...args: OptimizerArguments<SGDOptions>) {
    super(params, settingsOf('SGD', args, { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false }));
  }

  protected override checkGroup(options: Readonly<SGDOptions>): void {
    super.checkGroup(options);
    checkNonNegative(this, 'momentum', options.momentum);
    checkFinite(this, 'dampening', options.dampening);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkFlag(this, 'nesterov', options.nesterov);
    checkFlag(this, 'maximize', options.maximize);
    if (options.nesterov && (options.momentum === 0 || options.dampening !== 0)) {
      throw new ArgumentError(
        `${this.constructor.name}: Nesterov momentum needs momentum and no dampening, got momentum ${options.momentum} and dampening ${options.dampening}; expected momentum > 0 and dampening 0`,
      );
    }
  }

  protected override stateFields(): StateFields {
    return { momentumBuffer: 'optional' };
  }

  protected override update(group: Readonly<SGDOptions>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    if (group.momentum === 0) this.updatePlain(group, params, grads);
    else this.updateWithMomentum(group, params, grads);
  }

  private updatePlain({ lr, weightDecay, maximize }: Readonly<SGDOptions>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    plainScalars[0] = lr;
    plainScalars[1] = maximize ? -1 : 1;
    plainScalars[2] = weightDecay;
    plainColumns[0] = params;
    plainColumns[1] = grads;
    applyUpdate(plainRule, plainColumns, plainScalars);
    plainColumns[0] = plainColumns[1] = none;
  }

  private updateWithMomentum(group: Readonly<SGDOptions>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    momentumScalars[0] = lr;
    momentumScalars[1] = maximize ? -1 : 1;
    momentumScalars[2] = weightDecay;
    momentumScalars[3] = momentum;
    momentumScalars[4] = 1 - dampening;
    momentumScalars[5] = nesterov ? 1 : 0;
    const runs = runsOf.get(params) ?? makeRuns(params, this.state);
    for (let r = 0; r < runs.length; r++) {
      const run = runs[r];
      momentumScalars[6] = run.count === 0 ? 1 : 0;
      momentumScalars[7] = tinyOf(run.dtype);
      run.take(grads);
      applyUpdate(momentumRule, run.columns, momentumScalars);
      run.release();
      if (run.count > 0) continue;
      run.count = 1;
      run.states.forEach((state, k) => this.state.set(run.columns[0][k], state));
    }
  }
}

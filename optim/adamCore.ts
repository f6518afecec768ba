import { type Expr, e } from '../core/expr.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import { checkBetas, checkFlag, checkNonNegative } from './check.ts';
import type { OptimizerOptions } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import { Run, tinyOf, withoutTiny } from './runs.ts';
import type { StateFields } from './state.ts';

/** Options of `AdamW`, and of `Adam`. */
export interface AdamWOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 1e-3. */
  lr: number;
  /** Decay of the running means of the gradient and of its square, each ≥ 0 and < 1; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator, ≥ 0; default 1e-8. */
  eps: number;
  /** Weight decay, ≥ 0; default 0 for `Adam`, 1e-2 for `AdamW`. */
  weightDecay: number;
  /** Divide by the largest running mean of squares so far; default false. */
  amsgrad: boolean;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

/** Options of `Adam`. */
export interface AdamOptions extends AdamWOptions {
  /** Shrink weights by themselves, as `AdamW` does; default false. */
  decoupledWeightDecay: boolean;
}

/** State of a parameter under `Adam` and `AdamW`. */
export type AdamState = {
  /** Number of updates so far. */
  step: number;
  /** Running mean of the gradient. */
  expAvg: Tensor;
  /** Running mean of the squared gradient. */
  expAvgSq: Tensor;
  /** Largest `expAvgSq` so far; only with `amsgrad`. */
  maxExpAvgSq?: Tensor;
};

const scalars = ['sign', 'l2', 'shrink', 'beta1', 'gain1', 'beta2', 'gain2', 'stepSize', 'eps', 'tiny'] as const;
/** Numbers of the step at hand. */
const values: number[] = scalars.map(() => NaN);

/**
 * The moments and the update; `largest` turns the second moment into what is divided by. The bias corrections are in `stepSize` and `eps`, so that they cost
 * nothing per element.
 *
 * @see Kingma and Ba 2015, Adam: a method for stochastic optimization, end of section 2, https://arxiv.org/abs/1412.6980
 */
function adamBody([p, g, m, v]: readonly Expr[], numbers: readonly Expr[], largest: (v: Expr) => Expr): { readonly p: Expr; readonly m: Expr; readonly v: Expr; readonly bound: Expr } {
  const [sign, l2, shrink, beta1, gain1, beta2, gain2, stepSize, eps, tiny] = numbers;
  const signed = e.mul(g, sign);
  const d = e.select(l2, e.add(signed, e.mul(p, l2)), signed);
  const mean = withoutTiny(e.add(e.mul(m, beta1), e.mul(d, gain1)), tiny);
  const secondMoment = e.add(e.mul(v, beta2), e.mul(e.mul(d, gain2), d));
  const square = withoutTiny(secondMoment, tiny, secondMoment);
  const bound = largest(square);
  const denominator = e.add(e.sqrt(bound), eps);
  return { p: e.sub(e.mul(p, shrink), e.div(e.mul(mean, stepSize), denominator)), m: mean, v: square, bound };
}

const adamRule: UpdateRule = updateRule({
  name: 'adam',
  columns: ['param', 'grad', 'expAvg', 'expAvgSq'],
  scalars,
  body: (columns, values) => {
    const { p, m, v } = adamBody(columns, values, (square) => square);
    return [p, null, m, v];
  },
});

const amsgradRule: UpdateRule = updateRule({
  name: 'adamAmsgrad',
  columns: ['param', 'grad', 'expAvg', 'expAvgSq', 'maxExpAvgSq'],
  scalars,
  body: (columns, values) => {
    const { p, m, v, bound } = adamBody(columns, values, (square) => e.max(columns[4], square));
    return [p, null, m, v, bound];
  },
});

/** `base ** n` for a base below 1, by products alone, which are the same on every machine; `Math.pow` need not be. What is far too small to matter beside 1 is 0. */
export function power(base: number, n: number): number {
  let result = 1;
  for (let k = Math.min(n, 2 ** 31 - 1), square = base; k > 0; k >>>= 1, square *= square) {
    if (square < 1e-20) return 0;
    if ((k & 1) === 1) result *= square;
  }
  return result;
}

/** What `Adam` and `AdamW` share: everything but where weight decay goes. */
export abstract class AdamCore<O extends AdamWOptions> extends Optimizer<O, AdamState> {
  /** True when weights shrink by themselves, false when the decay is part of the gradient. */
  protected abstract isDecoupled(group: Readonly<O>): boolean;

  protected override checkGroup(options: Readonly<O>): void {
    super.checkGroup(options);
    checkBetas(this, options.betas);
    checkNonNegative(this, 'eps', options.eps);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkFlag(this, 'amsgrad', options.amsgrad);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override stateFields({ amsgrad }: Readonly<O>): StateFields {
    return { step: 'count', expAvg: 'tensor', expAvgSq: 'tensor', maxExpAvgSq: amsgrad ? 'tensor' : 'optional' };
  }

  protected override update(group: Readonly<O>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    const rule = group.amsgrad ? amsgradRule : adamRule;
    let runs = runsOf.get(params);
    const isNew = runs === undefined || !areUpToDate(runs, rule);
    if (runs === undefined || isNew) runs = this.makeRuns(params, group.amsgrad);
    for (let r = 0; r < runs.length; r++) {
      const run = runs[r];
      run.take(grads);
      applyUpdate(rule, run.columns, this.scalars(group, run));
      run.release();
      const { states } = run;
      run.count++;
      for (let k = 0; k < states.length; k++) states[k].step = run.count;
      if (isNew) this.keep(run);
    }
    if (isNew) runsOf.set(params, runs);
  }

  /** Parameters that had no gradient for a while are behind; each number of steps has its own bias correction. */
  private makeRuns(params: readonly Tensor[], amsgrad: boolean): readonly Run<AdamState>[] {
    return Run.of(params, (p) => {
      const state = this.state.get(p) ?? { step: 0, expAvg: likeParam(p), expAvgSq: likeParam(p) };
      const { step, expAvg, expAvgSq, maxExpAvgSq } = state;
      return { count: step, state, tensors: amsgrad ? [expAvg, expAvgSq, maxExpAvgSq ?? likeParam(p)] : [expAvg, expAvgSq] };
    });
  }

  /** Sets the state of a run whose first step succeeded. */
  private keep({ states, columns }: Run<AdamState>): void {
    states.forEach((state, k) => {
      if (columns.length === amsgradRule.columns.length) state.maxExpAvgSq = columns[4][k];
      this.state.set(columns[0][k], state);
    });
  }

  private scalars(group: Readonly<O>, { count, dtype }: Run<AdamState>): readonly number[] {
    const { lr, betas: [beta1, beta2], eps, weightDecay, maximize } = group;
    const decoupled = this.isDecoupled(group);
    const root = Math.sqrt(1 - power(beta2, count + 1));
    values[0] = maximize ? -1 : 1;
    values[1] = decoupled ? 0 : weightDecay;
    values[2] = decoupled ? 1 - lr * weightDecay : 1;
    values[3] = beta1;
    values[4] = 1 - beta1;
    values[5] = beta2;
    values[6] = 1 - beta2;
    values[7] = (lr * root) / (1 - power(beta1, count + 1));
    values[8] = eps * root;
    values[9] = tinyOf(dtype);
    return values;
  }
}

/** Runs of the lists of parameters that steps were made with. */
const runsOf = new WeakMap<readonly Tensor[], readonly Run<AdamState>[]>();

/** Whether the runs are for this rule, and nobody has set a number of steps. */
function areUpToDate(runs: readonly Run<AdamState>[], { columns }: UpdateRule): boolean {
  for (let r = 0; r < runs.length; r++) {
    const { states, count } = runs[r];
    if (runs[r].columns.length !== columns.length) return false;
    for (let k = 0; k < states.length; k++) if (states[k].step !== count) return false;
  }
  return true;
}

function likeParam(p: Tensor): Tensor {
  return emptyTensor(p.shape, p.dtype, p.device);
}

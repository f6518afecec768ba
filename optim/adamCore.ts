import { type Expr, e } from '../core/expr.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import { checkBetas, checkFlag, checkNonNegative } from './check.ts';
import type { OptimizerOptions } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import type { StateFields } from './state.ts';

/** Options of `Adam` and `AdamW`. */
export interface AdamOptions extends OptimizerOptions {
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

const scalars = ['sign', 'l2', 'shrink', 'beta1', 'gain1', 'beta2', 'gain2', 'stepSize', 'correction', 'eps'] as const;

/** The moments and the update; `largest` turns the second moment into what is divided by. */
function adamBody([p, g, m, v]: readonly Expr[], values: readonly Expr[], largest: (v: Expr) => Expr): { readonly p: Expr; readonly m: Expr; readonly v: Expr; readonly bound: Expr } {
  const [sign, l2, shrink, beta1, gain1, beta2, gain2, stepSize, correction, eps] = values;
  const signed = e.mul(g, sign);
  const d = e.select(l2, e.add(signed, e.mul(p, l2)), signed);
  const mean = e.add(e.mul(m, beta1), e.mul(d, gain1));
  const square = e.add(e.mul(v, beta2), e.mul(e.mul(d, gain2), d));
  const bound = largest(square);
  const denominator = e.add(e.div(e.sqrt(bound), correction), eps);
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

/** `base ** n` by products alone, which are the same on every machine; `Math.pow` need not be. */
function power(base: number, n: number): number {
  let result = 1;
  for (let k = n, square = base; k > 0; k = Math.floor(k / 2), square *= square) if (k % 2 === 1) result *= square;
  return result;
}

/** What `Adam` and `AdamW` share: everything but where weight decay goes. */
export abstract class AdamCore extends Optimizer<AdamOptions, AdamState> {
  /** True when weights shrink by themselves, false when the decay is part of the gradient. */
  protected abstract isDecoupled(): boolean;

  protected override checkGroup(options: Readonly<AdamOptions>): void {
    super.checkGroup(options);
    const name = this.constructor.name;
    checkBetas(name, options.betas);
    checkNonNegative(name, 'eps', options.eps);
    checkNonNegative(name, 'weightDecay', options.weightDecay);
    checkFlag(name, 'amsgrad', options.amsgrad);
    checkFlag(name, 'maximize', options.maximize);
  }

  protected override stateFields({ amsgrad }: Readonly<AdamOptions>): StateFields {
    return { step: 'count', expAvg: 'tensor', expAvgSq: 'tensor', maxExpAvgSq: amsgrad ? 'tensor' : 'optional' };
  }

  protected override update(group: Readonly<AdamOptions>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    const states = params.map((p) => this.state.get(p) ?? freshState(p));
    // Parameters that had no gradient for a while are behind; each number of steps has its own bias correction.
    const runs = new Map<number, number[]>();
    states.forEach(({ step }, i) => {
      const run = runs.get(step);
      if (run === undefined) runs.set(step, [i]);
      else run.push(i);
    });
    for (const [step, at] of runs) {
      const columns = [at.map((i) => params[i]), at.map((i) => grads[i]), at.map((i) => states[i].expAvg), at.map((i) => states[i].expAvgSq)];
      const bounds = group.amsgrad ? at.map((i) => states[i].maxExpAvgSq ?? likeParam(params[i])) : null;
      if (bounds !== null) applyUpdate(amsgradRule, [...columns, bounds], this.scalars(group, step + 1));
      else applyUpdate(adamRule, columns, this.scalars(group, step + 1));
      at.forEach((i, k) => {
        states[i].step = step + 1;
        if (bounds !== null) states[i].maxExpAvgSq = bounds[k];
        this.state.set(params[i], states[i]);
      });
    }
  }

  private scalars({ lr, betas: [beta1, beta2], eps, weightDecay, maximize }: Readonly<AdamOptions>, step: number): readonly number[] {
    const decoupled = this.isDecoupled();
    const stepSize = lr / (1 - power(beta1, step));
    const correction = Math.sqrt(1 - power(beta2, step));
    return [maximize ? -1 : 1, decoupled ? 0 : weightDecay, decoupled ? 1 - lr * weightDecay : 1, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, correction, eps];
  }
}

function likeParam(p: Tensor): Tensor {
  return emptyTensor(p.shape, p.dtype, p.device);
}

function freshState(p: Tensor): AdamState {
  return { step: 0, expAvg: likeParam(p), expAvgSq: likeParam(p) };
}

import { ArgumentError } from '../core/errors.ts';
import { e } from '../core/expr.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import { checkFinite, checkFlag, checkNonNegative, withDefaults } from './check.ts';
import type { OptimizerOptions, ParamsInput } from './groups.ts';
import { Optimizer } from './optimizer.ts';
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

const momentumRule: UpdateRule = updateRule({
  name: 'sgdMomentum',
  columns: ['param', 'grad', 'momentumBuffer'],
  scalars: ['lr', 'sign', 'weightDecay', 'momentum', 'gain', 'nesterov', 'first'],
  body: ([p, g, buffer], [lr, sign, weightDecay, momentum, gain, nesterov, first]) => {
    const signed = e.mul(g, sign);
    const d = e.select(weightDecay, e.add(signed, e.mul(p, weightDecay)), signed);
    const direction = e.select(first, d, e.add(e.mul(buffer, momentum), e.mul(d, gain)));
    const step = e.select(nesterov, e.add(d, e.mul(direction, momentum)), direction);
    return [e.sub(p, e.mul(step, lr)), null, direction];
  },
});

/**
 * Stochastic gradient descent, with momentum `b ← μ·b + (1 - dampening)·g` (the first step takes `b = g`) and `p ← p - lr·b`; with
 * Nesterov momentum `p ← p - lr·(g + μ·b)`. Weight decay adds `weightDecay·p` to the gradient.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
 */
export class SGD extends Optimizer<SGDOptions, SGDState> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param options - see `SGDOptions`
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(params, withDefaults('SGD', options, { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false }));
  }

  protected override checkGroup(options: Readonly<SGDOptions>): void {
    super.checkGroup(options);
    const name = this.constructor.name;
    checkNonNegative(name, 'momentum', options.momentum);
    checkFinite(name, 'dampening', options.dampening);
    checkNonNegative(name, 'weightDecay', options.weightDecay);
    checkFlag(name, 'nesterov', options.nesterov);
    checkFlag(name, 'maximize', options.maximize);
    if (options.nesterov && (options.momentum === 0 || options.dampening !== 0)) {
      throw new ArgumentError(
        `${name}: Nesterov momentum needs momentum and no dampening, got momentum ${options.momentum} and dampening ${options.dampening}; expected momentum > 0 and dampening 0`,
      );
    }
  }

  protected override stateFields(): StateFields {
    return { momentumBuffer: 'optional' };
  }

  protected override update(group: Readonly<SGDOptions>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    const sign = maximize ? -1 : 1;
    if (momentum === 0) {
      applyUpdate(plainRule, [params, grads], [lr, sign, weightDecay]);
      return;
    }
    const fresh: Tensor[][] = [[], [], []];
    const running: Tensor[][] = [[], [], []];
    params.forEach((p, i) => {
      const state = this.state.get(p);
      const columns = state === undefined ? fresh : running;
      columns[0].push(p);
      columns[1].push(grads[i]);
      columns[2].push(state?.momentumBuffer ?? emptyTensor(p.shape, p.dtype, p.device));
    });
    const scalars = [lr, sign, weightDecay, momentum, 1 - dampening, nesterov ? 1 : 0];
    applyUpdate(momentumRule, fresh, [...scalars, 1]);
    fresh[0].forEach((p, i) => this.state.set(p, { momentumBuffer: fresh[2][i] }));
    applyUpdate(momentumRule, running, [...scalars, 0]);
  }
}

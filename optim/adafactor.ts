import { ArgumentError, checkNumber, show } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import { checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import type { StateFields } from './state.ts';

/** Options of `Adafactor`. */
export interface AdafactorOptions extends OptimizerOptions {
  /** Factor of the weight decay and largest relative step, ≥ 0; default 1e-2. */
  lr: number;
  /** The running means of squares decay by `1 - t^beta2Decay`; ≤ 0, default -0.8. */
  beta2Decay: number;
  /** Smallest root of a mean square (null: the resolution of the dtype), and smallest size of a parameter in its relative step; each ≥ 0, default [null, 1e-3]. */
  eps: readonly [number | null, number];
  /** Updates whose root mean square is larger are scaled down to it, ≥ 1; default 1. */
  d: number;
  /** Shrinks weights by `lr·weightDecay` a step, ≥ 0; default 0. */
  weightDecay: number;
  /** Go up instead of down; default false. */
  maximize: boolean;
}

/** State of a parameter under `Adafactor`. */
export type AdafactorState = {
  /** Number of updates so far. */
  step: number;
  /** Running mean of the squared gradient over each row, (…, rows, 1); of parameters with at least two dimensions. */
  rowVar?: Tensor;
  /** The same over each column, (…, 1, columns). */
  colVar?: Tensor;
  /** Running mean of the squared gradient; of the other parameters. */
  variance?: Tensor;
};

/** Distance from 1 to the next number of a dtype. */
const resolutionOf = ({ dtype }: Tensor): number => (dtype === 'float64' ? 2 ** -52 : 2 ** -23);

/** Root of the mean of the squares. */
const sizeOf = (x: Tensor): number => Math.sqrt(x.square().mean().item());

/**
 * Adafactor: steps relative to the size of the parameter, with the second moment of a matrix kept as means over rows and columns, `V = R·C / mean(R)`:
 * `p ← p - α·U / max(1, RMS(U)/d)` with `U = g / max(√V, eps₁)` and `α = max(eps₂, RMS(p))·min(lr, 1/√t)`. More than two dimensions are matrices of the last two.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adafactor.html
 * @see Shazeer and Stern 2018, https://arxiv.org/abs/1804.04235, whose formulas PyTorch changes: `lr` bounds the relative step, and eps₁ enters where it divides
 */
export class Adafactor extends Optimizer<AdafactorOptions, AdafactorState> {
  /**
   * @param params - tensors, or groups `{ params, lr, … }`
   * @param args - `lr` by place or by name, and what else `AdafactorOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<AdafactorOptions>, ...args: OptimizerArguments<AdafactorOptions>) {
    super(params, settingsOf<AdafactorOptions>('Adafactor', args, { lr: 1e-2, beta2Decay: -0.8, eps: [null, 1e-3], d: 1, weightDecay: 0, maximize: false }));
  }

  protected override checkGroup(options: Readonly<AdafactorOptions>): void {
    super.checkGroup(options);
    checkNumber('Adafactor', 'beta2Decay', options.beta2Decay, 'a finite number ≤ 0', (v) => v <= 0 && v > -Infinity);
    if (!Array.isArray(options.eps) || options.eps.length !== 2) throw new ArgumentError(`Adafactor: invalid eps, got ${show(options.eps)}; expected [eps1 or null, eps2]`);
    if (options.eps[0] !== null) checkNonNegative(this, 'eps[0]', options.eps[0]);
    checkNonNegative(this, 'eps[1]', options.eps[1]);
    checkNumber('Adafactor', 'd', options.d, 'a finite number ≥ 1', (v) => v >= 1 && v < Infinity);
    checkNonNegative(this, 'weightDecay', options.weightDecay);
    checkFlag(this, 'maximize', options.maximize);
  }

  protected override stateFields(_group: Readonly<AdafactorOptions>, { ndim }: Tensor): StateFields {
    return ndim > 1 ? { step: 'count', rowVar: 'tensor', colVar: 'tensor' } : { step: 'count', variance: 'tensor' };
  }

  override stateShape(name: string, { shape }: Tensor): Shape {
    if (name === 'rowVar') return [...shape.slice(0, -1), 1];
    return name === 'colVar' ? [...shape.slice(0, -2), 1, shape[shape.length - 1]] : shape;
  }

  protected override update(group: Readonly<AdafactorOptions>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    params.forEach((p, i) => {
      const state = this.state.get(p) ?? this.begin(p);
      if (p.numel() > 0) this.move(group, state, p, group.maximize ? grads[i].neg() : grads[i]);
      else state.step++;
    });
  }

  private begin(p: Tensor): AdafactorState {
    const zeros = (name: string): Tensor => emptyTensor(this.stateShape(name, p), p.dtype, p.device);
    const state: AdafactorState = p.ndim > 1 ? { step: 0, rowVar: zeros('rowVar'), colVar: zeros('colVar') } : { step: 0, variance: zeros('variance') };
    this.state.set(p, state);
    return state;
  }

  private move({ lr, beta2Decay, eps: [eps1, eps2], d, weightDecay }: Readonly<AdafactorOptions>, state: AdafactorState, p: Tensor, g: Tensor): void {
    state.step++;
    const least = eps1 ?? resolutionOf(p);
    const alpha = Math.max(eps2, sizeOf(p)) * Math.min(lr, 1 / Math.sqrt(state.step));
    if (weightDecay !== 0) p.mul_(1 - lr * weightDecay);
    const update = this.secondMoment(state, g.square(), state.step ** beta2Decay, least).clamp({ min: least * least }).rsqrt().mul(g);
    p.sub_(update.mul(alpha / Math.max(1, sizeOf(update) / d)));
  }

  /** Takes the squares into the running means and gives the estimate that is made of them. */
  private secondMoment({ rowVar, colVar, variance }: AdafactorState, squares: Tensor, share: number, least: number): Tensor {
    if (variance !== undefined) return variance.lerp_(squares, share);
    if (rowVar === undefined || colVar === undefined) throw new ArgumentError('Adafactor: a state is incomplete, got no variance; expected rowVar and colVar, or variance');
    rowVar.lerp_(squares.mean(-1, { keepdim: true }), share);
    colVar.lerp_(squares.mean(-2, { keepdim: true }), share);
    return rowVar.mul(colVar).div(rowVar.mean(-2, { keepdim: true }).clamp({ min: least }));
  }
}

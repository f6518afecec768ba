import { ArgumentError, checkNumber, show } from '../core/errors.ts';
import { type Tensor, emptyTensor } from '../core/tensor.ts';
import { checkFinite, checkFlag, checkNonNegative, settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamGroupInput, ParamsInput } from './groups.ts';
import { Optimizer } from './optimizer.ts';
import type { StateFields } from './state.ts';

/** Options of `Muon`. */
export interface MuonOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 1e-3. */
  lr: number;
  /** Shrinks weights by `lr·weightDecay` a step, ≥ 0; default 0.1. */
  weightDecay: number;
  /** Decay of the running mean of the gradient, ≥ 0; default 0.95. */
  momentum: number;
  /** Look ahead by one momentum step; default true. */
  nesterov: boolean;
  /** Coefficients a, b, c of the polynomial `a·x + b·x³ + c·x⁵` of the singular values; default [3.4445, -4.775, 2.0315]. */
  nsCoefficients: readonly [number, number, number];
  /** Smallest norm that the direction is divided by, ≥ 0; default 1e-7. */
  eps: number;
  /** How often the polynomial is applied, an integer from 0 to 99; default 5. */
  nsSteps: number;
  /** Factor of the rate for a matrix of A rows and B columns: √max(1, A/B) ('original', the default null), or 0.2·√max(A, B) ('match_rms_adamw'). */
  adjustLrFn: 'original' | 'match_rms_adamw' | null;
}

/** State of a parameter under `Muon`. */
export type MuonState = {
  /** Running mean of the gradient. */
  momentumBuffer: Tensor;
};

/** A matrix with the same singular vectors and singular values near 1. */
function orthogonalized(x: Tensor, { nsCoefficients: [a, b, c], eps, nsSteps }: Readonly<MuonOptions>): Tensor {
  const tall = x.shape[0] > x.shape[1];
  const wide = tall ? x.t() : x;
  let y = wide.div(x.square().sum().sqrt().clamp({ min: eps }));
  for (let i = 0; i < nsSteps; i++) {
    const gram = y.matmul(y.t());
    const mix = gram.mul(b).add(gram.matmul(gram).mul(c));
    y = y.mul(a).add(mix.matmul(y));
  }
  return tall ? y.t() : y;
}

/**
 * Muon, for the matrices of hidden layers (use `AdamW` for the rest): `p ← (1 - lr·weightDecay)·p - lr·s·O`, where O is the running mean of the gradient made nearly
 * orthogonal by Newton-Schulz iterations and s depends on the shape, see `adjustLrFn`. PyTorch iterates in bfloat16, this in the dtype of the parameter, so that
 * steps agree to two digits or so.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Muon.html
 * @see https://kellerjordan.github.io/posts/muon/ and https://arxiv.org/abs/2502.16982
 */
export class Muon extends Optimizer<MuonOptions, MuonState> {
  /**
   * @param params - matrices, or groups `{ params, lr, … }` of such
   * @param args - `lr` by place or by name, and what else `MuonOptions` lists
   * @throws ArgumentError for parameters that are no matrices, or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<MuonOptions>, ...args: OptimizerArguments<MuonOptions>) {
    super(
      params,
      settingsOf<MuonOptions>('Muon', args, { lr: 1e-3, weightDecay: 0.1, momentum: 0.95, nesterov: true, nsCoefficients: [3.4445, -4.775, 2.0315], eps: 1e-7, nsSteps: 5, adjustLrFn: null }),
    );
    for (const group of this.paramGroups) checkMatrices(group.params);
  }

  /**
   * Adds a group of matrices.
   *
   * @throws as the constructor does; nothing is added then
   */
  override addParamGroup(group: ParamGroupInput<MuonOptions>): void {
    super.addParamGroup(group);
    const { params } = this.paramGroups[this.paramGroups.length - 1];
    try {
      checkMatrices(params);
    } catch (error) {
      this.paramGroups.pop();
      throw error;
    }
  }

  protected override checkGroup(options: Readonly<MuonOptions>): void {
    super.checkGroup(options);
    for (const name of ['weightDecay', 'momentum', 'eps'] as const) checkNonNegative(this, name, options[name]);
    checkFlag(this, 'nesterov', options.nesterov);
    if (!Array.isArray(options.nsCoefficients) || options.nsCoefficients.length !== 3) throw new ArgumentError(`Muon: invalid nsCoefficients, got ${show(options.nsCoefficients)}; expected three numbers`);
    options.nsCoefficients.forEach((c, i) => checkFinite(this, `nsCoefficients[${i}]`, c));
    checkNumber('Muon', 'nsSteps', options.nsSteps, 'an integer from 0 to 99', (v) => Number.isInteger(v) && v >= 0 && v < 100);
    if (options.adjustLrFn !== null && options.adjustLrFn !== 'original' && options.adjustLrFn !== 'match_rms_adamw') {
      throw new ArgumentError(`Muon: unknown adjustLrFn, got ${show(options.adjustLrFn)}; expected 'original', 'match_rms_adamw' or null`);
    }
  }

  protected override stateFields(): StateFields {
    return { momentumBuffer: 'tensor' };
  }

  protected override update(group: Readonly<MuonOptions>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    const { lr, weightDecay, momentum, nesterov, adjustLrFn } = group;
    params.forEach((p, i) => {
      const g = grads[i];
      const { momentumBuffer } = this.state.get(p) ?? this.begin(p);
      momentumBuffer.lerp_(g, 1 - momentum);
      if (p.numel() === 0) return;
      const direction = orthogonalized(nesterov ? g.lerp(momentumBuffer, momentum) : momentumBuffer, group);
      const [rows, columns] = p.shape;
      const scale = adjustLrFn === 'match_rms_adamw' ? 0.2 * Math.sqrt(Math.max(rows, columns)) : Math.sqrt(Math.max(1, rows / columns));
      p.mul_(1 - lr * weightDecay).sub_(direction.mul(lr * scale));
    });
  }

  private begin(p: Tensor): MuonState {
    const state: MuonState = { momentumBuffer: emptyTensor(p.shape, p.dtype, p.device) };
    this.state.set(p, state);
    return state;
  }
}

function checkMatrices(params: readonly Tensor[]): void {
  const odd = params.find((p) => p.ndim !== 2);
  if (odd !== undefined) throw new ArgumentError(`Muon: a parameter is no matrix, got ${show(odd)}; expected two dimensions`, { hint: 'give the others to AdamW' });
}

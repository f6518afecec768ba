import { ArgumentError, show } from '../core/errors.ts';
import type { Module } from '../nn/module.ts';
import type { AveragedOptions } from './averaged.ts';
import { LerpAverage } from './lerp.ts';

/** Options of `PowerFunctionEMA`: give one of `sigmaRel` and `gamma`. */
export interface PowerFunctionOptions extends AveragedOptions {
  /** Width of the profile relative to the length of training, 0 to about 0.3. */
  readonly sigmaRel?: number;
  /** Exponent of the profile; above -1. */
  readonly gamma?: number;
}

/**
 * The exponent γ of a power-function profile of relative width σ: the largest real root of
 * `γ³ + 7γ² + (16 - σ⁻²)γ + (12 - σ⁻²)`.
 *
 * @throws RangeError when no profile is that wide (σ above about 0.3) or σ is not positive
 * @see Karras et al. 2024, Analyzing and improving the training dynamics of diffusion models, https://arxiv.org/abs/2312.02696
 */
export function gammaFromSigmaRel(sigmaRel: number): number {
  const s = sigmaRel ** -2;
  const f = (g: number): number => ((g + 7) * g + (16 - s)) * g + (12 - s);
  // Between the cubic's minimum and 1/σ lies exactly the largest root.
  let low = (-7 + Math.sqrt(Math.max(0, 49 - 3 * (16 - s)))) / 3;
  let high = Math.max(1, 1 / sigmaRel);
  if (typeof sigmaRel !== 'number' || !(sigmaRel > 0) || !(f(low) <= 0)) {
    throw new RangeError(`gammaFromSigmaRel: no such profile, got ${show(sigmaRel)}; expected 0 < sigmaRel < 0.3`);
  }
  for (let i = 0; i < 200 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (f(middle) > 0) high = middle;
    else low = middle;
  }
  return high;
}

/** Relative width of a power-function profile: `σ² = (γ+1) / ((γ+2)²(γ+3))`. */
export function sigmaRelFromGamma(gamma: number): number {
  if (typeof gamma !== 'number' || !(gamma > -1)) throw new RangeError(`sigmaRelFromGamma: invalid gamma, got ${show(gamma)}; expected a number > -1`);
  return Math.sqrt((gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3)));
}

/**
 * Average with a power-function profile, in which the weight of the model at time τ of t is proportional to `τ^γ`: it keeps its
 * width relative to the length of training. `β = (1 - 1/t)^(γ+1)`, `avg ← β·avg + (1 - β)·source`, where t counts the models taken in.
 *
 * @see Karras et al. 2024, Analyzing and improving the training dynamics of diffusion models, https://arxiv.org/abs/2312.02696
 */
export class PowerFunctionEMA<M extends Module = Module> extends LerpAverage<M> {
  /** Exponent of the profile. */
  readonly gamma: number;

  /**
   * @param model - the source; it is copied
   * @param options - one of `sigmaRel` and `gamma`, and those of every average
   * @throws ArgumentError unless exactly one of the two is given; RangeError when it is out of range
   */
  constructor(model: M, options: PowerFunctionOptions) {
    super(model, options, ['sigmaRel', 'gamma']);
    const { sigmaRel, gamma } = options ?? {};
    if ((sigmaRel === undefined) === (gamma === undefined)) {
      throw new ArgumentError(`${this.constructor.name}: one width is needed, got sigmaRel ${show(sigmaRel)} and gamma ${show(gamma)}; expected exactly one of them`);
    }
    this.gamma = gamma ?? gammaFromSigmaRel(sigmaRel ?? NaN);
    if (typeof this.gamma !== 'number' || !(this.gamma > -1 && Number.isFinite(this.gamma))) {
      throw new RangeError(`${this.constructor.name}: invalid gamma, got ${show(gamma)}; expected a number > -1`);
    }
  }

  /** Width of the profile relative to the length of training. */
  get sigmaRel(): number {
    return sigmaRelFromGamma(this.gamma);
  }

  override weight(steps: number): number {
    const t = Math.floor(steps / this.interval) + 1;
    return 1 - (1 - 1 / t) ** (this.gamma + 1);
  }
}

import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { tensor } from '../core/ops/creation.ts';
import { Module } from '../nn/module.ts';
import { Buffer } from '../nn/parameter.ts';
import { type AveragedOptions, averagedOptions } from './averaged.ts';
import { PowerFunctionEMA } from './power.ts';
import { anySwapped, refuseSwapped } from './swap.ts';
import { type SnapshotInfo, type SnapshotOptions, type SnapshotStore, putSnapshot } from './snapshots.ts';

/** Options of `AveragedProfiles`: give `sigmaRel`, `gamma` or neither. */
export interface ProfilesOptions extends AveragedOptions {
  /** Widths of the profiles relative to the length of training, 0 to about 0.3 each; default `[0.05, 0.1]`, as in the paper. */
  readonly sigmaRel?: readonly number[];
  /** Exponents of the profiles, above -1 each. */
  readonly gamma?: readonly number[];
}

/**
 * Several power-function averages of one model, updated together: what is tracked for post-hoc synthesis, or to compare widths. Two widths, stored every
 * now and then by `snapshot`, are enough for `synthesize` to make any other.
 *
 * State dictionary keys: `gammas`, and `averages.<i>.steps`, `averages.<i>.module.*` of each.
 *
 * @see Karras et al. 2024, Analyzing and improving the training dynamics of diffusion models, https://arxiv.org/abs/2312.02696
 */
export class AveragedProfiles<M extends Module = Module> extends Module {
  /** The exponents, float64: a state with others is refused. */
  readonly gammas: Buffer;
  /** One average per profile, in the order given. */
  readonly averages: readonly PowerFunctionEMA<M>[];

  /**
   * @param model - the source; it is copied once for each profile
   * @param options - `sigmaRel` or `gamma`, and those of every average
   * @throws ArgumentError when both are given, or no profile, or one twice; RangeError for one out of range
   */
  constructor(model: M, options: ProfilesOptions = {}) {
    super();
    const name = this.constructor.name;
    checkOptions(name, options, [...averagedOptions, 'sigmaRel', 'gamma']);
    const { sigmaRel, gamma, ...shared } = options;
    if (sigmaRel !== undefined && gamma !== undefined) throw new ArgumentError(`${name}: widths are given twice, got sigmaRel ${show(sigmaRel)} and gamma ${show(gamma)}; expected one of them`);
    const widths: readonly number[] = gamma ?? sigmaRel ?? [0.05, 0.1];
    if (!Array.isArray(widths) || widths.length === 0) throw new ArgumentError(`${name}: no profiles, got ${show(widths)}; expected an array of ${gamma === undefined ? 'widths' : 'exponents'}`);
    this.averages = widths.map((width: number) => new PowerFunctionEMA(model, gamma === undefined ? { ...shared, sigmaRel: width } : { ...shared, gamma: width }));
    const gammas = this.averages.map((average) => average.gamma);
    if (new Set(gammas).size < gammas.length) throw new ArgumentError(`${name}: a profile is given twice, got ${show(widths)}; expected distinct ones`);
    this.gammas = new Buffer(tensor(gammas, { dtype: 'float64' }));
    this.training = model.training;
  }

  /** Number of calls of `updateParameters` so far. */
  get steps(): number {
    return this.averages[0].steps.item();
  }

  /** The averaged models' forwards, one result per profile. */
  forward(...args: Parameters<M['forward']>): ReturnType<M['forward']>[] {
    return this.averages.map((average) => average.forward(...args));
  }

  /**
   * Takes the current weights of a model into every average.
   *
   * @throws as `updateParameters` of a single average; nothing is written then
   */
  updateParameters(model: Module): void {
    if (anySwapped()) refuseSwapped(`${this.constructor.name}.updateParameters`, model, ...this.averages.map(({ module }) => module));
    for (const average of this.averages) average.updateParameters(model);
  }

  /**
   * Stores every average as it is at the time of the call, one snapshot per profile. Training may go on before the promise is settled.
   *
   * @param store - a `FolderSnapshots`, a `MemorySnapshots`, or anything with `put(info, bytes)`
   * @returns what was stored
   * @throws StateError before the first update, or when the store refuses
   */
  async snapshot(store: Pick<SnapshotStore, 'put'>, options?: SnapshotOptions): Promise<SnapshotInfo[]> {
    return Promise.all(this.averages.map((average) => putSnapshot(store, average, options)));
  }

  /** Refuses the state of other profiles, which would go on under wrong exponents. */
  protected override prepareStateDict(state: Record<string, unknown>): Record<string, unknown> {
    const { gammas } = state;
    const own = this.averages.map((average) => average.gamma);
    const values = typeof gammas === 'object' && gammas !== null && 'data' in gammas && typeof gammas.data === 'function' ? Array.from((gammas as Buffer).data()) : null;
    if (values !== null && !(values.length === own.length && values.every((v, i) => Math.abs(v - own[i]) <= 1e-6 * (1 + Math.abs(own[i]))))) {
      throw new StateError(`${this.constructor.name}: the state is of other profiles, got gamma ${show(values)}; expected ${show(own)}`, { values: { got: values, expected: own } });
    }
    return state;
  }
}

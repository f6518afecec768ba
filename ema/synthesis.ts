import { cpu } from '../core/device.ts';
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, StateError, checkOptions, show } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { Module } from '../nn/module.ts';
import { type StateDict, emptyState } from '../nn/state.ts';
import { type PowerProfile, powerProfileWeights, prepareSolver } from './posthoc.ts';
import { gammaFromSigmaRel, sigmaRelFromGamma } from './power.ts';
import { type SnapshotInfo, type SnapshotStore, byTime, checkStore, readSnapshot, snapshotName } from './snapshots.ts';

/** Which average is wanted: one of `sigmaRel` and `gamma`. */
export interface SynthesisTarget {
  /** Width of the profile relative to the length of training, 0 to about 0.3. */
  readonly sigmaRel?: number;
  /** Exponent of the profile; above -1/2. */
  readonly gamma?: number;
  /** Calls of `updateParameters` after which; default: as many as the latest snapshot. */
  readonly steps?: number;
}

/** Options of `synthesizeAll`; `synthesize` takes them beside the target. */
export interface SynthesisOptions {
  /** Which snapshots may be used; default all. */
  readonly filter?: (info: SnapshotInfo) => boolean;
  /** Eigenvalues below this share of the largest are left out; default `2^-52` times the number of snapshots. Larger for snapshots in halves. */
  readonly rcond?: number;
  /** Dtype of averaged entries; default that of the snapshots. */
  readonly dtype?: 'float32' | 'float64';
}

/** A snapshot and its factor in a synthesized average. */
export interface SnapshotWeight {
  readonly info: SnapshotInfo;
  readonly weight: number;
}

/** An average put together from snapshots. */
export class Synthesis {
  /** State dictionary of the averaged model, under the model's own names. */
  readonly state: StateDict;
  /** The snapshots and their factors, by steps; the factors sum to 1. */
  readonly weights: readonly SnapshotWeight[];
  /** Relative L2 distance between the wanted profile and the one put together, 0 to about 1; below 1e-7 it is rounding. */
  readonly residual: number;
  /** Condition number of the matrix of inner products of the snapshots' profiles, scaled to norm 1. */
  readonly condition: number;
  /** What the factors would have summed to had they been free. */
  readonly unconstrainedSum: number;
  /** `√Σ weight²`: by how much independent errors of the snapshots, such as rounding to halves, grow. */
  readonly amplification: number;
  /** Exponent of the profile. */
  readonly gamma: number;
  /** Calls of `updateParameters` after which the average is wanted. */
  readonly steps: number;
  /** Every how many calls a model was taken in. */
  readonly interval: number;

  constructor(fields: Omit<Synthesis, 'amplification' | 'sigmaRel' | 'copyTo' | 'effectiveWeights'>) {
    this.state = fields.state;
    this.weights = fields.weights;
    this.residual = fields.residual;
    this.condition = fields.condition;
    this.unconstrainedSum = fields.unconstrainedSum;
    this.amplification = Math.hypot(...fields.weights.map((w) => w.weight));
    this.gamma = fields.gamma;
    this.steps = fields.steps;
    this.interval = fields.interval;
  }

  /** Width of the profile relative to the length of training. */
  get sigmaRel(): number {
    return sigmaRelFromGamma(this.gamma);
  }

  /**
   * Writes the average into a model, or into an average of one, which then counts as freshly loaded.
   *
   * @throws StateError when names or shapes differ; nothing is written then
   */
  copyTo(model: Module): void {
    if (!(model instanceof Module)) throw new ArgumentError(`Synthesis.copyTo: not a module, got ${show(model)}; expected the Module to write into`);
    model.loadStateDict(this.state);
  }

  /** Weight of every model that was taken in, the oldest first: `Σ weight·profile` over the snapshots. They sum to 1. */
  effectiveWeights(): Float64Array {
    const length = Math.max(modelsAfter(this.steps, this.interval), ...this.weights.map(({ info }) => modelsAfter(info.steps, info.interval)));
    const out = new Float64Array(length);
    for (const { info, weight } of this.weights) {
      if (weight === 0) continue;
      powerProfileWeights(profileOf(info)).forEach((v, i) => {
        out[i] += weight * v;
      });
    }
    return out;
  }
}

/** Models taken in during so many calls: at the first, and at every `interval`-th after it. */
const modelsAfter = (steps: number, interval: number): number => Math.floor((steps - 1) / interval) + 1;

const profileOf = ({ gamma, steps, interval }: SnapshotInfo): PowerProfile => ({ gamma, models: modelsAfter(steps, interval) });

/**
 * Puts together the average of any width at any step from stored snapshots of others: post-hoc EMA. The factors come from `postHocWeights`;
 * snapshots are read one at a time, and entries summed in float64. Entries that are no averages (integers; buffers, unless they were
 * averaged) are those of the snapshot nearest in steps; `recalibrateBatchNorm` makes batch statistics anew.
 *
 * A width and step that a snapshot has is that snapshot, bit for bit. Snapshots after the wanted step are used only when none was taken at it: then the
 * models between two snapshots can be told apart only by what came later, and a large `residual` says how well.
 *
 * @param store - where the snapshots are: anything with `list` and `get`
 * @param target - `sigmaRel` or `gamma`, `steps`, and the options `filter`, `rcond`, `dtype`
 * @throws ArgumentError unless one width is given; RangeError for one out of range, or steps after the last snapshot;
 *   StateError without snapshots, or when they are not of one model and interval
 * @see Karras et al. 2024, section 3, https://arxiv.org/abs/2312.02696
 */
export async function synthesize(store: Pick<SnapshotStore, 'list' | 'get'>, target: SynthesisTarget & SynthesisOptions): Promise<Synthesis> {
  const op = 'synthesize';
  checkOptions(op, target, [...targetKeys, ...optionKeys]);
  const { filter, rcond, dtype, ...wanted } = target ?? {};
  const options: SynthesisOptions = { ...(filter !== undefined && { filter }), ...(rcond !== undefined && { rcond }), ...(dtype !== undefined && { dtype }) };
  return (await run(op, store, [wanted], options))[0];
}

/**
 * Puts together several averages in one pass over the snapshots: what `synthesize` does, for a sweep of widths.
 *
 * @param targets - at least one
 * @throws as `synthesize`
 */
export async function synthesizeAll(store: Pick<SnapshotStore, 'list' | 'get'>, targets: readonly SynthesisTarget[], options: SynthesisOptions = {}): Promise<Synthesis[]> {
  const op = 'synthesizeAll';
  if (!Array.isArray(targets) || targets.length === 0) throw new ArgumentError(`${op}: no targets, got ${show(targets)}; expected an array of { sigmaRel, steps }`);
  for (const target of targets as readonly SynthesisTarget[]) checkOptions(op, target, targetKeys);
  return run(op, store, targets as readonly SynthesisTarget[], options);
}

const targetKeys = ['sigmaRel', 'gamma', 'steps'];
const optionKeys = ['filter', 'rcond', 'dtype'];

/** What is known of a result before snapshots are read. */
type Plan = Omit<ConstructorParameters<typeof Synthesis>[0], 'state'>;

async function run(op: string, store: Pick<SnapshotStore, 'list' | 'get'>, targets: readonly SynthesisTarget[], options: SynthesisOptions): Promise<Synthesis[]> {
  checkStore(op, store, ['list', 'get']);
  checkOptions(op, options, optionKeys);
  const { filter, dtype, rcond } = options;
  if (filter !== undefined && typeof filter !== 'function') throw new ArgumentError(`${op}: invalid filter, got ${show(filter)}; expected a function of a snapshot's info`);
  if (dtype !== undefined && dtype !== 'float32' && dtype !== 'float64') throw new ArgumentError(`${op}: invalid dtype, got ${show(dtype)}; expected 'float32' or 'float64'`);
  const gammas = targets.map((target) => gammaOf(op, target));
  const infos = [...(await store.list())].filter((info) => filter?.(info) ?? true).sort(byTime);
  if (infos.length === 0) throw new StateError(`${op}: there are no snapshots, got 0 of them; expected at least one in the store${filter === undefined ? '' : ' that passes the filter'}`);
  const intervals = [...new Set(infos.map((info) => info.interval))];
  if (intervals.length > 1) throw new StateError(`${op}: snapshots of several intervals, got ${show(intervals)}; expected one`, { hint: "pass a filter that chooses one of them, such as ({ interval }) => interval === 1" });
  const plans = planAll(op, infos, targets, gammas, rcond);
  const sums = plans.map((plan) => new Sums(op, nearestTo(plan.weights, plan.steps)));
  for (const info of infos) {
    const users = plans.flatMap((plan, k) => {
      const weight = plan.weights.find((w) => w.info === info)?.weight ?? 0;
      return weight !== 0 || sums[k].model === info ? [{ sum: sums[k], weight }] : [];
    });
    if (users.length === 0) continue;
    const snapshot = readSnapshot(await store.get(info));
    if (snapshot.info.steps !== info.steps || snapshot.info.gamma !== info.gamma) {
      throw new StateError(`${op}: the store gave another snapshot, got ${snapshotName(snapshot.info)}; expected ${snapshotName(info)}`);
    }
    for (const { sum, weight } of users) sum.add(info, snapshot.state, weight);
  }
  return plans.map((plan, k) => new Synthesis({ ...plan, state: sums[k].finish(dtype) }));
}

function gammaOf(op: string, { sigmaRel, gamma }: SynthesisTarget): number {
  if ((sigmaRel === undefined) === (gamma === undefined)) {
    throw new ArgumentError(`${op}: one width is needed, got sigmaRel ${show(sigmaRel)} and gamma ${show(gamma)}; expected exactly one of them`);
  }
  return gamma ?? gammaFromSigmaRel(sigmaRel ?? NaN);
}

/** Factors for every target. Targets that may use the same snapshots share the eigenvalues. */
function planAll(op: string, infos: readonly SnapshotInfo[], targets: readonly SynthesisTarget[], gammas: readonly number[], rcond: number | undefined): Plan[] {
  const last = infos[infos.length - 1].steps;
  const { interval } = infos[0];
  const solvers = new Map<number, ReturnType<typeof prepareSolver>>();
  return targets.map((target, k) => {
    const steps = target.steps ?? last;
    if (!Number.isSafeInteger(steps) || steps < 1 || steps > last) throw new RangeError(`${op}: invalid steps, got ${show(steps)}; expected an integer from 1 to ${last}, where the last snapshot was taken`);
    const end = infos.some((info) => info.steps === steps) ? steps : last;
    const used = infos.filter((info) => info.steps <= end);
    const solver = solvers.get(end) ?? prepareSolver(op, used.map(profileOf), rcond === undefined ? {} : { rcond });
    solvers.set(end, solver);
    const solved = solver({ gamma: gammas[k], models: modelsAfter(steps, interval) });
    const exact = used.find((info) => info.steps === steps && Math.abs(info.gamma - gammas[k]) <= 1e-12 * (1 + Math.abs(info.gamma)));
    const weights = used.map((info, i) => ({ info, weight: exact === undefined ? solved.weights[i] : info === exact ? 1 : 0 }));
    return { weights, residual: exact === undefined ? solved.residual : 0, condition: solved.condition, unconstrainedSum: solved.unconstrainedSum, gamma: gammas[k], steps, interval };
  });
}

/** The snapshot at some step, or else the nearest, the later of two; of several profiles one that is read anyway. */
function nearestTo(weights: readonly SnapshotWeight[], steps: number): SnapshotInfo {
  const away = ({ info }: SnapshotWeight): number => Math.abs(info.steps - steps);
  const best = weights.reduce((a, b) => (away(b) < away(a) || (away(b) === away(a) && (b.info.steps > a.info.steps || Math.abs(b.weight) > Math.abs(a.weight))) ? b : a));
  return best.info;
}

/** A weighted sum of state dictionaries. */
class Sums {
  /** The snapshot whose entries that are no averages are taken over. */
  readonly model: SnapshotInfo;
  private readonly op: string;
  private readonly sums = new Map<string, { readonly like: Tensor; readonly values: Float64Array }>();
  private readonly taken = new Map<string, Tensor>();
  /** Names and shapes of the first snapshot. */
  private expected: ReadonlyMap<string, string> | null = null;

  constructor(op: string, model: SnapshotInfo) {
    this.op = op;
    this.model = model;
  }

  add(info: SnapshotInfo, state: StateDict, weight: number): void {
    this.check(info, state);
    const copied = new Set(info.copied);
    for (const [name, tensor] of Object.entries(state)) {
      if (!isFloat(tensor.dtype) || copied.has(name)) {
        if (info === this.model) this.taken.set(name, tensor);
      } else if (weight !== 0) {
        const sum = this.sums.get(name);
        if (sum === undefined) this.sums.set(name, { like: tensor, values: Float64Array.from(tensor.data(), (v) => weight * v) });
        else addScaled(sum.values, tensor.data(), weight);
      }
    }
  }

  /** The sums in the order of the entries. */
  finish(dtype: 'float32' | 'float64' | undefined): StateDict {
    const state = emptyState();
    for (const name of this.expected?.keys() ?? []) {
      const sum = this.sums.get(name);
      const taken = this.taken.get(name);
      if (taken !== undefined) state[name] = taken;
      else if (sum !== undefined) {
        const to = dtype ?? (sum.like.dtype === 'float64' ? 'float64' : 'float32');
        state[name] = new Tensor(cpu.adopt(to, to === 'float64' ? sum.values : new Float32Array(sum.values)), sum.like.shape);
      }
    }
    return state;
  }

  /** All snapshots must be of one model. */
  private check(info: SnapshotInfo, state: StateDict): void {
    const copied = new Set(info.copied);
    const entries = new Map(Object.entries(state).map(([name, t]) => [name, `${isFloat(t.dtype) ? 'float' : t.dtype}[${t.shape.join(', ')}]${copied.has(name) ? ', not averaged' : ''}`]));
    this.expected ??= entries;
    const differences: string[] = [];
    for (const name of new Set([...this.expected.keys(), ...entries.keys()])) {
      const [before, now] = [this.expected.get(name) ?? 'nothing', entries.get(name) ?? 'nothing'];
      if (before !== now) differences.push(`${name}: ${now}, in those before ${before}`);
    }
    if (differences.length === 0) return;
    throw new StateError(`${this.op}: snapshots of different models, got ${differences.length} difference${differences.length === 1 ? '' : 's'} in ${snapshotName(info)}; expected the same names and shapes\n  ${differences.join('\n  ')}`, {
      values: { differences },
    });
  }
}

function addScaled(sum: Float64Array, values: ArrayLike<number>, weight: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] += weight * values[i];
}

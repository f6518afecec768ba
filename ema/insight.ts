import { ArgumentError, StateError, show } from '../core/errors.ts';
import { zeros } from '../core/ops/creation.ts';
import { noGrad } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import { Module } from '../nn/module.ts';
import { Parameter } from '../nn/parameter.ts';
import { BaseAveragedModel } from './averaged.ts';

/** What `effectiveWindow` tells of the weights of an average. */
export interface EffectiveWindow {
  /** `1 / Σ wᵢ²` for weights that sum to 1: as many models, evenly weighted, would lower independent noise as much. */
  readonly models: number;
  /** `Σ wᵢ·ageᵢ`, the newest model having age 0. */
  readonly meanAge: number;
  /** Standard deviation of the age, `√(Σ wᵢ·(ageᵢ - meanAge)²)`; NaN where negative weights make the variance negative. */
  readonly ageDeviation: number;
}

/** Up to here every source is followed by itself; above, by the factors of each step where the rule allows. */
const BASIS = 512;

/** A module with one float64 weight per past model. */
class Probe extends Module {
  weight: Parameter;
  constructor(length: number) {
    super();
    this.weight = new Parameter(zeros([length], { dtype: 'float64' }));
  }
  forward(): Tensor {
    return this.weight;
  }
  set(values: ArrayLike<number>): void {
    const { weight } = this;
    noGrad(() => {
      weight.zero_();
      for (let i = 0; i < values.length; i++) if (values[i] !== 0) weight.narrow(0, i, 1).fill_(values[i]);
    });
  }
}

/** The rule of an average, applied to a probe of some length: what holds the averaged probe, and one call. */
interface Trial {
  readonly averaged: () => Tensor;
  readonly update: (source: Probe) => void;
}

/**
 * The weight of every past model in an average after some calls of `updateParameters`, the oldest first: element i belongs to the model of call i, so
 * calls that `interval` leaves out have weight 0. The weights of any rule that averages sum to 1.
 *
 * The average's own `avgFunc` is run on unit vectors in float64 (model i is the i-th), so it works for every rule, users' own included. Beyond
 * 512 calls the two factors of each step, `avg ← a·avg + b·source`, are measured and multiplied from the newest back: `wᵢ = bᵢ · Π aⱼ, j > i`, checked
 * against a run on one number; a rule that is not of this form is followed on unit vectors all the same, in time `calls²`.
 *
 * @param rule - an average, which is not changed; or a function that makes one for a model, for rules whose `avgFunc` keeps a memory of its own
 * @param calls - number of calls; default: as many as the average has had
 * @throws RangeError unless calls is an integer ≥ 1; StateError for a rule that is not linear in the models
 */
export function effectiveWeights(rule: BaseAveragedModel | ((model: Module) => BaseAveragedModel), calls?: number): Float64Array {
  const op = 'effectiveWeights';
  if (!(rule instanceof BaseAveragedModel) && typeof rule !== 'function') throw new ArgumentError(`${op}: not an average, got ${show(rule)}; expected an average, or a function that makes one for a model`);
  const n = calls ?? (typeof rule === 'function' ? NaN : rule.steps.item());
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`${op}: invalid number of calls, got ${show(calls ?? n)}; expected an integer ≥ 1`);
  const start = (length: number): Trial => (typeof rule === 'function' ? made(op, rule, length) : borrowed(rule, length));
  return (n > BASIS ? byFactors(start, n) : null) ?? byBasis(op, start, n);
}

function made(op: string, make: (model: Module) => BaseAveragedModel, length: number): Trial {
  const average: unknown = make(new Probe(length));
  const module: unknown = average instanceof BaseAveragedModel ? average.module : null;
  if (!(average instanceof BaseAveragedModel) || !(module instanceof Probe)) throw new ArgumentError(`${op}: the function made no average, got ${show(average)}; expected an average of the model that it was given`);
  return { averaged: () => module.weight, update: (source) => average.updateParameters(source) };
}

/** Runs the rule of an average as `updateParameters` does, on tensors that are not the average's. */
function borrowed(average: BaseAveragedModel, length: number): Trial {
  const averaged = zeros([length], { dtype: 'float64' });
  let steps = 0;
  const update = (source: Probe): void =>
    noGrad(() => {
      if (steps === 0) averaged.copy_(source.weight);
      else if (steps % average.interval === 0) average.avgFunc(averaged, source.weight.detach(), steps);
      steps++;
    });
  return { averaged: () => averaged, update };
}

/** Numbers of no pattern, one for each model, for a run that checks the weights. */
const known = (i: number): number => ((i * 0.6180339887498949) % 1) + (i % 3);

/** Whether the weights give what the rule gave for the known numbers. */
function agrees(weights: Float64Array, actual: number): boolean {
  let [sum, size] = [0, 1];
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i] * known(i);
    size += Math.abs(weights[i] * known(i));
  }
  return Math.abs(sum - actual) <= 1e-9 * size;
}

function byBasis(op: string, start: (length: number) => Trial, n: number): Float64Array {
  const trial = start(n + 1);
  const source = new Probe(n + 1);
  const one = source.weight.detach();
  for (let i = 0; i < n; i++) {
    noGrad(() => {
      if (i > 0) one.narrow(0, i - 1, 1).fill_(0);
      one.narrow(0, i, 1).fill_(1);
      one.narrow(0, n, 1).fill_(known(i));
    });
    trial.update(source);
  }
  const values = Float64Array.from(trial.averaged().data());
  const weights = values.slice(0, n);
  if (!agrees(weights, values[n])) {
    throw new StateError(`${op}: the average is no weighted sum of the models, got ${values[n]} for a run whose weights say otherwise; expected a rule that is linear in them`, {
      hint: 'a rule that keeps a memory between calls is followed from its start: give a function that makes the average, such as (model) => new MyAverage(model)',
    });
  }
  return weights;
}

/** Weights from the two factors of each step, or null for a rule of another form. */
function byFactors(start: (length: number) => Trial, n: number): Float64Array | null {
  const trial = start(3);
  const source = new Probe(3);
  const [own, other] = [new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < n; i++) {
    // The third element goes through as the rule wants; the first two are set before every call, so that they come out as a and b.
    const averaged = trial.averaged();
    noGrad(() => {
      averaged.narrow(0, 0, 1).fill_(1);
      averaged.narrow(0, 1, 1).fill_(0);
    });
    source.set([0, 1, known(i)]);
    trial.update(source);
    const after = trial.averaged().data();
    own[i] = after[0];
    other[i] = after[1];
  }
  let through = 1;
  for (let i = n - 1; i >= 0; i--) {
    other[i] *= through;
    through *= own[i];
  }
  return agrees(other, trial.averaged().data()[2]) ? other : null;
}

/**
 * How many models an average stands for, and how old they are on average.
 *
 * @param weights - the weight of every model, the oldest first, as from `effectiveWeights`
 * @throws ArgumentError unless the weights are finite numbers, with a sum that is not 0
 */
export function effectiveWindow(weights: ArrayLike<number>): EffectiveWindow {
  const op = 'effectiveWindow';
  const n = typeof weights === 'object' && weights !== null ? weights.length : 0;
  let [sum, squares, age, ageSquares] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const w = weights[i];
    sum += w;
    squares += w * w;
    age += w * (n - 1 - i);
    ageSquares += w * (n - 1 - i) ** 2;
  }
  if (!(n > 0 && Number.isFinite(sum) && sum !== 0)) throw new ArgumentError(`${op}: not weights, got ${show(weights)} with the sum ${sum}; expected finite numbers that do not sum to 0`);
  const meanAge = age / sum;
  return { models: (sum * sum) / squares, meanAge, ageDeviation: Math.sqrt(ageSquares / sum - meanAge ** 2) };
}

import { ArgumentError, checkOptions, show } from '../core/errors.ts';
import { type Eigen, eigenSymmetric } from './symmetric.ts';

/** A power-function profile: after `models` models, the weight of the model at time τ is `(γ+1) τ^γ / models^(γ+1)` for 0 < τ ≤ models. */
export interface PowerProfile {
  /** Exponent γ; above -1/2, so that the profile has an L2 norm. */
  readonly gamma: number;
  /** Models taken in so far; above 0. */
  readonly models: number;
}

/** Options of `postHocWeights`. */
export interface PostHocOptions {
  /** Eigenvalues below this share of the largest are left out; default `2^-52` times the number of profiles. */
  readonly rcond?: number;
}

/** How a wanted profile is put together from others. */
export interface PostHocWeights {
  /** One factor per given profile; they sum to 1. */
  readonly weights: Float64Array;
  /** What the factors would have summed to without the constraint: far from 1, the profiles do not span the wanted one. */
  readonly unconstrainedSum: number;
  /** `‖wanted - Σ xᵢ·profileᵢ‖ / ‖wanted‖` in L2; below 1e-7 it is rounding. */
  readonly residual: number;
  /** Largest over smallest eigenvalue of the matrix of inner products, with profiles scaled to norm 1; Infinity when they depend on each other. */
  readonly condition: number;
}

/**
 * Inner product of two power-function profiles over time,
 * `⟨a, b⟩ = (γa+1)(γb+1)(ta/tb)^e / ((γa+γb+1)·max(ta, tb))` with `e = γb` if `ta < tb`, else `-γa`.
 *
 * @throws RangeError for γ ≤ -1/2 or a time that is not above 0
 * @see Karras et al. 2024, equation 151, https://arxiv.org/abs/2312.02696
 */
export function profileInnerProduct(a: PowerProfile, b: PowerProfile): number {
  checkProfile('profileInnerProduct', a);
  checkProfile('profileInnerProduct', b);
  return inner(a, b);
}

function inner(a: PowerProfile, b: PowerProfile): number {
  // (early/late)^γlate is below 1: nothing overflows, however narrow the profiles are.
  const [early, late] = a.models < b.models ? [a, b] : [b, a];
  return ((a.gamma + 1) * (b.gamma + 1) * (early.models / late.models) ** late.gamma) / ((a.gamma + b.gamma + 1) * late.models);
}

function checkProfile(op: string, profile: PowerProfile): void {
  if (typeof profile !== 'object' || profile === null) throw new ArgumentError(`${op}: not a profile, got ${show(profile)}; expected { gamma, models }`);
  const { gamma, models } = profile;
  if (typeof gamma !== 'number' || !(gamma > -0.5 && gamma < Infinity)) throw new RangeError(`${op}: invalid gamma, got ${show(gamma)}; expected a number > -1/2, whose profile has an L2 norm`);
  if (typeof models !== 'number' || !(models > 0 && models < Infinity)) throw new RangeError(`${op}: invalid time, got ${show(models)}; expected a number of models > 0`);
}

/**
 * The weights x with which stored profiles come closest to a wanted one: `Σ xᵢ·profileᵢ`, least squares in L2 over time, under `Σ xᵢ = 1`.
 *
 * The sum is a constraint, not a correction afterwards: a profile integrates to 1, and an average whose weights sum to 0.99 is a net whose
 * weights are all 1 % too small. Of the combinations that do sum to 1, the constrained solution is the nearest; dividing the unconstrained one by its sum (as
 * the paper's code does) is not, though where the sum is 1 already the two are the same. The normal equations `A x = b` are solved by the
 * eigenvalues of A after scaling every profile to norm 1, which bounds what a nearly dependent pair of snapshots can do, and gives the condition number.
 *
 * The inner products are those of the continuous profiles. The rule of `PowerFunctionEMA` gives model i of t the weight
 * `(i^(γ+1) - (i-1)^(γ+1)) / t^(γ+1)`, which is the continuous profile integrated from i-1 to i. Integration is linear, so the same x holds
 * for the discrete weights, and their error is no larger than the continuous one.
 *
 * @param profiles - what is there; at least one
 * @param wanted - what is wanted
 * @throws ArgumentError without profiles, RangeError for a profile that is out of range
 * @see Karras et al. 2024, section 3.2 and algorithm 3, https://arxiv.org/abs/2312.02696
 */
export function postHocWeights(profiles: readonly PowerProfile[], wanted: PowerProfile, options?: PostHocOptions): PostHocWeights {
  const op = 'postHocWeights';
  checkProfiles(op, profiles);
  checkProfile(op, wanted);
  return prepareSolver(op, profiles, options)(wanted);
}

function checkProfiles(op: string, profiles: readonly PowerProfile[]): void {
  if (!Array.isArray(profiles) || profiles.length === 0) throw new ArgumentError(`${op}: no profiles, got ${show(profiles)}; expected an array with at least one`);
  for (const profile of profiles as readonly PowerProfile[]) checkProfile(op, profile);
}

/** The eigenvalues are found once; the result solves for any wanted profile. */
export function prepareSolver(op: string, profiles: readonly PowerProfile[], options?: PostHocOptions): (wanted: PowerProfile) => PostHocWeights {
  checkProfiles(op, profiles);
  checkOptions(op, options, ['rcond']);
  const n = profiles.length;
  const rcond = options?.rcond ?? n * 2 ** -52;
  if (typeof rcond !== 'number' || !(rcond >= 0 && rcond < 1)) throw new RangeError(`${op}: invalid rcond, got ${show(rcond)}; expected 0 ≤ rcond < 1`);
  const norms = profiles.map((p) => Math.sqrt(inner(p, p)));
  const cosines = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) cosines[i * n + j] = i === j ? 1 : inner(profiles[i], profiles[j]) / (norms[i] * norms[j]);
  const eigen = eigenSymmetric(cosines, n);
  const kept = eigen.values.filter((v) => v > rcond * eigen.values[0]).length;
  const smallest = eigen.values[n - 1];
  const condition = smallest > n * 2 ** -53 * eigen.values[0] ? eigen.values[0] / smallest : Infinity;
  return (wanted) => {
    checkProfile(op, wanted);
    // In units of norms, y[i] = x[i]·norm[i] / norm: minimise |C y - c| under Σ u[i]·y[i] = 1.
    const norm = Math.sqrt(inner(wanted, wanted));
    const c = Float64Array.from(profiles, (p, i) => inner(p, wanted) / (norms[i] * norm));
    const u = Float64Array.from(norms, (v) => norm / v);
    const free = solve(eigen, kept, c);
    const along = solve(eigen, kept, u);
    const unconstrainedSum = dot(u, free);
    const step = (1 - unconstrainedSum) / dot(u, along);
    const y = free.map((v, i) => v + step * along[i]);
    let square = 1;
    for (let i = 0; i < n; i++) square += y[i] * (dot(cosines.subarray(i * n, i * n + n), y) - 2 * c[i]);
    return { weights: y.map((v, i) => v * u[i]), unconstrainedSum, residual: Math.sqrt(Math.max(0, square)), condition };
  };
}

/** The pseudo-inverse from the largest eigenvalues, times b. */
function solve({ values, vectors }: Eigen, kept: number, b: Float64Array): Float64Array {
  const n = b.length;
  const out = new Float64Array(n);
  for (let k = 0; k < kept; k++) {
    const row = vectors.subarray(k * n, k * n + n);
    const factor = dot(row, b) / values[k];
    for (let i = 0; i < n; i++) out[i] += factor * row[i];
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * Weight of every model in a power-function average, the oldest first: `(i^(γ+1) - (i-1)^(γ+1)) / t^(γ+1)` for i = 1 … t. They sum to 1.
 *
 * @param profile - the exponent, and how many models were taken in: an integer ≥ 1
 * @throws RangeError for a profile that is out of range
 */
export function powerProfileWeights(profile: PowerProfile): Float64Array {
  const op = 'powerProfileWeights';
  checkProfile(op, profile);
  const { gamma, models } = profile;
  if (!Number.isInteger(models)) throw new RangeError(`${op}: invalid number of models, got ${models}; expected an integer ≥ 1`);
  // (1 - β) times the ratio of what came later; expm1 keeps the digits that the difference of powers would lose.
  return Float64Array.from({ length: models }, (_, i) => (i === 0 ? models ** -(gamma + 1) : ((i + 1) / models) ** (gamma + 1) * -Math.expm1((gamma + 1) * Math.log1p(-1 / (i + 1)))));
}

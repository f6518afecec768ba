import type { TypedArray } from '../dtype.ts';
import type { Generator } from '../random.ts';
import { fusedMultiplyAdd } from './random.ts';
import { lgamma } from './special.ts';

/** Cauchy values: the tangent of a uniform angle. */
export function fillCauchy(cells: TypedArray, at: number, n: number, generator: Generator, median: number, sigma: number): void {
  for (let i = at; i < at + n; i++) cells[i] = fusedMultiplyAdd(sigma, Math.tan(Math.PI * (generator.uniform53() - 0.5)), median);
}

/** How often one tries until a trial of probability `p` succeeds, at most `most`. */
export function fillGeometric(cells: TypedArray, at: number, n: number, generator: Generator, p: number, most: number): void {
  const logFailure = Math.log1p(-p);
  for (let i = at; i < at + n; i++) cells[i] = Math.min(most, Math.ceil(Math.log(generator.uniform53()) / logFailure));
}

/** Values whose logarithm is normal. */
export function fillLogNormal(cells: TypedArray, at: number, n: number, generator: Generator, mean: number, std: number): void {
  for (let i = at; i < at + n; i++) cells[i] = Math.exp(fusedMultiplyAdd(generator.normal(), std, mean));
}

/** A number of events at a mean rate: by products of uniform numbers below 10, by Hörmann's transformed rejection (PTRS, 1993) from 10 on. */
export function drawPoisson(rate: number, generator: Generator): number {
  if (rate === 0) return 0;
  if (rate < 10) {
    const least = Math.exp(-rate);
    let events = 0;
    for (let product = generator.uniform53(); product > least; product *= generator.uniform53()) events++;
    return events;
  }
  const logRate = Math.log(rate);
  const b = 0.931 + 2.53 * Math.sqrt(rate);
  const a = -0.059 + 0.02483 * b;
  const logInverseAlpha = Math.log(1.1239 + 1.1328 / (b - 3.4));
  const limit = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = generator.uniform53() - 0.5;
    const v = generator.uniform53();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= limit) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (Math.log(v) + logInverseAlpha - Math.log(a / (us * us) + b) <= -rate + k * logRate - lgamma(k + 1)) return k;
  }
}

const TAILS = [
  0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.010411265261972, 0.00925546218271273, 0.00833056343336287,
];

/** What Stirling's formula lacks of log k!. */
function stirlingTail(k: number): number {
  if (k <= 9) return TAILS[k];
  const square = (k + 1) * (k + 1);
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1);
}

/** Successes of few expected ones: waiting times are summed until they exceed the number of trials. */
function byWaiting(count: number, logFailure: number, generator: Generator): number {
  let successes = 0;
  for (let trials = Math.ceil(Math.log(generator.uniform53()) / logFailure); trials <= count; trials += Math.ceil(Math.log(generator.uniform53()) / logFailure)) successes++;
  return successes;
}

/** Successes of many expected ones: Hörmann's transformed rejection with squeeze (BTRS, 1993). */
function byRejection(count: number, p: number, deviation: number, generator: Generator): number {
  const b = 1.15 + 2.53 * deviation;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const c = count * p + 0.5;
  const limit = 0.92 - 4.2 / b;
  const odds = p / (1 - p);
  const alpha = (2.83 + 5.1 / b) * deviation;
  const m = Math.floor((count + 1) * p);
  for (;;) {
    const u = generator.uniform53() - 0.5;
    const v = generator.uniform53();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + c);
    if (k < 0 || k > count) continue;
    if (us >= 0.07 && v <= limit) return k;
    const bound =
      (m + 0.5) * Math.log((m + 1) / (odds * (count - m + 1))) +
      (count + 1) * Math.log((count - m + 1) / (count - k + 1)) +
      (k + 0.5) * Math.log((odds * (count - k + 1)) / (k + 1)) +
      stirlingTail(m) + stirlingTail(count - m) - stirlingTail(k) - stirlingTail(count - k);
    if (Math.log((v * alpha) / (a / (us * us) + b)) <= bound) return k;
  }
}

/** Successes in `count` trials of probability `p`. `round` is to the precision of the operands, in which PyTorch prepares its constants. */
export function drawBinomial(count: number, p: number, generator: Generator, round: (v: number) => number): number {
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  const rarer = p <= 0.5 ? p : round(1 - p);
  const successes = round(count * rarer) >= 10
    ? byRejection(count, rarer, round(Math.sqrt(round(round(count * rarer) * round(1 - rarer)))), generator)
    : byWaiting(count, round(Math.log1p(-rarer)), generator);
  return p <= 0.5 ? successes : count - successes;
}

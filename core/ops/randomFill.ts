import { fillNormal } from '../cpu/normal.ts';
import { fillCauchy, fillGeometric, fillLogNormal } from '../cpu/draws.ts';
import { type Fill, fillBernoulli, fillDoubleIntegers, fillExponential, fillIntegers, fillTensor, fillUniform, fullRange } from '../cpu/random.ts';
import { type DType, isFloat, range } from '../dtype.ts';
import { ArgumentError, DTypeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Primitive, applyInPlace, primitive } from '../op.ts';
import type { Generator } from '../random.ts';
import { Tensor } from '../tensor.ts';
import { byName } from './byName.ts';
import { checkTensor } from './define.ts';
import { bernoulliFill, checkBounds, checkNormal, generatorOf } from './random.ts';

/** Options of the in-place samplers. */
export interface FillOptions {
  /** Where the numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** A sampler overwrites what was there, so no gradient flows through it. */
function sampler(name: string): Primitive<Fill> {
  return primitive<Fill>({ name, infer: ([x]) => x as Tensor, cpu: ([out], _, fill) => fillTensor(out, fill), batching: 'random', backward: [(g) => g.mul(0)] });
}

const ops = {
  uniform: sampler('uniform'), normal: sampler('normal'), bernoulli: sampler('bernoulli'), random: sampler('random'), exponential: sampler('exponential'), cauchy: sampler('cauchy'),
  geometric: sampler('geometric'), logNormal: sampler('logNormal'),
};

function prepare(name: string, x: Tensor, options: FillOptions | undefined, floats: boolean): Generator {
  checkTensor(name, x);
  checkOptions(name, options, ['generator']);
  if (floats && !isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
  return generatorOf(name, options?.generator);
}

export const uniform_ = byName('uniform_', ['from', 'to', 'options'], (x: Tensor, from = 0, to = 1, options?: FillOptions): Tensor => {
  const generator = prepare('uniform_', x, options, true);
  if (typeof from !== 'number' || typeof to !== 'number' || !(from <= to) || !Number.isFinite(to - from)) {
    throw new ArgumentError(`uniform_: not a range, got ${show(from)} to ${show(to)}; expected finite numbers with from ≤ to`, { values: { from, to } });
  }
  return applyInPlace(ops.uniform, [x], (cells, at, n) => fillUniform(cells, at, n, generator, from, to));
});

export const normal_ = byName('normal_', ['mean', 'std', 'options'], (x: Tensor, mean = 0, std = 1, options?: FillOptions): Tensor => {
  const generator = prepare('normal_', x, options, true);
  checkNormal('normal_', mean, std);
  return applyInPlace(ops.normal, [x], (cells, at, n, whole) => fillNormal(cells, at, n, generator, mean, std, whole));
});

export const bernoulli_ = byName('bernoulli_', ['p', 'options'], (x: Tensor, p: number | Tensor = 0.5, options?: FillOptions): Tensor => {
  const generator = prepare('bernoulli_', x, options, false);
  if (p instanceof Tensor) return applyInPlace(ops.bernoulli, [x], bernoulliFill('bernoulli_', p, x, generator));
  checkNumber('bernoulli_', 'p', p, 'a probability from 0 to 1, or a tensor of them', (v) => v >= 0 && v <= 1);
  return applyInPlace(ops.bernoulli, [x], (cells, at, n) => fillBernoulli(cells, at, n, generator, p));
});

export const random_ = byName('random_', ['from', 'to', 'options'], (x: Tensor, ...args: readonly (number | FillOptions | undefined)[]): Tensor => {
  const bounds = args.filter((v) => typeof v === 'number');
  const options = args.find((v) => typeof v === 'object');
  const generator = prepare('random_', x, options, false);
  if (args.some((v) => v !== undefined && typeof v !== 'number' && typeof v !== 'object') || bounds.length > 2) {
    throw new ArgumentError(`random_: not bounds, got ${show(args)}; expected nothing, to, or from and to`);
  }
  if (bounds.length === 0) return applyInPlace(ops.random, [x], fullRangeFill(x.dtype, generator));
  const [from, to] = bounds.length === 1 ? [0, bounds[0]] : bounds;
  checkBounds('random_', from, to, x.dtype);
  return applyInPlace(ops.random, [x], (cells, at, n) => fillIntegers(cells, at, n, generator, from, to - from));
});

function fullRangeFill(dtype: DType, generator: Generator): Fill {
  if (dtype === 'int64') {
    throw new DTypeError('random_: 63 random bits do not fit, got int64 without bounds; expected bounds', { hint: 'int64 is kept as 32-bit integers in memory: random_(from, to)' });
  }
  if (dtype === 'float64') return (cells, at, n) => fillDoubleIntegers(cells, at, n, generator);
  return (cells, at, n) => fillIntegers(cells, at, n, generator, 0, fullRange[dtype]);
}

export const exponential_ = byName('exponential_', ['lambd', 'options'], (x: Tensor, rate = 1, options?: FillOptions): Tensor => {
  const generator = prepare('exponential_', x, options, true);
  checkNumber('exponential_', 'rate', rate, 'a number > 0', (v) => v > 0);
  return applyInPlace(ops.exponential, [x], (cells, at, n) => fillExponential(cells, at, n, generator, rate));
});

export const cauchy_ = byName('cauchy_', ['median', 'sigma', 'options'], (x: Tensor, median = 0, sigma = 1, options?: FillOptions): Tensor => {
  const generator = prepare('cauchy_', x, options, true);
  checkNumber('cauchy_', 'median', median, 'a finite number', Number.isFinite);
  checkNumber('cauchy_', 'sigma', sigma, 'a number > 0', (v) => v > 0);
  return applyInPlace(ops.cauchy, [x], (cells, at, n) => fillCauchy(cells, at, n, generator, median, sigma));
});

export const geometric_ = byName('geometric_', ['p', 'options'], (x: Tensor, p: number, options?: FillOptions): Tensor => {
  const generator = prepare('geometric_', x, options, false);
  if (x.dtype === 'bool') throw new DTypeError(`geometric_: not numbers, got ${show(x)}; expected a dtype other than bool`);
  checkNumber('geometric_', 'p', p, 'a probability between 0 and 1', (v) => v > 0 && v < 1);
  const most = isFloat(x.dtype) ? Infinity : range(x.dtype).max;
  return applyInPlace(ops.geometric, [x], (cells, at, n) => fillGeometric(cells, at, n, generator, p, most));
});

export const logNormal_ = byName('logNormal_', ['mean', 'std', 'options'], (x: Tensor, mean = 1, std = 2, options?: FillOptions): Tensor => {
  const generator = prepare('logNormal_', x, options, true);
  checkNumber('logNormal_', 'mean', mean, 'a finite number', Number.isFinite);
  checkNumber('logNormal_', 'std', std, 'a number > 0', (v) => v > 0);
  return applyInPlace(ops.logNormal, [x], (cells, at, n) => fillLogNormal(cells, at, n, generator, mean, std));
});

// The methods are these with the tensor first; their documentation is there.

declare module '../tensor.ts' {
  interface Tensor {
    /**
     * Uniform numbers from `from` (default 0) to `to` (default 1), in place.
     *
     * @throws ArgumentError unless from ≤ to; DTypeError for integers
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.uniform_.html
     */
    uniform_(from?: number, to?: number, options?: FillOptions): Tensor;
    uniform_(options: FillOptions & { readonly from?: number; readonly to?: number }): Tensor;
    /**
     * Normal numbers of a mean (default 0) and standard deviation (default 1), in place.
     *
     * @throws ArgumentError for a negative deviation; DTypeError for integers
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.normal_.html
     */
    normal_(mean?: number, std?: number, options?: FillOptions): Tensor;
    normal_(options: FillOptions & { readonly mean?: number; readonly std?: number }): Tensor;
    /**
     * 1 with probability `p` (default 0.5; a number, or a tensor that broadcasts), else 0, in place.
     *
     * @throws ArgumentError for probabilities outside 0 to 1
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.bernoulli_.html
     */
    bernoulli_(p?: number | Tensor, options?: FillOptions): Tensor;
    bernoulli_(options: FillOptions & { readonly p?: number | Tensor }): Tensor;
    /**
     * Whole numbers in place: from `from` up to and without `to`, from 0 to `to`, or without bounds from 0 to the largest the dtype
     * holds exactly.
     *
     * @throws ArgumentError unless from < to; DTypeError when the bounds do not fit the dtype
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.random_.html
     */
    random_(options?: FillOptions): Tensor;
    random_(to: number, options?: FillOptions): Tensor;
    random_(from: number, to: number, options?: FillOptions): Tensor;
    random_(options: FillOptions & { readonly from?: number; readonly to: number }): Tensor;
    /**
     * Exponential numbers of rate λ (default 1), so of mean 1/λ, in place.
     *
     * @throws ArgumentError unless λ > 0; DTypeError for integers
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.exponential_.html
     */
    exponential_(lambd?: number, options?: FillOptions): Tensor;
    exponential_(options: FillOptions & { readonly lambd?: number }): Tensor;
    /**
     * Cauchy numbers of a median (default 0) and half width at half maximum `sigma` (default 1), in place.
     *
     * @throws ArgumentError unless sigma > 0; DTypeError for integers
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.cauchy_.html
     */
    cauchy_(median?: number, sigma?: number, options?: FillOptions): Tensor;
    cauchy_(options: FillOptions & { readonly median?: number; readonly sigma?: number }): Tensor;
    /**
     * How many trials of probability `p` it takes until one succeeds, from 1 on, in place; integers stop at the largest of the dtype.
     *
     * @throws ArgumentError unless 0 < p < 1; DTypeError for bool
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.geometric_.html
     */
    geometric_(p: number, options?: FillOptions): Tensor;
    geometric_(options: FillOptions & { readonly p: number }): Tensor;
    /**
     * Numbers whose logarithm is normal, of a mean (default 1) and standard deviation (default 2), in place.
     *
     * @throws ArgumentError unless the deviation is above 0; DTypeError for integers
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.log_normal_.html
     */
    logNormal_(mean?: number, std?: number, options?: FillOptions): Tensor;
    logNormal_(options: FillOptions & { readonly mean?: number; readonly std?: number }): Tensor;
  }
}

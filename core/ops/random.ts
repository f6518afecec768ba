import { fillNormal } from '../cpu/normal.ts';
import { fillBernoulliEach, fillIntegers, fillLike, fillPermutation, fillUniform, memoryOrder, type Fill } from '../cpu/random.ts';
import { getDevice } from '../device.ts';
import { type DType, checkRange, getDefaultDtype, isFloat, makeArray } from '../dtype.ts';
import { ArgumentError, DTypeError, show } from '../errors.ts';
import { Generator, defaultGenerator } from '../random.ts';
import { type Shape, broadcastShapes, checkShape, numelOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type TensorOptions, dtypeOf, fromCells } from './creation.ts';
import { type Free, type Method, checkOperand, checkTensor, free, method } from './define.ts';
import { broadcastTo, contiguous, expand, permute } from './view.ts';

const family = 'random';

/** Options of functions that make random tensors. */
export interface RandomOptions extends TensorOptions {
  /** Where the numbers come from; default the one `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** The generator of the options, or the default one. @throws ArgumentError for anything that is no Generator */
export function generatorOf(name: string, generator: unknown): Generator {
  if (generator === undefined || generator === null) return defaultGenerator;
  if (!(generator instanceof Generator)) throw new ArgumentError(`${name}: not a generator, got ${show(generator)}; expected a Generator`);
  return generator;
}

/** Checks the options before anything is drawn. */
function prepare(name: string, options: RandomOptions | undefined, fallback: DType): { readonly dtype: DType; readonly generator: Generator } {
  const dtype = dtypeOf(name, options, fallback, ['generator']);
  const generator = generatorOf(name, options?.generator);
  if (options?.device !== undefined) getDevice(options.device);
  if (options?.requiresGrad === true && !isFloat(dtype)) throw new DTypeError(`${name}: only floats carry gradients, got ${dtype}; expected float32 or float64`);
  return { dtype, generator };
}

function floatOnly(name: string, dtype: DType): void {
  if (!isFloat(dtype)) throw new DTypeError(`${name}: not a float dtype, got ${dtype}; expected float32 or float64`, { hint: 'randint draws whole numbers' });
}

/** How random numbers are drawn while a function runs for many examples at once (`vmap`). */
export interface Lanes {
  readonly size: number;
  /** Draw once for all examples, or for each. */
  readonly each: boolean;
  /** Lanes around these. */
  readonly outer: Lanes | null;
  /** A tensor of one example from the numbers of all, `(examples, …)`. */
  lift(all: Tensor): Tensor;
  /** Whether a tensor differs between the examples. */
  holds(x: Tensor): boolean;
  /** Refuses to draw, where nobody said how. */
  check(name: string): void;
}

let lanes: Lanes | null = null;

/** The lanes that are open. */
export function openLanes(): Lanes | null {
  return lanes;
}

/** Runs a function with other lanes. */
export function withLanes<T>(next: Lanes | null, fn: () => T): T {
  const before = lanes;
  lanes = next;
  try {
    return fn();
  } finally {
    lanes = before;
  }
}

/** A tensor of fresh numbers. `fill` writes one example's. */
export function drawn(name: string, shape: Shape, dtype: DType, options: TensorOptions | undefined, fill: Fill): Tensor {
  const current = lanes;
  if (current === null) {
    const cells = makeArray(dtype, numelOf(shape));
    fill(cells, 0, cells.length, true);
    return fromCells(name, dtype, cells, [...shape], options);
  }
  current.check(name);
  if (!current.each) return withLanes(current.outer, () => drawn(name, shape, dtype, options, fill));
  const { size } = current;
  const rows: Fill = (cells, at, n) => {
    const length = n / Math.max(size, 1);
    const row = makeArray(dtype, length);
    for (let b = 0; b < size; b++) {
      fill(row, 0, length, true);
      cells.set(row, at + b * length);
    }
  };
  const made = current.lift(withLanes(current.outer, () => drawn(name, [size, ...shape], dtype, undefined, rows)));
  return options?.requiresGrad === true ? made.requiresGrad_() : made;
}

/** A draw that reads the values of a tensor: for many examples one after the other, from the same numbers again where all share them. */
export function drawnFrom(name: string, x: Tensor, generator: Generator, draw: (x: Tensor) => Tensor): Tensor {
  const current = lanes;
  if (current === null) return draw(x);
  current.check(name);
  const within = (one: Tensor): Tensor => withLanes(current.outer, () => drawnFrom(name, one, generator, draw));
  if (!current.each && !current.holds(x)) return within(x);
  const examples = current.holds(x) ? x : current.lift(expand(x, [current.size, ...x.shape]));
  const start = generator.getState();
  const result = examples.device.each?.(name, [examples], ([one]) => {
    if (!current.each) generator.setState(start);
    return within(one);
  });
  return result ?? draw(x);
}

function uniformTensor(name: string, shape: Shape, options: RandomOptions | undefined, fallback: DType, like?: Tensor): Tensor {
  const { dtype, generator } = prepare(name, options, fallback);
  checkShape(name, shape);
  floatOnly(name, dtype);
  const fill: Fill = (cells, at, n) => fillUniform(cells, at, n, generator, 0, 1);
  return drawn(name, shape, dtype, options, like === undefined ? fill : fillLike(like, fill));
}

function normalTensor(name: string, shape: Shape, options: RandomOptions | undefined, fallback: DType, mean = 0, std = 1, like?: Tensor): Tensor {
  const { dtype, generator } = prepare(name, options, fallback);
  checkShape(name, shape);
  floatOnly(name, dtype);
  const fill: Fill = (cells, at, n, whole) => fillNormal(cells, at, n, generator, mean, std, whole);
  return drawn(name, shape, dtype, options, like === undefined ? fill : fillLike(like, fill));
}

type Draw = Free<(shape: Shape, options?: RandomOptions) => Tensor>;
type DrawLike = Free<(x: Tensor, options?: RandomOptions) => Tensor>;

const description = (name: string): { name: string; family: string; differentiable: false; samples: () => [] } => ({ name, family, differentiable: false, samples: () => [] });

/**
 * Uniform numbers on [0, 1).
 *
 * @throws DTypeError for a dtype without fractions
 * @see https://pytorch.org/docs/stable/generated/torch.rand.html
 */
export const rand: Draw = free(description('rand'), (shape: Shape, options?: RandomOptions): Tensor => uniformTensor('rand', shape, options, getDefaultDtype()));

/**
 * Normal numbers of mean 0 and variance 1.
 *
 * @throws DTypeError for a dtype without fractions
 * @see https://pytorch.org/docs/stable/generated/torch.randn.html
 */
export const randn: Draw = free(description('randn'), (shape: Shape, options?: RandomOptions): Tensor => normalTensor('randn', shape, options, getDefaultDtype()));

/** `rand` in the shape, dtype and device of another tensor. @see https://pytorch.org/docs/stable/generated/torch.rand_like.html */
export const randLike: DrawLike = free(description('randLike'), (x: Tensor, options?: RandomOptions): Tensor => {
  checkTensor('randLike', x);
  return uniformTensor('randLike', x.shape, { device: x.device, ...options }, x.dtype, x);
});

/** `randn` in the shape, dtype and device of another tensor. @see https://pytorch.org/docs/stable/generated/torch.randn_like.html */
export const randnLike: DrawLike = free(description('randnLike'), (x: Tensor, options?: RandomOptions): Tensor => {
  checkTensor('randnLike', x);
  return normalTensor('randnLike', x.shape, { device: x.device, ...options }, x.dtype, 0, 1, x);
});

/** Refuses bounds that are no whole numbers, the wrong way round, or outside the dtype. */
export function checkBounds(name: string, low: unknown, high: unknown, dtype: DType): asserts high is number {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || (low as number) >= (high as number) || !Number.isSafeInteger((high as number) - (low as number))) {
    throw new ArgumentError(`${name}: not a range of whole numbers, got ${show(low)} to ${show(high)}; expected low < high`, { values: { low, high } });
  }
  checkRange(name, low as number, dtype);
  checkRange(name, (high as number) - 1, dtype);
}

/**
 * Whole numbers from `low` (default 0) up to and without `high`, as int64 unless `dtype` says otherwise.
 *
 * @throws ArgumentError unless low < high; DTypeError when the bounds do not fit the dtype
 * @see https://pytorch.org/docs/stable/generated/torch.randint.html
 */
export const randint: Free<{
  (high: number, shape: Shape, options?: RandomOptions): Tensor;
  (low: number, high: number, shape: Shape, options?: RandomOptions): Tensor;
}> = free(description('randint'), (a: number, b: number | Shape, c?: Shape | RandomOptions, d?: RandomOptions): Tensor => {
  const [low, high, shape, options] = typeof b === 'number' ? [a, b, c, d] : [0, a, b, c as RandomOptions | undefined];
  const { dtype, generator } = prepare('randint', options, 'int64');
  checkShape('randint', shape);
  checkBounds('randint', low, high, dtype);
  return drawn('randint', shape, dtype, options, (cells, at, n) => fillIntegers(cells, at, n, generator, low, high - low));
});

interface RandintLike {
  (x: Tensor, high: number, options?: RandomOptions): Tensor;
  (x: Tensor, low: number, high: number, options?: RandomOptions): Tensor;
  (x: Tensor, options: RandomOptions & { readonly low?: number; readonly high: number }): Tensor;
}

/** `randint` in the shape of another tensor, and in its dtype and on its device. @throws as `randint` @see https://pytorch.org/docs/stable/generated/torch.randint_like.html */
export const randintLike: Free<RandintLike> = free({ ...description('randintLike'), parameters: ['low', 'high', 'options'] }, ((x: Tensor, a?: number, b?: number, given?: RandomOptions): Tensor => {
  checkTensor('randintLike', x);
  const [low, high] = b === undefined ? [0, a] : [a ?? 0, b];
  const options = { device: x.device, ...given };
  const { dtype, generator } = prepare('randintLike', options, x.dtype);
  checkBounds('randintLike', low, high, dtype);
  return drawn('randintLike', x.shape, dtype, options, fillLike(x, (cells, at, n) => fillIntegers(cells, at, n, generator, low, high - low)));
}) as RandintLike);

/**
 * The numbers 0 to n - 1 in random order, as int64 unless `dtype` says otherwise.
 *
 * @throws ArgumentError unless `n` is a whole number ≥ 0
 * @see https://pytorch.org/docs/stable/generated/torch.randperm.html
 */
export const randperm: Free<(n: number, options?: RandomOptions) => Tensor> = free(description('randperm'), (n: number, options?: RandomOptions): Tensor => {
  const { dtype, generator } = prepare('randperm', options, 'int64');
  if (!Number.isInteger(n) || n < 0) throw new ArgumentError(`randperm: not a count, got ${show(n)}; expected an integer ≥ 0`);
  if (n > 0) checkRange('randperm', n - 1, dtype);
  return drawn('randperm', [n], dtype, options, (cells) => fillPermutation(cells, generator));
});

/** Refuses a mean or deviation normal values cannot have. */
export function checkNormal(name: string, mean: unknown, std: unknown): void {
  if (typeof mean !== 'number') throw new ArgumentError(`${name}: mean is not a number, got ${show(mean)}; expected a number`);
  if (typeof std !== 'number' || !(std >= 0)) throw new ArgumentError(`${name}: invalid std, got ${show(std)}; expected a number ≥ 0`, { values: { std } });
}

interface Normal {
  (mean: number, std: number, shape: Shape, options?: RandomOptions): Tensor;
  (mean: Tensor | number, std?: Tensor | number, options?: RandomOptions): Tensor;
  (mean: Tensor | number, options: RandomOptions & { readonly std?: Tensor | number; readonly size?: Shape }): Tensor;
}

/**
 * Normal numbers: of one mean and deviation in a given shape, or of a mean and deviation per element, broadcast.
 *
 * @throws ArgumentError for a negative deviation, or for two numbers without a shape
 * @see https://pytorch.org/docs/stable/generated/torch.normal.html
 */
export const normal: Free<Normal> = free({ ...description('normal'), parameters: ['std', 'size', 'options'] }, ((mean: Tensor | number, deviation?: Tensor | number, size?: Shape, options?: RandomOptions): Tensor => {
  const [m, s] = [checkOperand('normal', mean, 'mean'), checkOperand('normal', deviation ?? 1, 'std')];
  if (typeof m === 'number' && typeof s === 'number') {
    checkNormal('normal', m, s);
    checkShape('normal', size);
    return normalTensor('normal', size, options, getDefaultDtype(), m, s);
  }
  if (size !== undefined) throw new ArgumentError(`normal: a size beside tensors, got ${show(size)}; expected none`);
  const like = typeof m === 'number' ? (s as Tensor) : m;
  const shape = broadcastShapes('normal', typeof m === 'number' ? [] : m.shape, typeof s === 'number' ? [] : s.shape);
  if (typeof s === 'number') checkNormal('normal', 0, s);
  else if (s.device.each === undefined && s.data().some((v) => !(v >= 0))) throw new ArgumentError(`normal: a std is negative or NaN, got ${show(s)}; expected values ≥ 0`);
  const z = normalTensor('normal', shape, { device: like.device, ...options }, like.dtype, 0, typeof s === 'number' ? s : 1);
  return (typeof s === 'number' ? z : z.mul(s.detach())).add(typeof m === 'number' ? m : m.detach());
}) as Normal);

function checkProbabilities(name: string, p: Tensor): void {
  floatOnly(name, p.dtype);
  const bad = p.data().find((v) => !(v >= 0 && v <= 1));
  if (bad !== undefined) throw new ArgumentError(`${name}: not a probability, got ${bad} in ${show(p)}; expected values from 0 to 1`, { values: { value: bad } });
}

/** A fill of `x` with 0 and 1 by the probabilities of a tensor that broadcasts to it. @throws ArgumentError for values outside 0 to 1 */
export function bernoulliFill(name: string, p: Tensor, x: Tensor, generator: Generator): Fill {
  checkProbabilities(name, p);
  const each = permute(broadcastTo(p.detach(), x.shape), memoryOrder(x)).data();
  return (cells, at, n) => fillBernoulliEach(cells, at, n, generator, each);
}

/**
 * 1 with the probability each element gives, else 0, in the dtype of the probabilities.
 *
 * @throws DTypeError for probabilities that are not floats; ArgumentError for ones outside 0 to 1
 * @see https://pytorch.org/docs/stable/generated/torch.bernoulli.html
 */
export const bernoulli: Method<(p: Tensor, options?: Pick<RandomOptions, 'generator'>) => Tensor> = method(
  description('bernoulli'),
  (p: Tensor, options?: Pick<RandomOptions, 'generator'>): Tensor => {
    checkTensor('bernoulli', p);
    const { generator } = prepare('bernoulli', options, p.dtype);
    return drawnFrom('bernoulli', p, generator, (one) => drawn('bernoulli', one.shape, one.dtype, { device: one.device }, bernoulliFill('bernoulli', one, contiguous(one), generator)));
  },
);

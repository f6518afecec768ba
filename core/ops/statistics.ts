import { type DType, isFloat, promoteTypes, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Results, results } from '../results.ts';
import { normalizeDim } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { tensor } from './creation.ts';
import type { Named, NamedPair } from './byName.ts';
import { type Free, type Method, checkTensor, free, method } from './define.ts';
import { type KeepdimOptions } from './extrema.ts';
import { gather } from './gather.ts';
import { type MomentOptions, std, variance } from './moments.ts';
import { type Dims, type ReduceOptions, amax, amin, mean, sum } from './reduce.ts';
import { where } from './select.ts';
import { sort } from './sort.ts';
import { expand, movedim, reshape, unsqueeze } from './view.ts';

const family = 'reduction';

// ---- several results at once ----

/** Standard deviation and mean over dimensions. @see https://pytorch.org/docs/stable/generated/torch.std_mean.html */
export const stdMean: Free<Named<'dim', Dims, MomentOptions, Results<{ std: Tensor; mean: Tensor }>, Tensor, [unbiased: boolean, keepdim: boolean]>> = free(
  { name: 'stdMean', parameters: ['dim', 'options', 'unbiased', 'keepdim'], family, samples: (s) => [[s.float([2, 3])], [s.float([3, 4]), 1, { correction: 0, keepdim: true }]] },
  (x: Tensor, dim?: Dims, options?: MomentOptions): Results<{ std: Tensor; mean: Tensor }> => results({ std: std(x, dim, options), mean: mean(x, dim, { keepdim: options?.keepdim ?? false }) }),
);

/** Variance and mean over dimensions. @see https://pytorch.org/docs/stable/generated/torch.var_mean.html */
export const varMean: Free<Named<'dim', Dims, MomentOptions, Results<{ var: Tensor; mean: Tensor }>, Tensor, [unbiased: boolean, keepdim: boolean]>> = free(
  { name: 'varMean', parameters: ['dim', 'options', 'unbiased', 'keepdim'], family, samples: (s) => [[s.float([2, 3])], [s.float([3, 4]), [0, 1], { correction: 2 }]] },
  (x: Tensor, dim?: Dims, options?: MomentOptions): Results<{ var: Tensor; mean: Tensor }> => results({ var: variance(x, dim, options), mean: mean(x, dim, { keepdim: options?.keepdim ?? false }) }),
);

/** Options of `aminmax`. */
export interface AminmaxOptions extends KeepdimOptions {
  /** One dimension; default all. */
  readonly dim?: number;
}

/** Smallest and largest element, of everything or along a dimension; NaN where there is one. @see https://pytorch.org/docs/stable/generated/torch.aminmax.html */
export const aminmax: Method<(x: Tensor, options?: AminmaxOptions) => Results<{ min: Tensor; max: Tensor }>> = method(
  { name: 'aminmax', family, samples: (s) => [[s.float([2, 3])], [s.float([2, 3]), { dim: 1 }], [s.int([2, 3]), { dim: 0, keepdim: true }]] },
  (x: Tensor, options?: AminmaxOptions): Results<{ min: Tensor; max: Tensor }> => {
    checkTensor('aminmax', x);
    checkOptions('aminmax', options, ['dim', 'keepdim']);
    const keep = { keepdim: options?.keepdim ?? false };
    if (x.numel() === 0 && options?.dim === undefined) throw new ShapeError(`aminmax: nothing to choose from, got ${show(x)}; expected at least one element`);
    return results({ min: amin(x, options?.dim, keep), max: amax(x, options?.dim, keep) });
  },
);

// ---- without NaN ----

/** Sum of the elements that are not NaN. @see https://pytorch.org/docs/stable/generated/torch.nansum.html */
export const nansum: Method<Named<'dim', Dims, ReduceOptions, Tensor, Tensor, [keepdim: boolean]>> = method(
  { name: 'nansum', parameters: ['dim', 'options', 'keepdim'], family, samples: (s) => [[s.values([1, NaN, 3])], [s.values([1, NaN, 3, NaN], [2, 2]), 1], [s.float([2, 3]), [0, 1], { keepdim: true }], [s.int([3])]] },
  (x: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => {
    checkTensor('nansum', x);
    if (isFloat(x.dtype) && options?.dtype !== undefined && !isFloat(options.dtype)) throw new DTypeError(`nansum: not a float dtype, got ${show(options.dtype)} for ${show(x)}; expected float32 or float64`);
    return sum(isFloat(x.dtype) ? x.maskedFill(x.isnan(), 0) : x, dim, options);
  },
);

/** Mean of the elements that are not NaN; NaN where there are none. @throws DTypeError for integers @see https://pytorch.org/docs/stable/generated/torch.nanmean.html */
export const nanmean: Method<Named<'dim', Dims, ReduceOptions, Tensor, Tensor, [keepdim: boolean]>> = method(
  { name: 'nanmean', parameters: ['dim', 'options', 'keepdim'], family, samples: (s) => [[s.values([1, NaN, 3])], [s.values([1, NaN, 3, NaN], [2, 2]), 1], [s.float([2, 3]), 0, { keepdim: true }]] },
  (x: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => {
    checkTensor('nanmean', x);
    if (!isFloat(x.dtype)) throw new DTypeError(`nanmean: not a float tensor, got ${show(x)}; expected float32 or float64`);
    const count = sum(x.isnan().logicalNot(), dim, { keepdim: options?.keepdim ?? false });
    return nansum(x, dim, options).div(count);
  },
);

// ---- quantiles ----

/** How a quantile between two entries is taken. */
export type QuantileInterpolation = 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest';

/** Options of `quantile` and `nanquantile`. */
export interface QuantileOptions extends KeepdimOptions {
  /** Default 'linear'. */
  readonly interpolation?: QuantileInterpolation;
}

const interpolations: readonly unknown[] = ['linear', 'lower', 'higher', 'midpoint', 'nearest'];

function quantiles(name: string, x: Tensor, q: Tensor | number, dim: number | null | undefined, options: QuantileOptions | undefined, skipNaN: boolean): Tensor {
  checkTensor(name, x);
  checkOptions(name, options, ['keepdim', 'interpolation']);
  const { keepdim = false, interpolation = 'linear' } = options ?? {};
  if (!interpolations.includes(interpolation)) throw new ArgumentError(`${name}: unknown interpolation, got ${show(interpolation)}; expected one of ${interpolations.join(', ')}`);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
  if (x.numel() === 0) throw new ShapeError(`${name}: nothing to choose from, got ${show(x)}; expected at least one element`);
  const points = typeof q === 'number' ? tensor(q, { dtype: x.dtype, device: x.device }) : q;
  checkTensor(name, points, 'q');
  if (points.ndim > 1) throw new ShapeError(`${name}: q is neither number nor vector, got ${show(points)}; expected at most 1 dimension`);
  if (points.dtype !== x.dtype) throw new DTypeError(`${name}: q has another dtype, got ${show(points)} for ${show(x)}; expected ${x.dtype}`);
  if (points.device.name === 'cpu' && points.data().some((v) => !(v >= 0 && v <= 1))) throw new ArgumentError(`${name}: q outside 0 to 1, got ${show(points.array())}; expected values from 0 to 1`);
  const all = dim === undefined || dim === null;
  const d = all ? 0 : normalizeDim(name, dim, x.ndim);
  const lines = all ? reshape(x, [-1]) : x.ndim === 0 ? reshape(x, [1]) : movedim(x, d, -1);
  const sorted = sort(lines, -1).values;
  const n = sorted.shape[sorted.ndim - 1];
  const missing = sorted.isnan();
  // Ranks of the points in each line: (…, points)
  const last = skipNaN ? missing.logicalNot().sum(-1, { keepdim: true }).sub(1).clamp(0).to(x.dtype) : null;
  const vector = reshape(points, [-1]);
  const ranks = expand(last === null ? vector.mul(n - 1) : vector.mul(last), [...sorted.shape.slice(0, -1), vector.shape[0]]);
  const at = (place: Tensor): Tensor => gather(sorted, -1, place.detach().to('int64'));
  const [below, above] = [ranks.floor(), ranks.ceil()];
  const value =
    interpolation === 'linear' ? at(below).lerp(at(above), ranks.sub(below.detach()))
    : interpolation === 'midpoint' ? at(below).lerp(at(above), 0.5)
    : at(interpolation === 'lower' ? below : interpolation === 'higher' ? above : ranks.round());
  const known = skipNaN ? value : where(expand(missing.any(-1, { keepdim: true }), value.shape), NaN, value);
  const kept = keepdim ? (all ? x.shape.map(() => 1) : x.ndim === 0 ? [] : x.shape.with(d, 1)) : null;
  const front = movedim(known, -1, 0);
  const shaped = kept === null ? (x.ndim === 0 || all ? reshape(front, [vector.shape[0]]) : front) : reshape(front, [vector.shape[0], ...kept]);
  return points.ndim === 0 ? shaped.squeeze(0) : shaped;
}

type Quantile = Method<NamedPair<'q', Tensor | number, 'dim', number | null, QuantileOptions, Tensor, Tensor, [keepdim: boolean]>>;

/**
 * Quantiles of everything or along a dimension, between entries by linear interpolation or as `interpolation` says; NaN where there is one.
 *
 * @param q - from 0 to 1; a vector gives as many results, in front
 * @throws ArgumentError for a `q` outside 0 to 1; ShapeError for an empty tensor; DTypeError for integers, or a `q` of another dtype
 * @see https://pytorch.org/docs/stable/generated/torch.quantile.html
 */
export const quantile: Quantile = method(
  {
    name: 'quantile',
    parameters: ['q', 'dim', 'options', 'keepdim'],
    family,
    samples: (s) => [
      [s.float([5]), 0.3],
      [s.float([2, 4]), s.values([0.125, 0.625, 0.875]), 1],
      [s.float([3, 2]), s.values([0.375]), 0, { keepdim: true, interpolation: 'midpoint' }],
      [s.float([3, 2]), 0.3, null, { interpolation: 'lower' }],
      [s.float([2, 5]), 0.3, 1, { interpolation: 'higher' }],
      [s.float([2, 5]), 0.3, 1, { interpolation: 'nearest' }],
    ],
  },
  (x: Tensor, q: Tensor | number, dim?: number | null, options?: QuantileOptions): Tensor => quantiles('quantile', x, q, dim, options, false),
);

/** Quantiles of the entries that are not NaN; NaN where there are none. @see https://pytorch.org/docs/stable/generated/torch.nanquantile.html */
export const nanquantile: Quantile = method(
  { name: 'nanquantile', parameters: ['q', 'dim', 'options', 'keepdim'], family, samples: (s) => [[s.values([3, NaN, 1, 2]), 0.4], [s.values([3, NaN, 1, 2, 5, 4], [2, 3]), s.values([0.125, 0.375]), 1, { keepdim: true }]] },
  (x: Tensor, q: Tensor | number, dim?: number | null, options?: QuantileOptions): Tensor => quantiles('nanquantile', x, q, dim, options, true),
);

// ---- covariance ----

/** Options of `cov`. */
export interface CovOptions {
  /** What is taken off the number of observations; default 1. */
  readonly correction?: number;
  /** How often each observation counts: integers ≥ 0, (n). */
  readonly fweights?: Tensor | null;
  /** How important each observation is: floats ≥ 0, (n). */
  readonly aweights?: Tensor | null;
}

function weightsOf(name: string, w: Tensor | null | undefined, n: number, floats: boolean): Tensor | null {
  if (w === null || w === undefined) return null;
  checkTensor('cov', w, name);
  if (w.ndim > 1) throw new ShapeError(`cov: ${name} is not a vector, got ${show(w)}; expected at most 1 dimension`);
  if (isFloat(w.dtype) !== floats) throw new DTypeError(`cov: ${name} has the wrong dtype, got ${show(w)}; expected ${floats ? 'floats' : 'integers'}`);
  if (w.numel() !== n) throw new ShapeError(`cov: ${name} does not fit, got ${show(w)}; expected ${n} elements`);
  if (w.device.name === 'cpu' && w.data().some((v) => v < 0)) throw new ArgumentError(`cov: ${name} is negative somewhere, got ${show(w.array())}; expected values ≥ 0`);
  return reshape(w, [n]);
}

/**
 * Covariances of variables, one a row, over observations, one a column: (rows, rows), a scalar for a single variable.
 *
 * @param options - correction, and weights per observation
 * @throws ShapeError beyond 2 dimensions, and for weights that do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.cov.html
 */
export const cov: Method<(x: Tensor, options?: CovOptions) => Tensor> = method(
  {
    name: 'cov',
    family,
    samples: (s) => [
      [s.float([2, 4])],
      [s.float([4])],
      [s.float([1, 4])],
      [s.float([2, 3]), { correction: 0 }],
      [s.float([2, 3]), { fweights: s.values([1, 2, 3], [3], 'int64') }],
      [s.float([2, 3]), { fweights: s.values([1, 2, 3], [3], 'int64'), aweights: s.values([0.5, 1, 0.25]) }],
    ],
  },
  (x: Tensor, options?: CovOptions): Tensor => {
    checkTensor('cov', x);
    checkOptions('cov', options, ['correction', 'fweights', 'aweights']);
    if (x.ndim > 2) throw new ShapeError(`cov: more than 2 dimensions, got ${show(x)}; expected at most 2`);
    if (x.dtype === 'bool') throw new DTypeError(`cov: not defined for bool, got ${show(x)}; expected numbers`);
    const { correction = 1 } = options ?? {};
    const rows = x.ndim < 2 ? reshape(x, [1, x.numel()]) : x;
    const n = rows.shape[1];
    const [f, a] = [weightsOf('fweights', options?.fweights, n, false), weightsOf('aweights', options?.aweights, n, true)];
    const w = f !== null && a !== null ? f.mul(a) : (f ?? a);
    const data = w === null ? rows.to(toFloat(x.dtype)) : rows.to(promoteTypes(toFloat(x.dtype), w.dtype));
    const total = w === null ? null : w.sum();
    const average = w === null || total === null ? data.mean(1) : data.mul(w).sum(1).div(total);
    let factor: Tensor | number = n - correction;
    if (w !== null && total !== null) factor = correction !== 0 && a !== null ? total.sub(w.mul(a).sum().div(total).mul(correction)) : total.sub(correction);
    const centred = data.sub(unsqueeze(average, 1));
    const product = centred.matmul((w === null ? centred : centred.mul(w)).t());
    const divisor = typeof factor === 'number' ? Math.max(factor, 0) : factor.clamp(0);
    const result = product.div(divisor);
    return rows.shape[0] === 1 ? reshape(result, []) : result;
  },
);

/** Correlations of variables, one a row: covariances over the product of the deviations, within -1 to 1. @see https://pytorch.org/docs/stable/generated/torch.corrcoef.html */
export const corrcoef: Method<(x: Tensor) => Tensor> = method({ name: 'corrcoef', family, samples: (s) => [[s.float([2, 4])], [s.float([3, 5])]] }, (x: Tensor): Tensor => {
  checkTensor('corrcoef', x);
  if (x.ndim > 2) throw new ShapeError(`corrcoef: more than 2 dimensions, got ${show(x)}; expected at most 2`);
  const c = cov(x);
  if (c.ndim === 0) return c.div(c);
  const deviation = c.diagonal().sqrt();
  return c.div(unsqueeze(deviation, 1)).div(unsqueeze(deviation, 0)).clamp(-1, 1);
});

/** Whether each element is one of `testElements`; NaN is none. @see https://pytorch.org/docs/stable/generated/torch.isin.html */
export const isin: Free<(elements: Tensor | number, testElements: Tensor | number, options?: { readonly assumeUnique?: boolean; readonly invert?: boolean }) => Tensor> = free(
  { name: 'isin', family: 'comparison', differentiable: false, samples: (s) => [[s.int([2, 3]), s.values([1, 3], [2], 'int64')], [s.int([4]), s.values([1], [], 'int64'), { invert: true }], [s.float([3]), s.float([0])]] },
  (elements: Tensor | number, testElements: Tensor | number, options?: { readonly assumeUnique?: boolean; readonly invert?: boolean }): Tensor => {
    checkOptions('isin', options, ['assumeUnique', 'invert']);
    const like = elements instanceof Tensor ? elements : testElements;
    if (!(like instanceof Tensor)) throw new ArgumentError(`isin: two numbers, got ${show(elements)} and ${show(testElements)}; expected at least one tensor`);
    const asTensor = (x: Tensor | number, dtype?: DType): Tensor => (x instanceof Tensor ? x : tensor(x, { dtype: dtype ?? like.dtype, device: like.device }));
    const [a, b] = [asTensor(elements), reshape(asTensor(testElements), [-1])];
    const found = b.shape[0] === 0 ? a.ne(a).logicalAnd(0) : unsqueeze(a, -1).eq(b).any(-1);
    return options?.invert === true ? found.logicalNot() : found;
  },
);

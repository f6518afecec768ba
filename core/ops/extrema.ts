import { extremeKernel } from '../cpu/extrema.ts';
import { ArgumentError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Operand, type Primitive, apply, applyMany, primitive } from '../op.ts';
import { type Results, results } from '../results.ts';
import { normalizeDim } from '../shape.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import { type Method, type Samples, checkTensor, method } from './define.ts';
import { maximum, minimum } from './pointwise.ts';
import { type Dims, amax, amin } from './reduce.ts';

const family = 'reduction';

/** Options of reductions to one entry. */
export interface KeepdimOptions {
  /** Keep the reduced dimension with size 1; default false. */
  readonly keepdim?: boolean;
}

/** Values along a dimension and where they stood. */
export type ValuesAndIndices = Results<{ values: Tensor; indices: Tensor }>;

interface DimAttrs {
  readonly dim: number;
}

function checkNotEmpty(name: string, x: Tensor, dim: number): void {
  if (x.shape[dim] === 0) throw new ShapeError(`${name}: nothing to choose from, got ${show(x)}; expected dimension ${dim} to have entries`);
}

function withIndices(name: string, largest: boolean): Primitive<DimAttrs> {
  return primitive<DimAttrs>({
    name: `${name}Dim`,
    infer: ([input], { dim }) => {
      const x = input as Tensor;
      checkNotEmpty(name, x, dim);
      const shape = x.shape.toSpliced(dim, 1);
      return [{ shape, dtype: x.dtype }, { shape, dtype: 'int64' }];
    },
    cpu: extremeKernel(largest),
    saves: 'outputs',
    backward: (node, g) => {
      if (g === null) return [null];
      const { dim } = node.attrs as DimAttrs;
      return [emptyTensor(node.inputs[0]?.shape ?? [], g.dtype, g.device).scatter(dim, node.output(1).unsqueeze(dim), g.unsqueeze(dim))];
    },
  });
}

function indexOnly(name: string, largest: boolean): Primitive<DimAttrs> {
  return primitive<DimAttrs>({
    name,
    infer: ([input], { dim }) => {
      checkNotEmpty(name, input as Tensor, dim);
      return { shape: (input as Tensor).shape.toSpliced(dim, 1), dtype: 'int64' };
    },
    cpu: extremeKernel(largest),
  });
}

const maxDim = withIndices('max', true);
const minDim = withIndices('min', false);
const argmaxOp = indexOnly('argmax', true);
const argminOp = indexOnly('argmin', false);

/** A scalar is looked at as a row of one. */
const asRow = (x: Tensor): Tensor => (x.ndim === 0 ? x.reshape([1]) : x);

function alongDim(op: Primitive<DimAttrs>, name: string, x: Tensor, dim: number, options: KeepdimOptions | undefined): ValuesAndIndices {
  checkOptions(name, options, ['keepdim']);
  const d = normalizeDim(name, dim, x.ndim);
  const [values, indices] = applyMany(op, [asRow(x)], { dim: d });
  const keep = (t: Tensor): Tensor => (options?.keepdim === true && x.ndim > 0 ? t.unsqueeze(d) : t);
  return results({ values: keep(values), indices: keep(indices) });
}

/** The three forms of `max` and `min`: over everything, along a dimension, against another tensor. */
export type Extreme = Method<{
  (x: Tensor): Tensor;
  (x: Tensor, dim: number, options?: KeepdimOptions): ValuesAndIndices;
  (x: Tensor, other: Tensor): Tensor;
}>;

const samples: Samples = (s) => [[s.float([2, 3])], [s.float([2, 3, 4]), 1], [s.float([2, 3]), -1, { keepdim: true }], [s.float([2, 3]), s.float([3])], [s.float([])], [s.int([2, 3])]];

function extreme(name: 'max' | 'min', op: Primitive<DimAttrs>, all: (x: Tensor) => Tensor, pair: (x: Tensor, y: Operand) => Tensor): Extreme {
  return method({ name, family, samples }, ((x: Tensor, dim?: number | Tensor, options?: KeepdimOptions): Tensor | ValuesAndIndices => {
    checkTensor(name, x);
    if (dim === undefined) return all(x);
    if (dim instanceof Tensor) return pair(x, dim);
    return alongDim(op, name, x, dim, options);
  }) as Extreme);
}

function allOf(name: string, x: Tensor, reduce: (x: Tensor, dims?: Dims) => Tensor): Tensor {
  if (x.numel() === 0) throw new ShapeError(`${name}: nothing to choose from, got ${show(x)}; expected at least one element`, { hint: 'give a dimension that has entries' });
  return reduce(x);
}

/**
 * Largest element (`x.max()`), largest along a dimension with its place (`x.max(1)` → values and indices), or elementwise maximum (`x.max(y)`). NaN counts as largest.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.max.html
 */
export const max: Extreme = extreme('max', maxDim, (x) => allOf('max', x, amax), maximum);
/** Smallest element, along a dimension with its place, or elementwise minimum; NaN counts as smallest. @see https://pytorch.org/docs/stable/generated/torch.min.html */
export const min: Extreme = extreme('min', minDim, (x) => allOf('min', x, amin), minimum);

function place(op: Primitive<DimAttrs>, name: string, x: Tensor, dim: number | null | undefined, options: KeepdimOptions | undefined): Tensor {
  checkTensor(name, x);
  checkOptions(name, options, ['keepdim']);
  if (dim === undefined || dim === null) {
    if (x.numel() === 0) throw new ShapeError(`${name}: nothing to choose from, got ${show(x)}; expected at least one element`);
    const flat = apply(op, [x.reshape([-1])], { dim: 0 });
    return options?.keepdim === true ? flat.reshape(x.shape.map(() => 1)) : flat;
  }
  const d = normalizeDim(name, dim, x.ndim);
  const found = apply(op, [asRow(x)], { dim: d });
  return options?.keepdim === true && x.ndim > 0 ? found.unsqueeze(d) : found;
}

type Place = Method<(x: Tensor, dim?: number | null, options?: KeepdimOptions) => Tensor>;

const placeSamples: Samples = (s) => [[s.float([2, 3])], [s.float([2, 3, 4]), 1], [s.float([2, 3]), -1, { keepdim: true }], [s.values([1, 3, 3, 2])]];

/** Place of the largest element, in the flattened tensor or along a dimension; the first of equal ones. @see https://pytorch.org/docs/stable/generated/torch.argmax.html */
export const argmax: Place = method({ name: 'argmax', family, differentiable: false, samples: placeSamples }, (x: Tensor, dim?: number | null, options?: KeepdimOptions) =>
  place(argmaxOp, 'argmax', x, dim, options),
);
/** Place of the smallest element; the first of equal ones. @see https://pytorch.org/docs/stable/generated/torch.argmin.html */
export const argmin: Place = method({ name: 'argmin', family, differentiable: false, samples: placeSamples }, (x: Tensor, dim?: number | null, options?: KeepdimOptions) =>
  place(argminOp, 'argmin', x, dim, options),
);

/** The two forms of `median`. */
export type Median = Method<{ (x: Tensor): Tensor; (x: Tensor, dim: number, options?: KeepdimOptions): ValuesAndIndices }>;

/**
 * Lower median of all elements, or along a dimension with its place; NaN where there is one.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.median.html
 */
export const median: Median = method({ name: 'median', family, samples: (s) => [[s.float([5])], [s.float([2, 4])], [s.float([3, 4]), 1], [s.float([3, 4]), 0, { keepdim: true }]] }, ((
  x: Tensor,
  dim?: number,
  options?: KeepdimOptions,
): Tensor | ValuesAndIndices => {
  checkTensor('median', x);
  checkOptions('median', options, ['keepdim']);
  if (dim === undefined) return medianAlong(x.reshape([-1]), 0, false).values;
  if (typeof dim !== 'number') throw new ArgumentError(`median: dimension is not a number, got ${show(dim)}; expected an integer`);
  return medianAlong(asRow(x), normalizeDim('median', dim, x.ndim), options?.keepdim ?? false);
}) as Median);

function medianAlong(x: Tensor, d: number, keepdim: boolean): ValuesAndIndices {
  checkNotEmpty('median', x, d);
  const middle = x.detach().argsort(d).select(d, (x.shape[d] - 1) >> 1);
  const nan = x.isnan();
  const at = nan.to('int64').argmax(d).where(nan.any(d), middle).unsqueeze(d);
  const values = x.gather(d, at);
  return results(keepdim ? { values, indices: at } : { values: values.squeeze(d), indices: at.squeeze(d) });
}

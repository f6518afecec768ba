import { nextDim } from '../batching.ts';
import { accelerated } from '../cpu/engine.ts';
import { extremeKernel, medianKernel } from '../cpu/extrema.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Kernel, type Operand, type Primitive, apply, applyMany, primitive } from '../op.ts';
import { type Results, results } from '../results.ts';
import { normalizeDim } from '../shape.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import type { Named, Trailing } from './byName.ts';
import { type Method, type Samples, checkTensor, method } from './define.ts';
import { maximum, minimum } from './pointwise.ts';
import { type Dims, type ReduceAttrs, amax, amin, shared } from './reduce.ts';
import { contiguous } from './view.ts';

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

function keepdimOf(name: string, options: KeepdimOptions | undefined): boolean {
  checkOptions(name, options, ['keepdim']);
  const keepdim = options?.keepdim ?? false;
  if (typeof keepdim !== 'boolean') throw new ArgumentError(`${name}: keepdim is not a boolean, got ${show(keepdim)}; expected true or false`);
  return keepdim;
}

/** Refuses options of the form without a dimension: it has no dimension to keep. */
export function checkWhole(name: string, options: KeepdimOptions | undefined): void {
  if (options !== undefined) throw new ArgumentError(`${name}: options without a dimension, got ${show(options)}; expected a dimension before them`);
}

/** Refuses bools, among which nothing is looked for. */
export function checkOrder(name: string, x: Tensor): void {
  if (x.dtype === 'bool') throw new DTypeError(`${name}: not defined for bool, got ${show(x)}; expected numbers`);
}

function checkNotEmpty(name: string, x: Tensor, dim: number): void {
  if (x.shape[dim] === 0) throw new ShapeError(`${name}: nothing to choose from, got ${show(x)}; expected dimension ${dim} to have entries`);
}

function withIndices(name: string, cpu: Kernel<DimAttrs>): Primitive<DimAttrs> {
  return primitive<DimAttrs>({
    name: `${name}Dim`,
    infer: ([input], { dim }) => {
      const x = input as Tensor;
      checkNotEmpty(name, x, dim);
      const shape = x.shape.toSpliced(dim, 1);
      return [{ shape, dtype: x.dtype }, { shape, dtype: 'int64' }];
    },
    cpu,
    batching: { shift: nextDim },
    saves: 'outputs',
    backward: (node, g) => {
      if (g === null) return [null];
      const { dim } = node.attrs as DimAttrs;
      return [emptyTensor(node.inputs[0].shape, g.dtype, g.device).scatter(dim, node.output(1).unsqueeze(dim), g.unsqueeze(dim))];
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
    cpu: accelerated(({ fastExtreme }) => fastExtreme(largest), extremeKernel(largest)),
    batching: { shift: nextDim },
  });
}

const maxDim = withIndices('max', accelerated(({ fastExtreme }) => fastExtreme(true), extremeKernel(true)));
const minDim = withIndices('min', accelerated(({ fastExtreme }) => fastExtreme(false), extremeKernel(false)));
const argmaxOp = indexOnly('argmax', true);
const argminOp = indexOnly('argmin', false);

/** A scalar is looked at as a row of one. */
const asRow = (x: Tensor): Tensor => (x.ndim === 0 ? x.reshape([1]) : x);

function alongDim(op: Primitive<DimAttrs>, name: string, x: Tensor, dim: number, options: KeepdimOptions | undefined): ValuesAndIndices {
  const keepdim = keepdimOf(name, options);
  const d = normalizeDim(name, dim, x.ndim);
  const [values, indices] = applyMany(op, [asRow(x)], { dim: d });
  const keep = (t: Tensor): Tensor => (keepdim && x.ndim > 0 ? t.unsqueeze(d) : t);
  return results({ values: keep(values), indices: keep(indices) });
}

/** The forms of `max` and `min`: over everything, along a dimension, against another tensor. */
export type Extreme = Method<{
  (x: Tensor): Tensor;
  (x: Tensor, dim: number, ...options: Trailing<KeepdimOptions, [keepdim: boolean]>): ValuesAndIndices;
  (x: Tensor, options: KeepdimOptions & { readonly dim: number }): ValuesAndIndices;
  (x: Tensor, other: Tensor): Tensor;
}>;

const samples: Samples = (s) => [[s.float([2, 3])], [s.float([2, 3, 4]), 1], [s.float([2, 3]), -1, { keepdim: true }], [s.float([2, 3]), s.float([3])], [s.float([])], [s.float([]), 0], [s.int([2, 3])], [s.float([2, 0]), 0]];

function extreme(name: 'max' | 'min', op: Primitive<DimAttrs>, all: (x: Tensor) => Tensor, pair: (x: Tensor, y: Operand) => Tensor): Extreme {
  return method({ name, parameters: ['dim', 'options', 'keepdim'], family, samples }, ((x: Tensor, dim?: number | Tensor, options?: KeepdimOptions): Tensor | ValuesAndIndices => {
    checkTensor(name, x);
    if (dim === undefined || dim instanceof Tensor) {
      checkWhole(name, options);
      return dim === undefined ? all(x) : pair(x, dim);
    }
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
  checkOrder(name, x);
  const keepdim = keepdimOf(name, options);
  if (dim === undefined || dim === null) {
    if (x.numel() === 0) throw new ShapeError(`${name}: nothing to choose from, got ${show(x)}; expected at least one element`);
    const flat = apply(op, [x.reshape([-1])], { dim: 0 });
    return keepdim ? flat.reshape(x.shape.map(() => 1)) : flat;
  }
  const d = normalizeDim(name, dim, x.ndim);
  const found = apply(op, [asRow(x)], { dim: d });
  return keepdim && x.ndim > 0 ? found.unsqueeze(d) : found;
}

type Place = Method<Named<'dim', number | null, KeepdimOptions, Tensor, Tensor, [keepdim: boolean]>>;

const placeSamples: Samples = (s) => [[s.float([2, 3])], [s.float([2, 3, 4]), 1], [s.float([2, 3]), -1, { keepdim: true }], [s.values([1, 3, 3, 2])], [s.float([]), 0], [s.int([2, 4])]];

/** Place of the largest element, in the flattened tensor or along a dimension; the first of equal ones. @see https://pytorch.org/docs/stable/generated/torch.argmax.html */
export const argmax: Place = method({ name: 'argmax', parameters: ['dim', 'options', 'keepdim'], family, differentiable: false, samples: placeSamples }, (x: Tensor, dim?: number | null, options?: KeepdimOptions) =>
  place(argmaxOp, 'argmax', x, dim, options),
);
/** Place of the smallest element; the first of equal ones. @see https://pytorch.org/docs/stable/generated/torch.argmin.html */
export const argmin: Place = method({ name: 'argmin', parameters: ['dim', 'options', 'keepdim'], family, differentiable: false, samples: placeSamples }, (x: Tensor, dim?: number | null, options?: KeepdimOptions) =>
  place(argminOp, 'argmin', x, dim, options),
);

const medianDim = withIndices('median', medianKernel);

/** The median of everything: its gradient is shared among equal elements, as that of `max` is. */
const medianOp = primitive<ReduceAttrs>({
  name: 'median',
  infer: ([input]) => {
    const x = input as Tensor;
    if (x.numel() === 0 && !isFloat(x.dtype)) throw new ShapeError(`median: nothing to choose from, got ${show(x)}; expected at least one element`);
    return { shape: [], dtype: x.dtype };
  },
  cpu: (outputs, [input]) => medianKernel(outputs, [contiguous(input as Tensor).reshape([-1])], { dim: 0 }),
  saves: 'both',
  backward: [(g, node) => shared(g, node.input(0), node)],
});

/** The two forms of `median`. */
export type Median = Method<{
  (x: Tensor): Tensor;
  (x: Tensor, dim: number, ...options: Trailing<KeepdimOptions, [keepdim: boolean]>): ValuesAndIndices;
  (x: Tensor, options: KeepdimOptions & { readonly dim: number }): ValuesAndIndices;
}>;

/**
 * Lower median of all elements, or along a dimension with its place; NaN where there is one, and for no elements.
 *
 * @throws ShapeError for no elements along `dim`, or no elements at all in a tensor of integers
 * @see https://pytorch.org/docs/stable/generated/torch.median.html
 */
export const median: Median = method(
  { name: 'median', parameters: ['dim', 'options', 'keepdim'], family, samples: (s) => [[s.float([5])], [s.float([2, 4])], [s.float([3, 4]), 1], [s.float([3, 4]), 0, { keepdim: true }], [s.float([])], [s.float([]), 0], [s.int([2, 3])]] },
  ((x: Tensor, dim?: number, options?: KeepdimOptions): Tensor | ValuesAndIndices => {
    checkTensor('median', x);
    checkOrder('median', x);
    if (dim !== undefined) return alongDim(medianDim, 'median', x, dim, options);
    checkWhole('median', options);
    return apply(medianOp, [x], { dims: x.shape.map((_, i) => i), keepdim: false });
  }) as Median,
);

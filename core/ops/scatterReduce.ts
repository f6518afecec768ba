import { type ScatterReduceAttrs, type ScatterReduction, scatterReduceKernel } from '../cpu/scatterReduce.ts';
import { nextDim } from '../batching.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Primitive, apply, applyInPlace, primitive } from '../op.ts';
import { normalizeDim } from '../shape.ts';
import type { Node, Operand } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import type { NamedList } from './byName.ts';
import { type InPlace, checkTensor, inPlaceMethod } from './define.ts';
import { atLeast1d, checkIndex, gather, scatterAdd, scatterInto, scatterSamples } from './gather.ts';
import { where } from './select.ts';
import { cloneBeside, expand, narrow, reshape } from './view.ts';

const family = 'indexing';

export type { ScatterReduction } from '../cpu/scatterReduce.ts';

/** Options of `scatterReduce` and `indexReduce`. */
export interface ScatterReduceOptions {
  /** Whether what is there counts, too; default true. */
  readonly includeSelf?: boolean;
}

/** Options of `scatter`. */
export interface ScatterOptions {
  /** Adds to what is there, or multiplies it, instead of replacing it. */
  readonly reduce?: 'add' | 'multiply' | null;
}

function scattered(name: string, x: Tensor, dim: number, index: Tensor, src: Operand | boolean, options: ScatterOptions | undefined): Tensor {
  checkOptions(name, options, ['reduce']);
  const reduce = options?.reduce ?? null;
  const source = typeof src === 'boolean' ? Number(src) : src;
  if (reduce === null) return scatterInto(name, x, dim, index, source, false);
  if (reduce !== 'add' && reduce !== 'multiply') throw new ArgumentError(`${name}: unknown reduction, got ${show(reduce)}; expected 'add' or 'multiply'`);
  checkTensor(name, x);
  checkIndex(name, index);
  const each = typeof source === 'number' ? expand(x.scalarLike(source), index.shape) : source;
  return reduce === 'add' ? scatterInto(name, x, dim, index, each, true) : reduced(name, x, dim, index, each, 'prod', undefined);
}

/**
 * A copy of `x` with entries along one dimension replaced: `out[index[i][j]][j] = src[i][j]` for dimension 0. Where an entry
 * is named twice, the last one wins. With `reduce`, entries are added to or multiplied instead.
 *
 * @param src - a tensor of the dtype of `x` that covers the index, or a number
 * @throws ShapeError for an index outside 0 … size-1, before anything is written
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html
 */
export const scatter: InPlace<
  NamedList<
    [dim: number, index: Tensor, src: Operand | boolean, options?: ScatterOptions],
    { readonly dim?: number; readonly index?: Tensor; readonly src?: Operand | boolean } & ScatterOptions,
    Tensor
  >
> = inPlaceMethod(
  {
    name: 'scatter',
    parameters: ['dim', 'index', 'src', 'options'],
    family,
    samples: (s) => [
      ...scatterSamples(s),
      [s.float([3, 2]), 0, s.values([2, 0], [1, 2], 'int64'), 1.5],
      [s.int([3], 1, 4), 0, s.values([2, 2], [2], 'int64'), s.int([2], 2, 5), { reduce: 'multiply' }],
      [s.int([3], 1, 4), 0, s.values([2, 0], [2], 'int64'), 3, { reduce: 'add' }],
    ],
  },
  (x: Tensor, dim: number, index: Tensor, src: Operand | boolean, options?: ScatterOptions): Tensor => scattered('scatter', x, dim, index, src, options),
  (x: Tensor, dim: number, index: Tensor, src: Operand | boolean, options?: ScatterOptions): Tensor => scattered('scatter_', x, dim, index, src, options),
);

const reductions: readonly unknown[] = ['sum', 'prod', 'mean', 'amax', 'amin'];

/** How many entries came together at each place. */
function countsOf(x: Tensor, index: Tensor, { dim, includeSelf }: ScatterReduceAttrs, dtype: Tensor['dtype']): Tensor {
  const zeros = emptyTensor(x.shape, dtype, x.device);
  const counts = scatterAdd(includeSelf ? zeros.add(1) : zeros, dim, index, expand(emptyTensor([], dtype, x.device).add(1), index.shape));
  return counts.maskedFill(counts.eq(0), 1);
}

function gradients(node: Node, g: Tensor): (Tensor | null)[] {
  const attrs = node.attrs as ScatterReduceAttrs;
  const { dim, reduce, includeSelf } = attrs;
  const [x, index, source] = [node.input(0), node.input(1), node.input(2)];
  const run = (self: Tensor, from: Tensor): Tensor => apply(scatterReduceOp, [self, index, from], attrs);
  const cleared = (own: Tensor): Tensor => (includeSelf ? own : scatter(own, dim, index, 0));
  if (reduce === 'sum') return [cleared(g), null, gather(g, dim, index)];
  if (reduce === 'mean') {
    const each = g.div(countsOf(x, index, attrs, g.dtype));
    return [cleared(each), null, gather(each, dim, index)];
  }
  const result = node.output();
  if (reduce !== 'prod') {
    // In equal parts to all entries that reach the extreme; what was there counts among them even where it is not included, as PyTorch has it.
    const value = gather(result, dim, index);
    const [own, theirs] = [x.eq(result.detach()).to(g.dtype), source.eq(value.detach()).to(g.dtype)];
    const reached = scatterAdd(own, dim, index, theirs);
    const each = g.div(reached.maskedFill(reached.eq(0), 1));
    return [cleared(own.mul(each)), null, theirs.mul(gather(each, dim, index))];
  }
  const zero = x.eq(0);
  const filled = x.maskedFill(zero, 1);
  const own = g.mul(run(filled, source)).div(filled);
  const gone = source.eq(0);
  const zeros = gather(scatterAdd(emptyTensor(x.shape, g.dtype, g.device), dim, index, gone.to(g.dtype)), dim, index);
  const single = gone.logicalAnd(zeros.eq(1));
  const others = run(x, source.maskedFill(single, 1));
  const theirs = where(single, gather(g.mul(others), dim, index), gather(g.mul(result), dim, index).div(source.maskedFill(gone, 1)));
  return [cleared(own), null, theirs];
}

const scatterReduceOp: Primitive<ScatterReduceAttrs> = primitive<ScatterReduceAttrs>({
  name: 'scatterReduce',
  infer: ([x]) => x as Tensor,
  cpu: scatterReduceKernel,
  batching: { shift: nextDim },
  saves: 'both',
  backward: (node, g) => (g === null ? [null, null, null] : gradients(node, g)),
});

/** `scatterReduce` of checked arguments: into a copy, or in place. */
function reduced(op: string, x: Tensor, dim: number, index: Tensor, src: Tensor, reduce: unknown, options: ScatterReduceOptions | undefined): Tensor {
  const inPlace = op.endsWith('_');
  checkTensor(op, x);
  checkIndex(op, index);
  checkTensor(op, src, 'src');
  checkOptions(op, options, ['includeSelf']);
  const includeSelf = options?.includeSelf ?? true;
  if (typeof includeSelf !== 'boolean') throw new ArgumentError(`${op}: includeSelf is not a boolean, got ${show(includeSelf)}; expected true or false`);
  if (!reductions.includes(reduce)) throw new ArgumentError(`${op}: unknown reduction, got ${show(reduce)}; expected one of ${reductions.join(', ')}`);
  if (x.dtype === 'bool' && reduce === 'mean') throw new DTypeError(`${op}: bools have no mean, got ${show(x)}; expected numbers`);
  if (src.dtype !== x.dtype) throw new DTypeError(`${op}: src has another dtype, got ${show(src)} for ${show(x)}; expected ${x.dtype}`);
  const d = normalizeDim(op, dim, x.ndim);
  const [to, places, from] = [atLeast1d(x), atLeast1d(index), atLeast1d(src)];
  if (index.numel() === 0) return inPlace ? x : x.clone();
  if (places.ndim !== to.ndim || from.ndim !== to.ndim) throw new ShapeError(`${op}: operands differ in dimensions, got ${show(x)}, ${show(index)} and ${show(src)}; expected as many`);
  for (let i = 0; i < to.ndim; i++) {
    if (places.shape[i] > from.shape[i] || (i !== d && places.shape[i] > to.shape[i])) {
      throw new ShapeError(`${op}: the index is too large, got ${show(index)} for ${show(x)} and ${show(src)}; expected at most the size of both, of ${show(src)} along dimension ${d}`);
    }
  }
  let part = from;
  for (let i = 0; i < to.ndim; i++) if (part.shape[i] !== places.shape[i]) part = narrow(part, i, 0, places.shape[i]);
  const attrs = { op, dim: d, reduce: reduce as ScatterReduction, includeSelf };
  if (!inPlace) return reshape(apply(scatterReduceOp, [to, places, part], attrs), x.shape);
  applyInPlace(scatterReduceOp, [to, places, part.storage === x.storage ? part.clone() : part], attrs);
  return x;
}

type ScatterReduce = InPlace<{
  (x: Tensor, dim: number, index: Tensor, src: Tensor, reduce: ScatterReduction, options?: ScatterReduceOptions): Tensor;
  (x: Tensor, dim: number, index: Tensor, src: Tensor, options: ScatterReduceOptions & { readonly reduce: ScatterReduction }): Tensor;
}>;

/**
 * A copy of `x` in which the entries that the index names along a dimension are reduced with those of `src`: `out[index[i][j]][j] = reduce(out[…], src[i][j])` for
 * dimension 0.
 *
 * @param reduce - 'sum', 'prod', 'mean', 'amax' or 'amin'
 * @throws ShapeError for an index out of range or too large, before anything is written; DTypeError for a source of another dtype
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_reduce_.html
 */
export const scatterReduce: ScatterReduce = inPlaceMethod(
  {
    name: 'scatterReduce',
    parameters: ['dim', 'index', 'src', 'reduce', 'options'],
    family,
    samples: (s) => [
      ...(['sum', 'prod', 'mean', 'amax', 'amin'] as const).flatMap((reduce) => [
        [s.float([4]), 0, s.values([1, 0, 1, 3], [4], 'int64'), s.float([4]), reduce],
        [s.float([3, 2]), 0, s.values([2, 0, 2, 1], [2, 2], 'int64'), s.float([2, 2]), reduce, { includeSelf: false }],
      ]),
      [s.int([3]), 0, s.values([0, 0], [2], 'int64'), s.int([2]), 'sum'],
      [s.values([1, 0, 1], [3], 'bool'), 0, s.values([0, 1], [2], 'int64'), s.values([1, 0], [2], 'bool'), 'sum'],
      [s.values([2, 0, 3]), 0, s.values([0, 1, 0, 2], [4], 'int64'), s.values([0, 2, 1.5, 0.5]), 'prod'],
    ],
  },
  (x: Tensor, dim: number, index: Tensor, src: Tensor, reduce: ScatterReduction, options?: ScatterReduceOptions): Tensor => reduced('scatterReduce', x, dim, index, src, reduce, options),
  (x: Tensor, dim: number, index: Tensor, src: Tensor, reduce: ScatterReduction, options?: ScatterReduceOptions): Tensor => reduced('scatterReduce_', x, dim, index, src, reduce, options),
);

/** The index of one dimension, spread over the whole source. */
function spreadIndex(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  checkTensor(op, x);
  checkIndex(op, index);
  checkTensor(op, source, 'source');
  const d = normalizeDim(op, dim, x.ndim);
  if (index.ndim > 1) throw new ShapeError(`${op}: the index is not a vector, got ${show(index)}; expected at most 1 dimension`);
  const rows = source.ndim === 0 ? 1 : source.shape[d];
  if (index.numel() !== rows || source.ndim !== x.ndim || source.shape.some((n, i) => i !== d && n !== x.shape[i])) {
    throw new ShapeError(`${op}: the source does not fit, got ${show(source)} and an index ${show(index)} for ${show(x)}; expected an entry of dimension ${d} per index, equal sizes else`);
  }
  return source.ndim === 0 ? reshape(index, []) : expand(reshape(index, source.shape.map((_, i) => (i === d ? rows : 1))), source.shape);
}

type IndexReduction = Exclude<ScatterReduction, 'sum'>;

function indexReduced(op: string, run: ScatterReduce | NonNullable<ScatterReduce['inPlace']>, x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: IndexReduction, options: ScatterReduceOptions | undefined): Tensor {
  const places = spreadIndex(op, x, dim, index, source);
  if (x.dtype === 'bool') throw new DTypeError(`${op}: not defined for bool, got ${show(x)}; expected numbers`);
  if ((reduce as unknown) === 'sum' || !reductions.includes(reduce)) throw new ArgumentError(`${op}: unknown reduction, got ${show(reduce)}; expected one of prod, mean, amax, amin`);
  return (run as (...args: unknown[]) => Tensor)(x, dim, places, source, reduce, options);
}

/**
 * A copy of `x` in which the entries of a dimension that the index names are reduced with those of `source`.
 *
 * @param index - a vector, an entry per entry of `source` along `dim`
 * @param reduce - 'prod', 'mean', 'amax' or 'amin'
 * @throws ShapeError for a source that does not fit, or an index out of range, before anything is written
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_reduce_.html
 */
export const indexReduce: InPlace<{
  (x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: IndexReduction, options?: ScatterReduceOptions): Tensor;
  (x: Tensor, dim: number, index: Tensor, source: Tensor, options: ScatterReduceOptions & { readonly reduce: IndexReduction }): Tensor;
}> = inPlaceMethod(
  {
    name: 'indexReduce',
    parameters: ['dim', 'index', 'source', 'reduce', 'options'],
    family,
    samples: (s) => (['prod', 'mean', 'amax', 'amin'] as const).flatMap((reduce) => [
      [s.float([3, 2]), 0, s.values([2, 0, 2], [3], 'int64'), s.float([3, 2]), reduce],
      [s.float([2, 3]), 1, s.values([1, 1], [2], 'int64'), s.float([2, 2]), reduce, { includeSelf: false }],
    ]),
  },
  (x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: IndexReduction, options?: ScatterReduceOptions): Tensor => indexReduced('indexReduce', scatterReduce, x, dim, index, source, reduce, options),
  (x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: IndexReduction, options?: ScatterReduceOptions): Tensor => indexReduced('indexReduce_', scatterReduce.inPlace, x, dim, index, source, reduce, options),
);

function putAt(op: string, x: Tensor, index: Tensor, source: Tensor, accumulate: boolean): Tensor {
  checkTensor(op, x);
  checkIndex(op, index);
  checkTensor(op, source, 'source');
  if (source.dtype !== x.dtype) throw new DTypeError(`${op}: the source has another dtype, got ${show(source)} for ${show(x)}; expected ${x.dtype}`);
  if (index.numel() !== source.numel()) throw new ShapeError(`${op}: index and source differ in size, got ${show(index)} and ${show(source)}; expected as many elements`);
  if (index.numel() === 0) return x.clone();
  const flat = cloneBeside(reshape(x, [-1]), [index, source]);
  return reshape(flat.indexPut([reshape(index, [-1])], reshape(source, [-1]), { accumulate }), x.shape);
}

/**
 * A copy of `x`, taken as one row of elements, with the elements that the index names replaced by those of `source`, or increased by them with `accumulate`.
 *
 * @param index - places in the flattened tensor; negative ones count from the end
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.put_.html
 */
export const put: InPlace<
  NamedList<[index: Tensor, source: Tensor, accumulate?: boolean], { readonly index?: Tensor; readonly source?: Tensor; readonly accumulate?: boolean }, Tensor>
> = inPlaceMethod(
  { name: 'put', parameters: ['index', 'source', 'accumulate'], family, samples: (s) => [[s.float([2, 3]), s.values([1, 4], [2], 'int64'), s.float([2])], [s.float([2, 3]), s.values([1, -1, 1], [3], 'int64'), s.float([3]), true]] },
  (x: Tensor, index: Tensor, source: Tensor, accumulate = false): Tensor => putAt('put', x, index, source, accumulate),
  (x: Tensor, index: Tensor, source: Tensor, accumulate = false): Tensor => x.copy_(putAt('put_', x, index, source, accumulate)),
);

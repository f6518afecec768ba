import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import type { Named } from './byName.ts';
import { checkBins, spanOf } from './counting.ts';
import { linspace, scalarLike } from './creation.ts';
import { type Free, checkTensor, free } from './define.ts';
import { bucketize } from './sort.ts';
import { where } from './select.ts';
import { detach, expand, reshape, select } from './view.ts';

const name = 'histogramdd';

/** Options of `histogramdd`. */
export interface HistogramddOptions {
  /** From where to where the bins of each dimension go, one dimension after the other; default over the elements. */
  readonly range?: readonly number[] | null;
  /** How much each point counts; the shape of the points without the last dimension. */
  readonly weight?: Tensor | null;
  /** The integral over the bins is 1; default false. */
  readonly density?: boolean;
}

/** A histogram over several dimensions; iterable in order. */
export interface Histogramdd extends Iterable<Tensor | readonly Tensor[]> {
  readonly hist: Tensor;
  /** The edges of the bins, per dimension. */
  readonly binEdges: readonly Tensor[];
}

function edgesOf(points: Tensor, bins: number | readonly (number | Tensor)[], range: readonly number[] | null): Tensor[] {
  const rank = points.shape[1];
  const each = typeof bins === 'number' ? new Array<number>(rank).fill(bins) : bins;
  if (!Array.isArray(each) || each.length !== rank) throw new ArgumentError(`${name}: bins do not fit, got ${show(bins)}; expected a number, or ${rank} numbers or edges`);
  if (range !== null && range.length !== 2 * rank) throw new ArgumentError(`${name}: range does not fit, got ${show(range)}; expected ${2 * rank} numbers`);
  return each.map((own: number | Tensor, d) => {
    if (own instanceof Tensor) {
      if (range !== null) throw new ArgumentError(`${name}: range beside edges, got ${show(range)}; expected one of them`);
      if (own.ndim !== 1 || own.numel() < 2 || own.dtype !== points.dtype) throw new ShapeError(`${name}: not edges, got ${show(own)}; expected a vector of ${points.dtype}, at least 2 long`);
      return detach(own);
    }
    checkBins(name, own);
    const [low, high] = spanOf(name, select(points, 1, d), range === null ? null : [range[2 * d], range[2 * d + 1]]);
    return linspace(low, high, own + 1, { dtype: points.dtype, device: points.device });
  });
}

/**
 * How many points, or how much of their weights, fall into each bin of a grid, and the edges of the bins. What lies outside counts nowhere.
 *
 * @param x - points, (…, dimensions)
 * @param bins - a number of bins of equal width, for all dimensions or each, or a list of their edges, ascending
 * @returns `hist`, with one dimension per coordinate, and `binEdges`, a list
 * @throws ArgumentError for bins or a range that do not fit; ShapeError for points without a last dimension; DTypeError for integers
 * @see https://pytorch.org/docs/stable/generated/torch.histogramdd.html
 */
export const histogramdd: Free<Named<'bins', number | readonly (number | Tensor)[], HistogramddOptions, Histogramdd>> = free(
  {
    name,
    parameters: ['bins', 'options'],
    family: 'counting',
    differentiable: false,
    samples: (s) => [
      [s.float([12, 2]), [3, 2]],
      [s.float([2, 6, 2]), 3, { range: [-1, 1, -2, 0.5] }],
      [s.float([9, 3]), [2, 1, 3], { weight: s.float([9], 0, 1), density: true }],
      [s.values([0, 1, 2, 5, 2, 6, 9, 9], [4, 2]), [s.values([0, 1, 2]), s.values([0, 5, 6])]],
    ],
  },
  (x: Tensor, bins: number | readonly (number | Tensor)[], options?: HistogramddOptions): Histogramdd => {
    checkTensor(name, x);
    checkOptions(name, options, ['range', 'weight', 'density']);
    const { range = null, weight = null, density = false } = options ?? {};
    if (typeof density !== 'boolean') throw new ArgumentError(`${name}: density is not a boolean, got ${show(density)}; expected true or false`);
    if (!isFloat(x.dtype)) throw new DTypeError(`${name}: not a float tensor, got ${show(x)}; expected float32 or float64`);
    if (x.ndim < 2 || x.shape[x.ndim - 1] === 0) throw new ShapeError(`${name}: not points, got ${show(x)}; expected (…, points, dimensions)`);
    const rank = x.shape[x.ndim - 1];
    const points = reshape(detach(x), [x.numel() / rank, rank]);
    const count = points.shape[0];
    if (weight !== null && (weight.dtype !== x.dtype || weight.numel() !== count || weight.ndim !== x.ndim - 1)) {
      throw new ShapeError(`${name}: weights do not fit, got ${show(weight)}; expected ${x.dtype}[${x.shape.slice(0, -1).join(', ')}]`);
    }
    const binEdges = edgesOf(points, bins, range);
    const sizes = binEdges.map((edges) => edges.numel() - 1);
    let outside = emptyTensor([count], 'bool', x.device);
    let place = emptyTensor([count], 'int64', x.device);
    binEdges.forEach((edges, d) => {
      const values = select(points, 1, d);
      const last = edges.select(0, sizes[d]);
      // The last bin has its end, too.
      const bin = bucketize(values, edges, { right: true }).sub(1).sub(values.eq(last).to('int64'));
      outside = outside.logicalOr(values.ge(edges.select(0, 0)).logicalAnd(values.le(last)).logicalNot());
      place = place.mul(sizes[d]).add(bin);
    });
    const each = weight === null ? expand(scalarLike(x, 1), [count]) : reshape(detach(weight), [count]);
    const total = sizes.reduce((n, k) => n * k, 1);
    const sums = emptyTensor([total], x.dtype, x.device).scatterAdd(0, place.maskedFill(outside, 0), where(outside, 0, each));
    let hist = reshape(sums, sizes);
    if (density) {
      hist = hist.div(hist.sum());
      binEdges.forEach((edges, d) => {
        const widths = edges.narrow(0, 1, sizes[d]).sub(edges.narrow(0, 0, sizes[d]));
        hist = hist.div(reshape(widths, sizes.map((n, k) => (k === d ? n : 1))));
      });
    }
    return { hist, binEdges, [Symbol.iterator]: () => ([hist, binEdges] as const)[Symbol.iterator]() };
  },
);

import { type BinAttrs, bincountKernel, edgesKernel, histogramKernel } from '../cpu/counting.ts';
import { largest } from '../cpu/gather.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { apply, primitive } from '../op.ts';
import { type Results, results } from '../results.ts';
import { sameShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { linspace } from './creation.ts';
import { type Method, checkTensor, method } from './define.ts';

const family = 'counting';

const histcOp = primitive<BinAttrs>({ name: 'histc', infer: ([x], { bins }) => ({ shape: [bins], dtype: (x as Tensor).dtype }), cpu: histogramKernel });
const edgesOp = primitive({ name: 'histogram', infer: ([x, edges]) => ({ shape: [Math.max(0, (edges as Tensor).numel() - 1)], dtype: (x as Tensor).dtype }), cpu: edgesKernel });
const bincountOp = primitive<{ readonly length: number }>({ name: 'bincount', infer: ([, w], { length }) => ({ shape: [length], dtype: typeof w === 'number' ? 'int64' : w.dtype === 'float32' ? 'float32' : 'float64' }), cpu: bincountKernel });

/** From where to where the bins go: as given, else over the elements; a single point gets one to either side. */
function rangeOf(name: string, x: Tensor, low: number, high: number): readonly [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high) throw new ArgumentError(`${name}: not a range, got ${show(low)} to ${show(high)}; expected finite numbers, the smaller first`, { values: { low, high } });
  let [from, to] = [low, high];
  if (from === to && x.numel() > 0) {
    [from, to] = [x.min().item(), x.max().item()];
    if (!Number.isFinite(from) || !Number.isFinite(to)) throw new ArgumentError(`${name}: elements are not finite, got ${from} to ${to}; expected finite elements, or a range`);
  }
  return from === to ? [from - 1, to + 1] : [from, to];
}

/** From where to where the bins of `histogram` go: as given, else over the elements, 0 to 1 where there are none; a single point gets a half to either side. */
export function spanOf(name: string, x: Tensor, given: readonly [number, number] | null): readonly [number, number] {
  const [from, to] = given ?? (x.numel() === 0 ? [0, 1] : [x.min().item(), x.max().item()]);
  if (!Number.isFinite(from) || !Number.isFinite(to) || from > to) {
    throw new ArgumentError(`${name}: not a range, got ${show(from)} to ${show(to)}; expected finite numbers, the smaller first`, { values: { low: from, high: to } });
  }
  return from === to ? [from - 0.5, to + 0.5] : [from, to];
}

/** Refuses anything but a number of bins. */
export function checkBins(name: string, bins: unknown): asserts bins is number {
  if (!Number.isInteger(bins) || (bins as number) < 1) throw new ArgumentError(`${name}: invalid number of bins, got ${show(bins)}; expected an integer ≥ 1`);
}

/** Options of `histc`. */
export interface HistcOptions {
  /** Default 100. */
  readonly bins?: number;
  readonly min?: number;
  readonly max?: number;
}

/**
 * How many elements fall into each of `bins` intervals of equal width between `min` and `max` (both 0, the default: the elements' own), in the dtype of `x`.
 * What lies outside, and NaN, counts nowhere.
 *
 * @throws ArgumentError for no bins or a range that is none; DTypeError for integers
 * @see https://pytorch.org/docs/stable/generated/torch.histc.html
 */
export const histc: Method<(x: Tensor, bins?: number | HistcOptions, min?: number, max?: number) => Tensor> = method(
  { name: 'histc', family, differentiable: false, samples: (s) => [[s.float([10]), 4], [s.float([3, 4]), 3, -1, 1.5], [s.float([4]), { bins: 2, min: 0, max: 2 }], [s.values([2, 2]), 3]] },
  (x: Tensor, bins: number | HistcOptions = 100, min = 0, max = 0): Tensor => {
    checkTensor('histc', x);
    if (typeof bins === 'object') checkOptions('histc', bins, ['bins', 'min', 'max']);
    const given = typeof bins === 'object' ? { bins: 100, min: 0, max: 0, ...bins } : { bins, min, max };
    checkBins('histc', given.bins);
    if (!isFloat(x.dtype)) throw new DTypeError(`histc: not a float tensor, got ${show(x)}; expected float32 or float64`);
    const [low, high] = rangeOf('histc', x, given.min, given.max);
    return apply(histcOp, [x, 0], { bins: given.bins, low, high });
  },
);

/** Options of `histogram`. */
export interface HistogramOptions {
  /** From where to where the bins go; default over the elements. */
  readonly range?: readonly [number, number] | null;
  /** How much each element counts; of the shape and dtype of the elements. */
  readonly weight?: Tensor | null;
  /** The integral over the bins is 1; default false. */
  readonly density?: boolean;
}

/**
 * How many elements, or how much of their weights, fall into each bin, and the edges of the bins.
 *
 * @param bins - a number of bins of equal width, or their edges, ascending
 * @returns `hist` and `binEdges`
 * @throws ArgumentError for no bins or a range that is none; DTypeError for integers
 * @see https://pytorch.org/docs/stable/generated/torch.histogram.html
 */
export const histogram: Method<(x: Tensor, bins: number | Tensor, options?: HistogramOptions) => Results<{ hist: Tensor; binEdges: Tensor }>> = method(
  { name: 'histogram', family, differentiable: false, samples: (s) => [[s.float([10]), 4], [s.float([6]), 3, { range: [-1, 1.5] }], [s.float([6]), s.values([-1, 0, 0.5, 2])], [s.float([5]), 2, { range: [-2, 2], weight: s.float([5], 0, 1), density: true }], [s.values([2, 2]), 3], [s.float([0]), 2]] },
  (x: Tensor, bins: number | Tensor, options?: HistogramOptions): Results<{ hist: Tensor; binEdges: Tensor }> => {
    checkTensor('histogram', x);
    checkOptions('histogram', options, ['range', 'weight', 'density']);
    const { range = null, weight = null, density = false } = options ?? {};
    if (!isFloat(x.dtype)) throw new DTypeError(`histogram: not a float tensor, got ${show(x)}; expected float32 or float64`);
    if (weight !== null && (!sameShape(weight.shape, x.shape) || weight.dtype !== x.dtype)) throw new ShapeError(`histogram: weights do not fit, got ${show(weight)}; expected ${show(x)}`);
    let edges: Tensor;
    let hist: Tensor;
    if (bins instanceof Tensor) {
      if (range !== null) throw new ArgumentError(`histogram: range beside edges, got ${show(range)}; expected one of them`);
      if (bins.ndim !== 1 || bins.dtype !== x.dtype) throw new ShapeError(`histogram: not edges, got ${show(bins)}; expected a vector of ${x.dtype}`);
      edges = bins.detach();
      hist = apply(edgesOp, [x, edges, weight ?? 0], undefined);
    } else {
      checkBins('histogram', bins);
      const [low, high] = spanOf('histogram', x.detach(), range);
      edges = linspace(low, high, bins + 1, { dtype: x.dtype, device: x.device });
      hist = apply(histcOp, [x, weight ?? 0], { bins, low, high });
    }
    if (!density) return results({ hist, binEdges: edges });
    return results({ hist: hist.div(hist.sum()).div(edges.narrow(0, 1, edges.numel() - 1).sub(edges.narrow(0, 0, edges.numel() - 1))), binEdges: edges });
  },
);

/** Options of `bincount`. */
export interface BincountOptions {
  /** How much each element counts. */
  readonly weights?: Tensor | null;
  /** At least so many results; default 0. */
  readonly minlength?: number;
}

/**
 * How often each whole number from 0 to the largest occurs, or the sum of the weights.
 *
 * @throws ArgumentError for negative elements; ShapeError for other than a vector; DTypeError for floats
 * @see https://pytorch.org/docs/stable/generated/torch.bincount.html
 */
export const bincount: Method<(x: Tensor, weights?: Tensor | BincountOptions | null, minlength?: number) => Tensor> = method(
  { name: 'bincount', family, differentiable: false, samples: (s) => [[s.int([6], 0, 4)], [s.int([4], 0, 3), s.float([4])], [s.int([3], 0, 2), { minlength: 5 }], [s.values([], [0], 'int64')]] },
  (x: Tensor, weights?: Tensor | BincountOptions | null, minlength = 0): Tensor => {
    checkTensor('bincount', x);
    const given: BincountOptions = weights instanceof Tensor || weights === null || weights === undefined ? { weights: weights ?? null, minlength } : weights;
    checkOptions('bincount', given, ['weights', 'minlength']);
    const { weights: w = null, minlength: least = 0 } = given;
    if (x.ndim !== 1) throw new ShapeError(`bincount: not a vector, got ${show(x)}; expected 1 dimension`);
    if (isFloat(x.dtype)) throw new DTypeError(`bincount: not whole numbers, got ${show(x)}; expected integers`);
    if (!Number.isInteger(least) || least < 0) throw new ArgumentError(`bincount: invalid minlength, got ${show(least)}; expected an integer ≥ 0`);
    if (w !== null && w.numel() !== x.numel()) throw new ShapeError(`bincount: weights do not fit, got ${show(w)} for ${show(x)}; expected as many`);
    if (x.numel() > 0 && x.min().item() < 0) throw new ArgumentError(`bincount: a negative element, got ${x.min().item()}; expected integers ≥ 0`);
    return apply(bincountOp, [x, w ?? 0], { length: Math.max(least, x.numel() === 0 ? 0 : largest(x) + 1) });
  },
);

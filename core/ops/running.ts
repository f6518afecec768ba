import { modeKernel, runningExtremeKernel, runningLogSumExpKernel } from '../cpu/running.ts';
import { nextDim } from '../batching.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Kernel, type Primitive, apply, applyInPlace, applyMany, primitive } from '../op.ts';
import { results } from '../results.ts';
import { normalizeDim } from '../shape.ts';
import { isGradEnabled } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { flip } from './arrange.ts';
import type { Named, NamedPair } from './byName.ts';
import { type InPlace, type Method, type Samples, checkTensor, inPlaceMethod, method } from './define.ts';
import { type KeepdimOptions, type ValuesAndIndices, checkOrder, checkWhole } from './extrema.ts';
import { gather, scatterAdd } from './gather.ts';
import { where } from './select.ts';
import { type Sorted, sort } from './sort.ts';
import { narrow, reshape } from './view.ts';

const family = 'scan';

interface DimAttrs {
  readonly dim: number;
}

/** A primitive that gives entries of its input and where they stood; the gradient goes back there. */
function picks(name: string, cpu: Kernel<DimAttrs>, keepsDim: boolean): Primitive<DimAttrs> {
  return primitive<DimAttrs>({
    name,
    infer: ([input], { dim }) => {
      const x = input as Tensor;
      const shape = keepsDim ? x.shape : x.shape.toSpliced(dim, 1);
      return [{ shape, dtype: x.dtype }, { shape, dtype: 'int64' }];
    },
    cpu,
    batching: { shift: nextDim },
    saves: 'outputs',
    backward: (node, g) => {
      if (g === null) return [null];
      const { dim } = node.attrs as DimAttrs;
      const zeros = emptyTensor(node.inputs[0].shape, g.dtype, g.device);
      const open = (t: Tensor): Tensor => (keepsDim ? t : t.unsqueeze(dim));
      return [scatterAdd(zeros, dim, open(node.output(1)), open(g))];
    },
  });
}

const row = (x: Tensor): Tensor => (x.ndim === 0 ? reshape(x, [1]) : x);

function running(name: string, largest: boolean): Method<Named<'dim', number, object, ValuesAndIndices>> {
  const op = picks(name, runningExtremeKernel(largest), true);
  return method({ name, parameters: ['dim'], family, samples: (s) => [[s.float([2, 4]), 1], [s.float([3, 2, 2]), -3], [s.float([]), 0], [s.float([2, 0]), 1], [s.int([5], 0, 3), 0], [s.int([2, 4], 0, 2), 1]] }, (x: Tensor, dim: number): ValuesAndIndices => {
    checkTensor(name, x);
    const d = normalizeDim(name, dim, x.ndim);
    const [values, indices] = applyMany(op, [row(x)], { dim: d });
    return results({ values: reshape(values, x.shape), indices: reshape(indices, x.shape) });
  });
}

/** The largest entry so far along a dimension and its place, the last of equal ones; NaN stays. @see https://pytorch.org/docs/stable/generated/torch.cummax.html */
export const cummax: Method<Named<'dim', number, object, ValuesAndIndices>> = running('cummax', true);
/** The smallest entry so far along a dimension and its place, the last of equal ones; NaN stays. @see https://pytorch.org/docs/stable/generated/torch.cummin.html */
export const cummin: Method<Named<'dim', number, object, ValuesAndIndices>> = running('cummin', false);

const backwards = (x: Tensor, dim: number): Tensor => flip(logcumsumexp(flip(x, [dim]), dim), [dim]);

/**
 * The part of the zeros in `g`: nothing, but with a derivative, which a logarithm of them has not. Exact as long as `y` grows by less than what the exponential
 * function can hold.
 */
function ofZeros(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  const most = narrow(y, dim, y.shape[dim] - 1, 1).detach();
  const shares = where(g.eq(0), g, 0).mul(most.sub(y).clamp({ max: x.dtype === 'float64' ? 700 : 80 }).exp());
  return flip(flip(shares, [dim]).cumsum(dim), [dim]).mul(x.sub(most).exp());
}

const logcumsumexpOp = primitive<DimAttrs>({
  name: 'logcumsumexp',
  infer: ([x]) => x as Tensor,
  cpu: runningLogSumExpKernel,
  batching: { shift: nextDim },
  saves: 'both',
  backward: [
    (g, node) => {
      // Σ g[i]·exp(x[j] - y[i]) over i ≥ j, in logarithms, for both signs of g.
      const { dim } = node.attrs as DimAttrs;
      const [x, y] = [node.input(0), node.output()];
      const part = (positive: boolean): Tensor => {
        const counts = positive ? g.gt(0) : g.lt(0);
        const size = where(counts, positive ? g : g.neg(), 1).log();
        return backwards(where(counts, size.sub(y), -Infinity), dim).add(x).exp();
      };
      const sum = part(true).sub(part(false));
      return isGradEnabled() && g.requiresGrad && g.numel() > 0 ? sum.add(ofZeros(g, x, y, dim)) : sum;
    },
  ],
});

/** `log Σ exp(x)` of the entries so far along a dimension. @throws DTypeError for integers @see https://pytorch.org/docs/stable/generated/torch.logcumsumexp.html */
export const logcumsumexp: InPlace<Named<'dim', number, object, Tensor>> = inPlaceMethod(
  { name: 'logcumsumexp', parameters: ['dim'], family, samples: (s) => [[s.float([2, 4]), 1], [s.float([3, 2]), 0], [s.float([]), 0], [s.float([0, 2]), 0]] },
  (x: Tensor, dim: number): Tensor => {
    checkTensor('logcumsumexp', x);
    if (!isFloat(x.dtype)) throw new DTypeError(`logcumsumexp: not a float tensor, got ${show(x)}; expected float32 or float64`);
    const d = normalizeDim('logcumsumexp', dim, x.ndim);
    return reshape(apply(logcumsumexpOp, [row(x)], { dim: d }), x.shape);
  },
  (x: Tensor, dim: number): Tensor => {
    checkTensor('logcumsumexp_', x);
    if (!isFloat(x.dtype)) throw new DTypeError(`logcumsumexp_: not a float tensor, got ${show(x)}; expected float32 or float64`);
    const d = normalizeDim('logcumsumexp_', dim, x.ndim);
    applyInPlace(logcumsumexpOp, [row(x)], { dim: d });
    return x;
  },
);

// ---- one entry of each line ----

function keepdimOf(name: string, options: KeepdimOptions | undefined): boolean {
  checkOptions(name, options, ['keepdim']);
  const keepdim = options?.keepdim ?? false;
  if (typeof keepdim !== 'boolean') throw new ArgumentError(`${name}: keepdim is not a boolean, got ${show(keepdim)}; expected true or false`);
  return keepdim;
}

const modeOp = picks('mode', modeKernel, false);

const modeSamples: Samples = (s) => [[s.values([3, 1, 3, 2, 2, 3], [6])], [s.values([1, 2, 2, 3, 3, 1], [2, 3]), 1], [s.int([4, 3], 0, 3), 0, { keepdim: true }], [s.float([])]];

/**
 * The most frequent entry along a dimension (default the last) and where it stands last; the smallest of equally frequent ones.
 *
 * @throws ShapeError for a dimension without entries
 * @see https://pytorch.org/docs/stable/generated/torch.mode.html
 */
export const mode: Method<Named<'dim', number, KeepdimOptions, ValuesAndIndices, Tensor, [keepdim: boolean]>> = method({ name: 'mode', parameters: ['dim', 'options', 'keepdim'], family: 'reduction', samples: modeSamples }, (x: Tensor, dim = -1, options?: KeepdimOptions): ValuesAndIndices => {
  checkTensor('mode', x);
  const keepdim = keepdimOf('mode', options);
  const d = normalizeDim('mode', dim, x.ndim);
  if (x.ndim > 0 && x.shape[d] === 0) throw new ShapeError(`mode: nothing to choose from, got ${show(x)}; expected dimension ${d} to have entries`);
  const [values, indices] = applyMany(modeOp, [row(x)], { dim: d });
  const shape = x.ndim === 0 ? [] : keepdim ? x.shape.with(d, 1) : x.shape.toSpliced(d, 1);
  return results({ values: reshape(values, shape), indices: reshape(indices, shape) });
});

/** One place along a dimension of what a sort gave. */
function taken({ values, indices }: Sorted, d: number, at: number, keepdim: boolean, rank: number): ValuesAndIndices {
  if (rank === 0) return results({ values, indices });
  const pick = (t: Tensor): Tensor => (keepdim ? narrow(t, d, at, 1) : t.select(d, at));
  return results({ values: pick(values), indices: pick(indices) });
}

/**
 * The k-th smallest entry along a dimension (default the last) and its place; NaN counts as largest.
 *
 * @param k - from 1
 * @throws ShapeError for a `k` outside 1 … size
 * @see https://pytorch.org/docs/stable/generated/torch.kthvalue.html
 */
export const kthvalue: Method<NamedPair<'k', number, 'dim', number, KeepdimOptions, ValuesAndIndices, Tensor, [keepdim: boolean]>> = method(
  { name: 'kthvalue', parameters: ['k', 'dim', 'options', 'keepdim'], family: 'reduction', samples: (s) => [[s.float([5]), 2], [s.float([2, 4]), 4, 1, { keepdim: true }], [s.float([3, 2]), 1, 0], [s.float([]), 1]] },
  (x: Tensor, k: number, dim = -1, options?: KeepdimOptions): ValuesAndIndices => {
    checkTensor('kthvalue', x);
    checkOrder('kthvalue', x);
    const keepdim = keepdimOf('kthvalue', options);
    const d = normalizeDim('kthvalue', dim, x.ndim);
    const size = x.shape[d] ?? 1;
    if (!Number.isInteger(k) || k < 1 || k > size) throw new ShapeError(`kthvalue: k outside dimension ${d}, got ${show(k)}; expected 1 to ${size}`, { values: { k, size } });
    return taken(sort(x, d), d, k - 1, keepdim, x.ndim);
  },
);

/** Values in ascending order along the first dimension. @see https://pytorch.org/docs/stable/generated/torch.msort.html */
export const msort: Method<(x: Tensor) => Tensor> = method({ name: 'msort', family: 'sorting', samples: (s) => [[s.float([3, 2])], [s.float([4])]] }, (x: Tensor): Tensor => sort(x, 0).values);

/** The two forms of `nanmedian`. */
export type NanMedian = Method<{
  (x: Tensor): Tensor;
  (x: Tensor, dim: number, options?: KeepdimOptions): ValuesAndIndices;
  (x: Tensor, options: KeepdimOptions & { readonly dim: number }): ValuesAndIndices;
}>;

/** Lower median of the entries that are not NaN, of everything or along a dimension with its place; NaN where there are none. @see https://pytorch.org/docs/stable/generated/torch.nanmedian.html */
export const nanmedian: NanMedian = method(
  { name: 'nanmedian', parameters: ['dim', 'options', 'keepdim'], family: 'reduction', samples: (s) => [[s.float([5])], [s.values([1, NaN, 3, 2], [4])], [s.values([1, NaN, 3, NaN, NaN, 2], [2, 3]), 1], [s.float([3, 4]), 0, { keepdim: true }]] },
  ((x: Tensor, dim?: number, options?: KeepdimOptions): Tensor | ValuesAndIndices => {
    checkTensor('nanmedian', x);
    checkOrder('nanmedian', x);
    if (dim === undefined) {
      checkWhole('nanmedian', options);
      if (x.numel() === 0 && !isFloat(x.dtype)) throw new ShapeError(`nanmedian: nothing to choose from, got ${show(x)}; expected at least one element`);
      if (x.numel() === 0) return x.sum().mul(NaN);
      return lineMedian(reshape(x, [-1]), 0, false).values;
    }
    const keepdim = keepdimOf('nanmedian', options);
    const d = normalizeDim('nanmedian', dim, x.ndim);
    if (x.ndim > 0 && x.shape[d] === 0) throw new ShapeError(`nanmedian: nothing to choose from, got ${show(x)}; expected dimension ${d} to have entries`);
    if (x.ndim > 0) return lineMedian(x, d, keepdim);
    const { values, indices } = lineMedian(row(x), 0, false);
    return results({ values: reshape(values, []), indices: reshape(indices, []) });
  }) as NanMedian,
);

function lineMedian(x: Tensor, d: number, keepdim: boolean): ValuesAndIndices {
  const sorted = sort(x, d);
  const count = x.isnan().logicalNot().sum(d, { keepdim: true });
  const middle = count.sub(1).clamp(0).floorDivide(2);
  const pick = (t: Tensor): Tensor => (keepdim ? gather(t, d, middle) : gather(t, d, middle).squeeze(d));
  return results({ values: pick(sorted.values), indices: pick(sorted.indices) });
}

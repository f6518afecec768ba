import { toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { normalizeDim, sameShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import type { Named, NamedList, NamedPair } from './byName.ts';
import { type Free, type InPlace, type Method, checkTensor, free, inPlaceMethod, method } from './define.ts';
import { cat } from './join.ts';
import { narrow, reshape, unsqueeze } from './view.ts';

const family = 'scan';

/** Options of `diff`, which may also stand by position. */
export interface DiffOptions {
  /** How often; default 1. */
  readonly n?: number;
  /** Default the last. */
  readonly dim?: number;
  /** What comes before the first entry. */
  readonly prepend?: Tensor | null;
  /** What comes behind the last entry. */
  readonly append?: Tensor | null;
}

const ends = (x: Tensor, d: number, from: number, rest: number): Tensor => narrow(x, d, from, x.shape[d] - rest);

/**
 * Differences of neighbours along a dimension, `n` times over; of bool whether they differ.
 *
 * @param n - how often; default 1
 * @param dim - default the last
 * @throws ShapeError for a scalar; ArgumentError for a negative `n`
 * @see https://pytorch.org/docs/stable/generated/torch.diff.html
 */
export const diff: Method<NamedList<[n?: number, dim?: number, prepend?: Tensor | null, append?: Tensor | null], DiffOptions, Tensor>> = method(
  {
    name: 'diff',
    parameters: ['n', 'dim', 'prepend', 'append'],
    family,
    samples: (s) => [
      [s.float([5])], [s.float([2, 4]), 2], [s.float([3, 2]), 1, 0], [s.float([3]), 1, -1, { prepend: s.float([1]), append: s.float([2]) }], [s.bool([4])], [s.int([3])], [s.float([2]), 3],
      [s.float([3]), 1, 0, null, s.float([2])],
    ],
  },
  (x: Tensor, times = 1, dim = -1, prepend: Tensor | null = null, append: Tensor | null = null): Tensor => {
    checkTensor('diff', x);
    if (!Number.isInteger(times) || times < 0) throw new ArgumentError(`diff: invalid order, got ${show(times)}; expected an integer ≥ 0`);
    for (const [what, part] of Object.entries({ prepend, append })) if (part !== null) checkTensor('diff', part, what);
    if (x.ndim === 0) throw new ShapeError(`diff: a scalar has no neighbours, got ${show(x)}; expected at least 1 dimension`);
    const d = normalizeDim('diff', dim, x.ndim);
    if (times === 0) return x.clone();
    const parts = [prepend, x, append].filter((t) => t !== null);
    let y = parts.length === 1 ? x : cat(parts, d);
    for (let i = 0; i < times && y.shape[d] > 0; i++) y = y.dtype === 'bool' ? ends(y, d, 1, 1).ne(ends(y, d, 0, 1)) : ends(y, d, 1, 1).sub(ends(y, d, 0, 1));
    return y;
  },
);

/** Options of `trapezoid` and `cumulativeTrapezoid`. */
export interface TrapezoidOptions {
  /** Distance between neighbours, without `x`; default 1. */
  readonly dx?: number;
  /** Default the last. */
  readonly dim?: number;
}

/** Areas of the trapezoids between neighbours along a dimension, and that dimension. */
function areas(name: string, y: Tensor, x: Tensor | TrapezoidOptions | null | undefined, options: TrapezoidOptions | undefined): { readonly parts: Tensor; readonly d: number } {
  checkTensor(name, y, 'y');
  const [points, given] = x instanceof Tensor || x === null || x === undefined ? [x ?? null, options] : [null, x];
  checkOptions(name, given, ['dx', 'dim']);
  if (y.ndim === 0) throw new ShapeError(`${name}: a scalar has no neighbours, got ${show(y)}; expected at least 1 dimension`);
  const d = normalizeDim(name, given?.dim ?? -1, y.ndim);
  if (y.dtype === 'bool') throw new DTypeError(`${name}: not defined for bool, got ${show(y)}; expected numbers`);
  if (points !== null && given?.dx !== undefined) throw new ArgumentError(`${name}: both x and dx, got ${show(points)} and ${given.dx}; expected one of them`);
  const heights = points === null ? y.to(toFloat(y.dtype)) : y;
  const sums = y.shape[d] === 0 ? heights : ends(heights, d, 1, 1).add(ends(heights, d, 0, 1));
  if (points === null) return { parts: sums.mul((given?.dx ?? 1) / 2), d };
  const widths = points.ndim === 1 ? reshape(diff(points), y.shape.map((_, i) => (i === d ? points.shape[0] - 1 : 1))) : diff(points, 1, d - y.ndim);
  if (points.shape[points.ndim === 1 ? 0 : points.ndim + (d - y.ndim)] !== y.shape[d]) throw new ShapeError(`${name}: points do not fit, got ${show(points)} for ${show(y)}; expected ${y.shape[d]} along dimension ${d}`);
  return { parts: sums.mul(widths).div(2), d };
}

type Trapezoid = Free<(y: Tensor, x?: Tensor | TrapezoidOptions | null, options?: TrapezoidOptions) => Tensor>;

/** Integral by the trapezoidal rule along a dimension: of `y` at the points `x`, or at distances `dx`. @see https://pytorch.org/docs/stable/generated/torch.trapezoid.html */
export const trapezoid: Trapezoid = free(
  { name: 'trapezoid', family, samples: (s) => [[s.float([5])], [s.float([2, 4]), s.float([4])], [s.float([2, 4]), s.float([2, 4])], [s.float([3, 2]), { dx: 0.5, dim: 0 }], [s.int([4]), { dx: 2 }]] },
  (y: Tensor, x?: Tensor | TrapezoidOptions | null, options?: TrapezoidOptions): Tensor => {
    const { parts, d } = areas('trapezoid', y, x, options);
    return parts.sum(d);
  },
);

/** Integrals by the trapezoidal rule up to each point along a dimension. @see https://pytorch.org/docs/stable/generated/torch.cumulative_trapezoid.html */
export const cumulativeTrapezoid: Trapezoid = free(
  { name: 'cumulativeTrapezoid', family, samples: (s) => [[s.float([5])], [s.float([2, 4]), s.float([4])], [s.float([3, 2]), { dx: 0.5, dim: 0 }]] },
  (y: Tensor, x?: Tensor | TrapezoidOptions | null, options?: TrapezoidOptions): Tensor => {
    const { parts, d } = areas('cumulativeTrapezoid', y, x, options);
    return parts.cumsum(d);
  },
);

/** Options of `gradient`. */
export interface GradientOptions {
  /** Distance between neighbours: one, one per dimension, or the coordinates per dimension; default 1. */
  readonly spacing?: number | readonly number[] | readonly Tensor[] | null;
  /** Along which dimensions; default (or null) all. */
  readonly dim?: number | readonly number[] | null;
  /** Order of the estimate at the ends: 1 (default) or 2. */
  readonly edgeOrder?: 1 | 2;
}

/** Second-order estimates of the derivative along one dimension, for distances before and behind each inner point. */
function slope(x: Tensor, d: number, h: number | Tensor, edgeOrder: 1 | 2): Tensor {
  const n = x.shape[d];
  const at = (i: number, length = 1): Tensor => narrow(x, d, i, length);
  const column = (t: Tensor): Tensor => reshape(t, x.shape.map((_, i) => (i === d ? t.shape[0] : 1)));
  const step = (i: number): Tensor | number => (typeof h === 'number' ? h : column(narrow(h, 0, i, 1)));
  const over = (a: Tensor, b: Tensor | number): Tensor => a.div(b);
  let inner: Tensor;
  if (typeof h === 'number') inner = at(2, n - 2).sub(at(0, n - 2)).div(2 * h);
  else {
    const [before, behind] = [column(narrow(h, 0, 0, n - 2)), column(narrow(h, 0, 1, n - 2))];
    const sum = before.add(behind);
    const a = behind.div(before.mul(sum)).neg();
    const c = before.div(behind.mul(sum));
    inner = a.mul(at(0, n - 2)).add(behind.sub(before).div(behind.mul(before)).mul(at(1, n - 2))).add(c.mul(at(2, n - 2)));
  }
  if (edgeOrder === 1) return cat([over(at(1).sub(at(0)), step(0)), inner, over(at(n - 1).sub(at(n - 2)), step(n - 2))], d);
  const edge = (p: Tensor, q: Tensor, r: Tensor, h1: Tensor | number, h2: Tensor | number, sign: number): Tensor => {
    if (typeof h1 === 'number' || typeof h2 === 'number') return p.mul(-1.5).add(q.mul(2)).sub(r.mul(0.5)).mul(sign).div(h1);
    const a = h1.mul(2).add(h2).div(h1.mul(h1.add(h2))).neg();
    const b = h1.add(h2).div(h1.mul(h2));
    const c = h1.div(h2.mul(h1.add(h2))).neg();
    return a.mul(p).add(b.mul(q)).add(c.mul(r)).mul(sign);
  };
  return cat([edge(at(0), at(1), at(2), step(0), step(1), 1), inner, edge(at(n - 1), at(n - 2), at(n - 3), step(n - 2), step(n - 3), -1)], d);
}

/**
 * Estimates of the derivative along dimensions, from neighbours: central in the middle, one-sided at the ends.
 *
 * @returns a tensor per dimension
 * @throws ShapeError for a dimension with fewer than `edgeOrder` + 1 entries
 * @see https://pytorch.org/docs/stable/generated/torch.gradient.html
 */
export const gradient: Free<(x: Tensor, options?: GradientOptions) => Tensor[]> = free(
  {
    name: 'gradient',
    family,
    samples: (s) => [[s.float([5])], [s.float([3, 4])], [s.float([3, 4]), { dim: 1, spacing: 0.5 }], [s.float([4, 3]), { spacing: [2, 0.5], edgeOrder: 2 }], [s.float([4]), { spacing: [s.values([0, 1, 2.5, 3])] }], [s.float([4]), { spacing: [s.values([0, 1, 2.5, 3])], edgeOrder: 2 }]],
  },
  (x: Tensor, options?: GradientOptions): Tensor[] => {
    checkTensor('gradient', x);
    checkOptions('gradient', options, ['spacing', 'dim', 'edgeOrder']);
    const { edgeOrder = 1 } = options ?? {};
    const spacing = options?.spacing ?? 1;
    if (edgeOrder !== 1 && edgeOrder !== 2) throw new ArgumentError(`gradient: invalid edgeOrder, got ${show(edgeOrder)}; expected 1 or 2`);
    const given = options?.dim ?? null;
    const dims = given === null ? x.shape.map((_, d) => d) : [given].flat().map((d) => normalizeDim('gradient', d, x.ndim));
    if (new Set(dims).size < dims.length) throw new ArgumentError(`gradient: a dimension is named twice, got ${show(given)}; expected distinct dimensions`);
    const steps: readonly (number | Tensor)[] = typeof spacing === 'number' ? dims.map(() => spacing) : spacing;
    if (steps.length !== dims.length) throw new ArgumentError(`gradient: spacings and dimensions differ in number, got ${steps.length} and ${dims.length}; expected as many`);
    return dims.map((d, i) => {
      if (x.shape[d] < edgeOrder + 1) throw new ShapeError(`gradient: too few entries, got ${x.shape[d]} along dimension ${d} of ${show(x)}; expected at least ${edgeOrder + 1}`);
      const h = steps[i];
      if (h instanceof Tensor && !sameShape(h.shape, [x.shape[d]])) throw new ShapeError(`gradient: coordinates do not fit, got ${show(h)}; expected [${x.shape[d]}]`);
      return slope(x, d, h instanceof Tensor ? diff(h) : h, edgeOrder);
    });
  },
);

/** Distances between the rows of a matrix, each pair once: (n·(n-1)/2). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pdist.html */
export const pdist: Free<Named<'p', number, object, Tensor>> = free(
  { name: 'pdist', parameters: ['p'], family: 'distance', torch: 'nn.functional.pdist', samples: (s) => [[s.float([4, 3])], [s.float([3, 2]), 1], [s.float([1, 2])]] },
  (x: Tensor, p = 2): Tensor => {
    checkTensor('pdist', x);
    if (x.ndim !== 2) throw new ShapeError(`pdist: not a matrix, got ${show(x)}; expected 2 dimensions`);
    checkNormOrder('pdist', p);
    const n = x.shape[0];
    const rows = Array.from({ length: Math.max(0, n - 1) }, (_, i) => narrow(x, 0, i + 1, n - i - 1).sub(narrow(x, 0, i, 1)));
    return rows.length === 0 ? x.sum().reshape([1]).narrow(0, 0, 0) : cat(rows, 0).norm(p, 1);
  },
);

function checkNormOrder(name: string, p: unknown): void {
  if (typeof p !== 'number' || !(p >= 0)) throw new ArgumentError(`${name}: invalid order, got ${show(p)}; expected a number ≥ 0`);
}

/** Options of `cdist`. */
export interface CdistOptions {
  /** PyTorch's choice between two computations; there is one here, which takes differences. */
  readonly computeMode?: string;
}

/**
 * Distances between all pairs of rows: (…, P, M), (…, R, M) → (…, P, R). Gradient 0 where a distance is 0.
 *
 * @param p - order of the norm; default 2
 * @throws ShapeError for rows of different length; ArgumentError for a negative order
 * @see https://pytorch.org/docs/stable/generated/torch.cdist.html
 */
export const cdist: Free<NamedPair<'x2', Tensor, 'p', number, CdistOptions, Tensor>> = free(
  { name: 'cdist', parameters: ['x2', 'p', 'options'], family: 'distance', samples: (s) => [[s.float([3, 2]), s.float([4, 2])], [s.float([2, 3, 2]), s.float([2, 2, 2]), 1], [s.float([3, 2]), s.float([2, 2]), 3], [s.float([2, 2]), s.float([2, 2], 0.3, 1.1), Infinity], [s.float([0, 2]), s.float([2, 2])]] },
  (x1: Tensor, x2: Tensor, p = 2, options?: CdistOptions): Tensor => {
    checkTensor('cdist', x1, 'x1');
    checkTensor('cdist', x2, 'x2');
    checkOptions('cdist', options, ['computeMode']);
    checkNormOrder('cdist', p);
    if (x1.ndim < 2 || x2.ndim < 2) throw new ShapeError(`cdist: not matrices, got ${show(x1)} and ${show(x2)}; expected at least 2 dimensions`);
    if (x1.shape[x1.ndim - 1] !== x2.shape[x2.ndim - 1]) throw new ShapeError(`cdist: rows differ in length, got ${show(x1)} and ${show(x2)}; expected equal lengths`);
    if (!x1.dtype.startsWith('float') || !x2.dtype.startsWith('float')) throw new DTypeError(`cdist: not float tensors, got ${show(x1)} and ${show(x2)}; expected float32 or float64`);
    return unsqueeze(x1, -2).sub(unsqueeze(x2, -3)).norm(p, -1);
  },
);

/** The norm of a difference: `‖x - other‖_p`. @see https://pytorch.org/docs/stable/generated/torch.dist.html */
export const dist: Method<NamedPair<'other', Tensor, 'p', number, object, Tensor>> = method({ name: 'dist', parameters: ['other', 'p'], family: 'distance', samples: (s) => [[s.float([3]), s.float([3])], [s.float([2, 2]), s.float([2]), 1], [s.float([3]), s.float([3]), Infinity]] }, (x: Tensor, other: Tensor, p = 2): Tensor => {
  checkTensor('dist', x);
  checkTensor('dist', other, 'other');
  return x.sub(other).norm(p);
});

/** A copy, which a gradient can be taken of when `x` itself is overwritten. */
function cloned(name: string, x: Tensor): Tensor {
  checkTensor(name, x);
  return x.clone();
}

function renormed(name: string, x: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  checkTensor(name, x);
  if (!(p > 0)) throw new ArgumentError(`${name}: invalid order, got ${show(p)}; expected a number > 0`);
  if (!(maxnorm >= 0)) throw new ArgumentError(`${name}: invalid maxnorm, got ${show(maxnorm)}; expected a number ≥ 0`);
  if (x.ndim < 2) throw new ShapeError(`${name}: too few dimensions, got ${show(x)}; expected at least 2`);
  const d = normalizeDim(name, dim, x.ndim);
  const norms = x.norm(p, x.shape.map((_, i) => i).filter((i) => i !== d), { keepdim: true });
  const scale = norms.add(1e-7).reciprocal().mul(maxnorm).maskedFill(norms.le(maxnorm), 1);
  return x.mul(scale);
}

/**
 * Every slice of a dimension whose norm exceeds `maxnorm` scaled down to it.
 *
 * @throws ArgumentError unless p > 0 and maxnorm ≥ 0
 * @see https://pytorch.org/docs/stable/generated/torch.renorm.html
 */
export const renorm: InPlace<NamedList<[p: number, dim: number, maxnorm: number], { readonly p?: number; readonly dim?: number; readonly maxnorm?: number }, Tensor>> = inPlaceMethod(
  { name: 'renorm', parameters: ['p', 'dim', 'maxnorm'], family: 'distance', samples: (s) => [[s.float([3, 4]), 2, 0, 1], [s.float([2, 3, 2]), 1, 1, 3]] },
  (x: Tensor, p: number, dim: number, maxnorm: number): Tensor => renormed('renorm', x, p, dim, maxnorm),
  (x: Tensor, p: number, dim: number, maxnorm: number): Tensor => x.copy_(renormed('renorm_', cloned('renorm_', x), p, dim, maxnorm)),
);

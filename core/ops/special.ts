import * as special from '../cpu/special.ts';
import { type DType, isFloat, range, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkNumber, checkOptions, show } from '../errors.ts';
import { type Expr, type ExprLike, e, library1, library2 } from '../expr.ts';
import { type Operand, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Binary, type Free, type InPlace, type Samples, type Unary, binary, checkTensor, free, inPlaceMethod, pointwise, unary } from './define.ts';

const family = 'pointwise';

const within = (low: number, high: number): Samples => (s) => [[s.float([2, 3], low, high)], [s.float([], low, high)], [s.float([0, 2])]];

const floats = (name: string) => (t: DType): void => {
  if (!isFloat(t)) throw new DTypeError(`${name}: not a float tensor, got ${t}; expected float32 or float64`);
};

// ---- one operand ----

/** Inverse hyperbolic sine. @see https://pytorch.org/docs/stable/generated/torch.asinh.html */
export const asinh: Unary = unary({ name: 'asinh', cpu: e.asinh, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).square().add(1).rsqrt()) });
/** Inverse hyperbolic cosine; NaN below 1. @see https://pytorch.org/docs/stable/generated/torch.acosh.html */
export const acosh: Unary = unary({
  name: 'acosh', cpu: e.acosh, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).square().sub(1).rsqrt()), samples: within(1.2, 4),
});
/** Inverse hyperbolic tangent; NaN beyond -1 and 1. @see https://pytorch.org/docs/stable/generated/torch.atanh.html */
export const atanh: Unary = unary({
  name: 'atanh', cpu: e.atanh, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.div(n.input(0).square().rsub(1)), samples: within(-0.9, 0.9),
});

/** Functions of the kernels. */
export const lgammaOf: (x: ExprLike) => Expr = library1('lgamma', special.lgamma);
export const zetaOf: (s: ExprLike, q: ExprLike) => Expr = library2('zeta', special.zeta);

const GAUSS = 2 / Math.sqrt(Math.PI);

/** Complementary error function `1 - erf(x)`, exact in the tail. @see https://pytorch.org/docs/stable/special.html#torch.special.erfc */
export const erfc: Unary = unary({
  name: 'erfc', cpu: e.erfc, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).square().neg().exp()).mul(-GAUSS),
});
/** Inverse of the error function: ±Infinity at ±1, NaN beyond. @see https://pytorch.org/docs/stable/special.html#torch.special.erfinv */
export const erfinv: Unary = unary({
  name: 'erfinv', cpu: library1('erfinv', special.erfinv), dtype: toFloat, saves: 'outputs', backward: (g, n) => g.mul(n.output().square().exp()).div(GAUSS), samples: within(-0.9, 0.9),
});
/** Logarithm of |Γ(x)|. @see https://pytorch.org/docs/stable/special.html#torch.special.gammaln */
export const lgamma: Unary = unary({ name: 'lgamma', cpu: lgammaOf, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(digamma(n.input(0))), samples: within(-1.9, 4) });
/** Derivative of the logarithm of Γ(x). @see https://pytorch.org/docs/stable/special.html#torch.special.digamma */
export const digamma: Unary = unary({
  name: 'digamma', cpu: library1('digamma', special.digamma), dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(polygamma(1, n.input(0))), samples: within(-1.9, 4),
});

const polygammaOp = pointwise<number>({
  name: 'polygamma',
  dtype: toFloat,
  key: String,
  expr: (n, x) => {
    let factorial = n % 2 === 0 ? -1 : 1;
    for (let k = 2; k <= n; k++) factorial *= k;
    const value = e.mul(factorial, zetaOf(n + 1, x));
    return n === 1 ? e.select(e.eq(e.abs(x), Infinity), e.select(e.gt(x, 0), 0, NaN), value) : value;
  },
  saves: 'inputs',
  backward: [(g, node) => g.mul(polygamma((node.attrs as number) + 1, node.input(0)))],
});

/**
 * The n-th derivative of digamma: `(-1)^(n+1) n! Σ (x + k)^-(n+1)`.
 *
 * @param n - an integer from 0 to 150; 0 is digamma itself
 * @see https://pytorch.org/docs/stable/special.html#torch.special.polygamma
 */
export const polygamma: Free<(n: number, x: Tensor) => Tensor> = free(
  { name: 'polygamma', family, samples: (s) => [[0, s.float([3], 0.3, 4)], [1, s.float([2, 3], 0.3, 4)], [2, s.float([3], 0.3, 4)], [3, s.float([])]] },
  (n: number, x: Tensor): Tensor => {
    checkOrder('polygamma', n);
    checkTensor('polygamma', x);
    return n === 0 ? digamma(x) : apply(polygammaOp, [x], n);
  },
);

function checkOrder(name: string, n: number): void {
  checkNumber(name, 'n', n, 'an integer from 0 to 150', (v) => Number.isInteger(v) && v >= 0 && v <= 150);
}

declare module '../tensor.ts' {
  interface Tensor {
    /** The n-th derivative of digamma. @see https://pytorch.org/docs/stable/generated/torch.Tensor.polygamma.html */
    polygamma(n: number): Tensor;
    /** The n-th derivative of digamma in place. */
    polygamma_(n: number): Tensor;
  }
}

/** The methods have the order second. */
export const polygammaMethods = {
  polygamma(this: Tensor, n: number): Tensor {
    return polygamma(n, this);
  },
  polygamma_(this: Tensor, n: number): Tensor {
    checkOrder('polygamma_', n);
    return n === 0 ? this.digamma_() : applyInPlace(polygammaOp, [this], n);
  },
};

/** What is left of x without its whole part, with the sign of x. @see https://pytorch.org/docs/stable/generated/torch.frac.html */
export const frac: Unary = unary({ name: 'frac', accepts: floats('frac'), cpu: (x) => e.sub(x, e.trunc(x)), backward: (g) => g });

/** `sin(πx) / (πx)`, and 1 at 0. @see https://pytorch.org/docs/stable/special.html#torch.special.sinc */
export const sinc: Unary = unary({
  name: 'sinc',
  cpu: (x) => {
    const angle = e.mul(x, Math.PI);
    return e.select(e.eq(x, 0), 1, e.div(e.sin(angle), angle));
  },
  dtype: toFloat,
  saves: 'inputs',
  backward: (g, n) => {
    const x = n.input(0);
    const zero = x.eq(0);
    const angle = x.maskedFill(zero, 1).mul(Math.PI);
    const slope = angle.cos().mul(angle).sub(angle.sin()).div(angle.square()).mul(Math.PI);
    return g.mul(slope.maskedFill(zero, 0));
  },
});

const logitOp = pointwise<number | null>({
  name: 'logit',
  dtype: toFloat,
  key: String,
  expr: (eps, x) => {
    const p = eps === null ? x : e.min(e.max(x, eps), 1 - eps);
    return e.log(e.div(p, e.sub(1, p)));
  },
  saves: 'inputs',
  backward: [
    (g, n) => {
      const x = n.input(0);
      const eps = n.attrs as number | null;
      const slope = g.div(x.mul(x.rsub(1)));
      const outside = x.lt(eps ?? 0).logicalOr(x.gt(1 - (eps ?? 0)));
      return slope.maskedFill(outside, eps === null ? NaN : 0);
    },
  ],
});

/** Options of `logit`. */
export interface LogitOptions {
  /** The input is limited to `eps` … `1 - eps` first; null (default) leaves it, and beyond 0 … 1 gives NaN. */
  readonly eps?: number | null;
}

function epsOf(name: string, eps: number | null | LogitOptions | undefined): number | null {
  if (typeof eps === 'object' && eps !== null) {
    checkOptions(name, eps, ['eps']);
    return epsOf(name, eps.eps ?? null);
  }
  if (eps === undefined || eps === null) return null;
  checkNumber(name, 'eps', eps, 'null or a number from 0 to 0.5', (v) => v >= 0 && v <= 0.5);
  return eps;
}

/** `log(x / (1 - x))`, the inverse of the logistic function. @see https://pytorch.org/docs/stable/special.html#torch.special.logit */
export const logit: InPlace<(x: Tensor, eps?: number | null | LogitOptions) => Tensor> = inPlaceMethod(
  { name: 'logit', family, samples: (s) => [[s.float([2, 3], 0.05, 0.95)], [s.float([4], -0.2, 1.2), 0.1], [s.float([3], 0, 1), { eps: 0.01 }], [s.float([], 0.1, 0.4)]] },
  (x: Tensor, eps?: number | null | LogitOptions): Tensor => {
    checkTensor('logit', x);
    return apply(logitOp, [x], epsOf('logit', eps));
  },
  (x: Tensor, eps?: number | null | LogitOptions): Tensor => {
    checkTensor('logit_', x);
    return applyInPlace(logitOp, [x], epsOf('logit_', eps));
  },
);

/** What `nanToNum` puts in. */
export interface NanToNumOptions {
  /** For NaN; default 0. */
  readonly nan?: number;
  /** For Infinity; default the largest finite value of the dtype. */
  readonly posinf?: number | null;
  /** For -Infinity; default the smallest finite value of the dtype. */
  readonly neginf?: number | null;
}

interface Finite {
  readonly nan: number;
  readonly posinf: number;
  readonly neginf: number;
}

const nanToNumOp = pointwise<Finite>({
  name: 'nanToNum',
  key: ({ nan, posinf, neginf }) => `${nan},${posinf},${neginf}`,
  expr: ({ nan, posinf, neginf }, x) => e.select(e.isNaN(x), nan, e.select(e.eq(x, Infinity), posinf, e.select(e.eq(x, -Infinity), neginf, x))),
  saves: 'inputs',
  backward: [(g, n) => g.maskedFill(n.input(0).isfinite().logicalNot(), 0)],
});

function finite(name: string, x: Tensor, options: NanToNumOptions | undefined): Finite {
  checkTensor(name, x);
  checkOptions(name, options, ['nan', 'posinf', 'neginf']);
  const { min, max } = range(x.dtype);
  const found = { nan: options?.nan ?? 0, posinf: options?.posinf ?? max, neginf: options?.neginf ?? min };
  for (const [key, value] of Object.entries(found)) {
    if (typeof value !== 'number') throw new ArgumentError(`${name}: ${key} is not a number, got ${show(value)}; expected a number`);
  }
  return found;
}

/** Numbers in place of NaN and the infinities. @see https://pytorch.org/docs/stable/generated/torch.nan_to_num.html */
export const nanToNum: InPlace<(x: Tensor, options?: NanToNumOptions) => Tensor> = inPlaceMethod(
  {
    name: 'nanToNum',
    family,
    samples: (s) => [[s.float([2, 3])], [s.values([0.5, -1.5]), { nan: 1 }], [s.int([3])], [s.float([0])]],
  },
  (x: Tensor, options?: NanToNumOptions): Tensor => apply(nanToNumOp, [x], finite('nanToNum', x, options)),
  (x: Tensor, options?: NanToNumOptions): Tensor => applyInPlace(nanToNumOp, [x], finite('nanToNum_', x, options)),
);

// ---- two operands ----

/** `x·log(y)`, and 0 where x is 0, unless y is NaN. @see https://pytorch.org/docs/stable/special.html#torch.special.xlogy */
export const xlogy: Binary = binary({
  name: 'xlogy',
  cpu: (x, y) => e.select(e.isNaN(y), NaN, e.select(e.eq(x, 0), 0, e.mul(x, e.log(y)))),
  dtype: toFloat,
  saves: 'inputs',
  backward: [
    (g, n) => {
      const y = n.operand(1);
      if (typeof y === 'number') return y > 0 ? g.mul(Math.log(y)) : g.mul(Math.log(y)).maskedFill(n.input(0).eq(0), 0);
      return g.mul(y.log()).maskedFill(n.input(0).eq(0).logicalAnd(y.le(0)), 0);
    },
    (g, n) => g.mul(n.operand(0)).div(n.input(1)),
  ],
});

const tensorPairs: Samples = (s) => [
  [s.float([2, 3]), s.float([2, 3])],
  [s.float([2, 1, 3]), s.float([4, 1])],
  [s.float([2, 2]), s.float([])],
  [s.float([0, 3]), s.float([1, 3])],
];

/** Length of the hypotenuse `√(x² + y²)`, without overflow. @see https://pytorch.org/docs/stable/generated/torch.hypot.html */
export const hypot: Binary = binary({
  name: 'hypot',
  accepts: floats('hypot'),
  cpu: e.hypot,
  saves: 'both',
  backward: [(g, n) => g.mul(share(n.operand(0), n.output())), (g, n) => g.mul(share(n.operand(1), n.output()))],
  samples: tensorPairs,
});

const share = (x: Operand, whole: Tensor): Tensor => (typeof x === 'number' ? whole.reciprocal().mul(x) : x.div(whole));

/** `log(exp(x) + exp(y))`, without overflow. @see https://pytorch.org/docs/stable/generated/torch.logaddexp.html */
export const logaddexp: Binary = binary({
  name: 'logaddexp',
  accepts: floats('logaddexp'),
  // Equal infinities have no difference.
  cpu: (x, y) => e.select(e.and(e.eq(x, y), e.eq(e.abs(x), Infinity)), x, e.add(e.max(x, y), e.log1p(e.exp(e.neg(e.abs(e.sub(x, y))))))),
  saves: 'inputs',
  backward: [(g, n) => g.mul(portion(n.operand(0), n.operand(1))), (g, n) => g.mul(portion(n.operand(1), n.operand(0)))],
  samples: tensorPairs,
});

/** `exp(x) / (exp(x) + exp(y))`. */
function portion(x: Operand, y: Operand): Tensor {
  if (typeof x !== 'number') return x.sub(y).sigmoid();
  if (typeof y !== 'number') return y.rsub(x).sigmoid();
  throw new ArgumentError(`logaddexp: no tensor among the operands, got ${x} and ${y}; expected at least one tensor`);
}

/** 0 below 0, 1 above, and `values` at 0 itself. @see https://pytorch.org/docs/stable/generated/torch.heaviside.html */
export const heaviside: Binary = binary({
  name: 'heaviside',
  dtype: (t, [x, values]) => {
    if (typeof x !== 'number' && typeof values !== 'number' && x.dtype !== values.dtype) {
      throw new DTypeError(`heaviside: dtypes differ, got ${show(x)} and ${show(values)}; expected one dtype`);
    }
    return t;
  },
  cpu: (x, values) => e.select(e.eq(x, 0), values, e.gt(x, 0)),
  samples: (s) => [[s.values([-1.5, 0, 2]), s.float([3])], [s.int([2, 3], -1, 2), s.int([3])], [s.values([0, 0], [2, 1]), s.float([3])]],
});

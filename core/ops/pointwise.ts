import { type DType, isFloat, resultType, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, checkOptions, show } from '../errors.ts';
import { e } from '../expr.ts';
import { type Operand, apply, applyInPlace } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { type Binary, type InPlace, type Unary, binary, checkBeside, checkTensor, inPlaceMethod, pointwise, unary } from './define.ts';

// ---- arithmetic ----

const addOp = pointwise<number>({
  name: 'add',
  dtype: (t, inputs) => (t === 'bool' && inputs.every((x) => typeof x !== 'number') ? 'bool' : t),
  key: (alpha) => (alpha === 1 ? '' : 'scaled'),
  scalar: (alpha) => alpha,
  expr: (alpha, x, y, _, factor) => e.add(x, alpha === 1 ? y : e.mul(y, factor)),
  backward: [(g) => g, (g, n) => scaled(g, n.attrs as number)],
});

/** Refuses a boolean, which is no operand of a difference. */
function checkDifference(name: string, ...operands: readonly unknown[]): void {
  for (const x of operands) if (typeof x === 'boolean') throw new DTypeError(`${name}: bools have no difference, got ${x}; expected numbers`);
}

/** The dtype of a difference; refuses bool on either side. */
function difference(name: string, dtype: DType, inputs: readonly Operand[]): DType {
  for (const x of inputs) {
    if (typeof x !== 'number' && x.dtype === 'bool') {
      throw new DTypeError(`${name}: bools have no difference, got ${inputs.map(show).join(' and ')}; expected numbers`, { hint: 'use logicalXor, bitwiseXor or logicalNot' });
    }
  }
  return dtype;
}

const subOp = pointwise<number>({
  name: 'sub',
  dtype: (t, inputs) => difference('sub', t, inputs),
  key: (alpha) => (alpha === 1 ? '' : 'scaled'),
  scalar: (alpha) => alpha,
  expr: (alpha, x, y, _, factor) => e.sub(x, alpha === 1 ? y : e.mul(y, factor)),
  backward: [(g) => g, (g, n) => scaled(g, -(n.attrs as number))],
});

function scaled(g: Tensor, factor: number): Tensor {
  return factor === 1 ? g : factor === -1 ? g.neg() : g.mul(factor);
}

/** Refuses a factor with a fraction where the result holds none. */
export function checkFactor(name: string, what: string, factor: number, dtype: DType): void {
  if (!isFloat(dtype) && !Number.isInteger(factor)) {
    throw new DTypeError(`${name}: ${what} has a fraction, got ${factor} for ${dtype}; expected a whole number`);
  }
}

/** Options of `add` and `sub`. */
export interface AlphaOptions {
  /** Factor of the second operand; default 1. */
  readonly alpha?: number;
}

function alphaOf(name: string, x: Operand | boolean, y: Operand | boolean, options: AlphaOptions | undefined): number {
  if (options === undefined) return 1;
  checkOptions(name, options, ['alpha']);
  const alpha = options.alpha ?? 1;
  if (typeof alpha !== 'number') throw new ArgumentError(`${name}: alpha is not a number, got ${show(alpha)}; expected a number`);
  checkFactor(name, 'alpha', alpha, resultType(x, y));
  return alpha;
}

type AlphaBinary = InPlace<(x: Operand | boolean, y: Operand | boolean, options?: AlphaOptions) => Tensor>;

/** Sum `x + alpha·y`, broadcast. @see https://pytorch.org/docs/stable/generated/torch.add.html */
export const add: AlphaBinary = inPlaceMethod(
  {
    name: 'add',
    family: 'pointwise',
    samples: (s) => [
      [s.float([2, 3]), s.float([2, 3])],
      [s.float([2, 1, 3]), s.float([4, 1])],
      [s.float([2, 3]), 2],
      [s.float([]), s.float([2]), { alpha: 3 }],
      [s.int([2, 3]), s.int([3])],
      [s.int([2]), s.float([])],
      [s.float([0, 3]), s.float([1, 3])],
    ],
  },
  (x: Operand | boolean, y: Operand | boolean, options?: AlphaOptions): Tensor => apply(addOp, [checkBeside('add', x, y, 'input'), checkBeside('add', y, x)], alphaOf('add', x, y, options)),
  (x: Tensor, y: Operand | boolean, options?: AlphaOptions): Tensor => applyInPlace(addOp, [x, checkBeside('add_', y, x)], alphaOf('add_', x, y, options)),
);

/** Difference `x - alpha·y`, broadcast. @see https://pytorch.org/docs/stable/generated/torch.sub.html */
export const sub: AlphaBinary = inPlaceMethod(
  {
    name: 'sub',
    family: 'pointwise',
    samples: (s) => [
      [s.float([2, 3]), s.float([2, 3])],
      [s.float([2, 1, 3]), s.float([4, 1]), { alpha: 0.5 }],
      [s.float([2, 3]), 2],
      [s.int([2, 3]), s.int([3])],
      [s.float([0, 3]), s.float([1, 3])],
    ],
  },
  (x: Operand | boolean, y: Operand | boolean, options?: AlphaOptions): Tensor => {
    checkDifference('sub', x, y);
    return apply(subOp, [checkBeside('sub', x, y, 'input'), checkBeside('sub', y, x)], alphaOf('sub', x, y, options));
  },
  (x: Tensor, y: Operand | boolean, options?: AlphaOptions): Tensor => {
    checkDifference('sub_', y);
    return applyInPlace(subOp, [x, checkBeside('sub_', y, x)], alphaOf('sub_', x, y, options));
  },
);

const rsubOp = pointwise<number>({
  name: 'rsub',
  dtype: (t, inputs) => difference('rsub', t, inputs),
  key: (alpha) => (alpha === 1 ? '' : 'scaled'),
  scalar: (alpha) => alpha,
  expr: (alpha, x, y, _, factor) => e.sub(y, alpha === 1 ? x : e.mul(x, factor)),
  backward: [(g, n) => scaled(g, -(n.attrs as number)), (g) => g],
});

/** Reversed difference `y - alpha·x`. @see https://pytorch.org/docs/stable/generated/torch.rsub.html */
export const rsub: AlphaBinary = inPlaceMethod(
  {
    name: 'rsub',
    family: 'pointwise',
    samples: (s) => [[s.float([2, 3]), s.float([2, 3])], [s.float([2, 1, 3]), s.float([4, 1]), { alpha: 0.5 }], [s.float([2, 3]), 2], [s.int([2, 3]), s.int([3])], [s.float([0, 3]), s.float([1, 3])]],
  },
  (x: Operand | boolean, y: Operand | boolean, options?: AlphaOptions): Tensor => {
    checkDifference('rsub', x, y);
    return apply(rsubOp, [checkBeside('rsub', x, y, 'input'), checkBeside('rsub', y, x)], alphaOf('rsub', x, y, options));
  },
  (x: Tensor, y: Operand | boolean, options?: AlphaOptions): Tensor => {
    checkDifference('rsub_', y);
    return applyInPlace(rsubOp, [x, checkBeside('rsub_', y, x)], alphaOf('rsub_', x, y, options));
  },
);

/** Product `x·y`, broadcast. @see https://pytorch.org/docs/stable/generated/torch.mul.html */
export const mul: Binary = binary({
  name: 'mul',
  cpu: e.mul,
  saves: 'inputs',
  backward: [(g, n) => g.mul(n.operand(1)), (g, n) => g.mul(n.operand(0))],
});

/** Larger of two, NaN where either is; half the gradient to each where equal. @see https://pytorch.org/docs/stable/generated/torch.maximum.html */
export const maximum: Binary = binary({
  name: 'maximum',
  cpu: e.max,
  saves: 'inputs',
  backward: [
    (g, n) => shared(g, n.input(0), n.operand(1), n.input(0).lt(n.operand(1))),
    (g, n) => shared(g, n.input(1), n.operand(0), n.input(1).lt(n.operand(0))),
  ],
});

/** Smaller of two, NaN where either is; half the gradient to each where equal. @see https://pytorch.org/docs/stable/generated/torch.minimum.html */
export const minimum: Binary = binary({
  name: 'minimum',
  cpu: e.min,
  saves: 'inputs',
  backward: [
    (g, n) => shared(g, n.input(0), n.operand(1), n.input(0).gt(n.operand(1))),
    (g, n) => shared(g, n.input(1), n.operand(0), n.input(1).gt(n.operand(0))),
  ],
});

/** The gradient of `x`, which is another's where `x` loses and half of it where both are equal. */
function shared(g: Tensor, x: Tensor, other: Operand, loses: Tensor): Tensor {
  return g.div(x.eq(other).to(g.dtype).add(1)).maskedFill(loses, 0);
}

/** Four-quadrant arctangent of `x / y`. @see https://pytorch.org/docs/stable/generated/torch.atan2.html */
export const atan2: Binary = binary({
  name: 'atan2',
  cpu: e.atan2,
  dtype: toFloat,
  saves: 'inputs',
  backward: [
    (g, n) => g.mul(n.operand(1)).div(squares(n.operand(0), n.operand(1))),
    (g, n) => g.neg().mul(n.operand(0)).div(squares(n.operand(0), n.operand(1))),
  ],
});

const squares = (x: Operand, y: Operand): Tensor => add(mulOf(x, x), mulOf(y, y));
const mulOf = (x: Operand, y: Operand): Operand => (typeof x === 'number' && typeof y === 'number' ? x * y : mul(x, y));

// ---- one operand ----

const away = (low: number, high: number): ((s: { float(shape: readonly number[], low?: number, high?: number): Tensor }) => readonly (readonly unknown[])[]) => (s) => [
  [s.float([2, 3], low, high)],
  [s.float([], low, high)],
  [s.float([0, 2])],
];

const noBool = (name: string) => (t: DType): void => {
  if (t === 'bool') throw new DTypeError(`${name}: not defined for bool, got bool; expected numbers`, name === 'neg' ? { hint: 'use logicalNot' } : {});
};

/** Negative `-x`. @see https://pytorch.org/docs/stable/generated/torch.neg.html */
export const neg: Unary = unary({ name: 'neg', accepts: noBool('neg'), cpu: e.neg, backward: (g) => g.neg() });
/** Absolute value; gradient 0 at 0. @see https://pytorch.org/docs/stable/generated/torch.abs.html */
export const abs: Unary = unary({ name: 'abs', accepts: noBool('abs'), cpu: e.abs, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).sign()) });
/** Sign: -1, 0 or 1; 0 for NaN. @see https://pytorch.org/docs/stable/generated/torch.sign.html */
export const sign: Unary = unary({ name: 'sign', cpu: (x) => e.sub(e.gt(x, 0), e.lt(x, 0)), backward: (g) => g.mul(0) });
/** Largest whole number ≤ x. @see https://pytorch.org/docs/stable/generated/torch.floor.html */
export const floor: Unary = unary({ name: 'floor', accepts: noBool('floor'), cpu: e.floor, backward: (g) => g.mul(0) });
/** Smallest whole number ≥ x. @see https://pytorch.org/docs/stable/generated/torch.ceil.html */
export const ceil: Unary = unary({ name: 'ceil', accepts: noBool('ceil'), cpu: e.ceil, backward: (g) => g.mul(0) });
/** Whole part. @see https://pytorch.org/docs/stable/generated/torch.trunc.html */
export const trunc: Unary = unary({ name: 'trunc', accepts: noBool('trunc'), cpu: e.trunc, backward: (g) => g.mul(0) });
/** Options of `round`. */
export interface RoundOptions {
  /** Places after the point that are kept; below 0 before it. Default 0. */
  readonly decimals?: number;
}

const roundOp = pointwise<number | null>({
  name: 'round',
  key: String,
  expr: (decimals, x) => {
    if (decimals === null || decimals === 0) return e.round(x);
    const scale = 10 ** Math.abs(decimals);
    return decimals > 0 ? e.div(e.round(e.mul(x, scale)), scale) : e.mul(e.round(e.div(x, scale)), scale);
  },
  backward: [(g) => g.mul(0)],
});

function decimalsOf(name: string, x: Tensor, options: RoundOptions | undefined): number | null {
  checkTensor(name, x);
  noBool(name)(x.dtype);
  checkOptions(name, options, ['decimals']);
  const decimals = options?.decimals;
  if (decimals === undefined) return null;
  if (!Number.isInteger(decimals)) throw new ArgumentError(`${name}: decimals is not a whole number, got ${show(decimals)}; expected an integer`);
  if (!isFloat(x.dtype)) throw new DTypeError(`${name}: decimals are for floats, got ${show(x)}; expected a float tensor`);
  return decimals;
}

/**
 * Nearest whole number, halves to even; with `decimals` the nearest multiple of `10^-decimals`.
 *
 * @throws DTypeError for bool, and for integers with `decimals`
 * @see https://pytorch.org/docs/stable/generated/torch.round.html
 */
export const round: InPlace<(x: Tensor, options?: RoundOptions) => Tensor> = inPlaceMethod(
  {
    name: 'round',
    family: 'pointwise',
    samples: (s) => [[s.float([2, 3])], [s.float([])], [s.float([0, 2])], [s.int([3])], [s.float([4]), { decimals: 1 }], [s.float([3], -900, 900), { decimals: -2 }], [s.float([2]), { decimals: 0 }]],
  },
  (x: Tensor, options?: RoundOptions): Tensor => apply(roundOp, [x], decimalsOf('round', x, options)),
  (x: Tensor, options?: RoundOptions): Tensor => applyInPlace(roundOp, [x], decimalsOf('round_', x, options)),
);
/** Square `x²`. @see https://pytorch.org/docs/stable/generated/torch.square.html */
export const square: Unary = unary({ name: 'square', dtype: (t) => (t === 'bool' ? 'int64' : t), cpu: (x) => e.mul(x, x), saves: 'inputs', backward: (g, n) => g.mul(n.input(0)).mul(2) });
/** Square root. @see https://pytorch.org/docs/stable/generated/torch.sqrt.html */
export const sqrt: Unary = unary({ name: 'sqrt', cpu: e.sqrt, dtype: toFloat, saves: 'outputs', backward: (g, n) => g.div(n.output().mul(2)), samples: away(0.1, 3) });
/** Reciprocal square root `1/√x`. @see https://pytorch.org/docs/stable/generated/torch.rsqrt.html */
export const rsqrt: Unary = unary({
  name: 'rsqrt', cpu: (x) => e.div(1, e.sqrt(x)), dtype: toFloat, saves: 'outputs', backward: (g, n) => g.mul(n.output().square().mul(n.output())).mul(-0.5), samples: away(0.1, 3),
});
/** Reciprocal `1/x`. @see https://pytorch.org/docs/stable/generated/torch.reciprocal.html */
export const reciprocal: Unary = unary({
  name: 'reciprocal', cpu: (x) => e.div(1, x), dtype: toFloat, saves: 'outputs', backward: (g, n) => g.neg().mul(n.output().square()), samples: away(0.3, 3),
});
/** Exponential `e^x`. @see https://pytorch.org/docs/stable/generated/torch.exp.html */
export const exp: Unary = unary({ name: 'exp', cpu: e.exp, dtype: toFloat, saves: 'outputs', backward: (g, n) => g.mul(n.output()) });
/** Base-2 exponential. @see https://pytorch.org/docs/stable/generated/torch.exp2.html */
export const exp2: Unary = unary({ name: 'exp2', cpu: e.exp2, dtype: toFloat, saves: 'outputs', backward: (g, n) => g.mul(n.output()).mul(Math.LN2) });
/** `e^x - 1`, exact near 0. @see https://pytorch.org/docs/stable/generated/torch.expm1.html */
export const expm1: Unary = unary({ name: 'expm1', cpu: e.expm1, dtype: toFloat, saves: 'outputs', backward: (g, n) => g.mul(n.output().add(1)) });
/** Natural logarithm. @see https://pytorch.org/docs/stable/generated/torch.log.html */
export const log: Unary = unary({ name: 'log', cpu: e.log, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.div(n.input(0)), samples: away(0.1, 3) });
/** Base-2 logarithm. @see https://pytorch.org/docs/stable/generated/torch.log2.html */
export const log2: Unary = unary({ name: 'log2', cpu: e.log2, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.div(n.input(0).mul(Math.LN2)), samples: away(0.1, 3) });
/** Base-10 logarithm. @see https://pytorch.org/docs/stable/generated/torch.log10.html */
export const log10: Unary = unary({ name: 'log10', cpu: e.log10, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.div(n.input(0).mul(Math.LN10)), samples: away(0.1, 3) });
/** `log(1 + x)`, exact near 0. @see https://pytorch.org/docs/stable/generated/torch.log1p.html */
export const log1p: Unary = unary({ name: 'log1p', cpu: e.log1p, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.div(n.input(0).add(1)), samples: away(-0.8, 3) });
/** Sine, in radians. @see https://pytorch.org/docs/stable/generated/torch.sin.html */
export const sin: Unary = unary({ name: 'sin', cpu: e.sin, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).cos()) });
/** Cosine, in radians. @see https://pytorch.org/docs/stable/generated/torch.cos.html */
export const cos: Unary = unary({ name: 'cos', cpu: e.cos, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.neg().mul(n.input(0).sin()) });
/** Tangent, in radians. @see https://pytorch.org/docs/stable/generated/torch.tan.html */
export const tan: Unary = unary({ name: 'tan', cpu: e.tan, dtype: toFloat, saves: 'outputs', backward: (g, n) => g.mul(n.output().square().add(1)), samples: away(-1, 1) });
/** Arcsine, in radians. @see https://pytorch.org/docs/stable/generated/torch.asin.html */
export const asin: Unary = unary({ name: 'asin', cpu: e.asin, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).square().rsub(1).rsqrt()), samples: away(-0.8, 0.8) });
/** Arccosine, in radians. @see https://pytorch.org/docs/stable/generated/torch.acos.html */
export const acos: Unary = unary({ name: 'acos', cpu: e.acos, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.neg().mul(n.input(0).square().rsub(1).rsqrt()), samples: away(-0.8, 0.8) });
/** Arctangent, in radians. @see https://pytorch.org/docs/stable/generated/torch.atan.html */
export const atan: Unary = unary({ name: 'atan', cpu: e.atan, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.div(n.input(0).square().add(1)) });
/** Hyperbolic sine. @see https://pytorch.org/docs/stable/generated/torch.sinh.html */
export const sinh: Unary = unary({ name: 'sinh', cpu: e.sinh, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).cosh()) });
/** Hyperbolic cosine. @see https://pytorch.org/docs/stable/generated/torch.cosh.html */
export const cosh: Unary = unary({ name: 'cosh', cpu: e.cosh, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).sinh()) });
/** Error function. @see https://pytorch.org/docs/stable/special.html#torch.special.erf */
export const erf: Unary = unary({ name: 'erf', cpu: e.erf, dtype: toFloat, saves: 'inputs', backward: (g, n) => g.mul(n.input(0).square().neg().exp()).mul(2 / Math.sqrt(Math.PI)) });

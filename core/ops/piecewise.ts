import { ArgumentError, DTypeError, ShapeError, show } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { apply } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import type { Named, NamedPair } from './byName.ts';
import { type Free, type Method, checkTensor, free, method, pointwise } from './define.ts';
import { floatsOnly } from './fused.ts';
import { type InplaceOptions, type Plain, type Values, type WithOne, type WithTwo, activation, caller, family, nn, triesOf } from './parametric.ts';

const clipped = (x: Expr, [low, high]: Values): Expr => e.min(e.max(x, low), high);
const inside = (g: Expr, x: Expr, [low, high]: Values): Expr => e.select(e.or(e.le(x, low), e.ge(x, high)), 0, g);

/** Limits `x` to `minVal` … `maxVal` (default -1 … 1); gradient 0 at the limits. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardtanh.html */
export const hardtanh: Free<WithTwo<'minVal' | 'maxVal'>> = activation({
  name: 'hardtanh',
  defaults: { minVal: -1, maxVal: 1 },
  accepts: 'numbers',
  check: ([low, high]) => {
    if (low > high) throw new ArgumentError(`hardtanh: limits in the wrong order, got ${low} and ${high}; expected minVal ≤ maxVal`);
  },
  value: clipped,
  gradient: inside,
  tries: [[-0.5, 2], [{ minVal: 0 }]],
});

/** `min(max(0, x), 6)`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu6.html */
export const relu6: Free<Plain> = activation({
  name: 'relu6',
  defaults: {},
  accepts: 'numbers',
  value: (x) => clipped(x, [0, 6]),
  gradient: (g, x) => inside(g, x, [0, 6]),
});

/** `x` above 0, `negativeSlope·x` below (default 0.01). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html */
export const leakyRelu: Free<WithOne<'negativeSlope'>> = activation({
  name: 'leakyRelu',
  defaults: { negativeSlope: 0.01 },
  value: (x, [slope]) => e.select(e.gt(x, 0), x, e.mul(x, slope)),
  gradient: (g, x, [slope]) => e.select(e.gt(x, 0), g, e.mul(g, slope)),
  tries: [[0.2], [{ negativeSlope: 0.2 }]],
});

/** `x` above 0, `alpha·(exp(x) - 1)` below (default 1). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.elu.html */
export const elu: Free<WithOne<'alpha'>> = activation({
  name: 'elu',
  defaults: { alpha: 1 },
  value: (x, [alpha]) => e.select(e.gt(x, 0), x, e.mul(alpha, e.expm1(x))),
  gradient: (g, x, [alpha]) => e.select(e.gt(x, 0), g, e.mul(g, e.mul(alpha, e.exp(x)))),
  curvature: (x, [alpha]) => decay(x, 1).mul(alpha),
  tries: [[0.7], [{ alpha: 2 }]],
});

/** `exp(scale·x)` below 0, and 0 above. */
const decay = (x: Tensor, scale: number): Tensor => x.clamp(null, 0).mul(scale).exp().maskedFill(x.gt(0), 0);

/** `x` above 0, `alpha·(exp(x/alpha) - 1)` below (default 1). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.celu.html */
export const celu: Free<WithOne<'alpha'>> = activation({
  name: 'celu',
  defaults: { alpha: 1 },
  check: ([alpha]) => {
    if (alpha === 0) throw new ArgumentError('celu: alpha divides, got 0; expected a number other than 0');
  },
  value: (x, [alpha]) => e.select(e.gt(x, 0), x, e.mul(alpha, e.expm1(e.div(x, alpha)))),
  gradient: (g, x, [alpha]) => e.select(e.gt(x, 0), g, e.mul(g, e.exp(e.div(x, alpha)))),
  curvature: (x, [alpha]) => decay(x, 1 / alpha).div(alpha),
  // PyTorch 1.13 rounds 1/alpha to float32.
  tries: [[0.5], [{ alpha: 2 }]],
});

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/** ELU with the two constants that keep mean and variance. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.selu.html */
export const selu: Free<Plain> = activation({
  name: 'selu',
  defaults: {},
  value: (x) => e.mul(SELU_SCALE, e.select(e.gt(x, 0), x, e.mul(SELU_ALPHA, e.expm1(x)))),
  gradient: (g, x) => e.mul(e.mul(g, SELU_SCALE), e.select(e.gt(x, 0), 1, e.mul(SELU_ALPHA, e.exp(x)))),
  curvature: (x) => decay(x, 1).mul(SELU_ALPHA * SELU_SCALE),
});

/** `min(max(0, x + 3), 6) / 6`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardsigmoid.html */
export const hardsigmoid: Free<Plain> = activation({
  name: 'hardsigmoid',
  defaults: {},
  value: (x) => e.div(clipped(e.add(x, 3), [0, 6]), 6),
  gradient: (g, x) => inside(e.div(g, 6), x, [-3, 3]),
});

/** `x·min(max(0, x + 3), 6) / 6`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardswish.html */
export const hardswish: Free<Plain> = activation({
  name: 'hardswish',
  defaults: {},
  value: (x) => e.div(e.mul(x, clipped(e.add(x, 3), [0, 6])), 6),
  gradient: (g, x) => e.select(e.lt(x, -3), 0, e.select(e.le(x, 3), e.mul(g, e.add(e.div(x, 3), 0.5)), g)),
  curvature: (x) => x.abs().le(3).to(x.dtype).div(3),
});

const shrunk = (x: Expr, lambd: number): Expr => e.and(e.ge(x, -lambd), e.le(x, lambd));

/** 0 where `|x| ≤ lambd` (default 0.5), else `x`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardshrink.html */
export const hardshrink: Method<(x: Tensor, lambd?: number | { readonly lambd?: number }) => Tensor> = method(
  { name: 'hardshrink', family, torch: nn('hardshrink'), samples: triesOf({ tries: [[1], [{ lambd: 1.5 }]] }) },
  caller({
    name: 'hardshrink',
    defaults: { lambd: 0.5 },
    value: (x, [lambd]) => e.select(shrunk(x, lambd), 0, x),
    gradient: (g, x, [lambd]) => e.select(shrunk(x, lambd), 0, g),
  }),
);

/** `x` moved toward 0 by `lambd` (default 0.5). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softshrink.html */
export const softshrink: Free<WithOne<'lambd'>> = activation({
  name: 'softshrink',
  defaults: { lambd: 0.5 },
  check: ([lambd]) => {
    if (lambd < 0) throw new ArgumentError(`softshrink: lambd is negative, got ${lambd}; expected a number ≥ 0`);
  },
  // In the middle 0·x, so that NaN stays NaN.
  value: (x, [lambd]) => e.select(e.gt(x, lambd), e.sub(x, lambd), e.select(e.lt(x, -lambd), e.add(x, lambd), e.mul(x, 0))),
  gradient: (g, x, [lambd]) => e.select(shrunk(x, lambd), 0, g),
  tries: [[1], [{ lambd: 1.5 }]],
});

/** `x` above `threshold`, else `value`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.threshold.html */
export const threshold: Free<NamedPair<'threshold', number, 'value', number, InplaceOptions, Tensor, Tensor, [inplace: boolean]>> = free(
  { name: 'threshold', parameters: ['threshold', 'value', 'options', 'inplace'], family, torch: nn('threshold'), samples: (s) => [[s.float([2, 4]), 0.1, -3], [s.float([]), -1, 2], [s.int([4], -3, 3), 0, 7]] },
  (x: Tensor, limit: number, value: number, options?: InplaceOptions): Tensor => {
    if (typeof limit !== 'number' || typeof value !== 'number') throw new ArgumentError(`threshold: not numbers, got ${show(limit)} and ${show(value)}; expected two numbers`);
    return replaced(x, limit, value, options);
  },
);

const replaced = caller({
  name: 'threshold',
  defaults: { threshold: 0, value: 0 },
  accepts: 'numbers',
  value: (x, [limit, value]) => e.select(e.le(x, limit), value, x),
  gradient: (g, x, [limit]) => e.select(e.le(x, limit), 0, g),
});

const preluOp = pointwise({
  name: 'prelu',
  accepts: floatsOnly('prelu'),
  expr: (_, x, w) => e.select(e.gt(x, 0), x, e.mul(w, x)),
  saves: 'inputs',
  backward: [(g, n) => g.where(n.input(0).gt(0), g.mul(n.input(1))), (g, n) => g.mul(n.input(0)).maskedFill(n.input(0).gt(0), 0)],
});

/**
 * `x` above 0, `weight·x` below.
 *
 * @param weight - one number, or one per channel (dimension 1)
 * @throws ShapeError when the weights do not fit; DTypeError when dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.prelu.html
 */
export const prelu: Method<Named<'weight', Tensor, object, Tensor>> = method(
  {
    name: 'prelu',
    parameters: ['weight'],
    family,
    torch: nn('prelu'),
    samples: (s) => [
      [s.float([2, 3]), s.float([3], 0.1, 0.4)],
      [s.float([2, 3, 2]), s.float([1], 0.1, 0.4)],
      [s.float([2, 3, 2]), s.float([3], 0.1, 0.4)],
      [s.float([4]), s.float([1], 0.1, 0.4)],
      [s.float([]), s.float([1], 0.1, 0.4)],
    ],
  },
  (x: Tensor, weight: Tensor): Tensor => {
    checkTensor('prelu', x);
    checkTensor('prelu', weight, 'weight');
    if (x.dtype !== weight.dtype) throw new DTypeError(`prelu: dtypes differ, got ${show(x)} and a weight ${show(weight)}; expected one dtype`);
    const channels = x.ndim >= 2 ? x.shape[1] : 1;
    if (weight.ndim > 1 || (weight.numel() !== 1 && weight.numel() !== channels)) {
      throw new ShapeError(`prelu: weights do not fit, got ${show(weight)} for ${show(x)}; expected ${channels === 1 ? 1 : `1 or ${channels}`}`);
    }
    const slope = weight.numel() === 1 ? weight.reshape([]) : weight.reshape([channels, ...x.shape.slice(2).map(() => 1)]);
    return apply(preluOp, [x, slope], undefined);
  },
);

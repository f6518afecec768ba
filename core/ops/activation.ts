import { isFloat, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, checkOptions, show } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type GradFn, apply } from '../op.ts';
import { normalizeDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type Free, type Unary, checkTensor, free, pointwise, unary } from './define.ts';

const family = 'activation';
const nn = (name: string): string => `nn.functional.${name}`;

const floats = (name: string) => (t: Parameters<typeof isFloat>[0]): void => {
  if (!isFloat(t)) throw new DTypeError(`${name}: not a float tensor, got ${t}; expected float32 or float64`);
};

/** Logistic function without overflow: `1 / (1 + exp(-x))`. */
const logistic = (x: Expr): Expr => e.div(1, e.add(1, e.exp(e.neg(x))));

/** Logistic function `1 / (1 + exp(-x))`. @see https://pytorch.org/docs/stable/generated/torch.sigmoid.html */
export const sigmoid: Unary = unary({
  name: 'sigmoid', family, dtype: toFloat, cpu: logistic, saves: 'outputs', backward: (g, n) => g.mul(n.output().mul(n.output().rsub(1))),
});

/** Hyperbolic tangent. @see https://pytorch.org/docs/stable/generated/torch.tanh.html */
export const tanh: Unary = unary({ name: 'tanh', family, dtype: toFloat, cpu: e.tanh, saves: 'outputs', backward: (g, n) => g.mul(n.output().square().rsub(1)) });

/** `max(0, x)`; gradient 0 at 0, NaN stays. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu.html */
export const relu: Unary = unary({
  name: 'relu', family, cpu: (x) => e.select(e.le(x, 0), 0, x), saves: 'outputs', backward: (g, n) => g.maskedFill(n.output().le(0), 0),
});

/** Softplus of -x with the sign turned: `log(1 / (1 + exp(-x)))`, exact at both ends. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.logsigmoid.html */
export const logsigmoid: Unary = unary({
  name: 'logsigmoid', family, torch: nn('logsigmoid'), accepts: floats('logsigmoid'),
  cpu: (x) => e.sub(e.min(x, 0), e.log1p(e.exp(e.neg(e.abs(x))))),
  saves: 'inputs', backward: (g, n) => g.mul(n.input(0).neg().sigmoid()),
});

/** `x·sigmoid(x)`, also known as swish. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.silu.html */
export const silu: Unary = unary({
  name: 'silu', family, torch: nn('silu'), accepts: floats('silu'), cpu: (x) => e.mul(x, logistic(x)), saves: 'inputs',
  backward: (g, n) => {
    const x = n.input(0);
    const s = x.sigmoid();
    return g.mul(s.mul(x.mul(s.rsub(1)).add(1)));
  },
});

const softplusOf = (x: Expr): Expr => e.add(e.max(x, 0), e.log1p(e.exp(e.neg(e.abs(x)))));

/** `x·tanh(softplus(x))`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mish.html */
export const mish: Unary = unary({
  name: 'mish', family, torch: nn('mish'), accepts: floats('mish'), cpu: (x) => e.mul(x, e.tanh(softplusOf(x))), saves: 'inputs',
  backward: (g, n) => {
    const x = n.input(0);
    const y = softplus(x).tanh();
    return g.mul(y.add(x.mul(x.sigmoid()).mul(y.square().rsub(1))));
  },
});

/** `x / (1 + |x|)`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softsign.html */
export const softsign: Unary = unary({
  name: 'softsign', family, torch: nn('softsign'), dtype: toFloat, cpu: (x) => e.div(x, e.add(1, e.abs(x))), saves: 'inputs',
  backward: (g, n) => g.div(n.input(0).abs().add(1).square()),
});

/** `x - tanh(x)`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.tanhshrink.html */
export const tanhshrink: Unary = unary({
  name: 'tanhshrink', family, torch: nn('tanhshrink'), dtype: toFloat, cpu: (x) => e.sub(x, e.tanh(x)), saves: 'inputs',
  backward: (g, n) => g.mul(n.input(0).tanh().square()),
});

/** `min(max(0, x), 6)`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu6.html */
export const relu6: Unary = unary({
  name: 'relu6', family, torch: nn('relu6'), cpu: (x) => e.min(e.max(x, 0), 6), saves: 'inputs',
  backward: (g, n) => g.maskedFill(n.input(0).le(0).logicalOr(n.input(0).ge(6)), 0),
});

/** `min(max(0, x + 3), 6) / 6`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardsigmoid.html */
export const hardsigmoid: Unary = unary({
  name: 'hardsigmoid', family, torch: nn('hardsigmoid'), accepts: floats('hardsigmoid'), cpu: (x) => e.div(e.min(e.max(e.add(x, 3), 0), 6), 6), saves: 'inputs',
  backward: (g, n) => g.div(6).maskedFill(n.input(0).le(-3).logicalOr(n.input(0).ge(3)), 0),
});

/** `x·min(max(0, x + 3), 6) / 6`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardswish.html */
export const hardswish: Unary = unary({
  name: 'hardswish', family, torch: nn('hardswish'), accepts: floats('hardswish'), cpu: (x) => e.div(e.mul(x, e.min(e.max(e.add(x, 3), 0), 6)), 6), saves: 'inputs',
  backward: (g, n) => {
    const x = n.input(0);
    return g.mul(x.div(3).add(0.5).maskedFill(x.lt(-3), 0).maskedFill(x.gt(3), 1));
  },
});

// ---- with parameters, given by position or in an object ----

type Values<K extends string> = Readonly<Record<K, number>>;

interface Shaped<K extends string> {
  readonly name: string;
  readonly parameters: readonly K[];
  readonly defaults: readonly number[];
  readonly expr: (p: Values<K>, x: Expr) => Expr;
  readonly backward: (g: Tensor, x: Tensor, p: Values<K>) => Tensor;
  readonly check?: (p: Values<K>) => void;
  readonly samples?: readonly (readonly number[])[];
}

/** A float activation with up to two numbers: `leakyRelu(x, 0.2)` or `leakyRelu(x, { negativeSlope: 0.2 })`. */
type ShapedFn<K extends string> = Free<(x: Tensor, first?: number | Partial<Values<K>>, second?: number) => Tensor>;

function shaped<K extends string>(d: Shaped<K>): ShapedFn<K> {
  const { name, parameters } = d;
  const backward: GradFn = (g, n) => d.backward(g, n.input(0), n.attrs as Values<K>);
  const op = pointwise<Values<K>>({
    name,
    accepts: floats(name),
    key: (p) => parameters.map((k) => p[k]).join(','),
    expr: (p, x) => d.expr(p, x),
    saves: 'inputs',
    backward: [backward],
  });
  const snake = name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  return free(
    { name, family, torch: nn(snake), samples: (s) => [[], ...(d.samples ?? [])].map((rest) => [s.float([2, 4], -3, 3), ...rest]) },
    (x: Tensor, first?: number | Partial<Values<K>>, second?: number): Tensor => {
      checkTensor(name, x);
      const named = typeof first === 'object' ? first : undefined;
      checkOptions(name, named, parameters);
      const given = [typeof first === 'object' ? undefined : first, second];
      const values = Object.fromEntries(parameters.map((k, i) => [k, named?.[k] ?? given[i] ?? d.defaults[i]])) as Values<K>;
      for (const k of parameters) {
        if (typeof values[k] !== 'number' || Number.isNaN(values[k])) throw new ArgumentError(`${name}: ${k} is not a number, got ${show(values[k])}; expected a number`);
      }
      d.check?.(values);
      return apply(op, [x], values);
    },
  );
}

/** `x` above 0, `negativeSlope·x` below (default 0.01). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html */
export const leakyRelu: ShapedFn<'negativeSlope'> = shaped({
  name: 'leakyRelu', parameters: ['negativeSlope'], defaults: [0.01], samples: [[0.2]],
  expr: (p, x) => e.select(e.gt(x, 0), x, e.mul(x, p.negativeSlope)),
  backward: (g, x, p) => g.where(x.gt(0), g.mul(p.negativeSlope)),
});

/** `x` above 0, `alpha·(exp(x) - 1)` below (default 1). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.elu.html */
export const elu: ShapedFn<'alpha'> = shaped({
  name: 'elu', parameters: ['alpha'], defaults: [1], samples: [[0.7]],
  expr: (p, x) => e.select(e.gt(x, 0), x, e.mul(e.expm1(x), p.alpha)),
  backward: (g, x, p) => g.where(x.gt(0), g.mul(x.clamp(null, 0).exp()).mul(p.alpha)),
});

/** `x` above 0, `alpha·(exp(x/alpha) - 1)` below (default 1). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.celu.html */
export const celu: ShapedFn<'alpha'> = shaped({
  name: 'celu', parameters: ['alpha'], defaults: [1], samples: [[0.7]],
  check: ({ alpha }) => {
    if (alpha === 0) throw new ArgumentError('celu: alpha divides, got 0; expected a number other than 0');
  },
  expr: (p, x) => e.select(e.gt(x, 0), x, e.mul(e.expm1(e.div(x, p.alpha)), p.alpha)),
  backward: (g, x, p) => g.where(x.gt(0), g.mul(x.clamp(null, 0).div(p.alpha).exp())),
});

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/** ELU with the two constants that keep mean and variance. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.selu.html */
export const selu: Unary = unary({
  name: 'selu', family, torch: nn('selu'), accepts: floats('selu'),
  cpu: (x) => e.mul(SELU_SCALE, e.select(e.gt(x, 0), x, e.mul(SELU_ALPHA, e.expm1(x)))),
  saves: 'inputs',
  backward: (g, n) => {
    const x = n.input(0);
    return g.where(x.gt(0), g.mul(x.clamp(null, 0).exp()).mul(SELU_ALPHA)).mul(SELU_SCALE);
  },
});

/** `log(1 + exp(beta·x)) / beta`, and `x` itself where `beta·x > threshold`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html */
export const softplus: ShapedFn<'beta' | 'threshold'> = shaped({
  name: 'softplus', parameters: ['beta', 'threshold'], defaults: [1, 20], samples: [[2], [2, 1]],
  expr: (p, x) => {
    const z = e.mul(x, p.beta);
    return e.select(e.gt(z, p.threshold), x, e.div(softplusOf(z), p.beta));
  },
  backward: (g, x, p) => g.where(x.mul(p.beta).gt(p.threshold), g.mul(x.mul(p.beta).sigmoid())),
});

/** Limits `x` to `minVal` … `maxVal` (default -1 … 1). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardtanh.html */
export const hardtanh: ShapedFn<'minVal' | 'maxVal'> = shaped({
  name: 'hardtanh', parameters: ['minVal', 'maxVal'], defaults: [-1, 1], samples: [[-0.5, 2]],
  expr: (p, x) => e.min(e.max(x, p.minVal), p.maxVal),
  backward: (g, x, p) => g.maskedFill(x.le(p.minVal).logicalOr(x.ge(p.maxVal)), 0),
});

/** 0 where `|x| ≤ lambd` (default 0.5), else `x`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardshrink.html */
export const hardshrink: ShapedFn<'lambd'> = shaped({
  name: 'hardshrink', parameters: ['lambd'], defaults: [0.5], samples: [[1]],
  expr: (p, x) => e.select(e.le(e.abs(x), p.lambd), 0, x),
  backward: (g, x, p) => g.maskedFill(x.abs().le(p.lambd), 0),
});

/** `x` moved toward 0 by `lambd` (default 0.5). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softshrink.html */
export const softshrink: ShapedFn<'lambd'> = shaped({
  name: 'softshrink', parameters: ['lambd'], defaults: [0.5], samples: [[1]],
  check: ({ lambd }) => {
    if (lambd < 0) throw new ArgumentError(`softshrink: lambd is negative, got ${lambd}; expected a number ≥ 0`);
  },
  expr: (p, x) => e.select(e.gt(x, p.lambd), e.sub(x, p.lambd), e.select(e.lt(x, -p.lambd), e.add(x, p.lambd), e.mul(x, 0))),
  backward: (g, x, p) => g.maskedFill(x.abs().le(p.lambd), 0),
});

const thresholdOp = pointwise<{ readonly threshold: number; readonly value: number }>({
  name: 'threshold',
  key: (p) => `${p.threshold},${p.value}`,
  expr: (p, x) => e.select(e.le(x, p.threshold), p.value, x),
  saves: 'inputs',
  backward: [(g, n) => g.maskedFill(n.input(0).le((n.attrs as { threshold: number }).threshold), 0)],
});

/** `x` above `threshold`, else `value`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.threshold.html */
export const threshold: Free<(x: Tensor, threshold: number, value: number) => Tensor> = free(
  { name: 'threshold', family, torch: nn('threshold'), samples: (s) => [[s.float([2, 4]), 0.1, -3]] },
  (x: Tensor, limit: number, value: number): Tensor => {
    checkTensor('threshold', x);
    if (typeof limit !== 'number' || typeof value !== 'number') throw new ArgumentError(`threshold: not numbers, got ${show(limit)} and ${show(value)}; expected two numbers`);
    return apply(thresholdOp, [x], { threshold: limit, value });
  },
);

/** `x` above 0, `weight·x` below; one weight, or one per channel (dimension 1). @see https://pytorch.org/docs/stable/generated/torch.nn.functional.prelu.html */
export const prelu: Free<(x: Tensor, weight: Tensor) => Tensor> = free(
  { name: 'prelu', family, torch: nn('prelu'), samples: (s) => [[s.float([2, 3]), s.float([3], 0.1, 0.4)], [s.float([2, 3, 2]), s.float([1], 0.1, 0.4)]] },
  (x: Tensor, weight: Tensor): Tensor => {
    checkTensor('prelu', x);
    checkTensor('prelu', weight, 'weight');
    const channels = x.ndim >= 2 ? x.shape[1] : 1;
    if (weight.ndim > 1 || (weight.numel() !== 1 && weight.numel() !== channels)) {
      throw new ShapeError(`prelu: weights do not fit, got ${show(weight)} for ${show(x)}; expected 1 or ${channels}`);
    }
    const slope = weight.numel() === 1 || x.ndim < 2 ? weight.reshape([]) : weight.reshape([channels, ...x.shape.slice(2).map(() => 1)]);
    return x.where(x.gt(0), x.mul(slope));
  },
);

/** Gated linear unit: the first half of a dimension times the sigmoid of the second. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.glu.html */
export const glu: Free<(x: Tensor, dim?: number) => Tensor> = free(
  { name: 'glu', family, torch: nn('glu'), samples: (s) => [[s.float([2, 4])], [s.float([4, 3]), 0]] },
  (x: Tensor, dim = -1): Tensor => {
    checkTensor('glu', x);
    const d = normalizeDim('glu', dim, x.ndim);
    if (x.ndim === 0 || x.shape[d] % 2 !== 0) throw new ShapeError(`glu: dimension ${dim} cannot be halved, got ${show(x)}; expected an even size`);
    const half = x.shape[d] / 2;
    return x.narrow(d, 0, half).mul(x.narrow(d, half, half).sigmoid());
  },
);

import { isFloat, toFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, show } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type Primitive, apply, applyInPlace } from '../op.ts';
import { normalizeDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { atOnce } from './atOnce.ts';
import type { Named } from './byName.ts';
import { type Free, type InPlace, checkTensor, free, inPlaceMethod } from './define.ts';
import { floatsOnly, fused, logistic, numbersOnly, softplusOf } from './fused.ts';
import { type InplaceOptions, type Plain, type WithTwo, activation, family, nn, readSettings, triesOf } from './parametric.ts';

const sigmoidOp = fused<undefined>({
  name: 'sigmoid',
  dtype: toFloat,
  value: logistic,
  from: 'outputs',
  gradient: (g, y) => e.mul(g, e.mul(y, e.sub(1, y))),
  curvature: (y) => y.mul(-2).add(1),
});

const tanhOp = fused<undefined>({
  name: 'tanh',
  dtype: toFloat,
  value: e.tanh,
  from: 'outputs',
  gradient: (g, y) => e.mul(g, e.sub(1, e.mul(y, y))),
  curvature: (y) => y.mul(-2),
});

const reluOp = fused<undefined>({
  name: 'relu',
  accepts: numbersOnly('relu'),
  value: (x) => e.select(e.le(x, 0), 0, x),
  from: 'outputs',
  gradient: (g, y) => e.select(e.le(y, 0), 0, g),
});

function tensorMethod(op: Primitive<undefined>): InPlace<(x: Tensor) => Tensor> {
  const { name } = op;
  return inPlaceMethod(
    { name, family, samples: (s) => [[s.float([2, 3])], [s.float([])], [s.float([0, 2])], [s.int([3], -2, 3)]] },
    (x: Tensor): Tensor => {
      checkTensor(name, x);
      return apply(op, [x], undefined);
    },
    (x: Tensor): Tensor => {
      checkTensor(`${name}_`, x);
      return applyInPlace(op, [x], undefined);
    },
  );
}

/** Logistic function `1 / (1 + exp(-x))`. @see https://pytorch.org/docs/stable/generated/torch.sigmoid.html */
export const sigmoid: InPlace<(x: Tensor) => Tensor> = tensorMethod(sigmoidOp);
/** Hyperbolic tangent. @see https://pytorch.org/docs/stable/generated/torch.tanh.html */
export const tanh: InPlace<(x: Tensor) => Tensor> = tensorMethod(tanhOp);

/** `max(0, x)`; gradient 0 at 0, NaN stays. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu.html */
export const relu: InPlace<Plain> = inPlaceMethod(
  { name: 'relu', family, samples: (s) => [[s.float([2, 3])], [s.float([])], [s.float([0, 2])], [s.int([3], -2, 3)]] },
  (x: Tensor, options?: InplaceOptions): Tensor => {
    checkTensor('relu', x);
    return options !== undefined && readSettings('relu', {}, [options]).inplace ? applyInPlace(reluOp, [x], undefined) : apply(reluOp, [x], undefined);
  },
  (x: Tensor): Tensor => applyInPlace(reluOp, [x], undefined),
);

/** `log(1 / (1 + exp(-x)))`, exact at both ends. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.logsigmoid.html */
export const logsigmoid: Free<(x: Tensor) => Tensor> = free(
  { name: 'logsigmoid', family, torch: nn('logsigmoid'), samples: triesOf({}) },
  (x: Tensor): Tensor => {
    checkTensor('logsigmoid', x);
    return apply(logsigmoidOp, [x], undefined);
  },
);

const logsigmoidOp = fused<undefined>({
  name: 'logsigmoid',
  accepts: floatsOnly('logsigmoid'),
  value: (x) => e.sub(e.min(x, 0), e.log1p(e.exp(e.neg(e.abs(x))))),
  from: 'inputs',
  gradient: (g, x) => e.div(g, e.add(1, e.exp(x))),
  curvature: (x) => bell(x).neg(),
});

/** Derivative of the logistic function. */
function bell(x: Tensor): Tensor {
  const s = x.sigmoid();
  return s.mul(s.rsub(1));
}

const siluValue = (x: Expr): Expr => e.div(x, e.add(1, e.exp(e.neg(x))));

function siluSlope(x: Expr): Expr {
  const s = logistic(x);
  return e.mul(s, e.add(1, e.mul(x, e.sub(1, s))));
}

/** `x·sigmoid(x)`, also known as swish. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.silu.html */
export const silu: Free<Plain> = activation({
  name: 'silu',
  defaults: {},
  value: siluValue,
  gradient: (g, x) => e.mul(g, siluSlope(x)),
  applied: (op) => atOnce(op, { key: () => '', value: siluValue, slope: siluSlope }),
  curvature: (x) => bell(x).mul(x.mul(x.sigmoid().mul(-2).add(1)).add(2)),
});

const mishValue = (x: Expr): Expr => e.mul(x, e.tanh(softplusOf(x)));

function mishSlope(x: Expr): Expr {
  const t = e.tanh(softplusOf(x));
  return e.add(t, e.mul(e.mul(x, logistic(x)), e.sub(1, e.mul(t, t))));
}

/** `x·tanh(softplus(x))`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mish.html */
export const mish: Free<Plain> = activation({
  name: 'mish',
  defaults: {},
  value: mishValue,
  gradient: (g, x) => e.mul(g, mishSlope(x)),
  applied: (op) => atOnce(op, { key: () => '', value: mishValue, slope: mishSlope }),
  curvature: (x) => {
    const s = x.sigmoid();
    const t = softplus(x, { threshold: Infinity }).tanh();
    const inner = s.rsub(1).sub(t.mul(s).mul(2));
    return t.square().rsub(1).mul(s).mul(x.mul(inner).add(2));
  },
});

/** `log(1 + exp(beta·x)) / beta`, and `x` itself where `beta·x > threshold`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html */
export const softplus: Free<WithTwo<'beta' | 'threshold'>> = activation({
  name: 'softplus',
  defaults: { beta: 1, threshold: 20 },
  check: ([beta]) => {
    if (beta === 0) throw new ArgumentError('softplus: beta divides, got 0; expected a number other than 0');
  },
  value: (x, [beta, threshold]) => {
    const z = e.mul(x, beta);
    return e.select(e.gt(z, threshold), x, e.div(softplusOf(z), beta));
  },
  gradient: (g, x, [beta, threshold]) => {
    const z = e.mul(x, beta);
    return e.select(e.gt(z, threshold), g, e.mul(g, logistic(z)));
  },
  curvature: (x, [beta, threshold]) => {
    const z = x.mul(beta);
    return bell(z).mul(beta).maskedFill(z.gt(threshold), 0);
  },
  tries: [[2], [2, 1], [{ threshold: 1 }], [0.5, { threshold: 3 }]],
});

/** `x / (1 + |x|)`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softsign.html */
export const softsign: Free<(x: Tensor) => Tensor> = free({ name: 'softsign', family, torch: nn('softsign'), samples: triesOf({}) }, (x: Tensor): Tensor => {
  checkTensor('softsign', x);
  return apply(softsignOp, [x], undefined);
});

const softsignOp = fused<undefined>({
  name: 'softsign',
  dtype: toFloat,
  value: (x) => e.div(x, e.add(1, e.abs(x))),
  from: 'inputs',
  gradient: (g, x) => {
    const size = e.add(1, e.abs(x));
    return e.div(g, e.mul(size, size));
  },
  curvature: (x) => x.sign().mul(-2).div(x.abs().add(1).pow(3)),
});

/** `x - tanh(x)`. @see https://pytorch.org/docs/stable/generated/torch.nn.functional.tanhshrink.html */
export const tanhshrink: Free<(x: Tensor) => Tensor> = free({ name: 'tanhshrink', family, torch: nn('tanhshrink'), samples: triesOf({}) }, (x: Tensor): Tensor => {
  checkTensor('tanhshrink', x);
  return apply(tanhshrinkOp, [x], undefined);
});

const tanhshrinkOp = fused<undefined>({
  name: 'tanhshrink',
  dtype: toFloat,
  value: (x) => e.sub(x, e.tanh(x)),
  from: 'inputs',
  gradient: (g, x) => {
    const t = e.tanh(x);
    return e.mul(g, e.mul(t, t));
  },
  curvature: (x) => {
    const t = x.tanh();
    return t.mul(2).mul(t.square().rsub(1));
  },
});

/**
 * Gated linear unit: the first half of a dimension times the sigmoid of the second.
 *
 * @param dim - default the last
 * @throws ShapeError for a dimension that cannot be halved
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.glu.html
 */
export const glu: Free<Named<'dim', number, object, Tensor>> = free(
  { name: 'glu', parameters: ['dim'], family, torch: nn('glu'), samples: (s) => [[s.float([2, 4])], [s.float([4, 3]), 0], [s.float([2, 2, 3]), -2], [s.float([0, 2])]] },
  (x: Tensor, dim = -1): Tensor => {
    checkTensor('glu', x);
    if (!isFloat(x.dtype)) throw new DTypeError(`glu: not a float tensor, got ${show(x)}; expected float32 or float64`);
    const d = normalizeDim('glu', dim, x.ndim);
    if (x.ndim === 0 || x.shape[d] % 2 !== 0) throw new ShapeError(`glu: dimension ${dim} cannot be halved, got ${show(x)}; expected an even size`);
    const half = x.shape[d] / 2;
    return x.narrow(d, 0, half).mul(x.narrow(d, half, half).sigmoid());
  },
);

import type { DType } from '../dtype.ts';
import { isFloat } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { type Expr, e } from '../expr.ts';
import { type Primitive, apply } from '../op.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { pointwise } from './define.ts';

/** An activation as two kernels: its value, and its gradient in one pass. */
export interface FusedDefinition<A> {
  readonly name: string;
  readonly dtype?: (promoted: DType) => DType;
  readonly accepts?: (promoted: DType) => void;
  /** Attributes that change the expressions have distinct keys. */
  readonly key?: (attrs: A) => string;
  readonly value: (x: Expr, attrs: A) => Expr;
  /** Whether the gradient is written in the input or in the output. */
  readonly from: 'inputs' | 'outputs';
  /** Gradient of the input from the gradient `g` of the output and the input or output `v`. */
  readonly gradient: (g: Expr, v: Expr, attrs: A) => Expr;
  /** Derivative of `gradient / g` with respect to `v`, in tensor ops; absent where it is 0. */
  readonly curvature?: (v: Tensor, attrs: A) => Tensor;
}

/** Defines the primitive of an activation, and that of its gradient, which is differentiable in turn. */
export function fused<A>(d: FusedDefinition<A>): Primitive<A> {
  const { name, from, curvature } = d;
  const key = d.key && { key: d.key };
  const slope: Primitive<A> = pointwise<A>({
    name: `${name}Backward`,
    ...key,
    expr: (attrs, g, v) => d.gradient(g, v, attrs),
    saves: 'inputs',
    backward: [
      (gg, n) => apply(slope, [gg, n.input(1)], n.attrs as A),
      (gg, n) => {
        if (curvature === undefined) return emptyTensor(gg.shape, gg.dtype, gg.device);
        return gg.mul(n.input(0)).mul(curvature(n.input(1), n.attrs as A));
      },
    ],
  });
  return pointwise<A>({
    name,
    ...key,
    ...(d.dtype && { dtype: d.dtype }),
    ...(d.accepts && { accepts: d.accepts }),
    expr: (attrs, x) => d.value(x, attrs),
    saves: from,
    backward: [(g, n) => apply(slope, [g, from === 'inputs' ? n.input(0) : n.output()], n.attrs as A)],
  });
}

/** Refuses everything but floats. */
export const floatsOnly = (name: string) => (t: DType): void => {
  if (!isFloat(t)) throw new DTypeError(`${name}: not a float tensor, got ${t}; expected float32 or float64`);
};

/** Refuses bool. */
export const numbersOnly = (name: string) => (t: DType): void => {
  if (t === 'bool') throw new DTypeError(`${name}: not defined for bool, got bool; expected numbers`);
};

/** Logistic function `1 / (1 + exp(-x))`; exp may overflow, which gives 0. */
export const logistic = (x: Expr): Expr => e.div(1, e.add(1, e.exp(e.neg(x))));
/** `log(1 + exp(x))` without overflow. */
export const softplusOf = (x: Expr): Expr => e.add(e.max(x, 0), e.log1p(e.exp(e.neg(e.abs(x)))));

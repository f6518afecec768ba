import type { DType } from '../dtype.ts';
import { isFloat } from '../dtype.ts';
import { isFast } from '../cpu/engine.ts';
import { togetherKernel } from '../cpu/rows.ts';
import { DTypeError, StateError } from '../errors.ts';
import { type Expr, arg, e } from '../expr.ts';
import { type Kernel, type Primitive, apply, applyMany, primitive } from '../op.ts';
import { isGradEnabled } from '../tape.ts';
import { type Tensor, emptyTensor } from '../tensor.ts';
import { tracing } from '../tracing.ts';
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
  /** Gradient of the input from the gradient `g` of the output and the input or output `v`; default: `g` times `slope`. */
  readonly gradient?: (g: Expr, v: Expr, attrs: A) => Expr;
  /** The derivative in the input, where it shares long work with the value: where gradients are recorded, both are computed in one pass, and the slope is kept. */
  readonly slope?: (x: Expr, attrs: A) => Expr;
  /** Derivative of `gradient / g` with respect to `v`, in tensor ops; absent where it is 0. */
  readonly curvature?: (v: Tensor, attrs: A) => Tensor;
}

/** Defines the primitive of an activation, and that of its gradient, which is differentiable in turn. */
export function fused<A>(d: FusedDefinition<A>): Primitive<A> {
  const { name, from, curvature, slope: derivative } = d;
  const key = d.key && { key: d.key };
  const slope: Primitive<A> = pointwise<A>({
    name: `${name}Backward`,
    ...key,
    expr: (attrs, g, v) => (derivative === undefined ? d.gradient?.(g, v, attrs) : e.mul(g, derivative(v, attrs))) ?? missing(name),
    saves: 'inputs',
    backward: [
      (gg, n) => apply(slope, [gg, n.input(1)], n.attrs as A),
      (gg, n) => {
        if (curvature === undefined) return emptyTensor(gg.shape, gg.dtype, gg.device);
        return gg.mul(n.input(0)).mul(curvature(n.input(1), n.attrs as A));
      },
    ],
  });
  const op = pointwise<A>({
    name,
    ...key,
    ...(d.dtype && { dtype: d.dtype }),
    ...(d.accepts && { accepts: d.accepts }),
    expr: (attrs, x) => d.value(x, attrs),
    saves: from,
    backward: [(g, n) => apply(slope, [g, from === 'inputs' ? n.input(0) : n.output()], n.attrs as A)],
  });
  if (derivative !== undefined) together.set(op, withSlope(d, derivative, slope));
  return op;
}

function missing(name: string): never {
  throw new StateError(`${name}: no gradient, got a definition without gradient and slope; expected one of them`);
}

/** For primitives whose definition has a slope: value and slope in one pass. */
const together = new WeakMap<object, Primitive<unknown>>();

function withSlope<A>({ name, value, key }: FusedDefinition<A>, derivative: (x: Expr, attrs: A) => Expr, slope: Primitive<A>): Primitive<unknown> {
  const kernels = new Map<string, Kernel<undefined>>();
  const made = primitive<A>({
    name: `${name}WithSlope`,
    infer: ([input]) => {
      const { shape, dtype } = input as Tensor;
      return [{ shape, dtype }, { shape, dtype }];
    },
    cpu: (outputs, inputs, attrs) => {
      const which = key?.(attrs) ?? '';
      let kernel = kernels.get(which);
      if (kernel === undefined) kernels.set(which, (kernel = togetherKernel([value(arg(0), attrs), derivative(arg(0), attrs)])));
      kernel(outputs, inputs, undefined);
    },
    saves: 'further',
    // While the computation of gradients is recorded, the slope has to depend on the input.
    backward: (node, g) => [g === null ? null : isGradEnabled() ? apply(slope, [g, node.input(0)], node.attrs as A) : g.mul(node.output(1))],
  });
  // On the tape it is the operation that it stands for.
  return { ...made, name } as Primitive<unknown>;
}

/** Applies such a primitive: together with its slope where that pays. */
export function applyFused<A>(op: Primitive<A>, x: Tensor, attrs: A): Tensor {
  const pair = x.requiresGrad && isGradEnabled() && tracing === null && x.dtype === 'float32' && isFast() && x.isContiguous() ? together.get(op) : undefined;
  if (pair === undefined || !pair.kernels.has(x.device.name)) return apply(op, [x], attrs);
  const [y, slope] = applyMany(pair, [x], attrs);
  slope.storage.discard();
  return y;
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

import { isFast } from '../cpu/engine.ts';
import { togetherKernel } from '../cpu/rows.ts';
import { type Expr, arg } from '../expr.ts';
import { type GradFn, type Kernel, type Primitive, apply, applyMany, primitive } from '../op.ts';
import { isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { tracing } from '../tracing.ts';

/** An activation whose value and derivative share long work. */
export interface ValueAndSlope<A> {
  readonly value: (x: Expr, attrs: A) => Expr;
  readonly slope: (x: Expr, attrs: A) => Expr;
  /** Attributes that change the expressions have distinct keys. */
  readonly key: (attrs: A) => string;
}

/** Value and slope in one pass; the slope is kept for the gradient, which is one multiplication. */
function together<A>(op: Primitive<A>, { value, slope, key }: ValueAndSlope<A>): Primitive<A> {
  const kernels = new Map<string, Kernel<undefined>>();
  const [gradient] = op.backward as readonly GradFn[];
  const made = primitive<A>({
    name: `${op.name}WithSlope`,
    infer: ([input]) => {
      const { shape, dtype } = input as Tensor;
      return [{ shape, dtype }, { shape, dtype }];
    },
    cpu: (outputs, inputs, attrs) => {
      const which = key(attrs);
      let kernel = kernels.get(which);
      if (kernel === undefined) kernels.set(which, (kernel = togetherKernel([value(arg(0), attrs), slope(arg(0), attrs)])));
      kernel(outputs, inputs, undefined);
    },
    saves: 'further',
    // While the computation of gradients is recorded, the slope has to depend on the input.
    backward: (node, g) => [g === null ? null : isGradEnabled() ? gradient(g, node, null) : g.mul(node.output(1))],
  });
  // On the tape it is the operation that it stands for.
  return { ...made, name: op.name };
}

/** How such an activation is applied: with its slope at once where gradients are recorded, on the CPU, in float32; else as `op`. */
export function atOnce<A>(op: Primitive<A>, definition: ValueAndSlope<A>): (x: Tensor, attrs: A) => Tensor {
  const pair = together(op, definition);
  return (x, attrs) => {
    const pays = x.requiresGrad && isGradEnabled() && tracing === null && x.dtype === 'float32' && isFast() && x.isContiguous() && pair.kernels.has(x.device.name);
    if (!pays) return apply(op, [x], attrs);
    const [y, slope] = applyMany(pair, [x], attrs);
    slope.storage.discard();
    return y;
  };
}

import { ArgumentError, DTypeError, checkNumber, checkOptions, show } from '../errors.ts';
import { e } from '../expr.ts';
import { apply } from '../op.ts';
import { sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { eq } from './compare.ts';
import { type Method, type Samples, checkTensor, method, pointwise } from './define.ts';
import type { Trailing } from './byName.ts';
import { all } from './reduce.ts';

const family = 'comparison';

/** Options of `isclose` and `allclose`. */
export interface CloseOptions {
  /** Difference allowed relative to the second value; default 1e-5. */
  readonly rtol?: number;
  /** Difference allowed in any case; default 1e-8. */
  readonly atol?: number;
  /** Whether NaN is close to NaN; default false. */
  readonly equalNan?: boolean;
}

interface CloseAttrs {
  readonly rtol: number;
  readonly atol: number;
  readonly equalNan: boolean;
}

const iscloseOp = pointwise<CloseAttrs>({
  name: 'isclose',
  dtype: () => 'bool',
  key: ({ rtol, atol, equalNan }) => `${rtol},${atol},${equalNan}`,
  expr: ({ rtol, atol, equalNan }, x, y) => {
    // An infinite difference is close to nothing, whatever the tolerance; equal infinities are equal.
    const apart = e.abs(e.sub(x, y));
    const near = e.and(e.lt(apart, Infinity), e.le(apart, e.add(atol, e.mul(rtol, e.abs(y)))));
    const close = e.or(e.eq(x, y), near);
    return equalNan ? e.or(close, e.and(e.isNaN(x), e.isNaN(y))) : close;
  },
});

function closeness(name: string, x: Tensor, other: Tensor, options: CloseOptions | undefined): Tensor {
  checkTensor(name, x);
  checkTensor(name, other, 'other');
  if (x.dtype !== other.dtype) throw new DTypeError(`${name}: dtypes differ, got ${show(x)} and ${show(other)}; expected one dtype`);
  checkOptions(name, options, ['rtol', 'atol', 'equalNan']);
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options ?? {};
  checkNumber(name, 'rtol', rtol, 'a number ≥ 0', (v) => v >= 0);
  checkNumber(name, 'atol', atol, 'a number ≥ 0', (v) => v >= 0);
  if (typeof equalNan !== 'boolean') throw new ArgumentError(`${name}: equalNan is not a boolean, got ${show(equalNan)}; expected true or false`);
  return apply(iscloseOp, [x, other], { rtol, atol, equalNan });
}

const samples: Samples = (s) => [
  [s.values([1, 1, 1, 2]), s.values([1, 1.000001, 1.1, 2.00001])],
  [s.values([1, 2]), s.values([1.1, 2.3], [2, 1]), { rtol: 0, atol: 0.15 }],
  [s.values([NaN, Infinity, -Infinity, NaN]), s.values([NaN, Infinity, Infinity, 1])],
  [s.values([NaN, 1]), s.values([NaN, 2]), { equalNan: true, rtol: 0.5 }],
  [s.int([4]), s.int([4]), { atol: 1 }],
  [s.float([0]), s.float([])],
];

/**
 * Where `|x - other| ≤ atol + rtol·|other|`, broadcast, as bool. Infinities are close to themselves only.
 *
 * @throws DTypeError where the dtypes differ
 * @see https://pytorch.org/docs/stable/generated/torch.isclose.html
 */
export const isclose: Method<(x: Tensor, other: Tensor, ...options: Trailing<CloseOptions, [rtol: number, atol: number, equalNan: boolean]>) => Tensor> = method(
  { name: 'isclose', parameters: ['other', 'options', 'rtol', 'atol', 'equalNan'], family, differentiable: false, samples },
  (x: Tensor, other: Tensor, options?: CloseOptions): Tensor => closeness('isclose', x, other, options),
);

/**
 * Whether all elements are close, as `isclose` has it.
 *
 * @throws DTypeError where the dtypes differ; DeviceError where the elements are not on the CPU
 * @see https://pytorch.org/docs/stable/generated/torch.allclose.html
 */
export const allclose: Method<(x: Tensor, other: Tensor, ...options: Trailing<CloseOptions, [rtol: number, atol: number, equalNan: boolean]>) => boolean> = method(
  { name: 'allclose', parameters: ['other', 'options', 'rtol', 'atol', 'equalNan'], family, torch: null, differentiable: false, samples: () => [] },
  (x: Tensor, other: Tensor, options?: CloseOptions): boolean => all(closeness('allclose', x, other, options)).item() !== 0,
);

/**
 * Whether two tensors have the same shape and the same elements, whatever their dtypes; NaN equals nothing.
 *
 * @throws DeviceError where the elements are not on the CPU
 * @see https://pytorch.org/docs/stable/generated/torch.equal.html
 */
export const equal: Method<(x: Tensor, other: Tensor) => boolean> = method(
  { name: 'equal', family, torch: null, differentiable: false, samples: () => [] },
  (x: Tensor, other: Tensor): boolean => {
    checkTensor('equal', x);
    checkTensor('equal', other, 'other');
    return sameShape(x.shape, other.shape) && all(eq(x, other)).item() !== 0;
  },
);

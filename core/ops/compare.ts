import type { DType } from '../dtype.ts';
import { e } from '../expr.ts';
import type { GradFn } from '../op.ts';
import { emptyTensor } from '../tensor.ts';
import { type Binary, type Samples, type Unary, binary, unary } from './define.ts';

const bool = (): DType => 'bool';

const zeros: GradFn = (g) => emptyTensor(g.shape, g.dtype, g.device);

/** Written in place, a comparison gives no gradient to either operand: zeros, as in PyTorch. */
const constant: readonly GradFn[] = [zeros, zeros];

/** Written in place, logic is not noticed by the history, as in PyTorch: gradients pass as if the values had stayed. */
const unnoticed: readonly (GradFn | null)[] = [(g) => g, null];

const samples: Samples = (s) => [
  [s.int([2, 3]), s.int([3])],
  [s.float([2, 3]), s.float([2, 3])],
  [s.float([2, 3]), 0.5],
  [s.bool([4]), s.bool([4])],
  [s.float([0]), s.float([])],
];

/** `x == y` as bool. @see https://pytorch.org/docs/stable/generated/torch.eq.html */
export const eq: Binary = binary({ name: 'eq', family: 'comparison', cpu: e.eq, dtype: bool, samples, inPlaceBackward: constant });
/** `x != y` as bool. @see https://pytorch.org/docs/stable/generated/torch.ne.html */
export const ne: Binary = binary({ name: 'ne', family: 'comparison', cpu: e.ne, dtype: bool, samples, inPlaceBackward: constant });
/** `x < y` as bool. @see https://pytorch.org/docs/stable/generated/torch.lt.html */
export const lt: Binary = binary({ name: 'lt', family: 'comparison', cpu: e.lt, dtype: bool, samples, inPlaceBackward: constant });
/** `x <= y` as bool. @see https://pytorch.org/docs/stable/generated/torch.le.html */
export const le: Binary = binary({ name: 'le', family: 'comparison', cpu: e.le, dtype: bool, samples, inPlaceBackward: constant });
/** `x > y` as bool. @see https://pytorch.org/docs/stable/generated/torch.gt.html */
export const gt: Binary = binary({ name: 'gt', family: 'comparison', cpu: e.gt, dtype: bool, samples, inPlaceBackward: constant });
/** `x >= y` as bool. @see https://pytorch.org/docs/stable/generated/torch.ge.html */
export const ge: Binary = binary({ name: 'ge', family: 'comparison', cpu: e.ge, dtype: bool, samples, inPlaceBackward: constant });
/** True where both are not 0. @see https://pytorch.org/docs/stable/generated/torch.logical_and.html */
export const logicalAnd: Binary = binary({ name: 'logicalAnd', family: 'comparison', cpu: e.and, dtype: bool, samples, inPlaceBackward: unnoticed });
/** True where either is not 0. @see https://pytorch.org/docs/stable/generated/torch.logical_or.html */
export const logicalOr: Binary = binary({ name: 'logicalOr', family: 'comparison', cpu: e.or, dtype: bool, samples, inPlaceBackward: unnoticed });
/** True where exactly one is not 0. @see https://pytorch.org/docs/stable/generated/torch.logical_xor.html */
export const logicalXor: Binary = binary({ name: 'logicalXor', family: 'comparison', cpu: e.xor, dtype: bool, samples, inPlaceBackward: unnoticed });
/** True where x is 0. @see https://pytorch.org/docs/stable/generated/torch.logical_not.html */
export const logicalNot: Unary = unary({ name: 'logicalNot', family: 'comparison', cpu: e.not, dtype: bool, samples: (s) => [[s.bool([4])], [s.int([4], 0, 2)]], inPlaceBackward: unnoticed });
/** True where x is NaN. @see https://pytorch.org/docs/stable/generated/torch.isnan.html */
export const isnan: Unary = unary({ name: 'isnan', family: 'comparison', cpu: e.isNaN, dtype: bool, samples: (s) => [[s.values([0, NaN, Infinity])]] });
/** True where x is neither infinite nor NaN. @see https://pytorch.org/docs/stable/generated/torch.isfinite.html */
export const isfinite: Unary = unary({
  name: 'isfinite', family: 'comparison', cpu: (x) => e.lt(e.abs(x), Infinity), dtype: bool, samples: (s) => [[s.values([0, NaN, Infinity, -Infinity])]],
});
/** True where x is infinite. @see https://pytorch.org/docs/stable/generated/torch.isinf.html */
export const isinf: Unary = unary({
  name: 'isinf', family: 'comparison', cpu: (x) => e.eq(e.abs(x), Infinity), dtype: bool, samples: (s) => [[s.values([0, NaN, Infinity, -Infinity])]],
});

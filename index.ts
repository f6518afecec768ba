// The public surface. Importing it also puts every operation on Tensor as a method.
export { PolyakError, ArgumentError, DTypeError, DeviceError, ShapeError, StateError } from './core/errors.ts';
export { type DType, canCast, dtypes, promoteTypes, resultType } from './core/dtype.ts';
export type { Shape } from './core/shape.ts';
export { type Device, getDevice, registerDevice } from './core/device.ts';
export { type NestedArray, Tensor } from './core/tensor.ts';
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from './core/tape.ts';
export { type BackwardOptions, type GradOptions, type TensorBackwardOptions, backward, grad } from './core/autograd.ts';
export { type Operand } from './core/op.ts';

// operations
export { arange, empty, emptyLike, eye, full, fullLike, isTensor, linspace, ones, onesLike, tensor, type TensorData, type TensorOptions, zeros, zerosLike } from './core/ops/creation.ts';
export {
  abs, acos, add, asin, atan, atan2, ceil, cos, cosh, div, erf, exp, exp2, expm1, floor, log, log10, log1p, log2, maximum, minimum, mul, neg, pow, reciprocal,
  remainder, round, rsqrt, rsub, sign, sin, sinh, sqrt, square, sub, tan, trunc,
} from './core/ops/pointwise.ts';
export { eq, ge, gt, isfinite, isinf, isnan, le, logicalAnd, logicalNot, logicalOr, logicalXor, lt, ne } from './core/ops/compare.ts';
export { clamp, maskedFill, where } from './core/ops/select.ts';
export { mean, sum } from './core/ops/reduce.ts';
export {
  broadcastTo, clone, detach, expand, flatten, movedim, narrow, permute, reshape, select, squeeze, t, transpose, unflatten, unsqueeze,
} from './core/ops/view.ts';
import './core/ops/convert.ts';
import './core/ops/methods.ts';

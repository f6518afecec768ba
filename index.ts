// The public surface. Importing it also puts every operation on Tensor as a method.
export { PolyakError, ArgumentError, DTypeError, DeviceError, ShapeError, StateError } from './core/errors.ts';
export { type DType, canCast, dtypes, promoteTypes, resultType } from './core/dtype.ts';
export type { Shape } from './core/shape.ts';
export { type Device, getDevice, registerDevice } from './core/device.ts';
export { type NestedArray, Tensor } from './core/tensor.ts';
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from './core/tape.ts';
export { type BackwardOptions, type GradOptions, type TensorBackwardOptions, backward, grad } from './core/autograd.ts';
export { type Operand } from './core/op.ts';
export { type CustomContext, type CustomOpDefinition, customOp } from './core/custom.ts';
export { GradcheckError, type GradcheckOptions, type GradcheckResult, type GradgradcheckOptions, gradcheck, gradgradcheck } from './core/gradcheck.ts';

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
export { addmm, type AddmmOptions, baddbmm, bmm, dot, matmul, mm, mv, outer } from './core/ops/matmul.ts';
export { linear } from './core/ops/linear.ts';
export { conv1d, conv2d, type ConvOptions, convTranspose1d, convTranspose2d, type ConvTransposeOptions } from './core/ops/conv.ts';
import './core/ops/convert.ts';
import './core/ops/methods.ts';

// averages
export {
  type AnnealingOptions, type AveragedOptions, BaseAveragedModel, type EMAOptions, ExponentialMovingAverage, MomentumAnnealingEMA, PowerFunctionEMA, type PowerFunctionOptions,
  RampUpEMA, type RampUpOptions, StochasticWeightAverage, WarmupEMA, type WarmupOptions, gammaFromSigmaRel, momentumFromHalfLife, scaleMomentum, sigmaRelFromGamma,
} from './ema/index.ts';

// files
export {
  type Bytes, type CheckpointOptions, type CheckpointParts, type FilePath, type FloatFileDType, load, loadCheckpoint, loadIdx, loadSafetensors, packCheckpoint, readIdx,
  readSafetensors, type SafetensorsFile, type SafetensorsOptions, save, saveCheckpoint, saveSafetensors, type Stateful, type StatefulGenerator, type StateTree,
  unpackCheckpoint, writeSafetensors,
} from './core/io/index.ts';

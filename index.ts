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
export {
  celu, elu, glu, hardshrink, hardsigmoid, hardswish, hardtanh, leakyRelu, logsigmoid, mish, prelu, relu, relu6, selu, sigmoid, silu, softplus, softshrink, softsign, tanh, tanhshrink, threshold,
} from './core/ops/activation.ts';
export { type GeluApproximation, type GeluOptions, gelu } from './core/ops/gelu.ts';
export { type SoftmaxOptions, logSoftmax, softmax, softmin } from './core/ops/softmax.ts';
export { type ValueOptions, addcdiv, addcmul, lerp } from './core/ops/ternary.ts';
export { clamp, maskedFill, where } from './core/ops/select.ts';
export { type ScanOptions, cumprod, cumsum } from './core/ops/cumulate.ts';
export { type KeepdimOptions, type ValuesAndIndices, argmax, argmin, max, median, min } from './core/ops/extrema.ts';
export { type MomentOptions, logsumexp, std, variance as var } from './core/ops/moments.ts';
export { norm } from './core/ops/norm.ts';
export { type Dims, type PlainReduceOptions, type ReduceOptions, all, amax, amin, any, countNonzero, mean, prod, sum, sumTo } from './core/ops/reduce.ts';
export { type IndexItem, type IndexPutOptions, Slice, index, indexPut, slice } from './core/ops/indexing.ts';
export { gather, scatter, scatterAdd, takeAlongDim } from './core/ops/gather.ts';
export { embedding, type EmbeddingOptions, indexAdd, type IndexAddOptions, indexCopy, indexFill, indexSelect, oneHot, take } from './core/ops/lookup.ts';
export { maskedScatter, maskedSelect } from './core/ops/masked.ts';
export { nonzero } from './core/ops/nonzero.ts';
export { cat, chunk, hstack, split, stack, unbind, vstack } from './core/ops/join.ts';
export { diag, diagonal, flip, meshgrid, type MeshgridOptions, repeat, repeatInterleave, roll, tile, trace, tril, triu } from './core/ops/arrange.ts';
export {
  argsort, bucketize, type BucketizeOptions, searchsorted, type SearchsortedOptions, sort, type Sorted, type SortOptions, topk, type TopkOptions, unique, type UniqueOptions,
} from './core/ops/sort.ts';
export {
  broadcastTo, clone, detach, expand, flatten, movedim, narrow, permute, reshape, select, squeeze, t, transpose, unflatten, unsqueeze,
} from './core/ops/view.ts';
export { addmm, type AddmmOptions, baddbmm, bmm, dot, matmul, mm, mv, outer } from './core/ops/matmul.ts';
export { linear } from './core/ops/linear.ts';
export { conv1d, conv2d, type ConvOptions, convTranspose1d, convTranspose2d, type ConvTransposeOptions } from './core/ops/conv.ts';
export { Generator, type GeneratorState, defaultGenerator, manualSeed } from './core/random.ts';
export { bernoulli, normal, rand, randLike, randint, randn, randnLike, type RandomOptions, randperm } from './core/ops/random.ts';
export { type FillOptions } from './core/ops/randomFill.ts';
export { multinomial, type MultinomialOptions } from './core/ops/multinomial.ts';
export { alphaDropout, dropout, dropout1d, dropout2d, type DropoutMode } from './core/ops/dropout.ts';
export {
  adaptiveMaxPool1d, adaptiveMaxPool2d, type AdaptiveMaxPoolOptions, maxPool1d, maxPool2d, type MaxPoolOptions, type MaxPoolResult,
} from './core/ops/maxPool.ts';
export { adaptiveAvgPool1d, adaptiveAvgPool2d, avgPool1d, avgPool2d, type AvgPool1dOptions, type AvgPoolOptions } from './core/ops/pool.ts';
export { batchNorm, type BatchStatisticsOptions, instanceNorm, type InstanceNormOptions } from './core/ops/batchNorm.ts';
export { groupNorm, layerNorm, localResponseNorm, type LocalResponseNormOptions, normalize, type NormalizeOptions, rmsNorm } from './core/ops/normalize.ts';
export { type NormOptions } from './core/ops/normArguments.ts';
import './core/ops/convert.ts';
import './core/ops/strided.ts';
import './core/ops/methods.ts';

// optimizers
export {
  Adam, type AdamOptions, type AdamState, AdamW, type ClipNormOptions, ConstantLR, type ConstantLROptions, CosineAnnealingLR, type CosineAnnealingLROptions, ExponentialLR,
  type GammaOptions, LRScheduler, LambdaLR, LinearLR, type LinearLROptions, type LrLambda, MultiStepLR, Optimizer, type OptimizerOptions, type OptimizerStateDict,
  type ParamGroup, type ParamGroupInput, type ParamState, type ParamsInput, PolynomialLR, type PolynomialLROptions, SGD, type SGDOptions, type SGDState, type SchedulerOptions,
  type SchedulerStateDict, type Setting, type Settings, type StateFields, type StepHook, StepLR, clipGradNorm_, clipGradValue_, getTotalNorm,
} from './optim/index.ts';

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

// data
export {
  BatchSampler, type BatchSamplerOptions, type Collated, DataLoader, type DataLoaderOptions, type DataLoaderState, type Dataset, defaultCollate, type EpochState,
  type Progress, progress, type ProgressOptions, type ProgressStream, type ProgressValues, RandomSampler, type RandomSamplerOptions, randomSplit, type RandomSplitOptions,
  type Sampler, SequentialSampler, type Sized, Subset, TensorDataset,
} from './core/data/index.ts';

// The public surface. Importing it also puts every operation on Tensor as a method.
export { PolyakError, ArgumentError, DTypeError, DeviceError, MemoryError, ShapeError, StateError } from './core/errors.ts';
export {
  type DType, type FloatDType, type FloatInfo, type IntegerInfo, canCast, dtypes, finfo, getDefaultDtype, iinfo, promoteTypes, resultType, setDefaultDtype,
} from './core/dtype.ts';
export type { Shape } from './core/shape.ts';
export { getDevice, registerDevice } from './core/device.ts';
export type { Device } from './core/storage.ts';
export { type NestedArray, Tensor } from './core/tensor.ts';
export { keep, scope } from './core/scope.ts';
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from './core/tape.ts';
export { type CpuInfo, cpuInfo, setFusedMultiplyAdd } from './core/cpu/settings.ts';
export { getNumThreads, setNumThreads } from './core/cpu/threads/threads.ts';
export { type BackwardOptions, type GradOptions, type TensorBackwardOptions, backward, grad } from './core/autograd.ts';
export { type Operand } from './core/op.ts';
export { type CustomContext, type CustomOpDefinition, customOp } from './core/custom.ts';
export { GradcheckError, type GradcheckOptions, type GradcheckResult, type GradgradcheckOptions, gradcheck, gradgradcheck } from './core/gradcheck.ts';

// operations
export { arange, empty, emptyLike, eye, full, fullLike, isTensor, linspace, ones, onesLike, tensor, type TensorData, type TensorOptions, zeros, zerosLike } from './core/ops/creation.ts';
export {
  abs, acos, add, asin, atan, atan2, ceil, cos, cosh, erf, exp, exp2, expm1, floor, log, log10, log1p, log2, maximum, minimum, mul, neg, reciprocal,
  round, rsqrt, rsub, sign, sin, sinh, sqrt, square, sub, tan, trunc,
} from './core/ops/pointwise.ts';
export { pow } from './core/ops/power.ts';
export { type RoundingMode, div, floorDivide, fmod, remainder } from './core/ops/division.ts';
export {
  acosh, asinh, atanh, digamma, erfc, erfinv, frac, heaviside, hypot, lgamma, logaddexp, logit, type LogitOptions, nanToNum, type NanToNumOptions, polygamma, sinc, xlogy,
} from './core/ops/special.ts';
export { angle, copysign, deg2rad, isneginf, isposinf, isreal, positive, rad2deg, real, sgn, signbit } from './core/ops/sign.ts';
export { floatPower, fmax, fmin, gcd, lcm, ldexp, logaddexp2, nextafter } from './core/ops/pairs.ts';
export { type MantissaAndExponent, frexp } from './core/ops/frexp.ts';
export { igamma, igammac, mvlgamma } from './core/ops/gamma.ts';
export { i0 } from './core/ops/bessel.ts';
export { bitwiseLeftShift, bitwiseRightShift } from './core/ops/shift.ts';
export { clampMax, clampMin } from './core/ops/select.ts';
export { fill } from './core/ops/convert.ts';
export * as special from './core/special.ts';
export { bitwiseAnd, bitwiseNot, bitwiseOr, bitwiseXor } from './core/ops/bitwise.ts';
export { allclose, type CloseOptions, equal, isclose } from './core/ops/close.ts';
export { eq, ge, gt, isfinite, isinf, isnan, le, logicalAnd, logicalNot, logicalOr, logicalXor, lt, ne } from './core/ops/compare.ts';
export {
  celu, elu, hardshrink, hardsigmoid, hardswish, hardtanh, leakyRelu, prelu, relu6, selu, softshrink, threshold,
} from './core/ops/piecewise.ts';
export { glu, logsigmoid, mish, relu, sigmoid, silu, softplus, softsign, tanh, tanhshrink } from './core/ops/activation.ts';
export { type GeluApproximation, type GeluOptions, gelu } from './core/ops/gelu.ts';
export { type SoftmaxOptions, logSoftmax, softmax, softmin } from './core/ops/softmax.ts';
export { type ValueOptions, addcdiv, addcmul, lerp } from './core/ops/ternary.ts';
export { clamp, maskedFill, where } from './core/ops/select.ts';
export { type ScanOptions, cumprod, cumsum } from './core/ops/cumulate.ts';
export { type KeepdimOptions, type ValuesAndIndices, argmax, argmin, max, median, min } from './core/ops/extrema.ts';
export { type MomentOptions, logsumexp, std, variance as var } from './core/ops/moments.ts';
export { norm } from './core/ops/norm.ts';
export { type Dims, type PlainReduceOptions, type ReduceOptions, all, amax, amin, any, countNonzero, mean, prod, sum, sumToSize } from './core/ops/reduce.ts';
export { type IndexItem, type IndexPutOptions, Slice, index, indexPut, slice } from './core/ops/indexing.ts';
export { gather, scatterAdd, takeAlongDim } from './core/ops/gather.ts';
export { embedding, type EmbeddingOptions, indexAdd, type IndexAddOptions, indexCopy, indexFill, indexSelect, oneHot, take } from './core/ops/lookup.ts';
export { maskedScatter, maskedSelect } from './core/ops/masked.ts';
export { nonzero } from './core/ops/nonzero.ts';
export { cat, chunk, hstack, split, stack, unbind, vstack } from './core/ops/join.ts';
export { diag, diagonal, flip, meshgrid, type MeshgridOptions, repeat, repeatInterleave, roll, tile, trace, tril, triu } from './core/ops/arrange.ts';
export {
  argsort, bucketize, type BucketizeOptions, searchsorted, type SearchsortedOptions, sort, type Sorted, type SortOptions, topk, type TopkOptions,
} from './core/ops/sort.ts';
export {
  broadcastTo, clone, detach, expand, flatten, movedim, narrow, permute, reshape, select, squeeze, t, transpose, unflatten, unsqueeze,
} from './core/ops/view.ts';
export { addmm, type AddmmOptions, baddbmm, bmm, dot, matmul, mm, mv, outer } from './core/ops/matmul.ts';
export {
  addbmm, addmv, addr, blockDiag, cartesianProd, chainMatmul, combinations, type CombinationsOptions, cross, inner, kron, tensordot, vander, type VanderOptions, vdot,
} from './core/ops/products.ts';
export {
  type AminmaxOptions, type CovOptions, type QuantileInterpolation, type QuantileOptions, aminmax, corrcoef, cov, isin, nanmean, nanquantile, nansum, quantile, stdMean, varMean,
} from './core/ops/statistics.ts';
export { type NanMedian, cummax, cummin, kthvalue, logcumsumexp, mode, msort, nanmedian } from './core/ops/running.ts';
export {
  type CdistOptions, type DiffOptions, type GradientOptions, type TrapezoidOptions, cdist, cumulativeTrapezoid, diff, dist, gradient, pdist, renorm, trapezoid,
} from './core/ops/differences.ts';
export { type BincountOptions, type HistcOptions, type HistogramOptions, bincount, histc, histogram } from './core/ops/counting.ts';
export { scatter, type ScatterOptions, type ScatterReduceOptions, type ScatterReduction, indexReduce, put, scatterReduce } from './core/ops/scatterReduce.ts';
export { type PadMode, type PadOptions, pad } from './core/ops/pad.ts';
export { type InterpolateOptions, type InterpolationMode, interpolate } from './core/ops/interpolate.ts';
export { type GridSampleOptions, affineGrid, gridSample } from './core/ops/gridSample.ts';
export { conv3d, convTranspose3d } from './core/ops/conv3d.ts';
export { adaptiveAvgPool3d, adaptiveMaxPool3d, avgPool3d, maxPool3d } from './core/ops/pool3d.ts';
export { dropout3d, featureAlphaDropout } from './core/ops/dropout.ts';
export {
  type FractionalMaxPoolOptions, type LpPoolOptions, type MaxUnpoolOptions, fractionalMaxPool2d, fractionalMaxPool3d, lpPool1d, lpPool2d, lpPool3d, maxUnpool1d, maxUnpool2d, maxUnpool3d,
} from './core/ops/unpool.ts';
export { einsum } from './core/ops/einsum.ts';
export { type HammingOptions, type KaiserOptions, type LogspaceOptions, type WindowOptions, bartlettWindow, blackmanWindow, hammingWindow, hannWindow, kaiserWindow, logspace } from './core/ops/ranges.ts';
export { type Pair, type PatchOptions, channelShuffle, fold, pixelShuffle, pixelUnshuffle } from './core/ops/patches.ts';
export {
  ZeroPad1d, ZeroPad2d, ZeroPad3d, ConstantPad1d, ConstantPad2d, ConstantPad3d, ReflectionPad1d, ReflectionPad2d, ReflectionPad3d, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, CircularPad1d, CircularPad2d, CircularPad3d,
} from './nn/layers/padding.ts';
export { Upsample, type UpsampleOptions, UpsamplingBilinear2d, UpsamplingNearest2d } from './nn/layers/upsample.ts';
export { Conv3d, ConvTranspose3d } from './nn/layers/conv.ts';
export {
  FractionalMaxPool2d, FractionalMaxPool3d, type FractionalMaxPoolLayerOptions, LPPool1d, LPPool2d, LPPool3d, type LpPoolLayerOptions, MaxUnpool1d, MaxUnpool2d, MaxUnpool3d,
  type MaxUnpoolLayerOptions,
} from './nn/layers/unpool.ts';
export { Dropout3d, FeatureAlphaDropout } from './nn/layers/dropout.ts';
export { InstanceNorm3d } from './nn/layers/batchnorm.ts';
export { ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold } from './nn/layers/patches.ts';
export {
  atleast1d, atleast2d, atleast3d, broadcastShapes, broadcastTensors, columnStack, dsplit, dstack, hsplit, splitWithSizes, tensorSplit, vsplit,
} from './core/ops/pieces.ts';
export { diagEmbed, diagflat, diagonalScatter, fliplr, flipud, ravel, rot90, selectScatter, sliceScatter, trilIndices, triuIndices } from './core/ops/turn.ts';
export { type AttentionOptions, scaledDotProductAttention } from './core/ops/attention.ts';
export * as linalg from './core/linalg.ts';
export { LinAlgError } from './core/errors.ts';
export { cholesky, choleskyInverse, choleskySolve, type UpperOptions } from './core/ops/linalg/cholesky.ts';
export { det, logdet, slogdet } from './core/ops/linalg/det.ts';
export { inverse } from './core/ops/linalg/inverse.ts';
export { lu, type LuOptions, luSolve, luUnpack, type UnpackOptions } from './core/ops/linalg/lu.ts';
export { pinverse } from './core/ops/linalg/pinv.ts';
export { matrixExp, matrixPower } from './core/ops/linalg/power.ts';
export { geqrf, orgqr, ormqr, type OrmqrOptions, qr, type QrOptions } from './core/ops/linalg/qr.ts';
export { svd, type SvdOptions } from './core/ops/linalg/svd.ts';
export { triangularSolve, type TriangularSolveOptions } from './core/ops/linalg/triangular.ts';
export { linear } from './core/ops/linear.ts';
export { lstmCell } from './core/ops/lstmCell.ts';
export { gruCell } from './core/ops/gruCell.ts';
export { rnnReluCell, rnnTanhCell } from './core/ops/rnnCell.ts';
export { conv1d, conv2d, type ConvOptions, convTranspose1d, convTranspose2d, type ConvTransposeOptions } from './core/ops/conv.ts';
export { Generator, type GeneratorState, defaultGenerator, initialSeed, manualSeed, seed } from './core/random.ts';
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
export { crossEntropy, nllLoss } from './core/ops/crossEntropy.ts';
export { binaryCrossEntropy, binaryCrossEntropyWithLogits, huberLoss, l1Loss, mseLoss, smoothL1Loss } from './core/ops/loss.ts';
export { gaussianNllLoss, klDiv, poissonNllLoss } from './core/ops/likelihood.ts';
export {
  cosineEmbeddingLoss, cosineSimilarity, hingeEmbeddingLoss, marginRankingLoss, multiMarginLoss, pairwiseDistance, softMarginLoss, tripletMarginLoss,
} from './core/ops/similarity.ts';
export { type Reduction, type ReductionOptions } from './core/ops/reduction.ts';
import './core/whole.ts';
export { useMethods } from './core/ops/attach.ts';

// modules
export { type BufferOptions, Buffer, Parameter, type ParameterOptions } from './nn/parameter.ts';
export { Module } from './nn/module.ts';
export { type LoadStateDictOptions, type LoadStateDictResult, type StateDict, type StateDictOptions } from './nn/state.ts';
export { type NamedOptions } from './nn/traverse.ts';
export { type ModuleTarget } from './nn/convert.ts';
export { type HookOptions } from './nn/hooks.ts';
export { type Cloneable, type Copier, cloneHook, deepCopy } from './nn/copy.ts';
export { toCamelCase, toSnakeCase } from './core/names.ts';
export { summary, type SummaryInput, type SummaryOptions } from './nn/summary.ts';
export * as F from './nn/functional.ts';
export * as init from './nn/init.ts';
export { type FactoryOptions } from './nn/layers/check.ts';
export { ModuleDict, ModuleList, ParameterDict, ParameterList } from './nn/layers/containers.ts';
export { Sequential, type TensorModule } from './nn/layers/sequential.ts';
export { Bilinear, Identity, Linear, type LinearOptions } from './nn/layers/linear.ts';
export { LSTMCell, type RNNCellOptions } from './nn/layers/recurrent.ts';
export { type ElmanCellOptions, GRUCell, RNNCell, RNNCellBase } from './nn/layers/recurrent.ts';
export { GRU, LSTM, type LSTMOptions, RNN, type RNNOptions } from './nn/layers/rnn.ts';
export { RNNBase, type RNNBaseOptions, type RecurrentOutput } from './nn/layers/rnnBase.ts';
export { type PackPaddedOptions, type PackSequenceOptions, PackedSequence, type PadPackedOptions, packPaddedSequence, packSequence, padPackedSequence, unpackSequence } from './nn/packed.ts';
export { type PadSequenceOptions, type UnpadSequenceOptions, padSequence, unpadSequence } from './nn/pad.ts';
export { Flatten, type FlattenOptions, Unflatten } from './nn/layers/shape.ts';
export { Conv1d, Conv2d, type ConvLayerOptions, ConvTranspose1d, ConvTranspose2d, type ConvTransposeLayerOptions } from './nn/layers/conv.ts';
export {
  AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AvgPool1d, AvgPool2d, type AvgPool2dLayerOptions, AvgPool3d, type AvgPoolLayerOptions, type OutputSize1d, type OutputSize2d,
  type OutputSize3d,
} from './nn/layers/pool.ts';
export {
  AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d, type AdaptiveMaxPoolLayerOptions, MaxPool1d, MaxPool2d, MaxPool3d, type MaxPoolLayerOptions, type MaxPooled,
} from './nn/layers/maxPool.ts';
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormOptions, InstanceNorm1d, InstanceNorm2d } from './nn/layers/batchnorm.ts';
export { GroupNorm, type GroupNormOptions, LayerNorm, type LayerNormOptions, RMSNorm, type RMSNormOptions } from './nn/layers/norm.ts';
export { AlphaDropout, Dropout, Dropout1d, Dropout2d, type DropoutOptions } from './nn/layers/dropout.ts';
export { Embedding, type EmbeddingLayerOptions, type PretrainedOptions } from './nn/layers/embedding.ts';
export {
  GELU, type GELUOptions, GLU, Hardsigmoid, Hardswish, LogSigmoid, LogSoftmax, Mish, ReLU, ReLU6, SELU, SiLU, Sigmoid, Softmax, Softmin, Softsign, Tanh, Tanhshrink,
} from './nn/layers/activation.ts';
export {
  CELU, type CELUOptions, ELU, type ELUOptions, Hardshrink, type HardshrinkOptions, Hardtanh, type HardtanhOptions, LeakyReLU, type LeakyReLUOptions, Softplus, type SoftplusOptions, Softshrink,
  type SoftshrinkOptions, Threshold,
} from './nn/layers/shaped.ts';
export { BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss } from './nn/layers/loss.ts';
export {
  CosineEmbeddingLoss, GaussianNLLLoss, HingeEmbeddingLoss, HuberLoss, KLDivLoss, L1Loss, MSELoss, MarginRankingLoss, MultiMarginLoss, PoissonNLLLoss, SmoothL1Loss,
  SoftMarginLoss, TripletMarginLoss,
} from './nn/layers/distance.ts';

// optimizers and schedules
export {
  ASGD, type ASGDOptions, Adadelta, type AdadeltaOptions, Adafactor, type AdafactorOptions, type AdafactorState, Adagrad, type AdagradOptions, Adam,
  type AdamOptions, type AdamState, AdamW, type AdamWOptions, AdamWScheduleFree, type AdamWScheduleFreeOptions, type AdamWScheduleFreeState, Adamax,
  type AdamaxOptions, type AnyScheduler, ChainedScheduler, type ClipNormOptions, ConstantLR, type ConstantLROptions, CosineAnnealingLR,
  type CosineAnnealingLROptions, CosineAnnealingWarmRestarts, CyclicLR, type CyclicLROptions, ExponentialLR, type GammaOptions, LBFGS, type LBFGSOptions,
  LRScheduler, LambdaLR, LinearLR, type LinearLROptions, Lookahead, type LookaheadOptions, type LookaheadStateDict, type LrLambda, MultiStepLR,
  MultiplicativeLR, Muon, type MuonOptions, type MuonState, NAdam, type NAdamOptions, type NestedStateDict, OneCycleLR, type OneCycleLROptions, Optimizer,
  type OptimizerArguments, type OptimizerOptions, type OptimizerStateDict, type ParamGroup, type ParamGroupInput, type ParamState, type ParamsInput, type PlateauOptions,
  type PlateauStateDict, PolynomialLR, type PolynomialLROptions, RAdam, type RAdamOptions, RMSprop, type RMSpropOptions, ReduceLROnPlateau, Rprop,
  type RpropOptions, RuledOptimizer, type RuledState, SGD, type SGDOptions, SGDScheduleFree, type SGDScheduleFreeOptions, type SGDScheduleFreeState,
  type SGDState, SWALR, type SWALROptions, ScheduleFree, type ScheduleFreeCounters, type ScheduleFreeOptions, type SchedulerOptions, type SchedulerStateDict,
  SequentialLR, type SequentialLROptions, type Setting, type Settings, type StateFields, type StepHook, StepLR, type WarmRestartsOptions, clipGradNorm_,
  clipGradValue_, getTotalNorm,
} from './optim/index.ts';

// around averages
export {
  type BatchNormUpdateOptions, type GreedySoup, type GreedySoupOptions, type SoupSource, type SoupState, type UniformSoupOptions, greedySoup, recalibrateBatchNorm, uniformSoup, updateBN,
} from './ema/index.ts';

// averages in models, behind optimizers, and in files
export {
  type Attachment, type AverageForm, type AverageInfo, type LoadAverageOptions, type StepHooks, type Swap, type Swappable, averageState, loadAverage, saveAverage, withAveraged,
} from './ema/index.ts';

// averages
export {
  type AnnealingOptions, type AveragedOptions, BaseAveragedModel, type EMAOptions, ExponentialMovingAverage, LerpAverage, MomentumAnnealingEMA, PowerFunctionEMA, type PowerFunctionOptions,
  RampUpEMA, type RampUpOptions, StochasticWeightAverage, WarmupEMA, type WarmupOptions, gammaFromSigmaRel, momentumFromHalfLife, scaleMomentum, sigmaRelFromGamma,
} from './ema/index.ts';

// options of averages
export {
  type AveragingProgress, type EntryPolicy, type ExamplesOption, LatestWeightAverage, type LatestOptions, type MomentumSchedule, type NonFinitePolicy, type PolicyOption,
} from './ema/index.ts';

// profiles of averages, post-hoc synthesis, insight
export {
  AveragedProfiles, type Distance, type EffectiveWindow, FolderSnapshots, MemorySnapshots, type PlotDocument, type PlotModule, type PostHocOptions, type PostHocWeights,
  type PowerProfile, type ProfileSvgOptions, type ProfilesOptions, type Snapshot, type SnapshotInfo, type SnapshotOptions, type SnapshotStore, type SnapshotWeight,
  type SourceDistance, Synthesis, type SynthesisOptions, type SynthesisTarget, distanceToSource, effectiveWeights, effectiveWindow, postHocWeights, powerProfileWeights,
  profileInnerProduct, profileSvg, putSnapshot, readSnapshot, snapshotName, synthesize, synthesizeAll,
} from './ema/index.ts';

// files
export {
  type Bytes, type CheckpointOptions, type CheckpointParts, type FilePath, type FloatFileDType, load, loadCheckpoint, loadIdx, loadSafetensors, packCheckpoint, readIdx,
  readSafetensors, type SafetensorsFile, type SafetensorsOptions, save, saveCheckpoint, saveSafetensors, type Stateful, type StatefulGenerator, type StateTree,
  unpackCheckpoint, writeSafetensors,
} from './core/io/index.ts';

// data
export {
  BatchSampler, type BatchSamplerOptions, type Collated, DataLoader, type DataLoaderArguments, type DataLoaderOptions, type DataLoaderState, type Dataset, defaultCollate, type EpochState,
  type Progress, progress, type ProgressOptions, type ProgressStream, type ProgressValues, RandomSampler, type RandomSamplerOptions, randomSplit, type RandomSplitOptions,
  type Sampler, SequentialSampler, type Sized, Subset, TensorDataset,
} from './core/data/index.ts';

// functions of functions
export { type InDims, type OutDims, type VmapOptions, vmap } from './core/func/vmap.ts';
export {
  type FunctionalOptions, type HessianOptions, type HvpResult, type JacobianOptions, type JvpResult, type Tensors, type VhpResult, type VjpResult, hessian, hvp, jacobian, jvp, vhp, vjp,
} from './core/func/functional.ts';
export { checkpoint, checkpointSequential } from './core/func/checkpoint.ts';
export * as func from './nn/func.ts';
// attention and transformers
export { type AttentionOutput, type MultiHeadAttentionOptions, multiHeadAttentionForward } from './core/ops/multiHeadAttention.ts';
export { type AttendOptions, MultiheadAttention, type MultiheadAttentionOptions } from './nn/layers/attention.ts';
export {
  type Activation, type DecoderMasks, type EncoderLayerMasks, TransformerDecoderLayer, TransformerEncoderLayer, type TransformerLayerOptions,
} from './nn/layers/transformerLayer.ts';
export {
  type DecoderLayer, type EncoderLayer, type EncoderMasks, Transformer, TransformerDecoder, TransformerEncoder, type TransformerEncoderOptions, type TransformerMasks,
  type TransformerOptions,
} from './nn/layers/transformer.ts';

// more losses
export { ctcLoss, type CtcLossOptions, type Lengths } from './core/ops/ctcLoss.ts';
export { multilabelMarginLoss, multilabelSoftMarginLoss, type MultilabelSoftMarginLossOptions } from './core/ops/multilabel.ts';
export { type DistanceFunction, type TripletDistanceOptions, tripletMarginWithDistanceLoss } from './core/ops/tripletDistance.ts';

// tables, bilinear maps, random activations
export { type BagMode, embeddingBag, type EmbeddingBagOptions } from './core/ops/embeddingBag.ts';
export { type TableOptions } from './core/ops/embeddingRules.ts';
export { bilinear } from './core/ops/bilinear.ts';
export { rrelu, type RreluOptions } from './core/ops/rrelu.ts';
export { gumbelSoftmax, type GumbelSoftmaxOptions } from './core/ops/gumbelSoftmax.ts';
export { EmbeddingBag, type EmbeddingBagLayerOptions, type PretrainedBagOptions } from './nn/layers/embedding.ts';
export { CTCLoss, MultiLabelMarginLoss, MultiLabelSoftMarginLoss, TripletMarginWithDistanceLoss } from './nn/layers/labels.ts';
export { CosineSimilarity, PairwiseDistance } from './nn/layers/similarity.ts';
export { AdaptiveLogSoftmaxWithLoss, type AdaptiveLogSoftmaxOptions, type AdaptiveOutput } from './nn/layers/adaptive.ts';
export { PReLU, type PReLUOptions, RReLU, type RReLUOptions } from './nn/layers/slopes.ts';
export { type DimOptions, Softmax2d } from './nn/layers/activation.ts';
export { parametersToVector, vectorToParameters } from './nn/vector.ts';
export {
  type Parametrization, ParametrizationList, type ParametrizationOptions, isParametrized, registerParametrization, removeParametrizations,
} from './nn/parametrize.ts';
export { type SpectralNormOptions, spectralNorm, weightNorm } from './nn/parametrizations.ts';

// response normalisation
export { LocalResponseNorm } from './nn/layers/localResponseNorm.ts';
export { type DistanceModule, type TripletDistanceLayerOptions } from './nn/layers/labels.ts';

// layers that take their size from the first input
export {
  UninitializedBuffer, type UninitializedBufferOptions, UninitializedParameter, type UninitializedParameterOptions,
} from './nn/uninitialized.ts';
export { LazyConv1d, LazyConv2d, LazyConv3d, LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d } from './nn/layers/lazyConv.ts';
export {
  LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d, LazyLinear,
} from './nn/layers/lazyLayers.ts';

// orthogonal weights, fused layers, layers without initialisation
export { type OrthogonalMap, type OrthogonalOptions, orthogonal } from './nn/orthogonal.ts';
export { removeSpectralNorm, removeWeightNorm } from './nn/parametrizations.ts';
export { fuseConvBnEval, fuseConvBnWeights, fuseLinearBnEval, fuseLinearBnWeights } from './nn/fusion.ts';
export { skipInit } from './nn/skipInit.ts';
export { clipGradsWithNorm_ } from './optim/index.ts';
// more random numbers, and the state of the generator in PyTorch's bytes
export { forkRng, getRngState, setRngState } from './core/ops/rngState.ts';
export { binomial, poisson } from './core/ops/counts.ts';
export { randintLike } from './core/ops/random.ts';
export { type ConsecutiveOptions, type UniqueOptions, unique, uniqueConsecutive } from './core/ops/unique.ts';
export { asTensor } from './core/ops/asTensor.ts';
export { asStrided, emptyStrided } from './core/ops/strided.ts';
export { type Histogramdd, type HistogramddOptions, histogramdd } from './core/ops/histogramdd.ts';
export { unravelIndex } from './core/ops/unravel.ts';
export { type Lowrank, type PcaLowrankOptions, type SvdLowrankOptions, pcaLowrank, svdLowrank } from './core/ops/linalg/lowrank.ts';
export { type PrintOptions, setPrintoptions } from './core/format.ts';
export { isFloatingPoint, isNonzero, isSigned, numel } from './core/ops/facts.ts';
// files in pieces, all element types
export {
  type FileCells, type FileDType, type FileSource, type FileTarget, type LazyTensor, openSafetensors, type RawTensor, SafetensorsReader, type Savable, type SliceRange, type Storable,
  streamSafetensors, type TensorInfo, type WebFileHandle, type WebWritable,
} from './core/io/index.ts';

// checkpoints of a run
export { CheckpointManager, type CheckpointManagerOptions, download, type FolderPath, type Restored, type SavedCheckpoint, type WebFolderHandle } from './core/io/index.ts';

// more data
export {
  type BatchIndices, ChainDataset, ConcatDataset, DistributedSampler, type DistributedSamplerOptions, type ImageLike, imageToTensor, type ImageToTensorOptions,
  type IterableDataset, mapDataset, type MappedDataset, type MappedStream, type MaybeStateful, type NamedDatasets, prefetch, type PrefetchedStream, type SamplerState, shuffleBuffer, type ShuffleBufferOptions,
  type ShuffledStream, type ShuffleState, StackDataset, type Stacked, SubsetRandomSampler, type SubsetRandomSamplerOptions, tensorToImage, type TensorToImageOptions,
  WeightedRandomSampler, type WeightedRandomSamplerOptions,
} from './core/data/index.ts';

// arrays of NumPy, tables, text
export {
  type Column, type ColumnType, type CsvColumns, type CsvFormat, type CsvOptions, type CsvRow, CsvTable, type CsvWriteOptions, type IdxOptions, loadCsv, loadNpy, loadNpz, type NpyOptions, NpzReader,
  type NpzReadOptions, type NpzWriteOptions, openNpz, readCsv, readLines, readNpy, readNpyRaw, readNpz, saveCsv, saveIdx, saveNpy, saveNpz, streamCsv, type TextOptions, type Texts, type TextSource,
  writeCsv, writeIdx, writeNpy, writeNpz,
} from './core/io/index.ts';
// monitoring
export { type AnomalyOptions, detectAnomaly, isAnomalyCheckNanEnabled, isAnomalyEnabled, setDetectAnomaly } from './core/anomaly.ts';
export {
  type EventOptions, type HparamsOptions, type ScalarOptions, type SummaryHistogramOptions, SummaryWriter, type SummaryWriterOptions,
} from './core/monitor/summaryWriter.ts';
export { type HparamValue } from './core/monitor/events.ts';
export { type Scalar } from './core/monitor/values.ts';
export { CSVLogger, type CSVLoggerOptions, type LogValue } from './core/monitor/csvLogger.ts';
export { JSONLLogger, type JSONLLoggerOptions, readJSONL } from './core/monitor/jsonlLogger.ts';
export { EarlyStopping, type EarlyStoppingOptions, type EarlyStoppingStateDict, type Restorable, type StopReason } from './core/monitor/earlyStopping.ts';
export { LrCurve, type LrFindOptions, type SuggestionOptions, type TunableOptimizer, type TunableParts, lrFind } from './core/monitor/lrFind.ts';
export {
  type GuardedModel, type GuardedModule, type GuardedOptimizer, NonFiniteError, NonFiniteGuard, type NonFiniteGuardOptions, type NonFiniteReport,
} from './core/monitor/nonFiniteGuard.ts';
export { type TrialInfo, type Widened, currentTrial, reportTrial, trialParameters } from './core/monitor/trial.ts';
// ONNX, and going on in PyTorch
export { type ExportOnnxOptions, exportOnnx, saveOnnx } from './nn/export/onnx.ts';
export { OnnxModule, importOnnx, loadOnnx } from './nn/export/importOnnx.ts';
export { type ExportTorchOptions, type TorchSource, exportTorch, torchSource } from './nn/export/exportTorch.ts';
export { type DynamicAxes } from './nn/export/trace.ts';
export { type TorchLoss } from './nn/export/torch/train.ts';
export { type Gradients } from './nn/backwardHooks.ts';

// what layers and schedulers are made from, by position or by name
export { type LayerArguments, type PlacedOrNamed } from './core/given.ts';
export { type BatchNormArguments } from './nn/layers/batchnorm.ts';
export { type ConvArguments, type ConvTransposeArguments } from './nn/layers/conv.ts';
export { type LazyConvArguments, type LazyConvTransposeArguments } from './nn/layers/lazyConv.ts';
export { type AdaptiveMaxPoolArguments, type MaxPoolArguments } from './nn/layers/maxPool.ts';
export { type ConstantPadArguments, type PaddingArguments } from './nn/layers/padding.ts';
export { type AvgPoolArguments } from './nn/layers/pool.ts';
export { type DropoutArguments } from './nn/layers/dropout.ts';
export { type InplaceArguments } from './nn/layers/check.ts';
export { type RNNCellArguments } from './nn/layers/recurrent.ts';
export { type RNNArguments } from './nn/layers/rnn.ts';
export { type TransformerDecoderOptions } from './nn/layers/transformer.ts';
export { type TransformerLayerArguments } from './nn/layers/transformerLayer.ts';
export { type FractionalMaxPoolArguments, type LpPoolArguments, type MaxUnpoolArguments } from './nn/layers/unpool.ts';

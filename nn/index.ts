// The entry `polyak/nn`: modules, layers and losses; the functional forms as `F`, weight initialisation as `init`.
import '../core/whole.ts';
export { type BufferOptions, Buffer, Parameter, type ParameterOptions } from './parameter.ts';
export { Module } from './module.ts';
export { type ModuleTarget } from './convert.ts';
export { type HookOptions } from './hooks.ts';
export { type NamedOptions } from './traverse.ts';
export { type LoadStateDictOptions, type LoadStateDictResult, type StateDict, type StateDictOptions } from './state.ts';
export { type Cloneable, type Copier, cloneHook, deepCopy } from './copy.ts';
export { toCamelCase, toSnakeCase } from '../core/names.ts';
export { summary, type SummaryInput, type SummaryOptions } from './summary.ts';
export * as F from './functional.ts';
export * as functional from './functional.ts';
export * as init from './init.ts';

export { type FactoryOptions } from './layers/check.ts';
export { ModuleDict, ModuleList, type Named, ParameterDict, ParameterList } from './layers/containers.ts';
export { Sequential, type TensorModule } from './layers/sequential.ts';
export { Bilinear, Identity, Linear, type LinearOptions } from './layers/linear.ts';
export { LSTMCell, type RNNCellOptions } from './layers/recurrent.ts';
export { type ElmanCellOptions, GRUCell, RNNCell, RNNCellBase } from './layers/recurrent.ts';
export { GRU, LSTM, type LSTMOptions, RNN, type RNNOptions } from './layers/rnn.ts';
export { RNNBase, type RNNBaseOptions, type RecurrentOutput } from './layers/rnnBase.ts';
export { type PackPaddedOptions, type PackSequenceOptions, PackedSequence, type PadPackedOptions, packPaddedSequence, packSequence, padPackedSequence, unpackSequence } from './packed.ts';
export { type PadSequenceOptions, type UnpadSequenceOptions, padSequence, unpadSequence } from './pad.ts';
export { Flatten, type FlattenOptions, Unflatten } from './layers/shape.ts';
export { Conv1d, Conv2d, type ConvLayerOptions, ConvTranspose1d, ConvTranspose2d, type ConvTransposeLayerOptions } from './layers/conv.ts';
export {
  AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AvgPool1d, AvgPool2d, type AvgPool2dLayerOptions, AvgPool3d, type AvgPoolLayerOptions, type OutputSize1d, type OutputSize2d,
  type OutputSize3d,
} from './layers/pool.ts';
export {
  AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d, type AdaptiveMaxPoolLayerOptions, MaxPool1d, MaxPool2d, MaxPool3d, type MaxPoolLayerOptions, type MaxPooled,
} from './layers/maxPool.ts';
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormOptions, InstanceNorm1d, InstanceNorm2d } from './layers/batchnorm.ts';
export { GroupNorm, type GroupNormOptions, LayerNorm, type LayerNormOptions, RMSNorm, type RMSNormOptions } from './layers/norm.ts';
export { AlphaDropout, Dropout, Dropout1d, Dropout2d, type DropoutOptions } from './layers/dropout.ts';
export { Embedding, type EmbeddingLayerOptions, type PretrainedOptions } from './layers/embedding.ts';
export {
  GELU, type GELUOptions, GLU, Hardsigmoid, Hardswish, LogSigmoid, LogSoftmax, Mish, ReLU, ReLU6, SELU, SiLU, Sigmoid, Softmax, Softmin, Softsign, Tanh,
  Tanhshrink,
} from './layers/activation.ts';
export {
  CELU, type CELUOptions, ELU, type ELUOptions, Hardshrink, type HardshrinkOptions, Hardtanh, type HardtanhOptions, LeakyReLU, type LeakyReLUOptions, Softplus, type SoftplusOptions, Softshrink,
  type SoftshrinkOptions, Threshold,
} from './layers/shaped.ts';
export { BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss } from './layers/loss.ts';
export {
  CosineEmbeddingLoss, GaussianNLLLoss, HingeEmbeddingLoss, HuberLoss, KLDivLoss, L1Loss, MSELoss, MarginRankingLoss, MultiMarginLoss, PoissonNLLLoss,
  SmoothL1Loss, SoftMarginLoss, TripletMarginLoss,
} from './layers/distance.ts';
export { ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold } from './layers/patches.ts';
export { type AttendOptions, MultiheadAttention, type MultiheadAttentionOptions } from './layers/attention.ts';
export {
  type Activation, type DecoderMasks, type EncoderLayerMasks, TransformerDecoderLayer, TransformerEncoderLayer, type TransformerLayerOptions,
} from './layers/transformerLayer.ts';
export {
  type DecoderLayer, type EncoderLayer, type EncoderMasks, Transformer, TransformerDecoder, TransformerEncoder, type TransformerEncoderOptions, type TransformerMasks,
  type TransformerOptions,
} from './layers/transformer.ts';
export { EmbeddingBag, type EmbeddingBagLayerOptions, type PretrainedBagOptions } from './layers/embedding.ts';
export { CTCLoss, MultiLabelMarginLoss, MultiLabelSoftMarginLoss, TripletMarginWithDistanceLoss } from './layers/labels.ts';
export { CosineSimilarity, PairwiseDistance } from './layers/similarity.ts';
export { AdaptiveLogSoftmaxWithLoss, type AdaptiveLogSoftmaxOptions, type AdaptiveOutput } from './layers/adaptive.ts';
export { PReLU, type PReLUOptions, RReLU, type RReLUOptions } from './layers/slopes.ts';
export { type DimOptions, Softmax2d } from './layers/activation.ts';
export { parametersToVector, vectorToParameters } from './vector.ts';
export {
  type Parametrization, ParametrizationList, type ParametrizationOptions, isParametrized, registerParametrization, removeParametrizations,
} from './parametrize.ts';
export { type SpectralNormOptions, spectralNorm, weightNorm } from './parametrizations.ts';
export * as utils from './toolbox.ts';
export {
  ZeroPad1d, ZeroPad2d, ZeroPad3d, ConstantPad1d, ConstantPad2d, ConstantPad3d, ReflectionPad1d, ReflectionPad2d, ReflectionPad3d, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, CircularPad1d, CircularPad2d, CircularPad3d,
} from './layers/padding.ts';
export { Upsample, type UpsampleOptions, UpsamplingBilinear2d, UpsamplingNearest2d } from './layers/upsample.ts';
export { Conv3d, ConvTranspose3d } from './layers/conv.ts';
export {
  FractionalMaxPool2d, FractionalMaxPool3d, type FractionalMaxPoolLayerOptions, LPPool1d, LPPool2d, LPPool3d, type LpPoolLayerOptions, MaxUnpool1d, MaxUnpool2d, MaxUnpool3d,
  type MaxUnpoolLayerOptions,
} from './layers/unpool.ts';
export { Dropout3d, FeatureAlphaDropout } from './layers/dropout.ts';
export { InstanceNorm3d } from './layers/batchnorm.ts';

// response normalisation
export { LocalResponseNorm } from './layers/localResponseNorm.ts';
export { type DistanceModule, type TripletDistanceLayerOptions } from './layers/labels.ts';

// layers that take their size from the first input
export {
  UninitializedBuffer, type UninitializedBufferOptions, UninitializedParameter, type UninitializedParameterOptions,
} from './uninitialized.ts';
export { LazyConv1d, LazyConv2d, LazyConv3d, LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d } from './layers/lazyConv.ts';
export {
  LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d, LazyLinear,
} from './layers/lazyLayers.ts';

// orthogonal weights, fused layers, layers without initialisation
export { type OrthogonalMap, type OrthogonalOptions, orthogonal } from './orthogonal.ts';
export { removeSpectralNorm, removeWeightNorm } from './parametrizations.ts';
export { fuseConvBnEval, fuseConvBnWeights, fuseLinearBnEval, fuseLinearBnWeights } from './fusion.ts';
export { skipInit } from './skipInit.ts';
// Other formats: ONNX, and code for PyTorch.
export { type ExportOnnxOptions, exportOnnx, saveOnnx } from './export/onnx.ts';
export { OnnxModule, importOnnx, loadOnnx } from './export/importOnnx.ts';
export { type ExportTorchOptions, type TorchSource, exportTorch, torchSource } from './export/exportTorch.ts';
export { type DynamicAxes } from './export/trace.ts';
export { type TorchLoss } from './export/torch/train.ts';
export { type Gradients } from './backwardHooks.ts';

// what layers are made from, by position or by name
export { type LayerArguments } from '../core/given.ts';
export { type BatchNormArguments } from './layers/batchnorm.ts';
export { type ConvArguments, type ConvTransposeArguments } from './layers/conv.ts';
export { type LazyConvArguments, type LazyConvTransposeArguments } from './layers/lazyConv.ts';
export { type AdaptiveMaxPoolArguments, type MaxPoolArguments } from './layers/maxPool.ts';
export { type ConstantPadArguments, type PaddingArguments } from './layers/padding.ts';
export { type AvgPoolArguments } from './layers/pool.ts';
export { type RNNCellArguments } from './layers/recurrent.ts';
export { type RNNArguments } from './layers/rnn.ts';
export { type TransformerDecoderOptions } from './layers/transformer.ts';
export { type TransformerLayerArguments } from './layers/transformerLayer.ts';
export { type FractionalMaxPoolArguments, type LpPoolArguments, type MaxUnpoolArguments } from './layers/unpool.ts';

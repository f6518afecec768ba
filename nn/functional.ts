// What PyTorch has in torch.nn.functional.
export { glu, logsigmoid, mish, relu, sigmoid, silu, softplus, softsign, tanh, tanhshrink } from '../core/ops/activation.ts';
export {
  celu, elu, hardshrink, hardsigmoid, hardswish, hardtanh, leakyRelu, prelu, relu6, selu, softshrink, threshold,
} from '../core/ops/piecewise.ts';
export { gelu } from '../core/ops/gelu.ts';
export { logSoftmax, softmax, softmin } from '../core/ops/softmax.ts';
export { linear } from '../core/ops/linear.ts';
export { type AttentionOptions, scaledDotProductAttention } from '../core/ops/attention.ts';
export { conv1d, conv2d, convTranspose1d, convTranspose2d } from '../core/ops/conv.ts';
export { adaptiveMaxPool1d, adaptiveMaxPool2d, maxPool1d, maxPool2d } from '../core/ops/maxPool.ts';
export { adaptiveAvgPool1d, adaptiveAvgPool2d, avgPool1d, avgPool2d } from '../core/ops/pool.ts';
export { alphaDropout, dropout, dropout1d, dropout2d } from '../core/ops/dropout.ts';
export { embedding, oneHot } from '../core/ops/lookup.ts';
export { batchNorm, instanceNorm } from '../core/ops/batchNorm.ts';
export { groupNorm, layerNorm, localResponseNorm, normalize, rmsNorm } from '../core/ops/normalize.ts';
export { crossEntropy, nllLoss } from '../core/ops/crossEntropy.ts';
export { binaryCrossEntropy, binaryCrossEntropyWithLogits, huberLoss, l1Loss, mseLoss, smoothL1Loss } from '../core/ops/loss.ts';
export { gaussianNllLoss, klDiv, poissonNllLoss } from '../core/ops/likelihood.ts';
export {
  cosineEmbeddingLoss, cosineSimilarity, hingeEmbeddingLoss, marginRankingLoss, multiMarginLoss, pairwiseDistance, softMarginLoss, tripletMarginLoss,
} from '../core/ops/similarity.ts';
export { channelShuffle, fold, pixelShuffle, pixelUnshuffle, unfold } from '../core/ops/patches.ts';
export { pdist } from '../core/ops/differences.ts';
export { multiHeadAttentionForward } from '../core/ops/multiHeadAttention.ts';
export { ctcLoss } from '../core/ops/ctcLoss.ts';
export { multilabelMarginLoss, multilabelSoftMarginLoss } from '../core/ops/multilabel.ts';
export { tripletMarginWithDistanceLoss } from '../core/ops/tripletDistance.ts';
export { embeddingBag } from '../core/ops/embeddingBag.ts';
export { bilinear } from '../core/ops/bilinear.ts';
export { rrelu } from '../core/ops/rrelu.ts';
export { gumbelSoftmax } from '../core/ops/gumbelSoftmax.ts';
export { pad } from '../core/ops/pad.ts';
export { interpolate } from '../core/ops/interpolate.ts';
export { affineGrid, gridSample } from '../core/ops/gridSample.ts';
export { conv3d, convTranspose3d } from '../core/ops/conv3d.ts';
export { adaptiveAvgPool3d, adaptiveMaxPool3d, avgPool3d, maxPool3d } from '../core/ops/pool3d.ts';
export { dropout3d, featureAlphaDropout } from '../core/ops/dropout.ts';
export { fractionalMaxPool2d, fractionalMaxPool3d, lpPool1d, lpPool2d, lpPool3d, maxUnpool1d, maxUnpool2d, maxUnpool3d } from '../core/ops/unpool.ts';
export { celu_, elu_, hardtanh_, leakyRelu_, relu_, rrelu_, selu_, threshold_ } from '../core/ops/overwriting.ts';

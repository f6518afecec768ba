// What PyTorch has in torch.nn.functional.
export {
  celu, elu, glu, hardshrink, hardsigmoid, hardswish, hardtanh, leakyRelu, logsigmoid, mish, prelu, relu, relu6, selu, sigmoid, silu, softplus,
  softshrink, softsign, tanh, tanhshrink, threshold,
} from '../core/ops/activation.ts';
export { gelu } from '../core/ops/gelu.ts';
export { logSoftmax, softmax, softmin } from '../core/ops/softmax.ts';
export { linear } from '../core/ops/linear.ts';
export { conv1d, conv2d, convTranspose1d, convTranspose2d } from '../core/ops/conv.ts';
export { adaptiveMaxPool1d, adaptiveMaxPool2d, maxPool1d, maxPool2d } from '../core/ops/maxPool.ts';
export { adaptiveAvgPool1d, adaptiveAvgPool2d, avgPool1d, avgPool2d } from '../core/ops/pool.ts';
export { alphaDropout, dropout, dropout1d, dropout2d } from '../core/ops/dropout.ts';
export { embedding, oneHot } from '../core/ops/lookup.ts';
export { batchNorm, instanceNorm } from '../core/ops/batchNorm.ts';
export { groupNorm, layerNorm, localResponseNorm, normalize, rmsNorm } from '../core/ops/normalize.ts';

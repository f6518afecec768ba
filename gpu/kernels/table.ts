import type { Kernel, Primitive } from '../../core/op.ts';
import { asStridedScatter, cat, flip, place, triangle } from './arrange.ts';
import { conv, convInput, convWeight } from './conv.ts';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.ts';
import { extreme } from './extrema.ts';
import { gather, index, indexPut, oneHot, scatter } from './indexing.ts';
import { addmm, linear, matmul } from './matmul.ts';
import { variance, logsumexp } from './moments.ts';
import { batchNorm, batchNormBackward, channelStats, layerNorm, layerNormBackward, rowStats } from './normalize.ts';
import { avgPool, avgPoolSpread, maxPool, maxPoolPick, maxPoolSpread } from './pool.ts';
import { random } from './random.ts';
import { cumprod, cumsum, delay, recurrence } from './scan.ts';
import { softmax, softmaxBackward } from './softmax.ts';

/** Kernels written by hand, by the name of the primitive; those with a formula need none. */
const kernels: Readonly<Record<string, Kernel<never>>> = {
  matmul, addmm, linear,
  softmax: softmax(false), softmaxBackward: softmaxBackward(false), logSoftmax: softmax(true), logSoftmaxBackward: softmaxBackward(true),
  crossEntropy, crossEntropyBackward,
  cat, place, asStridedScatter, flip, triangle,
  gather, scatter, index, indexPut, oneHot,
  conv, convTranspose: convInput, convWeight,
  maxPool, maxPoolSpread, maxPoolPick, avgPool, avgPoolSpread,
  channelStats, rowStats, batchNorm, batchNormBackward, layerNorm, layerNormBackward,
  argmax: extreme(true), argmin: extreme(false), maxDim: extreme(true), minDim: extreme(false),
  uniform: random, normal: random, bernoulli: random, random, exponential: random, cauchy: random, geometric: random, logNormal: random,
  cumsum, cumprod, recurrence, delay,
  var: variance(false), std: variance(true), logsumexp,
};

/** The kernel written for a primitive, if there is one. */
export function writtenKernel<A>({ name }: Primitive<A>): Kernel<A> | undefined {
  return Object.hasOwn(kernels, name) ? (kernels[name] as Kernel<A>) : undefined;
}

import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { allocate, release } from '../memory/heap.ts';
import type { NormAttrs, NormBackwardAttrs } from '../normalize.ts';
import { channelStats, normChannels, normChannelsBackward } from '../wasm/normalize-channels.ts';
import { columnStats, normColumns, normColumnsBackward } from '../wasm/normalize-columns.ts';
import { WORTH_SPLITTING, addressOrNone, isVector, panelOf } from './normalize.ts';

/** Channels per part; those of different threads lie in different lines of the cache. */
function channelsPerPart(size: number, channels: number): number {
  return threadCount() === 1 || size < WORTH_SPLITTING ? channels : Math.ceil(channels / threadCount() / 16) * 16;
}

/** Mean and biased variance of each channel of (N, C, …). */
export const fastChannelStats: FastKernel<unknown> = ([mean, variance], [input]) => {
  const x = input as Tensor;
  const size = x.numel();
  if (x.dtype !== 'float32' || size === 0) return false;
  const [samples, channels] = x.shape;
  const n = size / (samples * channels);
  const [m, v, at] = [addressOf(mean), addressOf(variance), addressOf(x)];
  const stride = 4 * channels * n;
  const each = channelsPerPart(size, channels);
  const parts: number[][] = [];
  if (n > 1) {
    if (each >= channels) channelStats.run(m, v, at, channels, samples, stride, n);
    else {
      for (let c = 0; c < channels; c += each) parts.push([m + 4 * c, v + 4 * c, at + 4 * c * n, Math.min(each, channels - c), samples, stride, n]);
      runParts(channelStats, parts);
    }
    return true;
  }
  const [panel, perColumn] = panelOf(samples, channels);
  const bytes = perColumn * ((channels + 3) & -4);
  const scratch = bytes > 0 ? allocate(bytes) : 0;
  if (each >= channels) columnStats.run(m, v, at, samples, stride, channels, panel, scratch);
  else {
    for (let c = 0; c < channels; c += each) parts.push([m + 4 * c, v + 4 * c, at + 4 * c, samples, stride, Math.min(each, channels - c), panel, scratch + perColumn * c]);
    runParts(columnStats, parts);
  }
  if (bytes > 0) release(scratch, bytes);
  return true;
};

/** `(x - mean)/√(var + eps)·weight + bias` per channel of (N, C, …). */
export const fastNormChannels: FastKernel<NormAttrs> = ([out], [input, weight, bias, mean, variance], { eps }) => {
  const x = input as Tensor;
  const size = x.numel();
  if (x.dtype !== 'float32' || size === 0 || !isVector(weight, 1) || !isVector(bias, 0)) return false;
  const [samples, channels] = x.shape;
  const n = size / (samples * channels);
  const [to, from, w, b] = [addressOf(out), addressOf(x), addressOrNone(weight), addressOrNone(bias)];
  const [m, v] = [addressOf(mean as Tensor), addressOf(variance as Tensor)];
  const stride = 4 * channels * n;
  const each = channelsPerPart(size, channels);
  if (each >= channels && n > 1) {
    normChannels.run(to, from, w, b, m, v, eps, channels, samples, stride, n);
    return true;
  }
  const bytes = n > 1 ? 0 : 8 * ((channels + 3) & -4);
  const vectors = bytes > 0 ? allocate(bytes) : 0;
  if (each >= channels) {
    normColumns.run(to, from, w, b, m, v, eps, samples, stride, channels, vectors);
    release(vectors, bytes);
    return true;
  }
  const parts: number[][] = [];
  for (let c = 0; c < channels; c += each) {
    const some = Math.min(each, channels - c);
    const skip = 4 * c;
    const operands = [w === 0 ? 0 : w + skip, b === 0 ? 0 : b + skip, m + skip, v + skip, eps];
    parts.push([to + skip * n, from + skip * n, ...operands, ...(n > 1 ? [some, samples, stride, n] : [samples, stride, some, vectors + 8 * c])]);
  }
  runParts(n > 1 ? normChannels : normColumns, parts);
  if (bytes > 0) release(vectors, bytes);
  return true;
};

/** Gradients of input, weight and bias of `fastNormChannels`. */
export const fastNormChannelsBackward: FastKernel<NormBackwardAttrs> = ([dx, dw, db], [grad, input, weight, mean, variance], { eps, training, input: wanted }) => {
  const x = input as Tensor;
  const size = x.numel();
  if (x.dtype !== 'float32' || size === 0 || !isVector(weight, 1)) return false;
  const [samples, channels] = x.shape;
  const n = size / (samples * channels);
  const [to, toWeight, toBias] = [wanted ? addressOf(dx) : 0, addressOf(dw), addressOf(db)];
  const [g, at, w] = [addressOf(grad as Tensor), addressOf(x), addressOrNone(weight)];
  const [m, v] = [addressOf(mean as Tensor), addressOf(variance as Tensor)];
  const stride = 4 * channels * n;
  const flows = training ? 1 : 0;
  const each = channelsPerPart(size, channels);
  const [panel, perColumn] = n > 1 ? [0, 0] : panelOf(samples, channels);
  const padded = (channels + 3) & -4;
  const bytes = n > 1 ? 0 : (perColumn + 12) * padded;
  const scratch = bytes > 0 ? allocate(bytes) : 0;
  const vectors = scratch + perColumn * padded;
  if (each >= channels) {
    if (n > 1) normChannelsBackward.run(to, toWeight, toBias, g, at, w, m, v, eps, channels, samples, stride, n, flows);
    else normColumnsBackward.run(to, toWeight, toBias, g, at, w, m, v, eps, samples, stride, channels, flows, panel, scratch, vectors);
  } else {
    const parts: number[][] = [];
    for (let c = 0; c < channels; c += each) {
      const some = Math.min(each, channels - c);
      const skip = 4 * c;
      const operands = [wanted ? to + skip * n : 0, toWeight + skip, toBias + skip, g + skip * n, at + skip * n, w === 0 ? 0 : w + skip, m + skip, v + skip, eps];
      parts.push([...operands, ...(n > 1 ? [some, samples, stride, n, flows] : [samples, stride, some, flows, panel, scratch + perColumn * c, vectors + 12 * c])]);
    }
    runParts(n > 1 ? normChannelsBackward : normColumnsBackward, parts);
  }
  if (bytes > 0) release(scratch, bytes);
  return true;
};

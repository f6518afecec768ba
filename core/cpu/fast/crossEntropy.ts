import type { Operand } from '../../tape.ts';
import type { Tensor } from '../../tensor.ts';
import type { CrossEntropyAttrs } from '../crossEntropy.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import { allocate, release } from '../memory/heap.ts';
import { LOSS, crossEntropyRows, crossEntropyRowsBackward } from '../wasm/crossEntropy.ts';
import { crossEntropyColumns, crossEntropyColumnsBackward } from '../wasm/crossEntropy-columns.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { heap } from '../wasm/memory.ts';

/** Elements from which the work is worth splitting over threads. */
const WORTH_SPLITTING = 1 << 14;

/** Whether the kernels know these operands. */
function isKnown(x: Tensor, target: Tensor, weight: Operand, ignoreIndex: number): boolean {
  if (x.dtype !== 'float32' || (target.dtype !== 'int64' && target.dtype !== 'int32')) return false;
  return x.numel() > 0 && ignoreIndex === (ignoreIndex | 0) && (typeof weight !== 'number' || weight === 1);
}

/** Losses, probabilities, and the weight of all targets that count. */
export const fastCrossEntropy: FastKernel<CrossEntropyAttrs> = ([losses, p, total], [input, target, weight], { classDim, ignoreIndex, smoothing, reduction }) => {
  const x = input as Tensor;
  if (!isKnown(x, target as Tensor, weight, ignoreIndex)) return false;
  const classes = x.shape[classDim];
  const samples = classDim === 0 ? 1 : x.shape[0];
  const places = x.numel() / (samples * classes);
  const [to, probabilities, counted] = [addressOf(losses), addressOf(p), addressOf(total)];
  const [from, labels, w] = [addressOf(x), addressOf(target as Tensor), typeof weight === 'number' ? 0 : addressOf(weight)];
  const [main, even] = [1 - smoothing, smoothing / classes];
  const mode = LOSS[reduction];
  if (threadCount() > 1 && samples > 1 && x.numel() >= WORTH_SPLITTING && (places === 1 || reduction !== 'none')) {
    const kernels = places === 1 ? crossEntropyRows : crossEntropyColumns;
    const each = Math.ceil(samples / threadCount());
    const pairs = allocate(16 * samples);
    const parts: number[][] = [];
    for (let s = 0; s < samples; s += each) {
      const skip = 4 * s * classes * places;
      const some = Math.min(each, samples - s);
      const sizes = places === 1 ? [some, classes] : [some, classes, places];
      parts.push([pairs + 16 * s, probabilities + skip, 0, from + skip, labels + 4 * s * places, w, ignoreIndex, ...sizes, main, even, LOSS.pairs]);
    }
    runParts(w === 0 ? kernels.plain : kernels.weighted, parts);
    settle(pairs, samples, to, counted, mode);
    release(pairs, 16 * samples);
    return true;
  }
  if (places === 1) {
    const kernel = w === 0 ? crossEntropyRows.plain : crossEntropyRows.weighted;
    kernel.run(to, probabilities, counted, from, labels, w, ignoreIndex, samples, classes, main, even, mode);
  } else {
    const kernel = w === 0 ? crossEntropyColumns.plain : crossEntropyColumns.weighted;
    kernel.run(to, probabilities, counted, from, labels, w, ignoreIndex, samples, classes, places, main, even, mode);
  }
  return true;
};

/** Adds up what the parts have found, in the order in which one part would have. */
function settle(pairs: number, samples: number, losses: number, total: number, mode: number): void {
  const { f32, f64 } = heap;
  let loss = 0;
  let weight = 0;
  for (let s = 0, at = pairs >>> 3; s < samples; s++, at += 2) {
    loss += f64[at];
    weight += f64[at + 1];
    if (mode === LOSS.none) f32[(losses >>> 2) + s] = f64[at];
  }
  f32[total >>> 2] = weight;
  if (mode === LOSS.sum) f32[losses >>> 2] = loss;
  if (mode === LOSS.mean) f32[losses >>> 2] = loss / weight;
}

/** Gradient of the logits, from the gradient of the loss and the probabilities. */
export const fastCrossEntropyBackward: FastKernel<CrossEntropyAttrs> = ([out], [grad, probabilities, target, weight, total], { classDim, ignoreIndex, smoothing, reduction }) => {
  if (!isKnown(out, target as Tensor, weight, ignoreIndex)) return false;
  const classes = out.shape[classDim];
  const samples = classDim === 0 ? 1 : out.shape[0];
  const places = out.numel() / (samples * classes);
  const [dx, g, p, labels] = [addressOf(out), addressOf(grad as Tensor), addressOf(probabilities as Tensor), addressOf(target as Tensor)];
  const w = typeof weight === 'number' ? 0 : addressOf(weight);
  const divisor = reduction === 'mean' ? addressOf(total as Tensor) : 0;
  const step = reduction === 'none' ? 4 : 0;
  const [main, even] = [1 - smoothing, smoothing / classes];
  const kernels = places === 1 ? crossEntropyRowsBackward : crossEntropyColumnsBackward;
  const kernel: WasmKernel = w === 0 ? kernels.plain : kernels.weighted;
  if (threadCount() > 1 && samples > 1 && out.numel() >= WORTH_SPLITTING) {
    const each = Math.ceil(samples / threadCount());
    const parts: number[][] = [];
    for (let s = 0; s < samples; s += each) {
      const skip = 4 * s * classes * places;
      const some = Math.min(each, samples - s);
      const sizes = places === 1 ? [some, classes] : [some, classes, places];
      parts.push([dx + skip, g + s * places * step, step, p + skip, labels + 4 * s * places, w, divisor, ignoreIndex, ...sizes, main, even]);
    }
    runParts(kernel, parts);
  } else if (places === 1) kernel.run(dx, g, step, p, labels, w, divisor, ignoreIndex, samples, classes, main, even);
  else kernel.run(dx, g, step, p, labels, w, divisor, ignoreIndex, samples, classes, places, main, even);
  return true;
};

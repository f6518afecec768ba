import type { TypedArray } from '../dtype.ts';
import type { Operand } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

/** Attributes of the kernels. Logits are row-major (N, C, …), or (C) where `classDim` is 0; so are the targets without C. */
export interface CrossEntropyAttrs {
  readonly classDim: 0 | 1;
  /** The target that does not count. */
  readonly ignoreIndex: number;
  /** Share of the target spread over all classes. */
  readonly smoothing: number;
  readonly reduction: 'none' | 'mean' | 'sum';
}

function cellsOf(x: Operand): TypedArray {
  const t = x as Tensor;
  return t.storage.cells.subarray(t.offset, t.offset + t.numel());
}

/** Samples, classes, and places per sample, of (N, C, …). */
function sizesOf(x: Tensor, classDim: 0 | 1): readonly [samples: number, classes: number, places: number] {
  const samples = classDim === 0 ? 1 : x.shape[0];
  const classes = x.shape[classDim];
  return [samples, classes, samples * classes === 0 ? 0 : x.numel() / (samples * classes)];
}

function weightsOf(weight: Operand, classes: number): Float64Array {
  return typeof weight === 'number' ? new Float64Array(classes).fill(weight) : Float64Array.from(cellsOf(weight));
}

/** Losses, probabilities, and the weight of all targets that count. */
export function crossEntropy(outputs: readonly Tensor[], [logits, target, weight]: readonly Operand[], attrs: CrossEntropyAttrs): void {
  const [losses, p, total] = outputs.map(cellsOf);
  const [x, targets] = [cellsOf(logits), cellsOf(target)];
  const [samples, classes, places] = sizesOf(logits as Tensor, attrs.classDim);
  const weights = weightsOf(weight, classes);
  const { ignoreIndex, smoothing, reduction } = attrs;
  const [main, even] = [1 - smoothing, smoothing / classes];
  let sum = 0;
  let counted = 0;
  for (let s = 0; s < samples; s++) {
    for (let l = 0; l < places; l++) {
      const start = s * classes * places + l;
      const end = start + classes * places;
      let max = -Infinity;
      for (let i = start; i < end; i += places) if (x[i] > max || x[i] !== x[i]) max = x[i];
      let norm = 0;
      for (let i = start; i < end; i += places) {
        const v = Math.exp(x[i] - max);
        p[i] = v;
        norm += v;
      }
      const inverse = 1 / norm;
      for (let i = start; i < end; i += places) p[i] *= inverse;
      const at = s * places + l;
      const y = targets[at];
      let loss = 0;
      if (y !== ignoreIndex) {
        const logNorm = max + Math.log(norm);
        loss = main * weights[y] * (logNorm - x[start + y * places]);
        if (smoothing > 0) for (let c = 0, i = start; c < classes; c++, i += places) loss += even * weights[c] * (logNorm - x[i]);
        counted += weights[y];
      }
      if (reduction === 'none') losses[at] = loss;
      else sum += loss;
    }
  }
  total[0] = counted;
  if (reduction === 'sum') losses[0] = sum;
  if (reduction === 'mean') losses[0] = sum / counted;
}

/** Gradient of the logits, from the gradient of the loss and the probabilities: softmax minus the target. */
export function crossEntropyBackward([out]: readonly Tensor[], [grad, probabilities, target, weight, total]: readonly Operand[], attrs: CrossEntropyAttrs): void {
  const [g, p, targets, dx] = [cellsOf(grad), cellsOf(probabilities), cellsOf(target), cellsOf(out)];
  const [samples, classes, places] = sizesOf(out, attrs.classDim);
  const weights = weightsOf(weight, classes);
  const { ignoreIndex, smoothing, reduction } = attrs;
  const [main, even] = [1 - smoothing, smoothing / classes];
  const all = even * weights.reduce((a, b) => a + b, 0);
  dx.fill(0);
  const factor = reduction === 'mean' ? g[0] / cellsOf(total)[0] : g[0];
  for (let s = 0; s < samples; s++) {
    for (let l = 0; l < places; l++) {
      const at = s * places + l;
      const y = targets[at];
      if (y === ignoreIndex) continue;
      const slope = reduction === 'none' ? g[at] : factor;
      const start = s * classes * places + l;
      const own = main * weights[y];
      for (let c = 0, i = start; c < classes; c++, i += places) dx[i] = slope * (p[i] * (own + all) - even * weights[c]);
      dx[start + y * places] -= slope * own;
    }
  }
}

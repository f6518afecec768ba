import type { TypedArray } from '../dtype.ts';
import type { Operand } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

/** Attributes of the kernels. Log-probabilities are row-major (T, N, C), targets row-major. */
export interface CtcAttrs {
  /** Steps of each sequence. */
  readonly inputLengths: readonly number[];
  /** Labels of each sequence. */
  readonly targetLengths: readonly number[];
  /** Where the labels of each sequence begin. */
  readonly starts: readonly number[];
  readonly blank: number;
  /** Infinite losses have no gradient. */
  readonly zeroInfinity: boolean;
}

function cellsOf(x: Operand): TypedArray {
  const t = x as Tensor;
  return t.storage.cells.subarray(t.offset, t.offset + t.numel());
}

/** log(eᵃ + eᵇ + eᶜ). */
function logSum(a: number, b: number, c: number): number {
  const max = Math.max(a, b, c);
  if (max === -Infinity) return max;
  return max + Math.log(Math.exp(a - max) + Math.exp(b - max) + Math.exp(c - max));
}

/** One sequence's labels with blanks around and between them: the label at place `s`, and whether a path may jump over the blank before `s + 2`. */
class Path {
  readonly places: number;
  private readonly targets: TypedArray;
  private readonly start: number;
  private readonly blank: number;

  constructor(targets: TypedArray, start: number, length: number, blank: number) {
    this.targets = targets;
    this.start = start;
    this.places = 2 * length + 1;
    this.blank = blank;
  }

  label(s: number): number {
    return s % 2 === 0 ? this.blank : this.targets[this.start + (s - 1) / 2];
  }

  jumps(s: number): boolean {
    return s >= 0 && s + 2 < this.places && this.label(s) !== this.label(s + 2);
  }
}

/** Losses (N), and the logarithms of the forward variables (N, T, 2·S + 1). */
export function ctcKernel(outputs: readonly Tensor[], [logProbs, labels]: readonly Operand[], { inputLengths, targetLengths, starts, blank }: CtcAttrs): void {
  const [losses, alpha] = outputs.map(cellsOf);
  const [p, targets] = [cellsOf(logProbs), cellsOf(labels)];
  const [steps, batch, classes] = (logProbs as Tensor).shape;
  const width = outputs[1].shape[2];
  alpha.fill(-Infinity);
  for (let b = 0; b < batch; b++) {
    const path = new Path(targets, starts[b], targetLengths[b], blank);
    const { places } = path;
    const length = inputLengths[b];
    if (length === 0) {
      losses[b] = places === 1 ? 0 : Infinity;
      continue;
    }
    const first = b * steps * width;
    alpha[first] = p[b * classes + blank];
    if (places > 1) alpha[first + 1] = p[b * classes + path.label(1)];
    for (let t = 1; t < length; t++) {
      const at = first + t * width;
      const before = at - width;
      const row = (t * batch + b) * classes;
      for (let s = 0; s < places; s++) {
        const one = s > 0 ? alpha[before + s - 1] : -Infinity;
        const two = path.jumps(s - 2) ? alpha[before + s - 2] : -Infinity;
        alpha[at + s] = logSum(alpha[before + s], one, two) + p[row + path.label(s)];
      }
    }
    const last = first + (length - 1) * width + places - 1;
    losses[b] = -logSum(alpha[last], places > 1 ? alpha[last - 1] : -Infinity, -Infinity);
  }
}

/** The gradient of the log-probabilities, (T, N, C), as if they came out of a log-softmax: `(eᵖ - Σ e^(α + β + loss - p))·g`, 0 behind the end of a sequence. */
export function ctcBackwardKernel([out]: readonly Tensor[], inputs: readonly Operand[], { inputLengths, targetLengths, starts, blank, zeroInfinity }: CtcAttrs): void {
  const [g, p, targets, losses, alpha] = inputs.map(cellsOf);
  const grad = cellsOf(out);
  const [steps, batch, classes] = out.shape;
  const width = (inputs[4] as Tensor).shape[2];
  const beta = new Float64Array(width);
  const next = new Float64Array(width);
  const sums = new Float64Array(classes);
  grad.fill(0);
  for (let b = 0; b < batch; b++) {
    const loss = losses[b];
    if (zeroInfinity && loss === Infinity) continue;
    const path = new Path(targets, starts[b], targetLengths[b], blank);
    const { places } = path;
    const length = inputLengths[b];
    for (let t = length - 1; t >= 0; t--) {
      const row = (t * batch + b) * classes;
      const at = (b * steps + t) * width;
      sums.fill(-Infinity);
      next.set(beta);
      for (let s = places - 1; s >= 0; s--) {
        const label = path.label(s);
        if (t === length - 1) beta[s] = s >= places - 2 ? p[row + label] : -Infinity;
        else beta[s] = logSum(next[s], s + 1 < places ? next[s + 1] : -Infinity, path.jumps(s) ? next[s + 2] : -Infinity) + p[row + label];
        sums[label] = logSum(sums[label], alpha[at + s] + beta[s], -Infinity);
      }
      for (let c = 0; c < classes; c++) grad[row + c] = (Math.exp(p[row + c]) - Math.exp(sums[c] + loss - p[row + c])) * g[b];
    }
  }
}

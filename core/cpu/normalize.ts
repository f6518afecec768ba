import type { TypedArray } from '../dtype.ts';
import type { Operand } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

/** Attributes of the kernels. All tensors are row-major. */
export interface NormAttrs {
  /** Added to the variance. */
  readonly eps: number;
  /** False when mean and variance are given constants, so that no gradient flows through them. */
  readonly training: boolean;
}

/** Attributes of the gradient kernels. */
export interface NormBackwardAttrs extends NormAttrs {
  /** Whether the gradient of the input is wanted at all. */
  readonly input: boolean;
}

/** A row-major tensor as a typed array of its own elements. */
function cellsOf(x: Operand): TypedArray {
  const t = x as Tensor;
  const { cells } = t.storage;
  const n = t.numel();
  return t.offset === 0 && cells.length === n ? cells : cells.subarray(t.offset, t.offset + n);
}

/** The elements of an optional vector, or the number in its place `n` times, as doubles. */
function vectorOf(x: Operand, n: number): Float64Array {
  return typeof x === 'number' ? new Float64Array(n).fill(x) : Float64Array.from(cellsOf(x));
}

/** (N, C, …): channels, and elements of one channel of one sample. */
function planes(x: Tensor): { readonly channels: number; readonly size: number } {
  const channels = x.shape[1];
  return { channels, size: x.numel() / (x.shape[0] * channels) };
}

/** Σ x over a range, in four running sums so that additions need not wait for each other. */
function sumOf(x: TypedArray, from: number, to: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    a += x[i];
    b += x[i + 1];
    c += x[i + 2];
    d += x[i + 3];
  }
  for (; i < to; i++) a += x[i];
  return a + b + (c + d);
}

/** Σ (x - mean)² over a range. */
function squaresOf(x: TypedArray, from: number, to: number, mean: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    const p = x[i] - mean;
    const q = x[i + 1] - mean;
    const r = x[i + 2] - mean;
    const s = x[i + 3] - mean;
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  for (; i < to; i++) a += (x[i] - mean) * (x[i] - mean);
  return a + b + (c + d);
}

/** Mean and biased variance of each channel of (N, C, …), in two passes. */
export function channelStats([mean, variance]: readonly Tensor[], [input]: readonly Operand[]): void {
  const x = cellsOf(input);
  const { channels, size } = planes(input as Tensor);
  const count = x.length / channels;
  const sums = new Float64Array(channels);
  for (let at = 0, c = 0; at < x.length; at += size, c = c + 1 === channels ? 0 : c + 1) {
    sums[c] += sumOf(x, at, at + size);
  }
  for (let c = 0; c < channels; c++) sums[c] /= count;
  const squares = new Float64Array(channels);
  for (let at = 0, c = 0; at < x.length; at += size, c = c + 1 === channels ? 0 : c + 1) {
    squares[c] += squaresOf(x, at, at + size, sums[c]);
  }
  for (let c = 0; c < channels; c++) squares[c] /= count;
  cellsOf(mean).set(sums);
  cellsOf(variance).set(squares);
}

/** `(x - mean)/√(var + eps)·weight + bias` per channel of (N, C, …). */
export function normChannels([out]: readonly Tensor[], [input, weight, bias, mean, variance]: readonly Operand[], { eps }: NormAttrs): void {
  const [x, y, means, variances] = [cellsOf(input), cellsOf(out), cellsOf(mean), cellsOf(variance)];
  const { channels, size } = planes(input as Tensor);
  const scales = vectorOf(weight, channels);
  const shifts = vectorOf(bias, channels);
  for (let c = 0; c < channels; c++) scales[c] /= Math.sqrt(variances[c] + eps);
  for (let at = 0, c = 0; at < x.length; at += size, c = c + 1 === channels ? 0 : c + 1) {
    const [m, scale, shift] = [means[c], scales[c], shifts[c]];
    for (let i = at; i < at + size; i++) y[i] = (x[i] - m) * scale + shift;
  }
}

/** Gradients of input, weight and bias of `normChannels`. */
export function normChannelsBackward(outputs: readonly Tensor[], inputs: readonly Operand[], attrs: NormBackwardAttrs): void {
  const [dx, dw, db] = outputs.map(cellsOf);
  const [g, x, , means, variances] = inputs.map((t) => (typeof t === 'number' ? new Float64Array(0) : cellsOf(t)));
  const { channels, size } = planes(inputs[1] as Tensor);
  const count = x.length / channels;
  const sums = new Float64Array(channels); // Σ g
  const dots = new Float64Array(channels); // Σ g·(x - mean)
  for (let at = 0, c = 0; at < x.length; at += size, c = c + 1 === channels ? 0 : c + 1) {
    const m = means[c];
    let sum = 0;
    let dot = 0;
    for (let i = at; i < at + size; i++) {
      sum += g[i];
      dot += g[i] * (x[i] - m);
    }
    sums[c] += sum;
    dots[c] += dot;
  }
  const scales = vectorOf(inputs[2], channels);
  for (let c = 0; c < channels; c++) {
    const inverse = 1 / Math.sqrt(variances[c] + attrs.eps);
    scales[c] *= inverse;
    db[c] = sums[c];
    dw[c] = dots[c] * inverse;
    sums[c] = attrs.training ? sums[c] / count : 0;
    dots[c] = attrs.training ? (dots[c] * inverse * inverse) / count : 0;
  }
  if (!attrs.input) return;
  for (let at = 0, c = 0; at < x.length; at += size, c = c + 1 === channels ? 0 : c + 1) {
    const [m, scale, average, slope] = [means[c], scales[c], sums[c], dots[c]];
    for (let i = at; i < at + size; i++) dx[i] = (g[i] - average - (x[i] - m) * slope) * scale;
  }
}

/** Mean and biased variance of each row; `mean` has one element per row. */
export function rowStats([mean, variance]: readonly Tensor[], [input]: readonly Operand[]): void {
  const [x, means, variances] = [cellsOf(input), cellsOf(mean), cellsOf(variance)];
  const width = x.length / means.length;
  for (let r = 0, at = 0; r < means.length; r++, at += width) {
    const m = sumOf(x, at, at + width) / width;
    means[r] = m;
    variances[r] = squaresOf(x, at, at + width, m) / width;
  }
}

/** `(x - mean)/√(var + eps)·weight + bias` per row, weight and bias per element of a row. */
export function normRows([out]: readonly Tensor[], [input, weight, bias, mean, variance]: readonly Operand[], { eps }: NormAttrs): void {
  const [x, y, means, variances] = [cellsOf(input), cellsOf(out), cellsOf(mean), cellsOf(variance)];
  const width = x.length / means.length;
  const scales = vectorOf(weight, width);
  const shifts = vectorOf(bias, width);
  for (let r = 0, at = 0; r < means.length; r++, at += width) {
    const m = means[r];
    const inverse = 1 / Math.sqrt(variances[r] + eps);
    for (let i = 0; i < width; i++) y[at + i] = (x[at + i] - m) * inverse * scales[i] + shifts[i];
  }
}

/** Gradients of input, weight and bias of `normRows`. */
export function normRowsBackward(outputs: readonly Tensor[], inputs: readonly Operand[], attrs: NormBackwardAttrs): void {
  const [dx, dw, db] = outputs.map(cellsOf);
  const [g, x, , means, variances] = inputs.map((t) => (typeof t === 'number' ? new Float64Array(0) : cellsOf(t)));
  const width = x.length / means.length;
  const scales = vectorOf(inputs[2], width);
  const sums = new Float64Array(width);
  const dots = new Float64Array(width);
  for (let r = 0, at = 0; r < means.length; r++, at += width) {
    const m = means[r];
    const inverse = 1 / Math.sqrt(variances[r] + attrs.eps);
    let sum = 0;
    let dot = 0;
    for (let i = 0; i < width; i++) {
      const slope = g[at + i];
      const unit = (x[at + i] - m) * inverse;
      sums[i] += slope;
      dots[i] += slope * unit;
      sum += slope * scales[i];
      dot += slope * scales[i] * unit;
    }
    if (!attrs.input) continue;
    const average = sum / width;
    const along = (dot * inverse) / width;
    for (let i = 0; i < width; i++) dx[at + i] = (g[at + i] * scales[i] - average - (x[at + i] - m) * along) * inverse;
  }
  // Without rows there are no sums either.
  db.fill(0).set(sums);
  dw.fill(0).set(dots);
}

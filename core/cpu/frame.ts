import type { Tensor } from '../tensor.ts';
import { scratch } from './tile.ts';

/** Height and width; a convolution over one dimension has height 1. */
export type Pair = readonly [number, number];

/**
 * The sizes of a convolution from `x (batch, inChannels, …input)` with `weight (outChannels, inChannels / groups, …kernel)` to
 * `y (batch, outChannels, …output)`. Its two gradients have the same geometry.
 */
export interface ConvGeometry {
  /** Spatial dimensions of the tensors. */
  readonly rank: 1 | 2;
  readonly batch: number;
  readonly groups: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly input: Pair;
  readonly output: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  /** Zeros before the input; those after it follow from the output size. */
  readonly padding: Pair;
  readonly dilation: Pair;
}

/** Doubles of a padded chunk of images: what stays in the first- or second-level cache. */
export const CHUNK = 16_384;

/** Where framed images lie; a kernel is done with them when it returns. */
export const images: (length: number) => Float64Array = scratch();

/** Four strides of an image tensor or a weight, whatever its rank. */
export function stridesOf4({ strides }: Tensor): readonly [number, number, number, number] {
  return strides.length === 4 ? [strides[0], strides[1], strides[2], strides[3]] : [strides[0], strides[1], 0, strides[2]];
}

/** Images with zeros around them: `before` rows and columns of zeros first, `size` in all. */
export interface Frame {
  readonly channels: number;
  readonly inner: Pair;
  readonly before: Pair;
  readonly size: Pair;
}

/** Copies `count` images from number `first` on into a frame of doubles; what does not fit the frame is left out. */
export function frameImages(out: Float64Array, x: Tensor, { channels, inner, before, size }: Frame, first: number, count: number): void {
  const [byImage, byChannel, byRow, byColumn] = stridesOf4(x);
  const { cells } = x.storage;
  const plane = size[0] * size[1];
  const rows = Math.min(inner[0], size[0] - before[0]);
  const columns = Math.min(inner[1], size[1] - before[1]);
  if (rows < size[0] || columns < size[1]) out.fill(0, 0, count * channels * plane);
  let to = before[0] * size[1] + before[1];
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < channels; c++, to += plane) {
      const from = x.offset + (first + n) * byImage + c * byChannel;
      for (let i = 0; i < rows; i++) {
        const target = to + i * size[1];
        let at = from + i * byRow;
        for (let j = 0; j < columns; j++, at += byColumn) out[target + j] = cells[at];
      }
    }
  }
}

/** How far windows of the input reach: the frame a convolution reads. */
export function windowFrame(geometry: ConvGeometry): Frame {
  const { output, stride, kernel, dilation, padding } = geometry;
  const reach = (d: 0 | 1): number => Math.max(0, (output[d] - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + 1);
  return { channels: geometry.inChannels, inner: geometry.input, before: padding, size: [reach(0), reach(1)] };
}

/** Places of the kernel's taps: in the weight, and in a frame of this width. */
export function tapsOf({ kernel, dilation }: ConvGeometry, w: readonly number[], width: number): { weightAt: number[]; frameAt: number[] } {
  const weightAt: number[] = [];
  const frameAt: number[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      weightAt.push(i * w[2] + j * w[3]);
      frameAt.push(i * dilation[0] * width + j * dilation[1]);
    }
  }
  return { weightAt, frameAt };
}
